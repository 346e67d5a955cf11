"""Secrets of others that we must be able to say again: kept sealed, so that a copy of the database alone tells none.

AES-256-GCM under a key derived from `settings.CHAIN_SECRET`, which is in no dump, for one purpose each. The name a secret
is sealed under is bound to it: moved to another row it does not open.
"""

import os
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

_NONCE = 12  # bytes, as AES-GCM wants them


class Sealed(RuntimeError):
    """A secret does not open: it was sealed under another CHAIN_SECRET, or for something else."""


def seal(purpose: str, name: str, secret: bytes) -> bytes:
    """Return the secret sealed for a purpose, under a name such as the row's id."""
    nonce = os.urandom(_NONCE)
    return nonce + _cipher(purpose, settings.CHAIN_SECRET).encrypt(nonce, secret, name.encode())


def unseal(purpose: str, name: str, sealed: bytes) -> bytes:
    """Return the secret. Raises Sealed when the installation's secret, the purpose or the name is another."""
    try:
        return _cipher(purpose, settings.CHAIN_SECRET).decrypt(
            sealed[:_NONCE], sealed[_NONCE:], name.encode()
        )
    except (InvalidTag, ValueError):
        raise Sealed(
            f"A secret of {purpose} does not open: it was sealed under another CHAIN_SECRET."
        ) from None


@lru_cache(maxsize=16)
def _cipher(purpose: str, secret: str) -> AESGCM:
    derive = HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=f"yunlian {purpose}".encode())
    return AESGCM(derive.derive(secret.encode()))
