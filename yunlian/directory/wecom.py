"""WeCom as a side of a sync: reads what it lets us read, writes one member or department at a time.

Since 2022 the contacts secret of a new address may write everything and read only ids (48009). Then names come from the
self-built app, if there is one, and otherwise what WeCom was last told stands in for them. Source: wecom.md 5.3, 5.4.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

import httpx
from django.conf import settings

from yunlian.platforms.errors import PlatformError
from yunlian.platforms.wecom import client as wecom
from yunlian.platforms.wecom import departments, members
from yunlian.platforms.wecom.client import App, Client
from yunlian.platforms.wecom.members import Member, Status

from . import connections, stores
from .models import Connection
from .side import Department, Person, Range, Rules

RULES = Rules(
    account=r"[A-Za-z0-9][A-Za-z0-9_\-@.]{0,63}",
    name_max=64,
    department_max=64,
    bad_in_department=r'[\\:*?"<>|]',
    needs_mobile=True,
    is_account_key=True,
    has_many_departments=True,
)
ONLY_IDS = "48009"
GONE = frozenset(("60111", "46004"))
NO_DEPARTMENT = "60003"
EXISTS = "60102"
DEPARTMENT_EXISTS = "60008"
PAGE = 1_000
PATIENCE_S = 90.0  # of a job; a limit of a minute is over by then
_HTTP = httpx.Client(timeout=httpx.Timeout(15, connect=5), trust_env=False)


class WeCom:
    """A Writer over the client of one corp."""

    def __init__(self, conn: Connection, secrets: Mapping[str, str]) -> None:
        self.root = int(conn.root)
        self.rules = RULES
        self.waiting = stores.Waiting()
        shared = wecom.Connection(
            settings.WECOM_URL, _HTTP, stores.TOKENS, stores.pace(self.waiting, PATIENCE_S)
        )
        self.contacts = wecom.client(
            shared, App(conn.corp_id, secrets.get("contacts_secret", ""), name="contacts")
        )
        agent, secret = conn.settings.get("agent_id", ""), secrets.get("agent_secret", "")
        self.app: Client | None = None
        if agent.isdecimal() and secret:
            self.app = wecom.client(shared, App(conn.corp_id, secret, int(agent)))
        self.customers: Client | None = None
        if secrets.get("customer_secret"):
            self.customers = wecom.client(
                shared, App(conn.corp_id, secrets["customer_secret"], name="customers")
            )

    @property
    def waited_s(self) -> float:
        return self.waiting.seconds

    def range(self) -> Range:
        self._know()
        return Range(tops=(str(self.root),))

    @cached_property
    def _named(self) -> tuple[Client | None, dict[int, str]]:
        """Who may read names, and those of the departments: the contacts secret, else the app, else nobody."""
        try:
            tree = departments.tree(self.contacts, self.root)
            return self.contacts, {each.id or 0: each.name or "" for each in tree}
        except PlatformError as error:
            if error.code != ONLY_IDS:
                raise
        if self.app is None:
            return None, {}
        return self.app, {each.id or 0: each.name or "" for each in departments.tree(self.app)}

    @property
    def _details(self) -> Client | None:
        return self._named[0]

    def _know(self) -> None:
        """Find out what we are not told."""
        untold: set[str] = set()
        if self._details is None:
            untold = {"name", "mobile", "position", "is_active"}
        elif self._details is self.app:
            untold = {"mobile"}
        self.rules = replace(RULES, untold=frozenset(untold))

    @cached_property
    def _tree(self) -> dict[str, Department]:
        """Our part of the tree; with names as far as somebody tells them."""
        names = self._named[1]
        return {
            str(each.id): _department(replace(each, name=names.get(each.id or 0) or each.name))
            for each in departments.ids(self.contacts, self.root)
        }

    def departments(self) -> Iterable[Department]:
        return self._tree.values()

    def people(self, departments: Sequence[str]) -> Iterator[list[Person]]:
        if self._details is None:
            yield from self._ids()
            return
        told: set[str] = set()
        for key in departments:
            page = [_person(each) for each in members.of_department(self._details, int(key))]
            told |= {each.key.casefold() for each in page}
            yield page
        if self._details is self.app:
            # Whom the app does not see are there all the same.
            for rest in self._ids():
                yield [each for each in rest if each.key.casefold() not in told]

    def _ids(self) -> Iterator[list[Person]]:
        """Everybody in the corp by id, once for each department; who stands elsewhere may be somebody's rival."""
        page: list[Person] = []
        for placed in members.ids(self.contacts):
            page.append(Person(placed.user, "", placed.user, departments=(str(placed.department),)))
            if len(page) == PAGE:
                yield page
                page = []
        if page:
            yield page

    def department(self, key: str) -> Department | None:
        try:
            self._know()
            return self._tree.get(key)
        except PlatformError as error:
            if error.code == NO_DEPARTMENT:  # the root itself is gone
                return None
            raise

    def person(self, key: str) -> Person | None:
        self._know()
        if self._details is None:
            return self._by_id.get(key.casefold())
        try:
            return _person(members.get(self._details, key))
        except PlatformError as error:
            if error.code in GONE:
                return None
            if self._details is self.app and error.code in ("60011", "60021", "50002"):
                return self._by_id.get(key.casefold())
            raise

    @cached_property
    def _by_id(self) -> dict[str, Person]:
        found: dict[str, Person] = {}
        for page in self._ids():
            for each in page:
                known = found.get(each.key.casefold())
                places = (*known.departments, *each.departments) if known else each.departments
                found[each.key.casefold()] = replace(each, departments=places)
        return found

    def add_department(self, name: str, parent: str, *, key: str = "") -> str:
        wanted = departments.Department(int(key) if key else None, name, int(parent))
        try:
            return str(departments.create(self.contacts, wanted))
        except PlatformError as error:
            if error.code != DEPARTMENT_EXISTS:
                raise
            there = {each.id: each for each in departments.ids(self.contacts, int(parent))}
            if not key or int(key) not in there or there[int(key)].parent != int(parent):
                raise
            # Made by an earlier try of ours: nobody else takes this number.
            departments.update(self.contacts, wanted)
            return key

    def change_department(self, key: str, *, name: str | None = None, parent: str | None = None) -> None:
        above = None if parent is None else int(parent)
        departments.update(self.contacts, departments.Department(int(key), name, above))

    def remove_department(self, key: str) -> None:
        try:
            departments.delete(self.contacts, int(key))
        except PlatformError as error:
            if error.code != NO_DEPARTMENT:
                raise

    def add_person(self, person: Person, *, is_retry: bool) -> str:
        places = tuple(int(key) for key in person.departments)
        member = Member(
            person.account, person.name, places, main_department=places[0], mobile=person.mobile,
            position=person.position or None,
        )  # fmt: skip
        try:
            members.create(self.contacts, member, invite=False)
        except PlatformError as error:
            if error.code != EXISTS or not is_retry:
                raise
            members.update(self.contacts, member)
        return person.account

    def change_person(self, key: str, *, account: str | None = None, **fields: Any) -> str:
        given: dict[str, Any] = {
            name: fields[name] for name in ("name", "mobile", "position") if name in fields
        }
        if "departments" in fields:
            places = tuple(int(each) for each in fields["departments"])
            given |= {"departments": places, "main_department": places[0]}
        members.update(self.contacts, Member(key, **given), new_user=account)
        return account or key

    def switch_person(self, key: str, *, is_active: bool) -> None:
        members.update(self.contacts, Member(key, enabled=is_active))

    def remove_person(self, key: str) -> None:
        try:
            members.delete(self.contacts, key)
        except PlatformError as error:
            if error.code not in GONE:
                raise


def _department(each: departments.Department) -> Department:
    return Department(str(each.id), each.name or "", str(each.parent) if each.parent else "")


def _person(each: Member) -> Person:
    places = [str(key) for key in each.departments or ()]
    main = str(each.main_department) if each.main_department else ""
    if main in places:
        places = [main, *(key for key in places if key != main)]
    gone = each.enabled is False or each.status in (Status.DISABLED, Status.LEFT)
    return Person(
        each.user,
        each.name or "",
        each.user,
        each.mobile or "",
        tuple(places),
        True,
        each.position or "",
        not gone,
    )


@connections.adapter("wecom")
def _make(conn: Connection, secrets: Mapping[str, str]) -> WeCom:
    return WeCom(conn, secrets)
