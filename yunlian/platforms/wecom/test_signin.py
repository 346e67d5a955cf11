"""Sign-in: the pages, the codes, and what they are worth."""

import httpx
import pytest

from ..errors import PlatformError
from . import corpgroup, jssdk, members, signin
from .client import App, Client, client
from .conftest import Desk
from .members import Member
from .sandbox import state as demo
from .signin import SignedIn

HERE = "http://127.0.0.1:8000/in"


def host(desk: Desk) -> str:
    return f"{desk.running.base_url}/wecom"


def code_for(desk: Desk, asking: Client, **sandbox: str) -> str:
    url = signin.inside_url(asking, HERE, "state1", private="sandbox_agree" in sandbox, host=host(desk))
    answer = desk.http.get(url.partition("#")[0], params=dict(httpx_params(url), **sandbox))
    assert answer.status_code == 307, answer.text
    where = answer.headers["location"]
    assert where.startswith(f"{HERE}?code=")
    assert "state=state1" in where
    return where.partition("code=")[2].partition("&")[0]


def httpx_params(url: str) -> dict[str, str]:
    return dict(httpx.URL(url).params)


def test_a_member_signs_in_silently(desk: Desk, refused) -> None:
    desk.control("/phone/hold", user="founder")
    code = code_for(desk, desk.app())
    assert signin.redeem(desk.app(), code) == SignedIn("founder")
    assert refused(signin.redeem, desk.app(), code) == "42022"
    assert refused(signin.redeem, desk.app(), "nothing") == "40029"


def test_a_code_is_over_after_five_minutes(desk: Desk, refused) -> None:
    code = code_for(desk, desk.app(), sandbox_user="founder")
    desk.running.control("/time", advance_s=301)
    assert refused(signin.redeem, desk.app(), code) == "42003"


def test_a_code_is_worth_nothing_to_another_app(desk: Desk, refused) -> None:
    other = desk.control("/apps/save", name="另一个")
    theirs = client(desk.connection, App(demo.CORP, other["secret"], other["agent"]))
    code = code_for(desk, desk.app(), sandbox_user="founder")
    assert refused(signin.redeem, theirs, code) == "40029"
    assert refused(signin.redeem, desk.contacts(), code) == "48002"
    assert signin.redeem(desk.app(), code).user == "founder"


def test_strangers_and_customers_are_told_apart(desk: Desk) -> None:
    stranger = signin.redeem(desk.app(), code_for(desk, desk.app(), sandbox_user="stranger:x"))
    assert stranger.user is None
    assert stranger.openid
    assert stranger.customer is None
    id = desk.control("/customers/add", user="founder", name="甲")["customer"]
    customer = signin.redeem(desk.app(), code_for(desk, desk.app(), sandbox_user=f"customer:{id}"))
    assert (customer.user, customer.customer) == (None, id)


def test_a_member_of_a_branch_comes_with_their_corp(desk: Desk) -> None:
    code = code_for(desk, desk.app(), sandbox_user=f"{demo.BRANCH}/founder")
    assert signin.redeem(desk.app(), code) == SignedIn("founder", demo.BRANCH)


def test_private_data_come_by_consent_only(desk: Desk, refused) -> None:
    whole = Member("lisi", name="李四", departments=(1,), mobile="13800000001", email="l@example.com")
    members.create(desk.contacts(), whole, invite=False)
    assert members.get(desk.app(), "lisi").mobile is None
    found = signin.redeem(desk.app(), code_for(desk, desk.app(), sandbox_user="lisi", sandbox_agree="mobile"))
    told = signin.private(desk.app(), found.ticket or "")
    assert (told.user, told.mobile, told.email) == ("lisi", "13800000001", None)
    assert refused(signin.private, desk.app(), "nothing") == "84014"
    desk.running.control("/time", advance_s=1801)
    assert refused(signin.private, desk.app(), found.ticket) == "84015"
    assert signin.redeem(desk.app(), code_for(desk, desk.app(), sandbox_user="lisi")).ticket is None


def test_only_trusted_domains_get_a_code(desk: Desk) -> None:
    url = signin.inside_url(desk.app(), "https://evil.example/in", "s", host=host(desk))
    answer = desk.http.get(url.partition("#")[0], params={**httpx_params(url), "sandbox_user": "founder"})
    assert answer.status_code == 400
    assert "50001" in answer.text
    desk.control("/apps/save", agent=1000002, domains=["evil.example"])
    answer = desk.http.get(url.partition("#")[0], params={**httpx_params(url), "sandbox_user": "founder"})
    assert answer.status_code == 307


def test_one_who_left_gets_no_code(desk: Desk) -> None:
    members.create(
        desk.contacts(), Member("lisi", name="李", departments=(1,), mobile="13800000001"), invite=False
    )
    desk.control("/people/status", user="lisi", status=5)
    url = signin.inside_url(desk.app(), HERE, "s", host=host(desk))
    answer = desk.http.get(url.partition("#")[0], params={**httpx_params(url), "sandbox_user": "lisi"})
    assert (answer.status_code, "60111" in answer.text) == (400, True)


def test_without_a_phone_the_page_asks_who_it_is(desk: Desk) -> None:
    url = signin.inside_url(desk.app(), HERE, "s", host=host(desk))
    answer = desk.http.get(url.partition("#")[0], params=httpx_params(url))
    assert answer.status_code == 200
    assert "王创（founder）" in answer.text


def test_a_scan_is_confirmed_by_the_phone(desk: Desk, refused) -> None:
    url = signin.scan_url(desk.app(), HERE, "state2", host=host(desk))
    page = desk.http.get(url)
    assert page.status_code == 200
    (scan,) = desk.http.get(
        f"{desk.running.base_url}/sandbox/api/wecom/phone", params={"corp": demo.CORP, "user": "founder"}
    ).json()["scans"]
    poll = f"{host(desk)}/wwlogin/sso/poll?key={scan['key']}"
    assert desk.http.get(poll).json() == {"go": ""}
    code = desk.control("/phone/scan", key=scan["key"], user="founder")["code"]
    where = desk.http.get(poll).json()["go"]
    assert where.startswith(HERE)
    assert f"code={code}" in where
    assert "state=state2" in where
    assert signin.redeem(desk.app(), code).user == "founder"
    with pytest.raises(Exception, match="422"):
        desk.control("/phone/scan", key=scan["key"], user="founder")


def test_a_scan_is_over_after_five_minutes(desk: Desk) -> None:
    desk.http.get(signin.scan_url(desk.app(), HERE, "s", host=host(desk)))
    (scan,) = desk.state.scans.values()
    desk.running.control("/time", advance_s=301)
    assert desk.http.get(f"{host(desk)}/wwlogin/sso/poll?key={scan.key}").json() == {"over": True}


@pytest.mark.parametrize("state", ["", "a b", "x" * 129, "状态"])
def test_a_state_has_letters_and_digits(desk: Desk, state: str) -> None:
    with pytest.raises(ValueError, match="letters and digits"):
        signin.scan_url(desk.app(), HERE, state)
    assert "state=abc123" in signin.scan_url(desk.app(), HERE, "abc123")


def test_only_an_app_signs_people_in(desk: Desk) -> None:
    with pytest.raises(ValueError, match="self-built app"):
        signin.inside_url(desk.contacts(), HERE, "s")


def test_tickets_are_kept_and_sign_pages(desk: Desk) -> None:
    ours = desk.app()
    corp, app = jssdk.corp_ticket(ours), jssdk.app_ticket(ours)
    assert (jssdk.corp_ticket(ours), jssdk.app_ticket(ours)) == (corp, app)
    assert desk.requests("/get_jsapi_ticket") == 1
    page = {"url": "http://127.0.0.1/h5?id=1", "nonce": "n1", "timestamp": 1717200000}

    def said(ticket: str, **more: object) -> int:
        signed = jssdk.page_signature(ticket, "n1", 1717200000, page["url"])
        return desk.control("/jssdk/check", **page, signature=signed, **more)["errcode"]

    assert said(corp) == 0
    assert said(app, agent=1000002) == 0
    assert said(corp, agent=1000002) == 42012
    assert said("wrong") == 40093


def test_branches(desk: Desk, refused) -> None:
    ours = desk.app()
    (shared,) = corpgroup.shared_with(ours)
    assert (shared.corp, shared.agent) == (demo.BRANCH, 1000009)
    branch = corpgroup.downstream(ours, shared)
    found = members.get(branch, "founder")
    assert (found.name, found.mobile, found.position, found.direct_leaders) == ("王创", None, None, None)
    assert (
        refused(
            members.create,
            branch,
            Member("x", name="x", departments=(1,), mobile="13800000002"),
            invite=False,
        )
        == "48002"
    )
    wrong = corpgroup.downstream(ours, shared._replace(agent=1))
    assert refused(members.get, wrong, "founder") == "301002"
    desk.control("/apps/save", agent=1000002, chain=False)
    assert refused(corpgroup.chains, ours) == "48002"


def test_a_chain_is_filled_and_joined(desk: Desk, refused) -> None:
    ours = desk.app()
    (chain,) = corpgroup.chains(ours)
    contact = corpgroup.Contact("陈掌柜", "13900000001", "D-7")
    rows = [
        corpgroup.Invited("东莞经销商", "华南/东莞", "DG", (contact,)),
        corpgroup.Invited("坏的", "华南", "BAD", (corpgroup.Contact("无号", "x", "D-8"),)),
    ]
    job = corpgroup.invite(ours, chain.id, rows)
    assert not corpgroup.invited(ours, job).done
    desk.running.control("/time", advance_s=1)
    done = corpgroup.invited(ours, job)
    assert (done.done, done.chain) == (True, chain.id)
    assert [name for name, _ in done.failures] == ["坏的"]
    tree = {each.name: each for each in corpgroup.groups(ours, chain.id)}
    assert tree["东莞"].parent == tree["华南"].id
    (company,) = corpgroup.companies(ours, chain.id, tree["东莞"].id)
    assert (company.custom_id, company.joined, company.corp) == ("DG", False, None)
    assert list(corpgroup.companies(ours, chain.id, tree["东莞"].id, pending=False)) == []
    joined = desk.control("/chains/join", chain=chain.id, pending=company.pending)["corp"]
    assert corpgroup.company(ours, chain.id, joined).joined
    assert {each.corp for each in corpgroup.shared_with(ours)} == {demo.BRANCH, joined}
    (now,) = corpgroup.companies(ours, chain.id, tree["东莞"].id)
    corpgroup.remove(ours, chain.id, now)
    assert refused(corpgroup.company, ours, chain.id, joined) == "40013"


def test_rules_of_a_chain(desk: Desk, refused) -> None:
    ours = desk.app()
    (chain,) = corpgroup.chains(ours)
    rule = corpgroup.Rule(departments=(1,), groups=(1,))
    id = corpgroup.add_rule(ours, chain.id, rule)
    assert corpgroup.rule_ids(ours, chain.id) == [id]
    assert corpgroup.rule(ours, chain.id, id) == rule
    changed = corpgroup.Rule(users=("founder",), corps=(demo.BRANCH,))
    corpgroup.change_rule(ours, chain.id, id, changed)
    assert corpgroup.rule(ours, chain.id, id) == changed
    assert refused(corpgroup.add_rule, ours, chain.id, corpgroup.Rule(departments=(1,))) == "40058"
    corpgroup.delete_rule(ours, chain.id, id)
    assert corpgroup.rule_ids(ours, chain.id) == []


def test_one_person_is_a_customer_of_two_corps(desk: Desk) -> None:
    desk.control("/customers/add", user="founder", name="甲", unionid="oUnion1")
    desk.control("/customers/add", corp=demo.BRANCH, user="founder", name="甲", unionid="oUnion1")
    found = corpgroup.customer_elsewhere(desk.app(), "oUnion1", "o1")
    assert {each.corp for each in found} == {demo.CORP, demo.BRANCH}
    assert len({each.customer for each in found}) == 2


def test_the_error_has_what_a_person_needs(desk: Desk) -> None:
    with pytest.raises(PlatformError) as error:
        signin.redeem(desk.app(), "x")
    assert (error.value.platform, error.value.code, error.value.retry) == ("wecom", "40029", False)
    assert error.value.remedy.startswith("Ask again")
