"""department/*: the tree with its checks."""

from typing import Any

from ..departments import ROOT
from .calls import ANYONE, CONTACTS, CUSTOMERS, Call, Refused, api, number
from .ranges import Range, below
from .state import Corp, Department

FORBIDDEN = set('\\:*?"<>|')
NAME_LENGTH = 64
LEVELS = 15
CHILDREN = 30_000
ORDER = 2**32
WRITERS = frozenset({CONTACTS})
READERS = ANYONE - {CUSTOMERS}


def need_edit(call: Call) -> None:
    """Writes want the switch "API may edit"."""
    if not call.corp.api_edit:
        raise Refused(call.state.options.writes_before_edit, "api forbidden: editing by API is off")


@api("POST", "department/create", WRITERS)
def _create(call: Call) -> dict[str, Any]:
    need_edit(call)
    asked = call.body.get("id")
    id = None if asked is None else number(asked, 60123)
    department = made(call.corp, call.body, id)
    return {"errmsg": "created", "id": department.id}


@api("POST", "department/update", WRITERS)
def _update(call: Call) -> dict[str, Any]:
    need_edit(call)
    changed(call.corp, call.number("id", 60123), call.body)
    return {"errmsg": "updated"}


@api("GET", "department/delete", WRITERS)
def _delete(call: Call) -> dict[str, Any]:
    need_edit(call)
    removed(call.corp, call.number("id", 60123))
    return {"errmsg": "deleted"}


@api("GET", "department/list", READERS)
def _listed(call: Call) -> dict[str, Any]:
    need_details(call)
    leaders = _leaders(call.corp)
    return {"department": [_told(call.corp.departments[each], leaders) for each in _subtree(call)]}


@api("GET", "department/simplelist", READERS)
def _simple(call: Call) -> dict[str, Any]:
    found = [call.corp.departments[each] for each in _subtree(call)]
    return {
        "department_id": [{"id": each.id, "parentid": each.parent, "order": each.order} for each in found]
    }


@api("GET", "department/get", READERS)
def _get(call: Call) -> dict[str, Any]:
    if call.state.options.simplelist_blocked_too:
        need_details(call)
    id = call.number("id", 60123)
    Range(call).need_department(call.corp, id)
    return {"department": _told(call.corp.departments[id], _leaders(call.corp))}


def need_details(call: Call) -> None:
    """Addresses added to contacts-sync after 2022-08-15 may not read details."""
    if call.token.kind == CONTACTS and call.corp.new_contacts_ip:
        raise Refused(48009, "api forbidden for new ip of contacts sync")


def _subtree(call: Call) -> list[int]:
    seen = Range(call)
    if call.query.get("id"):
        id = call.number("id", 60123)
        seen.need_department(call.corp, id)
        return sorted(below(call.corp, [id]) & seen.departments)
    return sorted(seen.departments)


def _leaders(corp: Corp) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {}
    for person in corp.people.values():
        for department, leads in zip(person.departments, person.leads, strict=True):
            if leads:
                found.setdefault(department, []).append(person.user)
    return found


def _told(each: Department, leaders: dict[int, list[str]]) -> dict[str, Any]:
    return {
        "id": each.id, "name": each.name, "name_en": each.name_en, "parentid": each.parent, "order": each.order,
        "department_leader": leaders.get(each.id, []),
    }  # fmt: skip


def made(corp: Corp, body: dict[str, Any], id: int | None) -> Department:
    """A new department, after all checks: shape, required, format, uniqueness, references, limits."""
    name = _name(body.get("name"))
    name_en = _name(body["name_en"]) if body.get("name_en") else ""
    if body.get("parentid") is None:
        raise Refused(60124, "missing parentid")
    parent, order = number(body["parentid"], 60124), _order(body)
    if id is not None and not 1 < id < ORDER:
        raise Refused(60123, "invalid department id")
    if id in corp.departments:
        raise Refused(60008, "department id exists")
    if parent not in corp.departments:
        raise Refused(60004, "parent department not found")
    _unique(corp, name, parent, None)
    _fits(corp, parent)
    department = Department(id or max(corp.departments) + 1, name, parent, order, name_en)
    corp.departments[department.id] = department
    return department


def changed(corp: Corp, id: int, body: dict[str, Any]) -> Department:
    """A department with the given fields changed."""
    department = corp.departments.get(id)
    if department is None:
        raise Refused(60003, "department not found")
    name = _name(body["name"]) if body.get("name") is not None else department.name
    parent = department.parent if body.get("parentid") is None else number(body["parentid"], 60124)
    if parent != department.parent:
        _may_move(corp, id, parent)
    if id != ROOT:
        _unique(corp, name, parent, id)
    department.name, department.parent = name, parent
    if body.get("order") is not None:
        department.order = _order(body)
    if body.get("name_en") is not None:
        department.name_en = _name(body["name_en"]) if body["name_en"] else ""
    return department


def _may_move(corp: Corp, id: int, parent: int) -> None:
    if parent not in corp.departments:
        raise Refused(60004, "parent department not found")
    if id == ROOT:
        raise Refused(60007, "root department cannot be moved")
    if parent in below(corp, [id]):
        raise Refused(60010, "the department would lie below itself")
    _fits(corp, parent)


def removed(corp: Corp, id: int) -> None:
    """Delete an empty department."""
    if id == ROOT:
        raise Refused(60007, "cannot delete root department")
    if id not in corp.departments:
        raise Refused(60003, "department not found")
    if any(id in person.departments for person in corp.people.values()):
        raise Refused(60005, "department contains user")
    if any(each.parent == id for each in corp.departments.values()):
        raise Refused(60006, "department contains sub-department")
    del corp.departments[id]


def _name(name: object) -> str:
    if not isinstance(name, str) or not 1 <= len(name) <= NAME_LENGTH:
        raise Refused(60001, "department name length invalid")
    if FORBIDDEN & set(name):
        raise Refused(60009, "department name contains illegal characters")
    return name


def _order(body: dict[str, Any]) -> int:
    order = number(body.get("order") or 0, 40058)
    if not 0 <= order < ORDER:
        raise Refused(40058, "invalid order")
    return order


def _unique(corp: Corp, name: str, parent: int, itself: int | None) -> None:
    for each in corp.departments.values():
        if each.parent == parent and each.name == name and each.id != itself:
            raise Refused(60008, "department name exists")


def _fits(corp: Corp, parent: int) -> None:
    if sum(each.parent == parent for each in corp.departments.values()) >= CHILDREN:
        raise Refused(81001, "too many sub-departments")
    level, at = 1, parent
    while at != ROOT:
        level, at = level + 1, corp.departments[at].parent
    if level >= LEVELS:
        raise Refused(81002, "department tree too deep")
