"""Bad input over HTTP, made from the declarations: never a failure of ours, always named, nothing changed."""

import json
import uuid
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import quote

import pytest
from django.db import transaction
from django.http import HttpResponse

from yunlian.kernel.api import MAX_BODY, ROUTES, XLSX, Route
from yunlian.kernel.document import REGISTRY, Document
from yunlian.kernel.fields import Boolean, Date, Integer, Moment, Number, Ref, Tags, Text
from yunlian.kernel.sheets import write

from .stage import NOBODY, Browser, World, codes, digest, kinds, listed
from .test_access import fillings

DEEP: Any = "x"
for _level in range(60):
    DEEP = [DEEP]
# No kind takes these, whatever it is; a list of words is one kind's own.
NEVER: list[Any] = [{}, {"id": {}}, {"code": []}, DEEP, "\x00", "a\x00b", "\ud800", "x" * 100_000]
NO_LIST: list[Any] = [[], [[]], [None], [5]]
SOMETIMES: list[Any] = [
    True, 0, -1, 5, 10**30, -(10**400), 0.1, 1e308, "", " ", "\t", "\u202e", "²", "--5", "٣", "1_000", "9" * 5_000, "-1",
    "0.0000001", "1.00000000000000000000000000000000000001", "1e400", "1e-400", "0e99999999", "1E+18", "999999999999999999",
    "NaN", "sNaN", "Infinity", "-Infinity", "0x10", "' OR 1=1 --", "'); DROP TABLE org_enterprise; --", "${7*7}", "{0}", "%s",
    "<script>", "=1+1", "0001-01-01", "9999-12-31", "2026-02-30", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00",
    "2026-11-22T08:00:00", str(NOBODY), str(NOBODY).upper(), "NO-SUCH", "x" * 201, "汉" * 4_001, {"id": str(NOBODY)},
    {"code": "NO-SUCH"}, {"name": "x"},
]  # fmt: skip
# What must never be seen in an answer.
INSIDE = ("Traceback", "psycopg", "django", "SELECT ", "/yunlian/", "site-packages", "<script>alert")


def judge(response: HttpResponse, what: Any) -> HttpResponse:
    """Whatever was sent: an answer in our words, short, with every problem whole."""
    note = f"{str(what)[:300]}: {response.status_code} {response.content[:300]!r}"
    assert response.status_code < 500, note
    if response.status_code >= 400:
        assert response["Content-Type"] == "application/json", note
        found = response.json()["problems"]
        assert found, note
        for problem in found:
            assert problem["field"] is None or isinstance(problem["field"], str), note
            assert problem["line"] is None or (isinstance(problem["line"], int) and problem["line"] >= 1), (
                note
            )
            assert isinstance(problem["code"], str), note
            assert problem["code"], note
            assert isinstance(problem["message"], str), note
            assert problem["message"], note
            assert len(problem["message"]) < 2_000, note
        text = response.content.decode()
        assert not [word for word in INSIDE if word in text], note
    return response


def named(response: HttpResponse) -> set[tuple[str | None, int | None]]:
    return {(p["field"], p["line"]) for p in response.json()["problems"]}


def attempt(browser: Browser, method: str, path: str, body: Any = None, **more: Any) -> HttpResponse:
    """Send and judge; what was accepted is taken back."""
    point = transaction.savepoint()
    response = judge(browser.call(method, path, body, **more), (method, path, body))
    if response.status_code < 400:
        transaction.savepoint_rollback(point)
    else:
        transaction.savepoint_commit(point)
    return response


def editable() -> list[str]:
    return [code for code, document in REGISTRY.items() if "edit" in document.permissions]


def good_body(browser: Browser, world: World, code: str) -> dict[str, Any]:
    """A body that would be accepted: what was read, without what makes it that one row."""
    shown = browser.get(f"/api/{code}/{world.near.rows[code]}").json()
    body = {
        name: shown[name] for _section, name, _kind in kinds(REGISTRY[code]) if name in shown and not _section
    }
    if "lines" in shown:
        line = {
            name: shown["lines"][0].get(name) for section, name, _kind in kinds(REGISTRY[code]) if section
        }
        body["lines"] = [{name: value for name, value in line.items() if value is not None}]
    if REGISTRY[code].is_master:
        body["code"] = f"NEW-{code}"[:60]
    return body


def takes(kind: Any, value: Any) -> bool:
    """Whether a kind might take one of NEVER or NO_LIST after all."""
    if isinstance(kind, Tags):
        return value == []
    if isinstance(kind, Ref):
        return False
    return False


@pytest.fixture
def unchanged(world: World, db: None) -> Iterator[None]:
    """The whole enterprise is as it was before."""
    before = digest(world.near), digest(world.far)
    yield
    assert (digest(world.near), digest(world.far)) == before


@pytest.mark.parametrize("code", editable())
def test_what_no_field_can_take_is_named_in_every_field(world: World, unchanged: None, code: str) -> None:
    admin = world.as_("admin")
    document, body = REGISTRY[code], good_body(world.as_("admin"), world, code)
    for value in [*NEVER, *NO_LIST]:
        sent, wanted = json.loads(json.dumps(body)), set()
        for section, name, kind in kinds(document):
            if takes(kind, value):
                continue
            for row in sent["lines"] if section else [sent]:
                row[name] = value
            wanted.add((name, 1 if section else None))
        response = attempt(admin, "POST", f"/api/{code}", sent)
        if value == "\ud800":  # no JSON text can hold half a character
            assert response.status_code == 422
            continue
        assert response.status_code == 422, (value, response.content[:500])
        assert wanted <= named(response), (value, wanted - named(response))


def _likely(kind: Any) -> Iterable[Any]:
    """Values that pass the first gate of a kind and may trip a later one."""
    if isinstance(kind, Number):
        return [
            "0",
            "-1",
            "0.000001",
            "99999999",
            "999999999999",
            "1.00000000000000000000000000000000000001",
            "1E+11",
        ]
    if isinstance(kind, Integer):
        return [0, 6, 1_000, 2_000_000_000, "²", "--5", "9" * 5_000]
    if isinstance(kind, Date):
        return ["1900-01-01", "2200-12-31", "2026-W47-7", "20261122"]
    if isinstance(kind, Moment):
        return [
            "0001-01-01T00:00:00+14:00",
            "9999-12-31T23:59:59-14:00",
            "0001-01-01T00:00:00Z",
            "9999-12-31T23:59:59Z",
        ]
    if isinstance(kind, Boolean):
        return [True, False]
    if isinstance(kind, Ref):
        return [str(NOBODY), "NO-SUCH", "'; --", "%", "\u202e"]
    if isinstance(kind, Tags):
        return [["\x00"], ["\u202e"], ["a"] * 50]
    if isinstance(kind, Text):
        return [
            "'); DROP TABLE x; --",
            "\u202e\u200b",
            "\x01\x02",
            "%s %(x)s {0}",
            "e\u0301" * 30,
            "ß" * 60,
            "ﷺ" * 40,
            "\ufeff",
        ]
    return []


@pytest.mark.parametrize("code", editable())
def test_one_odd_value_among_good_ones_never_fails_us(world: World, unchanged: None, code: str) -> None:
    admin, body = world.as_("admin"), good_body(world.as_("admin"), world, code)
    for section, name, kind in kinds(REGISTRY[code]):
        for value in _likely(kind):
            sent = json.loads(json.dumps(body))
            for row in sent["lines"] if section else [sent]:
                row[name] = value
            attempt(admin, "POST", f"/api/{code}", sent)
    for value in SOMETIMES:
        sent = json.loads(json.dumps(body))
        for section, name, _kind in kinds(REGISTRY[code]):
            for row in sent["lines"] if section else [sent]:
                row[name] = value
        attempt(admin, "POST", f"/api/{code}", sent)


SHAPES: list[dict[str, Any]] = [
    {"lines": value} for value in (5, True, "abc", {}, {"a": 1}, [5], [None], [[]], ["x"], [{}], [{}] * 1_001, None, 0.5)
] + [
    {"lines": [{"sources": value}]}
    for value in (
        5, True, "abc", {}, [5], [None], [{}], [{"line": 5}], [{"line": "x"}], [{"line": str(NOBODY)}], [{"line": {}}],
        [{"line": str(NOBODY), "qty": "abc"}], [{"line": str(NOBODY), "qty": -1}], [{"line": str(NOBODY), "qty": "1e400"}],
        [{"line": str(NOBODY), "qty": {}}], [{"line": str(NOBODY), "code": 5}], [{"line": str(NOBODY), "code": "no.such"}],
        [{"line": str(NOBODY), "code": {}}], [{"line": str(NOBODY), "code": []}], [{"line": str(NOBODY)}] * 2_000,
    )
] + [
    {"lines": [{"id": value}]} for value in (5, True, {}, [], "x", str(NOBODY), "\x00")
] + [
    {"draft": value} for value in (5, "yes", {}, [], True)
] + [
    {name: 1} for name in ("enterprise_id", "__class__", "x" * 10_000, "a\x00b", "\u202e", "linked_", "", "surplus", "pk")
] + [
    {"id": value} for value in (5, {}, "x", str(NOBODY))
] + [
    {"state": "approved", "number": "HACK-1", "close": "auto", "version": 99, "created_by": str(NOBODY), "owner": str(NOBODY)}
]  # fmt: skip


@pytest.mark.parametrize("code", editable())
def test_odd_shapes_of_a_body_never_fail_us(world: World, unchanged: None, code: str) -> None:
    admin, body = world.as_("admin"), good_body(world.as_("admin"), world, code)
    for shape in SHAPES:
        sent = json.loads(json.dumps(body)) | shape
        if (
            isinstance(shape.get("lines"), list)
            and body.get("lines")
            and len(shape["lines"]) == 1
            and shape["lines"][0]
        ):
            extra = shape["lines"][0]
            sent["lines"] = [body["lines"][0] | extra] if isinstance(extra, dict) else shape["lines"]
        response = attempt(admin, "POST", f"/api/{code}", sent)
        name = next(iter(shape))
        if name not in ("lines", "draft", "id", "state", "linked_", "number"):
            assert response.status_code == 422, (shape, response.content)


@pytest.mark.parametrize("code", editable())
def test_a_state_a_number_or_an_author_cannot_be_given(world: World, db: None, code: str) -> None:
    admin, body = world.as_("admin"), good_body(world.as_("admin"), world, code)
    if code == "chain.link":
        return  # one invitation at a time
    forged = {
        "state": "approved",
        "number": "HACK-1",
        "close": "manual",
        "created_by": str(NOBODY),
        "version": 7,
        "id": str(NOBODY),
    }
    response = attempt(admin, "POST", f"/api/{code}", body | forged)
    assert response.status_code == 201, response.content
    made = response.json()
    assert (made["version"], made["created_by"]["id"]) == (1, str(world.near.admin_id))
    assert made["id"] != str(NOBODY)
    assert made.get("number") != "HACK-1"
    assert made.get("state") != "approved"
    assert made.get("close", "open") == "open"


RAW = [
    b"", b" ", b"[]", b"null", b"5", b'"x"', b"{", b'{"a":', b'{"a":1}x', b'\xff\xfe{}', b'{"code":"\xff"}', b"\xef\xbb\xbf{}",
    b'{"amount":NaN}', b'{"amount":Infinity}', b'{"amount":-Infinity}', b'{"amount":1e400}', b'{"amount":0.1e-400}',
    b'{"code":"\\ud800"}', b'{"code":"\\u0000"}', b'{"a":1,"a":2}', b"[" * 100_000, b'{"a":' * 100_000, b'{"a":[' * 5_000,
    b'{"code":' + b"9" * 10_000 + b"}", b"{" + b" " * 1_000_000 + b"}", "{}".encode("utf-16"), b'{"version":1e0}', b"\x00",
]  # fmt: skip


@pytest.mark.parametrize("raw", RAW, ids=lambda raw: repr(raw[:20]))
def test_what_is_no_json_object_is_refused_by_every_write(world: World, unchanged: None, raw: bytes) -> None:
    admin, row = world.as_("admin"), world.near.rows["masters.unit"]
    for method, path in (
        ("POST", "/api/masters.unit"), ("PUT", f"/api/masters.unit/{row}"), ("POST", "/api/sales.contract"),
        ("POST", "/api/masters.product/resolve"), ("POST", "/api/sales.contract/pull/sales.intention"),
        ("POST", "/api/session/password"), ("POST", "/api/session"), ("PUT", "/api/session/enterprise"),
    ):  # fmt: skip
        response = attempt(admin, method, path, raw)
        assert 400 <= response.status_code < 500, (path, response.content)


def test_a_body_beyond_the_limit_is_refused_before_it_is_read(world: World, unchanged: None) -> None:
    admin = world.as_("admin")
    big = b'{"code":"' + b"x" * (MAX_BODY - 11) + b'"}'
    assert len(big) == MAX_BODY
    assert attempt(admin, "POST", "/api/masters.unit", big).status_code == 422
    assert attempt(admin, "POST", "/api/masters.unit", big + b" ").status_code == 413
    many = json.dumps({"lines": [{}] * 1_000_000}).encode()
    assert attempt(admin, "POST", "/api/sales.contract", many[:MAX_BODY]).status_code == 422
    assert (
        attempt(
            admin, "POST", "/api/masters.unit/import", b"PK\x03\x04" + b"x" * 21_000_000, content_type=XLSX
        ).status_code
        == 413
    )
    for said in ("abc", "-1", "1e3", "9" * 30, "²"):
        response = admin.client.generic(
            "POST", "/api/masters.unit", b"{}", "application/json", CONTENT_LENGTH=said
        )
        assert response.status_code in (400, 413), said


QUERIES = [
    *(f"limit={value}" for value in ("0", "-1", "201", "abc", "", "²", "1e2", "9" * 5_000, "٣", "%00")),
    *(f"sort={value}" for value in ("-", "--date", "nosuch", "-id", "id,id", "%00", "date;drop", "number desc", "state,", ",", "'")),
    *(f"columns={value}" for value in ("", ",", "id", "nosuch", "%00", "*", "t.id", "number,number", "'", "1")),
    *(f"search={value}" for value in ("%00", "%25", "_", "'", "%5c", "x" * 101, "汉" * 100, "%ED%A0%80", "%E2%80%AE", " ", "a b c d e")),
    *(f"cursor={value}" for value in ("x", "%00", "W10=", "WyJhIl0=", "WyJhIiwiYiJd", "bnVsbA==", "汉", "=" * 50, "WyJhIiwiYiIsImMiXQ==")),
    *(f"filter={value}" for value in (
        "x", "5", "null", "{}", "[5]", "[[]]", "[[5,5,5]]", '[["nosuch","=",1]]', '[["id"]]', '[["id","in",[5]]]',
        '[["id","=","x"]]', '{"or":5}', '[{"or":[]}]', '[{"or":[5]}]', '[{"and":1}]', "[" * 5_000, '[["date"]]', "%00",
        '[["id","=",null]]', '[["id","in",[]]]', '[{"or":[["id","=","x"]]},{"x":1}]', '["id","=","x"]',
    )),
    "nosuch=1", "filter=[]&filter=[]", "limit=1&limit=abc", "&".join(f"a{n}=1" for n in range(1_001)), "%FF=%FF", "[]=1",
]  # fmt: skip


@pytest.mark.parametrize("code", list(listed()))
def test_garbage_in_the_address_never_fails_us(world: World, unchanged: None, code: str) -> None:
    admin = world.as_("admin")
    at = list(listed()).index(code)
    # The whole list for one code of each sort; of the others, each another part.
    chosen = (
        QUERIES if code in ("sales.contract", "masters.product", "stock.balance") else QUERIES[at % 7 :: 7]
    )
    for query in chosen:
        attempt(admin, "GET", f"/api/{code}?{query}")
    for query in chosen[:: 2 if len(chosen) > 50 else 5]:
        for tail in ("total", "export.xlsx", "lookup"):
            attempt(admin, "GET", f"/api/{code}/{tail}?{query}")


OPERATORS = ("=", "!=", "in", ">", "<=", "contains", "starts", "empty", "like", "")
COMPARED: list[Any] = [
    "x", "", None, 5, 0.5, True, [], ["x"], ["x", 5], {}, "\x00", "'", "%", "NaN", "2026-01-01", str(NOBODY), 10**40,
    "0001-01-01T00:00:00+14:00", "9" * 5_000, "²", "\ud800",
]  # fmt: skip


def of_each_kind() -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """Fields to filter by, as (code, name): one of each kind, and two more of each by what it points to and may lack."""
    kinds_: dict[Any, tuple[str, str]] = {}
    finer: dict[Any, list[tuple[str, str]]] = {}
    for code, each in listed().items():
        for name, kind in each.fields.items():
            target = kind.remote_field.model if isinstance(kind, Ref) else None
            kinds_.setdefault(type(kind), (code, name))
            finer.setdefault((type(kind), target, kind.null), []).append((code, name))
    further = {pair for pairs in finer.values() for pair in (pairs[0], pairs[-1])}
    return list(kinds_.values()), sorted(further - set(kinds_.values()))


def _filtered(browser: Browser, code: str, name: str, operator: str, value: Any) -> None:
    attempt(browser, "GET", f"/api/{code}?filter={quote(json.dumps([[name, operator, value]]))}")


@pytest.mark.parametrize(("code", "name"), of_each_kind()[0])
def test_every_kind_of_field_can_be_filtered_with_anything(
    world: World, unchanged: None, code: str, name: str
) -> None:
    for value in COMPARED:
        for operator in OPERATORS:
            _filtered(world.as_("admin"), code, name, operator, value)


def test_further_fields_can_be_filtered_with_each_value_and_each_operator(
    world: World, unchanged: None
) -> None:
    for at, (code, name) in enumerate(of_each_kind()[1]):
        for turn, value in enumerate(COMPARED):
            _filtered(world.as_("admin"), code, name, OPERATORS[(at + turn) % len(OPERATORS)], value)


@pytest.mark.parametrize("code", list(listed()))
def test_every_field_can_be_shown_and_sorted_or_says_why_not(
    world: World, unchanged: None, code: str
) -> None:
    admin = world.as_("admin")
    for name in listed()[code].fields:
        for way in ("", "-"):
            response = attempt(admin, "GET", f"/api/{code}?sort={way}{name}&columns={name}")
            assert response.status_code == 200 or codes(response) == ["unsortable"]


def test_every_step_refuses_odd_input(world: World, unchanged: None) -> None:
    admin = world.as_("admin")
    for code, document in REGISTRY.items():
        row = world.near.rows[code]
        for name, (_flow, step) in document.steps.items():
            path = f"/api/{code}/{row}/{name}"
            bodies: list[dict[str, Any]] = [
                {"surplus": 1},
                {"version": "x"},
                {"version": 1.5},
                {"version": True},
                {"version": 10**30},
            ]
            bodies += [{"version": -1}, {"ctx": 1, "self": 1, "code": 1, "id_": 1, "step": 1, "loaded": 1}]
            bodies += [
                {kind.name or "": value}
                for kind in step.input
                for value in (*NEVER, *NO_LIST, *SOMETIMES[:20])
            ]
            for body in bodies:
                attempt(admin, "POST", path, body)


WORDS = (
    "login", "password", "roles", "is_active", "verbs", "scopes", "guards", "everything", "version", "old", "new", "enterprise",
    "values", "lines", "docs", "save", "credential", "valid_until", "reason", "value", "name", "code",
)  # fmt: skip


WRITTEN: list[Any] = [
    5, [], {}, "x", ["x"], [5], [{}], [[]], {"x": 5}, {"x": "all"}, "\x00", [str(NOBODY)],
    [{"code": "sales.contract", "verbs": 5}],
]  # fmt: skip


def answered(response: HttpResponse) -> tuple[int, list[tuple[str, str]]]:
    """The status, and which problems of which fields are named."""
    problems = response.json()["problems"] if response.status_code >= 400 else ()
    return response.status_code, [(each["field"], each["code"]) for each in problems]


WRITES = [
    route
    for route in ROUTES
    if route.method != "GET"
    and route.takes == "json"
    and "{step}" not in route.path
    and (route.method, route.path) != ("DELETE", "/api/session")
]


@pytest.mark.parametrize("route", WRITES, ids=lambda route: f"{route.method} {route.path}")
def test_every_other_write_refuses_odd_input(world: World, unchanged: None, route: Route) -> None:
    admin, params = world.as_("admin"), fillings(route)[0]
    if "id" in params:
        literal = route.path.partition("/{id}")[0].split("/")[-1]
        params["id"] = str(world.near.rows.get(params.get("code", literal), NOBODY))
    path = route.path.format(**params)
    for value in (*NEVER, *NO_LIST, 5, True, None, 0.5, "x", ["x"], [{}], {"x": "y"}, {"x": {"y": []}}):
        attempt(admin, route.method, path, dict.fromkeys(WORDS, value))
    bare, full = (attempt(admin, route.method, path, body) for body in ({}, dict.fromkeys(WORDS, 5)))
    if "{code}" in route.path or answered(bare) == answered(full):
        return  # tried with every document elsewhere; or it does not look at the body
    surplus = {field for field, code in answered(full)[1] if code == "surplus"}
    for word in sorted(set(WORDS) - surplus):
        for value in WRITTEN:
            attempt(admin, route.method, path, {word: value})


def test_pulling_refuses_odd_input(world: World, unchanged: None) -> None:
    admin = world.as_("admin")
    for code, document in REGISTRY.items():
        for link in document.links:
            line = world.near.rows[link.source] if link.of_header else world.near.lines[link.source]
            path = f"/api/{code}/pull/{link.source}"
            for body in (
                *({"lines": {str(line): qty}} for qty in ("abc", -1, "0", "1e400", {}, [], True, "NaN", 10**30, "0.00000001")),
                *({"lines": {key: "1"}} for key in ("x", "", "\x00", str(NOBODY), "5")),
                *({"lines": value} for value in (5, "x", [], [str(line)], True, {})),
                *({"docs": value} for value in (5, "x", {}, [], [5], [{}], ["x"], [None], [str(NOBODY)], [[]], [str(NOBODY)] * 5_000)),
            ):  # fmt: skip
                response = attempt(admin, "POST", path, body)
                assert response.status_code in (200, 404, 409, 422)
            for query in ("search=%00", "search='", "search=" + "x" * 5_000, "limit=x"):
                attempt(admin, "GET", f"{path}?{query}")


def test_paths_that_lead_nowhere(world: World, unchanged: None) -> None:
    admin = world.as_("admin")
    for path in (
        "/api/../../etc/passwd", "/api/%2e%2e/%2e%2e", "/api//", "/api/sales.contract//", "/api/sales.contract/%00", "/api/%00",
        "/api/sales.contract/x", "/api/sales.contract/5/log", "/api/{code}", "/api/sales.contract/{0.__class__}", "/api/*/x",
        f"/api/sales.contract/{NOBODY}/push/no.such", "/api/sales.contract/" + "x" * 5_000, "/api/" + "a/" * 500, "/api/%FF%FE",
        f"/api/sales.contract/{str(world.near.rows['sales.contract']).replace('-', '')}", "/api/..", "/api/sales", "/api/sales.",
        f"/api/sales.contract/{{{NOBODY}}}", f"/api/sales.contract/urn:uuid:{NOBODY}", "/api/sales%2Econtract/x", "/api/jobs/x",
    ):  # fmt: skip
        for method in ("GET", "POST", "PUT", "DELETE", "PATCH"):
            attempt(admin, method, path, None if method == "GET" else {})


def test_odd_headers_never_fail_us(world: World, unchanged: None) -> None:
    admin = world.as_("admin")
    for headers in (
        {"Accept-Language": "x" * 5_000}, {"Accept-Language": "%00,;;q=9"}, {"Accept-Language": "é"}, {"Accept": "text/html"},
        {"Idempotency-Key": "short"}, {"Idempotency-Key": "x" * 101}, {"Idempotency-Key": "é" * 20}, {"Idempotency-Key": "'; drop --"},
        {"Authorization": "Bearer x"}, {"Authorization": "Bearer " + "x" * 400}, {"Authorization": "Bearer é" + "x" * 40},
        {"Authorization": "Basic eDp5"}, {"X-HTTP-Method-Override": "DELETE"}, {"X-Forwarded-For": "'; drop --"},
        {"X-Forwarded-Host": "evil.example"}, {"Cookie": "session=" + "x" * 5_000}, {"Cookie": "session=\u00e9; ;;=;"},
    ):  # fmt: skip
        for method, path in (("GET", "/api/sales.contract"), ("POST", "/api/masters.unit")):
            attempt(
                Browser() if "Cookie" in headers else admin,
                method,
                path,
                None if method == "GET" else {},
                **headers,
            )


def test_a_workbook_that_is_none_is_refused(world: World, unchanged: None) -> None:
    admin = world.as_("admin")
    good = write(["x"], [["y"]], title="x")
    for raw in (b"", b"x", b"PK", good[:100], b"MZ" + good, b"%PDF-1.4", b"<?xml version='1.0'?>"):
        response = attempt(admin, "POST", "/api/masters.unit/import", raw, content_type=XLSX)
        assert response.status_code in (202, 422), (raw[:10], response.content)
    assert attempt(admin, "POST", "/api/masters.unit/import", {"a": 1}).status_code == 415
    assert attempt(admin, "POST", "/api/stock.balance/import", good, content_type=XLSX).status_code == 404


def test_a_document_cannot_be_rewritten_with_odd_versions(world: World, unchanged: None) -> None:
    admin = world.as_("admin")
    for code in editable():
        path, document = f"/api/{code}/{world.near.rows[code]}", REGISTRY[code]
        assert isinstance(document, Document)
        for version in (None, "1", 1.5, True, -1, 0, 10**30, {}, [], uuid.uuid4().hex):
            response = attempt(admin, "PUT", path, {"version": version})
            assert response.status_code in (409, 422), (code, version, response.content)
            assert ("version", None) in named(response) or response.status_code == 409


@pytest.mark.parametrize(
    "qty",
    ["1.0000001", "1.00000000000000000000000000000000000001", "0.0000000000000000000000000000000000001"],
)
def test_nothing_typed_is_rounded(world: World, unchanged: None, qty: str) -> None:
    admin = world.as_("admin")
    body = good_body(admin, world, "sales.contract")
    body["lines"][0]["qty"] = qty
    response = attempt(admin, "POST", "/api/sales.contract", body)
    assert [(p["field"], p["line"], p["code"]) for p in response.json()["problems"]] == [
        ("qty", 1, "precision")
    ]
    body["lines"][0]["qty"] = "1." + "0" * 100
    response = attempt(admin, "POST", "/api/sales.contract", body)
    assert response.status_code == 201, response.content
    assert response.json()["lines"][0]["qty"] == "1"
