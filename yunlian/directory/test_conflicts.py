"""The conflict desk on PostgreSQL: what is asked, what a decision does, and that it is remembered."""

import pytest

from yunlian.kernel.document import Invalid, Refused
from yunlian.kernel.scope import tenant
from yunlian.org import people
from yunlian.org.models import Employee, Membership, User

from . import asking, conflicts
from .conftest import PASSWORD, mobile
from .models import Decision
from .side import Department, Person


def decide(stage, run, **data):
    with stage.enter() as ctx:
        return conflicts.decide(ctx, {"run": str(run.id), **data})


def found(stage, run) -> dict[str, str]:
    return {c.name: c.reason for c in stage.changes(run, act="conflict")}


def member(key: str, name: str, **more) -> Person:
    return Person(key, name, **({"account": key, "mobile": mobile(), "departments": ("1",)} | more))


def test_an_account_there_under_another_name_is_asked_and_then_linked(push) -> None:
    push.platform.members["zhangsan"] = member("zhangsan", "张三丰")
    run = push.begin()
    assert found(push, run) == {"张三": "same_account"}
    assert decide(push, run, reason="same_account", what="link") == {"decided": 1, "open": 0}
    run = push.begin()
    assert ("move", "张三", "linked") in push.acts(run)
    push.apply(run)
    assert push.platform.members["zhangsan"].name == "张三"
    assert push.acts(push.begin()) == []


def test_a_decision_is_remembered_until_it_is_forgotten(push) -> None:
    push.platform.members["zhangsan"] = member("zhangsan", "张三丰")
    decide(push, push.begin(), reason="same_account", what="skip")
    for _again in range(2):
        assert "张三" not in {name for _a, name, _r in push.acts(push.begin())}
    with tenant(push.id):
        conflicts.forget(Decision.objects.get().id)
    assert found(push, push.begin()) == {"张三": "same_account"}


def test_the_first_way_out_renames_the_account_there(push) -> None:
    push.platform.members["ZS-01"] = member("ZS-01", "张三", mobile="13700000001")
    run = push.begin()
    assert found(push, run) == {"张三": "same_name"}
    decide(push, run, reason="same_name", what="link", value="ZS-01")
    run = push.begin()
    assert found(push, run) == {"张三": "account_differs"}
    decide(push, run, reason="account_differs", what="rename_theirs")
    push.sync()
    assert "zhangsan" in push.platform.members
    assert "ZS-01" not in push.platform.members
    assert push.acts(push.begin()) == []


def test_the_second_way_out_renames_our_login(push) -> None:
    push.platform.members["zs01"] = member("zs01", "张三")
    decide(push, push.begin(), reason="same_name", what="link")
    run = push.begin()
    assert found(push, run) == {"张三": "account_differs"}
    decide(push, run, reason="account_differs", what="rename_ours")
    assert User.objects.filter(login="zs01").exists()
    assert not User.objects.filter(login="zhangsan").exists()
    push.sync()
    assert push.platform.members["zs01"].name == "张三"
    assert push.acts(push.begin()) == []


def test_a_login_that_is_taken_is_not_renamed_to(push) -> None:
    push.platform.members["boss"] = member("boss", "张三")
    with tenant(push.id):
        Employee.objects.filter(code="0001").update(job="left")
    push.founded = type(push.founded)(
        push.id, push.founded.chain_id, push.employees()["E1"].id, *[push.founded.admin_id] * 2
    )
    with push.enter() as ctx:
        pass
    with tenant(push.id):
        ctx = people.system_context(push.id, Employee.objects.first().created_at)
        with pytest.raises(Refused) as refused:
            conflicts.rename_ours(ctx, push.employees()["E1"].id, "boss")
    assert [p.code for p in refused.value.problems] == ["taken"]
    assert User.objects.filter(login="zhangsan").exists()


def test_a_missing_mobile_is_listed_and_its_owner_asked(push) -> None:
    with tenant(push.id):
        Employee.objects.filter(code="E2").update(mobile="")
    run = push.begin()
    assert found(push, run) == {"李四": "missing_mobile"}
    assert decide(push, run, reason="missing_mobile", what="ask") == {"decided": 1, "open": 0}
    employee = push.employees()["E2"]
    with as_(push, employee.id) as ctx:
        (question,) = asking.open_for(ctx)
        assert (question["asked_by"], question["is_me"]) == ("管理员", True)
        with pytest.raises(Invalid):
            asking.answer(ctx, "no number")
        asking.answer(ctx, "138 0000 4444")
        assert asking.open_for(ctx) == []
        with pytest.raises(Refused):
            asking.answer(ctx, "13800005555")
    assert push.employees()["E2"].mobile == "13800004444"


def as_(stage, employee_id):
    """Enter as somebody else."""
    stage.founded = type(stage.founded)(
        stage.id, stage.founded.chain_id, employee_id, *[stage.founded.communication_id] * 2
    )
    return stage.enter()


def test_who_cannot_sign_in_is_asked_through_the_head_of_the_department(push) -> None:
    sales = str(push.employees()["E2"].department_id)
    head = push.hire("h1", "店长", "store_manager", login="head1", department=sales)
    elsewhere = push.hire(
        "h2", "别店长", "store_manager", login="head2", department=str(push.department("X", "别店"))
    )
    with tenant(push.id):
        Employee.objects.filter(code__in=["E1", "E2"]).update(mobile="")
    decide(push, push.begin(), reason="missing_mobile", what="ask")
    employee = push.employees()["E2"]
    with as_(push, elsewhere) as ctx:
        assert asking.open_for(ctx) == []
        with pytest.raises(Refused):
            asking.answer(ctx, "13800004444", str(employee.id))
    with as_(push, head) as ctx:
        # 张三 signs in and answers for themself.
        assert [(each["name"], each["is_me"]) for each in asking.open_for(ctx)] == [("李四", False)]
        asking.answer(ctx, "13800004444", str(employee.id))
    assert push.employees()["E2"].mobile == "13800004444"


def test_the_same_mobile_twice_of_ours_is_listed_for_both(push) -> None:
    with tenant(push.id):
        Employee.objects.filter(code__in=["E1", "E2"]).update(mobile="13800000009")
    assert found(push, push.begin()) == {"张三": "mobile_twice", "李四": "mobile_twice"}


def test_a_decision_that_does_not_answer_is_refused(push) -> None:
    with tenant(push.id):
        Employee.objects.filter(code="E2").update(mobile="")
    run = push.begin()
    with pytest.raises(Invalid):
        decide(push, run, reason="missing_mobile", what="link")
    with pytest.raises(Invalid):
        decide(push, run, what="skip")
    with pytest.raises(Invalid):
        decide(push, run, reason="missing_mobile", what="nonsense")


def test_somebody_of_the_same_name_here_is_asked_about(pull) -> None:
    pull.hire("x1", "张三")
    run = pull.begin()
    assert found(pull, run) == {"张三": "same_name"}
    decide(pull, run, reason="same_name", what="link")
    pull.sync()
    assert "U1" not in pull.employees()
    assert pull.employees()["X1"].department.name == "销售"


def test_two_departments_are_decided_for_all_at_once(pull) -> None:
    pull.platform.members["u1"] = member("u1", "张三", departments=("10", "11"), has_main=False)
    run = pull.begin()
    assert found(pull, run) == {"张三": "two_departments"}
    assert decide(pull, run, reason="two_departments", what="department") == {"decided": 0, "open": 1}
    assert decide(pull, run, reason="two_departments", what="department", value="first")["decided"] == 1
    pull.sync()
    assert pull.employees()["U1"].department.name == "销售"


def test_a_ring_of_departments_is_listed_and_the_rest_goes_on(pull) -> None:
    pull.platform.tops = ("1", "20", "21")
    pull.platform.tree |= {"20": Department("20", "甲", "21"), "21": Department("21", "乙", "20")}
    run = pull.begin()
    assert found(pull, run) == {"甲": "department_loop", "乙": "department_loop"}
    pull.apply(run)
    assert pull.employees()["U1"].department.name == "销售"


def test_a_number_of_another_enterprises_administrator_gives_no_access(pull) -> None:
    other = people.found_enterprise("other", "远山家具", "rival", PASSWORD, now=pull.conn.created_at)
    with tenant(other.enterprise_id):
        Employee.objects.filter(id=other.admin_id).update(mobile="13911112222")
    pull.platform.members["u1"] = member("u1", "张三", mobile="13911112222", departments=("10",))
    pull.sync()
    mine = pull.employees()["U1"]
    assert mine.mobile == "13911112222"
    # Nobody enters either enterprise by it: no membership was made, and the rival's is theirs alone.
    assert not Membership.objects.filter(employee_id=mine.id).exists()
    assert list(Membership.objects.filter(user__login="rival").values_list("enterprise_id", flat=True)) == [
        other.enterprise_id
    ]
