"""Preferences are kept per member, as they came, and cannot grow without end."""

import uuid
from types import SimpleNamespace

import msgspec
import pytest

from . import preferences
from .document import Invalid
from .testing import ALL, context


def request(ctx, value=None):
    raw = msgspec.json.encode(value)
    return SimpleNamespace(ctx=ctx, body=value, http=SimpleNamespace(body=raw))


def put(ctx, key, value):
    return preferences.put_preference(request(ctx, value), key)


def get(ctx, key):
    return msgspec.json.decode(preferences.get_preference(request(ctx), key).data)


def test_kept_per_member_and_overwritten(ctx):
    other = context(ctx.enterprise_id, uuid.uuid4(), ALL)
    assert get(ctx, "list:x") == {}
    put(ctx, "list:x", {"columns": ["a"], "width": 12.5})
    put(ctx, "list:x", {"columns": ["b"]})
    assert get(ctx, "list:x") == {"columns": ["b"]}
    assert get(other, "list:x") == {}
    put(ctx, "list:x", {})
    assert get(ctx, "list:x") == {}


def test_size_key_and_count_are_limited(ctx, monkeypatch):
    with pytest.raises(Invalid):
        put(ctx, "k", {"x": "一" * preferences.MAX_BYTES})
    for key in ("", "a b", "x" * 101, "../x"):
        with pytest.raises(Invalid):
            put(ctx, key, {"a": 1})
        with pytest.raises(Invalid):
            get(ctx, key)
    monkeypatch.setattr(preferences, "MAX_KEYS", 2)
    put(ctx, "a", {"a": 1})
    put(ctx, "b", {"a": 1})
    put(ctx, "b", {"a": 2})
    with pytest.raises(Invalid):
        put(ctx, "c", {"a": 1})
