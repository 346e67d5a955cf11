import threading

import pytest
from django.db import connection

from yunlian.kernel.api import Unsigned
from yunlian.kernel.document import Missing, Refused
from yunlian.kernel.models import Audit
from yunlian.kernel.permission import Forbidden
from yunlian.kernel.save import remove, save
from yunlian.kernel.scope import tenant
from yunlian.kernel.testing import NOW, refusal, savepoint

from . import access, grants, people, sessions
from .conftest import sign_in
from .context import context_for
from .models import Employee, EmployeeRole, Membership, Role, Session, User


def signed(token):
    return sessions.find_signed(token, NOW)


def codes(act, *args):
    """The codes of the problems an act is refused with, undone as a request would."""
    with pytest.raises(Refused) as caught, savepoint():
        act(*args)
    return [problem.code for problem in caught.value.problems]


@pytest.fixture
def boss(acme, context):
    """The administrator's context, inside the enterprise."""
    ctx = context()
    with tenant(acme.enterprise_id):
        yield ctx


def employee(**values):
    return Employee.objects.get(**values)


def body(one, **changes):
    plain = {"code": one.code, "name": one.name, "kind": one.kind, "job": one.job, "is_active": one.is_active}
    return plain | {"version": one.version} | changes


def test_gives_and_takes_roles(hire, boss):
    ann = hire("guide", login="ann")
    keeper = Role.objects.get(code="KEEPER")
    shown = access.set_access(boss, ann, {"roles": ["finance", str(keeper.id)]})
    assert [role["code"] for role in shown["roles"]] == ["FINANCE", "KEEPER"]
    assert access.access_of(boss, ann) == shown
    assert access.set_access(boss, str(ann), {"roles": [{"code": "keeper"}]})["roles"][0]["name"] == "仓管员"
    assert access.set_access(boss, ann, {"roles": []})["roles"] == []
    log = Audit.objects.filter(record=ann, act="access").order_by("version").values_list("changes", flat=True)
    assert log[0] == [{"field": "roles", "line": None, "old": "GUIDE", "new": "FINANCE, KEEPER"}]


@pytest.mark.parametrize(
    ("data", "field"),
    [
        ({"roles": ["wizard"]}, "roles"),
        ({"roles": "guide"}, "roles"),
        ({"roles": [1]}, "roles"),
        ({"roles": ["guide"] * 51}, "roles"),
        ({"is_active": "yes"}, "is_active"),
        ({"surprise": 1}, "surprise"),
    ],
)
def test_what_does_not_fit_is_refused_and_changes_nothing(hire, boss, data, field):
    ann = hire("guide", login="ann")
    before = access.access_of(boss, ann)
    assert refusal(access.set_access, boss, ann, data)[0][0] == field
    assert access.access_of(boss, ann) == before


def test_a_role_of_another_enterprise_is_unknown_here(acme, other, hire, context):
    with tenant(other.enterprise_id):
        theirs = str(Role.objects.get(code="GUIDE").id)
    ann, ctx = hire("guide", login="ann"), context()
    with tenant(acme.enterprise_id):
        assert codes(access.set_access, ctx, ann, {"roles": [theirs]}) == ["unknown"]
        with pytest.raises(Missing):
            access.access_of(ctx, other.admin_id)
        with pytest.raises(Missing):
            access.set_access(ctx, other.admin_id, {"is_active": False})
        with pytest.raises(Missing):
            access.give_login(ctx, other.admin_id, "mole")


def test_disabling_ends_sessions_at_once_and_enabling_lets_in_again(hire, boss):
    ann = hire("guide", login="ann")
    token = sign_in("ann")
    assert not access.set_access(boss, ann, {"is_active": False})["is_active"]
    assert signed(token) is None
    with pytest.raises(Unsigned):
        sign_in("ann")
    assert access.set_access(boss, ann, {"is_active": True})["is_active"]
    assert signed(sign_in("ann")) is not None


def test_disabling_here_leaves_the_same_login_alone_elsewhere(acme, other, hire, context):
    ann = hire("guide", login="ann")
    with tenant(other.enterprise_id):
        people.hire(people.system_context(other.enterprise_id, NOW), {"code": "A", "name": "安"}, login="ann")
    here, there, nowhere = sign_in("ann"), sign_in("ann"), sign_in("ann")
    sessions.enter(signed(here), "ACME")
    sessions.enter(signed(there), "OTHER")
    ctx = context()
    with tenant(acme.enterprise_id):
        access.set_access(ctx, ann, {"is_active": False})
    assert signed(here) is None
    assert signed(nowhere) is None
    assert signed(there).enterprise_id == other.enterprise_id


@pytest.mark.parametrize("change", [{"is_active": False}, {"job": "left"}])
def test_who_leaves_is_out_at_once(hire, boss, change):
    ann = hire("guide", login="ann")
    token = sign_in("ann")
    kept = employee(id=ann)
    save("org.employee", boss, body(kept, name="安妮"), ann)
    assert signed(token) is not None, "any other change lets the session be"
    save("org.employee", boss, body(kept, version=2, **change), ann)
    assert signed(token) is None
    with pytest.raises(Unsigned):
        sign_in("ann")
    assert codes(access.set_access, boss, ann, {"is_active": True}) == ["inactive"]


def test_the_last_administrator_stays(hire, boss):
    admin, ann = boss.member_id, hire("guide", login="ann")
    kept = employee(id=admin)
    assert codes(access.set_access, boss, admin, {"roles": ["guide"]}) == ["last_administrator"]
    assert codes(access.set_access, boss, admin, {"is_active": False}) == ["last_administrator"]
    assert codes(save, "org.employee", boss, body(kept, is_active=False), admin) == ["last_administrator"]
    assert codes(save, "org.employee", boss, body(kept, job="left"), admin) == ["last_administrator"]
    role = Role.objects.get(code="ADMIN")
    off = {"code": "ADMIN", "name": "管理员", "is_active": False, "version": role.version}
    assert codes(save, "org.role", boss, off, role.id) == ["last_administrator"]
    access.set_access(boss, ann, {"roles": ["admin"]})
    access.set_access(boss, admin, {"roles": ["guide"]})
    assert [row.employee_id for row in EmployeeRole.objects.filter(role_id=role.id)] == [ann]


def test_an_administrator_without_a_login_does_not_count(hire, boss):
    hire("admin", code="NOLOGIN")
    assert codes(access.set_access, boss, boss.member_id, {"roles": []}) == ["last_administrator"]
    hire("admin", login="ann")
    access.set_access(boss, boss.member_id, {"roles": []})


@pytest.mark.django_db(transaction=True)
def test_of_two_administrators_who_disable_one_another_one_remains(acme, hire):
    ann = hire("admin", login="ann")
    start, ended = threading.Barrier(2), []

    def disable(actor, target):
        try:
            with tenant(acme.enterprise_id):
                ctx = context_for(acme.enterprise_id, actor, NOW)
                start.wait()
                access.set_access(ctx, target, {"is_active": False})
            ended.append("done")
        except Refused as refused:
            ended.append(refused.problems[0].code)
        finally:
            connection.close()

    pairs = [(acme.admin_id, ann), (ann, acme.admin_id)]
    threads = [threading.Thread(target=disable, args=pair) for pair in pairs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(ended) == ["done", "last_administrator"]
    assert Membership.objects.filter(is_active=True).count() == 1


def test_a_first_password_is_answered_once_and_kept_as_digest(hire, boss):
    ann = hire("guide", code="ANN")
    given = access.give_login(boss, ann, " Ann ")
    assert (given["login"], given["expires_at"]) == ("ann", "2026-11-30T04:00:00Z")
    assert employee(id=ann).login == "ann"
    user = User.objects.get(login="ann")
    assert given["password"] not in user.password
    log = Audit.objects.filter(record=ann).values_list("changes", flat=True)
    assert given["password"] not in str(list(log))
    assert signed(sign_in("ann", given["password"])).is_first_password


def test_a_forgotten_password_is_replaced_by_a_first_one(hire, boss):
    ann = hire("guide", login="ann")
    token = sign_in("ann")
    given = access.give_login(boss, ann, None)
    assert signed(token) is None
    with pytest.raises(Unsigned):
        sign_in("ann")
    assert signed(sign_in("ann", given["password"])).is_first_password


@pytest.mark.parametrize(
    ("login", "problem"), [("boss", "taken"), ("rival", "taken"), ("a b", "range"), (None, "invalid")]
)
def test_a_login_that_is_taken_or_none_is_refused(acme, other, hire, context, login, problem):
    ann, ctx = hire("guide", code="ANN"), context()
    with tenant(acme.enterprise_id):
        assert codes(access.give_login, ctx, ann, login) == [problem]
        assert not Membership.objects.filter(employee_id=ann).exists()
        access.give_login(ctx, ann, "ann")


def test_one_enterprise_cannot_take_over_a_login_that_enters_others_too(acme, other, hire, context):
    ann = hire("guide", login="ann")
    with tenant(other.enterprise_id):
        people.hire(people.system_context(other.enterprise_id, NOW), {"code": "A", "name": "安"}, login="ann")
    ctx = context()
    with tenant(acme.enterprise_id):
        assert codes(access.give_login, ctx, ann, None) == ["shared"]
    assert signed(sign_in("ann")) is not None


def test_who_left_and_service_accounts_get_no_login(acme, hire, boss):
    gone = hire(code="GONE", job="left")
    assert codes(access.give_login, boss, gone, "gone") == ["kind"]
    assert codes(access.give_login, boss, acme.communication_id, "chain") == ["kind"]


def test_nobody_gives_more_than_they_have(acme, hire, boss):
    role = save("org.role", boss, {"code": "HR", "name": "人事"}).pk
    verbs = [
        {"code": "org.employee", "verbs": [{"verb": v, "granted": True} for v in ("view", "edit", "access")]}
    ]
    grants.set_grants(boss, role, {"verbs": verbs})
    clerk, ann = hire("hr", login="clerk"), hire(login="ann")
    ctx = context_for(acme.enterprise_id, clerk, NOW)
    access.set_access(ctx, ann, {"roles": ["hr"]})
    for act in (
        lambda: access.set_access(ctx, ann, {"roles": ["admin"]}),
        lambda: access.set_access(ctx, clerk, {"roles": ["hr", "guide"]}),
        lambda: access.set_access(ctx, boss.member_id, {"is_active": False}),
        lambda: access.give_login(ctx, boss.member_id, None),
        lambda: save("org.employee", ctx, body(employee(id=boss.member_id), job="left"), boss.member_id),
    ):
        with pytest.raises(Forbidden), savepoint():
            act()
    assert signed(sign_in()) is not None
    access.give_login(ctx, ann, None)


def test_without_the_verb_nobody_sets_access(acme, hire, boss):
    ann = hire("store_manager", login="ann")
    ctx = context_for(acme.enterprise_id, ann, NOW)
    with pytest.raises(Forbidden):
        access.set_access(ctx, ann, {"roles": ["store_manager"]})
    with pytest.raises(Forbidden):
        access.give_login(ctx, ann, None)


def test_the_communication_user_stays_a_service_account(acme, boss):
    kept = employee(id=acme.communication_id)
    for change in ({"is_active": False}, {"job": "left"}, {"kind": "person"}):
        assert codes(save, "org.employee", boss, body(kept, **change), kept.id) == ["communication"]
    assert codes(remove, "org.employee", boss, kept.id) == ["communication"]
    save("org.employee", boss, body(kept, note="用于云链"), kept.id)


def test_who_signs_in_is_no_service_account_and_is_not_deleted(hire, boss):
    ann, ben = hire("guide", login="ann"), hire("guide", code="BEN")
    assert codes(save, "org.employee", boss, body(employee(id=ann), kind="service"), ann) == ["has_login"]
    assert codes(remove, "org.employee", boss, ann) == ["has_login"]
    remove("org.employee", boss, ben)
    assert not Employee.objects.filter(id=ben).exists()


def test_preset_roles_are_changed_but_not_deleted(boss):
    preset = Role.objects.get(code="GUIDE")
    assert codes(remove, "org.role", boss, preset.id) == ["preset"]
    save("org.role", boss, {"code": "GUIDE", "name": "销售顾问", "version": preset.version}, preset.id)
    assert Role.objects.get(code="GUIDE").is_preset
    own = save("org.role", boss, {"code": "OWN", "name": "自己的"}).pk
    remove("org.role", boss, own)


def test_sessions_are_ended_only_of_whom_it_concerns(hire, boss):
    hire("guide", login="ann")
    ben = hire("guide", login="ben")
    token = sign_in("ann")
    access.set_access(boss, ben, {"is_active": False})
    assert signed(token) is not None
    assert Session.objects.count() == 1
