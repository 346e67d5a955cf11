"""What every answer carries, and how Django's own refusals are worded.

The policy allows no script and no frame from elsewhere and nothing inline but style attributes, which the chart and
table components of the console set.
"""

from collections.abc import Callable

from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse

from yunlian.kernel.text import Label, _
from yunlian.platforms.addresses import origin

# Where a sandbox plays DingTalk, its phone is a browser, and what DingTalk's client gives a page comes from there.
_SANDBOX = f" {origin(settings.DINGTALK_URL)}" if settings.DINGTALK_URL else ""
HEADERS = {
    "Content-Security-Policy": (
        f"default-src 'none'; script-src 'self'{_SANDBOX}; style-src 'self'; style-src-attr 'unsafe-inline'; "
        "img-src 'self' data: blob:; "
        f"font-src 'self' data:; connect-src 'self'{_SANDBOX}; worker-src 'self' blob:; manifest-src 'self'; "
        "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), geolocation=(), microphone=(), payment=()",
}
HSTS = "max-age=31536000; includeSubDomains"

Handler = Callable[[HttpRequest], HttpResponseBase]


def headers(answer: Handler) -> Handler:
    """Middleware: security headers on every answer; private answers are stored nowhere.

    A host that is not ours is refused here, before anything takes it for the address of our own pages.
    """

    def with_headers(request: HttpRequest) -> HttpResponseBase:
        try:
            request.get_host()
            response = answer(request)
        except DisallowedHost as error:
            response = bad_request(request, error)
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        if request.is_secure():
            response.headers.setdefault("Strict-Transport-Security", HSTS)
        if request.path.startswith("/api/"):
            response.headers.setdefault("Cache-Control", "no-store")
        return response

    return with_headers


def behind_proxy(answer: Handler) -> Handler:
    """Middleware, only where settings say that a proxy of ours stands in front: the caller's own address is the last
    one of X-Forwarded-For, which our proxy wrote; whatever stands before it the caller may have made up.
    """

    def with_address(request: HttpRequest) -> HttpResponseBase:
        forwarded = request.META.get("HTTP_X_FORWARDED_FOR", "")
        if forwarded:
            request.META["REMOTE_ADDR"] = forwarded.rpartition(",")[2].strip()
        return answer(request)

    return with_address


def _problem(code: str, message: Label, status: int) -> HttpResponse:
    problem = {"field": None, "line": None, "code": code, "message": str(message)}
    return JsonResponse({"problems": [problem]}, status=status, json_dumps_params={"ensure_ascii": False})


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """400 in the API's words: Django refused the request before any view saw it."""
    return _problem("bad_request", _("The request cannot be read."), 400)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """404 in the API's words."""
    return _problem("missing", _("There is no such thing here."), 404)


def failed(request: HttpRequest) -> HttpResponse:
    """500 in the API's words: what happened is in the log, never in the answer."""
    return _problem("internal", _("Something went wrong on our side; it has been recorded."), 500)
