"""Which document of ours belongs to which of theirs: by link, thread and pairs of lines."""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from yunlian.kernel.document import Missing, Problem, Refused
from yunlian.kernel.identity import new_id
from yunlian.kernel.load import Loaded
from yunlian.kernel.scope import enterprise_id
from yunlian.kernel.sql import run
from yunlian.kernel.text import _
from yunlian.masters.models import Partner
from yunlian.org.models import Employee

from ..messages import Arrival
from ..models import LinePair, Link, Origin


def find_link(partner_id: uuid.UUID | None, direction: str) -> Link | None:
    """Return the link in force with a partner in which we are upstream or downstream."""
    found: Link | None = Link.objects.filter(
        partner_id=partner_id, direction=direction, state="linked"
    ).first()
    return found


def require_direction(arrival: Arrival, direction: str) -> None:
    """Refuse a message that only the other side of the link may send."""
    if arrival.link.direction != direction:
        raise Refused(Problem("type", _("This message goes the other way."), code="direction"))


def theirs(arrival: Arrival, model: Any, column: str) -> Any:
    """Return our document of the message's thread if it concerns this partner. Raises Missing."""
    found = model.objects.filter(id=arrival.envelope.thread, **{column: arrival.link.partner_id}).first()
    if found is None:
        raise Missing(str(arrival.envelope.thread))
    return found


def owned(arrival: Arrival) -> dict[str, str]:
    """Return owner and department of what a message makes: whose it is decides who sees it.

    The employee responsible for the partner, else the link's handler; nothing when neither works here at present, and
    then it is the communication user's. Source: decision 0012.
    """
    responsible = (
        Partner.objects.filter(id=arrival.link.partner_id).values_list("responsible_id", flat=True).first()
    )
    wanted = [id_ for id_ in (responsible, arrival.link.handler_id) if id_ is not None]
    working = {e.id: e for e in Employee.objects.filter(id__in=wanted, is_active=True, job="employed")}
    found = next((working[id_] for id_ in wanted if id_ in working), None)
    if found is None:
        return {}
    department = {} if found.department_id is None else {"department": str(found.department_id)}
    return {"owner": str(found.id)} | department


def made_from(arrival: Arrival, code: str) -> Origin:
    """Return the newest document of a code that this thread made here. Raises Missing."""
    found = Origin.objects.filter(thread=arrival.envelope.thread, link_id=arrival.link.id, code=code)
    newest: Origin | None = found.order_by("-subject_version", "-id").first()
    if newest is None:
        raise Missing(code)
    return newest


def origins_of(docs: Iterable[uuid.UUID]) -> list[Origin]:
    """Return the origins of our documents, with their links in force."""
    found = Origin.objects.select_related("link").filter(doc__in=list(docs), link__state="linked")
    return list(found.order_by("id"))


def origin_of(loaded: Loaded) -> Origin | None:
    """Return where one document of ours came from, if from the chain and the link is still in force."""
    return next(iter(origins_of([loaded.pk])), None)


def pair(origin: Origin, both: Iterable[tuple[uuid.UUID, uuid.UUID]]) -> None:
    """Note which of our lines stands for which of theirs, as (theirs, ours)."""
    LinePair.objects.bulk_create(
        LinePair(
            enterprise_id=origin.enterprise_id, id=new_id(), origin_id=origin.id, theirs=there, ours=here
        )
        for there, here in both
    )


def pairs_by_ours(origin: Origin) -> dict[uuid.UUID, uuid.UUID]:
    """Return their line by ours."""
    return dict(LinePair.objects.filter(origin_id=origin.id).values_list("ours", "theirs"))


def sources(targets: Iterable[uuid.UUID], source_code: str) -> set[uuid.UUID]:
    """Return the documents of a code from which these documents were made."""
    ids = list(targets)
    if not ids:
        return set()
    sql = (
        "SELECT DISTINCT source_doc_id FROM kernel_linkrow WHERE enterprise_id = %s AND target_doc_id = ANY(%s) "
        "AND source_code = %s"
    )
    return {row[0] for row in run(sql, [enterprise_id(), ids, source_code])}


@dataclass(frozen=True)
class Share:
    """How much of one line of ours, in base units, belongs to a line of theirs."""

    ours: uuid.UUID
    origin_id: uuid.UUID
    theirs: uuid.UUID
    qty: Any


def shares(target: uuid.UUID, path: tuple[str, ...]) -> list[Share]:
    """Follow links up from the lines of a document along `path` of codes to paired lines, with what each link took last.

    A target line made of several sources is shared out in their order, never more than the line itself took.
    """
    joins = "".join(
        f" JOIN kernel_linkrow l{n} ON l{n}.enterprise_id = %s AND l{n}.target_line = l{n - 1}.source_line "
        f"AND l{n}.source_code = %s"
        for n in range(1, len(path))
    )
    sql = (
        f"SELECT l0.id, l0.target_line, p.origin_id, p.theirs, l0.qty, l{len(path) - 1}.qty FROM kernel_linkrow l0{joins} "
        f"JOIN chain_linepair p ON p.enterprise_id = %s AND p.ours = l{len(path) - 1}.source_line "
        "WHERE l0.enterprise_id = %s AND l0.target_doc_id = %s AND l0.source_code = %s ORDER BY l0.id, p.id"
    )
    here = enterprise_id()
    params: list[Any] = [value for code in path[1:] for value in (here, code)]
    rows = run(sql, [*params, here, here, target, path[0]])
    found: list[Share] = []
    left: dict[uuid.UUID, Any] = {}
    for link, ours, origin, there, taken, below in rows:
        rest = left.setdefault(link, taken)
        qty = min(rest, below)
        if qty > 0:
            left[link] = rest - qty
            found.append(Share(ours, origin, there, qty))
    return found
