import pytest

from yunlian.kernel.document import Invalid, Refused
from yunlian.kernel.models import Audit, Token
from yunlian.kernel.scope import tenant
from yunlian.kernel.testing import NOW

from . import people, sessions
from .conftest import PASSWORD, sign_in
from .models import Employee, EmployeeRole, Enterprise, Membership, Role, User


def test_an_enterprise_starts_with_what_it_needs(acme, context):
    kept = Enterprise.objects.get()
    assert (kept.code, kept.name, kept.chain_id) == ("ACME", "云上家居", acme.chain_id)
    assert kept.communication_id == acme.communication_id
    with tenant(acme.enterprise_id):
        staff = list(
            Employee.objects.order_by("code").values_list("code", "name", "kind", "login", "department__code")
        )
        held = set(EmployeeRole.objects.values_list("employee_id", "role__code"))
        codes = set(Role.objects.filter(is_preset=True).values_list("code", flat=True))
        assert Audit.objects.filter(record=acme.admin_id).exists()
        assert Token.objects.filter(record=acme.communication_id).exists(), "found by name and pinyin"
    assert staff == [
        ("0001", "管理员", "person", "boss", "00"),
        ("YUNLIAN", "云链通信账号", "service", "", "00"),
    ]
    assert held == {(acme.admin_id, "ADMIN"), (acme.communication_id, "COLLABORATION")}
    assert codes == {
        "ADMIN", "STORE_MANAGER", "GUIDE", "DESIGNER", "FINANCE", "BUYER", "KEEPER", "SERVICE", "COLLABORATION",
    }  # fmt: skip
    assert context().grants.verbs == {"*"}


def test_nobody_signs_in_as_the_communication_user(acme):
    assert list(Membership.objects.values_list("employee_id", flat=True)) == [acme.admin_id]


def test_two_enterprises_share_nothing_but_a_login(acme):
    again = people.found_enterprise("acme2", "云上二", "boss", None, now=NOW)
    assert again.chain_id != acme.chain_id
    assert User.objects.count() == 1
    assert Membership.objects.count() == 2
    with tenant(again.enterprise_id):
        assert Employee.objects.count() == 2


@pytest.mark.parametrize(
    ("code", "login", "password", "zone", "field"),
    [
        ("ACME", "new", PASSWORD, "Asia/Shanghai", "code"),
        ("", "new", PASSWORD, "Asia/Shanghai", "code"),
        ("fresh", "boss", PASSWORD, "Asia/Shanghai", "login"),
        ("fresh", "nobody", None, "Asia/Shanghai", "login"),
        ("fresh", "new", "short", "Asia/Shanghai", "admin_password"),
        ("fresh", "new", PASSWORD, "Asia/Nowhere", "time_zone"),
        ("fresh", "new", PASSWORD, "", "time_zone"),
        ("fresh", "new", PASSWORD, "UTC+8", "time_zone"),
    ],
)
def test_a_founding_that_is_refused_leaves_nothing(acme, code, login, password, zone, field):
    with pytest.raises((Invalid, Refused)) as caught:
        people.found_enterprise(code, "甲", login, password, now=NOW, time_zone=zone)
    assert [problem.field for problem in caught.value.problems] == [field]
    assert Enterprise.objects.count() == 1
    assert User.objects.count() == 1


def test_hires_with_roles_and_a_login_that_holds(acme, hire, context):
    ann = hire("guide", login="ann")
    found = sessions.find_signed(sign_in("ann"), NOW)
    assert (found.employee_id, found.is_first_password) == (ann, False)
    assert context(ann).grants.write_guards == {"sales.price"}


def test_hiring_into_an_unknown_role_is_refused(acme, hire):
    with pytest.raises(Invalid):
        hire("wizard", login="ann")
    hire("guide", login="ann")
