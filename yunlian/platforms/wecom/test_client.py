"""Tokens, tries and limits of the client, against the sandbox on a real socket."""

import threading

import httpx
import pytest

from ..errors import NO_ANSWER, PACED, UNREADABLE, PlatformError
from ..pacing import Pace, PaceKey
from ..sandbox.faults import Fault, Kind, Where, switch_on
from . import addresses, departments, members
from .client import LIMITS, LIMITS_OF, App, Connection, client
from .conftest import Desk
from .refusals import REMEDIES, refusal
from .sandbox import state as demo
from .sandbox.calls import count


def fault(desk: Desk, kind: Kind, path: str, **more: object) -> None:
    switch_on(desk.state_world, Fault("wecom", Where.ANSWER, kind, path, **more))  # type: ignore[arg-type]


def test_one_token_serves_all_calls_and_threads(desk: Desk) -> None:
    asking = desk.app()
    threads = [threading.Thread(target=departments.tree, args=(asking,)) for _ in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert desk.requests("/gettoken") == 1
    assert desk.requests("/department/list") == 8


def test_apps_have_tokens_of_their_own(desk: Desk) -> None:
    assert desk.app().token() != desk.contacts().token()
    assert desk.app().token() == desk.app().token()


@pytest.mark.parametrize("how", ["revoked", "expired"])
def test_a_token_lost_in_mid_run_is_fetched_once_and_the_call_repeated(desk: Desk, how: str) -> None:
    asking = desk.contacts()
    departments.ids(asking)
    desk.control("/tokens/end", how=how)
    assert departments.create(asking, departments.Department(name="广州", parent=1)) == 2
    assert desk.requests("/gettoken") == 2
    assert desk.requests("/department/create") == 2
    assert [each.name for each in desk.corp.departments.values()] == ["云链家居", "广州"]


def test_a_second_refusal_of_the_token_is_final(desk: Desk, refused) -> None:
    fault(desk, Kind.THROTTLED, "/cgi-bin/department/*", code="40014")
    assert refused(departments.ids, desk.contacts()) == "40014"
    assert desk.requests("/department/simplelist") == 2
    assert desk.requests("/gettoken") == 2


def test_a_token_that_ends_by_time_is_renewed_before(desk: Desk) -> None:
    first = desk.app().token()
    desk.running.control("/time", advance_s=7200 - 30)
    second = desk.app().token()
    assert second != first
    assert len(departments.tree(desk.app())) == 1


def test_a_wrong_secret_is_not_tried_again(desk: Desk, refused) -> None:
    wrong = client(desk.connection, App(demo.CORP, "wrong", name="contacts"))
    assert refused(departments.ids, wrong) == "40001"
    assert desk.requests("/gettoken") == 1
    assert refused(departments.ids, client(desk.connection, App("ww0", "wrong", name="x"))) == "40013"
    assert "wrong" not in repr(App(demo.CORP, "wrong", name="contacts"))


def test_busy_is_tried_three_times(desk: Desk, refused) -> None:
    fault(desk, Kind.THROTTLED, "/cgi-bin/department/*", code="-1", times=2)
    assert len(departments.ids(desk.contacts())) == 1
    assert len(desk.slept) == 2
    fault(desk, Kind.THROTTLED, "/cgi-bin/department/*", code="45033")
    assert refused(departments.ids, desk.contacts()) == "45033"
    assert desk.requests("/department/simplelist") == 6


def test_the_limit_stops_this_path_for_this_corp_only(desk: Desk, refused) -> None:
    fault(desk, Kind.THROTTLED, "/cgi-bin/department/simplelist", times=1)
    assert refused(departments.ids, desk.contacts()) == "45009"
    assert refused(departments.ids, desk.contacts()) == PACED
    assert desk.requests("/department/simplelist") == 1
    assert len(departments.tree(desk.app())) == 1


def ticket(desk: Desk) -> int:
    """Ask past our own pace; the platform's code."""
    asked = {"type": "agent_config", "access_token": desk.app().token()}
    url = f"{desk.connection.base_url}/cgi-bin/ticket/get"
    return desk.http.get(url, params=asked).json()["errcode"]


def test_the_sandbox_keeps_to_the_documented_limits(desk: Desk) -> None:
    """A hundred an hour; one more closes the path for as long as the window was."""
    assert [ticket(desk) for _ in range(101)] == [0] * 100 + [45009]
    desk.running.control("/time", advance_s=3500)
    assert ticket(desk) == 45009
    assert departments.tree(desk.app())[0].id == 1
    desk.running.control("/time", advance_s=101)
    assert ticket(desk) == 0
    desk.control("/options", count_calls=False)
    assert {ticket(desk) for _ in range(150)} == {0}


def test_our_pace_stays_below_every_limit() -> None:
    """Against the counting of the sandbox, beginning wherever its window begins."""
    now = [1000.0]
    pace = Pace(
        patience_s=1e9, clock=lambda: now[0], sleep=lambda seconds: now.__setitem__(0, now[0] + seconds)
    )
    state = demo.Wecom()
    for path, limits in {"user/create": LIMITS, **LIMITS_OF}.items():
        for _ in range(min(limits[0].calls * 2, 22_000)):
            pace.wait(PaceKey("wecom", demo.CORP, path), limits)
            count(state, demo.CORP, path, now[0])
    assert len(state.counted) == sum(len(each) for each in (LIMITS, *LIMITS_OF.values()))


def test_every_other_refusal_is_final(desk: Desk, refused) -> None:
    fault(desk, Kind.THROTTLED, "/cgi-bin/department/*", code="60011")
    assert refused(departments.ids, desk.contacts()) == "60011"
    assert desk.requests("/department/simplelist") == 1


def test_an_answer_that_is_lost_is_not_asked_for_again(desk: Desk, refused) -> None:
    desk.http.timeout = httpx.Timeout(0.3)
    fault(desk, Kind.LOST, "/cgi-bin/department/create", seconds=1)
    made = departments.Department(name="广州", parent=1)
    assert refused(departments.create, desk.contacts(), made) == NO_ANSWER
    assert [each.name for each in desk.corp.departments.values()] == ["云链家居", "广州"]


def test_a_connection_that_cannot_be_made_is_tried_again(desk: Desk, refused) -> None:
    nowhere = Connection("http://127.0.0.1:9", desk.http, desk.connection.tokens, desk.connection.pace)
    desk.connection.tokens.current(desk.contacts().key, desk.contacts().fetch)
    lost = client(nowhere, App(demo.CORP, demo.CONTACTS_SECRET, name="contacts"))
    assert refused(departments.ids, lost) == NO_ANSWER
    assert len(desk.slept) == 2


def test_down_and_strangers_in_between_are_unreadable(desk: Desk) -> None:
    fault(desk, Kind.DOWN, "/cgi-bin/department/*", times=1)
    with pytest.raises(PlatformError) as error:
        departments.ids(desk.contacts())
    assert (error.value.code, error.value.retry) == (UNREADABLE, True)
    assert len(departments.ids(desk.contacts())) == 1


def test_a_slow_answer_is_waited_for(desk: Desk) -> None:
    fault(desk, Kind.SLOW, "/cgi-bin/department/*", seconds=0.5)
    assert len(departments.ids(desk.contacts())) == 1


def test_a_doubled_create_does_not_make_two(desk: Desk, refused) -> None:
    """The second of the two is refused, and that is the answer we see."""
    fault(desk, Kind.DOUBLED, "/cgi-bin/user/create", times=1)
    someone = members.Member("zhangsan", name="张三", departments=(1,), mobile="13800000001")
    assert refused(members.create, desk.contacts(), someone, invite=False) == "60102"
    assert members.get(desk.contacts(), "zhangsan").name == "张三"


def test_every_code_has_a_remedy() -> None:
    assert all(text.endswith((".", "?")) and text[0].isupper() for text in REMEDIES.values())
    known, unknown = refusal(60104, "mobile existed"), refusal(99999, "?")
    assert (known.code, known.retry) == ("60104", False)
    assert known.remedy != unknown.remedy
    assert refusal(-1, "busy").retry


def test_an_app_needs_a_name_to_keep_its_token_by() -> None:
    with pytest.raises(ValueError, match="needs a name"):
        App("ww1", "secret")
    assert App("ww1", "secret", 1000002).name == "1000002"


def test_addresses_for_firewalls(desk: Desk) -> None:
    assert addresses.of_callbacks(desk.app()) == addresses.of_api(desk.app()) == ["127.0.0.1"]
