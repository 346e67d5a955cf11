"""The chain's pages for administrators: what a message is about, what can be done about it, why a lane stands still."""

import json
import uuid

import pytest
from django.utils import translation

from tests.chain.test_api import Desk, desks  # noqa: F401
from tests.chain.test_business import brand, dealer, place, quote, settle  # noqa: F401
from yunlian.chain import envelope, hashpath, keys, lanes
from yunlian.chain.models import Offer, Outbox
from yunlian.documents.sales.intention.model import SalesIntention
from yunlian.masters.models import Product
from yunlian.org import grants
from yunlian.org.models import Role


def lane_of(desk, direction):
    return next(one for one in desk.get("/api/chain/lanes")["rows"] if one["direction"] == direction)


def rows_of(desk, direction, state=""):
    return desk.get(f"/api/chain/lanes/{lane_of(desk, direction)['id']}/messages?state={state}")["rows"]


def refuse_unit(dealer):  # noqa: F811
    """The dealer orders in a unit the brand does not have."""
    dealer.save("masters.unit", {"code": "TUO", "name": "托"})
    with dealer.enter():
        product = str(Product.objects.get(code="D-P1").id)
    body = dealer.see("masters.product", product)
    body["lines"] = [{"unit": "TUO", "factor": "10"}]
    dealer.save("masters.product", body, product)
    return place(dealer, lines=[{"product": "D-P1", "unit": "TUO", "qty": "1", "price": "39000"}])


class TestMessages:
    def test_of_the_partner_name_their_number_and_our_document(self, desks, brand, dealer):  # noqa: F811
        hq, d1 = desks
        order = place(dealer)
        settle(brand, dealer)
        quote(brand, brand.one(SalesIntention), "3950", "420")
        settle(brand, dealer)
        intention = brand.one(SalesIntention)
        (placed,) = [row for row in rows_of(hq, "in") if row["type"] == "order.placed"]
        assert (placed["theirs"], placed["number"]) == (order["number"], intention.number)
        assert (placed["code"], placed["doc"]) == ("sales.intention", str(intention.id))
        heard = {row["type"]: row for row in reversed(rows_of(d1, "in"))}
        assert heard["order.quoted"]["doc"] == order["id"]
        assert heard["message.receipt"]["doc"] == order["id"]
        assert {row["number"] for row in heard.values() if row["doc"]} == {order["number"]}

    def test_stand_in_the_order_of_their_numbers_those_without_first(self, desks, brand, dealer):  # noqa: F811
        _hq, d1 = desks
        for _times in range(3):
            place(dealer)
        settle(brand, dealer)
        with dealer.enter():
            oldest = Outbox.objects.order_by("seq").first()
            Outbox.objects.filter(id=oldest.id).update(queued_at=dealer.ctx().now)
        place(dealer)
        numbers = [row["seq"] for row in rows_of(d1, "out")]
        assert numbers[0] is None
        assert numbers[1:] == sorted(numbers[1:], reverse=True)

    def test_are_paged_in_that_order(self, desks, brand, dealer, monkeypatch):  # noqa: F811
        _hq, d1 = desks
        monkeypatch.setattr(lanes, "PAGE", 2)
        for _times in range(3):
            place(dealer)
        settle(brand, dealer)
        for _times in range(3):
            place(dealer)
        path, seen, cursor = f"/api/chain/lanes/{lane_of(d1, 'out')['id']}/messages", [], ""
        while cursor is not None:
            page = d1.get(f"{path}?cursor={cursor}")
            seen += [row["seq"] for row in page["rows"]]
            cursor = page["next"]
        with dealer.enter():
            assert len(seen) == Outbox.objects.count()
        assert seen[:3] == [None] * 3
        assert seen[3:] == sorted(seen[3:], reverse=True)


class TestRefused:
    def test_on_arrival_offers_nothing_but_says_what_to_repair(self, desks, brand, dealer):  # noqa: F811
        hq, d1 = desks
        refuse_unit(dealer)
        settle(brand, dealer)
        (row,) = rows_of(hq, "in", "rejected")
        assert (row["acts"], row["reason"]) == ([], "橡木家居没有计量单位“TUO”。")
        seen = hq.get(f"/api/chain/messages/{row['id']}")
        assert seen["remedies"] == [{"text": "补建该计量单位，然后请对方重新发送。", "code": "masters.unit"}]
        assert seen["problems"] == [
            {"field": "单位", "line": 1, "code": "unmapped", "message": "橡木家居没有计量单位“TUO”。"}
        ]
        (sent,) = rows_of(d1, "out", "rejected")
        assert (sent["acts"], sent["reason"]) == ([], "橡木家居没有计量单位“TUO”。")
        for desk, id_, name in (
            (hq, row["id"], "release"),
            (d1, sent["id"], "resend"),
            (d1, sent["id"], "void"),
        ):
            desk.call("POST", f"/api/chain/messages/{id_}/{name}", {}, status=409)

    def test_for_a_product_names_where_it_is_mapped(self, desks, brand, dealer):  # noqa: F811
        _hq, d1 = desks
        with dealer.enter():
            Offer.objects.filter(upstream_code="P2").update(upstream_id=str(uuid.UUID(int=9)))
        place(dealer)
        settle(brand, dealer)
        (sent,) = rows_of(d1, "out", "rejected")
        assert [each["code"] for each in d1.get(f"/api/chain/messages/{sent['id']}")["remedies"]] == [
            "chain.product",
            "purchase.order",
        ]

    def test_counts_as_handled_on_both_sides(self, desks, brand, dealer):  # noqa: F811
        hq, d1 = desks
        refuse_unit(dealer)
        place(dealer)
        settle(brand, dealer)
        settle(dealer, brand)
        for sender, receiver in ((d1, hq), (hq, d1)):
            out, got = lane_of(sender, "out"), lane_of(receiver, "in")
            assert (out["handled"], out["last_seq"]) == (got["handled"], got["last_seq"])
            assert out["handled"] == out["last_seq"]

    def test_is_said_anew_where_nothing_was_given_back(self, desks, brand, dealer):  # noqa: F811
        hq, _d1 = desks
        with brand.enter():
            row = Outbox.objects.get(kind="catalogue.updated")
            Outbox.objects.filter(id=row.id).update(outcome="rejected")
        (sent,) = rows_of(hq, "out", "rejected")
        assert sent["acts"] == ["resend"]
        hq.call("POST", f"/api/chain/messages/{sent['id']}/resend", {})
        with brand.enter():
            assert Outbox.objects.filter(kind="catalogue.updated").count() == 2


class TestEvidence:
    def test_proves_what_was_said_and_answered_to_whoever_has_nothing_else(self, desks, brand, dealer):  # noqa: F811
        hq, d1 = desks
        place(dealer)
        settle(brand, dealer)
        (sent,) = [row for row in rows_of(d1, "out") if row["type"] == "order.placed"]
        (got,) = [row for row in rows_of(hq, "in") if row["type"] == "order.placed"]
        kept = [self.read(d1, sent["id"]), self.read(hq, got["id"])]
        for proof in kept:
            for said in (proof["message"], proof["receipt"]):
                public = bytes.fromhex(said["public"])
                assert keys.verify(said["k"], public, said["e"], said["s"])
                assert not keys.verify(said["k"], public, said["e"] + " ", said["s"])
            message = envelope.read(proof["message"]["e"])
            assert hashpath.digest(proof["message"]["e"]) == proof["message"]["digest"]
            assert message.prevhash == proof["message"]["previous"]
            assert envelope.read(proof["receipt"]["e"]).data["about"] == str(message.id)
        assert kept[0]["message"] == kept[1]["message"]
        assert kept[0]["receipt"] == kept[1]["receipt"]
        assert (kept[0]["sender"]["name"], kept[0]["recipient"]["name"]) == ("海安经销商", "橡木家居")

    def read(self, desk, id_):
        answer = desk.http.get(f"/api/chain/messages/{id_}/evidence")
        assert answer["Content-Disposition"].startswith("attachment;")
        return json.loads(answer.content)

    def test_is_of_our_own_messages_only(self, desks, brand, dealer):  # noqa: F811
        hq, _d1 = desks
        place(dealer)
        with dealer.enter():
            message = Outbox.objects.get(kind="order.placed").id
        hq.get(f"/api/chain/messages/{message}/evidence", status=404)


class TestHold:
    def test_keeps_what_is_queued_until_the_lane_is_opened_again(self, desks, brand, dealer):  # noqa: F811
        _hq, d1 = desks
        path = f"/api/chain/lanes/{lane_of(d1, 'out')['id']}"
        d1.call("POST", f"{path}/hold", {}, status=409)
        d1.call("POST", f"{path}/hold", {"reason": "核对价格"})
        place(dealer)
        settle(brand, dealer)
        lane = lane_of(d1, "out")
        assert (lane["state"], lane["reason"], lane["acts"]) == ("paused", "核对价格", ["open"])
        (row,) = rows_of(d1, "out", "queued")
        assert row["acts"] == ["resend", "void"]
        with brand.enter():
            assert not SalesIntention.objects.exists()
        d1.call("POST", f"{path}/open", {})
        settle(brand, dealer)
        assert brand.one(SalesIntention)
        assert lane_of(d1, "out")["acts"] == ["hold"]

    def test_is_for_what_we_send(self, desks):  # noqa: F811
        hq, _d1 = desks
        lane = lane_of(hq, "in")
        assert lane["acts"] == []
        hq.call("POST", f"/api/chain/lanes/{lane['id']}/hold", {"reason": "x"}, status=409)


class TestRole:
    @pytest.fixture
    def blocked(self, desks, brand, dealer):  # noqa: F811
        """The brand took a verb from its role; the dealer's order waits."""
        with brand.enter():
            role = Role.objects.get(code="COLLABORATION")
            grants.set_grants(brand.ctx(), role.id, {"verbs": [tick("sales.intention", edit=False)]})
        order = place(dealer)
        settle(brand, dealer)
        return order

    def test_that_blocks_is_told_to_both_sides_in_their_language(self, desks, brand, dealer, blocked):  # noqa: F811
        hq, d1 = desks
        out, got = lane_of(d1, "out"), lane_of(hq, "in")
        assert out["state"] == "held"
        assert out["reason"] == "对方的“业务协同”角色不能接收“已下单”：缺少权限“销售意向：新建与编辑”。"
        assert got["reason"] == "我方的“业务协同”角色不能接收“已下单”：缺少权限“销售意向：新建与编辑”。"
        assert "role" in got["alarms"]
        with translation.override("en"), brand.enter():
            told = next(one["reason"] for one in lanes.lanes() if one["direction"] == "in")
        assert (
            told
            == "Our role for collaboration does not take “Order placed”: it lacks “Create and edit: Sales intention”."
        )
        event = d1.get(f"/api/purchase.order/{blocked['id']}/chain")["events"][0]
        assert (event["status"], event["reason"]) == ("queued", out["reason"])

    def test_waits_on_the_home_page_of_who_can_repair_it(self, desks, brand, dealer, blocked):  # noqa: F811
        hq, _d1 = desks
        waiting = {one["code"]: one["count"] for one in hq.get("/api/home")["todo"]}
        assert waiting["chain.lanes"] == 1

    def test_that_is_mended_lets_all_pass_and_ends_the_alarm(self, desks, brand, dealer, blocked):  # noqa: F811
        hq, _d1 = desks
        with brand.enter():
            role = Role.objects.get(code="COLLABORATION")
            grants.set_grants(brand.ctx(), role.id, {"verbs": [tick("sales.intention", edit=True)]})
        settle(brand, dealer)
        settle(brand, dealer)
        assert brand.one(SalesIntention)
        lane = lane_of(hq, "in")
        assert (lane["reason"], "role" in lane["alarms"]) == ("", False)
        assert "chain.lanes" not in {one["code"] for one in hq.get("/api/home")["todo"]}

    def test_shows_what_the_chain_needs_of_it(self, desks, brand, dealer):  # noqa: F811
        hq, _d1 = desks
        with brand.enter():
            ids = dict(Role.objects.values_list("code", "id"))
        needed = {
            code: {
                f"{one['code']}.{each['verb']}"
                for one in hq.get(f"/api/org.role/{ids[code]}/grants")["verbs"]
                for each in one["verbs"]
                if each["needed"]
            }
            for code in ("COLLABORATION", "GUIDE")
        }
        assert {"sales.intention.edit", "stock.receipt_notice.approve"} <= needed["COLLABORATION"]
        assert needed["GUIDE"] == set()


def tick(code, **verbs):
    return {"code": code, "verbs": [{"verb": verb, "granted": on} for verb, on in verbs.items()]}
