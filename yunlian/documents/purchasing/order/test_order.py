"""Purchase order: the suite every document inherits, then collaboration with the supplier (flows.md F4, F5)."""

from yunlian.kernel.testing import FlowSuite


class TestPurchaseOrder(FlowSuite):
    code = "purchase.order"
    overrides = {"lines__price": "12.5"}
