"""What the admin console of a corp does: people, departments, apps, receivers. Changes made here are called back."""

from collections.abc import Callable
from dataclasses import asdict
from typing import Any, TypeVar

import msgspec

from ...sandbox.control import Wrong
from ...sandbox.platform import Sandbox
from ..crypto import CallbackRefused, aes_key
from ..departments import ROOT
from . import departments, people
from .callbacks import event, tell, tell_app, verify
from .calls import Refused, fresh
from .ranges import below
from .state import App, Corp, Department, Options, Person, Receiver, TokenRow, Wecom

SURNAMES = "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林罗高"
GIVEN = "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平刚桂英华"
AT_ONCE = 100_000
T = TypeVar("T")


def allowed(act: Callable[[], T]) -> T:
    """Do what the API's rules allow; their refusal becomes the console's."""
    try:
        return act()
    except Refused as refused:
        raise Wrong(f"{refused.code} {refused.text}") from refused


class Console:
    """The acts, each by the name of its corp; all raise Wrong. Those marked *manual* want 手动编辑."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._world = sandbox.world

    @property
    def state(self) -> Wecom:
        """The whole of WeCom."""
        return self._world.part(Wecom)

    def corp(self, asked: dict[str, Any]) -> Corp:
        """The corp that is meant."""
        found = self.state.corps.get(str(asked.get("corp", "")))
        if found is None:
            raise Wrong(f"no corp {asked.get('corp')}")
        return found

    def app(self, asked: dict[str, Any]) -> App:
        """The app that is meant."""
        found = self.corp(asked).apps.get(int(asked.get("agent", 0)))
        if found is None:
            raise Wrong(f"no app {asked.get('agent')}")
        return found

    def save_person(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Create or change a member (manual): `person` as in the API, `create` says which."""
        with self._world.change():
            corp, body = self._manual(asked), dict(asked["person"])
            act = people.created if asked.get("create") else people.updated
            person = allowed(lambda: act(corp, self.state.options, body))
            if asked.get("create"):
                person.made_by_wecom = bool(asked.get("made_by_wecom"))
            change = "create_user" if asked.get("create") else "update_user"
            self._tell_member(corp, change, person, body)
            return asdict(person)

    def delete_person(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Delete a member (manual)."""
        with self._world.change():
            corp = self._manual(asked)
            person = allowed(lambda: people.deleted(corp, asked.get("user"), self._world.now()))
            self._tell_contacts(corp, event("change_contact", "delete_user", UserID=person.user))
        return {}

    def set_status(self, asked: dict[str, Any]) -> dict[str, Any]:
        """A member activates (1), is disabled (2), or leaves of themselves (5)."""
        with self._world.change():
            corp, status = self.corp(asked), int(asked["status"])
            person = allowed(lambda: people.found(corp, asked.get("user")))
            if status not in (1, 2, 4, 5):
                raise Wrong("status is 1, 2, 4 or 5")
            person.status, person.enable = status, 0 if status == 2 else 1
            self._tell_member(corp, "update_user", person, {"status": status})
        return {}

    def save_department(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Create or change a department (manual): `department` as in the API."""
        with self._world.change():
            corp, body = self._manual(asked), dict(asked["department"])
            if asked.get("create"):
                found = allowed(lambda: departments.made(corp, body, None))
                self._tell_department(corp, "create_party", found)
                return asdict(found)
            before = corp.departments[int(body["id"])].parent if int(body["id"]) in corp.departments else 0
            found = allowed(lambda: departments.changed(corp, int(body["id"]), body))
            if not corp.contacts_receiver.reduced or found.parent != before:
                self._tell_department(corp, "update_party", found)
            return asdict(found)

    def delete_department(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Delete an empty department (manual)."""
        with self._world.change():
            corp = self._manual(asked)
            allowed(lambda: departments.removed(corp, int(asked["id"])))
            self._tell_contacts(corp, event("change_contact", "delete_party", Id=int(asked["id"])))
        return {}

    def settings(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Change the corp's own switches: api_edit, manual_edit, new_contacts_ip, seats, name, attributes."""
        with self._world.change():
            corp = self.corp(asked)
            for name in ("api_edit", "manual_edit", "new_contacts_ip", "seats", "name", "attributes"):
                if name in asked:
                    setattr(corp, name, msgspec.convert(asked[name], type(getattr(corp, name))))
        return {}

    def options(self, asked: dict[str, Any]) -> Options:
        """Choose how the platform behaves where that is not confirmed."""
        with self._world.change():
            try:
                self.state.options = msgspec.convert({**asdict(self.state.options), **asked}, Options)
            except msgspec.ValidationError as error:
                raise Wrong(str(error)) from error
            return self.state.options

    def save_app(self, asked: dict[str, Any]) -> App:
        """Create an app, or change its name, visible range, trusted domains and IPs, and permissions."""
        with self._world.change():
            corp = self.corp(asked)
            if not asked.get("agent"):
                agent = max([1000001, *corp.apps]) + 1
                corp.apps[agent] = App(agent, str(asked.get("name") or "应用"), fresh())
                return corp.apps[agent]
            app = self.app(asked)
            known = {
                "name": str, "users": list[str], "departments": list[int], "tags": list[int], "enabled": bool,
                "before_2022": bool, "domains": list[str], "ips": list[str], "customers": bool, "chain": bool,
            }  # fmt: skip
            for name, kind in known.items():
                if name in asked:
                    setattr(app, name, msgspec.convert(asked[name], kind))
            return app

    def reset_secret(self, asked: dict[str, Any]) -> dict[str, str]:
        """Give contacts, customers or an app another secret; the tokens of the old one end."""
        with self._world.change():
            corp, which, secret = self.corp(asked), asked.get("which"), fresh()
            if which == "contacts":
                corp.contacts_secret = secret
            elif which == "customers":
                corp.customers_secret = secret
            else:
                self.app(asked).secret = secret
            agent = int(asked.get("agent") or 0)
            kind = which if which in ("contacts", "customers") else "app"
            self._end_tokens(lambda row: (row.corp, row.kind, row.agent) == (corp.id, kind, agent))
        return {"secret": secret}

    def revoke_tokens(self, asked: dict[str, Any]) -> dict[str, Any]:
        """End all tokens of a corp at once: `how` "revoked" answers 40014 from now on, "expired" 42001."""
        with self._world.change():
            corp = self.corp(asked)
            if asked.get("how") == "expired":
                for row in self.state.tokens.values():
                    row.ends = self._world.now() - 1 if row.corp == corp.id else row.ends
            else:
                self._end_tokens(lambda row: row.corp == corp.id)
        return {}

    def save_receiver(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Save an event receiver (contacts, customers, or an app's), after asking its address as WeCom does."""
        with self._world.lock:
            corp = self.corp(asked)
            url, token, key = (str(asked.get(name, "")).strip() for name in ("url", "token", "aes_key"))
            given = Receiver(url, token, key, reduced=bool(asked.get("reduced", True)))
        if given.url:
            try:
                aes_key(given.aes_key)
            except CallbackRefused as refused:
                raise Wrong(refused.text) from refused
            if not (given.token.isascii() and given.token.isalnum() and len(given.token) <= 32):
                raise Wrong("a Token has 1 to 32 letters and digits")
            complaint = verify(self._sandbox, corp, given)
            if complaint:
                raise Wrong(f"openapi回调地址请求不通过: {complaint}")
            given.verified = True
        with self._world.change():
            if asked.get("which") == "contacts":
                corp.contacts_receiver = given
            elif asked.get("which") == "customers":
                corp.customers_receiver = given
            else:
                self.app(asked).receiver = given
        return {"verified": given.verified}

    def make(self, asked: dict[str, Any]) -> dict[str, int]:
        """Make `people` in `departments` below the root, beside what there is; nothing is called back."""
        with self._world.change():
            corp = self.corp(asked)
            count, groups = int(asked.get("people", 0)), int(asked.get("departments", 0))
            if not (0 <= count <= AT_ONCE and 0 <= groups <= 10_000):
                raise Wrong(f"at most {AT_ONCE} people and 10000 departments")
            made = _grown(corp, groups) or [ROOT]
            first = len(corp.people)
            for number in range(first, first + count):
                person = _somebody(number, made[number % len(made)])
                corp.people[person.user.lower()] = person
                corp.mobiles[person.mobile] = person.user.lower()
        return {"people": len(corp.people), "departments": len(corp.departments)}

    def _manual(self, asked: dict[str, Any]) -> Corp:
        corp = self.corp(asked)
        if not corp.manual_edit:
            raise Wrong("通讯录权限未勾选“手动编辑”，不能在管理后台修改成员与部门")
        return corp

    def _end_tokens(self, which: Callable[[TokenRow], bool]) -> None:
        self.state.tokens = {text: row for text, row in self.state.tokens.items() if not which(row)}

    def _tell_contacts(self, corp: Corp, xml: str) -> None:
        tell(self._sandbox, corp, "contacts", corp.contacts_receiver, xml)

    def _tell_department(self, corp: Corp, change: str, found: Department) -> None:
        reduced = corp.contacts_receiver.reduced
        more: dict[str, object] = {} if reduced else {"Name": found.name}
        if not reduced and change == "create_party":
            more["Order"] = found.order
        self._tell_contacts(corp, event("change_contact", change, Id=found.id, **more, ParentId=found.parent))

    def _tell_member(self, corp: Corp, change: str, person: Person, body: dict[str, Any]) -> None:
        self._tell_contacts(corp, _member(change, person, body, reduced=corp.contacts_receiver.reduced))
        if self.state.options.apps_get_member_events:
            for app in corp.apps.values():
                visible = below(corp, app.departments)
                if person.user in app.users or not visible.isdisjoint(person.departments):
                    tell_app(
                        self._sandbox, corp, app, _member(change, person, body, reduced=app.receiver.reduced)
                    )


MEMBER_FIELDS = {
    "name": "Name", "department": "Department", "main_department": "MainDepartment",
    "is_leader_in_dept": "IsLeaderInDept", "direct_leader": "DirectLeader", "position": "Position",
    "mobile": "Mobile", "gender": "Gender", "email": "Email", "biz_mail": "BizMail", "status": "Status",
    "alias": "Alias", "telephone": "Telephone", "address": "Address",
}  # fmt: skip


def _member(change: str, person: Person, body: dict[str, Any], *, reduced: bool) -> str:
    """The event of a member: ids only when reduced, else what was changed."""
    if reduced:
        return event("change_contact", change, UserID=person.user, Department=person.departments)
    renamed = {"NewUserID": person.user} if "new_userid" in body else {}
    fields = {MEMBER_FIELDS[name]: value for name, value in body.items() if name in MEMBER_FIELDS}
    user = body.get("userid", person.user)
    return event("change_contact", change, UserID=user, **renamed, **fields)


def _grown(corp: Corp, count: int) -> list[int]:
    """So many departments: the first 20 below the root, the others below one another, three levels deep."""
    made: list[int] = []
    id = max(corp.departments) + 1
    for number in range(count):
        parent = ROOT if number < 20 else made[(number - 20) // 40 if number < 820 else number % 800]
        corp.departments[id] = Department(id, f"部门{id:05d}", parent, count - number)
        made.append(id)
        id += 1
    return made


def _somebody(number: int, department: int) -> Person:
    """A person of that number, always the same."""
    name = SURNAMES[number % 20] + GIVEN[number // 20 % 24] + GIVEN[number // 480 % 24]
    return Person(
        user=f"sim{number:06d}",
        name=name,
        departments=[department],
        orders=[0],
        leads=[0],
        main_department=department,
        mobile=f"139{number:08d}",
        position="店员",
        gender=str(1 + number % 2),
        status=1,
    )
