"""The tests' own PostgreSQL: one throw-away server per checkout, one database per test session.

The database is cloned from a template that is migrated once for each state of the migrations, so a session starts in
well under a second. Several sessions may run side by side: the server is shared by them, and the last one stops it.
"""

import ast
import contextlib
import fcntl
import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path

import django
import psycopg
from django.db import connections
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from yunlian.edge.migrating import migrate
from yunlian.edge.place import ROOT, VAR, write_private
from yunlian.edge.postgres import Server
from yunlian.edge.roles import OWNER, Access, prepare

PREFIX = "yunlian_test_"


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def schema_digest() -> str:
    """A digest of everything that shapes the tables: the migrations and our modules that they import."""
    files = set((ROOT / "yunlian").rglob("migrations/*.py"))
    for path in sorted(files):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = []
            if isinstance(node, ast.Import):
                names = [each.name for each in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module:
                names = [node.module, *(f"{node.module}.{each.name}" for each in node.names)]
            modules = (ROOT / f"{name.replace('.', '/')}.py" for name in names if name.startswith("yunlian."))
            files |= {module for module in modules if module.exists()}
    files.add(ROOT / "yunlian" / "edge" / "roles.py")
    digest = hashlib.sha256(django.__version__.encode())
    for path in sorted(files):
        digest.update(str(path.relative_to(ROOT)).encode() + path.read_bytes())
    return digest.hexdigest()[:12]


def _names(address: str, database: str) -> str:
    return make_conninfo(address, dbname=database)


class TestServer:
    """The shared server, held open by this session."""

    __test__ = False

    def __init__(self) -> None:
        """Start the server unless another session has; announce that we use it."""
        self.folder = VAR / "test"
        self.folder.mkdir(parents=True, exist_ok=True)
        self.server = Server(self.folder / "pg", log=self.folder / "postgres.log", throwaway=True)
        self.use = (self.folder / "users.lock").open("w")
        with _locked(self.folder / "start.lock"):
            if self.server.running_pid() is None:
                self.server.start(detached=True)
            fcntl.flock(self.use, fcntl.LOCK_SH)

    def admin(self, database: str = "postgres") -> psycopg.Connection:
        """A superuser's connection, for making and emptying databases only."""
        return psycopg.connect(self.server.url(database), autocommit=True)

    def make(self, suffix: str) -> Access:
        """A fresh database of this session, migrated; the ways in for both roles."""
        name = f"{PREFIX}{suffix}"
        with _locked(self.folder / "make.lock"), self.admin() as admin:
            template, access = self._template(admin)
            self._drop_dead(admin)
            admin.execute(
                sql.SQL("create database {} owner {} template {}").format(
                    sql.Identifier(name), sql.Identifier(OWNER), sql.Identifier(template)
                )
            )
        return Access(_names(access.app, name), _names(access.owner, name))

    def drop(self, suffix: str) -> None:
        """Drop this session's database."""
        with self.admin() as admin:
            name = sql.Identifier(f"{PREFIX}{suffix}")
            admin.execute(sql.SQL("drop database if exists {} with (force)").format(name))

    def _template(self, admin: psycopg.Connection) -> tuple[str, Access]:
        """The migrated template for the present state of the migrations; made when missing."""
        name = f"yunlian_template_{schema_digest()}"
        kept = self.folder / "access.json"
        known = Access(**json.loads(kept.read_text(encoding="utf-8"))) if kept.exists() else None
        if admin.execute("select 1 from pg_database where datname = %s", [name]).fetchone() and known:
            return name, Access(_names(known.app, name), _names(known.owner, name))
        for (old,) in admin.execute(
            "select datname from pg_database where datname like 'yunlian_template_%'"
        ):
            admin.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(old)))
        half = f"{name}_half"
        admin.execute(sql.SQL("create database {}").format(sql.Identifier(half)))
        access = prepare(self.server.url(half), known, ours=True)
        write_private(kept, json.dumps({"app": access.app, "owner": access.owner}))
        point(access)
        migrate(verbosity=0)
        with connections["owner"].cursor() as cursor:
            # Migrations may be made anew while a session starts: a template of none would stay for ever.
            cursor.execute("select 1 from kernel_doc limit 1")
        connections["owner"].close()
        admin.execute(
            sql.SQL("alter database {} rename to {}").format(sql.Identifier(half), sql.Identifier(name))
        )
        return name, Access(_names(access.app, name), _names(access.owner, name))

    def _drop_dead(self, admin: psycopg.Connection) -> None:
        """Drop databases of sessions that were killed; their name carries the process number."""
        rows = admin.execute(
            "select datname from pg_database where datname like %s", [f"{PREFIX}%"]
        ).fetchall()
        for (name,) in rows:
            pid = name.removeprefix(PREFIX).split("_")[0]
            if pid.isdigit() and not Path(f"/proc/{pid}").exists():
                admin.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))

    def release(self) -> None:
        """Say that we are done; the last session stops the server."""
        with _locked(self.folder / "start.lock"):
            fcntl.flock(self.use, fcntl.LOCK_UN)
            try:
                fcntl.flock(self.use, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return
            self.server.stop()


def point(access: Access) -> None:
    """Let Django's two aliases reach the database of `access`."""
    for alias, address in (("default", access.app), ("owner", access.owner)):
        connections[alias].close()
        parts = conninfo_to_dict(address)
        connections.databases[alias].update(
            NAME=parts["dbname"], USER=parts["user"], PASSWORD=parts["password"],
            HOST=parts["host"], PORT=str(parts["port"]),
        )  # fmt: skip


class Cleaner:
    """Empties, after a test that commits, every table that was empty at the start."""

    def __init__(self, server: TestServer, database: str) -> None:
        """Look which tables a fresh database fills by itself: those are left alone."""
        self.connection = server.admin(database)
        rows = self.connection.execute(
            "select format('%I', tablename) from pg_tables where schemaname = 'public'"
        )
        self.tables = sorted(row[0] for row in rows)
        self.tables = [table for table in self.tables if table not in self._filled()]

    def _filled(self) -> list[str]:
        asked = " union all ".join(
            f"select '{table}' where exists (select from {table})" for table in self.tables
        )
        return [row[0] for row in self.connection.execute(asked)] if asked else []  # type: ignore[arg-type]

    def clean(self) -> None:
        """Empty what the test filled."""
        filled = self._filled()
        if filled:
            self.connection.execute(f"truncate {', '.join(filled)} cascade")  # type: ignore[arg-type]


def session_suffix() -> str:
    """This process's part of a database name."""
    return str(os.getpid())
