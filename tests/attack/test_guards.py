"""Fields behind a guard: absent for who may not read them, in every answer, list, sheet, log, trace and refusal."""

import datetime as dt
import io
import json
import uuid

import pytest
from python_calamine import CalamineWorkbook

from yunlian.kernel import resources, worker
from yunlian.kernel.api import XLSX
from yunlian.kernel.document import REGISTRY, VIEWS, Document, Problem, Refused
from yunlian.kernel.identity import new_id
from yunlian.org.models import Role, RoleGuard, RoleVerb
from yunlian.org.presets import PRESETS, offered

from .stage import COST_MARK, NOBODY, PURCHASE_MARK, SALES_MARK, World, codes, listed

MARKS = {"purchase.price": PURCHASE_MARK, "sales.price": SALES_MARK, "stock.cost": COST_MARK}


def blind(role: str) -> dict[str, set[str]]:
    """The codes a preset role may view although it may not read some of their fields: those fields."""
    preset = next(preset for preset in PRESETS if preset.code == role)
    granted = set(offered(preset))
    read = {guard.rstrip("+") for guard in preset.guards.split()}
    found = {}
    for code, each in listed().items():
        hidden = {guard for guard in each.guards if guard not in read}
        if hidden and f"{code}.view" in granted:
            kinds = {**each.fields, **(each.line_fields if isinstance(each, Document) else {})}
            found[code] = {name for name, kind in kinds.items() if kind.guard in hidden}
    return found


BLIND = [(preset.code, code) for preset in PRESETS[1:] for code in blind(preset.code)]


def let_export(world: World, role: str, code: str) -> None:
    """Let a role take a code's rows out as a sheet, so that only the guards stand between it and the prices."""
    with world.near.enter():
        held = RoleVerb.objects.filter(role_id=Role.objects.get(code=role.upper()).id, code=code)
        if not held.filter(verb="export").exists():
            view = held.get(verb="view")
            view.id, view.verb = new_id(), "export"
            view.save(force_insert=True)


def hidden_marks(role: str) -> list[str]:
    preset = next(preset for preset in PRESETS if preset.code == role)
    return [
        mark
        for guard, mark in MARKS.items()
        if guard not in {each.rstrip("+") for each in preset.guards.split()}
    ]


def text_of(content: bytes, kind: str) -> str:
    """An answer as text; a workbook as its cells."""
    if kind != XLSX:
        return content.decode()
    book = CalamineWorkbook.from_filelike(io.BytesIO(content))
    return json.dumps([book.get_sheet_by_index(0).to_python()], default=str)


def test_there_are_blind_roles_to_try() -> None:
    assert {"keeper", "designer", "guide", "buyer"} <= {role for role, _code in BLIND}


@pytest.mark.django_db
@pytest.mark.parametrize(("role", "code"), BLIND)
def test_a_hidden_field_is_nowhere_in_any_answer(world: World, role: str, code: str) -> None:
    blind_one, admin = world.as_(role), world.as_("admin")
    names, each = blind(role)[code], listed()[code]
    let_export(world, role, code)
    paths = [f"/api/{code}", f"/api/{code}/total", f"/api/meta/{code}", f"/api/{code}/export.xlsx"]
    if code in world.near.rows:
        paths += [f"/api/{code}/{world.near.rows[code]}{tail}" for tail in ("", "/log", "/trace", "/chain")]
    paths += [
        f"/api/{target}/pull/{code}"
        for target, d in REGISTRY.items()
        if any(k.source == code for k in d.links)
    ]
    is_gone = code == "masters.price_list" and SALES_MARK in hidden_marks(role)  # ours is one of sales
    for path in paths:
        response = blind_one.get(path)
        is_maybe = path.endswith(("/trace", "/chain"))
        is_row = str(world.near.rows.get(code)) in path
        wanted = (
            (404,)
            if is_gone and is_row
            else (200, 403)
            if "pull" in path
            else (200, 404)
            if is_maybe
            else (200,)
        )
        assert response.status_code in wanted, path
        text = text_of(response.content, response["Content-Type"])
        assert not [mark for mark in hidden_marks(role) if mark in text], (path, text[:2000])
        if path.endswith(code) or "meta" in path:
            assert not [name for name in names if f'"{name}"' in text], path
    for name in names & set(each.fields):
        for path in (
            f"columns=number,{name}",
            f"sort={name}",
            f'filter=[["{name}",">","0"]]',
            f'filter=[["{name}","empty"]]',
        ):
            refused, allowed = (
                blind_one.get(f"/api/{code}?{path}"),
                admin.get(f"/api/{code}?{path}".replace("number,", "")),
            )
            nobody = blind_one.get(f"/api/{code}?{path}".replace(name, "nobody"))
            assert (refused.status_code, allowed.status_code) == (422, 200), (path, allowed.content)
            assert refused.content.decode().replace(name, "nobody") == nobody.content.decode()


@pytest.mark.django_db
def test_a_price_list_is_for_who_may_see_prices_of_its_kind(world: World) -> None:
    """The guide sees sales prices and not what we buy for, the buyer the other way about, the keeper neither."""
    admin, product = (
        world.as_("admin"),
        {"product": str(world.near.rows["masters.product"]), "price": "99.37"},
    )
    ids = {
        kind: admin.post(
            "/api/masters.price_list", code=f"BY-{kind}", name=f"{kind} 价目", kind=kind, lines=[product]
        ).json()["id"]
        for kind in ("sales", "purchase")
    }
    sights = (("guide", {"sales"}), ("buyer", {"purchase"}), ("keeper", set[str]()), ("admin", set(ids)))
    for role, seen in sights:
        browser, path = world.as_(role), "/api/masters.price_list"
        if role != "admin":
            let_export(world, role, "masters.price_list")
        sheet = browser.get(f"{path}/export.xlsx")
        told = text_of(sheet.content, sheet["Content-Type"])
        for where in (path, f"{path}?search=价目", f"{path}/lookup?q=BY-", "/api/search?q=BY-"):
            told += browser.get(where).content.decode()
        told += browser.post(f"{path}/resolve", values=["by-sales", "by-purchase"]).content.decode()
        for kind, id_ in ids.items():
            statuses = {browser.get(f"{path}/{id_}{tail}").status_code for tail in ("", "/log")}
            assert statuses == ({200} if kind in seen else {404}), (role, kind)
            assert (id_ in told, f"BY-{kind.upper()}" in told) == (kind in seen, kind in seen), (role, kind)
    for kind, status in (("sales", 422), ("purchase", 201)):
        made = world.as_("buyer").post("/api/masters.price_list", code="BY-3", name="三", kind=kind, lines=[])
        assert made.status_code == status
        assert status == 201 or codes(made) == ["guard"]


@pytest.mark.django_db
def test_a_master_is_picked_by_who_has_a_form_or_a_filter_for_it(world: World) -> None:
    designer = world.as_("designer")
    assert designer.get("/api/masters.partner/lookup").status_code == 200
    for code in ("org.role", "chain.credential", "chain.link"):
        assert designer.get(f"/api/{code}/lookup").status_code == 403
        assert designer.post(f"/api/{code}/resolve", values=["A"]).status_code == 403
        assert world.as_("admin").get(f"/api/{code}/lookup").status_code == 200


@pytest.mark.django_db
def test_who_may_read_them_finds_the_marks(world: World) -> None:
    admin = world.as_("admin")
    for code, mark in (
        ("purchase.order", PURCHASE_MARK),
        ("sales.contract", SALES_MARK),
        ("stock.opening", COST_MARK),
    ):
        shown = admin.get(f"/api/{code}/{world.near.rows[code]}")
        assert mark in shown.content.decode()
        sheet = admin.get(f"/api/{code}/export.xlsx")
        assert mark in text_of(sheet.content, sheet["Content-Type"])


@pytest.mark.django_db
def test_changes_of_a_hidden_price_are_not_told_by_log_or_stale_refusal(world: World) -> None:
    admin, keeper = world.as_("admin"), world.as_("keeper")
    shown = admin.get(f"/api/stock.purchase_in/{world.near.rows['stock.purchase_in']}").json()
    again = {k: v for k, v in shown.items() if k not in ("id", "code", "version", "can", "number", "state")}
    for line in again["lines"]:
        line.pop("id"), line.pop("sources", None)
        line["price"] = "10"
    made = admin.post("/api/stock.purchase_in", **again)
    assert made.status_code == 201, made.content
    id_, body = made.json()["id"], made.json()
    body["lines"][0]["price"] = "87.65"
    assert admin.call("PUT", f"/api/stock.purchase_in/{id_}", body).status_code == 200
    seen = keeper.get(f"/api/stock.purchase_in/{id_}/log").content.decode()
    stale = keeper.call("PUT", f"/api/stock.purchase_in/{id_}", {"version": 1, "lines": []})
    assert codes(stale) == ["stale"]
    assert stale.json()["changes"]
    for text in (seen, stale.content.decode()):
        assert "87.65" not in text
        assert '"price"' not in text
    assert "87.65" in admin.get(f"/api/stock.purchase_in/{id_}/log").content.decode()
    assert (
        "87.65" in admin.call("PUT", f"/api/stock.purchase_in/{id_}", body | {"version": 1}).content.decode()
    )


@pytest.mark.django_db
def test_a_field_that_may_not_be_written_is_refused_or_kept(world: World) -> None:
    finance, admin = world.as_("finance"), world.as_("admin")
    with world.near.enter():
        role = Role.objects.get(code="FINANCE")
        RoleVerb.objects.create(id=role.id, role_id=role.id, code="purchase.order", verb="edit")
        assert RoleGuard.objects.filter(role_id=role.id, guard="purchase.price", can_write=False).exists()
    own = admin.get(f"/api/purchase.order/{world.near.rows['purchase.order']}").json()
    line = {key: own["lines"][0][key] for key in ("product", "unit", "qty")}
    head = {"supplier": own["supplier"], "warehouse": own["warehouse"]}
    made = admin.post("/api/purchase.order", **head, lines=[line | {"price": "11"}]).json()
    path = f"/api/purchase.order/{made['id']}"
    made["lines"][0]["price"] = "12"
    refused = finance.call("PUT", path, made)
    assert [(p["field"], p["line"], p["code"]) for p in refused.json()["problems"]] == [("price", 1, "guard")]
    made["lines"][0].pop("price")
    kept = finance.call("PUT", path, made)
    assert kept.status_code == 200, kept.content
    assert kept.json()["lines"][0]["price"] == "11.00"
    body = kept.json()
    body["lines"][0]["price"] = "12"
    assert admin.call("PUT", path, body).json()["lines"][0]["price"] == "12.00"


@pytest.mark.django_db
def test_rights_taken_away_are_gone_with_the_next_request(world: World) -> None:
    guide = world.as_("guide")
    path = "/api/sales.contract"
    assert guide.get(path).status_code == 200
    with world.near.enter():
        role = Role.objects.get(code="GUIDE")
        RoleVerb.objects.filter(role_id=role.id, code="sales.contract", verb="view").delete()
    assert guide.get(path).status_code == 403
    with world.near.enter():
        RoleVerb.objects.create(id=role.id, role_id=role.id, code="sales.contract", verb="view")
    assert guide.get(path).status_code == 200
    finance, price = world.as_("finance"), f"/api/purchase.order/{world.near.rows['purchase.order']}"
    assert PURCHASE_MARK in finance.get(price).content.decode()
    with world.near.enter():
        finance_role = Role.objects.get(code="FINANCE")
        RoleGuard.objects.filter(role_id=finance_role.id, guard="purchase.price").delete()
    assert PURCHASE_MARK not in finance.get(price).content.decode()
    with world.near.enter():
        Role.objects.filter(id=role.id).update(is_active=False)
    assert guide.get(path).status_code == 403
    assert guide.get("/api/session").status_code == 200


def test_every_view_is_a_list_and_nothing_else(world: World) -> None:
    admin = world.as_("admin")
    for code in VIEWS:
        assert admin.get(f"/api/{code}").status_code == 200
        assert admin.post(f"/api/{code}").status_code == 404
        assert admin.delete(f"/api/{code}/{world.near.rows['org.role']}").status_code == 404


@pytest.mark.django_db
def test_a_document_out_of_scope_is_no_source(world: World) -> None:
    """The guide, who sees his own, can neither read another's intention through a body that names it nor take of it."""
    admin, guide = world.as_("admin"), world.as_("guide")
    line = {"product": str(world.near.rows["masters.product"]), "qty": "7", "price": "64.87"}
    customer = str(world.near.rows["masters.partner"])
    made = admin.post(
        "/api/sales.intention?then=approve", customer=customer, phone="13900001234", lines=[line]
    )
    assert made.status_code == 201, made.content
    source = {"code": "sales.intention", "line": made.json()["lines"][0]["id"]}
    path, body = "/api/sales.contract", {"lines": [{"sources": [source]}]}
    assert guide.get(f"/api/sales.intention/{made.json()['id']}").status_code == 404
    for named in (source, {"line": source["line"]}):
        seen = guide.post(f"{path}/preview", lines=[{"sources": [named]}])
        assert seen.json()["header"].get("customer") is None
        assert "13900001234" not in seen.content.decode()
    whole = {"customer": customer, "lines": [{**line, "sources": [source]}]}
    refused, unknown = (
        guide.post(path, **{**whole, "lines": [{**line, "sources": [{**source, "line": named}]}]})
        for named in (source["line"], str(NOBODY))
    )
    assert (refused.status_code, refused.content) == (unknown.status_code, unknown.content)
    assert admin.get(f"/api/sales.intention/{made.json()['id']}").json()["lines"][0]["contracted_qty"] == "0"
    seen = admin.post(f"{path}/preview", **body)
    assert "13900001234" in seen.content.decode()
    assert (
        admin.post(path, **whole | {"warehouse": str(world.near.rows["masters.warehouse"])}).status_code
        == 201
    )


def test_what_was_kept_is_not_shown_again_to_who_may_see_less_now(world: World) -> None:
    """The answer to a key, and the file of an export: whole while the rights stay, then not even a price of one's own."""
    seller, path = world.as_("store_manager"), "/api/sales.contract"
    line = {"product": str(world.near.rows["masters.product"]), "qty": "1", "price": SALES_MARK}
    body = {
        "customer": str(world.near.rows["masters.partner"]),
        "warehouse": str(world.near.rows["masters.warehouse"]),
        "lines": [line],
    }
    key = {"Idempotency-Key": "a-key-of-my-own"}
    first = seller.call("POST", path, body, **key)
    assert first.status_code == 201, first.content
    job = seller.post(f"{path}/export").json()["job"]
    held = worker.claim(0, uuid.uuid4(), dt.datetime.now(dt.UTC))
    assert held is not None
    worker.perform(held)
    file = f"/api/jobs/{job['id']}/file.xlsx"
    assert seller.call("POST", path, body, **key).content == first.content
    sheet = seller.get(file)
    assert SALES_MARK in text_of(sheet.content, sheet["Content-Type"])
    assert "sight" not in seller.get(f"/api/jobs/{job['id']}").json()["result"]
    with world.near.enter():
        guard = RoleGuard.objects.get(role__code="STORE_MANAGER", guard="sales.price")
        RoleGuard.objects.filter(id=guard.id).delete()
    again, refused = seller.call("POST", path, body, **key), seller.get(file)
    assert (again.status_code, again.json()) == (201, {"id": first.json()["id"]})
    assert (refused.status_code, codes(refused)) == (409, ["rights"])
    assert seller.get(f"{path}/{first.json()['id']}").status_code == 200
    with world.near.enter():
        guard.save(force_insert=True)
    assert seller.call("POST", path, body, **key).content == first.content


@pytest.mark.django_db
def test_a_refusal_tells_its_figures_to_who_may_read_them(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The keeper enters goods and sees no cost."""

    def refuse(*_given: object) -> None:
        raise Refused(
            Problem("qty", "too much", 1, "cost", guard="stock.cost", exact=f"{COST_MARK} too much")
        )

    monkeypatch.setattr(resources, "save", refuse)
    for role, words in (("keeper", "too much"), ("admin", f"{COST_MARK} too much")):
        refused = world.as_(role).post("/api/stock.purchase_in")
        assert refused.status_code == 409
        assert [problem["message"] for problem in refused.json()["problems"]] == [words]
