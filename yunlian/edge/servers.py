"""The roles of the program: web, worker, chain, and the owner's migrate. Each is one process (web: and its workers)."""

import json
import logging
import os
import signal
import threading
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import django
from django.core.management import call_command

from yunlian.edge import catalogues
from yunlian.edge.place import VAR, write_private

log = logging.getLogger("yunlian.edge")


def web() -> int:
    """Serve until told to stop. Few threads: the work is Python, which grows by processes (stack.md section 3)."""
    from granian import Granian
    from granian.constants import Interfaces

    catalogues.compile_stale()
    Granian(
        "yunlian.edge.wsgi:application",
        address=os.environ.get("HOST", "127.0.0.1"),
        port=int(os.environ.get("PORT", "8000")),
        interface=Interfaces.WSGI,
        workers=int(os.environ.get("YUNLIAN_WEB_WORKERS", "2")),
        blocking_threads=int(os.environ.get("YUNLIAN_WEB_THREADS", "4")),
        respawn_failed_workers=True,
        respawn_interval=0.2,
        workers_kill_timeout=5,
        websockets=False,
        log_access=False,
    ).serve()
    return 0


def _body(module: str, name: str) -> Any:
    """The function `name` of `module`, or None while that layer does not exist."""
    package = module.rpartition(".")[0]
    if find_spec(package) is None or find_spec(module) is None:
        return None
    return getattr(import_module(module), name)


def _serve(module: str, name: str) -> int:
    catalogues.compile_stale()
    stop = threading.Event()
    for sign in (signal.SIGTERM, signal.SIGINT):
        signal.signal(sign, lambda *_: stop.set())
    django.setup()
    body = _body(module, name)
    if body is None:
        log.warning("%s.%s does not exist yet; waiting", module, name)
        stop.wait()
        return 0
    body()
    return 0


def worker() -> int:
    """Do background jobs until told to stop."""
    return _serve("yunlian.kernel.worker", "run_worker")


def chain() -> int:
    """Carry chain messages until told to stop."""
    return _serve("yunlian.chain.worker", "run")


def migrate() -> int:
    """Bring the schema up to date; needs the owner's address."""
    django.setup()
    call_command("migrate", database="owner", interactive=False, verbosity=1)
    return 0


def demo() -> int:
    """Load the demonstration through the running web server; keep who is who in var/people.json."""
    django.setup()
    load = _body("yunlian.edge.demo", "load")
    if load is None:
        log.warning("there is no demonstration yet")
        return 0
    loaded = load(os.environ["YUNLIAN_BASE_URL"])
    write_private(VAR / "people.json", json.dumps(loaded, ensure_ascii=False, indent=2))
    return 0
