"""The preset roles as data, and how an enterprise gets them: verbs by pattern of code, row scopes, field guards.

Patterns are matched against everything that is declared, when an enterprise is founded and again after an upgrade. What a
preset has once offered is remembered on the role, so that an upgrade brings new documents and never gives back
what an administrator took away.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from yunlian.kernel.document import REGISTRY, STANDARD, VIEWS, Document, Listed
from yunlian.kernel.fields import normal_code
from yunlian.kernel.models import TenantModel
from yunlian.kernel.save import save
from yunlian.kernel.scope import Context
from yunlian.kernel.sql import Writing

from .context import EVERYTHING
from .models import Role, RoleGuard, RoleScope, RoleVerb

READ = ("view", "export")
WORK = (*READ, "edit", "delete", "import", "submit", "withdraw")
_STANDARD = frozenset(step.name for step in STANDARD.steps)
# Words for several verbs: reading; entering; all of a lifecycle; also the document's own steps; also the partner's.
GROUPS = ("read", "work", "decide", "trade", "partner")

MASTERS_READ = {"masters.*": "read", "org.employee": "view", "org.department": "view", "org.position": "view"}


@dataclass(frozen=True)
class Preset:
    """One preset role. `verbs` maps a pattern of codes to a group of verbs; where several fit, all count.

    `scopes` maps a code, or `*`, to whose rows are seen. `guards` names groups of fields that may be read, with a `+`
    written too.
    """

    code: str
    name: str
    verbs: Mapping[str, str] = field(default_factory=dict)
    scopes: Mapping[str, str] = field(default_factory=dict)
    guards: str = ""
    is_everything: bool = False


PRESETS = (
    Preset("admin", "管理员", scopes={"*": "all"}, guards="*+", is_everything=True),
    Preset(
        "store_manager",
        "店长",
        verbs=MASTERS_READ
        | {
            "sales.*": "trade",
            "purchase.*": "trade",
            "stock.*": "trade",
            "finance.*": "read",
            "finance.receipt": "work",
            "finance.payment": "work",
            "masters.partner": "work",
        },
        scopes={"*": "tree"},
        guards="sales.price+ purchase.price+ stock.cost",
    ),
    Preset(
        "guide",
        "导购员",
        verbs=MASTERS_READ
        | {
            "sales.*": "work",
            "finance.receipt": "work",
            "stock.balance": "view",
            "stock.dispatch_notice": "view",
            "stock.sales_out": "view",
            "masters.partner": "work",
        },
        scopes={"*": "own"},
        guards="sales.price+",
    ),
    Preset(
        "designer",
        "设计师",
        verbs=MASTERS_READ | {"sales.*": "view", "stock.balance": "view"},
        scopes={"*": "own"},
        guards="sales.price",
    ),
    Preset(
        "finance",
        "财务人员",
        verbs=MASTERS_READ
        | {
            "finance.*": "trade",
            "sales.*": "read",
            "purchase.*": "read",
            "stock.*": "read",
            "masters.partner": "work",
            "masters.account": "work",
        },
        scopes={"*": "all"},
        guards="sales.price purchase.price stock.cost",
    ),
    Preset(
        "buyer",
        "采购员",
        verbs=MASTERS_READ
        | {
            "purchase.*": "trade",
            "stock.*": "read",
            "stock.receipt_notice": "trade",
            "finance.payment": "work",
            "finance.payable": "view",
            "finance.supplier_funds": "view",
            "masters.partner": "work",
            "masters.product": "work",
            "masters.price_list": "work",
            "chain.product": "trade",
        },
        scopes={"*": "all"},
        guards="purchase.price+",
    ),
    Preset(
        "keeper",
        "仓管员",
        verbs=MASTERS_READ | {"stock.*": "trade", "purchase.order": "view", "sales.contract": "view"},
        scopes={"*": "all"},
    ),
    Preset(
        "service",
        "客服人员",
        verbs=MASTERS_READ
        | {
            "service.*": "trade",
            "sales.*": "view",
            "stock.balance": "view",
            "stock.dispatch_notice": "view",
            "stock.sales_out": "view",
            "masters.partner": "work",
        },
        scopes={"*": "tree"},
        guards="sales.price",
    ),
    Preset(
        "collaboration",
        "业务协同",
        verbs=MASTERS_READ
        | {f"{app}.*": "partner" for app in ("sales", "purchase", "finance", "stock", "masters")}
        # Not credentials: a token that leaked must not make others that outlive it.
        | {"chain.link": "partner", "chain.product": "partner", "chain.credential": "read"},
        scopes={"*": "all"},
        guards="sales.price+ purchase.price+ stock.cost+",
    ),
)


def offered(preset: Preset) -> list[str]:
    """Return everything a preset offers now: `code.verb`, `scope code=scope` and `guard name=read|write`."""
    found = [EVERYTHING] if preset.is_everything else [f"{code}.{verb}" for code, verb in _verbs(preset)]
    found += [f"scope {code}={scope}" for code, scope in preset.scopes.items()]
    for guard in preset.guards.split():
        found.append(f"guard {guard.rstrip('+')}={'write' if guard.endswith('+') else 'read'}")
    return found


def _verbs(preset: Preset) -> Iterable[tuple[str, str]]:
    every: list[Listed] = [*REGISTRY.values(), *VIEWS.values()]
    for listed in every:
        code = listed.code
        groups = [group for pattern, group in preset.verbs.items() if fnmatchcase(code, pattern)]
        for verb in listed.permissions:
            if any(
                _in_group(verb, group, listed if isinstance(listed, Document) else None) for group in groups
            ):
                yield code, verb


def _in_group(verb: str, group: str, document: Document | None) -> bool:
    if group not in GROUPS:
        return verb == group
    if verb in READ or group == "read":
        return verb in READ
    if verb in WORK:
        return True
    if document is None or verb not in document.steps:
        return group == "partner"
    if verb in _STANDARD:
        return group != "work"
    return group == "partner" or (group == "trade" and not document.steps[verb][1].is_partner)


def sync_presets(ctx: Context) -> list[str]:
    """Give the enterprise of `ctx` the preset roles it lacks, and those it has what is new; returns what was added.

    A role of one's own that bears a preset's code is left alone; so is what somebody set by hand.
    """
    known = {role.code: role for role in Role.objects.filter(code__in=[normal_code(p.code) for p in PRESETS])}
    added, changed = [], []
    rows: dict[type[TenantModel], list[dict[str, Any]]] = {RoleVerb: [], RoleScope: [], RoleGuard: []}
    for preset in PRESETS:
        role = known.get(normal_code(preset.code))
        if role is None:
            role = save("org.role", ctx, {"code": preset.code, "name": preset.name}).header
        elif not role.is_preset:
            continue
        new = [each for each in offered(preset) if each not in role.offered]
        if new:
            for each in new:
                model, row = _row(each)
                rows[model].append({"role_id": role.id} | row)
            role.is_preset, role.offered = True, [*role.offered, *new]
            changed.append(role)
            added += [f"{role.code}: {each}" for each in new]
    writing = Writing(ctx.enterprise_id)
    for model, made in rows.items():
        writing.insert_new(model, made)
    writing.update(changed, ["is_preset", "offered"])
    writing.run()
    return added


def _row(each: str) -> tuple[type[TenantModel], dict[str, Any]]:
    """Return what grants one thing `offered` names, as columns of its table."""
    kind, _blank, rest = each.partition(" ")
    name, _equals, value = rest.partition("=")
    if kind == "scope":
        return RoleScope, {"code": name, "scope": value}
    if kind == "guard":
        return RoleGuard, {"guard": name, "can_write": value == "write"}
    code, _dot, verb = each.rpartition(".")
    return RoleVerb, {"code": code, "verb": verb}
