"""T2: the real chain on a real PostgreSQL: links, sending, accepting, applying, receipts, and kills at every point."""

import contextlib
import uuid

import pytest

from tests.chain.conftest import CURED, Killed, found, join, kill_at, link_quietly
from yunlian.chain import applying, hashpath, sending, sequencing, worker
from yunlian.chain import envelope as envelopes
from yunlian.chain.models import Inbox, Lane, Link, Outbox, Thread
from yunlian.chain.transport import local
from yunlian.kernel import faults
from yunlian.kernel.document import find_document
from yunlian.kernel.load import load, show
from yunlian.kernel.meta import describe
from yunlian.kernel.save import save
from yunlian.kernel.steps import move
from yunlian.kernel.testing import refusal

POINTS = (
    "chain.after_queue",
    "chain.before_number",
    "chain.while_numbering",
    "chain.after_number",
    "chain.before_send",
    "chain.before_accept",
    "chain.while_accepting",
    "chain.after_accept",
    "chain.after_send",
    "chain.before_position",
    "chain.after_position",
    "chain.before_apply",
    "chain.while_applying",
    "chain.after_apply",
    "chain.while_taking",
    "chain.after_taking",
)


def settle(*sides):
    """Let the time of every retry pass and work until nothing moves."""
    for side in sides:
        side.wake()
    worker.drain([side.id for side in sides])


def check_whole(sender, receiver):
    """B2: the receiver's log is a gapless prefix of the sender's, and its hash path is whole."""
    with sender.enter():
        sent = list(Outbox.objects.exclude(seq=None).order_by("seq").values_list("seq", "id", "text"))
    with receiver.enter():
        lane = Lane.objects.get(is_out=False)
        got = list(
            Inbox.objects.filter(lane_id=lane.id).order_by("seq").values_list("seq", "message_id", "text")
        )
    assert got == sent[: len(got)]
    assert lane.accepted == len(got)
    assert hashpath.find_break(lane.id, [envelopes.read(text) for _seq, _id, text in got]) is None


class TestLink:
    def test_is_in_force_on_both_sides_with_the_same_lanes(self, pair):
        up, down = pair
        assert up.lane(out=True).id == down.lane(out=False).id
        assert up.lane(out=False).id == down.lane(out=True).id
        for side, other in ((up, down), (down, up)):
            with side.enter():
                link = Link.objects.select_related("partner").get()
                assert (link.state, link.partner_chain_id) == ("linked", str(other.chain_id))
                assert link.partner.chain_id == str(other.chain_id)
                assert (link.partner.is_customer, link.partner.is_supplier) == (side is up, side is down)

    def test_stays_with_the_enterprise_it_was_made_for(self, pair):
        up, down = pair
        third = found("D2", "经销商二")
        with up.enter():
            link = show(load_link(up), up.ctx())
            assert describe("chain.link", up.ctx())["fields"]["partner_chain_id"]["once"]
            other = link | {"partner_chain_id": str(third.chain_id)}
            assert refusal(save, "chain.link", up.ctx(), other, link["id"]) == [("partner_chain_id", None)]
            kept = save("chain.link", up.ctx(), link | {"partner_chain_id": "", "note": "老客户"}, link["id"])
            assert (kept.header.partner_chain_id, kept.header.note) == (str(down.chain_id), "老客户")


def load_link(side):
    return load(find_document("chain.link"), side.ctx(), Link.objects.get().id)


class TestTraffic:
    def test_arrives_takes_effect_and_is_answered(self, pair):
        up, down = pair
        down.say(text="订单一")
        settle(up, down)
        assert up.heard() == ["订单一"]
        assert down.outcomes() == ["applied"]
        with down.enter():
            row = Outbox.objects.get(kind="test.note")
            assert row.sent_at is not None
            assert row.delivered_at is not None

    def test_keeps_the_order_of_every_thread(self, pair):
        up, down = pair
        for number in range(12):
            down.say(thread=number % 3, text=f"{number:02}")
        settle(up, down)
        for thread in range(3):
            assert up.heard(thread) == [f"{number:02}" for number in range(thread, 12, 3)]
        check_whole(down, up)
        check_whole(up, down)

    def test_a_business_refusal_goes_back_with_its_reason_and_leaves_nothing(self, pair):
        up, down = pair
        down.say(text="refuse")
        down.say(text="next")
        settle(up, down)
        assert up.heard() == ["next"]
        assert down.outcomes() == ["rejected", "applied"]
        with down.enter():
            problem = Outbox.objects.get(outcome="rejected").problems[0]
        assert problem == {
            "field": "product",
            "line": 1,
            "code": "unmapped",
            "message": "没有对应的商品：P-9",
            "text": "没有对应的商品：P-9",
        }

    def test_an_unknown_kind_is_rejected_as_unsupported(self, pair):
        up, down = pair
        down.say(kind="test.unknown")
        settle(up, down)
        assert down.outcomes() == ["rejected"]
        with down.enter():
            assert Outbox.objects.get(kind="test.unknown").problems[0]["code"] == "unsupported"

    def test_a_receipt_is_not_receipted(self, pair):
        up, down = pair
        down.say()
        settle(up, down)
        with up.enter():
            assert Outbox.objects.filter(kind="message.receipt").count() == 1
        with down.enter():
            assert not Outbox.objects.filter(kind="message.receipt").exists()


class TestKills:
    @pytest.mark.parametrize("times", [1, 2])
    def test_at_every_point_lose_and_double_nothing(self, pair, times):
        up, down = pair
        said = []
        for point in POINTS:
            left = kill_at(point, times)
            said += say_four_until_killed(up, down, point)
            faults.disarm()
            settle(up, down)
            assert left[0] <= 0, f"the program never came by {point}"
            assert sorted(up.heard()) == sorted(said), point
            assert down.outcomes() == ["applied"] * len(said), point
        check_whole(down, up)
        check_whole(up, down)

    @pytest.mark.parametrize("point", ["chain.before_letter"])
    def test_a_letter_is_read_after_all(self, pair, point):
        up, down = pair
        with up.enter():
            move("chain.link", up.ctx(), Link.objects.get().id, "dissolve")
        kill_at(point)
        with pytest.raises(Killed):
            worker.drain([down.id])
        worker.drain([down.id])
        with down.enter():
            assert Link.objects.get().state == "dissolved"
            assert set(Lane.objects.values_list("state", flat=True)) == {"closed"}


def say_four_until_killed(up, down, point):
    """Queue and carry four messages on two threads, going on after a kill; returns those that were committed."""
    said = []
    for number in range(4):
        text = f"{point} {number}"
        with contextlib.suppress(Killed):
            down.say(thread=number % 2, text=text)
            said.append(text)
        with contextlib.suppress(Killed):
            worker.drain([down.id, up.id])
    return said


class TestPoison:
    def test_delays_no_other_thread_and_completes_in_order_after_release(self, pair):
        up, down = pair
        CURED.clear()
        down.say(thread=1, text="poison")
        for number in range(3):
            down.say(thread=1, text=f"behind {number}")
            down.say(thread=2, text=f"other {number}")
        settle(up, down)
        assert up.heard(1) == []
        assert up.heard(2) == ["other 0", "other 1", "other 2"]
        assert sorted(down.outcomes()) == ["", "", "", "applied", "applied", "applied", "quarantined"]
        CURED.add("poison")
        release(up)
        settle(up, down)
        assert up.heard(1) == ["poison", "behind 0", "behind 1", "behind 2"]
        assert set(down.outcomes()) == {"applied"}

    def test_a_refusal_that_cannot_be_sent_is_counted_and_delays_no_other_thread(self, pair):
        up, down = pair
        down.say(thread=1, text="refuse and fail")
        down.say(thread=2, text="other")
        settle(up, down)
        assert up.heard(2) == ["other"]
        with up.enter():
            waiting = Inbox.objects.get(state="new")
            assert (waiting.tries, waiting.problems[0]["code"]) == (1, "failure")
            assert waiting.next_at is not None

    def test_can_be_rejected_with_a_reason_and_its_thread_goes_on(self, pair):
        up, down = pair
        CURED.clear()
        down.say(thread=1, text="poison")
        down.say(thread=1, text="behind")
        settle(up, down)
        with up.enter():
            applying.reject(up.ctx(), Inbox.objects.get(state="quarantined").id, "读不懂")
        settle(up, down)
        assert up.heard() == ["behind"]
        assert down.outcomes() == ["rejected", "applied"]
        with down.enter():
            assert Outbox.objects.get(outcome="rejected").problems[0]["message"] == "读不懂"

    def test_a_failure_is_tried_eight_times_before_its_thread_stops(self, pair):
        up, down = pair
        CURED.clear()
        down.say(thread=1, text="fail")
        for tries in range(1, 8):
            settle(up, down)
            assert [row.tries for row in up.inbox()] == [tries]
        settle(up, down)
        assert [(row.tries, row.state) for row in up.inbox()] == [(8, "quarantined")]
        assert up.heard() == []

    def test_a_failure_that_passes_leaves_no_trace(self, pair):
        up, down = pair
        CURED.clear()
        down.say(thread=1, text="fail")
        settle(up, down)
        CURED.add("fail")
        settle(up, down)
        assert up.heard() == ["fail"]
        assert down.outcomes() == ["applied"]


class TestWindow:
    def test_holds_the_unapplied_below_it_and_drains(self, pair, monkeypatch):
        up, down = pair
        up.change_lane(out=False, window=3)
        for number in range(10):
            down.say(thread=number, text=f"{number}")
        with monkeypatch.context() as stopped:
            stopped.setattr(applying, "apply_next", lambda enterprise_id: 0)
            settle(down)
            assert len(up.inbox()) == 3
            assert down.lane(out=True).last_error.startswith("429")
        for _ in range(5):
            settle(up, down)
        assert sorted(up.heard()) == [f"{number}" for number in range(10)]

    def test_is_not_filled_by_a_stopped_thread(self, pair):
        up, down = pair
        CURED.clear()
        up.change_lane(out=False, window=3)
        for number in range(6):
            down.say(thread=1, text="poison" if number == 0 else f"behind {number}")
        down.say(thread=2, text="other")
        for _ in range(5):
            settle(up, down)
        assert up.heard() == ["other"]
        CURED.add("poison")
        release(up)
        for _ in range(5):
            settle(up, down)
        assert up.heard(1) == ["poison", *(f"behind {number}" for number in range(1, 6))]


def test_a_long_queue_of_one_partner_does_not_hold_up_another(pair):
    up, down = pair
    other = found("D2", "经销商二")
    join(other)
    link_quietly(up, other)
    for number in range(applying.AT_ONCE + 10):
        down.say(thread=number, text="many")
    other.say(thread=1000, text="one")
    for side in (down, other):
        lane = side.lane(out=True).id
        sequencing.number(side.id, lane)
        sending.send(side.id, lane, local)
    applying.apply_next(up.id)
    assert "one" in up.heard()
    assert len(up.heard()) == applying.AT_ONCE


def release(side):
    """The operator's button."""
    with side.enter():
        applying.release(side.ctx(), Inbox.objects.get(state="quarantined").id)


def test_thread_versions_are_kept_apart_by_lane(pair):
    up, down = pair
    down.say(thread=1, text="a")
    settle(up, down)
    up.say(thread=1, text="b")
    settle(up, down)
    assert (up.heard(), down.heard()) == (["a"], ["b"])
    with up.enter():
        assert Thread.objects.filter(thread=uuid.UUID(int=1)).count() == 2
