"""The long example of flows.md F20, rows 2 to 14, told only through HTTP by the people of both enterprises.

Dealer D sells to customer Li, orders of the brand H over the chain what is missing, receives, pays and delivers. Every
person signs in, chooses a password and acts within a preset role. Nothing is reached but the interface everybody has;
the chain's own loop carries the messages. The change order of row 5 is not there yet: a second contract stands for it.
"""

import datetime as dt
import json
import uuid
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from yunlian.chain import worker
from yunlian.kernel.scope import tenant
from yunlian.kernel.verify import verify
from yunlian.org.people import found_enterprise

Data = dict[str, Any]
PASSWORD = "a long enough word 1"
DUE = "2026-12-10"


class Desk:
    """Somebody signed in at a browser of their own."""

    def __init__(self, login: str, password: str = PASSWORD) -> None:
        self.http = Client(headers={"Accept-Language": "en"})
        self.call("POST", "/api/session", {"login": login, "password": password})

    def call(self, method: str, path: str, body: Data | None = None, status: int | None = None) -> Any:
        """Send one request, each write with a key of its own; the answer must be a success unless told otherwise."""
        answer = self.http.generic(
            method, path, json.dumps(body) if body is not None else "", content_type="application/json",
            headers={} if method == "GET" else {"Idempotency-Key": str(uuid.uuid4())},
        )  # fmt: skip
        assert answer.status_code in ((status,) if status else (200, 201, 202, 204)), answer.content.decode()
        return json.loads(answer.content) if answer.content else None

    def get(self, path: str) -> Any:
        return self.call("GET", path)

    @staticmethod
    def named(code: str, document: Data) -> Data:
        """A document that knows what it is; a master's own code is not needed here."""
        return document | {"code": code}

    def see(self, document: Data) -> Data:
        """The document as it stands now."""
        return self.named(document["code"], self.get(f"/api/{document['code']}/{document['id']}"))

    def rows(self, code: str, *where: list[Any]) -> list[Data]:
        return list(self.get(f"/api/{code}?filter={json.dumps(where)}")["rows"])

    def one(self, code: str, *where: list[Any]) -> Data:
        """The only document of a code that fits, whole."""
        (row,) = self.rows(code, *where)
        return self.see({"code": code, "id": row["id"]})

    def new(self, code: str, /, **body: Any) -> Data:
        return self.named(code, self.call("POST", f"/api/{code}", body))

    def change(self, document: Data, **changes: Any) -> Data:
        path = f"/api/{document['code']}/{document['id']}"
        return self.named(document["code"], self.call("PUT", path, self.get(path) | changes))

    def step(self, document: Data, name: str, /, **given: Any) -> Data:
        path = f"/api/{document['code']}/{document['id']}/{name}"
        return self.named(document["code"], self.call("POST", path, given))

    def approve(self, document: Data, **given: Any) -> Data:
        return self.step(document, "approve", **given)

    def push(self, document: Data, target: str, **changes: Any) -> Data:
        """Save what a document is pushed to, with some fields set."""
        body = self.call("POST", f"/api/{document['code']}/{document['id']}/push/{target}", {})
        return self.new(target, **(body | changes))

    def take(self, target: str, source: str, lines: dict[str, str | None]) -> Data:
        """Pull quantities of lines into a document, and save it."""
        return self.new(target, **self.call("POST", f"/api/{target}/pull/{source}", {"lines": lines}))

    def money(self, document: Data, amount: str, target: str, **more: Any) -> Data:
        """Push a part of what is open to a receipt or payment."""
        body = self.call("POST", f"/api/{document['code']}/{document['id']}/push/{target}", {})
        body["lines"][0]["amount"] = amount
        body["lines"][0]["sources"][0]["qty"] = amount
        return self.new(target, **(body | more))

    def acts(self, document: Data) -> list[tuple[str, str, str]]:
        """The chain's timeline: who spoke, of what, and where it is."""
        seen = self.get(f"/api/{document['code']}/{document['id']}/chain")
        return [(event["side"], event["act"], event["status"]) for event in seen["events"]]

    def traced(self, document: Data) -> list[str]:
        """The codes of all documents that hang together with this one."""
        trace = self.get(f"/api/{document['code']}/{document['id']}/trace")
        assert [node["id"] for node in trace["nodes"] if node["current"]] == [document["id"]]
        assert {end for edge in trace["edges"] for end in (edge["from"], edge["to"])} <= {
            node["id"] for node in trace["nodes"]
        }
        return sorted(node["code"] for node in trace["nodes"])

    def figure(self, code: str, columns: str, *where: list[Any]) -> tuple[str, ...]:
        """The figures of the only row of a ledger list; nothing booked yet is empty."""
        rows = self.rows(code, *where)
        assert len(rows) <= 1
        return tuple(rows[0][name] for name in columns.split()) if rows else ()

    def stock(self, product: str) -> tuple[str, ...]:
        """On hand, reserved, pending out, in transit, on order, as F20 writes them."""
        columns = "on_hand reserved pending_out in_transit on_order"
        return self.figure("stock.balance", columns, ["product", "=", product], ["status", "=", "good"])


class House:
    """One enterprise: its administrator, and whoever is hired."""

    def __init__(self, code: str, name: str) -> None:
        made = found_enterprise(code, name, f"admin@{code}", PASSWORD, now=dt.datetime.now(dt.UTC))
        self.id, self.code = made.enterprise_id, code
        self.admin = Desk(f"admin@{code}")
        self.admin.new("masters.unit", code="PC", name="件")
        self.admin.new("masters.warehouse", code="W1", name="主仓", may_be_negative=False, is_default=True)
        self.admin.new("masters.account", code="BANK", name="基本户", may_be_negative=True)

    def hire(self, role: str) -> Desk:
        """Somebody who holds one preset role, let in by the administrator, with a password of their own."""
        department = self.admin.get("/api/session")["member"]["department"]["id"]
        body = {"code": role, "name": role, "department": department}
        employee = self.admin.new("org.employee", **body)
        path = f"/api/org.employee/{employee['id']}"
        self.admin.call("PUT", f"{path}/access", {"roles": [role]})
        login = f"{role.lower()}@{self.code}"
        given = self.admin.call("POST", f"{path}/login", {"login": login})["password"]
        desk = Desk(login, given)
        desk.call("GET", "/api/purchase.order", status=403)  # before anything else, a password of one's own
        desk.call("POST", "/api/session/password", {"old": given, "new": f"{PASSWORD} {role}"})
        return Desk(login, f"{PASSWORD} {role}")

    def join(self) -> None:
        until = (dt.datetime.now(dt.UTC) + dt.timedelta(days=365)).strftime("%Y-%m-%dT%H:%M:%SZ")
        made = self.admin.new("chain.credential", name="凭证", valid_until=until)
        assert made["token"].startswith("ylc_")
        self.admin.call("POST", "/api/chain/membership/join", {"credential": made["id"]})
        assert self.admin.get("/api/chain/membership")["state"] == "joined"

    def stocked(self, *lines: tuple[str, str, str]) -> None:
        """Opening stock: product, quantity, cost."""
        rows = [{"product": product, "qty": qty, "cost": cost} for product, qty, cost in lines]
        self.admin.approve(self.admin.new("stock.opening", warehouse="W1", lines=rows))


class Round:
    """Both enterprises, linked, the dealer with the brand's products under its own codes."""

    def __init__(self) -> None:
        self.h, self.d = House("H", "橡木家居"), House("D", "海安经销商")
        for code, name, price in (("H-1", "橡木床", "3900"), ("H-2", "床头柜", "420")):
            self.h.admin.new("masters.product", code=code, name=name, unit="PC", list_price=price)
        self.h.stocked(("H-1", "1", "2500"), ("H-2", "2", "200"))
        self.h.join()
        self.d.join()
        self.link()
        self.buyer = self.d.hire("BUYER")
        self.download()
        self.d.stocked(("P2", "1", "400"))
        self.d.admin.new("masters.partner", code="LI", name="李女士", is_customer=True, settlement="cash")
        self.manager, self.keeper, self.cashier, self.guide = map(
            self.d.hire, ("STORE_MANAGER", "KEEPER", "FINANCE", "GUIDE")
        )
        self.sales, self.storeman, self.accountant = map(self.h.hire, ("STORE_MANAGER", "KEEPER", "FINANCE"))

    def settle(self) -> None:
        """Let the chain do all it can."""
        worker.drain([self.h.id, self.d.id])

    def link(self) -> None:
        """H invites D by its code; both say which partner record the other one is; D accepts."""
        h, d = self.h.admin, self.d.admin
        h.new("masters.partner", code="D", name="海安经销商", is_customer=True, settlement="account")
        d.new("masters.partner", code="H", name="橡木家居", is_supplier=True)
        h.new("chain.link", partner_chain_id="D", partner="D")
        self.settle()
        link = d.one("chain.link")
        assert (link["state"], link["partner_name"]) == ("inviting", "橡木家居")
        d.step(link, "accept", partner="H")
        self.settle()
        assert h.one("chain.link")["state"] == d.one("chain.link")["state"] == "linked"

    def download(self) -> None:
        """The buyer takes H's articles over under the dealer's own codes."""
        offers = {row["upstream_code"]: row for row in self.buyer.rows("chain.product")}
        assert {code: row["price"] for code, row in offers.items()} == {"H-1": "3900.00", "H-2": "420.00"}
        for theirs, ours in (("H-1", "P1"), ("H-2", "P2")):
            made = self.buyer.step(
                {"code": "chain.product", "id": offers[theirs]["id"]}, "download", code=ours
            )
            assert made["state"] == "linked"

    def prove(self) -> None:
        """Every figure on both sides is the fold of its own history."""
        for house in (self.h, self.d):
            with tenant(house.id):
                assert verify(house.id) == []


@pytest.fixture
def told(transactional_db: None, settings: Any) -> Round:
    settings.CHAIN_SECRET = "a secret that is in no dump"
    return Round()


def sell(told: Round) -> tuple[Data, Data]:
    """Rows 2 to 5: earnest money, contract C-1, deposit, and one P2 more on a contract of its own."""
    guide, manager, cashier = told.guide, told.manager, told.cashier
    lines = [{"product": "P1", "qty": "1", "price": "6800"}, {"product": "P2", "qty": "2", "price": "900"}]
    intention = manager.approve(
        guide.step(guide.new("sales.intention", customer="LI", lines=lines), "submit")
    )
    receipt = guide.money(intention, "500.00", "finance.receipt", purpose="earnest")
    guide.call(
        "POST", f"/api/finance.receipt/{receipt['id']}/approve", {}, status=403
    )  # finance's to confirm
    cashier.approve(guide.step(receipt, "submit"), account="BANK")
    assert cashier.figure("finance.customer_funds", "free frozen") == ("500.00", "0.00")
    assert told.keeper.stock("P2") == ("1", "0", "0", "0", "0")

    c1 = guide.push(intention, "sales.contract", discount_amount="100.00", dispatch_gate="1")
    c1 = manager.approve(guide.step(c1, "submit"))
    assert [line["net"] for line in c1["lines"]] == ["6720.93", "1779.07"]
    assert (c1["total"], c1["applied_amount"]) == ("8500.00", "500.00")
    owed = ["contract", "=", c1["id"]]
    assert cashier.figure("finance.receivable", "charged applied open", owed) == (
        "8500.00",
        "500.00",
        "8000.00",
    )
    assert told.keeper.stock("P2") == ("1", "1", "0", "0", "0")

    cashier.approve(cashier.money(c1, "2050.00", "finance.receipt", account="BANK"))
    assert cashier.figure("finance.receivable", "open", owed) == ("5950.00",)

    line = {"product": "P2", "qty": "1", "price": "900"}
    x1 = manager.approve(guide.step(guide.new("sales.contract", customer="LI", lines=[line]), "submit"))
    opens = [row["open"] for row in cashier.rows("finance.receivable")]
    assert sorted(opens) == ["5950.00", "900.00"]
    return c1, x1


def agree(told: Round) -> tuple[Data, Data, Data]:
    """Rows 6 and 7: PO-1 goes to H, is quoted P1 at 3,950.00 and agreed to; returns order, intention and contract."""
    buyer, sales = told.buyer, told.sales
    lines = [{"product": "P1", "qty": "1", "price": "3900"}, {"product": "P2", "qty": "2", "price": "420"}]
    order = buyer.new("purchase.order", supplier="H", warehouse="W1", due_date="2026-12-20", lines=lines)
    order = buyer.approve(order)
    assert (order["amount"], order["collab"]) == ("4740.00", "unsent")
    assert told.keeper.stock("P2") == ("1", "1", "0", "0", "2")
    buyer.step(order, "send")
    assert buyer.acts(order) == [("ours", "order.placed", "queued")]
    told.settle()
    intention = sales.one("sales.intention")
    assert (intention["customer_order"], intention["collab"]) == (order["number"], "pending")
    assert [line["product"]["code"] for line in intention["lines"]] == ["H-1", "H-2"]

    sales.step(intention, "accept")
    told.settle()
    order = buyer.see(order)
    assert (order["collab"], order["theirs_number"]) == ("accepted", intention["number"])

    lines = sales.see(intention)["lines"]
    for line, price in zip(lines, ("3950", "420"), strict=True):
        line |= {"price": price, "due_date": DUE}
    sales.step(sales.change(intention, lines=lines), "quote")
    told.settle()
    order = buyer.see(order)
    assert (order["collab"], order["amount"], order["quoted_amount"]) == ("quoted", "4740.00", "4790.00")
    chain = buyer.get(f"/api/purchase.order/{order['id']}/chain")
    assert (chain["partner"]["name"], chain["theirs"]["number"]) == ("橡木家居", intention["number"])
    assert chain["theirs"]["expected_date"] == DUE
    beside = [(d["field"], d["line"], d["ours"], d["theirs"]) for d in chain["differences"]]
    assert ("price", 1, "3900.00", "3950.00") in beside
    assert not [line for field, line, *_ in beside if field == "price" and line == 2]

    order = buyer.step(order, "agree")
    assert (order["collab"], order["amount"]) == ("agreed", "4790.00")
    assert told.keeper.stock("P2") == ("1", "1", "0", "0", "2")
    told.settle()
    intention = sales.see(intention)
    assert (intention["collab"], intention["state"], intention["amount"]) == ("agreed", "approved", "4790.00")
    contract = sales.approve(sales.one("sales.contract"))
    assert (contract["total"], contract["customer_order"]) == ("4790.00", order["number"])
    told.settle()
    assert buyer.see(order)["theirs_number"] == contract["number"]
    return order, intention, contract


def ship(told: Round, contract: Data, *quantities: str) -> tuple[Data, Data]:
    """H's storeman ships so much of each line; returns H's stock-out, and the notice the chain made at D."""
    known = {row["id"] for row in told.keeper.rows("stock.receipt_notice")}
    wanted = {line["id"]: qty for line, qty in zip(contract["lines"], quantities, strict=True) if qty != "0"}
    notice = told.storeman.take("stock.dispatch_notice", "sales.contract", dict(wanted))
    told.storeman.approve(notice)
    out = told.storeman.approve(told.storeman.push(notice, "stock.sales_out", waybill="YX-1"))
    told.settle()
    (made,) = [row for row in told.keeper.rows("stock.receipt_notice") if row["id"] not in known]
    made = told.keeper.see({"code": "stock.receipt_notice", "id": made["id"]})
    assert (made["state"], made["theirs_number"]) == ("approved", out["number"])
    return out, made


def pay(told: Round, order: Data, amount: str, reference: str) -> Data:
    """D's finance pays for the order; H's finance finds it at the bank and confirms. Returns the payment."""
    cashier = told.cashier
    paid = cashier.money(order, amount, "finance.payment", account="BANK", reference=reference)
    cashier.step(cashier.approve(paid), "pay")
    told.settle()
    receipt = told.accountant.one("finance.receipt", ["reference", "=", reference])
    assert (receipt["state"], receipt["amount"]) == ("submitted", amount)
    told.accountant.approve(receipt, account="BANK")
    told.settle()
    return paid


def receive(told: Round, notice: Data, *contracts: Data) -> Data:
    """D's keeper takes everything in; the manager reserves it for who waits."""
    arrived = told.keeper.approve(told.keeper.push(notice, "stock.purchase_in"))
    for contract in contracts:
        told.manager.step(contract, "reserve")
    told.settle()
    return arrived


def test_the_long_example_over_http(told: Round) -> None:
    c1, x1 = sell(told)
    order, intention, contract = agree(told)
    keeper, cashier = told.keeper, told.cashier
    payable = ["order", "=", order["id"]]

    # Row 8.
    pay(told, order, "2395.00", "网银 0001")
    assert cashier.figure("finance.supplier_funds", "prepaid") == ("2395.00",)
    at_h = ["contract", "=", contract["id"]]
    figures = ("charged", "applied", "open")
    assert told.accountant.figure("finance.receivable", " ".join(figures), at_h) == (
        "4790.00",
        "2395.00",
        "2395.00",
    )

    # Rows 9 and 10.
    out1, notice1 = ship(told, contract, "1", "1")
    assert (keeper.stock("P2"), keeper.stock("P1")) == (("1", "1", "0", "1", "1"), ("0", "0", "0", "1", "0"))
    receive(told, notice1, c1)
    assert keeper.stock("P2") == ("2", "2", "0", "0", "1")
    assert cashier.figure("finance.payable", "received applied open", payable) == (
        "4370.00",
        "2395.00",
        "1975.00",
    )
    assert told.storeman.see(out1)["signed"] == "signed"

    # Row 11.
    pay(told, order, "2395.00", "网银 0002")
    assert cashier.figure("finance.payable", "open", payable) == ("0.00",)
    assert cashier.figure("finance.supplier_funds", "prepaid") == ("420.00",)
    _out2, notice2 = ship(told, contract, "0", "1")
    receive(told, notice2, x1)
    assert keeper.stock("P2") == ("3", "3", "0", "0", "0")
    assert cashier.figure("finance.payable", "received applied open", payable) == (
        "4790.00",
        "4790.00",
        "0.00",
    )
    assert cashier.figure("finance.supplier_funds", "prepaid") == ("0.00",)
    assert told.accountant.figure("finance.receivable", "applied open", at_h) == ("4790.00", "0.00")
    assert told.accountant.figure("finance.cash", "amount") == ("4790.00",)
    assert told.storeman.stock("H-2") == ("0", "0", "0", "0", "0")
    worth = {row["product"]["code"]: (row["qty"], row["value"]) for row in cashier.rows("stock.cost")}
    assert worth == {"P1": ("1", "3950.00"), "P2": ("3", "1240.00")}

    # Rows 12 to 14.
    for owed, amount in ((c1, "5950.00"), (x1, "900.00")):
        cashier.approve(cashier.money(owed, amount, "finance.receipt", account="BANK"))
    assert {row["open"] for row in cashier.rows("finance.receivable")} == {"0.00"}
    lines = {line["id"]: None for sold in (c1, x1) for line in told.manager.see(sold)["lines"]}
    leaving = keeper.approve(keeper.take("stock.dispatch_notice", "sales.contract", dict(lines)))
    assert keeper.stock("P2") == ("3", "0", "3", "0", "0")
    keeper.approve(keeper.push(leaving, "stock.sales_out"))
    assert keeper.stock("P2") == ("0", "0", "0", "0", "0")
    assert {row["value"] for row in cashier.rows("stock.cost")} == {"0.00"}
    assert cashier.figure("finance.cash", "amount") == ("4610.00",)  # 9,400.00 received, 4,790.00 paid
    for sold in (c1, x1):
        seen = told.manager.see(sold)
        assert (seen["receipt"], seen["delivery"], seen["close"]) == ("complete", "complete", "auto")
    assert told.buyer.see(order)["close"] == "auto"

    # Both sides tell the same of it, each on its own documents.
    mirror = {"ours": "theirs", "theirs": "ours"}
    seen_by_d, seen_by_h = told.buyer.acts(order), told.sales.acts(intention)
    assert {(mirror[side], act) for side, act, _ in seen_by_d} == {(side, act) for side, act, _ in seen_by_h}
    assert {status for *_, status in [*seen_by_d, *seen_by_h]} == {"applied"}
    assert [act for _, act, _ in seen_by_d][:4] == [
        "order.placed",
        "order.accepted",
        "order.quoted",
        "order.agreed",
    ]
    acts = [act for _, act, _ in seen_by_d]
    assert [acts.count(act) for act in ("shipment.sent", "shipment.received", "payment.sent")] == [2, 2, 2]
    assert told.keeper.acts(notice2)[0] == ("theirs", "shipment.sent", "applied")
    chained = ["stock.receipt_notice", "stock.purchase_in"] * 2 + ["finance.payment"] * 2
    assert told.cashier.traced(order) == sorted(["purchase.order", *chained])
    at_brand = [
        "sales.intention",
        "sales.contract",
        *["stock.dispatch_notice", "stock.sales_out", "finance.receipt"] * 2,
    ]
    assert told.accountant.traced(contract) == sorted(at_brand)

    today = dt.datetime.now(dt.UTC) + dt.timedelta(hours=8)
    period = f"from=2026-01-01&to={today:%Y-%m-%d}"
    ours = told.cashier.get(f"/api/finance.statement?partner={order['supplier']['id']}&{period}")
    theirs = told.accountant.get(f"/api/finance.statement?partner={contract['customer']['id']}&{period}")
    assert (ours["closing"], theirs["closing"]) == ("0.00", "0.00")
    moved = [Decimal(row["charge"]) - Decimal(row["paid"]) for row in ours["rows"]]
    assert moved == [Decimal(amount) for amount in (-2395, 4370, -2395, 420)]
    assert sum(Decimal(row["charge"]) for row in theirs["rows"]) == 4790
    told.prove()
