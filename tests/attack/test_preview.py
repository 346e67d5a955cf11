"""A preview, and every POST that only asks: nothing is kept, nothing can be written, nobody sees more than they may."""

import json
from typing import Any

import pytest
from django.db import InternalError, connection

from yunlian.kernel.api import ROUTES
from yunlian.kernel.document import REGISTRY
from yunlian.kernel.scope import read_only, tenant

from .stage import NOBODY, PURCHASE_MARK, World, codes, digest

ORDER = "/api/purchase.order/preview"


def body_of(world: World) -> dict[str, Any]:
    rows = world.near.rows
    line = {"product": str(rows["masters.product"]), "qty": "2"}
    return {"supplier": str(rows["masters.partner"]), "lines": [line]}


def test_it_writes_nothing_not_even_an_answer_for_its_key(world: World) -> None:
    before = digest(world.near)
    key = {"Idempotency-Key": "preview-0001"}
    seen = world.as_("buyer").call("POST", ORDER, body_of(world), **key)
    assert seen.status_code == 200
    assert seen.json()["lines"][0]["unit"] is not None
    other = world.as_("buyer").call("POST", ORDER, body_of(world) | {"note": "another"}, **key)
    assert other.status_code == 200
    assert digest(world.near) == before


@pytest.mark.django_db
def test_postgresql_refuses_a_write_where_a_route_only_reads(world: World) -> None:
    def renamed() -> None:
        with connection.cursor() as cursor:
            cursor.execute("UPDATE masters_brand SET name = name")

    with tenant(world.near.id):
        with pytest.raises(InternalError, match="read-only"), read_only():
            renamed()
        with read_only():
            pass
        renamed()


def test_the_routes_that_only_read_are_these() -> None:
    reading = {(route.method, route.path) for route in ROUTES if route.reads}
    assert reading == {
        ("POST", "/api/{code}/preview"),
        ("POST", "/api/{code}/pull/{source}"),
        ("POST", "/api/{code}/resolve"),
    }


def test_what_is_not_mine_is_not_previewed(world: World) -> None:
    """A document of another enterprise, or of nobody, is missing; a product of another enterprise is unknown."""
    mine = world.near.rows["masters.brand"]
    body = {"code": "B-1", "name": "牌子", "id": str(mine)}
    assert world.as_("admin").post("/api/masters.brand/preview", **body).status_code == 200
    for who, id_ in (("stranger", mine), ("admin", NOBODY)):
        seen = world.as_(who).post("/api/masters.brand/preview", **body | {"id": str(id_)})
        assert seen.status_code == 404
    problems = world.as_("stranger").post(ORDER, **body_of(world)).json()["problems"]
    assert {p["field"] for p in problems if p["code"] == "unknown"} == {"supplier", "product"}


def test_an_approved_document_has_no_preview(world: World) -> None:
    seen = world.as_("admin").post(ORDER, id=str(world.near.rows["purchase.order"]), lines=[])
    assert (seen.status_code, codes(seen)) == (409, ["state"])


def test_a_hidden_price_is_not_in_it(world: World) -> None:
    """The keeper receives goods at the order's price and sees none of it; the buyer sees it."""
    line = world.near.lines["purchase.order"]
    body = {"lines": [{"sources": [{"code": "purchase.order", "line": str(line)}], "qty": "1"}]}
    guarded = {
        name
        for document in [REGISTRY["stock.receipt_notice"]]
        for name, kind in document.line_fields.items()
        if kind.guard == "purchase.price"
    }
    path = "/api/stock.receipt_notice/preview"
    shut, open_ = (world.as_(who).post(path, **body) for who in ("keeper", "buyer"))
    assert PURCHASE_MARK not in shut.content.decode()
    assert not guarded & set(shut.json()["lines"][0])
    assert PURCHASE_MARK in open_.content.decode()


@pytest.mark.parametrize(
    "lines",
    ["all", [1, 2], [{"id": str(NOBODY)}], {"a": 1}, [{"product": "X"}, None]],
    ids=lambda x: json.dumps(x)[:30],
)
def test_lines_that_cannot_be_told_apart_are_refused(world: World, lines: Any) -> None:
    assert world.as_("admin").call("POST", ORDER, {"lines": lines}).status_code == 422
    assert world.as_("admin").call("POST", ORDER, {"lines": [{}]}).status_code == 200


@pytest.mark.parametrize("code", sorted(REGISTRY))
def test_every_kind_of_document_takes_an_empty_body(world: World, code: str) -> None:
    seen = world.as_("admin").call("POST", f"/api/{code}/preview", {})
    assert seen.status_code == (200 if "edit" in REGISTRY[code].verbs else 403), seen.content
