"""Customer contact: customers of the sandbox's WeCom become contacts here, without doubles."""

import datetime as dt

import pytest

from yunlian.kernel.document import Refused
from yunlian.kernel.scope import tenant
from yunlian.masters.models import Partner, PartnerContact
from yunlian.org.models import Employee
from yunlian.platforms.sandbox.testing import running
from yunlian.platforms.wecom.sandbox import WECOM
from yunlian.platforms.wecom.sandbox import state as demo
from yunlian.platforms.wecom.sandbox.state import Wecom

from . import connections, contacts, looks
from .conftest import Stage, mobile
from .test_receiving import WeComSender


@pytest.fixture
def shop(acme, settings):
    """acme pushed to the sandbox; its two people may have customers."""
    with running([WECOM]) as started:
        settings.WECOM_URL = f"{started.base_url}/wecom"
        corp = started.sandbox.world.part(Wecom).corps[demo.CORP]
        with started.sandbox.world.change():
            corp.people.clear()
            corp.customers.clear()
            corp.follows.clear()
        with tenant(acme.enterprise_id):
            Employee.objects.filter(id=acme.admin_id).update(mobile=mobile())
        stage = Stage(
            acme, corp, "wecom", corp_id=demo.CORP, contacts_secret=demo.CONTACTS_SECRET,
            customer_secret=demo.CUSTOMERS_SECRET,
        )  # fmt: skip
        for code in ("anna", "bert"):
            stage.hire(code, code.title(), login=code)
        stage.sync()

        def control(path: str, **asked):
            return started.control(f"/wecom/customers/{path}", corp=demo.CORP, **asked)

        stage.control, stage.corp, stage.started = control, corp, started
        yield stage


def sync(stage) -> None:
    with stage.enter() as ctx:
        contacts.begin(ctx, stage.conn)
    stage.work()


def found(stage) -> dict[str, PartnerContact]:
    with tenant(stage.id):
        return {c.name: c for c in PartnerContact.objects.select_related("follower", "partner")}


def test_customers_come_by_hand_and_once_only(shop) -> None:
    one = shop.control("add", user="anna", name="王女士", state="store-0042")["customer"]
    shop.control("add", user="bert", customer=one)
    shop.control("add", user="bert", name="陈先生")
    for _again in range(2):
        sync(shop)
        assert sorted(found(shop)) == ["王女士", "陈先生"]
    lady = found(shop)["王女士"]
    assert (lady.follower.name, lady.source, lady.lost_at, lady.partner) == ("Anna", "store-0042", None, None)
    assert lady.joined_at is not None


def test_a_customer_comes_by_a_report_and_goes_by_one(shop) -> None:
    one = shop.control("add", user="anna", name="王女士")["customer"]
    sender = WeComSender(shop, "customers")

    def report(change: str) -> None:
        text = sender.event(change, UserID="anna", ExternalUserID=one)
        sender.send(text.replace("change_contact", "change_external_contact"))
        now = dt.datetime.now(dt.UTC)
        looks.handle(shop.id, now)
        looks.begin_due(shop.id, now + dt.timedelta(minutes=1))
        shop.work()

    report("add_external_contact")
    assert found(shop)["王女士"].lost_at is None
    shop.control("drop", user="anna", customer=one, by_customer=True)
    report("del_follow_user")
    gone = found(shop)["王女士"]
    assert (gone.lost_at is not None, gone.is_active) == (True, False)
    shop.control("add", user="bert", customer=one)
    report("add_external_contact")
    back = found(shop)["王女士"]
    assert (back.id, back.lost_at, back.follower.name) == (gone.id, None, "Bert")


def test_what_was_typed_here_stays_and_what_the_platform_says_is_taken(shop) -> None:
    one = shop.control("add", user="anna", name="王女士")["customer"]
    sync(shop)
    with tenant(shop.id):
        PartnerContact.objects.update(mobile="13900001111", note="VIP")
    shop.control("edit", user="anna", customer=one, remark="王姐")
    sync(shop)
    (kept,) = found(shop).values()
    assert (kept.name, kept.mobile, kept.note) == ("王姐", "13900001111", "VIP")


def test_a_partner_is_made_of_a_customer_only_when_that_is_wanted(shop) -> None:
    shop.control("add", user="anna", name="王女士")
    sync(shop)
    with tenant(shop.id):
        assert not Partner.objects.exists()
    with shop.enter() as ctx:
        connections.change(ctx, shop.conn_id, {"contacts_policy": "partner"})
    shop.control("add", user="anna", name="陈先生")
    for _again in range(2):
        sync(shop)
    with tenant(shop.id):
        assert [(p.name, p.is_customer) for p in Partner.objects.all()] == [("陈先生", True)]
    assert (found(shop)["陈先生"].partner.name, found(shop)["王女士"].partner) == ("陈先生", None)


def test_many_customers_missing_at_once_are_not_taken_for_lost(shop) -> None:
    ids = [shop.control("add", user="anna", name=f"客户{n}")["customer"] for n in range(8)]
    sync(shop)
    for one in ids:
        shop.control("drop", user="anna", customer=one)
    sync(shop)
    assert {c.lost_at for c in found(shop).values()} == {None}
    for one in ids[:3]:
        shop.control("add", user="anna", customer=one)
    sync(shop)
    assert sum(c.lost_at is not None for c in found(shop).values()) == 5


def test_without_the_secret_there_are_no_customers(push) -> None:
    with push.enter() as ctx, pytest.raises(Refused):
        contacts.begin(ctx, push.conn)
