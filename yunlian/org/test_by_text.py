import datetime as dt
import threading

import pytest
from django.db import connection

from yunlian.kernel.api import TooMany, Unsigned
from yunlian.kernel.document import Invalid
from yunlian.kernel.scope import tenant
from yunlian.kernel.testing import NOW

from . import by_text, sessions
from .attempts import Asked
from .conftest import Browser, codes
from .models import Attempt, Employee, Identity, TextCode, User

MINUTE = dt.timedelta(minutes=1)
BOSS, RIVAL, NOBODY = "+8613800000001", "+8613800000002", "+8613899999999"


@pytest.fixture(autouse=True)
def mobiles(acme, other, bound, inbox):
    bound("boss", BOSS)
    bound("rival", RIVAL)
    return inbox


def send(mobile=BOSS, now=NOW, address=""):
    return by_text.send_sign_in_code(mobile, None, Asked(now, address=address))


def enter(code, mobile=BOSS, now=NOW, address=""):
    return by_text.sign_in(mobile, code, Asked(now, address=address)).token


def wrong(code):
    return f"{(int(code) + 1) % 1_000_000:06}"


def test_signs_in_with_the_code_that_was_sent(acme, inbox):
    send("138 0000 0001")
    signed = sessions.find_signed(enter(inbox.code(BOSS)), NOW)
    assert (signed.enterprise_id, signed.way) == (acme.enterprise_id, "mobile")


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("13800000001", BOSS),
        ("+86 138-0000-0001", BOSS),
        ("008613800000001", BOSS),
        ("8613800000001", BOSS),
        ("１３８０００００００１", BOSS),
        ("+85291234567", "+85291234567"),
        ("00442071838750", "+442071838750"),
    ],
)
def test_a_mobile_is_kept_in_one_form(typed, kept):
    assert by_text.normal_mobile(typed) == kept


@pytest.mark.parametrize(
    "typed", ["12800000001", "1380000000", "+861380000000", "", None, 13800000001, "+0123456789", "x"]
)
def test_what_is_no_mobile_is_refused(typed):
    with pytest.raises(Invalid):
        by_text.normal_mobile(typed)


def test_only_a_keyed_digest_is_kept(inbox):
    send()
    code = inbox.code(BOSS)
    kept = bytes(TextCode.objects.get().digest)
    assert code.encode() not in kept
    assert len(kept) == 32


def test_a_code_is_good_once(inbox):
    send()
    code = inbox.code(BOSS)
    enter(code)
    with pytest.raises(Unsigned):
        enter(code)


def test_a_code_is_good_for_five_minutes(inbox):
    send()
    code = inbox.code(BOSS)
    with pytest.raises(Unsigned):
        enter(code, now=NOW + 5 * MINUTE)
    assert enter(code, now=NOW + 5 * MINUTE - dt.timedelta(seconds=1))


def test_a_newer_code_ends_the_older(inbox):
    send()
    old = inbox.code(BOSS)
    send(now=NOW + MINUTE)
    new = inbox.code(BOSS)
    if old != new:
        with pytest.raises(Unsigned):
            enter(old, now=NOW + MINUTE)
    assert enter(new, now=NOW + MINUTE)


def test_five_tries_and_the_right_code_is_worth_nothing(inbox):
    send()
    code = inbox.code(BOSS)
    for _ in range(5):
        with pytest.raises(Unsigned):
            enter(wrong(code))
    with pytest.raises(Unsigned):
        enter(code)


def test_four_wrong_tries_leave_the_fifth(inbox):
    send()
    code = inbox.code(BOSS)
    for _ in range(4):
        with pytest.raises(Unsigned):
            enter(wrong(code))
    assert enter(code)


def test_guessing_is_slowed_over_many_codes(inbox):
    now, judged = NOW, 0
    for n in range(10):
        now = NOW + n * MINUTE
        send(now=now)
        code = inbox.code(BOSS)
        for _ in range(5):
            try:
                enter(wrong(code), now=now)
            except Unsigned:
                judged += 1
            except TooMany:
                break
    assert judged < 20, "fifty would be free without the wait that doubles"


def test_a_code_for_one_mobile_is_none_for_another(inbox):
    send()
    code = inbox.code(BOSS)
    with pytest.raises(Unsigned):
        enter(code, RIVAL)
    assert enter(code)


def test_a_mobile_gets_one_code_a_minute(inbox):
    assert send() == 60
    with pytest.raises(TooMany) as caught:
        send(now=NOW + MINUTE - dt.timedelta(seconds=1))
    assert caught.value.seconds == 1
    send(now=NOW + MINUTE)
    assert len({inbox.code(BOSS) for _ in range(2)}) in (1, 2)
    assert inbox.sent.empty()


def test_a_mobile_gets_ten_codes_a_day(inbox):
    for n in range(10):
        send(now=NOW + n * MINUTE)
    with pytest.raises(TooMany) as caught:
        send(now=NOW + 10 * MINUTE)
    assert caught.value.seconds == 24 * 3600 - 600
    send(now=NOW + dt.timedelta(days=1, seconds=1))


def test_an_address_cannot_flood_many_mobiles(inbox):
    asked, refused = 0, 0
    for n in range(300):
        try:
            send(f"+86139{n:08}", now=NOW + n * dt.timedelta(seconds=1), address="192.0.2.7")
            asked += 1
        except TooMany:
            refused += 1
    assert (asked, refused) == (50, 250)
    send(now=NOW + dt.timedelta(seconds=300), address="192.0.2.8")


def test_an_address_asks_for_a_hundred_a_day():
    for n in range(100):
        send(f"+86139{n:08}", now=NOW + n * 6 * dt.timedelta(seconds=1), address="192.0.2.7")
    with pytest.raises(TooMany):
        send("+8613900009999", now=NOW + dt.timedelta(hours=1), address="192.0.2.7")


@pytest.mark.django_db(transaction=True)
def test_many_who_ask_at_once_get_one_code(inbox):
    start, told = threading.Barrier(8), []

    def ask():
        start.wait()
        try:
            told.append(send())
        except TooMany:
            told.append(0)
        finally:
            connection.close()

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(told) == [0] * 7 + [60]


def test_whether_a_mobile_is_known_does_not_show(inbox, clock):
    one, two = Browser(), Browser()
    known = one.post("/api/sign-in/code", mobile=BOSS)
    clock.now = NOW + MINUTE
    unknown = two.post("/api/sign-in/code", mobile=NOBODY)
    assert (known.status_code, known.content) == (unknown.status_code, unknown.content)
    inbox.code(BOSS)
    assert inbox.sent.empty(), "nobody's mobile gets nothing"
    answers = [
        browser.post("/api/sign-in/mobile", mobile=mobile, code="000000")
        for browser, mobile in ((one, BOSS), (two, NOBODY))
    ]
    assert answers[0].status_code == answers[1].status_code == 401
    assert answers[0].content == answers[1].content


def test_a_mobile_that_only_stands_in_a_file_opens_nothing(acme, hire, inbox):
    hire("guide", login="ann", mobile="13811112222")
    send("13811112222")
    assert inbox.sent.empty()
    with tenant(acme.enterprise_id):
        Employee.objects.filter(login="ann").update(mobile=RIVAL)
    send(RIVAL)
    signed = sessions.find_signed(enter(inbox.code(RIVAL), RIVAL), NOW)
    assert signed.user_id == User.objects.get(login="rival").pk, "its verified owner, and nobody else"


def test_another_enterprises_administrators_mobile_cannot_be_bound(acme, inbox, clock):
    browser = Browser("boss")
    assert browser.post("/api/session/mobile/code", mobile=RIVAL).status_code == 202
    code = inbox.code(RIVAL)
    response = browser.put("/api/session/mobile", mobile=RIVAL, code=code)
    assert (response.status_code, codes(response)) == (409, ["taken"])
    assert Identity.objects.get(subject=RIVAL).user.login == "rival"
    assert Identity.objects.get(user__login="boss").subject == BOSS


def test_binds_ones_own_mobile_and_replaces_it(inbox, clock):
    browser, fresh = Browser("boss"), "+8613700000001"
    assert browser.post("/api/session/mobile/code", mobile=fresh).status_code == 202
    code = inbox.code(fresh)
    assert codes(browser.put("/api/session/mobile", mobile=fresh, code=wrong(code))) == ["wrong"]
    response = browser.put("/api/session/mobile", mobile=fresh, code=code)
    assert [way["name"] for way in response.json()["ways"]] == ["+86137****0001"]
    assert list(Identity.objects.filter(user__login="boss").values_list("subject", flat=True)) == [fresh]


def test_a_code_sent_to_one_person_binds_nothing_for_another(hire, inbox, clock):
    hire("guide", login="ann")
    fresh = "+8613700000001"
    boss, ann = Browser("boss"), Browser("ann")
    boss.post("/api/session/mobile/code", mobile=fresh)
    code = inbox.code(fresh)
    assert codes(ann.put("/api/session/mobile", mobile=fresh, code=code)) == ["wrong"]
    assert boss.put("/api/session/mobile", mobile=fresh, code=code).status_code == 200


def test_a_code_for_signing_in_binds_nothing(inbox, clock):
    browser = Browser("boss")
    send()
    assert codes(browser.put("/api/session/mobile", mobile=BOSS, code=inbox.code(BOSS))) == ["wrong"]


def test_neither_number_nor_code_are_recorded(inbox, caplog):
    caplog.set_level("INFO")
    send()
    code = inbox.code(BOSS)
    enter(code)
    assert list(Attempt.objects.values_list("login", "succeeded")) == [("+86138****0001", True)]
    assert BOSS not in caplog.text
    assert code not in caplog.text


def test_without_a_gateway_the_way_is_not_offered(acme, monkeypatch, clock):
    monkeypatch.setattr("yunlian.org.texting.TEXTING._find", lambda _enterprise_id: None)
    browser = Browser()
    assert browser.get("/api/sign-in/ways").json()["mobile"] is False
    response = browser.post("/api/sign-in/code", mobile=BOSS)
    assert (response.status_code, codes(response)) == (409, ["no_gateway"])
