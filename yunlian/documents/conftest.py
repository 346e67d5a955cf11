"""What masters need so that any document made of them can go its whole way, unless a test says otherwise."""

from yunlian.kernel.testing import DEFAULTS

DEFAULTS["masters.product"] = {"list_price": "12.5", "purchase_price": "8"}
DEFAULTS["masters.warehouse"] = {"may_be_negative": True}
DEFAULTS["masters.account"] = {"may_be_negative": True}
DEFAULTS["masters.partner"] = {"settlement": "account"}
