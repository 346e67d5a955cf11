"""What all parts of the story share: who sits where, which day it was, what lies on the shelves."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from yunlian.kernel.sheets import read

from .desk import Data, Desk
from .masters import SAMPLES


@dataclass
class Story:
    """The desks by login, and the last day of the month that is told."""

    desks: dict[str, Desk]
    last_day: dt.date
    told: list[str] = field(default_factory=list)  # one entry per order, with how far it came

    def day(self, ago: int) -> str:
        """The date `ago` days before the last, never after it."""
        return (self.last_day - dt.timedelta(days=max(ago, 0))).isoformat()

    def later(self, days: int) -> str:
        """A date after the last: when goods are due."""
        return (self.last_day + dt.timedelta(days=days)).isoformat()

    def __getitem__(self, login: str) -> Desk:
        return self.desks[login]


@dataclass
class Goods:
    """One article as the story needs it; `left` may still be sold."""

    code: str
    price: Decimal
    left: int


class Shelf:
    """The goods of a warehouse, handed out in turn so that nothing is sold that is not there."""

    def __init__(self, goods: Sequence[Goods]) -> None:
        """Begin at the first article."""
        self.goods = goods
        self.at = 0

    def take(self, qty: int) -> Goods:
        """Give the next article of which there is enough, going on with a stride that mixes kinds."""
        for _ in self.goods:
            self.at = (self.at + 7) % len(self.goods)
            found = self.goods[self.at]
            if found.left >= qty:
                found.left -= qty
                return found
        raise LookupError(f"No article has {qty} left.")


def sheet(company: str, name: str) -> list[dict[str, Any]]:
    """Read a spreadsheet of an enterprise, by heading."""
    (path,) = (SAMPLES / company).glob(f"*-{name}.xlsx")
    return [record for _, record in read(path.read_bytes()).records()]


def shelf(company: str, warehouse: str) -> Shelf:
    """The good stock an enterprise opened a warehouse with, of what is still sold, at retail prices."""
    articles = {row["编码"]: row for row in sheet("QIMU", "products")}
    codes = {code: code for code in articles}
    if company != "QIMU":
        articles |= {row["编码"]: row for row in sheet(company, "products")}
        codes = {row["编码"]: row["上游编码"] for row in sheet(company, "downloads")}
    goods = []
    for row in sheet(company, "opening-stock"):
        article = articles[codes.get(row["商品"], row["商品"])]
        if row["仓库"] == warehouse and row["库存状态"] == "正品" and article["销售状态"] == "在售":
            goods.append(Goods(row["商品"], article["参考价"], int(row["数量"])))
    return Shelf(goods)


def approve(desk: Desk, code: str, document: Data, act: str) -> Data:
    """Approve what was created."""
    return desk.step(code, document, "approve", act)
