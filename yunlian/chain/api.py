"""The chain over HTTP: lanes, messages, membership, credentials, and the timeline of a document."""

import datetime as dt
import json
import uuid
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from yunlian.kernel import listing
from yunlian.kernel.api import Answer, Identity, Request, route
from yunlian.kernel.document import REGISTRY, Invalid, Missing, Problem, find_document
from yunlian.kernel.fields import moment_text, uuid_or_none
from yunlian.kernel.load import load
from yunlian.kernel.openapi import document_schema, output_schema
from yunlian.kernel.resources import LOOKUP, TOTAL, answer, lookup
from yunlian.kernel.save import save
from yunlian.kernel.shapes import (
    ANY,
    ID,
    MOMENT,
    REFERENCE,
    TEXT,
    WHOLE,
    YES,
    Schema,
    describes,
    every,
    maybe,
    named,
    pages,
    record,
    rows,
)
from yunlian.kernel.text import _
from yunlian.org.gate import GATE
from yunlian.org.models import Employee, Enterprise

from . import branches, credentials, evidence, lanes, membership, operating, rotation, timeline
from .business import opened
from .models import Link, Membership


def _id(text: str) -> uuid.UUID:
    found = uuid_or_none(text)
    if found is None:
        raise Missing(text)
    return found


def _reason(request: Request, *others: str) -> str:
    value = request.fields("reason", *others).get("reason")
    if value is not None and not isinstance(value, str):
        raise Invalid(Problem("reason", _("Must be text.")))
    return (value or "").strip()[:500]


_LANE = record(
    id=ID, partner=record(name=TEXT), direction={"enum": ["out", "in"]}, state=TEXT, reason=TEXT, last_seq=WHOLE,
    accepted=WHOLE, delivered=WHOLE, handled=WHOLE, unsent=WHOLE, unapplied=WHOLE, quarantined=WHOLE,
    oldest_unsent_s=maybe(WHOLE), last_error=TEXT, failures=WHOLE, next_at=maybe(MOMENT), answered_at=maybe(MOMENT),
    clock_offset_s=maybe({"type": "number"}), window=WHOLE, credential_days_left=maybe(WHOLE), epoch=WHOLE,
    choices=every(TEXT), acts=every(TEXT), alarms=every(TEXT),
)  # fmt: skip
_LANES = named("Lanes", rows(_LANE))
_MESSAGE: dict[str, Schema] = {
    "id": ID, "seq": maybe(WHOLE), "type": TEXT, "label": TEXT, "thread": TEXT, "version": WHOLE, "state": TEXT, "reason": TEXT,
    "attempts": WHOLE, "at": MOMENT, "number": maybe(TEXT), "recovered": YES, "code": maybe(TEXT), "doc": maybe(TEXT),
    "theirs": maybe(TEXT), "acts": every(TEXT),
}  # fmt: skip
_ATTEMPT = record(at=MOMENT, act=TEXT, status=ANY, code=TEXT, detail=TEXT)
_EVIDENCE = named(
    "Evidence",
    record(
        {
            "attempts_made": every(_ATTEMPT),
            **dict.fromkeys(("sent_at", "delivered_at", "outcome_at", "received_at", "handled_at"), maybe(MOMENT)),
        },
        **_MESSAGE,
        lane=ID, message_id=ID, envelope=maybe(TEXT), digest=maybe(TEXT), previous=maybe(TEXT), key=maybe(TEXT),
        signature=maybe(TEXT), problems=every(record(field=maybe(TEXT), line=maybe(WHOLE), code=maybe(TEXT), message=TEXT)),
        remedies=every(record(text=TEXT, code=maybe(TEXT))),
    ),
)  # fmt: skip
_SEALED = maybe(
    record(
        e=maybe(TEXT), k=TEXT, s=TEXT, public=maybe(TEXT), sequence=WHOLE, digest=TEXT, previous=maybe(TEXT)
    )
)
_PROOF = named(
    "Proof",
    record(
        dict.fromkeys(("sent_at", "delivered_at", "outcome_at", "received_at", "handled_at"), maybe(MOMENT)),
        sender=record(name=TEXT, chain_id=ID), recipient=record(name=TEXT, chain_id=ID), lane=ID, message=_SEALED,
        receipt=_SEALED, algorithms=record(digest=TEXT, signature=TEXT),
    ),
)  # fmt: skip
_BRANCH = every(
    record(
        seq=WHOLE,
        type=TEXT,
        label=TEXT,
        number=maybe(TEXT),
        subject=TEXT,
        version=WHOLE,
        state=TEXT,
        digest=TEXT,
        at=MOMENT,
    )
)
_EVENT = record(
    at=MOMENT,
    side={"enum": ["ours", "theirs"]},
    act=TEXT,
    label=TEXT,
    detail=TEXT,
    status=TEXT,
    reason=TEXT,
    message_id=ID,
)
_TIMELINE = named(
    "Timeline",
    record(
        partner=maybe(record(name=TEXT)), status=maybe(TEXT), ours=record(number=maybe(TEXT), state=TEXT),
        theirs=maybe(record(code=TEXT, number=TEXT, state=TEXT, expected_date=maybe(TEXT))),
        differences=every(record(field=TEXT, label=TEXT, line=WHOLE, ours=maybe(TEXT), theirs=maybe(TEXT))), events=every(_EVENT),
    ),
)  # fmt: skip
_OPEN = rows(
    record(
        code=TEXT, label=TEXT, id=ID, number=maybe(TEXT), state=TEXT, theirs=record(number=TEXT, state=TEXT)
    )
)
_MEMBERSHIP = named(
    "Membership",
    record(
        state=TEXT,
        valid_until=maybe(MOMENT),
        credential=maybe(REFERENCE),
        chain_id=ID,
        communication_user=maybe(REFERENCE),
    ),
)
_BECAUSE = record({"reason": TEXT})
_UNTIL = maybe(TEXT) | {"description": "A moment, or a day that counts to its end."}


@route("GET", "/api/{code}/{id}/chain", needs="{code}.view", schema=describes(_TIMELINE))
def get_timeline(request: Request, code: str, id: str) -> Any:
    """What passed between the partners about a document."""
    return timeline.timeline(code, request.ctx, _id(id))


@route("GET", "/api/chain/links/{id}/open", needs="chain.link.view", schema=describes(_OPEN))
def get_open(request: Request, id: str) -> Any:
    """What is still open with the partner of a link, on both sides as far as they told us."""
    link = Link.objects.filter(id=_id(id)).first()
    if link is None:
        raise Missing("chain.link")
    return {
        "rows": [
            {
                "code": row.code,
                "label": str(row.label),
                "id": str(row.id),
                "number": row.number,
                "state": str(row.state),
                "theirs": {"number": row.theirs_number, "state": str(row.theirs_state)},
            }
            for row in opened.find_open(link)
        ]
    }


@route("GET", "/api/chain/lanes", needs="chain.link.view", schema=describes(_LANES))
def list_lanes(request: Request) -> Any:
    """Every lane: positions, ages, errors."""
    return {"rows": lanes.lanes()}


@route(
    "GET",
    "/api/chain/lanes/{id}/messages",
    needs="chain.link.view",
    schema=describes(pages(record(**_MESSAGE)), query={"state": TEXT, "cursor": TEXT}),
)
def list_messages(request: Request, id: str) -> Any:
    """The messages of a lane, newest first."""
    return lanes.messages(_id(id), request.query.get("state", ""), request.query.get("cursor", ""))


@route("POST", "/api/chain/lanes/{id}/open", needs="chain.link.edit", schema=describes(_LANES, body=_BECAUSE))
def open_lane(request: Request, id: str) -> Any:
    """Open a lane that is held, by us or by the partner, suspended or frozen."""
    operating.thaw(request.ctx, _id(id), _reason(request))
    return {"rows": lanes.lanes()}


@route("POST", "/api/chain/lanes/{id}/hold", needs="chain.link.edit", schema=describes(_LANES, body=_BECAUSE))
def hold_lane(request: Request, id: str) -> Any:
    """Send nothing more on a lane until it is opened, with a reason."""
    operating.hold(request.ctx, _id(id), _reason(request))
    return {"rows": lanes.lanes()}


@route(
    "GET",
    "/api/chain/lanes/{id}/branches",
    needs="chain.link.view",
    schema=describes(
        record(common=maybe(WHOLE), ours=_BRANCH, theirs=_BRANCH, aside=_BRANCH, choices=every(TEXT))
    ),
)
def get_branches(request: Request, id: str) -> Any:
    """Both branches of a lane after the message they share, and what may be chosen."""
    return branches.both(_id(id))


@route(
    "POST",
    "/api/chain/lanes/{id}/choose",
    needs="chain.link.edit",
    schema=describes(_LANES, body=record({"reason": TEXT}, branch={"enum": ["ours", "theirs"]})),
)
def choose_branch(request: Request, id: str) -> Any:
    """Say which of two branches of a frozen lane is the true one: ours or theirs, with a reason."""
    branch = request.body.get("branch")
    if branch not in ("ours", "theirs"):
        raise Invalid(Problem("branch", _("Choose ours or theirs."), code="required"))
    operating.choose(request.ctx, _id(id), branch, _reason(request, "branch"))
    return {"rows": lanes.lanes()}


@route("GET", "/api/chain/messages/{id}", needs="chain.link.view", schema=describes(_EVIDENCE))
def get_message(request: Request, id: str) -> Any:
    """The evidence of one message: text, signature, hash path, receipts."""
    return evidence.evidence(_id(id))


@route("GET", "/api/chain/messages/{id}/evidence", needs="chain.link.view", schema=describes(_PROOF))
def export_message(request: Request, id: str) -> Any:
    """The evidence of one message and of its receipt as a file, enough to check both without us."""
    proof = json.dumps(evidence.export(_id(id)), ensure_ascii=False, indent=2)
    headers = {"Content-Disposition": f'attachment; filename="message-{_id(id)}.json"'}
    return Answer(proof.encode(), headers=headers, content_type="application/json")


@route(
    "POST",
    "/api/chain/messages/{id}/release",
    needs="chain.link.edit",
    schema=describes(_EVIDENCE, body=_BECAUSE),
)
def release(request: Request, id: str) -> Any:
    """Let a message in quarantine be tried again."""
    operating.release(request.ctx, _id(id), _reason(request))
    return evidence.evidence(_id(id))


@route(
    "POST",
    "/api/chain/messages/{id}/reject",
    needs="chain.link.edit",
    schema=describes(_EVIDENCE, body=_BECAUSE),
)
def reject(request: Request, id: str) -> Any:
    """Reject a message in quarantine with a reason."""
    operating.reject(request.ctx, _id(id), _reason(request))
    return evidence.evidence(_id(id))


@route(
    "POST",
    "/api/chain/messages/{id}/resend",
    needs="chain.link.edit",
    schema=describes(_EVIDENCE, body=_BECAUSE),
)
def resend(request: Request, id: str) -> Any:
    """Send a message again."""
    operating.resend(request.ctx, _id(id), _reason(request))
    return evidence.evidence(_id(id))


@route(
    "POST",
    "/api/chain/messages/{id}/void",
    needs="chain.link.edit",
    schema=describes(_EVIDENCE, body=_BECAUSE),
)
def void(request: Request, id: str) -> Any:
    """Void a message that has no number yet."""
    operating.void(request.ctx, _id(id), _reason(request))
    return evidence.evidence(_id(id))


@route("GET", "/api/chain/membership", needs="chain.credential.view", schema=describes(_MEMBERSHIP))
def get_membership(request: Request) -> Any:
    """Whether we take part in the chain, until when, under which credential."""
    return _membership(request)


@route(
    "POST",
    "/api/chain/membership/join",
    needs="chain.credential.edit",
    is_sensitive=True,
    schema=describes(
        _MEMBERSHIP, body=record({"valid_until": _UNTIL}, credential={"type": ["string", "object"]})
    ),
)
def join(request: Request) -> Any:
    """Join the chain, or join again, with a credential."""
    credential = request.fields("credential", "valid_until").get("credential")
    if isinstance(credential, dict):
        credential = credential.get("id")
    chosen = uuid_or_none(credential)
    if chosen is None:
        raise Invalid(Problem("credential", _("Choose a credential."), code="required"))
    membership.join(request.ctx, chosen, _until(request))
    return _membership(request)


def _until(request: Request) -> dt.datetime | None:
    """The end of service: a moment, or a date whose last second counts where the enterprise is."""
    given = request.body.get("valid_until")
    if given in (None, ""):
        return None
    try:
        if isinstance(given, str) and len(given) == 10:
            zone = Enterprise.objects.values_list("time_zone", flat=True).get(pk=request.ctx.enterprise_id)
            day = dt.date.fromisoformat(given) + dt.timedelta(days=1)
            return dt.datetime.combine(day, dt.time(), ZoneInfo(zone))
        moment = dt.datetime.fromisoformat(given)
    except (TypeError, ValueError, OverflowError):
        raise Invalid(Problem("valid_until", _("Must be a date such as 2026-11-22."))) from None
    if moment.tzinfo is None:
        raise Invalid(Problem("valid_until", _("Must name its time zone.")))
    return moment


def _membership(request: Request) -> dict[str, Any]:
    enterprise = Enterprise.objects.get(pk=request.ctx.enterprise_id)
    member = Membership.objects.select_related("credential").first()
    account = Employee.objects.filter(id=enterprise.communication_id).first()
    return {
        "state": membership.state(),
        "valid_until": None if member is None else moment_text(member.valid_until),
        "credential": None
        if member is None
        else {
            "id": str(member.credential.id),
            "code": member.credential.code,
            "name": member.credential.name,
        },
        "chain_id": str(enterprise.chain_id),
        "communication_user": None
        if account is None
        else {"id": str(account.id), "code": account.code, "name": account.name},
    }


@route(
    "POST",
    "/api/chain/keys/rotate",
    needs="chain.credential.edit",
    is_sensitive=True,
    schema=describes(record(key=TEXT, made_at=MOMENT)),
)
def rotate(request: Request) -> Any:
    """Make a new signing key and announce it to every partner."""
    made = rotation.rotate(request.ctx)
    return {"key": made.key_id, "made_at": moment_text(made.made_at)}


def _dated_credential() -> Schema:
    return document_schema(REGISTRY["chain.credential"], days_left=maybe(WHOLE))


def _dated_page() -> Schema:
    columns = {name: output_schema(kind) for name, kind in REGISTRY["chain.credential"].fields.items()}
    return pages(record({"version": WHOLE, "days_left": maybe(WHOLE)} | columns, id=TEXT))


@route("GET", "/api/chain.credential", needs="chain.credential.view", schema=describes(_dated_page))
def list_credentials(request: Request) -> Any:
    """One page of credentials, with the state and the days left that the clock makes of each."""
    query = credentials.as_asked(request.ctx, listing.read_query(request.query))
    page = listing.page(find_document("chain.credential"), request.ctx, query)
    now, rows = credentials.as_of_now(request.ctx), [msgspec.json.decode(row) for row in page.rows]
    return {"rows": [row | now[uuid.UUID(row["id"])] for row in rows], "next": page.next}


@route("GET", "/api/chain.credential/total", needs="chain.credential.view", schema=describes(TOTAL))
def total_credentials(request: Request) -> Any:
    """How many credentials a filter finds."""
    query = credentials.as_asked(request.ctx, listing.read_query(request.query))
    return listing.total(find_document("chain.credential"), request.ctx, query)


@route("GET", "/api/chain.credential/lookup", needs="chain.credential.view", schema=describes(LOOKUP))
def lookup_credentials(request: Request) -> Any:
    """Credentials a picker offers for what is being typed."""
    return lookup(request, "chain.credential")


@route(
    "GET", "/api/chain.credential/{id}", needs="chain.credential.view", schema=describes(_dated_credential)
)
def read_credential(request: Request, id: str) -> Any:
    """One credential, with the state and the days left that the clock makes of it."""
    loaded = load(find_document("chain.credential"), request.ctx, _id(id))
    return answer(loaded, request) | credentials.as_of_now(request.ctx)[loaded.pk]


@route(
    "POST",
    "/api/chain.credential",
    needs="chain.credential.edit",
    is_sensitive=True,
    schema=describes(
        lambda: document_schema(
            REGISTRY["chain.credential"], token=TEXT | {"description": "Shown this once."}
        ),
        status=201,
        body={"$ref": "#/components/schemas/chain.credential.input"},
    ),
)
def create_credential(request: Request) -> Any:
    """Make an access credential; its token is in this answer and nowhere else, ever."""
    made = save("chain.credential", request.ctx, request.body)
    return Answer(answer(made, request) | {"token": made.header.token}, 201, secrets=("token",))


def _read_bearer(token: str, now: dt.datetime) -> Identity | None:
    """Whose machine client this is: a valid credential of a communication user; membership is not asked here."""
    if not token.startswith(credentials.PREFIX):
        return None
    verdict = credentials.judge(credentials.digest(token))
    found = verdict.found
    if found is None or verdict.code not in ("ok", "not_a_member", "membership_expired"):
        return None
    if not Enterprise.objects.filter(pk=found.enterprise_id, communication_id=found.employee_id).exists():
        return None
    return Identity(user_id=None, enterprise_id=found.enterprise_id, employee_id=found.employee_id)


GATE.accept_bearers(_read_bearer)
