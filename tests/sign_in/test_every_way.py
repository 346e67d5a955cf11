"""One matrix over all ways in (ASVS 6.3.4): whatever is asked of one is asked of all, over HTTP, platforms by the sandbox.

A way here is how a person proves who they are, right or wrong, from a fresh browser; what follows must not differ.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pyotp
import pytest
from django.http import HttpResponse

from yunlian.directory import suites
from yunlian.directory.models import Connection
from yunlian.kernel.scope import tenant
from yunlian.org import second_factor
from yunlian.org.gate import GATE
from yunlian.org.models import Attempt, Employee, Membership, Session, Throttle, User
from yunlian.org.ways import WAYS
from yunlian.platforms.dingtalk.sandbox.world import SUITE, VENDOR, DingTalk
from yunlian.platforms.wecom.sandbox import state as wecom

from .conftest import APP, CORP, FLOW_COOKIE, PASSWORD, SESSION_COOKIE, Browser, Office, Phones

MOBILE = "+8613800000001"
EVIL = ("//evil.example", "/\\evil.example", "https:evil.example", "/%2F/evil.example", "%2F%2Fevil.example")


@dataclass
class Person:
    """Somebody with every way in there is, and how each is used."""

    office: Office
    phones: Phones
    login: str = "ann"
    wecom: str = "founder"
    dingtalk: str = "u1001"

    def leave(self, browser: Browser, way: str, to: str = "/me") -> Any:
        response = browser.post("/api/sign-in/flow", way=way, enterprise=self.office.code, to=to)
        assert response.status_code == 200, response.content
        return response.json()

    # Each gives the one request that finishes the way: right, or (is_good false) as somebody would guess it.

    def password(self, browser: Browser, *, is_good: bool) -> tuple[str, dict[str, Any]]:
        return "/api/session", {"login": self.login, "password": PASSWORD if is_good else "wrong password"}

    def mobile(self, browser: Browser, *, is_good: bool) -> tuple[str, dict[str, Any]]:
        code = "000000"
        if is_good:
            assert browser.post("/api/sign-in/code", mobile=MOBILE).status_code == 202
            code = self.phones.code_by_sms(MOBILE)
        return "/api/sign-in/mobile", {"mobile": MOBILE, "code": code}

    def _back(
        self, left: dict[str, str], come: tuple[str, str], *, is_good: bool
    ) -> tuple[str, dict[str, Any]]:
        state, code = come
        assert state == left["state"]
        return "/api/sign-in/back", {"state": state, "code": code if is_good else "guessed"}

    def wecom_qr(self, browser: Browser, *, is_good: bool) -> tuple[str, dict[str, Any]]:
        left = self.leave(browser, "wecom_qr")
        come = self.phones.scan_wecom(left["address"], self.wecom) if is_good else (left["state"], "")
        return self._back(left, come, is_good=is_good)

    def wecom_client(self, browser: Browser, *, is_good: bool) -> tuple[str, dict[str, Any]]:
        left = self.leave(browser, "wecom_client")
        come = self.phones.open_in_wecom(left["address"], self.wecom) if is_good else (left["state"], "")
        return self._back(left, come, is_good=is_good)

    def dingtalk_qr(self, browser: Browser, *, is_good: bool) -> tuple[str, dict[str, Any]]:
        left = self.leave(browser, "dingtalk_qr")
        come = self.phones.scan_dingtalk(left["address"], self.dingtalk) if is_good else (left["state"], "")
        return self._back(left, come, is_good=is_good)

    def dingtalk_client(self, browser: Browser, *, is_good: bool) -> tuple[str, dict[str, Any]]:
        left = self.leave(browser, "dingtalk_client")
        assert (left["address"], left["corp"], left["client_id"]) == ("", CORP, APP)
        code = self.phones.code_in_dingtalk(self.dingtalk) if is_good else ""
        return self._back(left, (left["state"], code), is_good=is_good)

    def dingtalk_console(self, browser: Browser, *, is_good: bool) -> tuple[str, dict[str, Any]]:
        code = self.phones.code_in_dingtalk(self.dingtalk, "sso") if is_good else f"guessed{id(object())}"
        return "/api/sign-in/console", {
            "way": "dingtalk_console",
            "code": code,
            "enterprise": self.office.code,
        }


EVERY = (
    "password",
    "mobile",
    "wecom_qr",
    "wecom_client",
    "dingtalk_qr",
    "dingtalk_client",
    "dingtalk_console",
)
# A password is good again and again; everything else once.
ONCE = EVERY[1:]
FLOWS = EVERY[2:6]


@pytest.fixture
def ann(office: Office, phones: Phones) -> Person:
    office.employee = office.hire("ANN", "guide", login="ann")
    office.bind("ann", "mobile", "", MOBILE)
    office.bind("ann", "wecom", wecom.CORP, "founder")
    office.bind("ann", "dingtalk", CORP, "u1001")
    return Person(office, phones)


def knock(person: Person, way: str, browser: Browser | None = None, *, is_good: bool = True) -> HttpResponse:
    browser = browser or Browser()
    path, body = getattr(person, way)(browser, is_good=is_good)
    return browser.post(path, **body)


def test_the_matrix_leaves_no_way_out() -> None:
    """Every way through a platform that is declared stands here, beside the two that need none."""
    assert set(WAYS) == set(EVERY) - {"password", "mobile"}


@pytest.mark.parametrize("way", EVERY)
def test_opens_a_session_of_its_own_and_says_so(ann: Person, way: str) -> None:
    browser = Browser(agent="Firefox/9 Windows", address="192.0.2.9")
    response = knock(ann, way, browser)
    assert response.status_code == 200, response.content
    assert response.json()["user"]["login"] == "ann"
    assert response.json()["enterprise"]["code"] == "ACME"
    cookie = response.cookies[SESSION_COOKIE]
    assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "Lax", "/")
    kept = Session.objects.get(user__login="ann")
    assert (kept.way, kept.address, kept.device) == (way, "192.0.2.9", "Firefox/9 Windows")
    tried = Attempt.objects.filter(way=way, succeeded=True).last()
    assert tried is not None
    assert (tried.user_id, tried.address, tried.device) == (kept.user_id, "192.0.2.9", "Firefox/9 Windows")
    assert browser.get("/api/meta").status_code == 200


@pytest.mark.parametrize("way", EVERY)
def test_the_session_is_new_and_the_one_before_is_over(ann: Person, way: str) -> None:
    browser = Browser()
    assert knock(ann, "password", browser).status_code == 200
    before = browser.cookie(SESSION_COOKIE)
    assert knock(ann, way, browser).status_code == 200
    assert browser.cookie(SESSION_COOKIE) not in ("", before)
    assert Session.objects.count() == 1
    planted = Browser()
    planted.client.cookies[SESSION_COOKIE] = "chosen-by-somebody-else"
    assert knock(ann, "password", planted).status_code == 200
    assert planted.cookie(SESSION_COOKIE) != "chosen-by-somebody-else"


@pytest.mark.parametrize("way", EVERY)
def test_a_guess_opens_nothing_and_is_recorded(ann: Person, way: str) -> None:
    browser = Browser(address="192.0.2.9")
    response = knock(ann, way, browser, is_good=False)
    assert response.status_code == 401, response.content
    assert not browser.cookie(SESSION_COOKIE)
    assert not Session.objects.exists()
    tried = Attempt.objects.latest("id")
    assert (tried.way, tried.address, tried.succeeded) == (way, "192.0.2.9", False)


@pytest.mark.parametrize("way", EVERY)
def test_guessing_is_slowed(ann: Person, way: str) -> None:
    told = []
    for _n in range(30):
        told.append(knock(ann, way, Browser(address="192.0.2.66"), is_good=False).status_code)
        if told[-1] == 429:
            break
    assert told[-1] == 429
    assert set(told[:-1]) == {401}
    assert len(told) <= 22
    # What can be guessed is slowed wherever it is tried from; who has a platform's code has guessed nothing.
    elsewhere = knock(ann, way, Browser(address="192.0.2.67"))
    assert elsewhere.status_code == (429 if way in ("password", "mobile") else 200)


@pytest.mark.parametrize("way", EVERY)
def test_a_disabled_login_is_refused(ann: Person, way: str) -> None:
    User.objects.filter(login="ann").update(is_active=False)
    assert knock(ann, way).status_code == 401
    assert not Session.objects.exists()
    User.objects.filter(login="ann").update(is_active=True)
    Throttle.objects.all().delete()  # a mobile gets one code a minute
    assert knock(ann, way).status_code == 200


@pytest.mark.parametrize("way", EVERY)
def test_who_left_is_refused(ann: Person, way: str) -> None:
    Membership.objects.filter(user__login="ann").update(is_active=False)
    assert knock(ann, way).status_code == 401
    assert not Session.objects.exists()


@pytest.mark.parametrize("way", EVERY)
def test_who_leaves_while_signed_in_is_out_with_the_next_request(ann: Person, way: str) -> None:
    browser = Browser()
    assert knock(ann, way, browser).status_code == 200
    assert browser.get("/api/meta").status_code == 200
    with tenant(ann.office.id):
        Employee.objects.filter(id=ann.office.employee).update(job="left")
    assert browser.get("/api/meta").status_code == 401


@pytest.fixture
def secret(ann: Person) -> str:
    """Ann has an authenticator."""
    user = User.objects.get(login="ann")
    made = second_factor.begin(user.pk)
    second_factor.confirm(user.pk, pyotp.TOTP(made.secret).at(GATE.clock()), GATE.clock())
    type(user.second_factor).objects.update(last_step=0)  # its own code was of this very half minute
    return made.secret


@pytest.mark.parametrize("way", EVERY)
def test_the_second_factor_is_owed_alike(ann: Person, secret: str, way: str) -> None:
    browser = Browser()
    response = knock(ann, way, browser)
    assert (response.status_code, response.json()["owes"]) == (202, "second_factor")
    assert not browser.cookie(SESSION_COOKIE)
    assert browser.get("/api/session").status_code == 401
    assert browser.post("/api/sign-in/second-factor", code="000000").status_code == 401
    code = pyotp.TOTP(secret).at(GATE.clock())
    assert browser.post("/api/sign-in/second-factor", code=code).status_code == 200
    kept = Session.objects.get(user__login="ann")
    assert (kept.way, kept.has_second_factor) == (way, True)
    assert browser.get("/api/meta").status_code == 200
    other = Browser(address="192.0.2.2")
    assert knock(ann, "password", other).status_code == 202
    assert other.post("/api/sign-in/second-factor", code=code).status_code == 401, "the same code again"


@pytest.mark.parametrize("way", ONCE)
def test_the_same_request_again_opens_nothing(ann: Person, way: str) -> None:
    browser = Browser()
    path, body = getattr(ann, way)(browser, is_good=True)
    flow = browser.cookie(FLOW_COOKIE)
    assert browser.post(path, **body).status_code == 200
    Session.objects.all().delete()
    for again in (browser, Browser()):
        if flow:
            again.client.cookies[FLOW_COOKIE] = flow
        assert again.post(path, **body).status_code == 401
    assert not Session.objects.exists()


@pytest.mark.parametrize("way", FLOWS)
@pytest.mark.parametrize("to", EVIL)
def test_nobody_is_sent_elsewhere(ann: Person, way: str, to: str) -> None:
    response = Browser().post("/api/sign-in/flow", way=way, enterprise="acme", to=to)
    assert response.status_code == 422


@pytest.mark.parametrize("way", FLOWS)
def test_lands_on_the_page_that_was_wanted(ann: Person, way: str) -> None:
    browser = Browser()
    assert knock(ann, way, browser).json()["to"] == "/me"


@pytest.mark.parametrize("way", FLOWS)
def test_another_browser_cannot_finish(ann: Person, way: str) -> None:
    """Fixation: who began elsewhere must not be finished here, nor the other way round."""
    attacker, victim = Browser(), Browser(address="192.0.2.2")
    path, body = getattr(ann, way)(attacker, is_good=True)
    assert victim.post(path, **body).status_code == 401
    assert not victim.cookie(SESSION_COOKIE)
    assert attacker.post(path, **body).status_code == 200


MIX: tuple[tuple[str, Callable[..., Any]], ...] = (
    ("wecom_qr", lambda p, a, u: p.scan_wecom(a, u)),
    ("wecom_client", lambda p, a, u: p.open_in_wecom(a, u)),
)


@pytest.mark.parametrize(("way", "go"), MIX, ids=[way for way, _go in MIX])
def test_a_code_of_another_corp_is_worth_nothing_here(ann: Person, phones: Phones, way: str, go: Any) -> None:
    """Mix-up: the state of one connection with the code of another one's app."""
    other = Office("other")
    branch = phones.sandbox.sandbox.world.part(wecom.Wecom).corps[wecom.BRANCH]
    agent, app = next(iter(branch.apps.items()))
    other.connect(
        "wecom", corp_id=wecom.BRANCH, contacts_secret=branch.contacts_secret, agent_id=str(agent), agent_secret=app.secret
    )  # fmt: skip
    theirs = Browser()
    left = theirs.post("/api/sign-in/flow", way=way, enterprise="other").json()
    _state, code = go(phones, left["address"], next(iter(branch.people)))
    ours = Browser(address="192.0.2.2")
    mine = ann.leave(ours, way)
    assert ours.post("/api/sign-in/back", state=mine["state"], code=code).status_code == 401
    assert not Session.objects.exists()


def test_people_of_another_corp_of_dingtalk_do_not_enter(ann: Person, phones: Phones) -> None:
    other = Office("other")
    other.connect(
        "dingtalk", corp_id="dingcorp0002", app_key="dingappyunlian0002", app_secret="app-secret-0002"
    )
    browser = Browser()
    left = ann.leave(browser, "dingtalk_client")
    code = phones.code_in_dingtalk("u1001", "inside", "dingcorp0002", "dingappyunlian0002")
    assert browser.post("/api/sign-in/back", state=left["state"], code=code).status_code == 401
    state = browser.post("/api/sign-in/flow", way="dingtalk_client", enterprise="other").json()["state"]
    code = phones.code_in_dingtalk("u1001", "inside", "dingcorp0002", "dingappyunlian0002")
    response = browser.post("/api/sign-in/back", state=state, code=code)
    assert response.status_code == 401, "u1001 of another corp is another person"
    assert not Session.objects.exists()


def test_only_those_who_may_manage_the_app_come_from_the_console(ann: Person, phones: Phones) -> None:
    ann.office.bind(f"boss-{ann.office.code}", "dingtalk", CORP, "u1004")
    plain = Browser()
    code = phones.code_in_dingtalk("u1004", "sso")
    body = {"way": "dingtalk_console", "enterprise": "acme"}
    assert plain.post("/api/sign-in/console", code=code, **body).status_code == 401
    code = phones.code_in_dingtalk("u1001", "sso")
    assert plain.post("/api/sign-in/console", code=code, **body).status_code == 200


def test_creators_come_in_where_the_app_was_installed_from_the_marketplace(
    office: Office, phones: Phones
) -> None:
    """The console then asks as the vendor, one address serves every corp, and the corp is what DingTalk says."""
    world = phones.sandbox.sandbox.world
    state = world.part(DingTalk)
    suites.keep(
        "dingtalk", SUITE, state.apps[SUITE].secret, token="t", aes_key="k" * 43, path="suite", now=office.ctx.now,
        vendor=VENDOR, sso_secret=f"sso-secret-of-{VENDOR}",
    )  # fmt: skip
    suites.keep_ticket(SUITE, state.apps[SUITE].ticket, office.ctx.now)
    phones.sandbox.control("/dingtalk/apps/install", app_key=SUITE, corp_id=CORP)
    agent = state.corps[CORP].installs[SUITE].agent_id
    with tenant(office.id):
        Connection.objects.filter(platform="dingtalk").update(
            origin="market", settings={"suite_key": SUITE, "agent_id": str(agent)}
        )
    office.bind("boss-acme", "dingtalk", CORP, "u1001")
    browser = Browser()
    assert browser.get(f"/api/sign-in/ways?corp={CORP}").json()["enterprise"]["code"] == "ACME"
    body = {"way": "dingtalk_console", "enterprise": "ACME"}
    for user, status in (("u1001", 200), ("u1003", 401)):
        code = phones.code_in_dingtalk(user, "sso", app=SUITE)
        response = Browser(address=f"192.0.2.{user[-2:]}").post("/api/sign-in/console", code=code, **body)
        assert response.status_code == status, response.content


def test_a_platform_that_is_down_lets_nobody_in_and_says_so(ann: Person, phones: Phones, settings) -> None:
    browser = Browser()
    path, body = ann.wecom_client(browser, is_good=True)
    phones.sandbox.control("/faults", platform="wecom", where="answer", path="*getuserinfo", kind="down")
    response = browser.post(path, **body)
    assert response.status_code == 502, response.content
    assert not Session.objects.exists()
    phones.sandbox.control("/reset")
    assert knock(ann, "wecom_client", Browser(address="192.0.2.2")).status_code == 200


def test_a_matched_member_comes_in_without_any_password(office: Office, phones: Phones) -> None:
    employee = office.hire("LI", "guide")
    office.match(office.wecom, employee, "Founder")
    browser = Browser("Mozilla wxwork/4.1 MicroMessenger")
    left = browser.post("/api/sign-in/flow", way="wecom_client", enterprise="acme", to="/sales.order").json()
    state, code = phones.open_in_wecom(left["address"], "founder")
    response = browser.post("/api/sign-in/back", state=state, code=code)
    assert response.status_code == 200, response.content
    assert (response.json()["user"]["login"], response.json()["to"]) == ("li@acme", "/sales.order")
    assert browser.get("/api/meta").status_code == 200


def test_a_matched_person_who_left_does_not(office: Office, phones: Phones) -> None:
    employee = office.hire("LI", "guide")
    office.match(office.dingtalk, employee, "u1004")
    with tenant(office.id):
        Employee.objects.filter(id=employee).update(job="left")
    browser = Browser()
    left = browser.post("/api/sign-in/flow", way="dingtalk_qr", enterprise="acme").json()
    state, code = phones.scan_dingtalk(left["address"], "u1004")
    assert browser.post("/api/sign-in/back", state=state, code=code).status_code == 409
    assert not Session.objects.exists()


def test_an_enterprises_address_offers_its_ways(office: Office) -> None:
    shown = Browser().get("/api/sign-in/ways?enterprise=acme").json()
    assert [way["name"] for way in shown["ways"]] == [
        "dingtalk_qr", "dingtalk_client", "dingtalk_console", "wecom_qr", "wecom_client",
    ]  # fmt: skip
    assert Browser().get(f"/api/sign-in/ways?corp={CORP}").json()["enterprise"]["code"] == "ACME"
    assert Browser().get("/api/sign-in/ways?corp=dingcorp0002").status_code == 404
