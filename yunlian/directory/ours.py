"""Write changes into our own tables, many at a time, and take them back exactly.

What a row was is kept with the change, whole; taking back puts it there again, except `version`, which never repeats
(reliability.md L4). Who somebody else has changed meanwhile is not overwritten.
"""

import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
from django.db import IntegrityError, transaction

from yunlian.kernel import audit, bulk
from yunlian.kernel.api import sqlstate
from yunlian.kernel.bulk import Prepared
from yunlian.kernel.document import REGISTRY, Document, Problem, Refused
from yunlian.kernel.fields import BadValue, Phone, normal_code
from yunlian.kernel.intake import blank
from yunlian.kernel.load import Loaded, select_for
from yunlian.kernel.refusals import problem_of
from yunlian.kernel.scope import Context
from yunlian.kernel.search import write_tokens
from yunlian.kernel.sql import Writing
from yunlian.kernel.sql import run as execute
from yunlian.kernel.text import _
from yunlian.org.models import Membership

from . import leavers, matches
from .models import Change, Connection, Run

# Whose document a change is about.
CODES = {"department": "org.department", "position": "org.position", "person": "org.employee"}
_phone = Phone()
STALE = _("It was changed here after the plan was made: plan again.")
PLACELESS = Problem("department", _("The department it belongs to is not here."), code="parent")


@dataclass
class Act:
    """One change on its way: what it is to write, and how it ended."""

    change: Change
    prepared: Prepared | None = None
    match: matches.Wanted | None = None
    problem: Problem | None = None
    undo: dict[str, Any] = field(default_factory=dict)


class Ours:
    """Writes the changes of one pull run. `places` are ids of our departments by the platform's key."""

    def __init__(self, ctx: Context, conn: Connection, run: Run) -> None:
        self.ctx, self.conn, self.run = ctx, conn, run
        self.places: dict[str, uuid.UUID | None] = {conn.root: conn.department_id}
        self.places |= matches.departments(conn)
        self.positions: dict[str, uuid.UUID] = dict(
            execute(
                "SELECT name, id FROM org_position WHERE enterprise_id = %s AND is_active",
                [ctx.enterprise_id],
            )
        )

    def write(self, changes: Sequence[Change]) -> list[Act]:
        """Write a batch of changes of one kind; each ends written or with its problem."""
        acts = [Act(change) for change in changes]
        document = REGISTRY[CODES[changes[0].kind]]
        take = {
            "department": self._take_department, "position": self._take_position, "person": self._take_person,
        }[changes[0].kind]  # fmt: skip
        self._prepare(acts, document, take)
        self._write(document, [act for act in acts if act.problem is None])
        return acts

    def _prepare(
        self, acts: list[Act], document: Document, take: Callable[[Any, Change], Problem | None]
    ) -> None:
        """Load what exists, locked; make blank what is new; take the wanted values into both."""
        rows = _locked(
            document, self.ctx, [uuid.UUID(act.change.target) for act in acts if act.change.target]
        )
        taken = self._taken_codes(document.header, acts)
        for act in acts:
            change = act.change
            row = rows.get(uuid.UUID(change.target)) if change.target else None
            if change.kind == "position" and change.wanted["name"] in self.positions:
                continue  # made by somebody since
            if row is None and change.target:
                act.problem = Problem(None, _("It no longer exists here."), code="gone")
                continue
            if row is not None and not self._is_as_planned(row, change):
                act.problem = Problem(None, STALE, code="stale")
                continue
            loaded = Loaded(document, row if row is not None else self._blank(document.header, change, taken))
            before = None if row is None else audit.Picture(loaded)
            act.problem = take(loaded.header, change)
            if act.problem is not None:
                continue
            if change.act in ("none",) or (before is not None and not Prepared(loaded, before).changes):
                act.prepared = None
            else:
                act.prepared = Prepared(loaded, before)
            if change.kind == "position":
                continue
            act.match = matches.Wanted(
                change.kind,
                loaded.header.id,
                change.source,
                dict(change.wanted) or None,
                change.wanted.get("union", ""),
            )
            if change.kind == "department":
                self.places[change.source] = loaded.header.id

    def _is_as_planned(self, row: Any, change: Change) -> bool:
        """Whether the row still is what the plan compared with."""
        was = change.was
        if not was:
            return True
        if change.kind == "department":
            return bool(row.name == was["name"] and str(row.parent_id or "") == was["parent"])
        here = [str(row.department_id)] if row.department_id else []
        works = row.is_active and row.job == "employed"
        return bool(row.name == was["name"] and here == was["departments"] and works == was["is_active"])

    def _blank(self, model: Any, change: Change, taken: set[str]) -> Any:
        header = blank(model, self.ctx)
        header.created_at, header.created_by, header.version = self.ctx.now, self.ctx.member_id, 0
        header.code = _free(_code(self.conn, change), taken)
        return header

    def _taken_codes(self, model: Any, acts: list[Act]) -> set[str]:
        wanted = [_code(self.conn, act.change) for act in acts if not act.change.target]
        if not wanted:
            return set()
        sql = f'SELECT code FROM "{model._meta.db_table}" WHERE enterprise_id = %s AND (code = ANY(%s) OR code ~ %s)'
        return {row[0] for row in execute(sql, [self.ctx.enterprise_id, wanted, r"-\d+$"])}

    def _take_department(self, row: Any, change: Change) -> Problem | None:
        if change.act == "disable":
            row.is_active = False
        elif change.act != "none":
            if change.wanted["parent"] not in self.places:
                return PLACELESS
            row.name, row.is_active = change.wanted["name"], True
            row.parent_id = self.places[change.wanted["parent"]]
            row._state.fields_cache.pop("parent", None)
        return None

    def _take_position(self, row: Any, change: Change) -> Problem | None:
        row.name, row.is_active = change.wanted["name"], True
        self.positions[row.name] = row.id
        return None

    def _take_person(self, row: Any, change: Change) -> Problem | None:
        wanted = change.wanted
        if change.act == "disable":
            row.job = "left"
            return None
        if change.act == "none":
            return None
        if wanted["departments"] and wanted["departments"][0] not in self.places:
            return PLACELESS
        row.name, row.job, row.is_active = wanted["name"], "employed", True
        if wanted["departments"]:
            row.department_id = self.places[wanted["departments"][0]]
        elif not change.target:
            row.department_id = self.conn.department_id
        if "mobile" in wanted:
            row.mobile = _telephone(wanted["mobile"]) or row.mobile
        if wanted.get("position") in self.positions:
            row.position_id = self.positions[wanted["position"]]
        for name in ("department", "position"):
            row._state.fields_cache.pop(name, None)
        return None

    def _write(self, document: Document, acts: list[Act]) -> None:
        """Write acts together; when something refuses, find out which of them it means."""
        if not acts:
            return
        try:
            with transaction.atomic():
                self._write_once(document, acts)
        except (IntegrityError, Refused) as error:
            if len(acts) > 1:
                middle = len(acts) // 2
                self._write(document, acts[:middle])
                self._write(document, acts[middle:])
                return
            acts[0].problem = _problem(error)
            self.places.pop(acts[0].change.source, None)
            if document.code == "org.position":
                self.positions.pop(acts[0].change.name, None)

    def _write_once(self, document: Document, acts: list[Act]) -> None:
        prepared = [act.prepared for act in acts if act.prepared is not None]
        old = [p.loaded.pk for p in prepared if p.before is not None]
        snapshots = _snapshots(self.ctx, document, old)
        access = _memberships(self.ctx, old) if document.code == "org.employee" else {}
        if prepared:
            bulk.write(document, self.ctx, prepared)
            bulk.tell(document, self.ctx, prepared)
            if document.code == "org.department":
                _require_tree(self.ctx)
        digests = _digests(self.ctx, document, [p.loaded.pk for p in prepared])
        gone = [a.prepared.loaded.pk for a in acts if a.prepared and a.change.act == "disable"]
        handed = leavers.opened_by(self.ctx, gone)
        tied = matches.tie(self.ctx, self.conn, [act.match for act in acts if act.match is not None])
        for act in acts:
            act.undo = {"matches": tied[act.match.theirs] if act.match is not None else {}}
            if act.prepared is None:
                continue
            header = act.prepared.loaded.header
            act.undo |= {"table": document.code, "id": str(header.id), "digest": digests[header.id]}
            if header.id in snapshots:
                act.undo["row"] = snapshots[header.id]
            if header.id in access:
                act.undo["membership"] = access[header.id]
            if header.id in handed:
                act.undo["handover"] = str(handed[header.id])

    def take_back(self, changes: Sequence[Change]) -> list[tuple[Change, Problem | None]]:
        """Undo applied changes, last first, each by itself; returns what stood in the way."""
        return [(change, self._taken_back(change)) for change in changes]

    def _taken_back(self, change: Change) -> Problem | None:
        undo = change.undo
        try:
            with transaction.atomic():
                if "table" in undo:
                    self._restore(undo)
                matches.untie(self.ctx, undo.get("matches", {}))
        except (IntegrityError, Refused) as error:
            return _problem(error)
        return None

    def _restore(self, undo: dict[str, Any]) -> None:
        document, id_ = REGISTRY[undo["table"]], uuid.UUID(undo["id"])
        row = _locked(document, self.ctx, [id_]).get(id_)
        if row is None or _digests(self.ctx, document, [id_])[id_] != undo["digest"]:
            raise Refused(
                Problem(None, _("It was changed after the sync: put it right by hand."), code="changed")
            )
        loaded = Loaded(document, row)
        writing = Writing(self.ctx.enterprise_id)
        if "handover" in undo:
            execute(
                "DELETE FROM directory_handover WHERE enterprise_id = %s AND id = %s AND state = 'open'",
                [self.ctx.enterprise_id, undo["handover"]],
            )
        if "row" not in undo:
            _forget(self.ctx, loaded, writing)
            return
        before = audit.Picture(loaded)
        _put_back(self.ctx, document, undo["row"], row.version + 1)
        loaded.header = _locked(document, self.ctx, [id_])[id_]
        write_tokens(writing, [loaded], [id_])
        audit.record(
            writing, self.ctx, loaded, "edited", audit.changes(before, audit.Picture(loaded), document)
        )
        writing.run()
        if "membership" in undo:
            Membership.objects.filter(id=undo["membership"]["id"]).update(
                is_active=undo["membership"]["is_active"]
            )


def _forget(ctx: Context, loaded: Loaded, writing: Writing) -> None:
    """Delete a row that a run made; raises IntegrityError when something stands on it."""
    document = loaded.document
    if (
        document.code == "org.employee"
        and Membership.objects.filter(enterprise_id=ctx.enterprise_id, employee_id=loaded.pk).exists()
    ):
        raise Refused(
            Problem(None, _("They have signed in here since: disable them instead."), code="has_login")
        )
    loaded.header.version += 1
    # What is tied to it goes first: the match cascades, and untying afterwards finds nothing to do.
    writing.delete(document.header, [loaded.pk])
    write_tokens(writing, [], [loaded.pk])
    audit.record(writing, ctx, loaded, "deleted", [])
    writing.run()


def _locked(document: Document, ctx: Context, ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, Any]:
    select = select_for(document.header)
    sql = (
        f'SELECT {select.columns} FROM "{document.header._meta.db_table}" t{select.joins} '
        "WHERE t.enterprise_id = %s AND t.id = ANY(%s) ORDER BY t.id FOR NO KEY UPDATE OF t"
    )
    return {row.id: row for row in select.instances(execute(sql, [ctx.enterprise_id, list(ids)]))}


def _snapshots(ctx: Context, document: Document, ids: list[uuid.UUID]) -> dict[uuid.UUID, str]:
    """Return rows whole, as the JSON text PostgreSQL writes, before they are changed."""
    sql = f'SELECT t.id, to_jsonb(t)::text FROM "{document.header._meta.db_table}" t WHERE t.enterprise_id = %s AND t.id = ANY(%s)'
    return dict(execute(sql, [ctx.enterprise_id, ids]))


def _digests(ctx: Context, document: Document, ids: list[uuid.UUID]) -> dict[uuid.UUID, str]:
    """Return what tells whether a row is still as we left it, whatever its version: it may have been changed and put back."""
    sql = (
        f"SELECT t.id, md5((to_jsonb(t) - 'version')::text) FROM \"{document.header._meta.db_table}\" t "
        "WHERE t.enterprise_id = %s AND t.id = ANY(%s)"
    )
    return dict(execute(sql, [ctx.enterprise_id, ids]))


def _memberships(ctx: Context, ids: list[uuid.UUID]) -> dict[uuid.UUID, dict[str, Any]]:
    found = Membership.objects.filter(enterprise_id=ctx.enterprise_id, employee_id__in=ids)
    return {each.employee_id: {"id": each.pk, "is_active": each.is_active} for each in found}


def _put_back(ctx: Context, document: Document, row: str, version: int) -> None:
    """Write a whole row as it was, with a version of its own."""
    name = document.header._meta.db_table
    columns = [key for key in msgspec.json.decode(row) if key not in ("enterprise_id", "id", "version")]
    sets = ", ".join(f'"{column}" = v."{column}"' for column in columns)
    execute(
        f'UPDATE "{name}" t SET {sets}, version = %s FROM json_populate_record(NULL::"{name}", %s::json) v '
        "WHERE t.enterprise_id = %s AND t.id = v.id",
        [version, row, ctx.enterprise_id],
    )


def _require_tree(ctx: Context) -> None:
    """Raise Refused when departments form a ring; their enterprise's row is locked first, as saving one does."""
    execute("SELECT 1 FROM org_enterprise WHERE id = %s FOR NO KEY UPDATE", [ctx.enterprise_id])
    rows = execute(
        "WITH RECURSIVE down AS (SELECT id FROM org_department WHERE enterprise_id = %s AND parent_id IS NULL "
        "UNION SELECT d.id FROM org_department d JOIN down ON d.parent_id = down.id WHERE d.enterprise_id = %s) "
        "SELECT 1 FROM org_department d WHERE d.enterprise_id = %s AND NOT EXISTS (SELECT 1 FROM down WHERE down.id = d.id) "
        "LIMIT 1",
        [ctx.enterprise_id, ctx.enterprise_id, ctx.enterprise_id],
    )
    if rows:
        raise Refused(Problem("parent", _("A department cannot belong to itself."), code="cycle"))


def _code(conn: Connection, change: Change) -> str:
    """Return the code of a new row: the platform's key, for departments with letters before it; a position's name."""
    head = {"wecom": "WX", "dingtalk": "DD"}[conn.platform] if change.kind == "department" else ""
    return normal_code(f"{head}{change.source}")[:50]


def _free(code: str, taken: set[str]) -> str:
    found, n = code, 1
    while found in taken:
        n += 1
        found = f"{code}-{n}"
    taken.add(found)
    return found


def _telephone(text: str) -> str:
    """Return a mobile as we keep it, empty when it is none."""
    try:
        return _phone.parse(text)
    except BadValue:
        return ""


def _problem(error: IntegrityError | Refused) -> Problem:
    if isinstance(error, Refused):
        return error.problems[0]
    if sqlstate(error) == "23503":
        return Problem(None, _("Something else stands on it, or what it stands on is missing."), code="tied")
    return problem_of(error) or Problem(None, _("Stands here or elsewhere already."), code="taken")


def departments_first(changes: Iterable[Change]) -> list[list[Change]]:
    """Cut a batch, in its order, into pieces of one kind."""
    pieces: list[list[Change]] = []
    for change in changes:
        if pieces and pieces[-1][0].kind == change.kind:
            pieces[-1].append(change)
        else:
            pieces.append([change])
    return pieces


def set_mobile(ctx: Context, employee_id: uuid.UUID, mobile: str) -> None:
    """Write one employee's mobile, as a version of its own."""
    document = REGISTRY["org.employee"]
    row = _locked(document, ctx, [employee_id])[employee_id]
    loaded = Loaded(document, row)
    before = audit.Picture(loaded)
    row.mobile = mobile
    bulk.write(document, ctx, [Prepared(loaded, before)])
