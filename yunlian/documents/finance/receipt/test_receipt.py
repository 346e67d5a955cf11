"""Receipt: the suite every document inherits, then the customer's money."""

from yunlian.kernel.testing import FlowSuite


class TestReceipt(FlowSuite):
    code = "finance.receipt"
    overrides = {"account__kind": "bank"}
