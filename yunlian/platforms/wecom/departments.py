"""Departments 部门 of WeCom. The root is 1; writes want the contacts secret, one after another.

Source: developer.work.weixin.qq.com, 部门管理.
"""

from dataclasses import dataclass
from typing import Any

from .client import Client

ROOT = 1


@dataclass(frozen=True)
class Department:
    """A department; what is None is not sent, and was not told. A larger `order` comes first (0 ≤ n < 2³²)."""

    id: int | None = None
    name: str | None = None
    parent: int | None = None
    order: int | None = None
    name_en: str | None = None
    leaders: tuple[str, ...] = ()


def create(client: Client, department: Department) -> int:
    """Create it below its parent, and give its id: the one asked for, or one WeCom chose."""
    return int(client.post("department/create", _sent(department))["id"])


def update(client: Client, department: Department) -> None:
    """Change what is not None; `id` names it."""
    client.post("department/update", _sent(department))


def delete(client: Client, id: int) -> None:
    """Delete an empty one. Refused for the root (60007), with members (60005), with children (60006)."""
    client.get("department/delete", id=id)


def tree(client: Client, root: int | None = None) -> list[Department]:
    """A department and all below it, with names; refused to new addresses of the contacts secret (48009)."""
    return [read(row) for row in client.get("department/list", id=root)["department"]]


def ids(client: Client, root: int | None = None) -> list[Department]:
    """The same tree without names, which stays open to the contacts secret."""
    return [read(row) for row in client.get("department/simplelist", id=root)["department_id"]]


def get(client: Client, id: int) -> Department:
    """One department."""
    return read(client.get("department/get", id=id)["department"])


def _sent(department: Department) -> dict[str, Any]:
    named = {
        "id": department.id, "name": department.name, "name_en": department.name_en,
        "parentid": department.parent, "order": department.order,
    }  # fmt: skip
    return {name: value for name, value in named.items() if value is not None}


def read(row: dict[str, Any]) -> Department:
    """For apps that are not of contacts the name may be missing."""
    return Department(
        id=int(row["id"]),
        name=row.get("name"),
        parent=row.get("parentid"),
        order=row.get("order"),
        name_en=row.get("name_en") or None,
        leaders=tuple(row.get("department_leader") or ()),
    )
