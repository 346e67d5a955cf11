"""Every vector opens; every vector altered by a byte is refused by the check that guards that byte."""

import base64
import json
import os
import random
import shutil
import string
import struct
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from hypothesis import given
from hypothesis import strategies as st

from yunlian.platforms.dingtalk.callback import REMEDIES, CallbackRefused, Receiver
from yunlian.platforms.dingtalk.crypto import Undecryptable, decrypt, encrypt, is_signed, signature

CONSOLE = Path(__file__).parents[3] / "console"
VECTORS = json.loads((Path(__file__).parent / "vectors.json").read_text(encoding="utf-8"))
MADE = [vector for vector in VECTORS if "prefix" in vector]  # the real server's prefix is not published
EVENTS = [vector for vector in VECTORS if vector["msg"].startswith("{")]
KEY = VECTORS[1]["aes"]
each = pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
each_event = pytest.mark.parametrize("vector", EVENTS, ids=lambda vector: vector["name"])


def receiver(vector: dict[str, str], **changed: str) -> Receiver:
    return Receiver(
        **{"token": vector["token"], "aes_key": vector["aes"], "owner": vector["owner"]} | changed
    )


def request(vector: dict[str, str], **changed: str) -> tuple[dict[str, str], bytes]:
    """The request DingTalk sends; a changed text is signed again, as only one who knows the token can."""
    parts = vector | changed
    sign = changed.get("sig") or (
        signature(parts["token"], parts["ts"], parts["nonce"], parts["encrypt"]) if changed else vector["sig"]
    )
    query = {"signature": sign, "timestamp": parts["ts"], "nonce": parts["nonce"]}
    return query, json.dumps({"encrypt": parts["encrypt"]}).encode()


def refused(receiver: Receiver, query: dict[str, str], body: bytes) -> str:
    with pytest.raises(CallbackRefused) as caught:
        receiver.opened(query, body)
    assert caught.value.remedy == REMEDIES[caught.value.check]
    return caught.value.check


def altered(text: str, at: int) -> str:
    return text[:at] + ("A" if text[at] != "A" else "B") + text[at + 1 :]


def sealed(plain: bytes) -> str:
    """Bytes encrypted as they are, to build what the real server never sends."""
    key = base64.b64decode(KEY + "=")
    encryptor = Cipher(algorithms.AES(key), modes.CBC(key[:16])).encryptor()
    return base64.b64encode(encryptor.update(plain) + encryptor.finalize()).decode()


@each
def test_vectors_decrypt(vector: dict[str, str]) -> None:
    assert decrypt(vector["aes"], vector["encrypt"]) == (vector["msg"], vector["owner"])


@each
def test_vectors_are_signed(vector: dict[str, str]) -> None:
    parts = vector["token"], vector["ts"], vector["nonce"], vector["encrypt"]
    assert signature(*parts) == vector["sig"]
    assert is_signed(vector["sig"], *parts)


@pytest.mark.parametrize("vector", MADE, ids=lambda vector: vector["name"])
def test_vectors_encrypt_to_the_same_bytes(vector: dict[str, str]) -> None:
    assert (
        encrypt(vector["aes"], vector["msg"], vector["owner"], vector["prefix"].encode()) == vector["encrypt"]
    )


@each_event
def test_vectors_arrive(vector: dict[str, str]) -> None:
    query, body = request(vector)
    assert receiver(vector).opened(query, body) == json.loads(vector["msg"])
    old_names = {
        "msg_signature": query["signature"],
        "timeStamp": query["timestamp"],
        "nonce": query["nonce"],
    }
    assert receiver(vector).opened(old_names, body) == json.loads(vector["msg"])


@each_event
def test_no_byte_of_a_request_can_change(vector: dict[str, str]) -> None:
    query, body = request(vector)
    for name, value in query.items():
        for at in range(len(value)):
            assert refused(receiver(vector), query | {name: altered(value, at)}, body) == "signature"
    encrypted = vector["encrypt"]
    for at in range(len(encrypted)):
        changed = json.dumps({"encrypt": altered(encrypted, at)}).encode()
        assert refused(receiver(vector), query, changed) == "signature"


@each_event
def test_another_token_fails_the_signature(vector: dict[str, str]) -> None:
    for at in range(len(vector["token"])):
        assert refused(receiver(vector, token=altered(vector["token"], at)), *request(vector)) == "signature"


@each_event
def test_another_owner_fails_the_receive_id(vector: dict[str, str]) -> None:
    for at in range(len(vector["owner"])):
        other = receiver(vector, owner=altered(vector["owner"], at))
        assert refused(other, *request(vector)) == "receive-id"


@each_event
def test_another_key_does_not_open_the_text(vector: dict[str, str]) -> None:
    for at in range(len(vector["aes"]) - 1):
        other = receiver(vector, aes_key=altered(vector["aes"], at))
        assert refused(other, *request(vector)) in {"padding", "length", "text", "json"}
    assert refused(receiver(vector, aes_key="!" * 43), *request(vector)) == "key"
    assert refused(receiver(vector, aes_key=vector["aes"][:-1]), *request(vector)) == "key"


@each_event
def test_a_cut_or_changed_text_signed_by_one_who_knows_the_token_is_still_refused(
    vector: dict[str, str],
) -> None:
    encrypted = vector["encrypt"]
    assert refused(receiver(vector), *request(vector, encrypt=encrypted[:-4])) == "base64"
    assert refused(receiver(vector), *request(vector, encrypt="*" + encrypted[1:])) == "base64"
    assert refused(receiver(vector), *request(vector, encrypt="张" + encrypted[1:])) == "base64"
    raw = bytearray(base64.b64decode(encrypted))
    raw[-17] ^= 1  # flips the last byte of the padding
    changed = base64.b64encode(raw).decode()
    assert refused(receiver(vector), *request(vector, encrypt=changed)) == "padding"


@pytest.mark.parametrize(
    ("plain", "check"),
    [
        (b"x" * 31 + bytes([0]), "padding"),
        (b"x" * 31 + bytes([33]), "padding"),
        (b"x" * 30 + bytes([1, 2]), "padding"),
        (bytes([32]) * 32, "length"),
        (b"x" * 16 + struct.pack(">I", 999) + b"{}own" + bytes([7]) * 7, "length"),
        (b"x" * 16 + struct.pack(">I", 2) + b"\xff\xfe" + b"own" + bytes([7]) * 7, "text"),
        (b"x" * 16 + struct.pack(">I", 2) + b"{]" + b"own" + bytes([7]) * 7, "json"),
        (b"x" * 16 + struct.pack(">I", 2) + b"[]" + b"own" + bytes([7]) * 7, "json"),
        (b"x" * 16 + struct.pack(">I", 2) + b"{}" + b"own" + bytes([7]) * 7, "receive-id"),
    ],
)
def test_each_check_of_the_plain_text_is_named(plain: bytes, check: str) -> None:
    vector = VECTORS[1]
    assert refused(receiver(vector), *request(vector, encrypt=sealed(plain))) == check


@pytest.mark.parametrize(
    ("body", "check"),
    [
        (b"", "body"),
        (b"\xff", "body"),
        (b"[]", "body"),
        (b"{}", "body"),
        (b'{"encrypt":7}', "body"),
        (b"[" * 100_000, "body"),
        (b'{"encrypt":"' + b"A" * (1 << 20) + b'"}', "body"),
    ],
)
def test_a_body_that_is_not_dingtalks(body: bytes, check: str) -> None:
    query, _ = request(VECTORS[2])
    assert refused(receiver(VECTORS[2]), query, body) == check


def test_half_a_surrogate_pair_fails_the_signature() -> None:
    query, _ = request(VECTORS[2])
    assert refused(receiver(VECTORS[2]), query, b'{"encrypt":"\\ud800"}') == "signature"


@pytest.mark.parametrize("missing", ["signature", "timestamp", "nonce"])
def test_a_query_without_one_of_its_parts(missing: str) -> None:
    query, body = request(VECTORS[2])
    assert refused(receiver(VECTORS[2]), {k: v for k, v in query.items() if k != missing}, body) == "query"


def test_the_first_check_of_a_suite_may_come_for_another_owner_and_nothing_else_may() -> None:
    vector = VECTORS[1]
    for name, accepted in (("check_create_suite_url", True), ("suite_ticket", False)):
        event = json.dumps({"EventType": name, "Random": "r1"})
        query, body = request(vector, encrypt=encrypt(KEY, event, "suite4xxxxxxxxxxxxxxx"))
        if accepted:
            assert receiver(vector).opened(query, body) == {"EventType": name, "Random": "r1"}
        else:
            assert refused(receiver(vector), query, body) == "receive-id"


def test_the_answer_is_success_for_the_owner() -> None:
    vector = VECTORS[2]
    answer = receiver(vector).answer(1700000000000)
    assert answer["timeStamp"] == "1700000000000"
    assert is_signed(
        answer["msg_signature"], vector["token"], answer["timeStamp"], answer["nonce"], answer["encrypt"]
    )
    assert decrypt(KEY, answer["encrypt"]) == ("success", vector["owner"])
    assert decrypt(KEY, receiver(vector).answer(1, "create-key")["encrypt"]) == ("success", "create-key")


@given(text=st.text(), owner=st.text(min_size=1, max_size=20))
def test_whatever_is_encrypted_decrypts(text: str, owner: str) -> None:
    assert decrypt(KEY, encrypt(KEY, text, owner)) == (text, owner)


@given(encrypted=st.text(), key=st.text())
def test_any_text_is_opened_or_refused_and_never_breaks(encrypted: str, key: str) -> None:
    with pytest.raises(Undecryptable):
        decrypt(key, encrypted)
    with pytest.raises(Undecryptable):
        decrypt(KEY, encrypted)


# WeCom's envelope has the same format, and its library was not written by us. DingTalk's own package for Node encodes the
# text as a URI before encrypting, which is right for `success` alone.
INDEPENDENT = """
import { decrypt, encrypt, getSignature } from "@wecom/crypto";
let text = "";
for await (const chunk of process.stdin) text += chunk;
process.stdout.write(JSON.stringify(JSON.parse(text).map((each) => {
  const opened = decrypt(each.aes, each.encrypt);
  const encrypted = encrypt(each.aes, each.msg, each.owner);
  return {
    msg: opened.message, owner: opened.id, sig: getSignature(each.token, each.ts, each.nonce, each.encrypt),
    encrypt: encrypted, theirs: getSignature(each.token, each.ts, each.nonce, encrypted),
  };
})));
"""


def _random_case(chance: random.Random) -> dict[str, str]:
    letters = string.ascii_letters + string.digits
    key = base64.b64encode(chance.randbytes(32)).decode().rstrip("=")
    msg = json.dumps(
        {"EventType": "".join(chance.choices('user_org张三😀"\\', k=chance.randrange(200)))},
        ensure_ascii=False,
    )
    case = {
        "token": "".join(chance.choices(letters, k=chance.randint(3, 32))), "aes": key, "msg": msg,
        "owner": "ding" + "".join(chance.choices(letters, k=chance.randint(1, 20))),
        "ts": str(chance.randrange(10**12, 10**13)), "nonce": "".join(chance.choices(letters, k=8)),
    }  # fmt: skip
    encrypted = encrypt(key, msg, case["owner"])
    return case | {
        "encrypt": encrypted,
        "sig": signature(case["token"], case["ts"], case["nonce"], encrypted),
    }


def test_an_independent_implementation_agrees_both_ways() -> None:
    """`@wecom/crypto`, which `make test` puts into console/node_modules, on random messages."""
    seed = int(os.environ.get("YUNLIAN_SEED") or random.SystemRandom().getrandbits(32))
    print(f"YUNLIAN_SEED={seed}")  # noqa: T201 (shown when the test fails, to repeat it)
    chance = random.Random(seed)
    cases = [_random_case(chance) for _ in range(300)]
    node = shutil.which("node")
    assert node, "node is not on the PATH; `make test` puts it there"
    done = subprocess.run(
        [node, "--input-type=module", "--eval", INDEPENDENT],
        input=json.dumps(cases), cwd=CONSOLE, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    answers = json.loads(done.stdout)
    assert len(answers) == 300
    for case, answer in zip(cases, answers, strict=True):
        assert (answer["msg"], answer["owner"], answer["sig"]) == (case["msg"], case["owner"], case["sig"])
        theirs = case | {"encrypt": answer["encrypt"], "sig": answer["theirs"]}
        query, body = request(theirs)
        assert receiver(case).opened(query, body) == json.loads(case["msg"])
