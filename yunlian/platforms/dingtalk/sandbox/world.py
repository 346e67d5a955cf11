"""What the sandbox knows of DingTalk: corps with their people, apps and who installed them, tokens, codes, messages.

Plain data; the acts are in the files named after them. Times are seconds since 1970 by the sandbox's clock.
"""

import hashlib
import json
import os
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

ROOT = 1


@dataclass
class Department:
    """One department; the root has id 1 and parent 0."""

    id: int
    name: str
    parent_id: int
    order: int = 0


@dataclass
class Person:
    """Somebody in one corp. `level`: 0 nobody special, 1 main administrator, 2 sub-administrator, 100 boss."""

    userid: str
    unionid: str
    name: str
    mobile: str
    departments: list[int]
    email: str = ""
    title: str = ""
    job_number: str = ""
    leads: list[int] = field(default_factory=list)
    roles: list[int] = field(default_factory=list)
    manager: str = ""
    active: bool = True
    level: int = 0
    manages: list[int] = field(default_factory=list)  # departments of a sub-administrator
    may_manage_apps: bool = False  # a sub-administrator with the right to the app


@dataclass
class Leaver:
    """Somebody who left."""

    person: Person
    at: float
    reason: str


@dataclass
class Role:
    """A role label; `group` is the name of its group."""

    id: int
    name: str
    group: str


class State(StrEnum):
    """How an app stands in a corp."""

    ACTIVE = "active"
    STOPPED = "stopped"
    REMOVED = "removed"
    RELIEVED = "relieved"


@dataclass
class Install:
    """An app in a corp, and the part of the corp it sees."""

    app_key: str
    agent_id: int
    state: State
    departments: list[int]
    users: list[str]
    installed_by: str = ""
    permanent_code: str = ""


@dataclass
class Corp:
    """An enterprise."""

    corp_id: str
    name: str
    sso_secret: str
    departments: dict[int, Department] = field(default_factory=dict)
    people: dict[str, Person] = field(default_factory=dict)
    leavers: list[Leaver] = field(default_factory=list)
    roles: dict[int, Role] = field(default_factory=dict)
    installs: dict[str, Install] = field(default_factory=dict)
    monthly_calls: int | None = None  # the quota, where it is played; the count starts again at a reset
    last_department: int = 1000
    last_person: int = 1000


class Mode(StrEnum):
    """How an app gets its events."""

    NONE = "none"
    PUSH = "push"  # single events by HTTP: internal apps
    SYNC = "sync"  # SyncHTTP: suites
    LEGACY = "legacy"  # flat events by HTTP: old suites
    STREAM = "stream"


@dataclass
class Receiver:
    """Where an app's events go. `by_api` says it was registered through the API: the owner key is the corp then."""

    mode: Mode = Mode.NONE
    url: str = ""
    token: str = ""
    aes_key: str = ""
    by_api: bool = False
    tags: list[str] = field(default_factory=list)  # of `register_call_back`; empty takes everything


@dataclass
class App:
    """An app: internal (of one corp) or a suite of the vendor's. `denied` are paths it has no permission for."""

    key: str
    secret: str
    name: str
    app_id: int
    suite_id: int = 0  # 0 for internal apps
    owner_corp: str = ""
    home_url: str = ""
    admin_url: str = ""
    redirect_urls: list[str] = field(
        default_factory=list
    )  # prefixes; empty takes any address of this machine
    ticket: str = ""
    receiver: Receiver = field(default_factory=Receiver)
    denied: list[str] = field(default_factory=list)
    card_routes: dict[str, str] = field(default_factory=dict)
    card_secrets: dict[str, str] = field(default_factory=dict)  # by route; requests are signed with them

    @property
    def is_suite(self) -> bool:
        return self.suite_id != 0


@dataclass
class Token:
    """`kind`: corp, suite, sso, user, refresh, jsapi."""

    kind: str
    app_key: str
    corp_id: str
    expires_at: float
    unionid: str = ""


@dataclass
class Code:
    """A code good once and for five minutes. `kind`: login, inside, sso, install."""

    kind: str
    app_key: str
    corp_id: str
    userid: str
    expires_at: float
    with_corp: bool = False


@dataclass
class Login:
    """A browser that waits on the login page for somebody's phone, or for a choice on the page itself."""

    app_key: str
    redirect_uri: str
    state: str
    scope: str
    corp_id: str  # only this corp's people, when not empty
    opened_at: float
    answer: str = ""  # where to go, once decided


@dataclass
class Forbidden:
    """A person a notice did not reach: 143105 daily limit, 143106 the same again."""

    userid: str
    code: int


@dataclass
class Notice:
    """A work notice."""

    task_id: int
    app_key: str
    corp_id: str
    agent_id: int
    at: float
    message: dict[str, Any]
    users: list[str]
    invalid_users: list[str]
    invalid_departments: list[int]
    forbidden: list[Forbidden]
    read: list[str] = field(default_factory=list)
    recalled: bool = False
    status: str = ""
    status_colour: str = ""


@dataclass
class Card:
    """An interactive card in somebody's phone."""

    track_id: str
    template_id: str
    app_key: str
    corp_id: str
    userid: str
    at: float
    data: dict[str, str]
    callback: str
    route: str
    delivered: bool = False


@dataclass
class Todo:
    """A to-do; people are unionIds."""

    id: str
    app_key: str
    corp_id: str
    source_id: str
    subject: str
    creator: str
    executors: list[str]
    url: str
    at: float
    description: str = ""
    priority: int = 20
    done: bool = False
    done_by: list[str] = field(default_factory=list)


@dataclass
class Undelivered:
    """An event three attempts did not bring home."""

    app_key: str
    corp_id: str
    tag: str
    at: float
    body: dict[str, Any]


@dataclass
class Frame:
    """A Stream frame that waits to be taken, or for its answer. `due` is when to send it (again)."""

    id: str
    app_key: str
    type: str  # EVENT or CALLBACK
    headers: dict[str, str]
    data: str
    due: float
    sent: int = 0


@dataclass
class StreamTicket:
    """Opens one connection within 90 s."""

    app_key: str
    expires_at: float
    topics: list[str]


@dataclass
class Order:
    """A purchase in the marketplace."""

    order_id: str
    corp_id: str
    app_key: str
    kind: str
    people_max: int
    starts_at: float
    stops_at: float
    closed: bool = False


@dataclass
class Switches:
    """Facts that no source confirms, each to be played either way; and times that tests shorten."""

    shared_credential: bool = True  # a token of one API generation works in the other
    former_token_lives: bool = True  # a corp token stays good when a newer one is fetched
    reading_removes_failed: bool = False  # of the list of undelivered events
    rehired_keep_userid: bool = False
    leaving_range_tells: bool = False  # a person moved out of the range sends user_leave_org to suites
    rate_limits: bool = True
    token_life_s: float = 7200.0
    deadline_s: float = 1.5  # for the answer to a callback
    retry_s: float = 10.0  # then three times that
    stream_again_s: float = 60.0
    stream_ping_s: float = 30.0
    stream_close_s: float = 10.0


@dataclass
class DingTalk:
    """Everything."""

    corps: dict[str, Corp] = field(default_factory=lambda: _corps())
    apps: dict[str, App] = field(default_factory=lambda: _apps())
    tokens: dict[str, Token] = field(default_factory=dict)
    codes: dict[str, Code] = field(default_factory=dict)
    logins: dict[str, Login] = field(default_factory=dict)
    notices: dict[int, Notice] = field(default_factory=dict)
    cards: dict[str, Card] = field(default_factory=dict)
    todos: dict[str, Todo] = field(default_factory=dict)
    undelivered: list[Undelivered] = field(default_factory=list)
    frames: dict[str, Frame] = field(default_factory=dict)
    stream_tickets: dict[str, StreamTicket] = field(default_factory=dict)
    orders: dict[str, Order] = field(default_factory=dict)
    calls: dict[str, int] = field(default_factory=dict)  # counted calls of this month, per corp
    rates: dict[str, list[int]] = field(default_factory=dict)  # the second, and the calls in it
    disconnects: dict[str, int] = field(
        default_factory=dict
    )  # per app: how often asked to drop its connections
    switches: Switches = field(default_factory=Switches)
    last_number: int = 0

    def number(self) -> int:
        """A number nobody had before."""
        self.last_number += 1
        return self.last_number

    def installs(self, corp: Corp) -> Iterator[tuple[App, Install]]:
        """The apps of a corp that still hear of it."""
        for install in corp.installs.values():
            if install.state in (State.ACTIVE, State.STOPPED):
                yield self.apps[install.app_key], install


def union_id(mobile: str) -> str:
    """The same person everywhere; the mobile is what makes somebody the same here."""
    return "un" + hashlib.sha256(mobile.encode()).hexdigest()[:20]


def secret(prefix: str = "") -> str:
    """A value nobody can guess."""
    return prefix + secrets.token_urlsafe(24).replace("-", "x").replace("_", "y")


SUITE = "suiteyunlian00000001"
SUITE_SECRET = "suite-secret-of-the-sandbox"
VENDOR = "dingvendor0001"
CARD_TEMPLATE = (
    "sandbox-approval.schema"  # what the phone draws cards by; it draws any, by the names of its data
)
_PLACES = {
    1001: ("销售部", 1), 1002: ("采购部", 1), 1003: ("仓储部", 1), 1004: ("财务部", 1),
    1011: ("华东大区", 1001), 1012: ("华南大区", 1001),
}  # fmt: skip
# Name, departments, title, level, departments they lead.
_STAFF: tuple[tuple[str, tuple[int, ...], str, int, tuple[int, ...]], ...] = (
    ("周明", (1,), "总经理", 1, (1,)),
    ("张伟", (1001,), "销售总监", 2, (1001,)),
    ("王芳", (1011,), "店长", 0, (1011,)),
    ("李娜", (1011,), "导购", 0, ()),
    ("刘洋", (1012,), "店长", 0, (1012,)),
    ("陈静", (1012, 1011), "导购", 0, ()),
    ("杨帆", (1002,), "采购员", 0, (1002,)),
    ("赵磊", (1003,), "仓管员", 0, (1003,)),
    ("黄丽", (1004,), "会计", 0, (1004,)),
    ("吴强", (1004,), "出纳", 0, ()),
)


def sso_secret_of(corp_id: str) -> str:
    """The SSOSecret a corp begins with."""
    return f"sso-secret-of-{corp_id}"


def _corps() -> dict[str, Corp]:
    found = {}
    for at, (corp_id, name) in enumerate(
        (("dingcorp0001", "示例家居有限公司"), ("dingcorp0002", "示例印务有限公司"), (VENDOR, "云链服务商"))
    ):
        corp = Corp(corp_id, name, sso_secret=sso_secret_of(corp_id))
        corp.departments = {ROOT: Department(ROOT, name, 0)}
        corp.roles = {1: Role(1, "主管", "默认"), 2: Role(2, "负责人", "默认"), 3: Role(3, "财务", "职务")}
        if corp_id != VENDOR:
            _staff(corp, f"1380{at + 1:03}")
            key = f"dingappyunlian{at + 1:04}"
            corp.installs[key] = Install(key, 16001 + at, State.ACTIVE, [ROOT], [])
        found[corp_id] = corp
    return found


def _staff(corp: Corp, mobiles: str) -> None:
    corp.departments |= {id: Department(id, name, parent, id) for id, (name, parent) in _PLACES.items()}
    corp.last_department = max(corp.departments)
    for name, departments, title, level, leads in _STAFF:
        corp.last_person += 1
        userid = f"u{corp.last_person}"
        mobile = f"{mobiles}{corp.last_person}"
        corp.people[userid] = Person(
            userid, union_id(mobile), name, mobile, list(departments), email=f"{userid}@example.com", title=title,
            job_number=f"G{corp.last_person}", leads=list(leads), level=level, may_manage_apps=level == 2,
            manages=[1001] if level == 2 else [], roles=[1] if leads else [],
        )  # fmt: skip


def follow_vendor(suite: App) -> None:
    """Enter into the suite's settings what the vendor who runs with this sandbox has said, see edge.settings.

    That is what the vendor of a real app types into DingTalk's developer console once.
    """
    given = json.loads(os.environ.get("YUNLIAN_DINGTALK_SUITE") or "null")
    ours = os.environ.get("YUNLIAN_PUBLIC_URL", "").rstrip("/")
    if not given or not ours or given["key"] != suite.key:
        return
    suite.home_url = f"{ours}/e?corpId=$CORPID$"
    suite.admin_url = f"{ours}/sign-in/console?corpId=$CORPID$"
    url = f"{ours}/callback/{given['path']}"
    suite.receiver = Receiver(Mode.SYNC, url, given["token"], given["aes_key"])


def _apps() -> dict[str, App]:
    suite = App(
        SUITE, SUITE_SECRET, "云链", app_id=1234, suite_id=900001, owner_corp=VENDOR,
        ticket="ticket-0001",
    )  # fmt: skip
    follow_vendor(suite)
    own = [
        App(
            f"dingappyunlian{at:04}",
            f"app-secret-{at:04}",
            "云链（自建）",
            app_id=2000 + at,
            owner_corp=corp_id,
        )
        for at, corp_id in ((1, "dingcorp0001"), (2, "dingcorp0002"))
    ]
    return {each.key: each for each in (suite, *own)}
