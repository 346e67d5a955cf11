"""A workbook enters whole or not at all, and every bad row is named."""

import time
import uuid
from decimal import Decimal

import pytest
from django.db import OperationalError, connection
from django.utils import translation
from psycopg import errors

from . import faults, importing, jobs, sheets, worker
from .document import find_document
from .fields import normal_code
from .jobs import enqueue
from .models import Audit, Job, Outbox
from .scope import Grants
from .search import find_records
from .test_jobs import Gate, do_one
from .testing import ALL, context, make


@pytest.fixture(autouse=True)
def open_gate(monkeypatch):
    monkeypatch.setattr(worker, "gate", Gate)
    yield
    faults.disarm()


def upload(ctx, code, headings, *rows):
    """Import rows as a worker does; returns the job."""
    with translation.override("en"):
        made = enqueue(ctx, "import", code, sheets.write(headings, rows))
    do_one()
    return Job.objects.get(id=made.id)


def errors_of(job):
    return [(e["row"], e["column"], e["field"]) for e in job.result["errors"]]


def rows_of(code, *names):
    header = find_document(code).header
    return sorted(header.objects.values_list(*names))


def test_masters_enter_with_initials_tokens_audit_and_event(ctx):
    job = upload(ctx, "masters.brand", ["Code", "Name"], ["B1", "橡木坊"], ["B2", "云榻"])
    assert job.error == "", job.result
    assert (job.state, job.result["created"], job.result["updated"]) == ("done", 2, 0)
    assert rows_of("masters.brand", "code", "name", "initials") == [
        ("B1", "橡木坊", "XMF"),
        ("B2", "云榻", "YT"),
    ]
    (found,) = find_records(ctx, "masters.brand", "xmf", 10)
    assert Audit.objects.get(record=found).act == "created"
    assert Outbox.objects.get(record=found).event == "created"
    assert (job.done, job.total) == (2, 2)


def test_a_code_that_exists_is_changed_in_the_columns_of_the_sheet_only(ctx):
    make("masters.partner", ctx, code="P1", name="老名", is_customer=True, phone="13900000001")
    job = upload(ctx, "masters.partner", ["Code", "Name"], ["p1", "新名"])
    assert job.error == ""
    assert (job.result["created"], job.result["updated"]) == (0, 1)
    assert rows_of("masters.partner", "code", "name", "phone", "version") == [
        ("P1", "新名", "13900000001", 2)
    ]
    change = Audit.objects.get(act="edited", code="masters.partner")
    assert [c["field"] for c in change.changes if c["field"] != "initials"] == ["name"]


def test_the_same_sheet_again_changes_nothing(ctx):
    rows = ["B1", "橡木坊"], ["B2", "云榻"]
    upload(ctx, "masters.brand", ["Code", "Name"], *rows)
    job = upload(ctx, "masters.brand", ["Code", "Name"], *rows)
    assert (job.result["created"], job.result["updated"], job.result["unchanged"]) == (0, 0, 2)
    assert {row[0] for row in rows_of("masters.brand", "version")} == {1}


def test_every_bad_row_is_named_and_nothing_enters(ctx):
    make("masters.unit", ctx, code="PCS", name="件")
    make("masters.category", ctx, code="C1", name="同名")
    make("masters.category", ctx, code="C2", name="同名")
    job = upload(
        ctx,
        "masters.product",
        ["Code", "Name", "Base unit", "Reference price", "Sales status", "Category", "Sold"],
        ["A1", "好", "PCS", Decimal("12.5"), "On sale", "C1", "Yes"],
        ["A2", "没有单位", None, None, None, None, None],
        ["A3", "单位不对", "XX", None, None, None, None],
        ["A4", "负价", "PCS", Decimal("-1"), None, None, None],
        ["A5", "字母价", "PCS", "十二", None, None, None],
        [None, "没有编码", "PCS", None, None, None, None],
        ["A1", "重复", "PCS", None, None, None, None],
        ["A8", "状态不对", "PCS", None, "卖光", None, None],
        ["A9", "名称重的类别", "PCS", None, None, "同名", None],
        ["A10", "是否不对", "PCS", None, None, None, "也许"],
    )
    assert job.state == "failed"
    assert errors_of(job) == [
        (3, "C", "unit"),
        (4, "C", "unit"),
        (5, "D", "list_price"),
        (6, "D", "list_price"),
        (7, "A", "code"),
        (8, "A", "code"),
        (9, "E", "status"),
        (10, "F", "category"),
        (11, "G", "is_sold"),
    ]
    assert job.result["bad_rows"] == 9
    assert rows_of("masters.product", "code") == []
    assert "9" in job.error
    with translation.override("en"):
        jobs_file = jobs.get_errors(request(ctx), str(job.id)).data
    assert [row.number for row in sheets.read(jobs_file).rows] == list(range(2, 12))


def request(ctx, **query):
    from types import SimpleNamespace

    return SimpleNamespace(ctx=ctx, query=query)


def test_references_are_meant_by_code_by_name_and_as_exports_write_them(ctx):
    make("masters.unit", ctx, code="PCS", name="件")
    job = upload(
        ctx,
        "masters.product",
        ["Code", "Name", "Base unit"],
        ["A1", "甲", "pcs"],
        ["A2", "乙", "件"],
        ["A3", "丙", "PCS 件"],
    )
    assert job.error == ""
    assert len({row[0] for row in rows_of("masters.product", "unit_id")}) == 1


def test_headings_are_taken_in_any_language_and_by_name(ctx):
    assert upload(ctx, "masters.brand", ["Code", "name"], ["B1", "一"]).error == ""
    assert upload(ctx, "masters.brand", ["code", "name", "⚑ 原因"], ["B2", "二", "x"]).error == ""
    assert [row[0] for row in rows_of("masters.brand", "code")] == ["B1", "B2"]


def test_unknown_missing_and_doubled_headings_are_named(ctx):
    job = upload(ctx, "masters.brand", ["Name", "颜色", "name"], ["一", "红", "x"])
    assert job.state == "failed"
    assert [(e["row"], e["column"]) for e in job.result["errors"]] == [(1, None), (1, "B"), (1, "C")] or len(
        job.result["errors"]
    ) == 3


def test_rows_refer_to_rows_of_the_same_sheet_in_any_order(ctx):
    job = upload(
        ctx,
        "org.department",
        ["Code", "Name", "Belongs to"],
        ["111", "孙", "11"],
        ["1", "祖", None],
        ["11", "父", "1"],
    )
    assert job.error == ""
    found = {
        code: (id_, parent) for code, id_, parent in rows_of("org.department", "code", "id", "parent_id")
    }
    assert found["111"][1] == found["11"][0]
    assert found["11"][1] == found["1"][0]


def test_a_circle_in_the_sheet_is_refused(ctx):
    job = upload(
        ctx,
        "org.department",
        ["Code", "Name", "Belongs to"],
        ["1", "甲", "2"],
        ["2", "乙", "1"],
        ["3", "丙", "1"],
    )
    assert job.state == "failed"
    assert len(job.result["errors"]) == 1


def test_a_bad_row_does_not_make_those_bad_that_refer_to_it(ctx):
    job = upload(
        ctx,
        "org.department",
        ["Code", "Name", "Kind", "Belongs to"],
        ["1", "甲", "什么", None],
        ["2", "乙", None, "1"],
    )
    assert errors_of(job) == [(2, "C", "kind")]


LINES = ["Code", "Name", "Base unit", "Other units/Unit", "Base units in it"]


def units(code):
    product = find_document("masters.product").header.objects.get(code=code)
    line = find_document("masters.product").lines
    return sorted(line.objects.filter(product_id=product.id).values_list("unit__code", "factor", "id"))


def test_lines_follow_their_head_and_keep_their_ids(ctx):
    for code, name in (("PCS", "件"), ("BOX", "箱"), ("SET", "套")):
        make("masters.unit", ctx, code=code, name=name)
    job = upload(
        ctx,
        "masters.product",
        LINES,
        ["A1", "甲", "PCS", "BOX", Decimal(12)],
        [None, None, None, "SET", Decimal(2)],
        ["A2", "乙", "PCS", None, None],
        ["A3", "丙", "PCS", "BOX", Decimal(6)],
        ["A3", "丙", "PCS", "SET", Decimal(3)],
    )
    assert job.error == ""
    before = units("A1")
    assert [row[:2] for row in before] == [("BOX", 12), ("SET", 2)]
    assert [units("A2"), len(units("A3"))] == [[], 2]
    job = upload(ctx, "masters.product", LINES, ["A1", "甲", "PCS", "SET", Decimal(4)])
    assert job.error == ""
    assert units("A1") == [("SET", Decimal(4), before[1][2])]
    job = upload(ctx, "masters.product", ["Code", "Name"], ["A1", "甲新"])
    assert units("A1") == [("SET", Decimal(4), before[1][2])]


def test_errors_in_lines_are_at_their_own_row(ctx):
    make("masters.unit", ctx, code="PCS", name="件")
    make("masters.unit", ctx, code="BOX", name="箱")
    job = upload(
        ctx,
        "masters.product",
        LINES,
        ["A1", "甲", "PCS", "BOX", Decimal(12)],
        [None, None, None, "NO", Decimal(2)],
        ["A2", "乙", "PCS", "BOX", Decimal(0)],
        ["A2", "丁", "PCS", "PCS", Decimal(2)],
    )
    assert errors_of(job) == [(3, "D", "unit"), (4, "E", "factor"), (5, "B", "name")]


def test_what_only_the_database_knows_is_named_at_its_row(ctx):
    """Two default warehouses in one sheet: each alone is right."""
    job = upload(
        ctx,
        "masters.warehouse",
        ["Code", "Name", "Default"],
        ["W1", "一", "Yes"],
        ["W2", "二", "no"],
        ["W3", "三", "Yes"],
    )
    assert job.state == "failed"
    assert [e["row"] for e in job.result["errors"]] == [4]
    assert rows_of("masters.warehouse", "code") == []


def member(ctx, *verbs, guards=()):
    grants = Grants(frozenset(verbs), {"*": "all"}, frozenset(guards), frozenset(guards))
    return context(ctx.enterprise_id, ctx.member_id, grants)


def test_the_member_needs_the_rights_when_the_worker_comes_to_it(ctx, monkeypatch):
    make("masters.unit", ctx, code="PCS", name="件")
    made = enqueue(ctx, "import", "masters.brand", sheets.write(["Code", "Name"], [["B1", "一"]]))
    without = member(ctx, "masters.brand.import")
    monkeypatch.setattr(Gate, "context", lambda self, identity, now: without)
    do_one()
    assert rows_of("masters.brand", "code") == []
    assert Job.objects.get(id=made.id).state == "failed"


def test_a_guarded_column_is_refused_row_by_row_and_not_offered(ctx, monkeypatch):
    make("masters.unit", ctx, code="PCS", name="件")
    clerk = member(ctx, "masters.product.import", "masters.product.edit")
    monkeypatch.setattr(Gate, "context", lambda self, identity, now: clerk)
    headings = ["Code", "Name", "Base unit", "Purchase reference price"]
    job = upload(ctx, "masters.product", headings, ["A1", "甲", "PCS", Decimal(5)], ["A2", "乙", "PCS", None])
    assert errors_of(job) == [(2, "D", "purchase_price")]
    assert upload(ctx, "masters.product", headings[:3], ["A1", "甲", "PCS"]).state == "done"
    offered = {
        p.name for p in importing.layout.chosen(find_document("masters.product"), clerk, for_import=True)
    }
    assert "purchase_price" not in offered
    assert "list_price" in offered


def test_a_change_behind_a_guard_stays_when_a_clerk_imports(ctx, monkeypatch):
    make("masters.unit", ctx, code="PCS", name="件")
    make("masters.product", ctx, code="A1", purchase_price="7", unit__code="M")
    clerk = member(ctx, "masters.product.import", "masters.product.edit")
    monkeypatch.setattr(Gate, "context", lambda self, identity, now: clerk)
    assert upload(ctx, "masters.product", ["Code", "Name"], ["A1", "新"]).error == ""
    assert rows_of("masters.product", "name", "purchase_price") == [("新", Decimal(7))]


@pytest.mark.parametrize("point", ["bulk.before_write", "job.before_end"])
def test_a_full_disk_is_said_and_changes_nothing(ctx, point):
    def full():
        raise OperationalError("could not extend file") from errors.DiskFull("could not extend file")

    faults.arm(point, full)
    job = upload(ctx, "masters.brand", ["Code", "Name"], ["B1", "一"])
    with translation.override("en"):
        assert (job.state, job.error) == ("failed", str(worker.DISK_FULL))
    assert rows_of("masters.brand", "code") == []
    faults.disarm()
    assert upload(ctx, "masters.brand", ["Code", "Name"], ["B1", "一"]).state == "done"


def test_somebody_elses_change_meanwhile_is_not_lost(ctx):
    made = make("masters.brand", ctx, code="B1", name="旧")
    header = find_document("masters.brand").header

    def meanwhile():
        header.objects.filter(id=made.pk).update(name="别人的", version=5)

    original = importing.Import._require_unchanged

    def with_change(self, records):
        meanwhile()
        return original(self, records)

    importing.Import._require_unchanged = with_change
    try:
        job = upload(ctx, "masters.brand", ["Code", "Name"], ["B1", "我的"])
    finally:
        importing.Import._require_unchanged = original
    assert [e["code"] for e in job.result["errors"]] == ["stale"]


@pytest.mark.parametrize("data", [b"PK\x03\x04 broken", b"", b"name,code\n"])
def test_what_is_no_workbook_is_refused_in_words(ctx, data):
    made = enqueue(ctx, "import", "masters.brand", data)
    do_one()
    job = Job.objects.get(id=made.id)
    assert job.state == "failed"
    assert job.error


def test_template_names_every_field_that_can_be_filled_in(ctx):
    with translation.override("en"):
        answer = importing.get_template(request(ctx), "masters.product")
    found = sheets.read(answer.data)
    assert found.headings[:3] == ("Code", "Name", "Specification")
    assert found.headings[-2:] == ("Unit", "Base units in it")
    assert found.rows == []


def test_codes_typed_as_numbers_are_texts(ctx):
    job = upload(ctx, "masters.brand", ["Code", "Name"], [Decimal(10101), "一"], ["２０２", "二"])
    assert job.error == ""
    assert [row[0] for row in rows_of("masters.brand", "code")] == ["10101", normal_code("２０２")]


def test_jobs_of_others_cannot_be_read(ctx):
    job = upload(ctx, "masters.brand", ["Code"], ["x"])
    with pytest.raises(jobs.Missing):
        jobs.get_errors(request(context(ctx.enterprise_id, uuid.uuid4(), ALL)), str(job.id))


def test_who_judges_for_long_is_not_taken_for_a_forgotten_transaction(ctx, monkeypatch):
    """Three hundred rows, after each hundredth a while: longer in all than a transaction may lie idle."""
    judge, seen = importing.Import._judge, []

    def slowly(self, record):
        seen.append(record)
        if len(seen) == 1:
            with connection.cursor() as cursor:
                cursor.execute("SET LOCAL idle_in_transaction_session_timeout = '1500ms'")
        if len(seen) % 100 == 50:
            time.sleep(0.6)
        judge(self, record)

    monkeypatch.setattr(importing.Import, "_judge", slowly)
    rows = [[f"B{n}", f"品牌{n}"] for n in range(300)]
    job = upload(ctx, "masters.brand", ["Code", "Name"], *rows)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
    assert job.state == "done"


@pytest.mark.slow
def test_ten_thousand_rows_with_fifty_bad_ones_name_exactly_these(ctx):
    for n in range(20):
        make("masters.category", ctx, code=f"C{n}", name=f"类别{n}")
        make("masters.brand", ctx, code=f"B{n}", name=f"品牌{n}")
    make("masters.unit", ctx, code="PCS", name="件")
    bad = set(range(17, 10_000, 200))
    headings = [
        "Code",
        "Name",
        "Specification",
        "Brand",
        "Category",
        "Base unit",
        "Bar code",
        "Reference price",
    ]
    rows = [
        [
            f"SKU{n:06}",
            f"北原 双人床 {n}",
            f"白橡木 1500×2000mm 第{n}款",
            f"B{n % 20}",
            f"C{n % 20}",
            "件" if n not in bad or n % 3 else "没有",
            f"2000{n:09}",
            Decimal("3680.5") if n not in bad or not n % 3 else "面议",
        ]
        for n in range(10_000)
    ]
    job = upload(ctx, "masters.product", headings, *rows)
    assert job.state == "failed"
    assert [e["row"] for e in job.result["errors"]] == [n + 2 for n in sorted(bad)]
    assert find_document("masters.product").header.objects.count() == 0
    for n in bad:
        rows[n][5], rows[n][7] = "PCS", Decimal(1)
    job = upload(ctx, "masters.product", headings, *rows[:3_000])
    assert (job.state, job.result["created"]) == ("done", 3_000)
