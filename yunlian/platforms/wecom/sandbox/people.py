"""The rules of a member's data, for the API, the imports and the admin console alike.

Checks run in this order: shape, required fields, format, uniqueness, references, limits.
"""

import re
from typing import Any

from .calls import Refused, number
from .departments import ORDER
from .state import Corp, Options, Person

USER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_\-@.]{0,63}")
MOBILE = re.compile(r"\+?[0-9][0-9 \-]{4,30}")
EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
TELEPHONE = re.compile(r"[0-9\-+,]{1,32}")
DEPARTMENTS = 100
LEADERS = 5
# Kept and given back, not looked into.
EXTRA = ("avatar_mediaid", "extattr", "external_position", "external_profile", "nickname", "biz_mail_alias")


def created(corp: Corp, options: Options, body: dict[str, Any]) -> Person:
    """A new member."""
    user = body.get("userid")
    if not user:
        raise Refused(41009, "missing userid")
    if not isinstance(user, str) or not USER.fullmatch(user):
        raise Refused(40003, "invalid userid")
    if not body.get("department"):
        raise Refused(60127, "missing department")
    person = Person(user, "", [], [], [], 0)
    _formats(body, needs_name=True)
    departments = _departments(corp, options, body["department"])
    if not body.get("mobile") and not body.get("email"):
        raise Refused(60129, "mobile and email are both empty")
    if user.lower() in corp.people:
        raise Refused(60102, "userid existed")
    _unique(corp, body, "")
    _references(corp, departments, body)
    if len(corp.people) >= corp.seats:
        raise Refused(45024, "out of the account limit")
    _placed(person, departments, body)
    _filled(corp, person, body)
    person.invited = bool(body.get("to_invite", True))
    corp.people[user.lower()] = person
    return person


def updated(corp: Corp, options: Options, body: dict[str, Any]) -> Person:
    """A member with the given fields changed; nothing is, when one of them is wrong."""
    person = found(corp, body.get("userid"))
    new_user = body.get("new_userid")
    _formats(body, needs_name=False)
    departments = (
        _departments(corp, options, body["department"]) if "department" in body else person.departments
    )
    if new_user is not None:
        _may_rename(corp, person, new_user)
    if person.status == 1:
        body = {name: value for name, value in body.items() if name != "mobile"}  # silently left
    _unique(corp, body, person.user.lower())
    mobile, email = (body.get(name, getattr(person, name)) for name in ("mobile", "email"))
    if not mobile and not email:
        raise Refused(60129, "mobile and email are both empty")
    _references(corp, departments, body)
    _placed(person, departments, body)
    _filled(corp, person, body)
    if new_user is not None:
        _renamed(corp, person, new_user)
    return person


def deleted(corp: Corp, user: object, at: float) -> Person:
    """A member who is gone, with all that hangs on them; their customers wait for somebody else."""
    person = found(corp, user)
    if person.founder:
        raise Refused(301005, "cannot delete the creator of the corp")
    del corp.people[person.user.lower()]
    corp.mobiles.pop(plain(person.mobile), None)
    corp.emails.pop(person.email.lower(), None)
    corp.left[person.user] = at
    for tag in corp.tags.values():
        tag.users = [each for each in tag.users if each != person.user]
    return person


def found(corp: Corp, user: object) -> Person:
    """The member of that account, whatever its case."""
    if not user or not isinstance(user, str):
        raise Refused(41009, "missing userid")
    person = corp.people.get(user.lower())
    if person is None:
        raise Refused(60111, "userid not found")
    return person


def _formats(body: dict[str, Any], *, needs_name: bool) -> None:
    name = body.get("name")
    if (needs_name and not name) or ("name" in body and not _text(name, 64)):
        raise Refused(60112, "invalid name")
    for field, pattern, code in (
        ("mobile", MOBILE, 60103),
        ("email", EMAIL, 60105),
        ("telephone", TELEPHONE, 301013),
    ):
        value = body.get(field)
        if value and not (isinstance(value, str) and pattern.fullmatch(value)):
            raise Refused(code, f"invalid {field}")
    if body.get("email") and not 6 <= len(body["email"].encode()) <= 64:
        raise Refused(60105, "invalid email")
    for field, length, code in (("alias", 64, 40058), ("position", 128, 301012), ("address", 128, 40058)):
        if body.get(field) and not _text(body[field], length):
            raise Refused(code, f"invalid {field}")
    if len(body.get("direct_leader") or []) > LEADERS:
        raise Refused(60257, "too many direct leaders")


def _text(value: object, length: int) -> bool:
    return isinstance(value, str) and 1 <= len(value) <= length


def _departments(corp: Corp, options: Options, asked: object) -> list[int]:
    if not isinstance(asked, list) or not asked:
        raise Refused(options.department_not_a_number, "department must be a list of numbers")
    if len(asked) > DEPARTMENTS:
        raise Refused(60110, "too many departments")
    ids = [number(each, options.department_not_a_number) for each in asked]
    if any(each not in corp.departments for each in ids):
        raise Refused(options.unknown_department, "department not found")
    return ids


def _unique(corp: Corp, body: dict[str, Any], itself: str) -> None:
    mobile, email = body.get("mobile"), body.get("email")
    if mobile and corp.mobiles.get(plain(mobile), itself) != itself:
        raise Refused(60104, "mobile existed")
    if email and corp.emails.get(email.lower(), itself) != itself:
        raise Refused(60106, "email existed")


def plain(mobile: str) -> str:
    """A mobile as it is compared: digits, without +86."""
    return mobile.removeprefix("+86").replace(" ", "").replace("-", "")


def _references(corp: Corp, departments: list[int], body: dict[str, Any]) -> None:
    if body.get("main_department") is not None and number(body["main_department"], 60123) not in departments:
        raise Refused(60123, "main_department is not one of department")
    for name in ("is_leader_in_dept", "order"):
        given = body.get(name)
        if given is not None and (not isinstance(given, list) or len(given) != len(departments)):
            raise Refused(60132, f"{name} differs in number from department")
    if any(not 0 <= number(each, 40058) < ORDER for each in body.get("order") or []):
        raise Refused(40058, "invalid order")
    for leader in body.get("direct_leader") or []:
        if str(leader).lower() not in corp.people:
            raise Refused(60111, f"direct leader {leader} not found")


def _may_rename(corp: Corp, person: Person, new_user: object) -> None:
    if not isinstance(new_user, str) or not USER.fullmatch(new_user):
        raise Refused(301021, "invalid new_userid")
    if not person.made_by_wecom:
        raise Refused(301036, "userid can be changed no more")
    if new_user.lower() in corp.people and new_user.lower() != person.user.lower():
        raise Refused(60102, "userid existed")


def _renamed(corp: Corp, person: Person, new_user: str) -> None:
    old = person.user
    del corp.people[old.lower()]
    person.user, person.made_by_wecom = new_user, False
    corp.people[new_user.lower()] = person
    for index in (corp.mobiles, corp.emails):
        index.update({key: new_user.lower() for key, user in index.items() if user == old.lower()})
    for follow in corp.follows:
        follow.user = new_user if follow.user == old else follow.user


def _placed(person: Person, departments: list[int], body: dict[str, Any]) -> None:
    same = departments == person.departments
    zeros = [0] * len(departments)
    person.orders = [int(each) for each in body.get("order") or (person.orders if same else zeros)]
    person.leads = [int(each) for each in body.get("is_leader_in_dept") or (person.leads if same else zeros)]
    person.departments = departments
    if body.get("main_department") is not None:
        person.main_department = int(body["main_department"])
    elif person.main_department not in departments:
        person.main_department = departments[0]


def _filled(corp: Corp, person: Person, body: dict[str, Any]) -> None:
    user = str(body.get("userid", person.user)).lower()
    if "mobile" in body:
        corp.mobiles.pop(plain(person.mobile), None)
        person.mobile = body["mobile"] or ""
        if person.mobile:
            corp.mobiles[plain(person.mobile)] = user
    if "email" in body:
        corp.emails.pop(person.email.lower(), None)
        person.email = body["email"] or ""
        if person.email:
            corp.emails[person.email.lower()] = user
    for name in ("name", "alias", "position", "gender", "telephone", "address", "biz_mail"):
        if name in body:
            setattr(person, name, str(body[name]))
    if "direct_leader" in body:
        person.direct_leaders = [str(each) for each in body["direct_leader"]]
    if "enable" in body:
        person.enable = int(body["enable"])
        person.status = {0: 2, 1: 4 if person.status == 2 else person.status}[person.enable]
    for name in EXTRA:
        if name in body:
            person.extra[name] = _known(corp, body[name]) if name == "extattr" else body[name]


def _known(corp: Corp, extattr: dict[str, Any]) -> dict[str, Any]:
    """Attributes that do not exist in the admin console are silently left."""
    return {"attrs": [each for each in extattr.get("attrs", []) if each.get("name") in corp.attributes]}
