"""Everybody and everything an app may see of a corp, in one pass.

No call of DingTalk's lists all people, so the departments are walked. Source: DingTalk Open Platform, "Contacts".
"""

from collections.abc import Iterator

from yunlian.platforms.dingtalk import departments, users
from yunlian.platforms.dingtalk.client import Client
from yunlian.platforms.dingtalk.departments import Department
from yunlian.platforms.dingtalk.scopes import Scope
from yunlian.platforms.dingtalk.users import User


def everything(client: Client, scope: Scope) -> Iterator[Department | User]:
    """Departments and people of the visible range; a department before its children and its members.

    A department comes once however often it is reached. A person in several departments comes once for each, with what
    they lead there; the caller joins them by id. Any refusal ends the pass by PlatformError: half a directory must not
    be taken for a whole one. Memory is one page of people and the ids of the departments.
    """
    seen: set[int] = set()
    waiting = [departments.detail(client, each).department for each in reversed(scope.departments)]
    while waiting:
        department = waiting.pop()
        if department.id in seen:
            continue
        seen.add(department.id)
        yield department
        yield from users.members(client, department.id)
        waiting += reversed(departments.below(client, department.id))
    for user_id in scope.users:
        yield users.one(client, user_id)
