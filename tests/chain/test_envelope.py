"""The envelope's bytes, limits and hash path, and the signatures over them: nothing may be altered unseen."""

import datetime as dt
import json
import re
import time
import uuid

import pytest
from babel.messages.pofile import read_po
from hypothesis import given, settings
from hypothesis import strategies as st

from yunlian.chain import body, envelope, hashpath, keys, receipts
from yunlian.chain.body import Malformed
from yunlian.edge import catalogues
from yunlian.kernel.text import _

LANE = uuid.UUID("0192f000-0000-7000-8000-000000000001")
SUBJECT = "purchase.order/0192f000-0000-7000-8000-000000000002"


def make(**changes):
    """A valid message, with changes."""
    given_ = {
        "id": uuid.UUID(int=5),
        "source": uuid.UUID(int=1),
        "kind": "order.placed",
        "subject": SUBJECT,
        "time": dt.datetime(2026, 11, 22, 8, 0, tzinfo=dt.UTC),
        "recipient": uuid.UUID(int=2),
        "lane": LANE,
        "epoch": 1,
        "sequence": 1,
        "prevhash": hashpath.start(LANE),
        "thread": uuid.UUID(int=3),
        "thread_version": 1,
        "data": {"currency": "CNY", "lines": [{"qty": "2", "unit": "件", "price": "3950.00"}]},
    }
    return envelope.write(**(given_ | changes))


def test_every_sentence_of_the_program_can_be_the_reason_of_a_refusal():
    """Whatever the values of a sentence are called: a quantity in words is none of the message's business."""
    with catalogues.path("en").open("rb") as file:
        phrases = [str(each.id) for each in read_po(file) if "%(" in str(each.id)]
    assert len(phrases) > 80
    for words in phrases:
        names = re.findall(r"%\((\w+)\)", words)
        problem = receipts.problem_of(_(words) % dict.fromkeys(names, "5"), line=1)
        data = {"about": str(uuid.UUID(int=9)), "outcome": "rejected", "problems": [problem]}
        body.check(data)
        assert receipts.reason_of(envelope.read(make(kind="message.receipt", data=data)).data["problems"])


class TestBytes:
    def test_reads_back_what_was_written(self):
        read = envelope.read(make(sequence=7, epoch=3, causation=uuid.UUID(int=9)))
        assert (read.kind, read.major, read.sequence, read.epoch) == ("order.placed", 1, 7, 3)
        assert (read.source, read.recipient, read.causation) == (
            uuid.UUID(int=1),
            uuid.UUID(int=2),
            uuid.UUID(int=9),
        )
        assert read.time == dt.datetime(2026, 11, 22, 8, 0, tzinfo=dt.UTC)
        assert read.data["lines"][0]["unit"] == "件"

    def test_writes_the_sequence_as_twenty_digits(self):
        assert json.loads(make(sequence=12))["sequence"] == "00000000000000000012"

    def test_keeps_fields_nobody_knows(self):
        assert envelope.read(make(data={"later": {"x": [1, True, None]}})).data == {
            "later": {"x": [1, True, None]}
        }

    @pytest.mark.parametrize(
        "changes",
        [
            {"kind": "Order"},
            {"kind": "order placed"},
            {"subject": "purchase.order"},
            {"epoch": 0},
            {"epoch": 2**31},
            {"sequence": 0},
            {"sequence": 10**19},
            {"prevhash": "x"},
            {"thread_version": 0},
            {"data": {"note": "長" * 90_000}},
        ],
    )
    def test_refuses_to_write_what_it_would_not_read(self, changes):
        with pytest.raises(Malformed):
            make(**changes)

    @pytest.mark.parametrize("name", sorted(json.loads(make())))
    def test_refuses_a_missing_or_wrongly_typed_attribute(self, name):
        whole = json.loads(make())
        for changed in (None, 7.5, [], "", " " + str(whole[name]), {"a": 1}):
            with pytest.raises(Malformed):
                envelope.read(json.dumps(whole | {name: changed} | ({"data": []} if name == "data" else {})))
        del whole[name]
        with pytest.raises(Malformed):
            envelope.read(json.dumps(whole))


class TestBody:
    @pytest.mark.parametrize(
        "data",
        [
            {"currency": "CNY", "amount": "12.50"},
            {"currency": "CNY", "lines": [{"price": "1", "qty": "-0.000001", "unit": "kg"}]},
            {"qty": "3", "unit": {"code": "PCS"}},
            {"id": "x", "count": 3, "customer_id": None},
        ],
    )
    def test_takes_exact_values(self, data):
        body.check(data)

    @pytest.mark.parametrize(
        ("data", "code"),
        [
            ({"rate": 0.1}, "float"),
            ({"rates": [0.1]}, "float"),
            ({"currency": "CNY", "amount": 12}, "decimal"),
            ({"currency": "CNY", "amount": "12,50"}, "decimal"),
            ({"currency": "CNY", "amount": "1e3"}, "decimal"),
            ({"currency": "CNY", "amount": "0012"}, "decimal"),
            ({"currency": "CNY", "amount": "NaN"}, "decimal"),
            ({"amount": "12.50"}, "currency"),
            ({"lines": [{"price": "12.50"}]}, "currency"),
            ({"unit": "件", "lines": [{"qty": "1"}]}, "unit"),
            ({"id": 7}, "id"),
            ({"customer_id": 7}, "id"),
            ({"note": "\ud800"}, "text"),
            ({"when": dt.date(2026, 1, 1)}, "float"),
        ],
    )
    def test_refuses_what_is_not_exact(self, data, code):
        with pytest.raises(Malformed) as refused:
            body.check(data)
        assert refused.value.code == code


class TestLimits:
    @pytest.mark.parametrize(
        ("text", "code"),
        [
            ('{"a":"' + "x" * body.LARGEST + '"}', "too_large"),
            ("[" * 200_000, "too_deep"),
            ('{"a":' * 50_000, "too_deep"),
            ("[" + "1," * 100_000 + "1]", "too_many"),
            ('{"a":1,"a":2}', "key_twice"),
            ('{"a":1.5}', "float"),
            ('{"a":1e9}', "float"),
            ('{"a":NaN}', "float"),
            ('{"a":-Infinity}', "float"),
            ('{"a":' + "9" * 100_000 + "}", "too_large_number"),
            ('{"a":9007199254740993}', "too_large_number"),
            ("[]", "not_json"),
            ("", "not_json"),
            ('{"a":1} x', "not_json"),
            ('{"a":"\x00"}', "not_json"),
            ('"' + '\\"' * 100_000, "not_json"),
            ('{"' + '\\"' * 100_000, "not_json"),
        ],
        ids=range(17),
    )
    def test_refuses_in_bounded_time(self, text, code):
        begun = time.perf_counter()
        with pytest.raises(Malformed) as refused:
            body.parse(text)
        assert refused.value.code == code
        assert time.perf_counter() - begun < 1

    @given(st.binary(max_size=400))
    @settings(max_examples=300, deadline=None)
    def test_any_bytes_are_read_or_refused(self, raw):
        try:
            envelope.read(raw.decode("utf-8", "replace"))
        except Malformed as refused:
            assert refused.code  # noqa: PT017  (most bytes are refused, a few may be read)

    @given(
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
            lambda inner: (
                st.lists(inner) | st.dictionaries(st.text() | st.sampled_from(["qty", "amount", "id"]), inner)
            ),
        )
    )
    @settings(max_examples=300, deadline=None)
    def test_any_body_is_written_exactly_or_refused(self, data):
        try:
            text = make(data={"it": data})
        except Malformed:
            return
        assert envelope.read(text).data == {"it": data}


class TestPath:
    def test_is_whole(self):
        assert hashpath.find_break(LANE, path(5)) is None

    @pytest.mark.parametrize("position", [1, 3, 5])
    def test_names_the_first_message_that_was_changed(self, position):
        texts = path(5)
        texts[position - 1] = envelope.read(texts[position - 1].text.replace("3950", "3951"))
        assert hashpath.find_break(LANE, texts) == (position + 1 if position < 5 else None)
        del texts[position - 1]
        assert hashpath.find_break(LANE, texts) == (position if position < 5 else None)

    def test_starts_differently_on_every_lane(self):
        other = uuid.UUID(int=77)
        assert hashpath.find_break(other, path(1)) == 1


def path(count):
    """A lane of messages, each naming the one before."""
    made, prev = [], hashpath.start(LANE)
    for position in range(1, count + 1):
        made.append(envelope.read(make(sequence=position, prevhash=prev, thread_version=position)))
        prev = hashpath.digest(made[-1].text)
    return made


@pytest.fixture(autouse=True)
def _secret(settings):
    settings.CHAIN_SECRET = "a secret that is in no dump"


class TestSignature:
    def test_holds_over_the_exact_bytes(self):
        pair, text = keys.generate(), make()
        signature = keys.sign(pair.id, keys.unwrap(pair.id, pair.wrapped), text)
        assert keys.verify(pair.id, pair.public, text, signature)

    def test_fails_at_every_changed_byte(self):
        pair, text = keys.generate(), make()
        signature = keys.sign(pair.id, keys.unwrap(pair.id, pair.wrapped), text)
        for position in range(len(text)):
            changed = text[:position] + chr(ord(text[position]) ^ 1) + text[position + 1 :]
            assert not keys.verify(pair.id, pair.public, changed, signature), text[position]

    def test_fails_at_every_changed_letter_of_itself(self):
        pair, text = keys.generate(), make()
        signature = keys.sign(pair.id, keys.unwrap(pair.id, pair.wrapped), text)
        for position, letter in enumerate(signature):
            for other in ("A" if letter != "A" else "B", "=", "\n", ""):
                changed = signature[:position] + other + signature[position + 1 :]
                assert changed == signature or not keys.verify(pair.id, pair.public, text, changed)

    def test_fails_under_another_key_or_algorithm(self):
        pair, other, text = keys.generate(), keys.generate(), make()
        signature = keys.sign(pair.id, keys.unwrap(pair.id, pair.wrapped), text)
        assert not keys.verify(other.id, other.public, text, signature)
        assert not keys.verify(pair.id, other.public, text, signature)
        assert not keys.verify(other.id, pair.public, text, signature)
        assert not keys.verify(pair.id.replace("ed25519", "sm2"), pair.public, text, signature)
        assert not keys.verify(pair.id, b"", text, signature)


class TestWrapping:
    def test_opens_under_its_own_secret_and_id_only(self, settings):
        pair, other = keys.generate(), keys.generate()
        assert len(keys.unwrap(pair.id, pair.wrapped)) == 32
        with pytest.raises(keys.Locked):
            keys.unwrap(other.id, pair.wrapped)
        with pytest.raises(keys.Locked):
            keys.unwrap(pair.id, pair.wrapped[:-1] + bytes([pair.wrapped[-1] ^ 1]))
        settings.CHAIN_SECRET = "the secret of a test copy"
        with pytest.raises(keys.Locked):
            keys.unwrap(pair.id, pair.wrapped)

    def test_never_wraps_alike_twice(self):
        pair = keys.generate()
        private = keys.unwrap(pair.id, pair.wrapped)
        assert keys.wrap(pair.id, private) != pair.wrapped
        assert private not in pair.wrapped
