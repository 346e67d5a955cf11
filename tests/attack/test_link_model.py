"""Links driven at random against a small model (flows.md F1, F19 invariants 1 to 6, 19, 24).

Orders are noticed and received, in part, again, taken back, voided, closed and reopened in any order. The model only knows
what each document holds of what; after every step the kernel's counters, the stock and `verify` must agree with it.
"""

from contextlib import ExitStack
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from hypothesis import HealthCheck, note, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from yunlian.kernel import pulling
from yunlian.kernel.document import Refused, find_document
from yunlian.kernel.load import load, show
from yunlian.kernel.save import save
from yunlian.kernel.scope import Context
from yunlian.kernel.sql import run_together
from yunlian.kernel.steps import move
from yunlian.kernel.testing import DEFAULTS, make, refusal, savepoint
from yunlian.kernel.verify import verify
from yunlian.ledgers.models import StockBalance

ORDER, NOTICE, STOCK_IN = "purchase.order", "stock.receipt_notice", "stock.purchase_in"
EDITABLE = ("created", "rereview")
MAY_FROM = {
    "submit": EDITABLE,
    "withdraw": ("submitted",),
    "return": ("submitted",),
    "approve": (*EDITABLE, "submitted"),
    "unapprove": ("approved",),
    "void": EDITABLE,
    "close": ("approved",),
    "reopen": ("approved",),
}
TO = {
    "submit": "submitted",
    "withdraw": "created",
    "return": "rereview",
    "approve": "approved",
    "unapprove": "rereview",
    "void": "voided",
}


@dataclass(eq=False)
class Paper:
    """One document of one line: what it is for, and what it holds of its source."""

    code: str
    id: Any
    line: Any
    qty: int
    source: "Paper | None" = None
    state: str = "created"
    close: str = "open"
    held: int = 0
    made: list["Paper"] = field(default_factory=list)

    @property
    def live(self) -> bool:
        return self.state != "voided"

    @property
    def order(self) -> "Paper | None":
        """The order it is received for, however far up."""
        return self if self.code == ORDER else self.source and self.source.order

    def linked(self) -> int:
        """What later documents hold of it."""
        return sum(each.held for each in self.made if each.live)

    def executed(self) -> int:
        return sum(each.held for each in self.made if each.state == "approved")

    def received(self) -> list["Paper"]:
        """Every stock-in for an order, of its own or through a notice."""
        return [i for m in self.made for i in ([m] if m.code == STOCK_IN else m.made)]

    def is_done(self) -> bool:
        ins = self.received() if self.code == ORDER else self.made
        return sum(each.qty for each in ins if each.state == "approved") >= self.qty


class Links(RuleBasedStateMachine):
    """Takes steps; whether each is allowed the model says before."""

    ctx: Context
    masters: dict[str, str]

    @initialize()
    def begin(self) -> None:
        self.stack = ExitStack()
        self.stack.enter_context(transaction.atomic())
        self.papers: list[Paper] = []
        self.acts = 0
        for qty in (10, 6):
            self.order(qty)

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self.stack.close()

    def happens(self, act: Any, allowed: bool | None) -> Any:
        """Do it; refused must be what the model says, or, where it says nothing, whatever: then only figures count."""
        try:
            with savepoint():
                done = act()
        except (Refused, IntegrityError) as error:
            note(f"refused: {error}")
            done = None
        assert allowed is None or allowed is (done is not None), allowed
        return done

    def chosen(self, at: int, *kinds: str) -> Paper | None:
        papers = [paper for paper in self.papers if paper.code in kinds]
        in_force = [paper for paper in papers if paper.state == "approved"]
        papers = in_force if in_force and at % 5 else papers
        return papers[at % len(papers)] if papers else None

    @rule(qty=st.integers(1, 10))
    def order(self, qty: int) -> None:
        """A new order."""
        line = {"product": self.masters["product"], "qty": str(qty), "price": "1"}
        body = {"supplier": self.masters["supplier"], "warehouse": self.masters["warehouse"], "lines": [line]}
        made = save(ORDER, self.ctx, body)
        self.papers.append(Paper(ORDER, made.pk, made.lines[0].id, qty, held=qty))
        if qty > 3:
            self.step(self.papers[-1], "approve")

    def room(self, source: Paper, own: int = 0) -> int:
        """What is open, for a document that holds `own` already."""
        return source.qty - source.linked() + own

    def fits_order(self, order: Paper, qty: int, own: int = 0) -> bool:
        """The order itself is never received beyond its quantity, whichever way goods come."""
        return sum(each.qty for each in order.received() if each.live) - own + qty <= order.qty

    @rule(
        at=st.integers(0, 50),
        code=st.sampled_from((NOTICE, STOCK_IN)),
        qty=st.integers(1, 10),
        push=st.booleans(),
    )
    def take(self, at: int, code: str, qty: int, push: bool) -> None:
        """Make a document from what is open on another."""
        source = self.chosen(at, ORDER) if code == NOTICE else self.chosen(at, ORDER, NOTICE)
        if source is None or source.order is None:
            return
        qty = self.room(source) if push and self.room(source) > 0 else qty
        allowed: bool | None = (
            source.state == "approved" and source.close == "open" and qty <= self.room(source)
        )
        if code == STOCK_IN and allowed:
            allowed = self.fits_order(source.order, qty)

        def act() -> Any:
            body = pulling.pull(code, self.ctx, source.code, {str(source.line): str(qty)})
            return save(code, self.ctx, body)

        made = self.happens(act, allowed)
        if made is not None:
            paper = Paper(code, made.pk, made.lines[0].id, qty, source, held=qty)
            self.papers.append(paper)
            source.made.append(paper)

    @rule(at=st.integers(0, 50), qty=st.integers(1, 10))
    def edit(self, at: int, qty: int) -> None:
        """Write another quantity into a document."""
        papers = [paper for paper in self.papers if paper.state in EDITABLE] if at % 5 else []
        paper = (papers or self.papers)[at % len(papers or self.papers)]
        source = paper.source
        allowed: bool | None = paper.state in EDITABLE
        if allowed and source is not None:
            allowed = source.state == "approved" and qty <= self.room(source, paper.held)
            if paper.code == STOCK_IN and paper.order is not None:
                allowed = allowed and self.fits_order(paper.order, qty, paper.qty)

        def act() -> Any:
            body = show(load(find_document(paper.code), self.ctx, paper.id), self.ctx)
            body["lines"][0]["qty"] = str(qty)
            return save(paper.code, self.ctx, body, paper.id)

        if self.happens(act, allowed) is not None:
            paper.qty = paper.held = qty

    @rule(at=st.integers(0, 50), which=st.integers(0, 5))
    def go_on(self, at: int, which: int) -> None:
        """Take a step that is possible, the newest documents first."""
        paper = self.papers[-1 - at % len(self.papers)]
        steps = [name for name in MAY_FROM if self.may(paper, name) is not False]
        if steps:
            self.step(paper, steps[which % len(steps)])

    @rule(at=st.integers(0, 50), name=st.sampled_from(sorted(MAY_FROM)))
    def go_anywhere(self, at: int, name: str) -> None:
        """Take any step, possible or not."""
        self.step(self.papers[at % len(self.papers)], name)

    def step(self, paper: Paper, name: str) -> None:
        given = {"reason": "?"} if name == "return" else {}
        done = self.happens(
            lambda: move(paper.code, self.ctx, paper.id, name, **given), self.may(paper, name)
        )
        if done is None:
            return
        paper.state = TO.get(name, paper.state)
        if name == "close":
            paper.close = "manual"
            if paper.code == NOTICE:
                paper.held = paper.executed()
        elif name == "reopen":
            paper.close = "open"
            paper.held = paper.qty
        if name in ("approve", "unapprove"):
            for each in (paper.source, paper.order):
                if (
                    each is not None
                    and each is not paper
                    and each.close != "manual"
                    and paper.code == STOCK_IN
                ):
                    each.close = "auto" if each.is_done() else "open"

    def may(self, paper: Paper, name: str) -> bool | None:
        if paper.state not in MAY_FROM[name] or (paper.code == STOCK_IN and name in ("close", "reopen")):
            return paper.code == STOCK_IN and name in ("close", "reopen") and None
        source = paper.source
        is_held_up = source is not None and source.close == "manual"
        if name == "approve":
            return not is_held_up
        if name == "unapprove":
            return not is_held_up and not paper.linked() and paper.close != "manual"
        if name == "close":
            return paper.close == "open"
        if name == "reopen":
            if paper.close != "manual":
                return False
            if source is None:
                return True
            return None if is_held_up else paper.qty - paper.held <= self.room(source)
        return True

    @invariant()
    def counters_are_what_documents_hold(self) -> None:
        """F19.1: linked never beyond the quantity, executed never beyond linked; voided documents hold nothing (24)."""
        stored = self.stored()
        for paper in self.papers:
            row = stored[paper.id]
            assert (row["state"], row["close"]) == (paper.state, paper.close), paper
            assert row["base_qty"] == paper.qty
            if paper.code == ORDER:
                ins = paper.received()
                noticed = (paper.linked(), paper.executed())
                assert (row["linked_noticed_qty"], row["noticed_qty"]) == noticed
                received = (
                    sum(i.qty for i in ins if i.live),
                    sum(i.qty for i in ins if i.state == "approved"),
                )
                assert (row["linked_received_qty"], row["received_qty"]) == received
                assert 0 <= row["received_qty"] <= row["linked_received_qty"] <= row["base_qty"]
            elif paper.code == NOTICE:
                held = (row["linked_received_qty"], row["received_qty"])
                assert held == (paper.linked(), paper.executed())
            if paper.state != "approved":
                # What later documents hold of it, all counters together.
                assert sum(qty for name, qty in row.items() if name.startswith("linked_")) == 0

    def stored(self) -> dict[Any, dict[str, Any]]:
        """Every document with its one line's counters, in one journey: asked after every act, it is what takes long."""
        asked, shapes = [], []
        for code in (ORDER, NOTICE, STOCK_IN):
            document = find_document(code)
            assert document.lines is not None
            counters = [done for done in document.counters if done.name in document.line_fields]
            names = ["base_qty", *(name for done in counters for name in (done.linked, done.name))]
            header, lines = document.header._meta.db_table, document.lines._meta.db_table
            sql = (
                f"SELECT h.id, h.state, h.close, {', '.join(f'l.{name}' for name in names)} FROM {header} h "
                f"JOIN {lines} l ON l.enterprise_id = h.enterprise_id AND l.{document.parent}_id = h.id "
                "WHERE h.enterprise_id = %s AND h.id = ANY(%s)"
            )
            asked.append((sql, [self.ctx.enterprise_id, [p.id for p in self.papers if p.code == code]]))
            shapes.append(["state", "close", *names])
        return {
            row[0]: dict(zip(shape, row[1:], strict=True))
            for shape, rows in zip(shapes, run_together(asked), strict=True)
            for row in rows
        }

    @invariant()
    def stock_is_what_is_in_force(self) -> None:
        """F19.4 and 5: what is ordered, under way and here, from the documents in force alone."""
        row = StockBalance.objects.filter(product_id=self.masters["product"], status="good").first()
        now = (row.on_order, row.in_transit, row.on_hand) if row else (0, 0, 0)
        force = [paper for paper in self.papers if paper.state == "approved"]
        on_order = sum(p.qty - p.executed() for p in force if p.code == ORDER and p.close != "manual")
        in_transit = sum(p.qty - p.executed() for p in force if p.code == NOTICE and p.close != "manual")
        on_hand = sum(p.qty for p in force if p.code == STOCK_IN)
        assert tuple(map(Decimal, now)) == (on_order, in_transit, on_hand)

    @invariant()
    def everything_is_the_fold_of_its_history(self) -> None:
        self.acts += 1
        if self.acts % 4:
            return
        assert verify(self.ctx.enterprise_id) == []


@pytest.fixture
def machine(ctx: Context) -> type[Links]:
    DEFAULTS.setdefault("masters.product", {"list_price": "12.5", "purchase_price": "8"})
    masters = {
        "product": str(make("masters.product", ctx).pk),
        "supplier": str(make("masters.partner", ctx, is_supplier=True).pk),
        "warehouse": str(make("masters.warehouse", ctx, may_be_negative=False).pk),
    }
    return type("Links", (Links,), {"ctx": ctx, "masters": masters})


def play(machine: type[Links], examples: int, steps: int) -> None:
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples, stateful_step_count=steps, deadline=None, database=None,
            suppress_health_check=list(HealthCheck), print_blob=False,
        ),
    )  # fmt: skip


def test_links_hold_whatever_is_done(machine: type[Links]) -> None:
    play(machine, 12, 25)


@pytest.mark.slow
def test_links_hold_whatever_is_done_for_long(machine: type[Links]) -> None:
    play(machine, 25, 50)


def noticed(ctx: Context, masters: dict[str, str], qty: str) -> tuple[Any, Any]:
    """An approved order of 10 and an approved notice of some of it."""
    line = {"product": masters["product"], "qty": "10", "price": "1"}
    body = {"supplier": masters["supplier"], "warehouse": masters["warehouse"], "lines": [line]}
    order = move(ORDER, ctx, save(ORDER, ctx, body).pk, "approve")
    body = pulling.pull(NOTICE, ctx, ORDER, {str(order.lines[0].id): qty})
    return order, move(NOTICE, ctx, save(NOTICE, ctx, body).pk, "approve")


def expected(masters: dict[str, str]) -> tuple[Decimal, Decimal]:
    row = StockBalance.objects.get(product_id=masters["product"], status="good")
    return row.on_order, row.in_transit


def test_what_was_made_of_an_order_closed_since_is_not_taken_back(machine: type[Links]) -> None:
    """Closing settles what is still expected; taking a notice back then would expect it of a closed order, and once more
    when that is reopened.
    """
    ctx, masters = machine.ctx, machine.masters
    order, notice = noticed(ctx, masters, "4")
    move(ORDER, ctx, order.pk, "close")
    assert expected(masters) == (0, 4)
    assert refusal(move, NOTICE, ctx, notice.pk, "unapprove") == [("sources", 1)]
    move(ORDER, ctx, order.pk, "reopen")
    assert expected(masters) == (6, 4)
    move(NOTICE, ctx, notice.pk, "unapprove")
    assert expected(masters) == (10, 0)


def test_a_notice_that_gave_everything_back_can_be_reopened(machine: type[Links]) -> None:
    ctx, masters = machine.ctx, machine.masters
    order, notice = noticed(ctx, masters, "4")
    body = pulling.pull(STOCK_IN, ctx, NOTICE, {str(notice.lines[0].id): "3"})
    waiting = save(STOCK_IN, ctx, body)
    move(NOTICE, ctx, notice.pk, "close")
    assert expected(masters) == (10, 0)
    body = show(load(find_document(STOCK_IN), ctx, waiting.pk), ctx)
    body["lines"][0]["qty"] = "2"
    save(STOCK_IN, ctx, body, waiting.pk)
    move(NOTICE, ctx, notice.pk, "reopen")
    assert expected(masters) == (6, 4)
    move(STOCK_IN, ctx, waiting.pk, "approve")
    assert expected(masters) == (6, 2)
    line = load(find_document(ORDER), ctx, order.pk).lines[0]
    assert (line.noticed_qty, line.linked_noticed_qty, line.received_qty, line.linked_received_qty) == (
        4,
        4,
        2,
        2,
    )
    assert verify(ctx.enterprise_id) == []
