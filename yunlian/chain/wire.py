"""What passes between two sides of a lane: a batch of sealed messages one way, an answer the other.

Values only: the same whether two enterprises share a database or a network lies between. Source: chain protocol A2, C1.
"""

import datetime as dt
import uuid
from dataclasses import dataclass
from typing import Any

LARGEST_BATCH = 100  # messages
LARGEST_BYTES = 1024 * 1024  # of the envelopes of one batch


@dataclass(frozen=True, slots=True)
class Sealed:
    """One message as it travels: the exact text, the id of the signing key, the signature in base64."""

    text: str
    key_id: str
    signature: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """A request to accept. `after` is the sender's acknowledged position; an empty batch asks where the receiver stands.

    `token` is the SHA-256 of the sender's access credential, `sender` its chain id, `epoch` the one it speaks in.
    """

    sender: uuid.UUID
    token: bytes
    lane: uuid.UUID
    epoch: int
    after: int
    messages: tuple[Sealed, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Greeting:
    """The first words after a restore: a new epoch and where the sender stands, as a text signed with its key (A11)."""

    sender: uuid.UUID
    token: bytes
    lane: uuid.UUID
    letter: Sealed


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetch:
    """A request for the sender's own messages of a lane after a position, as the receiver stored them."""

    sender: uuid.UUID
    token: bytes
    lane: uuid.UUID
    after: int


Request = Batch | Greeting | Fetch


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the receiver says: a status of C1 with a code, how far it has stored, how much more it takes.

    `message` is for logs; `words` is the same for people, in no language (`text.pack`), where there is more to say than
    the code does. `retry_after` in seconds. `head` is the digest of the last stored message, `epoch` the highest epoch it has seen.
    `messages` answer a Fetch.
    """

    status: int
    code: str = ""
    message: str = ""
    words: Any = None
    accepted_through: int = 0
    delivered_through: int = 0
    head: str = ""
    epoch: int = 0
    window: int = 0
    retry_after: int | None = None
    server_time: dt.datetime | None = None
    messages: tuple[Sealed, ...] = ()
