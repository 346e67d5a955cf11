"""What a broken CHECK says to the user: a field and a remedy where its name tells them, and never the name."""

from types import SimpleNamespace

import pytest
from django.db import IntegrityError, connection

from .document import REGISTRY
from .fields import Done
from .refusals import problem_of


def broken(name: str) -> IntegrityError:
    error, cause = IntegrityError(), Exception()
    cause.sqlstate = "23514"  # type: ignore[attr-defined]
    cause.diag = SimpleNamespace(constraint_name=name, message_primary="")  # type: ignore[attr-defined]
    error.__cause__ = cause
    return error


@pytest.mark.django_db
def test_no_check_of_the_database_tells_its_name() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT conname FROM pg_constraint WHERE contype = 'c' ORDER BY conname")
        names = [row[0] for row in cursor.fetchall()]
    assert len(names) > 100
    for name in names:
        problem = problem_of(broken(name))
        assert problem is not None
        assert name not in str(problem.message)


def test_a_counter_names_the_field_it_is_taken_of_and_who_took_it() -> None:
    for document in REGISTRY.values():
        for done in document.counters:
            problem = problem_of(broken(f"{done.model._meta.db_table}_{done.name}_taken"))
            assert problem is not None
            assert (problem.field, problem.code) == (done.of, "followed")


def test_a_bound_names_its_field() -> None:
    order = REGISTRY["purchase.order"]
    problem = problem_of(broken("purchasing_purchaseorderline_discount_range"))
    assert problem is not None
    assert problem.field == "discount"
    assert str(order.line_fields["discount"].label) in str(problem.message)
    assert not isinstance(order.line_fields["discount"], Done)
