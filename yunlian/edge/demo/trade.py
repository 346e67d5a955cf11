"""One order through the chain, many times over: what the dealers order of the brand, and how far each came."""

import json
from dataclasses import dataclass, field
from decimal import Decimal

from .desk import Data, Desk
from .story import Story, approve, sheet

# How far an order came, in order; the later ones include the earlier.
STAGES = (
    "created", "approved", "sent", "accepted", "quoted", "agreed", "contracted", "shipped", "received", "remitted", "paid",
)  # fmt: skip
COLLAB = ("none", "unsent", "sent", "accepted", "quoted", "agreed")


@dataclass(frozen=True)
class Dealer:
    """A dealer: its code, its code as the brand's customer, who buys, keeps and pays, and the brand as its supplier."""

    company: str
    customer: str
    buyer: str
    cashier: str
    supplier: str
    warehouse: str
    account: str


HAIAN = Dealer("HAIAN", "K001", "luzhou", "fangning", "S001", "ZX", "YH")
LINCHUAN = Dealer("LINCHUAN", "K002", "qinchuan", "qinchuan", "S01", "CK", "YH")

MONTH = (
    (HAIAN, 30, "paid"), (LINCHUAN, 29, "paid"), (HAIAN, 28, "paid"), (HAIAN, 26, "paid"), (HAIAN, 25, "refused"),
    (LINCHUAN, 24, "paid"), (HAIAN, 23, "paid"), (HAIAN, 21, "received"), (LINCHUAN, 19, "received"), (HAIAN, 18, "remitted"),
    (HAIAN, 16, "received"), (HAIAN, 14, "shipped"), (LINCHUAN, 12, "shipped"), (HAIAN, 11, "shipped"),
    (HAIAN, 9, "contracted"), (LINCHUAN, 7, "agreed"), (HAIAN, 6, "agreed"), (HAIAN, 5, "disagreed"), (HAIAN, 4, "quoted"),
    (LINCHUAN, 3, "quoted"), (HAIAN, 3, "accepted"), (HAIAN, 2, "sent"), (LINCHUAN, 1, "sent"), (HAIAN, 1, "approved"),
    (HAIAN, 0, "created"),
)  # fmt: skip


@dataclass
class Order:
    """One order of the story, and its documents as they come into being."""

    dealer: Dealer
    number: int
    ago: int
    stage: str
    ours: Data = field(default_factory=dict)
    theirs: Data = field(default_factory=dict)
    outs: list[Data] = field(default_factory=list)

    @property
    def act(self) -> str:
        """What the acts of this order are called."""
        return f"trade/{self.number}"

    def reaches(self, stage: str) -> bool:
        """Whether the story of this order gets as far as `stage`."""
        stands = {"refused": "sent", "disagreed": "quoted"}.get(self.stage, self.stage)
        return STAGES.index(stands) >= STAGES.index(stage)


def trade_month(story: Story) -> None:
    """Tell the month of all orders, round by round, so that the chain carries many at once."""
    brand, keeper, finance = story["hanyue"], story["luocheng"], story["shenpei"]
    goods = {dealer.company: _articles(dealer) for dealer in (HAIAN, LINCHUAN)}
    orders = [Order(dealer, number, ago, stage) for number, (dealer, ago, stage) in enumerate(MONTH)]
    for order in orders:
        _place(story, order, goods[order.dealer.company])
    sent = [order for order in orders if order.reaches("sent")]
    for order in sent:
        _answer(story, brand, order)
    for order in sent:
        if order.stage == "disagreed":
            _disagree(story, order)
        elif order.reaches("agreed"):
            _agree(story, order)
    for order in sent:
        if order.reaches("contracted"):
            _contract(story, brand, keeper, order)
    for order in sent:
        if order.reaches("received"):
            _receive(story, order)
    for order in sent:
        if order.reaches("paid"):
            _confirm(story, finance, order)
    story.told += [f"purchase.order {order.stage}" for order in orders]


def _articles(dealer: Dealer) -> list[tuple[str, str]]:
    """Codes at the dealer and at the brand, small goods and large mixed."""
    rows = [(row["编码"], row["上游编码"]) for row in sheet(dealer.company, "downloads")]
    return [rows[at * 11 % len(rows)] for at in range(len(rows))]


def _place(story: Story, order: Order, articles: list[tuple[str, str]]) -> None:
    dealer, buyer = order.dealer, story[order.dealer.buyer]
    lines = []
    for line in range(2 + order.number % 3):
        code, _ = articles[(order.number * 4 + line) % len(articles)]
        lines.append({"product": code, "qty": str(1 + (order.number + line) % 3)})
    due = story.later(10 - order.ago) if order.ago < 8 else story.day(order.ago - 8)
    body = {
        "date": story.day(order.ago), "supplier": dealer.supplier, "warehouse": dealer.warehouse, "due_date": due, "lines": lines,
    }  # fmt: skip
    order.ours = buyer.create("purchase.order", body, order.act)
    if order.reaches("approved"):
        order.ours = approve(buyer, "purchase.order", order.ours, order.act)
    if order.reaches("sent"):
        order.ours = buyer.step("purchase.order", order.ours, "send", order.act)


def _answer(story: Story, brand: Desk, order: Order) -> None:
    """The brand accepts, refuses or quotes."""
    number = order.ours["number"]
    query = json.dumps([["customer", "=", order.dealer.customer], ["customer_order", "=", number]])
    path = f"/api/sales.intention?filter={query}&columns=number,customer_order,collab"
    found = brand.until(path, lambda answer: answer["rows"], f"{number} at the brand")["rows"][0]
    order.theirs = brand.get(f"/api/sales.intention/{found['id']}")
    if order.stage == "refused":
        brand.step(
            "sales.intention", order.theirs, "refuse", order.act, reason="该批商品已停产，请改订同系列新款"
        )
    if not order.reaches("accepted"):
        return
    order.theirs = brand.step("sales.intention", order.theirs, "accept", order.act)
    if order.reaches("quoted"):
        body = order.theirs | {"date": story.day(order.ago)}  # it was quoted on the day it was ordered
        for line in body["lines"]:
            line["due_date"] = line.get("due_date") or body["due_date"]
        if order.number % 3 == 0:  # the price of the first line went up a little
            first = body["lines"][0]
            first["price"] = _dearer(first["price"] or first["expected_price"])
        changed = brand.change("sales.intention", body, f"{order.act}/reprice")
        order.theirs = brand.step("sales.intention", changed, "quote", order.act)


def _dearer(price: str) -> str:
    return str((Decimal(price) * Decimal("1.02")).quantize(Decimal("0.01")))


def _await(story: Story, order: Order, collab: str) -> Data:
    """The dealer's order once it has got as far as `collab`."""
    buyer = story[order.dealer.buyer]
    reached = COLLAB.index(collab)
    order.ours = buyer.until(
        f"/api/purchase.order/{order.ours['id']}",
        lambda ours: ours["collab"] in COLLAB and COLLAB.index(ours["collab"]) >= reached,
        f"{order.ours['number']} to be {collab}",
    )
    return order.ours


def _disagree(story: Story, order: Order) -> None:
    buyer = story[order.dealer.buyer]
    buyer.until(
        f"/api/purchase.order/{order.ours['id']}",
        lambda ours: ours["collab"] == "quoted" or ours["reason"],
        f"{order.ours['number']} to be quoted",
    )
    buyer.step("purchase.order", order.ours, "disagree", order.act, reason="单价高于年度协议，请按协议价报价")


def _agree(story: Story, order: Order) -> None:
    _await(story, order, "quoted")
    order.ours = story[order.dealer.buyer].step("purchase.order", order.ours, "agree", order.act)


def _contract(story: Story, brand: Desk, keeper: Desk, order: Order) -> None:
    """The brand approves the contract that the agreement made, and ships, in two loads where there are several lines."""
    brand.until(
        f"/api/sales.intention/{order.theirs['id']}",
        lambda theirs: theirs["collab"] == "agreed",
        f"{order.ours['number']} to be agreed at the brand",
    )
    nodes = brand.get(f"/api/sales.intention/{order.theirs['id']}/trace")["nodes"]
    made = next(node["id"] for node in nodes if node["code"] == "sales.contract")
    contract = brand.get(f"/api/sales.contract/{made}")
    if contract["state"] == "created":
        dated = contract | {"date": story.day(order.ago - 2), "warehouse": "CP"}
        contract = brand.change("sales.contract", dated, f"{order.act}/date")
    contract = approve(brand, "sales.contract", contract, f"{order.act}/contract")
    if not order.reaches("shipped"):
        return
    loads: list[Data] = [{"docs": [contract["id"]]}]
    if order.number % 4 == 2:
        first, *others = contract["lines"]
        loads = [{"lines": {first["id"]: None}}, {"lines": {line["id"]: None for line in others}}]
    for load, chosen in enumerate(loads):
        act = f"{order.act}/load{load}"
        notice = keeper.pull(
            "sales.contract", chosen, "stock.dispatch_notice", f"{act}/notice", date=story.day(order.ago - 3)
        )
        notice = approve(keeper, "stock.dispatch_notice", notice, f"{act}/notice")
        out = keeper.push(
            "stock.dispatch_notice", notice, "stock.sales_out", f"{act}/out", date=story.day(order.ago - 4),
            logistics="远行物流", waybill=f"YX{2026_000_000 + order.number * 10 + load}", arrival_date=story.later(7 - order.ago),
        )  # fmt: skip
        order.outs.append(approve(keeper, "stock.sales_out", out, f"{act}/out"))


def _receive(story: Story, order: Order) -> None:
    """The dealer's keeper takes the goods in as the notices of the chain announce them, and the cashier pays."""
    buyer, cashier = story[order.dealer.buyer], story[order.dealer.cashier]
    notices = buyer.until(
        f"/api/purchase.order/{order.ours['id']}/trace",
        lambda trace: len(_notices(trace)) >= len(order.outs),
        f"the shipments of {order.ours['number']}",
    )
    for load, node in enumerate(_notices(notices)):
        act = f"{order.act}/in{load}"
        arrived = buyer.push(
            "stock.receipt_notice", node, "stock.purchase_in", act, date=story.day(order.ago - 6)
        )
        approve(buyer, "stock.purchase_in", arrived, act)
    if order.reaches("remitted"):
        act = f"{order.act}/payment"
        payment = cashier.push(
            "purchase.order", order.ours, "finance.payment", act, date=story.day(order.ago - 8), account=order.dealer.account,
            reference=f"网银 {order.number:04}",
        )  # fmt: skip
        payment = approve(cashier, "finance.payment", payment, act)
        cashier.step("finance.payment", payment, "pay", act)


def _notices(trace: Data) -> list[Data]:
    return sorted(
        (node for node in trace["nodes"] if node["code"] == "stock.receipt_notice"),
        key=lambda n: str(n["number"]),
    )


def _confirm(story: Story, finance: Desk, order: Order) -> None:
    """The brand's finance finds the money at the bank and confirms the receipt the chain announced."""
    reference = f"网银 {order.number:04}"
    query = json.dumps([["customer", "=", order.dealer.customer], ["reference", "=", reference]])
    path = f"/api/finance.receipt?filter={query}&columns=number,reference"
    row = finance.until(path, lambda answer: answer["rows"], f"the money of {order.ours['number']}")["rows"][
        0
    ]
    finance.step("finance.receipt", row, "approve", f"{order.act}/receipt", account="YH2")
