"""The hash path of a lane: every envelope names the SHA-256 of the one before it, so two histories never look alike.

A digest is 64 lower-case hexadecimal digits over the exact UTF-8 bytes. Source: chain protocol A2, A4, A11.
"""

import hashlib
import uuid
from collections.abc import Iterable

from .envelope import Envelope


def digest(text: str) -> str:
    """Return the SHA-256 of an envelope's exact bytes."""
    return hashlib.sha256(text.encode()).hexdigest()


def start(lane: uuid.UUID) -> str:
    """Return what the first envelope of a lane names as its predecessor; differs from lane to lane."""
    return digest(f"yunlian lane {lane}")


def find_break(lane: uuid.UUID, envelopes: Iterable[Envelope]) -> int | None:
    """Return the first position, from 1, whose number or predecessor is not what the path asks for; None if whole."""
    prev = start(lane)
    for position, one in enumerate(envelopes, 1):
        if one.sequence != position or one.prevhash != prev or one.lane != lane:
            return position
        prev = digest(one.text)
    return None
