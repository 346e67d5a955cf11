"""Codes that people type: too short to be hashed alone, so they are kept under a key that is in no dump."""

import hashlib
import hmac

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings


def keyed_digest(purpose: str, code: str) -> bytes:
    """Return HMAC-SHA256 of a code for a purpose, 32 bytes: a copy of the database alone cannot guess at it."""
    derive = HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=b"yunlian codes that people type")
    return hmac.digest(
        derive.derive(settings.SECRET_KEY.encode()), f"{purpose}\0{code}".encode(), hashlib.sha256
    )
