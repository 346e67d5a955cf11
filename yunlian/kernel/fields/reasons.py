"""The kind of field that says why a figure beside it is what it is."""

from collections.abc import Sequence
from typing import Any

from django.db import models
from django.db.models import CheckConstraint, Q
from typing_extensions import override

from ..text import Label, _
from .schema import constrain, constraint_name
from .texts import Text

STATED, TAKEN = "manual", "source"
_OWN: tuple[tuple[str, Label], ...] = (
    (STATED, _("Stated by hand")),
    (TAKEN, _("From what it was made from")),
)


class Reason(Text):
    """Why the figure `of` of the same line is what it is: a word, and after a blank what it points to.

    The kernel writes `manual` when somebody states the figure, and `source` with a number when it agrees with what the
    line was made from; a `fill` that completes a blank figure writes one of `choices`. A figure that comes back
    unchanged keeps its reason, unless one of the fields in `by`, on which the answer hangs, has changed.
    """

    kind = "reason"

    def __init__(self, *, of: str, by: str, choices: Sequence[tuple[str, Label]], **options: Any) -> None:
        self.of, self.by = of, tuple(by.split())
        self.options = (*_OWN, *choices)
        super().__init__(max_length=120, readonly=True, **options)

    @override
    def contribute_to_class(self, cls: type[models.Model], name: str, private_only: bool = False) -> None:
        super().contribute_to_class(cls, name, private_only=private_only)
        words = "|".join(word for word, _label in self.options)
        known = Q(**{f"{name}__regex": f"^(({words})( .+)?)?$"})
        constrain(cls, CheckConstraint(name=constraint_name(cls, name, "known"), condition=known))

    @override
    def meta(self) -> dict[str, Any]:
        choices = [{"value": word, "label": str(label)} for word, label in self.options]
        return {"choices": choices, "of": self.of, "by": list(self.by)}
