"""The demonstration's people and plots hold together; that the whole of it loads is shown by every first start."""

import pytest

from yunlian.edge.demo import retail, supply, trade
from yunlian.edge.demo.people import COMPANIES, PEOPLE
from yunlian.edge.demo.story import Goods, Shelf, sheet, shelf
from yunlian.org.passwords import require_good
from yunlian.org.presets import PRESETS


@pytest.mark.parametrize("person", PEOPLE, ids=lambda person: person.login)
def test_a_person_has_a_place_a_role_and_a_good_password(person):
    employees = {row["编码"]: row["名称"] for row in sheet(person.company, "employees")}
    assert employees[person.employee] == person.name
    assert set(person.roles) <= {preset.code for preset in PRESETS}
    assert person.password.isascii()
    assert len(person.password) >= 12
    assert require_good(person.password, person.login) == person.password


def test_ten_people_have_all_preset_roles_but_that_of_the_chain():
    assert len(PEOPLE) == len({person.login for person in PEOPLE}) == 10
    roles = {role for person in PEOPLE for role in person.roles}
    assert roles == {preset.code for preset in PRESETS} - {"collaboration"}
    for company in COMPANIES:
        first = next(person for person in PEOPLE if person.company == company.code)
        assert first.roles[0] == "admin"


def test_the_month_has_about_120_orders():
    plots = (
        retail.YINZHOU_MONTH, retail.BEILUN_MONTH, retail.JIAXING_MONTH, supply.SALES, supply.PURCHASES, trade.MONTH,
    )  # fmt: skip
    assert 110 <= sum(map(len, plots)) <= 130


def test_every_stage_of_a_chained_order_is_told():
    assert {stage for _, _, stage in trade.MONTH} == {*trade.STAGES, "refused", "disagreed"}


def test_a_shelf_hands_out_no_more_than_it_has():
    goods = Shelf([Goods("A", 1, 2), Goods("B", 1, 1)])
    assert sorted(goods.take(1).code for _ in range(3)) == ["A", "A", "B"]
    with pytest.raises(LookupError):
        goods.take(1)


@pytest.mark.parametrize(("company", "warehouse"), [("QIMU", "CP"), ("HAIAN", "ZX"), ("LINCHUAN", "CK")])
def test_what_is_told_to_be_sold_is_there(company, warehouse):
    goods = shelf(company, warehouse)
    stopped = {row["编码"] for row in sheet(company, "products") if row["销售状态"] != "在售"}
    assert len(goods.goods) > 20
    assert not stopped & {each.code for each in goods.goods}


@pytest.mark.parametrize(
    "shop", [retail.YINZHOU, retail.BEILUN, retail.JIAXING], ids=lambda shop: shop.customers[0]
)
def test_a_shop_names_what_its_spreadsheets_have(shop):
    assert set(shop.customers) <= {row["编码"] for row in sheet(shop.company, "partners")}
    assert shop.account in {row["编码"] for row in sheet(shop.company, "accounts")}
    assert {shop.owner, shop.designer} - {""} <= {row["编码"] for row in sheet(shop.company, "employees")}
