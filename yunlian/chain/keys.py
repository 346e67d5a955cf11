"""Signing keys of an enterprise: made, kept wrapped, used over exact bytes.

The algorithm is named in data, so that another can stand beside Ed25519. A private key is kept only wrapped: AES-GCM
under a key derived from `settings.CHAIN_SECRET`, which is in no dump, so that a copy of the database cannot speak.
Source: chain protocol A8, A11.
"""

import base64
import binascii
import hashlib
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

_NONCE = 12  # bytes, as AES-GCM wants them


class Locked(RuntimeError):
    """A private key cannot be opened: the secret is not the one it was wrapped with (a copied database)."""


@dataclass(frozen=True, slots=True)
class Algorithm:
    """How one algorithm makes keys, signs and checks; keys and signatures are raw bytes."""

    make: Callable[[], tuple[bytes, bytes]]  # public, private
    sign: Callable[[bytes, bytes], bytes]
    verify: Callable[[bytes, bytes, bytes], bool]


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A new key. `id` names algorithm and public key, so it never means another key."""

    id: str
    algorithm: str
    public: bytes
    wrapped: bytes


def _make() -> tuple[bytes, bytes]:
    private = Ed25519PrivateKey.generate()
    return private.public_key().public_bytes_raw(), private.private_bytes_raw()


def _sign(private: bytes, message: bytes) -> bytes:
    return Ed25519PrivateKey.from_private_bytes(private).sign(message)


def _verify(public: bytes, message: bytes, signature: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


ALGORITHMS: Mapping[str, Algorithm] = {"ed25519": Algorithm(_make, _sign, _verify)}
NOW = "ed25519"  # what new keys are made with


def generate(algorithm: str = NOW) -> KeyPair:
    """Return a new key pair, its private half already wrapped."""
    public, private = ALGORITHMS[algorithm].make()
    id_ = key_id(algorithm, public)
    return KeyPair(id_, algorithm, public, wrap(id_, private))


def key_id(algorithm: str, public: bytes) -> str:
    """Return `<algorithm>:<first 16 hexadecimal digits of the public key's SHA-256>`."""
    return f"{algorithm}:{hashlib.sha256(public).hexdigest()[:16]}"


def wrap(id_: str, private: bytes) -> bytes:
    """Return the private key encrypted; it opens only under the same key id and secret."""
    nonce = os.urandom(_NONCE)
    return nonce + AESGCM(_wrapping_key()).encrypt(nonce, private, id_.encode())


def unwrap(id_: str, wrapped: bytes) -> bytes:
    """Return the private key. Raises Locked when the secret or the id is another."""
    try:
        return AESGCM(_wrapping_key()).decrypt(wrapped[:_NONCE], wrapped[_NONCE:], id_.encode())
    except (InvalidTag, ValueError):
        raise Locked(
            f"The private key {id_} does not open: it was wrapped under another CHAIN_SECRET."
        ) from None


def _wrapping_key() -> bytes:
    derive = HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=b"yunlian chain private keys")
    return derive.derive(settings.CHAIN_SECRET.encode())


def sign(id_: str, private: bytes, text: str) -> str:
    """Return the signature over the exact UTF-8 bytes of a text, in base64."""
    algorithm = ALGORITHMS[id_.partition(":")[0]]
    return base64.b64encode(algorithm.sign(private, text.encode())).decode()


def verify(id_: str, public: bytes, text: str, signature: str) -> bool:
    """Tell whether the key signed exactly this text; an id of another key or an unknown algorithm is no."""
    algorithm = id_.partition(":")[0]
    if algorithm not in ALGORITHMS or key_id(algorithm, public) != id_:
        return False
    try:
        raw = base64.b64decode(signature, validate=True)
    except (binascii.Error, ValueError):
        return False
    return base64.b64encode(raw).decode() == signature and ALGORITHMS[algorithm].verify(
        public, text.encode(), raw
    )
