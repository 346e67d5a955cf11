"""One world for each file of attacks: founded once, emptied when the file is through."""

import logging
from collections.abc import Iterator

import pytest
from django.db import connections

from tests.postgres import Cleaner, TestServer

from .stage import World, build


@pytest.fixture(scope="module")
def world(
    django_db_setup: None, django_db_blocker: pytest.FixtureRequest, postgres_server: TestServer
) -> Iterator[World]:
    """Committed, and seen by every thread; a test marked `django_db` takes back what it did itself."""
    with django_db_blocker.unblock():  # type: ignore[attr-defined]
        cleaner = Cleaner(postgres_server, connections["default"].settings_dict["NAME"])
        try:
            yield build()
        finally:
            connections["default"].close()
            cleaner.clean()
            cleaner.connection.close()


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    """Thousands of refusals are meant here; what is broken is still heard."""
    logging.disable(logging.WARNING)
    yield
    logging.disable(logging.NOTSET)
