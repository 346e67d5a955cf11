"""A demonstration whose directory is in use: WeCom and DingTalk bound, with conflicts, leavers, guests and customers."""

import time
from collections.abc import Callable
from typing import Any
from uuid import uuid4

from tests.browser.desk import Desk
from tests.browser.sandbox import Played

LIMIT_S = 40


class Bound:
    """One administrator who has bound a platform, by the interface that the console uses."""

    def __init__(self, desk: Desk, played: Played, platform: str, *, root: str = "1") -> None:
        """Bind it below the department `root` there, or take over what is bound already."""
        self.desk, self.played, self.platform = desk, played, platform
        found = [
            each for each in desk.ask("/api/directory/connections")["rows"] if each["platform"] == platform
        ]
        values = desk.ask("/api/directory/sandbox")["platforms"][platform]
        self.connection = (
            found[0] if found else self.send("directory/connections", platform=platform, **values)
        )
        self.path = f"directory/connections/{self.connection['id']}"
        self.receivers = {each["receiver"]: each for each in desk.ask(f"/api/{self.path}/receivers")["rows"]}
        self._tell_the_platform()  # again, where the sandbox began as new
        if self.connection["state"] != "on":
            rules = {"version": self.connection["version"], "root": root}
            assert desk.page.request.put(f"/api/{self.path}", data=rules).ok
            self.send(f"{self.path}/switch", on=True)

    def _tell_the_platform(self) -> None:
        ready = self.played.facts[self.platform]
        for name, each in self.receivers.items():
            keys = {"url": each["url"], "token": each["token"], "aes_key": each["aes_key"]}
            if self.platform == "dingtalk":
                app = {"corp_id": ready["corp_id"], "app_key": ready["app_key"]}
                self.played.post("dingtalk/apps/receiver", **app, mode="push", **keys)
            elif name != "app":
                self.played.post("wecom/receivers/save", corp=self.played.corp, which=name, **keys)

    def send(self, path: str, **body: Any) -> Any:
        """POST as this administrator; what is answered."""
        answer = self.desk.page.request.post(f"/api/{path}", data=body)
        assert answer.ok, answer.text()
        return answer.json() if answer.body() else None

    def until(self, path: str, is_done: Callable[[Any], bool]) -> Any:
        """Ask again until it is done; the last answer."""
        end = time.monotonic() + LIMIT_S
        while not is_done(found := self.desk.ask(f"/api/{path}")):
            assert time.monotonic() < end, f"waited {LIMIT_S} s for {path}: {found}"
            self.desk.page.wait_for_timeout(200)
        return found

    def job(self, path: str, **body: Any) -> Any:
        """Begin a job and wait for its end; what it gives."""
        begun = self.send(path, **body)["job"]
        done = self.until(f"jobs/{begun['id']}", lambda one: one["state"] in ("done", "failed"))
        assert done["state"] == "done", done
        return done["result"]

    def compare(self) -> dict[str, Any]:
        """Plan a sync, after any that a callback has begun; the run."""
        begun: dict[str, Any] = {}

        def begins() -> bool:
            body = {"connection": self.connection["id"]}
            answer = self.desk.page.request.post("/api/directory/runs", data=body)
            assert answer.ok or "at_work" in answer.text(), answer.text()
            begun.update(answer.json() if answer.ok else {})
            return answer.ok

        self.until("directory/connections", lambda _found: begins())
        return self.until(f"directory/runs/{begun['id']}", lambda one: one["state"] != "planning")  # type: ignore[no-any-return]

    def apply(self, run: dict[str, Any]) -> dict[str, Any]:
        """Do what is planned; the run."""
        self.send(f"directory/runs/{run['id']}/apply")
        return self.until(f"directory/runs/{run['id']}", lambda one: one["state"] != "applying")


def in_use(wecom: Desk, dingtalk: Desk, played: Played) -> dict[str, Bound]:
    """Bind both, sync, and leave something in every list: conflicts, a leaver who owns something, customers, messages."""
    played.reset()
    played.member("sp_wx", "沈佩", "13900000003", may_change=True)
    played.member("song.y", "宋毅", "13900000077", may_change=False)
    ours, theirs = Bound(wecom, played, "wecom"), Bound(dingtalk, played, "dingtalk")
    ours.apply(ours.compare())
    theirs.apply(theirs.compare())
    for name in ("梁太太", "何先生"):
        played.post("wecom/customers/add", corp=played.corp, user="zhouyan", name=name)
    liu = dingtalk.ask('/api/org.employee?filter=[["name","=","刘洋"]]')["rows"][0]["id"]
    theirs.send("masters.partner_contact", code=f"LX-{uuid4().hex[:8]}", name="蒋总", follower=liu)
    played.post("dingtalk/people/leave", corp_id=played.facts["dingtalk"]["corp_id"], userid="u1005")
    theirs.until("directory.handover", lambda one: bool(one["rows"]))
    ours.compare()
    return {"wecom": ours, "dingtalk": theirs}
