"""Two enterprises in one database, joined to the chain and linked; a test message whose effect can be counted."""

import datetime as dt
import uuid
from dataclasses import dataclass

import pytest

from yunlian.chain import account, membership, messages, queue, worker
from yunlian.chain.models import Attempt, Credential, Inbox, Lane, Link, Outbox
from yunlian.kernel import events, faults
from yunlian.kernel.document import Problem, Refused
from yunlian.kernel.identity import new_id
from yunlian.kernel.save import save
from yunlian.kernel.scope import Context, Grants, tenant
from yunlian.kernel.steps import move
from yunlian.org.models import Employee, EmployeeRole, Enterprise, Role, RoleVerb

EVERYTHING = Grants(
    verbs=frozenset("*"), scopes={"*": "all"}, read_guards=frozenset("*"), write_guards=frozenset("*")
)


@dataclass(frozen=True)
class Side:
    """One enterprise of a test: acts as its administrator."""

    id: int
    chain_id: uuid.UUID

    def enter(self):
        return tenant(self.id)

    def ctx(self) -> Context:
        """An administrator who acts now."""
        now = account.database_now()
        return Context(
            enterprise_id=self.id, member_id=uuid.UUID(int=1), member_name="管理员", department_id=None, tree=(),
            grants=EVERYTHING, now=now, today=now.date(),
        )  # fmt: skip

    def say(self, thread: int = 1, text: str = "plain", kind: str = "test.note") -> uuid.UUID:
        """Queue a test message on the lane out."""
        with self.enter():
            return queue.put(
                self.id,
                now=account.database_now(),
                link_id=Link.objects.get(state="linked").id,
                kind=kind,
                subject=f"test.note/{uuid.UUID(int=thread)}",
                thread=uuid.UUID(int=thread),
                data={"text": text},
            )

    def heard(self, thread: int | None = None) -> list[str]:
        """What test messages did here, in the order they did it."""
        with self.enter():
            rows = Attempt.objects.filter(act="effect").order_by("first_seq", "at")
            if thread is not None:
                rows = rows.filter(code=str(uuid.UUID(int=thread)))
            return list(rows.order_by("at", "id").values_list("detail", flat=True))

    def outcomes(self) -> list[str]:
        """The outcomes of our messages, receipts left out, in the order of the lane."""
        with self.enter():
            rows = Outbox.objects.exclude(kind="message.receipt").order_by("seq")
            return list(rows.values_list("outcome", flat=True))

    def lane(self, *, out: bool) -> Lane:
        with self.enter():
            return Lane.objects.get(is_out=out, link__state="linked")

    def change_lane(self, *, out: bool, **values) -> None:
        with self.enter():
            Lane.objects.filter(is_out=out).update(**values)

    def inbox(self) -> list[Inbox]:
        with self.enter():
            return list(Inbox.objects.order_by("lane_id", "seq"))

    def wake(self) -> None:
        """Let the time pass that a retry would wait for."""
        with self.enter():
            Lane.objects.filter(is_out=True).update(next_at=None, lease_until=None)
            Inbox.objects.filter(state="new").update(next_at=None)


def found(code: str, name: str) -> Side:
    """Make an enterprise with its communication user, who holds the role 业务协同."""
    enterprise = Enterprise.objects.create(
        code=code, name=name, chain_id=uuid.uuid4(), created_at=dt.datetime.now(dt.UTC)
    )
    side = Side(enterprise.pk, enterprise.chain_id)
    with side.enter():
        common = _columns()
        user = Employee.objects.create(code="CHAIN", name="云链通信账号", kind="service", **common)
        role = Role.objects.create(code="COLLABORATION", name="业务协同", is_preset=True, **_columns())
        for verb in ("edit", "view"):
            RoleVerb.objects.create(role_id=role.id, code="test.note", verb=verb)
        EmployeeRole.objects.create(employee_id=user.id, role_id=role.id)
    Enterprise.objects.filter(pk=side.id).update(communication_id=user.id)
    return side


def _columns() -> dict:
    now, nobody = dt.datetime.now(dt.UTC), uuid.UUID(int=0)
    return {"id": new_id(), "created_at": now, "updated_at": now, "created_by": nobody, "updated_by": nobody}


def join(side: Side, days: float = 30, **data) -> Credential:
    """Make a credential and join the chain with it."""
    with side.enter():
        until = account.database_now() + dt.timedelta(days=days)
        made = save(
            "chain.credential", side.ctx(), {"name": "凭证", "valid_until": until.isoformat()} | data
        ).header
        membership.join(side.ctx(), made.id)
    return made


def link_quietly(up: Side, down: Side) -> None:
    """Invite and accept without asking for the catalogue, so that the lanes begin empty."""
    steps = events._inside
    with pytest.MonkeyPatch.context() as quiet:
        quiet.setitem(steps, ("chain.link", "accept"), steps["chain.link", "accept"][:1])
        link(up, down)


def link(up: Side, down: Side) -> None:
    """Invite and accept."""
    with up.enter():
        save("chain.link", up.ctx(), {"partner_chain_id": str(down.chain_id)})
    worker.drain([down.id])
    with down.enter():
        move("chain.link", down.ctx(), Link.objects.get(state="inviting").id, "accept")
    worker.drain([up.id, down.id])


@pytest.fixture
def pair(transactional_db, settings):
    """An upstream and a downstream enterprise, linked."""
    settings.CHAIN_SECRET = "a secret that is in no dump"
    up, down = found("HQ", "总部"), found("D1", "经销商一")
    for side in (up, down):
        join(side)
    link_quietly(up, down)
    return up, down


@pytest.fixture(autouse=True)
def _note_handler(monkeypatch):
    """A kind of message whose effect is one row; its text may ask to be refused, to fail, or to be poison."""
    handler = messages.Handler(kind="test.note", apply=_apply_note, verbs=("test.note.edit",))
    monkeypatch.setitem(messages.INCOMING, "test.note", handler)
    yield
    faults.disarm()


CURED: set[str] = set()


def _apply_note(arrival: messages.Arrival) -> None:
    from yunlian.chain.applying import Poison

    text = arrival.data["text"]
    Attempt.objects.create(
        id=new_id(), at=arrival.ctx.now, lane_id=arrival.envelope.lane, act="effect",
        code=str(arrival.envelope.thread), detail=text,
    )  # fmt: skip
    if text.startswith("refuse and fail"):
        raise Refused(Problem(None, "\ud800"))  # no text a message can carry: even the refusal fails
    if text.startswith("refuse"):
        raise Refused(Problem("product", "没有对应的商品：P-9", line=1, code="unmapped"))
    if text.startswith("poison") and text not in CURED:
        raise Poison("cannot be read")
    if text.startswith("fail") and text not in CURED:
        raise ValueError("broken")


class Killed(BaseException):
    """Stands for kill -9: nothing catches it, the database rolls back what was not committed."""


def kill_at(point: str, times: int = 1) -> list[int]:
    """Arm a fault point to kill the program when it passes it the n-th time; the list counts down to it."""
    left = [times]

    def act() -> None:
        left[0] -= 1
        if left[0] == 0:
            raise Killed(point)

    faults.arm(point, act)
    return left
