"""The client against the sandbox, over a real socket: every verb, what is refused, and what goes wrong on the way."""

import datetime as dt
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from yunlian.platforms.dingtalk import cards, departments, notices, roles, scopes, signin, todos, users, walk
from yunlian.platforms.dingtalk.api import Api, Bases, Owner
from yunlian.platforms.dingtalk.client import Client, InternalApp, SuiteApp
from yunlian.platforms.dingtalk.departments import Department
from yunlian.platforms.dingtalk.sandbox import PLATFORM
from yunlian.platforms.dingtalk.sandbox.world import SUITE, VENDOR, DingTalk
from yunlian.platforms.dingtalk.suite import Suite
from yunlian.platforms.errors import NO_ANSWER, PACED, UNREADABLE, PlatformError
from yunlian.platforms.pacing import Pace
from yunlian.platforms.sandbox.testing import Running, running
from yunlian.platforms.tokens import MemoryTokens, TokenKey, Tokens

CORP = "dingcorp0001"
OTHER = "dingcorp0002"
APP = InternalApp("dingappyunlian0001", "app-secret-0001")
AGENT = 16001


@pytest.fixture(scope="module")
def server() -> Iterator[Running]:
    with running([PLATFORM]) as started:
        yield started


@pytest.fixture
def sandbox(server: Running) -> Running:
    server.control("/reset")
    return server


@pytest.fixture
def api(sandbox: Running) -> Iterator[Api]:
    http = httpx.Client(timeout=2, trust_env=False)
    made = Api(Bases.at(f"{sandbox.base_url}/dingtalk"), http=http, sleep=lambda _: None)
    yield made
    made.close()


@pytest.fixture
def store() -> MemoryTokens:
    return MemoryTokens()


@pytest.fixture
def client(api: Api, store: MemoryTokens) -> Client:
    return Client(api, APP, CORP, Tokens(store))


@pytest.fixture
def suite(sandbox: Running) -> SuiteApp:
    return SuiteApp(SUITE, "suite-secret-of-the-sandbox", lambda: world(sandbox).apps[SUITE].ticket)


def world(sandbox: Running) -> DingTalk:
    return sandbox.sandbox.world.part(DingTalk)


def act(sandbox: Running, path: str, **asked: Any) -> Any:
    return sandbox.control(f"/dingtalk{path}", **asked)


def installed(sandbox: Running, api: Api, suite: SuiteApp, **asked: Any) -> Client:
    act(sandbox, "/apps/install", app_key=SUITE, corp_id=CORP, **asked)
    return Client(api, suite, CORP, Tokens(MemoryTokens()))


def refused(call: Any, *args: Any, **more: Any) -> PlatformError:
    with pytest.raises(PlatformError) as caught:
        call(*args, **more)
    assert caught.value.platform == "dingtalk"
    assert caught.value.remedy
    return caught.value


def requests(sandbox: Running, ending: str) -> int:
    journal = list(sandbox.sandbox.world.journal)
    return sum(each.kind == "request" and each.what.endswith(ending) for each in journal)


# Tokens


def test_a_token_is_fetched_once_for_all_threads(sandbox: Running, client: Client) -> None:
    threads = [threading.Thread(target=scopes.visible_range, args=(client,)) for _ in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert requests(sandbox, "/v1.0/oauth2/accessToken") == 1
    assert requests(sandbox, "/auth/scopes") == 8


@pytest.mark.parametrize("forget", [False, True])
def test_a_token_that_ended_or_was_revoked_is_renewed_once(
    sandbox: Running, client: Client, forget: bool
) -> None:
    before = scopes.visible_range(client)
    act(sandbox, "/tokens/expire", forget=forget)
    assert scopes.visible_range(client) == before
    act(sandbox, "/tokens/expire", forget=forget)
    assert todos.create(client, "un1", todos.Todo("s1", "x", "http://127.0.0.1/", ("un1",)))
    assert requests(sandbox, "/v1.0/oauth2/accessToken") == 3


def test_a_wrong_secret_is_a_matter_of_configuration(api: Api) -> None:
    wrong = Client(api, InternalApp(APP.key, "wrong"), CORP, Tokens(MemoryTokens()))
    error = refused(scopes.visible_range, wrong)
    assert (error.code, error.retry) == ("invalidClientIdOrSecret", False)
    assert "secret" in error.remedy


def test_a_suite_needs_its_ticket_and_the_corps_authorisation(
    sandbox: Running, api: Api, suite: SuiteApp
) -> None:
    strangers = Client(api, suite, CORP, Tokens(MemoryTokens()))
    assert refused(scopes.visible_range, strangers).code == "invalidAuthInfo"
    client = installed(sandbox, api, suite)
    assert scopes.visible_range(client).departments == (1,)
    no_ticket = Client(api, SuiteApp(suite.key, suite.secret, lambda: ""), CORP, Tokens(MemoryTokens()))
    assert refused(scopes.visible_range, no_ticket).code == "no-suite-ticket"
    old_ticket = Client(api, SuiteApp(suite.key, suite.secret, lambda: "old"), CORP, Tokens(MemoryTokens()))
    assert refused(scopes.visible_range, old_ticket).code == "invalidSuiteTicket"


def test_a_token_of_one_corp_does_not_read_another(sandbox: Running, api: Api, suite: SuiteApp) -> None:
    tokens = Tokens(MemoryTokens())
    act(sandbox, "/apps/install", app_key=SUITE, corp_id=CORP)
    act(sandbox, "/apps/install", app_key=SUITE, corp_id=OTHER)
    act(sandbox, "/corps", corp_id=OTHER, name="另一家")
    assert departments.detail(Client(api, suite, OTHER, tokens), 1).department.name == "另一家"
    assert departments.detail(Client(api, suite, CORP, tokens), 1).department.name == "示例家居有限公司"


def test_relieved_ends_tokens_at_once_and_stopped_does_not(
    sandbox: Running, api: Api, suite: SuiteApp
) -> None:
    client = installed(sandbox, api, suite)
    act(sandbox, "/apps/stop", app_key=SUITE, corp_id=CORP)
    assert scopes.visible_range(client).departments == (1,)
    act(sandbox, "/apps/relieve", app_key=SUITE, corp_id=CORP)
    assert refused(scopes.visible_range, client).code == "invalidAuthInfo"
    act(sandbox, "/apps/install", app_key=SUITE, corp_id=CORP)
    assert scopes.visible_range(client).departments == (1,)


@pytest.mark.parametrize("lives", [True, False])
def test_whether_a_former_corp_token_lives_on_is_a_switch(
    sandbox: Running, api: Api, suite: SuiteApp, lives: bool
) -> None:
    act(sandbox, "/switches", former_token_lives=lives)
    installed(sandbox, api, suite)
    first = suite.fetched(api, CORP).value
    assert suite.fetched(api, CORP).value != first
    owner = Owner(SUITE, CORP)
    if lives:
        assert api.get_old(owner, "/auth/scopes", access_token=first)["errcode"] == 0
    else:
        assert refused(api.get_old, owner, "/auth/scopes", access_token=first).code == "40014"


@pytest.mark.parametrize("shared", [True, False])
def test_whether_one_credential_serves_both_generations_is_a_switch(
    sandbox: Running, api: Api, shared: bool
) -> None:
    act(sandbox, "/switches", shared_credential=shared)
    token = api.get_old(Owner(APP.key), "/gettoken", appkey=APP.key, appsecret=APP.secret)["access_token"]
    assert api.get_old(Owner(APP.key), "/auth/scopes", access_token=token)["errcode"] == 0
    new = (Owner(APP.key), "GET", f"/v1.0/microApp/apps/{AGENT}/scopes")
    if shared:
        assert api.new(*new, token=token)["result"]["deptIds"] == [1]
    else:
        assert refused(api.new, *new, token=token).code == "InvalidAuthentication"


def test_the_jsapi_ticket_is_kept_like_a_token(sandbox: Running, client: Client, store: MemoryTokens) -> None:
    assert client.jsapi_ticket() == client.jsapi_ticket()
    assert requests(sandbox, "/v1.0/oauth2/jsapiTickets") == 1
    assert store.get(TokenKey("dingtalk", CORP, APP.key, "jsapi")) is not None


# What the wire says: section 1.2 of the reference


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/gettoken?appkey=x&appsecret=y", {"errcode": 40096, "errmsg": "不合法的appKey或appSecret"}),
        ("/gettoken", {"errcode": 40035, "errmsg": "缺少参数 corpid or appkey"}),
        ("/topapi/v2/user/get?access_token=wrong",
         {"errcode": 88, "sub_code": "40014", "sub_msg": "不合法的access_token",
          "errmsg": "ding talk error[subcode=40014,submsg=不合法的access_token]", "request_id": "req0"}),
        ("/topapi/v2/user/get",
         {"errcode": 88, "sub_code": "40000", "sub_msg": "access_token is blank",
          "errmsg": "ding talk error[subcode=40000,submsg=access_token is blank]", "request_id": "req0"}),
        ("/topapi/no/such",
         {"errcode": 22, "errmsg": "Invalid method[submsg=不合法ApiName，ApiName = dingtalk.oapi.no.such]", "request_id": "req0"}),
        ("/no/such", {"errcode": 404, "errmsg": "请求的URI地址不存在"}),
        ("/auth/scopes?access_token=wrong", {"errcode": 40014, "errmsg": "不合法的access_token"}),
    ],
)  # fmt: skip
def test_the_old_generation_refuses_as_dingtalk_does(
    sandbox: Running, path: str, expected: dict[str, Any]
) -> None:
    answer = httpx.post(f"{sandbox.base_url}/dingtalk{path}", trust_env=False)
    assert (answer.status_code, answer.json()) == (200, expected)


@pytest.mark.parametrize(
    ("headers", "code", "text"),
    [
        ({"x-acs-dingtalk-access-token": "wrong"}, "InvalidAuthentication", "不合法的access_token"),
        ({}, "AuthenticationFailed.MissingParameter", "缺少参数：x-acs-dingtalk-access-token"),
        ({"Authorization": "Bearer x"}, "AuthenticationFailed.MissingParameter", "缺少参数：x-acs-dingtalk-access-token"),
    ],
)  # fmt: skip
def test_the_new_generation_refuses_as_dingtalk_does(
    sandbox: Running, headers: dict[str, str], code: str, text: str
) -> None:
    url = f"{sandbox.base_url}/dingtalk/v1.0/microApp/apps/1/scopes"
    answer = httpx.get(url, headers=headers, trust_env=False)
    assert answer.status_code == 400
    assert (answer.json()["code"], answer.json()["message"]) == (code, text)


def test_a_form_with_its_token_inside_is_taken_by_topapi(sandbox: Running, api: Api) -> None:
    token = APP.fetched(api, CORP).value
    answer = httpx.post(
        f"{sandbox.base_url}/dingtalk/topapi/user/count",
        data={"access_token": token, "only_active": "true"},
        trust_env=False,
    )
    assert answer.json()["result"] == {"count": 10}


# Contacts


def test_departments(client: Client) -> None:
    assert [each.name for each in departments.below(client, 1)] == ["销售部", "采购部", "仓储部", "财务部"]
    assert departments.ids_below(client, 1001) == (1011, 1012)
    assert departments.path_up(client, 1011) == (1011, 1001, 1)
    assert departments.paths_of(client, "u1006") == ((1012, 1001, 1), (1011, 1001, 1))
    found = departments.detail(client, 1011)
    assert found == departments.Detail(Department(1011, "华东大区", 1001), 1011, ("u1003",), 3)
    assert refused(departments.detail, client, 7777).code == "60003"


def test_people(client: Client) -> None:
    zhou, zhang, *_ = (users.one(client, each) for each in ("u1001", "u1002"))
    assert (zhou.name, zhou.mobile, zhou.admin, zhou.leads) == ("周明", "13800011001", True, (1,))
    assert (zhang.title, zhang.departments) == ("销售总监", (1001,))
    assert zhang.roles == (users.Role(1, "主管", "默认"),)
    assert [each.name for each in users.members(client, 1011)] == ["王芳", "李娜", "陈静"]
    assert [each.leads for each in users.members(client, 1011)] == [(1011,), (), ()]
    assert users.ids_in(client, 1011) == ("u1003", "u1004", "u1006")
    assert users.by_mobile(client, "13800011001") == "u1001"
    assert users.by_mobile(client, "13999999999") is None
    assert users.by_union(client, zhou.union_id) == "u1001"
    assert users.by_union(client, "unknown") is None
    assert users.counted(client, only_active=True) == 10
    assert refused(users.one, client, "nobody").code == "60121"


def test_pages_of_people_join_without_gap_or_double(sandbox: Running, client: Client) -> None:
    act(sandbox, "/fill", corp_id=CORP, people=250, departments=1)
    ids = [each.id for each in users.members(client, 1013)]
    assert len(ids) == len(set(ids)) == 250
    assert requests(sandbox, "/topapi/v2/user/list") == 3


def test_roles(client: Client) -> None:
    assert [each.name for each in roles.all_roles(client)] == ["主管", "负责人", "财务"]
    assert set(roles.holders(client, 1)) == {"u1001", "u1002", "u1003", "u1005", "u1007", "u1008", "u1009"}
    assert list(roles.holders(client, 3)) == []


def test_a_third_party_sees_its_range_and_no_mobiles(sandbox: Running, api: Api, suite: SuiteApp) -> None:
    client = installed(sandbox, api, suite, departments=[1001], users=["u1009"])
    assert (scopes.visible_range(client).departments, scopes.visible_range(client).users) == (
        (1001,),
        ("u1009",),
    )
    seen = users.one(client, "u1004")
    assert (seen.name, seen.mobile, seen.email, seen.state_code) == ("李娜", "", "", "")
    assert users.one(client, "u1009").name == "黄丽"
    assert refused(users.one, client, "u1007").code == "50002"
    assert refused(departments.detail, client, 1002).code == "50004"
    assert "visible range" in refused(departments.below, client, 1).remedy
    assert departments.ids_below(client, 1) == (1001, 1002, 1003, 1004)  # ids are not limited
    assert users.ids_in(client, 1002) == ("u1007",)
    assert refused(users.by_mobile, client, "13800011001").code == "60011"


def test_everything_is_walked_once(sandbox: Running, client: Client) -> None:
    found = list(walk.everything(client, scopes.visible_range(client)))
    assert [each.id for each in found if isinstance(each, Department)] == [
        1,
        1001,
        1011,
        1012,
        1002,
        1003,
        1004,
    ]
    people = [each for each in found if isinstance(each, users.User)]
    assert len(people) == 11
    assert len({each.id for each in people}) == 10  # one is in two departments


def test_overlapping_ranges_and_single_people_are_walked_once(
    sandbox: Running, api: Api, suite: SuiteApp
) -> None:
    client = installed(sandbox, api, suite, departments=[1011, 1001], users=["u1009"])
    found = list(walk.everything(client, scopes.visible_range(client)))
    assert [each.id for each in found if isinstance(each, Department)] == [1011, 1001, 1012]
    assert found[-1] == users.one(client, "u1009")


def test_half_a_directory_is_no_directory(sandbox: Running, client: Client) -> None:
    scope = scopes.visible_range(client)
    sandbox.control(
        "/faults",
        platform="dingtalk",
        where="answer",
        kind="throttled",
        path="/topapi/v2/user/list",
        code="60011",
    )
    assert refused(list, walk.everything(client, scope)).code == "60011"


def test_a_loop_of_departments_ends(sandbox: Running, client: Client) -> None:
    world(sandbox).corps[CORP].departments[1001].parent_id = 1011
    world(sandbox).corps[CORP].installs[APP.key].departments = [1011]
    found = [
        each.id
        for each in walk.everything(client, scopes.Scope((1011,), (), ()))
        if isinstance(each, Department)
    ]
    assert found == [1011, 1001, 1012]


def test_leavers_are_gone_and_remembered(sandbox: Running, client: Client) -> None:
    act(sandbox, "/people/leave", corp_id=CORP, userid="u1004", reason="搬家")
    assert refused(users.one, client, "u1004").code == "60121"
    now = dt.datetime.now(dt.UTC)
    day = dt.timedelta(days=1)
    [found] = users.left(client, now - day, now + day)
    assert (found.id, found.name, found.reason) == ("u1004", "李娜", "搬家")
    assert list(users.left(client, now + day, now + 2 * day)) == []


@pytest.mark.parametrize("keep", [True, False])
def test_whether_somebody_comes_back_under_the_old_userid_is_a_switch(
    sandbox: Running, client: Client, keep: bool
) -> None:
    act(sandbox, "/switches", rehired_keep_userid=keep)
    before = users.one(client, "u1004")
    act(sandbox, "/people/leave", corp_id=CORP, userid="u1004")
    back = act(sandbox, "/people", corp_id=CORP, name="李娜", mobile=before.mobile)["userid"]
    assert (back == "u1004") is keep
    assert users.one(client, back).union_id == before.union_id


# Sign-in


def test_a_browser_signs_in(sandbox: Running, api: Api, client: Client) -> None:
    url = signin.login_url(
        api, APP.key, "http://127.0.0.1:1/back?to=%2Fhome", "state-1", scope="openid corpid"
    )
    page = httpx.get(url, trust_env=False)
    assert page.status_code == 307
    waiting = page.headers["location"].rpartition("=")[2]
    answer = act(sandbox, "/logins", id=waiting, corp_id=CORP, userid="u1003")["answer"]
    back = dict(httpx.URL(answer).params)
    assert (back["to"], back["state"]) == ("/home", "state-1")
    code = signin.returned_code(back)
    assert code == back["code"] == back["authCode"]
    token = signin.user_token(api, APP, code)
    assert token.corp_id == CORP
    person = signin.person(api, APP, token.access)
    assert (person.nick, person.mobile) == ("王芳", "13800011003")
    assert users.by_union(client, person.union_id) == "u1003"
    assert signin.refreshed(api, APP, token.refresh).corp_id == CORP
    assert refused(signin.user_token, api, APP, code).code == "invalidParameter.authCode.notFound"


def test_a_refused_login_brings_no_code(sandbox: Running, api: Api) -> None:
    page = httpx.get(signin.login_url(api, APP.key, "http://127.0.0.1:1/back", "s"), trust_env=False)
    answer = act(sandbox, "/logins", id=page.headers["location"].rpartition("=")[2], refused=True)["answer"]
    back = dict(httpx.URL(answer).params)
    assert signin.returned_code(back) is None
    assert back == {"error": "access_denied", "state": "s"}


def test_a_login_is_only_for_listed_addresses_and_the_right_people(sandbox: Running, api: Api) -> None:
    act(sandbox, "/apps/settings", app_key=APP.key, redirect_urls=["http://127.0.0.1:9/in"])
    listed = signin.login_url(api, APP.key, "http://127.0.0.1:9/in/x", "s")
    assert httpx.get(listed, trust_env=False).status_code == 307
    other = signin.login_url(api, APP.key, "http://127.0.0.1:9/out", "s")
    assert httpx.get(other, trust_env=False).status_code == 400
    waiting = httpx.get(listed, trust_env=False).headers["location"].rpartition("=")[2]
    with pytest.raises(httpx.HTTPStatusError, match="422"):
        act(sandbox, "/logins", id=waiting, corp_id=OTHER, userid="u1001")
    assert act(sandbox, "/logins", id=waiting, corp_id=CORP, userid="u1001")["answer"]


def test_a_vendor_sees_a_masked_mobile(sandbox: Running, api: Api, suite: SuiteApp) -> None:
    code = act(sandbox, "/codes", kind="login", app_key=SUITE, corp_id=CORP, userid="u1003")["code"]
    token = signin.user_token(api, suite, code)
    assert token.corp_id == ""
    assert signin.person(api, suite, token.access).mobile == "138****1003"


def test_a_page_inside_dingtalk_knows_who_opened_it(sandbox: Running, client: Client) -> None:
    code = act(sandbox, "/codes", kind="inside", app_key=APP.key, corp_id=CORP, userid="u1002")["code"]
    found = signin.inside(client, code)
    assert (found.user_id, found.name, found.level) == ("u1002", "张伟", signin.Level.SUB_ADMIN)
    again = refused(signin.inside, client, code)
    assert (again.code, again.retry) == ("40078", False)


def test_codes_end_after_five_minutes_and_serve_one_purpose(
    sandbox: Running, client: Client, api: Api
) -> None:
    old = act(sandbox, "/codes", kind="inside", app_key=APP.key, corp_id=CORP, userid="u1002")["code"]
    sandbox.control("/time", advance_s=301)
    assert refused(signin.inside, client, old).code == "40078"
    login = act(sandbox, "/codes", kind="login", app_key=APP.key, corp_id=CORP, userid="u1002")["code"]
    assert refused(signin.inside, client, login).code == "40078"
    assert signin.user_token(api, APP, login).access


def test_a_creator_comes_from_the_admin_console(sandbox: Running, api: Api, suite: SuiteApp) -> None:
    client = installed(sandbox, api, suite)
    act(sandbox, "/apps/settings", app_key=SUITE, admin_url="http://127.0.0.1:1/creator?corp=$CORPID$")
    url = httpx.URL(act(sandbox, "/apps/enter", app_key=SUITE, corp_id=CORP, userid="u1001")["url"])
    assert url.params["corp"] == CORP
    console = signin.AdminConsole(api, Tokens(MemoryTokens()), VENDOR, f"sso-secret-of-{VENDOR}")
    found = console.creator(url.params["code"])
    assert (found.corp_id, found.user_id, found.is_admin) == (CORP, "u1001", True)
    assert refused(console.creator, url.params["code"]).code == "invalidCode"
    assert signin.administrators(client) == {"u1001": 1, "u1002": 2}
    assert signin.administered(client, "u1002") == (1001,)
    assert signin.may_manage(client, 16100, "u1002")
    assert not signin.may_manage(client, 16100, "u1003")


@pytest.mark.parametrize("forget", [False, True])
def test_the_consoles_token_is_renewed_when_it_was_revoked(sandbox: Running, api: Api, forget: bool) -> None:
    console = signin.AdminConsole(api, Tokens(MemoryTokens()), CORP, f"sso-secret-of-{CORP}")
    for _n in range(2):
        given = act(sandbox, "/codes", kind="sso", app_key=APP.key, corp_id=CORP, userid="u1001")["code"]
        assert console.creator(given).user_id == "u1001"
        act(sandbox, "/tokens/expire", forget=forget)


def test_only_administrators_enter_the_app_from_the_console(sandbox: Running) -> None:
    act(sandbox, "/apps/settings", app_key=APP.key, admin_url="http://127.0.0.1:1/creator")
    assert "code=" in act(sandbox, "/apps/enter", app_key=APP.key, corp_id=CORP, userid="u1002")["url"]
    with pytest.raises(httpx.HTTPStatusError, match="422"):
        act(sandbox, "/apps/enter", app_key=APP.key, corp_id=CORP, userid="u1003")


def test_a_page_opened_from_the_phone_signs_in_silently(sandbox: Running, client: Client) -> None:
    act(sandbox, "/apps/settings", app_key=APP.key, home_url="http://127.0.0.1:1/m?corpId=$CORPID$")
    opened = act(sandbox, "/apps/open", app_key=APP.key, corp_id=CORP, userid="u1003")["url"]
    with httpx.Client(base_url=sandbox.base_url, trust_env=False) as browser:
        assert browser.get(opened).headers["location"] == f"http://127.0.0.1:1/m?corpId={CORP}"
        ask = {
            "params": {"corpId": CORP, "clientId": APP.key},
            "headers": {"Origin": "http://127.0.0.1:8000"},
        }
        code = browser.get("/dingtalk/phone/code", **ask).json()["code"]
        assert signin.inside(client, code).user_id == "u1003"
        strange = browser.get(
            "/dingtalk/phone/code", params=ask["params"], headers={"Origin": "https://example.com"}
        )
        assert strange.status_code == 403
        other = browser.get("/dingtalk/phone/code", params={"corpId": OTHER}, headers=ask["headers"])
        assert other.status_code == 400


# Messages


def form(number: str = "PO-1") -> notices.Form:
    return notices.Form(
        "待审核", f"采购订单 {number}", (("供应商", "示例"),), "http://127.0.0.1/m", "http://127.0.0.1/"
    )


def test_a_notice_reaches_those_in_range_and_tells_of_the_others(sandbox: Running, client: Client) -> None:
    task = notices.send(client, AGENT, form(), users=["u1001", "nobody"], departments=[1011, 9999])
    assert notices.progress_percent(client, AGENT, task) == 100
    found = notices.outcome(client, AGENT, task)
    assert found.unread == ("u1001", "u1003", "u1004", "u1006")
    assert (found.invalid_users, found.invalid_departments) == (("nobody",), (9999,))
    act(sandbox, "/phone/read", task_id=task, userid="u1003")
    assert notices.outcome(client, AGENT, task).read == ("u1003",)
    notices.set_status(client, AGENT, task, "已同意", "FF14804A")
    assert world(sandbox).notices[task].status == "已同意"
    notices.recall(client, AGENT, task)
    assert world(sandbox).notices[task].recalled


def test_the_same_content_reaches_a_person_once_a_day(sandbox: Running, client: Client) -> None:
    notices.send(client, AGENT, form(), users=["u1001"])
    again = notices.send(client, AGENT, form(), users=["u1001", "u1002"])
    assert notices.outcome(client, AGENT, again).forbidden == (notices.Forbidden("u1001", "143106"),)
    other = notices.send(client, AGENT, form("PO-2"), users=["u1001"])
    assert notices.outcome(client, AGENT, other).forbidden == ()
    sandbox.control("/time", advance_s=86400)
    tomorrow = notices.send(client, AGENT, form(), users=["u1001"])
    assert notices.outcome(client, AGENT, tomorrow).forbidden == ()


def test_beyond_the_daily_limit_the_call_succeeds_and_nobody_hears(
    sandbox: Running, api: Api, suite: SuiteApp
) -> None:
    act(sandbox, "/switches", rate_limits=False)
    client = installed(sandbox, api, suite)
    agent = world(sandbox).corps[CORP].installs[SUITE].agent_id
    tasks = [
        notices.send_template(client, agent, "template-1", {"n": str(number)}, users=["u1001"])
        for number in range(51)
    ]
    assert notices.outcome(client, agent, tasks[49]).forbidden == ()
    assert notices.outcome(client, agent, tasks[50]).forbidden == (notices.Forbidden("u1001", "143105"),)


def test_a_notice_has_its_limits() -> None:
    client = None
    with pytest.raises(ValueError, match="nobody"):
        notices.send(client, AGENT, form())  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="at most 100 users"):
        notices.send(client, AGENT, form(), users=["u"] * 101)  # type: ignore[arg-type]


def test_every_kind_of_message_is_taken(sandbox: Running, client: Client) -> None:
    button = notices.Button("查看", "http://127.0.0.1/m")
    for each in (
        notices.Text("你好"),
        notices.Markdown("标题", "**正文**"),
        notices.Link("标题", "正文", "http://127.0.0.1/", "http://127.0.0.1/p.png"),
        form(),
        notices.ActionCard("审批", "PO-1", (button,)),
        notices.ActionCard("审批", "PO-2", (button, notices.Button("退回", "http://127.0.0.1/r"))),
    ):
        task = notices.send(client, AGENT, each, users=["u1001"])
        assert world(sandbox).notices[task].message == each.wire()
        assert world(sandbox).notices[task].users == ["u1001"]


def test_a_todo_is_made_once(sandbox: Running, client: Client) -> None:
    zhou = users.one(client, "u1001").union_id
    todo = todos.Todo("erp-po-1", "审批采购订单 PO-1", "http://127.0.0.1/m", (zhou, "un2"))
    task = todos.create(client, zhou, todo)
    again = refused(todos.create, client, zhou, todo)
    assert (again.code, again.retry) == ("todo.taskCreate.paramError", False)
    todos.finish_for(client, zhou, task, [zhou])
    assert not world(sandbox).todos[task].done
    todos.finish(client, zhou, task)
    assert world(sandbox).todos[task].done
    todos.delete(client, zhou, task)
    assert world(sandbox).todos == {}


def test_a_card_is_delivered_and_changed(sandbox: Running, client: Client) -> None:
    cards.deliver(client, cards.Card("tpl", "po-1", {"title": "PO-1", "status": ""}), "u1001", APP.key)
    assert world(sandbox).cards["po-1"].delivered
    cards.update(client, "po-1", {"status": "已同意"})
    assert world(sandbox).cards["po-1"].data == {"title": "PO-1", "status": "已同意"}
    assert refused(cards.update, client, "no-such", {}).code == "param.error"


# The vendor's side


def test_a_vendor_asks_about_its_customers(sandbox: Running, api: Api, suite: SuiteApp) -> None:
    vendor = Suite(api, suite)
    assert refused(vendor.authorisation, CORP).code == "41030"
    installed(sandbox, api, suite)
    found = vendor.authorisation(CORP)
    assert (found.corp_name, found.installed_by) == ("示例家居有限公司", "u1001")
    [agent] = found.agents
    assert (agent.app_id, agent.admins) == (1234, ("u1001", "u1002"))
    assert vendor.is_running(CORP, agent.id)
    act(sandbox, "/apps/stop", app_key=SUITE, corp_id=CORP)
    assert not vendor.is_running(CORP, agent.id)
    assert vendor.inactive_corps(1234) == ((), False)


def test_a_vendor_call_with_another_secret_or_clock_is_refused(
    sandbox: Running, api: Api, suite: SuiteApp
) -> None:
    wrong = SuiteApp(suite.key, "wrong", suite.ticket)
    assert refused(Suite(api, wrong).authorisation, CORP).code == "853004"
    stranger = SuiteApp("suiteother", suite.secret, suite.ticket)
    assert refused(Suite(api, stranger).authorisation, CORP).code == "853003"
    sandbox.control("/time", advance_s=120)
    late = refused(Suite(api, suite).authorisation, CORP)
    assert (late.code, "clock" in late.remedy) == ("853002", True)


# What goes wrong on the way


def fault(sandbox: Running, kind: str, path: str, **more: Any) -> None:
    sandbox.control("/faults", platform="dingtalk", where="answer", kind=kind, path=path, **more)


@pytest.mark.parametrize("code", ["-1", "90018", "90002"])
def test_a_read_is_repeated_when_dingtalk_is_busy(sandbox: Running, client: Client, code: str) -> None:
    fault(sandbox, "throttled", "/topapi/v2/department/listsub", times=1, code=code)
    assert len(departments.below(client, 1)) == 4
    assert requests(sandbox, "/department/listsub") == 2


def test_a_read_without_an_answer_is_repeated(sandbox: Running, client: Client) -> None:
    for kind in ("down", "lost"):
        fault(sandbox, kind, "/topapi/v2/department/listsub", times=1, seconds=0)
    assert len(departments.below(client, 1)) == 4


def test_a_notice_without_an_answer_is_not_sent_again(sandbox: Running, client: Client) -> None:
    fault(sandbox, "lost", "*/asyncsend_v2", times=1, seconds=3)
    error = refused(notices.send, client, AGENT, form(), users=["u1001"])
    assert error.code == NO_ANSWER
    assert len(world(sandbox).notices) == 1


def test_a_notice_refused_for_its_rate_is_sent_again(sandbox: Running, client: Client) -> None:
    fault(sandbox, "throttled", "*/asyncsend_v2", times=1)
    assert notices.send(client, AGENT, form(), users=["u1001"])
    assert len(world(sandbox).notices) == 1


def test_a_slow_answer_is_waited_for(sandbox: Running, client: Client) -> None:
    fault(sandbox, "slow", "/auth/scopes", times=1, seconds=0.3)
    assert scopes.visible_range(client).departments == (1,)


def test_down_for_good_ends_in_one_typed_error(sandbox: Running, client: Client) -> None:
    fault(sandbox, "down", "/auth/scopes")
    error = refused(scopes.visible_range, client)
    assert (error.code, error.retry) == ("ServiceUnavailable", True)
    assert requests(sandbox, "/auth/scopes") == 4


@pytest.mark.parametrize(
    ("code", "expected"),
    [("60020", "60020"), ("60011", "60011"), ("90020", "90020"), ("1111", PACED), ("html", UNREADABLE)],
)
def test_what_no_repetition_helps_is_said_at_once(
    sandbox: Running, client: Client, code: str, expected: str
) -> None:
    fault(sandbox, "throttled", "/topapi/v2/department/listsub", code=code)
    assert refused(departments.below, client, 1).code == expected
    assert requests(sandbox, "/department/listsub") == 1


def test_the_new_generation_says_so_by_its_status(sandbox: Running, client: Client) -> None:
    act(sandbox, "/apps/settings", app_key=APP.key, denied=["/v1.0/todo/*", "/topapi/v2/user/*"])
    todo = todos.Todo("s", "x", "http://127.0.0.1/", ("un1",))
    error = refused(todos.create, client, "un1", todo)
    assert error.code == "Forbidden.AccessDenied.AccessTokenPermissionDenied"
    assert "permission" in error.remedy
    assert refused(users.one, client, "u1001").code == "60011"
    act(sandbox, "/apps/settings", app_key=APP.key, denied=[])
    assert users.one(client, "u1001").name == "周明"


def test_the_months_calls_end_and_contacts_do_not_count(sandbox: Running, client: Client) -> None:
    act(sandbox, "/corps", corp_id=CORP, monthly_calls=2)
    for _ in range(3):
        departments.below(client, 1)
    notices.send(client, AGENT, form("1"), users=["u1001"])
    notices.send(client, AGENT, form("2"), users=["u1001"])
    error = refused(notices.send, client, AGENT, form("3"), users=["u1001"])
    assert (error.code, error.retry) == ("90020", False)


def test_the_clients_pace_stays_under_the_sandboxs_limit(sandbox: Running, store: MemoryTokens) -> None:
    paced = Client(Api(Bases.at(f"{sandbox.base_url}/dingtalk"), pace=Pace()), APP, CORP, Tokens(store))
    for _ in range(30):
        departments.ids_below(paced, 1)
    assert requests(sandbox, "/department/listsubid") == 30
    token = APP.fetched(paced.api, CORP).value
    url = f"{sandbox.base_url}/dingtalk/topapi/user/listadmin"
    with httpx.Client(trust_env=False) as rude:
        answers = [rude.post(url, params={"access_token": token}, json={}).json() for _ in range(60)]
    assert any(each.get("sub_code") == "90018" for each in answers)


def test_errors_never_carry_a_token(sandbox: Running, client: Client) -> None:
    token = APP.fetched(client.api, CORP).value
    fault(sandbox, "down", "/auth/scopes")
    error = refused(scopes.visible_range, client)
    assert token not in f"{error} {error.__cause__} {error.__context__}"


def test_twenty_thousand_people_are_made_and_read(sandbox: Running, client: Client) -> None:
    made = act(sandbox, "/fill", corp_id=CORP, people=20_000, departments=800)
    assert made == {"people": 20_010, "departments": 807}
    assert departments.detail(client, 1).members == 20_010
    assert len(list(users.members(client, 1013))) == 25


def test_secrets_do_not_show(suite: SuiteApp) -> None:
    console = signin.AdminConsole(Api(), Tokens(MemoryTokens()), VENDOR, "sso-secret-1")
    tokens = signin.UserToken("access-1", "refresh-1", 7200, CORP)
    for each, hidden in (
        (APP, APP.secret),
        (suite, suite.secret),
        (console, "sso-secret-1"),
        (tokens, "access-1"),
    ):
        assert hidden not in repr(each)


def test_a_restart_keeps_everything(tmp_path: Path) -> None:
    with running([PLATFORM], tmp_path) as first:
        http = httpx.Client(timeout=5, trust_env=False)
        api = Api(Bases.at(f"{first.base_url}/dingtalk"), http=http)
        client = Client(api, APP, CORP, Tokens(MemoryTokens()))
        act(first, "/apps/install", app_key=SUITE, corp_id=CORP, departments=[1001])
        act(first, "/people/leave", corp_id=CORP, userid="u1004")
        act(first, "/apps/receiver", app_key=SUITE, mode="stream")
        act(first, "/roles", corp_id=CORP, name="采购")
        notices.send(client, AGENT, form(), users=["u1001", "nobody"])
        todos.create(client, "un1", todos.Todo("s1", "x", "http://127.0.0.1/", ("un1",)))
        cards.deliver(client, cards.Card("tpl", "po-1", {"title": "PO-1"}), "u1001", APP.key)
        act(first, "/phone/press", track_id="po-1", action="approve")
        httpx.get(signin.login_url(api, APP.key, "http://127.0.0.1:1/", "s"), trust_env=False)
        before = world(first)
    with running([PLATFORM], tmp_path) as second:
        assert world(second) == before
        assert world(second) is not before
