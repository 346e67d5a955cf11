"""What `python -m yunlian` can do. Each command imports only what it needs, so that none waits for another's."""

import os
import sys
from collections.abc import Callable

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "yunlian.edge.settings")


def run() -> int:
    """Run everything the demonstration needs, until Ctrl-C."""
    from yunlian.edge.supervisor import main

    return main()


def web() -> int:
    """Serve HTTP on 127.0.0.1:$PORT (HOST changes the address)."""
    from yunlian.edge.servers import web

    return web()


def worker() -> int:
    """Do background jobs: imports, exports, events."""
    from yunlian.edge.servers import worker

    return worker()


def chain() -> int:
    """Carry chain messages between enterprises."""
    from yunlian.edge.servers import chain

    return chain()


def sandbox() -> int:
    """Play WeCom, DingTalk and the SMS gateways on 127.0.0.1:$SANDBOX_PORT, for trying everything offline."""
    from yunlian.edge.servers import sandbox

    return sandbox()


def migrate() -> int:
    """Bring the schema up to date, as the owner role."""
    from yunlian.edge.servers import migrate

    return migrate()


def verify() -> int:
    """Recompute every balance, counter and number from its own history."""
    from yunlian.edge.servers import verify

    return verify()


def restored() -> int:
    """Say that this database was restored from a backup: every chain lane shakes hands before it sends."""
    from yunlian.edge.servers import restored

    return restored()


def demo() -> int:
    """Load the demonstration into a fresh database, through the running web server."""
    from yunlian.edge.servers import demo

    return demo()


def messages() -> int:
    """Renew the translation catalogues from the source."""
    from yunlian.edge.catalogues import renew

    return renew()


def check() -> int:
    """Every check there is; `make test`."""
    from yunlian.edge.checks import main

    return main()


def lock() -> int:
    """Renew the lock files from pyproject.toml."""
    from yunlian.edge.checks import lock

    return lock()


COMMANDS: dict[str, Callable[[], int]] = {
    each.__name__: each
    for each in (run, web, worker, chain, sandbox, migrate, verify, restored, demo, messages, check, lock)
}


def main(words: list[str]) -> int:
    """Run the command that the first word names."""
    command = COMMANDS.get(words[0]) if len(words) == 1 else None
    if command is None:
        print("python -m yunlian <command>\n")
        for name, each in COMMANDS.items():
            print(f"  {name:10} {each.__doc__}")
        return 0 if words in ([], ["help"], ["--help"]) else 2
    if command in (web, worker, chain):
        os.environ["YUNLIAN_ROLE"] = command.__name__  # a pool, and the limits of this kind of work
    try:
        return command()
    except KeyboardInterrupt:
        return 130 if sys.stdin.isatty() else 1
