"""Spreadsheets: what is written comes back, what could hurt is refused, what is wrong is marked."""

import datetime as dt
import io
import struct
import zipfile
from decimal import Decimal

import pytest
import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st
from python_calamine import CalamineWorkbook

from yunlian.kernel import sheets
from yunlian.kernel.sheets import Column, SheetError, errors_workbook, read, template, write
from yunlian.kernel.sheets.cells import letter


def workbook(*rows, sheet="xl/worksheets/sheet1.xml"):
    """Write cells as they are, formulas and all, the way an office program would."""
    target = io.BytesIO()
    with xlsxwriter.Workbook(target, {"in_memory": True}) as book:
        page = book.add_worksheet()
        for number, row in enumerate(rows):
            page.write_row(number, 0, row)
    return target.getvalue()


def repacked(data, name, change):
    """Change one part of a workbook."""
    target = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new:
        for part in old.infolist():
            content = old.read(part)
            new.writestr(part.filename, change(content) if part.filename == name else content)
    return target.getvalue()


def refused(data, **limits):
    with pytest.raises(SheetError) as error:
        read(data, **limits)
    assert str(error.value)
    assert "{" not in str(error.value)
    return error.value.code


def raw(data):
    """Read every cell as it stands in the file."""
    return CalamineWorkbook.from_filelike(io.BytesIO(data)).get_sheet_by_index(0).to_python()


# --- there and back


def test_values_come_back_as_they_went():
    row = [
        "A-001",
        Decimal("12.50"),
        7,
        True,
        dt.date(2026, 11, 22),
        dt.datetime(2026, 11, 22, 8, 30),  # noqa: DTZ001 - a cell knows no zone
        None,
        "橡木床",
    ]
    sheet = read(write([f"列{n}" for n in range(8)], [row]))
    assert sheet.headings == tuple(f"列{n}" for n in range(8))
    assert sheet.rows == [sheets.Row(2, tuple(row))]
    assert next(sheet.records())[1]["列7"] == "橡木床"


def test_numbers_that_the_format_would_change_are_texts():
    values = [Decimal("12345678901234567.89"), Decimal("0.1"), Decimal("6901234567892"), 10**17]
    (row,) = read(write(list("abcd"), [values])).rows
    assert row.cells == ("12345678901234567.89", Decimal("0.1"), Decimal("6901234567892"), Decimal(10) ** 17)


def test_a_sheet_without_rows_has_its_headings():
    sheet = read(write(["编码", "名称"], []))
    assert (sheet.headings, sheet.rows) == (("编码", "名称"), [])


RISKY = ["=1+1", "+86 139", "-5", "@SUM(A1)", "＝1", "'=x", "''@y", "=cmd|' /C calc'!A0"]


@pytest.mark.parametrize("text", RISKY)
def test_no_text_is_written_as_a_formula(text):
    for data in (
        write(["备注"], [[text]]),
        errors_workbook(write(["备注"], [[text]]), [(2, "备注", "不对")]),
    ):
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            assert b"<f>" not in archive.read("xl/worksheets/sheet1.xml")
        assert raw(data)[1][-1].startswith("'")
        assert read(data).rows[0].cells == (text,)


@settings(max_examples=100, deadline=None)
@given(st.text(min_size=1, max_size=40))
def test_any_text_comes_back_but_for_blanks_and_controls(text):
    expected = text.strip("\t\r\n \u3000\u00a0\ufeff")
    if not expected.isprintable() or expected.startswith(sheets.REASON) or not text.isprintable():
        return
    rows = read(write(["编码", "备注"], [["1", text]])).rows
    assert rows[0].cells == ("1", expected or None)


@settings(max_examples=100, deadline=None)
@given(st.decimals(min_value=-(10**12), max_value=10**12, places=2))
def test_any_amount_comes_back(amount):
    assert read(write(["金额"], [[amount]])).rows[0].cells == (amount,)


def test_a_tab_does_not_hide_a_formula():
    assert raw(write(["备注"], [["\t=1"]]))[1] == ["'\t=1"]


# --- reading what people send


def test_rows_keep_the_numbers_the_spreadsheet_shows():
    data = workbook(
        (), ("编码 *", " 名 称＊", ""), (), ("001", "　床　", ""), ("", "", ""), ("002", "桌", "")
    )
    sheet = read(data)
    assert sheet.headings == ("编码", "名 称")
    assert sheet.letters == ("A", "B")
    assert [(row.number, row.cells) for row in sheet.rows] == [(4, ("001", "床")), (6, ("002", "桌"))]


def test_numbers_read_as_they_are_shown():
    (row,) = read(workbook(("a", "b", "c"), (0.1 + 0.2, 12.0, 1e-7))).rows
    assert row.cells == (Decimal("0.3"), Decimal(12), Decimal("1E-7"))


def test_a_repeated_heading_is_refused():
    assert refused(workbook(("编码", "名称", "编码 *"), ("1", "2", "3"))) == "same_heading"


def test_content_without_a_heading_is_refused():
    with pytest.raises(SheetError, match="Column C"):
        read(workbook(("编码", "名称"), ("1", "2", "3")))


def test_only_the_visible_sheet_is_read():
    target = io.BytesIO()
    with xlsxwriter.Workbook(target) as book:
        hidden, shown = book.add_worksheet("a"), book.add_worksheet("b")
        hidden.write(0, 0, "秘密")
        shown.write(0, 0, "编码")
        shown.activate()
        shown.set_first_sheet()
        hidden.hide()
    assert read(target.getvalue()).headings == ("编码",)


# --- refusing what could hurt


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "not_xlsx"),
        (b"hello,world\n", "not_xlsx"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "locked_or_old"),
        (b"PK\x03\x04" + b"\0" * 100, "unreadable"),
        (workbook(), "empty"),
    ],
    ids=lambda value: value if isinstance(value, str) else "upload",
)
def test_what_is_no_workbook_is_refused(data, code):
    assert refused(data) == code


def test_a_zip_that_is_no_workbook_is_refused():
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr("hello.txt", "hello")
    assert refused(target.getvalue()) == "unreadable"


def test_too_many_bytes_are_refused(monkeypatch):
    monkeypatch.setattr("yunlian.kernel.sheets.reading.MAX_BYTES", 100)
    assert refused(workbook(("a",))) == "too_large"


def test_too_many_rows_are_refused_with_their_number():
    with pytest.raises(SheetError, match="11 rows; at most 10"):
        read(workbook(("a",), *[(n,) for n in range(11)]), max_rows=10)
    assert len(read(workbook(("a",), *[(n,) for n in range(10)]), max_rows=10).rows) == 10


def test_a_bomb_is_not_unpacked():
    data = repacked(workbook(("a",)), "xl/styles.xml", lambda content: content + b" " * (130 * 1024 * 1024))
    assert len(data) < 1024 * 1024
    assert refused(data) == "expands"


def test_a_bomb_that_lies_about_its_size_is_not_unpacked():
    data = bytearray(
        repacked(workbook(("a",)), "xl/styles.xml", lambda text: text + b" " * (130 * 1024 * 1024))
    )
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        (part,) = [part for part in archive.infolist() if part.filename == "xl/styles.xml"]
    central = data.index(b"xl/styles.xml", part.header_offset + 60) - 46
    for at in (part.header_offset + 22, central + 24):
        struct.pack_into("<I", data, at, 900)
    assert refused(bytes(data)) == "expands"


@pytest.mark.parametrize(
    "cell", ['r="XFD1048576"', "r = 'XFD1048576'", 's=">" r="XFD1048576"', 'r="A99999999999999"']
)
def test_a_cell_far_away_does_not_take_the_memory_up_to_it(cell):
    data = repacked(
        workbook(("a",), ("b",)),
        "xl/worksheets/sheet1.xml",
        lambda text: text.replace(
            b"</row></sheetData>", f"<c {cell}><v>1</v></c></row></sheetData>".encode()
        ),
    )
    assert refused(data) == "far_cells"


def test_a_row_far_away_is_seen_without_addresses_of_cells():
    wide = "".join(f'<c r="{letter(at)}3"><v>1</v></c>' for at in range(30))
    far = f'<row r="3">{wide}</row><row r="1048576"><c><v>1</v></c></row></sheetData>'
    data = repacked(
        workbook(("a",), ("b",)),
        "xl/worksheets/sheet1.xml",
        lambda text: text.replace(b"</sheetData>", far.encode()),
    )
    assert refused(data) == "far_cells"


ONE = b"<c><v>1</v></c>"
BOMBS = {
    "without addresses": b"<row>%s</row>" % (ONE * 16_000) + b"<row>%s</row>" % ONE * 1_000,
    "with a prefix": b"<x:row xmlns:x='x'>%s</x:row>" % (ONE * 16_000) + b"<row>%s</row>" % ONE * 1_000,
    "behind a comment": b"""<row><!-- <c r="A1" x=" --><c r="XFD1048576"><v>1</v></c></row>""",
    "cells of another row": b"""<row r="1"><c r="A9999999"><v>1</v></c></row>""",
}


@pytest.mark.parametrize("rows", BOMBS.values(), ids=BOMBS)
def test_rows_and_cells_are_counted_where_they_have_no_address(rows):
    data = repacked(
        workbook(("a",), ("b",)),
        "xl/worksheets/sheet1.xml",
        lambda text: text.replace(b"</sheetData>", rows + b"</sheetData>"),
    )
    assert len(data) < 20_000
    assert refused(data) == "far_cells"


def test_cells_without_addresses_are_read_one_after_the_other():
    data = repacked(
        workbook(("a", "b")),
        "xl/worksheets/sheet1.xml",
        lambda text: text.replace(b"</sheetData>", b"<row>%s</row></sheetData>" % (ONE * 2)),
    )
    assert [row.cells for row in read(data).rows] == [(1, 1)]


@pytest.mark.parametrize(
    "part",
    [
        b"""<!DOCTYPE a [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><worksheet><sheetData/></worksheet>""",
        b"""<worksheet><sheetData><row><c r="A1" r="A2"/></row></sheetData></worksheet>""",
    ],
)
def test_a_sheet_that_is_not_plain_xml_is_refused(part):
    assert refused(repacked(workbook(("a",)), "xl/worksheets/sheet1.xml", lambda _: part)) == "unreadable"


@pytest.mark.parametrize("share", [0.1, 0.3, 0.5, 0.7, 0.9, 0.99])
def test_a_cut_file_is_refused(share):
    data = workbook(("a", "b"), *[(n, "x") for n in range(100)])
    assert refused(data[: int(len(data) * share)]) == "unreadable"


# Written once: a file carries the moment it was written, and with it another length now and then.
WHOLE = write(["编码", "名称"], [["1", "床"], ["2", "桌"]])


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_a_damaged_file_is_read_or_refused(data):
    content = bytearray(WHOLE)
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(4, len(content) - 1))] = data.draw(st.integers(0, 255))
    try:
        sheet = read(bytes(content))
    except SheetError:
        return
    assert sheet.headings is not None


# --- templates and errors


def test_a_template_can_be_filled_and_read():
    columns = [
        Column("编码", required=True, hint="不超过 20 个字"),
        Column("类别", choices=tuple(f"类别{n}" for n in range(60))),
        Column("采购价", kind="number"),
        Column("日期", kind="date", hint="如 2026-11-22"),
    ]
    data = template(columns, title="商品/导入")
    assert read(data).headings == ("编码", "类别", "采购价", "日期")
    assert raw(data)[0][0] == "编码 *"
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        page = archive.read("xl/worksheets/sheet1.xml").decode()
        assert 'state="hidden"' in archive.read("xl/workbook.xml").decode()
    assert "'选项'!$B$1:$B$60" in page.replace("&apos;", "'")
    assert "不超过 20 个字" in page


def test_errors_come_back_on_the_rows_they_are_about():
    uploaded = workbook(("编码 *", "数量"), ("A", 1), (), ("B", "x"), ("", 3))
    marked = errors_workbook(uploaded, [(4, "数量", "不是数字"), (4, None, "整行重复"), (5, "编码", "必填")])
    assert raw(marked) == [
        ["⚑ 原因", "编码", "数量"],
        ["", "A", 1.0],
        ["", "", ""],
        ["数量：不是数字\n整行重复", "B", "x"],
        ["编码：必填", "", 3.0],
    ]
    assert read(marked) == sheets.Sheet(("编码", "数量"), ("B", "C"), read(uploaded).rows)


def test_ten_thousand_rows_are_written_read_and_marked():
    headings = [f"列{n}" for n in range(12)]
    rows = [
        [f"A-{n}", "北欧橡木床", Decimal("1999.00"), dt.date(2026, 11, 22), *["文字"] * 8]
        for n in range(10_000)
    ]
    data = write(headings, rows)
    sheet = read(data)
    marked = read(errors_workbook(data, [(n, "列2", "超出范围") for n in range(2, 10_002, 200)]))
    assert len(sheet.rows) == 10_000
    assert sheet.rows[-1].number == 10_001
    assert len(marked.rows) == 10_000
