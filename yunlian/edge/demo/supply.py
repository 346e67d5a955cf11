"""The brand's business off the chain, and what everybody buys of suppliers who are not on it."""

from .desk import Data
from .story import Shelf, Story, approve, sheet, shelf

DEALERS = ("K003", "K004", "K005", "K006", "K007", "K008", "K009", "K010", "K013", "K014", "K011", "K012")
# Days ago and how far: sales of the brand to customers without the chain.
SALES = (
    (30, "paid"), (29, "paid"), (27, "paid"), (26, "shipped"), (25, "paid"), (23, "paid"), (22, "shipped"), (20, "paid"),
    (19, "shipped"), (17, "paid"), (15, "shipped"), (13, "shipped"), (12, "noticed"), (10, "shipped"), (8, "noticed"),
    (7, "approved"), (5, "approved"), (3, "approved"), (2, "submitted"), (1, "submitted"), (0, "created"),
)  # fmt: skip
# Days ago, supplier, first letters of what it makes, how far.
PURCHASES = (
    (28, "G001", "QM-", "paid"), (24, "G002", "YT-", "paid"), (20, "G003", "CG-", "received"), (16, "G001", "QM-", "received"),
    (12, "G005", "YT-", "partly"), (9, "G003", "CG-", "received"), (5, "G002", "YT-", "approved"), (2, "G001", "QM-", "submitted"),
    (0, "G004", "QM-", "created"),
)  # fmt: skip


def supply_month(story: Story) -> None:
    """Tell the brand's sales and purchases off the chain."""
    goods = shelf("QIMU", "CP")
    for number, (ago, stage) in enumerate(SALES):
        _sell(story, goods, number, ago, stage)
        story.told.append(f"sales.contract {stage}")
    articles = [row for row in sheet("QIMU", "products") if row["销售状态"] == "在售"]
    for number, (ago, supplier, first, stage) in enumerate(PURCHASES):
        made = [row for row in articles if row["编码"].startswith(first)]
        lines = [
            {"product": row["编码"], "qty": str(4 + number % 3), "price": str(row["采购参考价"])}
            for row in made[number * 5 : number * 5 + 4]
        ]
        _buy(
            story,
            "zhouyan",
            "luocheng",
            "shenpei",
            f"supply/{number}",
            ago,
            stage,
            supplier,
            "CP",
            "YH2",
            lines,
        )
        story.told.append(f"purchase.order {stage}")


def buy_small_goods(story: Story) -> None:
    """Tell what the dealer with two stores buys of suppliers near by."""
    own = sheet("HAIAN", "products")
    for number, (ago, supplier, stage) in enumerate(
        ((22, "S002", "paid"), (11, "S003", "received"), (1, "S002", "approved"))
    ):
        lines = [
            {"product": row["编码"], "qty": "24", "price": str(row["采购参考价"])}
            for row in (own[:5] if supplier == "S002" else own[5:])
        ]
        _buy(
            story, "luzhou", "luzhou", "fangning", f"small/{number}", ago, stage, supplier, "ZX", "YH", lines
        )
        story.told.append(f"purchase.order {stage}")


def _sell(story: Story, goods: Shelf, number: int, ago: int, stage: str) -> None:
    manager, keeper, finance = story["hanyue"], story["luocheng"], story["shenpei"]
    act = f"dealer/{number}"
    lines = []
    for line in range(2 + number % 4):
        qty = 1 + (number + line) % 4
        lines.append({"product": goods.take(qty).code, "qty": str(qty)})  # the price list knows the price
    body: Data = {
        "date": story.day(ago), "customer": DEALERS[number % len(DEALERS)], "warehouse": "CP",
        "due_date": story.later(15 - ago), "lines": lines,
    }  # fmt: skip
    if body["due_date"] < body["date"]:
        body["due_date"] = body["date"]
    contract = manager.create("sales.contract", body, act)
    if stage == "created":
        return
    if stage == "submitted":
        manager.step("sales.contract", contract, "submit", act)
        return
    contract = approve(manager, "sales.contract", contract, act)
    if stage == "approved":
        return
    notice = keeper.push(
        "sales.contract", contract, "stock.dispatch_notice", f"{act}/notice", date=story.day(ago - 3)
    )
    notice = approve(keeper, "stock.dispatch_notice", notice, f"{act}/notice")
    if stage == "noticed":
        return
    out = keeper.push(
        "stock.dispatch_notice", notice, "stock.sales_out", f"{act}/out", date=story.day(ago - 4), logistics="远行物流",
        waybill=f"YX{2026_500_000 + number}",
    )  # fmt: skip
    approve(keeper, "stock.sales_out", out, f"{act}/out")
    if stage == "paid":
        receipt = finance.push(
            "sales.contract", contract, "finance.receipt", f"{act}/receipt", date=story.day(ago - 9), account="YH2",
            payer=contract["customer"]["name"],
        )  # fmt: skip
        finance.step("finance.receipt", receipt, "submit", f"{act}/receipt")
        approve(finance, "finance.receipt", receipt, f"{act}/receipt")


def _buy(
    story: Story, buyer: str, keeper: str, cashier: str, act: str, ago: int, stage: str, supplier: str, warehouse: str,
    account: str, lines: list[Data],
) -> None:  # fmt: skip
    body = {
        "date": story.day(ago),
        "supplier": supplier,
        "warehouse": warehouse,
        "due_date": story.later(9 - ago),
        "lines": lines,
    }
    if str(body["due_date"]) < str(body["date"]):
        body["due_date"] = body["date"]
    order = story[buyer].create("purchase.order", body, act)
    if stage == "created":
        return
    if stage == "submitted":
        story[buyer].step("purchase.order", order, "submit", act)
        return
    order = approve(story[buyer], "purchase.order", order, act)
    if stage == "approved":
        return
    chosen: Data = {"docs": [order["id"]]}
    if stage == "partly":
        chosen = {"lines": {line["id"]: None for line in order["lines"][:2]}}
    arrived = story[keeper].pull(
        "purchase.order", chosen, "stock.purchase_in", f"{act}/in", date=story.day(ago - 4)
    )
    approve(story[keeper], "stock.purchase_in", arrived, f"{act}/in")
    if stage == "paid":
        payment = story[cashier].push(
            "purchase.order",
            order,
            "finance.payment",
            f"{act}/payment",
            date=story.day(ago - 7),
            account=account,
        )
        payment = approve(story[cashier], "finance.payment", payment, f"{act}/payment")
        story[cashier].step("finance.payment", payment, "pay", f"{act}/payment")
