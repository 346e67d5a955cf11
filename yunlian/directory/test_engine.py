"""The engine end to end, on PostgreSQL, against a platform in memory: read, plan, apply, undo; both directions."""

from yunlian.kernel.scope import tenant
from yunlian.org.models import Employee

from .models import Match


def test_a_first_push_brings_everybody_there(push) -> None:
    run = push.begin()
    assert push.acts(run) == [
        ("add", "销售", ""), ("add", "管理员", ""), ("add", "张三", ""), ("add", "李四", ""),
    ]  # fmt: skip
    assert push.platform.calls == []
    run = push.apply(run)
    assert (run.state, push.errors()[0]) == ("applied", "")
    assert {key: each.name for key, each in push.platform.members.items()} == {
        "boss": "管理员", "zhangsan": "张三", "e2": "李四",
    }  # fmt: skip
    again = push.begin()
    assert push.acts(again) == []


def test_a_push_that_was_undone_leaves_nothing_on_either_side(push) -> None:
    here, there = push.rows(), push.platform.picture()
    run = push.undo(push.sync())
    assert run.state == "undone"
    assert push.platform.picture() == there
    assert push.rows() == here


def test_a_first_pull_brings_everybody_here(pull) -> None:
    run = pull.begin()
    assert [(a, n) for a, n, _r in pull.acts(run)] == [
        ("add", "销售"), ("add", "设计"), ("add", "张三"), ("add", "李四"), ("add", "王五"),
    ]  # fmt: skip
    pull.apply(run)
    found = pull.employees()
    assert {code: (e.name, e.department.name) for code, e in found.items() if code != "0001"} == {
        "U1": ("张三", "销售"), "U2": ("李四", "设计"), "U3": ("王五", "设计"),
    }  # fmt: skip
    assert pull.departments()["设计"].parent_id == pull.departments()["销售"].id
    assert pull.acts(pull.begin()) == []


def test_a_pull_that_was_undone_gives_back_exactly_the_rows_there_were(pull) -> None:
    here = pull.rows()
    run = pull.undo(pull.sync())
    assert (run.state, [c.state for c in pull.changes(run)]) == ("undone", ["undone"] * 5)
    assert pull.rows() == here


def test_renamed_while_moved_is_written_as_one_and_taken_back_as_one(pull) -> None:
    pull.sync()
    here = pull.rows()
    there = pull.platform
    there.change_person("u1", name="张三丰", departments=("11",))
    there.change_department("11", name="设计部", parent="1")
    run = pull.begin()
    assert pull.acts(run) == [("move", "设计部", ""), ("move", "张三丰", "")]
    pull.apply(run)
    assert pull.employees()["U1"].department.name == "设计部"
    with tenant(pull.id):
        assert Match.objects.filter(ended_at=None, kind="person").count() == 3
    pull.undo(run)
    assert pull.rows() == here


def test_who_leaves_there_loses_access_here_and_comes_back_by_undo(pull) -> None:
    pull.sync()
    del pull.platform.members["u3"]
    here = pull.rows()
    run = pull.begin()
    assert pull.acts(run) == [("disable", "王五", "vanished")]
    pull.apply(run)
    assert pull.employees()["U3"].job == "left"
    pull.undo(run)
    assert pull.rows() == here
    assert pull.employees()["U3"].job == "employed"


def test_who_leaves_here_is_disabled_there_and_enabled_again_by_undo(push) -> None:
    push.sync()
    here, there = push.rows(), push.platform.picture()
    with tenant(push.id):
        Employee.objects.filter(code="E2").update(job="left")
    here = push.rows()
    run = push.begin()
    assert push.acts(run) == [("disable", "李四", "left")]
    push.apply(run)
    assert push.platform.members["e2"].is_active is False
    push.undo(run)
    assert push.platform.picture() == there
    assert push.rows() == here


def test_a_department_that_is_gone_there_is_switched_off_here_and_on_again_by_undo(pull) -> None:
    pull.sync()
    here = pull.rows()
    for key in ("u2", "u3"):
        pull.platform.change_person(key, departments=("10",))
    del pull.platform.tree["11"]
    run = pull.sync()
    assert pull.acts(run) == [("move", "李四", ""), ("move", "王五", ""), ("disable", "设计", "vanished")]
    assert [c.state for c in pull.changes(run)] == ["applied"] * 3
    assert pull.departments()["设计"].is_active is False
    assert pull.acts(pull.begin()) == []
    pull.undo(run)
    assert pull.rows() == here
