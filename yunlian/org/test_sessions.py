import datetime as dt
import threading

import pytest
from django.db import connection
from django.utils import translation

from yunlian.kernel import retention
from yunlian.kernel.api import TooMany, Unsigned
from yunlian.kernel.document import Invalid, Missing
from yunlian.kernel.scope import tenant
from yunlian.kernel.testing import NOW, Statements

from . import access, by_password, people, sessions
from .attempts import Asked
from .conftest import PASSWORD, sign_in
from .models import Attempt, Membership, Session, Throttle, User

SECOND = dt.timedelta(seconds=1)


def signed(token, now=NOW):
    return sessions.find_signed(token, now)


def wait_s(login="boss", now=NOW, address="", password="wrong password"):
    """Try, and return how long one is told to wait; 0 when the try was judged."""
    try:
        sign_in(login, password, now, address=address)
    except TooMany as many:
        return many.seconds
    except Unsigned:
        return 0


def test_signs_in_and_enters_the_only_enterprise(acme):
    found = signed(sign_in("  BOSS "))
    assert (found.enterprise_id, found.employee_id) == (acme.enterprise_id, acme.admin_id)
    assert not found.is_first_password


def test_only_a_digest_of_the_token_is_kept(acme):
    token = sign_in()
    (kept,) = Session.objects.values_list("digest", flat=True)
    assert bytes(kept) == sessions.digest(token)
    assert len(token) >= 43
    assert token != sign_in()


@pytest.mark.parametrize(("login", "password"), [("boss", "wrong password"), ("nobody", PASSWORD)])
def test_wrong_login_and_wrong_password_look_alike(acme, login, password):
    with translation.override("en"), pytest.raises(Unsigned, match=r"^Login or password is wrong\.$"):
        sign_in(login, password)
    assert not Session.objects.exists()


@pytest.mark.parametrize("login", [None, 1, "", " ", "a b", "x" * 101, "a\nb"])
def test_what_is_no_login_is_refused(acme, login):
    with pytest.raises(Invalid):
        sign_in(login)


def test_signing_in_replaces_the_token_one_came_with(acme):
    planted = sign_in()
    token = sign_in(replaced=planted)
    assert token != planted
    assert signed(planted) is None
    assert signed(token) is not None


def test_a_made_up_token_is_nobody_and_is_never_adopted(acme):
    token = sign_in(replaced="chosen-by-somebody-else")
    assert token != "chosen-by-somebody-else"
    assert signed("chosen-by-somebody-else") is None
    assert signed("") is None


def test_ends_eight_hours_after_its_last_use(acme):
    token = sign_in()
    almost = NOW + dt.timedelta(hours=8) - SECOND
    assert signed(token, almost) is not None
    assert signed(token, almost + dt.timedelta(hours=8) - SECOND) is not None, "use prolongs it"
    assert signed(token, almost + dt.timedelta(hours=16)) is None


def test_ends_after_seven_days_however_it_is_used(acme):
    token = sign_in()
    now = NOW
    while now < NOW + dt.timedelta(days=7) - dt.timedelta(hours=7):
        now += dt.timedelta(hours=7)
        assert signed(token, min(now, NOW + dt.timedelta(days=7) - SECOND)) is not None
    assert signed(token, NOW + dt.timedelta(days=7)) is None


def test_finding_a_session_is_one_statement_and_a_write_once_a_minute(acme):
    token = sign_in()
    with Statements() as read:
        signed(token, NOW + dt.timedelta(seconds=59))
    assert read.count == 1
    with Statements() as read:
        signed(token, NOW + dt.timedelta(seconds=61))
        signed(token, NOW + dt.timedelta(seconds=62))
    assert read.count == 3


def test_five_wrong_passwords_are_free_then_each_doubles_the_wait(acme):
    assert [wait_s() for _ in range(6)] == [0] * 6
    assert wait_s() == 2
    assert wait_s(now=NOW + SECOND) == 1
    now, waits = NOW, []
    for _ in range(11):
        now += dt.timedelta(seconds=wait_s(now=now))
        assert wait_s(now=now) == 0
        waits.append(wait_s(now=now))
    assert waits == [4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900]


def test_the_right_password_waits_too_and_then_forgets_the_failures(acme):
    for _ in range(6):
        wait_s()
    assert wait_s(password=PASSWORD) == 2
    assert signed(sign_in(now=NOW + 2 * SECOND)) is not None
    assert not Throttle.objects.filter(key="login:boss").exists()
    assert [wait_s(now=NOW + 2 * SECOND) for _ in range(6)] == [0] * 6


def test_unknown_logins_are_slowed_alike(acme):
    assert [wait_s("nobody") for _ in range(7)] == [0] * 6 + [2]


def test_one_address_is_slowed_over_many_logins(acme):
    assert [wait_s(f"guess{n}", address="192.0.2.7") for n in range(22)] == [0] * 21 + [2]
    assert wait_s("guess", address="192.0.2.8") == 0
    sign_in(address="192.0.2.9")


def test_a_slowed_address_does_not_count_against_the_login(acme):
    for n in range(21):
        wait_s(f"guess{n}", address="192.0.2.7")
    assert [wait_s(address="192.0.2.7") for _ in range(10)] == [2] * 10
    assert signed(sign_in(address="192.0.2.8")) is not None


def test_failures_are_forgotten_after_a_day(acme):
    for _ in range(6):
        wait_s()
    later = NOW + dt.timedelta(days=1, seconds=1)
    assert [wait_s(now=later) for _ in range(6)] == [0] * 6


def test_every_try_that_was_judged_is_recorded(acme):
    wait_s(address="192.0.2.7")
    sign_in(address="192.0.2.7")
    kept = Attempt.objects.order_by("id").values_list("login", "address", "succeeded")
    assert list(kept) == [("boss", "192.0.2.7", False), ("boss", "192.0.2.7", True)]


def test_signing_out_ends_this_device_only_or_all(acme):
    here, there = sign_in(), sign_in()
    sessions.sign_out(signed(here))
    assert signed(here) is None
    assert signed(there) is not None
    here = sign_in()
    sessions.sign_out(signed(there), everywhere=True)
    assert signed(here) is None
    assert signed(there) is None


def test_a_new_password_signs_out_other_devices_and_renews_this_one(acme):
    here, there = sign_in(), sign_in()
    token = by_password.change_password(signed(here), PASSWORD, "another horse 7", Asked(NOW))
    assert signed(here) is None
    assert signed(there) is None
    assert signed(token).enterprise_id == acme.enterprise_id
    assert wait_s(password=PASSWORD) == 0
    assert signed(sign_in(password="another horse 7")) is not None


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("wrong password", "another horse 7", ("old", "wrong")),
        (PASSWORD, "short", ("new", "too_short")),
        (PASSWORD, "password1", ("new", "common")),
        (PASSWORD, PASSWORD, ("new", "same")),
    ],
)
def test_a_password_that_is_not_good_changes_nothing(acme, old, new, problem):
    here, there = sign_in(), sign_in()
    with pytest.raises(Invalid) as caught:
        by_password.change_password(signed(here), old, new, Asked(NOW))
    assert [(p.field, p.code) for p in caught.value.problems] == [problem]
    assert signed(here) is not None
    assert signed(there) is not None


def test_guessing_the_old_password_is_slowed_too(acme):
    here = signed(sign_in())
    for _ in range(6):
        with pytest.raises(Invalid):
            by_password.change_password(here, "wrong password", "another horse 7", Asked(NOW))
    with pytest.raises(TooMany):
        by_password.change_password(here, PASSWORD, "another horse 7", Asked(NOW))


def test_a_session_does_not_outlive_a_change_of_password_by_staying_old(acme):
    token = sign_in()
    later = NOW + dt.timedelta(hours=7)
    token = by_password.change_password(signed(token, later), PASSWORD, "another horse 7", Asked(later))
    assert Session.objects.get().created_at == NOW


def test_a_disabled_login_is_out_at_once_and_cannot_come_back(acme):
    token = sign_in()
    access.disable_user(User.objects.get(login="boss").pk)
    assert signed(token) is None
    with pytest.raises(Unsigned):
        sign_in()
    User.objects.update(is_active=True)
    assert signed(sign_in()) is not None


def test_first_passwords_expire_and_are_good_for_choosing_another_only(acme, context, hire):
    ann = hire("guide", code="ANN")
    with tenant(acme.enterprise_id):
        given = access.give_login(context(), ann, "Ann")
    assert given["login"] == "ann"
    token = sign_in("ann", given["password"])
    assert signed(token).is_first_password
    expired = NOW + sessions.FIRST_PASSWORD
    with pytest.raises(Unsigned):
        sign_in("ann", given["password"], now=expired)
    with pytest.raises(Unsigned):
        by_password.change_password(signed(token), given["password"], "another horse 7", Asked(expired))
    token = by_password.change_password(signed(token), given["password"], "another horse 7", Asked(NOW))
    assert not signed(token).is_first_password
    with pytest.raises(Unsigned):
        sign_in("ann", given["password"])
    assert signed(sign_in("ann", "another horse 7", now=expired), expired) is not None


def test_enters_an_enterprise_of_ones_own_by_id_or_code(acme, other):
    with tenant(other.enterprise_id):
        ctx = people.system_context(other.enterprise_id, NOW)
        people.hire(ctx, {"code": "B", "name": "老板"}, login="boss", roles=["finance"])
    token = sign_in()
    assert signed(token).enterprise_id is None, "with two enterprises one chooses"
    sessions.enter(signed(token), "ACME")
    assert signed(token).employee_id == acme.admin_id
    sessions.enter(signed(token), str(other.enterprise_id))
    assert signed(token).enterprise_id == other.enterprise_id
    assert signed(sign_in()).enterprise_id == other.enterprise_id, "the last one is entered again"


def test_does_not_enter_an_enterprise_of_others(acme, other):
    token = sign_in()
    for wanted in (str(other.enterprise_id), "OTHER", "nowhere", "9" * 30, "0"):
        with pytest.raises(Missing):
            sessions.enter(signed(token), wanted)
    assert signed(token).enterprise_id == acme.enterprise_id


def test_does_not_enter_where_the_membership_was_ended(acme, other):
    with tenant(other.enterprise_id):
        ctx = people.system_context(other.enterprise_id, NOW)
        people.hire(ctx, {"code": "B", "name": "老板"}, login="boss")
    token = sign_in()
    Membership.objects.filter(enterprise_id=other.enterprise_id).update(is_active=False)
    with pytest.raises(Missing):
        sessions.enter(signed(token), "OTHER")
    sessions.enter(signed(token), "ACME")


def test_shows_ones_own_devices_and_ends_them(acme, other):
    here, there = sign_in(device="Firefox\r\nX: y"), sign_in(device="Phone", now=NOW + SECOND)
    stranger = signed(sign_in("rival"))
    found = sessions.devices(signed(here), NOW + SECOND)
    assert [one.device for one in found] == ["Phone", "Firefox  X: y"]
    with pytest.raises(Missing):
        sessions.end_device(signed(here), stranger.session_id)
    sessions.end_device(signed(here), signed(there).session_id)
    assert signed(there) is None
    assert signed(here) is not None


def test_what_is_of_no_use_is_deleted_by_the_worker(acme):
    sign_in()
    wait_s()
    assert retention.tidy(NOW) == 0
    assert retention.tidy(NOW + dt.timedelta(days=2)) == 1
    assert retention.tidy(NOW + dt.timedelta(days=7, seconds=1)) == 1
    assert not Session.objects.exists()
    assert Attempt.objects.count() == 2
    retention.tidy(NOW + dt.timedelta(days=31))
    assert not Attempt.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_many_guesses_at_once_are_slowed_like_one_after_another(acme):
    start, told = threading.Barrier(12), []

    def guess():
        start.wait()
        try:
            told.append(wait_s())
        finally:
            connection.close()

    threads = [threading.Thread(target=guess) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(told) == [0] * 6 + [2] * 6
