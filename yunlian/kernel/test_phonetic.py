"""Pinyin and search tokens: everything promised to be found is found."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from yunlian.kernel.phonetic import full, initials, normal, query_tokens, tokens

SOFA = ("QM-SF-0012", "栖木 云朵布艺沙发（三人位）", "2.1m×0.95m", "6901234567892")
LI = ("C-0007", "曾晓单", "139-0000-4321", "杭州市西湖区文三路 18 号")


def found(text, row):
    return bool(query_tokens(text)) and query_tokens(text) <= tokens(*row)


@pytest.mark.parametrize(
    "text",
    ["沙", "沙 艺", "沙 SF", "沙发", "云朵布艺", "布艺 沙发", "沙发 云朵", "三人位)", "（三人", "ydby", "SF", "QMYD", "qm-sf", "QM-SF-0012",
     "qmsf", "0012", "2.1M", "0.95", "沙发 2.1", "6901234567892", "7892", "６９０１２３４５６７８９２", "690123"],
)  # fmt: skip
def test_a_product_is_found_by(text):
    assert found(text, SOFA)


@pytest.mark.parametrize(
    "text",
    ["柜", "沙 柜", "S", "1", "", " ", "-", "发沙", "92", "SOFA", "云朵木床", "QM-SF-0013", "沙发 柜子"],
)
def test_a_product_is_not_found_by(text):
    assert not found(text, SOFA)


@pytest.mark.parametrize(
    "text", ["曾", "曾晓", "zxd", "CXD", "xd", "13900004321", "139-0000-4321", "4321", "西湖区"]
)
def test_a_person_is_found_by(text):
    assert found(text, LI)


@pytest.mark.parametrize(
    ("text", "letters"),
    [
        ("橡木床 1.8m", "XMC18M"),
        ("重庆长安", "CQCA"),
        ("绿色女士椅", "LSNSY"),
        ("ＡＢ柜", "ABG"),
        ("", ""),
        ("——", ""),
    ],
)
def test_initials(text, letters):
    assert initials(text) == letters


def test_polyphones_are_read_in_their_word():
    assert full("重庆重量") == "chong qing zhong liang"
    assert full("银行 行走") == "yin hang xing zou"


def test_names_sort_by_syllable():
    assert sorted(["先锋家居", "西安家居", "阿尔法", "Zeta"], key=full) == [
        "阿尔法",
        "西安家居",
        "先锋家居",
        "Zeta",
    ]


def test_tokens_are_short_and_their_number_bounded():
    row = ("C" * 50, "橡木床" * 70, "x" * 200)
    assert {len(token) for token in tokens(*row)} == {1, 2, 3}
    assert {token for token in tokens(*row) if len(token) == 1} == set("橡木床")
    assert len(tokens("QM-SF-0012", "云朵布艺沙发", "2.1m×0.95m", "6901234567892")) < 80
    assert len(query_tokens("很长的查询" * 100)) < 40


LETTERS = "橡木床沙发餐桌椅曾单重庆长安ABCxyz０１２3456789 -.×（）"
texts = st.text(LETTERS, max_size=12)


@settings(max_examples=200, deadline=None)
@given(code=texts, name=texts, spec=texts, data=st.data())
def test_any_part_of_any_text_is_found(code, name, spec, data):
    row = (code, name, spec)
    for source in [*map(normal, row), initials(name)]:
        start = data.draw(st.integers(0, len(source)))
        part = source[start : data.draw(st.integers(start, len(source)))]
        assert (len(part) < 2 and not part >= "\u4e00") or part.isdigit() or found(part, row)


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=30), st.text(max_size=30))
def test_any_text_can_be_indexed_and_sought(name, text):
    assert isinstance(found(text, ("X", name)), bool)
    assert not any(set("\n \x00") & set(token) for token in tokens("X", "a\nb"))
