"""The search for everything shows the right things first, and nothing one may not see."""

from dataclasses import replace

import pytest
from django.utils import translation

from .api import ROUTES
from .document import REGISTRY
from .finding import find
from .scope import Grants
from .search import find_records
from .testing import DEFAULTS, Statements, context, make


@pytest.fixture(autouse=True)
def english():
    with translation.override("en"):
        yield


def found(ctx, text):
    return [(row["code"], row["number"], row["name"]) for row in find(ctx, text)]


def test_by_code_name_and_initials(ctx):
    make("masters.partner", ctx, code="K001", name="海岸家居", is_customer=True)
    make("masters.brand", ctx, code="B9", name="海岸")
    for text in ("k001", "K00", "海岸家居", "岸家", "HAJJ", "hajj"):
        assert found(ctx, text)[0] == ("masters.partner", "K001", "海岸家居"), text
    assert found(ctx, "海岸")[0] == ("masters.brand", "B9", "海岸"), "the exact name first"
    assert found(ctx, "K") == []
    assert found(ctx, "不存在") == []


def test_a_surname_finds_people_in_every_search(ctx):
    made = make("masters.partner", ctx, code="K001", name="王一诺", is_customer=True)
    make("masters.partner", ctx, code="K002", name="李白", is_customer=True)
    assert found(ctx, "王")[0] == ("masters.partner", "K001", "王一诺")
    assert find_records(ctx, "masters.partner", "王", 10) == [made.pk]
    assert found(ctx, "赵") == []


def test_a_document_is_found_by_what_people_read_out_of_a_number(ctx, monkeypatch):
    monkeypatch.setitem(DEFAULTS, "masters.product", {"purchase_price": "8", "status": "active"})
    order = make("purchase.order", ctx)
    type(order.header).objects.filter(id=order.pk).update(theirs_number="SI202611-00017")
    number = order.header.number
    head, running = number.split("-")
    mine = ("purchase.order", number, "")
    for text in (number, number.lower(), running, f"{head[2:]}-{running}", head):
        assert found(ctx, text)[0] == mine, text
    for text in ("SI202611-00017", "si202611-0001"):
        assert found(ctx, text)[0] == ("purchase.order", number, "SI202611-00017"), text
    for text in ("99999", "202511-00001", "SI202611-00018", "01"):
        assert mine not in found(ctx, text), text


def test_a_beginning_finds_the_newest(ctx, monkeypatch):
    monkeypatch.setitem(DEFAULTS, "masters.product", {"purchase_price": "8", "status": "active"})
    numbers = [make("purchase.order", ctx).header.number for _ in range(10)]
    assert [number for _code, number, _name in found(ctx, numbers[0][:8])] == numbers[:1:-1]
    assert found(ctx, numbers[0])[0][1] == numbers[0]


def test_what_has_no_code_of_its_own_shows_the_one_it_is_known_by(ctx, monkeypatch):
    monkeypatch.setitem(
        REGISTRY, "masters.product", replace(REGISTRY["masters.product"], find="barcode name")
    )
    make("masters.product", ctx, code="QM@1757BA35", name="云栖床", barcode="B-1")
    assert found(ctx, "云栖床")[0] == ("masters.product", "B-1", "云栖床")


def test_pages_of_the_menu_come_last(ctx):
    make("masters.brand", ctx, code="X1", name="Brands of old")
    rows = found(ctx, "Brand")
    assert rows[0][:2] == ("masters.brand", "X1")
    assert ("masters.brand", "", "Brand") in rows


def test_only_what_the_member_may_view(ctx):
    make("masters.partner", ctx, code="K001", name="海岸家居", is_customer=True)
    make("masters.brand", ctx, code="B9", name="海岸")
    viewer = context(ctx.enterprise_id, ctx.member_id, Grants(frozenset({"masters.brand.view"})))
    assert found(viewer, "海岸") == [("masters.brand", "B9", "海岸")]
    assert found(context(ctx.enterprise_id, ctx.member_id, Grants()), "海岸") == []


def test_statements_do_not_grow(ctx):
    counts = []
    for n in (1, 40):
        for k in range(n):
            make("masters.brand", ctx, code=f"N{n}-{k}", name=f"海岸{k}")
            make("masters.category", ctx, code=f"N{n}-{k}", name=f"海岸{k}")
        with Statements() as counted:
            rows = find(ctx, "海岸")
        assert rows
        counts.append(counted.count)
    assert counts[0] == counts[1] <= 3


def test_the_routes_are_there():
    paths = {(r.method, r.path) for r in ROUTES}
    assert {("GET", "/api/search"), ("GET", "/api/prefs/{key}"), ("PUT", "/api/prefs/{key}")} <= paths
