"""Why a price is what it is (flows.md F15): stated, taken over, or found; kept while true, renewed when asked."""

from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, connection

from tests.shop import Shop
from yunlian.kernel import pulling
from yunlian.kernel.load import Loaded, show
from yunlian.kernel.preview import preview
from yunlian.kernel.save import save
from yunlian.kernel.scope import read_only
from yunlian.kernel.testing import Grants, context, make, savepoint

D = Decimal
CODE = "sales.contract"


@pytest.fixture
def tiers(shop: Shop) -> Loaded:
    """P2 at 850 from 10 on for everybody; customer Li pays 880 for any quantity below."""
    lines = [{"product": "P2", "price": "850", "qty_from": "10"}, {"product": "P2", "price": "880"}]
    return make("masters.price_list", shop.ctx, code="LI2026", partner="LI", lines=lines)


def contract(shop: Shop, *lines: dict[str, Any]) -> Loaded:
    return shop.save(CODE, customer="LI", lines=list(lines))


def again(shop: Shop, made: Loaded, line: dict[str, Any], without: str = "") -> Any:
    """Save once more with the first line changed; returns the line."""
    body = show(made, shop.ctx)
    body["lines"][0] = {k: v for k, v in (body["lines"][0] | line).items() if k != without}
    return save(CODE, shop.ctx, body, made.pk).lines[0]


def reasons(made: Loaded) -> list[tuple[Decimal, str]]:
    return [(line.price, line.price_reason) for line in made.lines]


def test_each_hit_is_stored_with_its_reason(shop: Shop, tiers: Loaded) -> None:
    made = contract(
        shop,
        {"product": "P1", "qty": "1"},
        {"product": "P2", "qty": "9"},
        {"product": "P2", "qty": "10"},
        {"product": "P2", "qty": "1", "price": "870"},
    )
    assert reasons(made) == [
        (D("6800"), "reference"),
        (D("880"), "partner LI2026"),
        (D("850"), "partner LI2026 ≥10"),
        (D("870"), "manual"),
    ]


def test_a_price_that_comes_back_unchanged_keeps_its_reason(shop: Shop, tiers: Loaded) -> None:
    made = contract(shop, {"product": "P2", "qty": "9"})
    line = again(shop, made, {"note": "急"})
    assert (line.price, line.price_reason) == (D("880"), "partner LI2026")


def test_a_price_stated_for_another_quantity_is_stated(shop: Shop, tiers: Loaded) -> None:
    made = contract(shop, {"product": "P2", "qty": "9"})
    line = again(shop, made, {"qty": "12"})
    assert (line.price, line.price_reason) == (D("880"), "manual")


def test_a_price_left_out_is_found_again(shop: Shop, tiers: Loaded) -> None:
    made = contract(shop, {"product": "P2", "qty": "9"})
    line = again(shop, made, {"qty": "12"}, without="price")
    assert (line.price, line.price_reason) == (D("850"), "partner LI2026 ≥10")


def test_whoever_may_not_write_prices_changes_no_reason(shop: Shop, tiers: Loaded) -> None:
    made = contract(shop, {"product": "P2", "qty": "9"})
    body = show(made, shop.ctx)
    body["lines"][0]["qty"] = "8"
    verbs = frozenset({f"{CODE}.edit", "sales.intention.edit"})
    clerk = context(
        shop.ctx.enterprise_id,
        shop.ctx.member_id,
        Grants(verbs, {"*": "all"}, frozenset({"sales.price"})),
    )
    line = save(CODE, clerk, body, made.pk).lines[0]
    assert (line.price, line.price_reason) == (D("880"), "partner LI2026")
    fresh = save("sales.intention", clerk, {"customer": "LI", "lines": [{"product": "P2", "qty": "1"}]})
    assert reasons(fresh) == [(D("880"), "partner LI2026")]


def test_what_was_taken_over_names_its_source_and_what_was_changed_does_not(shop: Shop) -> None:
    rows = [{"product": "P1", "qty": "2", "price": "6500"}, {"product": "P2", "qty": "2"}]
    intention = shop.move(shop.save("sales.intention", customer="LI", lines=rows), "approve")
    assert [line.price_reason for line in intention.lines] == ["manual", "reference"]
    body = pulling.push("sales.intention", shop.ctx, intention.pk, CODE)
    body["lines"][1]["price"] = "890"
    made = save(CODE, shop.ctx, body)
    assert reasons(made) == [(D("6500"), f"source {intention.header.number}"), (D("890"), "manual")]


def test_a_reason_cannot_be_typed(shop: Shop) -> None:
    made = contract(shop, {"product": "P2", "qty": "1", "price": "1", "price_reason": "partner X"})
    assert reasons(made) == [(D("1"), "manual")]


def test_the_database_knows_the_reasons(shop: Shop) -> None:
    made = contract(shop, {"product": "P2", "qty": "1"})
    sql = "UPDATE sales_salescontractline SET price_reason = %s WHERE id = %s"
    with connection.cursor() as cursor:
        cursor.execute(sql, ["list ANY ≥3", made.lines[0].id])
        with pytest.raises(IntegrityError, match="price_reason_known"), savepoint():
            cursor.execute(sql, ["whim", made.lines[0].id])


def test_a_preview_brings_unit_price_and_reason_before_there_is_a_quantity(shop: Shop, tiers: Loaded) -> None:
    with read_only():
        seen = preview(CODE, shop.ctx, {"customer": "LI", "lines": [{"product": "P2"}]})
    line = seen["lines"][0]
    assert (line["no"], line["unit"]["code"], line["factor"]) == (1, "PC", "1")
    assert (line["price"], line["price_reason"]) == ("880.00", "partner LI2026")
    assert (seen["header"]["warehouse"]["code"], seen["problems"]) == ("W1", [])


def test_a_preview_names_what_is_wrong_and_completes_the_rest(shop: Shop) -> None:
    rows = [{"product": "NONE"}, {"product": "P2", "qty": "x"}, {"product": "P1"}]
    seen = preview(CODE, shop.ctx, {"customer": "LI", "lines": rows})
    assert {(p["field"], p["line"]) for p in seen["problems"]} == {("product", 1), ("qty", 2)}
    assert [line["price"] for line in seen["lines"]] == [None, "900.00", "6800.00"]


def test_a_preview_of_a_saved_document_renews_what_is_left_out(shop: Shop, tiers: Loaded) -> None:
    made = contract(shop, {"product": "P2", "qty": "9"})
    body = show(made, shop.ctx)
    body["lines"][0] |= {"qty": "10"}
    body["lines"][0].pop("price")
    seen = preview(CODE, shop.ctx, body)
    assert seen["lines"][0]["price"] == "850.00"
    assert seen["header"]["total"] == "8500.00"
    assert reasons(made) == [(D("880"), "partner LI2026")]
