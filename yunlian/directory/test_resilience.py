"""Killed, cut off, overtaken: nothing is lost, nothing is done twice."""

import datetime as dt

import pytest

from yunlian.kernel import faults, worker
from yunlian.kernel.document import Refused
from yunlian.kernel.scope import tenant
from yunlian.kernel.sql import run as execute
from yunlian.org.models import Employee

from . import applying, runs
from .models import Change, Run


class Killed(BaseException):
    """The process is gone: nothing after this line runs."""


@pytest.fixture
def kill():
    """Die at a named point, the nth time it is passed."""

    def arm(point: str, nth: int = 1) -> None:
        passed = iter(range(1, 10_000))

        def die() -> None:
            if next(passed) == nth:
                faults.disarm()
                raise Killed

        faults.arm(point, die)

    yield arm
    faults.disarm()


def die_and_come_back(stage) -> None:
    """The worker dies at the armed point; its lease runs out; another takes over."""
    held = worker.claim(0, stage.founded.chain_id, dt.datetime.now(dt.UTC))
    with pytest.raises(Killed):
        worker.perform(held)
    execute("UPDATE kernel_task SET until = now() - interval '1 second'", [])
    stage.work()


def start(stage, act, run) -> None:
    with stage.enter() as ctx:
        act(ctx, run.id)


@pytest.mark.parametrize("nth", [1, 2])
@pytest.mark.parametrize("point", ["directory.before_batch", "directory.after_batch"])
def test_a_pull_killed_anywhere_ends_as_if_it_had_not_been(pull, kill, monkeypatch, point, nth) -> None:
    monkeypatch.setattr(applying, "OURS_BATCH", 2)
    run = pull.begin()
    start(pull, runs.apply, run)
    kill(point, nth)
    die_and_come_back(pull)
    assert pull.run(run).state == "applied"
    assert [c.state for c in pull.changes(run)] == ["applied"] * 5
    assert sorted(e.name for e in pull.employees().values()) == ["张三", "李四", "王五", "管理员"]


@pytest.mark.parametrize("nth", [1, 2])
@pytest.mark.parametrize("point", ["directory.attempted", "directory.called"])
def test_a_push_killed_anywhere_doubles_nothing(push, kill, monkeypatch, point, nth) -> None:
    monkeypatch.setattr(applying, "THEIRS_BATCH", 2)
    run = push.begin()
    start(push, runs.apply, run)
    kill(point, nth)
    die_and_come_back(push)
    assert [c.state for c in push.changes(run)] == ["applied"] * 4
    assert sorted(push.platform.members) == ["boss", "e2", "zhangsan"]
    assert sorted(each.name for each in push.platform.tree.values()) == ["corp", "销售"]
    assert push.acts(push.begin()) == []
    push.undo(push.run(run))
    assert (list(push.platform.members), list(push.platform.tree)) == ([], ["1"])


def test_undoing_that_was_killed_goes_on(pull, kill, monkeypatch) -> None:
    monkeypatch.setattr(applying, "OURS_BATCH", 2)
    before = pull.rows()
    run = pull.sync()
    start(pull, runs.undo, run)
    kill("directory.after_undo")
    die_and_come_back(pull)
    assert pull.run(run).state == "undone"
    assert pull.rows() == before


def test_an_account_that_somebody_else_made_meanwhile_is_not_taken_over(push) -> None:
    run = push.begin()
    push.platform.members["e2"] = push.platform.members.get("e2") or _stranger("e2")
    run = push.apply(run)
    failed = [c for c in push.changes(run) if c.state == "failed"]
    assert [(c.name, c.error) for c in failed] == [("李四", "60102")]
    assert push.platform.members["e2"].name == "别人"


def _stranger(key: str):
    from .side import Person

    return Person(key, "别人", key, "13500000000", ("1",))


def test_a_platform_that_goes_down_half_way_leaves_a_run_that_goes_on(push) -> None:
    push.platform.down_after = 2
    run = push.apply(push.begin())
    assert run.state == "stopped"
    assert "no-answer" in run.error
    assert [c.state for c in push.changes(run)] == ["applied", "applied", "planned", "planned"]
    push.platform.down_after = None
    run = push.apply(run)
    assert run.state == "applied"
    assert [c.state for c in push.changes(run)] == ["applied"] * 4
    assert [call[0] for call in push.platform.calls].count("add_person") == 3


def test_a_run_that_stopped_half_way_can_be_taken_back_as_well(push) -> None:
    here, there = push.rows(), push.platform.picture()
    push.platform.down_after = 2
    run = push.apply(push.begin())
    push.platform.down_after = None
    run = push.undo(run)
    assert run.state == "undone"
    assert push.platform.picture() == there
    assert push.rows() == here


def test_a_platform_that_is_down_while_read_leaves_no_plan(push) -> None:
    push.platform.down_after = 0
    run = push.begin()
    assert (run.state, push.changes(run)) == ("failed", [])
    push.platform.down_after = None
    assert push.begin().state == "planned"


def test_what_the_platform_refuses_for_one_does_not_stop_the_others(push) -> None:
    push.platform.refused["e2"] = "60103"
    run = push.apply(push.begin())
    assert run.state == "applied"
    by_name = {c.name: c for c in push.changes(run)}
    assert (by_name["李四"].state, by_name["李四"].error, by_name["李四"].remedy) == (
        "failed", "60103", "Put it right.",
    )  # fmt: skip
    assert by_name["张三"].state == "applied"


def test_two_runs_at_once_the_second_learns_who_was_first(push) -> None:
    with push.enter() as ctx:
        runs.begin(ctx, push.conn)
    with push.enter() as ctx, pytest.raises(Refused, match="管理员") as refused:
        runs.begin(ctx, push.conn)
    assert [p.code for p in refused.value.problems] == ["at_work"]
    push.work()
    assert push.begin().state == "planned"


def test_a_run_whose_worker_is_gone_for_good_does_not_stand_in_the_way(push) -> None:
    with push.enter() as ctx:
        first = runs.begin(ctx, push.conn)
        execute("DELETE FROM kernel_task", [])
    assert push.begin().state == "planned"
    assert push.run(first).state == "failed"


def test_a_plan_is_not_applied_after_another_was(pull) -> None:
    old, new = pull.begin(), pull.begin()
    pull.apply(new)
    with pull.enter() as ctx, pytest.raises(Refused) as refused:
        runs.apply(ctx, old.id)
    assert [p.code for p in refused.value.problems] == ["stale"]
    assert [c.state for c in pull.changes(old)] == ["planned"] * 5


def test_the_later_run_is_taken_back_first(pull) -> None:
    first = pull.sync()
    pull.platform.change_person("u1", name="张三丰")
    second = pull.sync()
    with pull.enter() as ctx, pytest.raises(Refused) as refused:
        runs.undo(ctx, first.id)
    assert [p.code for p in refused.value.problems] == ["later"]
    pull.undo(second)
    assert pull.undo(first).state == "undone"


def test_who_was_changed_here_after_the_plan_is_not_overwritten(pull) -> None:
    pull.sync()
    pull.platform.change_person("u1", name="张三丰")
    run = pull.begin()
    with tenant(pull.id):
        Employee.objects.filter(code="U1").update(name="张三三")
    run = pull.apply(run)
    assert [(c.state, c.error) for c in pull.changes(run)] == [("failed", "stale")]
    assert pull.employees()["U1"].name == "张三三"


def test_who_was_changed_here_after_the_sync_is_not_taken_back(pull) -> None:
    pull.sync()
    pull.platform.change_person("u1", name="张三丰")
    run = pull.sync()
    with tenant(pull.id):
        Employee.objects.filter(code="U1").update(note="by hand", version=77)
    run = pull.undo(run)
    assert [(c.state, c.error) for c in pull.changes(run)] == [("not_undone", "changed")]
    assert (pull.employees()["U1"].name, pull.employees()["U1"].note) == ("张三丰", "by hand")


def test_what_was_left_out_of_a_plan_is_not_done(pull) -> None:
    run = pull.begin()
    (out,) = pull.changes(run, name="王五")
    with pull.enter() as ctx:
        assert runs.leave_out(ctx, run.id, [str(out.id)], is_out=True) == 1
    pull.apply(run)
    assert "U3" not in pull.employees()
    assert pull.acts(pull.begin()) == [("add", "王五", "")]


def test_a_run_cancelled_half_way_stays_as_far_as_it_got_and_goes_on(pull, monkeypatch) -> None:
    monkeypatch.setattr(applying, "OURS_BATCH", 2)
    run = pull.begin()
    start(pull, runs.apply, run)
    faults.arm("directory.after_batch", lambda: execute("UPDATE kernel_task SET is_cancelled = true", []))
    held = worker.claim(0, pull.founded.chain_id, dt.datetime.now(dt.UTC))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(worker.Held, "__call__", _ask_each_time)
        worker.perform(held)
    faults.disarm()
    with pull.enter() as ctx:
        assert runs.find(ctx, run.id).state == "stopped"
    with tenant(pull.id):
        assert Change.objects.filter(run_id=run.id, state="applied").count() == 2
        assert Run.objects.get(id=run.id).applied_at is not None
    assert pull.apply(run).state == "applied"
    assert len(pull.employees()) == 4


def _ask_each_time(self, done, total=None) -> None:
    rows = execute("SELECT is_cancelled FROM kernel_task WHERE id = %s", [self.id])
    if rows and rows[0][0]:
        raise worker.Cancelled
