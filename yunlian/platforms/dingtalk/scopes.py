"""The visible range (可见范围): which part of a corp an app may see."""

from dataclasses import dataclass

from yunlian.platforms.dingtalk.client import Client
from yunlian.platforms.dingtalk.wire import flag, numbers, part, several


@dataclass(frozen=True, slots=True)
class Scope:
    """Departments with their whole subtrees, and single people. Department 1 is the whole corp.

    `fields` are what the app may read of a person.
    """

    departments: tuple[int, ...]
    users: tuple[str, ...]
    fields: tuple[str, ...]


def visible_range(client: Client) -> Scope:
    """What the administrators of the corp have chosen."""
    answer = client.get("/auth/scopes")
    scopes = part(answer, "auth_org_scopes")
    return Scope(
        departments=numbers(several(scopes, "authed_dept")),
        users=several(scopes, "authed_user"),
        fields=several(answer, "auth_user_field"),
    )


@dataclass(frozen=True, slots=True)
class UsableRange:
    """Who sees an internal app on the workbench (使用范围)."""

    users: tuple[str, ...]
    departments: tuple[int, ...]
    roles: tuple[int, ...]
    only_admins: bool


def usable_range(client: Client, agent_id: int) -> UsableRange:
    """Of an internal app; for others it equals the visible range."""
    found = part(client.new("GET", "/v1.0/microApp/apps/{}/scopes", str(agent_id)), "result")
    return UsableRange(
        users=several(found, "userIds"),
        departments=numbers(several(found, "deptIds")),
        roles=numbers(several(found, "roleIds")),
        only_admins=flag(found, "onlyAdminVisible"),
    )
