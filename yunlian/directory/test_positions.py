"""Positions: what the platform calls a title is a row here, made when it is lacking; what we call a position goes there as text."""

from dataclasses import replace

from yunlian.kernel.save import save
from yunlian.kernel.scope import tenant
from yunlian.org.models import Employee, Position

from . import changes
from .planning import FIELDS_OF, Pair, Policy, plan
from .planning import Position as Known
from .side import OURS
from .test_parts import below
from .test_planning import PULL_TREE, ours, theirs


def titles(stage) -> dict[str, str]:
    with tenant(stage.id):
        rows = Employee.objects.filter(kind="person", position_id__isnull=False).select_related("position")
        return {each.name: each.position.name for each in rows}


def positions(stage) -> dict[str, bool]:
    with tenant(stage.id):
        return dict(Position.objects.order_by("code").values_list("name", "is_active"))


def planned(known: dict[str, Known], *titles: str) -> list[tuple[str, str, str]]:
    policy = Policy(OURS, frozenset(FIELDS_OF["pull"]), known)
    pairs = [
        Pair(f"p{n}", theirs(f"p{n}", position=title), ours(f"p{n}"), is_matched=True)
        for n, title in enumerate(titles)
    ]
    return [(c.kind, c.act, c.name) for c in plan(PULL_TREE, pairs, policy)]


def test_a_position_that_is_lacking_is_made_once_before_the_first_who_holds_it() -> None:
    assert planned({}, "导购", "导购") == [
        ("position", "add", "导购"), ("person", "change", "张三"), ("person", "change", "张三"),
    ]  # fmt: skip


def test_a_position_that_is_there_is_taken_and_one_out_of_use_is_used_again() -> None:
    assert planned({"导购": Known("k")}, "导购") == [("person", "change", "张三")]
    assert planned({"导购": Known("k", is_active=False)}, "导购")[0] == ("position", "restore", "导购")


def test_whoever_has_no_title_there_keeps_their_position_here() -> None:
    assert planned({"店长": Known("k")}, "") == []


def test_titles_become_positions_in_the_plan_then_here_and_undo_takes_them_back(pull) -> None:
    pull.sync()
    for key in ("u1", "u2"):
        pull.platform.change_person(key, position="导购")
    run = pull.begin()
    assert [(c.kind, c.act, c.name) for c in pull.changes(run)] == [
        ("position", "add", "导购"), ("person", "change", "张三"), ("person", "change", "李四"),
    ]  # fmt: skip
    assert positions(pull) == {}
    pull.apply(run)
    assert (positions(pull), titles(pull)) == ({"导购": True}, {"张三": "导购", "李四": "导购"})
    assert pull.acts(pull.begin()) == []
    pull.undo(run)
    assert (positions(pull), titles(pull)) == ({}, {})


def test_a_position_somebody_else_has_got_since_stays_when_the_run_is_taken_back(pull) -> None:
    pull.sync()
    pull.platform.change_person("u1", position="导购")
    run = pull.sync()
    with tenant(pull.id):
        made = Position.objects.get()
    pull.hire("x1", "后来", position=str(made.id))
    pull.undo(run)
    assert [(c.kind, c.state, c.error) for c in pull.changes(run, state="not_undone")] == [
        ("position", "not_undone", "tied")
    ]
    assert titles(pull) == {"后来": "导购"}


def test_a_position_left_out_is_not_made_and_the_person_keeps_none(pull) -> None:
    pull.sync()
    pull.platform.change_person("u1", position="导购", name="张三改")
    run = pull.begin()
    with tenant(pull.id):
        changes.Change.objects.filter(run_id=run.id, kind="position").update(state="left_out")
    pull.apply(run)
    assert (positions(pull), titles(pull)) == ({}, {})
    assert pull.employees()["U1"].name == "张三改"


def test_a_position_made_by_hand_after_the_plan_is_taken_not_doubled(pull) -> None:
    pull.sync()
    pull.platform.change_person("u1", position="导购")
    run = pull.begin()
    with pull.enter() as ctx:
        save("org.position", ctx, {"code": "G", "name": "导购"})
    pull.apply(run)
    assert (positions(pull), titles(pull)) == ({"导购": True}, {"张三": "导购"})
    pull.undo(run)
    assert (positions(pull), titles(pull)) == ({"导购": True}, {})


def test_a_sync_of_one_department_takes_along_the_positions_of_its_people(pull) -> None:
    pull.sync()
    pull.platform.change_person("u1", position="店长")
    pull.platform.change_person("u2", position="导购")
    pull.apply(below(pull, "设计"))
    assert (positions(pull), titles(pull)) == ({"导购": True}, {"李四": "导购"})


def test_a_position_is_pushed_as_a_title(push) -> None:
    with push.enter() as ctx:
        made = save("org.position", ctx, {"code": "G", "name": "导购"}).pk
    with tenant(push.id):
        Employee.objects.filter(code="E1").update(position_id=made)
    push.sync()
    assert push.platform.members["zhangsan"].position == "导购"
    with tenant(push.id):
        Position.objects.update(name="店长")
    run = push.sync()
    assert [(c.act, c.fields) for c in push.changes(run)] == [("change", {"position": ["导购", "店长"]})]
    assert push.platform.members["zhangsan"].position == "店长"
    push.undo(run)
    assert push.platform.members["zhangsan"].position == "导购"


def test_a_title_changed_there_is_put_right_by_a_push(push) -> None:
    push.sync()
    push.platform.members["zhangsan"] = replace(push.platform.members["zhangsan"], position="总经理")
    run = push.sync()
    assert [(c.act, c.fields) for c in push.changes(run)] == [("change", {"position": ["总经理", ""]})]
