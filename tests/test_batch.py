"""One step for everything a filter finds: row by row, every refusal named, nothing twice, and it can be stopped."""

import datetime as dt
import json
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import OperationalError
from django.test import Client
from psycopg import errors

from tests.test_office_http import Gate
from yunlian.kernel import api, batch, faults, jobs, sheets, worker
from yunlian.kernel.document import find_document
from yunlian.kernel.load import Loaded
from yunlian.kernel.models import Job, Task
from yunlian.kernel.permission import Forbidden
from yunlian.kernel.scope import Context, Grants
from yunlian.kernel.testing import DEFAULTS, keep_subscribers, make
from yunlian.kernel.verify import verify

pytestmark = pytest.mark.django_db
ORDER = "purchase.order"


@pytest.fixture
def client(ctx: Context, monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    gate = Gate()
    gate.enterprise_id, gate.member = ctx.enterprise_id, ctx.member_id
    monkeypatch.setattr(api, "gate", lambda: gate)
    monkeypatch.setattr(worker, "gate", lambda: gate)
    monkeypatch.setattr(batch, "PIECE", 2)
    monkeypatch.setitem(DEFAULTS, "masters.product", {"purchase_price": "8"})
    keep_subscribers(monkeypatch, "yunlian.documents", "yunlian.ledgers")
    client = Client(headers={"Accept-Language": "en"})
    client.gate = gate  # type: ignore[attr-defined]
    yield client
    faults.disarm()


@pytest.fixture
def orders(ctx: Context, client: Client) -> list[Loaded]:
    """Five that can be approved, the third of which cannot be: its product is no longer bought."""
    return [make(ORDER, ctx, note="要", lines__product__status="active") for _ in range(5)]


def stop_product(ctx: Context, order: Loaded) -> None:
    model = find_document("masters.product").header
    model.objects.filter(id=order.lines[0].product_id).update(status="stopped")


def ask(client: Client, path: str, **body: Any) -> Any:
    return client.post(f"/api/{ORDER}/{path}", json.dumps(body), content_type="application/json")


def work(now: dt.datetime | None = None) -> worker.Held:
    held = worker.claim(0, uuid.uuid4(), now or dt.datetime.now(dt.UTC))
    assert held is not None
    worker.perform(held)
    return held


def states(orders: list[Loaded]) -> list[str]:
    model = find_document(ORDER).header
    found = dict(model.objects.values_list("id", "state"))
    return [found[order.pk] for order in orders]


def job_of(client: Client, answer: Any) -> dict[str, Any]:
    assert answer.status_code == 202, answer.content
    found: dict[str, Any] = client.get(f"/api/jobs/{answer.json()['job']['id']}").json()
    return found


def test_all_a_filter_finds_are_moved_and_every_refused_row_is_named(
    client: Client, ctx: Context, orders: list[Loaded]
) -> None:
    stop_product(ctx, orders[2])
    other = make(ORDER, ctx, note="不要")
    asked = ask(client, "batch/approve", filter='[["note","=","要"]]')
    assert job_of(client, asked) | {"created_at": ""} == {
        "id": asked.json()["job"]["id"], "kind": "batch", "code": ORDER, "state": "queued", "done": 0, "total": 5,
        "result": None, "error": None, "created_at": "",
    }  # fmt: skip
    later = make(ORDER, ctx, note="要")  # not meant: it came after the asking
    work()
    job = job_of(client, asked)
    (refused,) = job["result"]["errors"]
    assert (job["state"], job["done"], job["result"]["done"]) == ("done", 5, 4)
    assert (refused["id"], refused["name"]) == (str(orders[2].pk), orders[2].header.number)
    assert "no longer" in refused["message"]
    assert states(orders) == ["approved", "approved", "created", "approved", "approved"]
    assert states([other, later]) == ["created", "created"]
    assert verify(ctx.enterprise_id) == []
    book = client.get(f"/api/jobs/{job['id']}/errors.xlsx")
    (row,) = sheets.read(book.content).rows
    assert row.cells == (orders[2].header.number, refused["message"])


def test_rows_that_are_past_the_step_are_not_counted(client: Client, orders: list[Loaded]) -> None:
    assert ask(client, "batch/submit", filter='[["note","=","要"]]').json()["job"]["total"] == 5
    work()
    assert states(orders) == ["submitted"] * 5
    assert ask(client, "batch/submit", filter='[["note","=","要"]]').json()["job"]["total"] == 0


class Killed(BaseException):
    """The process is gone: nothing after this runs."""


def test_after_a_kill_it_goes_on_where_it_stopped(client: Client, orders: list[Loaded]) -> None:
    asked = ask(client, "batch/approve", filter="[]")
    left = [2]

    def kill() -> None:
        left[0] -= 1
        if not left[0]:
            raise Killed

    faults.arm("job.before_keep", kill)
    with pytest.raises(Killed):
        work()
    faults.disarm()
    assert states(orders) == ["approved", "approved", "created", "created", "created"]
    later = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=worker.LEASE_S + 1)
    work(later)
    job = job_of(client, asked)
    assert (job["state"], job["done"], job["result"]["done"], job["result"]["errors"]) == ("done", 5, 5, [])
    assert states(orders) == ["approved"] * 5


def test_cancelled_it_stops_and_what_is_done_stays(
    client: Client, orders: list[Loaded], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = ask(client, "batch/approve", filter="[]")
    id_ = asked.json()["job"]["id"]
    whole, seen = batch._taken, []

    def taken(*given: Any) -> Any:
        seen.append(given)
        if len(seen) == 4:
            assert (
                client.post(f"/api/jobs/{id_}/cancel", "{}", content_type="application/json").status_code
                == 200
            )
        return whole(*given)

    monkeypatch.setattr(batch, "_taken", taken)
    work()
    job = job_of(client, asked)
    assert (job["state"], job["result"]["done"]) == ("cancelled", 2)
    assert states(orders) == ["approved", "approved", "created", "created", "created"]
    assert not Task.objects.exists()


def test_a_deadlock_runs_the_piece_again(
    client: Client, orders: list[Loaded], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, left = batch._taken, [1]

    def taken(*given: Any) -> Any:
        if left and given[3] == orders[1].pk:
            left.pop()
            raise OperationalError("deadlock") from errors.DeadlockDetected("deadlock")
        return whole(*given)

    monkeypatch.setattr(batch, "_taken", taken)
    asked = ask(client, "batch/approve", filter="[]")
    work()
    assert states(orders).count("approved") < 5
    work()
    job = job_of(client, asked)
    assert (job["state"], job["result"]["done"]) == ("done", 5)
    assert states(orders) == ["approved"] * 5


def test_whoever_lost_the_verb_meanwhile_does_nothing_more(client: Client, orders: list[Loaded]) -> None:
    asked = ask(client, "batch/approve", filter="[]")
    client.gate.grants = Grants(frozenset({f"{ORDER}.view"}), {"*": "all"})  # type: ignore[attr-defined]
    work()
    assert job_of(client, asked)["state"] == "failed"
    assert states(orders) == ["created"] * 5
    assert ask(client, "batch/approve", filter="[]").status_code == 403


def test_only_rows_in_the_members_scope_are_moved(client: Client, ctx: Context, orders: list[Loaded]) -> None:
    model = find_document(ORDER).header
    model.objects.exclude(id=orders[0].pk).update(owner_id=make("org.employee", ctx).pk)
    verbs = frozenset({f"{ORDER}.{verb}" for verb in ("view", "approve")})
    client.gate.grants = Grants(verbs, {"*": "own"}, frozenset("*"))  # type: ignore[attr-defined]
    assert ask(client, "batch/approve", filter="[]").json()["job"]["total"] == 1
    work()
    assert states(orders) == ["approved", *["created"] * 4]


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("batch/nothing", {}, 404),
        ("batch/return", {"filter": "x"}, 422),
        ("batch/approve", {"filter": "x"}, 422),
        ("batch/approve", {"filter": 1}, 422),
        ("batch/approve", {"surprise": ""}, 422),
        ("batch/approve", {}, 422),
        ("batch/approve", {"filter": " ", "search": ""}, 422),
        ("export", {"columns": "nothing"}, 422),
        ("export", {"sort": "nothing"}, 422),
    ],
)
def test_what_cannot_be_done_is_said_at_once(
    client: Client, path: str, body: dict[str, Any], status: int
) -> None:
    assert ask(client, path, **body).status_code == status
    assert not Job.objects.exists()


def test_more_rows_than_anybody_can_oversee_are_refused(
    client: Client, orders: list[Loaded], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch, "COUNT_CAP", 4)
    refused = ask(client, "batch/approve", filter="[]")
    assert (refused.status_code, refused.json()["problems"][0]["code"]) == (422, "too_many")
    monkeypatch.setattr(batch, "COUNT_CAP", 5)
    assert ask(client, "batch/approve", filter="[]").status_code == 202


def test_an_export_in_the_background_has_a_file(client: Client, ctx: Context, orders: list[Loaded]) -> None:
    asked = ask(client, "export", columns="number,note", filter='[["note","=","要"]]', sort="number")
    id_ = asked.json()["job"]["id"]
    assert client.get(f"/api/jobs/{id_}/file.xlsx").status_code == 404
    work()
    job = job_of(client, asked)
    assert (job["state"], job["done"], job["total"]) == ("done", 5, 5)
    book = client.get(f"/api/jobs/{id_}/file.xlsx")
    assert "attachment" in book["Content-Disposition"]
    assert [row.cells for row in sheets.read(book.content).rows] == [(o.header.number, "要") for o in orders]
    client.gate.grants = Grants(frozenset({f"{ORDER}.view"}), {"*": "all"})  # type: ignore[attr-defined]
    assert client.get(f"/api/jobs/{id_}/file.xlsx").status_code == 403


def test_a_step_that_is_the_partners_is_not_for_a_batch(client: Client, ctx: Context) -> None:
    assert ask(client, "batch/partner_accept", filter="[]").status_code == 403
    with pytest.raises(Forbidden):
        batch._step(find_document(ORDER), "partner_accept")
    assert batch._step(find_document(ORDER), "send").name == "send"
    assert jobs.WORKS["batch"] is batch.run_batch
