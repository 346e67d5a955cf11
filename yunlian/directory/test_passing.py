"""Customers of WeCom go from who left to a colleague: asked of the sandbox's WeCom, refused or not, row by row."""

import datetime as dt

import pytest
from django.utils.translation import gettext

from yunlian.kernel.document import Refused
from yunlian.kernel.scope import tenant
from yunlian.masters.models import PartnerContact
from yunlian.org.models import Employee
from yunlian.platforms.wecom import customers, members

from . import connections, handovers, passing
from .conftest import Stage
from .models import Handover, Passing
from .test_api import Browser
from .test_contacts import shop, sync
from .test_resilience import die_and_come_back, kill

__all__ = ("kill", "shop")


def leave(stage: Stage, code: str = "ANNA", *, sync_too: bool = True) -> Handover:
    """Somebody is made a leaver here, and disabled in WeCom by the sync that follows."""
    from yunlian.kernel.save import save

    with stage.enter() as ctx:
        row = Employee.objects.get(code=code)
        body = {
            "version": row.version,
            "code": row.code,
            "name": row.name,
            "department": str(row.department_id),
            "job": "left",
            "mobile": row.mobile,
        }
        save("org.employee", ctx, body, row.id)
        handover = Handover.objects.get(employee_id=row.id)
    if sync_too:
        stage.sync()
    return handover


def give(stage: Stage, handover: Handover, code: str = "BERT") -> None:
    with stage.enter() as ctx:
        handovers.transfer(ctx, handover.id, str(Employee.objects.get(code=code).id))
    stage.work()


def reader(stage: Stage):
    """WeCom's clients, with the secrets of the connection."""
    with tenant(stage.id):
        return connections.reader_of(stage.conn)


def states(stage: Stage) -> dict[str, tuple[str, str]]:
    with tenant(stage.id):
        names = {each.id: each.name for each in stage.corp.customers.values()}
        return {names[each.customer]: (each.state, each.error) for each in Passing.objects.all()}


def look_again(stage: Stage) -> None:
    """An hour goes by here."""
    passing.visit(stage.conn.created_at + dt.timedelta(days=3650))
    stage.work()


def add(stage: Stage, *names: str, user: str = "anna") -> list[str]:
    return [stage.control("add", user=user, name=name)["customer"] for name in names]


def test_customers_are_handed_over_and_each_says_what_became_of_it(shop) -> None:
    yes, no, _later = add(shop, "王女士", "李先生", "赵先生")
    sync(shop)
    give(shop, leave(shop))
    assert states(shop) == dict.fromkeys(("王女士", "李先生", "赵先生"), ("asked", ""))
    shop.control("transfers/answer", customer=yes)
    shop.control("transfers/answer", customer=no, refuse=True)
    look_again(shop)
    assert states(shop) == {"王女士": ("done", ""), "李先生": ("refused", ""), "赵先生": ("asked", "")}
    assert {f.customer for f in shop.corp.follows if f.user == "bert"} == {yes}


def test_customers_of_somebody_deleted_in_wecom_go_by_the_call_for_those_who_left(shop) -> None:
    (one,) = add(shop, "王女士")
    sync(shop)
    handover = leave(shop)
    members.delete(reader(shop).contacts, "anna")
    give(shop, handover)
    assert states(shop) == {"王女士": ("asked", "")}
    asked = [each.what for each in shop.started.sandbox.world.journal if "transfer_customer" in each.what]
    assert asked == ["POST /cgi-bin/externalcontact/resigned/transfer_customer"]
    shop.control("transfers/answer", customer=one)
    look_again(shop)
    assert states(shop) == {"王女士": ("done", "")}


def test_customers_we_had_not_heard_of_go_along(shop) -> None:
    add(shop, "王女士")
    handover = leave(shop)  # no contacts were read
    give(shop, handover)
    with tenant(shop.id):
        assert not PartnerContact.objects.exists()
        (row,) = passing.shown(handovers.find(handover.id))["rows"]
        assert (row["state"], row["name"][:2]) == ("asked", "wm")
    sync(shop)
    with shop.enter() as ctx:
        found = handovers.belongings(ctx, handover.id)
    # They stand with the leaver in WeCom until it is decided; that is no reason to hand them over again.
    assert (found["contacts"], found["customers"]["rows"][0]["name"]) == (0, "王女士")


def test_a_colleague_who_is_not_in_wecom_fails_by_row_and_goes_when_they_are(shop) -> None:
    add(shop, "王女士")
    sync(shop)
    handover = leave(shop)
    shop.hire("carl", "Carl", login="carl")
    give(shop, handover, "CARL")
    assert states(shop) == {"王女士": ("failed", "no_taker")}
    shop.sync()
    with shop.enter() as ctx:
        passing.again(ctx, handovers.find(handover.id))
    shop.work()
    assert states(shop) == {"王女士": ("asked", "")}


def test_a_customer_who_is_under_way_elsewhere_fails_with_wecoms_code(shop) -> None:
    add(shop, "王女士")
    sync(shop)
    shop.hire("carl", "Carl", login="carl")
    handover = leave(shop)
    mine = reader(shop).customers
    customers.hand_over(mine, "anna", "carl", customers.ids(mine, "anna"), left=False)
    give(shop, handover)
    assert states(shop) == {"王女士": ("failed", "84061")}
    with shop.enter():
        (row,) = passing.shown(handovers.find(handover.id))["rows"]
    assert row["remedy"] == gettext("Check that this member has this customer, and may use customer contact.")


def test_when_wecom_is_down_nothing_is_lost_and_nothing_asked_twice(shop) -> None:
    add(shop, "王女士", "李先生")
    sync(shop)
    handover = leave(shop)
    path = "/cgi-bin/externalcontact/transfer_customer"
    shop.started.control("/faults", platform="wecom", where="answer", kind="throttled", path=path, code="-1")
    give(shop, handover)
    assert set(states(shop).values()) == {("waiting", "")}
    shop.started.control("/faults/off")
    look_again(shop)
    assert set(states(shop).values()) == {("asked", "")}
    look_again(shop)
    assert len(shop.corp.transfers) == 2


def test_a_worker_killed_after_the_call_finds_its_own_hand_over(shop, kill) -> None:
    add(shop, "王女士")
    sync(shop)
    handover = leave(shop)
    with shop.enter() as ctx:
        handovers.transfer(ctx, handover.id, str(Employee.objects.get(code="BERT").id))
    kill("directory.passed")
    die_and_come_back(shop)
    assert (states(shop), len(shop.corp.transfers)) == ({"王女士": ("asked", "")}, 1)


def test_without_the_customer_secret_only_what_is_ours_is_handed_over(push) -> None:
    there = push.employees()["E1"].id
    with push.enter() as ctx:
        Employee.objects.filter(id=there).update(job="left")
        handover = Handover.objects.create(id=there, employee_id=there, left_at=ctx.now)
        answer = handovers.transfer(ctx, handover.id, str(push.employees()["E2"].id))
        assert answer == {"given": {}, "job": None}
        with pytest.raises(Refused):
            passing.again(ctx, handovers.find(handover.id))


def test_the_hand_over_shows_its_customers_and_asks_again_over_http(shop) -> None:
    add(shop, "王女士")
    sync(shop)
    handover = leave(shop)
    boss = Browser("boss")
    assert boss.ask("GET", f"/api/directory/handovers/{handover.id}")["customers"] == {
        "counts": [],
        "rows": [],
    }
    boss.ask("POST", f"/api/directory/handovers/{handover.id}/customers", 409)
    give(shop, handover)
    found = boss.ask("GET", f"/api/directory/handovers/{handover.id}")["customers"]
    assert [(each["state"], each["count"]) for each in found["counts"]] == [("asked", 1)]
    assert found["rows"][0]["name"] == "王女士"
    assert (
        boss.ask("POST", f"/api/directory/handovers/{handover.id}/customers", 202)["job"]["state"] == "queued"
    )
