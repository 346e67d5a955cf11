"""Head company and branches at WeCom: 上下游, and 企业互联. Source: developer.work.weixin.qq.com, 上下游 (38135, 95635, 35438).

The head company shares an app; each downstream corp sees it with an agent id of its own. `custom_id` is the only key of
ours inside WeCom: it is set when contacts are imported.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, NamedTuple

from ..tokens import Token
from .client import Client

PAGE = 100


class Business(IntEnum):
    """The two products of one family of calls."""

    LINKED = 0  # 企业互联
    CHAIN = 1  # 上下游


class Shared(NamedTuple):
    """A downstream corp, and the agent id the app has there."""

    corp: str
    name: str
    agent: int


class Chain(NamedTuple):
    """A chain of the head company."""

    id: str
    name: str


class Group(NamedTuple):
    """A level or region of a chain; the root is 1."""

    id: int
    name: str
    parent: int
    order: int


@dataclass(frozen=True)
class Company:
    """A corp in a chain. Before it has joined it has a `pending` id only."""

    name: str
    group: int
    corp: str | None
    pending: str | None
    custom_id: str
    joined: bool


@dataclass(frozen=True)
class Contact:
    """Whom to invite at a company, by mobile."""

    name: str
    mobile: str
    custom_id: str


@dataclass(frozen=True)
class Invited:
    """A company to invite; `group_path` like "华南/广州"."""

    name: str
    group_path: str
    custom_id: str
    contacts: tuple[Contact, ...]


@dataclass(frozen=True)
class Imported:
    """How far an import is; `failures` are pairs of company and what WeCom said."""

    done: bool
    chain: str
    failures: tuple[tuple[str, str], ...]


def shared_with(client: Client, business: Business = Business.CHAIN) -> Iterator[Shared]:
    """The corps that see this app. Sensitive apps appear once the other side has confirmed."""
    cursor = ""
    while True:
        asked = {"agentid": client.agent, "business_type": int(business), "limit": PAGE, "cursor": cursor}
        answer = client.post("corpgroup/corp/list_app_share_info", asked)
        for row in answer["corp_list"]:
            yield Shared(row["corpid"], row["corp_name"], int(row["agentid"]))
        cursor = answer.get("next_cursor", "")
        if answer["ending"] == 1 or not cursor:
            return


def downstream(client: Client, shared: Shared, business: Business = Business.CHAIN) -> Client:
    """The client that acts as the shared app in a downstream corp. It reads contacts, without private data."""
    asked = {"corpid": shared.corp, "agentid": shared.agent, "business_type": int(business)}
    clock = client.connection.tokens.clock

    def fetch() -> Token:
        now = clock()
        answer = client.post("corpgroup/corp/gettoken", asked)
        return Token(answer["access_token"], now + answer["expires_in"])

    key = client.key._replace(corp=shared.corp, app=f"{shared.agent} of {client.corp}")
    return Client(client.connection, key, fetch, shared.agent)


def chains(client: Client) -> list[Chain]:
    """The chains of the head company."""
    rows = client.get("corpgroup/corp/get_chain_list")["chains"]
    return [Chain(row["chain_id"], row["chain_name"]) for row in rows]


def groups(client: Client, chain: str) -> list[Group]:
    """All levels and regions of a chain."""
    rows = client.post("corpgroup/corp/get_chain_group", {"chain_id": chain})["groups"]
    return [
        Group(int(row["groupid"]), row["group_name"], int(row["parentid"]), int(row.get("order", 0)))
        for row in rows
    ]


def companies(client: Client, chain: str, group: int, *, pending: bool = True) -> Iterator[Company]:
    """The corps right in one group; those below it are asked for one by one."""
    cursor = ""
    while True:
        asked = {
            "chain_id": chain,
            "groupid": group,
            "need_pending": pending,
            "cursor": cursor,
            "limit": PAGE,
        }
        answer = client.post("corpgroup/corp/get_chain_corpinfo_list", asked)
        for row in answer["group_corps"]:
            yield _company(row)
        cursor = answer.get("next_cursor", "")
        if not answer.get("has_more"):
            return


def company(client: Client, chain: str, corp: str) -> Company:
    """One corp of a chain that has joined."""
    asked = {"chain_id": chain, "corpid": corp}
    answer = client.post("corpgroup/corp/get_chain_corpinfo", asked)
    return _company({"corpid": corp, **answer})


def custom_user_id(client: Client, chain: str, corp: str, user: str) -> str:
    """What we called a contact when we imported them."""
    asked = {"chain_id": chain, "corpid": corp, "userid": user}
    return str(client.post("corpgroup/corp/get_chain_user_custom_id", asked)["user_custom_id"])


def remove(client: Client, chain: str, company: Company) -> None:
    """Take a corp out of a chain; one call at a time."""
    named = {"corpid": company.corp} if company.corp else {"pending_corpid": company.pending}
    client.post("corpgroup/corp/remove_corp", {"chain_id": chain, **named})


def invite(client: Client, chain: str, companies: list[Invited]) -> str:
    """Import companies and their contacts, who are invited; the job's id."""
    rows = [
        {
            "corp_name": each.name, "group_path": each.group_path, "custom_id": each.custom_id,
            "contact_info_list": [
                {"name": who.name, "identity_type": 1, "mobile": who.mobile, "user_custom_id": who.custom_id}
                for who in each.contacts
            ],
        }
        for each in companies
    ]  # fmt: skip
    asked = {"chain_id": chain, "contact_list": rows}
    return str(client.post("corpgroup/import_chain_contact", asked)["jobid"])


def invited(client: Client, job: str) -> Imported:
    """How far an import is."""
    answer = client.get("corpgroup/getresult", jobid=job)
    result = answer.get("result") or {}
    failures = [
        (row["corp_name"], f"{each['errcode']} {each.get('errmsg', '')}")
        for row in result.get("fail_list") or ()
        for each in (row.get("contact_info_list") or [row])
    ]
    return Imported(int(answer["status"]) == 3, result.get("chain_id", ""), tuple(failures))


def rule_ids(client: Client, chain: str) -> list[str]:
    """The rules of who sees whom."""
    return [str(each) for each in client.post("corpgroup/rule/list_ids", {"chain_id": chain})["rule_ids"]]


class Rule(NamedTuple):
    """Our departments or members, and the groups or corps of the chain they see; one of each pair at least."""

    departments: tuple[int, ...] = ()
    users: tuple[str, ...] = ()
    groups: tuple[int, ...] = ()
    corps: tuple[str, ...] = ()


def rule(client: Client, chain: str, id: str) -> Rule:
    """One rule."""
    row = client.post("corpgroup/rule/get_rule_info", {"chain_id": chain, "rule_id": id})["rule_info"]
    owner, member = row["owner_corp_range"], row["member_corp_range"]
    return Rule(
        tuple(int(each) for each in owner.get("departmentids") or ()),
        tuple(owner.get("userids") or ()),
        tuple(int(each) for each in member.get("groupids") or ()),
        tuple(member.get("corpids") or ()),
    )


def add_rule(client: Client, chain: str, rule: Rule) -> str:
    """Make a rule; its id. Only the corp that made the chain may."""
    asked = {"chain_id": chain, "rule_info": _rule(rule)}
    return str(client.post("corpgroup/rule/add_rule", asked)["rule_id"])


def change_rule(client: Client, chain: str, id: str, rule: Rule) -> None:
    """Change a rule."""
    asked = {"chain_id": chain, "rule_id": id, "rule_info": _rule(rule)}
    client.post("corpgroup/rule/modify_rule", asked)


def delete_rule(client: Client, chain: str, id: str) -> None:
    """Delete a rule."""
    client.post("corpgroup/rule/delete_rule", {"chain_id": chain, "rule_id": id})


class Elsewhere(NamedTuple):
    """The id a customer has in one corp of the chain."""

    corp: str
    customer: str


def customer_elsewhere(client: Client, unionid: str, openid: str, ticket: str = "") -> list[Elsewhere]:
    """The ids one WeChat user has as a customer, in our corp and downstream; `ticket` as `mass_call_ticket` gives."""
    asked = {"unionid": unionid, "openid": openid} | ({"mass_call_ticket": ticket} if ticket else {})
    answer = client.post("corpgroup/unionid_to_external_userid", asked)
    return [Elsewhere(row["corpid"], row["external_userid"]) for row in answer["external_userid_info"]]


def chains_shared_with(client: Client, corp: str) -> list[Chain]:
    """The chains a downstream corp is in."""
    rows = client.post("corpgroup/get_corp_shared_chain_list", {"corpid": corp})["chains"]
    return [Chain(row["chain_id"], row["chain_name"]) for row in rows]


def pending_customers(client: Client, unionid: str, openid: str) -> list[Elsewhere]:
    """The ids a WeChat user will be known by where they are no customer yet; kept 90 days."""
    answer = client.post("corpgroup/unionid_to_pending_id", {"unionid": unionid, "openid": openid})
    return [Elsewhere(row["corpid"], row["pending_id"]) for row in answer["pending_id_info"]]


def mass_call_ticket(client: Client) -> str:
    """A ticket that lifts the limit of `customer_elsewhere` for a first full load."""
    return str(client.post("corpgroup/corp/apply_mass_call_ticket", {})["mass_call_ticket"])


class Session(NamedTuple):
    """Somebody of a downstream corp in the shared mini program: their account there, and the key of the session."""

    user: str
    key: str


def transferred_session(client: Client, user: str, session_key: str) -> Session:
    """Who a session of the head company's mini program is downstream; with a client of `downstream`."""
    answer = client.post("miniprogram/transfer_session", {"userid": user, "session_key": session_key})
    return Session(answer["userid"], answer["session_key"])


class Accounts(NamedTuple):
    """Accounts by the ids a provider knows them by, and the ids nobody has."""

    known: dict[str, str]
    unknown: tuple[str, ...]


def accounts(client: Client, open_ids: list[str], source_agent: int) -> Accounts:
    """The accounts behind up to 1000 ids that a provider's app `source_agent` has told."""
    asked = {"open_userid_list": open_ids, "source_agentid": source_agent}
    answer = client.post("batch/openuserid_to_userid", asked)
    known = {row["open_userid"]: row["userid"] for row in answer["userid_list"]}
    return Accounts(known, tuple(answer.get("invalid_open_userid_list") or ()))


def _rule(rule: Rule) -> dict[str, Any]:
    return {
        "owner_corp_range": {
            "departmentids": [str(each) for each in rule.departments],
            "userids": list(rule.users),
        },
        "member_corp_range": {"groupids": [str(each) for each in rule.groups], "corpids": list(rule.corps)},
    }


def _company(row: dict[str, Any]) -> Company:
    return Company(
        name=row["corp_name"],
        group=int(row.get("groupid", 0)),
        corp=row.get("corpid") or None,
        pending=row.get("pending_corpid") or None,
        custom_id=row.get("custom_id", ""),
        joined=bool(row.get("is_joined")),
    )
