"""My own account over HTTP: the ways in that I have bound, my second factor, and what happened to them."""

from typing import Any

from django.db import transaction

from yunlian.kernel.api import Answer, Request, route
from yunlian.kernel.document import Problem, Refused
from yunlian.kernel.fields import moment_text
from yunlian.kernel.shapes import MOMENT, TEXT, WHOLE, YES, describes, every, maybe, record, rows
from yunlian.kernel.text import _

from . import account_log, by_text, identities, proving, second_factor, sessions
from .connections import CONNECTIONS
from .gate import GATE
from .models import SecondFactor, Session, User
from .requests import fields_of, signed_of, takes, whole
from .sessions import Signed
from .sign_in_api import LEFT, SENT, WAY, leave, shown
from .ways import WAYS

_BOUND = record(
    id=TEXT, provider=TEXT, name=TEXT, corp=TEXT, is_own=YES, created_at=MOMENT, used_at=maybe(MOMENT)
)
_MY_WAYS = record(
    has_password=YES, ways=every(_BOUND), offered=every(WAY), mobile=YES,
    second_factor=record(on=YES, since=maybe(MOMENT), recovery_left=WHOLE), prove_by=every(TEXT),
)  # fmt: skip
_HAPPENED = record(at=MOMENT, act=TEXT, detail=TEXT, by=maybe(TEXT), address=TEXT, device=TEXT)
_RECOVERY = record(recovery=every(TEXT))


@route("GET", "/api/session/ways", needs="user", schema=describes(_MY_WAYS))
def list_ways(request: Request) -> Any:
    """How I get in, what I could bind here, and how I prove who I am."""
    signed = signed_of(request)
    user = User.objects.get(id=signed.user_id)
    since = (
        SecondFactor.objects.filter(user=user, secret__isnull=False).values_list("since", flat=True).first()
    )
    return {
        "has_password": bool(user.password),
        "ways": identities.ways_of(user),
        "offered": _offered(signed),
        "mobile": by_text.is_offered(signed.enterprise_id),
        "second_factor": {
            "on": since is not None,
            "since": since and moment_text(since),
            "recovery_left": second_factor.recovery_left(user.id),
        },
        "prove_by": proving.ways_to_prove(user),
    }


def _offered(signed: Signed) -> list[dict[str, Any]]:
    connected = [] if signed.enterprise_id is None else CONNECTIONS.of_enterprise(signed.enterprise_id)
    return [
        shown(way, each)
        for each in connected
        for way in WAYS.values()
        if way.provider == each.provider and way.place != "console"
    ]


@route("GET", "/api/session/events", needs="user", schema=describes(rows(_HAPPENED)))
def list_events(request: Request) -> Any:
    """What happened to the ways into my account, newest first."""
    return {"rows": account_log.latest(signed_of(request).user_id)}


@route(
    "POST",
    "/api/session/ways/flow",
    needs="user",
    is_sensitive=True,
    schema=takes("way", also=("to",), answer=LEFT),
)
def begin_binding(request: Request) -> Answer:
    """Leave for a platform to bind my account there."""
    return _leave(request, "bind")


@route("POST", "/api/session/proof/flow", needs="user", schema=takes("way", also=("to",), answer=LEFT))
def begin_proving(request: Request) -> Answer:
    """Leave for a platform to prove that it is me."""
    return _leave(request, "prove")


def _leave(request: Request, purpose: str) -> Answer:
    way, to = fields_of(request, "way", also=("to",))
    signed = signed_of(request)
    enterprise_id = signed.enterprise_id or 0
    return leave(request, way, enterprise_id, to or "/me", purpose=purpose, user_id=signed.user_id)


@route("DELETE", "/api/session/ways/{id}", needs="user", is_sensitive=True)
def unbind(request: Request, id: str) -> Answer:
    """Unbind an account or mobile of mine; never the last way in. Sessions it opened end, but for this one."""
    signed = signed_of(request)
    identities.unbind(signed.user_id, whole(id), GATE.asked(request.http), keep=signed.session_id)
    return Answer(status=204)


@route("POST", "/api/session/mobile/code", needs="user", is_sensitive=True, schema=takes("mobile", **SENT))
def send_mobile_code(request: Request) -> Answer:
    """Send a code to a mobile that I want to bind."""
    (mobile,) = fields_of(request, "mobile")
    signed = signed_of(request)
    wait_s = by_text.send_code(signed.user_id, mobile, "bind", signed.enterprise_id, GATE.asked(request.http))
    return Answer({"again_in_s": wait_s}, status=202)


@route(
    "PUT",
    "/api/session/mobile",
    needs="user",
    is_sensitive=True,
    schema=takes("mobile", "code", answer=record(ways=every(_BOUND))),
)
def bind_mobile(request: Request) -> Any:
    """Bind a mobile with the code that was sent to it; it replaces the one I had."""
    mobile, code = fields_of(request, "mobile", "code")
    user = User.objects.get(id=signed_of(request).user_id)
    by_text.bind(user, mobile, code, GATE.asked(request.http))
    return {"ways": identities.ways_of(user)}


@route(
    "POST",
    "/api/session/second-factor",
    needs="user",
    is_sensitive=True,
    schema=describes(record(secret=TEXT, uri=TEXT, qr=TEXT), status=201),
)
def begin_second_factor(request: Request) -> Answer:
    """Begin with an authenticator: its secret, and that as a QR code. One in use stays so until the next step."""
    made = second_factor.begin(signed_of(request).user_id)
    shown = {"secret": made.secret, "uri": made.uri, "qr": second_factor.data_uri(made.svg)}
    return Answer(shown, status=201)


@route(
    "PUT",
    "/api/session/second-factor",
    needs="user",
    is_sensitive=True,
    schema=takes("code", answer=_RECOVERY),
)
def confirm_second_factor(request: Request) -> Any:
    """Take the authenticator into use with a code of it; my other devices are signed out. Shows recovery codes once."""
    (code,) = fields_of(request, "code")
    signed, asked = signed_of(request), GATE.asked(request.http)
    with transaction.atomic():
        recovery = second_factor.confirm(signed.user_id, code, asked.now)
        sessions.end_all(signed.user_id, but=signed.session_id)
        Session.objects.filter(id=signed.session_id).update(has_second_factor=True, proven_at=asked.now)
        account_log.note(signed.user_id, "second_factor_on", asked)
    return {"recovery": recovery}


@route("DELETE", "/api/session/second-factor", needs="user", is_sensitive=True)
def end_second_factor(request: Request) -> Answer:
    """Take my second factor off; my other devices are signed out."""
    signed, asked = signed_of(request), GATE.asked(request.http)
    _require_on(signed)
    with transaction.atomic():
        second_factor.turn_off(signed.user_id)
        sessions.end_all(signed.user_id, but=signed.session_id)
        Session.objects.filter(id=signed.session_id).update(has_second_factor=False)
        account_log.note(signed.user_id, "second_factor_off", asked)
    return Answer(status=204)


@route(
    "POST",
    "/api/session/second-factor/recovery",
    needs="user",
    is_sensitive=True,
    schema=describes(_RECOVERY, status=201),
)
def renew_recovery(request: Request) -> Answer:
    """Make new recovery codes; the former ones are no longer good."""
    signed, asked = signed_of(request), GATE.asked(request.http)
    _require_on(signed)
    with transaction.atomic():
        recovery = second_factor.renew_recovery(signed.user_id)
        account_log.note(signed.user_id, "recovery_renewed", asked)
    return Answer({"recovery": recovery}, status=201)


def _require_on(signed: Signed) -> None:
    if not second_factor.is_on(signed.user_id):
        raise Refused(Problem(None, _("There is no second factor."), code="none"))


@route(
    "POST",
    "/api/session/proof",
    needs="user",
    schema=takes(also=("code", "password", "mobile_code"), answer=record(minutes=WHOLE)),
)
def prove(request: Request) -> Any:
    """Prove again who I am, by code of the second factor, password, or code by SMS."""
    code, password, mobile_code = fields_of(request, also=("code", "password", "mobile_code"))
    given = {"code": code, "password": password, "mobile_code": mobile_code}
    proving.prove(
        signed_of(request),
        {name: value for name, value in given.items() if value is not None},
        GATE.asked(request.http),
    )
    return {"minutes": int(proving.RECENT.total_seconds()) // 60}


@route(
    "POST",
    "/api/session/proof/code",
    needs="user",
    schema=takes(answer=record(again_in_s=WHOLE, mobile=TEXT), status=202),
)
def send_proof_code(request: Request) -> Answer:
    """Send a code to my own mobile, to prove who I am."""
    fields_of(request)
    signed = signed_of(request)
    mobile = proving.own_mobile(User.objects.get(id=signed.user_id))
    wait_s = by_text.send_code(
        signed.user_id, mobile, "prove", signed.enterprise_id, GATE.asked(request.http)
    )
    return Answer({"again_in_s": wait_s, "mobile": identities.masked(mobile)}, status=202)
