"""Taking a run back gives every row of the enterprise back, whatever kind of run it was: all tables are compared, whole."""

import datetime as dt
import json
from collections.abc import Callable
from dataclasses import replace

import pytest
from django.apps import apps
from django.db import connection as database

from yunlian.kernel.models import TenantModel
from yunlian.kernel.scope import tenant
from yunlian.kernel.testing import make
from yunlian.org import access, by_password
from yunlian.org.attempts import Asked
from yunlian.org.models import Employee

from . import conflicts, looks, runs, schedule
from .conftest import Stage, mobile
from .models import Run
from .side import Department as TheirDepartment
from .side import Person
from .test_people import ask_in, give_access, sister, upload, workbook

__all__ = ("sister",)
# What tells of a run and its undo, and so does not go back: append-only, or the work itself.
TOLD = frozenset((
    "kernel_audit", "kernel_outbox", "kernel_job", "directory_run", "directory_change", "directory_look",
))  # fmt: skip
# Versions never repeat (reliability.md L4); a search token is the word it holds, whatever its row is called.
UNCOMPARED = {"kernel_token": ["id", "version"]}


Picture = dict[tuple[str, str], dict]


def everything(stage: Stage) -> Picture:
    """Every row of the enterprise, by table and key."""
    tables = {m._meta.db_table for m in apps.get_models() if issubclass(m, TenantModel)} | {
        "org_membership", "directory_territory", "directory_callbackaddress",
    }  # fmt: skip
    found = {}
    with tenant(stage.id), database.cursor() as cursor:
        for table in sorted(tables - TOLD):
            cursor.execute(
                f"SELECT (to_jsonb(t) - %s::text[])::text FROM {table} t WHERE enterprise_id = %s",
                [UNCOMPARED.get(table, ["version"]), stage.id],
            )
            for (text,) in cursor.fetchall():
                row = json.loads(text)
                found[table, str(row.get("id") or text)] = row
    return found


def differing(before: Picture, after: Picture) -> list[tuple]:
    """What differs, as (table, column, before, after); of a row on one side only, all of it."""
    found: list[tuple] = []
    for table, key in sorted({*before, *after}):
        old, new = before.get((table, key)), after.get((table, key))
        if old is None or new is None:
            found.append((table, "row", old, new))
        else:
            found += [(table, name, old[name], new[name]) for name in old if old[name] != new[name]]
    return found


def released(stage: Stage, run: Run) -> Run:
    if run.state == "held":
        with stage.enter() as ctx:
            runs.override(ctx, run.id, "as the story has it")
        run = stage.run(run)
    return stage.apply(run) if run.state == "planned" else run


def by_hand(stage: Stage) -> Run:
    return released(stage, stage.begin())


def later(stage: Stage, n: int = 1) -> dt.datetime:
    return stage.conn.created_at + dt.timedelta(days=n)


def nightly(stage: Stage) -> Run:
    hour = dt.datetime.now(dt.UTC).replace(hour=19, minute=5)  # 3:05 in Shanghai
    schedule.visit(hour)
    stage.work()
    return newest(stage)


def by_callback(*keys: tuple[str, str]) -> Callable[[Stage], Run]:
    def run(stage: Stage) -> Run:
        now = dt.datetime.now(dt.UTC)
        with stage.enter():
            looks.ask(stage.id, stage.conn_id, keys, now)
        looks.begin_due(stage.id, now + 2 * looks.SETTLE)
        stage.work()
        return newest(stage)

    return run


def newest(stage: Stage) -> Run:
    with tenant(stage.id):
        return Run.objects.order_by("-id")[0]


# --- what happens at DingTalk or in WeCom, which we pull


def nothing(stage: Stage) -> None:
    """The first run: everybody is new."""


def hired(stage: Stage) -> None:
    by_hand(stage)
    there = stage.platform
    there.tree["12"] = TheirDepartment("12", "售后", "10")
    there.members["u9"] = Person("u9", "赵六", "u9", mobile(), ("12",), union="union-u9")


def changed(stage: Stage) -> None:
    by_hand(stage)
    there = stage.platform
    there.change_person("u1", name="张三改", mobile=mobile(), departments=("11",))
    there.change_department("11", name="设计部", parent="1")


def left(stage: Stage) -> None:
    """Somebody leaves who signs in, has a role, owns a document and looks after a contact."""
    by_hand(stage)
    login = give_access(stage, "U1", "guide")
    by_password.sign_in(login, "correct horse battery", Asked(stage.conn.created_at))
    owner = str(stage.employees()["U1"].id)
    with stage.enter() as ctx:
        make("purchase.order", ctx, owner=owner, supplier__is_supplier=True, lines__price="3")
        make("masters.partner_contact", ctx, follower=owner)
    del stage.platform.members["u1"]


def came_back(stage: Stage) -> None:
    kept = stage.platform.members["u1"]
    left(stage)
    by_hand(stage)
    stage.platform.members["u1"] = kept


def hired_again(stage: Stage) -> None:
    kept = stage.platform.members["u1"]
    left(stage)
    by_hand(stage)
    stage.platform.members["u1new"] = replace(kept, key="u1new", account="u1new", departments=("11",))


def closed(stage: Stage) -> None:
    by_hand(stage)
    there = stage.platform
    there.change_person("u2", departments=("10",))
    there.change_person("u3", departments=("10",))
    del there.tree["11"]


def decided(what: str, reason: str) -> Callable[[Stage], None]:
    """Somebody here looks like somebody there, and it was decided who they are."""

    def happens(stage: Stage) -> None:
        stage.hire("x1", "王五", login="wangwu", mobile=stage.platform.members["u3"].mobile)
        run = stage.begin()
        with stage.enter() as ctx:
            said = conflicts.decide(ctx, {"run": str(run.id), "reason": reason, "what": what})
        assert said == {"decided": 1, "open": 0}

    return happens


def positions(stage: Stage) -> None:
    by_hand(stage)
    for key in ("u1", "u2"):
        stage.platform.change_person(key, position="导购")


PULLS: dict[str, tuple] = {
    "first": (nothing, by_hand),
    "hired": (hired, by_hand),
    "changed": (changed, by_hand),
    "left": (left, by_hand),
    "came back": (came_back, by_hand),
    "hired again": (hired_again, by_hand),
    "department closed": (closed, by_hand),
    "linked": (decided("link", "same_mobile"), by_hand),
    "taken for new": (decided("new", "same_mobile"), by_hand),
    "left out": (decided("skip", "same_mobile"), by_hand),
    "positions": (positions, by_hand),
    "nightly": (changed, nightly),
    "nightly leaver": (left, nightly),
    "callback hired": (hired, by_callback(("person", "u9"))),
    "callback changed": (changed, by_callback(("person", "u1"), ("department", "11"))),
    "callback left": (left, by_callback(("person", "u1"))),
    "callback closed": (closed, by_callback(("department", "11"), ("person", "u2"), ("person", "u3"))),
}


@pytest.mark.parametrize("name", PULLS)
def test_a_pull_taken_back_leaves_no_trace_in_any_table(pull, name: str) -> None:
    happens, run = PULLS[name]
    _assert_undone(pull, happens, run)


def _assert_undone(stage: Stage, happens, run) -> None:
    happens(stage)
    before, there = everything(stage), stage.platform.picture()
    done = run(stage)
    assert done.state == "applied", (done.state, done.error, done.guards)
    made = stage.changes(done, state="applied")
    failed = [(c.name, c.error, c.remedy) for c in stage.changes(done, state="failed")]
    assert failed == []
    assert made or happens.__name__ == "happens"
    assert not made or differing(before, everything(stage)) or there != stage.platform.picture()
    ended = stage.undo(done)
    assert (ended.state, {c.state for c in stage.changes(ended, state="not_undone")}) == ("undone", set())
    assert differing(before, everything(stage)) == []
    if done.direction == "push":
        assert stage.platform.picture() == there


# --- what happens here, which we push


def hired_here(stage: Stage) -> None:
    by_hand(stage)
    place = stage.department("N", "新部")
    stage.hire("n1", "新人", department=str(place))


def changed_here(stage: Stage) -> None:
    by_hand(stage)
    place = stage.department("N", "新部")
    with tenant(stage.id):
        Employee.objects.filter(code="E1").update(name="张三改", department_id=place, mobile=mobile())


def left_here(stage: Stage) -> None:
    by_hand(stage)
    with tenant(stage.id):
        Employee.objects.filter(code="E1").update(job="left")


def back_here(stage: Stage) -> None:
    left_here(stage)
    by_hand(stage)
    with tenant(stage.id):
        Employee.objects.filter(code="E1").update(job="employed")


def closed_here(stage: Stage) -> None:
    hired_here(stage)
    by_hand(stage)
    with tenant(stage.id):
        Employee.objects.filter(code="N1").update(department_id=stage.founded.department_id)
        stage_department = stage.departments()["新部"]
        stage_department.is_active = False
        stage_department.save(update_fields=["is_active"])


def from_a_sheet(stage: Stage) -> None:
    upload(stage, workbook(
        ("赵六", "zhaoliu", "138-0000-1111", "分公司/销售部", ""), ("张三改", "zhangsan", "13800003333", "销售", ""),
    ))  # fmt: skip


def decided_here(what: str, reason: str, key: str = "w5") -> Callable[[Stage], None]:
    def happens(stage: Stage) -> None:
        number = mobile()
        stage.hire("e3", "王五", mobile=number)
        stage.platform.members[key] = Person(key, "王五" if key != "e3" else "王五五", key, number, ("1",))
        run = stage.begin()
        with stage.enter() as ctx:
            said = conflicts.decide(ctx, {"run": str(run.id), "reason": reason, "what": what})
        assert said == {"decided": 1, "open": 0}

    return happens


def renamed(what: str) -> Callable[[Stage], None]:
    """Linked by decision under another account; then which of the two gives way was decided."""

    def happens(stage: Stage) -> None:
        decided_here("link", "same_mobile")(stage)
        run = stage.begin()
        with stage.enter() as ctx:
            conflicts.decide(ctx, {"run": str(run.id), "reason": "account_differs", "what": what})

    return happens


PUSHES: dict[str, tuple] = {
    "first": (nothing, by_hand),
    "hired": (hired_here, by_hand),
    "changed": (changed_here, by_hand),
    "left": (left_here, by_hand),
    "came back": (back_here, by_hand),
    "department closed": (closed_here, by_hand),
    "sheet": (from_a_sheet, by_hand),
    "linked": (decided_here("link", "same_account", "e3"), by_hand),
    "left out": (decided_here("skip", "same_mobile"), by_hand),
    "they are renamed": (renamed("rename_theirs"), by_hand),
    "we are renamed": (renamed("rename_ours"), by_hand),
    "both stay": (renamed("keep"), by_hand),
    "nightly": (changed_here, nightly),
}


@pytest.mark.parametrize("name", PUSHES)
def test_a_push_taken_back_leaves_no_trace_on_either_side(push, name: str) -> None:
    happens, run = PUSHES[name]
    _assert_undone(push, happens, run)


def test_a_push_taken_back_leaves_guests_of_a_branch_alone(push, sister) -> None:
    ask_in(push, account="wenyan", roles=["guide"])
    _assert_undone(push, hired_here, by_hand)


def test_every_table_of_an_enterprise_is_compared_but_what_tells_of_the_run(pull) -> None:
    """The twin: a picture notices one row more, in a table that no sync knows."""
    assert {model._meta.db_table for model in apps.get_models()} >= TOLD
    before = everything(pull)
    with pull.enter() as ctx:
        make("masters.partner_contact", ctx)
        access.set_access(ctx, pull.founded.admin_id, {"roles": ["admin", "guide"]})
    assert {"masters_partnercontact", "org_employeerole"} <= {
        each[0] for each in differing(before, everything(pull))
    }
