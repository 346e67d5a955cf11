"""The spreadsheets of the demonstration: made by their rules, sound in themselves, and readable by the import."""

import subprocess
import sys
from pathlib import Path

import pytest

from yunlian.kernel.sheets import read

SAMPLES = Path(__file__).parents[1] / "samples"
CODES = ("QIMU", "HAIAN", "LINCHUAN")


def rows(enterprise, name):
    (path,) = (SAMPLES / enterprise).glob(f"*-{name}.xlsx")
    return [record for _, record in read(path.read_bytes()).records()]


def codes(enterprise, name, column="编码"):
    return [row[column] for row in rows(enterprise, name)]


def test_the_files_are_what_the_rules_make():
    done = subprocess.run(
        [sys.executable, SAMPLES / "make.py", "--check"], capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.returncode) == ("", 0), done.stderr


def test_there_is_as_much_as_promised():
    assert len(rows("QIMU", "products")) == len(set(codes("QIMU", "products", "名称"))) == 300
    assert len(rows("QIMU", "brands")) == 3
    assert sum(row["客户"] == "是" for code in CODES for row in rows(code, "partners")) == 40


@pytest.mark.parametrize("code", CODES)
def test_codes_stand_once_and_references_are_there(code):
    units, brands, categories = (set(codes(code, name)) for name in ("units", "brands", "categories"))
    departments, positions = set(codes(code, "departments")), set(codes(code, "positions"))
    for name in (
        "departments",
        "positions",
        "employees",
        "units",
        "products",
        "partners",
        "warehouses",
        "accounts",
    ):
        found = codes(code, name)
        assert len(found) == len(set(found)), name
    for row in rows(code, "products"):
        assert row["基本单位"] in units
        assert row["品牌"] in brands | {None}
        assert row["类别"] in categories
        assert (row["单位"] in units) == (row["折合基本单位数"] is not None)
    for row in rows(code, "employees"):
        assert row["部门"] in departments
        assert row["岗位"] in positions
    goods = set(codes(code, "products"))
    if code != "QIMU":
        goods |= set(codes(code, "downloads"))
        assert set(codes(code, "downloads", "上游编码")) <= set(codes("QIMU", "products"))
    warehouses = set(codes(code, "warehouses"))
    for row in rows(code, "opening-stock"):
        assert row["商品"] in goods
        assert row["仓库"] in warehouses
        assert row["数量"] > 0


@pytest.mark.parametrize("code", CODES)
def test_bar_codes_have_their_check_digit(code):
    for barcode in codes(code, "products", "条码"):
        assert len(barcode) == 13
        assert sum(int(digit) * (3 if at % 2 else 1) for at, digit in enumerate(barcode)) % 10 == 0
        assert barcode.startswith("2")  # the range for use inside a company


@pytest.mark.parametrize("code", CODES)
def test_telephone_numbers_belong_to_nobody(code):
    numbers = codes(code, "employees", "手机") + [
        number for number in codes(code, "partners", "电话") if number
    ]
    assert all(number.startswith("1390000") and len(number) == 11 for number in numbers)
    assert len(numbers) == len(set(numbers))
