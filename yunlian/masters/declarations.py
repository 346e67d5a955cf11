"""Every master, declared once: what it is called, what lists and forms show, and what must hold."""

from yunlian.kernel.document import Document, Section, declare
from yunlian.kernel.figures import Figure, show_beside
from yunlian.kernel.text import _

from . import rules
from .figures import reference_price
from .models import (
    Account,
    Brand,
    Category,
    Partner,
    PartnerContact,
    PriceLine,
    PriceList,
    Product,
    ProductUnit,
    Unit,
    Warehouse,
)

UNIT = declare(
    Document(
        code="masters.unit",
        label=_("Unit"),
        header=Unit,
        columns="code name scale is_active",
        find="code name",
        sort="code",
        form=(Section(_("Unit"), "code name scale is_active note"),),
    )
)
BRAND = declare(
    Document(
        code="masters.brand",
        label=_("Brand"),
        header=Brand,
        columns="code name is_active",
        find="code name",
        sort="code",
        form=(Section(_("Brand"), "code name is_active note"),),
    )
)
CATEGORY = declare(
    Document(
        code="masters.category",
        label=_("Category"),
        header=Category,
        columns="code name parent is_active",
        find="code name",
        sort="code",
        facts=rules.read_ancestors,
        check=rules.check_category,
        form=(Section(_("Category"), "code name parent is_active note"),),
    )
)
PRODUCT = declare(
    Document(
        code="masters.product",
        label=_("Product"),
        header=Product,
        lines=ProductUnit,
        columns="code name specification brand category unit list_price status",
        find="code name specification barcode",
        sort="code",
        check=rules.check_product,
        form=(
            Section(
                _("Product"),
                "code name specification brand category unit barcode status is_sold is_bought is_active",
            ),
            Section(_("Prices and measures"), "list_price purchase_price volume weight note"),
            Section(_("Other units"), "unit factor", of="lines"),
        ),
    )
)
PARTNER = declare(
    Document(
        code="masters.partner",
        label=_("Partner"),
        header=Partner,
        columns="code name is_customer is_supplier level contact phone settlement",
        find="code name short_name phone contact",
        sort="code",
        check=rules.check_partner,
        form=(
            Section(_("Partner"), "code name short_name is_customer is_supplier level responsible is_active"),
            Section(_("Contact"), "contact phone address tax_no note"),
            Section(_("Settlement"), "settlement credit_limit"),
        ),
    )
)
PARTNER_CONTACT = declare(
    Document(
        code="masters.partner_contact",
        label=_("Partner contact"),
        header=PartnerContact,
        columns="code name partner mobile position follower tags source joined_at lost_at is_active",
        find="code name mobile",
        sort="code",
        form=(
            Section(_("Contact"), "code name partner mobile position is_active"),
            Section(
                _("Customer contact"), "follower tags source platform external_id joined_at lost_at note"
            ),
        ),
    )
)
WAREHOUSE = declare(
    Document(
        code="masters.warehouse",
        label=_("Warehouse"),
        header=Warehouse,
        columns="code name department address is_default is_active",
        find="code name",
        sort="code",
        facts=rules.read_other_default,
        check=rules.check_single_default,
        form=(
            Section(_("Warehouse"), "code name department address may_be_negative is_default is_active note"),
        ),
    )
)
ACCOUNT = declare(
    Document(
        code="masters.account",
        label=_("Settlement account"),
        header=Account,
        columns="code name kind bank bank_no is_active",
        find="code name",
        sort="code",
        form=(Section(_("Account"), "code name kind bank bank_no may_be_negative is_active note"),),
    )
)
PRICE_LIST = declare(
    Document(
        code="masters.price_list",
        label=_("Price list"),
        header=PriceList,
        lines=PriceLine,
        columns="code name kind partner level priority is_default is_active",
        find="code name",
        sort="code",
        fill=rules.fill_price_list,
        facts=rules.read_price_list,
        check=rules.check_price_list,
        form=(
            Section(_("Price list"), "code name kind partner level priority is_default is_active note"),
            Section(_("Prices"), "product unit qty_from price valid_from valid_to", of="lines"),
        ),
    )
)
show_beside(Figure("masters.product", _("Reference price"), "price", reference_price))
