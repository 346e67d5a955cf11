"""The state of the sandbox: plain dataclasses under one lock, kept in JSON files so that a restart loses nothing."""

import logging
import os
import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import msgspec

from .faults import Fault

log = logging.getLogger(__name__)
T = TypeVar("T")
DEBOUNCE_S = 0.5
SHARE = 10  # writing takes at most a tenth of the time, however large the state
JOURNAL_ENTRIES = 500


@dataclass
class Shared:
    """What no platform owns: how far time has travelled, and the switches that are on."""

    ahead_s: float = 0.0
    faults: list[Fault] = field(default_factory=list)
    last_fault: int = 0


@dataclass
class Entry:
    """One line of the journal: a request answered, or a callback tried. `at` in seconds since 1970."""

    at: float
    platform: str
    kind: str  # "request" or "callback"
    what: str
    status: int  # of HTTP; 0 when there was no answer
    said: str
    took_ms: int


class World:
    """The parts of the platforms, by name; each is an instance of its dataclass.

    Whoever reads or writes a part holds `lock`; `change` holds it and has the result kept.
    """

    def __init__(self, kinds: Mapping[str, type[object]], folder: Path | None = None) -> None:
        self.lock = threading.RLock()
        self.journal: deque[Entry] = deque(maxlen=JOURNAL_ENTRIES)
        self.version = 0  # grows with every change; the page asks for it
        self._kinds: dict[str, type[object]] = {"sandbox": Shared, **kinds}
        self._folder = folder
        self._dirty = threading.Event()
        self._closed = threading.Event()
        self._parts = {name: self._kept(name, kind) for name, kind in self._kinds.items()}
        self._keeper = threading.Thread(target=self._keep, name="sandbox-keeper", daemon=True)
        if folder:
            folder.mkdir(parents=True, exist_ok=True)
            self._keeper.start()

    @property
    def shared(self) -> Shared:
        """Time and faults."""
        return self.part(Shared)

    def part(self, kind: type[T]) -> T:
        """The state of that class. Raises KeyError when no platform brought it."""
        for part in self._parts.values():
            if isinstance(part, kind):
                return part
        raise KeyError(kind.__name__)

    def now(self) -> float:
        """Seconds since 1970, as this world has it."""
        return time.time() + self.shared.ahead_s

    @contextmanager
    def change(self) -> Iterator[None]:
        """Hold the lock; what was changed is kept soon, also when the change ended in a refusal."""
        with self.lock:
            try:
                yield
            finally:
                self.version += 1
                self._dirty.set()

    def reset(self) -> None:
        """Begin again, as on the first start."""
        with self.change():
            for name, kind in self._kinds.items():
                self._parts[name] = kind()
            self.journal.clear()

    def note(self, entry: Entry) -> None:
        """Write a line into the journal, which lives in memory only."""
        with self.lock:
            self.version += 1
            self.journal.append(entry)

    def flush(self) -> None:
        """Write what has changed, now."""
        if self._folder is None or not self._dirty.is_set():
            return
        with self.lock:
            self._dirty.clear()
            written = {name: msgspec.json.encode(part) for name, part in self._parts.items()}
        for name, content in written.items():
            _replace(self._folder / f"{name}.json", content)

    def close(self) -> None:
        """Keep everything and stop keeping."""
        self._closed.set()
        self._dirty.set()  # wakes the keeper
        if self._keeper.is_alive():
            self._keeper.join(timeout=5)
        self.flush()

    def _keep(self) -> None:
        took_s = 0.0
        while not self._closed.is_set():
            self._dirty.wait()
            self._closed.wait(max(DEBOUNCE_S, SHARE * took_s))
            began = time.monotonic()
            self.flush()
            took_s = time.monotonic() - began

    def _kept(self, name: str, kind: type[object]) -> object:
        path = self._folder / f"{name}.json" if self._folder else None
        if path is None or not path.exists():
            return kind()
        try:
            return msgspec.json.decode(path.read_bytes(), type=kind)
        except (msgspec.DecodeError, msgspec.ValidationError) as error:
            aside = path.with_suffix(".unreadable.json")
            path.replace(aside)
            log.warning("%s does not fit this version (%s); it was put aside as %s", path, error, aside.name)
            return kind()


def _replace(path: Path, content: bytes) -> None:
    scratch = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with open(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    scratch.replace(path)
