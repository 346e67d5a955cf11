"""externalcontact/*: customers, their tags, hand-over."""

import hashlib
from typing import Any

from .calls import APP, CUSTOMERS, Call, Refused, api, fresh
from .people import found
from .ranges import Range
from .state import ContactWay, Corp, CorpTag, CorpTagGroup, Customer, Follow, Person, Transfer

WHO = frozenset({CUSTOMERS, APP})
AT_ONCE, FOLLOWERS_AT_ONCE, RESULTS_AT_ONCE = 100, 500, 1000
TAGS, TAG_NAME = 3000, 30
DAY_S = 86_400


def need_customers(call: Call) -> None:
    """An app must be in 客户联系 › 可调用应用."""
    if call.token.kind == APP and not call.app.customers:
        raise Refused(48002, "api forbidden: the app is not callable for customer contact")


def _member(call: Call, user: object) -> Person:
    need_customers(call)
    person = found(call.corp, user)
    if not Range(call).sees(person):
        raise Refused(84074, "no contact permission")
    return person


def _follow(call: Call, customer_code: int = 84061) -> Follow:
    """The relation a call is about."""
    person = _member(call, call.body.get("userid"))
    customer = call.text("external_userid", 41035)
    if customer not in call.corp.customers:
        raise Refused(40096, "invalid external_userid")
    for each in call.corp.follows:
        if each.user == person.user and each.customer == customer and not each.deleted_by_customer:
            return each
    raise Refused(customer_code, "not external contact")


def _of(corp: Corp, user: str) -> list[Follow]:
    return [each for each in corp.follows if each.user == user and not each.deleted_by_customer]


@api("GET", "externalcontact/get_follow_user_list", WHO)
def _followers(call: Call) -> dict[str, Any]:
    need_customers(call)
    seen = Range(call)
    return {"follow_user": [each.user for each in call.corp.people.values() if seen.sees(each)]}


@api("GET", "externalcontact/list", WHO)
def _list(call: Call) -> dict[str, Any]:
    person = _member(call, call.query.get("userid"))
    ids = [each.customer for each in _of(call.corp, person.user)]
    if not ids:
        raise Refused(84061, "not external contact")
    return {"external_userid": ids}


@api("GET", "externalcontact/get", WHO)
def _get(call: Call) -> dict[str, Any]:
    need_customers(call)
    customer = call.corp.customers.get(call.text("external_userid", 41035))
    if customer is None:
        raise Refused(40096, "invalid external_userid")
    follows = [
        each for each in call.corp.follows if each.customer == customer.id and not each.deleted_by_customer
    ]
    if not follows:
        raise Refused(84061, "not external contact")
    page, cursor = call.page(follows, FOLLOWERS_AT_ONCE)
    told = {
        "external_contact": _told(customer),
        "follow_user": [_follow_told(call.corp, each) for each in page],
    }
    return {**told, "next_cursor": cursor} if cursor else told


@api("POST", "externalcontact/batch/get_by_user", WHO)
def _by_user(call: Call) -> dict[str, Any]:
    users = call.body.get("userid_list")
    if not isinstance(users, list) or not 1 <= len(users) <= AT_ONCE:
        raise Refused(40058, "userid_list has 1 to 100")
    limit = int(call.body.get("limit") or 50)
    if not 1 <= limit <= AT_ONCE:
        raise Refused(40058, "invalid limit")
    follows = [each for user in users for each in _of(call.corp, _member(call, user).user)]
    if not follows:
        raise Refused(84061, "not external contact")
    page, cursor = call.page(follows, limit)
    rows = []
    for each in page:
        info = _follow_told(call.corp, each)
        info["tag_id"] = [tag["tag_id"] for tag in info.pop("tags")]
        rows.append({"external_contact": _told(call.corp.customers[each.customer]), "follow_info": info})
    return {"external_contact_list": rows, "next_cursor": cursor}


def _told(customer: Customer) -> dict[str, Any]:
    row = {
        "external_userid": customer.id, "name": customer.name, "type": customer.type, "gender": customer.gender,
        "avatar": "", "unionid": customer.unionid,
    }  # fmt: skip
    if customer.type == 2:
        del row["unionid"]
        row |= {
            "position": customer.position,
            "corp_name": customer.corp_name,
            "corp_full_name": customer.corp_name,
        }
        row["external_profile"] = {"external_attr": []}
    return {name: value for name, value in row.items() if name != "unionid" or value}


def _follow_told(corp: Corp, each: Follow) -> dict[str, Any]:
    tags = [corp.customer_tags[id] for id in each.tags if id in corp.customer_tags]
    groups = corp.customer_tag_groups
    return {
        "userid": each.user, "remark": each.remark, "description": each.description, "createtime": each.created,
        "tags": [
            {"group_name": groups[tag.group].name, "tag_name": tag.name, "tag_id": tag.id, "type": 1} for tag in tags
        ],
        "remark_corp_name": each.company, "remark_mobiles": each.mobiles, "oper_userid": each.user,
        "add_way": each.add_way, "state": each.state,
    }  # fmt: skip


@api("POST", "externalcontact/remark", WHO)
def _remark(call: Call) -> dict[str, Any]:
    follow, body = _follow(call), call.body
    limits = {"remark": 20, "description": 150, "remark_company": 20}
    if not any(name in body for name in (*limits, "remark_mobiles", "remark_pic_mediaid")):
        raise Refused(40058, "nothing to change")
    if any(len(str(body.get(name, ""))) > limit for name, limit in limits.items()):
        raise Refused(40058, "too long")
    follow.remark = str(body.get("remark", follow.remark))
    follow.description = str(body.get("description", follow.description))
    follow.company = str(body.get("remark_company", follow.company))
    if "remark_mobiles" in body:
        follow.mobiles = [str(each) for each in body["remark_mobiles"] if each]
    return {}


@api("POST", "externalcontact/get_corp_tag_list", WHO)
def _tags(call: Call) -> dict[str, Any]:
    need_customers(call)
    tags, groups = call.body.get("tag_id") or [], call.body.get("group_id") or []
    found = [
        _group_told(call.corp, each)
        for each in call.corp.customer_tag_groups.values()
        if (not groups or each.id in groups)
    ]
    if tags:
        for row in found:
            row["tag"] = [each for each in row["tag"] if each["id"] in tags]
        found = [row for row in found if row["tag"]]
    return {"tag_group": found}


def _group_told(corp: Corp, group: CorpTagGroup) -> dict[str, Any]:
    tags = [each for each in corp.customer_tags.values() if each.group == group.id]
    return {
        "group_id": group.id, "group_name": group.name, "create_time": group.created, "order": group.order,
        "deleted": False,
        "tag": [
            {"id": each.id, "name": each.name, "create_time": each.created, "order": each.order, "deleted": False}
            for each in tags
        ],
    }  # fmt: skip


@api("POST", "externalcontact/add_corp_tag", WHO)
def _add_tags(call: Call) -> dict[str, Any]:
    need_customers(call)
    rows = call.body.get("tag") or []
    names = [str(row.get("name", "")) for row in rows]
    if not names or any(not 1 <= len(name) <= TAG_NAME for name in names):
        raise Refused(40071, "a tag has a name of 1 to 30 characters")
    if len(call.corp.customer_tags) + len(names) > TAGS:
        raise Refused(81003, "too many tags")
    group = _group(call)
    taken = {each.name for each in call.corp.customer_tags.values() if each.group == group.id}
    if taken & set(names) or len(set(names)) < len(names):
        raise Refused(40071, "the tag is there already")
    for name, row in zip(names, rows, strict=True):
        id = fresh("et")
        call.corp.customer_tags[id] = CorpTag(id, name, group.id, int(row.get("order", 0)), int(call.now))
    call.corp.customer_tag_groups[group.id] = group
    return {"tag_group": _group_told(call.corp, group)}


def _group(call: Call) -> CorpTagGroup:
    groups = call.corp.customer_tag_groups
    if call.body.get("group_id"):
        if call.body["group_id"] not in groups:
            raise Refused(40068, "invalid group_id")
        return groups[call.body["group_id"]]
    name = call.text("group_name", 40063)
    for each in groups.values():
        if each.name == name:
            return each
    return CorpTagGroup(fresh("et"), name, int(call.body.get("order", 0)), int(call.now))


@api("POST", "externalcontact/edit_corp_tag", WHO)
def _edit_tag(call: Call) -> dict[str, Any]:
    need_customers(call)
    id = call.text("id")
    found = call.corp.customer_tags.get(id) or call.corp.customer_tag_groups.get(id)
    if found is None:
        raise Refused(40068, "invalid tag")
    found.name = str(call.body.get("name", found.name))
    found.order = int(call.body.get("order", found.order))
    return {}


@api("POST", "externalcontact/del_corp_tag", WHO)
def _delete_tags(call: Call) -> dict[str, Any]:
    need_customers(call)
    corp, tags = call.corp, set(call.body.get("tag_id") or [])
    groups = set(call.body.get("group_id") or [])
    if not (tags & set(corp.customer_tags) or groups & set(corp.customer_tag_groups)):
        raise Refused(40068, "invalid tag")
    corp.customer_tags = {
        id: each for id, each in corp.customer_tags.items() if id not in tags and each.group not in groups
    }
    used = {each.group for each in corp.customer_tags.values()}
    corp.customer_tag_groups = {id: each for id, each in corp.customer_tag_groups.items() if id in used}
    return {}


@api("POST", "externalcontact/mark_tag", WHO)
def _mark(call: Call) -> dict[str, Any]:
    follow = _follow(call)
    add, remove = call.body.get("add_tag") or [], call.body.get("remove_tag") or []
    if not add and not remove:
        raise Refused(40058, "nothing to change")
    if any(each not in call.corp.customer_tags for each in (*add, *remove)):
        raise Refused(40068, "invalid tag")
    follow.tags = [each for each in dict.fromkeys([*follow.tags, *add]) if each not in remove]
    return {}


@api("POST", "externalcontact/add_contact_way", WHO)
def _contact_way(call: Call) -> dict[str, Any]:
    need_customers(call)
    for name, length in (("remark", 30), ("state", 30)):
        if len(str(call.body.get(name, ""))) > length:
            raise Refused(40058, f"{name} too long")
    for user in call.body.get("user") or []:
        _member(call, user)
    if not call.body.get("user") and not call.body.get("party"):
        raise Refused(40058, "nobody to lead to")
    id = fresh()
    call.corp.contact_ways[id] = ContactWay(id, call.body)
    return {"config_id": id, "qr_code": f"https://wework.qpic.cn/sandbox/{id}"}


@api("POST", "externalcontact/send_welcome_msg", WHO)
def _welcome(call: Call) -> dict[str, Any]:
    ends = call.corp.welcome_codes.pop(call.text("welcome_code", 41050), 0.0)
    if ends <= call.now:
        raise Refused(41050, "invalid welcome_code")
    return {}


@api("POST", "externalcontact/transfer_customer", WHO)
def _transfer(call: Call) -> dict[str, Any]:
    found(call.corp, call.body.get("handover_userid"))
    return _transferred(call, left=False)


@api("POST", "externalcontact/resigned/transfer_customer", WHO)
def _transfer_resigned(call: Call) -> dict[str, Any]:
    return _transferred(call, left=True)


def _transferred(call: Call, *, left: bool) -> dict[str, Any]:
    taker = _member(call, call.body.get("takeover_userid"))
    leaving, ids = call.text("handover_userid", 41009), call.body.get("external_userid")
    if not isinstance(ids, list) or not 1 <= len(ids) <= AT_ONCE:
        raise Refused(40058, "external_userid has 1 to 100")
    theirs = {each.customer for each in _of(call.corp, leaving)}
    under_way = {each.customer for each in call.corp.transfers if each.status == 2}
    result = []
    for id in ids:
        code = 0
        if id not in theirs or id in under_way:
            code = 40096 if id not in call.corp.customers else 84061
        elif left and leaving not in call.corp.left:
            code = 40097
        if code == 0:
            call.corp.transfers.append(Transfer(leaving, taker.user, id, 2, int(call.now)))
        result.append({"external_userid": id, "errcode": code})
    return {"customer": result}


def settle(corp: Corp, now: float) -> list[Transfer]:
    """Hand-overs nobody refused take effect after a day; those that just did."""
    done = [each for each in corp.transfers if each.status == 2 and now - each.at >= DAY_S]
    for each in done:
        take_effect(corp, each, now)
    return done


def take_effect(corp: Corp, transfer: Transfer, now: float) -> None:
    """The customer is the taker's from now on."""
    transfer.status, transfer.at = 1, int(now)
    for follow in corp.follows:
        if follow.user == transfer.handover and follow.customer == transfer.customer:
            follow.user, follow.add_way, follow.created = transfer.takeover, 202, int(now)


@api("POST", "externalcontact/transfer_result", WHO)
@api("POST", "externalcontact/resigned/transfer_result", WHO)
def _transfer_result(call: Call) -> dict[str, Any]:
    need_customers(call)
    settle(call.corp, call.now)
    leaving, taking = call.text("handover_userid", 41009), call.text("takeover_userid", 41009)
    rows = [
        {
            "external_userid": each.customer,
            "status": each.status,
            "takeover_time": each.at if each.status == 1 else 0,
        }
        for each in call.corp.transfers
        if (each.handover, each.takeover) == (leaving, taking)
    ]
    page, cursor = call.page(rows, RESULTS_AT_ONCE)
    return {"customer": page, "next_cursor": cursor}


@api("POST", "externalcontact/get_unassigned_list", WHO)
def _unassigned(call: Call) -> dict[str, Any]:
    need_customers(call)
    settle(call.corp, call.now)
    under_way = {each.customer for each in call.corp.transfers if each.status == 2}
    rows = [
        {"handover_userid": each.user, "external_userid": each.customer, "dimission_time": int(at)}
        for each in call.corp.follows
        if (at := call.corp.left.get(each.user)) is not None and each.customer not in under_way
    ]
    page, cursor = call.page(rows, min(1000, int(call.body.get("page_size") or 1000)))
    return {"info": page, "is_last": not cursor, "next_cursor": cursor}


@api("POST", "idconvert/unionid_to_external_userid", WHO)
def _by_unionid(call: Call) -> dict[str, Any]:
    need_customers(call)
    unionid = call.text("unionid")
    call.text("openid")
    for each in call.corp.customers.values():
        if each.unionid == unionid:
            return {"external_userid": each.id}
    return {"pending_id": pending_id(call.corp.id, unionid)}


def pending_id(corp: str, unionid: str) -> str:
    """The same stranger has the same pending id in the same corp."""
    return "pd" + hashlib.sha256(f"{corp}/{unionid}".encode()).hexdigest()[:24]
