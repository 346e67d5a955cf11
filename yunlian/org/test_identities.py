import datetime as dt
import threading

import pytest
from django.db import connection

from yunlian.kernel.document import Refused
from yunlian.kernel.models import Audit
from yunlian.kernel.scope import tenant
from yunlian.kernel.testing import NOW

from . import identities, people
from .attempts import Asked
from .conftest import Browser, codes, totp
from .identities import Account
from .models import AccountEvent, Identity, Session, User

pytestmark = pytest.mark.usefixtures("clock")

MOBILE = "+8613800000001"
LATER = NOW + dt.timedelta(minutes=11)


@pytest.fixture
def linked(acme, paper):
    return paper.connect(acme.enterprise_id, "corp-a")


def test_the_same_id_of_two_providers_or_corps_is_two_people(acme, other, bound):
    one = bound("boss", "zhang", provider="wecom", corp="corp-a")
    two = bound("rival", "zhang", provider="wecom", corp="corp-b")
    three = bound("rival", "zhang", provider="dingtalk", corp="corp-a")
    for found, corp, provider in (
        (one, "corp-a", "wecom"),
        (two, "corp-b", "wecom"),
        (three, "corp-a", "dingtalk"),
    ):
        assert identities.find(Account(provider, corp, "zhang")) == found
    assert identities.find(Account("dingtalk", "corp-b", "zhang")) is None


def test_one_account_of_a_corp_for_each_person(acme, bound):
    bound("boss", "zhang", provider="wecom", corp="corp-a")
    boss = User.objects.get(login="boss")
    with pytest.raises(Refused) as caught:
        identities.bind(boss.pk, Account("wecom", "corp-a", "zhang2"), Asked(NOW))
    assert caught.value.problems[0].code == "one"
    identities.bind(boss.pk, Account("wecom", "corp-b", "zhang2"), Asked(NOW))
    assert Identity.objects.count() == 2


def test_shows_ones_ways_with_the_mobile_masked(acme, linked, bound):
    bound("boss", MOBILE)
    bound("boss", "zhang", provider="wecom", corp="corp-a")
    shown = Browser("boss").get("/api/session/ways").json()
    assert [(way["provider"], way["name"]) for way in shown["ways"]] == [
        ("mobile", "+86138****0001"),
        ("wecom", "zhang"),
    ]
    assert (shown["has_password"], shown["second_factor"]["on"]) == (True, False)
    assert [way["name"] for way in shown["offered"]] == ["paper"]
    assert shown["prove_by"] == ["password", "mobile", "wecom"]


def test_unbinds_ones_own_and_ends_the_sessions_it_opened(acme, bound):
    bound("boss", MOBILE)
    browser = Browser("boss")
    Session.objects.create(
        digest=b"x" * 32, user=User.objects.get(login="boss"), created_at=NOW, used_at=NOW, way="mobile"
    )
    (way,) = browser.get("/api/session/ways").json()["ways"]
    assert browser.delete(f"/api/session/ways/{way['id']}").status_code == 204
    assert not Identity.objects.exists()
    assert Session.objects.count() == 1
    assert browser.get("/api/session").status_code == 200
    assert list(AccountEvent.objects.values_list("act", "detail")) == [("unbound", "+86138****0001")]
    assert browser.get("/api/session/events").json()["rows"][0]["act"] == "unbound"


def test_nobody_elses_can_be_unbound(acme, other, bound):
    theirs = bound("rival", MOBILE)
    browser = Browser("boss")
    for id_ in (theirs.pk, 0, "x", "9" * 30, "²"):
        assert browser.delete(f"/api/session/ways/{id_}").status_code == 404
    assert Identity.objects.count() == 1
    assert Browser("rival").delete(f"/api/session/ways/{theirs.pk}").status_code == 204


def test_the_last_way_in_stays(acme, bound):
    only = bound("boss", MOBILE)
    browser = Browser("boss")
    User.objects.update(password="")
    response = browser.delete(f"/api/session/ways/{only.pk}")
    assert (response.status_code, codes(response)) == (409, ["last_way"])
    assert Identity.objects.count() == 1
    browser.post("/api/session/password", new="another horse 7")
    assert browser.delete(f"/api/session/ways/{only.pk}").status_code == 204


def test_a_first_password_and_a_corp_that_is_gone_are_no_way_in(acme, paper, linked, bound):
    mobile, corp = bound("boss", MOBILE), bound("boss", "zhang", provider="wecom", corp="corp-a")
    browser = Browser("boss")
    User.objects.update(password_expires_at=NOW + dt.timedelta(days=1))
    Session.objects.update(way="mobile")
    paper.connected.clear()
    assert codes(browser.delete(f"/api/session/ways/{mobile.pk}")) == ["last_way"]
    paper.connect(acme.enterprise_id, "corp-a")
    assert browser.delete(f"/api/session/ways/{mobile.pk}").status_code == 204
    assert codes(browser.delete(f"/api/session/ways/{corp.pk}")) == ["last_way"]


@pytest.mark.django_db(transaction=True)
def test_of_two_last_ways_unbound_at_once_one_stays(acme, paper, linked, bound):
    ids = [bound("boss", MOBILE).pk, bound("boss", "zhang", provider="wecom", corp="corp-a").pk]
    User.objects.update(password="")
    boss, told, start = User.objects.get(login="boss").pk, [], threading.Barrier(2)

    def unbind(id_):
        start.wait()
        try:
            identities.unbind(boss, id_, Asked(NOW))
            told.append("done")
        except Refused as refused:
            told.append(refused.problems[0].code)
        finally:
            connection.close()

    threads = [threading.Thread(target=unbind, args=(id_,)) for id_ in ids]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(told) == ["done", "last_way"]
    assert Identity.objects.count() == 1


def test_somebody_without_a_password_sets_one(acme, bound, clock):
    bound("boss", MOBILE)
    browser = Browser("boss")
    User.objects.update(password="")
    clock.now = LATER
    assert codes(browser.post("/api/session/password", new="another horse 7")) == ["prove_again"]
    clock.now = NOW
    assert browser.post("/api/session/password", old="x", new="another horse 7").status_code == 422
    assert browser.post("/api/session/password", new="another horse 7").status_code == 200
    assert Browser("boss", "another horse 7").get("/api/session").status_code == 200


# --- what an administrator does for others ---


@pytest.fixture
def ann(hire):
    return hire("guide", login="ann")


def path(employee, tail="ways"):
    return f"/api/org.employee/{employee}/{tail}"


def test_an_administrator_sees_binds_and_unbinds(acme, linked, ann):
    boss = Browser("boss")
    assert boss.get(path(ann)).json()["offered"] == [
        {"provider": "wecom", "corp": "corp-a", "name": "corp-a"}
    ]
    made = boss.post(path(ann), provider="wecom", subject=" LiSi ")
    assert made.status_code == 201
    (way,) = made.json()["ways"]
    assert (way["name"], way["is_own"]) == ("lisi", False)
    assert boss.delete(path(ann, f"ways/{way['id']}")).status_code == 204
    events = list(AccountEvent.objects.order_by("id").values_list("act", "by_user_id"))
    by = User.objects.get(login="boss").pk
    assert events == [("bound", by), ("unbound", by)]
    with tenant(acme.enterprise_id):
        acts = list(Audit.objects.filter(record=ann).order_by("version").values_list("act", flat=True))
    assert acts[-2:] == ["bind", "unbind"]
    assert Browser("ann").get("/api/session/events").json()["rows"][0]["by"] == "管理员"


def test_others_may_not_touch_a_colleagues_ways(acme, linked, ann, hire, bound):
    hire("finance", login="eve")
    id_ = bound("ann", MOBILE).pk
    eve = Browser("eve")
    assert eve.get(path(ann)).status_code == 403
    assert eve.post(path(ann), provider="wecom", subject="eve").status_code == 403
    assert eve.delete(path(ann, f"ways/{id_}")).status_code == 403
    assert eve.delete(path(ann, "second-factor")).status_code == 403
    assert Identity.objects.count() == 1


def test_an_account_of_a_corp_that_is_not_connected_cannot_be_bound(acme, linked, ann):
    boss = Browser("boss")
    for body in (
        {"provider": "dingtalk", "subject": "li"},
        {"provider": "mobile", "subject": MOBILE},
        {"provider": ["wecom"], "subject": "li"},
        {"provider": "wecom", "subject": ""},
        {"provider": "wecom", "subject": 7},
    ):
        assert boss.post(path(ann), **body).status_code == 422
    assert not Identity.objects.exists()


def test_somebody_who_enters_other_enterprises_keeps_what_is_theirs(acme, other, linked, ann, bound):
    mobile = bound("ann", MOBILE)
    corp = bound("ann", "li", provider="wecom", corp="corp-a")
    with tenant(other.enterprise_id):
        people.hire(people.system_context(other.enterprise_id, NOW), {"code": "A", "name": "安"}, login="ann")
    boss = Browser("boss")
    assert boss.get(path(ann)).json()["is_shared"] is True
    assert codes(boss.delete(path(ann, f"ways/{mobile.pk}"))) == ["shared"]
    assert codes(boss.delete(path(ann, "second-factor"))) == ["shared"]
    assert boss.delete(path(ann, f"ways/{corp.pk}")).status_code == 204, "an account of its own corp"
    assert list(Identity.objects.all()) == [mobile]


def test_takes_off_a_second_factor_that_was_lost(acme, ann, clock):
    boss, browser = Browser("boss"), Browser("ann")
    made = browser.post("/api/session/second-factor").json()
    assert browser.put("/api/session/second-factor", code=totp(made["secret"])).status_code == 200
    assert boss.get(path(ann)).json()["second_factor"] is True
    assert boss.delete(path(ann, "second-factor")).status_code == 204
    assert browser.get("/api/session").status_code == 401
    assert Browser("ann").get("/api/session").status_code == 200
    assert codes(boss.delete(path(ann, "second-factor"))) == ["none"]
    assert AccountEvent.objects.filter(act="second_factor_reset").count() == 1


# --- proving again ---

SENSITIVE = [
    ("DELETE", "/api/session/ways/1", None),
    ("POST", "/api/session/ways/flow", {"way": "paper"}),
    ("POST", "/api/session/mobile/code", {"mobile": MOBILE}),
    ("PUT", "/api/session/mobile", {"mobile": MOBILE, "code": "000000"}),
    ("POST", "/api/session/second-factor", {}),
    ("PUT", "/api/session/second-factor", {"code": "000000"}),
    ("DELETE", "/api/session/second-factor", None),
    ("POST", "/api/session/second-factor/recovery", {}),
    ("PUT", "/api/org.role/{id}/grants", {}),
    ("PUT", "/api/org.employee/{id}/access", {}),
    ("POST", "/api/org.employee/{id}/login", {}),
    ("POST", "/api/org.employee/{id}/ways", {}),
    ("DELETE", "/api/org.employee/{id}/ways/1", None),
    ("DELETE", "/api/org.employee/{id}/second-factor", None),
]


@pytest.mark.parametrize(("method", "way", "body"), SENSITIVE)
def test_what_outlives_a_session_asks_again_after_ten_minutes(acme, linked, inbox, clock, method, way, body):
    browser, way = Browser("boss"), way.format(id=acme.admin_id)
    clock.now = LATER
    response = browser.call(method, way, body)
    assert (response.status_code, codes(response)) == (403, ["prove_again"])
    assert browser.post("/api/session/proof", password="correct horse battery").status_code == 200
    response = browser.call(method, way, body)
    assert response.status_code != 403 or codes(response) != ["prove_again"]


def test_proves_by_what_one_has_and_by_nothing_else(acme, bound, inbox, clock):
    bound("boss", MOBILE)
    browser = Browser("boss")
    for body in (
        {"password": "wrong"},
        {"code": "000000"},
        {"mobile_code": "000000"},
        {},
        {"password": None},
    ):
        assert browser.post("/api/session/proof", **body).status_code == 422, body
    clock.now = LATER
    assert browser.post("/api/session/proof/code").json()["mobile"] == "+86138****0001"
    assert browser.post("/api/session/proof", mobile_code=inbox.code(MOBILE)).status_code == 200
    assert browser.post("/api/session/second-factor").status_code == 201


def test_with_a_second_factor_only_that_proves(acme, clock):
    browser = Browser("boss")
    made = browser.post("/api/session/second-factor").json()
    browser.put("/api/session/second-factor", code=totp(made["secret"]))
    clock.now = LATER
    assert codes(browser.post("/api/session/proof", password="correct horse battery")) == ["way"]
    assert browser.post("/api/session/proof", code=totp(made["secret"], LATER)).status_code == 200
    assert browser.delete("/api/session/second-factor").status_code == 204


def test_proves_by_an_account_that_is_ones_own(acme, linked, bound, hire, clock):
    bound("boss", "zhang", provider="wecom", corp="corp-a")
    hire("guide", login="ann")
    bound("ann", "li", provider="wecom", corp="corp-a")
    browser = Browser("boss")
    clock.now = LATER
    for code, status in (("corp-a/li", 422), ("corp-a/nobody", 422), ("corp-a/zhang", 200)):
        state = browser.post("/api/session/proof/flow", way="paper").json()["state"]
        assert browser.post("/api/sign-in/back", state=state, code=code).status_code == status
    assert browser.post("/api/session/second-factor").status_code == 201


def test_a_first_password_proves_nothing(acme, hire, clock):
    ann = hire("guide", code="ANN")
    word = Browser("boss").post(path(ann, "login"), login="ann").json()["password"]
    browser = Browser("ann", word)
    for method, way, body in SENSITIVE[:8]:
        assert codes(browser.call(method, way, body)) == ["first_password"]
