"""Every master keeps what the kernel promises; then what is special to each."""

from yunlian.kernel.testing import DocumentSuite


class TestUnit(DocumentSuite):
    code = "masters.unit"


class TestBrand(DocumentSuite):
    code = "masters.brand"


class TestCategory(DocumentSuite):
    code = "masters.category"


class TestProduct(DocumentSuite):
    code = "masters.product"


class TestPartner(DocumentSuite):
    code = "masters.partner"
    overrides = {"is_customer": True}


class TestWarehouse(DocumentSuite):
    code = "masters.warehouse"


class TestAccount(DocumentSuite):
    code = "masters.account"


class TestPriceList(DocumentSuite):
    code = "masters.price_list"


class TestPartnerContact(DocumentSuite):
    code = "masters.partner_contact"
