"""The enterprise's own signing keys and those pinned for its partners."""

import uuid

from yunlian.kernel.identity import new_id
from yunlian.kernel.scope import Context

from . import keys
from .models import Key


def ensure_key(ctx: Context) -> Key:
    """Return our newest key, made now if there is none."""
    return current() or make(ctx)


def current() -> Key | None:
    """Return our newest key that is not retired."""
    found: Key | None = Key.objects.filter(link_id=None, retired_at=None).order_by("-made_at", "-id").first()
    return found


def make(ctx: Context) -> Key:
    """Make a new key of ours; the old ones stay until they are retired."""
    pair = keys.generate()
    made: Key = Key.objects.create(
        id=new_id(), key_id=pair.id, public=pair.public, wrapped=pair.wrapped, made_at=ctx.now
    )
    return made


def pin(ctx: Context, link_id: uuid.UUID, key_id: str, public: bytes) -> None:
    """Trust a partner's key on this link from now on; pinning it again changes nothing."""
    Key.objects.get_or_create(
        enterprise_id=ctx.enterprise_id,
        link_id=link_id,
        key_id=key_id,
        defaults={"id": new_id(), "public": public, "made_at": ctx.now},
    )


def pinned(link_id: uuid.UUID) -> dict[str, bytes]:
    """Return the public keys trusted on a link, by key id."""
    found = Key.objects.filter(link_id=link_id, retired_at=None).values_list("key_id", "public")
    return {key_id: bytes(public) for key_id, public in found}


def opened(key: Key) -> bytes:
    """Return the private half of a key of ours. Raises keys.Locked under another secret."""
    assert key.wrapped is not None
    return keys.unwrap(key.key_id, bytes(key.wrapped))
