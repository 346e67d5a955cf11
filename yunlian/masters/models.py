"""What the business deals in and with whom. Every row belongs to one enterprise and is found by code, name, pinyin."""

from decimal import Decimal

from django.db.models import CheckConstraint, F, Index, Q, UniqueConstraint

from yunlian.kernel import fields as f
from yunlian.kernel.constraints import Exclusion
from yunlian.kernel.models import Line, Master
from yunlian.kernel.text import _
from yunlian.org.models import Department, Employee


class Unit(Master):
    """A unit of measure: piece, box, square metre. `scale` decimals are allowed in its quantities."""

    scale = f.Integer(
        label=_("Decimals"),
        high=6,
        default=0,
        initial=0,
        null=False,
        hint=_("How many decimals a quantity may have."),
    )

    class Meta:
        constraints = (UniqueConstraint(name="masters_unit_code", fields=["enterprise_id", "code"]),)


class Brand(Master):
    """A brand products are sold under."""

    class Meta:
        constraints = (UniqueConstraint(name="masters_brand_code", fields=["enterprise_id", "code"]),)


class Category(Master):
    """A class of products; a tree."""

    parent = f.Ref("self", label=_("Belongs to"), required=False)

    class Meta:
        constraints = (UniqueConstraint(name="masters_category_code", fields=["enterprise_id", "code"]),)


PRODUCT_STATES = (("active", _("On sale")), ("stopped", _("Stopped")), ("clearance", _("Clearance")))


class Product(Master):
    """Something bought or sold. `unit` is the base unit: stock and costs are kept in it; prices are per base unit."""

    beside = "specification"
    specification = f.Text(label=_("Specification"), required=False)
    brand = f.Ref(Brand, label=_("Brand"), required=False)
    category = f.Ref(Category, label=_("Category"), required=False)
    unit = f.Ref(Unit, label=_("Base unit"), once=True)  # every stored quantity and cost is in it
    barcode = f.Code(label=_("Bar code"), required=False)
    list_price = f.Price(label=_("Reference price"), required=False, hint=_("Per base unit, tax included."))
    purchase_price = f.Price(
        label=_("Purchase reference price"),
        required=False,
        guard="purchase.price",
        hint=_("Per base unit, tax included."),
    )
    is_sold = f.Boolean(label=_("Sold"), default=True, initial=True)
    is_bought = f.Boolean(label=_("Bought"), default=True, initial=True)
    status = f.Choice(label=_("Sales status"), choices=PRODUCT_STATES, default="active", initial="active")
    volume = f.Qty(label=_("Volume, m³"), required=False, low="0")
    weight = f.Qty(label=_("Weight, kg"), required=False, low="0")

    class Meta:
        constraints = (UniqueConstraint(name="masters_product_code", fields=["enterprise_id", "code"]),)
        indexes = (Index(fields=["enterprise_id", "barcode"], name="masters_product_barcode"),)


class ProductUnit(Line):
    """One more unit a product is traded in: 1 `unit` = `factor` base units."""

    product = f.Parent(Product)
    unit = f.Ref(Unit, label=_("Unit"))
    factor = f.Qty(label=_("Base units in it"), above="0")

    class Meta:
        constraints = (
            UniqueConstraint(
                name="masters_productunit_once", fields=["enterprise_id", "product_id", "unit_id"]
            ),
        )


SETTLEMENTS = (("cash", _("Cash before delivery")), ("account", _("On account")))


class Partner(Master):
    """A customer, a supplier, or both. `chain_id` names the enterprise on the chain it is linked to, if any.

    What arrives from it over the chain belongs to the employee `responsible` for it.
    """

    beside = "short_name"
    short_name = f.Text(label=_("Short name"), max_length=60, required=False)
    is_customer = f.Boolean(label=_("Customer"))
    is_supplier = f.Boolean(label=_("Supplier"))
    level = f.Text(label=_("Level"), max_length=30, required=False)
    responsible = f.Ref(
        Employee,
        label=_("Responsible employee"),
        required=False,
        hint=_("Owns what arrives from this partner over the chain."),
    )
    contact = f.Text(label=_("Contact"), max_length=60, required=False)
    phone = f.Phone(label=_("Telephone"), required=False)
    address = f.Text(label=_("Address"), required=False)
    tax_no = f.Code(label=_("Tax number"), required=False)
    settlement = f.Choice(label=_("Settlement"), choices=SETTLEMENTS, default="cash", initial="cash")
    credit_limit = f.Amount(
        label=_("Credit limit"), required=False, low="0", hint=_("Blank: no limit for a customer on account.")
    )
    chain_id = f.Text(label=_("Linked enterprise"), max_length=36, readonly=True)

    class Meta:
        constraints = (
            UniqueConstraint(name="masters_partner_code", fields=["enterprise_id", "code"]),
            UniqueConstraint(
                name="masters_partner_linked", fields=["enterprise_id", "chain_id"], condition=~Q(chain_id="")
            ),
        )


class PartnerContact(Master):
    """Somebody at a partner, or somebody who may become one: a person we know by name, mobile, or a platform's id.

    Those that come from a platform are one row per `external_id` for ever; `follower` is our colleague who looks after
    them, `joined_at` and `lost_at` when they came and went. Without a `partner` they wait to be assigned.
    """

    partner = f.Ref(Partner, label=_("Partner"), required=False)
    mobile = f.Phone(label=_("Mobile"), required=False)
    position = f.Text(label=_("Position"), required=False)
    follower = f.Ref(Employee, label=_("Looked after by"), required=False)
    tags = f.Tags(label=_("Tags"))
    source = f.Text(label=_("Came by"), required=False)
    platform = f.Text(label=_("Platform"), max_length=20, readonly=True)
    external_id = f.Text(label=_("On the platform"), max_length=100, readonly=True)
    joined_at = f.Moment(label=_("Joined"), readonly=True)
    lost_at = f.Moment(label=_("Lost"), readonly=True)

    class Meta:
        constraints = (
            UniqueConstraint(name="masters_partnercontact_code", fields=["enterprise_id", "code"]),
            UniqueConstraint(
                name="masters_partnercontact_external",
                fields=["enterprise_id", "platform", "external_id"],
                condition=~Q(external_id=""),
            ),
        )
        indexes = (Index(fields=["enterprise_id", "partner_id"], name="masters_contact_partner"),)


class Warehouse(Master):
    """A place goods are kept. `may_be_negative` lets it issue what has not been received yet."""

    department = f.Ref(Department, label=_("Department"), required=False)
    address = f.Text(label=_("Address"), required=False)
    may_be_negative = f.Boolean(label=_("May be negative"))
    is_default = f.Boolean(label=_("Default"))

    class Meta:
        constraints = (
            UniqueConstraint(name="masters_warehouse_code", fields=["enterprise_id", "code"]),
            UniqueConstraint(
                name="masters_warehouse_default", fields=["enterprise_id"], condition=Q(is_default=True)
            ),
        )


ACCOUNT_KINDS = (("cash", _("Cash")), ("bank", _("Bank account")), ("wallet", _("Payment platform")))


class Account(Master):
    """A settlement account: where money is received and paid from."""

    kind = f.Choice(label=_("Kind"), choices=ACCOUNT_KINDS, default="bank", initial="bank")
    bank = f.Text(label=_("Bank"), required=False)
    bank_no = f.Code(label=_("Account number"), required=False)
    may_be_negative = f.Boolean(label=_("May be negative"))

    class Meta:
        constraints = (UniqueConstraint(name="masters_account_code", fields=["enterprise_id", "code"]),)


PRICE_KINDS = (("sales", _("Sales")), ("purchase", _("Purchase")))


class PriceList(Master):
    """Prices valid for a time. A list of a partner beats those of everybody; then the higher priority; then the default."""

    kind = f.Choice(
        label=_("Kind"),
        choices=PRICE_KINDS,
        guards={"sales": "sales.price", "purchase": "purchase.price"},
        default="sales",
        initial="sales",
    )
    is_default = f.Boolean(label=_("Default list"))
    partner = f.Ref(Partner, label=_("Only for partner"), required=False)
    level = f.Text(label=_("Only for level"), max_length=30, required=False)
    priority = f.Integer(
        label=_("Priority"),
        high=1_000,
        default=0,
        initial=0,
        null=False,
        hint=_("The highest is asked first."),
    )

    class Meta:
        constraints = (
            UniqueConstraint(name="masters_pricelist_code", fields=["enterprise_id", "code"]),
            UniqueConstraint(
                name="masters_pricelist_default",
                fields=["enterprise_id", "kind"],
                condition=Q(is_default=True),
            ),
        )


class PriceLine(Line):
    """The price of one `unit` of a product, tax included, from a quantity on, while valid; both days count."""

    price_list = f.Parent(PriceList)
    product = f.Ref(Product, label=_("Product"))
    unit = f.Ref(Unit, label=_("Unit"), required=False, hint=_("The base unit when left blank."))
    qty_from = f.Qty(label=_("From quantity"), low="0", default=Decimal(0), initial=Decimal(0), null=False)
    price = f.Price(label=_("Price"))
    valid_from = f.Date(label=_("Valid from"), required=False)
    valid_to = f.Date(label=_("Valid to"), required=False)

    class Meta:
        constraints = (
            CheckConstraint(
                name="masters_priceline_validity",
                condition=Q(valid_from__isnull=True)
                | Q(valid_to__isnull=True)
                | Q(valid_to__gte=F("valid_from")),
            ),
            Exclusion(
                name="masters_priceline_overlap",
                equal=("price_list_id", "product_id", "unit_id", "qty_from"),
                period="daterange(valid_from, valid_to, '[]')",
            ),
        )
        indexes = (Index(fields=["enterprise_id", "product_id"], name="masters_priceline_product"),)
