"""Pinyin and search tokens: everything promised to be found is found."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from yunlian.kernel.phonetic import full, haystack, initials, matches, normal, query_tokens, tokens

SOFA = ("QM-SF-0012", "栖木 云朵布艺沙发（三人位）", "2.1m×0.95m", "6901234567892")
LI = ("C-0007", "曾晓单", "139-0000-4321", "杭州市西湖区文三路 18 号")


def found(text, row):
    return bool(set(query_tokens(text)) & tokens(*row)) and matches(text, haystack(*row))


@pytest.mark.parametrize(
    "text",
    ["沙发", "云朵布艺", "布艺 沙发", "三人位)", "（三人", "ydby", "SF", "QMYD", "qm-sf", "QM-SF-0012", "qm", "2.1M",
     "0.95", "6901234567892", "7892", "６９０１２３４５６７８９２"],
)  # fmt: skip
def test_a_product_is_found_by(text):
    assert found(text, SOFA)


@pytest.mark.parametrize("text", ["沙", "", " ", "发沙", "0012", "690123", "SOFA", "云朵木床", "QM-SF-0013"])
def test_a_product_is_not_found_by(text):
    assert not found(text, SOFA)


@pytest.mark.parametrize(
    "text", ["曾晓", "zxd", "CXD", "xd", "13900004321", "139-0000-4321", "4321", "西湖区"]
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


def test_a_token_is_short_and_their_number_bounded():
    row = ("C" * 50, "橡木床" * 70, "x" * 200)
    assert max(map(len, tokens(*row))) <= 8
    assert len(tokens(*row)) < 1_000


LETTERS = "橡木床沙发餐桌椅曾单重庆长安ABCxyz０１２3456789 -.×（）"
texts = st.text(LETTERS, max_size=12)


@settings(max_examples=200, deadline=None)
@given(code=texts, name=texts, spec=texts, data=st.data())
def test_any_part_of_a_name_and_any_beginning_of_a_code_is_found(code, name, spec, data):
    row = (code, name, spec)
    sources = [normal(name), initials(name)]
    if not normal(spec).replace("-", "").isdigit():  # numbers are found whole or by their end
        sources.append(normal(spec))
    for source in sources:
        start = data.draw(st.integers(0, len(source)))
        part = source[start : data.draw(st.integers(start, len(source)))]
        assert len(part) < 2 or found(part, row)
    beginning = normal(code)[: data.draw(st.integers(0, 12))]
    assert len(beginning) < 2 or found(beginning, row)


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=30), st.text(max_size=30))
def test_any_text_can_be_indexed_and_sought(name, text):
    found(text, ("X", name))
    assert "\n" not in "".join(tokens("X", name))
