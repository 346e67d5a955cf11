"""Random histories: whatever happened there, a sync makes the sides equal, and undoing everything gives every row back."""

import random

import pytest

from yunlian.kernel.scope import tenant
from yunlian.org.models import Department, Employee

from . import runs
from .conftest import mobile
from .side import Department as TheirDepartment
from .side import Person

NAMES = ["甲", "乙", "丙", "丁", "戊", "己"]
SEEDS = range(6)


def change_there(stage, dice: random.Random, n: int) -> None:
    """Something happens in DingTalk."""
    there = stage.platform
    places = [key for key in there.tree if key != "1"]
    people = sorted(there.members)
    what = dice.choice(
        ["hire", "hire", "leave", "rename", "move", "found", "rename_department", "move_department", "close"]
    )
    if what == "hire":
        key = f"n{n}"
        there.members[key] = Person(key, f"新{n}", key, mobile(), (dice.choice(places),), union=f"u-{key}")
    elif what == "found":
        there.tree[f"9{n}"] = TheirDepartment(f"9{n}", f"部{n}", dice.choice(["1", *places]))
    elif what == "rename_department":
        there.change_department(dice.choice(places), name=f"改{n}")
    elif what == "move_department":
        key = dice.choice(places)
        above = [p for p in ["1", *places] if p != key and not _is_below(there, p, key)]
        there.change_department(key, parent=dice.choice(above))
    elif what == "close":
        empty = [
            key for key in places
            if not any(key in m.departments for m in there.members.values())
            and not any(d.parent == key for d in there.tree.values())
        ]  # fmt: skip
        if empty and len(places) > 2:
            del there.tree[dice.choice(empty)]
    elif people and what == "leave":
        del there.members[dice.choice(people)]
    elif people and what == "rename":
        there.change_person(dice.choice(people), name=f"名{n}")
    elif people:
        there.change_person(dice.choice(people), departments=(dice.choice(places),))


def _is_below(there, key: str, above: str) -> bool:
    while key in there.tree:
        if key == above:
            return True
        key = there.tree[key].parent
    return False


def synced(stage):
    """Sync, releasing what is held: here nothing is a surprise."""
    run = stage.begin()
    if run.state == "held":
        with stage.enter() as ctx:
            runs.override(ctx, run.id, "as the story has it")
    return stage.apply(run)


def as_there(stage) -> dict[str, tuple[str, str]]:
    """People at work by the platform's key: name and department's name."""
    found = {}
    for code, e in stage.employees().items():
        if code != "0001" and e.job == "employed":
            found[code.casefold()] = (e.name, e.department.name)
    return found


@pytest.mark.parametrize("seed", SEEDS)
def test_pulls_make_the_sides_equal_and_undo_gives_every_row_back(pull, seed: int) -> None:
    dice = random.Random(seed)
    pictures, done = [], []
    for n in range(6):
        for each in range(dice.randint(0, 4)):
            change_there(pull, dice, 10 * n + each)
        pictures.append(pull.rows())
        done.append(synced(pull))
        there = pull.platform
        assert as_there(pull) == {
            key.casefold(): (m.name, there.tree[m.departments[0]].name) for key, m in there.members.items()
        }, f"seed {seed}, step {n}"
        failed = [(c.name, c.error, c.remedy) for c in pull.changes(done[-1]) if c.state != "applied"]
        assert failed == [], f"seed {seed}, step {n}"
        assert pull.acts(pull.begin()) == [], f"seed {seed}, step {n}"
    for run, picture in zip(reversed(done), reversed(pictures), strict=True):
        ended = pull.undo(run)
        assert {c.state for c in pull.changes(ended)} <= {"undone"}, f"seed {seed}"
        assert pull.rows() == picture, f"seed {seed}"


def change_here(stage, dice: random.Random, n: int) -> None:
    """Something happens in our own organisation."""
    with tenant(stage.id):
        places = list(Department.objects.filter(is_active=True).order_by("code").values_list("id", flat=True))
        people = list(
            Employee.objects.filter(kind="person")
            .exclude(code="0001")
            .order_by("code")
            .values_list("id", flat=True)
        )
    what = dice.choice(["hire", "hire", "leave", "back", "rename", "move", "found"])
    if what == "hire":
        stage.hire(f"h{n}", f"新{n}", department=str(dice.choice(places)))
        return
    if what == "found":
        stage.department(f"F{n}", f"部{n}", dice.choice(places))
        return
    who = Employee.objects.filter(id=dice.choice(people))
    values = {
        "leave": {"job": "left"}, "back": {"job": "employed"}, "rename": {"name": f"名{n}"},
        "move": {"department_id": dice.choice(places)},
    }[what]  # fmt: skip
    with tenant(stage.id):
        Employee.objects.filter(id__in=who.values_list("id")).update(**values)


@pytest.mark.parametrize("seed", SEEDS)
def test_pushes_make_the_sides_equal_and_undo_gives_the_platform_back(push, seed: int) -> None:
    dice = random.Random(seed)
    pictures, done = [], []
    for n in range(5):
        with tenant(push.id):
            for each in range(dice.randint(0, 4)):
                change_here(push, dice, 10 * n + each)
        pictures.append((push.platform.picture(), push.rows()["directory_match"]))
        done.append(synced(push))
        _assert_equal(push, f"seed {seed}, step {n}")
        assert push.acts(push.begin()) == []
    for run, (there, matches) in zip(reversed(done), reversed(pictures), strict=True):
        ended = push.undo(run)
        assert {c.state for c in push.changes(ended)} <= {"undone"}, f"seed {seed}"
        assert push.platform.picture() == there, f"seed {seed}"
        assert push.rows()["directory_match"] == matches, f"seed {seed}"


def _assert_equal(stage, where: str) -> None:
    there = stage.platform
    root = stage.departments()["云上家居"].name
    for e in stage.employees().values():
        member = there.members.get((e.login or e.code).casefold())
        if e.job != "employed":
            assert member is None or not member.is_active, where
            continue
        assert member is not None, where
        place = there.tree[member.departments[0]].name
        assert (member.name, place) == (e.name, "corp" if e.department.name == root else e.department.name), (
            where
        )
