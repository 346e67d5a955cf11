"""A new signing key, announced in a message signed by the old one; both hold until the partner has it (A8).

A lane goes over to the new key when the receipt says that the announcement was applied.
"""

from yunlian.kernel.document import Problem, Refused
from yunlian.kernel.scope import Context
from yunlian.kernel.text import _

from . import keys, queue, signing
from .messages import KEY_ANNOUNCED, Arrival, Handler, receive
from .models import Key, Lane


def rotate(ctx: Context) -> Key:
    """Make a new key and announce it on every lane; returns it."""
    made = signing.make(ctx)
    for lane in Lane.objects.filter(is_out=True).exclude(state="closed"):
        queue.put(
            ctx.enterprise_id,
            now=ctx.now,
            link_id=lane.link_id,
            kind=KEY_ANNOUNCED,
            subject=f"chain.key/{made.id}",
            thread=made.id,
            data={"key": made.key_id, "public": bytes(made.public).hex()},
        )
    return made


def _announced(arrival: Arrival) -> None:
    """Pin the partner's new key. The announcement itself was signed with a key pinned before, or it were not here."""
    try:
        key, public = str(arrival.data["key"]), bytes.fromhex(arrival.data["public"])
    except (KeyError, TypeError, ValueError):
        raise Refused(Problem("key", _("Is not a key."))) from None
    algorithm = key.partition(":")[0]
    if algorithm not in keys.ALGORITHMS or keys.key_id(algorithm, public) != key:
        raise Refused(Problem("key", _("Is not a key of a kind known here.")))
    signing.pin(arrival.ctx, arrival.link.id, key, public)


receive(Handler(kind=KEY_ANNOUNCED, apply=_announced))
