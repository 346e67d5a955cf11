"""Departments of a corp. The root is always 1."""

from dataclasses import dataclass
from typing import Final

from yunlian.platforms.dingtalk.api import result
from yunlian.platforms.dingtalk.client import Client
from yunlian.platforms.dingtalk.wire import Json, listed, number, numbers, several, text

ROOT: Final = 1


@dataclass(frozen=True, slots=True)
class Department:
    """One department; `parent_id` is 0 for the root."""

    id: int
    name: str
    parent_id: int


@dataclass(frozen=True, slots=True)
class Detail:
    """A department with what only asking for it alone tells. `members` counts its whole subtree."""

    department: Department
    order: int
    managers: tuple[str, ...]
    members: int


def below(client: Client, dept_id: int) -> list[Department]:
    """The children of a department, one level."""
    return [
        _department(each)
        for each in listed(client.read("/topapi/v2/department/listsub", {"dept_id": dept_id}), "result")
    ]


def ids_below(client: Client, dept_id: int) -> tuple[int, ...]:
    """Ids of the children, one level, whether or not they are in the visible range."""
    answer = client.read("/topapi/v2/department/listsubid", {"dept_id": dept_id})
    return numbers(several(result(answer), "dept_id_list"))


def detail(client: Client, dept_id: int) -> Detail:
    """Raises PlatformError 60003 when there is none, 50004 when it is outside the visible range."""
    found = result(client.read("/topapi/v2/department/get", {"dept_id": dept_id}))
    return Detail(
        department=_department(found),
        order=number(found, "order"),
        managers=several(found, "dept_manager_userid_list"),
        members=number(found, "member_count"),
    )


def path_up(client: Client, dept_id: int) -> tuple[int, ...]:
    """The department itself, its parent and so on, up to the root; not limited by the visible range."""
    answer = client.read("/topapi/v2/department/listparentbydept", {"dept_id": dept_id})
    return numbers(several(result(answer), "parent_id_list"))


def paths_of(client: Client, user_id: str) -> tuple[tuple[int, ...], ...]:
    """One path up for each department of a user; not limited by the visible range."""
    answer = client.read("/topapi/v2/department/listparentbyuser", {"userid": user_id})
    return tuple(
        numbers(several(each, "parent_dept_id_list")) for each in listed(result(answer), "parent_list")
    )


def _department(found: Json) -> Department:
    return Department(number(found, "dept_id"), text(found, "name"), number(found, "parent_id"))
