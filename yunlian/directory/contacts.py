"""Customer contact (客户联系): customers of WeCom become contacts of partners, one row each for ever.

A callback only says whom to look at; they are read anew, and written as they are now. Who has gone keeps the row, with the
moment. Without a partner they wait to be assigned, unless the connection wants partners made of them.
"""

import datetime as dt
import hashlib
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from django.utils.translation import gettext

from yunlian.kernel import audit, bulk
from yunlian.kernel.bulk import Prepared
from yunlian.kernel.document import REGISTRY, Problem, Refused
from yunlian.kernel.fields import BadValue, Phone
from yunlian.kernel.intake import blank
from yunlian.kernel.jobs import Failed, Progress, enqueue, job
from yunlian.kernel.load import Loaded, select_for
from yunlian.kernel.models import Job
from yunlian.kernel.scope import Context, tenant
from yunlian.kernel.sql import run as execute
from yunlian.kernel.text import Label, _
from yunlian.masters.models import Partner, PartnerContact
from yunlian.platforms.errors import PlatformError
from yunlian.platforms.wecom import customers
from yunlian.platforms.wecom.client import Client
from yunlian.platforms.wecom.customers import Customer

from . import applying, connections, guards, looks
from .models import Connection, Look

PIECE = 200
MEMBERS = 100  # asked for at once
NOT_THERE = frozenset(("84061", "40096", "41035"))
# How a customer came, by WeCom's number. Source: wecom.md 8.1.
WAYS: Mapping[int, Label] = {
    1: _("QR code"), 2: _("Mobile search"), 3: _("Card"), 4: _("Group chat"), 5: _("Phone book"),
    6: _("WeChat contact"), 8: _("Provider's service"), 9: _("E-mail"), 10: _("Channels"),
    201: _("Shared by a colleague"), 202: _("Assigned by an administrator"),
}  # fmt: skip
_phone = Phone()


def begin(ctx: Context, conn: Connection) -> Job:
    """Read all customers anew, by hand. Raises Refused without the secret of customer contact."""
    connections.require_on(conn)
    if conn.platform != "wecom" or not connections.secrets_of(conn).get("customer_secret"):
        raise Refused(
            Problem("customer_secret", _("Fill in the customer contact secret first."), code="required")
        )
    looks.ask(ctx.enterprise_id, conn.id, [("contact", "*")], ctx.now)
    return enqueue(ctx, "directory.contacts", str(conn.id))


@job("directory.contacts")
def run_contacts(ctx: Context, made: Job, progress: Progress) -> Mapping[str, Any]:
    """Read the customers that are to be looked at, or all of them, and write them as they are."""
    with tenant(ctx.enterprise_id):
        conn = Connection.objects.get(id=uuid.UUID(made.subject))
        asked = {each.key: each.id for each in Look.objects.filter(connection_id=conn.id, kind="contact")}
        client = getattr(connections.reader_of(conn), "customers", None)
    if client is None or not asked:
        return {"read": 0}
    try:
        if "*" in asked:
            counted = _all(ctx, conn, client, progress)
        else:
            counted = _some(ctx, conn, client, list(asked), progress)
    except PlatformError as error:
        raise Failed(f"{gettext(error.remedy)} ({error.code}: {error.text})"[:500]) from error
    with tenant(ctx.enterprise_id):
        Look.objects.filter(id__in=list(asked.values())).delete()
    return counted


def _all(ctx: Context, conn: Connection, client: Client, progress: Progress) -> dict[str, int]:
    members = customers.followers(client)
    tags = _tag_names(client)
    found: dict[str, Customer] = {}
    for at in range(0, len(members), MEMBERS):
        for each in _of_users(client, members[at : at + MEMBERS]):
            known = found.get(each.id)
            found[each.id] = (
                each if known is None else replace(known, follows=(*known.follows, *each.follows))
            )
        progress(len(found))
    return _written(ctx, conn, list(found.values()), tags, progress) | _lost(ctx, conn, found)


def _of_users(client: Client, users: list[str]) -> Iterable[Customer]:
    """The customers of some members; that they have none is no refusal."""
    try:
        yield from customers.of_users(client, users)
    except PlatformError as error:
        if error.code not in NOT_THERE:
            raise


def _some(
    ctx: Context, conn: Connection, client: Client, ids: Sequence[str], progress: Progress
) -> dict[str, int]:
    there: list[Customer] = []
    gone: list[str] = []
    for id_ in ids:
        try:
            customer = customers.get(client, id_)
        except PlatformError as error:
            if error.code not in NOT_THERE:
                raise
            gone.append(id_)
            continue
        if customer.follows:
            there.append(customer)
        else:
            gone.append(id_)
    tags = {tag.id: tag.name for each in there for follow in each.follows for tag in follow.tags if tag.name}
    counted = _written(ctx, conn, there, tags, progress)
    with tenant(ctx.enterprise_id):
        counted["lost"] = _mark_lost(ctx, gone)
    return counted


def _tag_names(client: Client) -> dict[str, str]:
    return {id_: name for group in customers.corp_tags(client) for id_, name in group.tags}


def _written(
    ctx: Context, conn: Connection, found: Sequence[Customer], tags: Mapping[str, str], progress: Progress
) -> dict[str, int]:
    """Write customers as contacts, a piece at a time."""
    ctx = applying.for_the_enterprise(ctx)
    made = changed = 0
    for at in range(0, len(found), PIECE):
        with tenant(ctx.enterprise_id):
            new, old = _write(ctx, conn, found[at : at + PIECE], tags)
        made, changed = made + new, changed + old
        progress(min(at + PIECE, len(found)), len(found))
    return {"read": len(found), "new": made, "changed": changed}


def _write(
    ctx: Context, conn: Connection, piece: Sequence[Customer], tags: Mapping[str, str]
) -> tuple[int, int]:
    document = REGISTRY["masters.partner_contact"]
    select = select_for(PartnerContact)
    rows = execute(
        f'SELECT {select.columns} FROM "masters_partnercontact" t{select.joins} WHERE t.enterprise_id = %s '
        "AND t.platform = 'wecom' AND t.external_id = ANY(%s) ORDER BY t.id FOR NO KEY UPDATE OF t",
        [ctx.enterprise_id, [each.id for each in piece]],
    )
    known = {row.external_id: row for row in select.instances(rows)}
    followers = _followers(conn, piece)
    partners = _partners(ctx, conn, [each for each in piece if each.id not in known])
    prepared = []
    for each in piece:
        row = known.get(each.id)
        loaded = Loaded(document, row if row is not None else _blank(ctx, each, partners))
        before = None if row is None else audit.Picture(loaded)
        _take(loaded.header, each, tags, followers)
        one = Prepared(loaded, before)
        if before is None or one.changes:
            prepared.append(one)
    if prepared:
        bulk.write(document, ctx, prepared)
        bulk.tell(document, ctx, prepared)
    new = sum(1 for each in prepared if each.before is None)
    return new, len(prepared) - new


def _blank(ctx: Context, each: Customer, partners: Mapping[str, uuid.UUID]) -> Any:
    row: Any = blank(PartnerContact, ctx)
    row.created_at, row.created_by, row.version = ctx.now, ctx.member_id, 0
    row.code, row.platform, row.external_id = _code(each.id), "wecom", each.id
    row.partner_id = partners.get(each.id)
    return row


def _code(external_id: str) -> str:
    """Return the code of a contact: always the same for the same customer."""
    return "KH" + hashlib.sha256(external_id.encode()).hexdigest()[:12].upper()


def _take(row: Any, each: Customer, tags: Mapping[str, str], followers: Mapping[str, uuid.UUID]) -> None:
    """Take over what the platform says. What somebody typed here stays where the platform says nothing."""
    first = min(each.follows, key=lambda follow: follow.created_at)
    row.name = (first.remark or each.name or each.id)[:200]
    mobiles = [number for follow in each.follows for number in follow.mobiles]
    row.mobile = _telephone(mobiles[0]) if mobiles else row.mobile
    row.position = (each.position or row.position or "")[:200]
    mine = [
        followers[follow.user.casefold()] for follow in each.follows if follow.user.casefold() in followers
    ]
    if row.follower_id not in mine and mine:
        row.follower_id = mine[0]
        row._state.fields_cache.pop("follower", None)
    names = [tag.name or tags.get(tag.id, "") for follow in each.follows for tag in follow.tags]
    row.tags = sorted({name[:60] for name in names if name})[:50]
    row.source = (first.state or str(WAYS.get(first.add_way, "")))[:200]
    row.joined_at = dt.datetime.fromtimestamp(first.created_at, dt.UTC)
    row.lost_at, row.is_active = None, True


def _telephone(text: str) -> str:
    try:
        return _phone.parse(text)
    except BadValue:
        return ""


def _followers(conn: Connection, piece: Iterable[Customer]) -> dict[str, uuid.UUID]:
    """Return our employees by the platform's account."""
    users = sorted({follow.user.casefold() for each in piece for follow in each.follows})
    return dict(
        execute(
            "SELECT lower(theirs), employee_id FROM directory_match WHERE enterprise_id = %s AND connection_id = %s "
            "AND kind = 'person' AND ended_at IS NULL AND lower(theirs) = ANY(%s)",
            [conn.enterprise_id, conn.id, users],
        )
    )


def _partners(ctx: Context, conn: Connection, new: Sequence[Customer]) -> dict[str, uuid.UUID]:
    """Make a partner of every new customer where the connection wants that; else none."""
    if conn.settings.get("contacts_policy") != "partner" or not new:
        return {}
    document = REGISTRY["masters.partner"]
    codes = {_code(each.id): each for each in new}
    there = dict(Partner.objects.filter(code__in=list(codes)).values_list("code", "id"))
    prepared, found = [], {codes[code].id: id_ for code, id_ in there.items()}
    for code, each in codes.items():
        if code in there:
            continue
        row: Any = blank(Partner, ctx)
        row.created_at, row.created_by, row.version = ctx.now, ctx.member_id, 0
        first = each.follows[0]
        row.code, row.is_customer = code, True
        row.name = (first.company or each.company or first.remark or each.name)[:200]
        row.contact = each.name[:60]
        prepared.append(Prepared(Loaded(document, row)))
        found[each.id] = row.id
    if prepared:
        bulk.write(document, ctx, prepared)
        bulk.tell(document, ctx, prepared)
    return found


def _lost(ctx: Context, conn: Connection, found: Mapping[str, Customer]) -> dict[str, int]:
    """Mark whom the platform no longer lists; a suspiciously large number is counted and left alone."""
    with tenant(ctx.enterprise_id):
        known = [
            external
            for (external,) in execute(
                "SELECT external_id FROM masters_partnercontact WHERE enterprise_id = %s AND platform = 'wecom' "
                "AND lost_at IS NULL AND external_id <> ''",
                [ctx.enterprise_id],
            )
        ]
        gone = [external for external in known if external not in found]
        if len(gone) > guards.most_that_may_vanish(len(known), conn.vanish_share, conn.vanish_min):
            return {"lost": 0, "missing": len(gone)}
        return {"lost": _mark_lost(ctx, gone)}


def _mark_lost(ctx: Context, gone: Sequence[str]) -> int:
    return len(
        execute(
            "UPDATE masters_partnercontact SET lost_at = %s, is_active = false, version = version + 1, updated_at = %s, "
            "updated_by = %s WHERE enterprise_id = %s AND platform = 'wecom' AND external_id = ANY(%s) "
            "AND lost_at IS NULL RETURNING 1",
            [ctx.now, ctx.now, ctx.member_id, ctx.enterprise_id, list(gone)],
        )
    )
