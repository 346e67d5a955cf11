"""Dispatch notice: the suite every document inherits, then its gates and promises."""

from yunlian.kernel.testing import FlowSuite


class TestDispatchNotice(FlowSuite):
    code = "stock.dispatch_notice"
