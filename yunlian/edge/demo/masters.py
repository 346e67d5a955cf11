"""What an enterprise has before its first order: its spreadsheets, imported in their order as any user would."""

from yunlian.edge.place import ROOT

from .desk import Desk

SAMPLES = ROOT / "samples"

# What the name of a spreadsheet, after its number, is imported as.
CODES = {
    "departments": "org.department",
    "positions": "org.position",
    "employees": "org.employee",
    "units": "masters.unit",
    "brands": "masters.brand",
    "categories": "masters.category",
    "products": "masters.product",
    "partners": "masters.partner",
    "warehouses": "masters.warehouse",
    "accounts": "masters.account",
    "price-lists": "masters.price_list",
    "customer-prices": "masters.price_list",
    "opening-stock": "stock.opening",
}


def import_sheets(desk: Desk, first: int, last: int) -> int:
    """Import the spreadsheets numbered `first` to `last`; returns how many rows were made."""
    made = 0
    for path in sorted((SAMPLES / desk.person.company).glob("*.xlsx")):
        number, _, name = path.stem.partition("-")
        if first <= int(number) <= last and name in CODES:
            result = desk.upload(CODES[name], path.read_bytes(), f"import/{path.stem}")
            made += result.get("created", 0)
    return made


def approve_openings(desk: Desk) -> None:
    """Bring the opening stock that was imported into the books."""
    for row in desk.rows("stock.opening", columns="number,state"):
        if row["state"] == "created":
            desk.step("stock.opening", row, "approve", f"opening/{row['number']}")
