"""Import, export, jobs, search, home and preferences as the console meets them: over HTTP."""

import json
import uuid
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from django.db import OperationalError
from django.test import Client
from django.utils import timezone
from psycopg import errors

from yunlian.kernel import api, faults, sheets, worker
from yunlian.kernel.api import XLSX, Identity
from yunlian.kernel.scope import Context, Grants
from yunlian.kernel.testing import ALL, context, make

pytestmark = pytest.mark.django_db


class Gate:
    """One member, with the grants a test gives."""

    grants: Grants = ALL
    enterprise_id = 0
    member: Any = None

    def identify(self, http: Any) -> Identity:
        return Identity(1, self.enterprise_id, self.member)

    def context(self, identity: Identity, now: Any) -> Context:
        return context(identity.enterprise_id or 0, identity.employee_id, self.grants)


@pytest.fixture
def client(ctx: Context, monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    gate = Gate()
    gate.enterprise_id, gate.member = ctx.enterprise_id, ctx.member_id
    monkeypatch.setattr(api, "gate", lambda: gate)
    monkeypatch.setattr(worker, "gate", lambda: gate)
    client = Client(headers={"Accept-Language": "en"})
    client.gate = gate  # type: ignore[attr-defined]
    yield client
    faults.disarm()


def work() -> None:
    held = worker.claim(0, uuid.uuid4(), timezone.now())
    assert held is not None
    worker.perform(held)


def post(client: Client, code: str, data: bytes, kind: str = XLSX, **headers: str) -> Any:
    return client.post(f"/api/{code}/import", data, content_type=kind, headers=headers)


def test_a_workbook_goes_in_is_corrected_and_comes_out(client: Client) -> None:
    template = client.get("/api/masters.brand/template.xlsx")
    assert template["Content-Type"] == XLSX
    assert template["Content-Disposition"].startswith("attachment;")
    headings = sheets.read(template.content).headings
    assert headings[:2] == ("Code", "Name")
    bad = sheets.write(["Code", "Name"], [["B1", "一"], ["B2", None]])
    answer = post(client, "masters.brand", bad)
    assert answer.status_code == 202
    id_ = answer.json()["job"]["id"]
    assert answer.json()["job"]["state"] == "queued"
    work()
    job = client.get(f"/api/jobs/{id_}").json()
    assert (job["state"], job["result"]["errors"][0]["row"]) == ("failed", 3)
    assert "errors" not in client.get("/api/jobs").json()["rows"][0]["result"]
    marked = client.get(f"/api/jobs/{id_}/errors.xlsx")
    assert marked["Content-Type"] == XLSX
    assert [row.cells for row in sheets.read(marked.content).rows] == [("B1", "一"), ("B2", None)]
    good = sheets.write(["Code", "Name"], [["B1", "一"], ["B2", "二"]])
    id_ = post(client, "masters.brand", good).json()["job"]["id"]
    work()
    assert client.get(f"/api/jobs/{id_}").json()["result"]["created"] == 2
    assert client.get(f"/api/jobs/{id_}/errors.xlsx").status_code == 409
    out = client.get("/api/masters.brand/export.xlsx?columns=code,name&sort=code")
    assert [row.cells for row in sheets.read(out.content).rows] == [("B1", "一"), ("B2", "二")]


def test_the_same_key_imports_once(client: Client) -> None:
    data = sheets.write(["Code", "Name"], [["B1", "一"]])
    key = {"Idempotency-Key": str(uuid.uuid4())}
    first, again = (post(client, "masters.brand", data, **key).json()["job"]["id"] for _ in range(2))
    assert first == again
    work()
    assert worker.claim(0, uuid.uuid4(), timezone.now()) is None


def test_what_is_no_workbook_or_not_allowed_is_refused(client: Client) -> None:
    assert post(client, "masters.brand", b"Code,Name").status_code == 422
    assert post(client, "masters.brand", b"{}", "application/json").status_code == 415
    assert post(client, "masters.nothing", b"PK\x03\x04").status_code == 404
    assert client.get("/api/masters.nothing/template.xlsx").status_code == 404
    assert client.get("/api/jobs/1/errors.xlsx").status_code == 404
    client.gate.grants = Grants(frozenset({"masters.brand.view"}))  # type: ignore[attr-defined]
    assert post(client, "masters.brand", b"PK\x03\x04").status_code == 403
    assert client.get("/api/masters.brand/export.xlsx").status_code == 403


def test_cancelling(client: Client) -> None:
    data = sheets.write(["Code", "Name"], [["B1", "一"]])
    id_ = post(client, "masters.brand", data).json()["job"]["id"]
    answer = client.post(f"/api/jobs/{id_}/cancel", "{}", content_type="application/json")
    assert answer.json()["state"] == "cancelled"
    assert worker.claim(0, uuid.uuid4(), timezone.now()) is None


def test_home_search_and_preferences_answer(client: Client, ctx: Context) -> None:
    make("masters.partner", ctx, code="K001", name="海岸家居", is_customer=True)
    home = client.get("/api/home").json()
    assert {"todo", "numbers", "charts", "checklist"} == set(home)
    assert all(set(each) == {"label", "value", "last", "unit", "code", "filter"} for each in home["numbers"])
    assert all(len(chart["x"]) == len(chart["series"][0]["y"]) for chart in home["charts"])
    assert client.get("/api/search?q=k001").json()["rows"][0]["number"] == "K001"
    value = {"columns": ["a", "b"], "width": 12.5}
    put = client.put("/api/prefs/list:x", json.dumps(value), content_type="application/json")
    assert put.status_code == 200
    assert client.get("/api/prefs/list:x").json() == value
    assert client.put("/api/prefs/a b", "{}", content_type="application/json").status_code == 422
    broken = client.put("/api/prefs/x", '{"a": "\\u0000"}', content_type="application/json")
    assert broken.status_code == 422


def test_the_description_is_open_where_it_is_tried_out(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Gate, "identify", lambda self, http: None)
    assert client.get("/api/home").status_code == 401
    assert client.get("/api/openapi.json").json()["openapi"] == "3.1.0"


def test_in_production_the_description_is_for_who_signed_in(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`tests/test_edge.py` asks production for its setting; this is what the setting does."""
    there = [
        replace(route, needs="user") if route.path == "/api/openapi.json" else route for route in api.ROUTES
    ]
    monkeypatch.setattr(api, "ROUTES", there)
    assert client.get("/api/openapi.json").json()["openapi"] == "3.1.0"
    monkeypatch.setattr(Gate, "identify", lambda self, http: None)
    refused = client.get("/api/openapi.json")
    assert (refused.status_code, refused.json()["problems"][0]["code"]) == (401, "unsigned")


def test_a_full_disk_is_said_and_not_a_crash(client: Client) -> None:
    def full() -> None:
        raise OperationalError("could not extend file") from errors.DiskFull("could not extend file")

    faults.arm("save.before_write", full)
    body = json.dumps({"code": "B1", "name": "一"})
    answer = client.post("/api/masters.brand", body, content_type="application/json")
    assert (answer.status_code, answer.json()["problems"][0]["code"]) == (507, "disk_full")
    faults.disarm()
    assert client.post("/api/masters.brand", body, content_type="application/json").status_code == 201


def test_a_picker_offers_only_what_fits_its_field(client: Client, ctx: Context) -> None:
    make("masters.partner", ctx, code="S1", is_supplier=True)
    make("masters.partner", ctx, code="C1", is_customer=True)
    make("masters.product", ctx, code="P1", is_sold=False)

    def offered(code: str, purpose: str) -> set[str]:
        return {row["code"] for row in client.get(f"/api/{code}/lookup?for={purpose}").json()["rows"]}

    assert offered("masters.partner", "sales.contract.customer") == {"C1"}
    assert offered("masters.partner", "purchase.order.supplier") == {"S1"}
    assert offered("masters.product", "sales.contract.lines.product") == set()
    assert offered("masters.product", "purchase.order.lines.product") == {"P1"}
    # A purpose that is no field of this master, or none at all, limits nothing.
    for purpose in ("", "sales.contract.lines.product", "no.such.field", "x", "sales.contract.note"):
        assert offered("masters.partner", purpose) == {"S1", "C1"}
