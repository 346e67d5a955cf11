"""Receipt notice: the suite every document inherits, then what becomes of goods on their way (flows.md F7, F9)."""

from yunlian.kernel.testing import FlowSuite


class TestReceiptNotice(FlowSuite):
    code = "stock.receipt_notice"
