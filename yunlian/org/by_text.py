"""The way in by a code sent to a verified mobile, and how a mobile is verified.

Six digits, five minutes, five tries, once. A mobile gets a code a minute and ten a day; an address may ask for one every
six seconds and a hundred a day, because a whole office asks from one address. The answer is the same whether a
number is known or not. Only a mobile its owner has verified opens anything: what stands in a file about an employee is
no proof.
"""

import datetime as dt
import hmac
import re
import secrets
import unicodedata
from typing import Any

from django.db import transaction
from django.db.models import F, Q

from yunlian.kernel import retention
from yunlian.kernel.api import Unsigned
from yunlian.kernel.document import Invalid, Problem, Refused
from yunlian.kernel.text import _

from . import identities
from .attempts import Asked, attempt, ration
from .entrance import Opened, Proof, let_in
from .identities import MOBILE, Account
from .models import Identity, TextCode, User
from .short_codes import keyed_digest
from .texting import TEXTING

WAY = "mobile"
LASTS = dt.timedelta(minutes=5)
TRIES = 5
PER_DAY, GAP = 10, dt.timedelta(minutes=1)
ADDRESS_PER_DAY, ADDRESS_GAP = 100, dt.timedelta(seconds=6)
# ITU-T E.164: at most 15 digits, none begins with zero. A mobile of the mainland is 11 digits that begin with 1.
_MAINLAND = re.compile(r"(?:\+|00)?(?:86)?(1[3-9]\d{9})")
_ABROAD = re.compile(r"(?:\+|00)([1-9]\d{6,14})")


def normal_mobile(mobile: Any) -> str:
    """Return a mobile as E.164, `+8613800000000`. Raises Invalid."""
    text = re.sub(r"[\s()-]", "", unicodedata.normalize("NFKC", mobile)) if isinstance(mobile, str) else ""
    if found := _MAINLAND.fullmatch(text):
        return f"+86{found[1]}"
    if (found := _ABROAD.fullmatch(text)) and not found[1].startswith("86"):
        return f"+{found[1]}"
    raise Invalid(Problem("mobile", _("Is not a telephone number."), code="invalid"))


def is_offered(enterprise_id: int | None) -> bool:
    """Whether codes can be sent for an enterprise, or for nobody's in particular."""
    return TEXTING.gateway(enterprise_id) is not None


def send_sign_in_code(mobile: Any, enterprise_id: int | None, asked: Asked) -> int:
    """Send a code to whoever has verified this mobile, and to nobody otherwise; returns the seconds until the next.

    Raises TooMany when the mobile or the address has asked too often.
    """
    number = normal_mobile(mobile)
    known = Identity.objects.filter(provider=MOBILE, subject=number).first()
    return _send(number, "sign_in", None, asked, enterprise_id, is_real=known is not None)


def send_code(user_id: int, mobile: Any, purpose: str, enterprise_id: int | None, asked: Asked) -> int:
    """Send a signed-in user a code, to bind a mobile (`bind`) or to prove again who they are (`prove`)."""
    return _send(normal_mobile(mobile), purpose, user_id, asked, enterprise_id, is_real=True)


def _send(
    mobile: str, purpose: str, user_id: int | None, asked: Asked, enterprise_id: int | None, *, is_real: bool
) -> int:
    gateway = TEXTING.gateway(enterprise_id)
    if gateway is None:
        raise Refused(Problem("mobile", _("No SMS gateway is set up here."), code="no_gateway"))
    with transaction.atomic():
        if asked.address:
            ration(f"sms_address:{asked.address}", ADDRESS_PER_DAY, ADDRESS_GAP, asked.now)
        ration(f"sms:{mobile}", PER_DAY, GAP, asked.now)
        code = f"{secrets.randbelow(1_000_000):06}"
        TextCode.objects.update_or_create(
            mobile=mobile, purpose=purpose,
            defaults={"user_id": user_id, "digest": _digest(mobile, purpose, code), "created_at": asked.now, "tries": 0},
        )  # fmt: skip
    if is_real:
        TEXTING.send(gateway, mobile, code, int(LASTS.total_seconds()) // 60)
    return int(GAP.total_seconds())


def sign_in(mobile: Any, code: Any, asked: Asked) -> Opened:
    """Sign a device in with the code that was sent.

    Raises Unsigned when it is wrong, used, old, or nobody's, TooMany when guessing is slowed.
    """
    number = normal_mobile(mobile)
    with attempt(WAY, identities.masked(number), asked, key=f"sms_code:{number}") as trying:
        _use(number, "sign_in", None, code, asked.now)
        identity = identities.find(Account(MOBILE, "", number))
        if identity is None:
            raise _wrong()
        trying.user_id = identity.user_id
        Identity.objects.filter(id=identity.id).update(used_at=asked.now)
        proof = Proof(
            identity.user_id, WAY, still_holds=lambda _user: Identity.objects.filter(id=identity.id).exists()
        )
        return let_in(proof, asked)


def bind(user: User, mobile: Any, code: Any, asked: Asked) -> None:
    """Bind a mobile to a user who holds the code that was sent to it; it replaces the one they had.

    Raises Invalid when the code is wrong, Refused when the mobile is somebody else's.
    """
    number = normal_mobile(mobile)
    require_code(user, number, "bind", code, asked)
    with transaction.atomic():
        User.objects.select_for_update().get(id=user.id)
        Identity.objects.filter(user=user, provider=MOBILE).exclude(subject=number).delete()
        identities.bind(user.id, Account(MOBILE, "", number), asked)


def require_code(user: User, mobile: str, purpose: str, code: Any, asked: Asked) -> None:
    """Use up the code that was sent to a signed-in user for a purpose. Raises Invalid, at `code`, when it is wrong."""
    try:
        with attempt(WAY, identities.masked(mobile), asked, key=f"sms_code:{mobile}") as trying:
            trying.user_id = user.id
            _use(mobile, purpose, user.id, code, asked.now)
    except Unsigned as unsigned:
        raise Invalid(Problem("code", str(unsigned), code="wrong")) from None


def _wrong() -> Unsigned:
    return Unsigned(_("This code is wrong or has expired."))


def _use(mobile: str, purpose: str, user_id: int | None, code: Any, now: dt.datetime) -> None:
    """Count a try and use the code up when it is right; raises Unsigned."""
    text = code.replace(" ", "") if isinstance(code, str) else ""
    whose = Q(user__isnull=True) if user_id is None else Q(user_id=user_id)
    sent = TextCode.objects.filter(
        whose, mobile=mobile, purpose=purpose, created_at__gt=now - LASTS, tries__lt=TRIES
    )
    # The count is committed before the code is looked at: many tries at once are five all the same.
    if not sent.update(tries=F("tries") + 1):
        raise _wrong()
    kept = TextCode.objects.filter(mobile=mobile, purpose=purpose).first()
    if kept is None or not hmac.compare_digest(bytes(kept.digest), _digest(mobile, purpose, text)):
        raise _wrong()
    if not TextCode.objects.filter(id=kept.id, digest=kept.digest).delete()[0]:
        raise _wrong()


def _digest(mobile: str, purpose: str, code: str) -> bytes:
    return keyed_digest(f"sms {purpose} {mobile}", code)


retention.keep(retention.Kept("org_textcode", days=1, by="created_at"))
