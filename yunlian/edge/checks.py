"""`make test`: every check there is, in two lanes for two cores, the Python tests last so that theirs is the last word."""

import json
import os
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from yunlian.edge import prepare
from yunlian.edge.place import ROOT

PYTHON = sys.executable


@dataclass
class Check:
    """One command, and how it went."""

    name: str
    command: list[str | Path]
    folder: Path = ROOT
    ok: bool = False
    said: str = ""
    took_s: float = 0.0

    def run(self) -> None:
        """Run it quietly and keep what it said."""
        began = time.monotonic()
        done = subprocess.run(
            self.command,
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        self.ok, self.said, self.took_s = done.returncode == 0, done.stdout, time.monotonic() - began
        print(f"  {'ok    ' if self.ok else 'FAILED'} {self.name} ({self.took_s:.1f} s)", flush=True)


def lanes() -> list[list[Check]]:
    """What runs beside what."""
    tools = Path(PYTHON).parent
    python = [
        Check("format", [PYTHON, "-m", "ruff", "format", "--check", "."]),
        Check("lint", [PYTHON, "-m", "ruff", "check", "."]),
        Check("import contracts", [tools / "lint-imports", "--no-cache"]),
        Check("types", [PYTHON, "-m", "mypy"]),
    ]
    npm, folder = prepare.npm_command()
    os.environ["PATH"] = f"{folder}{os.pathsep}{os.environ['PATH']}"
    console = [
        Check("console types and lint", [*npm, "run", "--silent", "check"], prepare.CONSOLE),
        Check("console tests", [*npm, "run", "--silent", "test"], prepare.CONSOLE),
    ]
    return [python, console if (prepare.CONSOLE / "package.json").exists() else []]


def main() -> int:
    """Run all; a failure does not keep the rest from being told."""
    began = time.monotonic()
    every = lanes()

    def lane(checks: list[Check]) -> None:
        for check in checks:
            check.run()

    threads = [threading.Thread(target=lane, args=(checks,)) for checks in every]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    failed = [check for checks in every for check in checks if not check.ok]
    for check in failed:
        print(f"\n--- {check.name} ---\n{check.said}", flush=True)
    print(f"  checks: {time.monotonic() - began:.0f} s; now the tests", flush=True)
    tests = subprocess.run(
        [PYTHON, "-m", "pytest", "-q", "-n", "2", "--dist", "loadgroup", "--durations=10"],
        cwd=ROOT,
        check=False,
    )
    if failed:
        print(
            f"failed besides the tests: {', '.join(check.name for check in failed)}",
            file=sys.stderr,
            flush=True,
        )
    return 1 if failed or tests.returncode != 0 else 0


def lock() -> int:
    """Renew the lock files; the wheel of uv is only needed here, so it is not among the requirements."""
    options = [
        "--universal", "--python-version", "3.11", "--generate-hashes", "--no-emit-index-url",
        "--no-header", "--no-annotate", "--quiet",
    ]  # fmt: skip
    whole = ["pyproject.toml", "-c", "requirements-dev.txt"]
    for target, source in (
        ("requirements-dev.txt", ["pyproject.toml", "--extra", "embedded", "--group", "dev"]),
        ("requirements.txt", whole),
        ("requirements-run.txt", [*whole, "--extra", "embedded"]),
        ("requirements-node.txt", ["--group", "node"]),
    ):
        subprocess.run(["uv", "pip", "compile", *source, *options, "-o", target], cwd=ROOT, check=True)
    prepare.npm("install", "--package-lock-only", "--ignore-scripts")
    _name_no_host(prepare.CONSOLE / "package-lock.json")
    return 0


def _name_no_host(path: Path) -> None:
    """Take out of npm's lock file where authors take donations; nothing is downloaded from there."""
    found = json.loads(path.read_text(encoding="utf-8"))
    for package in found["packages"].values():
        package.pop("funding", None)
    path.write_text(json.dumps(found, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
