"""Formulas: one small expression language that the server and the console run alike.

    round(qty * price * (1 - discount))      total(lines.amount) - deposit      if(qty >= 10, 0.9, 1)

Grammar, loosest binding first::

    a or b · a and b · not a · a = b (or ==) != < <= > >= · a + b, a - b · a * b, a / b · -a
    12.5 · field · (a) · if(c, a, b) · round(x) · round(x, 4) · min(a, b, …) · max(a, b, …) · abs(x)
    total(lines.amount) · count(lines)

Values. A number is an exact decimal of at most 40 significant digits, rounded half up away from zero; a condition is
true or false. A blank or absent field is 0. A condition where a number is wanted is 1 or 0, a number where a condition
is wanted is true unless 0, and comparisons compare numbers. `and`, `or` and `if` evaluate only what they need.
A division by zero, or a number of 10^30 or more, that is reached makes the whole result None.

Bounds. At most 1,000 characters, nesting of 30, literals of 30 digits; the work is the number of operators times the
rows of the aggregates. Nothing is handed to Python's own compiler: `compile` returns closures over decimal operations.

`console/src/formula.ts` is the other half; `tests/formula_cases.json` holds the cases that both must pass.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import (
    ROUND_HALF_UP,
    Context,
    Decimal,
    DecimalException,
    DivisionByZero,
    InvalidOperation,
    Overflow,
)
from functools import lru_cache
from typing import Any, Literal

MAX_LENGTH = 1_000  # characters of a formula
MAX_DEPTH = 30  # parentheses, functions, `not` and minus signs inside one another
MAX_DIGITS = 30  # of a literal, both sides of the point
MAX_PLACES = 10  # of round(): with numbers below 10^30 that stays within the 40 digits kept

Value = Decimal | bool | None
Env = Mapping[str, Any]


class FormulaError(ValueError):
    """A formula that cannot be read; `position` counts characters from 0."""

    def __init__(self, position: int, message: str) -> None:
        """Keep where and what is wrong, in English, for the author of the formula."""
        super().__init__(f"{message} (position {position})")
        self.position = position
        self.message = message


@dataclass(frozen=True, slots=True)
class Number:
    """A literal."""

    value: Decimal


@dataclass(frozen=True, slots=True)
class Name:
    """A field of the row or document the formula is evaluated for."""

    name: str


@dataclass(frozen=True, slots=True)
class Aggregate:
    """`total(lines.amount)`, or `count(lines)` where `field` is empty."""

    act: Literal["total", "count"]
    section: str
    field: str


@dataclass(frozen=True, slots=True)
class Minus:
    """Unary minus."""

    of: "Node"


@dataclass(frozen=True, slots=True)
class Chain:
    """Operands joined from left to right by + and -, or by * and /; flat, so a long sum is not deep."""

    first: "Node"
    rest: tuple[tuple[str, "Node"], ...]


@dataclass(frozen=True, slots=True)
class Compare:
    """Two numbers compared."""

    op: str
    left: "Node"
    right: "Node"


@dataclass(frozen=True, slots=True)
class Logic:
    """`and` or `or` over two or more conditions."""

    op: str
    parts: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The opposite of a condition."""

    of: "Node"


@dataclass(frozen=True, slots=True)
class Call:
    """`if`, `round`, `min`, `max` or `abs`; the second argument of `round` is in `places`."""

    act: str
    args: tuple["Node", ...]
    places: int = 2


Node = Number | Name | Aggregate | Minus | Chain | Compare | Logic | Not | Call

_TOKEN = re.compile(
    r"[ \t\r\n]*(?:(?P<number>[0-9]+(?:\.[0-9]+)?)|(?P<word>[A-Za-z_][A-Za-z0-9_]*)|(?P<sign><=|>=|==|!=|[-+*/()<>=,.]))"
)
_BLANKS = re.compile(r"[ \t\r\n]*")
_COMPARISONS = {"=": "=", "==": "=", "!=": "!=", "<": "<", "<=": "<=", ">": ">", ">=": ">="}
_ARGUMENTS = {"if": (3, 3), "round": (1, 2), "min": (1, 100), "max": (1, 100), "abs": (1, 1)}
_RESERVED = frozenset(
    {"and", "or", "not"}
)  # `if` and the functions are told from fields by their parenthesis
_END = "end of the formula"


class _Parser:
    """Recursive descent over the tokens of one source; every method leaves `word` at the first token it did not use."""

    def __init__(self, source: str) -> None:
        if len(source) > MAX_LENGTH:
            raise FormulaError(MAX_LENGTH, f"A formula has at most {MAX_LENGTH} characters")
        self.source = source
        self.end = 0
        self.depth = 0
        self.advance()

    def advance(self) -> None:
        """Read the next token into `kind`, `text` and `at`."""
        match = _TOKEN.match(self.source, self.end)
        if match is not None:
            self.kind = str(match.lastgroup)
            self.text = match[self.kind]
            self.at, self.end = match.start(self.kind), match.end()
            return
        blanks = _BLANKS.match(self.source, self.end)
        self.at = blanks.end() if blanks else self.end
        if self.at < len(self.source):
            raise FormulaError(self.at, f"“{self.source[self.at]}” cannot be used here")
        self.kind, self.text, self.end = "end", _END, self.at

    def take(self, text: str) -> bool:
        """Use the token if it is `text`."""
        if self.text != text or self.kind == "end":
            return False
        self.advance()
        return True

    def expect(self, text: str) -> None:
        if not self.take(text):
            raise FormulaError(self.at, f"Expected “{text}”, found {self.found()}")

    def found(self) -> str:
        return self.text if self.kind == "end" else f"“{self.text}”"

    def deeper(self, at: int) -> None:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise FormulaError(at, f"Nested more than {MAX_DEPTH} deep")

    def whole(self) -> Node:
        if self.kind == "end":
            raise FormulaError(0, "The formula is empty")
        node = self.either()
        if self.kind != "end":
            raise FormulaError(self.at, f"Expected an operator, found {self.found()}")
        return node

    def either(self) -> Node:
        parts = [self.both()]
        while self.take("or"):
            parts.append(self.both())
        return parts[0] if len(parts) == 1 else Logic("or", tuple(parts))

    def both(self) -> Node:
        parts = [self.negation()]
        while self.take("and"):
            parts.append(self.negation())
        return parts[0] if len(parts) == 1 else Logic("and", tuple(parts))

    def negation(self) -> Node:
        at = self.at
        if not self.take("not"):
            return self.comparison()
        self.deeper(at)
        node = Not(self.negation())
        self.depth -= 1
        return node

    def comparison(self) -> Node:
        left = self.chain("+-", lambda: self.chain("*/", self.operand))
        if self.text not in _COMPARISONS:
            return left
        op = _COMPARISONS[self.text]
        self.advance()
        right = self.chain("+-", lambda: self.chain("*/", self.operand))
        if self.text in _COMPARISONS:
            raise FormulaError(self.at, "Comparisons cannot follow one another; join them with and")
        return Compare(op, left, right)

    def chain(self, signs: str, operand: Callable[[], Node]) -> Node:
        first = operand()
        rest = []
        while self.kind == "sign" and self.text in signs:
            op = self.text
            self.advance()
            rest.append((op, operand()))
        return Chain(first, tuple(rest)) if rest else first

    def operand(self) -> Node:
        at, kind, text = self.at, self.kind, self.text
        if kind == "number":
            if len(text.replace(".", "")) > MAX_DIGITS:
                raise FormulaError(at, f"A number has at most {MAX_DIGITS} digits")
            self.advance()
            return Number(Decimal(text))
        if kind == "word" and text not in _RESERVED:
            self.advance()
            return self.call(at, text) if self.text == "(" else Name(text)
        if text not in {"-", "("}:
            raise FormulaError(at, f"Expected a number or a field, found {self.found()}")
        self.advance()
        self.deeper(at)
        node: Node
        if text == "-":
            node = Minus(self.operand())
        else:
            node = self.either()
            self.expect(")")
        self.depth -= 1
        return node

    def call(self, at: int, act: str) -> Node:
        if act not in _ARGUMENTS and act not in {"total", "count"}:
            raise FormulaError(at, f"There is no function “{act}”")
        self.expect("(")
        self.deeper(at)
        node = self.function(at, act) if act in _ARGUMENTS else self.aggregate(act)
        self.expect(")")
        self.depth -= 1
        return node

    def function(self, at: int, act: str) -> Node:
        least, most = _ARGUMENTS[act]
        args = [self.either()]
        places = 2
        while self.take(","):
            if act == "round" and len(args) == 1:
                places = self.places()
                break
            args.append(self.either())
        if not least <= len(args) <= most or (act == "round" and self.text == ","):
            raise FormulaError(
                at, f"“{act}” takes {least if least == most else f'{least} to {most}'} arguments"
            )
        return Call(act, tuple(args), places)

    def places(self) -> int:
        text = self.text
        if self.kind != "number" or not text.isdigit() or int(text[:3]) > MAX_PLACES:
            raise FormulaError(self.at, f"Places are a whole number from 0 to {MAX_PLACES}")
        self.advance()
        return int(text)

    def word(self, what: str) -> str:
        if self.kind != "word" or self.text in _RESERVED:
            raise FormulaError(self.at, f"Expected {what}, found {self.found()}")
        word = self.text
        self.advance()
        return word

    def aggregate(self, act: str) -> Node:
        section = self.word("a section of the document")
        if act == "count":
            return Aggregate("count", section, "")
        self.expect(".")
        return Aggregate("total", section, self.word("a field of the section"))


@lru_cache(maxsize=2_048)
def parse(source: str) -> Node:
    """Read a formula. Raises FormulaError."""
    return _Parser(source).whole()


def names(source: str) -> set[str]:
    """Name what a formula reads: fields, `section.field` of totals, sections of counts. Raises FormulaError."""
    found: set[str] = set()
    waiting: list[Node] = [parse(source)]
    while waiting:
        match waiting.pop():
            case Name(name):
                found.add(name)
            case Aggregate(_, section, field):
                found.add(f"{section}.{field}" if field else section)
            case Minus(of) | Not(of):
                waiting.append(of)
            case Chain(first, rest):
                waiting += [first, *(operand for _, operand in rest)]
            case Compare(_, left, right):
                waiting += [left, right]
            case Logic(_, parts) | Call(_, parts):
                waiting += parts
    return found


@lru_cache(maxsize=2_048)
def compile(source: str) -> Callable[[Env], Value]:
    """Turn a formula into a function of a mapping from field names to values. Raises FormulaError.

    The mapping holds Decimal, int, bool or None, and per section a sequence of such mappings; anything else, a float
    above all, raises TypeError. The result is a bool when the formula is a condition, else a Decimal, else None.
    """
    node = parse(source)
    run = _truth(node) if _is_condition(node) else _number(node)
    finish = bool if _is_condition(node) else _plus

    def formula(env: Env) -> Value:
        try:
            return finish(run(env))
        except DecimalException:
            return None

    return formula


# One context for all threads: its methods set flags that nobody reads, and never change its settings.
_CONTEXT = Context(
    prec=40, rounding=ROUND_HALF_UP, Emax=29, traps=[DivisionByZero, InvalidOperation, Overflow]
)
_add, _subtract, _multiply, _divide = _CONTEXT.add, _CONTEXT.subtract, _CONTEXT.multiply, _CONTEXT.divide
_plus, _minus, _quantize, _abs = _CONTEXT.plus, _CONTEXT.minus, _CONTEXT.quantize, _CONTEXT.abs
_ARITHMETIC = {"+": _add, "-": _subtract, "*": _multiply, "/": _divide}
_ZERO, _ONE = Decimal(0), Decimal(1)


def _decimal(value: object, name: str) -> Decimal:
    """Read a field that is not plainly a Decimal."""
    if value is None:
        return _ZERO
    if isinstance(value, int | Decimal):  # bool is an int: true is 1
        return Decimal(value)
    raise TypeError(f"{name} is {type(value).__name__}, not a number")


def _is_condition(node: Node) -> bool:
    if isinstance(node, Call) and node.act == "if":
        return all(_is_condition(branch) for branch in node.args[1:])
    return isinstance(node, Compare | Logic | Not)


def _number(node: Node) -> Callable[[Env], Decimal]:
    """Build the function that gives `node` as a number."""
    match node:
        case Number(value):
            return lambda env: value
        case Name(name):
            return _field(name)
        case Aggregate(act, section, field):
            return (
                _total(section, field) if act == "total" else lambda env: Decimal(len(env.get(section) or ()))
            )
        case Minus(of):
            run = _number(of)
            return lambda env: _minus(run(env))
        case Chain(first, rest):
            return _chain(first, rest)
        case Call(act, args, places):
            return _call(act, args, places)
    condition = _truth(node)
    return lambda env: _ONE if condition(env) else _ZERO


def _field(name: str) -> Callable[[Env], Decimal]:
    def field(env: Env) -> Decimal:
        value = env.get(name)
        return value if value.__class__ is Decimal else _decimal(value, name)

    return field


def _total(section: str, field: str) -> Callable[[Env], Decimal]:
    read = _field(field)

    def total(env: Env) -> Decimal:
        result = _ZERO
        for row in env.get(section) or ():
            result = _add(result, read(row))
        return result

    return total


def _chain(first: Node, rest: tuple[tuple[str, Node], ...]) -> Callable[[Env], Decimal]:
    start = _number(first)
    steps = tuple((_ARITHMETIC[op], _number(operand)) for op, operand in rest)
    if len(steps) == 1:
        ((act, operand),) = steps
        return lambda env: act(start(env), operand(env))

    def chain(env: Env) -> Decimal:
        result = start(env)
        for act, operand in steps:
            result = act(result, operand(env))
        return result

    return chain


def _call(act: str, args: tuple[Node, ...], places: int) -> Callable[[Env], Decimal]:
    if act == "if":
        condition, yes, no = _truth(args[0]), _number(args[1]), _number(args[2])
        return lambda env: yes(env) if condition(env) else no(env)
    runs = tuple(_number(arg) for arg in args)
    run = runs[0]
    if act == "round":
        unit = Decimal(1).scaleb(-places)
        return lambda env: _quantize(run(env), unit)
    if act == "abs":
        return lambda env: _abs(run(env))
    choose = min if act == "min" else max
    return lambda env: choose([each(env) for each in runs])


def _truth(node: Node) -> Callable[[Env], bool]:
    """Build the function that gives `node` as a condition."""
    match node:
        case Compare(op, left, right):
            return _compare(op, _number(left), _number(right))
        case Not(of):
            opposite = _truth(of)
            return lambda env: not opposite(env)
        case Logic(op, parts):
            runs = tuple(_truth(part) for part in parts)
            if op == "and":
                return lambda env: all(run(env) for run in runs)
            return lambda env: any(run(env) for run in runs)
        case Call("if", (condition, yes, no)):
            when, then, otherwise = _truth(condition), _truth(yes), _truth(no)
            return lambda env: then(env) if when(env) else otherwise(env)
    number = _number(node)
    return lambda env: bool(number(env))


def _compare(
    op: str, left: Callable[[Env], Decimal], right: Callable[[Env], Decimal]
) -> Callable[[Env], bool]:
    match op:
        case "=":
            return lambda env: left(env) == right(env)
        case "!=":
            return lambda env: left(env) != right(env)
        case "<":
            return lambda env: left(env) < right(env)
        case "<=":
            return lambda env: left(env) <= right(env)
        case ">":
            return lambda env: left(env) > right(env)
    return lambda env: left(env) >= right(env)
