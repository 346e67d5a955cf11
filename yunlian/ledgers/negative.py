"""Whether a warehouse or account may be below zero is kept on each balance; a change of the master is carried over."""

from django.db import models

from yunlian.kernel.document import Problem, Refused
from yunlian.kernel.events import on
from yunlian.kernel.load import Loaded
from yunlian.kernel.scope import Context
from yunlian.kernel.text import _

from .models import CashBalance, StockBalance


def subscribe() -> None:
    """Follow every change of the masters that decide."""
    on("masters.warehouse", "saved", _carry_to_stock)
    on("masters.account", "saved", _carry_to_cash)


def _carry_to_stock(ctx: Context, warehouse: Loaded) -> None:
    allowed = warehouse.header.may_be_negative
    balances = StockBalance.objects.filter(warehouse_id=warehouse.pk, may_be_negative=not allowed)
    if not allowed:
        _require_none(balances.exclude(on_hand__gte=0, available__gte=0, reserved__lte=models.F("on_hand")))
    balances.update(may_be_negative=allowed)


def _carry_to_cash(ctx: Context, account: Loaded) -> None:
    allowed = account.header.may_be_negative
    balances = CashBalance.objects.filter(account_id=account.pk, may_be_negative=not allowed)
    if not allowed:
        _require_none(balances.filter(amount__lt=0))
    balances.update(may_be_negative=allowed)


def _require_none(negative: models.QuerySet[models.Model]) -> None:
    if negative.exists():
        message = _("There are balances below zero: bring them up first.")
        raise Refused(Problem("may_be_negative", message, code="negative"))
