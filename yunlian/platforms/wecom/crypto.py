"""The envelope of WeCom's callbacks: SHA-1 signature, AES-256-CBC, receive-id.

Source: developer.work.weixin.qq.com, 加解密方案说明 (90968); checked against `@wecom/crypto`.
"""

import base64
import binascii
import hashlib
import hmac
import secrets
from dataclasses import dataclass
from enum import StrEnum

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

BLOCK = 32  # the padding's block, though the cipher's is 16
KEY_LENGTH = 43  # of an EncodingAESKey, in characters
RANDOM = 16  # bytes before the length


class Check(StrEnum):
    """What a callback is checked for, in this order; XML comes first for the body around it, and last inside."""

    QUERY = "query"  # a parameter of the address is missing
    BODY = "body"  # too big, or no <Encrypt>
    PLUS = "plus"  # a `+` came as a space: a proxy or framework decoded the address twice
    SIGNATURE = "signature"  # made with another Token, or altered
    KEY = "key"  # our EncodingAESKey is none
    BASE64 = "base64"
    PADDING = "padding"  # almost always another EncodingAESKey
    LENGTH = "length"
    TEXT = "text"  # not UTF-8
    RECEIVE_ID = "receive-id"  # of another corp or suite
    CLOCK = "clock"  # the timestamp is far from our clock
    XML = "xml"  # not well-formed, or with a document type


class CallbackRefused(Exception):
    """A callback that is not what it says. `check` names the first check that failed."""

    def __init__(self, check: Check, text: str) -> None:
        super().__init__(f"{check}: {text}")
        self.check = check
        self.text = text


@dataclass(frozen=True)
class Envelope:
    """What an address or a body carries: times as WeCom writes them, everything as text."""

    signature: str
    timestamp: str
    nonce: str
    encrypted: str


@dataclass(frozen=True)
class Box:
    """Seals and opens with one receiver's Token, EncodingAESKey and receive-id (corp id, suite id, or "")."""

    token: str
    aes_key: str
    receive_id: str

    def open(self, envelope: Envelope) -> str:
        """The text inside. Raises CallbackRefused naming the check that failed."""
        if " " in envelope.encrypted:
            raise CallbackRefused(Check.PLUS, "the encrypted text has a space where a + was")
        expected = signature(self.token, envelope.timestamp, envelope.nonce, envelope.encrypted)
        if not _same(expected, envelope.signature):
            raise CallbackRefused(Check.SIGNATURE, "the signature does not match our Token")
        text, receive_id = self._unpacked(self._decrypted(envelope.encrypted))
        if not _same(receive_id, self.receive_id):
            raise CallbackRefused(Check.RECEIVE_ID, f"meant for {receive_id}, not for {self.receive_id}")
        return text

    def seal(self, text: str, timestamp: str, nonce: str, random: bytes | None = None) -> Envelope:
        """Encrypt and sign. `random` is 16 bytes, given only to repeat a known envelope."""
        content = text.encode()
        prefix = secrets.token_bytes(RANDOM) if random is None else random
        plain = prefix + len(content).to_bytes(4, "big") + content + self.receive_id.encode()
        encrypted = base64.b64encode(sealed(self.aes_key, plain)).decode()
        return Envelope(signature(self.token, timestamp, nonce, encrypted), timestamp, nonce, encrypted)

    def _decrypted(self, encrypted: str) -> bytes:
        try:
            content = base64.b64decode(encrypted, validate=True)
        except (binascii.Error, ValueError) as error:
            raise CallbackRefused(Check.BASE64, str(error)) from error
        return unsealed(self.aes_key, content)

    def _unpacked(self, plain: bytes) -> tuple[str, str]:
        head = RANDOM + 4
        size = int.from_bytes(plain[RANDOM:head], "big")
        if len(plain) < head + size:
            raise CallbackRefused(Check.LENGTH, f"{size} bytes announced, {len(plain) - head} there")
        try:
            return plain[head : head + size].decode(), plain[head + size :].decode()
        except UnicodeDecodeError as error:
            raise CallbackRefused(Check.TEXT, str(error)) from error


def sealed(key: str, plain: bytes) -> bytes:
    """AES-256-CBC with an EncodingAESKey, its first 16 bytes as vector, padded to 32 as PKCS#7 does."""
    size = BLOCK - len(plain) % BLOCK
    cipher = _cipher(key).encryptor()
    return cipher.update(plain + bytes([size]) * size) + cipher.finalize()


def unsealed(key: str, content: bytes) -> bytes:
    """What `sealed` has sealed. Raises CallbackRefused naming the check that failed."""
    cipher = _cipher(key).decryptor()
    if not content or len(content) % 16:
        raise CallbackRefused(Check.BASE64, f"{len(content)} bytes are no whole blocks")
    plain = cipher.update(content) + cipher.finalize()
    size = plain[-1]
    if not 1 <= size <= BLOCK or plain[-size:] != bytes([size]) * size:
        raise CallbackRefused(Check.PADDING, "the padding is wrong, as with another EncodingAESKey")
    return plain[:-size]


def _cipher(key: str) -> Cipher[modes.CBC]:
    raw = aes_key(key)
    return Cipher(algorithms.AES(raw), modes.CBC(raw[:16]))


def signature(token: str, timestamp: str, nonce: str, encrypted: str) -> str:
    """SHA-1 over the four, sorted by their bytes."""
    parts = sorted(each.encode() for each in (token, timestamp, nonce, encrypted))
    return hashlib.sha1(b"".join(parts)).hexdigest()


def aes_key(text: str) -> bytes:
    """The 32 bytes of an EncodingAESKey; its last character may carry bits that mean nothing.

    Raises CallbackRefused (KEY) when it is not 43 characters of base64.
    """
    if len(text) == KEY_LENGTH and text.isascii() and text.isalnum():
        return base64.b64decode(text + "=")
    raise CallbackRefused(Check.KEY, f"an EncodingAESKey has {KEY_LENGTH} letters and digits")


def new_token() -> str:
    """A Token to be set on both sides: 32 letters and digits."""
    return secrets.token_hex(16)


def new_aes_key() -> str:
    """An EncodingAESKey to be set on both sides: 43 letters and digits."""
    while True:
        text = base64.b64encode(secrets.token_bytes(32)).decode()[:KEY_LENGTH]
        if text.isalnum():
            return text


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode())
