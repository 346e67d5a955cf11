"""Leavers, hand-over, coming back, leaving a platform, branches by spreadsheet, guests from branches."""

import io

import msgspec
import pytest
import xlsxwriter

from yunlian.kernel import sheets
from yunlian.kernel.document import Refused
from yunlian.kernel.models import Audit, Job
from yunlian.kernel.save import save
from yunlian.kernel.scope import tenant
from yunlian.kernel.steps import move
from yunlian.kernel.testing import make
from yunlian.org import access, by_password, people, sessions
from yunlian.org.attempts import Asked
from yunlian.org.models import Employee, EmployeeRole, Membership, Session

from . import branches, connections, guests, handovers, leaving
from .conftest import PASSWORD, Stage, mobile
from .models import Guest, Handover, Match, Territory
from .side import Person

ORDER = {"supplier__is_supplier": True, "lines__price": "3"}


def give_access(stage, code: str, *roles: str) -> str:
    """A login and roles for somebody who was pulled."""
    employee = stage.employees()[code]
    with stage.enter() as ctx:
        people.hold(ctx, employee.id, roles)
        access.admit(ctx, employee, f"login-{code.lower()}", PASSWORD)
    return f"login-{code.lower()}"


def leave_there(stage, key: str) -> None:
    del stage.platform.members[key]
    stage.sync()


def handover(stage) -> Handover:
    with tenant(stage.id):
        return Handover.objects.get()


def test_who_leaves_is_signed_out_at_once_and_keeps_history(pull) -> None:
    pull.sync()
    login = give_access(pull, "U1", "guide")
    now = pull.conn.created_at
    token = by_password.sign_in(login, PASSWORD, Asked(now)).token
    assert sessions.find_signed(token, now) is not None
    leave_there(pull, "u1")
    employee = pull.employees()["U1"]
    assert (employee.job, employee.name) == ("left", "张三")
    assert not Session.objects.filter(user__login=login).exists()
    assert Membership.objects.get(user__login=login).is_active is False
    with tenant(pull.id):
        assert EmployeeRole.objects.filter(employee_id=employee.id).count() == 1


def test_who_comes_back_enters_again_only_when_an_administrator_says_so(pull) -> None:
    pull.sync()
    login = give_access(pull, "U1", "guide")
    back = pull.platform.members["u1"]
    leave_there(pull, "u1")
    with pull.enter() as ctx, pytest.raises(Refused):
        handovers.restore_rights(ctx, handover(pull).id)
    pull.platform.members["u1"] = back
    pull.sync()
    assert pull.employees()["U1"].job == "employed"
    assert Membership.objects.get(user__login=login).is_active is False
    with pull.enter() as ctx:
        shown = handovers.restore_rights(ctx, handover(pull).id)
    assert (shown["is_active"], [role["code"] for role in shown["roles"]]) == (True, ["GUIDE"])
    assert Membership.objects.get(user__login=login).is_active is True


def test_who_is_hired_again_under_another_id_is_the_same_person(pull) -> None:
    pull.sync()
    old = pull.employees()["U1"].id
    gone = pull.platform.members["u1"]
    leave_there(pull, "u1")
    pull.platform.members["u1new"] = Person("u1new", "张三", "u1new", gone.mobile, ("11",), union=gone.union)
    run = pull.sync()
    assert [(c.act, c.reason) for c in pull.changes(run)] == [("restore", "back")]
    assert pull.employees()["U1"].id == old
    with tenant(pull.id):
        assert Match.objects.get(ended_at=None, employee_id=old).theirs == "u1new"


def test_what_a_leaver_owns_is_listed_and_handed_over_in_one_act(pull) -> None:
    pull.sync()
    employee, colleague = pull.employees()["U1"], pull.employees()["U2"]
    with pull.enter() as ctx:
        order = make("purchase.order", ctx, owner=str(employee.id), **ORDER)
        closed = make("purchase.order", ctx, owner=str(employee.id), **ORDER)
        move("purchase.order", ctx, closed.pk, "void")
        make("masters.partner_contact", ctx, follower=str(employee.id))
    leave_there(pull, "u1")
    with pull.enter() as ctx:
        shown = handovers.belongings(ctx, handover(pull).id)
        assert ([(d["code"], d["count"]) for d in shown["documents"]], shown["contacts"]) == (
            [("purchase.order", 1)],
            1,
        )
        with pytest.raises(Refused):
            handovers.transfer(ctx, handover(pull).id, str(employee.id))
        given = handovers.transfer(ctx, handover(pull).id, str(colleague.id))["given"]
        assert given == {"purchase.order": 1, "masters.partner_contact": 1}
        order.header.refresh_from_db()
        closed.header.refresh_from_db()
        assert (order.header.owner_id, closed.header.owner_id) == (colleague.id, employee.id)
        (trace,) = Audit.objects.filter(record=order.pk, act="handed_over")
        assert [trace.changes[0][side]["name"] for side in ("old", "new")] == ["张三", "李四"]
        with pytest.raises(Refused):
            handovers.transfer(ctx, handover(pull).id, str(colleague.id))
    assert handover(pull).state == "done"


def test_who_leaves_by_hand_has_a_hand_over_too_until_they_own_nothing(pull) -> None:
    there = pull.hire("x1", "甲", "guide", login="x1")
    with pull.enter() as ctx:
        make("masters.partner_contact", ctx, follower=str(there))
        for note in ("left", "a note"):
            row = Employee.objects.get(id=there)
            body = {
                "version": row.version,
                "code": "X1",
                "name": "甲",
                "department": str(row.department_id),
                "job": "left",
                "note": note,
            }
            save("org.employee", ctx, body, there)
        assert Handover.objects.filter(employee_id=there).count() == 1


def test_a_corp_is_not_changed_under_matched_people(pull) -> None:
    pull.sync()
    with pull.enter() as ctx, pytest.raises(Refused):
        connections.change(ctx, pull.conn_id, {"corp_id": "dingother"})
    with tenant(pull.id):
        Match.objects.all().delete()
    with pull.enter() as ctx:
        assert connections.change(ctx, pull.conn_id, {"corp_id": "dingother"}).corp_id == "dingother"


# --- leaving the platform


def test_leaving_shows_who_would_have_no_way_in_and_does_not_lock_them_out(pull) -> None:
    pull.sync()
    give_access(pull, "U1", "guide")
    with pull.enter() as ctx:
        ctx = _with_user(ctx, "boss")
        connections.switch(ctx, pull.conn_id, is_on=False)
        shown = leaving.preview(ctx, pull.conn)
        assert (shown["people"], [each["name"] for each in shown["without_way_in"]]) == (3, ["李四", "王五"])
        assert [(s["name"], s["done"]) for s in shown["steps"]] == [
            ("account", True),
            ("stop", True),
            ("unbind", False),
        ]
        with pytest.raises(Refused) as refused:
            leaving.leave(ctx, pull.conn_id, first_passwords=False)
        assert [p.code for p in refused.value.problems] == ["locked_out"]
        left = leaving.leave(ctx, pull.conn_id, first_passwords=True)
    assert sorted(each["name"] for each in left["passwords"]) == ["李四", "王五"]
    for each in left["passwords"]:
        opened = by_password.sign_in(each["login"], each["password"], Asked(pull.conn.created_at))
        assert sessions.find_signed(opened.token, pull.conn.created_at).is_first_password
    assert pull.conn.state == "left"
    assert {e.job for e in pull.employees().values()} == {"employed"}


def _with_user(ctx, login: str):
    from dataclasses import replace

    from yunlian.org.models import User

    return replace(ctx, user_id=User.objects.get(login=login).pk)


def test_binding_again_restores_the_former_matches(pull) -> None:
    pull.sync()
    before = pull.rows()["directory_match"]
    with pull.enter() as ctx:
        ctx = _with_user(ctx, "boss")
        connections.switch(ctx, pull.conn_id, is_on=False)
        leaving.leave(ctx, pull.conn_id, first_passwords=True)
    with tenant(pull.id):
        assert not Match.objects.filter(ended_at=None).exists()
    with pull.enter() as ctx:
        connections.switch(ctx, pull.conn_id, is_on=True)
    assert pull.rows()["directory_match"] == before
    assert pull.acts(pull.begin()) == []


def test_leaving_waits_for_the_steps_before_it(pull) -> None:
    pull.sync()
    with pull.enter() as ctx, pytest.raises(Refused) as refused:
        leaving.leave(ctx, pull.conn_id, first_passwords=True)  # signed in as nobody with a password
    assert {p.code for p in refused.value.problems} == {"account", "stop"}
    assert pull.conn.state == "on"


def test_a_trial_that_is_over_does_not_lock_out_the_last_administrator(pull) -> None:
    pull.sync()
    with pull.enter() as ctx:
        assert leaving.expire(ctx, pull.conn) is True
        assert pull.conn.state == "left"
    with tenant(pull.id):
        connections.Connection.objects.filter(id=pull.conn_id).update(state="on")
        Membership.objects.filter(enterprise_id=pull.id).update(is_active=False)
    with pull.enter() as ctx:
        assert leaving.expire(ctx, pull.conn) is False
    assert pull.conn.state == "stopped"


# --- branches


def workbook(*rows: tuple[str, ...], headings: tuple[str, ...] = branches.HEADINGS) -> bytes:
    target = io.BytesIO()
    with xlsxwriter.Workbook(target) as book:
        sheet = book.add_worksheet()
        for n, row in enumerate((headings, *rows)):
            sheet.write_row(n, 0, row)
    return target.getvalue()


def upload(stage, data: bytes) -> Job:
    from yunlian.kernel.jobs import enqueue

    with stage.enter() as ctx:
        made = enqueue(ctx, "directory.branch", "branch", data)
    stage.work()
    with tenant(stage.id):
        return Job.objects.get(id=made.id)


def test_the_template_has_notes_and_is_read_back_as_it_is() -> None:
    data = branches.blank_workbook()
    sheet = sheets.read(data)
    assert sheet.headings == branches.HEADINGS
    assert len(branches.NOTES) == 7


def test_a_branch_is_uploaded_and_its_plan_follows(push) -> None:
    made = upload(push, workbook(
        ("赵六", "zhaoliu", "138-0000-1111", "分公司/销售部", ""),
        ("钱七", "qianqi", "13800002222", "分公司", ""),
        ("张三改", "zhangsan", "13800003333", "销售", ""),
    ))  # fmt: skip
    assert (made.state, made.error) == ("done", "")
    assert {k: made.result[k] for k in ("created", "updated", "unchanged")} == {
        "created": 2,
        "updated": 1,
        "unchanged": 0,
    }
    found = push.employees()
    assert (found["ZHAOLIU"].department.name, found["QIANQI"].department.name) == ("销售部", "分公司")
    assert found["E1"].name == "张三改"
    with tenant(push.id):
        run = push.run(connections.Connection.objects.get() and _run(made))
    push.apply(run)
    assert push.platform.members["zhaoliu"].mobile == "13800001111"


def _run(made: Job):
    from .models import Run

    return Run.objects.get(id=made.result["run"])


def test_every_bad_row_is_named_and_nothing_enters(push) -> None:
    before = push.rows()
    made = upload(push, workbook(
        ("赵六", "zhaoliu", "13800001111", "分公司", ""),
        ("", "bad account", "12", "", ""),
        ("孙八", "ZhaoLiu", "13800001111", "分:公司", ""),
    ))  # fmt: skip
    assert made.state == "failed"
    found = {(e["row"], e["heading"]) for e in made.result["errors"]}
    assert found == {
        (3, "姓名"),
        (3, "账号"),
        (3, "手机号"),
        (3, "部门"),
        (4, "账号"),
        (4, "手机号"),
        (4, "部门"),
    }
    assert push.rows() == before
    marked = sheets.errors_workbook(
        bytes(made.content), [(e["row"], e["heading"], e["message"]) for e in made.result["errors"]]
    )
    assert len(sheets.read(marked).rows) == 3


def test_a_sheet_without_the_columns_is_refused(push) -> None:
    made = upload(push, workbook(("a", "b"), headings=("姓名", "电话")))
    assert (made.state, "账号" in made.error) == ("failed", True)


# --- guests


@pytest.fixture
def sister(push, stages) -> Stage:
    """Another enterprise in its own part of the same corp, with somebody who signs in."""
    other = people.found_enterprise("sister", "远山分公司", "sisterboss", PASSWORD, now=push.conn.created_at)
    stage = stages(other, "dingtalk")  # only to have its hands free: the corp is WeCom's
    corp = push.conn.corp_id
    with stage.enter() as ctx:
        conn = connections.create(
            ctx, {"platform": "wecom", "corp_id": corp, "contacts_secret": "x", "root": "50"}
        )
        connections.switch(ctx, conn.id, is_on=True)
    stage.conn_id = conn.id
    there = stage.hire("w1", "温言", login="wenyan", mobile=mobile())
    with stage.enter() as ctx:
        from .matches import Wanted, tie

        tie(ctx, conn, [Wanted("person", there, "wenyan")])
    return stage


def ask_in(stage, **body) -> Job:
    with stage.enter() as ctx:
        made = guests.invite(ctx, {"connection": str(stage.conn_id), **body})
    stage.work()
    with tenant(stage.id):
        return Job.objects.get(id=made.id)


def test_somebody_of_a_branch_gets_a_role_here_sees_both_and_loses_it_again(push, sister) -> None:
    made = ask_in(push, account="WenYan", roles=["guide"])
    assert (made.state, made.error) == ("done", "")
    mine = Membership.objects.filter(user__login="wenyan", is_active=True)
    assert {each.enterprise_id for each in mine} == {push.id, sister.id}
    with tenant(push.id):
        guest = Guest.objects.get()
        assert guest.home_name == "远山分公司"
    # They are on the platform by their own branch: our push leaves them alone.
    assert "温言" not in {name for _a, name, _r in push.acts(push.begin())}
    with push.enter() as ctx:
        guests.revoke(ctx, guest.id)
        with pytest.raises(Refused):
            guests.revoke(ctx, guest.id)
    assert [each.enterprise_id for each in mine.all()] == [sister.id]
    assert "温言" not in {name for _a, name, _r in push.acts(push.begin())}
    # They may come again.
    assert ask_in(push, account="wenyan", roles=["guide"]).state == "done"
    assert {each.enterprise_id for each in mine.all()} == {push.id, sister.id}
    with tenant(push.id):
        assert Employee.objects.get(id=guest.employee_id).job == "employed"


def test_somebody_of_another_corp_gets_no_role(push, sister) -> None:
    Territory.objects.filter(enterprise_id=sister.id).update(corp_id="ww-another")
    made = ask_in(push, account="wenyan", roles=["guide"])
    assert made.state == "failed"
    assert list(Membership.objects.filter(user__login="wenyan").values_list("enterprise_id", flat=True)) == [
        sister.id
    ]


def test_nobody_gives_a_guest_more_than_they_have(push, sister) -> None:
    manager = push.hire("m9", "店长", "store_manager", login="manager9")
    push.founded = type(push.founded)(push.id, push.founded.chain_id, manager, *[push.founded.admin_id] * 2)
    made = ask_in(push, account="wenyan", roles=["admin"])
    assert made.state == "failed"
    assert not Membership.objects.filter(user__login="wenyan", enterprise_id=push.id).exists()


def test_a_part_of_a_corp_belongs_to_one_enterprise(push, sister) -> None:
    with sister.enter() as ctx, pytest.raises(Refused) as refused:
        connections.change(ctx, sister.conn_id, {"root": "1"})
    assert [p.code for p in refused.value.problems] == ["taken"]


def test_secrets_are_sealed_and_open_only_where_they_belong(push, settings) -> None:
    conn = push.conn
    assert b"s3cret" not in bytes(conn.wrapped)
    assert connections.secrets_of(conn) == {"contacts_secret": "s3cret-contacts"}
    assert msgspec.json.encode(conn.settings) == b"{}"
    settings.CHAIN_SECRET = "another installation's secret"
    with pytest.raises(Exception, match="sealed under another"):
        connections.secrets_of(conn)
