"""Tags 标签 of members; only the app that made one may change it. Source: developer.work.weixin.qq.com, 标签管理."""

from dataclasses import dataclass
from typing import Any, NamedTuple

from .client import Client


@dataclass(frozen=True)
class Tag:
    """A tag with those who carry it."""

    id: int
    name: str
    users: tuple[str, ...] = ()
    departments: tuple[int, ...] = ()


class Left(NamedTuple):
    """Whom a change did not reach; the others are changed."""

    users: tuple[str, ...]
    departments: tuple[int, ...]


def create(client: Client, name: str, id: int | None = None) -> int:
    """Make a tag of up to 32 characters; its id."""
    asked = {"tagname": name} if id is None else {"tagname": name, "tagid": id}
    return int(client.post("tag/create", asked)["tagid"])


def rename(client: Client, id: int, name: str) -> None:
    """Give a tag another name."""
    client.post("tag/update", {"tagid": id, "tagname": name})


def delete(client: Client, id: int) -> None:
    """Delete a tag."""
    client.get("tag/delete", tagid=id)


def get(client: Client, id: int) -> Tag:
    """One tag with its people and departments."""
    answer = client.get("tag/get", tagid=id)
    users = tuple(each["userid"] for each in answer["userlist"])
    return Tag(id, answer["tagname"], users, tuple(answer["partylist"]))


def every(client: Client) -> list[Tag]:
    """All tags, without those who carry them."""
    return [Tag(int(row["tagid"]), row["tagname"]) for row in client.get("tag/list")["taglist"]]


def add(client: Client, id: int, users: list[str], departments: list[int]) -> Left:
    """Put the tag on up to 1000 members and 100 departments."""
    return _left(client.post("tag/addtagusers", {"tagid": id, "userlist": users, "partylist": departments}))


def remove(client: Client, id: int, users: list[str], departments: list[int]) -> Left:
    """Take the tag off up to 1000 members and 100 departments."""
    return _left(client.post("tag/deltagusers", {"tagid": id, "userlist": users, "partylist": departments}))


def _left(answer: dict[str, Any]) -> Left:
    users = tuple(each for each in answer.get("invalidlist", "").split("|") if each)
    return Left(users, tuple(answer.get("invalidparty") or ()))
