"""Connections: set up, switched on and off, their secrets sealed, and the receivers we made for their callbacks."""

import copy
import datetime as dt
import secrets as random
import uuid
from collections.abc import Callable, Mapping
from typing import Any, cast

import msgspec

from yunlian.kernel.document import Invalid, Missing, Problem, Refused
from yunlian.kernel.fields import BadValue, uuid_or_none
from yunlian.kernel.identity import new_id
from yunlian.kernel.models import Audit
from yunlian.kernel.scope import Context
from yunlian.kernel.sealing import seal, unseal
from yunlian.kernel.text import _
from yunlian.org.models import Department

from . import setup
from .adapters import Reader, Writer
from .models import CallbackAddress, Connection, Installed, Match, Territory

PURPOSE = "directory secrets"
Make = Callable[[Connection, Mapping[str, str]], Reader]
ADAPTERS: dict[str, Make] = {}


def adapter(platform: str) -> Callable[[Make], Make]:
    """Declare how a platform's adapter is made, from a connection and its secrets."""

    def wrap(make: Make) -> Make:
        ADAPTERS[platform] = make
        return make

    return wrap


def reader_of(conn: Connection, root: str = "") -> Reader:
    """Return what reads the platform of a connection: its part, or what lies below `root` alone."""
    narrowed = copy.copy(conn)
    narrowed.root = root or conn.root
    return ADAPTERS[conn.platform](narrowed, secrets_of(conn))


def writer_of(conn: Connection) -> Writer:
    """Return what writes to the platform of a connection that pushes."""
    return cast(Writer, reader_of(conn))


def secrets_of(conn: Connection) -> dict[str, str]:
    """Return the secrets of a connection, opened. Raises Sealed in a copied database."""
    if conn.wrapped is None:
        return {}
    found: dict[str, str] = msgspec.json.decode(unseal(PURPOSE, str(conn.id), bytes(conn.wrapped)))
    return found


def require_on(conn: Connection) -> None:
    """Raise Refused unless the connection is switched on."""
    if conn.state != "on":
        label = dict(Connection._meta.get_field("state").options)[conn.state]
        message = _("This connection is: %(state)s.") % {"state": label}
        raise Refused(Problem("state", message, code="not_on"))


def find(id_: Any, *, lock: bool = False) -> Connection:
    """Return a connection of this enterprise; raises Missing."""
    rows = Connection.objects.filter(id=uuid_or_none(id_))
    found = (rows.select_for_update() if lock else rows).first()
    if found is None:
        raise Missing("directory.connection")
    conn: Connection = found
    return conn


def create(ctx: Context, data: Mapping[str, Any]) -> Connection:
    """Make a connection, still off, with an address and keys of its own for every receiver.

    `data` names `platform`, and whatever else `change` takes. Raises Invalid, or Refused when there is one already.
    """
    platform = str(data.get("platform", ""))
    guide = setup.GUIDES.get(platform)
    if guide is None:
        raise Invalid(
            Problem("platform", _("Must be one of: %(known)s.") % {"known": ", ".join(setup.GUIDES)})
        )
    if Connection.objects.filter(platform=platform).exists():
        raise Refused(
            Problem("platform", _("There is a connection with this platform already."), code="taken")
        )
    top = Department.objects.filter(parent_id=None, is_active=True).order_by("code").first()
    conn = Connection(
        enterprise_id=ctx.enterprise_id, id=new_id(), platform=platform, direction=guide.direction,
        department_id=None if top is None else top.id, version=0, created_at=ctx.now, created_by=ctx.member_id,
        updated_at=ctx.now, updated_by=ctx.member_id, corp_id="",
    )  # fmt: skip
    conn.save(force_insert=True)
    for receiver in guide.receivers:
        make_address(conn, receiver.name)
    _take(ctx, conn, {k: v for k, v in data.items() if k != "platform"}, "created")
    return conn


def change(ctx: Context, id_: Any, data: Mapping[str, Any]) -> Connection:
    """Change what a connection is told: fields of its guide, limits, hour, department, root. Raises Invalid or Refused."""
    conn = find(id_, lock=True)
    given = dict(data)
    version = given.pop("version", None)
    if version is not None and version != conn.version:
        raise Refused(Problem("version", _("Somebody changed it meanwhile: look again."), code="stale"))
    _take(ctx, conn, given, "edited")
    return conn


_PLAIN = ("corp_id", "corp_name", "vanish_share", "vanish_min", "nightly_at", "direction")


def _take(ctx: Context, conn: Any, data: Mapping[str, Any], act: str) -> None:
    guide = setup.GUIDES[conn.platform]
    known = {each.name: each for each in guide.fields}
    kept, problems, made = secrets_of(conn), [], []
    for name, value in data.items():
        try:
            before = _shown(conn, name)
            if name in known and known[name].is_secret:
                if value in (None, ""):
                    continue  # shown masked, so what comes back blank stays
                kept[name] = setup.parsed(known[name], value)
                made.append({"field": name, "line": None, "old": None, "new": "••••"})
                continue
            if name == "corp_id" and _is_tied(conn) and value != conn.corp_id:
                raise BadValue(_("People are matched in this corp: unbind it first."), "tied")
            if name == "root":
                conn.root = setup.key(value)
            elif name == "department":
                conn.department_id = _department(value)
            elif name == "contacts_policy":
                conn.settings[name] = setup.policy(value)
            elif name in _PLAIN:
                kind: Any = Connection._meta.get_field(name)
                setattr(conn, name, kind.parse(value))
            elif name in known:
                conn.settings[name] = setup.parsed(known[name], value)
            else:
                raise BadValue(_("There is no such field."), "surplus")
            if _shown(conn, name) != before:
                made.append({"field": name, "line": None, "old": before, "new": _shown(conn, name)})
        except BadValue as bad:
            problems.append(Problem(name[:60], bad.message, code=bad.code))
    if conn.direction not in guide.directions:
        problems.append(
            Problem("direction", _("This platform cannot be synced in that direction."), code="invalid")
        )
    if problems:
        raise Invalid(*problems)
    conn.wrapped = seal(PURPOSE, str(conn.id), msgspec.json.encode(kept)) if kept else None
    _save(ctx, conn, act, made)
    _mark(conn)


def _is_tied(conn: Connection) -> bool:
    return Match.objects.filter(connection_id=conn.id, ended_at=None).exists()


def _shown(conn: Connection, name: str) -> str:
    if name in conn.settings:
        return str(conn.settings[name])
    return str(getattr(conn, "department_id" if name == "department" else name, "") or "")


def _department(value: Any) -> uuid.UUID | None:
    if value in (None, ""):
        return None
    id_ = uuid_or_none(value.get("id") if isinstance(value, Mapping) else value)
    if id_ is None or not Department.objects.filter(id=id_, is_active=True).exists():
        raise BadValue(_("Is not known here."), "unknown")
    return id_


def _save(ctx: Context, conn: Connection, act: str, made: list[dict[str, Any]]) -> None:
    """Write the connection as a version of its own, with who did it."""
    conn.version += 1
    conn.updated_at, conn.updated_by = ctx.now, ctx.member_id
    conn.save()
    Audit.objects.create(
        id=new_id(), at=ctx.now, code="directory.connection", record=conn.id, version=conn.version, act=act,
        by=ctx.member_id, by_name=ctx.member_name, changes=made,
    )  # fmt: skip


def _mark(conn: Connection) -> None:
    """Let the installation know whose part of which corp this is. Raises Refused when another enterprise has it."""
    held = Territory.objects.filter(
        platform=conn.platform, corp_id=conn.corp_id, root=conn.root, is_live=True
    ).exclude(enterprise_id=conn.enterprise_id)
    is_live = conn.state in ("on", "stopped") and bool(conn.corp_id)
    if is_live and held.exists():
        message = _(
            "Another enterprise here is connected with this part of the corp: choose another department."
        )
        raise Refused(Problem("root", message, code="taken"))
    expected = conn.corp_id if conn.platform == "wecom" else conn.settings.get("app_key", "")
    CallbackAddress.objects.filter(enterprise_id=conn.enterprise_id, platform=conn.platform).update(
        receive_id=expected
    )
    Territory.objects.update_or_create(
        enterprise_id=conn.enterprise_id, platform=conn.platform,
        defaults={"corp_id": conn.corp_id, "root": conn.root, "connection_id": conn.id, "is_live": is_live},
    )  # fmt: skip


def switch(ctx: Context, id_: Any, *, is_on: bool) -> Connection:
    """Switch a connection on or off. On needs every required field; what was matched when it was last on is matched again."""
    conn = find(id_, lock=True)
    if is_on:
        lacking = setup.lacking(conn, secrets_of(conn))
        if lacking:
            raise Invalid(*(Problem(name, _("Must be filled in."), code="required") for name in lacking))
        if conn.origin == "market":
            installed(conn.corp_id, ctx.now)
        if conn.state == "left":
            restore_matches(conn)
            conn.bound_at = ctx.now
        conn.bound_at = conn.bound_at or ctx.now
    set_state(ctx, conn, "on" if is_on else "off")
    return conn


def installed(corp_id: str, now: dt.datetime) -> Installed:
    """Return how a corp has our app of the marketplace. Raises Refused when it has not, or its time is over."""
    found = Installed.objects.filter(
        platform="dingtalk", corp_id=corp_id, state__in=["on", "stopped"]
    ).first()
    if found is None:
        raise Refused(Problem("corp_id", _("This corp has not installed the app."), code="not_installed"))
    if found.ends_at is not None and found.ends_at <= now:
        message = _("The trial, or what was paid for, is over: buy the app in DingTalk's marketplace first.")
        raise Refused(Problem("corp_id", message, code="over"))
    return found


def set_state(ctx: Context, conn: Connection, state: str) -> None:
    """Write a state, with the moment it stopped."""
    before, conn.state = conn.state, state
    conn.stopped_at = ctx.now if state in ("stopped", "removed", "left") else None
    _save(ctx, conn, state, [{"field": "state", "line": None, "old": before, "new": state}])
    _mark(conn)


def restore_matches(conn: Connection) -> int:
    """Bring back the matches that ended when the connection was unbound, as far as both still exist and are free."""
    if conn.stopped_at is None:
        return 0
    back = 0
    for match in Match.objects.filter(connection_id=conn.id, ended_at=conn.stopped_at):
        same = Match.objects.filter(connection_id=conn.id, ended_at=None, kind=match.kind)
        if same.filter(theirs=match.theirs).exists():
            continue
        if same.filter(employee_id=match.employee_id, department_id=match.department_id).exists():
            continue
        Match.objects.filter(id=match.id).update(ended_at=None)
        back += 1
    return back


def make_address(conn: Connection, receiver: str, platform: str = "") -> CallbackAddress:
    """Make the address, token and AES key of one receiver: ours to give, so that no two receivers share any."""
    key = random.token_urlsafe(32)
    made: CallbackAddress = CallbackAddress.objects.create(
        key=key, enterprise_id=conn.enterprise_id, connection_id=conn.id, platform=platform or conn.platform,
        receiver=receiver, token=_letters(32), wrapped=seal(PURPOSE, key, _letters(43).encode()), receive_id=conn.corp_id,
        made_at=dt.datetime.now(dt.UTC),
    )  # fmt: skip
    return made


_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"


def _letters(length: int) -> str:
    """Return random letters and digits, as both platforms want tokens and keys. 43 of them make 256 bits of AES key."""
    return "".join(random.choice(_ALPHABET) for _n in range(length))


def renew_address(ctx: Context, id_: Any, receiver: str) -> CallbackAddress:
    """Make a new address and new keys for a receiver: the old ones stop at once."""
    conn = find(id_, lock=True)
    gone, _rows = CallbackAddress.objects.filter(
        enterprise_id=ctx.enterprise_id, platform=conn.platform, receiver=receiver
    ).delete()
    if not gone:
        raise Missing("receiver")
    make_address(conn, receiver)
    _mark(conn)
    _save(ctx, conn, "edited", [{"field": "receiver", "line": None, "old": receiver, "new": receiver}])
    return CallbackAddress.objects.get(
        enterprise_id=ctx.enterprise_id, platform=conn.platform, receiver=receiver
    )


def aes_key(address: CallbackAddress) -> str:
    """Return the AES key of a receiver."""
    return unseal(PURPOSE, address.key, bytes(address.wrapped)).decode()
