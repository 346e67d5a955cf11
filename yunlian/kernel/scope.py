"""Whose rows: the enterprise a transaction belongs to, and who acts in it.

`tenant()` is the only way to reach tenant tables. It opens a transaction and sets `app.enterprise_id`
with SET LOCAL, which the row security policy of every tenant table reads (reliability.md rules 6, T4).
"""

import datetime as dt
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

from django.db import connection, transaction

_current: ContextVar[int | None] = ContextVar("enterprise_id", default=None)


class NoTenant(RuntimeError):
    """A tenant table was touched outside `tenant()`: always a bug."""


def enterprise_id() -> int:
    """Return the enterprise of the running transaction; raises NoTenant outside `tenant()`."""
    current = _current.get()
    if current is None:
        raise NoTenant("No enterprise is active: enter one with tenant(enterprise_id).")
    return current


@contextmanager
def tenant(enterprise: int) -> Iterator[None]:
    """Run a transaction that sees and writes the rows of one enterprise only.

    Nesting the same enterprise opens a savepoint; nesting another one raises RuntimeError, because no
    transaction spans two enterprises.
    """
    outer = _current.get()
    if outer is not None and outer != enterprise:
        raise RuntimeError("A transaction belongs to one enterprise.")
    token = _current.set(enterprise)
    try:
        with transaction.atomic():
            if outer is None:
                _set_local(str(int(enterprise)))
            yield
            if outer is None and connection.savepoint_ids:
                # Inside somebody else's transaction (a test's): close the door behind us.
                _set_local("")
    finally:
        _current.reset(token)


@contextmanager
def read_only() -> Iterator[None]:
    """Let PostgreSQL refuse every write inside; what follows may write again."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION READ ONLY")
        yield


def _set_local(value: str) -> None:
    """Set the enterprise; where nobody is watching, in one journey with the BEGIN that comes before it."""
    statement = f"SET LOCAL app.enterprise_id = '{value}'"
    if connection.execute_wrappers or connection.force_debug_cursor:
        with connection.cursor() as watched:
            watched.execute(statement)
        return
    connection.ensure_connection()
    with connection.wrap_database_errors, connection.connection.pipeline():
        connection.connection.execute(statement)


@dataclass(frozen=True, slots=True)
class Grants:
    """What one member may do, united over the roles: verbs, row scopes and field guards.

    `verbs` holds `code.verb`; `"*"` stands for every verb. `scopes` maps a code (or `"*"`) to own, department,
    tree or all; a code that is absent has scope `own`. Guards name groups of fields, such as `purchase.price`.
    """

    verbs: frozenset[str] = frozenset()
    scopes: dict[str, str] = field(default_factory=dict)
    read_guards: frozenset[str] = frozenset()
    write_guards: frozenset[str] = frozenset()

    def reads(self, guard: str) -> bool:
        """Whether the fields behind a guard may be read."""
        return "*" in self.read_guards or guard in self.read_guards


@dataclass(frozen=True, slots=True)
class Context:
    """Who acts, where, when and in which language; handed to everything that decides.

    `now` is UTC, `today` the enterprise's business date. `tree` lists the ids of the member's department and
    all below it.
    """

    enterprise_id: int
    member_id: uuid.UUID
    member_name: str
    department_id: uuid.UUID | None
    tree: tuple[uuid.UUID, ...]
    grants: Grants
    now: dt.datetime
    today: dt.date
    user_id: int | None = None
    is_chain: bool = False
