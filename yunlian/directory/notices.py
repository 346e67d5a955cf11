"""Telling people on their phone what waits for their approval, hearing what they press, and showing what became of it.

A submitted document makes a notice for everybody who may approve it, once per document, version and person. Notices are
sent, changed and reminded of by a job that goes on from what it finds; what fails is tried again, and what cannot go
well by itself stands in the administrator's list with its remedy. A button pressed on a card is the member's own step,
with all checks of any other; whoever owes a second factor presses it on the page.
"""

import datetime as dt
import logging
import uuid
from collections.abc import Mapping
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import translation
from django.utils.translation import gettext

from yunlian.kernel import events, retention
from yunlian.kernel.api import Request, route
from yunlian.kernel.chores import chore
from yunlian.kernel.document import REGISTRY, Document, Missing, Problem, Refused, find_document
from yunlian.kernel.fields import uuid_or_none
from yunlian.kernel.identity import new_id
from yunlian.kernel.jobs import Progress, enqueue, job
from yunlian.kernel.load import load
from yunlian.kernel.models import Audit, Job, Outbox
from yunlian.kernel.permission import Forbidden
from yunlian.kernel.scope import Context, tenant
from yunlian.kernel.steps import move
from yunlian.kernel.text import _
from yunlian.org import second_factor
from yunlian.org.context import context_of_communication_user, member_for
from yunlian.org.models import Membership
from yunlian.platforms.errors import PlatformError
from yunlian.platforms.wecom.events import CardAnswered

from . import approvers, cards, faces, looks
from .models import Connection, Notice, Territory

log = logging.getLogger("yunlian.directory")
BATCH = 200
TRIES = 8
BACK_OFF = dt.timedelta(seconds=10)  # doubled with every try
LEASE = dt.timedelta(minutes=1)  # for one call; who dies meanwhile is asked again after it
REMIND, REMINDERS = dt.timedelta(hours=24), 3
KIND = "directory.notices"


# --- what makes them, and what ends them ---


def tell(enterprise_id: int, row: Outbox) -> None:
    """After a document was submitted: a notice for everybody who may approve it."""
    document = find_document(row.code)
    with tenant(enterprise_id):
        carrying = {
            each.id: each.platform for each in Connection.objects.filter(state="on") if cards.carries(each)
        }
        if not carrying:
            return
        ctx = context_of_communication_user(enterprise_id, row.at)
        try:
            header = load(document, ctx, row.record, scoped=False).header
        except Missing:
            return
        if header.state != "submitted" or _submitted(row.code, row.record) != row.version:
            return
        submitter = _author(row)
        made = [
            Notice(
                enterprise_id=enterprise_id, id=(id_ := new_id()), connection_id=each.connection_id, task=id_.hex,
                employee_id=each.employee_id, platform=carrying[each.connection_id], theirs=each.theirs, code=row.code, record=row.record, at=row.at,
                version=row.version, number=header.number, needs_page=each.needs_page, due_at=row.at,
            )
            for each in approvers.find(ctx, document, row.record, submitter, list(carrying))
        ]  # fmt: skip
        if made:
            Notice.objects.bulk_create(made, ignore_conflicts=True)
            _begin(ctx)


def _author(row: Outbox) -> uuid.UUID:
    found = Audit.objects.filter(code=row.code, record=row.record, version=row.version).first()
    return uuid.UUID(int=0) if found is None else found.by


def _submitted(code: str, record: uuid.UUID) -> int:
    """Return the version in which a document was last submitted: what is taken back and submitted anew is another matter."""
    rows = Audit.objects.filter(code=code, record=record, act="submit").order_by("-version")
    return rows.values_list("version", flat=True).first() or 0


def settle(enterprise_id: int, row: Outbox) -> None:
    """After any other step of the flow: what waits no longer says so, by whom, on every phone."""
    with tenant(enterprise_id):
        mine = Notice.objects.filter(code=row.code, record=row.record, version__lt=row.version)
        if not mine.filter(state__in=["waiting", "sent"]).exists():
            return
        found = Audit.objects.filter(code=row.code, record=row.record, version=row.version).first()
        outcome = f"{row.event} {'' if found is None else found.by_name}"[:200]
        mine.filter(state="waiting").update(state="dropped", outcome=outcome, settled_at=row.at, due_at=None)
        mine.filter(state="sent").update(state="settling", outcome=outcome, tries=0, due_at=row.at)
        _begin(context_of_communication_user(enterprise_id, row.at))


def follow(document: Document) -> None:
    """Let the steps of a document's flow make and end notices."""
    if document.flow is None or "approve" not in document.steps:
        return
    for step in document.flow.steps:
        events.after(document.code, step.name, tell if step.name == "submit" else settle)


for _document in REGISTRY.values():
    follow(_document)


# --- what is pressed on a card ---


def press(enterprise_id: int, connection_id: uuid.UUID, receiver: str, event: Any) -> None:
    """Take a pressed button for the member's own step. Once: the card is the key, and its state says what was done."""
    if not isinstance(event, CardAnswered):
        return
    notice = Notice.objects.select_for_update().filter(connection_id=connection_id, task=event.task).first()
    if notice is None or notice.theirs.lower() != event.user.lower():
        log.warning("a card of nobody was pressed: %s", event.task[:64])
        return
    if event.response_code:
        notice.handle = event.response_code[:200]
    if notice.state == "settled":  # pressed on a phone that still showed the buttons
        notice.state, notice.due_at = "settling", notice.at
    elif notice.state == "sent" and event.event_key == faces.APPROVE:
        take(enterprise_id, notice, notice.at)
    notice.save()


def take(enterprise_id: int, notice: Notice, now: dt.datetime) -> None:
    """Take a press on a card that has been sent: what comes of it, and that the card is to be changed."""
    notice.state, notice.due_at, notice.tries = "settling", now, 0
    notice.outcome = _approve(enterprise_id, notice)
    notice.save()


def _approve(enterprise_id: int, notice: Notice) -> str:
    """Approve as the notice's employee; returns what came of it."""
    now = dt.datetime.now(dt.UTC)
    member = member_for(enterprise_id, notice.employee_id, now)
    login = Membership.objects.filter(enterprise_id=enterprise_id, employee_id=notice.employee_id).first()
    if member is None or (login is not None and not (login.is_active and login.user.is_active)):
        return "refused"
    if member.needs_second_factor or (login is not None and second_factor.is_on(login.user_id)):
        return "page"
    try:
        with transaction.atomic():
            header = load(find_document(notice.code), member.ctx, notice.record).header
            if _submitted(notice.code, notice.record) != notice.version:
                return "changed"
            if header.state != "submitted":
                return _decided(notice)
            # Whatever happens between the look and the step makes the version another.
            move(notice.code, member.ctx, notice.record, "approve", header.version)
    except (Refused, Forbidden, Missing, IntegrityError) as refused:
        log.info("approving %s from a card was refused: %s", notice.number, refused)
        return "refused"
    return f"approve {member.ctx.member_name}"


def _decided(notice: Notice) -> str:
    """Return what was done with a document since it was told of, which this notice has not learned yet."""
    rows = Audit.objects.filter(code=notice.code, record=notice.record, version__gt=notice.version)
    found = rows.exclude(act="edited").order_by("version").first()
    return "changed" if found is None else f"{found.act} {found.by_name}"


looks.listen(press)


# --- sending, changing, reminding ---


@chore("directory.notices", every_s=2)
def visit(now: dt.datetime) -> None:
    """Begin the job of every enterprise that has something to say."""
    for enterprise_id in sorted(set(Territory.objects.values_list("enterprise_id", flat=True))):
        with tenant(enterprise_id):
            if Notice.objects.filter(due_at__lte=now).exists():
                _begin(context_of_communication_user(enterprise_id, now))


def _begin(ctx: Context) -> None:
    """Put the job into the queue, unless it is there; one that has read what is due already is followed by the chore's."""
    if not Job.objects.filter(kind=KIND, state__in=["queued", "running"]).exists():
        enqueue(ctx, KIND)


@job(KIND)
def run_notices(ctx: Context, made: Job, progress: Progress) -> Mapping[str, Any]:
    """Send, change and remind what is due, one after the other."""
    now = dt.datetime.now(dt.UTC)
    with tenant(ctx.enterprise_id):
        due = list(
            Notice.objects.filter(due_at__lte=now)
            .order_by("due_at", "id")
            .values_list("id", flat=True)[:BATCH]
        )
    told = 0
    for done, id_ in enumerate(due):
        progress(done, len(due))
        told += _tell(ctx.enterprise_id, id_, now)
    return {"due": len(due), "told": told}


def _tell(enterprise_id: int, id_: uuid.UUID, now: dt.datetime) -> bool:
    """Do what is due for one notice; the call lies outside any transaction, before it only a lease is written."""
    with tenant(enterprise_id):
        notice = Notice.objects.select_for_update(skip_locked=True).filter(id=id_, due_at__lte=now).first()
        if notice is None:
            return False
        Notice.objects.filter(id=id_).update(due_at=now + LEASE, tries=notice.tries + 1)
        connection = Connection.objects.get(id=notice.connection_id)
        language = approvers.language_of(connection, notice.employee_id)
    with translation.override(language):
        try:
            changed = _ACTS[notice.state](enterprise_id, connection, notice, now)
        except PlatformError as error:
            changed = _failed(notice, error, now)
    with tenant(enterprise_id):
        # Somebody may have decided while the platform was asked: that stays.
        same = Notice.objects.filter(id=id_, state=notice.state)
        if not same.update(**changed) and "handle" in changed:
            Notice.objects.filter(id=id_).update(
                handle=changed["handle"], message=changed["message"], state="settling", due_at=now
            )
    return "error" not in changed


def _send(enterprise_id: int, connection: Connection, notice: Notice, now: dt.datetime) -> dict[str, Any]:
    face = _face(enterprise_id, connection, notice, now)
    if face is None:
        return {"state": "dropped", "due_at": None, "settled_at": now}
    sent = cards.carrier_of(connection).send(notice, face)
    return _FINE | {
        "state": "sent", "message": sent.message[:200], "handle": sent.handle[:200], "sent_at": now, "due_at": now + REMIND,
    }  # fmt: skip


def _remind(enterprise_id: int, connection: Connection, notice: Notice, now: dt.datetime) -> dict[str, Any]:
    face = _face(enterprise_id, connection, notice, now)
    if face is None:
        return {"due_at": None}
    cards.carrier_of(connection).remind(notice, face)
    count = notice.reminded + 1
    return _FINE | {"reminded": count, "due_at": now + REMIND if count < REMINDERS else None}


def _change(enterprise_id: int, connection: Connection, notice: Notice, now: dt.datetime) -> dict[str, Any]:
    with tenant(enterprise_id):
        words = words_of(notice)
    cards.carrier_of(connection).settle(notice, words)
    return _FINE | {"state": "settled", "settled_at": now, "due_at": None}


_FINE = {"tries": 0, "error": "", "error_text": "", "remedy": ""}
_ACTS = {"waiting": _send, "sent": _remind, "settling": _change}


def _face(enterprise_id: int, connection: Connection, notice: Notice, now: dt.datetime) -> faces.Face | None:
    """Return what the person may see of the document now; None when it no longer waits for them."""
    document = find_document(notice.code)
    with tenant(enterprise_id):
        member = member_for(enterprise_id, notice.employee_id, now)
        if connection.state != "on" or member is None:
            return None
        if not approvers.may_approve(member.ctx, document, notice.record):
            return None
        loaded = load(document, member.ctx, notice.record)
        if loaded.header.state != "submitted" or _submitted(notice.code, notice.record) != notice.version:
            return None
        return faces.face(member.ctx, loaded, connection.platform)


def words_of(notice: Notice) -> str:
    """Return what the card says at its end, in the language that is active."""
    act, _blank, name = notice.outcome.partition(" ")
    if act == "refused":
        return gettext("Not approved: open it")
    if act == "changed":
        return gettext("Changed meanwhile")
    if act == "page":
        return gettext("Open to approve")
    steps = find_document(notice.code).steps
    if act not in steps:
        return gettext("Decided")
    flow, step = steps[act]
    return f"{flow.state(step.to).label} {name}".strip()


def _failed(notice: Notice, error: PlatformError, now: dt.datetime) -> dict[str, Any]:
    """Return what is written after a failure: again later, or, when that cannot help, to the administrator."""
    tries = notice.tries + 1
    told = {"error": error.code[:60], "error_text": error.text[:500], "remedy": gettext(error.remedy)[:500]}
    if error.retry and tries < TRIES:
        return told | {"due_at": now + BACK_OFF * 2 ** (tries - 1)}
    if notice.state == "sent":
        return told | {"due_at": None}
    log.warning("a notice of %s failed: %s", notice.number, error.code)
    return told | {"state": "failed", "due_at": None}


@route("POST", "/api/directory.notice/{id}/retry", needs="directory.notice.retry")
def retry(request: Request, id: str) -> Any:
    """Send a notice that failed again, or change its card again."""
    notice = Notice.objects.filter(id=uuid_or_none(id)).first()
    if notice is None:
        raise Missing("directory.notice")
    if notice.state != "failed":
        raise Refused(Problem("state", _("Only what has failed can be sent again."), code="state"))
    state = "waiting" if notice.sent_at is None else "settling"
    Notice.objects.filter(id=notice.id).update(state=state, tries=0, due_at=request.ctx.now)
    return {"state": state}


retention.keep(retention.Kept("directory_notice", days=180))
