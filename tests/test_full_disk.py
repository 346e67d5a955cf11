"""A real full disk under PostgreSQL: an import fails in words, changes nothing, and goes through once there is room."""

import os
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connections
from django.utils import timezone
from psycopg import sql

from tests.postgres import TestServer
from yunlian.kernel import sheets, worker
from yunlian.kernel.document import find_document
from yunlian.kernel.jobs import enqueue
from yunlian.kernel.models import Audit, Job, Token
from yunlian.kernel.scope import Context, tenant
from yunlian.kernel.testing import context

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(
        os.geteuid() != 0 or not shutil.which("mount"), reason="only root can mount a small disk"
    ),
]
SMALL, LARGE = "6m", "400m"
ENTERPRISE = 6_100_001


@pytest.fixture
def small_disk(postgres_server: TestServer) -> Iterator[Path]:
    """A disk of six megabytes on which the table of search tokens lies."""
    folder = Path(tempfile.mkdtemp(prefix="yunlian-disk-"))
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SMALL}", "tmpfs", folder], check=False)
    if done.returncode:
        folder.rmdir()
        pytest.skip("mounting is not allowed here")
    shutil.chown(folder, postgres_server.folder.joinpath("pg", "data").stat().st_uid)
    name = f"small_{uuid.uuid4().hex[:8]}"
    with postgres_server.admin(connections["default"].settings_dict["NAME"]) as admin:
        admin.execute(sql.SQL("create tablespace {} location {}").format(sql.Identifier(name), str(folder)))
        admin.execute(sql.SQL("alter table kernel_token set tablespace {}").format(sql.Identifier(name)))
    yield folder
    connections["default"].close()
    with postgres_server.admin(connections["default"].settings_dict["NAME"]) as admin:
        admin.execute("alter table kernel_token set tablespace pg_default")
        admin.execute(sql.SQL("drop tablespace {}").format(sql.Identifier(name)))
    subprocess.run(["umount", folder], check=True)
    folder.rmdir()


@pytest.fixture(autouse=True)
def open_gate(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets every member do everything."""

    class Gate:
        def context(self, identity: Any, now: Any) -> Context:
            return context(identity.enterprise_id, identity.employee_id)

    monkeypatch.setattr(worker, "gate", Gate)


def bring_in(data: bytes) -> Job:
    with tenant(ENTERPRISE):
        id_ = enqueue(context(ENTERPRISE), "import", "masters.brand", data).id
    held = worker.claim(0, uuid.uuid4(), timezone.now())
    assert held is not None
    worker.perform(held)
    with tenant(ENTERPRISE):
        job: Job = Job.objects.get(id=id_)
    return job


def test_a_full_disk_leaves_everything_as_it_was(small_disk: Path) -> None:
    data = sheets.write(["Code", "Name"], ([f"B{n:05}", f"北原橡木家具坊第{n}号"] for n in range(3_000)))
    job = bring_in(data)
    assert (job.state, job.error) == ("failed", str(worker.DISK_FULL))
    with tenant(ENTERPRISE):
        assert find_document("masters.brand").header.objects.count() == 0
        assert Token.objects.count() == Audit.objects.count() == 0
    subprocess.run(["mount", "-o", f"remount,size={LARGE}", small_disk], check=True)
    job = bring_in(data)
    assert job.error == ""
    assert job.result is not None
    assert job.result["created"] == 3_000
