"""WeCom's adapter against its sandbox over real HTTP: a whole push, its undo, and what may be read by whom."""

import pytest

from yunlian.kernel import faults
from yunlian.kernel.jobs import enqueue
from yunlian.kernel.models import Job
from yunlian.kernel.scope import tenant
from yunlian.org.models import Employee
from yunlian.platforms.sandbox.testing import running
from yunlian.platforms.wecom.sandbox import WECOM
from yunlian.platforms.wecom.sandbox import state as demo
from yunlian.platforms.wecom.sandbox.state import Wecom

from . import applying, connections, runs
from .conftest import Stage, mobile


@pytest.fixture
def corp(settings):
    """The sandbox's corp, empty but for its root and its founder."""
    with running([WECOM]) as started:
        settings.WECOM_URL = f"{started.base_url}/wecom"
        found = started.sandbox.world.part(Wecom).corps[demo.CORP]
        found.started = started
        found.world = started.sandbox.world.part(Wecom)
        with started.sandbox.world.change():
            found.people.clear()
            found.departments = {key: each for key, each in found.departments.items() if key == 1}
        yield found


@pytest.fixture
def stage(acme, corp) -> Stage:
    with tenant(acme.enterprise_id):
        Employee.objects.filter(id=acme.admin_id).update(mobile=mobile())
    made = Stage(acme, corp, "wecom", corp_id=demo.CORP, contacts_secret=demo.CONTACTS_SECRET)
    sales = made.department("S", "销售")
    made.hire("e1", "张三", login="zhangsan", department=str(sales))
    made.hire("e2", "李四", department=str(sales))
    return made


def names(corp) -> dict[str, tuple[str, str, int]]:
    places = {key: each.name for key, each in corp.departments.items()}
    return {u: (p.name, places[p.main_department], p.enable) for u, p in corp.people.items()}


def test_a_push_makes_departments_and_members(stage, corp) -> None:
    run = stage.sync()
    assert run.state == "applied", stage.errors()
    assert [c.state for c in stage.changes(run)] == ["applied"] * 4
    root = corp.departments[1].name
    assert names(corp) == {
        "boss": ("管理员", root, 1),
        "zhangsan": ("张三", "销售", 1),
        "e2": ("李四", "销售", 1),
    }
    assert stage.acts(stage.begin()) == []


def test_undo_leaves_the_corp_as_it_was(stage, corp) -> None:
    before = stage.rows()
    stage.undo(stage.sync())
    assert (list(corp.people), list(corp.departments)) == ([], [1])
    assert stage.rows() == before


def test_changes_and_leavers_reach_wecom(stage, corp) -> None:
    stage.sync()
    with tenant(stage.id):
        Employee.objects.filter(code="E1").update(name="张三丰")
        Employee.objects.filter(code="E2").update(job="left")
    run = stage.sync()
    assert [(a, n) for a, n, _r in stage.acts(run)] == [("change", "张三丰"), ("disable", "李四")]
    assert names(corp)["zhangsan"][0] == "张三丰"
    assert corp.people["e2"].enable == 0
    stage.undo(run)
    assert names(corp)["zhangsan"][0] == "张三"
    assert corp.people["e2"].enable == 1


def test_a_token_taken_back_in_the_middle_costs_one_more_fetch_and_nobody(stage, corp, monkeypatch) -> None:
    monkeypatch.setattr(applying, "THEIRS_BATCH", 1)
    run = stage.begin()
    taken: list[int] = []

    def take_back() -> None:
        taken.append(len(corp.world.tokens))
        corp.world.tokens.clear()

    faults.arm("directory.attempted", take_back)
    try:
        run = stage.apply(run)
    finally:
        faults.disarm()
    assert (run.state, len(taken)) == ("applied", 4)
    assert sorted(corp.people) == ["boss", "e2", "zhangsan"]


def test_a_secret_reset_in_the_middle_stops_the_run_which_goes_on_with_the_new_one(
    stage, corp, monkeypatch
) -> None:
    monkeypatch.setattr(applying, "THEIRS_BATCH", 2)
    run = stage.begin()

    def reset() -> None:
        faults.disarm()
        corp.world.tokens.clear()
        corp.contacts_secret = "another-secret-000000000000000000000000001"

    faults.arm("directory.called", reset)
    run = stage.apply(run)
    assert run.state == "stopped"
    assert "40001" in run.error
    with stage.enter() as ctx:
        connections.change(ctx, stage.conn_id, {"contacts_secret": corp.contacts_secret})
    run = stage.apply(run)
    assert run.state == "applied"
    assert [c.state for c in stage.changes(run)] == ["applied"] * 4


def test_where_only_ids_may_be_read_what_was_told_stands_in(stage, corp) -> None:
    corp.new_contacts_ip = True
    run = stage.sync()
    assert run.error == ""
    assert stage.acts(stage.begin()) == []
    with tenant(stage.id):
        Employee.objects.filter(code="E1").update(name="张三丰")
    assert stage.acts(stage.begin()) == [("change", "张三丰", "")]


def test_members_are_invited_and_the_qr_code_comes_with_it(stage, corp) -> None:
    stage.sync()
    with stage.enter() as ctx:
        made = enqueue(ctx, "directory.invite", str(stage.conn_id))
    stage.work()
    with tenant(stage.id):
        job = Job.objects.get(id=made.id)
    assert (job.state, job.error, job.result["invited"]) == ("done", "", 3)
    assert job.result["qr_code"].startswith("http")
    assert {p.invited for p in corp.people.values()} == {True}


def asked(corp, stage, name: str) -> list[str]:
    """What planning one department asks of WeCom."""
    journal = corp.started.sandbox.world.journal
    journal.clear()
    with stage.enter() as ctx:
        run = runs.begin_below(ctx, stage.conn, str(stage.departments()[name].id))
    stage.work()
    assert stage.run(run).state == "planned", stage.errors()
    return [each.what.removeprefix("GET /cgi-bin/") for each in journal]


def test_one_department_costs_the_same_calls_however_large_the_corp_is(stage, corp) -> None:
    stage.sync()
    few = asked(corp, stage, "销售")
    corp.started.control("/wecom/make", corp=demo.CORP, people=300, departments=30)
    assert len(corp.people) > 300
    assert asked(corp, stage, "销售") == few == ["department/list", "department/simplelist", "user/list"]


def test_one_department_is_pushed_where_only_ids_may_be_read(stage, corp) -> None:
    stage.sync()
    corp.new_contacts_ip = True
    with tenant(stage.id):
        Employee.objects.filter(code="E1").update(name="张三丰")
        Employee.objects.filter(code="0001").update(name="别处")
    with stage.enter() as ctx:
        run = runs.begin_below(ctx, stage.conn, str(stage.departments()["销售"].id))
    stage.work()
    assert stage.acts(run) == [("change", "张三丰", "")]
    stage.apply(run)
    assert names(corp)["zhangsan"][0] == "张三丰"
