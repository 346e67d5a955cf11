"""The description of the API says what is answered: real answers of every kind of route, measured by it."""

import datetime as dt
import json
import re
from typing import Any

import pytest
from django.db import transaction
from django.http import HttpResponse
from openapi_schema_validator import OAS31Validator

from yunlian.kernel import openapi
from yunlian.kernel.document import REGISTRY, pushes

from .stage import NOBODY, Browser, World, listed
from .test_input import good_body

# Answers and bodies of any shape, and why.
OPEN = {
    "/api/prefs/{key}": "whatever the console keeps",
    "/callback/{key}": "the platforms' own forms",
    "/callback/{key}/card": "the platforms' own forms",
    "/api/openapi.json": "this description",
}
# What the console's own pages of these ask for is answered without a description yet; the list may only grow shorter.
UNTOLD = ("/api/directory", "/api/dingtalk/", "/api/org.sms_gateway/", "/api/org.employee/{id}/ways")


@pytest.fixture(scope="module")
def described() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(openapi.encode(openapi.describe()))
    return found


def fits(described: dict[str, Any], template: str, method: str, answer: HttpResponse) -> None:
    """Measure an answer by what is said of its operation."""
    note = (method, template, answer.status_code, answer.content[:300])
    responses = described["paths"][template][method.lower()]["responses"]
    assert str(answer.status_code) in responses, note
    said = responses[str(answer.status_code)]
    if "$ref" in said:
        said = described["components"]["responses"][said["$ref"].rpartition("/")[2]]
    if "application/json" not in said.get("content", {}):
        assert answer["Content-Type"] != "application/json" or not answer.content, note
        return
    measure(described, said["content"]["application/json"]["schema"], answer.json(), note)


def measure(described: dict[str, Any], schema: dict[str, Any], value: Any, note: Any) -> None:
    whole = {"components": described["components"], "allOf": [schema]}
    wrong = [f"{list(e.absolute_path)}: {e.message[:200]}" for e in OAS31Validator(whole).iter_errors(value)]
    assert not wrong, (note, wrong[:5])


def ask(
    world: World, described: dict[str, Any], template: str, method: str, path: str, body: Any = None
) -> Any:
    """Send, and measure both ways; what was done is taken back."""
    point = transaction.savepoint()
    answer = world.as_("admin").call(method, path, body)
    transaction.savepoint_rollback(point)
    fits(described, template, method, answer)
    if body is not None and answer.status_code < 300:
        sent = described["paths"][template][method.lower()]["requestBody"]["content"]["application/json"][
            "schema"
        ]
        measure(described, sent, body, ("body", method, template))
    return answer


def test_everything_that_can_be_read_is_as_described(
    world: World, described: dict[str, Any], db: None
) -> None:
    """Every GET with the ids of rows that are there; of the views with a list of their own too."""
    seen = set()
    for template, item in described["paths"].items():
        if "get" not in item or template in OPEN or template.endswith(".xlsx"):
            continue
        code = template.split("/")[2]
        row = world.near.rows.get(code) or world.near.rows.get(
            template.split("/")[3] if template.count("/") > 2 else "", NOBODY
        )
        path = re.sub(r"{\w+}", str(row), template)
        if template == "/api/finance.statement":
            path += f"?partner={world.near.rows['masters.partner']}"
        answer = ask(world, described, template, "GET", path)
        if answer.status_code == 200:
            seen.add(template)
    for code in listed():
        assert f"/api/{code}" in seen
        assert f"/api/meta/{code}" in seen
        assert f"/api/{code}/total" in seen
    for code in REGISTRY:
        assert f"/api/{code}/{{id}}" in seen
        assert f"/api/{code}/{{id}}/log" in seen
    assert {"/api/session", "/api/home", "/api/search", "/api/meta", "/api/finance.statement"} <= seen


def test_a_statement_is_asked_for_by_id_or_code(world: World, described: dict[str, Any], db: None) -> None:
    id_ = world.near.rows["masters.partner"]
    code = world.as_("admin").get(f"/api/masters.partner/{id_}").json()["code"]
    template = "/api/finance.statement"
    by_id, by_code, by_none, by_day = (
        ask(world, described, template, "GET", f"{template}?{query}")
        for query in (
            f"partner={id_}",
            f"partner={code.lower()}",
            "partner=NO-SUCH",
            f"partner={code}&from=20261101",
        )
    )
    assert by_id.json() == by_code.json()
    assert (by_none.status_code, by_day.status_code) == (422, 422)


def test_searches_and_pickers_answer_as_described(world: World, described: dict[str, Any], db: None) -> None:
    for path in ("/api/search?q=Par", "/api/masters.partner/lookup?q=", "/api/purchase.order?search=P"):
        template = path.partition("?")[0]
        assert ask(world, described, template, "GET", path).json()["rows"], path
    body = {"values": ["PC", "NO-SUCH"]}
    ask(world, described, "/api/masters.unit/resolve", "POST", "/api/masters.unit/resolve", body)


@pytest.mark.parametrize("code", [code for code, d in REGISTRY.items() if "edit" in d.permissions])
def test_what_is_written_is_taken_and_answered_as_described(
    world: World, described: dict[str, Any], db: None, code: str
) -> None:
    admin, one = world.as_("admin"), f"/api/{code}/{world.near.rows[code]}"
    body = good_body(admin, world, code)
    ask(world, described, f"/api/{code}", "POST", f"/api/{code}", body)
    ask(world, described, f"/api/{code}", "POST", f"/api/{code}", {"surprise": 1})
    ask(world, described, f"/api/{code}/preview", "POST", f"/api/{code}/preview", body)
    shown = admin.get(one).json()
    ask(world, described, f"/api/{code}/{{id}}", "PUT", one, shown)
    stale = ask(world, described, f"/api/{code}/{{id}}", "PUT", one, shown | {"version": 0})
    assert stale.status_code in (409, 422)
    for step in shown["can"]["steps"]:
        ask(
            world,
            described,
            f"/api/{code}/{{id}}/{step}",
            "POST",
            f"{one}/{step}",
            {"version": shown["version"]},
        )
    for target in pushes(code):
        template = f"/api/{code}/{{id}}/push/{target.code}"
        for sent in ({}, {"save": True}):
            ask(world, described, template, "POST", f"{one}/push/{target.code}", sent)
    for link in REGISTRY[code].links:
        line = world.near.rows[link.source] if link.of_header else world.near.lines[link.source]
        path = f"/api/{code}/pull/{link.source}"
        ask(world, described, path, "POST", path, {"lines": {str(line): None}})


@pytest.mark.parametrize("code", [code for code, d in REGISTRY.items() if "edit" in d.permissions])
def test_what_is_said_to_be_required_is(world: World, described: dict[str, Any], db: None, code: str) -> None:
    """Without one of them the body fits neither the description nor the route."""
    admin = world.as_("admin")
    body, schema = good_body(admin, world, code), described["components"]["schemas"][f"{code}.input"]
    measure(described, schema, body, "whole")
    for section, names in (
        (None, openapi.wanted(REGISTRY[code].fields)),
        ("lines", openapi.wanted(REGISTRY[code].line_fields)),
    ):
        for name in names:
            sent = json.loads(json.dumps(body))
            for row in sent["lines"] if section else [sent]:
                row.pop(name, None)
            with pytest.raises(AssertionError):
                measure(described, schema, sent, name)
            answer = ask(world, described, f"/api/{code}", "POST", f"/api/{code}", sent)
            assert answer.status_code == 422, (name, answer.content)
            assert name in {p["field"] for p in answer.json()["problems"]}
    if REGISTRY[code].flow is not None:
        measure(described, schema, {"draft": True}, "a draft")


def test_jobs_and_refusals_are_as_described(world: World, described: dict[str, Any], db: None) -> None:
    batch, export = "/api/purchase.order/batch/approve", "/api/purchase.order/export"
    assert ask(world, described, batch, "POST", batch, {"filter": "[]"}).status_code == 202
    assert ask(world, described, batch, "POST", batch, {}).status_code == 422
    assert ask(world, described, export, "POST", export, {"columns": "number"}).status_code == 202
    units = "/api/masters.unit"
    for answer, status in (
        (Browser().get(units), 401),
        (world.as_("admin").call("POST", units, {}, content_type="text/plain"), 415),
        (world.as_("admin").call("POST", units, b"", CONTENT_LENGTH="x"), 400),
    ):
        assert answer.status_code == status
        fits(described, units, "GET" if status == 401 else "POST", answer)


def test_what_is_made_once_is_as_described(world: World, described: dict[str, Any], db: None) -> None:
    until = dt.datetime.now(dt.UTC) + dt.timedelta(days=365)
    credential = {"name": "ERP", "valid_until": until.isoformat()}
    made = ask(world, described, "/api/chain.credential", "POST", "/api/chain.credential", credential)
    assert made.status_code == 201, made.content
    code = world.as_("admin").get("/api/session").json()["enterprise"]["code"]
    entered = ask(
        world, described, "/api/session/enterprise", "PUT", "/api/session/enterprise", {"enterprise": code}
    )
    assert entered.status_code == 200


def test_nothing_is_described_as_just_an_object(described: dict[str, Any]) -> None:
    bare = []
    for template, item in described["paths"].items():
        for method, operation in item.items():
            if template in OPEN or template.startswith(UNTOLD):
                continue
            said = [
                r.get("content", {}).get("application/json", {}).get("schema")
                for r in operation["responses"].values()
            ]
            body = (
                operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
            )
            if {"type": "object"} in [*said, body]:
                bare.append(f"{method.upper()} {template}")
    assert not bare, bare


def test_the_trace_is_described_where_there_is_one(described: dict[str, Any]) -> None:
    for code, document in REGISTRY.items():
        assert (f"/api/{code}/{{id}}/trace" in described["paths"]) is (document.flow is not None)
