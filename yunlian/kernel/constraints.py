"""Database constraints Django does not know: composite foreign keys, row security, append-only, exclusion.

They are ordinary members of `Meta.constraints`, added by the kernel's fields, so that migrations carry them.
"""

from collections.abc import Sequence
from typing import Any

from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.models import BaseConstraint, Model
from typing_extensions import override

APPLICATION_ROLE = "yunlian_app"


class _Sql(BaseConstraint):
    """A constraint written as SQL after its table exists."""

    @override
    def create_sql(self, model: type[Model] | None, schema_editor: BaseDatabaseSchemaEditor | None) -> Any:
        raise NotImplementedError

    @override
    def constraint_sql(
        self, model: type[Model] | None, schema_editor: BaseDatabaseSchemaEditor | None
    ) -> Any:
        assert schema_editor is not None
        schema_editor.deferred_sql.append(self.create_sql(model, schema_editor))

    @override
    def validate(self, *args: Any, **kwargs: Any) -> None:
        """The database is the judge."""

    @override
    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and self.deconstruct() == other.deconstruct()

    __hash__ = BaseConstraint.__hash__


class CompositeForeignKey(_Sql):
    """`(enterprise_id, column)` of this table must exist in `(enterprise_id, id)` of another: rule S3.

    Immediate (S4); `cascade` deletes with the parent, else deletion of the parent is refused (S5).
    """

    def __init__(self, *, name: str, column: str, to_table: str, cascade: bool = False) -> None:
        super().__init__(name=name)
        self.column, self.to_table, self.cascade = column, to_table, cascade

    @override
    def create_sql(self, model: type[Model] | None, schema_editor: BaseDatabaseSchemaEditor | None) -> str:
        assert model is not None
        action = " ON DELETE CASCADE" if self.cascade else ""
        return (
            f'ALTER TABLE "{model._meta.db_table}" ADD CONSTRAINT "{self.name}" FOREIGN KEY '
            f'(enterprise_id, "{self.column}") REFERENCES "{self.to_table}" (enterprise_id, id){action}'
        )

    @override
    def remove_sql(self, model: type[Model] | None, schema_editor: BaseDatabaseSchemaEditor | None) -> str:
        assert model is not None
        return f'ALTER TABLE "{model._meta.db_table}" DROP CONSTRAINT "{self.name}"'

    @override
    def deconstruct(self) -> tuple[str, Sequence[Any], dict[str, Any]]:
        path, args, kwargs = super().deconstruct()
        kwargs |= {"column": self.column, "to_table": self.to_table}
        return path, args, kwargs | ({"cascade": True} if self.cascade else {})


class RowSecurity(_Sql):
    """Only rows of the active enterprise exist for the application role (T2, T4); the owner is bound too.

    With `append_only` the application role may insert and select but never change a row (S11).
    """

    def __init__(self, *, name: str, append_only: bool = False) -> None:
        super().__init__(name=name)
        self.append_only = append_only

    @override
    def create_sql(self, model: type[Model] | None, schema_editor: BaseDatabaseSchemaEditor | None) -> str:
        assert model is not None
        table = model._meta.db_table
        rule = "enterprise_id = nullif(current_setting('app.enterprise_id', true), '')::bigint"
        sql = (
            f'ALTER TABLE "{table}" ENABLE ROW LEVEL SECURITY; '
            f'ALTER TABLE "{table}" FORCE ROW LEVEL SECURITY; '
            f'CREATE POLICY "{self.name}" ON "{table}" USING ({rule}) WITH CHECK ({rule})'
        )
        if self.append_only:
            sql += f'; REVOKE UPDATE, DELETE, TRUNCATE ON "{table}" FROM {APPLICATION_ROLE}'
        return sql

    @override
    def remove_sql(self, model: type[Model] | None, schema_editor: BaseDatabaseSchemaEditor | None) -> str:
        assert model is not None
        table = model._meta.db_table
        return (
            f'DROP POLICY "{self.name}" ON "{table}"; ALTER TABLE "{table}" NO FORCE ROW LEVEL SECURITY; '
            f'ALTER TABLE "{table}" DISABLE ROW LEVEL SECURITY'
        )

    @override
    def deconstruct(self) -> tuple[str, Sequence[Any], dict[str, Any]]:
        path, args, kwargs = super().deconstruct()
        return path, args, kwargs | ({"append_only": True} if self.append_only else {})


class Exclusion(_Sql):
    """No two rows of an enterprise may agree on `equal` while their `period` (SQL range) overlaps: M7.

    Judged at the end of each statement, so that one save may move the periods of several rows.
    """

    def __init__(self, *, name: str, equal: Sequence[str], period: str) -> None:
        super().__init__(name=name)
        self.equal, self.period = tuple(equal), period

    @override
    def create_sql(self, model: type[Model] | None, schema_editor: BaseDatabaseSchemaEditor | None) -> str:
        assert model is not None
        terms = ", ".join(f'"{column}" WITH =' for column in ("enterprise_id", *self.equal))
        return (
            f'ALTER TABLE "{model._meta.db_table}" ADD CONSTRAINT "{self.name}" '
            f"EXCLUDE USING gist ({terms}, {self.period} WITH &&) DEFERRABLE INITIALLY IMMEDIATE"
        )

    @override
    def remove_sql(self, model: type[Model] | None, schema_editor: BaseDatabaseSchemaEditor | None) -> str:
        assert model is not None
        return f'ALTER TABLE "{model._meta.db_table}" DROP CONSTRAINT "{self.name}"'

    @override
    def deconstruct(self) -> tuple[str, Sequence[Any], dict[str, Any]]:
        path, args, kwargs = super().deconstruct()
        return path, args, kwargs | {"equal": self.equal, "period": self.period}
