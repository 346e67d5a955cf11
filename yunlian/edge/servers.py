"""The roles of the program: web, worker, chain, sandbox, and the owner's migrate. Each is one process (web: and its workers)."""

import datetime as dt
import json
import os
import sys

import django

from yunlian.edge import catalogues
from yunlian.edge.place import VAR, write_private


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


def worker() -> int:
    """Do background jobs until told to stop."""
    catalogues.compile_stale()
    django.setup()
    from yunlian.directory.suites import follow_settings
    from yunlian.kernel.worker import run_worker
    from yunlian.org.people import sync_all_presets

    follow_settings(dt.datetime.now(dt.UTC))
    # An upgrade may have brought documents the preset roles do not know yet.
    for added in sync_all_presets(dt.datetime.now(dt.UTC)):
        print(f"preset role: {added}", flush=True)
    run_worker()
    return 0


def verify() -> int:
    """Recompute every balance, counter and number of every enterprise; 1 when anything differs."""
    django.setup()
    from yunlian.kernel.scope import tenant
    from yunlian.kernel.verify import verify as differences
    from yunlian.org.models import Enterprise

    found = 0
    for enterprise_id, code in Enterprise.objects.order_by("id").values_list("id", "code"):
        with tenant(enterprise_id):
            for difference in differences(enterprise_id):
                found += 1
                print(
                    f"{code}: {difference.table} {difference.row}: {difference.stored} ≠ {difference.computed}"
                )
    print("everything agrees" if not found else f"{found} differences")
    return 1 if found else 0


def chain() -> int:
    """Carry chain messages until told to stop."""
    catalogues.compile_stale()
    django.setup()
    from yunlian.chain.worker import run

    run()
    return 0


def sandbox() -> int:
    """Play the outside platforms until told to stop; what was made there is kept in var/sandbox."""
    from yunlian.platforms.serve import serve

    port = int(os.environ.get("SANDBOX_PORT", "18000"))
    serve(os.environ.get("HOST", "127.0.0.1"), port, VAR / "sandbox")
    return 0


def restored() -> int:
    """Let every lane of every member shake hands before it sends; for after a restore nothing has noticed by itself."""
    django.setup()
    from yunlian.chain.recovery import restored

    print(f"{restored()} lanes shake hands with their partners before they send")
    return 0


def migrate() -> int:
    """Bring the schema up to date; needs the owner's address."""
    django.setup()
    from yunlian.edge import migrating

    migrating.migrate(verbosity=1)
    return 0


def demo() -> int:
    """Load the demonstration through the running web server; keep who is who in var/people.json."""
    django.setup()
    from yunlian.edge.demo import load
    from yunlian.edge.demo.desk import DemoError
    from yunlian.edge.demo.staff import first_chain_id

    base_url = os.environ.get("YUNLIAN_BASE_URL")
    if not base_url:
        print("YUNLIAN_BASE_URL must name the running web server; `make run` does all this", file=sys.stderr)
        return 1
    try:
        loaded = load(base_url)
    except DemoError as error:
        print(f"    {error}", file=sys.stderr, flush=True)
        return 1
    kept = loaded | {"chain_id": first_chain_id()}  # of which database this is true
    write_private(VAR / "people.json", json.dumps(kept, ensure_ascii=False, indent=2))
    return 0
