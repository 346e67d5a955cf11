"""A sync of one department: what it asks of the platform does not grow with the rest, and it plans what a whole one would there."""

import uuid
from dataclasses import replace

import pytest

from yunlian.kernel.document import Invalid, Refused
from yunlian.kernel.scope import tenant
from yunlian.org.models import Department, Employee

from . import connections, runs
from .conftest import Stage, mobile
from .models import Run
from .side import Department as TheirDepartment
from .side import Person
from .test_undo import everything


def below(stage: Stage, name: str) -> Run:
    """Plan one department."""
    with stage.enter() as ctx:
        run = runs.begin_below(ctx, stage.conn, str(stage.departments()[name].id))
    stage.platform.read.clear()
    stage.work()
    return stage.run(run)


def seen_as_whole(stage: Stage) -> list[tuple[str, str, str]]:
    run = stage.begin()
    with stage.enter() as ctx:
        runs.drop(ctx, run.id)
    return stage.acts(run)


def grow(stage: Stage, n: int) -> None:
    """The rest of the corp grows; our department stays."""
    there = stage.platform
    for each in range(n):
        key = f"3{each}"
        there.tree[key] = TheirDepartment(key, f"别处{each}", "1")
        there.members[f"r{each}"] = Person(f"r{each}", f"别人{each}", f"r{each}", mobile(), (key,))


# --- pull


def test_a_pull_of_one_department_asks_as_much_however_large_the_rest_is(pull) -> None:
    pull.sync()
    below(pull, "设计")
    asked = list(pull.platform.read)
    assert asked == [
        ("department", "11"), ("departments", "11"), ("people", "11"), ("department", "10"), ("department", "1"),
    ]  # fmt: skip
    grow(pull, 40)
    below(pull, "设计")
    assert pull.platform.read == asked


def test_a_pull_of_one_department_plans_its_part_and_nothing_else(pull) -> None:
    pull.sync()
    there = pull.platform
    there.change_person("u1", name="张三改")  # sales, above
    there.change_person("u2", name="李四改")
    del there.members["u3"]
    there.members["u4"] = Person("u4", "赵六", "u4", mobile(), ("11",), union="union-u4")
    there.tree["12"] = TheirDepartment("12", "软装", "11")
    there.change_department("10", name="销售部")
    run = below(pull, "设计")
    assert sorted(pull.acts(run)) == [
        ("add", "赵六", ""), ("add", "软装", ""), ("change", "李四改", ""), ("disable", "王五", "vanished"),
    ]  # fmt: skip
    assert set(pull.acts(run)) < set(seen_as_whole(pull))
    before = everything(pull)
    pull.apply(run)
    assert pull.employees()["U1"].name == "张三"
    assert pull.acts(below(pull, "设计")) == []
    pull.undo(run)
    assert everything(pull) == before


def test_who_moved_out_is_followed_and_who_came_in_is_known(pull) -> None:
    pull.sync()
    pull.platform.change_person("u2", departments=("10",))
    pull.platform.change_person("u1", departments=("11",))
    run = below(pull, "设计")
    assert [(c.name, c.fields["department"]) for c in pull.changes(run)] == [
        ("张三", ["销售", "设计"]), ("李四", ["设计", "销售"]),
    ]  # fmt: skip
    pull.apply(run)
    assert seen_as_whole(pull) == []


def test_somebody_who_looks_like_one_of_another_department_is_asked_about(pull) -> None:
    pull.sync()
    pull.hire("x1", "孙八", mobile="13812345678")
    pull.platform.members["u8"] = Person("u8", "孙八", "u8", "13812345678", ("11",), union="union-u8")
    assert pull.acts(below(pull, "设计")) == [("conflict", "孙八", "same_mobile")]


def test_a_department_that_lies_elsewhere_there_is_read_where_it_is(pull) -> None:
    pull.sync()
    pull.platform.change_department("11", parent="1")
    run = below(pull, "销售")
    assert [(c.act, c.name) for c in pull.changes(run)] == [("move", "设计")]
    pull.apply(run)
    assert seen_as_whole(pull) == []


def test_many_leavers_of_a_small_department_are_held_though_the_enterprise_is_large(pull) -> None:
    there = pull.platform
    for n in range(60):
        there.members[f"s{n}"] = Person(f"s{n}", f"人{n}", f"s{n}", mobile(), ("10",), union=f"us{n}")
    for n in range(8):
        there.members[f"d{n}"] = Person(f"d{n}", f"师{n}", f"d{n}", mobile(), ("11",), union=f"ud{n}")
    pull.sync()
    for n in range(6):
        del there.members[f"d{n}"]
    run = below(pull, "设计")
    assert (run.state, [g["code"] for g in run.guards]) == ("held", ["too_many_vanish"])
    assert run.guards[0]["params"] == {"gone": 6, "of": 10, "most": 5}


def test_a_department_we_may_no_longer_see_holds_the_run(pull) -> None:
    pull.sync()
    pull.platform.tree.pop("11")
    pull.platform.members = {k: m for k, m in pull.platform.members.items() if k == "u1"}
    run = below(pull, "设计")
    assert (run.state, run.guards[0]["code"], run.guards[0]["params"]["names"]) == (
        "held",
        "range_shrank",
        "设计",
    )


def test_a_department_that_is_not_linked_cannot_be_pulled_alone(pull) -> None:
    pull.sync()
    made = pull.department("X", "只在这里")
    with pull.enter() as ctx:
        with pytest.raises(Refused) as refused:
            runs.begin_below(ctx, pull.conn, str(made))
        assert [p.code for p in refused.value.problems] == ["unlinked"]
        with pytest.raises(Invalid):
            runs.begin_below(ctx, pull.conn, str(uuid.uuid4()))
        assert runs.begin_below(ctx, pull.conn, str(pull.departments()["设计"].id)).part[0][0] == "below"


# --- push


def test_a_push_of_one_department_asks_as_much_however_large_the_rest_is(push) -> None:
    push.sync()
    below(push, "销售")
    asked = list(push.platform.read)
    assert [each[0] for each in asked] == ["department", "departments", "people"]
    grow(push, 40)
    below(push, "销售")
    assert push.platform.read == asked


def test_a_push_of_one_department_plans_its_part_and_nothing_else(push) -> None:
    push.sync()
    place = push.department("S1", "一组", push.departments()["销售"].id)
    push.hire("n1", "新人", department=str(place))
    push.hire("n2", "别处新人")
    with tenant(push.id):
        Employee.objects.filter(code="E1").update(name="张三改")
        Employee.objects.filter(code="0001").update(name="管理员改")
        Employee.objects.filter(code="E2").update(job="left")
    run = below(push, "销售")
    assert sorted(push.acts(run)) == [
        ("add", "一组", ""), ("add", "新人", ""), ("change", "张三改", ""), ("disable", "李四", "left"),
    ]  # fmt: skip
    there, before = push.platform.picture(), everything(push)
    push.apply(run)
    assert [c.state for c in push.changes(run)] == ["applied"] * 4
    assert push.platform.members["zhangsan"].name == "张三改"
    assert "n2" not in push.platform.members
    push.undo(run)
    assert (push.platform.picture(), everything(push)) == (there, before)


def test_a_department_that_is_new_with_one_above_it_is_made_with_both(push) -> None:
    push.sync()
    above = push.department("A", "大区")
    place = push.department("B", "门店", above)
    push.department("C", "别的", above)
    push.hire("n1", "新人", department=str(place))
    run = below(push, "门店")
    assert [(c.act, c.name) for c in push.changes(run)] == [("add", "大区"), ("add", "门店"), ("add", "新人")]
    push.apply(run)
    assert [c.state for c in push.changes(run)] == ["applied"] * 3


def test_who_moved_here_out_of_the_department_moves_there_too(push) -> None:
    push.department("D", "设计")
    push.sync()
    with tenant(push.id):
        Employee.objects.filter(code="E1").update(department_id=Department.objects.get(code="D").id)
    run = below(push, "销售")
    assert [(c.act, c.name, c.fields["department"]) for c in push.changes(run)] == [
        ("move", "张三", ["销售", "设计"])
    ]
    push.apply(run)
    assert seen_as_whole(push) == []


def test_who_stands_in_a_second_department_there_keeps_it(push) -> None:
    push.department("D", "设计")
    push.sync()
    there = push.platform
    (design,) = [key for key, each in there.tree.items() if each.name == "设计"]
    member = there.members["zhangsan"]
    there.members["zhangsan"] = replace(member, departments=(*member.departments, design))
    whole = [c.fields for c in push.changes(push.begin())]
    assert [c.fields for c in push.changes(below(push, "销售"))] == whole


def test_an_account_that_stands_elsewhere_there_is_not_made_twice(push) -> None:
    push.sync()
    push.platform.members["n1"] = Person("n1", "另一人", "n1", mobile(), ("1",))
    push.hire("n1", "新人", department=str(push.departments()["销售"].id))
    assert push.acts(below(push, "销售")) == [("conflict", "新人", "same_account")]


def test_a_run_of_one_department_says_so_and_leaves_what_the_whole_has_seen(push) -> None:
    push.sync()
    seen = push.conn.seen
    push.apply(below(push, "销售"))
    conn = push.conn
    assert (conn.seen, connections.reader_of(conn).root) == (seen, "1")
