"""Who may go which way in: every route, over every code, verb and step, tried by every role and from outside.

What is expected is derived from the declarations and from what the preset roles offer, never from the code that decides.
"""

import itertools
import re
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache

import pytest
from django.db import IntegrityError

from yunlian.kernel.api import ROUTES, XLSX, Route
from yunlian.kernel.document import REGISTRY, VIEWS, Refused
from yunlian.kernel.fields import Parent, Ref
from yunlian.kernel.permission import Forbidden
from yunlian.kernel.steps import move
from yunlian.kernel.testing import savepoint
from yunlian.org.presets import PRESETS, offered

from .matrix import PAGE, page
from .stage import NOBODY, World, listed

# Ways that need more than their own verb: whoever takes rows out of a code must be allowed to see it.
ALSO = {
    ("GET", "/api/{code}/export.xlsx"): "{code}.view",
    ("POST", "/api/{code}/export"): "{code}.view",
    ("POST", "/api/{code}/import"): "{code}.edit",
    ("GET", "/api/{code}/pull/{source}"): "{source}.view",
    ("POST", "/api/{code}/pull/{source}"): "{source}.view",
    ("POST", "/api/{code}/{id}/push/{target}"): "{code}.view",
}
# Ways to pick a row of a master: for who may see it, or see or edit anything that points to it.
PICKS = (("GET", "/api/{code}/lookup"), ("POST", "/api/{code}/resolve"))
PEOPLE = [preset.code for preset in PRESETS]
OUTSIDE = ["wanderer", None]


@dataclass(frozen=True)
class Way:
    """One route with its parameters filled in."""

    route: Route
    path: str
    params: tuple[tuple[str, str], ...]

    @property
    def is_partner(self) -> bool:
        params = dict(self.params)
        document = REGISTRY.get(params.get("code", ""))
        steps = {} if document is None else document.steps
        return (
            self.route.path in ("/api/{code}/{id}/{step}", "/api/{code}/batch/{step}")
            and params["step"] in steps
            and steps[params["step"]][1].is_partner
        )

    def needs(self) -> list[str]:
        """The verbs it takes; empty when being in the enterprise is enough."""
        own = [self.route.needs] if "." in self.route.needs else []
        more = ALSO.get((self.route.method, self.route.path))
        return [each.format(**dict(self.params)) for each in (*own, *([more] if more else []))]


def fillings(route: Route) -> list[dict[str, str]]:
    """Every way to fill in the parameters of a route."""
    names = re.findall(r"{(\w+)}", route.path)
    if "code" not in names:
        return [{name: str(NOBODY) for name in names}]
    every = [*listed(), "no.such"]
    if "step" in names:
        pairs = [(code, step) for code, document in REGISTRY.items() for step in document.steps]
        return [
            {"code": c, "id": str(NOBODY), "step": s} for c, s in [*pairs, *((c, "no_such") for c in every)]
        ]
    links = [(code, link.source) for code, document in REGISTRY.items() for link in document.links]
    pairs = [
        *links,
        ("purchase.order", "sales.contract"),
        ("stock.balance", "stock.opening"),
        ("no.such", "no.such"),
    ]
    if "source" in names:
        return [{"code": code, "source": source} for code, source in pairs]
    if "target" in names:
        return [{"code": source, "id": str(NOBODY), "target": code} for code, source in pairs]
    return [{name: str(NOBODY) for name in names} | {"code": code} for code in every]


def find(method: str, path: str) -> Route | None:
    parts = tuple(path.strip("/").split("/"))
    return next(
        (route for route in ROUTES if route.method == method and route.match(parts) is not None), None
    )


@cache
def ways() -> list[Way]:
    """Every route filled in; ending the session comes last."""
    found = []
    for route in ROUTES:
        for params in fillings(route):
            path = route.path.format(**params)
            if find(route.method, path) is route:
                found.append(Way(route, path, tuple(params.items())))
    return sorted(found, key=lambda way: (way.route.method, way.path) == ("DELETE", "/api/session"))


def granted(role: str) -> set[str]:
    """Everything a preset role was founded with."""
    return set(offered(next(preset for preset in PRESETS if preset.code == role)))


def expected(way: Way, who: str | None, verbs: set[str]) -> int:
    """401, 403, or 0 for anything that is neither."""
    needs = way.route.needs
    if who is None or (who == "wanderer" and needs not in ("public", "user")):
        return 0 if needs == "public" else 401
    if needs in ("public", "user"):
        return 0
    asked = needs.format(**dict(way.params)).rpartition(".")[0]
    if needs.startswith("{") and asked not in listed():
        return 0  # missing for everybody, forbidden to nobody
    if not all(verb in verbs or ("*.*" in verbs and is_there(verb)) for verb in way.needs()):
        return 403
    picks = (way.route.method, way.route.path) in PICKS
    if picks and "*.*" not in verbs and not picking(dict(way.params)["code"]) & {*verbs, "*"}:
        return 403
    return 403 if way.is_partner else 0


def is_there(permission: str) -> bool:
    """Whether who may do everything may do it: nobody writes a document that declares no writing."""
    code, _dot, verb = permission.rpartition(".")
    declared = REGISTRY.get(code)
    return declared is None or verb not in ("edit", "delete", "import") or verb in declared.permissions


@cache
def picking(code: str) -> frozenset[str]:
    """The verbs of which one lets pick a row of a master."""
    document = REGISTRY.get(code)
    if document is None or not document.is_master:
        return frozenset(["*"])
    model, found = document.header, {code}
    for other, each in listed().items():
        models = [each.header, *([each.lines] if getattr(each, "lines", None) else [])]
        kinds = [kind for one in models for kind in one._meta.fields]
        kinds += [kind for _flow, step in getattr(each, "steps", {}).values() for kind in step.input]
        if any(
            isinstance(kind, Ref) and not isinstance(kind, Parent) and kind.remote_field.model is model
            for kind in kinds
        ):
            found.add(other)
    return frozenset(f"{each}.{verb}" for each in found for verb in ("view", "edit"))


def body_of(way: Way) -> dict[str, object]:
    if way.route.takes == "xlsx":
        return {"body": b"no workbook", "content_type": XLSX}
    return {} if way.route.method == "GET" else {"body": {}}


@pytest.mark.django_db
@pytest.mark.parametrize("who", [*PEOPLE, *OUTSIDE])
def test_every_way_in_opens_for_those_who_hold_its_verb_and_for_nobody_else(
    world: World, who: str | None
) -> None:
    browser, verbs = world.anew(who), granted(who) if who in PEOPLE else set()
    wrong = []
    # Outside an enterprise there are no verbs: for those there it is every route, by one code.
    tried = (
        ways()
        if who in PEOPLE
        else list({(way.route.method, way.route.path): way for way in ways()}.values())
    )
    for way in tried:
        response = browser.call(way.route.method, way.path, **body_of(way))
        want, got = expected(way, who, verbs), response.status_code
        fits = got == want if want else got not in (401, 403) and got < 500
        if not fits:
            wrong.append(
                f"{way.route.method} {way.path}: {got}, not {want or 'allowed'} {response.content[:200]!r}"
            )
    assert wrong == []


def test_the_matrix_is_no_smaller_than_what_is_declared() -> None:
    tried = {(way.route.method, way.route.path) for way in ways()}
    assert tried == {(route.method, route.path) for route in ROUTES}
    verbs = {verb for way in ways() for verb in way.needs()}
    declared = {f"{each.code}.{verb}" for each in listed().values() for verb in each.permissions}
    unreached = {verb for verb in declared - verbs if not verb.endswith(".access")}
    # A view has no import; a step of a view does not exist: everything that can be granted opens some way.
    assert unreached == set()
    assert len(VIEWS) + len(REGISTRY) == len(listed())
    assert len(list(itertools.chain(ways()))) > 500


def test_the_page_about_access_says_what_holds() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), (
        "run `python -m tests.attack.matrix` and look at what changed"
    )


PARTNER = [(c, s) for c, d in REGISTRY.items() for s, (_flow, step) in d.steps.items() if step.is_partner]


@pytest.mark.django_db
@pytest.mark.parametrize(("code", "step"), PARTNER)
def test_the_partners_steps_are_the_chains_alone(world: World, code: str, step: str) -> None:
    id_ = world.near.rows[code]
    for who in ("admin", "collaboration"):
        assert world.as_(who).post(f"/api/{code}/{id_}/{step}").status_code == 403
    assert step not in world.as_("admin").get(f"/api/{code}/{id_}").json()["can"]["steps"]
    with world.near.enter() as ctx:
        with pytest.raises(Forbidden), savepoint():
            move(code, ctx, id_, step)
        # It may be too early for it, or lack its input or a message: to the chain it is not forbidden.
        with suppress(Refused, IntegrityError), savepoint():
            move(code, replace(ctx, is_chain=True), id_, step)


def test_there_are_steps_of_the_partner_to_try() -> None:
    assert {code for code, _step in PARTNER} >= {"purchase.order", "sales.intention", "chain.link"}
