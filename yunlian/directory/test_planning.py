"""The planner alone: values in, changes and conflicts out. No database, no platform."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from .planning import FIELDS_OF, Pair, People, Policy, Rival, Tree, Verdict, plan
from .side import OURS, Department, Person, Rules

THEIRS = Rules(
    account=r"[A-Za-z0-9][A-Za-z0-9_\-@.]{0,63}",
    name_max=64,
    department_max=64,
    bad_in_department=r'[\\:*?"<>|]',
    needs_mobile=True,
    is_account_key=True,
    has_many_departments=True,
)
PUSH = Policy(THEIRS, frozenset(FIELDS_OF["push"]))
PULL = Policy(OURS, frozenset(FIELDS_OF["pull"]))


def departments(*rows: tuple[str, str, str]) -> dict[str, Department]:
    return {key: Department(key, name, parent) for key, name, parent in rows}


OUR_TREE = departments(("r", "栖木", ""), ("a", "销售", "r"), ("b", "设计", "a"))
THEIR_TREE = departments(("1", "corp", ""), ("10", "销售", "1"), ("11", "设计", "10"))
TREE = Tree(OUR_TREE, THEIR_TREE, {"a": "10", "b": "11"}, "r", "1")
PULL_TREE = Tree(THEIR_TREE, OUR_TREE, {"10": "a", "11": "b"}, "1", "r")


def ours(key: str = "p", name: str = "张三", **more) -> Person:
    return Person(key, name, **({"account": key, "mobile": "13800000001", "departments": ("a",)} | more))


def theirs(key: str = "p", name: str = "张三", **more) -> Person:
    return Person(key, name, **({"account": key, "mobile": "13800000001", "departments": ("10",)} | more))


def judged(pair: Pair, tree: Tree = TREE, policy: Policy = PUSH):
    return People(tree, policy).judge(pair)


def conflict(pair: Pair, tree: Tree = TREE, policy: Policy = PUSH) -> str:
    change = judged(pair, tree, policy)
    return "" if change is None or change.act != "conflict" else change.reason


def test_the_same_on_both_sides_is_nothing_to_do() -> None:
    assert judged(Pair("p", ours(), theirs(), is_matched=True)) is None
    assert list(plan(TREE, [], PUSH)) == []


def test_a_mobile_written_otherwise_is_the_same() -> None:
    assert judged(Pair("p", ours(mobile="+86 138-0000-0001"), theirs(), is_matched=True)) is None
    other = judged(Pair("p", ours(mobile="13800000002"), theirs(), is_matched=True))
    assert other.fields == {"mobile": ["13800000001", "13800000002"]}


def test_renamed_while_moved_is_one_change_with_both_fields() -> None:
    change = judged(Pair("p", ours(name="张三丰", departments=("b",)), theirs(), is_matched=True))
    assert (change.act, change.fields) == (
        "move",
        {"name": ["张三", "张三丰"], "department": ["销售", "设计"]},
    )


def test_somebody_new_is_added_with_all_that_is_known() -> None:
    change = judged(Pair("p", ours(), None))
    assert change.act == "add"
    assert change.wanted == {
        "name": "张三",
        "departments": ["a"],
        "mobile": "13800000001",
        "position": "",
        "account": "p",
    }


def test_who_left_is_disabled_and_never_deleted() -> None:
    change = judged(Pair("p", ours(is_active=False), theirs(), is_matched=True))
    assert (change.act, change.reason) == ("disable", "left")
    assert judged(Pair("p", None, theirs(), is_matched=True)).reason == "vanished"
    # Who is on the platform alone was never ours to judge; who is disabled already is left in peace.
    assert judged(Pair("", None, theirs())) is None
    assert judged(Pair("p", ours(is_active=False), theirs(is_active=False), is_matched=True)) is None


def test_who_comes_back_is_restored() -> None:
    assert judged(Pair("p", ours(), theirs(is_active=False), is_matched=True)).act == "restore"


def test_an_account_of_the_same_name_is_the_same_person() -> None:
    assert judged(Pair("p", ours(), None, rivals=(Rival("account", theirs()),))).reason == "linked"


def test_an_account_of_another_name_is_a_conflict_until_decided() -> None:
    rival = Rival("account", theirs(name="李四"))
    assert conflict(Pair("p", ours(), None, rivals=(rival,))) == "same_account"
    linked = judged(Pair("p", ours(), None, rivals=(rival,), verdicts={"person": Verdict("link", "p")}))
    assert (linked.act, linked.reason, linked.fields["name"]) == ("change", "linked", ["李四", "张三"])
    assert judged(Pair("p", ours(), None, rivals=(rival,), verdicts={"person": Verdict("skip")})) is None


@pytest.mark.parametrize(("by", "reason"), [("mobile", "same_mobile"), ("name", "same_name")])
@pytest.mark.parametrize(("tree", "policy"), [(TREE, PUSH), (PULL_TREE, PULL)])
def test_nobody_is_taken_for_another_by_mobile_or_name_alone(by, reason, tree, policy) -> None:
    place = ("a",) if policy is PUSH else ("10",)
    person = ours("new", departments=place)
    rival = Rival(by, theirs("old", departments=("10",) if policy is PUSH else ("a",)))
    assert conflict(Pair("new", person, None, rivals=(rival,)), tree, policy) == reason
    new = judged(
        Pair("new", person, None, rivals=(rival,), verdicts={"person": Verdict("new")}), tree, policy
    )
    assert new.act == "add"


def test_a_decision_for_somebody_who_is_gone_is_asked_again() -> None:
    pair = Pair(
        "n",
        ours("n"),
        None,
        rivals=(Rival("name", theirs("x")),),
        verdicts={"person": Verdict("link", "away")},
    )
    assert conflict(pair) == "same_name"


def test_an_account_or_a_mobile_of_somebody_else_of_ours_is_taken() -> None:
    assert (
        conflict(Pair("n", ours("n"), None, rivals=(Rival("account", theirs("n"), True),))) == "account_taken"
    )
    assert (
        conflict(Pair("n", ours("n"), None, rivals=(Rival("mobile", theirs("x"), True),))) == "mobile_taken"
    )
    # Here two people may share a number: it gives nobody any access.
    pair = Pair("n", theirs("n", departments=("10",)), None, rivals=(Rival("mobile", ours("x"), True),))
    assert judged(pair, PULL_TREE, PULL).act == "add"


def test_the_platforms_own_person_id_finds_who_was_hired_again() -> None:
    back = theirs("new", union="u1", departments=("10",))
    pair = Pair("new", back, None, rivals=(Rival("union", ours("e", is_active=False), True),))
    change = judged(pair, PULL_TREE, PULL)
    assert (change.act, change.target, change.reason) == ("restore", "e", "back")


def test_an_account_that_differs_has_both_ways_out() -> None:
    pair = Pair("zhang", ours("zhang"), theirs("ZS01"), is_matched=True)
    assert conflict(pair) == "account_differs"

    def decided(what: str):
        return judged(Pair("zhang", ours("zhang"), theirs("ZS01"), True, verdicts={"account": Verdict(what)}))

    assert decided("rename_theirs").fields == {"account": ["ZS01", "zhang"]}
    assert decided("keep") is None


def test_case_alone_is_the_same_account() -> None:
    assert judged(Pair("zhang", ours("zhang"), theirs("Zhang"), is_matched=True)) is None


def test_a_mobile_is_required_where_the_platform_wants_one() -> None:
    assert conflict(Pair("p", ours(mobile=""), None)) == "missing_mobile"
    assert conflict(Pair("p", ours(mobile="12"), None)) == "bad_mobile"
    assert conflict(Pair("p", ours(), None, twins=1)) == "mobile_twice"
    assert judged(Pair("p", theirs(mobile="", departments=("10",)), None), PULL_TREE, PULL).act == "add"


@pytest.mark.parametrize("account", ["张三", "", "a b", "-x", "x" * 65])
def test_an_account_the_platform_does_not_take_is_named(account: str) -> None:
    assert conflict(Pair("p", ours(account=account), None)) == "bad_account"
    assert judged(Pair("p", ours(account="zhang.san@x_1-2"), None)).act == "add"


def test_two_departments_are_asked_once_and_remembered() -> None:
    both = theirs(departments=("10", "11"), has_main=False)
    assert conflict(Pair("p", both, None), PULL_TREE, PULL) == "two_departments"
    said = {"department": Verdict("department", "11")}
    assert judged(Pair("p", both, None, verdicts=said), PULL_TREE, PULL).wanted["departments"] == ["11"]
    # Where the platform says which is the main one, or they are in one of them already, nothing needs asking.
    main = theirs(departments=("11", "10"))
    assert judged(Pair("p", main, None), PULL_TREE, PULL).wanted["departments"] == ["11"]
    assert judged(Pair("p", both, ours(departments=("b",)), True), PULL_TREE, PULL) is None


def test_departments_outside_our_part_are_left_alone() -> None:
    there = theirs(departments=("99", "10"))
    assert judged(Pair("p", ours(), there, is_matched=True)) is None
    moved = judged(Pair("p", ours(departments=("b",)), there, is_matched=True))
    assert moved.fields == {"department": ["销售", "设计"]}


def test_somebody_of_two_branches_is_taken_only_when_decided() -> None:
    tree = Tree(PULL_TREE.source, PULL_TREE.target, PULL_TREE.matched, "1", "r", frozenset({"11"}))
    both = theirs(departments=("10", "11"))
    assert conflict(Pair("p", both, None), tree, PULL) == "two_enterprises"
    shared = judged(Pair("p", both, None, verdicts={"person": Verdict("share")}), tree, PULL)
    assert shared.wanted["departments"] == ["10"]
    # Who is of the other branch alone is none of ours.
    assert judged(Pair("q", theirs("q", departments=("11",)), None), tree, PULL) is None


def test_an_account_of_another_branch_is_not_taken_over() -> None:
    rival = Rival("account", theirs(departments=("77",)))
    assert conflict(Pair("p", ours(), None, rivals=(rival,))) == "two_enterprises"
    said = {"person": Verdict("share", "p")}
    assert judged(Pair("p", ours(), None, rivals=(rival,), verdicts=said)).reason == "linked"


def acts(tree: Tree, policy: Policy = PUSH) -> list[tuple[str, str]]:
    return [(change.act, change.source) for change in plan(tree, [], policy)]


def test_departments_are_made_downward_and_taken_away_upward() -> None:
    new = Tree(OUR_TREE, departments(("1", "corp", "")), {}, "r", "1")
    assert acts(new) == [("add", "a"), ("add", "b")]
    gone = Tree(departments(("r", "栖木", "")), THEIR_TREE, {"a": "10", "b": "11"}, "r", "1")
    assert acts(gone) == [("disable", "b"), ("disable", "a")]


def test_a_department_of_the_same_name_at_the_same_place_is_the_same() -> None:
    tree = Tree(OUR_TREE, THEIR_TREE, {}, "r", "1")
    assert acts(tree) == [("none", "a"), ("none", "b")]
    elsewhere = departments(("1", "corp", ""), ("12", "仓库", "1"), ("10", "销售", "12"))
    assert acts(Tree(OUR_TREE, elsewhere, {}, "r", "1")) == [("add", "a"), ("add", "b")]


def test_a_ring_of_departments_is_named_and_the_rest_goes_on() -> None:
    ring = OUR_TREE | departments(("x", "甲", "y"), ("y", "乙", "x"))
    found = {
        change.source: change for change in plan(Tree(ring, THEIR_TREE, TREE.matched, "r", "1"), [], PUSH)
    }
    assert {key: change.reason for key, change in found.items()} == {
        "x": "department_loop",
        "y": "department_loop",
    }
    assert found["x"].params["ring"] == "甲 → 乙 → 甲"
    person = Pair("p", ours(departments=("x",)), None)
    assert conflict(person, Tree(ring, THEIR_TREE, TREE.matched, "r", "1")) == "department_waits"


@pytest.mark.parametrize("name", ["", "a:b", "x" * 65])
def test_a_department_name_the_platform_does_not_take_is_named(name: str) -> None:
    tree = Tree(
        OUR_TREE | departments(("c", name, "r"), ("d", "ok", "c")), THEIR_TREE, TREE.matched, "r", "1"
    )
    reasons = {change.source: change.reason for change in plan(tree, [], PUSH)}
    assert reasons == {"c": "bad_department_name", "d": "department_waits"}


def test_what_hangs_on_nothing_visible_hangs_on_the_root() -> None:
    partial = departments(("10", "销售", "5"), ("11", "设计", "10"))
    assert acts(Tree(partial, OUR_TREE, {}, "1", "r"), PULL) == [("none", "10"), ("none", "11")]


# A small world: a tree, people in it, and any older picture of both on the other side.
KEYS = [f"d{n}" for n in range(6)]
NAMES = st.sampled_from(["甲", "乙", "丙", "丁"])


@st.composite
def trees(draw) -> dict[str, Department]:
    found = {"root": Department("root", "root")}
    for key in draw(st.lists(st.sampled_from(KEYS), unique=True)):
        found[key] = Department(key, draw(NAMES), draw(st.sampled_from(sorted(found))))
    return found


@st.composite
def people(draw, tree: dict[str, Department]) -> dict[str, Person]:
    keys = draw(st.lists(st.sampled_from([f"p{n}" for n in range(8)]), unique=True))
    return {
        key: Person(
            key, draw(NAMES), key, f"138000000{n:02}", (draw(st.sampled_from(sorted(tree))),),
            is_active=draw(st.booleans()),
        )
        for n, key in enumerate(keys)
    }  # fmt: skip


@st.composite
def worlds(draw):
    ours_, theirs_ = draw(trees()), draw(trees())
    return ours_, theirs_, draw(people(ours_)), draw(people(theirs_))


def run_plan(world, matched):
    ours_, theirs_, mine, yours = world
    tree = Tree(ours_, theirs_, matched, "root", "root")
    pairs = [Pair(key, mine.get(key), yours.get(key), True) for key in sorted(mine.keys() | yours.keys())]
    return list(plan(tree, pairs, PUSH))


def after(world, matched, changes):
    """What the target is when every change was made."""
    _ours, theirs_, _mine, yours = world
    theirs_, yours, matched = dict(theirs_), dict(yours), dict(matched) | {"root": "root"}
    for c in changes:
        if c.kind == "department" and c.act == "disable":
            del theirs_[c.target]
        elif c.kind == "department":
            key = c.target or f"new-{c.source}"
            matched[c.source] = key
            if c.act != "none":
                theirs_[key] = Department(key, c.wanted["name"], matched[c.wanted["parent"]])
        elif c.act == "disable":
            yours[c.target] = Person(**{**vars_of(yours[c.target]), "is_active": False})
        elif c.act != "none":
            old = yours.get(c.target) or Person(c.source, "")
            places = tuple(matched[key] for key in c.wanted["departments"])
            account = c.wanted.get("account", old.account)
            yours[old.key] = Person(old.key, c.wanted["name"], account, c.wanted["mobile"], places)
    del matched["root"]
    return theirs_, yours, matched


def vars_of(person: Person) -> dict:
    return {name: getattr(person, name) for name in Person.__slots__}


@given(worlds())
def test_after_a_plan_was_made_true_there_is_nothing_left_to_do(world) -> None:
    ours_, theirs_, mine, yours = world
    matched = {key: key for key in ours_.keys() | theirs_.keys() if key != "root"}
    changes = run_plan(world, matched)
    assert not [c for c in changes if c.act == "conflict"]
    theirs_, yours, matched = after(world, matched, changes)
    assert run_plan((ours_, theirs_, mine, yours), matched) == []
    for key, person in mine.items():
        if person.is_active:
            there = yours[key]
            assert (there.name, there.is_active) == (person.name, True)
        else:
            assert key not in yours or not yours[key].is_active


@given(worlds())
def test_a_plan_says_the_same_when_asked_again(world) -> None:
    matched = {key: key for key in world[0].keys() & world[1].keys() if key != "root"}
    assert run_plan(world, matched) == run_plan(world, matched)
