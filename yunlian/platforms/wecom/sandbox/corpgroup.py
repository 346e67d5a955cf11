"""corpgroup/*: head company and branches."""

from typing import Any

from .calls import APP, DOWNSTREAM, TOKEN_S, Call, Refused, api, fresh, number
from .customers import pending_id
from .state import Chain, ChainCorp, ChainGroup, ChainJob, Corp, TokenRow
from .tokens import issue

WHO = frozenset({APP})
JOB_S = 0.3  # an import runs so long


def _need(call: Call) -> None:
    if not call.app.chain:
        raise Refused(48002, "api forbidden: the app is not callable for chains")


def _chain(call: Call) -> Chain:
    _need(call)
    chain = call.corp.chains.get(call.text("chain_id", 40058))
    if chain is None:
        raise Refused(40058, "invalid chain_id")
    return chain


@api("POST", "corpgroup/corp/list_app_share_info", WHO)
def _shared(call: Call) -> dict[str, Any]:
    _need(call)
    agent = call.number("agentid", 40056)
    rows = [
        {"corpid": corp, "corp_name": call.state.corps[corp].name, "agentid": theirs[agent]}
        for corp, theirs in call.corp.shared_with.items()
        if agent in theirs and call.body.get("corpid") in (None, "", corp)
    ]
    limit = int(call.body.get("limit") or 0) or len(rows) or 1
    page, cursor = call.page(rows, limit)
    return {"ending": int(not cursor), "corp_list": page, "next_cursor": cursor}


@api("POST", "corpgroup/corp/gettoken", WHO)
def _token(call: Call) -> dict[str, Any]:
    _need(call)
    corp, agent = call.text("corpid", 40013), call.number("agentid", 40056)
    shared = call.corp.shared_with.get(corp, {})
    if agent not in shared.values():
        raise Refused(301002, "the app is not shared with this corp under this agentid")
    row = TokenRow(corp, DOWNSTREAM, agent, call.now + TOKEN_S, upstream=call.corp.id)
    return {"access_token": issue(call.state, row), "expires_in": TOKEN_S}


@api("GET", "corpgroup/corp/get_chain_list", WHO)
def _chains(call: Call) -> dict[str, Any]:
    _need(call)
    return {"chains": [{"chain_id": each.id, "chain_name": each.name} for each in call.corp.chains.values()]}


@api("POST", "corpgroup/corp/get_chain_group", WHO)
def _groups(call: Call) -> dict[str, Any]:
    wanted = call.body.get("groupid")
    return {
        "groups": [
            {"groupid": each.id, "group_name": each.name, "parentid": each.parent, "order": each.order}
            for each in _chain(call).groups
            if wanted in (None, each.id, each.parent)
        ]
    }


@api("POST", "corpgroup/corp/get_chain_corpinfo_list", WHO)
def _companies(call: Call) -> dict[str, Any]:
    chain, group = _chain(call), number(call.body.get("groupid") or 1, 40058)
    rows = [
        {
            "groupid": each.group, "corpid": each.corp, "corp_name": each.name, "custom_id": each.custom_id,
            "invite_userid": each.invite_user, "pending_corpid": each.pending, "is_joined": int(each.joined),
        }
        for each in chain.corps
        if each.group == group and (each.joined or call.body.get("need_pending"))
    ]  # fmt: skip
    page, cursor = call.page(rows, int(call.body.get("limit") or 100))
    return {"has_more": bool(cursor), "next_cursor": cursor, "group_corps": page}


@api("POST", "corpgroup/corp/get_chain_corpinfo", WHO)
def _company(call: Call) -> dict[str, Any]:
    found = _of_chain(call, _chain(call))
    return {
        "corp_name": found.name, "qualification_status": 3 if found.joined else 1, "custom_id": found.custom_id,
        "groupid": found.group, "is_joined": found.joined,
    }  # fmt: skip


def _of_chain(call: Call, chain: Chain) -> ChainCorp:
    corp, pending = call.body.get("corpid"), call.body.get("pending_corpid")
    for each in chain.corps:
        if (corp and each.corp == corp) or (pending and each.pending == pending):
            return each
    raise Refused(40013, "the corp is not in the chain")


@api("POST", "corpgroup/corp/get_chain_user_custom_id", WHO)
def _custom_id(call: Call) -> dict[str, Any]:
    found, user = _of_chain(call, _chain(call)), call.text("userid", 41009)
    for each in found.contacts:
        if each.get("userid", "").lower() == user.lower():
            return {"user_custom_id": each["user_custom_id"]}
    raise Refused(60111, "userid not found")


@api("POST", "corpgroup/corp/remove_corp", WHO)
def _remove(call: Call) -> dict[str, Any]:
    chain = _chain(call)
    chain.corps.remove(_of_chain(call, chain))
    return {}


@api("POST", "corpgroup/import_chain_contact", WHO)
def _import(call: Call) -> dict[str, Any]:
    chain, rows = _chain(call), call.body.get("contact_list")
    if not isinstance(rows, list) or not rows:
        raise Refused(40058, "contact_list is empty")
    job = ChainJob(fresh("chainjob"), call.corp.id, chain.id, call.now)
    for row in rows:
        _imported(chain, job, row)
    call.state.chain_jobs[job.id] = job
    return {"jobid": job.id}


def _imported(chain: Chain, job: ChainJob, row: dict[str, Any]) -> None:
    contacts = row.get("contact_info_list") or []
    bad = [
        each
        for each in contacts
        if each.get("identity_type") != 1 or not str(each.get("mobile", "")).isdigit()
    ]
    if not row.get("corp_name") or bad or not contacts:
        told = [
            {"mobile": each.get("mobile", ""), "errcode": 670016, "errmsg": "invalid contact"} for each in bad
        ]
        failed = {
            "corp_name": row.get("corp_name", ""),
            "custom_id": row.get("custom_id", ""),
            "errcode": 670016,
        }
        job.fail_list.append({**failed, "errmsg": "invalid contact", "contact_info_list": told})
        return
    found = next(
        (each for each in chain.corps if each.custom_id and each.custom_id == row.get("custom_id")), None
    )
    if found is None:
        found = ChainCorp(row["corp_name"], 1, pending=fresh("pend"), custom_id=str(row.get("custom_id", "")))
        chain.corps.append(found)
    found.name, found.group = row["corp_name"], _group_of(chain, str(row.get("group_path", "")))
    found.contacts = [
        {
            "name": each["name"],
            "mobile": each["mobile"],
            "user_custom_id": str(each.get("user_custom_id", "")),
        }
        for each in contacts
    ]


def _group_of(chain: Chain, path: str) -> int:
    """The group at the end of a path like "华南/广州"; missing ones are made."""
    at = 1
    for name in [each for each in path.split("/") if each]:
        found = next((each for each in chain.groups if (each.parent, each.name) == (at, name)), None)
        if found is None:
            found = ChainGroup(max(each.id for each in chain.groups) + 1, name, at)
            chain.groups.append(found)
        at = found.id
    return at


@api("GET", "corpgroup/getresult", WHO)
def _result(call: Call) -> dict[str, Any]:
    job = call.state.chain_jobs.get(call.text("jobid", 40088))
    if job is None or job.corp != call.corp.id:
        raise Refused(40088, "invalid jobid")
    if call.now - job.at < JOB_S:
        return {"status": 2}
    status = 1 if not job.fail_list else 2
    return {
        "status": 3,
        "result": {"chain_id": job.chain, "import_status": status, "fail_list": job.fail_list},
    }


@api("POST", "corpgroup/rule/list_ids", WHO)
def _rules(call: Call) -> dict[str, Any]:
    return {"rule_ids": list(_chain(call).rules)}


@api("POST", "corpgroup/rule/get_rule_info", WHO)
def _rule(call: Call) -> dict[str, Any]:
    return {"rule_info": _found_rule(call, _chain(call))}


@api("POST", "corpgroup/rule/add_rule", WHO)
def _add_rule(call: Call) -> dict[str, Any]:
    chain, info = _chain(call), _rule_info(call)
    id = str(max([0, *(int(each) for each in chain.rules)]) + 1)
    chain.rules[id] = info
    return {"rule_id": id}


@api("POST", "corpgroup/rule/modify_rule", WHO)
def _modify_rule(call: Call) -> dict[str, Any]:
    chain = _chain(call)
    _found_rule(call, chain)
    chain.rules[call.text("rule_id")] = _rule_info(call)
    return {}


@api("POST", "corpgroup/rule/delete_rule", WHO)
def _delete_rule(call: Call) -> dict[str, Any]:
    chain = _chain(call)
    _found_rule(call, chain)
    del chain.rules[call.text("rule_id")]
    return {}


def _found_rule(call: Call, chain: Chain) -> dict[str, Any]:
    found = chain.rules.get(call.text("rule_id"))
    if found is None:
        raise Refused(40058, "invalid rule_id")
    return found


def _rule_info(call: Call) -> dict[str, Any]:
    info = call.body.get("rule_info") or {}
    owner, member = info.get("owner_corp_range") or {}, info.get("member_corp_range") or {}
    if not (owner.get("departmentids") or owner.get("userids")):
        raise Refused(40058, "owner_corp_range is empty")
    if not (member.get("groupids") or member.get("corpids")):
        raise Refused(40058, "member_corp_range is empty")
    if any(
        not each.isdigit() or int(each) not in call.corp.departments
        for each in owner.get("departmentids") or []
    ):
        raise Refused(60011, "no privilege to a department")
    return {"owner_corp_range": owner, "member_corp_range": member}


@api("POST", "corpgroup/get_corp_shared_chain_list", WHO)
def _shared_chains(call: Call) -> dict[str, Any]:
    _need(call)
    corp = call.text("corpid", 40013)
    rows = [each for each in call.corp.chains.values() if any(one.corp == corp for one in each.corps)]
    return {"chains": [{"chain_id": each.id, "chain_name": each.name} for each in rows]}


@api("POST", "corpgroup/unionid_to_pending_id", WHO)
def _strangers(call: Call) -> dict[str, Any]:
    _need(call)
    unionid = call.text("unionid")
    call.text("openid")
    corps = [call.corp, *(call.state.corps[each] for each in call.corp.shared_with)]
    strangers = [each for each in corps if not _customer(each, unionid)]
    return {
        "pending_id_info": [
            {"corpid": each.id, "pending_id": pending_id(each.id, unionid)} for each in strangers
        ]
    }


@api("POST", "corpgroup/corp/apply_mass_call_ticket", WHO)
def _mass_call_ticket(call: Call) -> dict[str, Any]:
    _need(call)
    ticket = fresh("mass")
    call.state.tickets_for_all[ticket] = call.corp.id
    return {"mass_call_ticket": ticket}


@api("POST", "miniprogram/transfer_session", frozenset({DOWNSTREAM}))
def _transfer_session(call: Call) -> dict[str, Any]:
    """Who the upstream's account is downstream; here the accounts are the same (our choice)."""
    user = call.text("userid", 41009)
    if user.lower() not in call.corp.people:
        raise Refused(60111, "userid not found")
    return {"userid": call.corp.people[user.lower()].user, "session_key": call.text("session_key")}


@api("POST", "batch/openuserid_to_userid", WHO)
def _accounts(call: Call) -> dict[str, Any]:
    """An id of a provider is the account turned around here (our choice)."""
    ids = call.body.get("open_userid_list")
    call.number("source_agentid", 40056)
    if not isinstance(ids, list) or not 1 <= len(ids) <= 1000:
        raise Refused(40058, "open_userid_list has 1 to 1000")
    known = {open_userid(each.user): each.user for each in call.corp.people.values()}
    return {
        "userid_list": [{"open_userid": each, "userid": known[each]} for each in ids if each in known],
        "invalid_open_userid_list": [each for each in ids if each not in known],
    }


def open_userid(user: str) -> str:
    """The id a provider knows an account by."""
    return "wo" + user[::-1]


@api("POST", "corpgroup/unionid_to_external_userid", WHO)
def _elsewhere(call: Call) -> dict[str, Any]:
    _need(call)
    ticket = call.body.get("mass_call_ticket")
    if ticket and call.state.tickets_for_all.get(ticket) != call.corp.id:
        raise Refused(40058, "invalid mass_call_ticket")
    unionid = call.text("unionid")
    call.text("openid")
    wanted = call.body.get("corpid")
    corps = [call.corp, *(call.state.corps[each] for each in call.corp.shared_with)]
    return {
        "external_userid_info": [
            {"corpid": corp.id, "external_userid": customer}
            for corp in corps
            if wanted in (None, "", corp.id) and (customer := _customer(corp, unionid))
        ]
    }


@api("POST", "corpgroup/unionid_to_pending_id", WHO)
def _pending(call: Call) -> dict[str, Any]:
    _need(call)
    return {"pending_id": pending_id(call.corp.id, call.text("unionid"))}


def _customer(corp: Corp, unionid: str) -> str:
    return next((each.id for each in corp.customers.values() if each.unionid == unionid), "")
