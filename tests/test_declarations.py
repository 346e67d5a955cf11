"""A slip in a declaration stops the program as it starts, and says which it is."""

from dataclasses import replace
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from yunlian.kernel import document
from yunlian.kernel.declarations import check_declarations
from yunlian.kernel.document import REGISTRY, Link

ORDER, STOCK_IN = REGISTRY["purchase.order"], REGISTRY["stock.purchase_in"]


def test_what_is_declared_is_there() -> None:
    check_declarations()


@pytest.mark.parametrize(
    ("changes", "slip"),
    [
        ({"columns": "number nope"}, "no field nope"),
        ({"sort": "-nope"}, "no field nope"),
        ({"find": "number nope"}, "find names nope"),
        ({"find": "lines.qty"}, "find names lines.qty"),
        ({"find": "lines.nope.code"}, "find names lines.nope.code"),
        ({"series": None}, "a flow needs a series of numbers"),
        ({"links": (Link(source="no.such", fills=("base_qty", "x")),)}, "link to unknown no.such"),
        (
            {"links": (replace(STOCK_IN.links[0], fills=("base_qty", "nope")),)},
            f"{STOCK_IN.links[0].source}.nope is not a Done field",
        ),
    ],
)
def test_a_name_that_is_not_there_is_a_slip(monkeypatch: Any, changes: dict[str, Any], slip: str) -> None:
    changed = replace(STOCK_IN if "links" in changes else ORDER, **changes)
    monkeypatch.setitem(document.REGISTRY, changed.code, changed)
    with pytest.raises(ImproperlyConfigured, match=slip):
        check_declarations()


@pytest.mark.parametrize(
    ("name", "formula", "slip"),
    [
        ("amount", "total(lines.amuont)", "formula of amount names lines.amuont"),
        ("amount", "amount + 1", "formula of amount names amount, which is computed after it"),
        ("amount", "total(lines.received_qty)", "formula of amount names lines.received_qty, which moves"),
        ("due_date", "due_date", "formula of due_date, which is no number"),
    ],
)
def test_a_formula_that_would_say_something_else_is_a_slip(
    monkeypatch: Any, name: str, formula: str, slip: str
) -> None:
    monkeypatch.setattr(ORDER.fields[name], "formula", formula)
    with pytest.raises(ImproperlyConfigured, match=slip):
        check_declarations()


@pytest.mark.parametrize("kind", ["master", "paper"])
def test_what_is_left_out_fits_the_kind(kind: str) -> None:
    found = replace(REGISTRY["masters.unit"] if kind == "master" else ORDER, find="", sort="")
    assert (found.find, found.sort) == (("code name", "code") if kind == "master" else ("number", "-date"))
