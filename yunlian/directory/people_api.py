"""People over HTTP: who was asked, who left, who comes from a branch, whole branches by spreadsheet, customers."""

from typing import Any

from yunlian.kernel.api import Answer, Request, route
from yunlian.kernel.document import Invalid, Problem
from yunlian.kernel.jobs import download, enqueue, show_job
from yunlian.kernel.text import _

from . import asking, branches, connections, contacts, guests, handovers, looks, passing
from .bodies import ID, JOB, TEXT, answering, shown_moment, taking


@route("GET", "/api/directory/asked", needs="signed")
def asked(request: Request) -> Any:
    """Who was asked for their mobile: I, or people of my department who cannot sign in themselves."""
    return {"rows": asking.open_for(request.ctx)}


@route("PUT", "/api/directory/asked", needs="signed", schema=taking("mobile", mobile=TEXT, employee=ID))
def answer_asked(request: Request) -> Any:
    """Give my mobile, or that of `employee`, when I was asked for it."""
    body = request.fields("mobile", "employee")
    asking.answer(request.ctx, body.get("mobile"), body.get("employee"))
    return {"rows": asking.open_for(request.ctx)}


@route("GET", "/api/directory/handovers/{id}", needs="directory.handover.view")
def read_handover(request: Request, id: str) -> Any:
    """What somebody who left still owns."""
    return handovers.belongings(request.ctx, id)


@route(
    "POST", "/api/directory/handovers/{id}/transfer", needs="directory.handover.transfer",
    schema=taking("to", to=ID),
)  # fmt: skip
def transfer(request: Request, id: str) -> Any:
    """Give everything they own to a colleague."""
    handovers.find(id)
    return handovers.transfer(request.ctx, id, request.fields("to").get("to"))


@route(
    "POST",
    "/api/directory/handovers/{id}/customers",
    needs="directory.handover.transfer",
    schema=answering(JOB),
)
def customers_again(request: Request, id: str) -> Any:
    """Ask WeCom again to hand over the customers that could not be handed over."""
    return Answer({"job": show_job(passing.again(request.ctx, handovers.find(id)))}, 202)


@route("POST", "/api/directory/handovers/{id}/restore", needs="directory.handover.restore")
def restore(request: Request, id: str) -> Any:
    """Let somebody who has come back enter again, in the roles they had."""
    return handovers.restore_rights(request.ctx, id)


@route(
    "POST", "/api/directory/guests", needs="directory.guest.edit",
    schema=taking("connection", "account", "roles", connection=ID, account=TEXT, roles={"type": "array", "items": TEXT}, department=ID, answer=JOB),
)  # fmt: skip
def invite(request: Request) -> Any:
    """Give somebody of another branch of the corp a role here."""
    made = guests.invite(request.ctx, request.fields("connection", "account", "roles", "department"))
    return Answer({"job": show_job(made)}, 202)


@route("POST", "/api/directory/guests/{id}/revoke", needs="directory.guest.edit")
def revoke(request: Request, id: str) -> Any:
    """Take the role away again, at once."""
    return {"id": id, "ended_at": shown_moment(guests.revoke(request.ctx, id).ended_at)}


@route("GET", "/api/directory/branch/template.xlsx", needs="directory.run.plan")
def branch_template(request: Request) -> Any:
    """The workbook for people of a branch, with notes on how to fill it in."""
    return download(branches.blank_workbook(), "branch-people.xlsx")


@route("POST", "/api/directory/branch", needs="directory.run.plan", takes="xlsx")
def upload_branch(request: Request) -> Any:
    """Take the workbook filled in; all rows enter or none, and a plan of the sync follows."""
    data = request.http.body
    if not data.startswith(b"PK\x03\x04"):
        raise Invalid(Problem(None, _("Send an xlsx workbook."), code="not_xlsx"))
    return Answer({"job": show_job(enqueue(request.ctx, "directory.branch", "branch", data))}, 202)


@route("POST", "/api/directory/connections/{id}/contacts", needs="directory.run.apply", schema=answering(JOB))
def sync_contacts(request: Request, id: str) -> Any:
    """Read all customers of customer contact anew."""
    return Answer({"job": show_job(contacts.begin(request.ctx, connections.find(id)))}, 202)


@route(
    "POST", "/api/directory/connections/{id}/look", needs="directory.run.plan", schema=taking("key", key=TEXT)
)
def look_again(request: Request, id: str) -> Any:
    """Look at one person of the platform again, as a callback would ask."""
    conn, key = connections.find(id), request.fields("key").get("key")
    if not isinstance(key, str) or not 0 < len(key) <= 100:
        raise Invalid(Problem("key", _("Must be filled in."), code="required"))
    looks.ask(request.ctx.enterprise_id, conn.id, [("person", key)], request.ctx.now)
    return Answer({"key": key}, 202)
