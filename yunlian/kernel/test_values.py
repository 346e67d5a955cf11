"""What each kind takes from outside, and what it refuses rather than guess."""

from decimal import Decimal

import pytest

from .cells import meant
from .fields.dates import Date, Moment
from .fields.kind import BadValue
from .fields.numbers import Amount, Integer, Qty
from .fields.texts import Code, LongText, Text


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("12", "12"),
        (" 12.50 ", "12.5"),
        ("-3", "-3"),
        ("+3", "3"),
        (".5", "0.5"),
        ("007", "7"),
        ("1,234.50", "1234.5"),
        ("-1,234,567", "-1234567"),
        (12, "12"),
        (Decimal("1E+3"), "1000"),
    ],
)
def test_a_plain_decimal_is_taken_and_so_are_groups_of_three_digits(typed, read):
    assert Qty().parse(typed) == Decimal(read)


@pytest.mark.parametrize(
    "typed",
    [
        *("3,5", "12,50", "1,2,3,,4.5", "1234,567", ",123", "1,234,", "1,23,456", "0.1,234", "1.234,5"),
        *(
            "1_000",
            "٣",
            "１２",
            "1e3",
            "1 000",
            "1.2.3",
            "-",
            ".",
            "--5",
            "NaN",
            "Infinity",
            "0x10",
            "²",
            "1'000",
        ),
    ],
)
def test_what_only_looks_like_a_number_is_refused_by_every_number(typed):
    for kind in (Qty(), Amount(), Integer(low=-(10**9))):
        with pytest.raises(BadValue):
            kind.parse(typed)


@pytest.mark.parametrize(
    ("typed", "read"), [("12", 12), ("1,200", 1200), ("3.0", 3), (" 7 ", 7), (Decimal(3), 3)]
)
def test_a_whole_number_is_read_by_the_same_rule(typed, read):
    assert Integer().parse(typed) == read


@pytest.mark.parametrize("typed", ["1.5", Decimal("1.5"), True, "9" * 5_000, "9" * 21])
def test_what_is_not_whole_or_too_large_is_refused(typed):
    with pytest.raises(BadValue):
        Integer().parse(typed)


@pytest.mark.parametrize(
    ("cell", "read"),
    [
        ("￥1，234.50", "1234.5"),
        ("１２．５", "12.5"),
        ("¥ 990", "990"),
        ("－３", "-3"),
        (Decimal("2.5"), "2.5"),
    ],
)
def test_a_cell_may_be_typed_in_full_width_and_name_the_currency(cell, read):
    assert Qty().parse(meant(Qty(), cell)) == Decimal(read)


@pytest.mark.parametrize("cell", ["3,5", "３，５", "12，50", "1¥2", "3 5", "²"])
def test_a_cell_with_a_misplaced_comma_or_sign_is_refused(cell):
    with pytest.raises(BadValue):
        Qty().parse(meant(Qty(), cell))


@pytest.mark.parametrize(
    "typed",
    [
        *(
            "Z4\u200b",
            "\u200b",
            "\ufeffZ4",
            "Z\u202e4",
            "Z\t4",
            "Z\n4",
            "Z\u20284",
            "Z\u00ad4",
            "Z4\ufe0f",
            "Z\u31644",
        ),
        *("Z\x7f4", "Z\u034f4"),
    ],
)
def test_a_code_with_a_character_nobody_sees_is_refused_and_says_which(typed):
    with pytest.raises(BadValue, match=r"U\+[0-9A-F]{4}"):
        Code().parse(typed)


@pytest.mark.parametrize(
    ("typed", "kept"),
    [(" z4dc0 ", "Z4DC0"), ("ｚ４", "Z4"), ("北欧-01", "北欧-01"), ("A B", "A B"), ("Z4\n", "Z4")],
)
def test_a_code_is_kept_trimmed_narrow_and_in_capitals(typed, kept):
    assert Code().parse(typed) == kept


def test_a_masters_code_is_no_id_and_others_may_be():
    id_ = "0199c0de-0000-7000-8000-000000000001"
    own, theirs = Code(), Code()
    own.name, theirs.name = "code", "theirs_number"
    with pytest.raises(BadValue):
        own.parse(id_)
    assert theirs.parse(id_) == id_.upper()
    assert own.parse(id_.replace("-", "")) == id_.replace("-", "").upper()


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("王\u200b一诺", "王一诺"),
        ("\u200b", ""),
        ("ab\u202ecd", "abcd"),
        ("床\n1.8米", "床 1.8米"),
        ("a\r\nb\tc", "a b c"),
        ("a\u2028b", "a b"),
        ("\ufeffx", "x"),
        ("a\x07b", "ab"),
        ("张三 😀", "张三 😀"),
    ],
)
def test_a_line_of_text_keeps_what_can_be_seen_on_one_line(typed, kept):
    assert Text().parse(typed) == kept


@pytest.mark.parametrize(
    ("typed", "kept"), [("a\nb\tc", "a\nb\tc"), ("a\r\nb", "a\nb"), ("a\u200bb\x07", "ab"), ("\u2029", "")]
)
def test_longer_text_keeps_its_lines(typed, kept):
    assert LongText().parse(typed) == kept


@pytest.mark.parametrize("typed", ["a\x00b", "\ud800"])
def test_what_cannot_be_stored_is_refused(typed):
    for kind in (Code(), Text(), LongText()):
        with pytest.raises(BadValue):
            kind.parse(typed)


@pytest.mark.parametrize(
    "typed",
    ["2026-W48-5", "20261127", "2026-1-2", "2026-11-27T08:00:00", "2026-02-30", "٢٠٢٦-11-27", 20261127],
)
def test_a_date_has_one_form(typed):
    with pytest.raises(BadValue):
        Date().parse(typed)


def test_a_date_and_a_moment_in_that_form_are_taken():
    assert Date().parse("2026-11-27").isoformat() == "2026-11-27"
    assert Moment().parse("2026-11-27T08:00:00+08:00").isoformat() == "2026-11-27T00:00:00+00:00"


@pytest.mark.parametrize("cell", ["2026/1/2", "2026.01.02", "2026年1月2日", "2026-1-2"])
def test_a_cell_may_write_a_date_as_people_do(cell):
    assert Date().parse(meant(Date(), cell)).isoformat() == "2026-01-02"


@pytest.mark.parametrize("cell", ["20260102", "2026-W01-5", "2026-01-02日x"])
def test_a_cell_with_another_date_is_refused(cell):
    with pytest.raises(BadValue):
        Date().parse(meant(Date(), cell))
