"""The embedded server heals after a kill, and roles are made with the rights at hand or refused in words."""

import os
import shutil
import signal
from collections.abc import Iterator

import psycopg
import pytest

from tests.running import alive
from yunlian.edge.postgres import Server
from yunlian.edge.roles import SetupError, prepare


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("server")
    server = Server(folder / "pg", log=folder / "log")
    server.start()
    yield server
    server.stop()
    shutil.rmtree(server.home)


@pytest.fixture
def admin(server: Server) -> Iterator[psycopg.Connection]:
    with psycopg.connect(server.url(), autocommit=True) as connection:
        yield connection


def test_a_killed_server_comes_back_with_what_was_committed(server: Server) -> None:
    with psycopg.connect(server.url()) as connection:
        connection.execute("create table kept as select 42 as answer")
    pid = server.running_pid()
    assert pid
    os.kill(pid, signal.SIGKILL)
    assert server.start() != pid
    with psycopg.connect(server.url()) as connection:
        assert connection.execute("select answer from kept").fetchone() == (42,)


def test_a_server_left_behind_is_stopped_before_a_new_one_starts(server: Server) -> None:
    before = server.running_pid()
    again = Server(server.folder, log=server.log)
    assert again.start() != before
    assert not alive(before)


def test_secrets_are_ours_alone(server: Server) -> None:
    assert (server.home / "superuser").stat().st_mode & 0o777 == 0o600
    assert server.data.stat().st_mode & 0o777 == 0o700


def test_a_role_that_may_make_roles_and_owns_the_database_is_enough(
    server: Server, admin: psycopg.Connection
) -> None:
    admin.execute("create role boss login createrole password 'x'")
    admin.execute("create database business owner boss")
    url = f"postgresql://boss:x@127.0.0.1:{server.port}/business"
    access = prepare(url, None, ours=False)
    assert prepare(url, None, ours=False) == access  # again, by somebody who kept nothing
    with psycopg.connect(access.owner) as owner:
        owner.execute("create table thing (name text)")
    with psycopg.connect(access.app) as app:
        app.execute("insert into thing values ('x')")
        assert app.execute("show lock_timeout").fetchone() == ("3s",)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            app.execute("create table mine (name text)")


def test_a_role_without_rights_is_told_what_is_missing(server: Server, admin: psycopg.Connection) -> None:
    admin.execute("create role plain login password 'x'")
    admin.execute("create database poor owner plain")
    with pytest.raises(SetupError, match="CREATEROLE"):
        prepare(f"postgresql://plain:x@127.0.0.1:{server.port}/poor", None, ours=False)
