"""People of a branch by spreadsheet: download, fill in, upload; every bad row is named, with a file to correct.

The manual's way for branches of a chain that share a corp, whose people the head office's sync does not reach. What is
uploaded become departments and employees of this enterprise, and a plan of sync follows at once. Source: manual 001.
"""

import re
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from yunlian.kernel import audit, bulk
from yunlian.kernel.bulk import Prepared
from yunlian.kernel.cells import as_text
from yunlian.kernel.document import REGISTRY, Document, Refused
from yunlian.kernel.fields import normal_code
from yunlian.kernel.intake import blank
from yunlian.kernel.jobs import Failed, Progress, job, whole
from yunlian.kernel.load import Loaded, select_for
from yunlian.kernel.models import Job
from yunlian.kernel.scope import Context
from yunlian.kernel.sheets import Column, SheetError, read, template
from yunlian.kernel.sql import run as execute
from yunlian.kernel.text import Label, _
from yunlian.org.models import Department, Employee

from . import applying, runs, wecom
from .models import Connection
from .side import plain_mobile

NAME, ACCOUNT, MOBILE, PLACE, POSITION = "姓名", "账号", "手机号", "部门", "职务"
HEADINGS = (NAME, ACCOUNT, MOBILE, PLACE, POSITION)
NOTES: tuple[Label, ...] = (
    _("1. One row is one person. Columns with * must be filled in; do not rename or remove columns."),
    _("2. The account is what they sign in with: letters, digits and . _ - @, beginning with a letter or digit, at most 64."),
    _("3. If they are in WeCom already and their account there can be changed, change it to this one; if not, enter that one here."),
    _("4. The mobile is that of their WeChat. Nobody else may have the same."),
    _("5. Departments are written from the top with / between: 杭州分公司/销售部. What is missing is made."),
    _("6. Who is here already is found by the account, and takes over what the row says."),
    _("7. All rows enter or none: if one is wrong, you get the file back with every reason in its first column."),
)  # fmt: skip
MAX_DEPTH = 15


def blank_workbook() -> bytes:
    """Return the template, with its notes on how to fill it in (填写须知)."""
    columns = [
        Column(NAME, required=True),
        Column(ACCOUNT, required=True, hint=str(NOTES[1])),
        Column(MOBILE, required=True, hint=str(NOTES[3])),
        Column(PLACE, required=True, hint=str(NOTES[4])),
        Column(POSITION),
    ]
    return template(columns, title="成员", notes=("填写须知", [str(each) for each in NOTES]))


@dataclass
class Row:
    """One person of the file; `problems` are heading and message."""

    number: int
    name: str
    account: str
    mobile: str
    place: tuple[str, ...]
    position: str
    problems: list[tuple[str, Label]] = field(default_factory=list)


@job("directory.branch")
@whole
def run_branch(ctx: Context, made: Job, progress: Progress) -> Mapping[str, Any]:
    """Take an uploaded workbook; all of it or nothing. Then plan the sync, when the connection is on."""
    try:
        sheet = read(bytes(made.content or b""))
    except SheetError as error:
        raise Failed(str(error)) from None
    missing = [heading for heading in HEADINGS[:4] if heading not in sheet.headings]
    if missing:
        message = _("The column %(name)s is missing: take the template.") % {"name": "、".join(missing)}
        raise Failed(message)
    rows = list(judged(_row(number, cells) for number, cells in sheet.records()))
    progress(0, len(rows))
    bad = [(row, problem) for row in rows for problem in row.problems]
    if bad:
        errors = [
            {"row": row.number, "heading": heading, "message": str(message), "code": "invalid"}
            for row, (heading, message) in bad
        ]
        raise Failed(
            _("%(n)s rows are wrong; nothing was entered.") % {"n": len({r.number for r, _p in bad})},
            {"errors": errors},
        )
    counted = _entered(applying.for_the_enterprise(ctx), rows)
    progress(len(rows))
    return counted | {"rows": _results(rows), "run": _planned(ctx), "errors": []}


def _row(number: int, cells: Mapping[str, Any]) -> Row:
    def text(heading: str) -> str:
        value = cells.get(heading)
        return "" if value is None else as_text(value).strip()

    place = tuple(part.strip() for part in re.split(r"[/／]", text(PLACE)) if part.strip())
    return Row(number, text(NAME), text(ACCOUNT), text(MOBILE), place, text(POSITION))


def judged(rows: Iterator[Row]) -> Iterator[Row]:
    """Judge every row by itself and against those before it. Pure."""
    accounts: dict[str, int] = {}
    mobiles: dict[str, int] = {}
    rules = wecom.RULES
    bad_name = re.compile(rules.bad_in_department)
    for row in rows:
        if not 1 <= len(row.name) <= rules.name_max:
            row.problems.append((NAME, _("Must have 1 to %(n)s characters.") % {"n": rules.name_max}))
        if not re.fullmatch(rules.account, row.account):
            row.problems.append(
                (ACCOUNT, _("Letters, digits and . _ - @ only, beginning with a letter or digit."))
            )
        if not 5 <= len(plain_mobile(row.mobile)) <= 20:
            row.problems.append((MOBILE, _("Is not a telephone number.")))
        if not row.place:
            row.problems.append((PLACE, _("Must be filled in.")))
        elif len(row.place) > MAX_DEPTH or any(
            len(part) > rules.department_max or bad_name.search(part) for part in row.place
        ):
            row.problems.append((PLACE, _("WeCom does not take this department's name.")))
        for heading, key, known in (
            (ACCOUNT, row.account.casefold(), accounts), (MOBILE, plain_mobile(row.mobile), mobiles),
        ):  # fmt: skip
            if key and known.setdefault(key, row.number) != row.number:
                row.problems.append((heading, _("Stands in row %(n)s already.") % {"n": known[key]}))
        yield row


def _results(rows: Sequence[Row]) -> list[dict[str, Any]]:
    return [{"row": row.number, "name": row.name, "account": row.account, "ok": True} for row in rows]


def _entered(ctx: Context, rows: Sequence[Row]) -> dict[str, int]:
    """Write departments and people."""
    places = _places(ctx, {row.place for row in rows})
    document = REGISTRY["org.employee"]
    known = _known(ctx, document, rows)
    positions: dict[str, uuid.UUID] = dict(
        execute(
            "SELECT name, id FROM org_position WHERE enterprise_id = %s AND is_active", [ctx.enterprise_id]
        )
    )
    prepared = []
    for row in rows:
        found = known.get(row.account.casefold())
        header: Any = found if found is not None else blank(Employee, ctx)
        if found is None:
            header.created_at, header.created_by, header.version = ctx.now, ctx.member_id, 0
            header.code = normal_code(row.account)
        loaded = Loaded(document, header)
        before = None if found is None else audit.Picture(loaded)
        header.name, header.mobile = row.name, plain_mobile(row.mobile)
        header.department_id = places[row.place]
        header.position_id = positions.get(row.position, header.position_id)
        for name in ("department", "position"):
            header._state.fields_cache.pop(name, None)
        one = Prepared(loaded, before)
        if before is None or one.changes:
            prepared.append(one)
    for at in range(0, len(prepared), 500):
        bulk.write(document, ctx, prepared[at : at + 500])
    bulk.tell(document, ctx, prepared)
    created = sum(1 for each in prepared if each.before is None)
    return {"created": created, "updated": len(prepared) - created, "unchanged": len(rows) - len(prepared)}


def _known(ctx: Context, document: Document, rows: Sequence[Row]) -> dict[str, Any]:
    """Return employees by account: their login, else their code."""
    accounts = [row.account.casefold() for row in rows]
    select = select_for(document.header)
    found = select.instances(
        execute(
            f'SELECT {select.columns} FROM "org_employee" t{select.joins} WHERE t.enterprise_id = %s '
            "AND (lower(t.login) = ANY(%s) OR lower(t.code) = ANY(%s)) ORDER BY t.id FOR NO KEY UPDATE OF t",
            [ctx.enterprise_id, accounts, accounts],
        )
    )
    by_code = {row.code.casefold(): row for row in found}
    return by_code | {row.login.casefold(): row for row in found if row.login}


def _places(ctx: Context, wanted: set[tuple[str, ...]]) -> dict[tuple[str, ...], uuid.UUID]:
    """Find departments by their path below the top one, and make what is missing."""
    document = REGISTRY["org.department"]
    rows = execute(
        "SELECT id, name, parent_id FROM org_department WHERE enterprise_id = %s AND is_active ORDER BY code",
        [ctx.enterprise_id],
    )
    top = next(id_ for id_, _name, parent in rows if parent is None)
    children = {(parent, name): id_ for id_, name, parent in reversed(rows)}
    names = {id_: name for id_, name, _parent in rows}
    found: dict[tuple[str, ...], uuid.UUID] = {}
    made = []
    for path in sorted(wanted):
        above = top
        for depth, name in enumerate(path):
            if depth == 0 and name == names[top]:
                continue  # a path may begin with the enterprise itself
            if (above, name) not in children:
                row: Any = blank(Department, ctx)
                row.created_at, row.created_by, row.version = ctx.now, ctx.member_id, 0
                row.code, row.name, row.parent_id = f"B{str(row.id)[-8:].upper()}", name, above
                made.append(Prepared(Loaded(document, row)))
                children[above, name] = row.id
            above = children[above, name]
        found[path] = above
    if made:
        bulk.write(document, ctx, made)
        bulk.tell(document, ctx, made)
    return found


def _planned(ctx: Context) -> str | None:
    """Begin the plan of the sync that brings them to the platform; None when none can begin now."""
    conn = Connection.objects.filter(platform="wecom", state="on").first()
    if conn is None:
        return None
    try:
        return str(runs.begin(ctx, conn).id)
    except Refused:
        return None
