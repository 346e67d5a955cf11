"""linkedcorp/*: messages to people of linked corps.

A linked id is the id of a chain here, and its departments are the chain's groups (our choice).
"""

from typing import Any

from .calls import APP, Call, Refused, api, fresh
from .messages import KINDS, checked
from .state import Chain, Message

WHO = frozenset({APP})
USERS, PARTIES, TAGS = 1000, 100, 100


@api("POST", "linkedcorp/message/send", WHO)
def _send(call: Call) -> dict[str, Any]:
    agent, kind = call.number("agentid", 40056), call.body.get("msgtype")
    if agent != call.token.agent:
        raise Refused(301002, "the agentid is of another app")
    if kind not in KINDS or not isinstance(call.body.get(kind), dict):
        raise Refused(40008, "invalid message type")
    people, missed = _recipients(call, agent)
    content = checked(call, str(kind), call.body[kind])
    for corp, users in people.items():
        theirs = call.corp.shared_with[corp][agent]
        message = Message(fresh("msg"), corp, theirs, str(kind), content, users, call.now)
        call.state.messages[message.id] = message
    return missed


def _recipients(call: Call, agent: int) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """Accounts by corp, and the lists of those who do not get it."""
    users, parties, tags = (_list(call, name) for name in ("touser", "toparty", "totag"))
    corps = {corp for corp, theirs in call.corp.shared_with.items() if agent in theirs}
    if call.body.get("toall") == 1:
        everybody = {corp: [each.user for each in call.state.corps[corp].people.values()] for corp in corps}
        return everybody, {"invaliduser": [], "invalidparty": [], "invalidtag": []}
    if not (users or parties or tags):
        raise Refused(82001, "no recipients")
    for given, most, code in ((users, USERS, 81014), (parties, PARTIES, 82002), (tags, TAGS, 82003)):
        if len(given) > most:
            raise Refused(code, "too many recipients")
    found: dict[str, list[str]] = {}
    missed: dict[str, list[str]] = {"invaliduser": [], "invalidparty": [], "invalidtag": tags}
    for each in users:
        corp, _, user = each.partition("/")
        person = call.state.corps[corp].people.get(user.lower()) if corp in corps else None
        if person is None:
            missed["invaliduser"].append(each)
        else:
            found.setdefault(corp, []).append(person.user)
    for each in parties:
        there = _corps_in(call, each) & corps
        if not there:
            missed["invalidparty"].append(each)
        for corp in there:
            known = found.setdefault(corp, [])
            known += [p.user for p in call.state.corps[corp].people.values() if p.user not in known]
    if not found:
        raise Refused(81013, "user & party & tag all invalid")
    return found, missed


def _list(call: Call, name: str) -> list[str]:
    given = call.body.get(name) or []
    if not isinstance(given, list):
        raise Refused(40058, f"{name} is a list here")
    return [str(each) for each in given]


def _corps_in(call: Call, party: str) -> set[str]:
    """The corps in a group of a chain, and in those below it."""
    linked, _, group = party.partition("/")
    chain = call.corp.chains.get(linked)
    if chain is None or not group.isdigit() or all(each.id != int(group) for each in chain.groups):
        return set()
    inside = _below(chain, int(group))
    return {each.corp for each in chain.corps if each.corp and each.group in inside}


def _below(chain: Chain, group: int) -> set[int]:
    inside = {group}
    while more := {each.id for each in chain.groups if each.parent in inside} - inside:
        inside |= more
    return inside
