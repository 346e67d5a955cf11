"""Purchase stock-in: the suite every document inherits, then stock, cost and payable (flows.md F7, F9, F11, F13)."""

from yunlian.kernel.testing import FlowSuite


class TestPurchaseIn(FlowSuite):
    code = "stock.purchase_in"
