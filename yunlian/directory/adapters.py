"""What the engine asks of a platform. `wecom` and `dingtalk` answer it; so can anything else that holds people.

Every call may raise PlatformError. Nothing here knows an enterprise: an adapter is made for one connection.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol

from .side import Department, Person, Range, Rules


class Reader(Protocol):
    """A platform that can be read."""

    rules: Rules

    @property
    def waited_s(self) -> float:
        """How long was waited for the platform's limits so far, in seconds."""

    def range(self) -> Range:
        """What we may see, and how many people the platform counts there."""

    def departments(self) -> Iterable[Department]:
        """Every department of our part, once each; parents need not come first."""

    def people(self, departments: Sequence[str]) -> Iterator[list[Person]]:
        """Everybody in those departments, page by page; somebody in several may come more than once."""

    def department(self, key: str) -> Department | None:
        """One department as it is now; None when it does not exist, or not for us."""

    def person(self, key: str) -> Person | None:
        """One person as they are now; None when they do not exist, or not for us."""


class Writer(Reader, Protocol):
    """A platform that can be written to. Calls are repeatable, except the two that add."""

    def add_department(self, name: str, parent: str, *, key: str = "") -> str:
        """Make a department and return its key, if possible `key`; one of that name at that place is taken for ours."""

    def change_department(self, key: str, *, name: str | None = None, parent: str | None = None) -> None:
        """Rename or move a department."""

    def remove_department(self, key: str) -> None:
        """Remove an empty department; one that is gone already is as good."""

    def add_person(self, person: Person, *, is_retry: bool) -> str:
        """Make a member and return their key. `is_retry`: an earlier try may have come through."""

    def change_person(self, key: str, *, account: str | None = None, **fields: object) -> str:
        """Write `name`, `mobile`, `position`, `departments`; with `account` the key changes. Returns the key."""

    def switch_person(self, key: str, *, is_active: bool) -> None:
        """Disable a member, or enable them again."""

    def remove_person(self, key: str) -> None:
        """Delete a member that a run of ours made; one that is gone already is as good."""
