"""T2: after a restore hands are shaken, nothing is lost and nothing doubled (A11); of two branches a person chooses."""

import contextlib
import dataclasses
import uuid

import pytest
from django.db import connection

from tests.chain.conftest import Killed, kill_at
from tests.chain.restoring import Backup
from tests.chain.test_chain import check_whole, settle
from tests.chain.test_gate import batch_of
from yunlian.chain import envelope, hashpath, operating, recovery, sequencing, worker
from yunlian.chain.models import Attempt, Inbox, Incarnation, Lane, Membership, Outbox, Stray
from yunlian.chain.transport import local
from yunlian.kernel import faults
from yunlian.kernel.document import Refused


@pytest.fixture
def backup(postgres_server):
    """Takes backups of enterprises."""
    taken = []

    def take(side) -> Backup:
        taken.append(Backup(postgres_server.admin(connection.settings_dict["NAME"]), side.id))
        return taken[-1]

    yield take
    for one in taken:
        one.close()


def choose(side, *, out: bool, branch: str) -> None:
    """The operator's button."""
    with side.enter():
        operating.choose(side.ctx(), Lane.objects.get(is_out=out).id, branch, "看过两条分支")


def check_agreed(up, down):
    """Both lanes flow, gapless, and every message of ours that was not void has an outcome."""
    for sender, receiver in ((up, down), (down, up)):
        check_whole(sender, receiver)
        assert sender.lane(out=True).state == receiver.lane(out=False).state == "open"
        assert sender.lane(out=True).last_seq == receiver.lane(out=False).accepted
        assert set(sender.outcomes()) <= {"applied", "rejected"}


class TestHandshake:
    def test_brings_our_later_messages_back_before_anything_new_is_numbered(self, pair, backup):
        up, down = pair
        down.say(thread=1, text="kept")
        settle(up, down)
        kept = backup(down)
        down.say(thread=1, text="sent after the backup")
        down.say(thread=2, text="sent after it too")
        up.say(thread=9, text="heard after the backup")
        settle(up, down)
        with down.enter():
            sent = list(Outbox.objects.order_by("seq").values_list("id", "seq", "text"))
        kept.bring_back()
        assert recovery.restored() == 2
        down.say(thread=1, text="written before hands were shaken")
        with down.enter():
            lane = Lane.objects.get(is_out=True)
        assert sequencing.number(down.id, lane.id) == 0
        settle(up, down)
        assert up.heard(1) == ["kept", "sent after the backup", "written before hands were shaken"]
        assert up.heard(2) == ["sent after it too"]
        assert down.heard(9) == ["heard after the backup"]
        with down.enter():
            found = {row.id: (row.seq, row.text) for row in Outbox.objects.all()}
            assert all(found[id_] == (seq, text) for id_, seq, text in sent)
            assert Outbox.objects.filter(recovered_at__isnull=False).count() == 3  # two notes and a receipt
        check_agreed(up, down)

    def test_keeps_the_epoch_in_which_a_message_was_numbered_and_fences_the_one_before(self, pair, backup):
        up, down = pair
        down.say(text="first epoch")
        settle(up, down)
        old = batch_of(down, first=2)
        kept = backup(down)
        down.say(text="lost and fetched back")
        settle(up, down)
        kept.bring_back()
        recovery.restored()
        settle(up, down)
        down.say(text="second epoch")
        settle(up, down)
        with down.enter():
            texts = (
                Outbox.objects.exclude(kind="message.receipt").order_by("seq").values_list("text", flat=True)
            )
            assert [envelope.read(text).epoch for text in texts] == [1, 1, 2]
            assert Membership.objects.get().epoch == 2
        answer = local(up.chain_id, old)
        assert (answer.status, answer.code, answer.epoch) == (409, "stale_epoch", 2)
        assert local(up.chain_id, batch_of(down, first=4)).status == 202

    def test_notices_by_itself_that_the_receiver_has_more(self, pair, backup):
        up, down = pair
        down.say(text="kept")
        settle(up, down)
        kept = backup(down)
        down.say(thread=2, text="after the backup")
        settle(up, down)
        kept.bring_back()
        down.change_lane(out=True, answered_at=None)  # time to ask an idle partner
        settle(up, down)
        down.say(thread=3, text="new")
        settle(up, down)
        assert up.heard() == ["kept", "after the backup", "new"]
        check_agreed(up, down)

    def test_notices_another_database_line_of_history_or_cluster(self, pair):
        up, down = pair
        assert not recovery.notice()
        assert not recovery.notice()
        for column in ("cluster", "timeline", "database"):
            Incarnation.objects.update(**{column: 7})
            assert recovery.notice()
            assert {side.lane(out=True).state for side in pair} == {"behind"}
            assert not recovery.notice()
            down.say(text=column)
            settle(up, down)
        assert up.heard() == ["cluster", "timeline", "database"]
        check_agreed(up, down)

    def test_a_receiver_restored_hears_again_what_it_forgot_once(self, pair, backup):
        up, down = pair
        down.say(thread=1, text="kept")
        settle(up, down)
        kept = backup(up)
        down.say(thread=1, text="forgotten")
        down.say(thread=2, text="forgotten too")
        settle(up, down)
        kept.bring_back()
        recovery.restored()
        down.say(thread=1, text="after")
        settle(up, down)
        assert up.heard(1) == ["kept", "forgotten", "after"]
        assert up.heard(2) == ["forgotten too"]
        check_agreed(up, down)

    def test_both_restored_from_different_moments_agree_again(self, pair, backup):
        up, down = pair
        early = backup(up)
        down.say(thread=1, text="one")
        settle(up, down)
        late = backup(down)
        down.say(thread=1, text="two")
        up.say(thread=5, text="from above")
        settle(up, down)
        early.bring_back()
        late.bring_back()
        recovery.restored()
        settle(up, down)
        down.say(thread=1, text="three")
        settle(up, down)
        # What neither backup holds is gone; what one of them holds is not.
        assert up.heard(1) == ["one", "three"]
        assert down.heard(5) == []
        check_agreed(up, down)

    def test_restored_twice_from_the_same_backup_still_fences(self, pair, backup):
        up, down = pair
        kept = backup(down)
        for number in range(2):
            down.say(thread=number, text=f"{number}")
            settle(up, down)
            kept.bring_back()
            recovery.restored()
            settle(up, down)
        assert down.lane(out=True).epoch == up.lane(out=False).epoch >= 3
        assert sorted(up.heard()) == ["0", "1"]
        check_agreed(up, down)

    def test_of_a_link_long_idle_changes_nothing(self, pair):
        up, down = pair
        recovery.restored()
        settle(up, down)
        check_agreed(up, down)
        assert up.heard() == []

    @pytest.mark.parametrize("times", [1, 2])
    def test_killed_anywhere_on_the_way_back_arrives_all_the_same(self, pair, backup, times):
        up, down = pair
        points = ("before_greeting", "while_greeting", "after_greeting", "after_greeted", "after_fetch",
                  "while_importing", "after_import", "after_recovery")  # fmt: skip
        said = []
        for number, point in enumerate(points):
            kept = backup(down)
            for text in (f"{number} lost", f"{number} lost too"):
                down.say(thread=number, text=text)
            settle(up, down)
            kept.bring_back()
            recovery.restored()
            down.say(thread=number, text=f"{number} new")
            said += [f"{number} lost", f"{number} lost too", f"{number} new"]
            left = kill_at(f"chain.{point}", times)
            for _attempt in range(times):
                with contextlib.suppress(Killed):
                    settle(up, down)
            faults.disarm()
            settle(up, down)
            assert left[0] < times, f"the program never came by {point}"
            assert up.heard() == said, point
        check_agreed(up, down)

    def test_a_copy_without_the_secret_cannot_shake_hands(self, pair, settings):
        from yunlian.chain.keys import Locked

        up, down = pair
        recovery.restored()
        settings.CHAIN_SECRET = "the secret of a test copy"
        with pytest.raises(Locked):
            worker.work(down.id)
        assert up.lane(out=False).epoch == 1

    def test_gives_back_only_to_whoever_sent_them(self, pair):
        up, down = pair
        down.say()
        settle(up, down)
        lane = down.lane(out=True).id
        with up.enter():
            token = recovery.membership.standing().token
        foreign = recovery.Fetch(sender=up.chain_id, token=token, lane=lane, after=0)
        assert (local(up.chain_id, foreign).status, local(up.chain_id, foreign).messages) == (404, ())
        with down.enter():
            token = recovery.membership.standing().token
        ours = recovery.Fetch(sender=down.chain_id, token=token, lane=lane, after=0)
        assert len(local(up.chain_id, ours).messages) == 1

    def test_an_altered_or_foreign_greeting_is_refused_and_the_true_one_passes(self, pair):
        up, down = pair
        recovery.restored()
        turn = recovery._begin(down.id, down.lane(out=True).id, "behind")
        true = turn.greeting()
        text, key, signature = true.letter.text, true.letter.key_id, true.letter.signature
        other = uuid.UUID(int=9)
        for letter, code in (
            (recovery.Sealed(text.replace('"epoch":2', '"epoch":9'), key, signature), "bad_signature"),
            (recovery.Sealed(text, key, ""), "bad_signature"),
        ):
            bad = recovery.Greeting(sender=down.chain_id, token=true.token, lane=true.lane, letter=letter)
            assert local(up.chain_id, bad).code == code
        assert local(up.chain_id, dataclasses.replace(true, lane=other)).code == "no_lane"
        assert up.lane(out=False).epoch == 1
        assert local(up.chain_id, true).status == 202
        assert local(up.chain_id, true).code == "stale_epoch"


class TestBranches:
    def forked(self, pair, backup):
        """A restored dealer that went on without shaking hands: two branches after one common message."""
        up, down = pair
        down.say(thread=1, text="common")
        settle(up, down)
        down.say(thread=2, text="queued in the backup")
        kept = backup(down)
        down.say(thread=1, text="first branch")
        settle(up, down)
        kept.bring_back()
        down.say(thread=1, text="second branch")
        settle(up, down)
        return up, down

    def test_freeze_and_show_an_operator_both(self, pair, backup):
        up, down = self.forked(pair, backup)
        assert down.lane(out=True).state == up.lane(out=False).state == "frozen"
        with down.enter():
            shown = recovery.branches.both(Lane.objects.get(is_out=True).id)
        assert shown["common"] == 1
        assert shown["choices"] == ["ours", "theirs"]
        assert [row["seq"] for row in shown["ours"]] == [row["seq"] for row in shown["theirs"]] == [2, 3]
        with up.enter():
            shown = recovery.branches.both(Lane.objects.get(is_out=False).id)
        assert shown["choices"] == []
        assert len(shown["theirs"]) == 1

    def test_the_partners_is_chosen_and_ours_follows_behind_it(self, pair, backup):
        up, down = self.forked(pair, backup)
        choose(down, out=True, branch="theirs")
        settle(up, down)
        assert up.heard(1) == ["common", "first branch", "second branch"]
        assert up.heard(2) == ["queued in the backup"]
        check_agreed(up, down)
        with down.enter():
            assert Attempt.objects.get(act="choose theirs").detail == "看过两条分支"

    def test_ours_is_chosen_and_the_partner_puts_theirs_aside(self, pair, backup):
        up, down = self.forked(pair, backup)
        choose(down, out=True, branch="ours")
        settle(up, down)
        assert down.lane(out=True).state == "behind"
        assert up.lane(out=False).state == "frozen"
        held = [row.digest for row in up.inbox() if row.seq > 1 and row.kind == "test.note"]
        choose(up, out=False, branch="theirs")
        settle(up, down)
        # What had taken effect stays in the books; what was said on both branches takes effect once.
        assert up.heard(1) == ["common", "first branch", "second branch"]
        assert up.heard(2) == ["queued in the backup"]
        check_agreed(up, down)
        with up.enter():
            assert (
                list(Stray.objects.filter(side="aside").order_by("seq").values_list("digest", flat=True))
                == held
            )

    def test_nothing_is_chosen_without_a_reason_or_on_a_lane_that_flows(self, pair, backup):
        up, down = pair
        down.say()
        settle(up, down)
        for out in (True, False):
            with pytest.raises(Refused):
                choose(down, out=out, branch="theirs")
        up, down = self.forked(pair, backup)
        with down.enter(), pytest.raises(Refused):
            operating.choose(down.ctx(), Lane.objects.get(is_out=True).id, "theirs", "")
        with pytest.raises(Refused):
            choose(up, out=False, branch="theirs")
        choose(down, out=True, branch="theirs")

    def test_of_two_that_speak_in_turn_the_older_epoch_stops_until_somebody_takes_over(self, pair, backup):
        up, down = pair
        down.say(thread=1, text="common")
        settle(up, down)
        older = backup(down)
        recovery.restored()
        settle(up, down)
        down.say(thread=1, text="the newer one speaks")
        settle(up, down)
        older.bring_back()
        down.say(thread=1, text="the older one speaks")
        settle(up, down)
        assert down.lane(out=True).state == "frozen"
        assert down.lane(out=True).reason == "stale_epoch"
        assert up.heard(1) == ["common", "the newer one speaks"]
        choose(down, out=True, branch="theirs")
        settle(up, down)
        assert up.heard(1) == ["common", "the newer one speaks", "the older one speaks"]
        check_agreed(up, down)

    def test_the_path_is_whole_whichever_is_chosen(self, pair, backup):
        up, down = self.forked(pair, backup)
        choose(down, out=True, branch="theirs")
        settle(up, down)
        with up.enter():
            lane = Lane.objects.get(is_out=False)
            texts = Inbox.objects.filter(lane_id=lane.id).order_by("seq").values_list("text", flat=True)
            assert hashpath.find_break(lane.id, [envelope.read(text) for text in texts]) is None
