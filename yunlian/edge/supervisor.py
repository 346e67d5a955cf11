"""`make run`: PostgreSQL, migrations, the demonstration, web, worker, chain and sandbox; started, healed, stopped together.

Every process we start carries a mark in its environment. After a `kill -9` of this supervisor, the next start finds
by that mark what was left behind, and stops that and nothing else.
"""

import contextlib
import fcntl
import hmac
import json
import os
import secrets
import select
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from yunlian.edge.place import ROOT, VAR, write_private
from yunlian.edge.postgres import Server, ServerError
from yunlian.edge.roles import Access, SetupError, prepare
from yunlian.platforms.dingtalk.sandbox.world import (
    CARD_TEMPLATE,
    SUITE,
    SUITE_SECRET,
    VENDOR,
    sso_secret_of,
)

MARK = "YUNLIAN_STARTED_BY"
SEEN = ("web", "sandbox")  # what people wait for starts first: two cores are busy enough with it
UNSEEN = ("worker", "chain")
PLATFORMS = ("wecom", "dingtalk", "sms")
SANDBOX_AWAY = 10_000  # from our port to the sandbox's
STOP_LIMIT_S = 12.0
ORPHAN_LIMIT_S = 1.0  # a server's workers whose parent was killed do not always hear a polite word
READY_LIMIT_S = 60.0
BACKOFF_MAX_S = 15.0  # between two starts of a process that keeps dying
LOG_KEEP_BYTES = 10_000_000


class StartError(Exception):
    """`make run` cannot go on; the message says why and what to do."""


def marked(mark: str) -> Iterator[int]:
    """Process numbers of all our own account's processes that carry `mark`."""
    wanted = f"{MARK}={mark}".encode()
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and int(folder.name) != os.getpid():
            with contextlib.suppress(OSError):
                if wanted in (folder / "environ").read_bytes().split(b"\0"):
                    yield int(folder.name)


def end(mark: str, polite_s: float) -> None:
    """Stop every process that carries `mark`: politely, then, after `polite_s`, at once."""
    for sign, limit in ((signal.SIGTERM, polite_s), (signal.SIGKILL, 5.0)):
        for pid in marked(mark):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, sign)
        deadline = time.monotonic() + limit
        while time.monotonic() < deadline:
            if not any(marked(mark)):
                return
            time.sleep(0.05)


@dataclass
class Child:
    """One role's process, and when to try again after it died."""

    role: str
    mark: str
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    wait_s: float = 0.0
    again_at: float = 0.0

    def start(self, environment: dict[str, str]) -> None:
        """Start the role; its words go to var/log/<role>.log."""
        with log_file(self.role) as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "yunlian", self.role],
                cwd=ROOT, env=environment | {MARK: self.mark},
                stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                start_new_session=True,    # Ctrl-C is for the supervisor alone, which stops the rest in order
            )  # fmt: skip
        self.started = time.monotonic()

    def died(self) -> bool:
        """Whether the process has ended since the last look; if so, when to start it again is decided."""
        if self.process is None or self.process.poll() is None:
            return False
        lived = time.monotonic() - self.started
        self.wait_s = 0.0 if lived > 10 else min(BACKOFF_MAX_S, self.wait_s * 2 or 0.25)
        self.again_at = time.monotonic() + self.wait_s
        end(self.mark, ORPHAN_LIMIT_S)  # a killed web server leaves its workers, and they the port
        return True


def log_file(name: str) -> IO[bytes]:
    """The log of a role, open for appending; a large one is set aside once."""
    path = VAR / "log" / f"{name}.log"
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists() and path.stat().st_size > LOG_KEEP_BYTES:
        path.replace(path.with_suffix(".log.1"))
    return path.open("ab")


def kept(name: str) -> dict[str, Any]:
    """The JSON file `name` in our folder, or nothing."""
    path = VAR / name
    with contextlib.suppress(OSError, ValueError):
        return dict(json.loads(path.read_text(encoding="utf-8")))
    return {}


def fetched(address: str) -> bytes | None:
    """What one of our own servers answers; None when it does not answer well."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with (
        contextlib.suppress(OSError, urllib.error.URLError),
        opener.open(address, timeout=2) as answer,
    ):
        return bytes(answer.read()) if answer.status == 200 else None
    return None


@dataclass
class Supervisor:
    """Everything that one `make run` started."""

    port: int
    sandbox_port: int
    server: Server | None = None
    access: Access | None = None
    secrets: dict[str, str] = field(default_factory=dict)
    children: list[Child] = field(default_factory=list)
    stopping: bool = False

    @property
    def base_url(self) -> str:
        """Where people go."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def sandbox_url(self) -> str:
        """Where the outside platforms are played."""
        return f"http://127.0.0.1:{self.sandbox_port}"

    # --- start ---

    def sweep(self) -> None:
        """Stop what a killed supervisor of this checkout left behind."""
        (VAR / "demo.json").unlink(missing_ok=True)
        for mark in kept("started.json").get("marks", []):
            end(mark, ORPHAN_LIMIT_S)

    def open_database(self) -> None:
        """Start or reach the server, and make both roles' ways in."""
        url = os.environ.get("DATABASE_URL", "")
        file = "access-external.json" if url else "access.json"
        before = kept(file)
        known = Access(before["app"], before["owner"]) if "app" in before else None
        given = [os.environ.get(f"YUNLIAN_{role}_DATABASE_URL", "") for role in ("APP", "OWNER")]
        if all(given):
            self.access = Access(*given)
        elif url:
            try:
                self.access = prepare(url, known, ours=False)
            except psycopg.OperationalError as error:
                raise StartError(f"DATABASE_URL cannot be reached: {str(error).splitlines()[0]}") from error
        else:
            self.server = Server(VAR / "pg", log=VAR / "log" / "postgres.log")
            self.server.start()
            self._make_database("yunlian")
            self.access = prepare(self.server.url("yunlian"), known, ours=True)
        self.secrets = {
            name: before.get(name) or secrets.token_urlsafe(48) for name in ("secret", "chain_secret")
        }
        ways = {"app": self.access.app, "owner": self.access.owner, **self.secrets}
        write_private(VAR / file, json.dumps(ways))
        if file != "access.json":
            write_private(VAR / "access.json", json.dumps(ways))

    def _make_database(self, name: str) -> None:
        assert self.server is not None
        with psycopg.connect(self.server.url(), autocommit=True) as admin:
            if not admin.execute("select 1 from pg_database where datname = %s", [name]).fetchone():
                admin.execute(sql.SQL("create database {}").format(sql.Identifier(name)))

    def environment(self) -> dict[str, str]:
        """What a role's process needs to know; the owner's password is not part of it."""
        assert self.access is not None
        address = self.access.app
        if self.server is not None:  # the socket spares each statement a little of the way
            address = make_conninfo(address, host=str(self.server.socket_folder))
        hidden = {"DATABASE_URL", "YUNLIAN_OWNER_DATABASE_URL", MARK}
        return {name: value for name, value in os.environ.items() if name not in hidden} | {
            "PORT": str(self.port),
            "SANDBOX_PORT": str(self.sandbox_port),
            "YUNLIAN_SANDBOX_URL": self.sandbox_url,
            "YUNLIAN_DINGTALK_SUITE": os.environ.get("YUNLIAN_DINGTALK_SUITE") or self._played_suite(),
            "YUNLIAN_PUBLIC_URL": os.environ.get("YUNLIAN_PUBLIC_URL", self.base_url),
            "YUNLIAN_VAR": str(VAR),
            "YUNLIAN_APP_DATABASE_URL": address,
            "YUNLIAN_SECRET": self.secrets["secret"],
            "YUNLIAN_CHAIN_SECRET": self.secrets["chain_secret"],
            "YUNLIAN_HOSTS": os.environ.get("YUNLIAN_HOSTS", "127.0.0.1,localhost,[::1]"),
            "PYTHONUNBUFFERED": "1",
        }

    def _played_suite(self) -> str:
        """Our app in the marketplace that the sandbox plays. Whoever knows path, token and key speaks as DingTalk: all are ours."""
        secret = self.secrets["secret"].encode()
        path, token, aes_key = (
            hmac.new(secret, f"dingtalk suite {what}".encode(), "sha256").hexdigest()
            for what in ("path", "token", "aes_key")
        )
        return json.dumps({
            "key": SUITE, "secret": SUITE_SECRET, "token": token[:32], "aes_key": aes_key[:43], "path": path[:40],
            "vendor": VENDOR, "sso_secret": sso_secret_of(VENDOR),
            "card_template": CARD_TEMPLATE,
        })  # fmt: skip

    def migrated(self) -> bool:
        """Whether the database has every migration of the source: asked without Django, which takes a second."""
        assert self.access is not None
        files = {
            (path.parents[1].name, path.stem) for path in (ROOT / "yunlian").rglob("migrations/[0-9]*.py")
        }
        with psycopg.connect(self.access.owner) as owner, contextlib.suppress(psycopg.errors.UndefinedTable):
            return files <= set(owner.execute("select app, name from django_migrations").fetchall())
        return False

    def migrate(self) -> None:
        """Bring the schema up to date as the owner, in a process of its own."""
        assert self.access is not None
        if self.migrated():
            return
        with log_file("migrate") as output:
            done = subprocess.run(
                [sys.executable, "-m", "yunlian", "migrate"],
                cwd=ROOT, env=self.environment() | {"YUNLIAN_OWNER_DATABASE_URL": self.access.owner},
                stdin=subprocess.DEVNULL, stdout=output, stderr=output, check=False,
            )  # fmt: skip
        if done.returncode != 0:
            tail = (VAR / "log" / "migrate.log").read_text(encoding="utf-8")[-3000:]
            raise StartError(f"the migrations failed:\n{tail}")

    def start_children(self) -> None:
        """Start what people see, wait until it answers, then start the rest."""
        self.children = [Child(role, secrets.token_hex(8)) for role in SEEN]
        unseen = [Child(role, secrets.token_hex(8)) for role in UNSEEN]
        marks = [child.mark for child in (*self.children, *unseen)]
        write_private(VAR / "started.json", json.dumps({"marks": marks}))
        for child in self.children:
            child.start(self.environment())
        deadline = time.monotonic() + READY_LIMIT_S
        while not (self.healthy() and fetched(f"{self.sandbox_url}/sandbox/") is not None):
            self.look()
            if self.stopping:
                return
            if time.monotonic() > deadline:
                raise StartError(
                    f"web or sandbox do not answer; see web.log and sandbox.log in {VAR / 'log'}"
                )
            time.sleep(0.05)
        for child in unseen:
            child.start(self.environment())
        self.children += unseen

    def healthy(self) -> bool:
        """Whether /health answers well."""
        return fetched(f"{self.base_url}/health") is not None

    def sandbox_facts(self) -> dict[str, Any]:
        """By platform: where it is played, and the credentials that are ready there."""
        found = {}
        for name in PLATFORMS:
            answer = fetched(f"{self.sandbox_url}/sandbox/api/{name}/credentials")
            found[name] = {"base_url": f"{self.sandbox_url}/{name}"} | json.loads(answer or "{}")
        return found

    def wants_demonstration(self) -> bool:
        """Whether this database is still to get the demonstration: it has no enterprise, or the load was broken off.

        A database with an enterprise of its own never gets one.
        """
        assert self.access is not None
        if os.environ.get("YUNLIAN_DEMO") == "0":
            return False
        with psycopg.connect(self.access.app) as app:
            rows = app.execute(
                "select is_demonstration, chain_id::text from org_enterprise order by not is_demonstration, id"
            ).fetchall()
        if any(not is_demonstration for is_demonstration, _ in rows):
            return False
        return not rows or kept("people.json").get("chain_id") != rows[0][1]

    def load_demonstration(self) -> None:
        """On the first start, let the demonstration enter through the running web server."""
        if not self.wants_demonstration():
            return
        (VAR / "people.json").unlink(missing_ok=True)
        print(f"  {self.base_url} answers; loading the demonstration (first start only)", flush=True)
        started = time.monotonic()
        process = subprocess.Popen(
            [sys.executable, "-m", "yunlian", "demo"],
            cwd=ROOT, env=self.environment() | {MARK: self.children[0].mark, "YUNLIAN_BASE_URL": self.base_url},
            stdin=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        while process.poll() is None and not self.stopping:
            self.look()
            time.sleep(0.1)
        if self.stopping:
            process.kill()
            process.wait()
        elif process.returncode != 0:
            print(
                "  the demonstration could not be loaded; the next start tries again",
                file=sys.stderr,
                flush=True,
            )
        else:
            print(f"  demonstration: {time.monotonic() - started:.0f} s", flush=True)

    # --- while running ---

    def look(self) -> None:
        """Start again whatever died."""
        if self.server is not None and self.server.running_pid() is None and not self.stopping:
            print("  PostgreSQL died; starting it again", flush=True)
            self.server.start()
            self.write_facts()
        for child in self.children:
            if self.stopping:
                return
            if child.died():
                code = child.process.returncode if child.process else None
                print(f"  {child.role} ended ({code}); starting it again", flush=True)
                child.process = None
            if child.process is None and time.monotonic() >= child.again_at:
                child.start(self.environment())
                self.write_facts()

    def write_facts(self) -> None:
        """Write var/demo.json: what scripts need to find their way."""
        assert self.access is not None
        pids = {child.role: child.process.pid for child in self.children if child.process}
        pids |= {"supervisor": os.getpid()}
        if self.server is not None and (pid := self.server.running_pid()):
            pids["postgres"] = pid
        parts = {key: str(value) for key, value in conninfo_to_dict(self.access.app).items()}
        database_url = "postgresql://{user}:{password}@{host}:{port}/{dbname}".format(
            **{"port": "5432"} | parts
        )
        loaded = kept("people.json")
        facts = {
            "base_url": self.base_url,
            "database_url": database_url,
            "pids": pids,
            "enterprises": loaded.get("enterprises", []),
            "people": loaded.get("people", []),
            "sandbox": self.sandbox_facts(),
        }
        write_private(VAR / "demo.json", json.dumps(facts, ensure_ascii=False, indent=2) + "\n")

    def tell(self, took_s: float) -> None:
        """Print where to go and who to be."""
        loaded = kept("people.json")
        names = {each["code"]: each["name"] for each in loaded.get("enterprises", [])}
        print(f"\n  Yunlian 云链 runs at {self.base_url}   (ready in {took_s:.1f} s; Ctrl-C stops it)\n")
        for person in loaded.get("people", []):
            company = names.get(person["enterprise"], person["enterprise"])
            print(f"    {person['login']:<14} {person['password']:<18} {person['role']}  {company}")
        print(f"\n  WeCom, DingTalk and SMS are played at {self.sandbox_url}")
        print(f"  For scripts: {VAR / 'demo.json'}   Logs: {VAR / 'log'}\n", flush=True)

    # --- stop ---

    def stop(self) -> None:
        """Stop everything, the database last."""
        self.stopping = True
        for child in self.children:
            if child.process is not None and child.process.poll() is None:
                child.process.terminate()
        deadline = time.monotonic() + STOP_LIMIT_S
        for child in self.children:
            if child.process is not None:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    child.process.wait(max(0.1, deadline - time.monotonic()))
            end(child.mark, ORPHAN_LIMIT_S)
        if self.server is not None:
            self.server.stop()
        for name in ("demo.json", "started.json"):
            (VAR / name).unlink(missing_ok=True)


def _free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _named_port(name: str) -> int:
    """The port an environment variable names; 0 when it does not."""
    given = os.environ.get(name) or "0"
    if not given.isdecimal() or int(given) >= 65536:
        raise StartError(f"{name} is {given!r}; it must be a number from 1 to 65535")
    return int(given)


def _beside(port: int) -> int:
    """A port for the sandbox, far from those people choose; any free one where that is taken."""
    beside = port + SANDBOX_AWAY if port + SANDBOX_AWAY < 65536 else port - SANDBOX_AWAY
    if _free(beside):
        return beside
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _start(supervisor: Supervisor, began: float) -> None:
    supervisor.sweep()
    if not _free(supervisor.port):
        raise StartError(
            f"port {supervisor.port} is taken; choose another: PORT={supervisor.port + 1} make run"
        )
    supervisor.open_database()
    supervisor.migrate()
    supervisor.start_children()
    supervisor.load_demonstration()
    if not supervisor.stopping:
        supervisor.write_facts()
        supervisor.tell(time.monotonic() - began)


def main() -> int:
    """Run until a signal comes."""
    began = time.monotonic()
    VAR.mkdir(parents=True, exist_ok=True)
    try:
        port = _named_port("PORT") or 8000
        supervisor = Supervisor(port=port, sandbox_port=_named_port("SANDBOX_PORT") or _beside(port))
    except StartError as error:
        print(error, file=sys.stderr)
        return 1
    with (VAR / "run.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(
                "this checkout is running already; stop that first, or use another checkout", file=sys.stderr
            )
            return 1
        reader, writer = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.set_wakeup_fd(writer, warn_on_full_buffer=False)

        def ask_to_stop(*_: object) -> None:
            supervisor.stopping = True

        for sign in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(sign, ask_to_stop)
        signal.signal(signal.SIGCHLD, lambda *_: None)  # wakes the wait below
        try:
            _start(supervisor, began)
            while not supervisor.stopping:
                supervisor.look()
                select.select([reader], [], [], 1.0)
                with contextlib.suppress(BlockingIOError):
                    os.read(reader, 4096)
            return 0
        except (StartError, ServerError, SetupError) as error:
            print(f"cannot run: {error}", file=sys.stderr)
            return 1
        finally:
            if supervisor.children:
                print("  stopping", flush=True)
            supervisor.stop()
