"""The chain's process: killed at any moment it loses and doubles nothing; told to stop it ends by itself."""

import os
import random
import signal
import subprocess
import sys
import time
from contextlib import contextmanager

import pytest
from django.db import connections
from psycopg.conninfo import make_conninfo

from tests.chain.test_business import brand, dealer, place  # noqa: F401
from yunlian.chain.models import Outbox
from yunlian.documents.sales.intention.model import SalesIntention


@contextmanager
def process():
    """The chain as it runs beside the web server, on this test's database."""
    ours = connections["default"].settings_dict
    address = make_conninfo(
        host=ours["HOST"],
        port=ours["PORT"],
        dbname=ours["NAME"],
        user=ours["USER"],
        password=ours["PASSWORD"],
    )
    env = os.environ | {
        "YUNLIAN_ENV": "test",
        "YUNLIAN_ROLE": "chain",
        "YUNLIAN_APP_DATABASE_URL": address,
        "YUNLIAN_CHAIN_SECRET": "a secret that is in no dump",
    }
    run = "from yunlian.edge.servers import chain; chain()"
    settings = {"DJANGO_SETTINGS_MODULE": "yunlian.edge.settings"}
    running = subprocess.Popen([sys.executable, "-c", run], env=env | settings)
    try:
        yield running
    finally:
        running.kill()
        running.wait(10)


def until(true, seconds=30):
    """Wait for something the process does."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.05)


@pytest.mark.slow
def test_killed_again_and_again_it_carries_every_order_once(brand, dealer):  # noqa: F811
    dice = random.Random(5)
    orders = 0
    for _round in range(4):
        with process() as running:
            for _order in range(2):
                place(dealer)
                orders += 1
            time.sleep(dice.uniform(0.6, 1.6))
            running.send_signal(signal.SIGKILL)
            running.wait(10)
        brand.wake()
        dealer.wake()
    with process() as running:
        place(dealer)
        orders += 1
        until(lambda: outcomes(dealer) == ["applied"] * orders)
        with brand.enter():
            assert SalesIntention.objects.count() == orders
        running.send_signal(signal.SIGTERM)
        assert running.wait(30) == 0


def outcomes(house):
    with house.enter():
        return list(Outbox.objects.filter(kind="order.placed").values_list("outcome", flat=True))
