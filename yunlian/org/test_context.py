import datetime as dt
import json

import pytest

from yunlian.kernel.document import REGISTRY, Refused
from yunlian.kernel.permission import may, row_condition, scope_of
from yunlian.kernel.save import save
from yunlian.kernel.scope import Grants, tenant
from yunlian.kernel.testing import NOW, Statements

from . import people
from .context import communication_user, context_for, covers, united
from .models import Department, Employee, Enterprise, Role, RoleVerb


def roles(*given):
    """Grants of roles written as (verbs, scopes, guards)."""
    return united(
        json.dumps(
            [
                {
                    "verbs": verbs.split(),
                    "scopes": [list(pair) for pair in scopes.items()],
                    "guards": [
                        [guard.rstrip("+"), str(guard.endswith("+")).lower()] for guard in guards.split()
                    ],
                }
                for verbs, scopes, guards in given
            ]
        )
    )


def test_a_context_is_one_statement_however_many_roles(acme, hire):
    many = hire("guide", "keeper", "finance", "buyer", "service")
    with tenant(acme.enterprise_id), Statements() as read:
        ctx = context_for(acme.enterprise_id, many, NOW)
    assert read.count == 1
    assert may(ctx, "sales.contract", "edit")
    assert not may(ctx, "org.role", "edit")


def test_today_is_the_date_where_the_enterprise_is(acme, context):
    evening = dt.datetime(2026, 11, 22, 16, 30, tzinfo=dt.UTC)
    assert context(now=evening).today == dt.date(2026, 11, 23)
    assert context(now=evening - dt.timedelta(hours=1)).today == dt.date(2026, 11, 22)
    Enterprise.objects.filter(id=acme.enterprise_id).update(time_zone="America/New_York")
    assert context(now=evening).today == dt.date(2026, 11, 22)


def test_the_tree_is_the_department_and_all_below(acme, hire, context):
    with tenant(acme.enterprise_id):
        ctx = people.system_context(acme.enterprise_id, NOW)
        shop = save("org.department", ctx, {"code": "S1", "name": "一店", "parent": "00"}).pk
        corner = save("org.department", ctx, {"code": "S1A", "name": "一店样板间", "parent": "S1"}).pk
        other = save("org.department", ctx, {"code": "S2", "name": "二店", "parent": "00"}).pk
    manager = context(hire("store_manager", login="mia", department="S1"))
    assert manager.department_id == shop
    assert set(manager.tree) == {shop, corner}
    assert set(context().tree) == {acme.department_id, shop, corner, other}


def test_without_a_department_the_tree_is_empty(acme, hire, context):
    assert context(hire("store_manager", login="mia", department=None)).tree == ()


def test_a_ring_of_departments_is_refused_and_a_move_is_not(acme):
    with tenant(acme.enterprise_id):
        ctx = people.system_context(acme.enterprise_id, NOW)
        for code, above in (("A", "00"), ("B", "A"), ("C", "B")):
            save("org.department", ctx, {"code": code, "name": code, "parent": above})
        a, c = (Department.objects.get(code=code) for code in "AC")
        body = {"code": "A", "name": "A", "version": 1}
        with pytest.raises(Refused) as caught:
            save("org.department", ctx, body | {"parent": "C"}, a.id)
        assert [p.code for p in caught.value.problems] == ["cycle"]
        save("org.department", ctx, {"code": "C", "name": "C", "version": 1, "parent": "A"}, c.id)


def test_a_right_taken_away_is_gone_with_the_next_request(acme, hire, context):
    ann = hire("guide", login="ann")
    assert may(context(ann), "masters.partner", "edit")
    with tenant(acme.enterprise_id):
        RoleVerb.objects.filter(role__code="GUIDE", code="masters.partner", verb="edit").delete()
    assert not may(context(ann), "masters.partner", "edit")
    assert may(context(ann), "masters.partner", "view")


def test_an_inactive_role_grants_nothing(acme, hire, context):
    ann = hire("guide", "keeper", login="ann")
    with tenant(acme.enterprise_id):
        Role.objects.filter(code="GUIDE").update(is_active=False)
    ctx = context(ann)
    assert not may(ctx, "sales.contract", "edit")
    assert may(ctx, "stock.balance", "view")


@pytest.mark.parametrize("change", [{"is_active": False}, {"job": "left"}])
def test_who_no_longer_works_there_has_no_context(acme, hire, context, change):
    ann = hire("guide", login="ann")
    assert context(ann) is not None
    with tenant(acme.enterprise_id):
        Employee.objects.filter(id=ann).update(**change)
    assert context(ann) is None


def test_an_employee_of_another_enterprise_has_no_context_here(acme, other, context):
    assert context(other.admin_id) is None
    assert context(acme.admin_id) is not None


def test_the_communication_user_acts_for_the_chain(acme):
    with tenant(acme.enterprise_id):
        found = communication_user(acme.enterprise_id, NOW, "COLLABORATION")
        assert found is not None
        ctx, is_held = found
        assert is_held
        assert communication_user(acme.enterprise_id, NOW, "GUIDE") == (ctx, False)
    assert (ctx.member_id, ctx.member_name, ctx.is_chain) == (acme.communication_id, "云链通信账号", True)
    assert may(ctx, "sales.intention", "partner_place")
    assert not may(ctx, "org.role", "edit")
    assert scope_of(ctx, "sales.intention") == "all"


def test_an_enterprise_without_a_communication_user_has_none_to_act(acme):
    Enterprise.objects.update(communication_id=None)
    with tenant(acme.enterprise_id):
        assert communication_user(acme.enterprise_id, NOW, "COLLABORATION") is None


def test_roles_are_united():
    grants = roles(("a.x.view", {"*": "own"}, "g"), ("a.x.edit b.y.view", {"b.y": "all"}, "g+ h"))
    assert grants == Grants(
        frozenset({"a.x.view", "a.x.edit", "b.y.view"}),
        {"a.x": "own", "b.y": "all"},
        frozenset({"g", "h"}),
        frozenset({"g"}),
    )


def test_a_wide_scope_of_one_role_does_not_widen_what_another_may_see():
    grants = roles(("sales.contract.view", {"*": "own"}, ""), ("finance.receipt.view", {"*": "all"}, ""))
    assert grants.scopes == {"sales.contract": "own", "finance.receipt": "all"}


def test_the_wider_scope_counts_where_both_roles_may():
    grants = roles(("a.x.view", {"a.x": "department"}, ""), ("a.x.edit", {"*": "tree"}, ""))
    assert grants.scopes == {"a.x": "tree"}


def test_everything_with_a_narrow_scope_keeps_it_until_another_role_widens_it():
    everything = ("*.*", {"*": "all", "a.x": "own"}, "*+")
    assert roles(everything).scopes == {"*": "all", "a.x": "own"}
    assert roles(everything, ("a.x.view", {"*": "tree"}, "")).scopes == {"*": "all", "a.x": "tree"}


def test_no_roles_no_rights():
    assert roles() == Grants()


@pytest.mark.parametrize(
    ("theirs", "is_covered"),
    [
        (("a.x.view", {"*": "own"}, ""), True),
        (("a.x.view", {"*": "tree"}, "g"), True),
        (("a.x.edit", {"*": "own"}, ""), False),
        (("a.x.view", {"*": "all"}, ""), False),
        (("a.x.view", {}, "h"), False),
        (("a.x.view", {}, "g+"), False),
        (("*.*", {"*": "all"}, "*+"), False),
    ],
)
def test_nobody_covers_more_than_they_have(theirs, is_covered):
    mine = roles(("a.x.view b.y.edit", {"*": "tree"}, "g"))
    assert covers(mine, roles(theirs)) is is_covered
    assert covers(roles(("*.*", {"*": "all"}, "*+")), roles(theirs))


def test_the_row_condition_follows_the_scope(acme, hire, context):
    contract = REGISTRY["sales.contract"]
    guide, manager = context(hire("guide", login="ann")), context(hire("store_manager", login="mia"))
    assert row_condition(guide, contract)[1] == [guide.member_id]
    assert row_condition(manager, contract)[1] == [manager.member_id, [acme.department_id]]
    assert row_condition(context(), contract) == ("", [])
