"""Kinds of choice: yes or no, one of several words, the state of a flow, a few words of one's own."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import models
from django.db.models import CheckConstraint, Q
from typing_extensions import override

from ..text import Label, _
from .kind import BadValue, Kind
from .schema import constrain, constraint_name
from .texts import Text, require_storable


class Boolean(Kind, models.BooleanField[Any, Any]):
    """Yes or no; absent means the default."""

    kind = "boolean"
    django_class = "BooleanField"
    _may_be_null = False

    def __init__(self, **options: Any) -> None:
        options.setdefault("default", False)
        options.setdefault("required", False)
        options.setdefault("null", False)
        super().__init__(**options)

    @override
    def parse(self, value: Any) -> bool:
        if value is None:
            return bool(self.default)
        if not isinstance(value, bool):
            raise BadValue(_("Must be yes or no."))
        return value


class Choice(Text):
    """One of a fixed set of words, stored as text with a CHECK (S8).

    `guards` maps a value to a group of fields: a row with that value is seen by who may read the group, and the value
    given by who may write it.
    """

    kind = "choice"

    def __init__(
        self, *, choices: Sequence[tuple[str, Label]], guards: Mapping[str, str] | None = None, **options: Any
    ) -> None:
        self.options, self.guards = tuple(choices), dict(guards or {})
        super().__init__(max_length=30, **options)

    @override
    def contribute_to_class(self, cls: type[models.Model], name: str, private_only: bool = False) -> None:
        super().contribute_to_class(cls, name, private_only=private_only)
        values = [value for value, _label in self.options] + ([] if self.required else [""])
        constrain(
            cls,
            CheckConstraint(name=constraint_name(cls, name, "known"), condition=Q(**{f"{name}__in": values})),
        )

    @override
    def parse(self, value: Any) -> str:
        text = super().parse(value)
        if text and text not in {known for known, _label in self.options}:
            known_values = ", ".join(known for known, _label in self.options)
            raise BadValue(_("Must be one of: %(known)s.") % {"known": known_values}, "unknown")
        return text

    @override
    def meta(self) -> dict[str, Any]:
        return {"choices": [{"value": value, "label": str(label)} for value, label in self.options]}


class State(Choice):
    """Where a paper stands on one track; moved by steps only."""

    kind = "state"

    def __init__(self, flow: Any, **options: Any) -> None:
        self.flow = flow
        states = [(state.name, state.label) for state in flow.states]
        options.setdefault("default", states[0][0])
        super().__init__(choices=states, readonly=True, label=options.pop("label", flow.label), **options)

    @override
    def contribute_to_class(self, cls: type[models.Model], name: str, private_only: bool = False) -> None:
        self.required = True
        super().contribute_to_class(cls, name, private_only=private_only)


class Tags(Kind, models.JSONField):
    """A short list of words, for show; never filtered on (S14)."""

    kind = "tags"
    django_class = "JSONField"
    _may_be_null = False

    def __init__(self, **options: Any) -> None:
        options.setdefault("default", list)
        options.setdefault("null", False)
        options.setdefault("required", False)
        super().__init__(**options)

    @override
    def parse(self, value: Any) -> list[str]:
        if value is None:
            return []
        if (
            not isinstance(value, list)
            or len(value) > 50
            or not all(isinstance(v, str) and len(v) <= 60 for v in value)
        ):
            raise BadValue(_("Must be at most 50 words of at most 60 characters."))
        for word in value:
            require_storable(word)
        return value
