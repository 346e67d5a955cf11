"""Jobs happen once or not at all, in fair turns, and can be watched and stopped."""

import datetime as dt
import uuid

import pytest
from django.db import OperationalError
from psycopg import errors

from . import api, faults, jobs, leases, retention, worker
from .events import _after, after
from .jobs import Failed, enqueue
from .models import Due, Job, Lease, Outbox, Task
from .relay import Relay
from .scope import tenant
from .testing import NOW, context, make

CODE = "org.department"


class Gate:
    """Lets every member do everything."""

    def context(self, identity, now):
        return context(identity.enterprise_id, identity.employee_id)


@pytest.fixture(autouse=True)
def open_gate(monkeypatch):
    monkeypatch.setattr(worker, "gate", Gate)
    yield
    faults.disarm()


@pytest.fixture
def work(monkeypatch):
    """Declare what a job of kind `test` does."""

    def declare(act):
        monkeypatch.setitem(jobs.WORKS, "test", jobs.whole(act))

    declare(lambda ctx, job, progress: {"made": make(CODE, ctx).header.code})
    return declare


def departments():
    from django.apps import apps

    return apps.get_model("org.Department").objects.count()


def do_one(after=0, now=None):
    held = worker.claim(after, uuid.uuid4(), now or dt.datetime.now(dt.UTC))
    if held is not None:
        worker.perform(held)
    return held


def state(job):
    return Job.objects.get(id=job.id).state


def test_a_job_is_done_once(ctx, work):
    job = enqueue(ctx, "test")
    assert state(job) == "queued"
    assert do_one() is not None
    assert do_one() is None
    assert (state(job), departments(), Task.objects.count()) == ("done", 1, 0)


def test_what_a_job_did_before_it_failed_is_taken_back(ctx, work):
    def fail(ctx, job, progress):
        make(CODE, ctx)
        raise Failed("不行", {"errors": [{"row": 2, "message": "x"}]})

    work(fail)
    job = enqueue(ctx, "test")
    do_one()
    found = Job.objects.get(id=job.id)
    assert (found.state, found.error, departments()) == ("failed", "不行", 0)
    assert found.result["errors"][0]["row"] == 2


class Killed(BaseException):
    """The process is gone: nothing after this runs."""


def test_a_job_in_steps_goes_on_from_what_it_kept(ctx, monkeypatch):
    def step(ctx, job, progress):
        """Make three departments, one by one; killed after every second transaction."""
        for n in range((job.result or {"made": 0})["made"], 3):
            with tenant(ctx.enterprise_id):
                make(CODE, ctx)
                progress.keep({"made": n + 1})
            if n < 2:
                raise Killed
        return {"steps": departments()}

    monkeypatch.setitem(jobs.WORKS, "test", step)
    job = enqueue(ctx, "test")
    later = dt.datetime.now(dt.UTC)
    for expected in (1, 2):
        with pytest.raises(Killed):
            do_one(now=later)
        assert (state(job), departments()) == ("running", expected)
        later += dt.timedelta(seconds=worker.LEASE_S + 1)
    do_one(now=later)
    assert (state(job), Job.objects.get(id=job.id).result) == ("done", {"steps": 3})


def test_a_deadlock_is_tried_again_from_what_was_kept_and_not_for_ever(ctx, monkeypatch):
    calls = []

    def unlucky(ctx, job, progress):
        calls.append(job.result)
        if len(calls) == worker.MAX_ATTEMPTS:
            with tenant(ctx.enterprise_id):
                progress.keep({"made": 1})
        raise OperationalError("deadlock") from errors.DeadlockDetected("deadlock")

    monkeypatch.setitem(jobs.WORKS, "test", unlucky)
    job = enqueue(ctx, "test")
    for _again in range(worker.MAX_ATTEMPTS + 1):
        do_one()
        assert state(job) == "queued"
    with pytest.raises(OperationalError):
        do_one()
    assert calls == [None] * worker.MAX_ATTEMPTS + [{"made": 1}] * 2


def kill():
    raise Killed


def test_a_killed_workers_job_is_begun_anew_and_nothing_is_done_twice(ctx, work):
    job = enqueue(ctx, "test")
    faults.arm("job.before_end", kill)
    with pytest.raises(Killed):
        do_one()
    faults.disarm()
    assert (state(job), departments()) == ("running", 0)
    assert do_one() is None, "the lease still holds"
    later = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=worker.LEASE_S + 1)
    held = do_one(now=later)
    assert (held.attempt, state(job), departments()) == (2, "done", 1)


def test_killed_after_the_end_it_is_not_begun_again(ctx, work):
    job = enqueue(ctx, "test")
    faults.arm("job.after_end", kill)
    with pytest.raises(Killed):
        do_one()
    faults.disarm()
    later = dt.datetime.now(dt.UTC) + dt.timedelta(hours=1)
    assert do_one(now=later) is None
    assert (state(job), departments()) == ("done", 1)


def test_who_lost_the_lease_cannot_commit(ctx, work):
    job = enqueue(ctx, "test")
    now = dt.datetime.now(dt.UTC)
    slow = worker.claim(0, uuid.uuid4(), now)
    later = now + dt.timedelta(seconds=worker.LEASE_S + 1)
    quick = worker.claim(0, uuid.uuid4(), later)
    assert quick.attempt == 2
    worker.perform(slow)
    assert (state(job), departments()) == ("running", 0)
    worker.beat(slow, later)
    assert slow.is_lost
    worker.perform(quick)
    assert (state(job), departments()) == ("done", 1)


def test_after_three_beginnings_a_job_fails(ctx, work):
    job = enqueue(ctx, "test")
    now = dt.datetime.now(dt.UTC)
    for _attempt in range(worker.MAX_ATTEMPTS):
        assert worker.claim(0, uuid.uuid4(), now) is not None
        now += dt.timedelta(seconds=worker.LEASE_S + 1)
    do_one(now=now)
    assert (state(job), departments()) == ("failed", 0)
    assert do_one(now=now) is None


def test_a_waiting_job_is_cancelled_at_once_and_a_running_one_soon(ctx, work):
    waiting = enqueue(ctx, "test")
    jobs.cancel(ctx, waiting)
    assert state(waiting) == "cancelled"
    assert do_one() is None

    def long(ctx, job, progress):
        make(CODE, ctx)
        jobs.cancel(ctx, job)
        return {}

    work(long)
    running = enqueue(ctx, "test")
    do_one()
    assert (state(running), departments()) == ("cancelled", 0)


def test_a_cancelled_job_learns_it_from_its_beat(ctx, work):
    job = enqueue(ctx, "test")
    now = dt.datetime.now(dt.UTC)
    held = worker.claim(0, uuid.uuid4(), now)
    held.done, held.total = 3, 9
    worker.beat(held, now)
    found = Job.objects.get(id=job.id)
    assert (found.done, found.total, found.state) == (3, 9, "running")
    jobs.cancel(ctx, job)
    worker.beat(held, now)
    with pytest.raises(worker.Cancelled):
        held(4)


def test_a_worker_that_ends_gives_its_job_back(ctx, work):
    def long(ctx, job, progress):
        make(CODE, ctx)
        progress(1)
        return {}

    work(long)
    job = enqueue(ctx, "test")
    held = worker.claim(0, uuid.uuid4(), dt.datetime.now(dt.UTC))
    held.stop.set()
    worker.perform(held)
    assert (state(job), departments()) == ("queued", 0)
    assert do_one().attempt == 1
    assert state(job) == "done"


def test_a_full_disk_fails_the_job_in_words_and_changes_nothing(ctx, work):
    def full(ctx, job, progress):
        make(CODE, ctx)
        raise OperationalError("could not extend file") from errors.DiskFull("could not extend file")

    work(full)
    job = enqueue(ctx, "test")
    do_one()
    found = Job.objects.get(id=job.id)
    assert (found.state, departments()) == ("failed", 0)
    assert found.error == str(worker.DISK_FULL)

    def full_here(ctx, job, progress):
        raise OSError(28, "No space left on device")

    work(full_here)
    other = enqueue(ctx, "test")
    do_one()
    assert Job.objects.get(id=other.id).error == str(worker.DISK_FULL)


def test_a_full_disk_is_an_answer_of_its_own():
    error = OperationalError("could not extend file")
    error.__cause__ = errors.DiskFull("could not extend file")
    assert api.is_disk_full(error)
    assert not api.is_disk_full(OperationalError("other"))


@pytest.mark.django_db
def test_enterprises_take_turns(work):
    work(lambda ctx, job, progress: {})
    for enterprise, count in ((7_000_001, 4), (7_000_002, 1), (7_000_003, 2)):
        with tenant(enterprise):
            for _n in range(count):
                enqueue(context(enterprise, uuid.uuid4()), "test")
    turns, last = [], 0
    while held := do_one(last):
        last = held.enterprise_id
        turns.append(last % 10)
    assert turns == [1, 2, 3, 1, 3, 1, 1]


@pytest.mark.django_db
def test_an_enterprise_with_a_running_job_waits_for_the_others(work):
    now = dt.datetime.now(dt.UTC)
    for enterprise in (7_000_001, 7_000_001, 7_000_002):
        with tenant(enterprise):
            enqueue(context(enterprise, uuid.uuid4()), "test")
    first = worker.claim(0, uuid.uuid4(), now)
    second = worker.claim(0, uuid.uuid4(), now)
    assert (first.enterprise_id, second.enterprise_id) == (7_000_001, 7_000_002)


def test_jobs_are_seen_by_their_member_only(ctx, work):
    job = enqueue(ctx, "test")
    assert jobs.find_mine(ctx, str(job.id)).id == job.id
    other = context(ctx.enterprise_id, uuid.uuid4())
    for wrong in (str(job.id), "x", str(uuid.uuid4())):
        with pytest.raises(jobs.Missing):
            jobs.find_mine(other, wrong)


@pytest.fixture
def heard(monkeypatch):
    """What a consumer of saved departments is told."""
    told = []
    monkeypatch.setattr("yunlian.kernel.events._after", _after.__class__(list))
    after(CODE, "created", lambda enterprise, row: told.append((enterprise, row.record)))
    return told


def relay_for(enterprise, monkeypatch):
    monkeypatch.setattr("yunlian.kernel.relay.enterprise_ids", lambda: [enterprise])
    import threading

    return Relay(uuid.uuid4(), threading.Event())


def test_events_are_handed_over_and_not_again(ctx, heard, monkeypatch):
    made = make(CODE, ctx)
    relay = relay_for(ctx.enterprise_id, monkeypatch)
    relay.visit(NOW)
    relay.visit(NOW + dt.timedelta(minutes=1))
    assert heard == [(ctx.enterprise_id, made.pk)]
    assert not Outbox.objects.filter(delivered_at=None).exists()


def test_a_failing_consumer_is_asked_again_and_holds_up_nobody(ctx, heard, monkeypatch):
    bad = make(CODE, ctx)
    good = make(CODE, ctx)
    fails = [True]

    def consumer(enterprise, row):
        if row.record == bad.pk and fails:
            raise RuntimeError("no")

    after(CODE, "created", consumer)
    relay = relay_for(ctx.enterprise_id, monkeypatch)
    relay.visit(NOW)
    assert list(Outbox.objects.filter(delivered_at=None, code=CODE).values_list("record", flat=True)) == [
        bad.pk
    ]
    assert (ctx.enterprise_id, good.pk) in heard
    fails.clear()
    relay.visit(NOW + dt.timedelta(minutes=1))
    assert not Outbox.objects.filter(delivered_at=None).exists()


def test_a_quiet_enterprise_is_visited_at_once_when_somebody_waits_for_its_event(ctx, heard, monkeypatch):
    relay = relay_for(ctx.enterprise_id, monkeypatch)
    relay.visit(NOW)
    make(CODE, ctx)
    relay.visit(NOW + dt.timedelta(milliseconds=1))
    assert len(heard) == 1
    assert not Due.objects.exists()


def test_an_event_nobody_waits_for_calls_nobody(ctx, monkeypatch):
    monkeypatch.setattr("yunlian.kernel.events._after", _after.__class__(list))
    make(CODE, ctx)
    assert not Due.objects.exists()


def test_a_call_that_was_lost_is_made_good_by_the_round(ctx, heard, monkeypatch):
    relay = relay_for(ctx.enterprise_id, monkeypatch)
    relay.visit(NOW)
    make(CODE, ctx)
    Due.objects.all().delete()
    relay.visit(NOW + dt.timedelta(milliseconds=1))
    assert heard == []
    relay.visit(NOW + dt.timedelta(seconds=3))
    assert len(heard) == 1


def test_one_process_relays_at_a_time(ctx, heard, monkeypatch):
    make(CODE, ctx)
    Lease.objects.create(name="relay", holder=uuid.uuid4(), until=NOW + dt.timedelta(seconds=5))
    relay = relay_for(ctx.enterprise_id, monkeypatch)
    assert not relay.visit(NOW)
    assert heard == []
    relay.visit(NOW + dt.timedelta(seconds=6))
    assert len(heard) == 1


def test_who_stops_gives_its_leases_back_and_nobody_elses(ctx):
    ours, theirs = uuid.uuid4(), uuid.uuid4()
    assert leases.take_lease("one", ours, NOW, 60)
    assert leases.take_lease("two", theirs, NOW, 60)
    leases.give_back(ours)
    assert leases.take_lease("one", theirs, NOW, 60)
    assert not leases.take_lease("two", ours, NOW, 60)


def test_what_is_past_its_time_goes_and_the_rest_stays(ctx, work, monkeypatch):
    monkeypatch.setattr(retention, "enterprise_ids", lambda: [ctx.enterprise_id])
    done, waiting = enqueue(ctx, "test"), enqueue(ctx, "test")
    Job.objects.filter(id=done.id).update(state="done")
    now = dt.datetime.now(dt.UTC)
    assert retention.tidy(now + dt.timedelta(days=6)) == 0
    assert retention.tidy(now + dt.timedelta(days=8)) == 1
    assert list(Job.objects.values_list("id", flat=True)) == [waiting.id]


def test_an_enterprise_cannot_fill_the_queue(ctx, work, monkeypatch):
    monkeypatch.setattr(jobs, "MAX_WAITING", 2)
    enqueue(ctx, "test")
    enqueue(ctx, "test")
    with pytest.raises(api.TooMany):
        enqueue(ctx, "test")
    do_one()
    enqueue(ctx, "test")
