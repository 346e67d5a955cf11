"""What the home page shows: what waits for me, how the business stands, and in a new enterprise what to do first.

Each number and picture is declared once, beside the layer that knows its tables, and names the code whose list stands
behind it. Whoever may not view that code, or not the field, does not get it; sums of documents are cut to the member's rows.
"""

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Protocol

from . import permission
from .api import Request, route
from .document import REGISTRY, Document, Flow, find_document
from .fields import Ref
from .scope import Context
from .shapes import ANY, TEXT, WHOLE, YES, describes, every, maybe, record
from .sql import run
from .text import Label, _

CAP = 999  # waiting documents counted per state
MONEY = "¥"
SETTLED = ("approved", "voided")


Filter = list[list[Any]]


class Shown(Protocol):
    """A declared number, chart or alert; `read` returns None for whoever may not see it."""

    def read(self, ctx: Context) -> dict[str, Any] | None:
        """Return what the API answers."""


NUMBERS: list[Shown] = []
CHARTS: list[Shown] = []
ALERTS: list[Shown] = []


@dataclass(frozen=True)
class Todo:
    """Something to begin with in a new enterprise: at least so many rows of a code; `is_needed` ones keep the list up."""

    label: Label
    code: str
    at_least: int = 1
    is_needed: bool = True


BEGINNING: list[Todo] = []


_FILTER = every({"type": "array"})
_HOME = record(
    todo=every(record(code=TEXT, label=TEXT, count=WHOLE, filter=_FILTER, tone=TEXT)),
    numbers=every(
        record(label=TEXT, value=TEXT, last=maybe(TEXT), unit=TEXT, code=TEXT, filter=maybe(_FILTER))
    ),
    charts=every(
        record(
            kind=TEXT,
            label=TEXT,
            unit=TEXT,
            x=every(TEXT),
            series=every(record(label=TEXT, y=every(ANY))),
            filter=_FILTER,
            filters=every(_FILTER),
            code=TEXT,
        )
    ),
    checklist=every(record(code=TEXT, label=TEXT, done=YES)),
)


@route("GET", "/api/home", needs="signed", schema=describes(_HOME))
def get_home(request: Request) -> Any:
    """What waits for me, numbers and charts of the business, and the first steps of a new enterprise."""
    ctx = request.ctx
    return {
        "todo": [shown for each in ALERTS if (shown := each.read(ctx)) is not None] + waiting(ctx),
        "numbers": [shown for each in NUMBERS if (shown := each.read(ctx)) is not None],
        "charts": [shown for each in CHARTS if (shown := each.read(ctx)) is not None],
        "checklist": beginning(ctx),
    }


def waiting(ctx: Context) -> list[dict[str, Any]]:
    """Count the documents whose next step I hold, by code and state, those that ask for a decision first.

    The last step of many is the document made from them: an approved notice waits for the goods to go.
    """
    branches, values = [], []
    followed = {(source.code, target.code): target for source, target in _followed(ctx)}
    asked: dict[tuple[str, str], Flow] = {}
    for document in REGISTRY.values():
        if not permission.may(ctx, document.code, "view"):
            continue
        for flow in document.flows:
            states = [s for s in _next_states(flow, document, ctx) if s not in SETTLED]
            if not states:
                continue
            asked[document.code, flow.field] = flow
            scope, params = permission.row_condition(ctx, document)
            standing = _standing(flow, document, ctx)
            branches.append(
                f'SELECT %s, %s, s, count(*) FROM (SELECT t."{flow.field}" AS s FROM "{document.header._meta.db_table}" t '
                f'WHERE t.enterprise_id = %s AND t."{flow.field}" = ANY(%s){standing}{scope} LIMIT {CAP + 1}) x GROUP BY s'
            )
            values += [document.code, flow.field, ctx.enterprise_id, states, *params]
    for code, follower in followed:
        document = REGISTRY[code]
        scope, params = permission.row_condition(ctx, document)
        branches.append(
            f"SELECT %s, 'close', %s, count(*) FROM (SELECT FROM \"{document.header._meta.db_table}\" t "
            f"WHERE t.enterprise_id = %s AND t.state = 'approved' AND t.close = 'open'{scope} LIMIT {CAP + 1}) x "
            "HAVING count(*) > 0"
        )
        values += [code, follower, ctx.enterprise_id, *params]
    if not branches:
        return []
    found = []
    for code, field_name, state_name, count in run(" UNION ALL ".join(branches), values):
        if target := followed.get((code, state_name)):
            to_follow = _("%(document)s · %(next)s to follow") % {
                "document": REGISTRY[code].label, "next": target.label
            }  # fmt: skip
            filter_ = [["close", "=", "open"], ["state", "=", "approved"]]
            rank = (3, list(REGISTRY).index(code))
            found.append(
                (
                    rank,
                    {
                        "code": code,
                        "label": str(to_follow),
                        "count": count,
                        "filter": filter_,
                        "tone": "moving",
                    },
                )
            )
            continue
        flow = asked[code, field_name]
        state = flow.state(state_name)
        label = f"{REGISTRY[code].label} · {state.label}"
        filter_ = [[field_name, "=", state_name]]
        if field_name != "state" and _has_state(REGISTRY[code]):
            filter_.append(["state", "!=", "voided"])
        rank = ({"waiting": 0, "partner": 1, "bad": 2}.get(state.tone, 3), list(REGISTRY).index(code))
        found.append(
            (rank, {"code": code, "label": label, "count": count, "filter": filter_, "tone": state.tone})
        )
    return [shown for _rank, shown in sorted(found, key=lambda each: each[0])]


def _followed(ctx: Context) -> Iterable[tuple[Document, Document]]:
    """Return what I see together with what I make from it, where making all of it closes what it is made from."""
    for target in REGISTRY.values():
        for link in target.links:
            source = REGISTRY[link.source]
            if (
                source.done(link.fills[1]).closes
                and permission.may(ctx, source.code, "view")
                and permission.may(ctx, target.code, "edit")
            ):
                yield source, target


def _has_state(document: Document) -> bool:
    return document.flow is not None


def _standing(flow: Flow, document: Document, ctx: Context) -> str:
    """Return the condition that keeps voided papers out of the other tracks, in a form the index of open ones serves."""
    if flow.field == "state":
        return " AND t.state NOT IN ('approved', 'voided')"
    return " AND t.state <> 'voided'" if _has_state(document) else ""


def _next_states(flow: Flow, document: Document, ctx: Context) -> list[str]:
    """Return the states from which the member holds the way on; what stands quietly waits for nobody."""
    found: dict[str, None] = {}
    for step in flow.steps:
        if step.tone == "primary" and not step.is_partner and permission.may(ctx, document.code, step.name):
            found |= dict.fromkeys(name for name in step.from_ if flow.state(name).tone != "quiet")
    return list(found)


def beginning(ctx: Context) -> list[dict[str, Any]]:
    """Return the first steps of a new enterprise, done or not; nothing once the needed ones are done."""
    mine = [todo for todo in BEGINNING if todo.code in REGISTRY and permission.may(ctx, todo.code, "edit")]
    if not mine:
        return []
    branches, values = [], []
    for todo in mine:
        table = find_document(todo.code).header._meta.db_table
        branches.append(
            f'(SELECT count(*) >= %s FROM (SELECT 1 FROM "{table}" WHERE enterprise_id = %s LIMIT %s) x)'
        )
        values += [todo.at_least, ctx.enterprise_id, todo.at_least]
    (done,) = run(f"SELECT {', '.join(branches)}", values)
    if all(is_done for todo, is_done in zip(mine, done, strict=True) if todo.is_needed):
        return []
    return [
        {"code": todo.code, "label": todo.label, "done": is_done}
        for todo, is_done in zip(mine, done, strict=True)
    ]


def may_see(ctx: Context, code: str, *fields: str) -> bool:
    """Whether the member may view a code and these of its fields; lines' as `lines.name`."""
    document = REGISTRY.get(code)
    if document is None or not permission.may(ctx, code, "view"):
        return False
    hidden = permission.hidden(ctx, document.guards)
    kinds = [
        document.line_fields[name[6:]] if name.startswith("lines.") else document.fields[name]
        for name in fields
    ]
    return all(kind.guard not in hidden for kind in kinds)


def month_before(day: dt.date) -> dt.date:
    """Return the same day of the month before, or its last."""
    last = day.replace(day=1) - dt.timedelta(days=1)
    return last.replace(day=min(day.day, last.day))


@dataclass(frozen=True)
class ThisMonth:
    """The sum of a field of documents in some states since the first of the month; beside it last month's to the same day."""

    label: Label
    code: str
    field: str
    states: tuple[str, ...] = ("approved",)

    def read(self, ctx: Context) -> dict[str, Any] | None:
        """See Shown."""
        if not may_see(ctx, self.code, self.field):
            return None
        document = find_document(self.code)
        first, before = ctx.today.replace(day=1), month_before(ctx.today)
        scope, params = permission.row_condition(ctx, document)
        sql = (
            f'SELECT coalesce(sum(t."{self.field}") FILTER (WHERE t.date >= %s), 0)::text, '
            f'coalesce(sum(t."{self.field}") FILTER (WHERE t.date <= %s), 0)::text '
            f'FROM "{document.header._meta.db_table}" t WHERE t.enterprise_id = %s AND t.date >= %s AND t.date <= %s '
            f"AND t.state = ANY(%s){scope}"
        )
        values = [
            first,
            before,
            ctx.enterprise_id,
            before.replace(day=1),
            ctx.today,
            list(self.states),
            *params,
        ]
        ((value, last),) = run(sql, values)
        filter_ = [["state", "in", list(self.states)], ["date", ">=", first.isoformat()]]
        return {
            "label": self.label, "value": value, "last": last, "unit": MONEY, "code": self.code, "filter": filter_
        }  # fmt: skip


@dataclass(frozen=True)
class Standing:
    """The sum of a measure over all balances of a ledger, as it stands now. `sql` is over `t`, `guard` that of what it sums."""

    label: Label
    code: str
    table: str
    sql: str
    guard: str = ""

    def read(self, ctx: Context) -> dict[str, Any] | None:
        """See Shown."""
        if not permission.may(ctx, self.code, "view") or (
            self.guard and permission.hidden(ctx, [self.guard])
        ):
            return None
        sql = f'SELECT coalesce(sum({self.sql}), 0)::text FROM "{self.table}" t WHERE t.enterprise_id = %s'
        ((value,),) = run(sql, [ctx.enterprise_id])
        return {
            "label": self.label,
            "value": value,
            "last": None,
            "unit": MONEY,
            "code": self.code,
            "filter": None,
        }


def _chart(
    kind: str,
    label: Label,
    code: str,
    x: Sequence[str],
    series: Sequence[tuple[Label, Sequence[Any]]],
    filter_: Filter,
    filters: Sequence[Filter] = (),
) -> dict[str, Any]:
    """Return a chart: `filter` finds the rows behind it in the list of `code`, `filters` those behind each point."""
    shown = [{"label": name, "y": [str(y) for y in values]} for name, values in series]
    return {
        "kind": kind, "label": label, "unit": MONEY, "x": list(x), "series": shown, "code": code,
        "filter": filter_, "filters": [[*filter_, *each] for each in filters],
    }  # fmt: skip


@dataclass(frozen=True)
class Daily:
    """The sum of a field per day over the last days, as a line; days without any are zero."""

    label: Label
    code: str
    field: str
    states: tuple[str, ...] = ("approved",)
    days: int = 30

    def read(self, ctx: Context) -> dict[str, Any] | None:
        """See Shown."""
        if not may_see(ctx, self.code, self.field):
            return None
        document = find_document(self.code)
        first = ctx.today - dt.timedelta(days=self.days - 1)
        scope, params = permission.row_condition(ctx, document)
        sql = (
            f'SELECT t.date, sum(t."{self.field}") FROM "{document.header._meta.db_table}" t WHERE t.enterprise_id = %s '
            f"AND t.date >= %s AND t.date <= %s AND t.state = ANY(%s){scope} GROUP BY t.date"
        )
        found: dict[dt.date, Decimal] = dict(
            run(sql, [ctx.enterprise_id, first, ctx.today, list(self.states), *params])
        )
        days = [first + dt.timedelta(days=n) for n in range(self.days)]
        values = [found.get(day) or Decimal("0.00") for day in days]
        label = document.fields[self.field].label
        names = [day.isoformat() for day in days]
        behind: Filter = [["state", "in", list(self.states)], ["date", ">=", names[0]]]
        by_day = [[["date", "<=", name], ["date", ">=", name]] for name in names]
        return _chart("line", self.label, self.code, names, [(label, values)], behind, by_day)


@dataclass(frozen=True)
class Top:
    """What a field of the lines sums to by what they refer to, the largest first, as bars, over the last days."""

    label: Label
    code: str
    by: str
    field: str
    states: tuple[str, ...] = ("approved",)
    days: int = 30
    limit: int = 8

    def read(self, ctx: Context) -> dict[str, Any] | None:
        """See Shown."""
        if not may_see(ctx, self.code, f"lines.{self.by}", f"lines.{self.field}"):
            return None
        document = find_document(self.code)
        by = document.line_fields[self.by]
        assert isinstance(by, Ref)
        assert document.lines is not None
        scope, params = permission.row_condition(ctx, document)
        sql = (
            f'SELECT p.name, x.s, p.id FROM (SELECT l."{by.column_name}" AS id, sum(l."{self.field}") AS s '
            f'FROM "{document.header._meta.db_table}" t JOIN "{document.lines._meta.db_table}" l '
            f'ON l.enterprise_id = t.enterprise_id AND l."{document.parent}_id" = t.id '
            f"WHERE t.enterprise_id = %s AND t.date >= %s AND t.date <= %s AND t.state = ANY(%s){scope} "
            f'GROUP BY 1 ORDER BY 2 DESC NULLS LAST LIMIT %s) x JOIN "{by.remote_field.model._meta.db_table}" p '
            "ON p.enterprise_id = %s AND p.id = x.id ORDER BY x.s DESC, p.name"
        )
        first = ctx.today - dt.timedelta(days=self.days - 1)
        values = [
            ctx.enterprise_id,
            first,
            ctx.today,
            list(self.states),
            *params,
            self.limit,
            ctx.enterprise_id,
        ]
        rows = [row for row in run(sql, values) if row[1] is not None]
        label = document.line_fields[self.field].label
        behind: Filter = [["state", "in", list(self.states)], ["date", ">=", first.isoformat()]]
        by_row = [[[f"lines.{self.by}", "=", str(row[2])]] for row in rows]
        names = [row[0] for row in rows]
        return _chart(
            "bar", self.label, self.code, names, [(label, [row[1] for row in rows])], behind, by_row
        )


AGES = (30, 60, 90)


@dataclass(frozen=True)
class Ageing:
    """What is open in a ledger by the age of the document it is owed for, in days, as bars.

    `open_sql` is over the balance `t`; `doc` its column with the document's id; `dated_by` that document's code; `filter`
    finds the balances that are open.
    """

    label: Label
    code: str
    table: str
    doc: str
    open_sql: str
    dated_by: str
    filter: Filter

    def read(self, ctx: Context) -> dict[str, Any] | None:
        """See Shown."""
        if self.dated_by not in REGISTRY or not permission.may(ctx, self.code, "view"):
            return None
        dated = find_document(self.dated_by).header._meta.db_table
        sql = (
            f"SELECT width_bucket((%s::date - d.date)::int, %s::int[]), sum({self.open_sql}) "
            f'FROM "{self.table}" t JOIN "{dated}" d ON d.enterprise_id = t.enterprise_id AND d.id = t."{self.doc}" '
            f"WHERE t.enterprise_id = %s AND {self.open_sql} > 0 GROUP BY 1"
        )
        found: dict[int, Decimal] = dict(run(sql, [ctx.today, [age + 1 for age in AGES], ctx.enterprise_id]))
        names = [_("Up to 30 days"), _("31 to 60"), _("61 to 90"), _("Over 90 days")]
        values = [found.get(n) or Decimal("0.00") for n in range(4)]
        series = [(_("Not settled"), values)]
        return _chart("bar", self.label, self.code, [str(name) for name in names], series, self.filter)


def show_numbers(*numbers: Shown) -> None:
    """Declare numbers of the home page, in order."""
    NUMBERS.extend(numbers)


def alert(*alerts: Shown) -> None:
    """Declare what stands before all that waits while it is so; `read` answers in the form of what waits."""
    ALERTS.extend(alerts)


def show_charts(*charts: Shown) -> None:
    """Declare charts of the home page, in order."""
    CHARTS.extend(charts)


def begin_with(*todos: Todo) -> None:
    """Declare what a new enterprise does first, in order."""
    BEGINNING.extend(todos)
