"""Payment: the suite every document inherits, then the supplier's money."""

from yunlian.kernel.testing import FlowSuite


class TestPayment(FlowSuite):
    code = "finance.payment"
    overrides = {"account__kind": "bank"}
