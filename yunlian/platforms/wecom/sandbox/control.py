"""The control of WeCom's part, under `/sandbox/api/wecom/`: what the page and the tests do as the other side."""

from dataclasses import asdict, fields
from typing import Any

from starlette.routing import Route

from ...sandbox.control import posted, read
from ...sandbox.platform import Sandbox
from .console import Console
from .outside import Outside
from .ranges import below
from .state import AGENT, CORP, Wecom
from .tickets import checked

PAGE = 200  # people shown at once


def routes(sandbox: Sandbox) -> list[Route]:
    """Reading and acting."""
    console = Console(sandbox)
    outside = Outside(sandbox, console)

    def corps(_asked: dict[str, str]) -> list[dict[str, Any]]:
        with sandbox.world.lock:
            return [_summary(sandbox.world.part(Wecom), id) for id in console.state.corps]

    def people(asked: dict[str, str]) -> dict[str, Any]:
        with sandbox.world.lock:
            return _people(console, asked)

    def person(asked: dict[str, str]) -> dict[str, Any]:
        with sandbox.world.lock:
            return asdict(console.corp(asked).people[asked["user"].lower()])

    def departments(asked: dict[str, str]) -> list[dict[str, Any]]:
        with sandbox.world.lock:
            return _departments(console, asked)

    return [
        read("/credentials", lambda _: credentials(sandbox)),
        read("/corps", corps),
        read("/people", people),
        read("/person", person),
        read("/departments", departments),
        read("/options", lambda _: console.state.options),
        posted("/options", console.options),
        posted("/people/save", console.save_person),
        posted("/people/delete", console.delete_person),
        posted("/people/status", console.set_status),
        posted("/departments/save", console.save_department),
        posted("/departments/delete", console.delete_department),
        posted("/settings", console.settings),
        posted("/apps/save", console.save_app),
        posted("/secrets/reset", console.reset_secret),
        posted("/tokens/end", console.revoke_tokens),
        posted("/receivers/save", console.save_receiver),
        posted("/make", console.make),
        read("/phone", outside.phone),
        posted("/phone/hold", outside.hold),
        posted("/phone/scan", outside.confirm),
        posted("/phone/press", outside.press),
        posted("/phone/enter", outside.enter),
        read("/customers", outside.customers),
        posted("/customers/add", outside.add_customer),
        posted("/customers/edit", outside.edit_customer),
        posted("/customers/drop", outside.drop_customer),
        posted("/customers/transfers/answer", outside.answer_transfer),
        posted("/customers/transfers/settle", outside.settle_transfers),
        posted("/chains/join", outside.join_chain),
        posted("/chains/leave", outside.leave_chain),
        posted("/jssdk/check", lambda asked: checked(sandbox, asked)),
    ]


def credentials(sandbox: Sandbox) -> dict[str, Any]:
    """What a set-up page needs to be filled with, of the first corp."""
    with sandbox.world.lock:
        corp = sandbox.world.part(Wecom).corps[CORP]
        return {
            "corpid": corp.id,
            "contacts_secret": corp.contacts_secret,
            "customer_contact_secret": corp.customers_secret,
            "agent_id": AGENT,
            "agent_secret": corp.apps[AGENT].secret,
        }


def _summary(state: Wecom, id: str) -> dict[str, Any]:
    corp = state.corps[id]
    large = (
        "people",
        "departments",
        "mobiles",
        "emails",
        "customers",
        "follows",
        "transfers",
        "welcome_codes",
    )
    found = {each.name: getattr(corp, each.name) for each in fields(corp) if each.name not in large}
    return {**found, "people": len(corp.people), "departments": len(corp.departments)}


def _people(console: Console, asked: dict[str, str]) -> dict[str, Any]:
    """One page of a department's people and those below it, by name, account or mobile."""
    corp, word = console.corp(asked), asked.get("word", "").lower()
    wanted = below(corp, [int(asked["department"])]) if asked.get("department") else set(corp.departments)
    found = [
        each
        for each in corp.people.values()
        if not wanted.isdisjoint(each.departments)
        and (word in each.user.lower() or word in each.name.lower() or word in each.mobile)
    ]
    begin = int(asked.get("from", 0))
    return {"total": len(found), "people": [asdict(each) for each in found[begin : begin + PAGE]]}


def _departments(console: Console, asked: dict[str, str]) -> list[dict[str, Any]]:
    """All departments in the order of the tree, with their level and the people right in them."""
    corp = console.corp(asked)
    counts: dict[int, int] = {}
    for person in corp.people.values():
        for each in person.departments:
            counts[each] = counts.get(each, 0) + 1
    children: dict[int, list[int]] = {}
    for department in sorted(corp.departments.values(), key=lambda each: (-each.order, each.id)):
        children.setdefault(department.parent, []).append(department.id)
    rows, waiting = [], [(each, 0) for each in reversed(children.get(0, []))]
    while waiting:
        at, level = waiting.pop()
        rows.append({**asdict(corp.departments[at]), "level": level, "people": counts.get(at, 0)})
        waiting += [(each, level + 1) for each in reversed(children.get(at, []))]
    return rows
