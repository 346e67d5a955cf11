"""What masters need so that any document made of them can go its whole way; and the shop of the worked examples."""

import pytest

from tests.shop import Shop
from yunlian.kernel.scope import Context
from yunlian.kernel.testing import DEFAULTS, keep_subscribers

DEFAULTS["masters.product"] = {"list_price": "12.5", "purchase_price": "8"}
DEFAULTS["masters.warehouse"] = {"may_be_negative": True}
DEFAULTS["masters.account"] = {"may_be_negative": True}
DEFAULTS["masters.partner"] = {"settlement": "account"}


@pytest.fixture(autouse=True)
def _by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    """The partner's steps are taken by hand here; what the chain does by itself is told in its own tests."""
    keep_subscribers(monkeypatch, "yunlian.documents", "yunlian.ledgers")


@pytest.fixture
def shop_of() -> type[Shop]:
    """For tests that commit and make their own context."""
    return Shop


@pytest.fixture
def shop(ctx: Context) -> Shop:
    return Shop(ctx)
