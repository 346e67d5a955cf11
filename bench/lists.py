"""A page of a list, and a search, over very many orders, against the same SQL written by hand for it."""

import datetime as dt
import json
import random
from collections.abc import Callable
from typing import Any

from django.db import connection

from bench.measure import Result, clocked, p95
from bench.post import desk
from yunlian.kernel import listing
from yunlian.kernel.document import find_document
from yunlian.kernel.save import save
from yunlian.kernel.scope import Context, tenant
from yunlian.kernel.sql import run, table

CODE = "purchase.order"
CITIES = [
    "杭州",
    "宁波",
    "嘉兴",
    "苏州",
    "无锡",
    "常州",
    "南京",
    "上海",
    "合肥",
    "芜湖",
    "佛山",
    "东莞",
    "中山",
    "赣州",
    "成都",
    "重庆",
    "武汉",
    "长沙",
    "郑州",
    "济南",
]
WORDS = [
    "海岸",
    "林川",
    "恒美",
    "云栖",
    "尚居",
    "木作",
    "雅居",
    "江南",
    "华庭",
    "名士",
    "锦绣",
    "梧桐",
    "拾光",
    "原野",
    "半山",
    "青禾",
    "归来",
    "知木",
    "大观",
    "北岸",
]
KINDS = ("家居有限公司", "家具商行", "装饰工程有限公司", "家居生活馆", "木业有限公司")


def lists(enterprise: int, orders: int, neighbours: int, rounds: int) -> list[Result]:
    """Measure `list_million` and `search_million`."""
    where = desk(enterprise, products=12)
    partners = _partners(where.ctx, 1_000)
    _orders(where.ctx, where.bodies[0], partners, orders)
    for other in range(enterprise + 1, enterprise + 1 + neighbours):
        neighbour = desk(other, products=12)
        _orders(neighbour.ctx, neighbour.bodies[0], [], max(orders // neighbours // 5, 50))
    with tenant(enterprise), connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM purchasing_purchaseorder")
        (count,) = cursor.fetchone() or (0,)
    _analyze()
    note = f"{count:,} orders, {neighbours} other enterprises"
    pages = _pairs(where.ctx, _pages(where.ctx), rounds)
    found = _pairs(where.ctx, _searches(), rounds)
    return [
        _result("list_million", pages, note),
        _result("search_million", found, note + "; one character or more of a Chinese name"),
    ]


def _result(name: str, pairs: tuple[list[float], list[float]], note: str) -> Result:
    mine, theirs = p95(pairs[0]) * 1000, p95(pairs[1]) * 1000
    return Result(name, mine, "ms p95", theirs, mine / theirs, note)


def _partners(ctx: Context, count: int) -> list[Any]:
    made = []
    rng = random.Random(3)
    for start in range(0, count, 100):
        with tenant(ctx.enterprise_id):
            for n in range(start, min(start + 100, count)):
                name = f"{rng.choice(CITIES)}{rng.choice(WORDS)}{rng.choice(WORDS)}{rng.choice(KINDS)}"
                body = {"code": f"S{n:05}", "name": name, "is_supplier": True}
                made.append(save("masters.partner", ctx, body).pk)
    return made


def _orders(ctx: Context, body: dict[str, Any], partners: list[Any], count: int) -> None:
    """Copy one saved order until there are enough: dates over three years, some states, all suppliers."""
    enterprise = ctx.enterprise_id
    with tenant(enterprise):
        first = save(CODE, ctx, body)
    model = find_document(CODE).header
    shape = table(model)
    varied = ("id", "number", "date", "state", "supplier_id", "amount")
    kept = ", ".join(f'"{c.name}"' for c in shape.columns if c.name not in varied)
    suppliers = [str(id_) for id_ in partners] or [str(first.header.supplier_id)]
    for start in range(0, count, 50_000):
        with tenant(enterprise), connection.cursor() as cursor:
            cursor.execute("SET LOCAL statement_timeout = '600s'")
            cursor.execute(
                "WITH n AS (SELECT g, gen_random_uuid() AS id FROM generate_series(%s::int, %s::int) g), "
                "d AS (INSERT INTO kernel_doc (enterprise_id, id, code) SELECT %s, id, %s FROM n) "
                f'INSERT INTO "{shape.name}" (id, number, date, state, supplier_id, amount, {kept}) '
                "SELECT n.id, 'PO' || lpad(n.g::text, 9, '0'), %s::date - (n.g::bigint * 7919 %% 1000)::int, "
                "(ARRAY['created','submitted','approved','approved','approved','voided'])[1 + n.g %% 6], "
                "(%s::uuid[])[1 + (n.g * 31) %% %s], (n.g * 17 %% 900000)::numeric / 100, "
                f'{kept} FROM n, "{shape.name}" t WHERE t.enterprise_id = %s AND t.id = %s',
                [
                    start + 1, min(start + 50_000, count), enterprise, CODE, dt.date(2026, 11, 23),
                    suppliers, len(suppliers), enterprise, first.pk,
                ],
            )  # fmt: skip


def _analyze() -> None:
    """Let the planner know what there is now; vacuum needs the owner, analysing too."""
    from django.db import connections

    with connections["owner"].cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
        for name in ("purchasing_purchaseorder", "masters_partner", "kernel_token", "kernel_doc"):
            cursor.execute(f"VACUUM ANALYZE {name}")


Pair = tuple[Callable[[], Any], Callable[[], Any]]
BY_HAND = (
    "SELECT t.id, t.version, t.number, t.date, s.id, s.code, s.name, t.due_date, t.amount, t.collab, t.theirs_number, "
    "t.expected_date, t.state, t.withdrawal, t.close FROM purchasing_purchaseorder t LEFT JOIN masters_partner s "
    "ON s.enterprise_id = t.enterprise_id AND s.id = t.supplier_id WHERE t.enterprise_id = %s {where} "
    "ORDER BY t.date DESC, t.id DESC LIMIT 51"
)


def _by_hand(ctx: Context, where: str, params: list[Any]) -> Callable[[], Any]:
    def act() -> bytes:
        rows = run(BY_HAND.format(where=where), [ctx.enterprise_id, *params], is_planned_anew=True)
        return json.dumps(rows, default=str, ensure_ascii=False).encode()

    return act


def _ours(ctx: Context, **query: Any) -> Callable[[], Any]:
    def act() -> bytes:
        page = listing.page(find_document(CODE), ctx, listing.Query(**query))
        assert page.rows, query
        return page.json()

    return act


def _pages(ctx: Context) -> Callable[[random.Random], Pair]:
    def pick(rng: random.Random) -> Pair:
        day = dt.date(2026, 11, 23) - dt.timedelta(days=rng.randrange(900))
        kind = rng.randrange(3)
        if kind == 0:
            return _ours(ctx), _by_hand(ctx, "", [])
        if kind == 1:
            wanted = json.dumps([["state", "in", ["approved", "submitted"]], ["date", "<=", day.isoformat()]])
            by_hand = "AND t.state = ANY(%s) AND t.date <= %s"
            return _ours(ctx, filter=wanted), _by_hand(ctx, by_hand, [["approved", "submitted"], day])
        low = rng.randrange(8_000)
        wanted = json.dumps([["amount", ">=", f"{low}.00"], ["date", "<=", day.isoformat()]])
        return _ours(ctx, filter=wanted), _by_hand(ctx, "AND t.amount >= %s AND t.date <= %s", [low, day])

    return pick


def _searches() -> Callable[[random.Random], Any]:
    def pick(rng: random.Random) -> str:
        kind = rng.randrange(4)
        if kind == 0:
            return rng.choice("海栖王家")  # some names, none, nearly all
        return rng.choice(CITIES) + rng.choice(WORDS) if kind == 1 else rng.choice(WORDS)

    return pick


def _pairs(
    ctx: Context, pick: Callable[[random.Random], Any], rounds: int
) -> tuple[list[float], list[float]]:
    rng = random.Random(11)
    mine: list[float] = []
    theirs: list[float] = []
    for at in range(rounds):
        chosen = pick(rng)
        if isinstance(chosen, str):
            like = "AND t.supplier_id IN (SELECT id FROM masters_partner WHERE enterprise_id = %s AND name LIKE %s)"
            acts = (
                _searching(ctx, chosen),
                _by_hand(ctx, like, [ctx.enterprise_id, f"%{chosen}%"]),
            )
        else:
            acts = chosen
        with tenant(ctx.enterprise_id):
            order = (0, 1) if at % 2 else (1, 0)
            for index in order:
                (mine, theirs)[index].append(clocked(acts[index]))
    return mine, theirs


def _searching(ctx: Context, text: str) -> Callable[[], Any]:
    def act() -> bytes:
        return listing.page(find_document(CODE), ctx, listing.Query(search=text)).json()

    return act
