"""Which departments and people a token sees: the visible range 可见范围 of an app, everything for the others."""

from collections.abc import Iterable

from .calls import APP, DOWNSTREAM, Call, Refused
from .state import Corp, Person


def below(corp: Corp, roots: Iterable[int]) -> set[int]:
    """The departments and all below them."""
    children: dict[int, list[int]] = {}
    for each in corp.departments.values():
        children.setdefault(each.parent, []).append(each.id)
    found: set[int] = set()
    waiting = [each for each in roots if each in corp.departments]
    while waiting:
        at = waiting.pop()
        if at not in found:
            found.add(at)
            waiting += children.get(at, [])
    return found


class Range:
    """What a call sees. Departments are found once per call."""

    def __init__(self, call: Call) -> None:
        self.limited = call.token.kind in (APP, DOWNSTREAM)
        corp = call.corp
        if not self.limited:
            self.departments = set(corp.departments)
            self.users: set[str] = set()
            return
        app = call.app
        self.departments = below(corp, [*app.departments, *_of_tags(corp, app.tags)])
        tagged = {user for tag in app.tags if tag in corp.tags for user in corp.tags[tag].users}
        self.users = {each.lower() for each in (*app.users, *tagged)}

    def sees(self, person: Person) -> bool:
        """Is this person in range."""
        return (
            not self.limited
            or person.user.lower() in self.users
            or not self.departments.isdisjoint(person.departments)
        )

    def need_department(self, corp: Corp, id: int) -> None:
        """Refused with 60003 when there is none, 60011 when it is out of range."""
        if id not in corp.departments:
            raise Refused(60003, "department not found")
        if id not in self.departments:
            raise Refused(60011, "no privilege to access/modify contact/party/agent")

    def need_person(self, corp: Corp, user: str) -> Person:
        """Refused with 60111 when there is none, 60011 when out of range."""
        person = corp.people.get(user.lower())
        if person is None:
            raise Refused(60111, "userid not found")
        if not self.sees(person):
            raise Refused(60011, "no privilege to access/modify contact/party/agent")
        return person


def _of_tags(corp: Corp, tags: list[int]) -> list[int]:
    return [each for tag in tags if tag in corp.tags for each in corp.tags[tag].departments]
