"""What a sheet refers to, read ahead: by id, by code, and by name where only one has it."""

import uuid
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from .fields import normal_code
from .intake import Sought
from .scope import Context
from .sql import brief, run
from .text import Label, _


class Known:
    """Rows that may be meant, for a whole sheet."""

    def __init__(self, ctx: Context) -> None:
        self.ctx = ctx
        self._by_id: dict[uuid.UUID, Any] = {}
        self._by_text: dict[Any, dict[str, list[Any]]] = defaultdict(dict)
        self._by_code: dict[Any, dict[str, Any]] = defaultdict(dict)

    def add(self, model: Any, row: Any) -> None:
        """Add a row that will exist when the sheet is written."""
        self._by_id[row.id] = row
        self._by_code[model][row.code] = row

    def read_ahead(self, wanted: Mapping[Any, set[str]]) -> None:
        """Read everything that these texts may mean: a code, a name, or "code name" as exports write it."""
        for model, texts in wanted.items():
            shape = brief(model)
            key = "code" if "code" in shape.by_attname else "number"
            if key not in shape.by_attname:
                continue
            has_name = "name" in shape.by_attname
            codes = {normal_code(part) for text in texts for part in _code_parts(text)}
            where = f"t.{key} = ANY(%s)" + (" OR t.name = ANY(%s)" if has_name else "")
            values = [list(codes), list(texts)] if has_name else [list(codes)]
            sql = f'SELECT {shape.select("t")} FROM "{shape.name}" t WHERE t.enterprise_id = %s AND ({where})'
            for row in map(shape.instance, run(sql, [self.ctx.enterprise_id, *values])):
                self._by_id[row.id] = row
                self._by_code[model][getattr(row, key)] = row
                if has_name:
                    self._by_text[model].setdefault(row.name, []).append(row)

    def meant(self, model: Any, text: str) -> tuple[Any, Label | None]:
        """Return the row a text means, or what is wrong with it."""
        by_code = self._by_code[model]
        row = by_code.get(normal_code(text))
        if row is not None:
            return row, None
        named = self._by_text[model].get(text, [])
        if len(named) > 1:
            return None, _("%(name)s is the name of several: give the code.") % {"name": text}
        if named:
            return named[0], None
        for part in _code_parts(text):
            row = by_code.get(normal_code(part))
            if row is not None and text[len(part) :].strip() == getattr(row, "name", None):
                return row, None
        return None, _("%(code)s is not known here.") % {"code": text}

    def find(self, sought: list[Sought], ctx: Context) -> list[list[Any]]:
        """See intake.Finder; asks the database only for what was not read ahead, such as what a record had."""
        return [self._find(each.model, each.ids, each.codes, ctx) for each in sought]

    def _find(self, model: Any, ids: list[uuid.UUID], codes: list[str], ctx: Context) -> list[Any]:
        shape = brief(model)
        missing = [id_ for id_ in ids if id_ not in self._by_id]
        if missing:
            sql = f'SELECT {shape.select("t")} FROM "{shape.name}" t WHERE t.enterprise_id = %s AND t.id = ANY(%s)'
            for row in map(shape.instance, run(sql, [ctx.enterprise_id, missing])):
                self._by_id[row.id] = row
        found = [self._by_id[id_] for id_ in ids if id_ in self._by_id]
        return [*found, *(self._by_code[model][c] for c in codes if c in self._by_code[model])]


def _code_parts(text: str) -> list[str]:
    """Return what may be the code in a text: all of it, and what stands before each of its first blanks."""
    words = text.split(" ")
    return [text, *(" ".join(words[:n]) for n in range(1, min(len(words), 4)))]
