"""T2: what must not pass does not, and its twin does: credentials, users, roles, links, keys, altered bytes, forks."""

import contextlib
import dataclasses
import datetime as dt
import json
import random
import threading
import uuid

import pytest
from django.db import connections
from django.utils import translation

from tests.chain.conftest import found, join
from tests.chain.conftest import link_quietly as link
from tests.chain.test_chain import check_whole, settle
from yunlian.chain import account, credentials, lanes, membership, rotation, sequencing, signing, worker
from yunlian.chain.models import Credential, Lane, Link, Outbox, Pass
from yunlian.chain.transport import local
from yunlian.chain.wire import Batch, Sealed
from yunlian.kernel.document import Invalid, Refused
from yunlian.kernel.identity import new_id
from yunlian.kernel.save import save
from yunlian.kernel.steps import move
from yunlian.masters.models import Partner
from yunlian.org.models import Employee, EmployeeRole, Enterprise, RoleVerb


def batch_of(side, *, first=1, count=100, **changes):
    """The batch a side would send from a position."""
    lane = side.lane(out=True)
    with side.enter():
        sequencing.number(side.id, lane.id)
        rows = Outbox.objects.filter(lane_id=lane.id, seq__gte=first).order_by("seq")[:count]
        sealed = tuple(Sealed(row.text, row.key_id, row.signature) for row in rows)
        token = membership.standing().token
    plain = Batch(
        sender=side.chain_id, token=token, lane=lane.id, epoch=lane.epoch, after=first - 1, messages=sealed
    )
    return dataclasses.replace(plain, **changes)


def refused(up, down, batch):
    """Hand over a batch that must not be stored; returns the answer's status and code."""
    before = len(up.inbox())
    answer = local(up.chain_id, batch)
    assert answer.status != 202
    assert len(up.inbox()) == before
    return answer.status, answer.code


class TestCredential:
    @pytest.mark.parametrize("ending", ["revoked", "expired", "service ended"])
    def test_that_ended_lets_messages_wait_until_it_is_renewed(self, pair, ending):
        up, down = pair
        end(down, ending)
        down.say(text="waits")
        settle(up, down)
        assert up.heard() == []
        assert up.inbox() == []
        assert down.lane(out=True).last_error
        join(down)
        settle(up, down)
        assert up.heard() == ["waits"]
        assert down.outcomes() == ["applied"]

    @pytest.mark.parametrize("ending", ["revoked", "expired", "service ended"])
    def test_that_ended_at_the_receiver_refuses_until_it_is_renewed(self, pair, ending):
        up, down = pair
        end(up, ending)
        down.say(text="waits")
        settle(up, down)
        assert up.inbox() == []
        assert down.lane(out=True).state == "held"
        join(up)
        settle(up, down)
        assert up.heard() == ["waits"]
        assert down.lane(out=True).state == "open"

    def test_is_shown_once_and_kept_as_a_digest(self, pair):
        up, _down = pair
        with up.enter():
            until = (account.database_now() + dt.timedelta(days=1)).isoformat()
            made = save("chain.credential", up.ctx(), {"name": "another", "valid_until": until}).header
            assert made.token.startswith("ylc_")
            assert len(made.token) > 45
            stored = Credential.objects.get(id=made.id)
            assert made.token not in json.dumps({k: str(v) for k, v in stored.__dict__.items()})
            assert credentials.judge(credentials.digest(made.token)).code == "not_a_member"

    def test_of_another_enterprise_does_not_open(self, pair):
        up, down = pair
        third = found("D2", "经销商二")
        join(third)
        link(up, third)
        down.say()
        with third.enter():
            stolen = membership.standing().token
        batch = batch_of(down)
        assert refused(up, down, dataclasses.replace(batch, token=stolen)) == (401, "credential_of_another")
        assert refused(up, down, dataclasses.replace(batch, token=stolen, sender=third.chain_id)) == (
            404,
            "no_lane",
        )
        assert refused(up, down, dataclasses.replace(batch, token=b"x" * 32)) == (401, "credential_unknown")
        assert local(up.chain_id, batch).status == 202

    def test_cannot_be_joined_with_when_it_belongs_to_another_user(self, pair):
        up, _down = pair
        with up.enter():
            other = Employee.objects.create(code="E1", name="店长", **_record())
            until = (account.database_now() + dt.timedelta(days=1)).isoformat()
            body = {"name": "x", "valid_until": until}
            with pytest.raises(Invalid) as refusal:
                save("chain.credential", up.ctx(), body | {"employee": str(other.id)})
            assert [(p.field, p.code) for p in refusal.value.problems] == [("employee", "wrong_user")]
            theirs = save("chain.credential", up.ctx(), body).header
            Credential.objects.filter(id=theirs.id).update(employee_id=other.id)
            with pytest.raises(Refused) as refusal:
                membership.join(up.ctx(), theirs.id)
            assert refusal.value.problems[0].message == membership.REASONS["wrong_user"]

    @pytest.mark.parametrize("what", ["another user", "no role", "inactive"])
    def test_needs_the_communication_user_and_its_role(self, pair, what):
        up, down = pair
        down.say(text="waits")
        with contextlib.ExitStack() as back:
            spoil(up, what, back)
            settle(up, down)
            assert up.inbox() == []
        settle(up, down)
        assert up.heard() == ["waits"]

    def test_revoked_at_any_moment_parts_the_commits_in_before_and_after(self, pair):
        up, down = pair
        for number in range(60):
            down.say(thread=number, text=f"{number}")
        batches = [batch_of(down, first=n, count=1) for n in range(1, 61)]
        answers, begun, some = [], [], threading.Event()

        def accept_all():
            for one in batches:
                begun.append(dt.datetime.now(dt.UTC))
                answers.append(local(up.chain_id, one))
                if len(answers) == 5:
                    some.set()
            connections.close_all()

        worker_ = threading.Thread(target=accept_all)
        worker_.start()
        some.wait(10)
        end(down, "revoked")
        returned = dt.datetime.now(dt.UTC)
        worker_.join()
        statuses = [answer.status for answer in answers]
        assert len(up.inbox()) == statuses.count(202) < 60
        assert statuses == [202] * statuses.count(202) + [401] * (60 - statuses.count(202))
        assert all(status == 401 for at, status in zip(begun, statuses, strict=True) if at > returned)
        join(down)
        settle(up, down)
        assert len(up.heard()) == 60


class TestRole:
    def test_without_the_verb_holds_the_lane_until_it_is_granted(self, pair):
        up, down = pair
        with up.enter():
            RoleVerb.objects.filter(verb="edit").delete()
        down.say(text="waits")
        settle(up, down)
        assert up.inbox() == []
        assert down.lane(out=True).state == "held"
        assert "test.note.edit" in down.lane(out=True).last_error
        with down.enter():
            (seen,) = [lane for lane in lanes.lanes() if lane["direction"] == "out"]
            with translation.override("en"):
                told = [lane["reason"] for lane in lanes.lanes() if lane["direction"] == "out"]
        assert seen["reason"] == "对方的“业务协同”角色不能接收“test.note”：缺少权限“test.note.edit”。"
        assert told == [
            "The partner's role for collaboration does not take “test.note”: it lacks “test.note.edit”."
        ]
        with up.enter():
            role = EmployeeRole.objects.get().role_id
            RoleVerb.objects.create(id=new_id(), role_id=role, code="test.note", verb="edit")
        settle(up, down)
        assert up.heard() == ["waits"]


class TestLink:
    def test_dissolved_closes_the_lanes_and_keeps_the_rows(self, pair):
        up, down = pair
        down.say(text="before")
        settle(up, down)
        old = batch_of(down)
        with up.enter():
            move("chain.link", up.ctx(), Link.objects.get().id, "dissolve")
        assert refused(up, down, old) == (410, "dissolved")
        settle(up, down)
        with down.enter():
            assert Link.objects.get().state == "dissolved"
        with pytest.raises(Link.DoesNotExist):
            down.say()
        assert len(up.inbox()) == 1

    def test_stays_with_its_enterprise_and_its_partner_record(self, pair):
        up, _down = pair
        other = found("D2", "经销商二")
        with up.enter():
            stored = Link.objects.get()
            wrong = save("masters.partner", up.ctx(), {"code": "X", "name": "别人", "is_customer": True}).pk
            body = {
                "version": stored.version,
                "code": stored.code,
                "name": "n",
                "partner": str(stored.partner_id),
            }
            for change in ({"partner_chain_id": str(other.chain_id)}, {"partner": str(wrong)}):
                with pytest.raises(Refused):
                    save("chain.link", up.ctx(), body | change, stored.id)
            save("chain.link", up.ctx(), body | {"note": "好"}, stored.id)
            assert Link.objects.get().partner_chain_id == stored.partner_chain_id

    def test_dissolved_frees_the_partner_record(self, pair):
        up, down = pair
        with up.enter():
            move("chain.link", up.ctx(), Link.objects.get().id, "dissolve")
        settle(up, down)
        for side in pair:
            with side.enter():
                assert Partner.objects.get().chain_id == ""

    def test_can_be_made_again_after_it_was_refused(self, transactional_db, settings):
        settings.CHAIN_SECRET = "a secret that is in no dump"
        up, down = found("HQ", "总部"), found("D1", "经销商一")
        join(up)
        join(down)
        with up.enter():
            save("chain.link", up.ctx(), {"partner_chain_id": "D1"})
        worker.drain([down.id])
        with down.enter():
            move("chain.link", down.ctx(), Link.objects.get().id, "refuse", reason="不合作")
        worker.drain([up.id])
        with up.enter():
            refused_link = Link.objects.get()
            assert (refused_link.state, refused_link.reason) == ("refused", "不合作")
        link(up, down)
        down.say(text="after")
        settle(up, down)
        assert up.heard() == ["after"]

    def test_is_not_invited_twice_nor_to_oneself_nor_before_joining(self, pair):
        up, _down = pair
        lonely = found("D3", "经销商三")
        for side, to in ((up, "D1"), (up, "HQ"), (up, "NOBODY"), (lonely, "HQ")):
            with side.enter(), pytest.raises(Refused):
                save("chain.link", side.ctx(), {"partner_chain_id": to})


class TestAuthenticity:
    def test_any_altered_field_is_refused_and_the_true_message_passes(self, pair):
        up, down = pair
        down.say()
        batch = batch_of(down)
        true = batch.messages[0]
        whole = json.loads(true.text)
        for name, value in whole.items():
            for other in alterations(value):
                text = json.dumps(whole | {name: other}, ensure_ascii=False, separators=(",", ":"))
                status, _code = refused(up, down, with_message(batch, dataclasses.replace(true, text=text)))
                assert status in (400, 401, 413), name
        assert local(up.chain_id, batch).status == 202

    def test_any_altered_byte_is_refused(self, pair):
        up, down = pair
        down.say()
        batch = batch_of(down)
        true = batch.messages[0]
        for position in random.Random(1).sample(range(len(true.text)), 60):
            text = true.text[:position] + chr(ord(true.text[position]) ^ 1) + true.text[position + 1 :]
            assert refused(up, down, with_message(batch, dataclasses.replace(true, text=text)))[0] in (
                400,
                401,
            )
        assert local(up.chain_id, batch).status == 202

    def test_an_altered_repetition_is_refused_without_freezing_the_lane(self, pair):
        up, down = pair
        down.say()
        batch = batch_of(down)
        assert local(up.chain_id, batch).status == 202
        true = batch.messages[0]
        altered = with_message(batch, dataclasses.replace(true, text=true.text.replace("plain", "paint")))
        assert refused(up, down, altered) == (401, "bad_signature")
        assert up.lane(out=False).state == "open"

    def test_the_signature_of_another_message_key_or_lane_is_refused(self, pair):
        up, down = pair
        down.say(thread=1)
        down.say(thread=2)
        up.say(thread=3)
        batch = batch_of(down)
        first, second = batch.messages
        theirs = batch_of(up).messages[0]
        swapped = dataclasses.replace(first, signature=second.signature)
        with down.enter():
            foreign = signing.make(down.ctx())
            unknown = dataclasses.replace(first, key_id=foreign.key_id)
        for bad in (swapped, unknown, dataclasses.replace(first, signature=""), theirs):
            assert refused(up, down, with_message(batch, bad))[0] in (400, 401)
        assert local(up.chain_id, batch).accepted_through == 2

    @pytest.mark.parametrize(
        ("changes", "code"),
        [
            ({"lane": uuid.UUID(int=9)}, "no_lane"),
            ({"sender": uuid.UUID(int=9)}, "credential_of_another"),
            ({"token": b""}, "credential_unknown"),
            ({"epoch": 0}, "stale_epoch"),
            ({"epoch": 2}, "unknown_epoch"),
            ({"after": 7}, "gap"),
        ],
    )
    def test_any_altered_header_of_the_batch_is_refused(self, pair, changes, code):
        up, down = pair
        down.say()
        empty_after = {} if "after" not in changes else {"messages": ()}
        assert refused(up, down, batch_of(down, **changes, **empty_after))[1] == code

    def test_too_much_at_once_is_refused(self, pair):
        up, down = pair
        down.say()
        batch = batch_of(down)
        assert refused(up, down, dataclasses.replace(batch, messages=batch.messages * 101)) == (
            413,
            "too_large",
        )
        long = Sealed("x" * (1024 * 1024 + 1), "", "")
        assert refused(up, down, dataclasses.replace(batch, messages=(long,))) == (413, "too_large")


class TestKeys:
    def test_rotation_loses_nothing_and_ends_in_the_new_key(self, pair):
        up, down = pair
        down.say(text="old key")
        with down.enter():
            new = rotation.rotate(down.ctx())
        down.say(text="still old key")
        settle(up, down)
        down.say(text="new key")
        settle(up, down)
        assert up.heard() == ["old key", "still old key", "new key"]
        with down.enter():
            used = Outbox.objects.filter(kind="test.note").order_by("seq").values_list("key_id", flat=True)
            assert [key == new.key_id for key in used] == [False, False, True]


class TestOrder:
    def test_a_batch_out_of_order_is_a_gap_and_heals(self, pair):
        up, down = pair
        for number in range(4):
            down.say(text=f"{number}")
        assert refused(up, down, batch_of(down, first=3)) == (409, "gap")
        down.change_lane(out=True, accepted=3)
        settle(up, down)
        assert up.heard() == ["0", "1", "2", "3"]
        check_whole(down, up)

    def test_a_day_replayed_twice_and_shuffled_changes_nothing(self, pair):
        up, down = pair
        for number in range(6):
            down.say(thread=number % 2, text=f"{number}")
        settle(up, down)
        batches = [batch_of(down, first=first, count=count) for first in range(1, 7) for count in (1, 3, 9)]
        before = [(row.seq, row.state, row.digest) for row in up.inbox()]
        for one in [*batches, *random.Random(2).sample(batches, len(batches))]:
            answer = local(up.chain_id, one)
            assert (answer.status, answer.accepted_through) == (202, 6)
        settle(up, down)
        assert [(row.seq, row.state, row.digest) for row in up.inbox()] == before
        assert len(up.heard()) == 6


class TestBranches:
    def test_a_sender_restored_without_a_handshake_is_frozen_before_any_effect(self, pair):
        up, down = pair
        down.say(text="kept")
        settle(up, down)
        backup = dump(down)
        down.say(thread=2, text="lost by the restore")
        settle(up, down)
        restore(down, backup)
        down.say(thread=3, text="another truth")
        settle(up, down)
        assert up.heard() == ["kept", "lost by the restore"]
        assert down.lane(out=True).state == "frozen"

    def test_a_copy_that_goes_on_speaking_freezes_the_lane(self, pair):
        up, down = pair
        down.say(text="common")
        settle(up, down)
        backup = dump(down)
        down.say(thread=2, text="original")
        original = batch_of(down, first=2)
        restore(down, backup)
        down.say(thread=3, text="copy")
        copied = batch_of(down, first=2)
        assert local(up.chain_id, original).status == 202
        assert refused(up, down, copied) == (409, "fork")
        assert up.lane(out=False).state == "frozen"
        assert refused(up, down, original) == (409, "fork")

    def test_a_copied_database_cannot_sign(self, pair, settings):
        from yunlian.chain.keys import Locked

        _up, down = pair
        down.say()
        settings.CHAIN_SECRET = "the secret of a test copy"
        with pytest.raises(Locked):
            sequencing.number(down.id, down.lane(out=True).id)


def dump(side):
    """What a backup would bring back of the lane out."""
    with side.enter():
        return Lane.objects.get(is_out=True), list(Outbox.objects.values_list("id", flat=True))


def restore(side, backup):
    lane, known = backup
    with side.enter():
        Outbox.objects.exclude(id__in=known).delete()
        lane.save()


def end(side, ending):
    """End what lets a side take part."""
    with side.enter():
        past = account.database_now() - dt.timedelta(seconds=1)
        credential = Credential.objects.filter(state="valid").latest("created_at")
        if ending == "revoked":
            move("chain.credential", side.ctx(), credential.id, "revoke")
        elif ending == "expired":
            begun = past - dt.timedelta(days=1)
            Credential.objects.update(valid_from=begun, valid_until=past)
            Pass.objects.filter(enterprise_id=side.id).update(valid_from=begun, valid_until=past)
        else:
            Pass.objects.filter(enterprise_id=side.id).update(member_until=past)


def spoil(side, what, back):
    """Take away what the communication user needs; `back` puts it back."""
    enterprise = Enterprise.objects.get(pk=side.id)
    with side.enter():
        if what == "another user":
            other = Employee.objects.create(code="E1", name="店长", **_record())
            EmployeeRole.objects.create(
                id=new_id(), employee_id=other.id, role_id=EmployeeRole.objects.get().role_id
            )
            Enterprise.objects.filter(pk=side.id).update(communication_id=other.id)
            back.callback(
                Enterprise.objects.filter(pk=side.id).update, communication_id=enterprise.communication_id
            )
            return
        model, column, bad, good = (
            (EmployeeRole, "role_id", None, None)
            if what == "no role"
            else (Employee, "is_active", False, True)
        )
        if what == "inactive":
            Employee.objects.update(**{column: bad})
        else:
            held = EmployeeRole.objects.get()
            EmployeeRole.objects.all().delete()

    def undo():
        with side.enter():
            if what == "inactive":
                model.objects.update(**{column: good})
            else:
                held.save(force_insert=True)

    back.callback(undo)


def alterations(value):
    """Other values of the same kind, close to the true one."""
    if isinstance(value, int):
        return (value + 1,)
    if isinstance(value, dict):
        return ({**value, "text": "other"}, {**value, "more": 1})
    return (value[:-1] + ("0" if value[-1] != "0" else "1"), value + "0")


def with_message(batch, sealed):
    return dataclasses.replace(batch, messages=(sealed, *batch.messages[1:]))


def _record():
    now, nobody = dt.datetime.now(dt.UTC), uuid.UUID(int=0)
    return {"id": new_id(), "created_at": now, "updated_at": now, "created_by": nobody, "updated_by": nobody}
