"""Sales stock-out: the suite every document inherits, then stock, cost and the customer's signature."""

from yunlian.kernel.testing import FlowSuite


class TestSalesOut(FlowSuite):
    code = "stock.sales_out"
