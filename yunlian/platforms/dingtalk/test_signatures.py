"""The vectors of DingTalk's two HMAC and digest signatures."""

import pytest

from yunlian.platforms.dingtalk.signatures import jsapi_signature, suite_signature

SECRET = "suite-secret-0001"
PAGE = "http://erp.example.com/m/?corpId=dingcorp0001"


def test_a_vendor_call_signs_its_time_and_its_ticket() -> None:
    assert (
        suite_signature(SECRET, "1700000000000", "tick-001") == "oCjBdFrpTzlg/baQHQjJ5BcTE+TSXCaIJbBPNohYrFo="
    )


def test_an_app_without_tickets_signs_its_time_alone() -> None:
    assert suite_signature(SECRET, "1700000000000") == "ChOrkikwcPhTHXMA5XLaBnnEVegC+F8alQdZsIBSKqk="


@pytest.mark.parametrize(
    "altered",
    [
        ("suite-secret-0002", "1700000000000", "tick-001"),
        (SECRET, "1700000000001", "tick-001"),
        (SECRET, "1700000000000", "tick-002"),
    ],
)
def test_every_part_of_a_vendor_call_is_signed(altered: tuple[str, str, str]) -> None:
    assert suite_signature(*altered) != "oCjBdFrpTzlg/baQHQjJ5BcTE+TSXCaIJbBPNohYrFo="


@pytest.mark.parametrize(
    ("digest", "expected"),
    [
        ("sha1", "3a4ccdaa58701b4b1f996429a6ae05fea1ff36c9"),
        ("sha256", "11ae853785f0c206528700a8800ca3c3d1f733dba5dce211dde2d96a6c9363e9"),
    ],
)
def test_a_page_is_signed_without_its_fragment(digest: str, expected: str) -> None:
    assert jsapi_signature("tk001", "abc123", "1700000000", PAGE, digest) == expected  # type: ignore[arg-type]
    assert jsapi_signature("tk001", "abc123", "1700000000", PAGE + "#top", digest) == expected  # type: ignore[arg-type]


def test_a_pages_query_is_signed_decoded() -> None:
    plain = jsapi_signature("t", "n", "1", "http://erp.example.com/?name=张三")
    assert jsapi_signature("t", "n", "1", "http://erp.example.com/?name=%E5%BC%A0%E4%B8%89") == plain
    assert jsapi_signature("t", "n", "1", "http://erp.example.com/?name=李四") != plain
