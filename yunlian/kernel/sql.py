"""Set-based statements: one statement of CTEs over unnest, prepared once per shape (stack.md section 3)."""

import json
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

import psycopg
from django.db import connection, models

from .identity import new_id

Row = tuple[Any, ...]


def run(sql: str, params: Sequence[Any]) -> list[Row]:
    """Execute one statement with `%s` placeholders and return its rows; prepared on the server.

    Goes through Django's cursor when somebody is watching (a test counts statements), else straight to psycopg.
    """
    if connection.execute_wrappers or connection.force_debug_cursor:
        with connection.cursor() as watched:
            watched.execute(sql, params)
            return watched.fetchall() if watched.description else []
    connection.ensure_connection()
    with psycopg.Cursor(connection.connection) as cursor:
        try:
            cursor.execute(sql, params, prepare=True)
            return cursor.fetchall() if cursor.description else []
        except psycopg.Error:
            with connection.wrap_database_errors:
                raise
            raise


class Column:
    """One column of a table: name, PostgreSQL type, attribute on the instance."""

    __slots__ = ("attname", "is_json", "name", "type")

    def __init__(self, field: models.Field[Any, Any]) -> None:
        kind = field.db_type(connection) or ""
        self.is_json = kind == "jsonb"
        self.name, self.attname = field.column or "", field.attname
        self.type = "text" if kind.startswith("varchar") else kind

    def value(self, instance: models.Model) -> Any:
        """Return the instance's value as psycopg takes it."""
        value = getattr(instance, self.attname)
        return json.dumps(value, ensure_ascii=False) if self.is_json else value


class Table:
    """A model's table as the kernel writes it."""

    def __init__(self, model: type[models.Model]) -> None:
        self.model, self.name = model, model._meta.db_table
        self.columns = [Column(field) for field in model._meta.concrete_fields]
        self.by_attname = {column.attname: column for column in self.columns}
        self._attnames = [column.attname for column in self.columns]
        self.state_fields = {field.name for field in model._meta.fields if not field.concrete}

    def select(self, alias: str) -> str:
        """Return the column list of a row under an alias."""
        return ", ".join(f'{alias}."{column.name}"' for column in self.columns)

    def instance(self, values: Iterable[Any]) -> Any:
        """Make a model instance of a row without Django's signals; JSON columns are decoded."""
        made = self.model.__new__(self.model)
        made.__dict__.update(zip(self._attnames, values, strict=True))
        for column in self.columns:
            if column.is_json and isinstance(made.__dict__[column.attname], str):
                made.__dict__[column.attname] = json.loads(made.__dict__[column.attname])
        state = models.base.ModelState()
        state.adding, state.db = False, "default"
        made.__dict__["_state"] = state
        return made


@cache
def table(model: type[models.Model]) -> Table:
    """Return the one Table of a model."""
    return Table(model)


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
        columns = shape.columns
        names = ", ".join(f'"{column.name}"' for column in columns)
        arrays = ", ".join(f"%s::{column.type}[]" for column in columns)
        taken = "*"
        if computed:
            taken = ", ".join(computed.get(column.attname, f'v."{column.name}"') for column in columns)
        sql = f'INSERT INTO "{shape.name}" ({names}) SELECT {taken} FROM unnest({arrays}) AS v ({names})'
        if upsert:
            sets = ", ".join(f'"{(c := shape.by_attname[a].name)}" = excluded."{c}"' for a in upsert)
            sql += f" ON CONFLICT (enterprise_id, id) DO UPDATE SET {sets}"
        self.raw(sql, [[column.value(instance) for instance in instances] for column in columns])

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
        columns = [shape.by_attname[name] for name in ("id", *attributes)]
        arrays = ", ".join(f"%s::{column.type}[]" for column in columns)
        names = ", ".join(f'"{column.name}"' for column in columns)
        sets = ", ".join(f'"{column.name}" = v."{column.name}"' for column in columns[1:])
        for attname, expression in (computed or {}).items():
            sets += f', "{shape.by_attname[attname].name}" = {expression}'
        self.raw(
            f'UPDATE "{shape.name}" t SET {sets} FROM unnest({arrays}) AS v ({names}) '
            "WHERE t.enterprise_id = %s AND t.id = v.id",
            [*([column.value(i) for i in instances] for column in columns), self.enterprise_id],
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


def with_ids(instances: Sequence[Any], enterprise_id: int) -> Sequence[Any]:
    """Give new rows their key; returns the same rows."""
    for instance in instances:
        instance.enterprise_id = enterprise_id
        if instance.id is None:
            instance.id = new_id()
    return instances
