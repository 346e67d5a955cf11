"""Opening stock: what was in a warehouse, at what cost, when the books began."""

from yunlian.kernel import fields as f
from yunlian.kernel.models import Header
from yunlian.kernel.text import _
from yunlian.ledgers.models import STATUSES
from yunlian.masters.lines import GoodsLine
from yunlian.masters.models import Product, Warehouse


class OpeningStock(Header):
    """The stock of one warehouse at the beginning."""

    warehouse = f.Ref(Warehouse, label=_("Warehouse"))
    amount = f.Amount(label=_("Value"), formula="total(lines.amount)", guard="stock.cost")


class OpeningStockLine(GoodsLine):
    """One product in one status. `cost` is per `unit`, without tax."""

    opening = f.Parent(OpeningStock)
    product = f.Ref(Product, label=_("Product"))
    status = f.Choice(label=_("Stock status"), choices=STATUSES, default="good", initial="good")
    cost = f.Price(label=_("Unit cost"), guard="stock.cost", hint=_("Per unit, without tax."))
    amount = f.Amount(label=_("Value"), formula="round(qty * cost)", guard="stock.cost")
