"""The enterprises meet on the chain: credentials, membership, links, and the articles a dealer takes over."""

import datetime as dt
from time import monotonic

from .desk import PATIENCE_S, DemoError, Desk
from .story import sheet

# The brand's customer and the dealer's supplier record of each link.
LINKS = {"HAIAN": ("K001", "S001"), "LINCHUAN": ("K002", "S01")}


def join_and_link(admins: dict[str, Desk]) -> None:
    """Let every enterprise join with a fresh credential, the brand invite the dealers, and the dealers accept."""
    for desk in admins.values():
        if desk.get("/api/chain/membership")["state"] != "joined":
            made = desk.create(
                "chain.credential", {"name": "云链接入凭证", "valid_until": _in_a_year()}, "credential"
            )
            desk.call("POST", "/api/chain/membership/join", {"credential": made["id"]}, "join")
    brand = admins["QIMU"]
    for dealer, (customer, supplier) in LINKS.items():
        brand.create("chain.link", {"partner_chain_id": dealer, "partner": customer}, f"invite/{dealer}")
        desk = admins[dealer]
        rows = desk.until("/api/chain.link", lambda answer: answer["rows"], "the invitation")["rows"]
        link = desk.get(f"/api/chain.link/{rows[0]['id']}")
        if link["state"] == "inviting":
            desk.step("chain.link", link, "accept", "link", partner=supplier)
    for dealer in LINKS:
        brand.until(
            "/api/chain.link",
            lambda answer: all(row["state"] == "linked" for row in answer["rows"]),
            f"{dealer} to be linked",
        )


def take_articles(desk: Desk) -> int:
    """Download the articles the dealer sells, under its own codes; returns how many."""
    wanted = {row["上游编码"]: row["编码"] for row in sheet(desk.person.company, "downloads")}
    done: set[str] = set()
    deadline = monotonic() + PATIENCE_S
    while len(done) < len(wanted):  # offers come one by one
        for row in desk.rows("chain.product", columns="upstream_code,state"):
            code = row["upstream_code"]
            if code not in wanted or code in done:
                continue
            if row["state"] == "new":
                desk.step("chain.product", row, "download", f"download/{code}", code=wanted[code])
            done.add(code)
        if monotonic() > deadline:
            raise DemoError(f"{sorted(set(wanted) - done)} are not offered.")
    return len(wanted)


def _in_a_year() -> str:
    return (dt.datetime.now(dt.UTC) + dt.timedelta(days=365)).strftime("%Y-%m-%dT%H:%M:%SZ")
