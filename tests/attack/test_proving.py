"""What would outlive a borrowed session asks again who it is (ASVS 7.5.1): the list of routes, and each of them tried."""

import datetime as dt

import pytest
from django.db.models import F

from yunlian.kernel.api import ROUTES, XLSX
from yunlian.kernel.document import REGISTRY
from yunlian.org.models import Session

from .stage import NOBODY, PASSWORD, World, codes

SENSITIVE = {
    ("DELETE", "/api/org.employee/{id}/second-factor"),
    ("DELETE", "/api/org.employee/{id}/ways/{way}"),
    ("DELETE", "/api/session/second-factor"),
    ("DELETE", "/api/session/ways/{id}"),
    ("POST", "/api/chain.credential"),
    ("POST", "/api/chain/keys/rotate"),
    ("POST", "/api/chain/membership/join"),
    ("POST", "/api/directory/connections/{id}/passwords"),
    ("POST", "/api/directory/connections/{id}/receivers/{receiver}/renew"),
    ("POST", "/api/org.employee/{id}/login"),
    ("POST", "/api/org.employee/{id}/ways"),
    ("POST", "/api/session/mobile/code"),
    ("POST", "/api/session/second-factor"),
    ("POST", "/api/session/second-factor/recovery"),
    ("POST", "/api/session/ways/flow"),
    ("PUT", "/api/directory/connections/{id}"),
    ("PUT", "/api/org.employee/{id}/access"),
    ("PUT", "/api/org.role/{id}/grants"),
    ("PUT", "/api/org.sms_gateway/setup"),
    ("PUT", "/api/session/mobile"),
    ("PUT", "/api/session/second-factor"),
}


def test_the_list_is_what_is_declared() -> None:
    assert {(route.method, route.path) for route in ROUTES if route.is_sensitive} == SENSITIVE


@pytest.mark.django_db
def test_each_asks_again_and_opens_once_it_was_told(world: World) -> None:
    admin, told = world.anew("admin"), []
    Session.objects.update(proven_at=F("proven_at") - dt.timedelta(minutes=11))
    for method, path in sorted(SENSITIVE):
        filled = path.format(id=NOBODY, way=1, receiver="app")
        response = admin.call(method, filled, None if method == "DELETE" else {})
        if (response.status_code, codes(response)) != (403, ["prove_again"]):
            told.append((method, path, response.status_code))
    assert told == []
    assert admin.post("/api/session/proof", password=PASSWORD).status_code == 200
    for method, path in sorted(SENSITIVE):
        response = admin.call(
            method, path.format(id=NOBODY, way=1, receiver="app"), None if method == "DELETE" else {}
        )
        assert response.status_code not in (401, 403), (method, path, response.content)


# Whatever a route for every code does to one that outlives the session.
WRITING = (
    ("POST", "/api/{code}"),
    ("PUT", "/api/{code}/{id}"),
    ("DELETE", "/api/{code}/{id}"),
    ("POST", "/api/{code}/{id}/{step}"),
    ("POST", "/api/{code}/batch/{step}"),
    ("POST", "/api/{code}/import"),
)


def test_the_generic_routes_that_write_are_all_of_them() -> None:
    written = {
        (route.method, route.path)
        for route in ROUTES
        if route.needs.startswith("{code}.") and route.method != "GET" and not route.reads
    }
    assert written == {*WRITING, ("POST", "/api/{code}/export")}


def test_what_outlives_a_session_is_declared_so() -> None:
    assert {code for code, document in REGISTRY.items() if document.is_sensitive} == {
        "chain.credential",
        "org.role",
    }


@pytest.mark.django_db
@pytest.mark.parametrize("code", ["chain.credential", "org.role"])
def test_the_generic_routes_ask_again_for_it_too(world: World, code: str) -> None:
    admin, asked = world.anew("admin"), []
    Session.objects.update(proven_at=F("proven_at") - dt.timedelta(minutes=11))
    for route in ROUTES:
        verb = route.needs.format(code=code, step="revoke", target="").rpartition(".")[2]
        if (route.method, route.path) in WRITING and verb in REGISTRY[code].permissions:
            path = route.path.format(code=code, id=NOBODY, step="revoke")
            kind = {"content_type": XLSX} if route.takes == "xlsx" else {}
            response = admin.call(route.method, path, b"{}" if route.method != "DELETE" else None, **kind)
            assert (response.status_code, codes(response)) == (403, ["prove_again"]), path
            asked.append(route.path)
    assert len(asked) >= 4
    assert admin.get(f"/api/{code}").status_code == 200
    assert admin.post("/api/session/proof", password=PASSWORD).status_code == 200
    assert codes(admin.call("PUT", f"/api/{code}/{NOBODY}", {"version": 1})) == ["missing"]


@pytest.mark.django_db
def test_everything_else_goes_on_without_asking(world: World) -> None:
    admin = world.anew("admin")
    Session.objects.update(proven_at=F("proven_at") - dt.timedelta(minutes=11))
    assert admin.post("/api/masters.unit", code="X1", name="箱").status_code == 201
    assert admin.get("/api/org.employee").status_code == 200
