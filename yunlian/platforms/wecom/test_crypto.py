"""The published vectors, both ways; every one altered by a byte; and an independent implementation."""

import base64
import json
import os
import random
import shutil
import string
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from .crypto import (
    Box,
    CallbackRefused,
    Check,
    Envelope,
    aes_key,
    new_aes_key,
    new_token,
    signature,
)
from .jssdk import page_signature

VECTORS = json.loads(Path(__file__).with_name("vectors.json").read_text())
each_vector = pytest.mark.parametrize("vector", VECTORS, ids=lambda each: each["name"])
DECRYPTED_TO_NONSENSE = {Check.PADDING, Check.LENGTH, Check.TEXT, Check.RECEIVE_ID}
CONSOLE = Path(__file__).resolve().parents[3] / "console"


def box_of(vector: dict[str, str]) -> Box:
    return Box(vector["token"], vector["key"], vector["receiveid"])


def envelope_of(vector: dict[str, str]) -> Envelope:
    return Envelope(vector["msg_signature"], vector["timestamp"], vector["nonce"], vector["encrypted"])


def check_of(box: Box, envelope: Envelope) -> Check:
    with pytest.raises(CallbackRefused) as refused:
        box.open(envelope)
    return refused.value.check


def outcome(box: Box, envelope: Envelope) -> Check | str:
    """The text, or the check that failed."""
    try:
        return box.open(envelope)
    except CallbackRefused as refused:
        return refused.check


def resigned(box: Box, envelope: Envelope, encrypted: str) -> Envelope:
    signed = signature(box.token, envelope.timestamp, envelope.nonce, encrypted)
    return replace(envelope, signature=signed, encrypted=encrypted)


def sealed_bytes(box: Box, plain: bytes) -> Envelope:
    """Whatever bytes, encrypted and signed as if they were right."""
    key = aes_key(box.aes_key)
    cipher = Cipher(algorithms.AES(key), modes.CBC(key[:16])).encryptor()
    encrypted = base64.b64encode(cipher.update(plain) + cipher.finalize()).decode()
    return resigned(box, Envelope("", "1717200000", "1", ""), encrypted)


def test_all_vectors_are_here() -> None:
    assert [each["name"] for each in VECTORS] == [
        "A-verify", "A-post", "B-verify", "B-post", "D", "E", "F", "G", "H",
    ]  # fmt: skip


@each_vector
def test_a_vector_opens(vector: dict[str, str]) -> None:
    assert box_of(vector).open(envelope_of(vector)) == vector["plaintext"]


@each_vector
def test_a_vector_is_sealed_to_the_byte(vector: dict[str, str]) -> None:
    box = box_of(vector)
    sealed = box.seal(vector["plaintext"], vector["timestamp"], vector["nonce"], vector["random"].encode())
    assert sealed == envelope_of(vector)


@each_vector
def test_one_character_of_a_signature_altered(vector: dict[str, str]) -> None:
    right = envelope_of(vector)
    for at, letter in enumerate(right.signature):
        altered = right.signature[:at] + ("0" if letter != "0" else "1") + right.signature[at + 1 :]
        assert check_of(box_of(vector), replace(right, signature=altered)) is Check.SIGNATURE


@each_vector
def test_one_byte_of_what_was_signed_altered(vector: dict[str, str]) -> None:
    right = envelope_of(vector)
    for name in ("timestamp", "nonce", "encrypted"):
        text = getattr(right, name)
        for at, letter in enumerate(text):
            altered = text[:at] + ("A" if letter != "A" else "B") + text[at + 1 :]
            assert check_of(box_of(vector), replace(right, **{name: altered})) is Check.SIGNATURE


@each_vector
def test_a_token_altered(vector: dict[str, str]) -> None:
    box = replace(box_of(vector), token=vector["token"][:-1] + "_")
    assert check_of(box, envelope_of(vector)) is Check.SIGNATURE


@each_vector
def test_a_key_altered_in_any_character(vector: dict[str, str]) -> None:
    """The last character carries two bits that mean nothing, so it is altered in one that means something."""
    right = vector["key"]
    for at, letter in enumerate(right):
        other = "a" if letter not in "abcd" else "z"
        box = replace(box_of(vector), aes_key=right[:at] + other + right[at + 1 :])
        assert aes_key(box.aes_key) != aes_key(right)
        assert check_of(box, envelope_of(vector)) in DECRYPTED_TO_NONSENSE


@each_vector
def test_a_timestamp_or_nonce_of_another_vector(vector: dict[str, str]) -> None:
    for other in VECTORS:
        if other["timestamp"] != vector["timestamp"]:
            for name in ("timestamp", "nonce"):
                mixed = replace(envelope_of(vector), **{name: other[name]})
                assert check_of(box_of(vector), mixed) is Check.SIGNATURE


@each_vector
def test_timestamp_and_nonce_exchanged_change_nothing(vector: dict[str, str]) -> None:
    right = envelope_of(vector)
    turned = replace(right, timestamp=right.nonce, nonce=right.timestamp)
    assert box_of(vector).open(turned) == vector["plaintext"]


@each_vector
def test_another_receive_id(vector: dict[str, str]) -> None:
    right = vector["receiveid"]
    for wrong in ("ww0000000000000000", "", right[:-1] + "_", right + "0"):
        assert check_of(replace(box_of(vector), receive_id=wrong), envelope_of(vector)) is Check.RECEIVE_ID


@each_vector
def test_the_last_block_dropped(vector: dict[str, str]) -> None:
    """Signed again by one who has the Token: the padding is not there any more. G ends in a whole block of it."""
    box, right = box_of(vector), envelope_of(vector)
    shorter = base64.b64encode(base64.b64decode(right.encrypted)[:-16]).decode()
    assert check_of(box, resigned(box, right, shorter)) in (
        {Check.RECEIVE_ID, Check.PADDING} if vector["name"] == "G" else {Check.PADDING}
    )


@each_vector
def test_a_byte_of_the_ciphertext_altered_and_signed_again(vector: dict[str, str]) -> None:
    """Only who has the Token can; even then the text is another or a check fails."""
    box, right = box_of(vector), envelope_of(vector)
    sealed = bytearray(base64.b64decode(right.encrypted))
    for at in range(len(sealed)):
        altered = bytes([*sealed[:at], sealed[at] ^ 1, *sealed[at + 1 :]])
        found = outcome(box, resigned(box, right, base64.b64encode(altered).decode()))
        assert found in DECRYPTED_TO_NONSENSE or found != vector["plaintext"]


@pytest.mark.parametrize("size", [0, 33, 255])
def test_a_padding_that_cannot_be(size: int) -> None:
    box = Box("t", new_aes_key(), "ww1")
    plain = b"r" * 16 + (2).to_bytes(4, "big") + b"hi" + b"ww1"
    assert check_of(box, sealed_bytes(box, plain.ljust(64, bytes([size])))) is Check.PADDING


@pytest.mark.parametrize("length", range(64))
def test_every_padding_from_1_to_32_opens(length: int) -> None:
    box = Box("t", new_aes_key(), "ww1")
    sealed = box.seal("x" * length, "1717200000", "1")
    assert box.open(sealed) == "x" * length
    assert len(base64.b64decode(sealed.encrypted)) % 32 == 0


def test_a_length_beyond_the_end() -> None:
    box = Box("t", new_aes_key(), "ww1")
    plain = b"r" * 16 + (999).to_bytes(4, "big") + b"hi" + b"ww1"
    size = 32 - len(plain) % 32
    assert check_of(box, sealed_bytes(box, plain + bytes([size]) * size)) is Check.LENGTH


def test_nothing_inside_a_padded_block() -> None:
    box = Box("t", new_aes_key(), "ww1")
    assert check_of(box, sealed_bytes(box, bytes([32]) * 32)) is Check.LENGTH


def test_text_that_is_not_utf8() -> None:
    box = Box("t", new_aes_key(), "ww1")
    plain = b"r" * 16 + (2).to_bytes(4, "big") + b"\xff\xfe" + b"ww1"
    size = 32 - len(plain) % 32
    assert check_of(box, sealed_bytes(box, plain + bytes([size]) * size)) is Check.TEXT


@pytest.mark.parametrize("encrypted", ["not-base64!", "AAAA", ""])
def test_what_is_no_ciphertext(encrypted: str) -> None:
    box = Box("t", new_aes_key(), "ww1")
    assert check_of(box, resigned(box, Envelope("", "1", "2", ""), encrypted)) is Check.BASE64


def test_a_plus_that_became_a_space_is_told_apart() -> None:
    vector = next(each for each in VECTORS if "+" in each["encrypted"])
    spaced = replace(envelope_of(vector), encrypted=vector["encrypted"].replace("+", " "))
    assert check_of(box_of(vector), spaced) is Check.PLUS


@pytest.mark.parametrize("key", ["", "short", "x" * 42, "x" * 44, "x" * 42 + "=", "值" * 43])
def test_a_key_that_is_none(key: str) -> None:
    with pytest.raises(CallbackRefused) as refused:
        aes_key(key)
    assert refused.value.check is Check.KEY


def test_what_we_make_ourselves_is_valid() -> None:
    for _ in range(200):
        token, key = new_token(), new_aes_key()
        assert len(token) == 32
        assert token.isalnum()
        assert len(aes_key(key)) == 32
        box = Box(token, key, "ww1")
        assert box.open(box.seal("你好", "1", "2")) == "你好"


@pytest.mark.parametrize(
    ("ticket", "nonce", "timestamp", "url", "expected"),
    [
        (
            "sM4AOVdWfPE4DxkXGEs8VMCPGGVi4C3VM0P37wVUCFvkVAy_90u5h9nbSlYy3-Sl-HhTdfl2fzFy1AOcHKP7qg",
            "Wm3WZYTPz0wzccnW",
            1414587457,
            "http://mp.weixin.qq.com?params=value",
            "0f9de62fce790f9a083d5c99e95740ceb90c27ed",
        ),
        (
            "TICKET-chanerp-0001",
            "nOnCe123",
            1717200000,
            "https://erp.example.com/h5/orders?id=1",
            "77f52445bea88e3e2a5b23144d016b5b807da5ec",
        ),
    ],
)
def test_page_signatures(ticket: str, nonce: str, timestamp: int, url: str, expected: str) -> None:
    assert page_signature(ticket, nonce, timestamp, url) == expected
    assert page_signature(ticket, nonce, timestamp, url + "#/deep/inside") == expected
    for altered in ((ticket + "x", nonce, timestamp, url), (ticket, nonce, timestamp + 1, url)):
        assert page_signature(*altered) != expected
    assert page_signature(ticket, nonce, timestamp, url + "x") != expected


INDEPENDENT = """
import { decrypt, encrypt, getJsApiSignature, getSignature } from "@wecom/crypto";
let text = "";
for await (const chunk of process.stdin) text += chunk;
const said = JSON.parse(text).map((each) => {
  const opened = decrypt(each.key, each.encrypted);
  const encrypted = encrypt(each.key, each.message, each.receive_id);
  return {
    opened: opened.message, receive_id: opened.id, encrypted,
    their_signature: getSignature(each.token, each.timestamp, each.nonce, encrypted),
    signature_of_ours: getSignature(each.token, each.timestamp, each.nonce, each.encrypted),
    page: getJsApiSignature({ ticket: each.token, nonceStr: each.nonce, timestamp: each.timestamp, url: each.url }),
  };
});
process.stdout.write(JSON.stringify(said));
"""


def test_an_independent_implementation_agrees_both_ways() -> None:
    """`@wecom/crypto`, which `make test` puts into console/node_modules, on random messages."""
    seed = int(os.environ.get("YUNLIAN_SEED") or random.SystemRandom().getrandbits(32))
    print(f"YUNLIAN_SEED={seed}")  # noqa: T201 (shown when the test fails, to repeat it)
    chance = random.Random(seed)
    asked = [_random_case(chance) for _ in range(300)]
    node = shutil.which("node")
    assert node, "node is not on the PATH; `make test` puts it there"
    done = subprocess.run(
        [node, "--input-type=module", "--eval", INDEPENDENT],
        input=json.dumps(asked),
        cwd=CONSOLE,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    answers = json.loads(done.stdout)
    assert len(answers) == 300
    for each, answer in zip(asked, answers, strict=True):
        assert answer["opened"] == each["message"]
        assert answer["receive_id"] == each["receive_id"]
        assert answer["signature_of_ours"] == each["signature"]
        box = Box(each["token"], each["key"], each["receive_id"])
        theirs = Envelope(answer["their_signature"], each["timestamp"], each["nonce"], answer["encrypted"])
        assert box.open(theirs) == each["message"]
        assert answer["page"]["signature"] == page_signature(
            each["token"], each["nonce"], int(each["timestamp"]), each["url"]
        )


def _random_case(chance: random.Random) -> dict[str, str]:
    letters = string.ascii_letters + string.digits
    some = lambda low, high: "".join(chance.choices(letters, k=chance.randint(low, high)))  # noqa: E731
    alphabet = letters + "  <>&]]>'\"\n你好，企业微信𠮷🎉é"
    box = Box(some(1, 32), some(43, 43), "ww" + some(16, 16))
    message = "".join(chance.choices(alphabet, k=chance.randint(0, 400)))
    timestamp, nonce = str(chance.randint(10**9, 2 * 10**9)), some(1, 16)
    sealed = box.seal(message, timestamp, nonce)
    return {
        "token": box.token, "key": box.aes_key, "receive_id": box.receive_id, "message": message,
        "timestamp": timestamp, "nonce": nonce, "encrypted": sealed.encrypted, "signature": sealed.signature,
        "url": f"https://erp.example.com/{some(0, 20)}?a={some(0, 5)}",
    }  # fmt: skip
