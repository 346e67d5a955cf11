"""The search for everything shows the right things first, and nothing one may not see."""

import pytest
from django.utils import translation

from .api import ROUTES
from .finding import find
from .scope import Grants
from .testing import Statements, context, make


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
