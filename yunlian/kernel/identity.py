"""Makes the time-ordered identifiers (UUID version 7) that every tenant row carries."""

import os
import threading
import time
import uuid

_lock = threading.Lock()
_last_ms = 0
_count = 0


def new_id() -> uuid.UUID:
    """Return a UUIDv7: 48 bits of Unix milliseconds, 12 that count within one, then randomness.

    Ids of one process sort in the order they were made. Source: RFC 9562 sections 5.7 and 6.2, method 1.
    """
    global _last_ms, _count
    with _lock:
        now_ms = time.time_ns() // 1_000_000
        if now_ms > _last_ms:
            _last_ms, _count = now_ms, 0
        elif _count < 0xFFF:
            _count += 1
        else:
            _last_ms, _count = _last_ms + 1, 0
        head = _last_ms << 80 | 0x7 << 76 | _count << 64
    return uuid.UUID(int=head | 0x2 << 62 | int.from_bytes(os.urandom(8)) >> 2)
