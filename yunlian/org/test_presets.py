import pytest

from yunlian.kernel.document import REGISTRY
from yunlian.kernel.permission import hidden, locked, may, scope_of
from yunlian.kernel.save import save
from yunlian.kernel.scope import tenant
from yunlian.kernel.testing import NOW

from . import people, presets
from .context import grants_of_roles
from .models import Role, RoleGuard, RoleScope, RoleVerb

PEOPLE = ("store_manager", "guide", "designer", "finance", "buyer", "keeper", "service")
ALL_GUARDS = ("purchase.price", "sales.price", "stock.cost")


def grants(acme, role):
    with tenant(acme.enterprise_id):
        return grants_of_roles(
            acme.enterprise_id, Role.objects.filter(code=role.upper()).values_list("id", flat=True)
        )


@pytest.mark.parametrize(
    ("role", "may_do", "may_not"),
    [
        ("store_manager", "sales.contract.approve sales.contract.void sales.intention.accept", "org.role.edit org.employee.access"),
        ("guide", "sales.contract.edit sales.contract.submit masters.partner.edit", "sales.contract.approve masters.product.edit"),
        ("designer", "sales.contract.view masters.product.view", "sales.contract.edit"),
        ("finance", "finance.receivable.view finance.cash.export masters.account.edit", "sales.contract.edit"),
        ("buyer", "stock.balance.view masters.price_list.edit", "sales.contract.view finance.receivable.view"),
        ("keeper", "stock.movement.view sales.contract.view", "sales.contract.edit finance.cash.view"),
        ("service", "sales.contract.view masters.partner.edit", "sales.contract.approve"),
        ("collaboration", "sales.intention.partner_place sales.contract.approve masters.product.edit chain.link.view", "org.role.edit"),
    ],
)  # fmt: skip
def test_who_may_do_what(acme, role, may_do, may_not):
    verbs = grants(acme, role).verbs
    assert set(may_do.split()) <= verbs
    assert not set(may_not.split()) & verbs


def test_only_the_communication_user_moves_the_partners_steps(acme):
    partner = {
        f"{code}.{name}"
        for code, document in REGISTRY.items()
        for name, (_flow, step) in document.steps.items()
        if step.is_partner
    }
    assert partner
    for role in PEOPLE:
        assert not grants(acme, role).verbs & partner
    assert partner <= grants(acme, "collaboration").verbs


def test_nobody_but_the_administrator_grants_rights(acme):
    for role in (*PEOPLE, "collaboration"):
        assert not {"org.role.edit", "org.employee.access", "org.employee.edit"} & grants(acme, role).verbs
    assert grants(acme, "admin").verbs == {"*"}


@pytest.mark.parametrize(
    ("role", "scope", "reads", "writes"),
    [
        ("admin", "all", set(ALL_GUARDS), set(ALL_GUARDS)),
        ("store_manager", "tree", set(ALL_GUARDS), {"sales.price", "purchase.price"}),
        ("guide", "own", {"sales.price"}, {"sales.price"}),
        ("designer", "own", {"sales.price"}, set()),
        ("finance", "all", set(ALL_GUARDS), set()),
        ("buyer", "all", {"purchase.price"}, {"purchase.price"}),
        ("keeper", "all", set(), set()),
        ("service", "tree", {"sales.price"}, set()),
        ("collaboration", "all", set(ALL_GUARDS), set(ALL_GUARDS)),
    ],
)
def test_whose_rows_and_which_prices(acme, context, hire, role, scope, reads, writes):
    ctx = context(hire(role, login="x"))
    assert scope_of(ctx, "sales.contract") == scope or not may(ctx, "sales.contract", "view")
    assert set(ALL_GUARDS) - hidden(ctx, ALL_GUARDS) == reads
    assert set(ALL_GUARDS) - locked(ctx, ALL_GUARDS) == writes


def test_an_upgrade_brings_what_is_new_and_not_what_was_taken_away(acme, monkeypatch):
    with tenant(acme.enterprise_id):
        ctx = people.system_context(acme.enterprise_id, NOW)
        assert presets.sync_presets(ctx) == []
        keeper = Role.objects.get(code="KEEPER")
        RoleVerb.objects.filter(role_id=keeper.id, code="stock.movement").delete()
        RoleScope.objects.filter(role_id=keeper.id).update(scope="department")
        role = presets.Preset(
            "keeper", "仓管员", {"stock.*": "read", "org.role": "view"}, {"*": "all"}, "stock.cost"
        )
        monkeypatch.setattr(presets, "PRESETS", (role,))
        assert presets.sync_presets(ctx) == ["KEEPER: org.role.view", "KEEPER: guard stock.cost=read"]
        held = set(RoleVerb.objects.filter(role_id=keeper.id).values_list("code", "verb"))
        assert ("org.role", "view") in held
        assert not any(code == "stock.movement" for code, _verb in held)
        assert RoleScope.objects.get(role_id=keeper.id).scope == "department"
        assert RoleGuard.objects.get(role_id=keeper.id).guard == "stock.cost"
        assert presets.sync_presets(ctx) == []


def test_a_preset_that_is_missing_is_made_and_a_role_of_ones_own_is_left_alone(acme, monkeypatch):
    new = [presets.Preset(code, code, {"masters.*": "read"}) for code in ("courier", "planner")]
    with tenant(acme.enterprise_id):
        ctx = people.system_context(acme.enterprise_id, NOW)
        save("org.role", ctx, {"code": "planner", "name": "自己的"})
    monkeypatch.setattr(presets, "PRESETS", tuple(new))
    added = people.sync_all_presets(NOW)
    assert added
    assert all(each.startswith("ACME COURIER: masters.") for each in added)
    with tenant(acme.enterprise_id):
        assert Role.objects.get(code="COURIER").is_preset
        assert not Role.objects.get(code="PLANNER").is_preset
