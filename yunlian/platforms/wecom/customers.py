"""Customer contact 客户联系: whom members have added in WeChat, tags of the corp, hand-over, and the ways they came.

Wants the customer-contact secret, or a self-built app in 客户联系 › 可调用应用. Source: developer.work.weixin.qq.com,
客户联系. A customer has one id for all members and own apps of a corp, and another in another corp.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, NamedTuple

from ..errors import PlatformError
from .client import Client

NO_RELATION = "84061"
AT_ONCE = 100


class Kind(IntEnum):
    """Who a customer is."""

    WECHAT = 1
    WECOM = 2  # a member of another corp


@dataclass(frozen=True)
class CustomerTag:
    """A tag a member has put on a customer; `id` is "" for personal ones (type 2)."""

    id: str
    name: str = ""
    group: str = ""
    type: int = 1


@dataclass(frozen=True)
class Follow:
    """What one member knows of a customer. `created_at` in seconds since 1970; `state` says which way they came."""

    user: str
    remark: str
    description: str
    created_at: int
    tags: tuple[CustomerTag, ...]
    company: str
    mobiles: tuple[str, ...]
    add_way: int
    state: str


@dataclass(frozen=True)
class Customer:
    """A customer. `unionid` is told for WeChat users of corps that have bound an account of the open platform."""

    id: str
    name: str
    kind: Kind
    gender: int
    unionid: str
    avatar: str
    position: str
    company: str
    follows: tuple[Follow, ...]


class Outcome(NamedTuple):
    """What became of one customer of a hand-over: 0 was accepted, and takes effect within a day."""

    customer: str
    code: int


class Handed(NamedTuple):
    """How far a hand-over is: 1 done, 2 waiting, 3 refused, 4 the taker is full, 5 none known."""

    customer: str
    status: int
    at: int


@dataclass(frozen=True)
class TagGroup:
    """A group of the corp's tags; `tags` are pairs of id and name."""

    id: str
    name: str
    tags: tuple[tuple[str, str], ...]


def followers(client: Client) -> list[str]:
    """The members who may use customer contact."""
    return list(client.get("externalcontact/get_follow_user_list")["follow_user"])


def ids(client: Client, user: str) -> list[str]:
    """The customers of a member; none at all is not an error."""
    try:
        return list(client.get("externalcontact/list", userid=user)["external_userid"])
    except PlatformError as error:
        if error.code == NO_RELATION:
            return []
        raise


def get(client: Client, customer: str) -> Customer:
    """One customer with everybody who has them."""
    rows: list[dict[str, Any]] = []
    cursor: str | None = None
    while True:
        answer = client.get("externalcontact/get", external_userid=customer, cursor=cursor)
        rows += answer["follow_user"]
        cursor = answer.get("next_cursor")
        if not cursor:
            return _customer(answer["external_contact"], rows)


def of_users(client: Client, users: list[str], page: int = AT_ONCE) -> Iterator[Customer]:
    """The customers of up to 100 members, once per member who has them, with that member's follow alone."""
    cursor = ""
    while True:
        asked = {"userid_list": users, "cursor": cursor, "limit": page}
        answer = client.post("externalcontact/batch/get_by_user", asked)
        for row in answer["external_contact_list"]:
            yield _customer(row["external_contact"], [row["follow_info"]])
        cursor = answer.get("next_cursor", "")
        if not cursor:
            return


@dataclass(frozen=True)
class Remark:
    """What to change of a follow; None stays. `mobiles` replaces all. At most 20, 150 and 20 characters."""

    remark: str | None = None
    description: str | None = None
    company: str | None = None
    mobiles: tuple[str, ...] | None = None


def remark(client: Client, user: str, customer: str, change: Remark) -> None:
    """Change what a member has noted of a customer."""
    mobiles = None if change.mobiles is None else list(change.mobiles) or [""]
    named = {
        "remark": change.remark, "description": change.description, "remark_company": change.company,
        "remark_mobiles": mobiles,
    }  # fmt: skip
    given = {name: value for name, value in named.items() if value is not None}
    client.post("externalcontact/remark", {"userid": user, "external_userid": customer, **given})


def corp_tags(client: Client) -> list[TagGroup]:
    """All tags of the corp."""
    rows = client.post("externalcontact/get_corp_tag_list", {})["tag_group"]
    return [_group(row) for row in rows]


def add_corp_tags(client: Client, group: str, names: list[str]) -> TagGroup:
    """Make tags of up to 30 characters, in a group of that name, which is made when there is none."""
    asked = {"group_name": group, "tag": [{"name": name} for name in names]}
    return _group(client.post("externalcontact/add_corp_tag", asked)["tag_group"])


def rename_corp_tag(client: Client, id: str, name: str) -> None:
    """Give a tag or a group another name."""
    client.post("externalcontact/edit_corp_tag", {"id": id, "name": name})


def delete_corp_tags(client: Client, tags: list[str], groups: list[str]) -> None:
    """Delete tags and whole groups; a group without tags vanishes."""
    client.post("externalcontact/del_corp_tag", {"tag_id": tags, "group_id": groups})


def mark(client: Client, user: str, customer: str, add: list[str], remove: list[str]) -> None:
    """Put tags of the corp on a member's customer, and take others off."""
    asked = {"userid": user, "external_userid": customer, "add_tag": add, "remove_tag": remove}
    client.post("externalcontact/mark_tag", asked)


class ContactWay(NamedTuple):
    """联系我: a QR code that leads to members."""

    id: str
    qr_code: str


def add_contact_way(client: Client, users: list[str], state: str, *, skip_verify: bool = True) -> ContactWay:
    """A QR code for these members; customers who come by it carry `state` (up to 30 characters)."""
    asked = {
        "type": 1 if len(users) == 1 else 2, "scene": 2, "user": users, "state": state, "skip_verify": skip_verify,
    }  # fmt: skip
    answer = client.post("externalcontact/add_contact_way", asked)
    return ContactWay(answer["config_id"], answer["qr_code"])


def welcome(client: Client, welcome_code: str, text: str) -> None:
    """Greet a new customer: once, and within 20 seconds of the event."""
    client.post("externalcontact/send_welcome_msg", {"welcome_code": welcome_code, "text": {"content": text}})


def hand_over(
    client: Client, leaving: str, taking: str, customers: list[str], *, left: bool, message: str = ""
) -> list[Outcome]:
    """Hand up to 100 customers from one member to another; `left` for a member who has gone (40097 otherwise)."""
    asked: dict[str, Any] = {
        "handover_userid": leaving,
        "takeover_userid": taking,
        "external_userid": customers,
    }
    if message and not left:
        asked["transfer_success_msg"] = message
    answer = client.post(f"externalcontact/{_kind(left)}transfer_customer", asked)
    return [Outcome(row["external_userid"], int(row["errcode"])) for row in answer["customer"]]


def handed_over(client: Client, leaving: str, taking: str, *, left: bool) -> Iterator[Handed]:
    """How far the hand-over between two members is."""
    cursor = ""
    while True:
        asked = {"handover_userid": leaving, "takeover_userid": taking, "cursor": cursor}
        answer = client.post(f"externalcontact/{_kind(left)}transfer_result", asked)
        for row in answer["customer"]:
            yield Handed(row["external_userid"], int(row["status"]), int(row.get("takeover_time", 0)))
        cursor = answer.get("next_cursor", "")
        if not cursor:
            return


class Unassigned(NamedTuple):
    """A customer whose member has left. `at` in seconds since 1970."""

    user: str
    customer: str
    at: int


def unassigned(client: Client, page: int = 1000) -> Iterator[Unassigned]:
    """The customers of members who have left."""
    cursor = ""
    while True:
        answer = client.post("externalcontact/get_unassigned_list", {"cursor": cursor, "page_size": page})
        for row in answer["info"]:
            yield Unassigned(row["handover_userid"], row["external_userid"], int(row["dimission_time"]))
        cursor = answer.get("next_cursor", "")
        if answer.get("is_last", not cursor):
            return


def by_unionid(client: Client, unionid: str, openid: str) -> str | None:
    """The customer behind a WeChat user; None as long as they are none."""
    asked = {"unionid": unionid, "openid": openid, "subject_type": 0}
    return client.post("idconvert/unionid_to_external_userid", asked).get("external_userid")


def _kind(left: bool) -> str:
    return "resigned/" if left else ""


def _group(row: dict[str, Any]) -> TagGroup:
    return TagGroup(
        row["group_id"], row["group_name"], tuple((each["id"], each["name"]) for each in row["tag"])
    )


def _customer(row: dict[str, Any], follows: list[dict[str, Any]]) -> Customer:
    return Customer(
        id=row["external_userid"],
        name=row.get("name", ""),
        kind=Kind(int(row.get("type", 1))),
        gender=int(row.get("gender", 0)),
        unionid=row.get("unionid", ""),
        avatar=row.get("avatar", ""),
        position=row.get("position", ""),
        company=row.get("corp_full_name") or row.get("corp_name", ""),
        follows=tuple(_follow(each) for each in follows),
    )


def _follow(row: dict[str, Any]) -> Follow:
    """Lists of many customers have bare ids where the one has whole tags."""
    tags = [
        CustomerTag(
            each.get("tag_id", ""), each.get("tag_name", ""), each.get("group_name", ""), int(each["type"])
        )
        for each in row.get("tags") or ()
    ]
    tags += [CustomerTag(each) for each in row.get("tag_id") or ()]
    return Follow(
        user=row["userid"],
        remark=row.get("remark", ""),
        description=row.get("description", ""),
        created_at=int(row.get("createtime", 0)),
        tags=tuple(tags),
        company=row.get("remark_corp_name", ""),
        mobiles=tuple(row.get("remark_mobiles") or ()),
        add_way=int(row.get("add_way", 0)),
        state=row.get("state", ""),
    )
