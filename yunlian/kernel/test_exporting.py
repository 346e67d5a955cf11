"""What is exported is what the member may see, and can be imported again."""

import datetime as dt
import json
from decimal import Decimal

import pytest
from django.utils import translation

from . import exporting, listing, sheets, worker
from .document import Invalid, find_document
from .jobs import enqueue
from .models import Job
from .scope import Grants
from .test_jobs import Gate, do_one
from .testing import context, make

PRODUCT = "masters.product"


@pytest.fixture(autouse=True)
def english(monkeypatch):
    monkeypatch.setattr(worker, "gate", Gate)
    with translation.override("en"):
        yield


@pytest.fixture
def products(ctx):
    for code, name in (("PCS", "件"), ("BOX", "箱"), ("SET", "套")):
        make("masters.unit", ctx, code=code, name=name)
    lines = [{"unit": "BOX", "factor": "12"}, {"unit": "SET", "factor": "0.5"}]
    make(
        PRODUCT, ctx, code="A1", name="=1+1", unit="PCS", list_price="3680.5", purchase_price="7", lines=lines
    )
    make(PRODUCT, ctx, code="A2", name="床", unit="BOX", list_price=None, status="stopped", lines=[])
    make(PRODUCT, ctx, code="A3", name="椅", unit="PCS", list_price=None, is_sold=False, lines=[lines[0]])


def exported(ctx, code=PRODUCT, **query):
    return sheets.read(exporting.export(find_document(code), ctx, listing.Query(limit=2, **query)))


def test_a_list_has_the_columns_of_the_screen(ctx, products):
    found = exported(ctx, columns="code,name,unit,list_price,status,is_sold", sort="-code")
    assert found.headings == ("Code", "Name", "Base unit", "Reference price", "Sales status", "Sold")
    assert [row.cells for row in found.rows] == [
        ("A3", "椅", "PCS 件", None, "On sale", "No"),
        ("A2", "床", "BOX 箱", None, "Stopped", "Yes"),
        ("A1", "=1+1", "PCS 件", Decimal("3680.5"), "On sale", "Yes"),
    ]


def test_dates_are_dates(ctx):
    make("org.employee", ctx, code="E9", hired_on="2026-11-22")
    found = exported(ctx, "org.employee", columns="code,hired_on", filter='[["code","=","E9"]]')
    assert found.rows[0].cells == ("E9", dt.date(2026, 11, 22))


def test_only_what_the_filter_finds_and_what_is_selected(ctx, products):
    assert len(exported(ctx, filter='[["code","=","A2"]]').rows) == 1
    id_ = str(find_document(PRODUCT).header.objects.get(code="A3").id)
    assert [r.cells[0] for r in exported(ctx, filter=json.dumps([["id", "in", [id_]]])).rows] == ["A3"]
    with pytest.raises(Invalid):
        exported(ctx, filter='[["id","in",["x"]]]')


def test_whole_documents_carry_their_lines_and_the_key_on_each(ctx, products):
    found = exported(ctx, sort="code")
    at = found.headings.index("Unit")
    keys = [(row.cells[0], row.cells[1], row.cells[at]) for row in found.rows]
    assert keys == [
        ("A1", "=1+1", "BOX 箱"),
        ("A1", None, "SET 套"),
        ("A2", "床", None),
        ("A3", "椅", "BOX 箱"),
    ]


def test_what_was_exported_is_imported_as_the_same(ctx, products):
    data = exporting.export(find_document(PRODUCT), ctx, listing.Query(limit=2))
    made = enqueue(ctx, "import", PRODUCT, data)
    do_one()
    job = Job.objects.get(id=made.id)
    assert job.error == "", job.result
    assert (job.result["created"], job.result["updated"], job.result["unchanged"]) == (0, 0, 3)


def test_a_guarded_field_is_absent(ctx, products):
    clerk = context(ctx.enterprise_id, ctx.member_id, Grants(frozenset({f"{PRODUCT}.view"}), {"*": "all"}))
    assert "Purchase reference price" not in exported(clerk).headings
    assert "Purchase reference price" in exported(ctx).headings
    with pytest.raises(Invalid):
        exported(clerk, columns="code,purchase_price")


def test_too_many_rows_are_refused(ctx, products, monkeypatch):
    monkeypatch.setattr(exporting, "MAX_ROWS", 2)
    with pytest.raises(Invalid):
        exported(ctx)
    assert exported(ctx, filter='[["code","in",["A1","A2"]]]').rows
