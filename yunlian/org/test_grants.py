import pytest
from django.utils.translation import override

from yunlian.kernel.document import Missing
from yunlian.kernel.models import Audit
from yunlian.kernel.permission import Forbidden, may
from yunlian.kernel.save import save
from yunlian.kernel.scope import tenant
from yunlian.kernel.testing import NOW, refusal, savepoint

from . import grants
from .context import context_for
from .models import Role, RoleVerb


@pytest.fixture
def boss(acme, context):
    ctx = context()
    with tenant(acme.enterprise_id):
        yield ctx


def role(code):
    return Role.objects.get(code=code).id


def ticks(page):
    return {
        f"{one['code']}.{tick['verb']}" for one in page["verbs"] for tick in one["verbs"] if tick["granted"]
    }


def tick(code, **verbs):
    return {"code": code, "verbs": [{"verb": verb, "granted": on} for verb, on in verbs.items()]}


def test_shows_every_verb_with_its_label_and_whether_it_is_granted(boss):
    page = grants.grants_of(boss, role("GUIDE"))
    contract = next(one for one in page["verbs"] if one["code"] == "sales.contract")
    found = {tick["verb"]: tick["granted"] for tick in contract["verbs"]}
    assert (found["edit"], found["submit"], found["approve"]) == (True, True, False)
    assert all(str(tick["label"]) for tick in contract["verbs"])
    assert page["scopes"] == {"*": "own"}
    assert not page["everything"]
    read = {one["guard"]: (one["read"], one["write"]) for one in page["guards"]}
    assert read == {
        "purchase.price": (False, False),
        "sales.price": (True, True),
        "stock.cost": (False, False),
    }


def test_the_partners_steps_are_not_offered(boss):
    assert "sales.intention.partner_place" not in str(grants.grants_of(boss, role("ADMIN"))["verbs"])


def test_what_is_written_is_read_again_and_acts_at_once(acme, hire, boss):
    ann = hire("guide", login="ann")
    page = grants.set_grants(
        boss,
        role("GUIDE"),
        {
            "version": Role.objects.get(code="GUIDE").version,
            "verbs": [tick("sales.contract", approve=True, edit=False)],
            "scopes": {"*": "tree", "sales.contract": "all"},
            "guards": [{"guard": "stock.cost", "read": True, "write": False}],
        },
    )
    assert page == grants.grants_of(boss, role("GUIDE"))
    ctx = context_for(acme.enterprise_id, ann, NOW)
    assert may(ctx, "sales.contract", "approve")
    assert may(ctx, "sales.contract", "submit")
    assert not may(ctx, "sales.contract", "edit")
    assert ctx.grants.scopes["sales.contract"] == "all"
    assert ctx.grants.read_guards == {"stock.cost", "sales.price"}
    assert ctx.grants.write_guards == {"sales.price"}


def test_the_whole_page_can_be_sent_back_unchanged(boss):
    for code in ("GUIDE", "ADMIN", "COLLABORATION"):
        page = grants.grants_of(boss, role(code))
        before = set(RoleVerb.objects.filter(role_id=role(code)).values_list("code", "verb"))
        sent = {
            "version": page["version"],
            "everything": page["everything"],
            "verbs": [
                tick(one["code"], **{t["verb"]: t["granted"] for t in one["verbs"]}) for one in page["verbs"]
            ],
            "scopes": page["scopes"],
            "guards": [{key: one[key] for key in ("guard", "read", "write")} for one in page["guards"]],
        }
        assert grants.set_grants(boss, role(code), sent) == page
        assert set(RoleVerb.objects.filter(role_id=role(code)).values_list("code", "verb")) == before


@pytest.mark.parametrize("language", ["zh-hans", "zh-hant", "en"])
def test_every_verb_has_words_of_its_own(boss, language):
    with override(language):
        for one in grants.grants_of(boss, role("GUIDE"))["verbs"]:
            words = {tick["verb"]: str(tick["label"]) for tick in one["verbs"]}
            untold = [verb for verb, word in words.items() if verb == word]
            assert (untold, len(set(words.values()))) == ([], len(words)), one["code"]


def test_who_changed_what_stands_in_the_log(boss):
    grants.set_grants(
        boss, role("GUIDE"), {"verbs": [tick("sales.contract", approve=True)], "scopes": {"*": "tree"}}
    )
    log = Audit.objects.get(record=role("GUIDE"), act="granted")
    assert (log.by, log.changes) == (
        boss.member_id,
        [
            {"field": "sales.contract.approve", "line": None, "old": None, "new": "yes"},
            {"field": "scope of *", "line": None, "old": "own", "new": "tree"},
        ],
    )


def test_taking_one_verb_from_everything_leaves_all_others_by_name(hire, boss):
    hire("admin", login="ann")
    own = save("org.role", boss, {"code": "OWN", "name": "自己的"}).pk
    assert ticks(grants.set_grants(boss, own, {"everything": True, "scopes": {"*": "all"}})) == ticks(
        grants.grants_of(boss, role("ADMIN"))
    )
    page = grants.set_grants(boss, own, {"verbs": [tick("org.role", edit=False)]})
    assert not page["everything"]
    assert "org.role.edit" not in ticks(page)
    assert {"org.role.view", "sales.contract.approve"} <= ticks(page)


def test_the_last_administrators_role_keeps_everything(hire, boss):
    assert refusal(grants.set_grants, boss, role("ADMIN"), {"everything": False}) == [(None, None)]
    assert refusal(grants.set_grants, boss, role("ADMIN"), {"verbs": [tick("org.role", edit=False)]}) == [
        (None, None)
    ]
    assert grants.grants_of(boss, role("ADMIN"))["everything"]
    save("org.role", boss, {"code": "ROOT", "name": "超级"})
    grants.set_grants(boss, role("ROOT"), {"everything": True, "scopes": {"*": "all"}})
    hire("root", login="ann")
    assert not grants.set_grants(boss, role("ADMIN"), {"everything": False})["everything"]


@pytest.mark.parametrize(
    ("data", "field"),
    [
        ({"verbs": [tick("sales.contract", fly=True)]}, "verbs"),
        ({"verbs": [tick("no.such", view=True)]}, "verbs"),
        ({"verbs": [tick("sales.intention", partner_place=True)]}, "verbs"),
        ({"verbs": [tick("*", **{"*": True})]}, "verbs"),
        ({"verbs": [{"code": "sales.contract", "verbs": [{"verb": "view", "granted": "yes"}]}]}, "verbs"),
        ({"verbs": "all"}, "verbs"),
        ({"everything": 1}, "everything"),
        ({"scopes": {"sales.contract": "world"}}, "scopes"),
        ({"scopes": {"no.such": "all"}}, "scopes"),
        ({"scopes": ["all"]}, "scopes"),
        ({"guards": [{"guard": "no.such", "read": True, "write": True}]}, "guards"),
        ({"guards": [{"guard": "stock.cost", "read": False, "write": True}]}, "guards"),
        ({"surprise": 1}, "surprise"),
        ({"version": 99}, "version"),
    ],
)
def test_what_does_not_fit_is_refused_and_changes_nothing(boss, data, field):
    before = grants.grants_of(boss, role("GUIDE"))
    assert {name for name, _line in refusal(grants.set_grants, boss, role("GUIDE"), data)} == {field}
    assert grants.grants_of(boss, role("GUIDE")) == before


def test_a_role_of_another_enterprise_is_missing(acme, other, context):
    with tenant(other.enterprise_id):
        theirs = role("GUIDE")
    ctx = context()
    with tenant(acme.enterprise_id):
        for act in (grants.grants_of, lambda ctx, id_: grants.set_grants(ctx, id_, {"scopes": {}})):
            for id_ in (theirs, "nonsense", None):
                with pytest.raises(Missing):
                    act(ctx, id_)
        grants.grants_of(ctx, role("GUIDE"))


def test_nobody_grants_more_than_they_have(acme, hire, boss):
    save("org.role", boss, {"code": "DEPUTY", "name": "副手"})
    verbs = [tick("org.role", view=True, edit=True), tick("sales.contract", view=True)]
    grants.set_grants(boss, role("DEPUTY"), {"verbs": verbs, "scopes": {"*": "tree"}})
    deputy = context_for(acme.enterprise_id, hire("deputy", login="dee"), NOW)
    save("org.role", boss, {"code": "TEMP", "name": "临时"})
    grants.set_grants(
        deputy, role("TEMP"), {"verbs": [tick("sales.contract", view=True)], "scopes": {"*": "own"}}
    )
    for code, data in (
        ("TEMP", {"verbs": [tick("sales.contract", approve=True)]}),
        ("TEMP", {"everything": True}),
        ("TEMP", {"scopes": {"*": "all"}}),
        ("TEMP", {"guards": [{"guard": "stock.cost", "read": True, "write": False}]}),
        ("DEPUTY", {"verbs": [tick("org.employee", access=True)]}),
        ("ADMIN", {"everything": False}),
        ("GUIDE", {"verbs": [tick("sales.contract", edit=False)]}),
    ):
        with pytest.raises(Forbidden), savepoint():
            grants.set_grants(deputy, role(code), data)
