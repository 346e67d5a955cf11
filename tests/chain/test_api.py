"""The chain over HTTP: membership, credentials and machine clients, lanes and their buttons, the timeline."""

import datetime as dt
import json
import uuid
from urllib.parse import quote as quoted

import pytest
from django.test import Client

from tests.chain.test_business import agreed, brand, dealer, place, quote, settle  # noqa: F401
from yunlian.chain import account
from yunlian.chain.models import Credential, Inbox, Link, Offer, Outbox, Pass
from yunlian.documents.sales.intention.model import SalesIntention


class Desk:
    """Somebody at a browser, or a machine with a token."""

    def __init__(self, code=None, token=None):
        self.http = Client(headers={"Authorization": f"Bearer {token}"} if token else {})
        if code:
            self.call("POST", "/api/session", {"login": f"admin@{code}", "password": "a long enough word 1"})

    def call(self, method, path, body=None, *, status=None, key=None):
        answer = self.http.generic(
            method, path, json.dumps(body) if body is not None else "", content_type="application/json",
            headers={"Idempotency-Key": key} if key else {},
        )  # fmt: skip
        assert answer.status_code in ((status,) if status else (200, 201)), answer.content
        return json.loads(answer.content) if answer.content else None

    def get(self, path, **options):
        return self.call("GET", path, **options)


@pytest.fixture
def desks(brand, dealer):  # noqa: F811
    return Desk("HQ"), Desk("D1")


def in_a_year(days=365):
    return (account.database_now() + dt.timedelta(days=days)).isoformat()


class TestCredential:
    def test_is_valid_for_two_years_at_most_however_it_is_written(self, desks):
        hq, _d1 = desks
        path, body = "/api/chain.credential", {"name": "接口", "valid_until": in_a_year(735)}
        refused = hq.call("POST", path, body, status=422)["problems"]
        assert [(p["field"], p["code"]) for p in refused] == [("valid_until", "range")]
        made = hq.call("POST", path, body | {"valid_until": in_a_year(725)})
        one = hq.get(f"{path}/{made['id']}")
        del one["created_by"], one["updated_by"], one["can"], one["days_left"]
        hq.call("PUT", f"{path}/{made['id']}", one | {"valid_until": "2099-01-01T00:00:00Z"}, status=422)
        assert hq.call("PUT", f"{path}/{made['id']}", one | {"valid_until": in_a_year(20)})["version"] == 2

    def test_shows_what_time_made_of_it_in_list_and_form_and_is_found_by_that(self, desks, brand):  # noqa: F811
        hq, _d1 = desks
        path, names = "/api/chain.credential", {}
        for name in ("valid", "early", "expired", "revoked"):
            made = hq.call("POST", path, {"name": name, "valid_until": in_a_year()})
            names[name] = made["id"]
        now, day = account.database_now(), dt.timedelta(days=1)
        with brand.enter():
            Credential.objects.filter(id=names["early"]).update(
                valid_from=now + day, valid_until=now + 9.5 * day
            )
            Credential.objects.filter(id=names["expired"]).update(
                valid_from=now - 9 * day, valid_until=now - day
            )
        hq.call("POST", f"{path}/{names['revoked']}/revoke", {})
        left = {"valid": 364, "early": 9, "expired": None, "revoked": None}
        rows = {row["name"]: row for row in hq.get(path)["rows"]}
        for name, id_ in names.items():
            for shown in (hq.get(f"{path}/{id_}"), rows[name]):
                assert (shown["state"], shown["days_left"]) == (name, left[name])
            for asked in (
                ["state", "=", name],
                ["state", "in", [name, "nonsense"]],
                {"or": [["state", "=", name], ["name", "=", "?"]]},
            ):
                query = "?filter=" + quoted(json.dumps([["name", "!=", "凭证"], asked]))
                assert [row["name"] for row in hq.get(path + query)["rows"]] == [name]
                assert hq.get(f"{path}/total{query}")["count"] == 1
        hq.get(path + "?filter=nonsense", status=422)
        hq.call("POST", f"{path}/{names['early']}/revoke", {})
        assert hq.get(f"{path}/{names['early']}")["state"] == "revoked"

    def test_shows_its_token_once_and_opens_the_api(self, desks):
        hq, _d1 = desks
        body = {"name": "接口", "valid_until": in_a_year()}
        made = hq.call("POST", "/api/chain.credential", body, key="a-credential-1")
        assert made["token"].startswith("ylc_")
        assert hq.call("POST", "/api/chain.credential", body, key="a-credential-1")["token"] is None
        assert "token" not in hq.get(f"/api/chain.credential/{made['id']}")
        machine = Desk(token=made["token"])
        assert "sales.intention.partner_place" in machine.get("/api/meta")["can"]
        machine.call("POST", "/api/org.department", {"code": "B", "name": "B"}, status=403)
        hq.call("POST", f"/api/chain.credential/{made['id']}/revoke", {})
        machine.get("/api/meta", status=401)

    def test_opens_nothing_before_its_time_nor_after_and_everything_within(self, desks):
        hq, _d1 = desks
        body = {"name": "接口", "valid_until": in_a_year()}
        machine = Desk(token=hq.call("POST", "/api/chain.credential", body)["token"])
        ours = Pass.objects.order_by("-id")[:1].get()
        now, hour = account.database_now(), dt.timedelta(hours=1)
        for begins, ends, status in (
            (now + hour, now + 2 * hour, 401),
            (now - 2 * hour, now - hour, 401),
            (now - hour, now + hour, 200),
        ):
            Pass.objects.filter(pk=ours.pk).update(valid_from=begins, valid_until=ends)
            machine.get("/api/sales.intention", status=status)
            machine.get("/api/meta", status=status)

    def test_opens_its_own_enterprise_only(self, desks, brand, dealer):  # noqa: F811
        hq, d1 = desks
        body = {"name": "接口", "valid_until": in_a_year()}
        place(dealer)
        settle(brand, dealer)
        path = f"/api/sales.intention/{brand.one(SalesIntention).id}"
        Desk(token=hq.call("POST", "/api/chain.credential", body)["token"]).get(path, status=200)
        Desk(token=d1.call("POST", "/api/chain.credential", body)["token"]).get(path, status=404)

    def test_an_unknown_token_is_nobody(self, desks):
        Desk(token="ylc_" + "x" * 43).get("/api/meta", status=401)


class TestMembership:
    def test_says_who_we_are_and_joins_again(self, desks, brand):  # noqa: F811
        hq, _d1 = desks
        seen = hq.get("/api/chain/membership")
        assert (seen["state"], seen["chain_id"]) == ("joined", str(brand.chain_id))
        assert seen["communication_user"]["name"] == "云链通信账号"
        credential = seen["credential"]["id"]
        again = hq.call(
            "POST", "/api/chain/membership/join", {"credential": credential, "valid_until": "2099-01-31"}
        )
        assert again["valid_until"] == "2099-01-31T16:00:00Z"
        for bad in ({}, {"credential": "x"}, {"credential": credential, "valid_until": "soon"}):
            hq.call("POST", "/api/chain/membership/join", bad, status=422)
        gone = {"credential": str(uuid.UUID(int=1))}
        hq.call("POST", "/api/chain/membership/join", gone, status=409)


class TestLanes:
    def test_show_positions_and_messages_with_their_evidence(self, desks, brand, dealer):  # noqa: F811
        _hq, d1 = desks
        place(dealer)
        settle(brand, dealer)
        lanes = d1.get("/api/chain/lanes")["rows"]
        out = next(lane for lane in lanes if lane["direction"] == "out")
        assert (out["partner"]["name"], out["state"], out["unsent"], out["unapplied"]) == (
            "橡木家居",
            "open",
            0,
            0,
        )
        assert out["last_seq"] == out["accepted"] == out["handled"]
        rows = d1.get(f"/api/chain/lanes/{out['id']}/messages?state=applied")["rows"]
        assert [row["type"] for row in rows] == ["order.placed", "catalogue.requested"]
        proof = d1.get(f"/api/chain/messages/{rows[0]['id']}")
        assert json.loads(proof["envelope"])["type"] == "yunlian.order.placed.v1"
        assert proof["previous"] is not None
        assert proof["signature"]

    def test_hide_what_belongs_to_another_enterprise(self, desks, brand, dealer):  # noqa: F811
        hq, d1 = desks
        order = place(dealer)
        settle(brand, dealer)
        with dealer.enter():
            message = Outbox.objects.get(kind="order.placed").id
        with brand.enter():
            received = Inbox.objects.get(kind="order.placed").id
        hq.get(f"/api/chain/messages/{message}", status=404)
        d1.get(f"/api/chain/messages/{received}", status=404)
        hq.get(f"/api/purchase.order/{order['id']}/chain", status=404)
        hq.call("POST", f"/api/chain/messages/{message}/resend", {}, status=404)
        hq.get(f"/api/chain/lanes/{uuid.uuid4()}/messages", status=404)

    def test_buttons_send_again_void_and_refuse_what_makes_no_sense(self, desks, brand, dealer):  # noqa: F811
        hq, d1 = desks
        with dealer.enter():
            Offer.objects.filter(upstream_code="P2").update(upstream_id=str(uuid.UUID(int=9)))
        place(dealer)
        with dealer.enter():
            message = Outbox.objects.get(kind="order.placed").id
        d1.call("POST", f"/api/chain/messages/{message}/void", {"reason": "发错了"})
        settle(brand, dealer)
        with brand.enter():
            assert Inbox.objects.get(message_id=message).state == "applied"
            received = str(Inbox.objects.get(message_id=message).id)
            assert not SalesIntention.objects.exists()
        for name in ("void", "resend"):
            d1.call("POST", f"/api/chain/messages/{message}/{name}", {}, status=409)
        for name in ("release", "reject"):
            hq.call("POST", f"/api/chain/messages/{received}/{name}", {"reason": "x"}, status=409)

    def test_need_the_right_to_see_links(self, desks, brand):  # noqa: F811
        from yunlian.org.people import hire

        with brand.enter():
            data = {"code": "G1", "name": "导购"}
            hire(brand.ctx(), data, roles=["guide"], login="guide@HQ", password="a long enough word 1")
        guide = Desk()
        guide.call("POST", "/api/session", {"login": "guide@HQ", "password": "a long enough word 1"})
        for path in ("/api/chain/lanes", "/api/chain/membership", "/api/chain.credential"):
            guide.get(path, status=403)


class TestTimeline:
    def test_of_an_order_tells_both_sides(self, desks, brand, dealer):  # noqa: F811
        hq, d1 = desks
        order = place(dealer)
        settle(brand, dealer)
        quote(brand, brand.one(SalesIntention), "3950", "420")
        settle(brand, dealer)
        seen = d1.get(f"/api/purchase.order/{order['id']}/chain")
        assert seen["partner"]["name"] == "橡木家居"
        assert [(event["side"], event["act"], event["status"]) for event in seen["events"]] == [
            ("ours", "order.placed", "applied"),
            ("theirs", "order.accepted", "applied"),
            ("theirs", "order.quoted", "applied"),
        ]
        assert seen["ours"] == {"number": order["number"], "state": "quoted"}
        assert seen["theirs"]["number"] == brand.one(SalesIntention).number
        assert seen["theirs"]["expected_date"] == "2026-12-10"
        differences = {(d["field"], d["line"]): (d["ours"], d["theirs"]) for d in seen["differences"]}
        assert differences["price", 1] == ("3900.00", "3950.00")
        theirs = hq.get(f"/api/sales.intention/{brand.one(SalesIntention).id}/chain")
        assert theirs["theirs"]["number"] == order["number"]
        assert [event["side"] for event in theirs["events"]] == ["theirs", "ours", "ours"]

    def test_of_an_order_that_was_not_sent_names_the_partner_only(self, desks, dealer):  # noqa: F811
        _hq, d1 = desks
        with dealer.enter():
            supplier = str(Link.objects.get().partner_id)
        line = {"product": "D-P1", "qty": "1", "price": "1"}
        order = dealer.save("purchase.order", {"supplier": supplier, "warehouse": "W1", "lines": [line]})
        seen = d1.get(f"/api/purchase.order/{order['id']}/chain")
        assert (seen["partner"]["name"], seen["theirs"], seen["events"]) == ("橡木家居", None, [])

    def test_says_why_an_order_was_rejected(self, desks, brand, dealer):  # noqa: F811
        _hq, d1 = desks
        with dealer.enter():
            Offer.objects.filter(upstream_code="P2").update(upstream_id=str(uuid.UUID(int=9)))
        order = place(dealer)
        settle(brand, dealer)
        event = d1.get(f"/api/purchase.order/{order['id']}/chain")["events"][0]
        assert event["status"] == "rejected"
        assert "P2" in event["reason"]

    def test_of_an_agreed_order_shows_no_difference(self, desks, brand, dealer):  # noqa: F811
        _hq, d1 = desks
        order = agreed(brand, dealer)
        assert d1.get(f"/api/purchase.order/{order['id']}/chain")["differences"] == []
