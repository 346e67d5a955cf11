"""`make run`: whatever is killed comes back, and what is stopped leaves nothing behind."""

import os
import shutil
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.running import Installation, alive, processes_of
from yunlian.edge.postgres import Server

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("run")]


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    installation = Installation(tmp_path_factory.mktemp("run"), demo=False)
    installation.start()
    yield installation
    installation.remove()


def _until(true: object, limit_s: float = 90) -> None:
    deadline = time.monotonic() + limit_s
    while not true():  # type: ignore[operator]
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.parametrize("role", ["web", "worker", "chain", "sandbox", "postgres"])
def test_a_killed_process_comes_back(installation: Installation, role: str) -> None:
    before = installation.facts["pids"][role]
    os.kill(before, signal.SIGKILL)
    _until(lambda: installation.facts["pids"].get(role) != before and installation.healthy())
    assert alive(installation.facts["pids"][role])
    assert not alive(before)


def test_scripts_reach_the_database_as_the_application_role(installation: Installation) -> None:
    with psycopg.connect(installation.facts["database_url"]) as connection:
        assert connection.execute("select current_user").fetchone() == ("yunlian_app",)


def test_secrets_are_for_our_account_alone(installation: Installation) -> None:
    for name in ("access.json", "demo.json"):
        assert (installation.folder / name).stat().st_mode & 0o777 == 0o600


def test_web_knows_no_owner(installation: Installation) -> None:
    environment = Path(f"/proc/{installation.facts['pids']['web']}/environ").read_bytes()
    assert b"yunlian_app" in environment
    assert b"yunlian_owner" not in environment


def test_a_killed_supervisor_leaves_nothing_that_the_next_start_does_not_stop(
    installation: Installation,
) -> None:
    before = installation.facts["pids"]
    os.kill(before["supervisor"], signal.SIGKILL)
    assert installation.process is not None
    installation.process.wait()
    installation.start()
    assert not [role for role, pid in before.items() if alive(pid)]
    assert [role for role, pid in installation.facts["pids"].items() if alive(pid)] == list(before)


@pytest.fixture(scope="module")
def beside(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Installation, Server]]:
    """A second installation, whose database lies on a server of somebody else's."""
    folder = tmp_path_factory.mktemp("beside")
    server = Server(folder / "pg", log=folder / "log", throwaway=True)
    server.start()
    with psycopg.connect(server.url(), autocommit=True) as admin:
        admin.execute("create database erp")
    installation = Installation(folder / "var", demo=False, database_url=server.url("erp"))
    try:
        installation.start()
        yield installation, server
    finally:
        installation.remove()
        server.stop()
        shutil.rmtree(server.home)


def test_a_named_server_replaces_the_embedded_one(beside: tuple[Installation, Server]) -> None:
    installation, _server = beside
    assert "postgres" not in installation.facts["pids"]
    assert not (installation.folder / "pg").exists()
    with psycopg.connect(installation.facts["database_url"]) as connection:
        found = connection.execute("select current_user, current_database()").fetchone()
    assert found == ("yunlian_app", "erp")


def test_stopping_stops_everything_and_only_that(
    installation: Installation, beside: tuple[Installation, Server]
) -> None:
    other, server = beside
    installation.stop(signal.SIGINT)
    assert processes_of(installation.folder) == []
    assert other.healthy()
    other.stop()
    assert processes_of(other.folder) == []
    assert server.running_pid()
