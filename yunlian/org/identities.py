"""Who is who elsewhere: accounts of platforms and mobiles that open a user's session, bound and unbound.

An account is found by provider, corp and id, never by name or mobile. Nobody loses their last way in. A corp's own
administrators decide who holds its accounts, so an account that its user has not bound themself opens a session only
while the user enters no enterprise outside that corp.
"""

from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Q

from yunlian.kernel.api import Unsigned
from yunlian.kernel.document import Missing, Problem, Refused
from yunlian.kernel.fields import moment_text
from yunlian.kernel.text import Label, _

from . import account_log
from .attempts import Asked
from .connections import CONNECTIONS
from .models import HalfSignIn, Identity, Membership, Session, User

MOBILE = "mobile"
PROVIDERS: dict[str, Label] = {"wecom": _("WeCom"), "dingtalk": _("DingTalk"), MOBILE: _("Mobile")}


@dataclass(frozen=True)
class Account:
    """An account elsewhere, proven: `corp` is empty for a mobile; `name` is what is shown of it."""

    provider: str
    corp: str
    subject: str
    name: str = ""


def find(account: Account) -> Identity | None:
    """Return whose account it is, if anybody's."""
    return (
        Identity.objects.filter(provider=account.provider, corp=account.corp, subject=account.subject)
        .select_related("user")
        .first()
    )


def require_fitting(identity: Identity) -> None:
    """Raise Unsigned when this account was bound by others and its user enters enterprises of others too."""
    if identity.is_own or identity.provider == MOBILE:
        return
    of_corp = CONNECTIONS.enterprises_of(identity.provider, identity.corp)
    beyond = Membership.objects.filter(user_id=identity.user_id, is_active=True).exclude(
        enterprise_id__in=of_corp
    )
    if beyond.exists():
        message = _(
            "This login enters other enterprises too: sign in another way and bind this account yourself."
        )
        raise Unsigned(message)


def bind(user_id: int, account: Account, asked: Asked, *, by: int | None = None) -> Identity:
    """Bind a proven account to a user; `by` is the user who does it, when it is not theirs.

    Bound already by somebody else, it becomes the user's own when they bind it themself. Raises Refused when the account
    is another person's, or when the user has another account of the same corp.
    """
    with transaction.atomic():
        User.objects.select_for_update().get(id=user_id)
        known = find(account)
        if known is not None:
            if known.user_id != user_id:
                raise Refused(Problem(None, _("This account belongs to another person here."), code="taken"))
            if by is None and not known.is_own:
                known.is_own = True
                known.save(update_fields=["is_own"])
                account_log.note(user_id, "bound", asked, detail=shown(known))
            return known
        if Identity.objects.filter(user_id=user_id, provider=account.provider, corp=account.corp).exists():
            raise Refused(
                Problem(None, _("Another account of the same kind is bound: unbind it first."), code="one")
            )
        made = Identity(
            provider=account.provider, corp=account.corp, subject=account.subject, name=account.name[:200],
            user_id=user_id, is_own=by is None, created_at=asked.now,
        )  # fmt: skip
        try:
            with transaction.atomic():
                made.save(force_insert=True)
        except IntegrityError:  # somebody else was as quick
            raise Refused(
                Problem(None, _("This account belongs to another person here."), code="taken")
            ) from None
        account_log.note(user_id, "bound", asked, detail=shown(made), by=by)
        return made


def follow_match(user_id: int, account: Account, asked: Asked) -> Identity:
    """Bind an account to the user with whom the directory has matched it; what it had said before no longer holds.

    Raises Refused when the user has bound another account of the same corp themself.
    """
    with transaction.atomic():
        of_corp = Identity.objects.filter(provider=account.provider, corp=account.corp, is_own=False)
        of_corp.filter(Q(user_id=user_id) | Q(subject=account.subject)).delete()
        return bind(user_id, account, asked, by=user_id)


def unbind(user_id: int, identity_id: int, asked: Asked, *, by: int | None = None, keep: int = 0) -> None:
    """Take an account from a user and end the sessions it opened, but for session `keep`.

    Raises Missing when it is not theirs, Refused when it is the last way in.
    """
    with transaction.atomic():
        # Of two who unbind two accounts at once, the second learns of the first.
        user = User.objects.select_for_update().get(id=user_id)
        identity = Identity.objects.filter(id=identity_id, user_id=user_id).first()
        if identity is None:
            raise Missing("identity")
        identity.delete()
        if not has_way(user):
            raise Refused(
                Problem(
                    None, _("It is the last way in: set a password or bind another first."), code="last_way"
                )
            )
        opened = Session.objects.filter(user_id=user_id, way__startswith=identity.provider)
        opened.exclude(id=keep).delete()
        HalfSignIn.objects.filter(user_id=user_id).delete()
        account_log.note(user_id, "unbound", asked, detail=shown(identity), by=by)


def has_way(user: User) -> bool:
    """Whether a user has a way in that works: a password that does not expire, a mobile, a corp that is connected."""
    if user.password and user.password_expires_at is None:
        return True
    return any(
        identity.provider == MOBILE or CONNECTIONS.enterprises_of(identity.provider, identity.corp)
        for identity in Identity.objects.filter(user=user)
    )


def normal_subject(provider: str, subject: str) -> str:
    """Return an account's id as it is compared; WeCom's are the same in either case."""
    text = subject.strip()
    return text.lower() if provider == "wecom" else text


def shown(identity: Identity) -> str:
    """Return an account as people read it; a mobile with its middle hidden."""
    if identity.provider == MOBILE:
        return masked(identity.subject)
    return f"{PROVIDERS[identity.provider]} {identity.name or identity.subject}"


def masked(mobile: str) -> str:
    """Return a mobile of which nobody could ring the owner: `+86138****0000`."""
    return f"{mobile[:-8]}****{mobile[-4:]}"


def ways_of(user: User) -> list[dict[str, Any]]:
    """Return what a user has bound, as the API answers it."""
    return [
        {
            "id": str(each.id),
            "provider": each.provider,
            "name": masked(each.subject) if each.provider == MOBILE else each.name or each.subject,
            "corp": each.corp,
            "is_own": each.is_own,
            "created_at": moment_text(each.created_at),
            "used_at": each.used_at and moment_text(each.used_at),
        }
        for each in Identity.objects.filter(user=user).order_by("provider", "id")
    ]
