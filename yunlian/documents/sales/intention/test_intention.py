"""Sales intention: the suite every document inherits, then the collaboration with a dealer's order."""

from yunlian.kernel.testing import FlowSuite


class TestSalesIntention(FlowSuite):
    code = "sales.intention"
