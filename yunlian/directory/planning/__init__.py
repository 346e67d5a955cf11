"""What a sync would do: pure, from the two sides to changes and conflicts, each with its reason.

The source is the side that is right (ours when we push, the platform's when we pull), the target is written to. Nobody is
guessed: where it is not certain who somebody is or where they belong, a conflict is listed, and a decision, once made,
is remembered and counts in every later plan. Persons are judged one by one, so that a plan of any size takes no more
memory than the two trees of departments.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from .departments import changed, vanished
from .people import People
from .positions import Lacking
from .tree import Tree
from .values import Change, Pair, Policy, Position, Rival, Verdict
from .ways import FIELDS_OF, WAYS, topic

__all__ = (
    "FIELDS_OF", "WAYS", "Change", "Pair", "People", "Policy", "Position", "Rival", "Tree", "Verdict", "plan", "topic",
)  # fmt: skip


def plan(tree: Tree, pairs: Iterable[Pair], policy: Policy) -> Iterator[Change]:
    """Yield changes in an order in which they can be made: departments downward, persons, departments upward.

    A position that is lacking comes just before the first person who is to hold it.
    """
    departments = list(changed(tree, policy))
    stuck = frozenset(change.source for change in departments if change.act == "conflict")
    linked = {c.source: c.target for c in departments if c.reason == "linked"}
    if linked:
        tree = replace(tree, matched={**tree.matched, **linked})
    yield from departments
    people = People(tree, policy, stuck)
    lacking = Lacking(policy)
    for pair in pairs:
        change = people.judge(pair)
        if change is not None:
            yield from lacking.before(change)
            yield change
    yield from vanished(tree)
