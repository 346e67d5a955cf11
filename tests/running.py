"""A whole installation started for a test, in a data folder of its own: what `make run` starts, on a free port."""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

from yunlian.edge.place import ROOT


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Installation:
    """`python -m yunlian run` with its own folder; `facts` is its demo.json."""

    def __init__(self, folder: Path, *, demo: bool, database_url: str = "") -> None:
        self.folder = folder
        self.database_url = database_url
        self.port = free_port()
        self.base_url = f"http://127.0.0.1:{self.port}"
        self.demo = demo
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, limit_s: float = 240) -> float:
        """Start and wait until it is ready; the seconds it took."""
        began = time.monotonic()
        self._begin()
        try:
            self._wait(began + limit_s)
        except AssertionError:
            self.remove()  # what did not become ready must not go on in the background
            raise
        return time.monotonic() - began

    def begin_and_stop_at(self, words: str, limit_s: float = 240) -> None:
        """Start, and stop as soon as it has said `words`: somebody presses Ctrl-C while it loads."""
        self._begin()
        deadline = time.monotonic() + limit_s
        while words not in (self.folder / "said").read_text(encoding="utf-8"):
            assert self.process is not None
            assert self.process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.05)
        self.stop(signal.SIGINT)

    def _begin(self) -> None:
        hidden = ("YUNLIAN_", "DATABASE_URL", "DJANGO_SETTINGS_MODULE")
        environment = {name: value for name, value in os.environ.items() if not name.startswith(hidden)}
        environment |= {
            "YUNLIAN_VAR": str(self.folder),
            "PORT": str(self.port),
            "YUNLIAN_DEMO": str(int(self.demo)),
        }
        environment |= {"DATABASE_URL": self.database_url} if self.database_url else {}
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "demo.json").unlink(missing_ok=True)
        with (self.folder / "said").open("ab") as said:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "yunlian", "run"],
                cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=said, stderr=said,
            )  # fmt: skip

    def _wait(self, deadline: float) -> None:
        assert self.process is not None
        while not (self.folder / "demo.json").exists() or not self.healthy():
            words = (self.folder / "said").read_text(encoding="utf-8")
            assert self.process.poll() is None, f"it ended by itself:\n{words}"
            assert time.monotonic() < deadline, f"not ready in time:\n{words}"
            time.sleep(0.05)

    @property
    def facts(self) -> dict[str, Any]:
        return dict(json.loads((self.folder / "demo.json").read_text(encoding="utf-8")))

    def healthy(self) -> bool:
        with contextlib.suppress(OSError):
            return bool(urllib.request.urlopen(f"{self.base_url}/health", timeout=2).status == 200)
        return False

    def stop(self, sign: int = signal.SIGTERM) -> float:
        """Stop it and wait; the seconds it took."""
        assert self.process is not None
        began = time.monotonic()
        self.process.send_signal(sign)
        self.process.wait(30)
        return time.monotonic() - began

    def remove(self) -> None:
        """Stop it if need be, and delete its folder, wherever the data lies."""
        if self.process is not None and self.process.poll() is None:
            self.stop()
        shutil.rmtree((self.folder / "pg").resolve(), ignore_errors=True)
        shutil.rmtree(self.folder, ignore_errors=True)


def alive(pid: int) -> bool:
    """Whether process `pid` runs; one that ended and waits to be collected, for as long as init takes, does not."""
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        return bool(Path(f"/proc/{pid}/cmdline").read_bytes())
    return False


def processes_of(folder: Path) -> list[str]:
    """Command lines of everything alive that knows of `folder`, by its environment or its command."""
    found = []
    for process in Path("/proc").iterdir():
        if process.name.isdigit() and int(process.name) != os.getpid():
            with contextlib.suppress(OSError):
                words = (process / "cmdline").read_bytes()
                if os.fsencode(folder) in words or os.fsencode(folder) in (process / "environ").read_bytes():
                    found.append(words.replace(b"\0", b" ").decode())
    return found
