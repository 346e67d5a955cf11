"""Members 成员 of WeCom. Source: developer.work.weixin.qq.com, 创建/更新/读取/删除成员 (90195, 96260).

Since 2022 most apps are not told mobile, e-mail, gender, avatar and address; our own database is their master, and the
contacts secret writes them and lists ids.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, NamedTuple

from .client import Client

PAGE = 10_000
DELETED_AT_ONCE = 200


class Status(IntEnum):
    """How far a member has come."""

    ACTIVE = 1
    DISABLED = 2
    INVITED = 4
    LEFT = 5


@dataclass(frozen=True)
class Attribute:
    """A custom attribute: text, or the title and address of a link. Its name must exist in the admin console."""

    name: str
    text: str
    url: str = ""


@dataclass(frozen=True)
class Member:
    """A member; what is None is not sent, and was not told. `user` compares without case.

    `orders` and `leads` have one entry per department. Mobile and e-mail must not both be empty.
    """

    user: str
    name: str | None = None
    departments: tuple[int, ...] | None = None
    orders: tuple[int, ...] | None = None
    main_department: int | None = None
    leads: tuple[bool, ...] | None = None
    direct_leaders: tuple[str, ...] | None = None
    alias: str | None = None
    mobile: str | None = None
    email: str | None = None
    biz_mail: str | None = None
    position: str | None = None
    gender: str | None = None  # "1" male, "2" female
    telephone: str | None = None
    address: str | None = None
    enabled: bool | None = None
    attributes: tuple[Attribute, ...] | None = None
    status: Status | None = None
    avatar: str | None = None


class Placed(NamedTuple):
    """One member in one department."""

    user: str
    department: int


def create(client: Client, member: Member, *, invite: bool) -> None:
    """Create a member; `invite` lets WeCom send invitations for some days.

    Refused above all with 60102 (account taken), 60104 (mobile taken), 60003 (no such department).
    """
    client.post("user/create", {**sent(member), "to_invite": invite})


def update(client: Client, member: Member, new_user: str | None = None) -> None:
    """Change what is not None. An account can be renamed once, if WeCom made it (301036); a mobile only before the
    member has activated: later WeCom silently leaves it.
    """
    renamed = {} if new_user is None else {"new_userid": new_user}
    client.post("user/update", {**sent(member), **renamed})


def delete(client: Client, user: str) -> None:
    """Delete a member. Refused with 60111 (none), 301005 (the founder)."""
    client.get("user/delete", userid=user)


def delete_many(client: Client, users: list[str]) -> None:
    """Delete up to 200; one that is not there refuses all."""
    client.post("user/batchdelete", {"useridlist": users})


def get(client: Client, user: str) -> Member:
    """One member, as far as this app is told."""
    return read(client.get("user/get", userid=user))


def of_department(client: Client, department: int) -> list[Member]:
    """The members of one department, in detail. Refused with 45029 when there are too many."""
    return [read(row) for row in client.get("user/list", department_id=department)["userlist"]]


def names(client: Client, department: int) -> list[Member]:
    """The members of one department: account, name and departments."""
    return [read(row) for row in client.get("user/simplelist", department_id=department)["userlist"]]


def ids(client: Client, page: int = PAGE) -> Iterator[Placed]:
    """Every member of the corp, once per department; contacts secret only."""
    cursor = ""
    while True:
        answer = client.post("user/list_id", {"cursor": cursor, "limit": page})
        for row in answer["dept_user"]:
            yield Placed(row["userid"], int(row["department"]))
        cursor = answer.get("next_cursor", "")
        if not cursor:
            return


def by_mobile(client: Client, mobile: str) -> str:
    """The account with this mobile. Refused with 46004 when there is none."""
    return str(client.post("user/getuserid", {"mobile": mobile})["userid"])


def by_email(client: Client, email: str, kind: int = 2) -> str:
    """The account with this address: 1 of corp mail, 2 the member's own."""
    asked = {"email": email, "email_type": kind}
    return str(client.post("user/get_userid_by_email", asked)["userid"])


def openid(client: Client, user: str) -> str:
    """The openid WeChat Pay knows a member by."""
    return str(client.post("user/convert_to_openid", {"userid": user})["openid"])


def by_openid(client: Client, openid: str) -> str:
    """The account behind an openid."""
    return str(client.post("user/convert_to_userid", {"openid": openid})["userid"])


def second_factor_passed(client: Client, user: str) -> None:
    """Tell WeCom that a member has passed our second check (二次验证)."""
    client.get("user/authsucc", userid=user)


def join_qr(client: Client, size: int = 2) -> str:
    """The address of a QR code by which people join; sizes 1 to 4 are 171, 399, 741 and 2052 pixels."""
    return str(client.get("corp/get_join_qrcode", size_type=size)["join_qrcode"])


def active_count(client: Client, day: str) -> int:
    """How many were active on a day, written 2024-06-01."""
    return int(client.post("user/get_active_stat", {"date": day})["active_cnt"])


class Uninvited(NamedTuple):
    """Whom an invitation could not reach; the others were invited."""

    users: tuple[str, ...]
    departments: tuple[int, ...]
    tags: tuple[int, ...]


def invite(
    client: Client, users: list[str], departments: list[int] | None = None, tags: list[int] | None = None
) -> Uninvited:
    """Invite up to 1000 members, 100 departments and 100 tags."""
    asked = {"user": users, "party": departments or [], "tag": tags or []}
    answer = client.post("batch/invite", asked)
    return Uninvited(
        tuple(answer.get("invaliduser") or ()),
        tuple(answer.get("invalidparty") or ()),
        tuple(answer.get("invalidtag") or ()),
    )


def sent(member: Member) -> dict[str, Any]:
    """The JSON of a member."""
    named: dict[str, Any] = {
        "userid": member.user, "name": member.name, "alias": member.alias, "mobile": member.mobile,
        "department": _list(member.departments), "order": _list(member.orders),
        "main_department": member.main_department,
        "is_leader_in_dept": None if member.leads is None else [int(each) for each in member.leads],
        "direct_leader": _list(member.direct_leaders), "position": member.position, "gender": member.gender,
        "email": member.email, "biz_mail": member.biz_mail, "telephone": member.telephone,
        "address": member.address, "enable": None if member.enabled is None else int(member.enabled),
        "extattr": None if member.attributes is None else {"attrs": [_attribute(each) for each in member.attributes]},
    }  # fmt: skip
    return {name: value for name, value in named.items() if value is not None}


def read(row: dict[str, Any]) -> Member:
    """A member as told; numbers come as text and the other way round."""
    status = row.get("status")
    leads = row.get("is_leader_in_dept")
    attributes = (row.get("extattr") or {}).get("attrs")
    return Member(
        user=row["userid"],
        name=row.get("name"),
        departments=_tuple(row.get("department")),
        orders=_tuple(row.get("order")),
        main_department=row.get("main_department"),
        leads=None if leads is None else tuple(bool(int(each)) for each in leads),
        direct_leaders=_tuple(row.get("direct_leader")),
        alias=row.get("alias"),
        mobile=row.get("mobile"),
        email=row.get("email"),
        biz_mail=row.get("biz_mail"),
        position=row.get("position"),
        gender=None if row.get("gender") is None else str(row["gender"]),
        telephone=row.get("telephone"),
        address=row.get("address"),
        enabled=None if row.get("enable") is None else bool(int(row["enable"])),
        attributes=None if attributes is None else tuple(_read_attribute(each) for each in attributes),
        status=None if status is None else Status(int(status)),
        avatar=row.get("avatar"),
    )


def _list(found: tuple[Any, ...] | None) -> list[Any] | None:
    return None if found is None else list(found)


def _tuple(found: list[Any] | None) -> tuple[Any, ...] | None:
    return None if found is None else tuple(found)


def _attribute(each: Attribute) -> dict[str, Any]:
    if each.url:
        return {"type": 1, "name": each.name, "web": {"url": each.url, "title": each.text}}
    return {"type": 0, "name": each.name, "text": {"value": each.text}}


def _read_attribute(row: dict[str, Any]) -> Attribute:
    if row.get("type") == 1:
        return Attribute(row["name"], row["web"].get("title", ""), row["web"].get("url", ""))
    return Attribute(row["name"], (row.get("text") or {}).get("value", row.get("value", "")))
