"""Asynchronous exports: sealed files of people, departments and tags, opened with a key of our own; and what spoils them."""

import time
from dataclasses import replace

import pytest

from ..errors import PlatformError
from . import departments, exports, members, tags
from .conftest import Desk
from .crypto import CallbackRefused, Check, new_aes_key, sealed, unsealed
from .exports import Kind, Tagged
from .members import Member
from .sandbox import state as demo

KEY = "kWxPEV2UEDyxWpmPdKC3F4dgPDmOvfKX1HGnEUDS1aR"
# AES-256-CBC of a known text with the key above, made with OpenSSL 3.0 (enc -aes-256-cbc -nopad, padded by hand to 32).
VECTOR = "8d3b9c8492e59adab3e3490d0912d2556ba629a9181a0ea1e67cdff6e3d9d1fd"


def done(desk: Desk, kind: Kind, key: str = KEY, **asked) -> list[exports.File]:
    job = exports.start(desk.contacts(), kind, key, **asked)
    while not (now := exports.progress(desk.contacts(), job)).done:
        assert not now.failed
        time.sleep(0.05)
    return list(now.files)


@pytest.fixture
def people(desk: Desk) -> Desk:
    south = departments.create(desk.contacts(), departments.Department(name="华南", parent=1))
    for n in range(3):
        member = Member(f"u{n}", name=f"员工{n}", departments=(south,), mobile=f"1370000000{n}")
        members.create(desk.contacts(), member, invite=False)
    return desk


def test_a_file_is_sealed_as_openssl_seals_it() -> None:
    assert sealed(KEY, b'{"userlist":[]}').hex() == VECTOR
    assert unsealed(KEY, bytes.fromhex(VECTOR)) == b'{"userlist":[]}'


def test_another_key_does_not_open_a_file() -> None:
    with pytest.raises(CallbackRefused) as refused:
        unsealed(new_aes_key(), bytes.fromhex(VECTOR))
    assert refused.value.check is Check.PADDING


def test_members_and_departments_are_exported_as_they_are_read(people: Desk) -> None:
    (file,) = done(people, Kind.MEMBERS)
    found = {each.user: each for each in exports.people(people.contacts(), file, KEY)}
    assert sorted(found) == ["founder", "u0", "u1", "u2"]
    assert found["u1"] == members.get(people.contacts(), "u1")
    (file,) = done(people, Kind.DEPARTMENTS)
    ours = [(each.id, each.name, each.parent) for each in exports.tree(people.contacts(), file, KEY)]
    assert ours == [(each.id, each.name, each.parent) for each in departments.tree(people.contacts())]


def test_names_only_go_without_what_is_private(people: Desk) -> None:
    (file,) = done(people, Kind.NAMES)
    found = {each.user: each for each in exports.people(people.contacts(), file, KEY)}
    assert (found["u1"].name, found["u1"].mobile) == ("员工1", None)


def test_a_tag_is_exported_with_its_departments(people: Desk) -> None:
    tag = tags.create(people.contacts(), "店长")
    tags.add(people.contacts(), tag, users=["u0", "u2"], departments=[1])
    (file,) = done(people, Kind.TAG, tag=tag)
    assert exports.tagged(people.contacts(), file, KEY) == Tagged(("u0", "u2"), (1,))


def test_a_large_corp_comes_in_several_files(people: Desk) -> None:
    people.control("/make", people=10_100, departments=20)
    files = done(people, Kind.NAMES, block=exports.SMALLEST_BLOCK)
    found = [len(list(exports.people(people.contacts(), each, KEY))) for each in files]
    assert (found[0], len(files), sum(found)) == (10_000, 2, len(people.corp.people))


def test_an_export_that_was_altered_or_cut_is_not_believed(people: Desk) -> None:
    (file,) = done(people, Kind.NAMES)
    for spoilt in (replace(file, md5="0" * 32), replace(file, size=file.size + 1)):
        with pytest.raises(PlatformError) as error:
            list(exports.people(people.contacts(), spoilt, KEY))
        assert (error.value.code, error.value.retry) == ("unreadable", True)
    with pytest.raises(PlatformError):
        list(exports.people(people.contacts(), file, new_aes_key()))
    with pytest.raises(PlatformError):
        list(exports.people(people.contacts(), replace(file, url=file.url + "9"), KEY))


def test_what_an_export_is_refused_for(people: Desk, refused) -> None:
    ours = people.contacts()
    assert refused(exports.start, ours, Kind.NAMES, "short") == "40058"
    assert refused(exports.start, ours, Kind.NAMES, KEY, block=9_999) == "40058"
    assert refused(exports.start, ours, Kind.TAG, KEY, tag=99) == "40068"
    assert refused(exports.start, people.customers(), Kind.NAMES, KEY) == "48002"
    assert refused(exports.progress, ours, "nobody") == "40088"
    people.corp.new_contacts_ip = True
    assert refused(exports.start, ours, Kind.MEMBERS, KEY) == "48009"
    assert exports.start(people.app(), Kind.NAMES, KEY)
    assert people.corp.id == demo.CORP
