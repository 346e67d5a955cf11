"""What becomes of departments: made, renamed, moved, linked, switched off; or not certain."""

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace

from .tree import Tree, depth, ring
from .values import Change, Policy


def changed(tree: Tree, policy: Policy) -> Iterator[Change]:
    """Yield what becomes of the source's departments, parents first."""
    rules = policy.rules
    bad = re.compile(rules.bad_in_department) if rules.bad_in_department else None
    taken = set(tree.matched.values())
    siblings: dict[tuple[str, str], list[str]] = defaultdict(list)
    for key, each in tree.target.items():
        if key not in taken and key != tree.target_root and key not in tree.inactive:
            siblings[each.parent, each.name].append(key)
    linked: dict[str, str] = {}
    stuck: set[str] = set()
    for key in tree.order:
        ours, parent = tree.source[key], tree.parent(key)
        place = tree.source_name(parent)
        if parent in stuck:
            stuck.add(key)
            yield Change("department", "conflict", key, tree.at(key), ours.name, place, "department_waits")
            continue
        if not 1 <= len(ours.name) <= rules.department_max or (bad is not None and bad.search(ours.name)):
            stuck.add(key)
            params = {"most": rules.department_max}
            yield Change(
                "department", "conflict", key, tree.at(key), ours.name, place, "bad_department_name", params
            )
            continue
        above = linked.get(parent) or tree.at(parent)
        target = tree.at(key)
        if not target:
            same = siblings.get((above, ours.name), []) if above else []
            if len(same) == 1:
                linked[key] = same[0]
                yield Change(
                    "department", "none", key, same[0], ours.name, place, "linked", wanted={"parent": parent}
                )
            else:
                yield _new_department(tree, key, parent)
            continue
        change = _changed_department(tree, key, parent, above, target)
        if change is not None:
            yield change
    for key in tree.loops:
        each = tree.source[key]
        names = [tree.source_name(one) for one in ring(tree.source, key)]
        yield Change(
            "department", "conflict", key, tree.at(key), each.name, tree.source_name(each.parent),
            "department_loop", {"ring": " → ".join(names)},
        )  # fmt: skip


def _new_department(tree: Tree, key: str, parent: str) -> Change:
    ours = tree.source[key]
    place = tree.source_name(parent)
    fields = {"name": ["", ours.name], "parent": ["", place]}
    wanted = {"name": ours.name, "parent": parent}
    return Change("department", "add", key, "", ours.name, place, fields=fields, wanted=wanted)


def _changed_department(tree: Tree, key: str, parent: str, above: str, target: str) -> Change | None:
    ours, theirs = tree.source[key], tree.target.get(target)
    place = tree.source_name(parent)
    if theirs is None:
        return replace(_new_department(tree, key, parent), reason="gone_there")
    fields: dict[str, list[str]] = {}
    if theirs.name != ours.name:
        fields["name"] = [theirs.name, ours.name]
    if theirs.parent != above:
        fields["parent"] = [tree.target_name(theirs.parent), place]
    wanted = {"name": ours.name, "parent": parent}
    was = {"name": theirs.name, "parent": theirs.parent}
    if target in tree.inactive:
        return Change("department", "restore", key, target, ours.name, place, "back", {}, fields, wanted, was)
    if not fields:
        return None
    act = "move" if "parent" in fields else "change"
    return Change("department", act, key, target, ours.name, place, "", {}, fields, wanted, was)


def vanished(tree: Tree) -> Iterator[Change]:
    """Departments the source no longer has, lowest first."""
    gone = [
        target
        for source, target in tree.matched.items()
        if source not in tree.source and target in tree.target and target not in tree.inactive
    ]
    for target in sorted(gone, key=lambda key: -depth(tree.target, key)):
        each = tree.target[target]
        was = {"name": each.name, "parent": each.parent}
        place = tree.target_name(each.parent)
        yield Change(
            "department", "disable", tree.of_target[target], target, each.name, place, "vanished", was=was
        )
