"""What the organisation's routes take from a request: who asks, the body's fields, cookies."""

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest

from yunlian.kernel.api import Request, Unsigned
from yunlian.kernel.document import Invalid, Problem, surplus
from yunlian.kernel.shapes import TEXT, describes, record
from yunlian.kernel.text import _

from .gate import cookie_name
from .sessions import Signed

Cookie = tuple[str, str, dict[str, Any]]


def signed_of(request: Request) -> Signed:
    """Return the device that asks; a machine's credential has no session. Raises Unsigned."""
    if not isinstance(request.identity, Signed):
        raise Unsigned
    return request.identity


def fields_of(request: Request, *names: str, also: tuple[str, ...] = ()) -> list[Any]:
    """Return the body's values by name, those of `also` None where missing; raises Invalid for what does not fit."""
    problems = [
        Problem(name, _("Must be filled in."), code="required") for name in names if name not in request.body
    ]
    problems += surplus(request.body, (*names, *also))
    if problems:
        raise Invalid(*problems)
    return [request.body.get(name) for name in (*names, *also)]


def takes(*names: str, also: tuple[str, ...] = (), **more: Any) -> Mapping[str, Any]:
    """Return the description of a route with a body of texts: `names` are required, those of `also` are not; `more` as
    of any route.
    """
    return describes(body=record(dict.fromkeys(also, TEXT), **dict.fromkeys(names, TEXT)), **more)


def whole(id_: str) -> int:
    """Return an id of a global table out of a path; 0, which nothing has, for anything else."""
    return int(id_) if id_.isascii() and id_.isdigit() and len(id_) < 19 else 0


def cookie(http: HttpRequest, name: str, value: str, seconds: int) -> Cookie:
    """Return a cookie that no script reads and no other site sends, for an answer."""
    options = {
        "max_age": seconds,
        "httponly": True,
        "samesite": "Lax",
        "secure": http.is_secure(),
        "path": "/",
    }
    return cookie_name(http, name), value, options
