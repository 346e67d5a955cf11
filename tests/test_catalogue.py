"""What the tables promise, read from PostgreSQL's own catalogue: reliability.md S1 to S15, T1 to T4.

Each rule is a query that names what breaks it. It must find nothing, and find the damage that a mutation does.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator

import pytest
from django.apps import apps
from django.db import Error, connection, connections, transaction

from yunlian.kernel import fields as f
from yunlian.kernel.models import AppendOnly, TenantModel
from yunlian.kernel.save import save
from yunlian.kernel.scope import tenant
from yunlian.kernel.testing import NOW
from yunlian.org.people import found_enterprise, system_context

pytestmark = pytest.mark.django_db(databases=["default", "owner"])

APP = "yunlian_app"
KINDS = {"reference", "installation", "identity"}
# Django's own record of what was migrated.
FOREIGN = {"django_migrations": "installation"}
POLICY = "(enterprise_id = (NULLIF(current_setting('app.enterprise_id'::text, true), ''::text))::bigint)"

MODELS = {model._meta.db_table: model for model in apps.get_models()}
TENANT = {table for table, model in MODELS.items() if issubclass(model, TenantModel)}
DECLARED = FOREIGN | {
    config.get_model(name)._meta.db_table: kind
    for config in apps.get_app_configs()
    for name, kind in getattr(config, "TABLES", {}).items()
}
REFERENCE = {table for table, kind in DECLARED.items() if kind == "reference"}


def ask(sql: str, *params: object) -> list[tuple]:
    with connections["owner"].cursor() as cursor:
        cursor.execute(sql, params)
        return cursor.fetchall()


def columns_of(array: str, table: str) -> str:
    """SQL for the names behind an array of column numbers, in order."""
    return (
        f"(SELECT array_agg(a.attname::text ORDER BY k.n) FROM unnest({array}) WITH ORDINALITY k(attnum, n) "
        f"JOIN pg_attribute a ON a.attrelid = {table} AND a.attnum = k.attnum)"
    )


def constraints(kind: str) -> Iterator[tuple]:
    """(table, name, columns, target, target's columns, deferrable, on delete, on update) of every constraint."""
    yield from ask(
        f"SELECT t.relname, c.conname, {columns_of('c.conkey', 'c.conrelid')}, r.relname, "
        f"{columns_of('c.confkey', 'c.confrelid')}, c.condeferrable, c.confdeltype::text, c.confupdtype::text "
        "FROM pg_constraint c JOIN pg_class t ON t.oid = c.conrelid LEFT JOIN pg_class r ON r.oid = c.confrelid "
        "WHERE t.relnamespace = 'public'::regnamespace AND c.contype = %s ORDER BY 1, 2",
        kind,
    )


def tables() -> set[str]:
    rows = ask(
        "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')"
    )
    return {name for (name,) in rows}


def columns(condition: str) -> Iterator[str]:
    """`table.column` of every tenant column that meets a condition over pg_attribute a and its type y."""
    rows = ask(
        "SELECT t.relname, a.attname FROM pg_attribute a JOIN pg_class t ON t.oid = a.attrelid "
        "JOIN pg_type y ON y.oid = a.atttypid LEFT JOIN pg_attrdef d ON d.adrelid = t.oid AND d.adnum = a.attnum "
        f"WHERE t.relname = ANY(%s) AND a.attnum > 0 AND NOT a.attisdropped AND ({condition}) ORDER BY 1, 2",
        sorted(TENANT),
    )
    yield from (f"{table}.{column}" for table, column in rows)


def every_table_is_of_a_declared_kind() -> Iterator[str]:
    """S7: tenant, or declared in the TABLES of its app's config."""
    yield from tables() ^ (TENANT | set(DECLARED))
    yield from TENANT & set(DECLARED)
    yield from (table for table, kind in DECLARED.items() if kind not in KINDS)


def the_key_is_enterprise_and_id() -> Iterator[str]:
    """S1."""
    keys = {table: columns for table, _name, columns, *_rest in constraints("p")}
    yield from (table for table in TENANT if keys.get(table) != ["enterprise_id", "id"])
    yield from columns("a.attname = 'id' AND (y.typname <> 'uuid' OR NOT a.attnotnull OR d.oid IS NOT NULL)")
    yield from columns("a.attname = 'enterprise_id' AND (y.typname <> 'int8' OR NOT a.attnotnull)")


def uniques_begin_with_the_enterprise() -> Iterator[str]:
    """S2: constraints, indexes and exclusions."""
    rows = ask(
        "SELECT t.relname, x.relname FROM pg_index i JOIN pg_class t ON t.oid = i.indrelid "
        "JOIN pg_class x ON x.oid = i.indexrelid "
        "LEFT JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = i.indkey[0] "
        "WHERE (i.indisunique OR i.indisexclusion) AND t.relname = ANY(%s) AND a.attname IS DISTINCT FROM 'enterprise_id'",
        sorted(TENANT),
    )
    yield from (f"{table}: {index}" for table, index in rows)


def keys_between_tenants_are_composite() -> Iterator[str]:
    """S3, S7: (enterprise_id, x_id) to (enterprise_id, id); otherwise to reference tables only."""
    for table, name, ours, target, theirs, *_rest in constraints("f"):
        if target in TENANT:
            if (
                table not in TENANT
                or len(ours) != 2
                or ours[0] != "enterprise_id"
                or theirs != ["enterprise_id", "id"]
            ):
                yield f"{table}: {name}"
        elif table in TENANT and target not in REFERENCE:
            yield f"{table}: {name}"


def every_reference_has_its_key() -> Iterator[str]:
    """S3: what Django calls a reference is one to the database too."""
    kept = {(table, tuple(ours), target) for table, _name, ours, target, *_rest in constraints("f")}
    for table in sorted(TENANT & tables()):
        for field in MODELS[table]._meta.fields:
            if isinstance(field, f.Ref):
                target = field.remote_field.model._meta.db_table
                if (table, ("enterprise_id", field.column_name), target) not in kept:
                    yield f"{table}.{field.name}"


def keys_are_immediate() -> Iterator[str]:
    """S4."""
    yield from (f"{row[0]}: {row[1]}" for row in constraints("f") if row[0] in TENANT and row[5])


def deletion_is_refused_or_cascades() -> Iterator[str]:
    """S5: never set to null; keys are never updated along."""
    for table, name, _ours, _target, _theirs, _deferrable, on_delete, on_update in constraints("f"):
        if table in TENANT and (on_delete not in ("a", "r", "c") or on_update not in ("a", "r")):
            yield f"{table}: {name}"


def nothing_is_an_enum() -> Iterator[str]:
    """S8."""
    yield from columns("y.typtype = 'e'")


def every_choice_has_its_check() -> Iterator[str]:
    """S8: states and choices are text with a CHECK."""
    checks = {(table, name) for table, name, *_rest in constraints("c")}
    for table in sorted(TENANT & tables()):
        model = MODELS[table]
        for field in model._meta.fields:
            if (
                isinstance(field, f.Choice)
                and (table, f.constraint_name(model, field.name, "known")) not in checks
            ):
                yield f"{table}.{field.name}"


def nothing_counts_itself() -> Iterator[str]:
    """S9, S13: no identity, no sequence, no default that the database computes; generated columns are no defaults."""
    yield from columns(
        "a.attidentity <> '' OR (d.oid IS NOT NULL AND a.attgenerated = '' "
        "AND pg_get_expr(d.adbin, d.adrelid) LIKE '%%(%%')"
    )


def the_application_may_only_add_to_append_only_tables() -> Iterator[str]:
    """S11, and its twin: everywhere else it may do all four."""
    for table in sorted(TENANT & tables()):
        allowed = {"SELECT", "INSERT"}
        if not issubclass(MODELS[table], AppendOnly):
            allowed |= {"UPDATE", "DELETE"}
        rows = ask(
            "SELECT p FROM unnest(%s::text[]) p WHERE has_table_privilege(%s, %s, p) "
            "OR (p = ANY('{SELECT,INSERT,UPDATE}') AND has_any_column_privilege(%s, %s, p))",
            ["SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "TRIGGER"], APP, table, APP, table,
        )  # fmt: skip
        has = {name for (name,) in rows}
        if has != allowed:
            yield f"{table}: {sorted(has ^ allowed)}"


def ledgers_and_logs_are_append_only() -> Iterator[str]:
    """S11: whoever writes a ledger or a log cannot forget to say so."""
    for table, model in sorted(MODELS.items()):
        if (
            table in TENANT
            and re.search(r"(entry|audit|attempt)$", table)
            and not issubclass(model, AppendOnly)
        ):
            yield table


def json_is_for_show() -> Iterator[str]:
    """S14: no index over jsonb; what is searched has a column."""
    rows = ask(
        "SELECT t.relname, x.relname FROM pg_index i JOIN pg_class t ON t.oid = i.indrelid "
        "JOIN pg_class x ON x.oid = i.indexrelid JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = ANY(i.indkey) "
        "WHERE t.relname = ANY(%s) AND a.atttypid = 'jsonb'::regtype",
        sorted(TENANT),
    )
    yield from (f"{table}: {index}" for table, index in rows)


def row_security_is_forced() -> Iterator[str]:
    """T2."""
    rows = ask(
        "SELECT relname FROM pg_class WHERE relname = ANY(%s) AND NOT (relrowsecurity AND relforcerowsecurity)",
        sorted(TENANT),
    )
    yield from (table for (table,) in rows)


def the_one_policy_is_word_for_word() -> Iterator[str]:
    """T2, T4: one policy for everybody and every command, reading and writing alike."""
    rows = ask(
        "SELECT t.relname, count(p.oid), bool_and(p.polpermissive AND p.polcmd = '*' AND p.polroles = '{0}'), "
        "min(pg_get_expr(p.polqual, t.oid)), min(pg_get_expr(p.polwithcheck, t.oid)) "
        "FROM pg_class t LEFT JOIN pg_policy p ON p.polrelid = t.oid WHERE t.relname = ANY(%s) GROUP BY 1",
        sorted(TENANT),
    )
    yield from (table for table, *found in rows if found != [1, True, POLICY, POLICY])


def the_application_role_is_an_ordinary_one() -> Iterator[str]:
    """T3: owns nothing, bypasses nothing, may become nobody and make nothing."""
    yield from (
        name
        for (name,) in ask(
            "SELECT rolname FROM pg_roles WHERE rolname = ANY(%s) AND (rolsuper OR rolbypassrls OR "
            "(rolname = %s AND (rolcreaterole OR rolcreatedb)))",
            [APP, "yunlian_owner"], APP,
        )
    )  # fmt: skip
    yield from (
        name for (name,) in ask("SELECT relname FROM pg_class WHERE pg_get_userbyid(relowner) = %s", APP)
    )
    yield from (
        name
        for (name,) in ask(
            "SELECT rolname FROM pg_roles WHERE rolname <> %s AND pg_has_role(%s, oid, 'member')", APP, APP
        )
    )
    if ask("SELECT has_schema_privilege(%s, 'public', 'CREATE')", APP) == [(True,)]:
        yield "may create in public"


RULES: tuple[Callable[[], Iterator[str]], ...] = (
    every_table_is_of_a_declared_kind,
    the_key_is_enterprise_and_id,
    uniques_begin_with_the_enterprise,
    keys_between_tenants_are_composite,
    every_reference_has_its_key,
    keys_are_immediate,
    deletion_is_refused_or_cascades,
    nothing_is_an_enum,
    every_choice_has_its_check,
    nothing_counts_itself,
    the_application_may_only_add_to_append_only_tables,
    ledgers_and_logs_are_append_only,
    json_is_for_show,
    row_security_is_forced,
    the_one_policy_is_word_for_word,
    the_application_role_is_an_ordinary_one,
)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_nothing_breaks(rule) -> None:
    assert list(rule()) == []


LOOSE = "enterprise_id = current_setting('app.enterprise_id', true)::bigint"


@pytest.mark.parametrize(
    ("rule", "damage"),
    [
        (every_table_is_of_a_declared_kind, "CREATE TABLE stray (id bigint)"),
        (the_key_is_enterprise_and_id, "ALTER TABLE org_employeerole DROP CONSTRAINT org_employeerole_pkey"),
        (the_key_is_enterprise_and_id, "ALTER TABLE org_employeerole ALTER id SET DEFAULT gen_random_uuid()"),
        (
            uniques_begin_with_the_enterprise,
            "CREATE UNIQUE INDEX stray ON org_employee (code, enterprise_id)",
        ),
        (uniques_begin_with_the_enterprise, "CREATE UNIQUE INDEX stray ON org_employee (lower(code))"),
        (
            keys_between_tenants_are_composite,
            "ALTER TABLE org_employee ADD FOREIGN KEY (enterprise_id) REFERENCES org_enterprise",
        ),
        (every_reference_has_its_key, "ALTER TABLE org_employee DROP CONSTRAINT org_employee_position_fk"),
        (
            keys_are_immediate,
            "ALTER TABLE org_employee ALTER CONSTRAINT org_employee_position_fk DEFERRABLE INITIALLY DEFERRED",
        ),
        (
            deletion_is_refused_or_cascades,
            "ALTER TABLE org_employee ADD FOREIGN KEY (enterprise_id, position_id) REFERENCES org_position "
            "ON DELETE SET NULL",
        ),
        (nothing_is_an_enum, "CREATE TYPE mood AS ENUM ('sad'); ALTER TABLE org_employee ADD mood mood"),
        (every_choice_has_its_check, "ALTER TABLE org_employee DROP CONSTRAINT org_employee_job_known"),
        (nothing_counts_itself, "ALTER TABLE org_employee ADD n bigint GENERATED ALWAYS AS IDENTITY"),
        (nothing_counts_itself, "ALTER TABLE org_employee ALTER created_at SET DEFAULT now()"),
        (the_application_may_only_add_to_append_only_tables, f"GRANT UPDATE ON kernel_audit TO {APP}"),
        (the_application_may_only_add_to_append_only_tables, f"GRANT UPDATE (note) ON kernel_audit TO {APP}"),
        (the_application_may_only_add_to_append_only_tables, f"REVOKE DELETE ON org_employee FROM {APP}"),
        (the_application_may_only_add_to_append_only_tables, f"GRANT TRUNCATE ON org_employee TO {APP}"),
        (json_is_for_show, "CREATE INDEX stray ON org_employee USING gin (ext)"),
        (row_security_is_forced, "ALTER TABLE org_employee NO FORCE ROW LEVEL SECURITY"),
        (row_security_is_forced, "ALTER TABLE org_employee DISABLE ROW LEVEL SECURITY"),
        (the_one_policy_is_word_for_word, "DROP POLICY org_employee_tenant ON org_employee"),
        (the_one_policy_is_word_for_word, "CREATE POLICY stray ON org_employee USING (true)"),
        (
            the_one_policy_is_word_for_word,
            f"ALTER POLICY org_employee_tenant ON org_employee USING ({LOOSE})",
        ),
        (
            the_one_policy_is_word_for_word,
            "ALTER POLICY org_employee_tenant ON org_employee WITH CHECK (true)",
        ),
        (the_application_role_is_an_ordinary_one, f"GRANT CREATE ON SCHEMA public TO {APP}"),
    ],
    ids=lambda value: getattr(value, "__name__", None) or value[:60],
)
def test_damage_is_found(rule, damage) -> None:
    before = list(rule())
    with transaction.atomic(using="owner"):
        with connections["owner"].cursor() as cursor:
            cursor.execute(damage)
        found = list(rule())
        transaction.set_rollback(True, using="owner")
    assert len(found) > len(before)


def test_codes_are_normalised_before_they_are_compared() -> None:
    """S15."""
    kinds = [x for model in MODELS.values() for x in model._meta.fields if isinstance(x, f.Code)]
    assert len(kinds) > 10
    for kind in kinds:
        assert kind.parse(" ａb-１ ") == unicodedata.normalize("NFKC", "AB-1")


def test_only_the_rows_of_one_enterprise_are_there_at_a_time() -> None:
    """T1, T2 as the application role lives them, in every table a founding fills."""
    ours, theirs = (
        found_enterprise(code, code, code, "correct horse 7", now=NOW).enterprise_id for code in "ab"
    )
    filled = 0
    with tenant(ours), connection.cursor() as cursor:
        for table in sorted(TENANT):
            cursor.execute(f'SELECT DISTINCT enterprise_id FROM "{table}"')
            seen = {enterprise for (enterprise,) in cursor.fetchall()}
            assert seen <= {ours}, table
            filled += bool(seen)
    assert filled >= 8
    with connection.cursor() as cursor:
        for table in sorted(TENANT):
            cursor.execute(f'SELECT count(*) FROM "{table}"')
            assert cursor.fetchone() == (0,), f"{table} without an enterprise"
    with tenant(theirs), connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM org_role")
        assert cursor.fetchone() == (9,)


@pytest.mark.parametrize(
    ("sql", "state"),
    [
        ("UPDATE org_position SET enterprise_id = {theirs}", "42501"),  # S6
        ("INSERT INTO org_position SELECT {theirs}, id FROM org_position", "42501"),
        ("UPDATE org_employee SET position_id = '{foreign}'", "23503"),  # S3
        ("UPDATE kernel_audit SET note = 'x'", "42501"),  # S11
        ("DELETE FROM kernel_audit", "42501"),
        ("TRUNCATE org_position", "42501"),
        ("ALTER TABLE org_position DISABLE ROW LEVEL SECURITY", "42501"),
        ("CREATE TABLE public.stray (id bigint)", "42501"),
        ("SET ROLE yunlian_owner", "42501"),
    ],
)
def test_the_application_role_cannot(sql, state) -> None:
    ours, theirs = (
        found_enterprise(code, code, code, "correct horse 7", now=NOW).enterprise_id for code in "ab"
    )
    places = {}
    for enterprise in (ours, theirs):
        with tenant(enterprise):
            made = save("org.position", system_context(enterprise, NOW), {"code": "P", "name": "岗位"})
            places[enterprise] = made.pk
    with tenant(ours), connection.cursor() as cursor:
        if "position_id" in sql:
            cursor.execute(sql.format(foreign=places[ours]))
        with pytest.raises(Error) as caught, transaction.atomic():
            cursor.execute(sql.format(theirs=theirs, foreign=places[theirs]))
        assert caught.value.__cause__.sqlstate == state
