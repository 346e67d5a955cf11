"""What the measured processes of a sync do: each is fresh, so that its memory is its own."""

import datetime as dt
import resource
import time
import uuid
from dataclasses import dataclass
from typing import Any

import django

django.setup()  # before anything of ours is imported (hence the late imports): a spawned process begins here

from yunlian.directory import connections  # noqa: E402
from yunlian.directory.models import Connection  # noqa: E402
from yunlian.kernel import worker  # noqa: E402
from yunlian.kernel.models import Job  # noqa: E402
from yunlian.kernel.scope import tenant  # noqa: E402
from yunlian.kernel.sql import run as execute  # noqa: E402


@dataclass
class Worked:
    """What a worker's process took: seconds, peak memory, and what its last job answered."""

    seconds: float
    peak_mib: float
    result: dict[str, Any]


def work(enterprise_id: int, _conn: uuid.UUID) -> Worked:
    """Do the enterprise's jobs to the end."""
    started = time.perf_counter()
    while held := worker.claim(0, uuid.uuid4(), dt.datetime.now(dt.UTC)):
        worker.perform(held)
    seconds = time.perf_counter() - started
    with tenant(enterprise_id):
        job = Job.objects.order_by("-id").first()
        assert job is not None
        assert job.state == "done", job.error
        result = dict(job.result or {})
    return Worked(seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, result)


def read(enterprise_id: int, conn_id: uuid.UUID) -> Worked:
    """The floor of a plan: read both sides and write nothing."""
    with tenant(enterprise_id):
        reader = connections.reader_of(Connection.objects.get(id=conn_id))
    started = time.perf_counter()
    reader.range()
    keys = [each.key for each in reader.departments()]
    theirs = sum(len(page) for page in reader.people(keys))
    with tenant(enterprise_id):
        sql = (
            "SELECT e.id, e.code, e.name, e.mobile, e.login, e.job, e.is_active, e.department_id, m.theirs FROM org_employee e "
            "LEFT JOIN directory_match m ON m.enterprise_id = e.enterprise_id AND m.employee_id = e.id "
            "WHERE e.enterprise_id = %s"
        )
        ours = len(execute(sql, [enterprise_id]))
    seconds = time.perf_counter() - started
    return Worked(
        seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, {"ours": ours, "theirs": theirs}
    )
