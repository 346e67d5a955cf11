"""Why a lane stands still: stored as a code or a phrase, put into words for each reader; details stay in `last_error`."""

from yunlian.kernel.text import Label, _, told

from .membership import REASONS

WHY: dict[str, Label] = REASONS | {
    "fork": _("The two sides hold different messages: two senders, or a restored one. Choose which branch is true."),
    "stale_epoch": _("A copy of this database, or one restored later, has spoken for us."),
    "restored_here": _("This database was restored: what the partner has of ours is fetched back first."),
    "restored_there": _("The partner was restored: hands are shaken first."),
    "partner_ahead": _("The partner has more of this lane than we have: it is fetched back first."),
    "not_ours": _("What the partner gave back is not ours."),
    "dissolved": _("The collaboration has ended."),
    "link": _("The collaboration is not in force at the partner."),
    "no_lane": _("The partner knows no such lane."),
    "role": _("The partner's role for collaboration does not allow this kind of message."),
    "window": _("The partner has too much unapplied; sending goes on when there is room."),
    "receiver": _("The partner may not receive now."),
    "no_answer": _("The partner does not answer."),
    "bad_signature": _("The partner does not accept our signature: a key is missing there."),
}  # fmt: skip


def words(stored: str) -> str:
    """Return a lane's reason in the reader's language; what has no words of its own, or a person wrote, as it is."""
    known = WHY.get("receiver" if stored.startswith("receiver_") else stored)
    return told(stored) if known is None else str(known)
