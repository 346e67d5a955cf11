"""Every event of the catalogue, as a typed value."""

import pytest

from . import events
from .events import event
from .members import Attribute


def xml(name: str, change: str = "", *, agent: str = "", **fields: str) -> str:
    inner = "".join(f"<{key}>{value}</{key}>" for key, value in fields.items())
    kind = f"<ChangeType><![CDATA[{change}]]></ChangeType>" if change else ""
    return (
        "<xml><ToUserName><![CDATA[ww1]]></ToUserName><FromUserName><![CDATA[sys]]></FromUserName>"
        f"<CreateTime>1717200000</CreateTime><MsgType><![CDATA[event]]></MsgType><Event><![CDATA[{name}]]></Event>"
        f"<AgentID>{agent}</AgentID>{kind}{inner}</xml>"
    )


def test_a_member_with_everything() -> None:
    attributes = (
        "<Item><Name><![CDATA[爱好]]></Name><Type>0</Type><Text><Value><![CDATA[旅游]]></Value></Text></Item>"
        "<Item><Name><![CDATA[卡号]]></Name><Type>1</Type><Web><Title><![CDATA[卡]]></Title>"
        "<Url><![CDATA[https://example.com/?a=1&b=2]]></Url></Web></Item>"
    )
    found = event(
        xml(
            "change_contact", "update_user", UserID="zhangsan", NewUserID="zhang3", Department="1,2,3",
            MainDepartment="1", IsLeaderInDept="1,0,0", DirectLeader="lisi,wangwu", Mobile="13800000001", Status="1",
            ExtAttr=attributes,
        )
    )  # fmt: skip
    assert isinstance(found, events.MemberChange)
    assert (found.user, found.new_user, found.departments) == ("zhangsan", "zhang3", (1, 2, 3))
    assert (found.leads, found.direct_leaders) == ((True, False, False), ("lisi", "wangwu"))
    assert found.attributes == (
        Attribute("爱好", "旅游"),
        Attribute("卡号", "卡", "https://example.com/?a=1&b=2"),
    )
    assert found.name is None


def test_the_reduced_form_says_only_ids() -> None:
    found = event(xml("change_contact", "update_user", UserID="z", Department="2"))
    assert isinstance(found, events.MemberChange)
    assert (found.user, found.departments, found.main_department, found.leads) == ("z", (2,), None, None)


def test_an_emptied_field_is_not_an_absent_one() -> None:
    found = event(xml("change_contact", "update_user", UserID="z", Position="", DirectLeader=""))
    assert isinstance(found, events.MemberChange)
    assert (found.position, found.direct_leaders, found.alias) == ("", (), None)


def test_departments_and_tags() -> None:
    made = event(xml("change_contact", "create_party", Id="7", Name="广州", ParentId="1", Order="10"))
    assert isinstance(made, events.DepartmentChange)
    assert (made.id, made.name, made.parent, made.order) == (7, "广州", 1, 10)
    gone = event(xml("change_contact", "delete_party", Id="7"))
    assert isinstance(gone, events.DepartmentChange)
    assert (gone.change, gone.parent) == ("delete_party", None)
    tag = event(xml("change_contact", "update_tag", TagId="1", AddUserItems="a,b", DelPartyItems="3,4"))
    assert isinstance(tag, events.TagChange)
    assert (tag.users_added, tag.users_removed, tag.departments_removed) == (("a", "b"), (), (3, 4))


def test_a_batch() -> None:
    job = "<JobId>j1</JobId><JobType>sync_user</JobType><ErrCode>0</ErrCode><ErrMsg>ok</ErrMsg>"
    found = event(xml("batch_job_result", BatchJob=job))
    assert isinstance(found, events.BatchDone)
    assert (found.job, found.kind, found.code, found.text) == ("j1", "sync_user", 0, "ok")


@pytest.mark.parametrize(
    ("change", "more"),
    [
        ("add_external_contact", {"State": "s", "WelcomeCode": "w"}),
        ("edit_external_contact", {}),
        ("add_half_external_contact", {"State": "s"}),
        ("del_external_contact", {"Source": "DELETE_BY_TRANSFER"}),
        ("del_follow_user", {}),
        ("transfer_fail", {"FailReason": "customer_refused"}),
    ],
)
def test_customers(change: str, more: dict[str, str]) -> None:
    found = event(xml("change_external_contact", change, UserID="lisi", ExternalUserID="wm1", **more))
    assert isinstance(found, events.CustomerChange)
    assert (found.change, found.user, found.external_user) == (change, "lisi", "wm1")
    assert (found.state, found.welcome_code) == (more.get("State"), more.get("WelcomeCode"))
    assert (found.source, found.fail_reason) == (more.get("Source"), more.get("FailReason"))


def test_customer_groups_and_tags() -> None:
    chat = event(
        xml(
            "change_external_chat", "update", ChatId="wr1", UpdateDetail="add_member", MemChangeCnt="2",
            MemChangeList="<Item>wm1</Item><Item>wm2</Item>",
        )
    )  # fmt: skip
    assert isinstance(chat, events.CustomerChatChange)
    assert (chat.chat, chat.detail, chat.members_changed, chat.members) == (
        "wr1",
        "add_member",
        2,
        ("wm1", "wm2"),
    )
    tag = event(xml("change_external_tag", "shuffle", Id="et1"))
    assert isinstance(tag, events.CustomerTagChange)
    assert (tag.id, tag.kind) == ("et1", None)


@pytest.mark.parametrize("spelling", ["OptionId", "OpitonId"])
def test_a_card_is_answered_in_either_spelling(spelling: str) -> None:
    selected = (
        f"<SelectedItem><QuestionKey>q1</QuestionKey><{spelling}s><{spelling}>o1</{spelling}>"
        f"<{spelling}>o2</{spelling}></{spelling}s></SelectedItem>"
    )
    text = xml(
        "template_card_event", agent="1000002", EventKey="approve", TaskId="SO-1-approve",
        CardType="button_interaction", ResponseCode="r1", SelectedItems=selected,
    ).replace("<![CDATA[sys]]>", "<![CDATA[lisi]]>")  # fmt: skip
    found = event(text)
    assert isinstance(found, events.CardAnswered)
    assert (found.user, found.event_key, found.task, found.response_code) == (
        "lisi",
        "approve",
        "SO-1-approve",
        "r1",
    )
    assert found.selected == {"q1": ("o1", "o2")}
    assert found.header.agent == 1000002


def test_what_a_member_does_with_the_app() -> None:
    for name in ("subscribe", "unsubscribe", "enter_agent", "click", "view", "open_approval_change"):
        found = event(xml(name, agent="1000002", EventKey="menu"))
        assert isinstance(found, events.AppEvent)
        assert (found.header.name, found.event_key) == (name, "menu")
    found = event(xml("LOCATION", Latitude="23.1", Longitude="113.3", Precision="65"))
    assert isinstance(found, events.Located)
    assert (found.latitude, found.longitude, found.precision) == ("23.1", "113.3", "65")


def test_chains_with_the_broken_sections_of_the_samples() -> None:
    text = xml(
        "change_chain", "corp_join", ChainId="![CDATA[C1]]", GroupIds="<GroupId>1</GroupId><GroupId>2</GroupId>",
        CorpIds="<CorpId>![CDATA[ww2]]></CorpId>",
    )  # fmt: skip
    found = event(text)
    assert isinstance(found, events.ChainChange)
    assert (found.change, found.chain, found.groups, found.corps) == ("corp_join", "C1", (1, 2), ("ww2",))
    shared = event(xml("share_agent_change", AppId="a", CorpId="ww2", AgentID="5"))
    assert isinstance(shared, events.AgentShared)
    assert (shared.app, shared.other_corp) == ("a", "ww2")


def test_events_of_a_provider_name_things_otherwise() -> None:
    found = event(
        "<xml><SuiteId>s</SuiteId><AuthCorpId>ww9</AuthCorpId><InfoType>change_contact</InfoType>"
        "<TimeStamp>1717200000</TimeStamp><ChangeType>delete_user</ChangeType><UserID>z</UserID></xml>"
    )
    assert isinstance(found, events.MemberChange)
    assert (found.header.corp, found.header.at, found.user) == ("ww9", 1717200000, "z")


def test_an_event_nobody_knows_is_kept_whole() -> None:
    text = xml("something_new", "brand_new")
    found = event(text)
    assert isinstance(found, events.OtherEvent)
    assert (found.header.name, found.change, found.xml) == ("something_new", "brand_new", text)


def test_repeated_deliveries_share_a_key_and_two_changes_of_one_second_do_not() -> None:
    created = xml("change_contact", "create_user", UserID="z")
    updated = xml("change_contact", "update_user", UserID="z")
    assert event(created).header.key == event(created).header.key
    assert event(created).header.key != event(updated).header.key
