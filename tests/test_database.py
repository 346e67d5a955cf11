"""The tests themselves stand on the right ground: the application role, on PostgreSQL."""

import pytest
from django.db import connection, connections

pytestmark = pytest.mark.django_db


def test_tests_run_as_the_application_role() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "select current_user, rolsuper, rolbypassrls from pg_roles where rolname = current_user"
        )
        assert cursor.fetchone() == ("yunlian_app", False, False)


@pytest.mark.django_db(databases=["default", "owner"])
def test_the_application_role_owns_nothing() -> None:
    with connection.cursor() as cursor:
        cursor.execute("select count(*) from pg_class where pg_get_userbyid(relowner) = 'yunlian_app'")
        assert cursor.fetchone() == (0,)
    with connections["owner"].cursor() as cursor:
        cursor.execute(
            "select current_user, rolsuper, rolbypassrls from pg_roles where rolname = current_user"
        )
        assert cursor.fetchone() == ("yunlian_owner", False, False)


def test_chinese_text_has_trigrams() -> None:
    with connection.cursor() as cursor:
        cursor.execute("select cardinality(show_trgm('上海贸易'))")
        assert cursor.fetchone() == (5,)
