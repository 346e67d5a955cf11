import datetime as dt
import threading

import pytest
from django.db import connection, transaction

from yunlian.kernel.api import TooMany, Unsigned
from yunlian.kernel.document import Invalid, Refused
from yunlian.kernel.scope import tenant
from yunlian.kernel.testing import NOW

from . import by_password, entrance, second_factor, sessions
from .attempts import Asked
from .conftest import PASSWORD, Browser, codes, sign_in, totp
from .models import Attempt, HalfSignIn, RecoveryCode, Role, SecondFactor, Session, User

STEP = dt.timedelta(seconds=30)
# The step after the one that confirmed the authenticator: its own code was used up then.
LATER = NOW + STEP


@pytest.fixture
def secret(acme):
    """The boss has an authenticator; this is its secret."""
    user = User.objects.get(login="boss")
    made = second_factor.begin(user.pk)
    with transaction.atomic():
        second_factor.confirm(user.pk, totp(made.secret), NOW)
    return made.secret


def boss():
    return User.objects.get(login="boss").pk


def owe(now=LATER):
    opened = by_password.sign_in("boss", PASSWORD, Asked(now))
    assert opened.owes_second_factor
    return opened.token


def pay(token, code, now=LATER):
    return entrance.complete(token, code, Asked(now)).token


def test_an_authenticator_gets_what_it_can_read(acme):
    made = second_factor.begin(boss())
    assert made.uri == f"otpauth://totp/Yunlian:boss?secret={made.secret}&issuer=Yunlian"
    assert made.svg.startswith("<svg")
    assert len(made.secret) == 32


def test_vectors_of_rfc_6238():
    """Appendix B, SHA-1, last six of eight digits."""
    seed = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
    for at, code in ((59, "287082"), (1111111109, "081804"), (1234567890, "005924"), (20000000000, "353130")):
        assert second_factor._step_of(seed, code, dt.datetime.fromtimestamp(at, dt.UTC)) == at // 30


def test_nothing_is_owed_before_it_is_confirmed(acme):
    second_factor.begin(boss())
    assert not second_factor.is_on(boss())
    sign_in()
    with pytest.raises(Invalid):
        second_factor.confirm(boss(), "000000", NOW)
    assert not second_factor.is_on(boss())


def test_the_secret_is_sealed_and_recovery_codes_are_digests(acme, secret):
    kept = SecondFactor.objects.get()
    assert secret.encode() not in bytes(kept.secret)
    shown = second_factor.renew_recovery(boss())
    assert len(set(shown)) == 10
    stored = [bytes(row.digest) for row in RecoveryCode.objects.all()]
    assert not [word for word in shown if word.replace("-", "").encode() in b"".join(stored)]


def test_half_a_sign_in_opens_nothing(acme, secret):
    token = owe()
    assert sessions.find_signed(token, LATER) is None
    assert not Session.objects.exists()
    paid = pay(token, totp(secret, LATER))
    assert sessions.find_signed(paid, LATER).has_second_factor
    assert not HalfSignIn.objects.exists()


def test_a_code_is_good_once_also_in_its_window(acme, secret):
    code = totp(secret, LATER)
    pay(owe(), code)
    for now in (LATER, LATER + dt.timedelta(seconds=1), LATER + STEP):
        with pytest.raises(Unsigned):
            pay(owe(now), code, now)
    with pytest.raises(Unsigned):
        pay(owe(LATER + STEP), totp(secret, NOW), LATER + STEP)
    assert pay(owe(LATER + STEP), totp(secret, LATER + STEP), LATER + STEP)


@pytest.mark.parametrize(("off", "fits"), [(-60, False), (-30, True), (0, True), (30, True), (60, False)])
def test_clocks_may_be_half_a_minute_off(acme, secret, off, fits):
    now = NOW + 10 * STEP
    code = totp(secret, now + dt.timedelta(seconds=off))
    if fits:
        assert pay(owe(now), code, now)
    else:
        with pytest.raises(Unsigned):
            pay(owe(now), code, now)


@pytest.mark.parametrize(
    "code", ["", "12345", "1234567", "１２３４５６", None, 123456, "abcdef", "AAAA-AAAA-AAAA"]
)
def test_what_is_no_code_is_refused(acme, secret, code):
    token = owe()
    with pytest.raises(Unsigned):
        pay(token, code)
    assert pay(token, totp(secret, LATER))


def test_a_recovery_code_is_good_once(acme, secret):
    one, two, *_rest = second_factor.renew_recovery(boss())
    assert pay(owe(), one)
    with pytest.raises(Unsigned):
        pay(owe(), one)
    assert pay(owe(), two.lower().replace("-", " "))
    assert second_factor.recovery_left(boss()) == 8


def test_new_recovery_codes_end_the_old(acme, secret):
    old = second_factor.renew_recovery(boss())[0]
    new = second_factor.renew_recovery(boss())[0]
    with pytest.raises(Unsigned):
        pay(owe(), old)
    assert pay(owe(), new)


def test_a_recovery_code_of_another_person_is_none(acme, other, secret):
    rival = User.objects.get(login="rival")
    theirs = second_factor.renew_recovery(rival.pk)[0]
    with pytest.raises(Unsigned):
        pay(owe(), theirs)


def test_five_wrong_codes_end_the_sign_in_and_more_are_slowed(acme, secret):
    token = owe()
    for _ in range(5):
        with pytest.raises(Unsigned):
            pay(token, "000000")
    with pytest.raises(Unsigned):
        pay(token, totp(secret, LATER))
    with pytest.raises(TooMany):
        pay(owe(), totp(secret, LATER))
    much_later = LATER + dt.timedelta(minutes=15)
    assert pay(owe(much_later), totp(secret, much_later), much_later)


def test_half_a_sign_in_is_over_after_ten_minutes(acme, secret):
    token, later = owe(), LATER + entrance.OWED
    with pytest.raises(Unsigned):
        pay(token, totp(secret, later), later)
    almost = later - dt.timedelta(seconds=1)
    assert pay(token, totp(secret, almost), almost)


def test_a_new_password_ends_what_was_half_done(acme, secret):
    here, token = pay(owe(), totp(secret, LATER)), owe()
    by_password.change_password(sessions.find_signed(here, LATER), PASSWORD, "another horse 7", Asked(LATER))
    later = LATER + STEP
    with pytest.raises(Unsigned):
        pay(token, totp(secret, later), later)


def test_a_login_disabled_meanwhile_does_not_complete(acme, secret):
    token = owe()
    User.objects.update(is_active=False)
    with pytest.raises(Unsigned):
        pay(token, totp(secret, LATER))
    User.objects.update(is_active=True)
    assert pay(token, totp(secret, LATER))


def test_tries_are_recorded(acme, secret):
    with pytest.raises(Unsigned):
        pay(owe(), "000000")
    pay(owe(), totp(secret, LATER))
    kept = list(Attempt.objects.order_by("id").values_list("way", "login", "succeeded"))
    assert ("second_factor", "boss", False) in kept
    assert kept[-1] == ("second_factor", "boss", True)


@pytest.mark.django_db(transaction=True)
def test_of_two_who_send_the_same_code_at_once_one_gets_in(acme, secret):
    tokens, got, start = [owe(), owe()], [], threading.Barrier(2)

    def send(token):
        start.wait()
        try:
            got.append(bool(pay(token, totp(secret, LATER))))
        except Unsigned:
            got.append(False)
        finally:
            connection.close()

    threads = [threading.Thread(target=send, args=(token,)) for token in tokens]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(got) == [False, True]


def require_of(acme, code):
    with tenant(acme.enterprise_id):
        Role.objects.filter(code=code).update(needs_second_factor=True)


def test_a_role_that_asks_for_it_opens_nothing_until_it_is_set_up(acme, clock):
    browser = Browser("boss")
    assert browser.get("/api/meta").status_code == 200
    require_of(acme, "ADMIN")
    response = browser.get("/api/meta")
    assert (response.status_code, codes(response)) == (403, ["second_factor"])
    assert browser.get("/api/session").json()["second_factor"] is True
    made = browser.post("/api/session/second-factor").json()
    response = browser.put("/api/session/second-factor", code=totp(made["secret"]))
    assert len(response.json()["recovery"]) == 10
    assert browser.get("/api/session").json()["second_factor"] is False
    assert browser.get("/api/meta").status_code == 200


def test_other_roles_are_not_asked(acme, hire, clock):
    hire("guide", login="ann")
    require_of(acme, "FINANCE")
    assert Browser("ann").get("/api/meta").status_code == 200
    hire("finance", login="eve")
    assert codes(Browser("eve").get("/api/meta")) == ["second_factor"]


def test_setting_it_up_signs_out_other_devices(acme, clock):
    here, there = Browser("boss"), Browser("boss")
    made = here.post("/api/session/second-factor").json()
    assert there.get("/api/session").status_code == 200
    here.put("/api/session/second-factor", code=totp(made["secret"]))
    assert there.get("/api/session").status_code == 401
    assert here.get("/api/session").status_code == 200


def test_a_new_authenticator_replaces_the_old_one_only_when_confirmed(acme, secret, clock):
    clock.now = LATER
    browser = Browser()
    browser.post("/api/session", login="boss", password=PASSWORD)
    assert browser.post("/api/sign-in/second-factor", code=totp(secret, LATER)).status_code == 200
    made = browser.post("/api/session/second-factor").json()
    clock.now = LATER + STEP
    assert pay(owe(clock.now), totp(secret, clock.now), clock.now)
    clock.now += STEP
    assert browser.put("/api/session/second-factor", code=totp(made["secret"], clock.now)).status_code == 200
    clock.now += STEP
    with pytest.raises(Unsigned):
        pay(owe(clock.now), totp(secret, clock.now), clock.now)
    assert pay(owe(clock.now), totp(made["secret"], clock.now), clock.now)


def test_what_was_never_begun_cannot_be_confirmed(acme):
    with pytest.raises(Refused):
        second_factor.confirm(boss(), "123456", NOW)
