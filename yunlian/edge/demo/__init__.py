"""The demonstration: three enterprises, ten people, and a month of business, through the doors everybody uses.

Only the founding of the enterprises is an internal command. Everything else is the ordinary HTTP interface: imports of
`samples/`, logins, credentials, links, and some 120 orders. A load that was cut short goes on where it stopped.
"""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from time import monotonic
from typing import Any, TypeVar

from yunlian.edge.place import VAR

from .chain import join_and_link, take_articles
from .desk import Desk, Notebook
from .masters import approve_openings, import_sheets
from .people import COMPANIES, PEOPLE, QIMU, Company, Person
from .platforms import set_up_sms
from .retail import sell_month
from .staff import first_chain_id, first_day, found, let_in
from .story import Story
from .supply import buy_small_goods, supply_month
from .trade import trade_month

# What names an article of the brand is imported by the dealers when they have it; the brand's prices are out before.
BEFORE_DOWNLOAD, AFTER_DOWNLOAD = (1, 10), (11, 99)

T = TypeVar("T")


def load(base_url: str) -> dict[str, Any]:
    """Load the demonstration through the server at `base_url`; returns its enterprises and people.

    Raises DemoError when the server refuses something; call it again to go on.
    """
    began = monotonic()

    def tell(what: str) -> None:
        print(f"    {monotonic() - began:5.1f} s  {what}", flush=True)

    enterprises = found()
    notebook = Notebook(VAR / f"demo-{first_chain_id()}.jsonl")
    with ExitStack() as stack:
        desks: dict[str, Desk] = {}
        for staff in _at_once(lambda company: _settle(base_url, company, notebook), COMPANIES):
            for desk in staff:
                desks[desk.person.login] = stack.enter_context(desk)
        tell(f"{len(COMPANIES)} enterprises with their people, articles and partners")
        admins = {desk.person.company: desk for desk in desks.values() if "admin" in desk.person.roles}
        dealers = [desk for company, desk in admins.items() if company != QIMU.code]
        set_up_sms(admins)
        join_and_link(admins)
        taken = sum(_at_once(take_articles, dealers))
        tell(f"linked on the chain, {taken} articles downloaded")
        for desk in dealers:
            import_sheets(desk, *AFTER_DOWNLOAD)
        for desk in admins.values():
            approve_openings(desk)
        tell("prices and opening stock")
        story = Story(desks, first_day())
        alone: list[Callable[[], None]] = [
            lambda: sell_month(story, "HAIAN"),
            lambda: sell_month(story, "LINCHUAN"),
            lambda: supply_month(story),
        ]
        _at_once(lambda part: part(), alone)
        tell(f"{len(story.told)} orders of each for itself")
        trade_month(story)
        buy_small_goods(story)
        tell(f"{len(story.told)} orders, {sum(desk.acts for desk in desks.values())} requests")
    notebook.close()
    return {"enterprises": enterprises, "people": [_shown(person) for person in PEOPLE]}


def _at_once(act: Callable[[Any], T], many: Iterable[Any]) -> list[T]:
    """Do something for several enterprises at the same time, as it would be; raises what the first one raised."""
    with ThreadPoolExecutor(max_workers=len(COMPANIES)) as pool:
        return list(pool.map(act, many))


def _settle(base_url: str, company: Company, notebook: Notebook) -> list[Desk]:
    """Give an enterprise its master data, and its people their logins; the first desk is its administrator's."""
    people = [person for person in PEOPLE if person.company == company.code]
    desks = [Desk(base_url, people[0], notebook)]
    import_sheets(desks[0], *BEFORE_DOWNLOAD)
    if company is QIMU:
        import_sheets(desks[0], *AFTER_DOWNLOAD)
    for person in people:
        let_in(desks[0], person)
        if person is not people[0]:
            desks.append(Desk(base_url, person, notebook))
    return desks


def _shown(person: Person) -> dict[str, str]:
    return {
        "login": person.login,
        "password": person.password,
        "role": person.roles[0],
        "enterprise": person.company,
    }
