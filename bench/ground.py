"""What is measured on: a PostgreSQL of its own that writes to disk as in production, and an enterprise to work in."""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import django
from django.core.management import call_command
from django.db import connections

from yunlian.edge.postgres import Server
from yunlian.edge.roles import Access, prepare


@dataclass
class Ground:
    """A migrated database, reached as the application role through Django."""

    server: Server
    access: Access
    folder: Path

    def environment(self) -> dict[str, str]:
        """Return what a process of ours needs to work on this ground."""
        return os.environ | {
            "YUNLIAN_ENV": "development",
            "YUNLIAN_VAR": str(self.folder / "var"),
            "YUNLIAN_APP_DATABASE_URL": self.access.app,
            "YUNLIAN_OWNER_DATABASE_URL": self.access.owner,
        }


@contextlib.contextmanager
def ground() -> Iterator[Ground]:
    """Start a server in a temporary folder, migrate, and take everything away at the end."""
    folder = Path(tempfile.mkdtemp(prefix="yunlian-bench-"))
    folder.chmod(0o755)
    server = Server(folder / "pg", log=folder / "postgres.log")
    try:
        server.start(detached=True)
        with _superuser(server) as admin:
            admin.execute("CREATE DATABASE bench")
        access = prepare(server.url("bench"), None, ours=True)
        os.environ |= {"YUNLIAN_APP_DATABASE_URL": access.app, "YUNLIAN_OWNER_DATABASE_URL": access.owner}
        os.environ |= {"YUNLIAN_ENV": "test", "DJANGO_SETTINGS_MODULE": "yunlian.edge.settings"}
        django.setup()
        call_command("migrate", database="owner", verbosity=0)
        yield Ground(server, access, folder)
    finally:
        connections.close_all()
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


def _superuser(server: Server) -> Any:
    import psycopg

    return psycopg.connect(server.url(), autocommit=True)
