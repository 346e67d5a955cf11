"""tag/*: only the app that made a tag changes it."""

from typing import Any

from .callbacks import event, tell
from .calls import ANYONE, APP, CONTACTS, CUSTOMERS, Call, Refused, api, number
from .state import Tag

USERS, PARTIES, NAME = 1000, 100, 32
WHO = frozenset({CONTACTS, APP})


def _owner(call: Call) -> str:
    return call.token.kind if call.token.kind == CONTACTS else str(call.token.agent)


def _tag(call: Call) -> Tag:
    tag = call.corp.tags.get(call.number("tagid", 40068))
    if tag is None:
        raise Refused(40068, "invalid tagid")
    return tag


def _own(call: Call) -> Tag:
    tag = _tag(call)
    if tag.owner != _owner(call):
        raise Refused(81011, "no permission to edit this tag")
    return tag


def _name(call: Call) -> str:
    name = call.text("tagname", 40071)
    if len(name) > NAME:
        raise Refused(40071, "invalid tagname")
    if any(each.name == name for each in call.corp.tags.values()):
        raise Refused(40071, "tagname existed")
    return name


@api("POST", "tag/create", WHO)
def _create(call: Call) -> dict[str, Any]:
    asked = call.body.get("tagid")
    id = max([0, *call.corp.tags]) + 1 if asked is None else number(asked, 40068)
    if id in call.corp.tags:
        raise Refused(40068, "tagid existed")
    call.corp.tags[id] = Tag(id, _name(call), _owner(call))
    return {"errmsg": "created", "tagid": id}


@api("POST", "tag/update", WHO)
def _update(call: Call) -> dict[str, Any]:
    tag = _own(call)
    tag.name = _name(call)
    return {"errmsg": "updated"}


@api("GET", "tag/delete", WHO)
def _delete(call: Call) -> dict[str, Any]:
    del call.corp.tags[_own(call).id]
    return {"errmsg": "deleted"}


@api("GET", "tag/get", ANYONE - {CUSTOMERS})
def _get(call: Call) -> dict[str, Any]:
    tag = _tag(call)
    people = [call.corp.people[each.lower()] for each in tag.users if each.lower() in call.corp.people]
    users = [{"userid": each.user, "name": each.name} for each in people]
    return {"tagname": tag.name, "userlist": users, "partylist": tag.departments}


@api("GET", "tag/list", ANYONE - {CUSTOMERS})
def _list(call: Call) -> dict[str, Any]:
    return {"taglist": [{"tagid": each.id, "tagname": each.name} for each in call.corp.tags.values()]}


@api("POST", "tag/addtagusers", WHO)
def _add(call: Call) -> dict[str, Any]:
    tag, users, parties, invalid = _targets(call)
    tag.users += [each for each in users if each not in tag.users]
    tag.departments += [each for each in parties if each not in tag.departments]
    _told(call, tag, AddUserItems=users, AddPartyItems=parties)
    return invalid


@api("POST", "tag/deltagusers", WHO)
def _remove(call: Call) -> dict[str, Any]:
    tag, users, parties, invalid = _targets(call)
    tag.users = [each for each in tag.users if each not in users]
    tag.departments = [each for each in tag.departments if each not in parties]
    _told(call, tag, DelUserItems=users, DelPartyItems=parties)
    return {"errmsg": "deleted", **invalid}


def _told(call: Call, tag: Tag, **items: object) -> None:
    """Its own changes are not called back to contacts-sync; those of apps are."""
    if call.token.kind != CONTACTS:
        xml = event("change_contact", "update_tag", TagId=tag.id, **items)
        tell(call.sandbox, call.corp, "contacts", call.corp.contacts_receiver, xml)


def _targets(call: Call) -> tuple[Tag, list[str], list[int], dict[str, Any]]:
    tag = _own(call)
    users, parties = call.body.get("userlist") or [], call.body.get("partylist") or []
    if not users and not parties:
        raise Refused(40070, "userlist and partylist are both empty")
    if len(users) > USERS or len(parties) > PARTIES:
        raise Refused(81014, "too many")
    people = call.corp.people
    known = [people[each.lower()].user for each in users if each.lower() in people]
    departments = [int(each) for each in parties if int(each) in call.corp.departments]
    if not known and not departments:
        raise Refused(40070, "all are invalid")
    invalid: dict[str, Any] = {}
    if len(known) < len(users):
        invalid["invalidlist"] = "|".join(each for each in users if each.lower() not in people)
    if len(departments) < len(parties):
        invalid["invalidparty"] = [int(each) for each in parties if int(each) not in call.corp.departments]
    return tag, known, departments, invalid
