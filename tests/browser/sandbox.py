"""The other side of the directory's tests: what an administrator does in WeCom's and DingTalk's consoles, by the sandbox's control."""

from typing import Any

import httpx

from tests.running import Installation


class Played:
    """The sandbox of a running demonstration."""

    def __init__(self, site: Installation) -> None:
        self.facts: dict[str, Any] = site.facts["sandbox"]
        self.corp: str = self.facts["wecom"]["corpid"]
        self.root = self.facts["wecom"]["base_url"].removesuffix("/wecom")
        self.client = httpx.Client(
            base_url=f"{self.root}/sandbox/api/", trust_env=False, timeout=60, verify=False
        )

    def get(self, path: str, **query: str) -> Any:
        """Read what the control shows, `wecom/people` and the like."""
        answer = self.client.get(path, params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def post(self, path: str, /, **asked: Any) -> Any:
        """Do something there."""
        answer = self.client.post(path, json=asked)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def reset(self) -> None:
        """Begin as new."""
        self.post("reset")

    def member(self, user: str, name: str, mobile: str, *, may_change: bool) -> None:
        """Add a member to WeCom by hand; an account that WeCom made up may be changed once, others never."""
        person = {"userid": user, "name": name, "mobile": mobile, "department": [1]}
        self.post("wecom/people/save", corp=self.corp, person=person, create=True, made_by_wecom=may_change)

    def members(self) -> dict[str, dict[str, Any]]:
        """Everybody in WeCom by account."""
        return {each["user"]: each for each in self.get("wecom/people", corp=self.corp)["people"]}

    def department(self, name: str) -> int:
        """The number of a department of WeCom."""
        return next(
            int(each["id"]) for each in self.get("wecom/departments", corp=self.corp) if each["name"] == name
        )
