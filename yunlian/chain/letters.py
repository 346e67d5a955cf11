"""Read the letters that make and end links: verify who wrote them, then move our own side of the link."""

import uuid
from collections.abc import Mapping
from typing import Any

from yunlian.kernel import audit
from yunlian.kernel.document import Missing, Refused, find_document
from yunlian.kernel.faults import fault
from yunlian.kernel.identity import new_id
from yunlian.kernel.load import Loaded
from yunlian.kernel.scope import Context, tenant
from yunlian.kernel.search import token_rows
from yunlian.kernel.sql import Writing
from yunlian.kernel.steps import move
from yunlian.kernel.text import _
from yunlian.org.models import Enterprise

from . import account, bindings, body, keys, signing
from .body import Malformed
from .models import Handshake, Link

_STEPS = {"accepted": "accepted", "refused": "refused", "withdrawn": "withdrawn", "dissolved": "dissolved"}


def waiting(recipient: uuid.UUID | None = None) -> list[tuple[uuid.UUID, uuid.UUID]]:
    """Return (letter, recipient) of what was not read yet, oldest first."""
    found = Handshake.objects.filter(handled_at=None).order_by("posted_at")
    if recipient is not None:
        found = found.filter(recipient=recipient)
    return list(found.values_list("id", "recipient")[:100])


def read(enterprise_id: int, letter_id: uuid.UUID) -> None:
    """Read one letter in a transaction of its recipient; a letter that says nothing valid is put aside with the reason."""
    with tenant(enterprise_id):
        enterprise = Enterprise.objects.get(pk=enterprise_id)
        letter = (
            Handshake.objects.select_for_update(skip_locked=True)
            .filter(id=letter_id, recipient=enterprise.chain_id, handled_at=None)
            .first()
        )
        if letter is None:
            return
        fault("chain.before_letter")
        problem = _obey(enterprise, letter)
        letter.handled_at, letter.problem = account.database_now(), problem[:500]
        letter.save(update_fields=["handled_at", "problem"])


def _obey(enterprise: Enterprise, letter: Handshake) -> str:
    """Do what a letter says; returns why not, empty when done."""
    try:
        said = body.parse(letter.text)
        source, invitation = uuid.UUID(said["source"]), uuid.UUID(said["invitation"])
        public = bytes.fromhex(said["public"])
        kind, name = str(said["kind"]), str(said["name"])[:200]
    except (Malformed, KeyError, TypeError, ValueError) as bad:
        return f"not a letter: {bad}"
    if said.get("recipient") != str(enterprise.chain_id) or said.get("key") != letter.key_id:
        return "not for us"
    if not keys.verify(letter.key_id, public, letter.text, letter.signature):
        return "the signature does not fit"
    link = Link.objects.filter(invitation=invitation).first()
    ctx = account.system(enterprise, name, *(f"chain.link.{step}" for step in _STEPS))
    if kind == "invited":
        return _invited(ctx, said, source, public, letter, link)
    if kind not in _STEPS or link is None or link.partner_chain_id != str(source):
        return "about no link of ours"
    pinned = signing.pinned(link.id)
    if kind == "accepted" and link.direction == "upstream" and not pinned:
        signing.pin(ctx, link.id, letter.key_id, public)
        Link.objects.filter(id=link.id).update(
            ext=link.ext | {"epoch": _epoch(said), "code": str(said.get("code"))[:60]}
        )
    elif kind != "refused" and pinned.get(letter.key_id) != public:
        return "signed with a key that is not pinned"
    try:
        reason = str(said.get("reason") or "")[:500]
        given = {"refused": {"reason": reason or "-"}, "dissolved": {"reason": reason}}
        move("chain.link", ctx, link.id, _STEPS[kind], None, **given.get(kind, {}))
    except (Refused, Missing) as answer:
        return str(answer)
    return ""


def _epoch(said: Mapping[str, Any]) -> int:
    value = said.get("epoch")
    return value if isinstance(value, int) and value > 0 else 1


def _invited(
    ctx: Context,
    said: Mapping[str, Any],
    source: uuid.UUID,
    public: bytes,
    letter: Handshake,
    known: Link | None,
) -> str:
    """An upstream enterprise invites us: the link is made in state inviting, its key noted until somebody accepts."""
    if known is not None:
        return "read before"
    alive = Link.objects.filter(
        partner_chain_id=str(source), direction="downstream", state__in=("inviting", "linked")
    )
    if alive.exists():
        return str(_("There is a link or an invitation already."))
    try:
        lane_in, lane_out = uuid.UUID(said["lane_out"]), uuid.UUID(said["lane_in"])
    except (KeyError, TypeError, ValueError):
        return "names no lanes"
    invitation = uuid.UUID(said["invitation"])
    header = Link(
        enterprise_id=ctx.enterprise_id,
        id=new_id(),
        code=str(invitation)[:8].upper(),
        name=ctx.member_name,
        partner_name=ctx.member_name,
        partner_chain_id=str(source),
        direction="downstream",
        invitation=invitation,
        lane_in=lane_in,
        lane_out=lane_out,
        ext={"epoch": _epoch(said), "code": str(said.get("code"))[:60]},
    )
    bindings.suggest(header)
    store_new(ctx, "chain.link", header)
    signing.pin(ctx, header.id, letter.key_id, public)
    return ""


def store_new(ctx: Context, code: str, header: Any) -> None:
    """Store a new master row whose fields nobody typed, findable and recorded like any other."""
    header.version, header.created_at, header.updated_at = 1, ctx.now, ctx.now
    header.created_by = header.updated_by = ctx.member_id
    loaded = Loaded(find_document(code), header)
    writing = Writing(ctx.enterprise_id)
    writing.insert([header])
    token_rows(writing, loaded, is_new=True)
    audit.record(writing, ctx, loaded, "created", [])
    writing.run()
