"""Upstream products: theirs to change, ours to map, and to map again when it was wrong."""

import pytest

from tests.chain.test_api import Desk, desks  # noqa: F401
from tests.chain.test_business import brand, dealer, place, settle  # noqa: F401
from yunlian.chain.models import Offer
from yunlian.documents.sales.intention.model import SalesIntention
from yunlian.kernel.document import Refused
from yunlian.masters.models import Product


@pytest.fixture
def offers(dealer):  # noqa: F811
    with dealer.enter():
        return {offer.upstream_code: offer for offer in Offer.objects.select_related("product")}


def test_a_wrong_mapping_is_set_right(brand, dealer, offers):  # noqa: F811
    """Both were mapped the wrong way round: the first is freed by a product in between."""
    spare = dealer.save("masters.product", {"code": "D-P3", "name": "备用", "unit": "PCS"})
    bed, table = offers["P1"], offers["P2"]
    dealer.move("chain.product", bed.id, "map", product=spare["id"])
    dealer.move("chain.product", table.id, "map", product=str(bed.product_id))
    shown = dealer.move("chain.product", bed.id, "map", product="D-P2")
    assert (shown["state"], shown["product"]["code"]) == ("linked", "D-P2")
    place(dealer)
    settle(brand, dealer)
    with brand.enter():
        lines = SalesIntention.objects.get().lines.order_by("no")
        assert [line.product.code for line in lines.select_related("product")] == ["P2", "P1"]


def test_two_offers_are_never_one_product_of_ours(dealer, offers):  # noqa: F811
    with pytest.raises(Refused, match="已"):
        dealer.move("chain.product", offers["P1"].id, "map", product="D-P2")
    with dealer.enter():
        assert Product.objects.get(id=Offer.objects.get(upstream_code="P1").product_id).code == "D-P1"


def test_mapping_names_a_product(dealer, offers):  # noqa: F811
    for product in (None, "NONE"):
        with pytest.raises(Refused):
            dealer.move("chain.product", offers["P1"].id, "map", product=product)


def test_nobody_changes_makes_or_deletes_what_the_partner_publishes(desks, dealer, offers):  # noqa: F811
    _hq, d1 = desks
    meta = d1.get("/api/meta/chain.product")
    assert [meta["can"][verb] for verb in ("view", "edit", "delete", "import")] == [True, False, False, False]
    path = f"/api/chain.product/{offers['P1'].id}"
    shown = d1.get(path)
    assert (shown["can"]["edit"], shown["can"]["delete"]) == (False, False)
    d1.call("PUT", path, {"version": shown["version"], "code": shown["code"], "name": "改"}, status=403)
    d1.call("POST", "/api/chain.product", {"code": "X", "name": "新"}, status=403)
    d1.call("DELETE", f"{path}?version={shown['version']}", status=403)
    assert d1.get(path)["name"] == "橡木床"
