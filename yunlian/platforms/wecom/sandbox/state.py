"""What the sandbox knows of WeCom: corps with people, apps and customers, and what is under way. Plain data."""

import secrets
from dataclasses import dataclass, field
from typing import Any

from ..departments import ROOT

# The sandbox's own credentials: known to everybody, and the same after a reset.
CORP = "ww5a9d0b1c2e3f4a60"
CONTACTS_SECRET = "sandbox-contacts-secret-0000000000000000001"
CUSTOMERS_SECRET = "sandbox-customers-secret-000000000000000001"
AGENT = 1000002
AGENT_SECRET = "sandbox-agent-1000002-secret-00000000000001"
BRANCH = "ww5a9d0b1c2e3f4a61"


@dataclass
class Options:
    """Where the platform's behaviour is not confirmed, or differs between customers: either can be chosen."""

    unknown_department: int = 60003  # or 60123
    department_not_a_number: int = 60123
    writes_before_edit: int = 48002  # code while "API may edit" is off
    same_token_again: bool = True  # a second gettoken within the time gives the same
    card_answer_hours: int = 72  # how long the response_code of an event lives: 24 or 72
    spelled_opiton: bool = False  # OpitonIds instead of OptionIds
    apps_get_member_events: bool = False  # self-built apps are told of members too
    simplelist_blocked_too: bool = False  # 48009 also on simplelist, get and department/get
    count_calls: bool = True  # keep to the documented limits
    retry_pause_s: float = 1.0  # between attempts of a callback
    duplicate_task: int = 42014  # code for a task_id that was used before


@dataclass
class Receiver:
    """接收事件服务器: where events go. `verified` once our GET was answered rightly."""

    url: str = ""
    token: str = ""
    aes_key: str = ""
    verified: bool = False
    reduced: bool = True  # configured after 2022-08-15: events carry ids only


@dataclass
class App:
    """A self-built app 自建应用. No trusted IPs means that every address is one."""

    agent: int
    name: str
    secret: str
    users: list[str] = field(default_factory=list)
    departments: list[int] = field(default_factory=lambda: [ROOT])
    tags: list[int] = field(default_factory=list)
    enabled: bool = True
    before_2022: bool = False  # is told mobile, e-mail, ...
    domains: list[str] = field(default_factory=lambda: ["127.0.0.1", "localhost"])
    ips: list[str] = field(default_factory=list)
    customers: bool = True  # in 客户联系 › 可调用应用
    chain: bool = True  # in 上下游 › 可调用接口的应用
    receiver: Receiver = field(default_factory=Receiver)


@dataclass
class Department:
    """部门."""

    id: int
    name: str
    parent: int
    order: int = 0
    name_en: str = ""


@dataclass
class Person:
    """成员. The lists are one per department; `extra` holds the fields that are only kept and given back."""

    user: str
    name: str
    departments: list[int]
    orders: list[int]
    leads: list[int]
    main_department: int
    mobile: str = ""
    email: str = ""
    biz_mail: str = ""
    alias: str = ""
    position: str = ""
    gender: str = "0"
    telephone: str = ""
    address: str = ""
    direct_leaders: list[str] = field(default_factory=list)
    enable: int = 1
    status: int = 4
    made_by_wecom: bool = False  # the account was, so it may be changed once
    founder: bool = False
    invited: bool = False
    extra: dict[str, Any] = field(default_factory=dict)


@dataclass
class Tag:
    """标签 of members; only the app that made it edits it ("contacts", or an agent id as text)."""

    id: int
    name: str
    owner: str
    users: list[str] = field(default_factory=list)
    departments: list[int] = field(default_factory=list)


@dataclass
class Customer:
    """外部联系人: the same id for all members of one corp."""

    id: str
    name: str
    type: int = 1
    gender: int = 0
    unionid: str = ""
    openid: str = ""
    position: str = ""
    corp_name: str = ""


@dataclass
class Follow:
    """One member has one customer."""

    user: str
    customer: str
    created: int
    remark: str = ""
    description: str = ""
    company: str = ""
    mobiles: list[str] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)
    add_way: int = 1
    state: str = ""
    deleted_by_customer: bool = False


@dataclass
class CorpTag:
    """A tag for customers, in its group."""

    id: str
    name: str
    group: str
    order: int = 0
    created: int = 0


@dataclass
class CorpTagGroup:
    """A group of tags for customers."""

    id: str
    name: str
    order: int = 0
    created: int = 0


@dataclass
class ContactWay:
    """联系我: a QR code by which customers come, and the `state` they bring."""

    id: str
    body: dict[str, Any]


@dataclass
class Transfer:
    """A customer on the way from one member to another: 1 done, 2 waiting, 3 refused, 4 taker at limit."""

    handover: str
    takeover: str
    customer: str
    status: int
    at: int


@dataclass
class ChainGroup:
    """A level or region of a chain; 1 is the root."""

    id: int
    name: str
    parent: int = 0
    order: int = 0


@dataclass
class ChainCorp:
    """A corp in a chain; before it joined it has a pending id only."""

    name: str
    group: int
    corp: str = ""
    pending: str = ""
    custom_id: str = ""
    invite_user: str = ""
    joined: bool = False
    contacts: list[dict[str, str]] = field(default_factory=list)


@dataclass
class Chain:
    """上下游, or 企业互联 with `business` 0."""

    id: str
    name: str
    business: int = 1
    groups: list[ChainGroup] = field(default_factory=lambda: [ChainGroup(1, "全部")])
    corps: list[ChainCorp] = field(default_factory=list)
    rules: dict[str, dict[str, Any]] = field(default_factory=dict)


@dataclass
class Corp:
    """One company at WeCom. `people` is keyed by the account in lower case."""

    id: str
    name: str
    contacts_secret: str
    customers_secret: str
    api_edit: bool = True  # API编辑通讯录
    manual_edit: bool = True  # 手动编辑: people may be changed in the admin console
    new_contacts_ip: bool = False  # contacts-sync from an address added after 2022-08-15
    seats: int = 100_000
    departments: dict[int, Department] = field(default_factory=dict)
    people: dict[str, Person] = field(default_factory=dict)
    mobiles: dict[str, str] = field(default_factory=dict)  # to the account in lower case
    emails: dict[str, str] = field(default_factory=dict)
    tags: dict[int, Tag] = field(default_factory=dict)
    attributes: list[str] = field(default_factory=list)  # custom ones that exist
    apps: dict[int, App] = field(default_factory=dict)
    contacts_receiver: Receiver = field(default_factory=Receiver)
    customers_receiver: Receiver = field(default_factory=lambda: Receiver(reduced=False))
    customers: dict[str, Customer] = field(default_factory=dict)
    follows: list[Follow] = field(default_factory=list)
    customer_tags: dict[str, CorpTag] = field(default_factory=dict)
    customer_tag_groups: dict[str, CorpTagGroup] = field(default_factory=dict)
    contact_ways: dict[str, ContactWay] = field(default_factory=dict)
    transfers: list[Transfer] = field(default_factory=list)
    welcome_codes: dict[str, float] = field(default_factory=dict)  # to the moment they end
    left: dict[str, float] = field(default_factory=dict)  # who has left, and when
    chains: dict[str, Chain] = field(default_factory=dict)
    shared_with: dict[str, dict[int, int]] = field(default_factory=dict)  # corp -> our agent -> its agent


@dataclass
class TokenRow:
    """A token that was given out. `kind` is contacts, customers, app or downstream; `ends` in seconds since 1970."""

    corp: str
    kind: str
    agent: int
    ends: float
    upstream: str = ""


@dataclass
class Counted:
    """Calls of one path by one corp, in one window of a limit: since when, how many, and closed until when."""

    since: float = 0.0
    calls: int = 0
    closed_until: float = 0.0


@dataclass
class Code:
    """A sign-in code: single use, five minutes. `person` is empty for one who is not a member."""

    corp: str
    agent: int
    person: str
    ends: float
    external: str = ""
    openid: str = ""
    downstream: str = ""
    private: list[str] | None = None  # what the member agreed to tell; None when not asked
    used: bool = False


@dataclass
class UserTicket:
    """What redeems a member's private data: 30 minutes."""

    corp: str
    person: str
    agreed: list[str]
    ends: float


@dataclass
class Scan:
    """A QR code on some screen, waiting to be scanned and confirmed by a phone."""

    key: str
    corp: str
    agent: int
    redirect: str
    state: str
    ends: float
    code: str = ""


@dataclass
class Media:
    """An uploaded file, kept for three days."""

    corp: str
    name: str
    type: str
    content: bytes
    ends: float


@dataclass
class Job:
    """An asynchronous import. `status` 1 started, 2 running, 3 done."""

    id: str
    corp: str
    type: str
    media: str
    invite: bool
    callback: dict[str, str] | None
    at: float
    status: int = 1
    total: int = 0
    done: int = 0
    code: int = 0
    text: str = "ok"
    result: list[dict[str, Any]] = field(default_factory=list)


@dataclass
class Export:
    """An export, and its sealed files."""

    id: str
    corp: str
    at: float
    files: list[bytes]


@dataclass
class Message:
    """A message of an app. `cards` holds, per person, the card as it stands for them after updates."""

    id: str
    corp: str
    agent: int
    type: str
    body: dict[str, Any]
    users: list[str]
    at: float
    recalled: bool = False
    cards: dict[str, dict[str, Any]] = field(default_factory=dict)
    pressed: dict[str, str] = field(default_factory=dict)


@dataclass
class Response:
    """A response_code: updates a card once. `user` is empty for the one of the sending."""

    message: str
    user: str
    ends: float
    used: bool = False


@dataclass
class ChainJob:
    """An import of chain contacts."""

    id: str
    corp: str
    chain: str
    at: float
    fail_list: list[dict[str, Any]] = field(default_factory=list)


@dataclass
class Wecom:
    """Everything; the parts that are under way are keyed by what was given out."""

    options: Options = field(default_factory=Options)
    corps: dict[str, Corp] = field(default_factory=lambda: _corps())
    tokens: dict[str, TokenRow] = field(default_factory=dict)
    tickets: dict[str, TokenRow] = field(default_factory=dict)
    counted: dict[str, Counted] = field(default_factory=dict)  # "corp/path/window in seconds"
    codes: dict[str, Code] = field(default_factory=dict)
    user_tickets: dict[str, UserTicket] = field(default_factory=dict)
    scans: dict[str, Scan] = field(default_factory=dict)
    media: dict[str, Media] = field(default_factory=dict)
    jobs: dict[str, Job] = field(default_factory=dict)
    exports: dict[str, Export] = field(default_factory=dict)
    tickets_for_all: dict[str, str] = field(default_factory=dict)  # mass_call_ticket to its corp
    messages: dict[str, Message] = field(default_factory=dict)
    tasks: dict[str, str] = field(default_factory=dict)  # "corp/agent/task_id" to its message
    responses: dict[str, Response] = field(default_factory=dict)
    chain_jobs: dict[str, ChainJob] = field(default_factory=dict)
    phone: str = ""  # "corp/user" who holds the phone of the page


def _corps() -> dict[str, Corp]:
    """A head company with an app that is shared with one branch."""
    head = _corp(CORP, "云链家居", CONTACTS_SECRET, CUSTOMERS_SECRET)
    head.apps[AGENT] = App(AGENT, "云链", AGENT_SECRET)
    branch = _corp(BRANCH, "云链家居广州分公司", f"{CONTACTS_SECRET}-branch", f"{CUSTOMERS_SECRET}-branch")
    branch.apps[1000009] = App(1000009, "云链（总部共享）", f"{AGENT_SECRET}-branch")
    head.shared_with[BRANCH] = {AGENT: 1000009}
    joined = ChainCorp(branch.name, 1, BRANCH, custom_id="GZ", invite_user="founder", joined=True)
    head.chains["sandbox-chain-1"] = Chain("sandbox-chain-1", "云链家居经销体系", corps=[joined])
    return {head.id: head, branch.id: branch}


def new_corp(name: str) -> Corp:
    """A corp nobody knew so far, with a founder."""
    id = "ww" + secrets.token_hex(8)
    return _corp(id, name, secrets.token_urlsafe(32), secrets.token_urlsafe(32))


def _corp(id: str, name: str, contacts_secret: str, customers_secret: str) -> Corp:
    corp = Corp(id, name, contacts_secret, customers_secret)
    corp.departments[ROOT] = Department(ROOT, name, 0)
    founder = Person("founder", "王创", [ROOT], [0], [0], ROOT, "13800000000", status=1, founder=True)
    corp.people["founder"] = founder
    corp.mobiles[founder.mobile] = "founder"
    return corp
