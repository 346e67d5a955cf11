"""Chores are done about as often as they ask, by one worker, and one that fails keeps no other from being done."""

import datetime as dt
import uuid

import pytest

from . import chores
from .testing import NOW


@pytest.fixture
def done(monkeypatch, db):
    """What was done, by name; two chores, of which the first can be made to fail."""
    found: list[str] = []
    monkeypatch.setattr(chores, "CHORES", [])

    @chores.chore("first", every_s=10)
    def first(now: dt.datetime) -> None:
        if "broken" in found:
            raise ValueError("broken")
        found.append("first")

    @chores.chore("second", every_s=60)
    def second(now: dt.datetime) -> None:
        found.append("second")

    return found


def after(seconds: float) -> dt.datetime:
    return NOW + dt.timedelta(seconds=seconds)


def test_each_is_done_when_its_time_has_come(done) -> None:
    mine = chores.Chores(uuid.uuid4())
    for seconds in (0, 5, 10, 20, 59, 60):
        mine.visit(after(seconds))
    assert done == ["first", "second", "first", "first", "first", "second"]


def test_one_worker_does_them_until_it_is_gone(done) -> None:
    mine, other = chores.Chores(uuid.uuid4()), chores.Chores(uuid.uuid4())
    mine.visit(after(0))
    other.visit(after(1))
    assert done == ["first", "second"]
    other.visit(after(1000))
    assert done == ["first", "second"] * 2


def test_one_that_fails_keeps_no_other_from_being_done(done, caplog) -> None:
    done.append("broken")
    chores.Chores(uuid.uuid4()).visit(after(0))
    assert done == ["broken", "second"]
    assert "the chore first failed" in caplog.text
