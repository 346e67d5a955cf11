"""What a head company asks about its branches: messages to linked corps, ids of customers and accounts, sessions."""

from typing import Any

import pytest

from . import corpgroup, messages
from .conftest import Desk
from .corpgroup import Accounts, Chain, Elsewhere, Session
from .messages import Linked, Unreached
from .sandbox import state as demo
from .sandbox.corpgroup import open_userid
from .sandbox.state import ChainCorp

TEXT = {"content": "盘点通知"}


@pytest.fixture
def branch(desk: Desk):
    return desk.state.corps[demo.BRANCH]


def on_phone(desk: Desk, corp: str, user: str) -> list[dict[str, Any]]:
    url = f"{desk.running.base_url}/sandbox/api/wecom/phone"
    return desk.http.get(url, params={"corp": corp, "user": user}).json()["messages"]


def test_people_of_linked_corps_are_told_and_who_cannot_be_is_named(desk: Desk, branch) -> None:
    to = Linked(
        users=((demo.BRANCH, "founder"), (demo.BRANCH, "nobody"), ("wwother", "founder")),
        departments=(("sandbox-chain-1", "77"),), tags=("x/1",),
    )  # fmt: skip
    assert messages.send_linked(desk.app(), to, "text", TEXT) == Unreached(
        (f"{demo.BRANCH}/nobody", "wwother/founder"), ("sandbox-chain-1/77",), ("x/1",)
    )
    (message,) = on_phone(desk, demo.BRANCH, "founder")
    assert (message["type"], message["body"]) == ("text", TEXT)
    assert on_phone(desk, demo.CORP, "founder") == []


def test_a_department_of_the_chain_and_everybody_are_reached(desk: Desk, branch) -> None:
    nobody = Unreached((), (), ())
    to = Linked(departments=(("sandbox-chain-1", "1"),))
    assert messages.send_linked(desk.app(), to, "text", TEXT) == nobody
    assert messages.send_linked(desk.app(), Linked(everybody=True), "text", TEXT) == nobody
    assert len(on_phone(desk, demo.BRANCH, "founder")) == 2


def test_what_a_linked_message_is_refused_for(desk: Desk, refused) -> None:
    app = desk.app()
    assert refused(messages.send_linked, app, Linked(), "text", TEXT) == "82001"
    assert refused(messages.send_linked, app, Linked(users=(("wwother", "x"),)), "text", TEXT) == "81013"
    assert refused(messages.send_linked, app, Linked(everybody=True), "song", TEXT) == "40008"
    many = tuple((demo.BRANCH, f"u{n}") for n in range(1001))
    assert refused(messages.send_linked, app, Linked(users=many), "text", TEXT) == "81014"
    assert refused(messages.send_linked, desk.contacts(), Linked(everybody=True), "text", TEXT) == "48002"


def test_the_chains_a_branch_is_in(desk: Desk) -> None:
    chain = Chain("sandbox-chain-1", "云链家居经销体系")
    assert corpgroup.chains_shared_with(desk.app(), demo.BRANCH) == [chain]
    assert corpgroup.chains_shared_with(desk.app(), "wwother") == []


def test_a_stranger_has_pending_ids_and_a_customer_an_id(desk: Desk) -> None:
    app = desk.app()
    pending = corpgroup.pending_customers(app, "oUnion1", "oOpen1")
    assert [each.corp for each in pending] == [demo.CORP, demo.BRANCH]
    id = desk.control("/customers/add", user="founder", name="王女士", unionid="oUnion1")["customer"]
    ticket = corpgroup.mass_call_ticket(app)
    assert corpgroup.customer_elsewhere(app, "oUnion1", "oOpen1", ticket) == [Elsewhere(demo.CORP, id)]
    assert [each.corp for each in corpgroup.pending_customers(app, "oUnion1", "oOpen1")] == [demo.BRANCH]


def test_a_ticket_that_was_not_given_is_refused(desk: Desk, refused) -> None:
    assert refused(corpgroup.customer_elsewhere, desk.app(), "u", "o", "forged") == "40058"
    assert corpgroup.customer_elsewhere(desk.app(), "u", "o") == []


def test_a_session_of_the_mini_program_goes_downstream(desk: Desk, refused) -> None:
    (shared,) = corpgroup.shared_with(desk.app())
    theirs = corpgroup.downstream(desk.app(), shared)
    assert corpgroup.transferred_session(theirs, "founder", "key==") == Session("founder", "key==")
    assert refused(corpgroup.transferred_session, theirs, "nobody", "key==") == "60111"
    assert refused(corpgroup.transferred_session, desk.app(), "founder", "key==") == "48002"


def test_accounts_behind_the_ids_of_a_provider(desk: Desk, refused) -> None:
    known = open_userid("founder")
    found = corpgroup.accounts(desk.app(), [known, "wonobody"], 1000002)
    assert found == Accounts({known: "founder"}, ("wonobody",))
    assert refused(corpgroup.accounts, desk.app(), [], 1000002) == "40058"


def test_a_corp_that_has_not_joined_gets_no_message(desk: Desk) -> None:
    desk.corp.chains["sandbox-chain-1"].corps.append(ChainCorp("未加入", 1, pending="pend1"))
    to = Linked(departments=(("sandbox-chain-1", "1"),))
    assert messages.send_linked(desk.app(), to, "text", TEXT) == Unreached((), (), ())
