"""export/*: a corp's people, departments or a tag in sealed files, fetched from an address without a token."""

import hashlib
import json
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ...sandbox.platform import Sandbox
from ..crypto import CallbackRefused, aes_key, sealed
from ..exports import LARGEST_BLOCK, SMALLEST_BLOCK
from .calls import ANYONE, CUSTOMERS, DOWNSTREAM, Call, Refused, api, fresh, number
from .departments import need_details
from .members import told
from .ranges import Range
from .state import Export, Wecom

WHO = ANYONE - {CUSTOMERS, DOWNSTREAM}
RUNS_S = 0.3  # an export takes so long
KEPT = 5  # jobs per corp


@api("POST", "export/simple_user", WHO)
def _names(call: Call) -> dict[str, Any]:
    rows = [
        {"userid": each.user, "name": each.name, "department": each.departments} for each in _people(call)
    ]
    return _started(call, "userlist", rows)


@api("POST", "export/user", WHO)
def _members(call: Call) -> dict[str, Any]:
    need_details(call)
    return _started(call, "userlist", [told(call, each) for each in _people(call)])


@api("POST", "export/department", WHO)
def _departments(call: Call) -> dict[str, Any]:
    need_details(call)
    seen = Range(call).departments
    rows = [
        {"id": each.id, "name": each.name, "parentid": each.parent, "order": each.order}
        for each in call.corp.departments.values()
        if each.id in seen
    ]
    return _started(call, "department", rows)


@api("POST", "export/taguser", WHO)
def _tagged(call: Call) -> dict[str, Any]:
    tag = call.corp.tags.get(call.number("tagid", 40068))
    if tag is None:
        raise Refused(40068, "invalid tagid")
    people = {each.user.lower(): each.name for each in _people(call)}
    rows = [{"userid": each, "name": people[each.lower()]} for each in tag.users if each.lower() in people]
    return _started(call, "userlist", rows, partylist=tag.departments)


def _people(call: Call) -> list[Any]:
    seen = Range(call)
    return [each for each in call.corp.people.values() if seen.sees(each)]


def _started(call: Call, name: str, rows: list[dict[str, Any]], **beside: Any) -> dict[str, Any]:
    """Write the files at once, though they are shown a little later; each carries what stands beside the rows."""
    key = call.text("encoding_aeskey", 40058)
    size = number(call.body.get("block_size") or LARGEST_BLOCK, 40058)
    if not SMALLEST_BLOCK <= size <= LARGEST_BLOCK:
        raise Refused(40058, "block_size has 10^4 to 10^6")
    try:
        aes_key(key)
    except CallbackRefused as refused:
        raise Refused(40058, "invalid encoding_aeskey") from refused
    blocks = [rows[at : at + size] for at in range(0, max(1, len(rows)), size)]
    files = [sealed(key, json.dumps({name: each, **beside}, ensure_ascii=False).encode()) for each in blocks]
    job = Export(fresh("export"), call.corp.id, call.now, files)
    call.state.exports[job.id] = job
    mine = [each for each in call.state.exports.values() if each.corp == call.corp.id]
    for each in mine[:-KEPT]:
        del call.state.exports[each.id]
    return {"jobid": job.id}


@api("GET", "export/get_result", WHO)
def _result(call: Call) -> dict[str, Any]:
    job = call.state.exports.get(call.text("jobid", 40088))
    if job is None or job.corp != call.corp.id:
        raise Refused(40088, "invalid jobid")
    if call.now - job.at < RUNS_S:
        return {"status": 1}
    files = [
        {
            "url": f"{call.origin}/exported/{job.id}/{n}", "size": len(each),
            "md5": hashlib.md5(each, usedforsecurity=False).hexdigest(),
        }
        for n, each in enumerate(job.files)
    ]  # fmt: skip
    return {"status": 2, "data_list": files}


def routes(sandbox: Sandbox) -> list[Route]:
    """The files, as from a store that knows no tokens."""

    async def get(request: Request) -> Response:
        with sandbox.world.lock:
            job = sandbox.world.part(Wecom).exports.get(request.path_params["job"])
            n = request.path_params["n"]
            if job is None or n >= len(job.files):
                return Response(status_code=404)
            return Response(job.files[n], media_type="application/octet-stream")

    return [Route("/exported/{job}/{n:int}", get, methods=["GET"])]
