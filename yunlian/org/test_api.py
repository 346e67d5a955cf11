import datetime as dt

import pytest
from django.test import Client

from yunlian.kernel.api import ROUTES, Identity
from yunlian.kernel.scope import tenant
from yunlian.kernel.testing import NOW

from . import people
from .conftest import PASSWORD, Browser, codes
from .gate import GATE
from .models import Enterprise, Role, RoleVerb, Session

pytestmark = pytest.mark.usefixtures("clock")


def test_signing_in_says_who_and_where(acme, context):
    browser = Browser()
    response = browser.post("/api/session", login="boss", password=PASSWORD)
    assert response.status_code == 200
    shown = response.json()
    here = {"id": str(acme.enterprise_id), "code": "ACME", "name": "云上家居"}
    assert shown["user"]["login"] == "boss"
    assert shown["enterprise"] == here
    assert shown["enterprises"] == [here]
    assert shown["member"] == {
        "id": str(acme.admin_id),
        "name": "管理员",
        "department": {"id": str(acme.department_id), "name": "云上家居"},
        "roles": [{"code": "ADMIN", "name": "管理员"}],
    }
    assert (shown["locale"], shown["first_password"]) == ("zh-Hans", False)
    assert browser.get("/api/session").json() == shown


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(acme):
    browser = Browser("boss")
    cookie = browser.client.cookies["session"]
    assert (cookie["httponly"], cookie["samesite"], cookie["path"], cookie["secure"]) == (
        True,
        "Lax",
        "/",
        "",
    )
    assert cookie["max-age"] == 7 * 24 * 3600
    response = Client().post(
        "/api/session", {"login": "boss", "password": PASSWORD}, content_type="application/json", secure=True
    )
    cookie = response.cookies["__Host-session"]
    assert (cookie["httponly"], cookie["secure"], cookie["domain"], cookie["path"]) == (True, True, "", "/")


def test_over_https_the_plain_cookie_is_nobody(acme):
    browser = Browser("boss")
    assert browser.client.get("/api/session", secure=True).status_code == 401
    assert browser.client.get("/api/session").status_code == 200


def test_two_checkouts_on_one_host_do_not_sign_each_other_out(acme):
    """A browser keeps one jar for all ports of 127.0.0.1, as the test client does."""
    browser = Browser()
    here, there = ({"HTTP_HOST": f"127.0.0.1:{port}"} for port in (8000, 8011))
    body = {"login": "boss", "password": PASSWORD}
    for place in (here, there):
        answer = browser.client.post("/api/session", body, content_type="application/json", **place)
        assert list(answer.cookies) == [f"session-{place['HTTP_HOST'][-4:]}"]
    assert browser.client.delete("/api/session", **there).status_code == 204
    assert browser.client.get("/api/session", **there).status_code == 401
    assert browser.client.get("/api/session", **here).status_code == 200
    over_tls = browser.client.post("/api/session", body, content_type="application/json", secure=True, **here)
    assert list(over_tls.cookies) == ["__Host-session"]


def test_a_wrong_password_is_401_and_too_many_are_429(acme):
    browser = Browser()
    for _ in range(6):
        assert browser.post("/api/session", login="boss", password="wrong password").status_code == 401
    response = browser.post("/api/session", login="boss", password=PASSWORD)
    assert (response.status_code, response.headers["Retry-After"]) == (429, "2")
    assert codes(response) == ["too_many"]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"login": "boss"},
        {"login": "boss", "password": 1},
        {"login": "boss", "password": PASSWORD, "x": 1},
    ],
)
def test_a_body_that_does_not_fit_is_422(acme, body):
    assert Browser().call("POST", "/api/session", body).status_code == 422


def test_the_clock_ends_a_session(acme, clock):
    browser = Browser("boss")
    clock.now = NOW + dt.timedelta(hours=8)
    assert browser.get("/api/session").status_code == 401
    clock.now = NOW + dt.timedelta(hours=7, minutes=59)
    assert browser.get("/api/session").status_code == 200


def test_a_planted_cookie_is_not_adopted(acme):
    browser = Browser()
    browser.client.cookies["session"] = "planted-by-somebody-else"
    assert browser.get("/api/session").status_code == 401
    browser.post("/api/session", login="boss", password=PASSWORD)
    assert browser.token != "planted-by-somebody-else"
    attacker = Browser()
    attacker.client.cookies["session"] = "planted-by-somebody-else"
    assert attacker.get("/api/session").status_code == 401
    assert browser.get("/api/session").status_code == 200


def test_signing_out_here_and_everywhere(acme):
    one, two, three = Browser("boss"), Browser("boss"), Browser("boss")
    assert one.delete("/api/session").status_code == 204
    assert one.get("/api/session").status_code == 401
    assert two.get("/api/session").status_code == 200
    assert two.delete("/api/session?everywhere=1").status_code == 204
    assert three.get("/api/session").status_code == 401
    assert not Session.objects.exists()


def test_enters_ones_own_enterprises_only(acme, other):
    browser = Browser("boss")
    for wanted in (str(other.enterprise_id), "other", "9" * 30):
        response = browser.put("/api/session/enterprise", enterprise=wanted)
        assert (response.status_code, codes(response)) == (404, ["missing"])
    with tenant(other.enterprise_id):
        people.hire(
            people.system_context(other.enterprise_id, NOW), {"code": "B", "name": "老板"}, login="boss"
        )
    response = browser.put("/api/session/enterprise", enterprise="other")
    assert response.json()["enterprise"]["code"] == "OTHER"
    assert response.json()["member"]["roles"] == []
    assert browser.get("/api/org.employee").status_code == 403, "no roles there"
    assert browser.put("/api/session/enterprise", enterprise=str(acme.enterprise_id)).status_code == 200
    assert browser.get("/api/org.employee").status_code == 200
    assert browser.put("/api/session/enterprise", enterprise=1).status_code == 422


def test_before_an_enterprise_is_entered_only_the_session_answers(acme, other):
    with tenant(other.enterprise_id):
        people.hire(
            people.system_context(other.enterprise_id, NOW), {"code": "B", "name": "老板"}, login="boss"
        )
    browser = Browser("boss")
    shown = browser.get("/api/session").json()
    assert (shown["enterprise"], shown["member"]) == (None, None)
    assert [one["code"] for one in shown["enterprises"]] == ["ACME", "OTHER"]
    assert browser.get("/api/meta").status_code == 401


def test_a_change_of_password_keeps_this_device_and_ends_others(acme):
    here, there = Browser("boss"), Browser("boss")
    before = here.token
    response = here.post("/api/session/password", old=PASSWORD, new="short")
    assert (response.status_code, codes(response)) == (422, ["too_short"])
    assert here.post("/api/session/password", old=PASSWORD, new="another horse 7").status_code == 200
    assert here.token != before
    assert here.get("/api/meta").status_code == 200
    assert there.get("/api/session").status_code == 401


def test_shows_devices_and_ends_one(acme, other):
    here, there = Browser("boss", user_agent="Here"), Browser("boss", user_agent="There")
    rows = here.get("/api/session/devices").json()["rows"]
    assert {(row["device"], row["current"], row["address"]) for row in rows} == {
        ("Here", True, "127.0.0.1"),
        ("There", False, "127.0.0.1"),
    }
    (gone,) = [row["id"] for row in rows if not row["current"]]
    stranger = Browser("rival")
    assert stranger.delete(f"/api/session/devices/{gone}").status_code == 404
    assert here.delete("/api/session/devices/x").status_code == 404
    assert here.delete(f"/api/session/devices/{gone}").status_code == 204
    assert there.get("/api/session").status_code == 401


def test_a_first_password_opens_nothing_but_its_own_change(acme, hire):
    boss, ann = Browser("boss"), hire("guide", code="ANN")
    given = boss.post(f"/api/org.employee/{ann}/login", login="ann")
    assert given.status_code == 201
    word = given.json()["password"]
    browser = Browser("ann", word)
    assert browser.get("/api/session").json()["first_password"] is True
    response = browser.get("/api/meta")
    assert (response.status_code, codes(response)) == (403, ["first_password"])
    assert browser.post("/api/session/password", old=word, new="another horse 7").status_code == 200
    assert browser.get("/api/session").json()["first_password"] is False
    assert browser.get("/api/meta").status_code == 200


def test_rights_act_at_once_on_a_session_that_exists(acme, hire):
    hire("guide", login="ann")
    browser = Browser("ann")
    assert browser.get("/api/masters.partner").status_code == 200
    with tenant(acme.enterprise_id):
        RoleVerb.objects.filter(role__code="GUIDE", code="masters.partner").delete()
    assert browser.get("/api/masters.partner").status_code == 403
    assert browser.get("/api/masters.product").status_code == 200


def test_disabling_acts_at_once_over_http(acme, hire):
    ann = hire("guide", login="ann")
    boss, browser = Browser("boss"), Browser("ann")
    assert browser.get("/api/meta").status_code == 200
    assert boss.put(f"/api/org.employee/{ann}/access", is_active=False).json()["is_active"] is False
    assert browser.get("/api/meta").status_code == 401
    assert browser.post("/api/session", login="ann", password=PASSWORD).status_code == 401


def test_the_grant_page_over_http(acme, hire):
    hire("guide", login="ann")
    boss, ann = Browser("boss"), Browser("ann")
    with tenant(acme.enterprise_id):
        guide = Role.objects.get(code="GUIDE").id
    path = f"/api/org.role/{guide}/grants"
    page = boss.get(path).json()
    assert {"version", "everything", "verbs", "scopes", "guards"} == page.keys()
    assert ann.get(path).status_code == 403
    assert ann.put(path, everything=True).status_code == 403
    response = boss.put(path, scopes={"*": "tree"}, version=page["version"])
    assert response.json()["scopes"] == {"*": "tree"}
    response = boss.put(path, scopes={"*": "all"}, version=page["version"])
    assert (response.status_code, codes(response)) == (409, ["stale"])


def test_access_over_http(acme, other, hire):
    ann = hire("guide", login="ann")
    boss, browser = Browser("boss"), Browser("ann")
    path = f"/api/org.employee/{ann}/access"
    shown = boss.get(path).json()
    assert (shown["login"], [role["code"] for role in shown["roles"]], shown["is_active"]) == (
        "ann",
        ["GUIDE"],
        True,
    )
    assert browser.put(path, roles=["admin"]).status_code == 403
    assert browser.post(f"/api/org.employee/{ann}/login").status_code == 403
    assert [role["code"] for role in boss.put(path, roles=["keeper"]).json()["roles"]] == ["KEEPER"]
    for id_ in (other.admin_id, "x", "9" * 36):
        assert boss.get(f"/api/org.employee/{id_}/access").status_code == 404
        assert boss.put(f"/api/org.employee/{id_}/access", roles=[]).status_code == 404
    response = boss.put(f"/api/org.employee/{acme.admin_id}/access", roles=[])
    assert (response.status_code, codes(response)) == (409, ["last_administrator"])


def test_a_foreign_page_cannot_sign_anybody_in_or_out(acme):
    browser = Browser("boss", origin="http://testserver")
    browser.client.defaults["HTTP_ORIGIN"] = "https://evil.example"
    assert browser.delete("/api/session").status_code == 403
    assert browser.post("/api/session", login="boss", password=PASSWORD).status_code == 403
    del browser.client.defaults["HTTP_ORIGIN"]
    assert browser.get("/api/session").status_code == 200


def test_a_bearer_credential_is_read_by_whoever_registered_and_has_no_session_to_end(acme, monkeypatch):
    monkeypatch.setattr(GATE, "_bearers", [])

    def read(token, now):
        if token == "t" * 20:
            return Identity(None, acme.enterprise_id, acme.communication_id)
        return None

    assert Browser(authorization=f"Bearer {'t' * 20}").get("/api/meta").status_code == 401
    GATE.accept_bearers(read)
    machine = Browser(authorization=f"Bearer {'t' * 20}")
    assert machine.get("/api/meta").status_code == 200
    assert machine.get("/api/org.role").status_code == 403
    who = machine.get("/api/session").json()
    assert (who["user"], who["enterprise"]["id"]) == (None, str(acme.enterprise_id))
    assert who["member"]["id"] == str(acme.communication_id)
    assert machine.delete("/api/session?everywhere=1").status_code == 401
    for bad in ("Bearer x", "Basic " + "t" * 20, f"Bearer {'u' * 20}", "Bearer"):
        assert Browser(authorization=bad).get("/api/meta").status_code == 401


def test_a_bad_bearer_is_not_saved_by_a_good_cookie(acme):
    browser = Browser("boss")
    browser.client.defaults["HTTP_AUTHORIZATION"] = "Bearer " + "u" * 20
    assert browser.get("/api/session").status_code == 401
    del browser.client.defaults["HTTP_AUTHORIZATION"]
    assert browser.get("/api/session").status_code == 200


def test_signed_out_nothing_of_ours_answers(acme):
    own = [r for r in ROUTES if r.handler.__module__.startswith("yunlian.org.") and r.needs != "public"]
    assert len(own) == 31
    for each in own:
        path = each.path.replace("{id}", str(acme.admin_id)).replace("{way}", "1")
        assert Browser().call(each.method, path).status_code == 401, path


def test_an_enterprise_is_never_the_last_one_of_somebody_else(acme, other):
    browser = Browser("boss")
    Session.objects.update(enterprise_id=other.enterprise_id)
    shown = browser.get("/api/session").json()
    assert (shown["enterprise"], shown["member"]) == (None, None)
    assert browser.get("/api/meta").status_code == 401
    assert Enterprise.objects.count() == 2
