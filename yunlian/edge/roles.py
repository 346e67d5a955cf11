"""The database's two roles: an owner that migrates, and an application role that owns nothing.

Row security protects only against a role that is neither superuser nor owner, so nothing but set-up ever uses
another one. Statements here run once per start and may be repeated at will.
"""

import base64
import hmac
import secrets
from dataclasses import dataclass

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

OWNER = "yunlian_owner"
APP = "yunlian_app"

# Interactive limits (reliability.md section 4); workers, reports and migrations set their own.
APP_SETTINGS = {
    "lock_timeout": "3s",
    "statement_timeout": "5s",
    "idle_in_transaction_session_timeout": "15s",
    # Prepared is only what the kernel writes and reads by key, whose one plan is always right (kernel/sql.py). Lists
    # bring their values into the text of the statement, and are planned for them.
    "plan_cache_mode": "force_generic_plan",
}

# Without the mark an index on these is not used under row security. Nobody can type SQL here, so what such a
# function might tell about hidden rows stays inside our own code (reliability.md section 6).
LEAKPROOF = (
    "texticlike(text, text)", "textlike(text, text)", "texticregexeq(text, text)", "lower(text)",
    "jsonb_contains(jsonb, jsonb)", "jsonb_object_field_text(jsonb, text)",
    "numeric_eq(numeric, numeric)", "numeric_lt(numeric, numeric)", "numeric_le(numeric, numeric)",
    "numeric_gt(numeric, numeric)", "numeric_ge(numeric, numeric)",
    "arrayoverlap(anyarray, anyarray)", "arraycontains(anyarray, anyarray)", "arraycontained(anyarray, anyarray)",
)  # fmt: skip


class SetupError(Exception):
    """The given role may not prepare the database; the message says what to run instead."""


@dataclass(frozen=True)
class Access:
    """The two ways in, as connection addresses with passwords."""

    app: str
    owner: str


def prepare(url: str, known: Access | None, *, ours: bool) -> Access:
    """Make roles, rights and extensions in the database that `url` names, and answer the two ways in.

    `url` must be a superuser, or a role that may create roles and owns the database. `known` are the passwords
    of an earlier start, kept as they are. `ours` says that the whole server is ours, so that built-in functions
    may be marked leakproof. Raises SetupError with the remedy when the role may not.
    """
    with psycopg.connect(url, autocommit=True) as connection:
        try:
            return _prepare(connection, url, known, ours=ours)
        except psycopg.errors.InsufficientPrivilege as error:
            role = connection.info.user
            raise SetupError(
                f"the role {role!r} of DATABASE_URL may not prepare the database ({error.diag.message_primary}). "
                f"Name a superuser, or a role with CREATEROLE that owns the database, for the first start; or create "
                f"{OWNER} (owner of the database) and {APP} (plain login) by hand and give "
                "YUNLIAN_OWNER_DATABASE_URL and YUNLIAN_APP_DATABASE_URL"
            ) from error


def _password(role: str, url: str) -> str:
    """A password for `role`: derived from the one in `url`, so that a second checkout on the same server, which has
    the same two roles, arrives at the same words; random where `url` has none.
    """
    secret = str(conninfo_to_dict(url).get("password") or "")
    if not secret:
        return secrets.token_urlsafe(24)
    return (
        base64.urlsafe_b64encode(hmac.digest(secret.encode(), role.encode(), "sha256")).decode().rstrip("=")
    )


def _prepare(connection: psycopg.Connection, url: str, known: Access | None, *, ours: bool) -> Access:
    database = connection.info.dbname
    words = {
        role: str(conninfo_to_dict(address)["password"]) if address else _password(role, url)
        for role, address in ((OWNER, known and known.owner), (APP, known and known.app))
    }

    def run(statement: str, **names: sql.Composable) -> None:
        connection.execute(sql.SQL(statement).format(**names))

    owner, app, home = sql.Identifier(OWNER), sql.Identifier(APP), sql.Identifier(database)
    for role, word in words.items():
        exists = connection.execute("select 1 from pg_roles where rolname = %s", [role]).fetchone()
        verb = "alter" if exists else "create"
        # Only a superuser may say NOSUPERUSER or NOBYPASSRLS; for everyone else they are the default.
        run(
            f"{verb} role {{role}} login password {{word}}", role=sql.Identifier(role), word=sql.Literal(word)
        )
    unsafe = connection.execute(
        "select rolname from pg_roles where rolname = any(%s) and (rolsuper or rolbypassrls)", [[OWNER, APP]]
    ).fetchall()
    if unsafe:
        raise SetupError(
            f"{unsafe[0][0]} is a superuser or bypasses row security; row security would not hold"
        )
    for name, value in APP_SETTINGS.items():
        run(
            "alter role {app} set {name} = {value}",
            app=app,
            name=sql.Identifier(name),
            value=sql.Literal(value),
        )
    if connection.execute("select rolsuper from pg_roles where rolname = current_user").fetchone() == (True,):
        run("alter database {home} owner to {owner}", home=home, owner=owner)
    else:  # handing over a database takes more rights than owning one; the owner of the schema is enough
        run("grant {owner} to current_user", owner=owner)
        run("grant create, connect, temporary on database {home} to {owner}", home=home, owner=owner)
    run("alter schema public owner to {owner}", owner=owner)
    run("revoke create on schema public from public")
    run("grant usage on schema public to {app}", app=app)
    run("revoke all on database {home} from public", home=home)
    run("grant connect, temporary on database {home} to {app}", home=home, app=app)
    run(
        "alter default privileges for role {owner} in schema public "
        "grant select, insert, update, delete on tables to {app}",
        owner=owner, app=app,
    )  # fmt: skip
    run(
        "alter default privileges for role {owner} in schema public grant usage, select on sequences to {app}",
        owner=owner, app=app,
    )  # fmt: skip
    for extension in ("pg_trgm", "btree_gist"):
        run("create extension if not exists {name}", name=sql.Identifier(extension))
    if ours:
        for function in LEAKPROOF:
            connection.execute(f"alter function pg_catalog.{function} leakproof")
    return Access(*(
        make_conninfo(url, user=role, password=words[role]) for role in (APP, OWNER)
    ))  # fmt: skip
