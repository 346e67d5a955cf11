"""Sales contract: the suite every document inherits, then its amounts, reservations and money."""

from yunlian.kernel.testing import FlowSuite


class TestSalesContract(FlowSuite):
    code = "sales.contract"
