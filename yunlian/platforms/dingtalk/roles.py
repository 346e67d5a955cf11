"""Role labels of a corp (角色) and who has them.

Source: DingTalk Open Platform, "Roles" (`/topapi/role/list`, `/topapi/role/simplelist`; pages of at most 200).
"""

from collections.abc import Iterator
from typing import Final

from yunlian.platforms.dingtalk.api import result
from yunlian.platforms.dingtalk.client import Client
from yunlian.platforms.dingtalk.users import Role
from yunlian.platforms.dingtalk.wire import Json, flag, listed, number, text

PAGE: Final = 200


def all_roles(client: Client) -> Iterator[Role]:
    """Every role, group by group."""
    for group in _pages(client, "/topapi/role/list", {}):
        for each in listed(group, "roles"):
            yield Role(number(each, "id"), text(each, "name"), text(group, "name"))


def holders(client: Client, role_id: int) -> Iterator[str]:
    """Userids of those who have a role."""
    for each in _pages(client, "/topapi/role/simplelist", {"role_id": role_id}):
        yield text(each, "userid")


def _pages(client: Client, path: str, body: Json) -> Iterator[Json]:
    offset = 0
    while True:
        page = result(client.read(path, body | {"offset": offset, "size": PAGE}))
        yield from listed(page, "list")
        if not flag(page, "hasMore"):
            return
        offset += PAGE
