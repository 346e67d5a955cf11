"""Membership of the chain: joined under a chosen credential, until the service ends.

Traffic is allowed when membership, credential, link and role all are (flows.md F18); `standing` judges the part that is
an enterprise's own. Outgoing messages wait and incoming ones are refused while it is not good; nothing is lost.
"""

import datetime as dt
import uuid
from dataclasses import dataclass

from yunlian.kernel.document import Problem, Refused
from yunlian.kernel.identity import new_id
from yunlian.kernel.scope import Context
from yunlian.kernel.text import Label, _

from . import account, credentials, signing
from .models import Credential, Lane, Membership, Pass

SERVICE = dt.timedelta(days=365)

REASONS: dict[str, Label] = {
    "not_a_member": _("The enterprise has not joined the chain."),
    "membership_expired": _("The service on the chain has ended: confirm joining again."),
    "credential_unknown": _("The credential is not known."),
    "credential_expired": _("The credential has expired."),
    "credential_revoked": _("The credential was revoked."),
    "credential_not_yet_valid": _("The credential is not valid yet."),
    "wrong_user": _("The credential belongs to another user than the communication user."),
    "no_role": _("The communication user does not hold the role for collaboration."),
}


@dataclass(frozen=True)
class Standing:
    """Whether our enterprise may send and receive now; `acting` is its communication user."""

    code: str
    token: bytes = b""
    epoch: int = 1
    acting: Context | None = None

    @property
    def is_good(self) -> bool:
        """Whether everything is in order."""
        return self.code == "ok"

    @property
    def reason(self) -> str:
        """What is wrong, for people."""
        return str(REASONS.get(self.code, self.code))


def standing() -> Standing:
    """Judge the active enterprise; its pass is locked as it is until this transaction ends."""
    member = Membership.objects.select_related("credential").first()
    if member is None:
        return Standing("not_a_member")
    token = bytes(member.credential.digest)
    verdict = credentials.judge(token)
    if not verdict.is_good:
        return Standing(verdict.code)
    acting = account.acting()
    if acting is None:
        return Standing("no_role")
    if member.credential.employee_id != acting.member_id:
        return Standing("wrong_user")
    return Standing("ok", token, member.epoch, acting)


def join(ctx: Context, credential_id: uuid.UUID, valid_until: dt.datetime | None = None) -> None:
    """Join, or join again, with a credential; the service ends at `valid_until`, by default a year from now.

    Raises Refused when the credential does not open or belongs to another user than the communication user.
    """
    credential = Credential.objects.select_for_update().filter(id=credential_id).first()
    until = valid_until or ctx.now + SERVICE
    problem = _problem(credential, until, ctx)
    if credential is None or problem is not None:
        raise Refused(Problem("credential", problem or "", code="credential"))
    Membership.objects.update_or_create(
        enterprise_id=ctx.enterprise_id,
        defaults={"credential_id": credential.id, "valid_until": until},
        create_defaults={
            "id": new_id(),
            "credential_id": credential.id,
            "valid_until": until,
            "joined_at": ctx.now,
        },
    )
    Lane.objects.filter(is_out=True).exclude(state__in=("closed", "frozen")).update(next_at=None)
    Pass.objects.filter(enterprise_id=ctx.enterprise_id).update(member_until=None)
    Pass.objects.filter(digest=bytes(credential.digest)).update(member_until=until)
    signing.ensure_key(ctx)


def _problem(credential: Credential | None, until: dt.datetime, ctx: Context) -> Label | None:
    if credential is None:
        return REASONS["credential_unknown"]
    if credential.state != "valid":
        return REASONS["credential_revoked"]
    if not credential.valid_from <= ctx.now < credential.valid_until:
        return REASONS[
            "credential_expired" if ctx.now >= credential.valid_until else "credential_not_yet_valid"
        ]
    acting = account.acting()
    if acting is None:
        return REASONS["no_role"]
    if credential.employee_id != acting.member_id:
        return REASONS["wrong_user"]
    return None if until > ctx.now else REASONS["membership_expired"]


def state() -> str:
    """Return none, joined or expired."""
    member = Membership.objects.first()
    if member is None:
        return "none"
    return "joined" if account.database_now() < member.valid_until else "expired"
