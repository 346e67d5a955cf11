"""The HTTP edge of the kernel: the registry of routes, and how every request is handled.

A route is a function declared with `@route("GET", "/api/things/{id}", needs="things.view")`; it takes a `Request` and the
path's parameters and returns plain data (200), or an `Answer`. Nothing reaches the network otherwise: OpenAPI and the
access matrix are made from `ROUTES`. `needs` is a permission (`{code}` is filled from the path), `"signed"` for anybody who
entered an enterprise, `"user"` for anybody signed in, or `"public"`. An `is_sensitive` route opens what would outlive a
borrowed session: the gate asks who knocks to have proved lately who they are (ASVS 7.5.1). `takes` is `json`, `xlsx`, or
`any` for bytes that other programs send in a form of their own.

One request is one transaction of one enterprise. Refusals become JSON problems; a deadlock, a serialisation failure or
two first rows at one key run the whole call again, at most three times.
"""

import datetime as dt
import errno
import json
import logging
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from functools import cached_property
from typing import Any, Protocol

import msgspec
from django.conf import settings
from django.core.exceptions import SuspiciousOperation
from django.db import DataError, Error, IntegrityError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.utils import translation
from django.utils.functional import Promise
from django.utils.module_loading import import_string

from .answers import Replayed, keep_answer, open_answer
from .document import REGISTRY, Invalid, Missing, Problem, Refused, find_listed, surplus
from .permission import Forbidden, may
from .refusals import problem_of
from .scope import Context, read_only, tenant
from .text import _

log = logging.getLogger("yunlian.api")
MAX_BODY = 4 * 1024 * 1024
MAX_UPLOAD = 20 * 1024 * 1024
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
LANGUAGES = {
    "zh-hans": "zh-hans",
    "zh-hant": "zh-hant",
    "en": "en",
    "zh-tw": "zh-hant",
    "zh-hk": "zh-hant",
    "zh-cn": "zh-hans",
    "zh": "zh-hans",
}


@dataclass(frozen=True)
class Identity:
    """Who a request is from, before an enterprise is entered. `employee_id` belongs to `enterprise_id`."""

    user_id: int | None
    enterprise_id: int | None = None
    employee_id: Any = None
    locale: str = ""
    session_id: int | None = None


class Gate(Protocol):
    """What the organisation lends the kernel: settings.GATE names an object with these methods."""

    def cookie_name(self, http: HttpRequest) -> str:
        """Return what the session's cookie is called where this request came in."""

    def identify(self, http: HttpRequest) -> Identity | None:
        """Return who sent the request, from a session cookie or a bearer credential, or None."""

    def context(self, identity: Identity, now: dt.datetime) -> Context | None:
        """Return the member's context, inside `tenant(identity.enterprise_id)`; None when shut out meanwhile."""

    def require_recent(self, identity: Identity) -> None:
        """Raise Refused unless who sent the request proved lately who they are."""


class TooMany(Exception):
    """Slow down. HTTP 429; `seconds` go into Retry-After."""

    def __init__(self, message: Any, seconds: int) -> None:
        super().__init__(message)
        self.message, self.seconds = message, seconds


class Busy(Exception):
    """Others held what was needed for too long; nothing was changed. HTTP 503; the same request may be sent again."""


class Unsigned(Exception):
    """Nobody is signed in, or the sign-in failed. HTTP 401."""


@dataclass
class Answer:
    """An answer other than 200 with JSON: status, headers, or bytes with their own content type.

    `secrets` are keys shown this once: an answer kept for its Idempotency-Key, and a replay of it, has null there.
    """

    data: Any = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    content_type: str = ""
    cookies: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)
    secrets: tuple[str, ...] = ()


@dataclass
class Request:
    """One request as a route sees it. `ctx` is set on every route that needs more than `user`."""

    http: HttpRequest
    route: "Route"
    params: dict[str, str]
    now: dt.datetime
    identity: Identity | None = None
    _ctx: Context | None = None

    @property
    def ctx(self) -> Context:
        assert self._ctx is not None, "This route is open to people without an enterprise."
        return self._ctx

    @property
    def query(self) -> Mapping[str, str]:
        return self.http.GET.dict()

    @cached_property
    def body(self) -> Any:
        """The JSON body; floats arrive as exact decimals. Raises Invalid when it is no JSON object, or says a key twice."""
        raw = self.http.body
        if not raw:
            return {}
        try:
            value = _decoder.decode(raw)
            # Readers differ in which of two values they take, so neither is taken; the fast reader does not tell.
            json.loads(raw, object_pairs_hook=_require_once, parse_int=str, parse_float=str)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, InvalidOperation):
            raise Invalid(Problem(None, _("The body must be one JSON object."), code="json")) from None
        if not isinstance(value, dict):
            raise Invalid(Problem(None, _("The body must be one JSON object."), code="json"))
        return value

    def fields(self, *names: str) -> Mapping[str, Any]:
        """Return the body, which has no other fields than these; raises Invalid for any other."""
        if problems := surplus(self.body, names):
            raise Invalid(*problems)
        body: Mapping[str, Any] = self.body
        return body

    def texts(self, *names: str) -> list[str]:
        """Return texts of the body, blank where absent; raises Invalid for anything else that is in it."""
        found = [self.body.get(name, "") for name in names]
        problems = surplus(self.body, names)
        problems += [
            Problem(name, _("Must be text."))
            for name, value in zip(names, found, strict=True)
            if not isinstance(value, str)
        ]
        if problems:
            raise Invalid(*problems)
        return found


Handler = Callable[..., Any]


@dataclass(frozen=True)
class Route:
    """One way in. `summary` is English and shown in the OpenAPI description.

    `reads` marks a POST that only asks: it runs in a read-only transaction, and no answer is kept for its key.
    """

    method: str
    path: str
    needs: str
    handler: Handler
    summary: str
    takes: str = "json"
    # What the description says of it, see `shapes.describes`.
    schema: Mapping[str, Any] = field(default_factory=dict)
    reads: bool = False
    is_sensitive: bool = False

    @cached_property
    def segments(self) -> tuple[str, ...]:
        return tuple(self.path.strip("/").split("/"))

    def match(self, parts: tuple[str, ...]) -> dict[str, str] | None:
        """Return the parameters when the path fits."""
        if len(parts) != len(self.segments):
            return None
        params: dict[str, str] = {}
        for ours, theirs in zip(self.segments, parts, strict=True):
            if ours.startswith("{"):
                params[ours[1:-1]] = theirs
            elif ours != theirs:
                return None
        return params


ROUTES: list[Route] = []


def route(
    method: str,
    path: str,
    *,
    needs: str,
    takes: str = "json",
    schema: Mapping[str, Any] | None = None,
    reads: bool = False,
    is_sensitive: bool = False,
) -> Callable[[Handler], Handler]:
    """Declare a route; its first docstring line is the summary. Raises ValueError when the way exists."""

    def wrap(handler: Handler) -> Handler:
        if any(r.method == method and r.path == path for r in ROUTES):
            raise ValueError(f"{method} {path} is declared twice.")
        summary = (handler.__doc__ or "").strip().split("\n")[0]
        made = Route(method, path, needs, handler, summary, takes, schema or {}, reads, is_sensitive)
        ROUTES.append(made)
        # Literal segments win over parameters, position by position.
        ROUTES.sort(key=lambda r: [(s.startswith("{"), s) for s in r.segments])
        return handler

    return wrap


_decoder = msgspec.json.Decoder(float_hook=Decimal)
_encoder = msgspec.json.Encoder(
    enc_hook=lambda value: str(value) if isinstance(value, Promise) else _refuse(value)
)


def _require_once(pairs: list[tuple[str, Any]]) -> None:
    """Raise Invalid for a key that stands twice in one object."""
    seen: set[str] = set()
    for key, _value in pairs:
        if key in seen:
            raise Invalid(
                Problem(None, _("The key %(name)s stands twice.") % {"name": key[:60]}, code="json")
            )
        seen.add(key)


def _refuse(value: Any) -> Any:
    raise TypeError(f"{type(value).__name__} cannot be written as JSON.")


def encode(value: Any) -> bytes:
    """Return JSON bytes; lazy labels in the active language, decimals and ids as text."""
    return _encoder.encode(value)


def handle(http: HttpRequest) -> HttpResponse:
    """Answer one API request; never raises, never shows a stack trace."""
    started = time.perf_counter()
    with translation.override(_language(http)):
        try:
            response = _handle(http)
        except Exception:
            log.exception("unhandled", extra={"path": http.path, "method": http.method})
            response = _problems(
                500, [_reason(_("Something went wrong on our side; it has been recorded."), "internal")]
            )
    _read_off(http, response)
    response.headers.setdefault("Cache-Control", "no-store")
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    log.info(
        "%s %s %s %.1fms",
        http.method,
        http.path,
        response.status_code,
        (time.perf_counter() - started) * 1000,
    )
    return response


def _read_off(http: HttpRequest, response: HttpResponse) -> None:
    """Read what was refused unread: the next request of this connection begins behind it. One too large ends it."""
    try:
        if _length(http) > MAX_UPLOAD:
            response.headers["Connection"] = "close"
            return
        while http.read(64 * 1024):
            pass
    except (OSError, SuspiciousOperation):
        response.headers["Connection"] = "close"


def _language(http: HttpRequest) -> str:
    wanted = http.headers.get("Accept-Language", "").split(",")[0].split(";")[0].strip().lower()
    return LANGUAGES.get(wanted) or LANGUAGES.get(wanted.split("-")[0], "zh-hans")


def _handle(http: HttpRequest) -> HttpResponse:
    request: Request | None = None
    try:
        found, params = _find(http)
        _require_same_origin(http, found)
        request = Request(http, found, params, dt.datetime.now(dt.UTC))
        return _attempts(request)
    except Replayed as replay:
        return _respond(
            Answer(replay.body, replay.status, {"Idempotency-Replayed": "true"}, "application/json")
        )
    except Refused as refused:
        grants = None if request is None or request._ctx is None else request.ctx.grants
        told = [problem.shown(grants) for problem in refused.problems]
        return _problems(refused.status, told, changes=refused.changes)
    except Unsigned as unsigned:
        response = _problems(401, [_reason(str(unsigned) or _("Sign in first."), "unsigned")])
        response.headers["WWW-Authenticate"] = "Bearer"
        return response
    except Forbidden:
        return _problems(403, [_reason(_("Your roles do not allow this."), "forbidden")])
    except SuspiciousOperation:
        # Django's own limits: a thousand parameters, a body that is longer than it said.
        return _problems(400, [_reason(_("The request cannot be read."), "bad_request")])
    except Missing:
        return _problems(404, [_reason(_("There is no such thing here."), "missing")])
    except TooMany as many:
        response = _problems(429, [_reason(many.message, "too_many")])
        response.headers["Retry-After"] = str(many.seconds)
        return response
    except Busy:
        message = _("Too much happens to the same records at this moment. Nothing was changed; try again.")
        response = _problems(503, [_reason(message, "busy")])
        response.headers["Retry-After"] = "1"
        return response


def _find(http: HttpRequest) -> tuple[Route, dict[str, str]]:
    parts = tuple(http.path.strip("/").split("/"))
    others = False
    for candidate in ROUTES:
        params = candidate.match(parts)
        if params is not None and candidate.method == http.method:
            return candidate, params
        others = others or params is not None
    if others:
        raise _NotAllowed(Problem(None, _("This address does not take that method."), code="method"))
    raise Missing(http.path)


class _NotAllowed(Refused):
    status = 405


def _require_same_origin(http: HttpRequest, found: Route) -> None:
    """Refuse what a foreign page could send in a signed-in browser (ASVS 3.5.1)."""
    if found.method == "GET":
        return
    site = http.headers.get("Sec-Fetch-Site", "same-origin")
    origin = http.headers.get("Origin")
    own = f"{http.scheme}://{http.get_host()}"
    if site not in ("same-origin", "none") or (origin is not None and origin != own and not _is_bearer(http)):
        raise Forbidden("cross-site")
    length = _length(http)
    if length > (MAX_UPLOAD if found.takes == "xlsx" else MAX_BODY):
        raise _TooLarge(Problem(None, _("The body is too large."), code="too_large"))
    kind = http.headers.get("Content-Type", "").split(";")[0].strip().lower()
    wanted = XLSX if found.takes == "xlsx" else "application/json"
    if length and kind != wanted and found.takes != "any":
        raise _WrongType(
            Problem(None, _("The content type must be %(type)s.") % {"type": wanted}, code="content_type")
        )


def _length(http: HttpRequest) -> int:
    said = http.headers.get("Content-Length") or "0"
    if not said.isascii() or not said.isdigit() or len(said) > 18:
        raise SuspiciousOperation("Content-Length")
    return int(said)


class _TooLarge(Refused):
    status = 413


class _WrongType(Refused):
    status = 415


def _is_bearer(http: HttpRequest) -> bool:
    return http.headers.get("Authorization", "").startswith("Bearer ")


def gate() -> Gate:
    """Return the organisation's gate."""
    found: Gate = import_string(settings.GATE)
    return found


def _attempts(request: Request) -> HttpResponse:
    for attempt in range(3):
        try:
            return _once(request)
        except OperationalError as error:
            if is_disk_full(error):
                raise _NoRoom(Problem(None, _("The disk of the server is full."), code="disk_full")) from None
            if sqlstate(error) == "57014" or (attempt == 2 and may_heal(error)):
                raise Busy from None
            if not may_heal(error):
                raise
        except IntegrityError as error:
            problem = problem_of(error)
            if problem is not None:
                raise Refused(problem) from None
            if not _is_race(error):
                raise
            if attempt == 2:
                message = _("The same was entered elsewhere at this moment: look at it and try again.")
                raise Refused(Problem(None, message, code="taken")) from None
        except DataError:
            raise Invalid(Problem(None, _("A value does not fit its column."), code="range")) from None
        time.sleep(random.uniform(0.005, 0.05) * (attempt + 1))
    raise AssertionError


def sqlstate(error: Error) -> str:
    """Return the SQLSTATE of a database error."""
    return getattr(error.__cause__ or error, "sqlstate", "") or ""


def may_heal(error: OperationalError) -> bool:
    """Whether the whole act may simply run again: deadlock, serialisation failure, lock not available in time."""
    return sqlstate(error) in ("40P01", "40001", "55P03")


def is_disk_full(error: OSError | Error) -> bool:
    """Whether the database's disk, or ours, has no room left."""
    if isinstance(error, OSError):
        return error.errno in (errno.ENOSPC, errno.EDQUOT)
    return sqlstate(error) == "53100"


class _NoRoom(Refused):
    status = 507


def _is_race(error: IntegrityError) -> bool:
    return sqlstate(error) == "23505"


def _once(request: Request) -> HttpResponse:
    needs = request.route.needs
    if needs == "public":
        return _respond(request.route.handler(request, **request.params))
    identity = gate().identify(request.http)
    if identity is None:
        raise Unsigned
    request.identity = identity
    if needs == "user":
        _require_recent(request)
        return _respond(request.route.handler(request, **request.params))
    if identity.enterprise_id is None:
        raise Unsigned(str(_("Enter an enterprise first.")))
    with tenant(identity.enterprise_id):
        ctx = gate().context(identity, request.now)
        if ctx is None:
            raise Unsigned
        request._ctx = ctx
        _require(request)
        _require_recent(request)
        return _answered(request)


def _require(request: Request) -> None:
    needs = request.route.needs
    if needs == "signed":
        return
    code, verb = _asked(request)
    if needs.startswith("{"):
        find_listed(code)  # what is not there is missing for everybody, not forbidden to some
    if not may(request.ctx, code, verb):
        raise Forbidden(needs)


def _asked(request: Request) -> tuple[str, str]:
    """Return the code and the verb a route needs for what its address names; no code for `signed` and the like."""
    code, _dot, verb = request.route.needs.format(**request.params).rpartition(".")
    return code, verb


def _require_recent(request: Request) -> None:
    if request.identity is not None and (request.route.is_sensitive or _writes_sensitive(request)):
        gate().require_recent(request.identity)


def _writes_sensitive(request: Request) -> bool:
    """Whether a route for every code is asked to write one that outlives the session."""
    code, verb = _asked(request)
    document = REGISTRY.get(code)
    is_asking = request.route.method == "GET" or request.route.reads or verb in ("view", "export")
    return document is not None and document.is_sensitive and not is_asking


def _answered(request: Request) -> HttpResponse:
    """Run the handler; a write with an Idempotency-Key keeps its answer in the same transaction."""
    if request.route.reads:
        with read_only():
            return _respond(request.route.handler(request, **request.params))
    key = request.http.headers.get("Idempotency-Key")
    is_kept = request.route.method != "GET" and bool(key)
    opened = open_answer(request.ctx, key or "", request.http) if is_kept else None
    result = request.route.handler(request, **request.params)
    response = _respond(result)
    if opened is not None:
        kept = response.content
        if isinstance(result, Answer) and result.secrets:
            kept = encode(result.data | dict.fromkeys(result.secrets))
        keep_answer(request.ctx, opened, response.status_code, kept)
    return response


def _respond(result: Any) -> HttpResponse:
    answer = result if isinstance(result, Answer) else Answer(result)
    if answer.content_type:
        content, kind = answer.data, answer.content_type
    else:
        content, kind = b"" if answer.status == 204 else encode(answer.data), "application/json"
    response = HttpResponse(content, status=answer.status, content_type=kind)
    for name, value in answer.headers.items():
        response.headers[name] = value
    for name, value, options in answer.cookies:
        response.set_cookie(name, value, **options)
    return response


def _problems(status: int, problems: list[dict[str, Any]], **more: Any) -> HttpResponse:
    body = {"problems": problems} | {name: value for name, value in more.items() if value}
    return HttpResponse(encode(body), status=status, content_type="application/json")


def _reason(message: Any, code: str) -> dict[str, Any]:
    return Problem(None, message, code=code).shown()
