"""Another enterprise's ids: in every path, in every body, in every list. They are answered as ids nobody ever gave."""

import json
import re
import uuid
from typing import Any

import pytest
from django.http import HttpResponse

from yunlian.kernel.api import ROUTES, Route
from yunlian.kernel.document import REGISTRY, document_of
from yunlian.kernel.fields import Ref
from yunlian.kernel.jobs import enqueue

from .stage import NOBODY, Browser, Side, World, digest, kinds, listed

UNKNOWN = (404, 422)
_IDS = re.compile(r"[0-9a-fA-F]{8}-[0-9a-fA-F-]{27}")


def answer(response: HttpResponse) -> tuple[int, str]:
    """What an answer says, whatever id it was asked with."""
    return response.status_code, _IDS.sub("<id>", response.content.decode())


def ways_with_an_id() -> list[tuple[Route, dict[str, str]]]:
    """Every route that takes an id, for every code, step and link."""
    found = []
    for route in ROUTES:
        # What belongs to a person and to no enterprise is tried beside the code (test_identities, below).
        if "{id}" not in route.path or route.path.startswith("/api/session/"):
            continue
        for code in REGISTRY if "{code}" in route.path else [route.path.partition("/{id}")[0].split("/")[-1]]:
            if "{step}" in route.path:
                found += [(route, {"code": code, "step": step}) for step in REGISTRY[code].steps]
            elif "{target}" in route.path:
                found += [
                    (route, {"code": code, "target": target})
                    for target, document in REGISTRY.items()
                    if any(link.source == code for link in document.links)
                ]
            else:
                receiver = {"receiver": "contacts"} if "{receiver}" in route.path else {}
                found.append((route, {"code": code, **receiver}))
    return found


OWN_NAMES = {"links": "chain.link", "callbacks": "directory.callback", "contacts": "masters.partner_contact"}


def rows(side: Side) -> dict[str, uuid.UUID]:
    """A row of every code, and of what stands under a name of its own."""
    with side.enter() as ctx:
        job = enqueue(ctx, "import", "masters.unit", b"PK\x03\x04").id
        named = {name: side.rows[code] for name, code in OWN_NAMES.items()}
        return {**side.rows, **named, "jobs": job}


@pytest.mark.django_db
def test_an_id_of_another_enterprise_is_answered_as_one_nobody_gave(world: World) -> None:
    theirs, before = rows(world.near), digest(world.near)
    stranger, wrong, tried = world.as_("stranger"), [], 0
    for route, params in ways_with_an_id():
        id_ = theirs.get(params["code"])
        assert id_ is not None, f"no row of {params['code']} to try"
        asked = [route.path.format(**params, id=each, way=1) for each in (id_, NOBODY)]
        body = {"reason": "?"} if "messages" in route.path else {"version": 1}
        body = None if route.method == "GET" else body
        (got, nobody) = [answer(stranger.call(route.method, path, body)) for path in asked]
        tried += 1
        # The chain's own steps, and what a partner publishes, are closed to people altogether.
        if got != nobody or got[0] not in (*UNKNOWN, 403):
            wrong.append(f"{route.method} {asked[0]}: {got} instead of {nobody}")
        is_writing = route.path == "/api/{code}/{id}" and route.method in ("PUT", "DELETE")
        verb = "edit" if route.method == "PUT" else "delete"
        is_fixed = is_writing and verb not in REGISTRY[params["code"]].verbs
        if got[0] == 403 and not (
            is_fixed or ("step" in params and REGISTRY[params["code"]].steps[params["step"]][1].is_partner)
        ):
            wrong.append(f"{route.method} {asked[0]}: forbidden to an administrator")
    assert wrong == []
    assert tried > 250
    assert digest(world.near) == before


@pytest.mark.django_db
def test_the_same_ids_open_for_those_they_belong_to(world: World) -> None:
    admin = world.as_("admin")
    for code, id_ in world.near.rows.items():
        if code not in REGISTRY:
            continue
        for tail in ("", "/log"):
            response = admin.get(f"/api/{code}/{id_}{tail}")
            assert response.status_code == 200, (code, tail, response.content)


@pytest.mark.django_db
def test_a_session_of_another_person_cannot_be_ended(world: World) -> None:
    owner, stranger = world.anew("admin"), world.anew("stranger")
    session = owner.get("/api/session/devices").json()["rows"][0]["id"]
    assert stranger.delete(f"/api/session/devices/{session}").status_code == 404
    assert owner.get("/api/session").status_code == 200
    assert owner.delete(f"/api/session/devices/{session}").status_code == 204
    assert owner.get("/api/session").status_code == 401


def own_body(browser: Browser, side: Side, code: str) -> dict[str, Any]:
    """A document of one's own as it would be sent again: new, with its lines."""
    shown = browser.get(f"/api/{code}/{side.rows[code]}").json()
    for line in shown.get("lines", ()):
        line.pop("id")
        line.pop("sources", None)
    return {key: value for key, value in shown.items() if key not in ("id", "code", "version", "can")}


def problems(response: HttpResponse) -> list[tuple[str, int | None, str]]:
    return [(p["field"], p["line"], p["code"]) for p in response.json()["problems"]]


@pytest.mark.django_db
def test_a_reference_to_a_row_of_another_enterprise_is_unknown(world: World) -> None:
    stranger, before, tried = world.as_("stranger"), digest(world.near), 0
    for code, document in REGISTRY.items():
        if "edit" not in document.permissions or code in ("chain.link", "chain.credential"):
            continue
        body = own_body(stranger, world.far, code)
        for section, name, kind in kinds(document):
            target = (
                document_of(kind.remote_field.model).code if isinstance(kind, Ref) and _has_code(kind) else ""
            )
            if target not in world.near.rows:
                continue
            got = []
            for id_ in (world.near.rows[target], NOBODY):
                sent = json.loads(json.dumps(body))
                for row in sent["lines"] if section else [sent]:
                    row[name] = str(id_)
                response = stranger.post(f"/api/{code}", **sent)
                assert (name, 1 if section else None, "unknown") in problems(response), (
                    code,
                    name,
                    response.content,
                )
                got.append(answer(response))
            assert got[0] == got[1]
            tried += 1
    assert tried > 40
    assert digest(world.near) == before


def _has_code(kind: Ref) -> bool:
    return any(document.header is kind.remote_field.model for document in REGISTRY.values())


@pytest.mark.django_db
def test_nothing_can_be_made_from_lines_of_another_enterprise(world: World) -> None:
    stranger, before = world.as_("stranger"), digest(world.near)
    for code, document in REGISTRY.items():
        for link in document.links:
            theirs = world.near.rows if link.of_header else world.near.lines
            asked: list[tuple[str, dict[str, Any]]] = []
            for line, doc in ((theirs[link.source], world.near.rows[link.source]), (NOBODY, NOBODY)):
                asked += [
                    (f"/api/{code}/pull/{link.source}", {"lines": {str(line): None}}),
                    (f"/api/{code}/pull/{link.source}", {"docs": [str(doc)]}),
                ]
                sent = own_body(stranger, world.far, code)
                sent["lines"][0]["sources"] = [{"code": link.source, "line": str(line), "qty": "1"}]
                asked.append((f"/api/{code}", sent))
            got = [answer(stranger.post(path, **body)) for path, body in asked]
            assert got[:3] == got[3:], (code, link.source)
            assert {status for status, _body in got} <= {404, 409, 422}, got
    assert digest(world.near) == before


@pytest.mark.django_db
def test_a_line_of_another_enterprise_is_not_rewritten(world: World) -> None:
    stranger, before = world.as_("stranger"), digest(world.near)
    for code, line in world.near.lines.items():
        for id_ in (line, NOBODY):
            body = own_body(stranger, world.far, code)
            body["lines"][0]["id"] = str(id_)
            response = stranger.post(f"/api/{code}", **body)
            assert ("id", 1, "unknown") in problems(response), (code, response.content)
    assert digest(world.near) == before


@pytest.mark.django_db
def test_no_list_search_filter_or_page_shows_a_row_of_another_enterprise(world: World) -> None:
    stranger = world.as_("stranger")
    theirs = {str(id_) for id_ in (*world.near.rows.values(), *world.near.lines.values())}
    names = [world.near.login, f"企业near{world.near.login.removeprefix('boss-near')}"]
    for code, each in listed().items():
        paths = [f"/api/{code}", f"/api/{code}/total", f"/api/{code}?limit=200", f"/api/{code}/export.xlsx"]
        if code in world.near.rows:
            chosen = json.dumps([["id", "=", str(world.near.rows[code])]])
            empty = stranger.get(f"/api/{code}?filter={chosen}").json()
            assert empty == {"rows": [], "next": None}
        for name, kind in each.fields.items():
            target = (
                document_of(kind.remote_field.model).code if isinstance(kind, Ref) and _has_code(kind) else ""
            )
            if target in world.near.rows:
                paths.append(f"/api/{code}?filter={json.dumps([[name, '=', str(world.near.rows[target])]])}")
        for path in paths:
            response = stranger.get(path)
            text = response.content.decode(errors="ignore")
            assert not [id_ for id_ in theirs if id_ in text], path
            # A link names its partner, and so does what they publish to us; nothing else of theirs is here.
            assert code in ("chain.link", "chain.product") or not [name for name in names if name in text], (
                path
            )
    for path in (
        "/api/search?q=E1",
        "/api/jobs",
        "/api/meta",
        "/api/session",
        "/api/masters.product/lookup?q=T",
    ):
        text = stranger.get(path).content.decode()
        assert not [id_ for id_ in theirs if id_ in text], path


@pytest.mark.django_db
def test_in_ones_own_scope_only_ones_own_documents_are_there(world: World) -> None:
    guide, admin = world.as_("guide"), world.as_("admin")
    for code in ("sales.contract", "sales.intention", "finance.receipt"):
        theirs = world.near.rows[code]
        for tail in ("", "/log", "/trace"):
            got, nobody = (answer(guide.get(f"/api/{code}/{id_}{tail}")) for id_ in (theirs, NOBODY))
            assert got == nobody
            assert got[0] == 404
        assert guide.get(f"/api/{code}").json()["rows"] == []
        assert answer(guide.post(f"/api/{code}/{theirs}/submit")) == answer(
            guide.post(f"/api/{code}/{NOBODY}/submit")
        )
    body = own_body(admin, world.near, "sales.intention")
    mine = guide.post("/api/sales.intention", **body | {"owner": None}).json()
    assert guide.get(f"/api/sales.intention/{mine['id']}").status_code == 200, mine
    assert [row["id"] for row in guide.get("/api/sales.intention").json()["rows"]] == [mine["id"]]
