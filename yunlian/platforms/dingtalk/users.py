"""People of a corp, as far as an app may see them."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from yunlian.platforms.dingtalk.api import result
from yunlian.platforms.dingtalk.client import Client
from yunlian.platforms.dingtalk.refusals import GONE
from yunlian.platforms.dingtalk.wire import Json, flag, listed, number, numbers, several, text
from yunlian.platforms.errors import PlatformError

PAGE: Final = 100
LEAVERS_PAGE: Final = 50


@dataclass(frozen=True, slots=True)
class Role:
    """A role label somebody has."""

    id: int
    name: str
    group: str


@dataclass(frozen=True, slots=True)
class User:
    """A person. What the app may not read is empty, just like what nobody filled in.

    A third-party app is never told mobile, email and the like. `leads` are departments the person heads; `manager` and
    `roles` come only from `one`.
    """

    id: str
    union_id: str
    name: str
    departments: tuple[int, ...]
    state_code: str
    mobile: str
    email: str
    job_number: str
    title: str
    avatar: str
    active: bool
    admin: bool
    boss: bool
    leads: tuple[int, ...]
    manager: str = ""
    roles: tuple[Role, ...] = ()


@dataclass(frozen=True, slots=True)
class Leaver:
    """Somebody who left. `left_at` is DingTalk's text of the moment."""

    id: str
    name: str
    mobile: str
    left_at: str
    reason: str


def members(client: Client, dept_id: int) -> Iterator[User]:
    """Direct members of a department, never those of its children, page by page."""
    cursor = 0
    while True:
        body = {"dept_id": dept_id, "cursor": cursor, "size": PAGE}
        page = result(client.read("/topapi/v2/user/list", body))
        for each in listed(page, "list"):
            yield _listed(each, dept_id)
        if not flag(page, "has_more"):
            return
        cursor = number(page, "next_cursor")


def ids_in(client: Client, dept_id: int) -> tuple[str, ...]:
    """Userids of the direct members, whether or not they are in the visible range."""
    return several(result(client.read("/topapi/user/listid", {"dept_id": dept_id})), "userid_list")


def one(client: Client, user_id: str) -> User:
    """Raises PlatformError 60121 when there is nobody, 50002 when outside the visible range."""
    found = result(client.read("/topapi/v2/user/get", {"userid": user_id}))
    leads = tuple(number(each, "dept_id") for each in listed(found, "leader_in_dept") if flag(each, "leader"))
    roles = tuple(
        Role(number(each, "id"), text(each, "name"), text(each, "group_name"))
        for each in listed(found, "role_list")
    )
    return _user(found, leads, text(found, "manager_userid"), roles)


def by_mobile(client: Client, mobile: str) -> str | None:
    """The userid of a person in service, for internal apps; None when nobody has the number."""
    return _found(client, "/topapi/v2/user/getbymobile", {"mobile": mobile})


def by_union(client: Client, union_id: str) -> str | None:
    """The userid in this corp of a person known by unionId; None when not a member of staff here."""
    return _found(client, "/topapi/user/getbyunionid", {"unionid": union_id})


def counted(client: Client, *, only_active: bool) -> int:
    """How many people the corp has, whether or not they are in the visible range."""
    return number(result(client.read("/topapi/user/count", {"only_active": only_active})), "count")


def left(client: Client, since: dt.datetime, until: dt.datetime) -> Iterator[Leaver]:
    """Who left in a span of time; for internal apps. Both moments need a time zone."""
    cursor = "0"
    while cursor:
        query = {
            "startTime": _moment(since), "endTime": _moment(until),
            "nextToken": cursor, "maxResults": str(LEAVERS_PAGE),
        }  # fmt: skip
        page = client.new("GET", "/v1.0/contact/empLeaveRecords", query=query)
        for each in listed(page, "records"):
            yield Leaver(
                id=text(each, "userId"),
                name=text(each, "name"),
                mobile=text(each, "mobile"),
                left_at=text(each, "leaveTime"),
                reason=text(each, "leaveReason"),
            )
        cursor = text(page, "nextToken")


def _found(client: Client, path: str, body: Json) -> str | None:
    try:
        found = result(client.read(path, body))
    except PlatformError as error:
        if error.code in GONE:
            return None
        raise
    external = number(found, "contact_type") == 1
    return None if external else text(found, "userid") or None


def _listed(found: Json, dept_id: int) -> User:
    """In a department's list `leader` is about that department."""
    return _user(found, (dept_id,) if flag(found, "leader") else (), "", ())


def _user(found: Json, leads: tuple[int, ...], manager: str, roles: tuple[Role, ...]) -> User:
    return User(
        id=text(found, "userid"),
        union_id=text(found, "unionid"),
        name=text(found, "name"),
        departments=numbers(several(found, "dept_id_list")),
        state_code=text(found, "state_code"),
        mobile=text(found, "mobile"),
        email=text(found, "email", "org_email"),
        job_number=text(found, "job_number"),
        title=text(found, "title"),
        avatar=text(found, "avatar"),
        active=flag(found, "active"),
        admin=flag(found, "admin"),
        boss=flag(found, "boss"),
        leads=leads,
        manager=manager,
        roles=roles,
    )


def _moment(at: dt.datetime) -> str:
    if at.tzinfo is None:
        raise ValueError("a moment without a time zone")
    return at.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
