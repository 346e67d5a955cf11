"""What administrators do with people and departments, and whom it is told."""

from typing import Any

from yunlian.platforms.sandbox.control import Wrong
from yunlian.platforms.sandbox.platform import Sandbox

from .happenings import in_corp, of_person, of_role, to_department, to_person
from .ranges import path_up, sees_person
from .world import ROOT, Corp, Department, DingTalk, Leaver, Person, Role, union_id

SURNAMES = "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗"
GIVEN = "伟芳娜敏静丽强磊军洋勇艳杰涛明超秀霞平刚桂英华玉梅鑫宇晨浩然"
FANOUT = 9  # children of a department in a made-up tree
PERSON_FIELDS = (
    "name",
    "mobile",
    "email",
    "title",
    "job_number",
    "active",
    "level",
    "may_manage_apps",
    "manager",
)
LISTS = ("departments", "leads", "roles", "manages")


def corp_of(state: DingTalk, corp_id: str) -> Corp:
    """Wrong when there is none."""
    if corp_id not in state.corps:
        raise Wrong(f"there is no corp {corp_id}")
    return state.corps[corp_id]


def person_of(corp: Corp, userid: str) -> Person:
    """Wrong when there is nobody."""
    if userid not in corp.people:
        raise Wrong(f"there is nobody with the id {userid}")
    return corp.people[userid]


def save_person(sandbox: Sandbox, asked: dict[str, Any]) -> dict[str, Any]:
    """Hire somebody (no `userid`), or change what is named."""
    state = sandbox.world.part(DingTalk)
    with sandbox.world.change():
        corp = corp_of(state, str(asked.get("corp_id")))
        _sound(corp, asked)
        if userid := str(asked.get("userid") or ""):
            return {"userid": _changed(sandbox, corp, person_of(corp, userid), asked).userid}
        if not asked.get("name") or not asked.get("mobile"):
            raise Wrong("a person needs name and mobile")
        person = Person(
            _userid(state, corp, str(asked["mobile"])), union_id(str(asked["mobile"])), "", "", [ROOT]
        )
        _set(person, asked)
        corp.people[person.userid] = person
        to_person(sandbox, corp, "user_add_org", person)
        return {"userid": person.userid}


def leave(sandbox: Sandbox, asked: dict[str, Any]) -> dict[str, Any]:
    """Somebody leaves the corp (离职)."""
    with sandbox.world.change():
        corp = corp_of(sandbox.world.part(DingTalk), str(asked.get("corp_id")))
        person = person_of(corp, str(asked.get("userid")))
        to_person(sandbox, corp, "user_leave_org", person)
        del corp.people[person.userid]
        corp.leavers.append(Leaver(person, sandbox.world.now(), str(asked.get("reason") or "个人原因")))
        for install in corp.installs.values():
            install.users = [each for each in install.users if each != person.userid]
    return {}


def save_department(sandbox: Sandbox, asked: dict[str, Any]) -> dict[str, Any]:
    """Make a department (no `id`), rename or move it."""
    with sandbox.world.change():
        corp = corp_of(sandbox.world.part(DingTalk), str(asked.get("corp_id")))
        name, parent = str(asked.get("name") or ""), int(asked.get("parent_id") or ROOT)
        if not name or parent not in corp.departments:
            raise Wrong("a department needs a name and a parent that is there")
        if given := asked.get("id"):
            found = _department(corp, int(given))
            if found.id != ROOT and found.id in path_up(corp, parent):
                raise Wrong("a department cannot be moved below itself")
            found.name, found.parent_id = name, 0 if found.id == ROOT else parent
            to_department(sandbox, corp, "org_dept_modify", found)
        else:
            found = _made(corp, name, parent)
            to_department(sandbox, corp, "org_dept_create", found)
        return {"id": found.id}


def remove_department(sandbox: Sandbox, asked: dict[str, Any]) -> dict[str, Any]:
    """Remove an empty department."""
    with sandbox.world.change():
        corp = corp_of(sandbox.world.part(DingTalk), str(asked.get("corp_id")))
        found = _department(corp, int(asked.get("id") or 0))
        below = any(each.parent_id == found.id for each in corp.departments.values())
        if found.id == ROOT or below or any(found.id in each.departments for each in corp.people.values()):
            raise Wrong("only an empty department can be removed")
        del corp.departments[found.id]
        for install in corp.installs.values():
            install.departments = [each for each in install.departments if each != found.id]
        to_department(sandbox, corp, "org_dept_remove", found)
    return {}


def save_role(sandbox: Sandbox, asked: dict[str, Any]) -> dict[str, Any]:
    """Make a role label, or rename one."""
    with sandbox.world.change():
        corp = corp_of(sandbox.world.part(DingTalk), str(asked.get("corp_id")))
        if not asked.get("name"):
            raise Wrong("a role needs a name")
        known = int(asked.get("id") or 0)
        role = Role(
            known or max(corp.roles, default=0) + 1, str(asked["name"]), str(asked.get("group") or "默认")
        )
        corp.roles[role.id] = role
        news = of_role("org_role_modify" if known else "org_role_add", role)
        in_corp(sandbox, corp, news, seen=lambda _: True)
        return {"id": role.id}


def rename_corp(sandbox: Sandbox, asked: dict[str, Any]) -> dict[str, Any]:
    """The corp itself is renamed, and with it the root department; or its monthly quota of calls is set."""
    with sandbox.world.change():
        corp = corp_of(sandbox.world.part(DingTalk), str(asked.get("corp_id")))
        if "monthly_calls" in asked:
            corp.monthly_calls = None if asked["monthly_calls"] is None else int(asked["monthly_calls"])
            sandbox.world.part(DingTalk).calls.pop(corp.corp_id, None)
        if asked.get("name"):
            corp.name = corp.departments[ROOT].name = str(asked["name"])
    return {}


def fill(sandbox: Sandbox, asked: dict[str, Any]) -> dict[str, Any]:
    """Make so many more people in so many more departments, without events: they were there before anybody looked."""
    with sandbox.world.change():
        corp = corp_of(sandbox.world.part(DingTalk), str(asked.get("corp_id")))
        people, departments = int(asked.get("people") or 0), int(asked.get("departments") or 0)
        if not 0 <= people <= 200_000 or not 0 <= departments <= 10_000:
            raise Wrong("at most 200000 people in 10000 departments")
        made: list[int] = []
        for at in range(departments):
            parent = made[(at - FANOUT) // FANOUT] if at >= FANOUT else ROOT
            made.append(_made(corp, f"部门{at + 1:04}", parent).id)
        places = made or [ROOT]
        for at in range(people):
            _fill_one(corp, at, places[at % len(places)])
    return {"people": len(corp.people), "departments": len(corp.departments)}


def _fill_one(corp: Corp, at: int, department: int) -> None:
    corp.last_person += 1
    number = corp.last_person
    name = (
        SURNAMES[at % len(SURNAMES)] + GIVEN[at // len(SURNAMES) % len(GIVEN)] + GIVEN[at // 7 % len(GIVEN)]
    )
    mobile = f"1{39_0000_0000 + int(corp.corp_id[-1:] or 0) * 1_0000_000 + number:010}"
    userid = f"u{number}"
    leads = [department] if at % 25 == 0 else []
    corp.people[userid] = Person(
        userid, union_id(mobile), name, mobile, [department], job_number=f"G{number}", leads=leads
    )


def _made(corp: Corp, name: str, parent: int) -> Department:
    corp.last_department += 1
    found = Department(corp.last_department, name, parent, corp.last_department)
    corp.departments[found.id] = found
    return found


def _department(corp: Corp, dept_id: int) -> Department:
    if dept_id not in corp.departments:
        raise Wrong(f"there is no department {dept_id}")
    return corp.departments[dept_id]


def _userid(state: DingTalk, corp: Corp, mobile: str) -> str:
    """Somebody who was here before comes back under a new id, or the old one: nobody is sure."""
    if any(each.mobile == mobile for each in corp.people.values()):
        raise Wrong(f"{mobile} is somebody's already")
    if state.switches.rehired_keep_userid:
        for each in corp.leavers:
            if each.person.mobile == mobile:
                return each.person.userid
    corp.last_person += 1
    return f"u{corp.last_person}"


def _sound(corp: Corp, asked: dict[str, Any]) -> None:
    for each in asked.get("departments") or ():
        _department(corp, int(each))
    if "departments" in asked and not asked["departments"]:
        raise Wrong("a person is in at least one department")


def _set(person: Person, asked: dict[str, Any]) -> None:
    for name in PERSON_FIELDS:
        if name in asked:
            setattr(person, name, type(getattr(person, name))(asked[name]))
    for name in LISTS:
        if name in asked:
            setattr(person, name, [int(each) for each in asked[name]])


def _changed(sandbox: Sandbox, corp: Corp, person: Person, asked: dict[str, Any]) -> Person:
    state = sandbox.world.part(DingTalk)
    was = (list(person.departments), list(person.roles))
    saw = {install.app_key for _, install in state.installs(corp) if sees_person(corp, install, person)}
    _set(person, asked)
    name = "user_modify_org"
    if person.departments != was[0]:
        name = "user_dept_change"
    elif person.roles != was[1]:
        name = "user_role_change"
    to_person(sandbox, corp, name, person)
    if state.switches.leaving_range_tells:
        gone = of_person("user_leave_org", person)
        in_corp(
            sandbox, corp, gone,
            seen=lambda install: install.app_key in saw and not sees_person(corp, install, person),
        )  # fmt: skip
    return person
