"""What a role grants, read and written as one page: verbs of every code, row scopes, field guards."""

from collections.abc import Callable, Collection, Iterable, Mapping
from functools import cache
from typing import Any

from yunlian.kernel import audit
from yunlian.kernel.document import (
    REGISTRY,
    VIEWS,
    Document,
    Invalid,
    Listed,
    Missing,
    Problem,
    View,
    surplus,
)
from yunlian.kernel.fields import uuid_or_none
from yunlian.kernel.identity import new_id
from yunlian.kernel.load import Loaded, load
from yunlian.kernel.models import TenantModel
from yunlian.kernel.permission import require
from yunlian.kernel.save import require_version
from yunlian.kernel.scope import Context
from yunlian.kernel.sql import Writing
from yunlian.kernel.text import Label, _

from .access import require_administrator, require_within
from .context import SCOPES, grants_of_roles
from .models import RoleGuard, RoleScope, RoleVerb

VERB_LABELS: dict[str, Label] = {
    "view": _("View"),
    "edit": _("Create and edit"),
    "delete": _("Delete"),
    "export": _("Export"),
    "import": _("Import"),
    "access": _("Logins and roles"),
}
GUARD_LABELS: dict[str, Label] = {
    "purchase.price": _("Purchase prices"),
    "sales.price": _("Sales prices"),
    "stock.cost": _("Cost of stock"),
}
_STAR = ("*", "*")


def _listed() -> list[Listed]:
    return [*REGISTRY.values(), *VIEWS.values()]


def _verb_label(listed: Listed, verb: str) -> Label:
    if isinstance(listed, Document) and verb in listed.steps:
        return listed.steps[verb][1].label
    if isinstance(listed, View) and verb in listed.acts:
        return listed.acts[verb]
    return VERB_LABELS.get(verb, verb)


def permission_label(code: str, verb: str) -> Label:
    """Return what a permission is called wherever it is named alone."""
    listed = REGISTRY.get(code) or VIEWS.get(code)
    if listed is None:
        return f"{code}.{verb}"
    return _("%(verb)s: %(what)s") % {"verb": _verb_label(listed, verb), "what": listed.label}


# By the code of a preset role: the permissions something at work cannot do without.
_NEEDED: dict[str, Callable[[], Collection[str]]] = {}


def need(role_code: str, permissions: Callable[[], Collection[str]]) -> None:
    """Declare what a preset role must grant; whoever takes it away on the grants page is warned."""
    _NEEDED[role_code] = permissions


def _verbs(listed: Listed) -> list[str]:
    """The verbs people can be granted: everything but the partner's steps, which only the chain moves."""
    partner = {name for name, (_flow, step) in getattr(listed, "steps", {}).items() if step.is_partner}
    return [verb for verb in listed.permissions if verb not in partner]


@cache
def known_guards() -> dict[str, Label]:
    """Every guard some field stands behind, with its label; declarations do not change while we run."""
    named = {guard for listed in _listed() for guard in listed.guards} | set(GUARD_LABELS)
    return {guard: GUARD_LABELS.get(guard, guard) for guard in sorted(named)}


def grants_of(ctx: Context, role_id: Any) -> dict[str, Any]:
    """Return a role's grant page; raises Missing.

    `everything`: the role may do all there is, also what comes later. `scopes` maps a code, or `*` for all others,
    to own, department, tree or all.
    """
    loaded = _load(ctx, role_id)
    return _shown(loaded)


def _shown(loaded: Loaded) -> dict[str, Any]:
    held = _held(loaded)
    everything = _STAR in held.verbs
    needed = _NEEDED.get(loaded.header.code, tuple)()
    return {
        "version": loaded.header.version,
        "everything": everything,
        "verbs": [
            {
                "code": listed.code,
                "label": listed.label,
                "app": listed.app,
                "verbs": [
                    {
                        "verb": verb,
                        "label": _verb_label(listed, verb),
                        "granted": everything or (listed.code, verb) in held.verbs,
                        "needed": f"{listed.code}.{verb}" in needed,
                    }
                    for verb in _verbs(listed)
                ],
            }
            for listed in _listed()
        ],
        "scopes": held.scopes,
        "guards": [
            {"guard": guard, "label": label, "read": held.reads(guard), "write": held.writes(guard)}
            for guard, label in known_guards().items()
        ],
    }


class _Held:
    """What the three tables say of one role."""

    def __init__(
        self, verbs: Iterable[tuple[str, str]], scopes: Mapping[str, str], guards: Mapping[str, bool]
    ) -> None:
        self.verbs, self.scopes, self.guards = set(verbs), dict(scopes), dict(guards)

    def reads(self, guard: str) -> bool:
        return guard in self.guards or "*" in self.guards

    def writes(self, guard: str) -> bool:
        return self.guards.get(guard, False) or self.guards.get("*", False)

    def words(self) -> dict[str, str]:
        """One entry for each thing granted, for telling apart before and after."""
        return (
            {f"{code}.{verb}": "yes" for code, verb in self.verbs}
            | {f"scope of {code}": scope for code, scope in self.scopes.items()}
            | {f"guard {guard}": "write" if write else "read" for guard, write in self.guards.items()}
        )


def _held(loaded: Loaded) -> _Held:
    return _Held(
        RoleVerb.objects.filter(role_id=loaded.pk).values_list("code", "verb"),
        dict(RoleScope.objects.filter(role_id=loaded.pk).order_by("code").values_list("code", "scope")),
        dict(RoleGuard.objects.filter(role_id=loaded.pk).values_list("guard", "can_write")),
    )


def set_grants(ctx: Context, role_id: Any, data: Mapping[str, Any]) -> dict[str, Any]:
    """Replace what a role grants by a page of the same shape; a part that is absent stays as it is.

    Within `verbs`, a code that is absent stays too. Raises Invalid naming everything unknown, Forbidden when the role, before
    or after, goes beyond the caller's own, Refused for a stale `version` or when no administrator would remain.
    """
    document = REGISTRY["org.role"]
    require(ctx, document, "edit")
    loaded = _load(ctx, role_id, lock=True)
    version = data.get("version")
    if version is not None and (isinstance(version, bool) or not isinstance(version, int)):
        raise Invalid(Problem("version", _("Give the version you edited.")))
    require_version(loaded, ctx, version)
    require_within(ctx, grants_of_roles(ctx.enterprise_id, [loaded.pk]))
    old = _held(loaded)
    new = _read(data, old)
    _write(ctx, loaded, old, new)
    require_within(ctx, grants_of_roles(ctx.enterprise_id, [loaded.pk]))
    if _STAR in old.verbs - new.verbs:
        require_administrator(ctx.enterprise_id)
    return _shown(loaded)


def _load(ctx: Context, role_id: Any, *, lock: bool = False) -> Loaded:
    id_ = uuid_or_none(role_id)
    if id_ is None:
        raise Missing("org.role")
    return load(REGISTRY["org.role"], ctx, id_, lock=lock)


def _read(data: Mapping[str, Any], old: _Held) -> _Held:
    known = {"version", "everything", "verbs", "scopes", "guards"}
    problems = surplus(data, known)
    verbs = _read_verbs(data, old, problems)
    scopes = old.scopes if data.get("scopes") is None else _read_scopes(data["scopes"], problems)
    guards = old.guards if data.get("guards") is None else _read_guards(data["guards"], old, problems)
    if problems:
        raise Invalid(*problems)
    return _Held(verbs, scopes, guards)


def _read_verbs(data: Mapping[str, Any], old: _Held, problems: list[Problem]) -> set[tuple[str, str]]:
    offered = {(listed.code, verb) for listed in _listed() for verb in _verbs(listed)}
    was_everything = _STAR in old.verbs
    granted = set(offered) if was_everything else set(old.verbs)
    for no, (code, verb, is_granted) in enumerate(_ticks(data.get("verbs"), problems), 1):
        if (code, verb) not in offered:
            problems.append(
                Problem("verbs", _("%(code)s is not known here.") % {"code": f"{code}.{verb}"}, no, "unknown")
            )
        elif is_granted:
            granted.add((code, verb))
        else:
            granted.discard((code, verb))
    everything = data.get("everything", was_everything and granted >= offered)
    if not isinstance(everything, bool):
        problems.append(Problem("everything", _("Must be yes or no.")))
    return {_STAR} if everything else granted - {_STAR}


def _ticks(given: Any, problems: list[Problem]) -> Iterable[tuple[str, str, bool]]:
    """Read `[{code, verbs: [{verb, granted}]}]`."""
    for one in _rows(given, "verbs", problems):
        for tick in _rows(one.get("verbs"), "verbs", problems):
            code, verb, is_granted = one.get("code"), tick.get("verb"), tick.get("granted")
            if isinstance(code, str) and isinstance(verb, str) and isinstance(is_granted, bool):
                yield code, verb, is_granted
            else:
                problems.append(Problem("verbs", _("Must name code, verb and whether it is granted.")))


def _rows(given: Any, name: str, problems: list[Problem]) -> list[Mapping[str, Any]]:
    if given is None:
        return []
    if not isinstance(given, list) or len(given) > 1000 or not all(isinstance(one, Mapping) for one in given):
        problems.append(Problem(name, _("Must be a list.")))
        return []
    return given


def _read_scopes(given: Any, problems: list[Problem]) -> dict[str, str]:
    codes = {listed.code for listed in _listed()} | {"*"}
    if not isinstance(given, Mapping):
        problems.append(Problem("scopes", _("Must be an object.")))
        return {}
    for code, scope in given.items():
        if code not in codes or scope not in SCOPES:
            what = f"{code}: {scope}"[:100]
            problems.append(
                Problem("scopes", _("%(code)s is not known here.") % {"code": what}, code="unknown")
            )
    return dict(given)


def _read_guards(given: Any, old: _Held, problems: list[Problem]) -> dict[str, bool]:
    ticks: dict[str, tuple[bool, bool]] = {
        guard: (old.reads(guard), old.writes(guard)) for guard in known_guards()
    }
    for one in _rows(given, "guards", problems):
        guard, read, write = one.get("guard"), one.get("read"), one.get("write")
        if (
            not isinstance(guard, str)
            or guard not in ticks
            or not isinstance(read, bool)
            or not isinstance(write, bool)
        ):
            problems.append(
                Problem(
                    "guards", _("%(code)s is not known here.") % {"code": str(guard)[:60]}, code="unknown"
                )
            )
        elif write and not read:
            problems.append(Problem("guards", _("What may be written may be read."), code="write_only"))
        else:
            ticks[guard] = read, write
    if "*" in old.guards and all(ticks[guard] == (True, old.guards["*"]) for guard in ticks):
        return old.guards
    return {guard: write for guard, (read, write) in ticks.items() if read}


def _write(ctx: Context, loaded: Loaded, old: _Held, new: _Held) -> None:
    before, after = old.words(), new.words()
    made = [
        {"field": name, "line": None, "old": before.get(name), "new": after.get(name)}
        for name in sorted(before.keys() | after.keys())
        if before.get(name) != after.get(name)
    ]
    if not made:
        return
    header = loaded.header
    for model in (RoleVerb, RoleScope, RoleGuard):
        model.objects.filter(role_id=header.id).delete()
    own = {"enterprise_id": ctx.enterprise_id, "role_id": header.id}
    rows: tuple[list[TenantModel], ...] = (
        [RoleVerb(**own, id=new_id(), code=code, verb=verb) for code, verb in sorted(new.verbs)],
        [RoleScope(**own, id=new_id(), code=code, scope=scope) for code, scope in new.scopes.items()],
        [RoleGuard(**own, id=new_id(), guard=guard, can_write=write) for guard, write in new.guards.items()],
    )
    header.version += 1
    header.updated_at, header.updated_by = ctx.now, ctx.member_id
    writing = Writing(ctx.enterprise_id)
    for each in rows:
        writing.insert(each)
    writing.update([header], ["version", "updated_at", "updated_by"])
    audit.record(writing, ctx, loaded, "granted", made)
    writing.run()
