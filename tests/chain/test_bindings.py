"""Accepting an invitation says which of our partners the other one is; the inviter says it too."""

import pytest

from tests.chain.test_business import brand, found, settle  # noqa: F401
from yunlian.chain.models import Link
from yunlian.kernel.document import Refused, find_document
from yunlian.kernel.load import load, show
from yunlian.masters.models import Partner


@pytest.fixture
def invited(brand):  # noqa: F811
    """A dealer with a supplier of the brand's name and another one, invited; nothing is accepted yet."""
    house = found("D1", "海安经销商")
    house.save("masters.partner", {"code": "S1", "name": "橡木家居", "is_supplier": True})
    house.save("masters.partner", {"code": "S2", "name": "别的供应商", "is_supplier": True})
    brand.save("masters.partner", {"code": "K1", "name": "海安经销商", "is_customer": True})
    brand.save("chain.link", {"partner_chain_id": "D1"})
    settle(brand, house)
    return house


def link_of(house):
    with house.enter():
        return show(load(find_document("chain.link"), house.ctx(), Link.objects.get().id), house.ctx())


def partners(house):
    with house.enter():
        return dict(Partner.objects.order_by("code").values_list("code", "chain_id"))


def test_the_one_of_the_same_name_is_suggested_on_both_sides(brand, invited):  # noqa: F811
    assert link_of(invited)["partner"]["code"] == "S1"
    assert link_of(brand)["partner"]["code"] == "K1"


def test_the_one_chosen_is_bound_and_none_is_made(brand, invited):  # noqa: F811
    invited.move("chain.link", link_of(invited)["id"], "accept", partner="S2")
    settle(brand, invited)
    assert partners(invited) == {"S1": "", "S2": str(brand.chain_id)}
    assert partners(brand) == {"K1": str(invited.chain_id)}


def test_a_new_one_is_made_for_whoever_chooses_none(brand, invited):  # noqa: F811
    invited.move("chain.link", link_of(invited)["id"], "accept")
    settle(brand, invited)
    bound = partners(invited)
    assert bound == {"HQ": str(brand.chain_id), "S1": "", "S2": ""}


def test_one_that_is_another_enterprise_is_refused(brand, invited):  # noqa: F811
    invited.move("chain.link", link_of(invited)["id"], "accept", partner="S1")
    other = found("H2", "别的品牌")
    other.save("chain.link", {"partner_chain_id": "D1"})
    settle(brand, invited, other)
    with invited.enter():
        second = Link.objects.get(state="inviting").id
    with pytest.raises(Refused, match="另一家企业"):
        invited.move("chain.link", second, "accept", partner="S1")
    brand.save("masters.partner", {"code": "K2", "name": "另一个客户", "is_customer": True})
    with pytest.raises(Refused, match="K1"):
        brand.save("chain.link", {"partner_chain_id": "D1", "partner": "K2"})
    invited.move("chain.link", second, "accept", partner="S2")
    settle(other, invited)
    assert partners(invited)["S2"] == str(other.chain_id)
