"""T1: the protocol's invariants under a thousand seeded storms, and proof that the storm would see their loss."""

import re
from collections import Counter
from pathlib import Path

import pytest

from tests.chain import model
from tests.chain.simulator import SCENARIOS, InvariantError, run

SEEDS = 1000

# Guards whose loss alone is seen, each with the scenario that shows it soonest.
ALONE = {
    "effect and state together": "plain",
    "epoch": "restore",
    "freeze": "clone",
    "gap": "restore",
    "handled once": "blind restore",
    "handshake first": "restore",
    "higher epoch": "restore",
    "known row": "restore",
    "late numbering": "plain",
    "make room": "restore",
    "no further than sent": "clone",
    "no receipt of receipts": "plain",
    "parking": "poison",
    "position": "plain",
    "position after answer": "clone",
    "probe": "clone",
    "random id": "clone",
    "receipt in same transaction": "plain",
    "rewind": "restore",
    "same branch": "blind restore",
    "same digest": "clone",
    "thread order": "plain",
    "threads apart": "poison",
    "threads go back": "blind restore",
    "true answer": "restore",
    "window": "plain",
}

# Guards that cover each other: any one may go unseen, together they may not.
TOGETHER = {
    ("commit before answer", "probe"): "plain",
    ("position after answer", "probe"): "plain",
    ("look again", "replay refused"): "plain",
    ("look again", "replay refused", "unique document"): "plain",
    ("thread waits", "version gap waits"): "poison",
    ("lane lock", "unique number"): "plain",
    ("same digest", "hash path"): "blind restore",
    ("peer ahead", "same digest"): "blind restore",
}


def test_holds_its_invariants_in_a_thousand_storms():
    seen: Counter[str] = Counter()
    for seed in range(SEEDS):
        seen += run(seed).seen
    met = ("gap", "busy", "fork", "stale", "released", "killed at a step", "hello", "welcome", "fetch", "old")
    for happened in (*met, "theirs chosen", "ours chosen", *SCENARIOS[2:]):
        assert seen[happened] > 30, f"the storm is too mild: {happened} {seen[happened]} times"


def test_repeats_a_seed_exactly():
    assert [run(seed).seen for seed in range(20)] == [run(seed).seen for seed in range(20)]


@pytest.mark.parametrize(
    ("guards", "scenario"),
    [
        *(pytest.param((guard,), scenario, id=guard) for guard, scenario in ALONE.items()),
        *(pytest.param(guards, scenario, id=" + ".join(guards)) for guards, scenario in TOGETHER.items()),
    ],
)
def test_sees_a_missing_guard(guards, scenario):
    assert first_failure(guards, scenario), "a thousand storms passed without this guard"


@pytest.mark.parametrize("guard", sorted({g for group in TOGETHER for g in group} - ALONE.keys()))
def test_stands_on_the_other_guard_when_one_of_a_group_is_missing(guard):
    for seed in range(100):
        run(seed, (guard,))


def test_tries_to_lose_every_guard_of_the_model():
    source = Path(model.__file__).read_text(encoding="utf-8")
    named = set(re.findall(r'holds\("([^"]+)"\)', source))
    assert named == ALONE.keys() | {guard for group in TOGETHER for guard in group}


def test_names_the_seed_of_a_failure():
    assert re.search(r"\(seed \d+, plain, without \['window'\]\)", first_failure(("window",), "plain"))


def first_failure(guards, scenario):
    """The first complaint heard when these guards are taken away; empty when there is none."""
    for seed in range(SEEDS):
        try:
            run(seed, guards, scenario)
        except InvariantError as failure:
            return str(failure)
    return ""
