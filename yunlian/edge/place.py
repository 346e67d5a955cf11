"""Where things lie: the checkout, and the folder of everything that is made while running."""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
VAR = Path(os.environ.get("YUNLIAN_VAR") or ROOT / "var").absolute()  # data, secrets, logs; never committed


def write_private(path: Path, text: str) -> None:
    """Replace `path` by `text` at once; only our own account may read it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with open(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    scratch.replace(path)
