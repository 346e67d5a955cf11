"""Opening stock: the suite every document inherits, then what the books begin with."""

from yunlian.kernel.testing import FlowSuite


class TestOpeningStock(FlowSuite):
    code = "stock.opening"
