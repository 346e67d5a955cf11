"""Tests run on real PostgreSQL as the application role; see tests/postgres.py."""

import gc
from collections.abc import Iterator

import pytest
from django.db import connections
from django.test import TransactionTestCase
from hypothesis import settings

from tests.postgres import Cleaner, TestServer, point, session_suffix
from yunlian.edge import catalogues
from yunlian.edge.place import ROOT

catalogues.compile_stale()

# How long one example takes says how busy the machine is, and nothing about the code.
settings.register_profile("yunlian", deadline=None, print_blob=True)
settings.load_profile("yunlian")


def pytest_collection_finish() -> None:
    """What is loaded by now stays to the end: the collector need not walk it again and again (a tenth of the time)."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


BROWSER = ROOT / "tests" / "browser"


@pytest.hookimpl(tryfirst=True)  # before the groups are read
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Browser tests share one demonstration, so they stay together on one core; the largest group starts first.

    Slow tests start before the others of their kind (pytest-django sorts kinds by what they do to the database), so that
    no core waits at the end for a long one of the other's.
    """
    for item in items:
        if BROWSER in item.path.parents:
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.xdist_group("browser"))
    items.sort(key=lambda item: (BROWSER not in item.path.parents, item.get_closest_marker("slow") is None))


pytest_plugins = ["yunlian.kernel.testing"]


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[TestServer]:
    server = TestServer()
    yield server
    server.release()


@pytest.fixture(scope="session")
def django_db_setup(
    django_test_environment: None, django_db_blocker: pytest.FixtureRequest, postgres_server: TestServer
) -> Iterator[None]:
    """A migrated database for this session. Tests that commit are cleaned up by the superuser, not by Django's
    flush: the application role may not truncate.
    """
    suffix = session_suffix()
    with django_db_blocker.unblock():  # type: ignore[attr-defined]
        point(postgres_server.make(suffix))
        cleaner = Cleaner(postgres_server, connections["default"].settings_dict["NAME"])
    patch = pytest.MonkeyPatch()
    patch.setattr(TransactionTestCase, "_fixture_teardown", lambda self: cleaner.clean())
    yield
    patch.undo()
    cleaner.connection.close()
    with django_db_blocker.unblock():  # type: ignore[attr-defined]
        connections.close_all()
    postgres_server.drop(suffix)
