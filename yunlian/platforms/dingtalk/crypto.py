"""DingTalk's callback cryptography: AES-256-CBC for the text, SHA-1 over sorted parts for the signature.

Source: DingTalk Open Platform, "Configure HTTP push" and `open-dingtalk/DingTalk-Callback-Crypto`; the vectors of
`vectors.json` give the same bytes in three independent implementations. Pure functions: no clock, no network.
"""

import base64
import hashlib
import hmac
import os
import struct

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

BLOCK = 32  # PKCS#7 pads to 32 bytes here, not to the 16 of AES
PREFIX = 16  # random bytes before the length
KEY_LENGTH = 43  # characters of an EncodingAESKey


class Undecryptable(ValueError):
    """A text that the key does not open; `check` is `key`, `base64`, `padding`, `length` or `text`."""

    def __init__(self, check: str, text: str) -> None:
        super().__init__(text)
        self.check = check


def signature(token: str, timestamp: str, nonce: str, encrypted: str) -> str:
    """Forty hexadecimal digits over the four parts, sorted by their bytes and joined.

    JSON can spell half of a surrogate pair, which UTF-8 cannot: such a text is signed by nobody, and breaks nothing.
    """
    parts = sorted(part.encode(errors="surrogatepass") for part in (token, timestamp, nonce, encrypted))
    return hashlib.sha1(b"".join(parts)).hexdigest()


def is_signed(given: str, token: str, timestamp: str, nonce: str, encrypted: str) -> bool:
    """Whether `given` is the signature; the comparison takes the same time wherever they differ."""
    return hmac.compare_digest(
        given.encode(errors="surrogatepass"), signature(token, timestamp, nonce, encrypted).encode()
    )


def encrypt(aes_key: str, text: str, owner: str, prefix: bytes | None = None) -> str:
    """`text` for the app `owner` as one line of Base64. `prefix` (16 bytes) is random unless a test fixes it.

    Raises Undecryptable (`key`) when `aes_key` is not the 43 characters of an EncodingAESKey.
    """
    body = text.encode()
    plain = (prefix or os.urandom(PREFIX)) + struct.pack(">I", len(body)) + body + owner.encode()
    pad = BLOCK - len(plain) % BLOCK
    encryptor = _cipher(aes_key).encryptor()
    return base64.b64encode(encryptor.update(plain + bytes([pad]) * pad) + encryptor.finalize()).decode()


def decrypt(aes_key: str, encrypted: str) -> tuple[str, str]:
    """The text, and the owner key behind it, which the caller must compare with its own.

    Raises Undecryptable naming the check that failed. With a wrong key it is nearly always `padding`.
    """
    decryptor = _cipher(aes_key).decryptor()
    plain = _unpad(decryptor.update(_bytes(encrypted)) + decryptor.finalize())
    size = struct.unpack(">I", plain[PREFIX : PREFIX + 4])[0]
    body = plain[PREFIX + 4 :]
    if size > len(body):
        raise Undecryptable("length", f"says {size} bytes, holds {len(body)}")
    try:
        return body[:size].decode(), body[size:].decode()
    except UnicodeDecodeError as fault:
        raise Undecryptable("text", "is not UTF-8") from fault


def _cipher(aes_key: str) -> Cipher[modes.CBC]:
    if len(aes_key) != KEY_LENGTH:
        raise Undecryptable("key", f"has {len(aes_key)} characters instead of {KEY_LENGTH}")
    try:
        # Some keys carry spare bits in their last character; this decoder lets them pass, as DingTalk's does.
        key = base64.b64decode(aes_key + "=")
    except ValueError as fault:
        raise Undecryptable("key", "is not Base64") from fault
    if len(key) != BLOCK:
        raise Undecryptable("key", "holds characters that are not Base64")
    return Cipher(algorithms.AES(key), modes.CBC(key[:16]))


def _bytes(encrypted: str) -> bytes:
    try:
        raw = base64.b64decode(encrypted, validate=True)
    except ValueError as fault:  # binascii.Error is one; characters beyond ASCII give the plain one
        raise Undecryptable("base64", "is not Base64") from fault
    if not raw or len(raw) % 16:
        raise Undecryptable("base64", f"{len(raw)} bytes are no whole number of blocks")
    return raw


def _unpad(padded: bytes) -> bytes:
    pad = padded[-1]
    if not 1 <= pad <= BLOCK or padded[-pad:] != bytes([pad]) * pad:
        raise Undecryptable("padding", f"ends in {pad}")
    if len(padded) < PREFIX + 4 + pad:
        raise Undecryptable("length", f"only {len(padded)} bytes")
    return padded[:-pad]
