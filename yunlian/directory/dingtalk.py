"""DingTalk as a side of a sync: the visible range of our app is who is here. It is read, never written.

No call lists everybody, so the departments are walked. Source: dingtalk.md 5.1 and 5.5, manual 003.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property

import httpx
from django.conf import settings

from yunlian.platforms.dingtalk import departments, scopes, users
from yunlian.platforms.dingtalk.api import Api, Bases
from yunlian.platforms.dingtalk.client import App, Client, InternalApp
from yunlian.platforms.dingtalk.refusals import GONE, NO_DEPARTMENT, OUT_OF_RANGE
from yunlian.platforms.dingtalk.scopes import Scope
from yunlian.platforms.dingtalk.users import User
from yunlian.platforms.errors import PlatformError

from . import connections, stores, suites
from .models import Connection
from .side import Department, Person, Range, Rules

PAGE = 500
PATIENCE_S = 90.0
_HTTP = httpx.Client(timeout=15, trust_env=False)


def bases() -> Bases:
    """Return where DingTalk is, or its sandbox."""
    return Bases.at(settings.DINGTALK_URL) if settings.DINGTALK_URL else Bases()


class DingTalk:
    """A Reader over one app in one corp."""

    rules = Rules(has_many_departments=True)

    def __init__(self, conn: Connection, secrets: Mapping[str, str]) -> None:
        self.root = int(conn.root)
        self.waiting = stores.Waiting()
        pace = stores.pace(self.waiting, PATIENCE_S)
        self.api = Api(bases(), pace=pace, http=_HTTP, sleep=self.waiting.sleep)
        app: App
        if conn.origin == "market":
            app = suites.app_of(conn.settings["suite_key"])
        else:
            app = InternalApp(conn.settings.get("app_key", ""), secrets.get("app_secret", ""))
        self.client = Client(self.api, app, conn.corp_id, stores.TOKENS)

    @cached_property
    def _scope(self) -> Scope:
        return scopes.visible_range(self.client)

    @property
    def _singles(self) -> tuple[str, ...]:
        """People we may see without their department."""
        return self._scope.users if self.root == departments.ROOT else ()

    @property
    def waited_s(self) -> float:
        return self.waiting.seconds

    @property
    def _tops(self) -> tuple[int, ...]:
        """The departments we begin at: all we may see, or one."""
        return self._scope.departments if self.root == departments.ROOT else (self.root,)

    def range(self) -> Range:
        whole = departments.ROOT in self._tops
        counted = users.counted(self.client, only_active=False) if whole else None
        return Range(tuple(str(key) for key in self._tops), self._singles, counted)

    def departments(self) -> Iterable[Department]:
        seen: set[int] = set()
        waiting = [departments.detail(self.client, each).department for each in reversed(self._tops)]
        while waiting:
            each = waiting.pop()
            if each.id not in seen:
                seen.add(each.id)
                yield _department(each)
                waiting += reversed(departments.below(self.client, each.id))

    def people(self, departments: Sequence[str]) -> Iterator[list[Person]]:
        page: list[Person] = []
        for key in departments:
            for each in users.members(self.client, int(key)):
                page.append(_person(each))
                if len(page) >= PAGE:
                    yield page
                    page = []
        page += [person for key in self._singles if (person := self.person(key)) is not None]
        if page:
            yield page

    def department(self, key: str) -> Department | None:
        try:
            return _department(departments.detail(self.client, int(key)).department)
        except PlatformError as error:
            if error.code in NO_DEPARTMENT | OUT_OF_RANGE:
                return None
            raise

    def person(self, key: str) -> Person | None:
        try:
            return _person(users.one(self.client, key))
        except PlatformError as error:
            if error.code in GONE | OUT_OF_RANGE:
                return None
            raise


def _department(each: departments.Department) -> Department:
    return Department(str(each.id), each.name, str(each.parent_id) if each.parent_id else "")


def _person(each: User) -> Person:
    places = tuple(str(key) for key in each.departments)
    mobile = (
        f"+{each.state_code}-{each.mobile}"
        if each.mobile and each.state_code not in ("", "86")
        else each.mobile
    )
    return Person(
        each.id,
        each.name,
        each.id,
        mobile,
        places,
        len(places) < 2,
        each.title,
        True,
        each.admin,
        each.union_id,
    )


@connections.adapter("dingtalk")
def _make(conn: Connection, secrets: Mapping[str, str]) -> DingTalk:
    return DingTalk(conn, secrets)
