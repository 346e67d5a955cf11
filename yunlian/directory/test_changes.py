"""What people read of a plan: every field before and after, narrowed, as a workbook; conflicts still open; contacts assigned."""

import pytest

from yunlian.kernel import sheets
from yunlian.kernel.document import Missing, Refused
from yunlian.kernel.identity import new_id
from yunlian.masters.models import Partner, PartnerContact

from . import assigning, changes, conflicts
from .conftest import mobile
from .models import Callback
from .side import Person
from .test_api import Browser


@pytest.fixture
def boss(push) -> Browser:
    return Browser("boss")


def names(found) -> list[str]:
    return [each["name"] for each in found["rows"]]


def test_a_plan_is_read_field_by_field_and_narrowed(push, boss) -> None:
    run = push.begin()
    path = f"/api/directory/runs/{run.id}/changes"
    everything = boss.ask("GET", path)
    assert names(everything) == ["销售", "管理员", "张三", "李四"]
    added = everything["rows"][2]
    assert (added["act_label"], added["fields"]["account"], added["message"]) == ("Add", ["", "zhangsan"], "")
    assert names(boss.client.get(path, {"search": "张"}).json()) == ["张三"]
    assert names(boss.client.get(path, {"kind": "department"}).json()) == ["销售"]
    assert names(boss.client.get(path, {"act": "disable"}).json()) == []


def test_pages_of_a_plan_follow_each_other(push, boss, monkeypatch) -> None:
    run = push.begin()
    monkeypatch.setattr(changes, "PAGE", 3)
    path = f"/api/directory/runs/{run.id}/changes"
    first = boss.ask("GET", path)
    rest = boss.client.get(path, {"cursor": first["next"]}).json()
    assert (names(first), names(rest), rest["next"]) == (["销售", "管理员", "张三"], ["李四"], None)


def test_a_plan_as_a_workbook_has_a_row_for_every_field(push, boss) -> None:
    run = push.begin()
    answer = boss.client.get(f"/api/directory/runs/{run.id}/changes.xlsx", {"search": "张三"})
    rows = [dict(cells) for _no, cells in sheets.read(answer.content).records()]
    assert [(row["Field"], row["After"]) for row in rows][:2] == [
        ("Name", "张三"),
        ("Mobile", rows[1]["After"]),
    ]
    assert {row["Department"] for row in rows} == {"销售"}


def test_open_conflicts_are_of_the_last_plan_and_leave_when_decided(push, boss) -> None:
    number = mobile()
    push.hire("e3", "王五", mobile=number)
    push.platform.members["w5"] = Person("w5", "王五", "w5", number, ("1",))
    push.begin()
    run = push.begin()
    (open_,) = boss.ask("GET", "/api/directory/conflicts")["rows"]
    assert (open_["name"], open_["run"], open_["platform"]) == ("王五", str(run.id), "wecom")
    assert open_["conflict"]["subject"]["mobile"] == number
    assert [each["account"] for each in open_["conflict"]["rivals"]] == ["w5"]
    assert boss.ask("GET", "/api/directory/conflicts")["reasons"][0]["count"] == 1
    boss.ask(
        "POST",
        "/api/directory/conflicts/decide",
        run=open_["run"],
        changes=[open_["id"]],
        what="link",
        value="w5",
    )
    assert boss.ask("GET", "/api/directory/conflicts") == {"rows": [], "reasons": [], "next": None}


def test_whoever_was_asked_for_their_mobile_is_shown_as_asked(push, boss) -> None:
    push.hire("e3", "王五", mobile="")
    run = push.begin()
    (open_,) = boss.ask("GET", "/api/directory/conflicts")["rows"]
    assert (open_["reason"], open_["conflict"]["subject"]["asked_at"]) == ("missing_mobile", None)
    with push.enter() as ctx:
        conflicts.decide(ctx, {"run": str(run.id), "reason": "missing_mobile", "what": "ask"})
    (open_,) = boss.ask("GET", "/api/directory/conflicts")["rows"]
    assert open_["conflict"]["subject"]["asked_at"] is not None


def test_a_message_of_the_platform_can_be_read_word_for_word(push, boss) -> None:
    with push.enter() as ctx:
        kept = Callback.objects.create(
            id=new_id(), connection_id=push.conn.id, receiver="contacts",
            digest=b"d" * 32, at=ctx.now, fault="signature", body="<xml/>", query={"nonce": "1"},
        )  # fmt: skip
    found = boss.ask("GET", f"/api/directory/callbacks/{kept.id}")
    assert (found["fault"], found["body"], found["query"]) == ("signature", "<xml/>", {"nonce": "1"})
    boss.ask("GET", "/api/directory/callbacks/nothing", 404)


@pytest.fixture
def contact(push) -> PartnerContact:
    with push.enter() as ctx:
        return PartnerContact.objects.create(
            id=new_id(), code="KH1", name="梁太太", platform="wecom", external_id="wm1", version=1,
            created_at=ctx.now, created_by=ctx.member_id, updated_at=ctx.now, updated_by=ctx.member_id, tags=["老客"],
        )  # fmt: skip


def test_a_contact_becomes_a_customer_and_stays_what_it_was(push, contact) -> None:
    with push.enter() as ctx:
        made = assigning.assign(ctx, contact.id, None)
        partner, kept = Partner.objects.get(id=made), PartnerContact.objects.get(id=contact.id)
    assert (partner.name, partner.is_customer) == ("梁太太", True)
    assert (kept.partner_id, kept.tags, kept.external_id) == (made, ["老客"], "wm1")


def test_a_contact_that_is_somebodys_is_not_assigned_again(push, contact) -> None:
    with push.enter() as ctx:
        assigning.assign(ctx, contact.id, None)
        with pytest.raises(Refused):
            assigning.assign(ctx, contact.id, None)
        assert Partner.objects.count() == 1
        with pytest.raises(Missing):
            assigning.assign(ctx, "nobody", None)


def test_without_a_sandbox_there_is_nothing_to_fill_in(push, boss, settings) -> None:
    settings.SANDBOX_URL = ""
    assert boss.ask("GET", "/api/directory/sandbox") == {"url": None, "platforms": {}, "sms": {}}
