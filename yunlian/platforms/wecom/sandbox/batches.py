"""batch/*: imports that run in the background, one per corp, with a guard against large losses."""

import csv
import io
import threading
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from typing import Any

from ...sandbox.platform import Sandbox
from ..departments import ROOT
from . import departments, people
from .callbacks import event, need_receiver, tell
from .calls import CONTACTS, Call, Refused, api, fresh
from .departments import need_edit
from .media import kept
from .state import Corp, Department, Job, Receiver, Wecom

RESULTS = 5  # kept per corp
PAUSE_S = 0.15  # between the visible states of a job
CHUNK = 2000  # rows done under one lock
OTHERS = "其他（待设置部门）"
TYPES = {"syncuser": "sync_user", "replaceuser": "replace_user", "replaceparty": "replace_party"}
WHO = frozenset({CONTACTS})
CELLS = {
    "name": "姓名", "userid": "帐号", "mobile": "手机号", "email": "邮箱", "position": "职位", "alias": "别名",
    "address": "地址", "telephone": "座机",
}  # fmt: skip
GENDERS = {"男": "1", "女": "2"}


@api("POST", "batch/syncuser", WHO)
def _sync(call: Call) -> dict[str, Any]:
    return _started(call, "syncuser")


@api("POST", "batch/replaceuser", WHO)
def _replace(call: Call) -> dict[str, Any]:
    return _started(call, "replaceuser")


@api("POST", "batch/replaceparty", WHO)
def _replace_departments(call: Call) -> dict[str, Any]:
    return _started(call, "replaceparty")


def _started(call: Call, what: str) -> dict[str, Any]:
    need_edit(call)
    media = kept(call, call.text("media_id", 40063))
    if any(each.corp == call.corp.id and each.status < 3 for each in call.state.jobs.values()):
        raise Refused(302008, "another job is running")
    callback = call.body.get("callback") or None
    if callback is not None:
        need_receiver(callback, call.corp)
    rows = _rows(media.content, "帐号" if what != "replaceparty" else "部门ID")
    id, invite = fresh("job"), bool(call.body.get("to_invite", True))
    call.state.jobs[id] = Job(
        id, call.corp.id, TYPES[what], call.text("media_id"), invite, callback, call.now, total=len(rows)
    )
    _forget(call.state, call.corp.id)
    _run(call.sandbox, id)
    return {"jobid": id}


def _forget(state: Wecom, corp: str) -> None:
    done = [each for each in state.jobs.values() if each.corp == corp and each.status == 3]
    for each in sorted(done, key=lambda job: job.at)[:-RESULTS]:
        state.jobs[each.id] = Job(each.id, corp, each.type, "", False, None, each.at, status=0)


@api("GET", "batch/getresult", WHO)
def _result(call: Call) -> dict[str, Any]:
    job = call.state.jobs.get(call.text("jobid", 40088))
    if job is None or job.corp != call.corp.id:
        raise Refused(40088, "invalid jobid")
    if job.status == 0:
        raise Refused(40089, "the result is gone")
    percentage = 100 if job.status == 3 else 100 * job.done // max(1, job.total)
    return {
        "status": job.status, "type": job.type, "total": job.total, "percentage": percentage,
        "result": job.result if job.status == 3 else [],
    }  # fmt: skip


def resume(sandbox: Sandbox) -> None:
    """Go on with the jobs a restart interrupted; what they did already is done again, which changes nothing."""
    with sandbox.world.lock:
        waiting = [each.id for each in sandbox.world.part(Wecom).jobs.values() if each.status in (1, 2)]
    for id in waiting:
        _run(sandbox, id)


def _run(sandbox: Sandbox, id: str) -> None:
    threading.Thread(target=_work, args=(sandbox, id), name="sandbox-batch", daemon=True).start()


def _work(sandbox: Sandbox, id: str) -> None:
    pause = threading.Event()
    pause.wait(PAUSE_S)
    with sandbox.world.change():
        state = sandbox.world.part(Wecom)
        job = state.jobs.get(id)
        if job is None:
            return  # the sandbox was reset
        job.status, job.done, job.result = 2, 0, []
        corp = state.corps[job.corp]
        media = state.media.get(job.media)
    pause.wait(PAUSE_S)
    try:
        if media is None:
            raise Refused(40007, "invalid media_id")
        _done(sandbox, state, corp, job, media.content)
    except Refused as refused:
        job.code, job.text = refused.code, refused.text
    with sandbox.world.change():
        job.status = 3
        _tell(sandbox, corp, job)


def _done(sandbox: Sandbox, state: Wecom, corp: Corp, job: Job, content: bytes) -> None:
    rows = _rows(content, "部门ID" if job.type == "replace_party" else "帐号")
    if job.type == "replace_party":
        with sandbox.world.change():
            job.result, job.done = _departments_replaced(corp, rows), len(rows)
        return
    with sandbox.world.change():
        if job.type == "replace_user":
            _guard(corp, rows)
    for begin in range(0, len(rows), CHUNK):
        with sandbox.world.change():
            for row in rows[begin : begin + CHUNK]:
                job.result.append(_member_done(corp, state, job, row))
            job.done = begin + len(rows[begin : begin + CHUNK])
    if job.type == "replace_user":
        with sandbox.world.change():
            for user in _absent(corp, rows):
                people.deleted(corp, user, sandbox.world.now())


def _rows(content: bytes, key: str) -> list[dict[str, str]]:
    """The rows by column name. Refused with 40092 when it is no such file, 302003/302006 for a key that comes twice."""
    try:
        rows = list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"))))
    except (UnicodeDecodeError, csv.Error) as error:
        raise Refused(40092, "invalid file content") from error
    if not rows or key not in rows[0]:
        raise Refused(40092, f"no column {key}")
    keys = [(row.get(key) or "").lower() for row in rows]
    if len(set(keys)) < len(keys):
        raise Refused(302003 if key == "帐号" else 302006, f"{key} comes twice")
    return rows


def _member_done(corp: Corp, state: Wecom, job: Job, row: dict[str, str]) -> dict[str, Any]:
    user = row.get("帐号") or ""
    try:
        body = _body(corp, row)
        if user.lower() in corp.people:
            people.updated(corp, state.options, body)
        else:
            body.setdefault("department", [_others(corp)])
            people.created(corp, state.options, {**body, "to_invite": job.invite})
    except Refused as refused:
        return {"userid": user, "errcode": refused.code, "errmsg": refused.text}
    return {"userid": user, "errcode": 0, "errmsg": "ok"}


def _body(corp: Corp, row: dict[str, str]) -> dict[str, Any]:
    """A row as the body of a call; empty cells are absent."""
    cells = {name: (row.get(head) or "").strip() for name, head in CELLS.items()}
    body: dict[str, Any] = {name: text for name, text in cells.items() if text}
    places = [each for each in (row.get("所在部门") or "").split(";") if each]
    if places:
        known = [
            int(each) if each.isdigit() and int(each) in corp.departments else _others(corp)
            for each in places
        ]
        body["department"] = list(dict.fromkeys(known))
    for head, name in (("是否部门内领导", "is_leader_in_dept"), ("排序", "order")):
        given = [each for each in (row.get(head) or "").split(";") if each.isdigit()]
        if given and len(given) == len(body.get("department", [])):
            body[name] = [int(each) for each in given]
    if row.get("性别") in GENDERS:
        body["gender"] = GENDERS[str(row["性别"])]
    if row.get("禁用") in ("0", "1"):
        body["enable"] = 1 - int(str(row["禁用"]))
    return body


def _others(corp: Corp) -> int:
    """Where members with an unknown department go."""
    for each in corp.departments.values():
        if each.name == OTHERS:
            return each.id
    id = max(corp.departments) + 1
    corp.departments[id] = Department(id, OTHERS, ROOT)
    return id


def _absent(corp: Corp, rows: list[dict[str, str]]) -> list[str]:
    named = {(row.get("帐号") or "").lower() for row in rows}
    return [user for user, each in corp.people.items() if user not in named and not each.founder]


def _guard(corp: Corp, rows: list[dict[str, str]]) -> None:
    """More than 50 and more than 20 %, or up to 50 and more than 80 %: that is taken for a mistake."""
    lost, all_of_them = len(_absent(corp, rows)), len(corp.people)
    if lost > all_of_them * (0.2 if lost > 50 else 0.8):
        raise Refused(45026, f"would delete {lost} of {all_of_them} members")


def _departments_replaced(corp: Corp, rows: list[dict[str, str]]) -> list[dict[str, Any]]:
    _a_tree(rows)
    by_id = {int(row["部门ID"]): row for row in rows}
    result = [_department_done(corp, id, by_id[id]) for id in _parents_first(by_id)]
    named = {*by_id, ROOT}
    deepest = sorted(set(corp.departments) - named, key=lambda each: -_level(corp, each))
    for id in deepest:
        if corp.departments[id].name != OTHERS:
            _tried(partial(departments.removed, corp, id))
    return result


def _a_tree(rows: list[dict[str, str]]) -> None:
    """Refused with 302004 for what is no tree, 302007 for two of one name below one parent."""
    if not all((row.get(head) or "").isdigit() for row in rows for head in ("部门ID", "父部门ID")):
        raise Refused(302004, "a department id is not a number")
    names = [(row["父部门ID"], row.get("部门名称")) for row in rows]
    if len(set(names)) < len(names):
        raise Refused(302007, "two of one name below one parent")
    parents = {int(row["部门ID"]): int(row["父部门ID"]) for row in rows}
    for each in parents:
        seen, at = set(), each
        while at in parents and at != ROOT:
            if at in seen:
                raise Refused(302004, "a department lies below itself")
            seen.add(at)
            at = parents[at]
        if at != ROOT:
            raise Refused(302004, f"the parent {at} is not in the file")


def _parents_first(by_id: dict[int, dict[str, str]]) -> list[int]:
    done: dict[int, None] = {}

    def visit(id: int) -> None:
        if id not in by_id or id in done:
            return
        if id != ROOT:
            visit(int(by_id[id]["父部门ID"]))
        done[id] = None

    for id in by_id:
        visit(id)
    return list(done)


def _level(corp: Corp, id: int) -> int:
    level = 0
    while id in corp.departments and id != ROOT:
        id, level = corp.departments[id].parent, level + 1
    return level


def _department_done(corp: Corp, id: int, row: dict[str, str]) -> dict[str, Any]:
    """The row's outcome, with bits of what was done: 1 created, 2 renamed, 4 moved, 8 order changed."""
    name, parent, order = row.get("部门名称") or "", int(row["父部门ID"]), row.get("排序") or "0"
    before = corp.departments.get(id)
    body: dict[str, Any] = {"name": name, "parentid": parent}
    if order.isdigit() and int(order) > 0:
        body["order"] = int(order)
    if before is None:
        refused = _tried(lambda: departments.made(corp, body, id))
        action = 1
    else:
        old = asdict(before)
        if id == ROOT:
            body.pop("parentid")
        refused = _tried(lambda: departments.changed(corp, id, body))
        action = 2 * (old["name"] != before.name) + 4 * (old["parent"] != before.parent)
        action += 8 * (old["order"] != before.order)
    code, text = (refused.code, refused.text) if refused else (0, "ok")
    return {"action": 0 if refused else action, "partyid": id, "errcode": code, "errmsg": text}


def _tried(act: Callable[[], object]) -> Refused | None:
    try:
        act()
    except Refused as refused:
        return refused
    return None


def _tell(sandbox: Sandbox, corp: Corp, job: Job) -> None:
    if not job.callback:
        return
    receiver = Receiver(
        job.callback["url"], job.callback.get("token", ""), job.callback.get("encodingaeskey", "")
    )
    inner = (
        f"<BatchJob><JobId><![CDATA[{job.id}]]></JobId><JobType><![CDATA[{job.type}]]></JobType>"
        f"<ErrCode>{job.code}</ErrCode><ErrMsg><![CDATA[{job.text}]]></ErrMsg></BatchJob>"
    )
    tell(sandbox, corp, "batch", receiver, event("batch_job_result") + inner)
