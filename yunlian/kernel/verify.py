"""Proof that every figure kept is the fold of its own history: balances, link counters, close flags, numbers."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from .document import REGISTRY, Document
from .fields import Done
from .ledger import LEDGERS, Fold, Ledger
from .load import Statement
from .models import Counter
from .sql import run, run_together, table


@dataclass(frozen=True)
class Difference:
    """A stored figure that its own history contradicts."""

    table: str
    row: str
    stored: str
    computed: str


@dataclass(frozen=True)
class _Asked:
    """A statement whose every row (row, stored, computed) is a difference of one table."""

    table: str
    sql: str
    params: list[Any]


_DERIVED: list[tuple[str, Callable[[int], Statement]]] = []


def derived(table_name: str, find_differing: Callable[[int], Statement]) -> None:
    """Let `verify` ask for rows whose derived columns say something else than their history.

    `find_differing(enterprise_id)` returns a statement of (row, stored, computed), each text.
    """
    _DERIVED.append((table_name, find_differing))


def verify(enterprise_id: int) -> list[Difference]:
    """Recompute everything of one enterprise, inside `tenant()`; returns what differs, empty when all is well."""
    asked = [
        _balances(ledger.entry, fold, enterprise_id) for ledger in LEDGERS.values() for fold in ledger.folds
    ]
    asked += [_corrections(ledger, enterprise_id) for ledger in LEDGERS.values() if ledger.adjusts]
    asked += [_Asked(name, *find(enterprise_id)) for name, find in _DERIVED]
    for document in REGISTRY.values():
        asked += [_counters(document, done, enterprise_id) for done in document.counters]
    answers = run_together([(each.sql, each.params) for each in asked])
    found = [Difference(each.table, *row) for each, rows in zip(asked, answers, strict=True) for row in rows]
    return [*found, *_numbers(enterprise_id)]


def _balances(entry: Any, fold: Fold, enterprise_id: int) -> _Asked:
    entries, balances = table(entry), table(fold.balance)
    keys = [entries.by_attname[name].name for name in fold.keys]
    listed = ", ".join(f'"{key}"' for key in keys)
    known = " AND ".join(f'"{key}" IS NOT NULL' for key in keys)
    sums = ", ".join(f'coalesce(sum("{m}"), 0) AS "{m}"' for m in fold.measures)
    stored = ", ".join(f'coalesce(b."{m}", 0)' for m in fold.measures)
    computed = ", ".join(f'coalesce(e."{m}", 0)' for m in fold.measures)
    on = " AND ".join(f'b."{key}" = e."{key}"' for key in keys)
    shown = ", ".join(f'coalesce(b."{key}", e."{key}")' for key in keys)
    sql = (
        f"SELECT ROW({shown})::text, ROW({stored})::text, ROW({computed})::text FROM "
        f'(SELECT * FROM "{balances.name}" WHERE enterprise_id = %s) b FULL JOIN '
        f'(SELECT {listed}, {sums} FROM "{entries.name}" WHERE enterprise_id = %s AND {known} GROUP BY {listed}) e ON {on} '
        f"WHERE ROW({stored}) IS DISTINCT FROM ROW({computed})"
    )
    return _Asked(balances.name, sql, [enterprise_id, enterprise_id])


def _corrections(ledger: Ledger, enterprise_id: int) -> _Asked:
    """What corrects a row must be taken back with it: no correction stands whose row does not."""
    name = ledger.entry._meta.db_table
    undone = f'SELECT u.reverses FROM "{name}" u WHERE u.enterprise_id = %s AND u.reverses IS NOT NULL'
    sql = (
        f"SELECT t.id::text, 'stands', 'its row was taken back' FROM \"{name}\" t WHERE t.enterprise_id = %s "
        f'AND t.reverses IS NULL AND t."{ledger.adjusts}" IN ({undone}) AND t.id NOT IN ({undone})'
    )
    return _Asked(f"{name}.{ledger.adjusts}", sql, [enterprise_id] * 3)


def _counters(document: Document, done: Done, enterprise_id: int) -> _Asked:
    """Compare linked and executed of a Done field with the link rows and the states of their targets."""
    parts, params = [], []
    for target in REGISTRY.values():
        if any(
            (document.code, done.name) in ((link.source, link.fills[1]), *link.onward)
            for link in target.links
        ):
            parts.append(
                "SELECT r.source_line, r.qty, h.state FROM kernel_linkrow r "
                f'JOIN "{target.header._meta.db_table}" h ON h.enterprise_id = r.enterprise_id AND h.id = r.target_doc_id '
                "WHERE r.enterprise_id = %s AND r.source_code = %s AND r.counter = %s AND r.target_code = %s"
            )
            params += [enterprise_id, document.code, done.name, target.code]
    taken = " UNION ALL ".join(parts) or "SELECT NULL::uuid AS source_line, 0 AS qty, '' AS state WHERE false"
    model = document.lines if done.name in document.line_fields else document.header
    assert model is not None
    sums = (
        "SELECT source_line, coalesce(sum(qty) FILTER (WHERE state NOT IN ('voided', 'draft')), 0) AS linked, "
        f"coalesce(sum(qty) FILTER (WHERE state = 'approved'), 0) AS executed FROM ({taken}) x GROUP BY source_line"
    )
    sql = (
        f'SELECT s.id::text, ROW(s."{done.linked}", s."{done.name}")::text, '
        "ROW(coalesce(t.linked, 0), coalesce(t.executed, 0))::text "
        f'FROM "{model._meta.db_table}" s LEFT JOIN ({sums}) t ON t.source_line = s.id WHERE s.enterprise_id = %s AND '
        f'(s."{done.linked}" <> coalesce(t.linked, 0) OR s."{done.name}" <> coalesce(t.executed, 0))'
    )
    return _Asked(f"{model._meta.db_table}.{done.name}", sql, [*params, enterprise_id])


def _numbers(enterprise_id: int) -> Iterable[Difference]:
    """Every number from 1 to the counter must stand on exactly one document: no gap, none beyond (N4)."""
    counters: dict[str, dict[str, int]] = defaultdict(dict)
    for series, period, n in Counter.objects.values_list("series", "period", "n"):
        counters[series][period] = n
    for document in REGISTRY.values():
        kept = counters.get(document.series.pattern) if document.series else None
        if not kept:
            continue
        numbers: dict[str, int] = defaultdict(int)
        sql = f'SELECT number FROM "{document.header._meta.db_table}" WHERE enterprise_id = %s AND number IS NOT NULL'
        for (number,) in run(sql, [enterprise_id]):
            period = next(
                (p for p in kept if number.startswith(p) or number[: -_width(document)].endswith(p)), ""
            )
            numbers[period] += 1
        for period, n in kept.items():
            if numbers[period] != n:
                yield Difference("kernel_counter", f"{document.code} {period}", str(n), str(numbers[period]))


def _width(document: Document) -> int:
    assert document.series is not None
    return int(document.series.pattern.partition("{n:")[2].rstrip("}"))
