"""Purchase order: the suite every document inherits, then collaboration with the supplier (flows.md F4, F5)."""

import uuid
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from django.utils import translation

from yunlian.kernel import pulling
from yunlian.kernel.document import Invalid, Refused
from yunlian.kernel.load import Loaded, abilities, load, show
from yunlian.kernel.save import save
from yunlian.kernel.scope import Context, Grants
from yunlian.kernel.steps import move
from yunlian.kernel.testing import FlowSuite, data, keep_subscribers, make, refusal
from yunlian.kernel.verify import verify
from yunlian.ledgers.models import StockBalance, StockEntry
from yunlian.masters.models import Partner

from .document import PURCHASE_ORDER

CODE = "purchase.order"
D = Decimal


class TestPurchaseOrder(FlowSuite):
    code = CODE
    overrides = {"lines__price": "12.5"}


@pytest.fixture(autouse=True)
def _by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    """The supplier's steps are taken by hand, not by messages."""
    keep_subscribers(monkeypatch, "yunlian.documents")


def on_order(ctx: Context) -> dict[str, Decimal]:
    """What is on order by product code."""
    rows = StockBalance.objects.filter(status="good").select_related("product")
    return {row.product.code: row.on_order for row in rows}


@pytest.fixture
def supplier(ctx: Context) -> Loaded:
    """The brand H, linked on the chain."""
    made = make("masters.partner", ctx, code="H", is_supplier=True)
    Partner.objects.filter(id=made.pk).update(chain_id=str(uuid.uuid4()))
    return made


@pytest.fixture
def order(ctx: Context, supplier: Loaded) -> Loaded:
    """PO-1 of flows.md F4, approved: P1 1 x 3,900.00, P2 2 x 420.00."""
    make("masters.unit", ctx, code="PC")
    for code in ("P1", "P2"):
        make("masters.product", ctx, code=code, unit="PC")
    lines = [{"product": "P1", "qty": "1", "price": "3900"}, {"product": "P2", "qty": "2", "price": "420"}]
    made = make(CODE, ctx, lines=lines, supplier="H")
    return move(CODE, ctx, made.pk, "approve")


def quote(order: Loaded, *rows: tuple[str, str, str | None]) -> list[dict[str, Any]]:
    return [
        {"line": str(line.id), "qty": qty, "price": price, "date": date}
        for line, (qty, price, date) in zip(order.lines, rows, strict=True)
    ]


def step(ctx: Context, order: Loaded, *names: str, **given: Any) -> Loaded:
    """Take steps one after the other; input goes to the last."""
    for name in names[:-1]:
        move(CODE, ctx, order.pk, name)
    return move(CODE, ctx, order.pk, names[-1], **given)


def accept(ctx: Context, order: Loaded) -> Loaded:
    step(ctx, order, "send")
    return step(ctx, order, "partner_accept", theirs_number="HI-9")


QUOTED = (("1", "3950", "2026-12-01"), ("2", "420", None))


def test_the_example_comes_to_4740_and_is_expected(ctx: Context, order: Loaded) -> None:
    assert order.header.amount == D("4740.00")
    assert [line.amount for line in order.lines] == [D("3900.00"), D("840.00")]
    assert on_order(ctx) == {"P1": 1, "P2": 2}
    assert order.header.collab == "unsent"


def test_the_quoted_example_comes_to_4790_once_agreed(ctx: Context, order: Loaded) -> None:
    accepted = accept(ctx, order)
    assert (accepted.header.collab, accepted.header.theirs_number) == ("accepted", "HI-9")
    quoted = step(ctx, order, "partner_quote", lines=quote(order, *QUOTED), expected_date="2026-12-05")
    assert (quoted.header.amount, quoted.header.quoted_amount) == (D("4740.00"), D("4790.00"))
    assert quoted.header.expected_date.isoformat() == "2026-12-05"
    agreed = step(ctx, order, "agree")
    assert (agreed.header.collab, agreed.header.amount) == ("agreed", D("4790.00"))
    assert [line.price for line in agreed.lines] == [D("3950"), D("420")]
    assert [line.price_reason for line in agreed.lines] == ["quoted", "quoted"]
    assert agreed.lines[0].due_date.isoformat() == "2026-12-01"
    assert on_order(ctx) == {"P1": 1, "P2": 2}


def test_what_is_agreed_is_expected_instead_of_what_was_ordered(ctx: Context, order: Loaded) -> None:
    accept(ctx, order)
    step(ctx, order, "partner_quote", lines=quote(order, ("3", "3800", None), ("1", "420", None)))
    assert on_order(ctx) == {"P1": 1, "P2": 2}
    agreed = step(ctx, order, "agree")
    assert agreed.header.amount == D("11820.00")
    assert on_order(ctx) == {"P1": 3, "P2": 1}
    step(ctx, order, "ask_withdrawal", reason="顾客退单")
    step(ctx, order, "partner_grant_withdrawal", "unapprove")
    assert on_order(ctx) == {"P1": 0, "P2": 0}
    assert verify(ctx.enterprise_id) == []


def test_a_discount_of_ours_does_not_cut_the_quoted_price(ctx: Context, supplier: Loaded) -> None:
    line = {"product": str(make("masters.product", ctx).pk), "qty": "1", "price": "100", "discount": "0.1"}
    order = step(ctx, make(CODE, ctx, lines=[line], supplier="H"), "approve")
    assert order.header.amount == D("90.00")
    accept(ctx, order)
    step(ctx, order, "partner_quote", lines=quote(order, ("1", "95", None)))
    assert step(ctx, order, "agree").header.amount == D("95.00")


def test_a_quotation_not_agreed_may_be_quoted_again(ctx: Context, order: Loaded) -> None:
    accept(ctx, order)
    step(ctx, order, "partner_quote", lines=quote(order, *QUOTED))
    back = step(ctx, order, "disagree", reason="太贵")
    assert (back.header.collab, back.header.reason, back.header.quoted_amount) == (
        "accepted",
        "太贵",
        D("4790.00"),
    )
    assert refusal(step, ctx, order, "agree") == [("collab", None)]
    again = step(ctx, order, "partner_quote", lines=quote(order, ("1", "3900", None), ("2", "420", None)))
    assert (again.header.reason, again.header.quoted_amount) == ("", D("4740.00"))


def test_a_refused_order_is_edited_and_sent_again(ctx: Context, order: Loaded) -> None:
    step(ctx, order, "send")
    refused = step(ctx, order, "partner_refuse", reason="停产")
    assert (refused.header.collab, refused.header.reason, refused.header.attempt) == ("refused", "停产", 1)
    step(ctx, order, "unapprove", "approve")
    again = step(ctx, order, "send")
    assert (again.header.attempt, again.header.reason) == (2, "")


def test_a_sent_order_is_taken_back_only_with_consent(ctx: Context, order: Loaded) -> None:
    step(ctx, order, "send")
    for name in ("unapprove", "close"):
        assert refusal(step, ctx, order, name) == [("collab", None)]
    step(ctx, order, "recall")
    assert refusal(step, ctx, order, "unapprove") == [("collab", None)]
    granted = step(ctx, order, "partner_grant_withdrawal")
    assert (granted.header.collab, granted.header.withdrawal) == ("unsent", "granted")
    assert step(ctx, order, "unapprove").header.state == "rereview"


def test_a_declined_withdrawal_leaves_the_order_bound(ctx: Context, order: Loaded) -> None:
    accept(ctx, order)
    assert refusal(step, ctx, order, "recall") == [("withdrawal", None)]
    step(ctx, order, "ask_withdrawal", reason="改颜色")
    step(ctx, order, "partner_decline_withdrawal", reason="已排产")
    assert refusal(step, ctx, order, "unapprove") == [("collab", None)]
    step(ctx, order, "ask_withdrawal", reason="求你了")
    step(ctx, order, "partner_grant_withdrawal", "close")
    assert on_order(ctx) == {"P1": 0, "P2": 0}


def test_an_agreement_waits_for_the_answer_to_a_withdrawal(ctx: Context, order: Loaded) -> None:
    accept(ctx, order)
    step(ctx, order, "partner_quote", lines=quote(order, *QUOTED))
    step(ctx, order, "ask_withdrawal", reason="再想想")
    assert refusal(step, ctx, order, "agree") == [("withdrawal", None)]


def test_only_a_linked_supplier_is_sent_to(ctx: Context) -> None:
    order = make(CODE, ctx, upto="approved", lines__price="1")
    assert order.header.collab == "none"
    assert refusal(step, ctx, order, "send") == [("collab", None)]


def test_a_link_that_ended_meanwhile_is_noticed(ctx: Context, order: Loaded) -> None:
    Partner.objects.update(chain_id="")
    assert refusal(step, ctx, order, "send") == [("supplier", None)]


@pytest.mark.parametrize(
    "rows",
    [
        "no list",
        [],
        [{"line": "x", "qty": "1", "price": "1"}],
        [{"line": str(uuid.uuid4()), "qty": "0", "price": "1"}],
        [{"line": str(uuid.uuid4()), "qty": "1"}],
        [{"line": str(uuid.uuid4()), "qty": "1", "price": "-1"}],
        [7],
    ],
)
def test_a_malformed_quotation_is_refused(ctx: Context, order: Loaded, rows: Any) -> None:
    accept(ctx, order)
    with pytest.raises(Invalid):
        step(ctx, order, "partner_quote", lines=rows)


def test_a_quotation_covers_exactly_the_lines_of_the_order(ctx: Context, order: Loaded) -> None:
    accept(ctx, order)
    rows = quote(order, *QUOTED)
    stranger = rows[0] | {"line": str(uuid.uuid4())}
    for wrong in (rows[:1], [*rows, stranger], [stranger, rows[1]]):
        assert refusal(step, ctx, order, "partner_quote", lines=wrong) == [("lines", None)]
    assert load(PURCHASE_ORDER, ctx, order.pk).lines[0].quoted_qty is None


def test_steps_of_the_partner_are_never_offered(ctx: Context, order: Loaded) -> None:
    offered = set(abilities(order, ctx)["steps"])
    assert offered == {"unapprove", "close", "send"}
    assert set(abilities(accept(ctx, order), ctx)["steps"]) == {"unapprove", "close", "ask_withdrawal"}


def test_the_supplier_tells_of_progress_without_moving_anything(ctx: Context, order: Loaded) -> None:
    accept(ctx, order)
    entries = StockEntry.objects.count()
    told = step(
        ctx, order, "partner_progress", theirs_state="sales.contract.approved", expected_date="2026-12-24"
    )
    assert (told.header.theirs_state, told.header.theirs_number) == ("sales.contract.approved", "HI-9")
    assert StockEntry.objects.count() == entries


def test_closing_expects_no_more_and_reopening_does_again(ctx: Context) -> None:
    order = make(CODE, ctx, upto="approved", lines__price="1")
    code = order.lines[0].product.code
    step(ctx, order, "close")
    assert on_order(ctx) == {code: 0}
    assert refusal(step, ctx, order, "unapprove") == [("close", None)]
    step(ctx, order, "reopen")
    assert on_order(ctx) == {code: 3}


def test_blank_prices_come_from_the_suppliers_list(ctx: Context, supplier: Loaded) -> None:
    product = make("masters.product", ctx, code="P9", purchase_price="70")
    rows = [{"product": "P9", "price": "60"}, {"product": "P9", "qty_from": "10", "price": "55"}]
    make("masters.price_list", ctx, lines=rows, kind="purchase", partner="H")
    body = data(CODE, ctx, supplier="H")
    for qty, price in (("9", "60"), ("10", "55")):
        body["lines"] = [{"product": str(product.pk), "qty": qty}]
        assert save(CODE, ctx, body).lines[0].price == D(price)
    body["supplier"] = str(make("masters.partner", ctx, is_supplier=True).pk)
    assert save(CODE, ctx, body).lines[0].price == 70


def test_nothing_is_ordered_without_a_price(ctx: Context) -> None:
    product = make("masters.product", ctx, purchase_price=None)
    body = data(CODE, ctx)
    body["lines"] = [{"product": str(product.pk), "qty": "1"}]
    assert refusal(save, CODE, ctx, body) == [("price", 1)]


def test_every_problem_is_named_at_once(ctx: Context) -> None:
    stopped = make("masters.product", ctx, status="stopped")
    body = data(CODE, ctx, due_date="2026-01-01")
    line = {"product": str(stopped.pk), "qty": "1", "price": "1", "due_date": "2026-01-02"}
    body["lines"] = [line, line | {"product": str(make("masters.product", ctx).pk), "due_date": None}]
    assert refusal(save, CODE, ctx, body) == [
        ("due_date", None), ("product", 1), ("due_date", 1), ("due_date", 2)
    ]  # fmt: skip


def test_what_is_blank_is_named_beside_what_does_not_fit(ctx: Context) -> None:
    blank = {"supplier": None, "lines": []}
    assert refusal(save, CODE, ctx, data(CODE, ctx) | blank) == [("supplier", None), ("lines", None)]
    body = data(CODE, ctx, supplier=None, due_date="soon")
    body["lines"] = [{"product": "NOPE", "qty": "0"}, {"qty": "1"}]
    assert sorted(refusal(save, CODE, ctx, body), key=str) == [
        ("due_date", None), ("product", 1), ("product", 2), ("qty", 1), ("supplier", None)
    ]  # fmt: skip
    assert save(CODE, ctx, body | {"due_date": None, "lines": [], "draft": True}).header.number is None


def test_quantities_are_kept_in_the_entry_unit_and_the_base_unit(ctx: Context) -> None:
    for code in ("PC", "BOX"):
        make("masters.unit", ctx, code=code)
    make("masters.product", ctx, code="T1", unit="PC", lines=[{"unit": "BOX", "factor": "12"}])
    line = {"product": "T1", "unit": "BOX", "qty": "2", "price": "100"}
    order = make(CODE, ctx, lines=[line], upto="approved")
    assert (order.lines[0].factor, order.lines[0].base_qty, order.header.amount) == (12, 24, 200)
    assert on_order(ctx) == {"T1": 24}
    assert refusal(make, CODE, ctx, lines=[line | {"qty": "2.5"}]) == [("qty", 1)]


def test_prices_stay_hidden_from_who_may_not_see_them(ctx: Context, order: Loaded) -> None:
    keeper = replace(ctx, grants=Grants(frozenset("*"), {"*": "all"}))
    shown = show(load(PURCHASE_ORDER, keeper, order.pk), keeper)
    assert not {"amount", "quoted_amount", "paid_amount"} & set(shown)
    assert not {"price", "amount", "discount", "quoted_price"} & set(shown["lines"][0])
    assert show(order, ctx)["amount"] == "4740.00"


def test_goods_come_into_the_default_warehouse_unless_another_is_named(ctx: Context) -> None:
    product, supplier = make("masters.product", ctx), make("masters.partner", ctx, is_supplier=True)
    body = {
        "supplier": str(supplier.pk),
        "lines": [{"product": str(product.pk), "qty": "1", "price": "1"}],
    }
    assert refusal(save, CODE, ctx, body) == [("warehouse", None)]
    main = make("masters.warehouse", ctx, code="MAIN", is_default=True)
    other = make("masters.warehouse", ctx, code="OTHER")
    assert save(CODE, ctx, body).header.warehouse_id == main.pk
    assert save(CODE, ctx, body | {"warehouse": "OTHER"}).header.warehouse_id == other.pk


def by_hand(ctx: Context) -> Context:
    """Somebody who enters things; the fixture's context may take the partner's steps too."""
    return replace(ctx, is_chain=False)


def goods(ctx: Context, order: Loaded) -> tuple[set[str], str | None]:
    """What can be made of the order by hand, money aside, and for what it waits."""
    can = abilities(load(PURCHASE_ORDER, ctx, order.pk), by_hand(ctx))
    return set(can["pushes"]) - {"finance.payment"}, can.get("waits")


BOTH = {"stock.receipt_notice", "stock.purchase_in"}


def test_goods_of_an_order_on_the_chain_are_not_received_by_hand(ctx: Context, order: Loaded) -> None:
    assert goods(ctx, order) == (BOTH, None)
    step(ctx, order, "send")
    seen = [goods(ctx, order)]
    for name, given in (
        ("partner_accept", {"theirs_number": "HI-9"}),
        ("partner_quote", {"lines": quote(order, *QUOTED)}),
        ("agree", {}),
    ):
        step(ctx, order, name, **given)
        seen.append(goods(ctx, order))
    with translation.override("en"):
        assert [(made, waits and str(waits)) for made, waits in seen] == [
            (set(), "Waiting to be accepted"),
            (set(), "Waiting for the quotation"),
            (set(), None),
            (set(), "Waiting for the shipment"),
        ]
        with pytest.raises(Refused, match=r"PO.*ask the supplier to record the shipment"):
            pulling.push(CODE, by_hand(ctx), order.pk, "stock.receipt_notice")
        assert pulling.open_lines("stock.purchase_in", by_hand(ctx), CODE) == []
    # The shipment itself, over the chain, is noticed.
    body = pulling.push(CODE, ctx, order.pk, "stock.receipt_notice")
    assert refusal(save, "stock.receipt_notice", by_hand(ctx), body) == [("sources", 1), ("sources", 2)]
    move("stock.receipt_notice", ctx, save("stock.receipt_notice", ctx, body).pk, "approve")


def test_an_order_that_came_back_is_received_by_hand(ctx: Context, order: Loaded) -> None:
    step(ctx, order, "send")
    step(ctx, order, "recall")
    step(ctx, order, "partner_grant_withdrawal")
    assert goods(ctx, order) == (BOTH, None)
    body = pulling.push(CODE, by_hand(ctx), order.pk, "stock.receipt_notice")
    move("stock.receipt_notice", ctx, save("stock.receipt_notice", by_hand(ctx), body).pk, "approve")
    assert goods(ctx, order) == (set(), None)


def test_an_order_of_which_goods_came_by_hand_is_not_sent(ctx: Context, order: Loaded) -> None:
    body = pulling.pull("stock.receipt_notice", by_hand(ctx), CODE, {str(order.lines[1].id): "1"})
    notice = save("stock.receipt_notice", by_hand(ctx), body)
    assert refusal(step, ctx, order, "send") == [("qty", 2)]
    move("stock.receipt_notice", ctx, notice.pk, "void")
    assert step(ctx, order, "send").header.collab == "sent"


def test_a_quotation_over_goods_that_came_by_hand_names_their_lines(ctx: Context, order: Loaded) -> None:
    """Such notices can be there from before: the two sides must not agree on a price they were not taken in at."""
    accept(ctx, order)
    step(ctx, order, "partner_quote", lines=quote(order, ("1", "3950", None), ("1", "420", None)))
    type(order.lines[1]).objects.filter(id=order.lines[1].id).update(linked_noticed_qty=2, noticed_qty=2)
    assert refusal(step, ctx, order, "agree") == [("qty", 2)]
