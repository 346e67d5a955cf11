"""The loop of the chain: letters, numbering, sending and applying for every enterprise, in turn and fairly.

Work is found by reading; LISTEN only shortens the wait. Everything is rows, so it may be killed at any moment and any
number of these may run side by side. One enterprise's trouble is logged and the others go on.
"""

import contextlib
import logging
import random
import signal
import threading
import time
from collections.abc import Callable, Iterable

import psycopg
from django.conf import settings
from django.db import DatabaseError, close_old_connections, connection
from psycopg.conninfo import make_conninfo

from yunlian.org.models import Enterprise

from . import applying, letters, recovery, sending, sequencing
from .keys import Locked
from .models import Pass
from .queue import WAKE
from .transport import local

log = logging.getLogger("yunlian.chain")
POLL_S = 5.0  # a full round at least this often
NAP_S = 1.0  # how long to listen at a time, so that a stop is noticed
ROUNDS = 200  # rounds of one enterprise before the others have their turn


def run(stop: threading.Event | None = None, transport: sending.Transport = local) -> None:
    """Work until told to stop; SIGTERM and SIGINT end it after the message in hand."""
    stopping = stop or _stopped_by_signals()
    dice = random.Random()
    hinted: set[int] = set()
    swept = 0.0
    with contextlib.ExitStack() as stack:
        listen = _listener(stack)
        while not stopping.is_set():
            try:
                if time.monotonic() - swept >= POLL_S:
                    if recovery.notice():
                        log.warning(
                            "chain: another database than before: hands are shaken on every lane first"
                        )
                    hinted |= set(members())
                    swept = time.monotonic()
                turns = sorted(hinted)
                hinted.clear()
                dice.shuffle(turns)
                busy = [id_ for id_ in turns if not stopping.is_set() and _work_safely(id_, transport)]
                hinted |= set(busy) | set(listen(0.0 if busy else NAP_S))
                close_old_connections()
            except (DatabaseError, psycopg.Error) as failure:
                log.warning("chain: the database does not answer, trying again: %s", failure)
                connection.close()
                stopping.wait(NAP_S)
                listen = _listener(stack)


def _stopped_by_signals() -> threading.Event:
    stop = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: stop.set())
    return stop


def _listener(stack: contextlib.ExitStack) -> Callable[[float], Iterable[int]]:
    """Return a function that waits so many seconds for hints; without a listening connection it only waits."""
    try:
        hearing = stack.enter_context(psycopg.connect(_address(), autocommit=True))
        hearing.execute(f"LISTEN {WAKE}")
    except psycopg.Error as failure:
        log.warning("chain: no wake-up, only polling: %s", failure)
        return _only_wait

    def listen(seconds: float) -> Iterable[int]:
        if hearing.closed:
            return _only_wait(seconds)
        return [
            int(hint.payload)
            for hint in hearing.notifies(timeout=seconds, stop_after=100)
            if hint.payload.isdigit()
        ]

    return listen


def _only_wait(seconds: float) -> Iterable[int]:
    time.sleep(seconds)
    return ()


def _address() -> str:
    ours = settings.DATABASES["default"]
    return make_conninfo(
        host=ours.get("HOST"),
        port=ours.get("PORT"),
        dbname=ours["NAME"],
        user=ours.get("USER"),
        password=ours.get("PASSWORD"),
    )


def members() -> list[int]:
    """Return every enterprise that takes part in the chain, or has a letter to read."""
    joined = Pass.objects.exclude(member_until=None).values_list("enterprise_id", flat=True)
    invited = [recipient for _letter, recipient in letters.waiting()]
    return sorted({*joined, *Enterprise.objects.filter(chain_id__in=invited).values_list("pk", flat=True)})


def _work_safely(enterprise_id: int, transport: sending.Transport) -> bool:
    try:
        return work(enterprise_id, transport) > 0
    except Locked as locked:
        log.error("chain: enterprise %s cannot sign: %s", enterprise_id, locked)
    except (DatabaseError, psycopg.Error):
        raise
    except Exception:  # one enterprise's trouble must not stop the others (A7, fairness)
        log.exception("chain: a round of enterprise %s failed", enterprise_id)
    return False


def work(enterprise_id: int, transport: sending.Transport = local) -> int:
    """Do one round for an enterprise: lanes that stopped, a batch for every lane, a round of heads; returns how much."""
    done = 0
    chain_id = Enterprise.objects.values_list("chain_id", flat=True).get(pk=enterprise_id)
    for letter, _recipient in letters.waiting(chain_id):
        letters.read(enterprise_id, letter)
        done += 1
    done += recovery.recover(enterprise_id, transport)
    for lane in sending.lanes_out(enterprise_id):
        done += sequencing.number(enterprise_id, lane)
        answer = sending.send(enterprise_id, lane, transport)
        done += answer is not None and (answer.status == 202 or answer.code == "gap")
    return done + applying.apply_next(enterprise_id)


def drain(enterprises: Iterable[int], transport: sending.Transport = local) -> None:
    """Work until nothing moves any more; for commands and tests. Raises RuntimeError when it never rests."""
    everybody = list(enterprises)
    for _round in range(ROUNDS):
        if not sum(work(enterprise_id, transport) for enterprise_id in everybody):
            return
    raise RuntimeError("The chain does not come to rest.")
