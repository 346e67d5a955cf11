"""The demonstration: three enterprises, ten people, and a month of business, through the doors everybody uses.

Only the founding of the enterprises is an internal command. Everything else is the ordinary HTTP interface: imports of
`samples/`, logins, credentials, links, and some 120 orders. A load that was cut short goes on where it stopped.
"""

from contextlib import ExitStack
from time import monotonic
from typing import Any

from .chain import join_and_link, take_articles
from .desk import Desk
from .masters import approve_openings, import_sheets
from .people import COMPANIES, PEOPLE, Person
from .retail import sell_month
from .staff import first_day, found, let_in
from .story import Story
from .supply import supply_month
from .trade import trade_month

# Up to accounts there is nothing that names an article of another enterprise.
BEFORE_DOWNLOAD, AFTER_DOWNLOAD = (1, 10), (11, 99)


def load(base_url: str) -> dict[str, Any]:
    """Load the demonstration through the server at `base_url`; returns its enterprises and people.

    Raises DemoError when the server refuses something; call it again to go on.
    """
    began = monotonic()

    def tell(what: str) -> None:
        print(f"    {monotonic() - began:5.1f} s  {what}", flush=True)

    enterprises = found()
    with ExitStack() as stack:
        desks: dict[str, Desk] = {}
        for company in COMPANIES:
            people = [person for person in PEOPLE if person.company == company.code]
            admin = desks[people[0].login] = stack.enter_context(Desk(base_url, people[0]))
            rows = import_sheets(admin, *BEFORE_DOWNLOAD)
            for person in people:
                let_in(admin, person)
                if person.login not in desks:
                    desks[person.login] = stack.enter_context(Desk(base_url, person))
            tell(f"{company.name}: {rows} rows imported, {len(people)} people")
        admins = {desk.person.company: desk for desk in desks.values() if "admin" in desk.person.roles}
        join_and_link(admins)
        tell("joined and linked on the chain")
        for code in ("HAIAN", "LINCHUAN"):
            tell(f"{code}: {take_articles(admins[code])} articles downloaded")
        rows = 0
        for desk in admins.values():
            rows += import_sheets(desk, *AFTER_DOWNLOAD)
            approve_openings(desk)
        tell(f"prices and opening stock: {rows} rows imported")
        story = Story(desks, first_day())
        for part in (sell_month, supply_month, trade_month):
            part(story)
            tell(f"{len(story.told)} orders")
        tell(f"{sum(desk.acts for desk in desks.values())} requests")
    return {"enterprises": enterprises, "people": [_shown(person) for person in PEOPLE]}


def _shown(person: Person) -> dict[str, str]:
    return {
        "login": person.login,
        "password": person.password,
        "role": person.roles[0],
        "enterprise": person.company,
    }
