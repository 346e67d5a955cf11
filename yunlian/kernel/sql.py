"""Set-based statements: one statement of CTEs over the rows' JSON, prepared once per shape."""

import contextlib
import json
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

import msgspec
import psycopg
from django.db import connection, models

from .identity import new_id

Row = tuple[Any, ...]
# Statements a connection keeps prepared, some 80 kB each at the server. Two stories of buying and selling ask for 166, and
# whatever psycopg's own limit of 100 pushes out is parsed and planned anew.
PREPARED_MAX = 300


def run(sql: str, params: Sequence[Any], *, is_planned_anew: bool = False) -> list[Row]:
    """Execute one statement with `%s` placeholders and return its rows.

    Prepared on the server, with one plan for all values, unless `is_planned_anew`: then the values become part of its
    text and the plan is made for them (a list by a generic plan took 43 ms, by its own 2.4, stack.md section 10). Goes
    through Django's cursor when somebody is watching (a test counts statements), else straight to psycopg.
    """
    if is_planned_anew or connection.execute_wrappers or connection.force_debug_cursor:
        with connection.cursor() as watched:
            watched.execute(sql, params)
            return watched.fetchall() if watched.description else []
    with psycopg.Cursor(_connected()) as cursor:
        try:
            cursor.execute(sql, params, prepare=True, binary=True)
            result = cursor.pgresult
            return cursor.fetchall() if result is not None and result.nfields else []
        except psycopg.Error:
            with connection.wrap_database_errors:
                raise
            raise


def _connected() -> Any:
    """Return psycopg's connection, which forgets no statement that is asked for again."""
    connection.ensure_connection()
    raw = connection.connection
    raw.prepared_max = PREPARED_MAX
    return raw


class Column:
    """One column of a table: name, PostgreSQL type, attribute on the instance."""

    __slots__ = ("attname", "is_bytes", "is_json", "name", "type")

    def __init__(self, field: models.Field[Any, Any]) -> None:
        kind = field.db_type(connection) or ""
        self.is_json, self.is_bytes = kind == "jsonb", kind == "bytea"
        self.name, self.attname = field.column or "", field.attname
        self.type = "text" if kind.startswith("varchar") else kind


def run_together(statements: Sequence[tuple[str, Sequence[Any]]]) -> list[list[Row]]:
    """Execute statements that do not depend on each other in one journey to the server; returns the rows of each."""
    if len(statements) < 2 or connection.execute_wrappers or connection.force_debug_cursor:
        return [run(sql, params) for sql, params in statements]
    raw = _connected()
    with contextlib.ExitStack() as stack:
        cursors = [stack.enter_context(psycopg.Cursor(raw)) for _statement in statements]
        try:
            with raw.pipeline():
                for cursor, (sql, params) in zip(cursors, statements, strict=True):
                    cursor.execute(sql, params, prepare=True, binary=True)
            return [cursor.fetchall() for cursor in cursors]
        except psycopg.Error:
            with connection.wrap_database_errors:
                raise
            raise


class _Stored:
    """Django's bookkeeping for a row that is in the database, without its cost."""

    __slots__ = ("adding", "db", "fields_cache")

    def __init__(self) -> None:
        self.adding, self.db = False, "default"
        self.fields_cache: dict[str, Any] = {}


# Columns of a row that is only pointed to, which no rule asks for.
_ASIDE = frozenset(
    ("version", "created_at", "created_by", "updated_at", "updated_by", "ext", "note", "initials")
)


class Table:
    """A model's table as the kernel reads and writes it; `aside` leaves out what references do not need."""

    def __init__(self, model: type[models.Model], aside: frozenset[str] = frozenset()) -> None:
        self.model, self.name = model, model._meta.db_table
        self.columns = [Column(x) for x in model._meta.concrete_fields if x.attname not in aside]
        self.by_attname = {column.attname: column for column in self.columns}
        self._attnames = [column.attname for column in self.columns]
        self._json = [column.attname for column in self.columns if column.is_json]
        self._bytes = [column.name for column in self.columns if column.is_bytes]
        generated = {x.attname for x in model._meta.concrete_fields if x.generated}
        self.written = [column for column in self.columns if column.attname not in generated]
        self._pairs = [(column.name, column.attname) for column in self.written]

    def select(self, alias: str) -> str:
        """Return the column list of a row under an alias."""
        return ", ".join(f'{alias}."{column.name}"' for column in self.columns)

    def instance(self, values: Iterable[Any]) -> Any:
        """Make a model instance of a row without Django's signals; JSON columns are decoded."""
        made = self.model.__new__(self.model)
        made.__dict__.update(zip(self._attnames, values, strict=True))
        for name in self._json:
            if isinstance(made.__dict__[name], str):
                made.__dict__[name] = json.loads(made.__dict__[name])
        made.__dict__["_state"] = _Stored()
        return made

    def rows(self, instances: Sequence[Any], names: Sequence[str] | None = None) -> str:
        """Return rows as the JSON text that `json_populate_recordset` takes; `names` limits the attributes."""
        pairs = self._pairs if names is None else [(self.by_attname[name].name, name) for name in names]
        taken = [{column: getattr(instance, attname) for column, attname in pairs} for instance in instances]
        for name in self._bytes:
            for row in taken:
                if row.get(name) is not None:
                    row[name] = "\\x" + bytes(row[name]).hex()
        return _encoder.encode(taken).decode()


_encoder = msgspec.json.Encoder(enc_hook=str)


@cache
def table(model: type[models.Model]) -> Table:
    """Return the one Table of a model."""
    return Table(model)


@cache
def brief(model: type[models.Model]) -> Table:
    """Return the Table of a model as far as a reference to it is read."""
    return Table(model, _ASIDE)


@cache
def named(model: type[models.Model]) -> Table:
    """Return the Table of a model as far as it takes to name a row: key, code and name."""
    kept = {"enterprise_id", "id", "code", "name"}
    return Table(model, frozenset(x.attname for x in model._meta.concrete_fields) - kept)


class Writing:
    """Rows to write in one statement. Parents and lines may be added in any order: keys are checked at its end."""

    def __init__(self, enterprise_id: int) -> None:
        self.enterprise_id = enterprise_id
        self._parts: list[str] = []
        self._params: list[Any] = []

    def raw(self, sql: str, params: Sequence[Any], name: str | None = None) -> None:
        """Add a data-modifying statement; `name` lets later parts read its RETURNING rows."""
        self._parts.append(f"{name or f'w{len(self._parts)}'} AS ({sql})")
        self._params.extend(params)

    def insert(
        self,
        instances: Sequence[models.Model],
        *,
        upsert: Sequence[str] = (),
        computed: dict[str, str] | None = None,
    ) -> None:
        """Insert rows of one model; rows that exist take over the `upsert` attributes instead.

        `computed` gives an SQL expression, over other parts of this statement, for an attribute.
        """
        if not instances:
            return
        shape = table(type(instances[0]))
        names = ", ".join(f'"{column.name}"' for column in shape.written)
        taken = names
        if computed:
            taken = ", ".join(computed.get(column.attname, f'"{column.name}"') for column in shape.written)
        sql = (
            f'INSERT INTO "{shape.name}" ({names}) SELECT {taken} '
            f'FROM json_populate_recordset(NULL::"{shape.name}", %s::json)'
        )
        if upsert:
            sets = ", ".join(f'"{(c := shape.by_attname[a].name)}" = excluded."{c}"' for a in upsert)
            sql += f" ON CONFLICT (enterprise_id, id) DO UPDATE SET {sets}"
        self.raw(sql, [shape.rows(instances)])

    def insert_new(self, model: type[models.Model], rows: Sequence[Mapping[str, Any]]) -> None:
        """Insert many small rows, given by column; those that a unique key forbids stay as they are.

        The server makes their ids, alike but for the random half: a thousand products have sixty thousand tokens.
        """
        if not rows:
            return
        name, columns = model._meta.db_table, ", ".join(f'"{column}"' for column in rows[0])
        self.raw(
            f'INSERT INTO "{name}" (enterprise_id, id, {columns}) '
            f"SELECT %s, (left(%s, 19) || right(gen_random_uuid()::text, 17))::uuid, {columns} "
            f'FROM json_populate_recordset(NULL::"{name}", %s::json) ON CONFLICT DO NOTHING',
            [self.enterprise_id, str(new_id()), _encoder.encode(rows).decode()],
        )

    def update(
        self,
        instances: Sequence[models.Model],
        attributes: Sequence[str],
        *,
        computed: dict[str, str] | None = None,
    ) -> None:
        """Write the named attributes of rows that exist; `computed` ones from an SQL expression."""
        if not instances or not attributes:
            return
        shape = table(type(instances[0]))
        columns = [shape.by_attname[name].name for name in attributes]
        sets = ", ".join(f'"{name}" = v."{name}"' for name in columns)
        for attname, expression in (computed or {}).items():
            sets += f', "{shape.by_attname[attname].name}" = {expression}'
        self.raw(
            f'UPDATE "{shape.name}" t SET {sets} FROM json_populate_recordset(NULL::"{shape.name}", %s::json) v '
            "WHERE t.enterprise_id = %s AND t.id = v.id",
            [shape.rows(instances, ["id", *attributes]), self.enterprise_id],
        )

    def delete(self, model: type[models.Model], ids: Sequence[Any]) -> None:
        """Delete rows by id."""
        if ids:
            sql = f'DELETE FROM "{model._meta.db_table}" WHERE enterprise_id = %s AND id = ANY(%s)'
            self.raw(sql, [self.enterprise_id, list(ids)])

    def run(self, returning: str = "1") -> Any:
        """Execute everything added as one statement and return its one value; nothing added, nothing executed."""
        if not self._parts:
            return None
        parts, params = self._parts, self._params
        self._parts, self._params = [], []
        return run(f"WITH {', '.join(parts)} SELECT {returning}", params)[0][0]
