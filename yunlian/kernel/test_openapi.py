"""The description of the API is valid, whole, and says what the API does."""

import json
import re
from types import SimpleNamespace

import openapi_spec_validator
import pytest
from django.test import RequestFactory

from . import openapi
from .api import ROUTES
from .document import REGISTRY, VIEWS
from .load import show
from .testing import make


@pytest.fixture(scope="module")
def described():
    return json.loads(openapi.encode(openapi.describe()))


def test_it_is_valid_openapi(described):
    openapi_spec_validator.validate(described)


def references(node):
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for value in node.values():
            yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


def test_every_reference_leads_somewhere(described):
    for ref in set(references(described)):
        node = described
        for part in ref.removeprefix("#/").split("/"):
            assert part in node, ref
            node = node[part]


def operations(described):
    return [(path, method, op) for path, item in described["paths"].items() for method, op in item.items()]


def test_operations_have_their_own_ids_and_declare_their_parameters(described):
    ids = [op["operationId"] for _path, _method, op in operations(described)]
    assert len(ids) == len(set(ids))
    for path, _method, op in operations(described):
        named = {p["name"] for p in op.get("parameters", ()) if p.get("in") == "path"}
        assert named == set(re.findall(r"{(\w+)}", path))


def test_every_route_and_every_code_is_described(described):
    for route in ROUTES:
        if "{code}" not in route.path:
            assert route.method.lower() in described["paths"][route.path]
    for code in (*REGISTRY, *VIEWS):
        assert f"/api/{code}" in described["paths"]
    for code, document in REGISTRY.items():
        for name, (_flow, step) in document.steps.items():
            assert (f"/api/{code}/{{id}}/{name}" in described["paths"]) is not step.is_partner


def test_what_is_answered_has_the_described_fields(described, ctx):
    for code in ("org.department", "masters.product", "masters.price_list"):
        shown = show(make(code, ctx), ctx)
        schema = described["components"]["schemas"][code]
        assert set(shown) <= set(schema["properties"])
        for line in shown.get("lines", ()):
            assert set(line) <= set(schema["properties"]["lines"]["items"]["properties"])


@pytest.mark.parametrize(
    ("made", "name"),
    [
        ({"secure": True}, "__Host-session"),
        ({"headers": {"Host": "localhost:8000"}}, "session-8000"),
        ({"headers": {"Host": "localhost"}}, "session"),
    ],
)
def test_the_cookie_is_described_by_the_name_it_has_here(made, name):
    http = RequestFactory().get("/api/openapi.json", **made)
    described = json.loads(openapi.get_description(SimpleNamespace(http=http)).data)
    assert described["components"]["securitySchemes"]["session"]["name"] == name


def test_it_is_public_and_not_sent_twice():
    def ask(**headers):
        made = RequestFactory().get("/api/openapi.json", headers=headers)
        return openapi.get_description(SimpleNamespace(http=made))

    first = ask()
    assert json.loads(first.data)["openapi"] == "3.1.0"
    assert ask(**{"If-None-Match": first.headers["ETag"]}).status == 304
    (route,) = [r for r in ROUTES if r.path == "/api/openapi.json"]
    assert route.needs == "public"
