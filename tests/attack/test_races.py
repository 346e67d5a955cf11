"""Two people at once, over HTTP and real commits: whatever together exceeds a limit, exactly one of them gets."""

import threading
import time
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.http import HttpResponse

from yunlian.kernel.document import REGISTRY
from yunlian.kernel.scope import Context
from yunlian.kernel.testing import make
from yunlian.kernel.verify import verify
from yunlian.ledgers.models import CostBalance, StockBalance

from .stage import Browser, World, codes

ROUNDS = range(3)


def together(*acts: Callable[[], Any]) -> list[Any]:
    """Start all at the same moment, each on its own thread and connection; returns what each answered."""
    start, answers = threading.Barrier(len(acts)), [None] * len(acts)

    def run(at: int, act: Callable[[], Any]) -> None:
        try:
            start.wait()
            answers[at] = act()
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(at, act)) for at, act in enumerate(acts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def statuses(answers: list[HttpResponse]) -> list[int]:
    return sorted(answer.status_code for answer in answers)


def lost(answers: list[HttpResponse]) -> HttpResponse:
    """The one that did not get it."""
    (found,) = [answer for answer in answers if answer.status_code >= 400]
    return found


@pytest.fixture(scope="module")
def two(world: World) -> tuple[Browser, Browser]:
    """Two devices of people who may do everything."""
    return world.as_("admin"), world.anew("admin")


@pytest.fixture(autouse=True)
def _verified(world: World) -> Any:
    """After every race, each figure is the fold of its history."""
    yield
    with world.near.enter():
        assert verify(world.near.id) == []


class Goods:
    """A product, where it lies and who trades it."""

    def __init__(self, ctx: Context, **warehouse: Any) -> None:
        self.product = str(make("masters.product", ctx).pk)
        self.warehouse = str(make("masters.warehouse", ctx, **({"may_be_negative": False} | warehouse)).pk)
        self.partner = str(make("masters.partner", ctx, is_customer=True, is_supplier=True).pk)
        self.account = str(make("masters.account", ctx).pk)

    def line(self, qty: str, **more: Any) -> dict[str, Any]:
        return {"product": self.product, "qty": qty} | more


def approved(browser: Browser, code: str, **body: Any) -> dict[str, Any]:
    made = browser.post(f"/api/{code}", **body)
    assert made.status_code == 201, made.content
    done = browser.post(f"/api/{code}/{made.json()['id']}/approve")
    assert done.status_code == 200, done.content
    found: dict[str, Any] = done.json()
    return found


@pytest.fixture
def goods(world: World) -> Goods:
    with world.near.enter() as ctx:
        return Goods(ctx)


def stocked(browser: Browser, goods: Goods, qty: str) -> None:
    approved(browser, "stock.opening", warehouse=goods.warehouse, lines=[goods.line(qty, cost="10")])


def contract(browser: Browser, goods: Goods, qty: str, **more: Any) -> dict[str, Any]:
    body = {
        "customer": goods.partner,
        "warehouse": goods.warehouse,
        "is_auto_reserved": False,
        "dispatch_gate": "0",
    }
    return approved(browser, "sales.contract", **body, lines=[goods.line(qty, price="10")], **more)


def pulled(browser: Browser, target: str, source: str, line: str, qty: str) -> dict[str, Any]:
    response = browser.post(f"/api/{target}/pull/{source}", lines={line: qty})
    assert response.status_code == 200, response.content
    body: dict[str, Any] = response.json()
    return body


@pytest.mark.parametrize("_round", ROUNDS)
def test_two_take_more_of_a_line_than_is_open(two: Any, goods: Goods, _round: int) -> None:
    """F1: of ten, two times six."""
    one, other = two
    line = contract(one, goods, "10")["lines"][0]["id"]
    body = pulled(one, "stock.dispatch_notice", "sales.contract", line, "6")
    answers = together(*(lambda b=b: b.post("/api/stock.dispatch_notice", **body) for b in two))
    assert statuses(answers) == [201, 409]
    problem = lost(answers).json()["problems"][0]
    assert (problem["code"], problem["line"]) == ("exceeds_open", 1)
    assert "4" in problem["message"]
    smaller = pulled(other, "stock.dispatch_notice", "sales.contract", line, "4")
    assert other.post("/api/stock.dispatch_notice", **smaller).status_code == 201


@pytest.mark.parametrize("_round", ROUNDS)
def test_two_send_out_more_than_there_is(two: Any, goods: Goods, _round: int) -> None:
    """F9: ten on hand, two notices of six."""
    stocked(two[0], goods, "10")
    notices = []
    for browser in two:
        line = contract(browser, goods, "6")["lines"][0]["id"]
        body = pulled(browser, "stock.dispatch_notice", "sales.contract", line, "6")
        notices.append(browser.post("/api/stock.dispatch_notice", **body).json()["id"])
    answers = together(
        *(
            lambda b=b, n=n: b.post(f"/api/stock.dispatch_notice/{n}/approve")
            for b, n in zip(two, notices, strict=True)
        )
    )
    assert statuses(answers) == [200, 409], [answer.content for answer in answers]
    assert lost(answers).json()["problems"][0]["message"]


@pytest.mark.parametrize("_round", ROUNDS)
def test_two_pay_more_than_a_contract_is_worth(two: Any, goods: Goods, _round: int) -> None:
    """F12: a contract of 100.00, two receipts of 60.00."""
    made = contract(two[0], goods, "10")
    assert made["total"] == "100.00"
    body = pulled(two[0], "finance.receipt", "sales.contract", made["id"], "60")
    body["account"] = goods.account
    answers = together(*(lambda b=b: b.post("/api/finance.receipt", **body) for b in two))
    assert statuses(answers) == [201, 409], [answer.content for answer in answers]
    assert codes(lost(answers)) == ["exceeds_open"]


@pytest.mark.parametrize("_round", ROUNDS)
def test_one_document_is_approved_twice_at_once(two: Any, world: World, goods: Goods, _round: int) -> None:
    made = (
        two[0].post("/api/stock.opening", warehouse=goods.warehouse, lines=[goods.line("5", cost="3")]).json()
    )
    answers = together(*(lambda b=b: b.post(f"/api/stock.opening/{made['id']}/approve") for b in two))
    assert statuses(answers) == [200, 409]
    assert codes(lost(answers)) == ["state"]
    with world.near.enter():
        assert StockBalance.objects.get(product_id=goods.product).on_hand == 5
        assert CostBalance.objects.get(product_id=goods.product).value == 15


@pytest.mark.parametrize("_round", ROUNDS)
def test_two_edits_of_one_version(two: Any, goods: Goods, _round: int) -> None:
    made = (
        two[0].post("/api/stock.opening", warehouse=goods.warehouse, lines=[goods.line("5", cost="3")]).json()
    )
    path = f"/api/stock.opening/{made['id']}"
    answers = together(
        *(lambda b=b, n=n: b.call("PUT", path, made | {"note": n}) for b, n in zip(two, "AB", strict=True))
    )
    assert statuses(answers) == [200, 409]
    refused, won = lost(answers).json(), next(a for a in answers if a.status_code == 200).json()
    assert [p["code"] for p in refused["problems"]] == ["stale"]
    (change,) = [each for each in refused["changes"] if each["field"] == "note"]
    assert (change["old"], change["new"], change["by"]["name"]) == ("", won["note"], "管理员")
    assert two[0].get(path).json()["version"] == 2


@pytest.mark.parametrize("_round", ROUNDS)
def test_an_edit_and_an_approval_at_once(two: Any, goods: Goods, _round: int) -> None:
    made = (
        two[0].post("/api/stock.opening", warehouse=goods.warehouse, lines=[goods.line("5", cost="3")]).json()
    )
    path, more = f"/api/stock.opening/{made['id']}", made | {"lines": [made["lines"][0] | {"qty": "9"}]}
    edit, approval = together(
        lambda: two[0].call("PUT", path, more), lambda: two[1].call("POST", f"{path}/approve", {"version": 1})
    )
    assert statuses([edit, approval]) == [200, 409]
    now = two[0].get(path).json()
    assert (now["state"], now["lines"][0]["qty"]) == (
        ("created", "9") if edit.status_code == 200 else ("approved", "5")
    )


@pytest.mark.parametrize("_round", ROUNDS)
def test_a_source_is_taken_back_while_something_is_made_from_it(two: Any, goods: Goods, _round: int) -> None:
    made = contract(two[0], goods, "10")
    body = pulled(two[0], "stock.dispatch_notice", "sales.contract", made["lines"][0]["id"], "6")
    answers = together(
        lambda: two[0].post("/api/stock.dispatch_notice", **body),
        lambda: two[1].post(f"/api/sales.contract/{made['id']}/unapprove"),
    )
    assert statuses(answers) in ([200, 409], [201, 409]), [answer.content for answer in answers]
    assert codes(lost(answers))[0] in ("closed", "followed")


@pytest.mark.parametrize("_round", ROUNDS)
def test_a_double_click_makes_one_document_and_answers_twice(two: Any, goods: Goods, _round: int) -> None:
    one, _other = two
    same = [one, Browser.__new__(Browser)]
    same[1].client = one.client.__class__(headers={"Accept-Language": "en"}, raise_request_exception=False)
    same[1].client.cookies = one.client.cookies
    key, body = str(uuid.uuid4()), {"warehouse": goods.warehouse, "lines": [goods.line("5", cost="3")]}
    before = one.get("/api/stock.opening/total").json()["count"]
    answers = together(
        *(lambda b=b: b.call("POST", "/api/stock.opening", body, **{"Idempotency-Key": key}) for b in same)
    )
    assert statuses(answers) == [201, 201], [answer.content for answer in answers]
    assert answers[0].content == answers[1].content
    assert [answer.get("Idempotency-Replayed") for answer in answers].count("true") == 1
    assert one.get("/api/stock.opening/total").json()["count"] == before + 1
    path, again = f"/api/stock.opening/{answers[0].json()['id']}/approve", str(uuid.uuid4())
    steps = together(*(lambda b=b: b.call("POST", path, {}, **{"Idempotency-Key": again}) for b in same))
    assert statuses(steps) == [200, 200]
    assert steps[0].content == steps[1].content
    other = one.call("POST", "/api/stock.opening", body | {"note": "x"}, **{"Idempotency-Key": key})
    assert (other.status_code, codes(other)) == (422, ["key_reused"])
    elsewhere = one.call("POST", "/api/stock.purchase_in", body, **{"Idempotency-Key": key})
    assert codes(elsewhere) == ["key_reused"]


def test_a_key_belongs_to_who_used_it(world: World, two: Any, goods: Goods) -> None:
    key, body = str(uuid.uuid4()), {"code": "U-KEY", "name": "箱"}
    first = two[0].call("POST", "/api/masters.unit", body, **{"Idempotency-Key": key})
    theirs = world.as_("stranger").call("POST", "/api/masters.unit", body, **{"Idempotency-Key": key})
    assert (first.status_code, theirs.status_code) == (201, 201)
    assert first.json()["id"] != theirs.json()["id"]
    buyer = world.as_("buyer").call("POST", "/api/masters.unit", body, **{"Idempotency-Key": key})
    assert buyer.status_code == 403
    refused = {"code": "U-KEY", "name": "again"}
    taken = [
        two[0].call("POST", "/api/masters.unit", refused, **{"Idempotency-Key": "refused-" + key})
        for _n in range(2)
    ]
    assert [codes(answer) for answer in taken] == [["taken"]] * 2


@pytest.mark.parametrize("_round", ROUNDS)
def test_two_first_postings_to_one_new_balance(two: Any, world: World, goods: Goods, _round: int) -> None:
    body = {"warehouse": goods.warehouse, "lines": [goods.line("5", cost="3")]}
    ids = [two[0].post("/api/stock.opening", **body).json()["id"] for _n in range(4)]
    browsers = [*two, world.anew("admin"), world.anew("admin")]
    answers = together(
        *(
            lambda b=b, i=i: b.post(f"/api/stock.opening/{i}/approve")
            for b, i in zip(browsers, ids, strict=True)
        )
    )
    assert statuses(answers) == [200] * 4, [answer.content for answer in answers]
    with world.near.enter():
        assert StockBalance.objects.get(product_id=goods.product).on_hand == 20
        assert CostBalance.objects.get(product_id=goods.product).value == 60


def test_numbers_drawn_at_once_are_all_different_and_leave_no_gap(
    two: Any, world: World, goods: Goods
) -> None:
    body = {"warehouse": goods.warehouse, "date": "2031-05-01", "lines": [goods.line("1", cost="1")]}
    browsers = [world.anew("admin") for _n in range(6)]
    answers = together(
        *(lambda b=b: [b.post("/api/stock.opening", **body) for _n in range(3)] for b in browsers)
    )
    numbers = sorted(answer.json()["number"] for each in answers for answer in each)
    assert numbers == [f"OS203105-{n:05}" for n in range(1, 19)]


@pytest.mark.parametrize("_round", ROUNDS)
def test_the_same_goods_in_opposite_order_do_not_block_each_other(
    two: Any, world: World, _round: int
) -> None:
    with world.near.enter() as ctx:
        some = [Goods(ctx) for _n in range(4)]
    bodies = [
        {"warehouse": some[0].warehouse, "lines": [each.line("2", cost="1") for each in order]}
        for order in (some, some[::-1])
    ]
    ids = [b.post("/api/stock.opening", **body).json()["id"] for b, body in zip(two, bodies, strict=True)]
    answers = together(
        *(lambda b=b, i=i: b.post(f"/api/stock.opening/{i}/approve") for b, i in zip(two, ids, strict=True))
    )
    assert statuses(answers) == [200, 200], [answer.content for answer in answers]


@pytest.mark.parametrize("_round", ROUNDS)
def test_two_documents_that_take_of_the_same_two_in_opposite_order(
    two: Any, goods: Goods, _round: int
) -> None:
    lines = [contract(two[0], goods, "10")["lines"][0]["id"] for _n in range(2)]
    bodies = [
        {"customer": goods.partner, "warehouse": goods.warehouse, "lines": [
            goods.line("4", sources=[{"code": "sales.contract", "line": line}]) for line in order
        ]}
        for order in (lines, lines[::-1])
    ]  # fmt: skip
    answers = together(
        *(
            lambda b=b, d=d: b.post("/api/stock.dispatch_notice", **d)
            for b, d in zip(two, bodies, strict=True)
        )
    )
    assert statuses(answers) == [201, 201], [answer.content for answer in answers]


@pytest.mark.parametrize("_round", ROUNDS)
def test_two_give_the_same_code_or_both_want_to_be_the_default(two: Any, world: World, _round: int) -> None:
    unit = {"code": f"SAME-{uuid.uuid4().hex[:8]}", "name": "箱"}
    answers = together(*(lambda b=b: b.post("/api/masters.unit", **unit) for b in two))
    assert statuses(answers) == [201, 409], [answer.content for answer in answers]
    assert codes(lost(answers)) == ["taken"]
    for code, more in (
        ("masters.warehouse", {"is_default": True}),
        ("masters.price_list", {"is_default": True, "kind": "sales"}),
    ):
        bodies = [{"code": f"D-{uuid.uuid4().hex[:8]}", "name": "默认", "lines": []} | more for _b in two]
        for body in bodies:
            if code == "masters.warehouse":
                body.pop("lines")
        answers = together(
            *(lambda b=b, c=code, d=d: b.post(f"/api/{c}", **d) for b, d in zip(two, bodies, strict=True))
        )
        assert all(answer.status_code in (201, 409, 422) for answer in answers), [
            answer.content for answer in answers
        ]
        assert statuses(answers)[0] == 201
        for answer in answers:
            if answer.status_code == 201:
                assert two[0].delete(f"/api/{code}/{answer.json()['id']}").status_code == 204


@pytest.mark.parametrize("_round", ROUNDS)
def test_one_draft_is_deleted_twice(two: Any, _round: int) -> None:
    draft = two[0].post("/api/sales.contract", draft=True).json()
    answers = together(*(lambda b=b: b.delete(f"/api/sales.contract/{draft['id']}") for b in two))
    assert statuses(answers) == [204, 404]


def test_a_deadlock_is_run_again_and_nobody_notices(two: Any, world: World, goods: Goods) -> None:
    """Somebody outside locks in the other order than we do: PostgreSQL ends one of the two, and ours is tried again."""
    with world.near.enter() as ctx:
        other = Goods(ctx)
        for each in (goods, other):
            each.warehouse = goods.warehouse
    for each in (goods, other):
        stocked(two[0], each, "5")
    keys = sorted(uuid.UUID(each.product) for each in (goods, other))
    body = {"warehouse": goods.warehouse, "lines": [goods.line("1", cost="1"), other.line("1", cost="1")]}
    id_ = two[0].post("/api/stock.opening", **body).json()["id"]
    first, second = threading.Event(), threading.Event()

    def outside() -> str:
        with world.near.enter():
            StockBalance.objects.select_for_update().get(product_id=keys[1])
            first.set()
            second.wait(5)
            StockBalance.objects.filter(product_id=keys[0]).update(on_hand=5)
        return "done"

    def ours() -> HttpResponse:
        first.wait(5)
        # By now ours holds the first and waits for the second: it waits longest, so it is the one that is ended.
        threading.Timer(0.3, second.set).start()
        return two[1].post(f"/api/stock.opening/{id_}/approve")

    ended, answer = together(outside, ours)
    assert (ended, answer.status_code) == ("done", 200), answer.content
    with world.near.enter():
        assert [row.on_hand for row in StockBalance.objects.filter(product_id__in=keys)] == [6, 6]


def test_what_a_correction_added_meanwhile_is_taken_back_with_the_issue_it_corrects(
    world: World, two: Any, goods: Goods
) -> None:
    """An issue's approval is taken back while a receipt dated before it is approved: the receipt is first at the balance."""
    stocked(two[0], goods, "10")
    line = contract(two[0], goods, "10")["lines"][0]["id"]
    notice = approved(
        two[0],
        "stock.dispatch_notice",
        **pulled(two[0], "stock.dispatch_notice", "sales.contract", line, "10"),
    )
    taken = pulled(two[0], "stock.sales_out", "stock.dispatch_notice", notice["lines"][0]["id"], "10")
    issue = approved(two[0], "stock.sales_out", **taken)
    with world.near.enter() as ctx:
        elsewhere = str(make("masters.warehouse", ctx).pk)
    late = {"date": "2020-01-01", "warehouse": elsewhere, "lines": [goods.line("10", cost="20")]}
    receipt = two[0].post("/api/stock.opening", **late).json()
    held, approving, both = (threading.Event() for _n in range(3))

    def outside() -> None:
        with world.near.enter():
            CostBalance.objects.select_for_update().get(product_id=goods.product)
            held.set()
            waiting(1)
            approving.set()
            waiting(2)
            both.set()

    def approve() -> HttpResponse:
        held.wait(5)
        return two[0].post(f"/api/stock.opening/{receipt['id']}/approve")

    def take_back() -> HttpResponse:
        approving.wait(5)
        return two[1].post(f"/api/stock.sales_out/{issue['id']}/unapprove")

    _none, *answers = together(outside, approve, take_back)
    assert both.is_set()
    assert statuses(answers) == [200, 200], [answer.content for answer in answers]
    with world.near.enter():
        balance = CostBalance.objects.get(product_id=goods.product)
        assert (balance.qty, balance.value) == (20, 300)


def test_what_was_shipped_while_a_receipt_was_taken_back_is_counted(
    world: World, two: Any, goods: Goods
) -> None:
    """Both change the same contract; the stock-out is first at it."""
    one, other = two
    stocked(one, goods, "10")
    made = contract(one, goods, "10")
    notice = approved(
        one,
        "stock.dispatch_notice",
        **pulled(one, "stock.dispatch_notice", "sales.contract", made["lines"][0]["id"], "10"),
    )
    body = pulled(one, "stock.sales_out", "stock.dispatch_notice", notice["lines"][0]["id"], "10")
    out = one.post("/api/stock.sales_out", **body).json()
    # Money that is free and goes to what the customer owes: no link names the contract.
    receipt = one.post(
        "/api/finance.receipt",
        customer=goods.partner,
        account=goods.account,
        amount="60",
        is_auto_applied=True,
    ).json()
    for step in ("submit", "approve"):
        assert one.post(f"/api/finance.receipt/{receipt['id']}/{step}").status_code == 200
    path = f"/api/sales.contract/{made['id']}"
    assert one.get(path).json()["receipt_rate"] == "0.6"
    held, shipping = threading.Event(), threading.Event()

    def outside() -> None:
        with world.near.enter(), connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM sales_salescontract WHERE id = %s FOR NO KEY UPDATE", [made["id"]])
            held.set()
            waiting(1)
            shipping.set()
            waiting(2)

    def ship() -> HttpResponse:
        held.wait(5)
        return one.post(f"/api/stock.sales_out/{out['id']}/approve")

    def take_back() -> HttpResponse:
        shipping.wait(5)
        return other.post(f"/api/finance.receipt/{receipt['id']}/unapprove")

    _none, *answers = together(outside, ship, take_back)
    assert statuses(answers) == [200, 200], [answer.content for answer in answers]
    found = one.get(path).json()
    assert (found["delivery"], found["delivery_rate"], found["receipt"]) == ("complete", "1", "none")


def test_who_waits_too_long_is_told_to_try_again(world: World, two: Any, goods: Goods) -> None:
    made = (
        two[0].post("/api/stock.opening", warehouse=goods.warehouse, lines=[goods.line("5", cost="3")]).json()
    )
    path, held, over = f"/api/stock.opening/{made['id']}/approve", threading.Event(), threading.Event()

    def outside() -> None:
        with world.near.enter(), connection.cursor() as cursor:
            table = REGISTRY["stock.opening"].header._meta.db_table
            cursor.execute(f"SELECT 1 FROM {table} WHERE id = %s FOR UPDATE", [made["id"]])
            held.set()
            over.wait(60)

    def ours() -> HttpResponse:
        held.wait(5)
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '200ms'")
        try:
            return two[0].post(path)
        finally:
            over.set()

    _none, answer = together(outside, ours)
    assert answer.status_code == 503, answer.content
    assert (codes(answer), answer["Retry-After"]) == (["busy"], "1")
    assert two[0].post(path).status_code == 200


def waiting(count: int) -> None:
    """Return when `count` connections to this database wait for a lock."""
    deadline = time.monotonic() + 5
    sql = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    with connection.cursor() as cursor:
        while time.monotonic() < deadline:
            cursor.execute("SELECT pg_stat_clear_snapshot()")
            cursor.execute(sql)
            if cursor.fetchone()[0] >= count:
                return
            time.sleep(0.02)
    raise AssertionError(f"fewer than {count} wait")
