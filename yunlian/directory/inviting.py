"""Invite members into WeCom: those who were pushed there still have to join, by a QR code, a link, or an invitation."""

import uuid
from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext

from yunlian.kernel.jobs import Failed, Progress, job
from yunlian.kernel.models import Job
from yunlian.kernel.scope import Context, tenant
from yunlian.kernel.text import _
from yunlian.platforms.errors import PlatformError
from yunlian.platforms.wecom import members

from . import connections
from .models import Connection, Match
from .wecom import WeCom

AT_ONCE = 1_000


@job("directory.invite")
def run_invite(ctx: Context, made: Job, progress: Progress) -> Mapping[str, Any]:
    """Send invitations to everybody matched, and return the corp's QR code for those who would rather scan."""
    with tenant(ctx.enterprise_id):
        conn = Connection.objects.get(id=uuid.UUID(made.subject))
        platform = connections.reader_of(conn)
        mine = Match.objects.filter(connection_id=conn.id, kind="person", ended_at=None)
        accounts = list(mine.order_by("theirs").values_list("theirs", flat=True))
    if not isinstance(platform, WeCom):
        raise Failed(_("Only members of WeCom are invited from here."))
    missed: list[str] = []
    try:
        for at in range(0, len(accounts), AT_ONCE):
            missed += members.invite(platform.contacts, accounts[at : at + AT_ONCE]).users
            progress(min(at + AT_ONCE, len(accounts)), len(accounts))
        code = members.join_qr(platform.contacts)
    except PlatformError as error:
        raise Failed(f"{gettext(error.remedy)} ({error.code}: {error.text})"[:500]) from error
    return {"invited": len(accounts) - len(missed), "missed": missed, "qr_code": code}
