"""The shape of what is sent: what means nothing, or two things, is refused and named; nothing is taken on trust."""

import json
from typing import Any

import pytest
from django.test import Client, RequestFactory

from tests.test_office_http import Gate
from yunlian.kernel import api
from yunlian.kernel.load import Loaded, show
from yunlian.kernel.scope import Context, Grants
from yunlian.kernel.testing import DEFAULTS, data, make

pytestmark = pytest.mark.django_db
ORDER, NOTICE = "purchase.order", "stock.receipt_notice"


@pytest.fixture
def client(ctx: Context, monkeypatch: pytest.MonkeyPatch) -> Client:
    gate = Gate()
    gate.enterprise_id, gate.member = ctx.enterprise_id, ctx.member_id
    monkeypatch.setattr(api, "gate", lambda: gate)
    monkeypatch.setitem(DEFAULTS, "masters.product", {"purchase_price": "8", "status": "active"})
    client = Client(headers={"Accept-Language": "en"})
    client.gate = gate  # type: ignore[attr-defined]
    return client


def post(client: Client, path: str, body: Any) -> Any:
    raw = body if isinstance(body, str) else json.dumps(body)
    return client.post(f"/api/{path}", raw, content_type="application/json")


def problems(answer: Any) -> list[tuple[str | None, int | None, str]]:
    return [(p["field"], p["line"], p["code"]) for p in answer.json()["problems"]]


@pytest.fixture
def order(ctx: Context, client: Client) -> Loaded:
    """Five pieces of one product, approved."""
    return make(ORDER, ctx, upto="approved", lines__qty="5")


def body_of(client: Client, order: Loaded) -> dict[str, Any]:
    found: dict[str, Any] = post(client, f"{ORDER}/{order.pk}/push/{NOTICE}", {}).json()
    return found


@pytest.mark.parametrize(
    "raw",
    ['{"code":"A1","code":"A2","name":"x"}', '{"code":"A1","name":"x","more":[{"a":1,"a":1}]}'],
)
def test_a_key_that_stands_twice_is_refused(client: Client, raw: str) -> None:
    answer = post(client, "masters.brand", raw)
    assert (answer.status_code, problems(answer)) == (422, [(None, None, "json")])
    assert "twice" in answer.json()["problems"][0]["message"]
    assert post(client, "masters.brand", '{"code":"A1","name":"x"}').status_code == 201


@pytest.mark.parametrize(
    ("field", "value"), [("draft", "yes"), ("draft", 1), ("version", "x"), ("version", True)]
)
def test_a_switch_is_yes_or_no_and_a_version_a_number(
    client: Client, ctx: Context, field: str, value: Any
) -> None:
    answer = post(client, ORDER, data(ORDER, ctx) | {field: value})
    assert (answer.status_code, problems(answer)) == (422, [(field, None, "invalid")])


def test_a_body_of_another_document_is_refused(client: Client, ctx: Context) -> None:
    body = data(ORDER, ctx)
    answer = post(client, ORDER, body | {"code": NOTICE})
    assert (answer.status_code, problems(answer)) == (422, [("code", None, "invalid")])
    for own in (
        {"code": ORDER},
        {"code": None},
        {"draft": False, "version": None},
        {"draft": True, "version": 0},
    ):
        assert post(client, ORDER, body | own).status_code == 201, own


def test_a_line_that_is_none_is_named(client: Client, ctx: Context) -> None:
    body = data(ORDER, ctx)
    answer = post(client, ORDER, body | {"lines": [*body["lines"], None, 5]})
    assert answer.status_code == 422
    assert problems(answer) == [("lines", 2, "invalid"), ("lines", 3, "invalid")]
    assert problems(post(client, ORDER, body | {"lines": 5})) == [("lines", None, "invalid")]


def test_sources_of_what_is_made_from_nothing_are_surplus(client: Client, ctx: Context) -> None:
    body = data("stock.opening", ctx)
    line = body["lines"][0]
    answer = post(client, "stock.opening", body | {"lines": [line | {"sources": [{"any": "thing"}]}]})
    assert (answer.status_code, problems(answer)) == (422, [("sources", 1, "surplus")])
    assert post(client, "stock.opening", body).status_code == 201


@pytest.mark.parametrize("qty", ["NaN", "-2", "0", "abc", {}])
def test_a_source_takes_a_positive_quantity(client: Client, order: Loaded, qty: Any) -> None:
    body = body_of(client, order)
    good = body["lines"][0]["sources"][0]
    body["lines"][0]["sources"] = [good | {"qty": qty}]
    answer = post(client, NOTICE, body)
    assert answer.status_code == 422
    assert [(field, line) for field, line, _code in problems(answer)] == [("sources", 1)]
    for given in (good, {name: value for name, value in good.items() if name != "qty"}):
        body["lines"][0]["sources"] = [given]
        assert post(client, NOTICE, body | {"draft": True}).status_code == 201


def test_the_same_source_twice_in_a_line_is_said(client: Client, order: Loaded) -> None:
    body = body_of(client, order)
    source = body["lines"][0]["sources"][0]
    body["lines"][0]["sources"] = [source | {"qty": "2"}, source | {"qty": "3"}]
    answer = post(client, NOTICE, body)
    assert (answer.status_code, problems(answer)) == (422, [("sources", 1, "twice")])
    del source["qty"]
    body["lines"][0]["sources"] = [source, source]
    assert problems(post(client, NOTICE, body)) == [("sources", 1, "required")]


def test_no_more_is_pulled_than_is_open(client: Client, order: Loaded) -> None:
    line = str(order.lines[0].id)
    answer = post(client, f"{NOTICE}/pull/{ORDER}", {"lines": {line: "6"}})
    assert (answer.status_code, problems(answer)) == (409, [("lines", 1, "exceeds_open")])
    assert "5" in answer.json()["problems"][0]["message"]
    for qty in ("5", "1", None):
        assert post(client, f"{NOTICE}/pull/{ORDER}", {"lines": {line: qty}}).status_code == 200


def test_what_is_not_known_is_said_as_it_was_typed(client: Client, ctx: Context) -> None:
    answer = post(client, ORDER, data(ORDER, ctx) | {"supplier": "no such"})
    assert [p["message"] for p in answer.json()["problems"]] == ["no such is not known here."]


def test_an_unknown_code_is_unknown_whoever_asks(client: Client) -> None:
    for grants in (client.gate.grants, Grants(frozenset(), {}, frozenset())):  # type: ignore[attr-defined]
        client.gate.grants = grants  # type: ignore[attr-defined]
        for path in ("no.such", "meta/no.such", "no.such/total"):
            assert client.get(f"/api/{path}").status_code == 404, path
        assert post(client, "no.such", {}).status_code == 404
    assert client.get("/api/masters.brand").status_code == 403


def test_who_is_not_signed_in_hears_how_to_sign(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Gate, "identify", lambda *_args: None)
    answer = client.get("/api/masters.brand")
    assert (answer.status_code, answer["WWW-Authenticate"]) == (401, "Bearer")


def test_what_is_read_can_be_sent_back(client: Client, ctx: Context, order: Loaded) -> None:
    made = make(ORDER, ctx)
    sent = client.put(f"/api/{ORDER}/{made.pk}", json.dumps(show(made, ctx)), content_type="application/json")
    assert sent.status_code == 200, sent.content


@pytest.mark.parametrize(
    ("path", "kind", "status"),
    [
        ("masters.brand", "text/plain", 415),
        ("no/such/way/in", "application/json", 404),
        ("jobs/x", "application/json", 405),
    ],
)
def test_what_is_refused_unread_is_read_off_so_that_the_connection_lasts(
    client: Client, path: str, kind: str, status: int
) -> None:
    http = RequestFactory().post(f"/api/{path}", b"x" * 300_000, content_type=kind)
    answer = api.handle(http)
    assert (answer.status_code, http.read(), "Connection" in answer) == (status, b"", False)


def test_what_is_too_large_to_read_ends_the_connection() -> None:
    http = RequestFactory().post(
        "/api/masters.brand", b"x" * (api.MAX_UPLOAD + 1), content_type="application/json"
    )
    answer = api.handle(http)
    assert (answer.status_code, answer["Connection"]) == (413, "close")
