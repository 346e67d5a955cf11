"""What answers carry for the browser's sake, and what a foreign page cannot do in a signed-in browser."""

import pytest

from yunlian.kernel.api import ROUTES, XLSX
from yunlian.kernel.document import REGISTRY

from .stage import PASSWORD, Browser, World, codes, digest
from .test_access import body_of, fillings, ways

SECURE = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
# The description of the API says nothing about anybody.
OPEN = {("GET", "/api/openapi.json")}
# Files of the browser itself and answers to machines need not be private.
PUBLIC_PAGES = ("/", "/health", "/no/such/page", "/assets/no-such.js")


def one_of_each() -> list[tuple[str, str, dict[str, object]]]:
    """Every route once, filled in for one code."""
    found: dict[tuple[str, str], tuple[str, str, dict[str, object]]] = {}
    for way in ways():
        found.setdefault((way.route.method, way.route.path), (way.route.method, way.path, body_of(way)))
    return list(found.values())


@pytest.mark.django_db
@pytest.mark.parametrize("who", ["admin", "keeper", None])
def test_every_answer_is_private_and_cannot_be_framed_or_sniffed(world: World, who: str | None) -> None:
    browser = world.anew(who)
    for method, path, body in one_of_each():
        response = browser.call(method, path, **body)
        policy = response["Content-Security-Policy"]
        assert {name: response[name] for name in SECURE} == SECURE, path
        assert response["Cache-Control"] == ("no-cache" if (method, path) in OPEN else "no-store"), path
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe-inline" not in policy.replace("style-src-attr 'unsafe-inline'", "")
        assert "Strict-Transport-Security" not in response
        assert "Access-Control-Allow-Origin" not in response
        assert response["Content-Type"].startswith(("application/json", XLSX)), path
        if response["Content-Type"] == XLSX:
            assert response["Content-Disposition"].startswith("attachment; filename="), path
        for name, cookie in response.cookies.items():
            assert name in ("session", "flow", "half")
            assert (cookie["httponly"], cookie["samesite"], cookie["path"], cookie["domain"]) == (
                True,
                "Lax",
                "/",
                "",
            )


@pytest.mark.django_db
def test_over_https_answers_say_so_and_the_cookie_stays_on_this_host(world: World) -> None:
    browser = Browser()
    for method, path, body in one_of_each():
        response = browser.client.generic(method, path, b"", "application/json", secure=True)
        assert response["Strict-Transport-Security"].startswith("max-age=31536000"), path
        assert body is not None
    login = {"login": world.near.login, "password": PASSWORD}
    response = browser.client.post("/api/session", login, content_type="application/json", secure=True)
    cookie = response.cookies["__Host-session"]
    assert (cookie["secure"], cookie["httponly"], cookie["samesite"], cookie["path"]) == (
        True,
        True,
        "Lax",
        "/",
    )
    for path in PUBLIC_PAGES:
        assert "Strict-Transport-Security" in browser.client.get(path, secure=True)


@pytest.mark.django_db
def test_no_page_and_no_refusal_lacks_the_headers(world: World) -> None:
    browser = Browser()
    for path in (*PUBLIC_PAGES, "/api", "/api/", "/api/no/such/thing/at/all"):
        response = browser.get(path)
        # Without a console bundle its page says so.
        assert response.status_code < 500 or (path[:5] != "/api" and response.status_code == 503), path
        assert response["X-Content-Type-Options"] == "nosniff", path
        assert "default-src 'none'" in response["Content-Security-Policy"], path


@pytest.mark.django_db
def test_reading_changes_nothing(world: World) -> None:
    before, admin, tried = digest(world.near), world.as_("admin"), 0
    for route in ROUTES:
        if route.method == "GET":
            for params in fillings(route):
                filled = params | (
                    {"id": str(world.near.rows[params["code"]])}
                    if params.get("code") in world.near.rows and "id" in params
                    else {}
                )
                response = admin.get(route.path.format(**filled))
                assert response.status_code < 500, (route.path, filled, response.content)
                tried += 1
    for method in ("HEAD", "OPTIONS", "TRACE", "PATCH"):
        for path in (
            "/api/session",
            "/api/sales.contract",
            f"/api/sales.contract/{world.near.rows['sales.contract']}",
        ):
            assert admin.call(method, path).status_code == 405
    assert tried > 200
    assert digest(world.near) == before


FOREIGN = [
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Origin": "http://testserver.evil.example"},
    {"Origin": "https://testserver"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Origin": "https://evil.example", "Authorization": "Basic Bearer "},
]
OWN = [{}, {"Origin": "http://testserver"}, {"Sec-Fetch-Site": "same-origin"}, {"Sec-Fetch-Site": "none"}]


@pytest.mark.django_db
@pytest.mark.parametrize("headers", FOREIGN, ids=str)
def test_a_foreign_page_can_write_nothing(world: World, headers: dict[str, str]) -> None:
    admin, before = world.as_("admin"), digest(world.near)
    for method, path, body in one_of_each():
        if method != "GET":
            response = admin.call(method, path, **body, **headers)
            assert (response.status_code, codes(response)) == (403, ["forbidden"]), (method, path)
            assert not response.cookies
    unit = admin.call("POST", "/api/masters.unit", {"code": "X1", "name": "箱"}, **headers)
    assert unit.status_code == 403
    assert digest(world.near) == before


@pytest.mark.django_db
@pytest.mark.parametrize("headers", OWN, ids=str)
def test_our_own_pages_can_write(world: World, headers: dict[str, str]) -> None:
    response = world.as_("admin").call("POST", "/api/masters.unit", {"code": "X1", "name": "箱"}, **headers)
    assert response.status_code == 201


FORMS = [
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "text/plain",
    "text/plain; application/json",
    "",
]


@pytest.mark.django_db
@pytest.mark.parametrize("content_type", FORMS)
def test_what_a_form_could_send_is_never_taken_for_json(world: World, content_type: str) -> None:
    admin, before = world.as_("admin"), digest(world.near)
    for code, document in REGISTRY.items():
        if "edit" in document.permissions:
            body = b'{"code":"X2","name":"=1"}'
            response = admin.call("POST", f"/api/{code}", body, content_type=content_type)
            assert (response.status_code, codes(response)) == (415, ["content_type"]), code
    assert digest(world.near) == before


@pytest.mark.django_db
def test_a_host_that_is_not_ours_is_a_bad_request_not_a_failure(world: World) -> None:
    admin = world.as_("admin")
    for host in ("evil.example", "testserver:port", "a b", "testserver@evil.example", "[::1"):
        for method, path in (
            ("POST", "/api/masters.unit"),
            ("DELETE", "/api/session"),
            ("GET", "/api/session"),
            ("GET", "/"),
        ):
            response = admin.call(method, path, None if method == "GET" else {}, Host=host)
            assert response.status_code == 400, (host, method, path, response.content)
            assert b"evil" not in response.content
    assert admin.get("/api/session").status_code == 200
