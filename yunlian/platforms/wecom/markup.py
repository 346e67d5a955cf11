"""Reads the small XML of WeCom's callbacks, and refuses everything else XML can do.

A document type is refused where it begins, so there are no entities to expand and nothing to fetch.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from xml.parsers import expat

from .crypto import CallbackRefused, Check

DEPTH = 12
# Some of the platform's own samples lack the "<" of a CDATA section.
BROKEN_CDATA = re.compile(r"(?<=>)!\[CDATA\[(.*?)\]\]>?(?=<)", re.DOTALL)


@dataclass
class Element:
    """One element: its text, stripped, and its children in order."""

    name: str
    text: str = ""
    children: list["Element"] = field(default_factory=list)

    def __getitem__(self, name: str) -> str:
        """The text of the first child of that name; "" when there is none."""
        return self.find(name) or ""

    def find(self, name: str) -> str | None:
        """The text of the first child of that name; None when there is none."""
        return next((each.text for each in self.children if each.name == name), None)

    def child(self, *names: str) -> "Element":
        """The first child with one of these names; an empty element when there is none."""
        return next((each for each in self.children if each.name in names), Element(names[0]))

    def all(self, *names: str) -> list["Element"]:
        """The children with one of these names."""
        return [each for each in self.children if each.name in names]


def parse(text: str) -> Element:
    """The root element. Raises CallbackRefused (XML)."""
    reader = _Reader()
    parser = expat.ParserCreate()
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.data
    parser.StartDoctypeDeclHandler = _no_doctype
    try:
        parser.Parse(BROKEN_CDATA.sub(r"<![CDATA[\1]]>", text), True)
    except expat.ExpatError as error:
        raise CallbackRefused(Check.XML, str(error)) from error
    return reader.root


def _no_doctype(*_what: object) -> None:
    raise CallbackRefused(Check.XML, "a document type is not allowed")


class _Reader:
    def __init__(self) -> None:
        self.root = Element("")
        self._open: list[Element] = []

    def start(self, name: str, _attributes: Mapping[str, str]) -> None:
        element = Element(name)
        if len(self._open) >= DEPTH:
            raise CallbackRefused(Check.XML, f"more than {DEPTH} levels")
        if self._open:
            self._open[-1].children.append(element)
        else:
            self.root = element
        self._open.append(element)

    def end(self, _name: str) -> None:
        element = self._open.pop()
        element.text = element.text.strip()

    def data(self, text: str) -> None:
        self._open[-1].text += text


def cdata(text: str) -> str:
    """Text as a CDATA section, whatever it holds."""
    return "<![CDATA[" + text.replace("]]>", "]]]]><![CDATA[>") + "]]>"
