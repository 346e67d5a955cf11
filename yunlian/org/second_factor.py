"""The second factor: codes of an authenticator (RFC 6238, six digits, thirty seconds), and recovery codes.

A code of the half minute before or after is taken too, for clocks that are a little off; none is taken twice. Whoever
has a second factor owes it on every way in; roles can require one (`Role.needs_second_factor`).
"""

import base64
import datetime as dt
import hmac
import io
import secrets
from dataclasses import dataclass

import pyotp
import segno
from django.db import transaction

from yunlian.kernel.document import Invalid, Problem, Refused
from yunlian.kernel.sealing import seal, unseal
from yunlian.kernel.text import _

from .models import RecoveryCode, SecondFactor, User
from .short_codes import keyed_digest

STEP_S = 30
DRIFT = (0, -1, 1)  # half minutes around now
ISSUER = "Yunlian"
PURPOSE = "second factors"
RECOVERY_CODES = 10
# No characters that look alike: recovery codes are written on paper. 12 of 28 characters are 57 bits.
_ALPHABET = "346789ABCDEFGHJKMNPQRTUVWXYZ"
_RECOVERY_LENGTH = 12


@dataclass(frozen=True)
class Enrolment:
    """What an authenticator needs: the secret as text, as an otpauth address, and that as a QR code (SVG)."""

    secret: str
    uri: str
    svg: str


def is_on(user_id: int) -> bool:
    """Whether a user signs in with a second factor."""
    return SecondFactor.objects.filter(user_id=user_id, secret__isnull=False).exists()


def recovery_left(user_id: int) -> int:
    """How many recovery codes are still good."""
    return RecoveryCode.objects.filter(user_id=user_id, used_at=None).count()


def begin(user_id: int) -> Enrolment:
    """Make a secret that waits to be confirmed; one in use stays in use until then."""
    user, secret = User.objects.get(id=user_id), pyotp.random_base32()
    SecondFactor.objects.update_or_create(
        user_id=user_id, defaults={"pending": seal(PURPOSE, str(user_id), secret.encode())}
    )
    uri = pyotp.TOTP(secret).provisioning_uri(name=user.login, issuer_name=ISSUER)
    return Enrolment(secret, uri, _svg(uri))


def _svg(text: str) -> str:
    out = io.BytesIO()
    segno.make_qr(text, error="m").save(
        out, kind="svg", scale=5, border=4, light="white", xmldecl=False, nl=False
    )
    return out.getvalue().decode()


def confirm(user_id: int, code: object, now: dt.datetime) -> list[str]:
    """Take the waiting secret into use when `code` is its own; returns new recovery codes, shown this once.

    Raises Refused when none waits, Invalid when the code is wrong. Call it inside a transaction.
    """
    kept = SecondFactor.objects.select_for_update().filter(user_id=user_id).first()
    if kept is None or kept.pending is None:
        raise Refused(Problem("code", _("Begin again: no authenticator waits to be confirmed."), code="none"))
    step = _step_of(_opened(user_id, bytes(kept.pending)), _digits(code), now)
    if step is None:
        raise Invalid(Problem("code", _("This is not the code shown now."), code="wrong"))
    kept.secret, kept.pending, kept.last_step = kept.pending, None, step
    kept.since = now
    kept.save()
    return renew_recovery(user_id)


def turn_off(user_id: int) -> None:
    """Forget a user's authenticator and recovery codes."""
    SecondFactor.objects.filter(user_id=user_id).delete()
    RecoveryCode.objects.filter(user_id=user_id).delete()


def renew_recovery(user_id: int) -> list[str]:
    """Replace the recovery codes; returns them as `XXXX-XXXX-XXXX`, this once."""
    made = [
        "".join(secrets.choice(_ALPHABET) for _ in range(_RECOVERY_LENGTH)) for _ in range(RECOVERY_CODES)
    ]
    with transaction.atomic():
        RecoveryCode.objects.filter(user_id=user_id).delete()
        RecoveryCode.objects.bulk_create(
            RecoveryCode(user_id=user_id, digest=_recovery_digest(user_id, each)) for each in made
        )
    return ["-".join(each[n : n + 4] for n in range(0, _RECOVERY_LENGTH, 4)) for each in made]


def take(user_id: int, code: object, now: dt.datetime) -> str | None:
    """Use up a code of the authenticator or a recovery code; returns which it was, `totp` or `recovery`, or None."""
    if digits := _digits(code):
        return "totp" if _take_totp(user_id, digits, now) else None
    if not isinstance(code, str):
        return None
    word = code.replace("-", "").replace(" ", "").upper()
    used = RecoveryCode.objects.filter(
        user_id=user_id, digest=_recovery_digest(user_id, word), used_at=None
    ).update(used_at=now)
    return "recovery" if used else None


def _take_totp(user_id: int, digits: str, now: dt.datetime) -> bool:
    kept = SecondFactor.objects.filter(user_id=user_id).first()
    if kept is None or kept.secret is None:
        return False
    step = _step_of(_opened(user_id, bytes(kept.secret)), digits, now)
    if step is None:
        return False
    # The row count decides: of two who send the same code at once, one is late.
    return bool(
        SecondFactor.objects.filter(user_id=user_id, last_step__lt=step, secret=kept.secret).update(
            last_step=step
        )
    )


def _step_of(secret: str, digits: str, now: dt.datetime) -> int | None:
    """Return the half minute whose code this is, or None; every candidate is compared, in constant time."""
    otp, here = pyotp.TOTP(secret), int(now.timestamp()) // STEP_S
    fitting = [
        step for step in (here + off for off in DRIFT) if hmac.compare_digest(otp.generate_otp(step), digits)
    ]
    return max(fitting, default=None)


def _digits(code: object) -> str:
    """Return six digits as typed, or nothing."""
    text = code.replace(" ", "") if isinstance(code, str) else ""
    return text if len(text) == 6 and text.isascii() and text.isdigit() else ""


def _opened(user_id: int, sealed: bytes) -> str:
    return unseal(PURPOSE, str(user_id), sealed).decode()


def _recovery_digest(user_id: int, word: str) -> bytes:
    return keyed_digest(f"recovery {user_id}", word)


def data_uri(svg: str) -> str:
    """Return an SVG as an address an image can show."""
    return f"data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()}"
