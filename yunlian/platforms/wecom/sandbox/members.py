"""user/*: members, told as far as the asking token may know."""

import hashlib
from typing import Any

from .calls import ANYONE, APP, CONTACTS, CUSTOMERS, DOWNSTREAM, Call, Refused, api, number
from .departments import WRITERS, need_details, need_edit
from .people import created, deleted, found, plain, updated
from .ranges import Range
from .state import Person

READERS = ANYONE - {CUSTOMERS}
DETAILED_AT_ONCE = 5_000  # more members of one department are refused with 45029
DELETED_AT_ONCE = 200
PAGE = 10_000
# No longer told to new apps since 2022-06-20.
PRIVATE = ("avatar", "thumb_avatar", "gender", "mobile", "email", "biz_mail", "qr_code", "address")
HIDDEN_DOWNSTREAM = (
    *PRIVATE, "position", "direct_leader", "telephone", "alias", "extattr", "external_position", "external_profile",
)  # fmt: skip


@api("POST", "user/create", WRITERS)
def _create(call: Call) -> dict[str, Any]:
    need_edit(call)
    created(call.corp, call.state.options, call.body)
    return {"errmsg": "created"}


@api("POST", "user/update", WRITERS)
def _update(call: Call) -> dict[str, Any]:
    need_edit(call)
    updated(call.corp, call.state.options, call.body)
    return {"errmsg": "updated"}


@api("GET", "user/delete", WRITERS)
def _delete(call: Call) -> dict[str, Any]:
    need_edit(call)
    deleted(call.corp, call.query.get("userid"), call.now)
    return {"errmsg": "deleted"}


@api("POST", "user/batchdelete", WRITERS)
def _delete_many(call: Call) -> dict[str, Any]:
    need_edit(call)
    users = call.body.get("useridlist")
    if not isinstance(users, list) or not users:
        raise Refused(40031, "invalid useridlist")
    if len(users) > DELETED_AT_ONCE:
        raise Refused(40032, "useridlist too long")
    people = [call.corp.people.get(str(user).lower()) for user in users]
    if None in people:
        raise Refused(40031, "useridlist has one that is not there")
    for user in {str(each).lower() for each in users}:
        deleted(call.corp, user, call.now)
    return {"errmsg": "deleted"}


@api("GET", "user/get", READERS)
def _get(call: Call) -> dict[str, Any]:
    if call.state.options.simplelist_blocked_too:
        need_details(call)
    return told(call, Range(call).need_person(call.corp, call.text("userid", 41009)))


@api("GET", "user/simplelist", READERS)
def _simple(call: Call) -> dict[str, Any]:
    if call.state.options.simplelist_blocked_too:
        need_details(call)
    people = _of_department(call)
    return {
        "userlist": [
            {"userid": each.user, "name": each.name, "department": each.departments} for each in people
        ]
    }


@api("GET", "user/list", READERS)
def _listed(call: Call) -> dict[str, Any]:
    need_details(call)
    people = _of_department(call)
    if len(people) > DETAILED_AT_ONCE:
        raise Refused(45029, "reply too large")
    return {"userlist": [told(call, each) for each in people]}


def _of_department(call: Call) -> list[Person]:
    id = call.number("department_id", 60123)
    seen = Range(call)
    seen.need_department(call.corp, id)
    wanted = {id}
    if call.query.get("fetch_child") == "1":
        wanted = {each for each in seen.departments if each == id or _lies_below(call, each, id)}
    return [each for each in call.corp.people.values() if not wanted.isdisjoint(each.departments)]


def _lies_below(call: Call, id: int, root: int) -> bool:
    while id in call.corp.departments:
        id = call.corp.departments[id].parent
        if id == root:
            return True
    return False


@api("POST", "user/list_id", frozenset({CONTACTS}))
def _ids(call: Call) -> dict[str, Any]:
    limit = number(call.body.get("limit", PAGE), 40058)
    if not 1 <= limit <= PAGE:
        raise Refused(40058, "invalid limit")
    rows = [
        {"userid": each.user, "department": department}
        for each in call.corp.people.values()
        for department in each.departments
    ]
    page, cursor = call.page(rows, limit)
    return {"dept_user": page, "next_cursor": cursor}


@api("POST", "user/getuserid")
def _by_mobile(call: Call) -> dict[str, Any]:
    user = call.corp.mobiles.get(plain(call.text("mobile", 60103)))
    if user is None:
        raise Refused(46004, "user not exist")
    return {"userid": call.corp.people[user].user}


@api("POST", "user/get_userid_by_email")
def _by_email(call: Call) -> dict[str, Any]:
    email = call.text("email", 60105).lower()
    if call.body.get("email_type") == 1:
        user = next((key for key, each in call.corp.people.items() if each.biz_mail.lower() == email), None)
    else:
        user = call.corp.emails.get(email)
    if user is None:
        raise Refused(46004, "user not exist")
    return {"userid": call.corp.people[user].user}


@api("POST", "user/convert_to_openid", READERS)
def _openid(call: Call) -> dict[str, Any]:
    return {"openid": openid_of(call.corp.id, found(call.corp, call.body.get("userid")).user)}


@api("POST", "user/convert_to_userid", READERS)
def _by_openid(call: Call) -> dict[str, Any]:
    wanted = call.text("openid")
    for person in call.corp.people.values():
        if openid_of(call.corp.id, person.user) == wanted:
            return {"userid": person.user}
    raise Refused(60111, "userid not found")


def openid_of(corp: str, user: str) -> str:
    """The same person has the same openid in the same corp."""
    return "o" + hashlib.sha256(f"{corp}/{user.lower()}".encode()).hexdigest()[:27]


@api("GET", "user/authsucc", frozenset({CONTACTS, APP}))
def _second_factor_passed(call: Call) -> dict[str, Any]:
    found(call.corp, call.query.get("userid")).status = 1
    return {}


@api("GET", "corp/get_join_qrcode", frozenset({CONTACTS, APP}))
def _join_qr(call: Call) -> dict[str, Any]:
    size = number(call.query.get("size_type", "2"), 40058)
    if size not in (1, 2, 3, 4):
        raise Refused(40058, "invalid size_type")
    return {"join_qrcode": f"https://work.weixin.qq.com/wework_admin/genqrcode?sandbox=1&size_type={size}"}


@api("POST", "user/get_active_stat", frozenset({CONTACTS, APP}))
def _active(call: Call) -> dict[str, Any]:
    call.text("date")
    return {"active_cnt": sum(each.status == 1 for each in call.corp.people.values())}


@api("POST", "batch/invite", frozenset({CONTACTS, APP}))
def _invite(call: Call) -> dict[str, Any]:
    body, corp = call.body, call.corp
    users, parties, tags = body.get("user") or [], body.get("party") or [], body.get("tag") or []
    if not (users or parties or tags):
        raise Refused(82001, "nobody to invite")
    if len(users) > 1000 or len(parties) > 100 or len(tags) > 100:
        raise Refused(81014, "too many")
    for user in users:
        if user.lower() in corp.people:
            corp.people[user.lower()].invited = True
    return {
        "invaliduser": [each for each in users if each.lower() not in corp.people],
        "invalidparty": [each for each in parties if int(each) not in corp.departments],
        "invalidtag": [each for each in tags if int(each) not in corp.tags],
    }


def told(call: Call, person: Person) -> dict[str, Any]:
    """A member as this caller is told."""
    row: dict[str, Any] = {
        "userid": person.user, "name": person.name, "department": person.departments, "order": person.orders,
        "main_department": person.main_department, "is_leader_in_dept": person.leads,
        "direct_leader": person.direct_leaders, "position": person.position, "mobile": person.mobile,
        "gender": person.gender, "email": person.email, "biz_mail": person.biz_mail, "alias": person.alias,
        "telephone": person.telephone, "address": person.address, "enable": person.enable, "status": person.status,
        "avatar": "", "thumb_avatar": "", "qr_code": "", "extattr": person.extra.get("extattr", {"attrs": []}),
        **{name: value for name, value in person.extra.items() if name.startswith("external_")},
    }  # fmt: skip
    hidden = _hidden(call)
    return {name: value for name, value in row.items() if name not in hidden}


def _hidden(call: Call) -> tuple[str, ...]:
    if call.token.kind == DOWNSTREAM:
        return HIDDEN_DOWNSTREAM
    return PRIVATE if call.token.kind == APP and not call.app.before_2022 else ()
