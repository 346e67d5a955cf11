"""The events and messages WeCom sends, as typed values; what is absent in the XML is None.

Source: developer.work.weixin.qq.com, 通讯录变更事件, 回调 事件格式, 客户联系 事件, 上下游变更回调 (95796).
An event only says what to look at again: those of new configurations carry ids and little else.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from .crypto import CallbackRefused, Check
from .markup import Element, parse
from .members import Attribute


@dataclass(frozen=True)
class Header:
    """What every event shares. `at` in seconds since 1970; `key` is the same for repeated deliveries of one event."""

    corp: str
    sender: str
    at: int
    agent: int | None
    name: str
    key: str


@dataclass(frozen=True)
class MemberChange:
    """`change_contact` of a member; `change` is create_user, update_user or delete_user."""

    header: Header
    change: str
    user: str
    new_user: str | None = None
    name: str | None = None
    departments: tuple[int, ...] | None = None
    main_department: int | None = None
    leads: tuple[bool, ...] | None = None  # one per department
    direct_leaders: tuple[str, ...] | None = None
    position: str | None = None
    mobile: str | None = None
    gender: str | None = None
    email: str | None = None
    biz_mail: str | None = None
    status: int | None = None
    avatar: str | None = None
    alias: str | None = None
    telephone: str | None = None
    address: str | None = None
    attributes: tuple[Attribute, ...] | None = None


@dataclass(frozen=True)
class DepartmentChange:
    """`change_contact` of a department; `change` is create_party, update_party or delete_party."""

    header: Header
    change: str
    id: int
    name: str | None = None
    parent: int | None = None
    order: int | None = None


@dataclass(frozen=True)
class TagChange:
    """`change_contact` of a tag. Its order against changes of members is not promised: read the tag again."""

    header: Header
    tag: int
    users_added: tuple[str, ...]
    users_removed: tuple[str, ...]
    departments_added: tuple[int, ...]
    departments_removed: tuple[int, ...]


@dataclass(frozen=True)
class BatchDone:
    """A batch job ended; its rows are fetched with `batch/getresult`."""

    header: Header
    job: str
    kind: str
    code: int
    text: str


@dataclass(frozen=True)
class CustomerChange:
    """`change_external_contact`: between one member and one customer."""

    header: Header
    change: str
    user: str
    external_user: str
    state: str | None = None
    welcome_code: str | None = None
    source: str | None = None
    fail_reason: str | None = None


@dataclass(frozen=True)
class CustomerChatChange:
    """`change_external_chat`: a group of customers."""

    header: Header
    change: str
    chat: str
    detail: str | None = None
    join_scene: int | None = None
    quit_scene: int | None = None
    members_changed: int | None = None
    members: tuple[str, ...] = ()
    last_version: str | None = None
    version: str | None = None


@dataclass(frozen=True)
class CustomerTagChange:
    """`change_external_tag`; `kind` is tag or tag_group, None when they were shuffled."""

    header: Header
    change: str
    id: str
    kind: str | None
    strategy: int | None


@dataclass(frozen=True)
class AppEvent:
    """What a member did with the app: subscribe, unsubscribe, enter_agent, click, view, open_approval_change.

    `event_key` is the menu's key or address, or "".
    """

    header: Header
    event_key: str


@dataclass(frozen=True)
class Located:
    """Where a member was, in degrees and metres, as text."""

    header: Header
    latitude: str
    longitude: str
    precision: str


@dataclass(frozen=True)
class CardAnswered:
    """A member pressed something on a template card. `response_code` updates the card once, soon."""

    header: Header
    user: str
    event_key: str
    task: str
    card_type: str
    response_code: str
    selected: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class AgentShared:
    """`share_agent_change` and `share_chain_change`: an app was shared with, or withdrawn from, another corp."""

    header: Header
    app: str
    other_corp: str
    other_agent: int | None


@dataclass(frozen=True)
class ChainChange:
    """`change_chain`: 上下游 itself, its groups or its corps."""

    header: Header
    change: str
    chain: str
    groups: tuple[int, ...]
    corps: tuple[str, ...]


@dataclass(frozen=True)
class Message:
    """What a member wrote to the app; `text` is "" for kinds other than text."""

    header: Header
    user: str
    kind: str
    text: str


@dataclass(frozen=True)
class OtherEvent:
    """An event this list does not know; its XML as it came."""

    header: Header
    change: str
    xml: str


Event = (
    MemberChange
    | DepartmentChange
    | TagChange
    | BatchDone
    | CustomerChange
    | CustomerChatChange
    | CustomerTagChange
    | AppEvent
    | Located
    | CardAnswered
    | AgentShared
    | ChainChange
    | Message
    | OtherEvent
)


def event(xml: str) -> Event:
    """The event in a decrypted text. Raises CallbackRefused (XML) when it is not one."""
    root = parse(xml)
    try:
        header = _header(root, xml)
        if root["MsgType"] not in ("event", ""):
            return Message(header, header.sender, root["MsgType"], root["Content"])
        read = READERS.get(header.name) or READERS.get(f"{header.name}/{root['ChangeType']}", _other)
        found = read(header, root)
    except ValueError as error:
        raise CallbackRefused(Check.XML, str(error)) from error
    return found if not isinstance(found, OtherEvent) else OtherEvent(header, root["ChangeType"], xml)


def _header(root: Element, xml: str) -> Header:
    """Events of providers name the same things otherwise: AuthCorpId, InfoType, TimeStamp."""
    name = root["Event"] or root["InfoType"] or root["MsgType"]
    if name in ("", "event"):
        raise ValueError("neither an event nor a message")
    key = root["MsgId"] or hashlib.sha256(xml.encode()).hexdigest()
    return Header(
        corp=root["AuthCorpId"] or root["ToUserName"],
        sender=root["FromUserName"] or "sys",
        at=int(root["CreateTime"] or root["TimeStamp"] or 0),
        agent=_number(root.find("AgentID")),
        name=name,
        key=key,
    )


def _number(text: str | None) -> int | None:
    return int(text) if text else None


def _names(text: str | None) -> tuple[str, ...] | None:
    return None if text is None else tuple(each for each in text.split(",") if each)


def _numbers(text: str | None) -> tuple[int, ...] | None:
    names = _names(text)
    return None if names is None else tuple(int(each) for each in names)


def _member(header: Header, root: Element) -> Event:
    leads = _numbers(root.find("IsLeaderInDept"))
    return MemberChange(
        header=header,
        change=root["ChangeType"],
        user=root["UserID"],
        new_user=root.find("NewUserID"),
        name=root.find("Name"),
        departments=_numbers(root.find("Department")),
        main_department=_number(root.find("MainDepartment")),
        leads=None if leads is None else tuple(each == 1 for each in leads),
        direct_leaders=_names(root.find("DirectLeader")),
        position=root.find("Position"),
        mobile=root.find("Mobile"),
        gender=root.find("Gender"),
        email=root.find("Email"),
        biz_mail=root.find("BizMail"),
        status=_number(root.find("Status")),
        avatar=root.find("Avatar"),
        alias=root.find("Alias"),
        telephone=root.find("Telephone"),
        address=root.find("Address"),
        attributes=_attributes(root) if root.find("ExtAttr") is not None else None,
    )


def _attributes(root: Element) -> tuple[Attribute, ...]:
    found = []
    for item in root.child("ExtAttr").all("Item"):
        web = item.child("Web")
        text = item.child("Text")["Value"] or web["Title"]
        found.append(Attribute(item["Name"], text, web["Url"]))
    return tuple(found)


def _department(header: Header, root: Element) -> Event:
    return DepartmentChange(
        header,
        root["ChangeType"],
        int(root["Id"]),
        root.find("Name"),
        _number(root.find("ParentId")),
        _number(root.find("Order")),
    )


def _tag(header: Header, root: Element) -> Event:
    return TagChange(
        header,
        int(root["TagId"]),
        _names(root["AddUserItems"]) or (),
        _names(root["DelUserItems"]) or (),
        _numbers(root["AddPartyItems"]) or (),
        _numbers(root["DelPartyItems"]) or (),
    )


def _batch(header: Header, root: Element) -> Event:
    job = root.child("BatchJob")
    return BatchDone(header, job["JobId"], job["JobType"], int(job["ErrCode"] or 0), job["ErrMsg"])


def _customer(header: Header, root: Element) -> Event:
    return CustomerChange(
        header,
        root["ChangeType"],
        root["UserID"],
        root["ExternalUserID"],
        root.find("State"),
        root.find("WelcomeCode"),
        root.find("Source"),
        root.find("FailReason"),
    )


def _customer_chat(header: Header, root: Element) -> Event:
    return CustomerChatChange(
        header,
        root["ChangeType"],
        root["ChatId"],
        root.find("UpdateDetail"),
        _number(root.find("JoinScene")),
        _number(root.find("QuitScene")),
        _number(root.find("MemChangeCnt")),
        tuple(each.text for each in root.child("MemChangeList").all("Item")),
        root.find("LastMemVer"),
        root.find("CurMemVer"),
    )


def _customer_tag(header: Header, root: Element) -> Event:
    return CustomerTagChange(
        header, root["ChangeType"], root["Id"], root.find("TagType"), _number(root.find("StrategyId"))
    )


def _app(header: Header, root: Element) -> Event:
    return AppEvent(header, root["EventKey"])


def _located(header: Header, root: Element) -> Event:
    return Located(header, root["Latitude"], root["Longitude"], root["Precision"])


def _card(header: Header, root: Element) -> Event:
    selected = {
        # Sources disagree on the spelling of OptionIds.
        item["QuestionKey"]: tuple(
            each.text for each in item.child("OptionIds", "OpitonIds").all("OptionId", "OpitonId")
        )
        for item in root.child("SelectedItems").all("SelectedItem")
    }
    return CardAnswered(
        header,
        header.sender,
        root["EventKey"],
        root["TaskId"],
        root["CardType"],
        root["ResponseCode"],
        selected,
    )


def _shared(header: Header, root: Element) -> Event:
    return AgentShared(header, root["AppId"], root["CorpId"], _number(root.find("AgentId")))


def _chain(header: Header, root: Element) -> Event:
    return ChainChange(
        header,
        root["ChangeType"],
        root["ChainId"],
        tuple(int(each.text) for each in root.child("GroupIds").all("GroupId")),
        tuple(each.text for each in root.child("CorpIds").all("CorpId")),
    )


def _other(header: Header, root: Element) -> Event:
    return OtherEvent(header, root["ChangeType"], "")


READERS: dict[str, Callable[[Header, Element], Event]] = {
    **{f"change_contact/{each}": _member for each in ("create_user", "update_user", "delete_user")},
    **{f"change_contact/{each}": _department for each in ("create_party", "update_party", "delete_party")},
    "change_contact/update_tag": _tag,
    "batch_job_result": _batch,
    "change_external_contact": _customer,
    "change_external_chat": _customer_chat,
    "change_external_tag": _customer_tag,
    **dict.fromkeys(("subscribe", "unsubscribe", "enter_agent", "click", "view"), _app),
    "open_approval_change": _app,
    "LOCATION": _located,
    "template_card_event": _card,
    "template_card_menu_event": _card,
    "share_agent_change": _shared,
    "share_chain_change": _shared,
    "change_chain": _chain,
}
