"""A link between two enterprises: invited by one, accepted by the other, in two transactions (flows.md F18).

Before there is a lane the two sides exchange signed letters. An invitation carries the inviter's key and the ids of both
lanes, its acceptance the other key; both keys are pinned, and only what they sign is believed afterwards.
"""

import json
import uuid
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from yunlian.kernel.document import Problem, Refused
from yunlian.kernel.load import Loaded
from yunlian.kernel.save import save
from yunlian.kernel.scope import Context
from yunlian.kernel.text import _
from yunlian.masters.models import Partner
from yunlian.org.models import Enterprise

from . import account, bindings, hashpath, keys, queue, signing
from .models import Handshake, Lane, Link, Membership


def fill(header: Link, lines: list[Any], ctx: Context) -> Iterable[Problem]:
    """Complete a new invitation: whom it is to, by chain id or code, and the ids both sides will know it by."""
    if not header._state.adding:
        yield from _keep(header)
        return
    found = _find_enterprise(header.partner_chain_id)
    if found is None:
        yield Problem("partner_chain_id", _("No such enterprise on the chain."), code="unknown")
        return
    if found.pk == ctx.enterprise_id:
        yield Problem("partner_chain_id", _("This is our own enterprise."))
    if not Membership.objects.exists():
        yield Problem(None, _("Join the chain first."), code="not_a_member")
    alive = Link.objects.filter(
        partner_chain_id=str(found.chain_id), direction="upstream", state__in=("inviting", "linked")
    )
    if alive.exists():
        yield Problem("partner_chain_id", _("There is a link or an invitation already."), code="exists")
    header.partner_chain_id, header.partner_name = str(found.chain_id), found.name
    if header.partner_id is None:
        bindings.suggest(header)
    yield from bindings.check(header, header.partner_id)
    header.name = header.name or found.name
    header.direction = "upstream"
    header.invitation, header.lane_out, header.lane_in = uuid.uuid4(), uuid.uuid4(), uuid.uuid4()
    header.code = str(header.invitation)[:8].upper()


def _keep(header: Link) -> Iterable[Problem]:
    """Which record of ours stands for the partner may change until the link is in force."""
    stored = Link.objects.get(id=header.id)
    if stored.state == "inviting":
        yield from bindings.check(header, header.partner_id)
    elif header.partner_id != stored.partner_id:
        yield Problem(
            "partner", _("The link is in force: its partner record can no longer change."), code="fixed"
        )


def _find_enterprise(wanted: str) -> Enterprise | None:
    """An enterprise of this installation by chain id or code."""
    try:
        return Enterprise.objects.filter(chain_id=uuid.UUID(wanted)).first()
    except ValueError:
        return Enterprise.objects.filter(code=wanted.strip()).first()


def invite(ctx: Context, loaded: Loaded) -> None:
    """Post the invitation when a link was made."""
    if loaded.header.version == 1:
        _post(ctx, loaded.header, "invited")


def accept(ctx: Context, loaded: Loaded) -> None:
    """We accepted: open the lanes, bind the partner, and say so."""
    _open(ctx, loaded.header)
    _post(ctx, loaded.header, "accepted")


def opened(ctx: Context, loaded: Loaded) -> None:
    """The partner accepted."""
    _open(ctx, loaded.header)


def end(ctx: Context, loaded: Loaded) -> None:
    """We refused, withdrew or dissolved."""
    closed(ctx, loaded)
    _post(
        ctx,
        loaded.header,
        {"refused": "refused", "withdrawn": "withdrawn"}.get(loaded.header.state, "dissolved"),
    )


def closed(ctx: Context, loaded: Loaded) -> None:
    """The link is over: its lanes are closed, their rows kept; the partner's record is free for another link."""
    link = loaded.header
    Lane.objects.filter(link_id=link.id).update(state="closed", reason="dissolved")
    others = Link.objects.filter(partner_id=link.partner_id, state="linked").exclude(id=link.id)
    if link.partner_id is not None and not others.exists():
        Partner.objects.filter(id=link.partner_id).update(chain_id="")


FOLLOW: Mapping[str, Callable[[Context, Loaded], None]] = {
    "accept": accept,
    "accepted": opened,
    "refuse": end,
    "withdraw": end,
    "dissolve": end,
    "dissolved": closed,
}


def _open(ctx: Context, link: Link) -> None:
    """Make both lanes and bind the partner's record."""
    member = Membership.objects.first()
    key = signing.current()
    if member is None or key is None:
        raise Refused(Problem(None, _("Join the chain first."), code="not_a_member"))
    for lane, is_out in ((link.lane_out, True), (link.lane_in, False)):
        Lane.objects.create(
            id=lane,
            link_id=link.id,
            is_out=is_out,
            last_hash=hashpath.start(lane),
            key_id=key.key_id if is_out else "",
            epoch=member.epoch if is_out else link.ext.get("epoch", 1),
        )
    partner_id = link.partner_id or _partner(ctx, link)
    bound = {"chain_id": link.partner_chain_id} | _role(link)
    Partner.objects.filter(id=partner_id).update(**bound)
    Link.objects.filter(id=link.id).update(linked_at=ctx.now, partner_id=partner_id)
    queue.wake(ctx.enterprise_id)


def _role(link: Link) -> dict[str, bool]:
    """What the partner is to us: a customer when we are upstream, else a supplier."""
    return {"is_customer": True} if link.direction == "upstream" else {"is_supplier": True}


def _partner(ctx: Context, link: Link) -> uuid.UUID:
    """The partner's record: the one bound before, or a new one made under the partner's name."""
    known = Partner.objects.filter(chain_id=link.partner_chain_id).values_list("id", flat=True).first()
    if known is not None:
        return uuid.UUID(str(known))
    enterprise = Enterprise.objects.get(pk=ctx.enterprise_id)
    acting = account.system(enterprise, ctx.member_name, "masters.partner.edit")
    code = link.ext.get("code") or link.code
    if Partner.objects.filter(code=code).exists():
        code = f"{code}-{link.code}"
    return save("masters.partner", acting, {"code": code, "name": link.partner_name} | _role(link)).pk


def _post(ctx: Context, link: Link, kind: str) -> None:
    """Write, sign and post a letter about a link."""
    us = Enterprise.objects.get(pk=ctx.enterprise_id)
    member, key = Membership.objects.first(), signing.current()
    if member is None or key is None:
        raise Refused(Problem(None, _("Join the chain first."), code="not_a_member"))
    letter = {
        "kind": kind,
        "invitation": str(link.invitation),
        "source": str(us.chain_id),
        "recipient": link.partner_chain_id,
        "name": us.name,
        "code": us.code,
        "key": key.key_id,
        "public": bytes(key.public).hex(),
        "epoch": member.epoch,
        "lane_out": str(link.lane_out),
        "lane_in": str(link.lane_in),
        "reason": link.reason,
    }
    text = json.dumps(letter, ensure_ascii=False, separators=(",", ":"))
    Handshake.objects.create(
        id=uuid.uuid4(),
        recipient=uuid.UUID(link.partner_chain_id),
        text=text,
        key_id=key.key_id,
        signature=keys.sign(key.key_id, signing.opened(key), text),
        posted_at=ctx.now,
    )
    recipient = _find_enterprise(link.partner_chain_id)
    if recipient is not None:
        queue.wake(recipient.pk)
