"""Values out of DingTalk's JSON, which spells one thing several ways: numbers as texts, flags as texts, old names."""

import re
from typing import Any, Final

Json = dict[str, Any]
WHOLE: Final = re.compile(r"-?[0-9]{1,18}")


def text(body: Json, *names: str) -> str:
    """The first of `names` that is there, as text; empty when none is."""
    for name in names:
        value = body.get(name)
        if value is not None and value != "":
            return str(value)
    return ""


def number(body: Json, *names: str) -> int:
    """The first of `names` that is a whole number, written as one or as text; 0 when none is."""
    for name in names:
        value = body.get(name)
        if isinstance(value, bool):
            continue
        if isinstance(value, int):
            return value
        if isinstance(value, str) and WHOLE.fullmatch(value):
            return int(value)
    return 0


def flag(body: Json, name: str) -> bool:
    """Whether `name` says true, as JSON has it or as DingTalk's older pages write it."""
    return body.get(name) in (True, "true")


def listed(body: Json, name: str) -> list[Json]:
    """The objects of the list `name`; none when it is missing."""
    value = body.get(name)
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def part(body: Json, *names: str) -> Json:
    """The object under the first of `names` that has one; empty when none has."""
    for name in names:
        if isinstance(value := body.get(name), dict):
            return value
    return {}


def several(body: Json, *names: str) -> tuple[str, ...]:
    """The values under the first of `names` that has any, as texts; a lone value counts as a list of one."""
    for name in names:
        value = body.get(name)
        if value not in (None, "", []):
            return tuple(str(each) for each in (value if isinstance(value, list) else [value]))
    return ()


def numbers(values: tuple[str, ...]) -> tuple[int, ...]:
    """Those that are whole numbers."""
    return tuple(int(each) for each in values if WHOLE.fullmatch(each))
