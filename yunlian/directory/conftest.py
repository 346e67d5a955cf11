"""An enterprise with people, and a platform in memory that keeps the rules the engine relies on."""

import datetime as dt
import itertools
from collections.abc import Iterator
from dataclasses import replace

import pytest
from django.db import connection as database

from yunlian.kernel import worker
from yunlian.kernel.models import Job
from yunlian.kernel.scope import tenant
from yunlian.kernel.testing import NOW
from yunlian.org import people
from yunlian.org.context import context_for
from yunlian.org.models import Department, Employee
from yunlian.platforms.errors import PlatformError

from . import connections, runs
from .models import Change, Connection, Run
from .side import Department as TheirDepartment
from .side import Person, Range, Rules

PASSWORD = "correct horse battery"
WECOM = Rules(
    account=r"[A-Za-z0-9][A-Za-z0-9_\-@.]{0,63}", name_max=64, department_max=64, bad_in_department=r'[\\:*?"<>|]',
    needs_mobile=True, is_account_key=True, has_many_departments=True,
)  # fmt: skip
DINGTALK = Rules(has_many_departments=True)


class Platform:
    """People and departments of a corp in memory. `calls` counts writes; `down_after` fails every write after so many."""

    def __init__(self, rules: Rules) -> None:
        self.rules, self.waited_s = rules, 0.0
        self.tree = {"1": TheirDepartment("1", "corp")}
        self.members: dict[str, Person] = {}
        self.calls: list[tuple] = []
        self.down_after: int | None = None
        self.refused: dict[str, str] = {}
        self.tops: tuple[str, ...] = ("1",)
        self.root, self.read = "1", []
        self.counted: int | None = None
        self.gaps: tuple[str, ...] = ()
        self.page = 3
        self._ids = itertools.count(2)

    def fill(self) -> None:
        """Two departments and three people."""
        self.tree |= {"10": TheirDepartment("10", "销售", "1"), "11": TheirDepartment("11", "设计", "10")}
        for key, name, place in (("u1", "张三", "10"), ("u2", "李四", "11"), ("u3", "王五", "11")):
            self.members[key] = Person(key, name, key, mobile(), (place,), union=f"union-{key}")

    def at(self, root: str) -> "Platform":
        """The same, read below one department; every reading is noted in `read`."""
        self.root = root
        return self

    def range(self) -> Range:
        self._ask()
        return Range(self.tops, (), self.counted, self.gaps)

    def departments(self) -> list[TheirDepartment]:
        found = dict.fromkeys(self.tops if self.root == "1" else (self.root,))
        self.read.append(("departments", *found))
        while more := [key for key, each in self.tree.items() if each.parent in found and key not in found]:
            found |= dict.fromkeys(more)
        return [self.tree[key] for key in found if key in self.tree]

    def people(self, departments) -> Iterator[list[Person]]:
        for key in departments:
            self.read.append(("people", key))
            there = [each for each in self.members.values() if key in each.departments]
            for at in range(0, len(there), self.page):
                yield there[at : at + self.page]

    def department(self, key: str) -> TheirDepartment | None:
        self._ask()
        self.read.append(("department", key))
        return self.tree.get(key)

    def person(self, key: str) -> Person | None:
        self._ask()
        self.read.append(("person", key))
        return self.members.get(key)

    def _ask(self) -> None:
        if self.down_after == 0:
            raise PlatformError("test", "no-answer", "no answer", "Try again later.", retry=True)

    def _write(self, *call) -> None:
        if self.down_after is not None and len(self.calls) >= self.down_after:
            raise PlatformError("test", "no-answer", "no answer", "Try again later.", retry=True)
        self.calls.append(call)

    def add_department(self, name: str, parent: str, *, key: str = "") -> str:
        self._write("add_department", name, parent)
        same = [k for k, each in self.tree.items() if (each.name, each.parent) == (name, parent)]
        if same:
            return same[0]
        if key in self.tree:
            raise PlatformError("test", "60008", "id exists", "Choose another.", retry=False)
        key = key or str(next(self._ids))
        self.tree[key] = TheirDepartment(key, name, parent)
        return key

    def change_department(self, key, *, name=None, parent=None) -> None:
        self._write("change_department", key, name, parent)
        old = self.tree[key]
        self.tree[key] = TheirDepartment(key, name or old.name, parent or old.parent)

    def remove_department(self, key) -> None:
        self._write("remove_department", key)
        if any(key in each.departments for each in self.members.values()):
            raise PlatformError("test", "60005", "has members", "Move its members first.", retry=False)
        if any(each.parent == key for each in self.tree.values()):
            raise PlatformError("test", "60006", "has children", "Remove those below it first.", retry=False)
        self.tree.pop(key, None)

    def add_person(self, person: Person, *, is_retry: bool) -> str:
        self._write("add_person", person.account)
        if person.account in self.refused:
            raise PlatformError("test", self.refused[person.account], "refused", "Put it right.", retry=False)
        if person.account in self.members:
            if is_retry:
                return person.account
            raise PlatformError("test", "60102", "userid exists", "Link them.", retry=False)
        self.members[person.account] = replace(person, key=person.account)
        return person.account

    def change_person(self, key, *, account=None, **fields) -> str:
        self._write("change_person", key, account, dict(fields))
        old = self.members[key]
        if "departments" in fields:
            fields["departments"] = tuple(fields["departments"])
        new = account or key
        del self.members[key]
        self.members[new] = replace(old, key=new, account=new, **fields)
        return new

    def switch_person(self, key, *, is_active) -> None:
        self._write("switch_person", key, is_active)
        self.members[key] = replace(self.members[key], is_active=is_active)

    def remove_person(self, key) -> None:
        self._write("remove_person", key)
        self.members.pop(key, None)

    def picture(self) -> tuple:
        return dict(sorted(self.tree.items())), dict(sorted(self.members.items()))


@pytest.fixture
def acme(db) -> people.Founded:
    return people.found_enterprise("acme", "云上家居", "boss", PASSWORD, now=NOW)


class Stage:
    """Acts in one enterprise against one platform, as its administrator, jobs done at once."""

    def __init__(self, founded: people.Founded, platform: Platform, name: str, **filled: str) -> None:
        self.founded, self.platform, self.id = founded, platform, founded.enterprise_id
        filled = {"corp_id": f"corp-{self.id}", **FILLED[name]} | filled
        with self.enter() as ctx:
            self.conn_id = connections.create(ctx, {"platform": name, **filled}).id
            connections.switch(ctx, self.conn_id, is_on=True)

    def enter(self):
        stage = self

        class _Entered:
            def __enter__(self):
                self.tenant = tenant(stage.id)
                self.tenant.__enter__()
                return context_for(stage.id, stage.founded.admin_id, NOW)

            def __exit__(self, *error):
                return self.tenant.__exit__(*error)

        return _Entered()

    @property
    def conn(self) -> Connection:
        with tenant(self.id):
            return Connection.objects.get(id=self.conn_id)

    def work(self) -> None:
        """Do every job that waits."""
        while True:
            held = worker.claim(0, self.founded.chain_id, dt.datetime.now(dt.UTC))
            if held is None:
                return
            worker.perform(held)

    def begin(self, **how) -> Run:
        with self.enter() as ctx:
            run = runs.begin(ctx, self.conn, **how)
        self.work()
        return self.run(run)

    def run(self, run: Run) -> Run:
        with tenant(self.id):
            return Run.objects.get(id=run.id)

    def apply(self, run: Run) -> Run:
        with self.enter() as ctx:
            runs.apply(ctx, run.id)
        self.work()
        return self.run(run)

    def undo(self, run: Run) -> Run:
        with self.enter() as ctx:
            runs.undo(ctx, run.id)
        self.work()
        return self.run(run)

    def sync(self) -> Run:
        run = self.begin()
        assert run.state == "planned", (run.state, run.error, run.guards)
        return self.apply(run)

    def changes(self, run: Run, **where) -> list[Change]:
        with tenant(self.id):
            return list(Change.objects.filter(run_id=run.id, **where).order_by("no"))

    def acts(self, run: Run) -> list[tuple[str, str, str]]:
        return [(c.act, c.name, c.reason) for c in self.changes(run)]

    def errors(self) -> list[str]:
        with tenant(self.id):
            return list(Job.objects.order_by("-id").values_list("error", flat=True))

    def department(self, code: str, name: str, parent=None):
        with self.enter() as ctx:
            from yunlian.kernel.save import save

            parent = parent or self.founded.department_id
            return save("org.department", ctx, {"code": code, "name": name, "parent": str(parent)}).pk

    def hire(self, code: str, name: str, *roles: str, login: str | None = None, **more):
        with self.enter() as ctx:
            data = {
                "code": code,
                "name": name,
                "department": str(self.founded.department_id),
                "mobile": mobile(),
            }
            password = PASSWORD if login else None
            return people.hire(ctx, data | more, roles=roles, login=login, password=password)

    def rows(self) -> dict[str, list]:
        """Every row of ours that a sync may touch, whole; versions, which never repeat, left out."""
        with tenant(self.id), database.cursor() as cursor:
            found = {}
            for name in (
                "org_department",
                "org_employee",
                "org_membership",
                "org_employeerole",
                "directory_match",
                "directory_handover",
            ):
                cursor.execute(
                    f"SELECT to_jsonb(t) - 'version' FROM {name} t WHERE enterprise_id = %s ORDER BY 1",
                    [self.id],
                )
                found[name] = [row[0] for row in cursor.fetchall()]
            cursor.execute(
                "SELECT token, code, record FROM kernel_token WHERE enterprise_id = %s ORDER BY 1, 2, 3",
                [self.id],
            )
            found["tokens"] = cursor.fetchall()
            return found

    def employees(self) -> dict[str, Employee]:
        with tenant(self.id):
            return {e.code: e for e in Employee.objects.filter(kind="person").select_related("department")}

    def departments(self) -> dict[str, Department]:
        with tenant(self.id):
            return {d.name: d for d in Department.objects.all()}


_serial = itertools.count(1)


def mobile() -> str:
    return f"139{next(_serial):08}"


FILLED = {
    "wecom": {"contacts_secret": "s3cret-contacts"},
    "dingtalk": {"app_key": "dingkey", "app_secret": "s3cret-app"},
}


@pytest.fixture
def stages(monkeypatch):
    """Make a stage: `stages(founded, "wecom")`."""

    def make(founded, name: str, rules: Rules | None = None) -> Stage:
        platform = Platform(rules or {"wecom": WECOM, "dingtalk": DINGTALK}[name])
        monkeypatch.setitem(connections.ADAPTERS, name, lambda conn, secrets: platform.at(conn.root))
        return Stage(founded, platform, name)

    return make


@pytest.fixture
def push(acme, stages) -> Stage:
    """WeCom, empty but for its root; acme has the administrator, and a department with two people."""
    stage = stages(acme, "wecom")
    with tenant(stage.id):
        Employee.objects.filter(id=acme.admin_id).update(mobile=mobile())
    sales = stage.department("S", "销售")
    stage.hire("e1", "张三", login="zhangsan", department=str(sales))
    stage.hire("e2", "李四", department=str(sales))
    return stage


@pytest.fixture
def pull(acme, stages) -> Stage:
    """DingTalk with two departments and three people; acme has its administrator only."""
    stage = stages(acme, "dingtalk")
    stage.platform.fill()
    return stage
