"""Phrases: shown in the reader's language, wherever they were said, and never as a format somebody else chose."""

import pytest
from django.utils import translation

from yunlian.kernel.text import _, keep, pack, told, unpack


def test_a_phrase_is_shown_in_the_language_of_whoever_reads_it():
    phrase = _("%(code)s is not known here.") % {"code": "箱"}
    with translation.override("zh-hans"):
        packed, chinese = pack(phrase), str(phrase)
    with translation.override("en"):
        assert str(unpack(packed)) == "箱 is not known here."
        assert chinese != str(phrase)


def test_phrases_within_phrases_are_translated_too():
    phrase = _("%(field)s differs from %(number)s.") % {"field": _("Supplier"), "number": "PO1"}
    packed = pack(phrase)
    with translation.override("zh-hans"):
        assert "供应商" in str(unpack(packed))


def test_what_people_typed_stays_as_typed():
    assert unpack(pack("停产 100%")) == "停产 100%"


@pytest.mark.parametrize(
    "data",
    [
        None,
        7,
        {},
        {"words": 7},
        {"words": "%(a)1000000000d", "values": {"a": 1}},
        {"words": "Words nobody ever wrote here"},
        {"words": "%(code)s is not known here.", "values": {"other": "x"}},
        {"words": "%(code)s is not known here.", "values": 7, "more": 1},
    ],
)
def test_words_that_are_not_ours_are_not_shown(data):
    found = unpack(data)
    assert found is None or "%(code)s" in str(found)


def test_values_are_text_whatever_was_sent():
    packed = {"words": "%(code)s is not known here.", "values": {"code": {"words": "%(a)9d"}}}
    with translation.override("en"):
        assert str(unpack(packed)) == " is not known here."


def test_values_that_were_kept_as_an_object_are_still_read():
    packed = {"words": "%(code)s is not known here.", "values": {"code": "箱"}}
    assert pack(unpack(packed))["values"] == [["code", "箱"]]


def test_what_is_kept_is_told_to_each_reader_in_their_language():
    unit = _("%(code)s is not known here.") % {"code": "箱"}
    with translation.override("zh-hans"):
        kept = keep(unit, "停产")
        assert told(kept) == f"{unit}；停产"
    with translation.override("en"):
        assert told(kept) == "箱 is not known here.；停产"


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "停产了",
        '["停产"]',
        "[1]",
        '[{"words":"Words nobody ever wrote here"}]',
        '[{"words":',
        '["a',
        "[" * 600,
    ],
)
def test_what_people_typed_is_kept_and_told_as_typed(typed):
    assert told(keep(typed)) == typed[:500]


def test_what_is_too_long_to_be_kept_in_no_language_is_put_into_words():
    long = _("%(code)s is not known here.") % {"code": "箱" * 490}
    with translation.override("en"):
        assert keep(long) == str(long)[:500]
