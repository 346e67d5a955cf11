"""One side of a sync as plain values: departments and persons look alike whether they are ours or the platform's."""

import unicodedata
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Department:
    """A department. `key` is stable on its own side; `parent` is the key of the one above, empty at the top."""

    key: str
    name: str
    parent: str = ""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody. `account` is the login (ours) or the user id (theirs).

    `departments` are keys; the first is the main one when `has_main`, else the platform does not say which is.
    """

    key: str
    name: str
    account: str = ""
    mobile: str = ""
    departments: tuple[str, ...] = ()
    has_main: bool = True
    position: str = ""
    is_active: bool = True
    is_admin: bool = False
    union: str = ""


@dataclass(frozen=True)
class Rules:
    """What a side demands of what is written to it, and what it tells.

    `account` and `bad_in_department` are regular expressions; lengths are characters. `needs_mobile`: everybody has one,
    and no two the same. `is_account_key`: the account is how a person is known there (manual 001: member account = login).
    `has_many_departments`: a person may be in several. `untold`: fields of a person that it does not let us read.
    """

    account: str = ""
    name_max: int = 200
    department_max: int = 200
    bad_in_department: str = ""
    needs_mobile: bool = False
    is_account_key: bool = False
    has_many_departments: bool = False
    untold: frozenset[str] = frozenset()


OURS = Rules()


@dataclass(frozen=True)
class Range:
    """What the platform lets us see, as it said so: its top departments, single persons, and how many it counts.

    `people` is None when the platform does not count. `gaps` names what it did not answer.
    """

    tops: tuple[str, ...] = ()
    singles: tuple[str, ...] = ()
    people: int | None = None
    gaps: tuple[str, ...] = field(default=())


def plain_mobile(mobile: str) -> str:
    """Return a mobile as numbers are compared: digits only, without the code of mainland China."""
    digits = "".join(c for c in unicodedata.normalize("NFKC", mobile) if c.isdigit())
    return digits[2:] if len(digits) == 13 and digits.startswith("86") else digits
