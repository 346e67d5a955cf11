"""The dealers' sales to their customers: contracts of a month in every state, with money and deliveries."""

from dataclasses import dataclass
from decimal import Decimal

from .desk import Data, Desk
from .story import Shelf, Story, approve, shelf

# How far a contract came, in order; the later ones include the earlier.
STAGES = ("created", "submitted", "approved", "deposit", "paid", "noticed", "shipped")


@dataclass(frozen=True)
class Shop:
    """Who does what in a shop, and where its goods and money are."""

    company: str
    seller: str
    manager: str
    keeper: str
    warehouse: str
    account: str
    customers: tuple[str, ...]
    department: str = ""
    owner: str = ""
    designer: str = ""

    @property
    def sold(self) -> Data:
        """Whose sale it is, where it is entered for somebody else."""
        return {"department": self.department, "owner": self.owner} if self.department else {}

    @property
    def designed(self) -> Data:
        """Whose design it is, where there is a designer."""
        return {"department": self.department, "owner": self.designer} if self.designer else self.sold


YINZHOU = Shop(
    "HAIAN", "guyan", "fangning", "luzhou", "ZX", "WX",
    ("C001", "C002", "C003", "C005", "C006", "C009", "C011", "C013", "C015"),
    department="10", owner="H002", designer="H003",
)  # fmt: skip
BEILUN = Shop(
    "HAIAN", "fangning", "fangning", "luzhou", "ZX", "YH", ("C004", "C007", "C008", "C010", "C012", "C014"),
    department="20", owner="H006",
)  # fmt: skip
JIAXING = Shop(
    "LINCHUAN", "qinchuan", "qinchuan", "qinchuan", "CK", "YH",
    ("C01", "C02", "C03", "C04", "C05", "C06", "C07", "C08", "C09"),
)  # fmt: skip

# Days ago and how far: the older, the further; what stands out is meant.
YINZHOU_MONTH = (
    (30, "shipped"), (30, "shipped"), (29, "shipped"), (28, "shipped"), (27, "voided"), (26, "shipped"), (25, "shipped"),
    (24, "shipped"), (23, "partly"), (22, "shipped"), (21, "shipped"), (20, "paid"), (18, "shipped"), (17, "shipped"),
    (16, "noticed"), (15, "shipped"), (14, "shipped"), (12, "paid"), (11, "noticed"), (10, "deposit"), (9, "shipped"),
    (8, "paid"), (7, "deposit"), (6, "noticed"), (5, "deposit"), (4, "paid"), (3, "approved"), (2, "deposit"),
    (1, "submitted"), (1, "approved"), (0, "submitted"), (0, "created"),
)  # fmt: skip
BEILUN_MONTH = (
    (29, "shipped"), (26, "shipped"), (24, "shipped"), (21, "partly"), (19, "shipped"), (16, "shipped"), (13, "paid"),
    (10, "shipped"), (8, "noticed"), (6, "deposit"), (4, "deposit"), (2, "approved"), (1, "submitted"), (0, "created"),
)  # fmt: skip
JIAXING_MONTH = (
    (29, "shipped"), (27, "shipped"), (24, "shipped"), (21, "shipped"), (19, "voided"), (16, "shipped"), (13, "paid"),
    (10, "shipped"), (8, "partly"), (6, "deposit"), (4, "noticed"), (2, "approved"), (1, "submitted"), (0, "created"),
)  # fmt: skip


def sell_month(story: Story, company: str) -> None:
    """Tell the month of an enterprise's shops, which sell from one warehouse."""
    months = ((YINZHOU, YINZHOU_MONTH), (BEILUN, BEILUN_MONTH), (JIAXING, JIAXING_MONTH))
    shops = [(shop, month) for shop, month in months if shop.company == company]
    goods = shelf(company, shops[0][0].warehouse)
    for shop, month in shops:
        for number, (ago, stage) in enumerate(month):
            _sell(story, shop, goods, number, ago, stage)
            story.told.append(f"sales.contract {stage}")


def _sell(story: Story, shop: Shop, goods: Shelf, number: int, ago: int, stage: str) -> None:
    seller, manager = story[shop.seller], story[shop.manager]
    act = f"retail/{shop.department}/{number}"
    contract = _contract(story, shop, goods, number, ago, act)
    if stage == "voided":
        manager.step("sales.contract", contract, "void", act)
        return
    if stage == "created":
        return
    seller.step("sales.contract", contract, "submit", act)
    if stage == "submitted":
        return
    contract = approve(manager, "sales.contract", contract, act)
    reached = STAGES.index("shipped" if stage == "partly" else stage)
    if reached >= STAGES.index("deposit"):
        _collect(story, shop, contract, ago, stage, act)
    if reached >= STAGES.index("noticed"):
        _deliver(story, shop, contract, ago, stage, act)


def _contract(story: Story, shop: Shop, goods: Shelf, number: int, ago: int, act: str) -> Data:
    lines = []
    for line in range(1 + number % 3):
        qty = 2 if (number + line) % 4 == 3 else 1
        item = goods.take(qty)
        lines.append({"product": item.code, "qty": str(qty), "price": str(item.price)})
    body: Data = {
        "date": story.day(ago),
        "customer": shop.customers[number % len(shop.customers)],
        "warehouse": shop.warehouse,
        "due_date": story.later(12 - ago if ago < 5 else 7 - ago % 5),
        "lines": lines,
    }
    if number % 5 == 2:
        body |= {"discount_amount": "100.00", "note": "门店满减"}
    body |= shop.sold
    desk = story[shop.seller]
    if number % 8 != 4:
        return desk.create("sales.contract", body, act)
    # One in eight begins as an intention; the designer's is entered for her.
    wish = {name: body[name] for name in ("date", "customer", "lines", "due_date")}
    manager = story[shop.manager]
    intention = manager.create("sales.intention", wish | shop.designed, f"{act}/intention")
    intention = approve(manager, "sales.intention", intention, f"{act}/intention")
    kept = {name: value for name, value in body.items() if name != "lines"}
    return manager.push("sales.intention", intention, "sales.contract", act, **(kept | shop.sold))


def _collect(story: Story, shop: Shop, contract: Data, ago: int, stage: str, act: str) -> None:
    total = Decimal(contract["total"])
    deposit = ("deposit", str((total * Decimal("0.3")).quantize(Decimal("0.01"))), ago - 1)
    parts: list[tuple[str, str | None, int]] = [deposit]
    if stage != "deposit":
        parts = [("contract", None, ago - 1)] if total < 3000 else [deposit, ("balance", None, ago - 3)]
    for part, (purpose, amount, day) in enumerate(parts):
        chosen = {"lines": {contract["id"]: amount}} if amount else {"docs": [contract["id"]]}
        receipt = story[shop.seller].pull(
            "sales.contract", chosen, "finance.receipt", f"{act}/receipt{part}",
            date=story.day(day), purpose=purpose, account=shop.account, payer=contract["customer"]["name"],
        )  # fmt: skip
        story[shop.seller].step("finance.receipt", receipt, "submit", f"{act}/receipt{part}")
        if ago > 2:  # what came in just now waits for finance
            approve(story[shop.manager], "finance.receipt", receipt, f"{act}/receipt{part}")


def _deliver(story: Story, shop: Shop, contract: Data, ago: int, stage: str, act: str) -> None:
    keeper: Desk = story[shop.keeper]
    chosen: Data = {"docs": [contract["id"]]}
    if stage == "partly":  # one piece of the first line goes first, the rest later
        chosen = {"lines": {contract["lines"][0]["id"]: "1"}}
    notice = keeper.pull(
        "sales.contract", chosen, "stock.dispatch_notice", f"{act}/notice",
        date=story.day(ago - 4), ship_date=story.day(ago - 5),
    )  # fmt: skip
    notice = approve(keeper, "stock.dispatch_notice", notice, f"{act}/notice")
    if stage == "noticed":
        return
    out = keeper.push(
        "stock.dispatch_notice", notice, "stock.sales_out", f"{act}/out",
        date=story.day(ago - 5), logistics="自有车辆",
    )  # fmt: skip
    approve(keeper, "stock.sales_out", out, f"{act}/out")
