"""The whole way of one order between two enterprises, and what a lane carries."""

import datetime as dt
import statistics
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import psycopg
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.conf import settings

from bench.measure import Result, clocked
from yunlian.chain import account, membership, messages, queue, worker
from yunlian.chain.models import Link, Offer
from yunlian.kernel import pulling
from yunlian.kernel.document import find_document
from yunlian.kernel.identity import new_id
from yunlian.kernel.load import show
from yunlian.kernel.save import save
from yunlian.kernel.scope import Context, Grants, tenant
from yunlian.kernel.steps import move
from yunlian.masters.models import Partner
from yunlian.org.people import found_enterprise

ALL = Grants(frozenset("*"), {"*": "all"}, frozenset("*"), frozenset("*"))


@dataclass
class House:
    """One enterprise, acting as its administrator; `acting` sums the seconds its own acts took."""

    id: int
    chain_id: uuid.UUID
    admin: uuid.UUID
    department: uuid.UUID
    acting: list[float] = field(default_factory=list)

    def ctx(self) -> Context:
        now = account.database_now()
        return Context(
            enterprise_id=self.id, member_id=self.admin, member_name="管理员", department_id=self.department,
            tree=(self.department,), grants=ALL, now=now, today=now.date(),
        )  # fmt: skip

    def act(self, verb: Callable[..., Any], code: str, /, *args: Any, **given: Any) -> dict[str, Any]:
        started = time.perf_counter()
        with tenant(self.id):
            ctx = self.ctx()
            shown = show(verb(code, ctx, *args, **given), ctx)
        self.acting.append(time.perf_counter() - started)
        return shown

    def save(self, code: str, body: Any, id_: Any = None) -> dict[str, Any]:
        return self.act(save, code, body, id_)

    def move(self, code: str, id_: Any, step: str, /, **given: Any) -> dict[str, Any]:
        return self.act(move, code, id_, step, **given)

    def push(self, source: str, id_: Any, target: str) -> dict[str, Any]:
        with tenant(self.id):
            body = pulling.push(source, self.ctx(), id_, target)
        return self.save(target, body)

    def newest(self, code: str) -> Any:
        with tenant(self.id):
            return find_document(code).header.objects.order_by("-id").values_list("id", flat=True)[0]


def _found(code: str, name: str) -> House:
    made = found_enterprise(code, name, f"admin-{code}", "a long enough word 1", now=dt.datetime.now(dt.UTC))
    house = House(made.enterprise_id, made.chain_id, made.admin_id, made.department_id)
    house.save("masters.unit", {"code": "PCS", "name": "件"})
    house.save(
        "masters.warehouse", {"code": "W1", "name": "主仓", "may_be_negative": True, "is_default": True}
    )
    until = dt.datetime.now(dt.UTC) + dt.timedelta(days=30)
    credential = house.save("chain.credential", {"name": "凭证", "valid_until": until.isoformat()})
    with tenant(house.id):
        membership.join(house.ctx(), uuid.UUID(credential["id"]))
    return house


def _pair() -> tuple[House, House]:
    settings.CHAIN_SECRET = settings.CHAIN_SECRET or "only for measuring"
    brand, dealer = _found("WAYHQ", "栖木家居"), _found("WAYD1", "海岸家居")
    for n in range(10):
        brand.save(
            "masters.product", {"code": f"P{n}", "name": f"橡木床{n}", "unit": "PCS", "list_price": "100"}
        )
    brand.save("chain.link", {"partner_chain_id": str(dealer.chain_id)})
    worker.drain([dealer.id])
    with tenant(dealer.id):
        link = Link.objects.get(state="inviting").id
    dealer.move("chain.link", link, "accept")
    worker.drain([brand.id, dealer.id])
    with tenant(dealer.id):
        offers = list(Offer.objects.order_by("upstream_code").values_list("id", "upstream_code"))
    for id_, code in offers:
        dealer.move("chain.product", id_, "download", code=f"D-{code}")
    with tenant(brand.id):
        Partner.objects.update(settlement="account")
    return brand, dealer


def way(rounds: int, count: int) -> list[Result]:
    """Measure `round_trip` and `lane_messages`."""
    brand, dealer = _pair()
    _round(brand, dealer)
    taken, acting = [], []
    for _ in range(rounds):
        brand.acting, dealer.acting = [], []
        taken.append(clocked(lambda: _round(brand, dealer)))
        acting.append(sum(brand.acting) + sum(dealer.acting))
    mine, theirs = statistics.median(taken), statistics.median(acting)
    note = "10 lines: order, send, accept, quote, agree, ship, notice, stock-in; floor: the people's own acts in it"
    return [Result("round_trip", mine, "s", theirs, mine / theirs, note), _lane(brand, dealer, count)]


def _round(brand: House, dealer: House) -> None:
    """F20's purchase half, from the dealer's order to the goods on its shelf."""
    with tenant(dealer.id):
        supplier = str(Partner.objects.filter(is_supplier=True).values_list("id", flat=True)[0])
    rows = [{"product": f"D-P{n}", "qty": "2", "price": "100"} for n in range(10)]
    order = dealer.save("purchase.order", {"supplier": supplier, "warehouse": "W1", "lines": rows})
    dealer.move("purchase.order", order["id"], "approve")
    dealer.move("purchase.order", order["id"], "send")
    both = [brand.id, dealer.id]
    worker.drain(both)
    intention = brand.newest("sales.intention")
    seen = brand.move("sales.intention", intention, "accept")
    for line in seen["lines"]:
        line |= {"price": "105", "due_date": "2026-12-01"}
    brand.save("sales.intention", seen, intention)
    brand.move("sales.intention", intention, "quote")
    worker.drain(both)
    dealer.move("purchase.order", order["id"], "agree")
    worker.drain(both)
    contract = brand.newest("sales.contract")
    brand.move("sales.contract", contract, "approve")
    notice = brand.push("sales.contract", contract, "stock.dispatch_notice")
    brand.move("stock.dispatch_notice", notice["id"], "approve")
    out = brand.push("stock.dispatch_notice", notice["id"], "stock.sales_out")
    brand.move("stock.sales_out", out["id"], "approve")
    worker.drain(both)
    arrived = dealer.newest("stock.receipt_notice")
    received = dealer.push("stock.receipt_notice", arrived, "stock.purchase_in")
    dealer.move("stock.purchase_in", received["id"], "approve")
    worker.drain(both)


KIND = "bench.note"


def _lane(brand: House, dealer: House, count: int) -> Result:
    """Queue messages of many threads, then carry them: numbered, signed, accepted, applied, receipted."""
    if KIND not in messages.INCOMING:
        messages.receive(messages.Handler(kind=KIND, apply=lambda arrival: None))
    data = {"text": "橡木床 1.8×2.0 m" * 20}
    with tenant(dealer.id):
        link = Link.objects.get(state="linked").id
        for _ in range(count):
            thread = new_id()
            queue.put(
                dealer.id, now=account.database_now(), link_id=link, kind=KIND, subject=f"bench.note/{thread}",
                thread=thread, data=data,
            )  # fmt: skip
    seconds = clocked(lambda: worker.drain([dealer.id, brand.id]))
    floor = clocked(lambda: _floor(count, str(data)))
    note = "numbered, signed, accepted, applied, receipted; floor: sign, verify and two plain rows a message"
    return Result("lane_messages", count / seconds, "messages/s", count / floor, seconds / floor, note)


def _floor(count: int, text: str) -> None:
    """Sign, check and store every message on two sides, a hundred a transaction; nothing else."""
    private = Ed25519PrivateKey.generate()
    public = private.public_key()
    with psycopg.connect(_owner()) as floor:
        floor.execute(
            "CREATE TABLE IF NOT EXISTS bench_floor (id uuid PRIMARY KEY, body text, signature bytea)"
        )
        floor.commit()
        for at in range(count):
            signature = private.sign(text.encode())
            public.verify(signature, text.encode())
            for _side in range(2):
                floor.execute(
                    "INSERT INTO bench_floor VALUES (%s, %s, %s)", [new_id(), text, signature], prepare=True
                )
            if at % 100 == 99:
                floor.commit()


def _owner() -> str:
    d = settings.DATABASES["owner"]
    return psycopg.conninfo.make_conninfo(
        host=d["HOST"], port=d["PORT"], dbname=d["NAME"], user=d["USER"], password=d["PASSWORD"]
    )
