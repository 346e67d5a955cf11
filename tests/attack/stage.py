"""A stage for attacks: two enterprises that know nothing of each other, people in every preset role, a row of every code.

Everything is committed, so that it is there for every connection; the fixture `world` empties the tables afterwards.
"""

import contextlib
import datetime as dt
import itertools
import json
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from django.db import connection
from django.http import HttpResponse
from django.test import Client

from yunlian.chain import membership
from yunlian.chain.models import Lane, Link, Offer, Outbox
from yunlian.directory import connections
from yunlian.directory import models as directory
from yunlian.kernel.document import REGISTRY, VIEWS, Document, Listed
from yunlian.kernel.identity import new_id
from yunlian.kernel.scope import Context, tenant
from yunlian.kernel.steps import move
from yunlian.kernel.testing import DEFAULTS, make
from yunlian.org import people
from yunlian.org.context import context_for
from yunlian.org.models import Membership, User
from yunlian.org.presets import PRESETS

PASSWORD = "correct horse battery"
NOBODY = uuid.UUID("01890000-0000-7000-8000-000000000000")
# Prices nobody else has: wherever these digits turn up, a guarded field was shown.
PURCHASE_MARK, SALES_MARK, COST_MARK = "73.19", "64.87", "58.43"


class Browser:
    """One device that speaks to the API, signed in or not."""

    def __init__(self, login: str | None = None, **headers: str) -> None:
        self.client = Client(headers={"Accept-Language": "en"} | headers, raise_request_exception=False)
        if login is not None:
            response = self.post("/api/session", login=login, password=PASSWORD)
            assert response.status_code == 200, response.content

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> HttpResponse:
        """Send JSON, or bytes as they are."""
        raw = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        kind = headers.pop("content_type", "application/json")
        return self.client.generic(method, path, raw, kind, headers=headers)

    def get(self, path: str, **headers: str) -> HttpResponse:
        return self.call("GET", path, **headers)

    def post(self, path: str, **body: Any) -> HttpResponse:
        return self.call("POST", path, body)

    def put(self, path: str, **body: Any) -> HttpResponse:
        return self.call("PUT", path, body)

    def delete(self, path: str) -> HttpResponse:
        return self.call("DELETE", path)


def codes(response: HttpResponse) -> list[str]:
    """The codes of an answer's problems."""
    return [problem["code"] for problem in response.json()["problems"]]


def listed() -> dict[str, Listed]:
    """Everything that has a code."""
    return {**REGISTRY, **VIEWS}


@dataclass
class Side:
    """One enterprise: how to act in it, and a row of every code by id."""

    id: int
    chain_id: uuid.UUID
    admin_id: uuid.UUID
    department_id: uuid.UUID
    login: str
    rows: dict[str, uuid.UUID] = field(default_factory=dict)
    lines: dict[str, uuid.UUID] = field(default_factory=dict)

    @contextlib.contextmanager
    def enter(self) -> Iterator[Context]:
        """Act as the administrator, now."""
        with tenant(self.id):
            ctx = context_for(self.id, self.admin_id, dt.datetime.now(dt.UTC))
            assert ctx is not None
            yield ctx


@dataclass
class World:
    """`near` is attacked, `far` is where strangers come from; `people` are the logins of near by preset role."""

    near: Side
    far: Side
    people: dict[str, str]
    wanderer: str
    _browsers: dict[str | None, Browser] = field(default_factory=dict)

    def as_(self, who: str | None) -> Browser:
        """The browser of a preset role of near, of `stranger`, `wanderer` (in no enterprise), or of nobody."""
        if who not in self._browsers:
            self._browsers[who] = self.anew(who)
        return self._browsers[who]

    def anew(self, who: str | None) -> Browser:
        """Another browser of theirs, for acts that end a session."""
        return Browser({"stranger": self.far.login, "wanderer": self.wanderer, **self.people}.get(who or ""))


_serial = itertools.count(1)


def build() -> World:
    """Found both enterprises and fill them."""
    n = next(_serial)
    DEFAULTS["masters.product"] = {"list_price": "12.5", "purchase_price": "8"}
    DEFAULTS["masters.warehouse"] = {"may_be_negative": True}
    DEFAULTS["masters.account"] = {"may_be_negative": True}
    DEFAULTS["masters.partner"] = {"settlement": "account"}
    near, far = (_found(f"{name}{n}") for name in ("near", "far"))
    world = World(near, far, {"admin": near.login}, f"wanderer{n}")
    with near.enter() as ctx:
        for preset in PRESETS:
            if preset.code != "admin":
                world.people[preset.code] = login = f"{preset.code}{n}"
                _hire(ctx, near, login, preset.code)
        _hire(ctx, near, world.wanderer, "guide")
    with far.enter() as ctx:
        employee = _hire(ctx, far, None, "guide")
        user = User.objects.get(login=world.wanderer)
        Membership.objects.create(user=user, enterprise_id=far.id, employee_id=employee)
    for side, other in ((near, far), (far, near)):
        with side.enter() as ctx:
            fill(side, other, ctx)
    for who in (*world.people, "stranger", "wanderer"):
        world.as_(who)  # now, so that the sessions outlive the test that asks first
    return world


def _found(code: str) -> Side:
    made = people.found_enterprise(code, f"企业{code}", f"boss-{code}", PASSWORD, now=dt.datetime.now(dt.UTC))
    return Side(made.enterprise_id, made.chain_id, made.admin_id, made.department_id, f"boss-{code}")


def _hire(ctx: Context, side: Side, login: str | None, role: str) -> uuid.UUID:
    body = {"code": f"E{next(_serial)}", "name": f"员工{role}", "department": str(side.department_id)}
    return people.hire(ctx, body, roles=[role], login=login, password=PASSWORD if login else None)


def fill(side: Side, other: Side, ctx: Context) -> None:
    """Make a row of every code: masters, documents approved where they have a lifecycle, the chain joined."""
    for code, document in REGISTRY.items():
        if not code.startswith("chain."):
            note(side, code, make(code, ctx, upto="approved" if document.flow else None, **_marks(code)))
    until = (ctx.now + dt.timedelta(days=30)).isoformat()
    note(
        side,
        "chain.credential",
        make("chain.credential", ctx, name="凭证", valid_from=ctx.now.isoformat(), valid_until=until),
    )
    membership.join(ctx, side.rows["chain.credential"])
    note(side, "chain.link", make("chain.link", ctx, partner_chain_id=str(other.chain_id)))
    side.rows["chain.product"] = _offer(ctx)
    side.rows["lanes"], side.rows["messages"] = _lane(ctx)
    side.rows |= _directory(side, ctx)


def _directory(side: Side, ctx: Context) -> dict[str, uuid.UUID]:
    """A connection with a run, and a row of everything that hangs on it; by the last word of the way to it, and by code."""
    conn = connections.create(ctx, {"platform": "wecom", "corp_id": f"ww{side.id}", "contacts_secret": "s"})
    employee, at = side.rows["org.employee"], ctx.now
    common = {"connection_id": conn.id}
    run = directory.Run.objects.create(
        id=new_id(), direction="push", state="failed", member=ctx.member_id, at=at, **common
    )
    change = directory.Change.objects.create(
        id=new_id(), run_id=run.id, no=1, kind="person", act="add", source=str(employee), name="员工"
    )
    rows = {
        "connections": conn, "runs": run, "changes": change,
        "decisions": directory.Decision.objects.create(
            id=new_id(), kind="person", key=str(employee), topic="person", what="skip", at=at, **common
        ),
        "handovers": directory.Handover.objects.create(id=new_id(), employee_id=employee, left_at=at),
        "guests": directory.Guest.objects.create(
            id=new_id(), employee_id=employee, user_id=0, home_id=0, home_name="分公司", given_at=at, **common
        ),
        "directory.match": directory.Match.objects.create(
            id=new_id(), kind="person", employee_id=employee, theirs="u1", since=at, **common
        ),
        "directory.notice": directory.Notice.objects.create(
            id=new_id(), employee_id=employee, theirs="u1", code="purchase.order", record=NOBODY, version=1,
            number="PO-1", task="t1", state="failed", at=at, **common
        ),
        "directory.callback": directory.Callback.objects.create(
            id=new_id(), receiver="contacts", digest=b"0" * 32, at=at, **common
        ),
    }  # fmt: skip
    found = {name: row.id for name, row in rows.items()}
    views = ("connections", "runs", "changes", "decisions", "handovers", "guests")
    return found | {f"directory.{name[:-1]}": found[name] for name in views}


def note(side: Side, code: str, made: Any) -> None:
    """Remember a row, and its first line."""
    side.rows[code] = made.pk
    if made.lines:
        side.lines[code] = made.lines[0].id


def _marks(code: str) -> Mapping[str, Any]:
    return {
        "finance.receipt": {"account__may_be_negative": True},
        "finance.payment": {"account__may_be_negative": True},
        "masters.partner": {"is_customer": True, "is_supplier": True},
        "purchase.order": {"lines__price": PURCHASE_MARK},
        "sales.intention": {"lines__price": SALES_MARK},
        "sales.contract": {"lines__price": SALES_MARK},
        "stock.opening": {"lines__cost": COST_MARK},
        "masters.product": {"purchase_price": PURCHASE_MARK},
    }.get(code, {})


def _offer(ctx: Context) -> uuid.UUID:
    """An offer of an upstream partner, as its catalogue would have brought it."""
    common = {
        "created_at": ctx.now,
        "updated_at": ctx.now,
        "created_by": ctx.member_id,
        "updated_by": ctx.member_id,
    }
    made = Offer.objects.create(
        id=new_id(), code="OFFER-1", name="床", link_id=Link.objects.get().id,
        upstream_id=str(NOBODY), upstream_code="U-1", unit="PC", price=PURCHASE_MARK, currency="CNY", **common,
    )  # fmt: skip
    found: uuid.UUID = made.id
    return found


def _lane(ctx: Context) -> tuple[uuid.UUID, uuid.UUID]:
    """A lane of the link, and a message that waits on it."""
    lane = Lane.objects.create(id=new_id(), link_id=Link.objects.get().id, is_out=True, last_hash="0" * 64)
    message = Outbox.objects.create(
        id=new_id(), lane_id=lane.id, kind="catalogue.product", subject="masters.product/1", thread=NOBODY,
        thread_version=1, data={}, queued_at=ctx.now,
    )  # fmt: skip
    return lane.id, message.id


@cache
def tables() -> list[str]:
    """Every table of the database but Django's own."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename NOT LIKE 'django%' ORDER BY 1"
        )
        return [row[0] for row in cursor.fetchall()]


# What a sign-in or a mere request may leave behind.
LEFT_BEHIND = ("org_session", "org_attempt", "org_throttle")


def digest(side: Side) -> dict[str, str]:
    """A digest of every table as the enterprise sees it."""
    asked = " UNION ALL ".join(
        f"SELECT '{table}', md5(coalesce(string_agg(t::text, '' ORDER BY t::text), '')) FROM \"{table}\" t"
        for table in tables()
        if table not in LEFT_BEHIND
    )
    with tenant(side.id), connection.cursor() as cursor:
        cursor.execute(asked)
        return dict(cursor.fetchall())


def kinds(document: Document) -> Iterator[tuple[str | None, str, Any]]:
    """Every field that input may name, as (section, name, kind)."""
    for section, fields in ((None, document.fields), ("lines", document.line_fields)):
        for name, kind in fields.items():
            if not kind.readonly:
                yield section, name, kind


def approve(ctx: Context, code: str, id_: uuid.UUID) -> Any:
    return move(code, ctx, id_, "approve")
