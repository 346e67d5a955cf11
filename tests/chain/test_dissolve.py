"""A link is dissolved over open documents only by somebody who has seen them and says why; the partner is told."""

import pytest

from tests.chain.test_business import agreed, brand, dealer, place, settle, shipped  # noqa: F401
from yunlian.chain import membership
from yunlian.chain.business import opened
from yunlian.chain.models import Inbox, Lane, Link, Outbox
from yunlian.chain.transport import local
from yunlian.chain.wire import Batch
from yunlian.documents.finance.payment.model import Payment
from yunlian.documents.finance.receipt.model import Receipt
from yunlian.documents.purchasing.order.model import PurchaseOrder
from yunlian.documents.sales.intention.model import SalesIntention
from yunlian.documents.stock.receipt_notice.model import ReceiptNotice
from yunlian.documents.stock.sales_out.model import SalesOut
from yunlian.kernel.document import Refused


def listed(house):
    """What is open on a house's link, as (code, what the partner told)."""
    with house.enter():
        return [(row.code, bool(row.theirs_number)) for row in opened.find_open(Link.objects.get())]


def dissolve(house, **given):
    return house.move("chain.link", house.one(Link).id, "dissolve", **given)


def refusal(house, **given):
    with pytest.raises(Refused) as refused:
        dissolve(house, **given)
    assert house.one(Link).state == "linked"
    return [(problem.field, problem.code) for problem in refused.value.problems]


def everything_open(brand, dealer):  # noqa: F811
    """An order agreed and shipped, paid but not confirmed, and another waiting to be accepted."""
    order = agreed(brand, dealer)
    shipped(brand)
    settle(brand, dealer)
    paid = dealer.push("purchase.order", order["id"], "finance.payment", account="B1")
    dealer.move("finance.payment", paid["id"], "approve")
    dealer.move("finance.payment", paid["id"], "pay")
    place(dealer)
    settle(brand, dealer)


def test_what_is_open_is_shown_on_both_sides(brand, dealer):  # noqa: F811
    everything_open(brand, dealer)
    assert listed(dealer) == [
        ("purchase.order", True),
        ("purchase.order", False),
        ("stock.receipt_notice", True),
        ("finance.payment", False),
    ]
    assert listed(brand) == [
        ("sales.intention", True),
        ("sales.contract", False),
        ("stock.sales_out", False),
        ("finance.receipt", True),
    ]


def test_is_refused_until_the_list_was_seen_and_a_reason_given(brand, dealer):  # noqa: F811
    everything_open(brand, dealer)
    assert refusal(brand) == [(None, "open")] * 4
    assert refusal(brand, reason="不再合作") == [(None, "open")] * 4
    assert refusal(brand, is_seen=True) == [("reason", "required")]
    dissolve(brand, is_seen=True, reason="不再合作")
    settle(brand, dealer)
    link = dealer.one(Link)
    assert (link.state, link.reason) == ("dissolved", "不再合作")


def test_needs_no_reason_when_nothing_is_open(brand, dealer):  # noqa: F811
    assert listed(brand) == listed(dealer) == []
    assert dissolve(dealer)["state"] == "dissolved"
    settle(brand, dealer)
    assert brand.one(Link).state == "dissolved"


def test_finished_business_is_not_open(brand, dealer):  # noqa: F811
    order = agreed(brand, dealer)
    shipped(brand)
    settle(brand, dealer)
    arrived = dealer.push("stock.receipt_notice", dealer.one(ReceiptNotice).id, "stock.purchase_in")
    dealer.move("stock.purchase_in", arrived["id"], "approve")
    paid = dealer.push("purchase.order", order["id"], "finance.payment", account="B1")
    dealer.move("finance.payment", paid["id"], "approve")
    dealer.move("finance.payment", paid["id"], "pay")
    settle(brand, dealer)
    brand.move("finance.receipt", brand.one(Receipt).id, "approve", account="B1")
    settle(brand, dealer)
    assert dealer.one(Payment).theirs_state == "finance.receipt.approved"
    assert listed(dealer) == listed(brand) == []


def test_afterwards_lanes_are_closed_and_rows_are_kept(brand, dealer):  # noqa: F811
    everything_open(brand, dealer)
    with dealer.enter():
        late = batch_of_house(dealer)
        counts = (Outbox.objects.count(), Inbox.objects.count())
    dissolve(dealer, is_seen=True, reason="换供应商")
    settle(brand, dealer)
    answer = local(brand.chain_id, late)
    assert (answer.status, answer.code) == (410, "dissolved")
    for house in (brand, dealer):
        with house.enter():
            assert set(Lane.objects.values_list("state", flat=True)) == {"closed"}
    with dealer.enter():
        assert (Outbox.objects.count(), Inbox.objects.count()) == counts


def batch_of_house(house):
    """An empty batch the house would send now."""
    lane = Lane.objects.get(is_out=True)
    return Batch(
        sender=house.chain_id,
        token=membership.standing().token,
        lane=lane.id,
        epoch=lane.epoch,
        after=lane.accepted,
    )


def test_what_the_partner_had_a_say_in_is_ours_alone_again(brand, dealer):  # noqa: F811
    everything_open(brand, dealer)
    with pytest.raises(Refused):
        brand.move("stock.sales_out", brand.one(SalesOut).id, "unapprove")
    dissolve(brand, is_seen=True, reason="不再合作")
    settle(brand, dealer)
    brand.move("stock.sales_out", brand.one(SalesOut).id, "unapprove")
    brand.move("sales.intention", brand.one(SalesIntention, collab="none").id, "void")
    dealer.move("finance.payment", dealer.one(Payment).id, "unapprove")
    with dealer.enter():
        order = PurchaseOrder.objects.filter(collab="none", paid_amount=0).order_by("-number").first()
    dealer.move("purchase.order", order.id, "close")
