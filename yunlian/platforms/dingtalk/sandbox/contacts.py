"""Departments, people and roles as an app sees them: the visible range, paging, and what a third party is not told."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from .asking import Ask, Path, Refused, new, old
from .ranges import children, members, path_up, sees_department, sees_person, subtree
from .world import App, Corp, Department, Person

PAGE_MAX = 100
FIELDS = [
    "name",
    "userid",
    "avatar",
    "department",
    "position",
    "jobnumber",
    "isAdmin",
    "isLeader",
    "isHide",
    "deviceId",
]
# What a third-party app is never told.
HIDDEN = (
    "mobile",
    "state_code",
    "email",
    "org_email",
    "telephone",
    "work_place",
    "remark",
    "extension",
    "hired_date",
)
ADMIN = (1, 2)


def _scopes(ask: Ask) -> Any:
    _, _, install = ask.caller()
    return {
        "condition_field": [],
        "auth_user_field": FIELDS,
        "auth_org_scopes": {"authed_user": install.users, "authed_dept": install.departments},
    }


def _listsub(ask: Ask) -> Any:
    _, corp, install = ask.caller()
    parent = _department(corp, ask.number("dept_id", 1))
    if not sees_department(corp, install, parent.id):
        raise Refused("50004", "部门不在可见范围")
    return [_brief(corp.departments[each]) for each in children(corp, parent.id)]


def _listsubid(ask: Ask) -> Any:
    _, corp, _ = ask.caller()
    return {"dept_id_list": children(corp, _department(corp, ask.number("dept_id", 1)).id)}


def _get_department(ask: Ask) -> Any:
    app, corp, install = ask.caller()
    found = _department(corp, ask.number("dept_id"))
    if not sees_department(corp, install, found.id):
        raise Refused("50004", "部门不在可见范围")
    direct, below = members(corp, found.id), subtree(corp, found.id)
    return _brief(found) | {
        "order": found.order,
        "dept_manager_userid_list": [each.userid for each in direct if found.id in each.leads],
        "member_count": sum(bool(below.intersection(each.departments)) for each in corp.people.values()),
        "owning_member_count": len(direct),
        "hide_dept": False, "dept_permits": [], "user_permits": [], "outer_dept": False,
        "outer_permit_depts": [], "outer_permit_users": [], "group_contain_sub_dept": False,
    } | ({} if app.is_suite else {"tags": "", "from_union_org": False})  # fmt: skip


def _listparentbydept(ask: Ask) -> Any:
    _, corp, _ = ask.caller()
    return {"parent_id_list": path_up(corp, _department(corp, ask.number("dept_id")).id)}


def _listparentbyuser(ask: Ask) -> Any:
    _, corp, _ = ask.caller()
    person = person_of(corp, ask.text("userid"))
    return {"parent_list": [{"parent_dept_id_list": path_up(corp, each)} for each in person.departments]}


def _list_users(shape: Callable[[App, Person, int], dict[str, Any]]) -> Callable[[Ask], Any]:
    def handle(ask: Ask) -> Any:
        app, corp, install = ask.caller()
        cursor, size = ask.number("cursor"), ask.number("size")
        if cursor < 0:
            raise Refused("40068", "不合法的偏移量")
        if not 1 <= size <= PAGE_MAX:
            raise Refused("40069", "不合法的分页大小")
        found = _department(corp, ask.number("dept_id"))
        if not sees_department(corp, install, found.id):
            raise Refused("50004", "部门不在可见范围")
        everybody = members(corp, found.id)
        page = everybody[cursor : cursor + size]
        more = cursor + size < len(everybody)
        answer = {"has_more": more, "list": [shape(app, each, found.id) for each in page]}
        return answer | ({"next_cursor": cursor + size} if more else {})

    return handle


def _listid(ask: Ask) -> Any:
    _, corp, _ = ask.caller()
    found = _department(corp, ask.number("dept_id"))
    return {"userid_list": [each.userid for each in members(corp, found.id)]}


def _get_user(ask: Ask) -> Any:
    app, corp, install = ask.caller()
    person = person_of(corp, ask.text("userid"))
    if not sees_person(corp, install, person):
        raise Refused("50002", "员工不在可见范围")
    roles = [corp.roles[each] for each in person.roles if each in corp.roles]
    manager = {"manager_userid": person.manager} if person.manager else {}
    return _detail(app, person) | manager | {
        "dept_order_list": [{"dept_id": each, "order": 1} for each in person.departments],
        "leader_in_dept": [{"dept_id": each, "leader": each in person.leads} for each in person.departments],
        "role_list": [{"id": each.id, "name": each.name, "group_name": each.group} for each in roles],
        "real_authed": True, "senior": False, "union_emp_ext": {},
    }  # fmt: skip


def _getbymobile(ask: Ask) -> Any:
    app, corp, install = ask.caller()
    if app.is_suite:
        raise Refused("60011", "没有调用该接口的权限")
    mobile = ask.text("mobile")
    if not (mobile.isdecimal() and len(mobile) == 11):
        raise Refused("40103", "不合法的手机号")
    for each in corp.people.values():
        if each.mobile == mobile and sees_person(corp, install, each):
            return {"userid": each.userid}
    raise Refused("60121", "找不到该用户")


def _getbyunionid(ask: Ask) -> Any:
    _, corp, install = ask.caller()
    for each in corp.people.values():
        if each.unionid == ask.text("unionid") and sees_person(corp, install, each):
            return {"contact_type": 0, "userid": each.userid}
    raise Refused("60121", "找不到该用户")


def _count(ask: Ask) -> Any:
    _, corp, _ = ask.caller()
    only_active = ask.text("only_active") in ("True", "true")
    return {"count": sum(each.active or not only_active for each in corp.people.values())}


def _listadmin(ask: Ask) -> Any:
    _, corp, _ = ask.caller()
    return [
        {"userid": each.userid, "sys_level": each.level}
        for each in corp.people.values()
        if each.level in ADMIN
    ]


def _get_admin_scope(ask: Ask) -> Any:
    _, corp, _ = ask.caller()
    return {"dept_ids": person_of(corp, ask.text("userid")).manages}


def _can_access(ask: Ask) -> Any:
    _, corp, install = ask.caller()
    person = corp.people.get(ask.text("userId"))
    return {"canAccess": person is not None and sees_person(corp, install, person)}


def _admin_access(ask: Ask) -> Any:
    _, corp, _ = ask.caller()
    person = corp.people.get(ask.at["user_id"])
    return {"result": person is not None and may_manage(person)}


def _leavers(ask: Ask) -> Any:
    app, corp, _ = ask.caller()
    if app.is_suite:
        code = "Forbidden.AccessDenied.AccessTokenPermissionDenied"
        raise Refused(code, "应用尚未开通所需的权限", 403)
    start = _at(ask, "startTime")
    end = _at(ask, "endTime") if ask.query.get("endTime") else ask.now + 1
    offset, size = ask.number("nextToken"), ask.number("maxResults")
    if not 1 <= size <= 50:
        raise Refused("invalidParameter.param.invalid", "maxResults")
    found = [each for each in corp.leavers if start <= each.at <= end]
    rows = [
        {"userId": each.person.userid, "name": each.person.name, "stateCode": "86", "mobile": each.person.mobile,
         "leaveTime": _moment(each.at), "leaveReason": each.reason}
        for each in found[offset : offset + size]
    ]  # fmt: skip
    more = {"nextToken": str(offset + size)} if offset + size < len(found) else {}
    return {"records": rows} | more


def _roles(ask: Ask) -> Any:
    _, corp, _ = ask.caller()
    groups: dict[str, list[dict[str, Any]]] = {}
    for each in corp.roles.values():
        groups.setdefault(each.group, []).append({"id": each.id, "name": each.name})
    rows = [
        {"groupId": at + 1, "name": name, "roles": roles} for at, (name, roles) in enumerate(groups.items())
    ]
    return _offset_page(ask, rows)


def _role_holders(ask: Ask) -> Any:
    _, corp, install = ask.caller()
    role = ask.number("role_id")
    if role not in corp.roles:
        raise Refused("60121", "角色不存在")
    found = [each for each in corp.people.values() if role in each.roles and sees_person(corp, install, each)]
    return _offset_page(ask, [{"userid": each.userid, "name": each.name} for each in found])


def _offset_page(ask: Ask, rows: list[dict[str, Any]]) -> dict[str, Any]:
    offset, size = ask.number("offset", 0), ask.number("size", 20)
    if not 1 <= size <= 200:
        raise Refused("40069", "不合法的分页大小")
    return {"hasMore": offset + size < len(rows), "list": rows[offset : offset + size]}


def _usable(ask: Ask) -> Any:
    app, _, install = ask.caller()
    if app.is_suite:
        raise Refused("Forbidden.AccessDenied.AccessTokenPermissionDenied", "仅企业内部应用可用", 403)
    roles: list[int] = []
    found = {
        "userIds": install.users,
        "deptIds": install.departments,
        "roleIds": roles,
        "onlyAdminVisible": False,
    }
    return {"result": found}


def person_of(corp: Corp, userid: str) -> Person:
    """Refused 60121 when nobody has the id."""
    if userid not in corp.people:
        raise Refused("60121", "找不到该用户")
    return corp.people[userid]


def may_manage(person: Person) -> bool:
    """The main administrator, or a sub-administrator who was given the app."""
    return person.level == 1 or (person.level == 2 and person.may_manage_apps)


def _department(corp: Corp, dept_id: int) -> Department:
    if dept_id not in corp.departments:
        raise Refused("60003", "部门不存在")
    return corp.departments[dept_id]


def _brief(found: Department) -> dict[str, Any]:
    parent = {"parent_id": found.parent_id} if found.parent_id else {}
    return {
        "dept_id": found.id,
        "name": found.name,
        "create_dept_group": False,
        "auto_add_user": False,
    } | parent


def _detail(app: App, person: Person) -> dict[str, Any]:
    """Values that are empty or not for this app are absent, never null."""
    found = {
        "userid": person.userid, "unionid": person.unionid, "name": person.name, "state_code": "86",
        "mobile": person.mobile, "email": person.email, "job_number": person.job_number, "title": person.title,
        "dept_id_list": person.departments, "active": person.active, "admin": person.level in ADMIN,
        "boss": person.level == 100, "hide_mobile": False, "exclusive_account": False,
    }  # fmt: skip
    hidden = HIDDEN if app.is_suite else ()
    return {name: value for name, value in found.items() if value != "" and name not in hidden}


def _in_department(app: App, person: Person, dept_id: int) -> dict[str, Any]:
    return _detail(app, person) | {"leader": dept_id in person.leads, "dept_order": 1}


def _simple(_: App, person: Person, __: int) -> dict[str, Any]:
    return {"userid": person.userid, "name": person.name}


def _at(ask: Ask, name: str) -> float:
    try:
        return datetime.fromisoformat(ask.text(name)).timestamp()
    except ValueError:
        raise Refused("invalidParameter.param.invalid", name) from None


def _moment(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


PATHS: tuple[Path, ...] = (
    old("/auth/scopes", _scopes),
    old("/topapi/v2/department/listsub", _listsub),
    old("/topapi/v2/department/listsubid", _listsubid),
    old("/topapi/v2/department/get", _get_department),
    old("/topapi/v2/department/listparentbydept", _listparentbydept),
    old("/topapi/v2/department/listparentbyuser", _listparentbyuser),
    old("/topapi/user/listsimple", _list_users(_simple)),
    old("/topapi/v2/user/list", _list_users(_in_department)),
    old("/topapi/user/listid", _listid),
    old("/topapi/v2/user/get", _get_user),
    old("/topapi/v2/user/getbymobile", _getbymobile),
    old("/topapi/user/getbyunionid", _getbyunionid),
    old("/topapi/user/count", _count),
    old("/topapi/user/listadmin", _listadmin),
    old("/topapi/user/get_admin_scope", _get_admin_scope),
    old("/topapi/role/list", _roles),
    old("/topapi/role/simplelist", _role_holders),
    old("/user/can_access_microapp", _can_access),
    new("GET", "/v1.0/microApp/apps/{agent_id}/users/{user_id}/adminAccess", _admin_access),
    new("GET", "/v1.0/microApp/apps/{agent_id}/scopes", _usable),
    new("GET", "/v1.0/contact/empLeaveRecords", _leavers),
)
