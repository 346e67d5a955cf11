"""Which departments and people an app sees of a corp."""

from .world import App, Corp, Install, Person


def sees_department(corp: Corp, install: Install, dept_id: int) -> bool:
    """Whether it is one of the authorised departments, or below one."""
    return any(each in install.departments for each in path_up(corp, dept_id))


def sees_person(corp: Corp, install: Install, person: Person) -> bool:
    """Whether somebody is authorised alone or through one of their departments."""
    return person.userid in install.users or any(
        sees_department(corp, install, each) for each in person.departments
    )


def path_up(corp: Corp, dept_id: int) -> list[int]:
    """The department, its parent and so on, up to the root. Ends at a loop, which a test may have made."""
    found: list[int] = []
    while dept_id in corp.departments and dept_id not in found:
        found.append(dept_id)
        dept_id = corp.departments[dept_id].parent_id
    return found


def children(corp: Corp, dept_id: int) -> list[int]:
    """One level below, in the corp's order."""
    below = [each for each in corp.departments.values() if each.parent_id == dept_id]
    return [each.id for each in sorted(below, key=lambda each: (each.order, each.id))]


def subtree(corp: Corp, dept_id: int) -> set[int]:
    """A department and everything below it."""
    found: set[int] = set()
    waiting = [dept_id]
    while waiting:
        each = waiting.pop()
        if each not in found:
            found.add(each)
            waiting += children(corp, each)
    return found


def members(corp: Corp, dept_id: int) -> list[Person]:
    """Direct members."""
    return [each for each in corp.people.values() if dept_id in each.departments]


def agent(app: App, corp: Corp) -> int:
    """The app's agent id in the corp."""
    return corp.installs[app.key].agent_id
