"""Prices and units: which list wins, which tier, and how units convert."""

import datetime as dt
import uuid
from decimal import Decimal

import pytest

from yunlian.kernel.load import Loaded
from yunlian.kernel.save import save
from yunlian.kernel.scope import Context
from yunlian.kernel.testing import Statements, make, refusal

from .models import PriceLine
from .prices import Price, find_prices
from .units import find_factors

pytestmark = pytest.mark.django_db
DAY = dt.date(2026, 11, 23)


@pytest.fixture
def piece(ctx: Context) -> Loaded:
    return make("masters.unit", ctx, code="PC", scale=0)


@pytest.fixture
def box(ctx: Context) -> Loaded:
    return make("masters.unit", ctx, code="BOX", scale=0)


@pytest.fixture
def bed(ctx: Context, piece: Loaded, box: Loaded) -> Loaded:
    """A product at 100.00 a piece, also traded in boxes of 12."""
    return make(
        "masters.product",
        ctx,
        unit="PC",
        list_price="100",
        purchase_price="60",
        lines=[{"unit": "BOX", "factor": "12"}],
    )


def price_list(ctx: Context, bed: Loaded, *lines: dict[str, str], **more: object) -> Loaded:
    rows = [{"product": str(bed.pk)} | line for line in lines]
    return make("masters.price_list", ctx, lines=rows, **more)


def price(
    ctx: Context,
    bed: Loaded,
    unit: Loaded,
    qty: str = "1",
    partner: Loaded | None = None,
    date: dt.date = DAY,
) -> Price:
    whose = partner.header if partner is not None else None
    return find_prices(ctx, whose, date, [(bed.pk, unit.pk, Decimal(qty))])[0]


def test_without_any_list_the_reference_price_counts(
    ctx: Context, bed: Loaded, piece: Loaded, box: Loaded
) -> None:
    assert price(ctx, bed, piece) == Price(Decimal("100"), "reference")
    assert price(ctx, bed, box) == Price(Decimal("1200.0000"), "reference")


def test_a_purchase_asks_the_purchase_price(ctx: Context, bed: Loaded, piece: Loaded) -> None:
    found = find_prices(ctx, None, DAY, [(bed.pk, piece.pk, Decimal(1))], kind="purchase")
    assert found == [Price(Decimal("60"), "reference")]


def test_a_product_without_any_price_has_none(ctx: Context, piece: Loaded) -> None:
    product = make("masters.product", ctx, unit="PC", list_price=None)
    assert price(ctx, product, piece) == Price(None, "none")
    assert find_prices(ctx, None, DAY, [(product.pk, uuid.uuid4(), Decimal(1))]) == [Price(None, "none")]


def test_partner_beats_level_beats_everybody_beats_default(ctx: Context, bed: Loaded, piece: Loaded) -> None:
    ours = make("masters.partner", ctx, is_customer=True, level="A")
    level = make("masters.partner", ctx, is_customer=True, level="A")
    other = make("masters.partner", ctx, is_customer=True, level="B")
    price_list(ctx, bed, {"price": "95"}, code="DEFAULT", is_default=True, priority=100)
    assert price(ctx, bed, piece, partner=other) == Price(Decimal("95"), "default", "DEFAULT")
    price_list(ctx, bed, {"price": "99"}, code="LOW", priority=1)
    price_list(ctx, bed, {"price": "92"}, code="HIGH", priority=2)
    assert price(ctx, bed, piece, partner=other) == Price(Decimal("92"), "list", "HIGH")
    price_list(ctx, bed, {"price": "88"}, code="LEVEL", level="A")
    price_list(ctx, bed, {"price": "91"}, code="OURS", partner=str(ours.pk))
    assert price(ctx, bed, piece, partner=level) == Price(Decimal("88"), "level", "LEVEL")
    assert price(ctx, bed, piece, partner=ours) == Price(Decimal("91"), "partner", "OURS")


def test_the_highest_tier_reached_counts(ctx: Context, bed: Loaded, piece: Loaded) -> None:
    price_list(
        ctx, bed, {"price": "95"}, {"price": "90", "qty_from": "10"}, {"price": "80", "qty_from": "100"}
    )
    found = [price(ctx, bed, piece, qty).value for qty in ("1", "9", "10", "99", "100")]
    assert found == [Decimal(n) for n in ("95", "95", "90", "90", "80")]


def test_the_same_unit_beats_a_converted_one(ctx: Context, bed: Loaded, piece: Loaded, box: Loaded) -> None:
    boxed = price_list(ctx, bed, {"price": "1000", "unit": "BOX"}, code="BOXED")
    assert price(ctx, bed, piece, "12").value == Decimal("83.3333")
    assert price(ctx, bed, piece, "1") == Price(Decimal("83.3333"), "list", "BOXED")
    assert price(ctx, bed, box).value == Decimal("1000")
    body = {"version": boxed.header.version, "code": "BOXED", "name": "B", "kind": "sales"}
    rows = [
        {"product": str(bed.pk), "unit": unit, "price": price}
        for unit, price in (("BOX", "1000"), ("PC", "90"))
    ]
    save("masters.price_list", ctx, body | {"lines": rows}, boxed.pk)
    assert price(ctx, bed, piece).value == Decimal("90")


def test_a_price_counts_from_its_first_to_its_last_day(ctx: Context, bed: Loaded, piece: Loaded) -> None:
    price_list(
        ctx,
        bed,
        {"price": "95", "valid_to": "2026-11-22"},
        {"price": "90", "valid_from": "2026-11-23", "valid_to": "2026-11-30"},
    )
    assert price(ctx, bed, piece, date=DAY - dt.timedelta(1)).value == Decimal("95")
    assert price(ctx, bed, piece, date=DAY).value == Decimal("90")
    assert price(ctx, bed, piece, date=dt.date(2026, 12, 1)) == Price(Decimal("100"), "reference")


def test_prices_that_overlap_are_refused_at_their_line(ctx: Context, bed: Loaded) -> None:
    lines = [{"price": "95"}, {"price": "90", "valid_from": "2026-11-01"}, {"price": "80", "qty_from": "5"}]
    assert refusal(price_list, ctx, bed, *lines) == [("valid_from", 2)]
    assert not PriceLine.objects.exists()


def test_days_that_touch_may_be_exchanged_in_one_save(ctx: Context, bed: Loaded) -> None:
    made = price_list(
        ctx,
        bed,
        {"price": "95", "valid_to": "2026-11-22"},
        {"price": "90", "valid_from": "2026-11-23"},
        code="L",
    )
    first, second = made.lines
    rows = [
        {"id": str(first.id), "product": str(bed.pk), "price": "95", "valid_from": "2026-11-23"},
        {"id": str(second.id), "product": str(bed.pk), "price": "90", "valid_to": "2026-11-22"},
    ]
    saved = save(
        "masters.price_list",
        ctx,
        {"version": 1, "code": "L", "name": "L", "kind": "sales", "lines": rows},
        made.pk,
    )
    assert [line.valid_to for line in saved.lines] == [None, dt.date(2026, 11, 22)]


def test_a_second_default_list_is_refused(ctx: Context, bed: Loaded) -> None:
    price_list(ctx, bed, {"price": "1"}, is_default=True)
    assert refusal(price_list, ctx, bed, {"price": "1"}, is_default=True) == [("is_default", None)]
    price_list(ctx, bed, {"price": "1"}, is_default=True, kind="purchase")


def test_a_unit_the_product_is_not_traded_in_is_refused(ctx: Context, bed: Loaded) -> None:
    make("masters.unit", ctx, code="M2")
    assert refusal(price_list, ctx, bed, {"price": "1", "unit": "M2"}) == [("unit", 1)]


def test_prices_cost_three_statements_however_many(ctx: Context, bed: Loaded, piece: Loaded) -> None:
    price_list(ctx, bed, {"price": "95"})
    for n in (1, 50):
        with Statements() as counted:
            find_prices(ctx, None, DAY, [(bed.pk, piece.pk, Decimal(1))] * n)
        assert counted.count == 3


def test_factors_are_one_for_the_base_unit(ctx: Context, bed: Loaded, piece: Loaded, box: Loaded) -> None:
    product, other = bed.header, uuid.uuid4()
    found = find_factors(ctx, [(product, piece.pk), (product, box.pk), (product, other)])
    assert found == {(product.id, piece.pk): Decimal(1), (product.id, box.pk): Decimal(12)}


def test_the_base_unit_of_a_product_stays(ctx: Context, bed: Loaded) -> None:
    body = {"version": 1, "code": bed.header.code, "name": "床", "unit": "BOX", "lines": []}
    assert refusal(save, "masters.product", ctx, body, bed.pk) == [("unit", None)]
    save("masters.product", ctx, body | {"unit": "PC"}, bed.pk)


def test_a_unit_is_named_once(ctx: Context, bed: Loaded) -> None:
    rows = [{"unit": "BOX", "factor": "12"}, {"unit": "PC", "factor": "2"}, {"unit": "BOX", "factor": "6"}]
    body = {"version": 1, "code": bed.header.code, "name": "床", "unit": "PC", "lines": rows}
    assert refusal(save, "masters.product", ctx, body, bed.pk) == [("unit", 2), ("unit", 3)]


def test_a_category_never_stands_under_itself(ctx: Context) -> None:
    above = make("masters.category", ctx, code="A")
    below = make("masters.category", ctx, code="B", parent="A")
    body = {"version": 1, "code": "A", "name": "甲", "parent": str(below.pk)}
    assert refusal(save, "masters.category", ctx, body, above.pk) == [("parent", None)]
    assert refusal(save, "masters.category", ctx, body | {"parent": str(above.pk)}, above.pk) == [
        ("parent", None)
    ]


def test_a_partner_is_something(ctx: Context) -> None:
    assert refusal(make, "masters.partner", ctx, is_customer=False) == [("is_customer", None)]


def test_there_is_one_default_warehouse(ctx: Context) -> None:
    first = make("masters.warehouse", ctx, code="W1", is_default=True)
    assert refusal(make, "masters.warehouse", ctx, is_default=True) == [("is_default", None)]
    save("masters.warehouse", ctx, {"version": 1, "code": "W1", "name": "一", "is_default": True}, first.pk)
