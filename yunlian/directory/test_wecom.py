"""WeCom's adapter against its sandbox over real HTTP: a whole push, its undo, and what may be read by whom."""

import pytest

from yunlian.kernel.scope import tenant
from yunlian.org.models import Employee
from yunlian.platforms.sandbox.testing import running
from yunlian.platforms.wecom.sandbox import WECOM
from yunlian.platforms.wecom.sandbox import state as demo
from yunlian.platforms.wecom.sandbox.state import Wecom

from .conftest import Stage, mobile


@pytest.fixture
def corp(settings):
    """The sandbox's corp, empty but for its root and its founder."""
    with running([WECOM]) as started:
        settings.WECOM_URL = f"{started.base_url}/wecom"
        found = started.sandbox.world.part(Wecom).corps[demo.CORP]
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
