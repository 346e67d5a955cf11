"""What a document or master is: its fields, flow, links, postings and pages, declared once.

`declare()` puts it in the registry under its code. Everything generic (API, forms, permission, import, chain) reads
the registry and nothing else, so a document is complete when its own folder is.
"""

from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import cached_property
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from typing_extensions import override

from . import fields as f
from . import formula
from .models import STATES, Header, Line, Master
from .scope import Grants
from .text import Label, _


@dataclass(frozen=True)
class Problem:
    """One reason to refuse, at a field and a 1-based line if it has one; `message` is for the user.

    Where the figures that explain it are behind a `guard`, `message` leaves them out, so that it may be read by anybody: in a
    log, on paper, by the partner. `exact` has them, for who may read the guard.
    """

    field: str | None
    message: Label
    line: int | None = None
    code: str = "refused"
    guard: str | None = None
    exact: Label = ""

    def words(self, grants: Grants | None) -> str:
        """Return it for who holds these grants; for nobody we know when there are none."""
        is_read = self.guard is not None and grants is not None and grants.reads(self.guard)
        return str(self.exact if is_read else self.message)

    def shown(self, grants: Grants | None = None) -> dict[str, Any]:
        """Return it as the API answers it to who holds these grants."""
        return {"field": self.field, "line": self.line, "code": self.code, "message": self.words(grants)}


def surplus(given: Iterable[Any], known: Container[str], line: int | None = None) -> list[Problem]:
    """Return a problem for every name that is given and means nothing here."""
    return [
        Problem(str(name)[:60], _("There is no such field."), line, "surplus")
        for name in given
        if name not in known
    ]


class Refused(Exception):
    """Business said no; carries every problem found. Nothing was changed. HTTP 409."""

    status = 409

    def __init__(self, *problems: Problem, changes: Sequence[Mapping[str, Any]] = ()) -> None:
        super().__init__("; ".join(str(problem.message) for problem in problems))
        self.problems, self.changes = problems, changes


class Invalid(Refused):
    """The input does not fit the declared fields. HTTP 422; `invalid` is the code of a problem that names none."""

    status = 422

    @override
    def __init__(self, *problems: Problem, changes: Sequence[Mapping[str, Any]] = ()) -> None:
        coded = [replace(each, code="invalid") if each.code == "refused" else each for each in problems]
        super().__init__(*coded, changes=changes)


class Missing(Exception):
    """No such record, or not yours: the two look alike. HTTP 404."""


@dataclass(frozen=True)
class State:
    """One state of a flow; `tone` chooses the tag's colour: quiet moving good waiting bad partner.

    `fixed` says why nothing of the document may be changed in this state; blank where it may.
    """

    name: str
    label: Label
    tone: str = "quiet"
    fixed: Label = ""


@dataclass(frozen=True)
class Step:
    """One move along a flow. `name` is a verb, permission `<code>.<name>`, and the API path.

    `effect` says what the kernel does besides: `check` runs the rules; `post` runs them, executes links and posts; `negate` takes
    both back; `release` lets links go; `revoke` takes back and lets go at once; `close` and `reopen` set the close flag. `input` are fields asked of the user.
    `act(header, lines, input, ctx)` may change fields of header and lines and yields problems. `when` names main-flow
    states a step of another track needs; `may(header)` hides a step that makes no sense for this document.
    `post(header, lines, ctx)` yields ledger entries of this step alone, after its effects; taking the document's approval
    back takes them back too. `is_partner` steps are moved by the chain only and never offered.
    """

    name: str
    label: Label
    from_: tuple[str, ...]
    to: str
    effect: tuple[str, ...] = ()
    input: tuple[f.AnyKind, ...] = ()
    act: Callable[..., Iterable[Problem] | None] | None = None
    when: tuple[str, ...] = ()
    may: Callable[[Any], bool] | None = None
    post: Callable[..., Iterable[Any]] | None = None
    tone: str = "quiet"
    confirm: Label = ""
    is_partner: bool = False


@dataclass(frozen=True)
class Flow:
    """States and steps over one text column, `field` of the header."""

    label: Label
    states: tuple[State, ...]
    steps: tuple[Step, ...]
    field: str = "state"

    def state(self, name: str) -> State:
        return next(state for state in self.states if state.name == name)


REASON = f.Text(label=_("Reason"), max_length=500)
REASON.name = "reason"

_TONES = {"created": "moving", "submitted": "waiting", "rereview": "bad", "approved": "good"}

# The lifecycle of flows.md F0. Approval without a flow: who may approve approves.
STANDARD = Flow(
    label=_("State"),
    states=tuple(State(name, label, _TONES.get(name, "quiet")) for name, label in STATES),
    steps=(
        Step("submit", _("Submit"), ("created", "rereview"), "submitted", effect=("check",), tone="primary"),
        Step("withdraw", _("Withdraw from approval"), ("submitted",), "created"),
        Step(
            "approve",
            _("Approve"),
            ("submitted", "created", "rereview"),
            "approved",
            effect=("post",),
            tone="primary",
        ),
        Step("return", _("Return"), ("submitted",), "rereview", input=(REASON,)),
        Step(
            "unapprove",
            _("Take approval back"),
            ("approved",),
            "rereview",
            effect=("negate",),
            tone="danger",
            confirm=_("What it posted is taken back and it can be edited again."),
        ),
        Step(
            "void",
            _("Void"),
            ("created", "rereview"),
            "voided",
            effect=("release",),
            tone="danger",
            confirm=_("It keeps its number and no longer counts anywhere."),
        ),
        Step(
            "close",
            _("Close"),
            ("approved",),
            "approved",
            effect=("close",),
            tone="danger",
            confirm=_("Nothing more can be made from what is still open."),
        ),
        Step("reopen", _("Reopen"), ("approved",), "approved", effect=("reopen",)),
    ),
)
EDITABLE = ("draft", "created", "rereview")


def fixed(document: "Document", header: Any) -> list[Problem]:
    """Return why a document is not edited in the states it is in; nothing while it may be."""
    flow = document.flow
    if flow is not None and header.state not in EDITABLE:
        label = flow.state(header.state).label
        message = _("A document in state %(state)s cannot be edited.") % {"state": label}
        return [Problem("state", message, code="state")]
    states = [(track.field, track.state(getattr(header, track.field))) for track in document.tracks]
    return [Problem(name, state.fixed, code="state") for name, state in states if state.fixed]


@dataclass(frozen=True)
class Series:
    """How numbers are made: `PO{yyyymm}-{n:05}`. The text before `{n:` is the period."""

    pattern: str

    def parts(self, date: Any) -> tuple[str, int]:
        """Return the text before the running number and the number's least width."""
        head, _sep, tail = self.pattern.partition("{n:")
        return head.format(yyyymm=f"{date:%Y%m}", yyyy=f"{date:%Y}", yymmdd=f"{date:%y%m%d}"), int(
            tail.rstrip("}")
        )


@dataclass(frozen=True)
class Section:
    """A titled group of fields on the form; `of="lines"` is the line grid."""

    label: Label
    fields: str
    of: str | None = None


@dataclass(frozen=True)
class Link:
    """This document is made from `source` (flows.md F1); declared by the downstream side.

    `fills=(ours, theirs)`: our line field whose quantity is taken from the source's Done field. `header` and `line` map
    our fields to the source's, copied when pulled; those named in `same`, of either, must still agree on save, and
    `differs(line, source line)` yields those that do not agree where equality would ask too much. With `of_header` the source is the document itself, not a line of it (a payment of an order); it may be closed already.

    `onward` names (code, Done field) of what our source was made from: what we take counts there too (a stock-out made
    from a notice ships the contract); `also` names further Done fields of the source line itself. With `returns`, closing our document by hand gives back what it did not execute.

    `books(headers)` returns, by id, what the ledgers leave open of source documents, where that can be less than the
    Done field says: goods may be paid by way of their order. It bounds what is offered; our own rules refuse the rest.
    """

    source: str
    fills: tuple[str, str]
    header: Mapping[str, str] = field(default_factory=dict)
    line: Mapping[str, str] = field(default_factory=dict)
    same: tuple[str, ...] = ()
    differs: Callable[[Any, Any], Iterable[str]] | None = None
    of_header: bool = False
    onward: tuple[tuple[str, str], ...] = ()
    also: tuple[str, ...] = ()
    returns: bool = False
    books: Callable[[list[Any]], Mapping[Any, Decimal]] | None = None

    def rooms(self, source: "Document", found: Sequence[tuple[Any, Any]]) -> dict[Any, Decimal]:
        """Return what may still be taken of (header, row) pairs, by id of the row: what its counter leaves, or the books."""
        done = source.done(self.fills[1])
        room = {row.id: done.room(row) for _header, row in found}
        if self.books is None or not any(left > 0 for left in room.values()):
            return room
        kept = self.books([header for header, _row in found])
        return {row.id: min(room[row.id], kept[header.id]) for header, row in found}


@dataclass(frozen=True)
class Bar:
    """Why no quantity may be taken of a document now, though it is approved and open: `remedy` says what to do first,
    `waits`, in a few words, for what one waits where that is the partner's to do."""

    remedy: Label
    waits: Label = ""

    def problem(self, number: str, line: int | None) -> Problem:
        message = _("%(number)s: %(remedy)s") % {"number": number, "remedy": self.remedy}
        return Problem("sources", message, line, "barred")


@dataclass(frozen=True)
class Document:
    """A document or a master, declared once. See docs/decisions and CONTRIBUTING for a walk through.

    `check(header, lines, ctx, facts)` yields problems; `facts(header, lines, ctx)` reads in bulk what check and post need
    (under lock when posting); `fill(header, lines, ctx)` completes blank fields before formulas run; `post(header,
    lines, facts)` yields ledger entries; `rest(header, lines, closing)` those of closing what is open, or reopening it.
    `bar(header, ctx)` says why no quantities may be taken of an approved document yet; money may be. Whoever writes what
    is `is_sensitive` proved lately who they are: it would outlive a borrowed session (ASVS 7.5.1). `needs_lines`: only a draft is
    kept without any.

    Names of fields are written as one text, separated by blanks: `columns` of the list, `find` what its search looks in
    (also `supplier` or `lines.product`), `sums` what it totals, `sort` its order (`-` turns it round). `menu` is the
    group in the menu: blank for the code's family, None for none. `series` gives numbers, `flow` the lifecycle, `tracks`
    further states beside it, `ledgers` where `post` may write. `is_chained` documents show the partner's side.
    """

    code: str
    label: Label
    header: type[Header] | type[Master]
    columns: str
    form: tuple[Section, ...]
    find: str = ""
    lines: type[Line] | None = None
    needs_lines: bool = False
    series: Series | None = None
    flow: Flow | None = None
    tracks: tuple[Flow, ...] = ()
    check: Callable[..., Iterable[Problem]] | None = None
    facts: Callable[..., Any] | None = None
    fill: Callable[..., Iterable[Problem] | None] | None = None
    post: Callable[..., Iterable[Any]] | None = None
    rest: Callable[..., Iterable[Any]] | None = None
    bar: Callable[..., Bar | None] | None = None
    ledgers: tuple[Any, ...] = ()
    links: tuple[Link, ...] = ()
    sums: str = ""
    sort: str = ""
    menu: str | None = ""
    verbs: tuple[str, ...] = ("view", "edit", "delete", "export", "import")
    is_chained: bool = False
    is_sensitive: bool = False

    def __post_init__(self) -> None:
        """Let papers be found by number and stand by date, master data by code and name."""
        find, sort = ("code name", "code") if self.is_master else ("number", "-date")
        object.__setattr__(self, "find", self.find or find)
        object.__setattr__(self, "sort", self.sort or sort)

    @cached_property
    def reasons(self) -> tuple[f.Reason, ...]:
        """Line fields that say why a figure is what it is."""
        return tuple(kind for kind in self.line_fields.values() if isinstance(kind, f.Reason))

    @property
    def app(self) -> str:
        """The menu group: `menu` when given, else the code's family."""
        return self.menu or self.code.partition(".")[0]

    @property
    def is_master(self) -> bool:
        """Whether it is master data: no numbers, no lifecycle, rows for the whole enterprise."""
        return issubclass(self.header, Master)

    @cached_property
    def fields(self) -> dict[str, f.AnyKind]:
        """Header fields by name, in declared order, also those the kernel fills."""
        return kinds_of(self.header)

    @cached_property
    def line_fields(self) -> dict[str, f.AnyKind]:
        """Line fields by name, as the form has them, then as declared; empty for a document without lines."""
        kinds = {} if self.lines is None else kinds_of(self.lines)
        shown = [name for section in self.form if section.of for name in section.fields.split()]
        return {name: kinds[name] for name in dict.fromkeys([*shown, *kinds]) if name in kinds}

    @cached_property
    def parent(self) -> str:
        """Name of the lines' field that points to the header."""
        assert self.lines is not None
        return next(x.name for x in self.lines._meta.fields if isinstance(x, f.Parent))

    @cached_property
    def flows(self) -> tuple[Flow, ...]:
        return (() if self.flow is None else (self.flow,)) + self.tracks

    @cached_property
    def steps(self) -> dict[str, tuple[Flow, Step]]:
        """Every step by name, with the flow it moves."""
        return {step.name: (flow, step) for flow in self.flows for step in flow.steps}

    @cached_property
    def formulas(self) -> list[tuple[str, Any, f.Number]]:
        """Header formulas as (field, compiled, kind), in order."""
        return _formulas(self.fields)

    @cached_property
    def line_formulas(self) -> list[tuple[str, Any, f.Number]]:
        """Line formulas, in the order they are declared: a later one may use an earlier one's result."""
        return [] if self.lines is None else _formulas(kinds_of(self.lines))

    @cached_property
    def counters(self) -> list[f.Done]:
        """Done fields of the lines, or of the header when there are none there."""
        return [
            kind for kind in (*self.line_fields.values(), *self.fields.values()) if isinstance(kind, f.Done)
        ]

    def barred(self, link: Link, header: Any, ctx: Any) -> Bar | None:
        """Return what bars a link from taking quantities of this document."""
        return None if self.bar is None or link.of_header else self.bar(header, ctx)

    def done(self, name: str) -> f.Done:
        """Return the Done field of that name, of the lines or of the header."""
        kind = self.line_fields.get(name) or self.fields[name]
        assert isinstance(kind, f.Done)
        return kind

    @cached_property
    def permissions(self) -> tuple[str, ...]:
        """Every verb on this code."""
        return (*self.verbs, *(step.name for _flow, step in self.steps.values()))

    @cached_property
    def guards(self) -> frozenset[str]:
        kinds = (*self.fields.values(), *self.line_fields.values())
        behind = (guard for _column, guards in self.row_guards for guard in guards.values())
        return frozenset((*(kind.guard for kind in kinds if kind.guard), *behind))

    @cached_property
    def row_guards(self) -> tuple[tuple[str, Mapping[str, str]], ...]:
        """Header columns whose value decides who sees the row: (column, guard by value)."""
        return tuple(
            (name, kind.guards)
            for name, kind in self.fields.items()
            if isinstance(kind, f.Choice) and kind.guards
        )


def kinds_of(model: type[Any]) -> dict[str, f.AnyKind]:
    """Return the fields of a model that are kinds or references, by name, as they are declared."""
    return {
        x.name: x
        for x in model._meta.fields
        if isinstance(x, f.Kind | f.Ref) and not isinstance(x, f.Parent) and x.name is not None
    }


def _formulas(kinds: Mapping[str, f.AnyKind]) -> list[tuple[str, Any, f.Number]]:
    return [
        (name, formula.compile(kind.formula), kind)
        for name, kind in kinds.items()
        if isinstance(kind, f.Number) and kind.formula
    ]


@dataclass(frozen=True)
class View:
    """A read-only list over a table that no document owns: balances and entries of ledgers, runs of a sync.

    Names are those of Document; the permission is `<code>.view`. `acts` names what else may be done there, for whoever
    grants it.
    """

    code: str
    label: Label
    header: type[Any]
    columns: str
    find: str = ""
    sums: str = ""
    sort: str = "-id"
    menu: str | None = ""
    verbs: tuple[str, ...] = ("view", "export")
    acts: Mapping[str, Label] = field(default_factory=dict)

    @cached_property
    def permissions(self) -> tuple[str, ...]:
        """Every verb on this code."""
        return (*self.verbs, *self.acts)

    @property
    def app(self) -> str:
        return self.menu or self.code.partition(".")[0]

    @cached_property
    def fields(self) -> dict[str, f.AnyKind]:
        return kinds_of(self.header)

    @cached_property
    def guards(self) -> frozenset[str]:
        return frozenset(kind.guard for kind in self.fields.values() if kind.guard)


Listed = Document | View
VIEWS: dict[str, View] = {}


@dataclass(frozen=True)
class Lead:
    """Where a row of `of` leads: the rows of `to` that agree with it in the fields of `by`, (theirs, ours); `id` is the row itself.

    Where `to` is a page of its own and no list, `label` names it, `by` and `given` are the parts of its address, and
    whoever may view one of `needs` may go there. Declared by the layer that knows both ends.
    """

    of: str
    to: str
    by: Mapping[str, str]
    label: Label = ""
    given: Mapping[str, str] = field(default_factory=dict)
    needs: tuple[str, ...] = ()

    @property
    def is_list(self) -> bool:
        return self.to in REGISTRY or self.to in VIEWS


LEADS: list[Lead] = []


def lead(*leads: Lead) -> None:
    """Declare where rows lead; the first of a list is where opening a row goes, if it has no form."""
    LEADS.extend(leads)


def declare_view(view: View) -> View:
    """Register a read-only list; raises ImproperlyConfigured when its code is taken."""
    if view.code in VIEWS or view.code in REGISTRY:
        raise ImproperlyConfigured(f"{view.code} is declared twice.")
    VIEWS[view.code] = view
    return view


def find_listed(code: str) -> Listed:
    """Return what can be listed under a code; raises Missing."""
    return VIEWS.get(code) or find_document(code)


REGISTRY: dict[str, Document] = {}
_by_model: dict[type[Any], Document] = {}


def declare(document: Document) -> Document:
    """Register a document; raises ImproperlyConfigured when its code is taken."""
    if document.code in REGISTRY:
        raise ImproperlyConfigured(f"{document.code} is declared twice.")
    REGISTRY[document.code] = document
    _by_model[document.header] = document
    return document


def document_of(model: type[Any]) -> Document:
    """Return the declaration whose header is this model."""
    return _by_model[model]


def find_document(code: str) -> Document:
    """Return a declaration by code; raises Missing."""
    try:
        return REGISTRY[code]
    except KeyError:
        raise Missing(code) from None


def pushes(code: str) -> list[Document]:
    """Documents that can be made from this one."""
    return [document for document in REGISTRY.values() if any(link.source == code for link in document.links)]
