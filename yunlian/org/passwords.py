"""What a password must be, and how it is kept: Argon2id, never the password itself."""

import secrets
import string
import unicodedata
from functools import cache
from typing import Any

from django.contrib.auth.hashers import Argon2PasswordHasher, check_password, make_password
from django.contrib.auth.password_validation import CommonPasswordValidator

from yunlian.kernel.document import Invalid, Problem
from yunlian.kernel.text import _

LENGTH_MIN, LENGTH_MAX = 8, 128

# Guessed first where our users live; the common ones of the world are Django's 20,000.
_COMMON_HERE = """
    woaini1314 woaini520 woaini521 5201314520 1314520520 wodemima zhangwei123 wangwei123 a123456789 aa123456 aa123456789
    abc123456 abcd1234 asd123456 qq123456 qwe123456 q123456789 w123456789 zxc123456 1q2w3e4r 1qaz2wsx 1qaz@wsx p@ssw0rd
    password01 passw0rd1 admin123 admin1234 admin888 admin123456 administrator root123456 test1234 test123456 88888888
    66666666 87654321 11223344 12344321 147258369 123698745 789456123 yunlian123 yunlian888 yunlian2026 huawei123 taobao123
"""


class Argon2(Argon2PasswordHasher):
    """Argon2id with 19 MiB, two passes, one lane.

    Source: OWASP Password Storage Cheat Sheet, 2026. Django's own 100 MiB would let a handful of guesses at once
    take a small server's memory.
    """

    time_cost = 2
    memory_cost = 19_456  # KiB
    parallelism = 1


@cache
def _common() -> frozenset[str]:
    return frozenset(CommonPasswordValidator().passwords) | frozenset(_COMMON_HERE.split())


def normal_password(password: Any) -> str:
    """Return a password as it is hashed: the same however a keyboard composes it (NFKC).

    Raises Invalid when it is no text or too long to be hashed.
    """
    if not isinstance(password, str) or len(password) > LENGTH_MAX or "\x00" in password:
        message = _("Must be text of at most %(n)s characters.") % {"n": LENGTH_MAX}
        raise Invalid(Problem("password", message, code="too_long"))
    try:
        return unicodedata.normalize("NFKC", password.encode().decode())
    except UnicodeEncodeError:
        raise Invalid(Problem("password", _("Contains characters that cannot be stored."))) from None


def require_good(password: Any, login: str, field: str = "new") -> str:
    """Return the normalised password; raises Invalid, at `field`, when it is short, common or the login itself."""
    try:
        word = normal_password(password)
    except Invalid as invalid:
        raise Invalid(Problem(field, invalid.problems[0].message, code=invalid.problems[0].code)) from None
    folded = word.casefold()
    if len(word) < LENGTH_MIN:
        message = _("Must have at least %(n)s characters.") % {"n": LENGTH_MIN}
        raise Invalid(Problem(field, message, code="too_short"))
    if folded == login.casefold():
        raise Invalid(Problem(field, _("Must not be the login."), code="login"))
    if folded in _common() or len(set(folded)) < 3:
        raise Invalid(Problem(field, _("Too many people use it: it is guessed first."), code="common"))
    return word


def digest_of(word: str) -> str:
    """Return what is stored of a normalised password: algorithm, parameters, salt and hash."""
    return make_password(word)


def matches(word: str, stored: str | None) -> bool:
    """Whether a normalised password is the stored one; without a stored one it takes the same time to say no."""
    return check_password(word, stored or "!")


# No characters that look alike: first passwords are read aloud and typed from paper.
_ALPHABET = "".join(sorted(set(string.ascii_letters + string.digits) - set("0Oo1lI5S2Z")))


def first_password() -> str:
    """Return a random password of 14 characters, 79 bits."""
    while True:
        word = "".join(secrets.choice(_ALPHABET) for _ in range(14))
        if any(c.isdigit() for c in word):
            return word
