"""The worker as a process: killed in the middle of an import, stopped, and started again."""

import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator

import pytest
from django.apps import apps
from django.db import connection, connections
from django.utils import timezone
from psycopg.conninfo import make_conninfo

from yunlian.edge.place import ROOT
from yunlian.kernel import sheets
from yunlian.kernel.identity import new_id
from yunlian.kernel.jobs import enqueue
from yunlian.kernel.models import Audit, Job, Task
from yunlian.kernel.scope import Context, tenant
from yunlian.kernel.testing import context, make

pytestmark = pytest.mark.django_db(transaction=True)
ROWS = 4_000


@pytest.fixture
def boss() -> Context:
    """Somebody who may do everything, in an enterprise that the organisation knows."""
    enterprise = apps.get_model("org.Enterprise").objects.create(
        code=f"W{uuid.uuid4().hex[:8]}", name="栖木", chain_id=uuid.uuid4(), created_at=timezone.now()
    )
    with tenant(enterprise.pk):
        maker = context(enterprise.pk)
        employee = make("org.employee", maker)
        role = make("org.role", maker)
        for model, values in (
            ("org.RoleVerb", {"role_id": role.pk, "code": "*", "verb": "*"}),
            ("org.EmployeeRole", {"employee_id": employee.pk, "role_id": role.pk}),
        ):
            apps.get_model(model).objects.create(id=new_id(), **values)
    return context(enterprise.pk, employee.pk)


@pytest.fixture
def started() -> Iterator[list[subprocess.Popen[bytes]]]:
    """Workers that were started; whatever is left is killed."""
    found: list[subprocess.Popen[bytes]] = []
    yield found
    for process in found:
        process.kill()
        process.wait()


def start(started: list[subprocess.Popen[bytes]]) -> subprocess.Popen[bytes]:
    parts = connections["default"].settings_dict
    address = make_conninfo(
        host=parts["HOST"],
        port=parts["PORT"],
        dbname=parts["NAME"],
        user=parts["USER"],
        password=parts["PASSWORD"],
    )
    words = {"YUNLIAN_ENV": "test", "YUNLIAN_ROLE": "worker", "YUNLIAN_APP_DATABASE_URL": address}
    words["PYTHONPATH"] = str(ROOT)
    process = subprocess.Popen(
        [sys.executable, "-m", "yunlian", "worker"], cwd=ROOT, env=os.environ | words, start_new_session=True
    )
    started.append(process)
    return process


def until(ready: object, what: str, limit_s: float = 60) -> None:
    deadline = time.monotonic() + limit_s
    while not ready():  # type: ignore[operator]
        assert time.monotonic() < deadline, f"waited {limit_s} s for {what}"
        time.sleep(0.1)


def brands(boss: Context) -> int:
    with tenant(boss.enterprise_id):
        return int(apps.get_model("masters.Brand").objects.count())


def job_of(boss: Context, id_: uuid.UUID) -> Job:
    with tenant(boss.enterprise_id):
        found: Job = Job.objects.get(id=id_)
        return found


def upload(boss: Context, rows: int = ROWS) -> uuid.UUID:
    data = sheets.write(["Code", "Name"], ([f"B{n:05}", f"橡木坊 {n}"] for n in range(rows)))
    with tenant(boss.enterprise_id):
        made: uuid.UUID = enqueue(boss, "import", "masters.brand", data).id
    return made


def test_a_worker_killed_in_the_middle_of_an_import_leaves_nothing_half_done(
    boss: Context, started: list[subprocess.Popen[bytes]]
) -> None:
    id_ = upload(boss)
    first = start(started)
    until(lambda: job_of(boss, id_).done > 0, "the import to be under way")
    os.kill(first.pid, signal.SIGKILL)
    first.wait()
    assert (job_of(boss, id_).state, brands(boss)) == ("running", 0)
    # Nobody waits for the lease here.
    Task.objects.filter(id=id_).update(until=timezone.now())
    start(started)
    until(lambda: job_of(boss, id_).state == "done", "the second worker")
    job = job_of(boss, id_)
    assert (job.attempts, job.result["created"], brands(boss)) == (2, ROWS, ROWS)  # type: ignore[index]
    with tenant(boss.enterprise_id):
        assert Audit.objects.filter(code="masters.brand").count() == ROWS
    connection.close()


def test_a_worker_told_to_stop_gives_its_job_back_at_once(
    boss: Context, started: list[subprocess.Popen[bytes]]
) -> None:
    id_ = upload(boss)
    first = start(started)
    until(lambda: job_of(boss, id_).done > 0, "the import to be under way")
    first.send_signal(signal.SIGTERM)
    assert first.wait(timeout=30) == 0
    assert (job_of(boss, id_).state, brands(boss)) == ("queued", 0)
    start(started)
    until(lambda: job_of(boss, id_).state == "done", "the second worker")
    assert (job_of(boss, id_).attempts, brands(boss)) == (1, ROWS)
    connection.close()
