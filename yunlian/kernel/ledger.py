"""Ledgers: append-only entries, and balances that are their fold, changed in the same statement (K4).

A posting only says what moves. The ledger locks the balances it touches, in the order of their keys, lets `value`
compute what depends on them (costs), asks `check` whether the new balance is legal, and writes. Taking back negates
what was recorded and never runs the posting again. `verify.py` proves every balance.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from .document import Problem, Refused
from .identity import new_id
from .intake import blank
from .load import Loaded
from .models import Balance, Entry
from .scope import Context
from .sql import Writing, run, table

ZERO = Decimal(0)


@dataclass(frozen=True)
class Fold:
    """Entries summed by `keys` (column attributes of both models) into `measures` of one balance table.

    Entries whose key is incomplete are left out. `check(balance, entries)` yields problems of a balance after the sum.
    """

    balance: type[Balance]
    keys: tuple[str, ...]
    measures: tuple[str, ...]
    check: Callable[[Any, list[Any]], Iterable[Problem]] | None = None


@dataclass(frozen=True)
class Ledger:
    """One ledger. `value(entries, balances)` fills in what needs locked balances: balances by key of the first fold.

    `adjusts` names the column by which a later row of any document corrects a row; it is taken back with that row.
    """

    entry: type[Entry]
    folds: tuple[Fold, ...]
    value: Callable[[list[Any], dict[tuple[Any, ...], Any]], None] | None = None
    adjusts: str | None = None

    @property
    def measures(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(name for fold in self.folds for name in fold.measures))


LEDGERS: dict[type[Entry], Ledger] = {}


def declare_ledger(ledger: Ledger) -> Ledger:
    """Register a ledger; postings are locked in the order of declaration."""
    LEDGERS[ledger.entry] = ledger
    return ledger


def post(loaded: Loaded, ctx: Context, entries: Iterable[Entry], writing: Writing) -> None:
    """Write the entries of a document. Raises Refused when a balance would become illegal; nothing is written then.

    An entry names its line by `line_no` (0 for the document); date, turn, id and leg are given here.
    """
    post_all([(loaded, entries)], ctx, writing)


def post_all(postings: Iterable[tuple[Loaded, Iterable[Entry]]], ctx: Context, writing: Writing) -> None:
    """Write the entries of several documents, as `post` does, in statements that do not grow with their number."""
    by_ledger: dict[type[Entry], list[Any]] = defaultdict(list)
    for loaded, entries in postings:
        legs: dict[tuple[type[Entry], int], int] = defaultdict(int)
        entry: Any
        for entry in entries:
            kind = type(entry)
            if kind not in loaded.document.ledgers:
                raise TypeError(f"{loaded.document.code} may not post to {kind.__name__}.")
            entry.enterprise_id, entry.id, entry.doc_id = ctx.enterprise_id, new_id(), loaded.pk
            entry.date = entry.date or loaded.header.date
            entry.at, entry.turn = ctx.now, loaded.header.turn
            entry.leg = legs[kind, entry.line_no]
            legs[kind, entry.line_no] += 1
            by_ledger[kind].append(entry)
        loaded.header.turn += 1
    _write(
        ctx, ((kind, by_ledger[kind]) for kind in LEDGERS if kind in by_ledger), writing, is_negation=False
    )


def negate(loaded: Loaded, ctx: Context, writing: Writing) -> None:
    """Take back what the document posted: the same rows with the opposite sign, each naming the row it undoes."""
    kinds = (kind for kind in LEDGERS if kind in loaded.document.ledgers)
    # One ledger after the other: what is read of a ledger must not come before the locks of those declared earlier.
    _write(ctx, ((kind, _opposites(kind, loaded, ctx)) for kind in kinds), writing, is_negation=True)
    loaded.header.turn += 1


def _opposites(kind: type[Entry], loaded: Loaded, ctx: Context) -> list[Any]:
    """Return the rows that take back what stands of the document's entries in one ledger."""
    if LEDGERS[kind].adjusts is not None:
        # Others correct these entries while they hold the balances: who holds them himself sees every correction.
        lock_balances(ctx, LEDGERS[kind].folds[0], _own(kind, loaded, ctx))
    legs: dict[int, int] = defaultdict(int)
    rows = _live(kind, loaded, ctx)
    for entry in rows:
        entry.reverses, entry.id, entry.at = entry.id, new_id(), ctx.now
        if entry.doc_id != loaded.pk:
            entry.leg = -1 - entry.leg  # another's row keeps its turn: one entry can take it back
        else:
            # Several postings of one document (approval, closing, a step of its own) are taken back in one turn.
            entry.turn, entry.leg = loaded.header.turn, legs[entry.line_no]
            legs[entry.line_no] += 1
        for measure in LEDGERS[kind].measures:
            setattr(entry, measure, -getattr(entry, measure))
    return rows


def _own(kind: type[Entry], loaded: Loaded, ctx: Context) -> list[Any]:
    """Return every entry the document posted to a ledger, those taken back included."""
    shape = table(kind)
    sql = (
        f'SELECT {shape.select("t")} FROM "{shape.name}" t '
        "WHERE t.enterprise_id = %s AND t.doc_id = %s AND t.reverses IS NULL"
    )
    return [shape.instance(row) for row in run(sql, [ctx.enterprise_id, loaded.pk])]


def _live(kind: type[Entry], loaded: Loaded, ctx: Context) -> list[Any]:
    """Return what stands of the document's entries, and of what others added to correct them."""
    shape, adjusts = table(kind), LEDGERS[kind].adjusts
    mine: str = "t.doc_id = %s"
    params: list[Any] = [loaded.pk]
    if adjusts is not None:
        mine = (
            f'(t.doc_id = %s OR t."{adjusts}" IN (SELECT m.id FROM "{shape.name}" m WHERE m.enterprise_id = %s '
            "AND m.doc_id = %s AND m.reverses IS NULL))"
        )
        params += [ctx.enterprise_id, loaded.pk]
    sql = (
        f'SELECT {shape.select("t")} FROM "{shape.name}" t WHERE t.enterprise_id = %s AND {mine} '
        "AND t.reverses IS NULL AND NOT EXISTS (SELECT 1 FROM "
        f'"{shape.name}" u WHERE u.enterprise_id = t.enterprise_id AND u.reverses = t.id) ORDER BY t.line_no, t.turn, t.leg'
    )
    return [shape.instance(row) for row in run(sql, [ctx.enterprise_id, *params])]


def _write(
    ctx: Context, by_ledger: Iterable[tuple[type[Entry], list[Any]]], writing: Writing, *, is_negation: bool
) -> None:
    """Fold and write the entries; `by_ledger` comes in the order of declaration, each asked for when it is its turn."""
    problems: list[Problem] = []
    for kind, entries in by_ledger:
        ledger = LEDGERS[kind]
        if not entries:
            continue
        said: set[tuple[str | None, int | None, str]] = set()
        for at, fold in enumerate(ledger.folds):
            balances = lock_balances(ctx, fold, entries)
            if at == 0 and ledger.value is not None and not is_negation:
                ledger.value(entries, balances)
            # What is missing from the whole is missing from its part too: each fold says what those before it did not.
            found = [p for p in _fold(fold, entries, balances) if (p.field, p.line, p.code) not in said]
            said.update((p.field, p.line, p.code) for p in found)
            problems += found
            fresh = [balance for balance in balances.values() if balance._state.adding]
            writing.update([b for b in balances.values() if not b._state.adding], fold.measures)
            writing.insert(fresh)
        writing.insert(entries)
    if problems:
        raise Refused(*problems)


def _fold(fold: Fold, entries: Sequence[Any], balances: dict[tuple[Any, ...], Any]) -> Iterable[Problem]:
    touched: dict[tuple[Any, ...], list[Any]] = defaultdict(list)
    for entry in entries:
        key = key_of(entry, fold)
        if None in key:
            continue
        balance = balances[key]
        touched[key].append(entry)
        for measure in fold.measures:
            delta = getattr(entry, measure)
            if delta:
                setattr(balance, measure, getattr(balance, measure) + delta)
    if fold.check is not None:
        for key, rows in touched.items():
            yield from fold.check(balances[key], rows)


def key_of(row: Any, fold: Fold) -> tuple[Any, ...]:
    """Return the key of an entry or balance under a fold."""
    return tuple(getattr(row, name) for name in fold.keys)


def lock_balances(ctx: Context, fold: Fold, entries: Iterable[Any]) -> dict[tuple[Any, ...], Any]:
    """Lock the balances the entries touch, in key order; a balance that does not exist yet is a new row of zeros.

    Two first postings to one new balance meet at its unique key, and the later one is run again.
    """
    shape = table(fold.balance)
    keys = sorted({key for entry in entries if None not in (key := key_of(entry, fold))}, key=str)
    if not keys:
        return {}
    columns = [shape.by_attname[name] for name in fold.keys]
    names = ", ".join(f'"{column.name}"' for column in columns)
    on = " AND ".join(f't."{column.name}" = k."{column.name}"' for column in columns)
    arrays = ", ".join(f"%s::{column.type}[]" for column in columns)
    order = ", ".join(f't."{column.name}"' for column in columns)
    sql = (
        f'SELECT {shape.select("t")} FROM "{shape.name}" t JOIN unnest({arrays}) AS k ({names}) ON {on} '
        f"WHERE t.enterprise_id = %s ORDER BY {order} FOR NO KEY UPDATE OF t"
    )
    found = [
        shape.instance(row) for row in run(sql, [*map(list, zip(*keys, strict=True)), ctx.enterprise_id])
    ]
    balances = {key_of(row, fold): row for row in found}
    for key in keys:
        if key not in balances:
            balances[key] = _zero(fold, key, ctx)
    return balances


def _zero(fold: Fold, key: tuple[Any, ...], ctx: Context) -> Any:
    made = blank(fold.balance, ctx)
    for name, value in zip(fold.keys, key, strict=True):
        setattr(made, name, value)
    for measure in fold.measures:
        setattr(made, measure, ZERO)
    return made
