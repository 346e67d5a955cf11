"""What can be decided about a conflict, which question it asks, and which fields are kept in step."""

from collections.abc import Mapping

# What can be decided about a conflict, by its reason; the first word of a decision. Empty: it must be put right.
WAYS: Mapping[str, tuple[str, ...]] = {
    "same_account": ("link", "skip"),
    "account_taken": ("skip",),
    "same_mobile": ("link", "new", "skip"),
    "mobile_taken": ("skip",),
    "same_name": ("link", "new", "skip"),
    "two_enterprises": ("share", "skip"),
    "account_differs": ("rename_theirs", "rename_ours", "keep"),
    "two_departments": ("department", "skip"),
    "missing_mobile": ("ask", "skip"),
    "bad_mobile": ("ask", "skip"),
    "mobile_twice": ("skip",),
    "bad_account": ("rename_ours", "skip"),
    "bad_name": ("skip",),
    "department_loop": (),
    "bad_department_name": (),
    "department_waits": ("skip",),
}


# The fields of a person kept in step, by direction. What the other side calls an account is a login only where we push.
FIELDS_OF: Mapping[str, tuple[str, ...]] = {
    "push": ("name", "mobile", "department", "position", "account"),
    "pull": ("name", "mobile", "department", "position"),
}


# Which question a reason asks: a decision answers the question, so that it holds whatever asks it next.
TOPICS: Mapping[str, str] = {"account_differs": "account", "two_departments": "department"}


def topic(reason: str) -> str:
    """Return the question a conflict asks: who it is, which account, which department."""
    return TOPICS.get(reason, "person")
