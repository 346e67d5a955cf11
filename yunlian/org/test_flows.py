import datetime as dt

import pytest

from yunlian.kernel.document import Invalid
from yunlian.kernel.scope import tenant
from yunlian.kernel.testing import NOW

from . import people
from .conftest import PASSWORD, Browser, codes
from .flows import local_path
from .models import AccountEvent, Attempt, Identity, Session, SignInFlow

pytestmark = pytest.mark.usefixtures("clock")

EVIL = [
    "//evil.example", "/\\evil.example", "https:evil.example", "https://evil.example", "http:/evil.example",
    "\\\\evil.example", "/%2Fevil.example", "/%5Cevil.example", "/%255Cevil.example",
    "%2F%2Fevil.example", "/\t/evil.example", "/\n/evil.example", "/%09/evil.example", " //evil.example",
    "javascript:alert(1)", "evil.example", "", "///evil.example", "/a\\b", "/" + "a" * 500, "/%2525252F/evil",
]  # fmt: skip


@pytest.fixture
def linked(acme, paper, bound):
    """Acme is connected with corp-a, where the boss is `zhang`."""
    bound("boss", "zhang", provider="wecom", corp="corp-a")
    return paper.connect(acme.enterprise_id, "corp-a")


def leave(browser, enterprise="acme", way="paper", **more):
    response = browser.post("/api/sign-in/flow", way=way, enterprise=enterprise, **more)
    assert response.status_code == 200, response.content
    return response.json()["state"]


def back(browser, state, code="corp-a/zhang"):
    return browser.post("/api/sign-in/back", state=state, code=code)


def test_leaves_and_comes_back_signed_in_at_the_right_page(acme, linked):
    browser = Browser()
    response = back(browser, leave(browser, to="/sales.order/1?tab=log#x"))
    assert response.status_code == 200
    assert response.json()["to"] == "/sales.order/1?tab=log#x"
    assert response.json()["enterprise"]["code"] == "ACME"
    assert browser.get("/api/session").json()["user"]["login"] == "boss"
    assert browser.client.cookies["flow"].value == ""


def test_the_browser_is_sent_with_a_state_that_nobody_can_guess(linked):
    browser = Browser()
    response = browser.post("/api/sign-in/flow", way="paper", enterprise="acme")
    shown = response.json()
    assert len(shown["state"]) == 64
    assert shown["address"].endswith(f"state={shown['state']}&back=http://testserver/sign-in/back")
    kept = SignInFlow.objects.get()
    assert shown["state"].encode() not in bytes(kept.digest)
    cookie = response.cookies["flow"]
    assert (cookie["httponly"], cookie["samesite"], cookie["path"], cookie["max-age"]) == (
        True,
        "Lax",
        "/",
        600,
    )
    assert leave(browser) != shown["state"]


def test_over_https_the_cookie_is_of_this_host_alone(linked):
    browser = Browser()
    body = {"way": "paper", "enterprise": "acme"}
    response = browser.client.post("/api/sign-in/flow", body, content_type="application/json", secure=True)
    cookie = response.cookies["__Host-flow"]
    assert (cookie["secure"], cookie["domain"], cookie["path"]) == (True, "", "/")


def test_a_state_is_good_once(linked):
    browser = Browser()
    state = leave(browser)
    assert back(browser, state).status_code == 200
    assert back(browser, state).status_code == 401
    assert back(browser, leave(browser)).status_code == 200


def test_two_tabs_of_one_browser_may_leave_at_once(linked):
    browser = Browser()
    one, two = leave(browser), leave(browser)
    assert back(browser, one).status_code == 200
    browser.client.cookies["flow"] = ""
    assert back(browser, two).status_code == 401, "signed in, the browser's cookie is gone"


def test_a_state_of_another_browser_is_nothing(linked):
    """Fixation: the attacker begins, and has the victim's browser finish with the attacker's code, or the reverse."""
    attacker, victim = Browser(), Browser()
    state = leave(attacker)
    leave(victim)
    assert back(victim, state).status_code == 401
    assert back(Browser(), state).status_code == 401
    assert not Session.objects.exists()
    assert back(attacker, state).status_code == 200, "the browser that left may come back"


def test_a_cookie_planted_before_is_bound_to_its_own_states_only(linked):
    attacker, victim = Browser(), Browser()
    leave(attacker)
    victim.client.cookies["flow"] = "short"
    leave(victim)
    assert victim.client.cookies["flow"].value != "short"


@pytest.mark.parametrize("state", ["", "0" * 64, None, 7, ["x"], "' OR 1=1", "x" * 10_000])
def test_a_made_up_state_is_nothing(linked, state):
    browser = Browser()
    leave(browser)
    assert back(browser, state).status_code == 401
    assert not Session.objects.exists()


def test_comes_back_within_ten_minutes_only(linked, clock):
    browser = Browser()
    state = leave(browser)
    clock.now = NOW + dt.timedelta(minutes=10)
    assert back(browser, state).status_code == 401
    clock.now = NOW + dt.timedelta(minutes=9, seconds=59)
    assert back(browser, state).status_code == 200


def test_a_code_of_another_corp_is_not_taken(acme, other, paper, linked, bound):
    """Mix-up: two connections, and the code of one handed in for the other."""
    paper.connect(other.enterprise_id, "corp-b")
    bound("rival", "zhang", provider="wecom", corp="corp-b")
    browser = Browser()
    assert back(browser, leave(browser, "acme"), "corp-b/zhang").status_code == 401
    assert back(browser, leave(browser, "other"), "corp-a/zhang").status_code == 401
    assert not Session.objects.exists()
    response = back(browser, leave(browser, "other"), "corp-b/zhang")
    assert (response.json()["user"]["login"], response.json()["enterprise"]["code"]) == ("rival", "OTHER")


def test_a_connection_that_changed_corp_meanwhile_takes_nobody_back(acme, paper, linked):
    browser = Browser()
    state = leave(browser)
    paper.connected.clear()
    paper.connect(acme.enterprise_id, "corp-z")
    assert back(browser, state, "corp-z/zhang").status_code == 401
    paper.connected.clear()
    assert back(browser, leave_from(paper, acme, browser), "corp-a/zhang").status_code == 200


def leave_from(paper, acme, browser):
    paper.connect(acme.enterprise_id, "corp-a")
    return leave(browser)


@pytest.mark.parametrize("to", EVIL)
def test_no_redirect_leads_elsewhere(linked, to):
    response = Browser().post("/api/sign-in/flow", way="paper", enterprise="acme", to=to)
    assert (response.status_code, codes(response)) == (422, ["elsewhere"])
    assert not SignInFlow.objects.exists()
    with pytest.raises(Invalid):
        local_path(to)


@pytest.mark.parametrize(
    "to",
    [
        "/",
        "/me",
        "/sales.order/1?a=b&c=%E5%8D%95",
        "/e/ACME?to=%2Fme",
        "/decide/sales.order/1#top",
        "/100%25",
    ],
)
def test_pages_of_ours_are_kept_as_they_are(to):
    assert local_path(to) == to


def test_a_way_that_is_not_connected_is_not_there(acme, other, linked):
    browser = Browser()
    for body in (
        {"way": "paper", "enterprise": "other"},
        {"way": "no_such", "enterprise": "acme"},
        {"way": "paper", "enterprise": "nowhere"},
        {"way": ["paper"], "enterprise": "acme"},
        {"way": "paper", "enterprise": 1},
    ):
        assert browser.post("/api/sign-in/flow", **body).status_code == 404
    assert browser.post("/api/sign-in/flow", way="paper").status_code == 422


def test_an_enterprises_address_shows_its_ways_and_nothing_of_its_people(acme, other, linked):
    shown = Browser().get("/api/sign-in/ways?enterprise=acme").json()
    assert shown["enterprise"] == {"code": "ACME", "name": "云上家居"}
    assert [(way["name"], way["provider"], way["corp"]) for way in shown["ways"]] == [
        ("paper", "wecom", "corp-a")
    ]
    assert Browser().get("/api/sign-in/ways?enterprise=other").json()["ways"] == []
    assert Browser().get("/api/sign-in/ways").json() == {"enterprise": None, "mobile": False, "ways": []}
    assert Browser().get("/api/sign-in/ways?enterprise=nowhere").status_code == 404


def test_an_unknown_account_learns_what_to_do_and_gets_nothing(linked):
    browser = Browser()
    response = back(browser, leave(browser), "corp-a/stranger")
    assert response.status_code == 401
    assert not Session.objects.exists()
    assert Identity.objects.count() == 1
    assert list(Attempt.objects.filter(way="paper").values_list("login", "succeeded")) == [
        ("wecom stranger", False)
    ]


def test_the_matched_employee_gets_in_without_any_password(acme, paper, linked, hire):
    paper.matched[acme.enterprise_id, "li"] = hire("guide", code="G1")
    browser = Browser()
    response = back(browser, leave(browser), "corp-a/li")
    assert response.status_code == 200, response.content
    assert response.json()["user"]["login"] == "g1@acme"
    assert response.json()["member"]["roles"] == [{"code": "GUIDE", "name": "导购员"}]
    assert browser.post("/api/session", login="g1@acme", password="").status_code == 401
    again = Browser()
    assert back(again, leave(again), "corp-a/li").json()["user"] == response.json()["user"]
    assert Identity.objects.get(subject="li").is_own is False


def test_an_account_that_was_given_to_somebody_else_follows_the_directory(acme, paper, linked, hire):
    paper.matched[acme.enterprise_id, "li"] = hire("guide", code="G1")
    browser = Browser()
    assert back(browser, leave(browser), "corp-a/li").json()["user"]["login"] == "g1@acme"
    paper.matched[acme.enterprise_id, "li"] = hire("guide", code="G2")
    paper.matched[acme.enterprise_id, "li2"] = hire("guide", code="G3")
    assert back(browser, leave(browser), "corp-a/li").json()["user"]["login"] == "g2@acme"
    assert back(browser, leave(browser), "corp-a/li2").json()["user"]["login"] == "g3@acme"
    paper.matched[acme.enterprise_id, "li3"] = paper.matched.pop((acme.enterprise_id, "li2"))
    assert back(browser, leave(browser), "corp-a/li3").json()["user"]["login"] == "g3@acme", "renamed there"
    assert set(Identity.objects.filter(is_own=False).values_list("subject", flat=True)) == {"li", "li3"}


def test_what_somebody_bound_themself_and_the_directory_denies_opens_nothing(acme, paper, linked, hire):
    paper.matched[acme.enterprise_id, "zhang"] = hire("guide", code="G1")
    browser = Browser()
    assert back(browser, leave(browser)).status_code == 401
    assert not Session.objects.exists()
    paper.matched[acme.enterprise_id, "zhang"] = acme.admin_id
    assert back(browser, leave(browser)).json()["user"]["login"] == "boss"


def test_the_matched_employee_keeps_the_login_they_have(acme, paper, linked, hire):
    paper.matched[acme.enterprise_id, "li"] = hire("guide", login="ann")
    browser = Browser()
    assert back(browser, leave(browser), "corp-a/li").json()["user"]["login"] == "ann"


def test_a_matched_employee_who_left_gets_nothing(acme, paper, linked, hire):
    paper.matched[acme.enterprise_id, "li"] = hire("guide", code="G1", job="left")
    browser = Browser()
    assert back(browser, leave(browser), "corp-a/li").status_code == 409
    assert not Session.objects.exists()
    assert not Identity.objects.filter(subject="li").exists()


def test_a_corp_cannot_open_what_its_person_has_elsewhere(acme, other, paper, linked, hire, bound):
    """Acme's directory says who `li` is; that must not open the other enterprise that the same login enters."""
    hire("guide", login="ann")
    identity = bound("ann", "li", provider="wecom", corp="corp-a", is_own=False)
    browser = Browser()
    assert back(browser, leave(browser), "corp-a/li").status_code == 200
    with tenant(other.enterprise_id):
        people.hire(people.system_context(other.enterprise_id, NOW), {"code": "A", "name": "安"}, login="ann")
    assert back(browser, leave(browser), "corp-a/li").status_code == 401
    Identity.objects.filter(id=identity.pk).update(is_own=True)
    assert back(browser, leave(browser), "corp-a/li").status_code == 200, "bound by the person themself"


def test_branches_of_one_corp_are_not_elsewhere(acme, other, paper, linked, hire, bound):
    paper.connect(other.enterprise_id, "corp-a")
    hire("guide", login="ann")
    bound("ann", "li", provider="wecom", corp="corp-a", is_own=False)
    with tenant(other.enterprise_id):
        people.hire(people.system_context(other.enterprise_id, NOW), {"code": "A", "name": "安"}, login="ann")
    browser = Browser()
    assert back(browser, leave(browser, "other"), "corp-a/li").json()["enterprise"]["code"] == "OTHER"
    assert back(browser, leave(browser, "acme"), "corp-a/li").json()["enterprise"]["code"] == "ACME"


def begin_binding(browser, **more):
    response = browser.post("/api/session/ways/flow", way="paper", **more)
    assert response.status_code == 200, response.content
    return response.json()["state"]


def test_binds_an_account_to_whoever_left_to_bind_it(hire, linked):
    hire("guide", login="ann")
    browser = Browser("ann")
    response = back(browser, begin_binding(browser), "corp-a/li")
    assert response.json() == {"to": "/me", "done": "bind"}
    made = Identity.objects.get(subject="li")
    assert (made.user.login, made.is_own) == ("ann", True)
    assert AccountEvent.objects.filter(user=made.user, act="bound").count() == 1
    again = Browser()
    assert back(again, leave(again), "corp-a/li").json()["user"]["login"] == "ann"


def test_an_account_of_another_person_cannot_be_bound(hire, linked):
    hire("guide", login="ann")
    browser = Browser("ann")
    response = back(browser, begin_binding(browser), "corp-a/zhang")
    assert (response.status_code, codes(response)) == (409, ["taken"])
    assert Identity.objects.get(subject="zhang").user.login == "boss"


def test_what_one_person_began_another_does_not_finish(hire, linked):
    """The attacker leaves to bind; the victim, signed in, is made to come back: the account must not become theirs."""
    hire("guide", login="ann")
    browser = Browser("ann")
    state = begin_binding(browser)
    assert browser.post("/api/session", login="boss", password=PASSWORD).status_code == 200
    response = back(browser, state, "corp-a/li")
    assert response.status_code in (401, 422)
    assert not Identity.objects.filter(subject="li").exists()


def test_a_flow_to_sign_in_binds_nothing_and_one_to_bind_signs_nobody_in(linked, hire):
    hire("guide", login="ann")
    browser = Browser("ann")
    before = browser.token
    back(browser, begin_binding(browser), "corp-a/li")
    assert browser.token == before
    stranger = Browser()
    back(stranger, leave(stranger), "corp-a/wang")
    assert not Identity.objects.filter(subject="wang").exists()


def test_bad_codes_and_states_are_slowed_by_address(linked):
    browser = Browser()
    told = [back(browser, "0" * 64).status_code for _ in range(22)]
    assert told == [401] * 21 + [429]
    assert back(browser, leave(browser)).status_code == 429
