"""The whole of a set-up over HTTP, as the console will do it: connect, copy, switch on, plan, look, decide, apply, undo."""

import json

import pytest
from django.test import Client

from yunlian.org import people

from .conftest import PASSWORD, mobile
from .models import Run
from .side import Person


class Browser:
    """One device that speaks to the API."""

    def __init__(self, login: str) -> None:
        self.client = Client(headers={"Accept-Language": "en"}, raise_request_exception=False)
        assert self.send("POST", "/api/session", login=login, password=PASSWORD).status_code == 200

    def send(self, method: str, path: str, **body):
        raw = json.dumps(body).encode() if body or method != "GET" else b""
        return self.client.generic(method, path, raw, "application/json")

    def ask(self, method: str, path: str, status: int = 200, **body):
        answer = self.send(method, path, **body)
        assert answer.status_code == status, answer.content
        return answer.json() if answer.content else None


@pytest.fixture
def boss(push) -> Browser:
    return Browser("boss")


def run_of(push, shown) -> dict:
    push.work()
    return shown["id"]


def test_a_set_up_from_the_guide_to_the_first_sync_and_back(push, boss) -> None:
    guides = {each["platform"]: each for each in boss.ask("GET", "/api/directory/guides")["rows"]}
    assert all(each["path"] and each["label"] for each in guides["wecom"]["fields"])
    (conn,) = boss.ask("GET", "/api/directory/connections")["rows"]
    assert (conn["state"], conn["secrets"]["contacts_secret"], conn["lacking"]) == ("on", True, [])
    receivers = boss.ask("GET", f"/api/directory/connections/{conn['id']}/receivers")["rows"]
    assert all(
        each["url"].startswith("http://testserver/callback/") and len(each["aes_key"]) == 43
        for each in receivers
    )

    planned = boss.ask("POST", "/api/directory/runs", 201, connection=conn["id"])
    assert (planned["state"], planned["job"] is not None) == ("planning", True)
    path = f"/api/directory/runs/{run_of(push, planned)}"
    shown = boss.ask("GET", path)
    assert (shown["state"], shown["tally"]["acts"]) == ("planned", {"department.add": 1, "person.add": 3})
    assert boss.ask("GET", f"/api/jobs/{shown['job']}")["state"] == "done"

    where = json.dumps([["run", "=", shown["id"]], ["act", "=", "add"]])
    rows = boss.client.get("/api/directory.change", {"filter": where}).json()["rows"]
    assert [(row["name"], row["kind"]) for row in rows] == [
        ("销售", "department"), ("管理员", "person"), ("张三", "person"), ("李四", "person"),
    ]  # fmt: skip
    found = boss.client.get("/api/directory.change", {"filter": json.dumps([["place", "=", "销售"]])}).json()[
        "rows"
    ]
    assert {row["name"] for row in found} == {"张三", "李四"}
    sheet = boss.client.get("/api/directory.change/export.xlsx", {"filter": where})
    assert (sheet.status_code, sheet.content[:2]) == (200, b"PK")
    one = boss.ask("GET", f"/api/directory/changes/{rows[2]['id']}")
    assert one["fields"]["department"] == ["", "销售"]

    boss.ask("POST", f"{path}/apply")
    push.work()
    assert boss.ask("GET", path)["state"] == "applied"
    assert len(push.platform.members) == 3
    boss.ask("POST", f"{path}/undo")
    push.work()
    assert boss.ask("GET", path)["state"] == "undone"
    assert push.platform.members == {}


def test_a_held_sync_is_released_with_a_reason(push, boss) -> None:
    for n in range(12):
        push.hire(f"x{n}", f"人{n}")
    push.sync()
    from yunlian.kernel.scope import tenant
    from yunlian.org.models import Employee

    with tenant(push.id):
        Employee.objects.filter(code__startswith="X").update(job="left")
    path = f"/api/directory/runs/{run_of(push, boss.ask('POST', '/api/directory/runs', 201, connection=str(push.conn_id)))}"
    held = boss.ask("GET", path)
    assert (held["state"], held["guards"]) == (
        "held",
        [{"code": "too_many_vanish", "message": "12 of 15 people would be disabled; at most 5 at a time.", "can_release": True}],
    )  # fmt: skip
    assert boss.send("POST", f"{path}/apply").status_code == 409
    assert boss.send("POST", f"{path}/override").status_code == 422
    assert boss.ask("POST", f"{path}/override", reason="the branch has closed")["state"] == "planned"
    boss.ask("POST", f"{path}/apply")
    push.work()
    assert sum(not each.is_active for each in push.platform.members.values()) == 12


def test_conflicts_are_shown_with_their_ways_out_and_decided(push, boss) -> None:
    push.platform.members["zhangsan"] = Person("zhangsan", "张三丰", "zhangsan", mobile(), ("1",))
    run = run_of(push, boss.ask("POST", "/api/directory/runs", 201, connection=str(push.conn_id)))
    (row,) = boss.client.get(
        "/api/directory.change", {"filter": json.dumps([["act", "=", "conflict"]])}
    ).json()["rows"]
    conflict = boss.ask("GET", f"/api/directory/changes/{row['id']}")["conflict"]
    assert [each["what"] for each in conflict["ways"]] == ["link", "skip"]
    assert [each["name"] for each in conflict["rivals"]] == ["张三丰"]
    body = {"run": run, "changes": [row["id"]], "what": "link"}
    assert boss.ask("POST", "/api/directory/conflicts/decide", **body) == {"decided": 1, "open": 0}
    (kept,) = boss.client.get("/api/directory.decision").json()["rows"]
    assert (kept["what"], kept["name"]) == ("link", "张三")
    boss.ask("DELETE", f"/api/directory/decisions/{kept['id']}", 204)
    assert boss.client.get("/api/directory.decision").json()["rows"] == []


def test_secrets_go_in_and_never_come_out(push, boss) -> None:
    path = f"/api/directory/connections/{push.conn_id}"
    before = boss.ask("GET", path)
    assert "s3cret" not in json.dumps(before)
    boss.ask("PUT", path, contacts_secret="new-s3cret", agent_id="1000002", version=before["version"])
    shown = boss.ask("GET", path)
    assert (shown["secrets"]["contacts_secret"], shown["settings"]["agent_id"]) == (True, "1000002")
    assert "s3cret" not in json.dumps(shown)
    boss.ask("PUT", path, contacts_secret="")  # blank keeps it
    assert boss.ask("GET", path)["secrets"]["contacts_secret"] is True
    stale = boss.send("PUT", path, agent_id="1", version=before["version"])
    assert (stale.status_code, stale.json()["problems"][0]["code"]) == (409, "stale")


def test_what_does_not_fit_is_named_and_changes_nothing(push, boss) -> None:
    path = f"/api/directory/connections/{push.conn_id}"
    before = boss.ask("GET", path)
    for body, field in (
        ({"root": "abc"}, "root"), ({"vanish_share": "2"}, "vanish_share"), ({"nightly_at": 24}, "nightly_at"),
        ({"direction": "pull"}, "direction"), ({"no_such": 1}, "no_such"), ({"department": "x"}, "department"),
        ({"contacts_policy": "all"}, "contacts_policy"), ({"corp_id": 7}, "corp_id"),
    ):  # fmt: skip
        answer = boss.send("PUT", path, **body)
        assert (answer.status_code, answer.json()["problems"][0]["field"]) == (422, field), body
    assert boss.ask("GET", path) == before


def test_a_connection_is_begun_switched_on_when_complete_and_renewed(push, boss) -> None:
    made = boss.ask("POST", "/api/directory/connections", 201, platform="dingtalk")
    assert (made["state"], made["lacking"]) == ("off", ["corp_id", "app_key", "app_secret"])
    path = f"/api/directory/connections/{made['id']}"
    assert boss.send("POST", f"{path}/switch", on=True).status_code == 422
    boss.ask("PUT", path, corp_id="dingcorp", app_key="k", app_secret="s")
    assert boss.ask("POST", f"{path}/switch", on=True)["state"] == "on"
    assert boss.send("POST", "/api/directory/connections", platform="dingtalk").status_code == 409
    (old,) = boss.ask("GET", f"{path}/receivers")["rows"]
    new = boss.ask("POST", f"{path}/receivers/app/renew")
    assert old["url"] != new["url"]
    assert old["token"] != new["token"]
    assert (
        boss.client.post(old["url"].removeprefix("http://testserver"), b"{}", "application/json").status_code
        == 404
    )
    assert boss.ask("POST", f"{path}/switch", on=False)["state"] == "off"


def test_who_may_not_sync_may_not_look_either(push) -> None:
    push.hire("g1", "导购", "guide", login="guide1")
    guide = Browser("guide1")
    for method, path in (
        ("GET", "/api/directory/connections"), ("POST", "/api/directory/runs"), ("GET", "/api/directory.change"),
        ("POST", f"/api/directory/connections/{push.conn_id}/leave"), ("GET", "/api/directory.callback"),
    ):  # fmt: skip
        assert guide.send(method, path).status_code == 403, path
    assert guide.ask("GET", "/api/directory/asked") == {"rows": []}


def test_another_enterprise_sees_nothing_of_it(push, boss) -> None:
    run = push.begin()
    people.found_enterprise("other", "远山家具", "rival", PASSWORD, now=push.conn.created_at)
    rival = Browser("rival")
    assert rival.ask("GET", "/api/directory/connections")["rows"] == []
    for path in (
        f"/api/directory/connections/{push.conn_id}", f"/api/directory/runs/{run.id}",
        f"/api/directory/connections/{push.conn_id}/receivers", f"/api/directory/connections/{push.conn_id}/leaving",
    ):  # fmt: skip
        assert rival.send("GET", path).status_code == 404, path
        assert boss.send("GET", path).status_code == 200, path
    assert rival.send("POST", f"/api/directory/runs/{run.id}/apply").status_code == 404
    assert Run._meta.db_table == "directory_run"


def test_health_trying_and_the_template_answer(push, boss) -> None:
    path = f"/api/directory/connections/{push.conn_id}"
    assert {each["receiver"] for each in boss.ask("GET", f"{path}/health")["receivers"]} == {
        "app",
        "contacts",
        "customers",
    }
    job = boss.ask("POST", f"{path}/try", 202)["job"]
    push.work()
    done = boss.ask("GET", f"/api/jobs/{job['id']}")
    assert (done["state"], done["result"]["ok"]) == ("done", True)
    push.platform.down_after = 0
    job = boss.ask("POST", f"{path}/try", 202)["job"]
    push.work()
    (result,) = boss.ask("GET", f"/api/jobs/{job['id']}")["result"]["results"]
    assert (result["ok"], result["code"], result["remedy"]) == (False, "no-answer", "Try again later.")
    answer = boss.client.get("/api/directory/branch/template.xlsx")
    assert (answer.status_code, answer.content[:2]) == (200, b"PK")
    assert (
        boss.client.post(
            "/api/directory/branch",
            b"no workbook",
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        ).status_code
        == 422
    )
