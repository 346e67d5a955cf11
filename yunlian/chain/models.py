"""Tables of the chain: who may speak (membership, credential, key, link), what was said (lane, outbox, inbox, thread).

A lane has the same id on both sides; each side keeps its own row of it. Numbers count from 1. Texts are envelopes,
kept byte for byte; digests are SHA-256 in hexadecimal. Source: chain protocol C2, reliability L1 and L2.
"""

from typing import Any

from django.db import models
from django.db.models import CheckConstraint, Index, Q, UniqueConstraint

from yunlian.kernel import fields as f
from yunlian.kernel.models import AppendOnly, Master, TenantModel
from yunlian.kernel.scope import Context
from yunlian.kernel.text import _
from yunlian.masters.models import Partner, Product
from yunlian.org.models import Employee, Enterprise

from . import flows

DIRECTIONS = (("upstream", _("We are upstream")), ("downstream", _("We are downstream")))
LANE_STATES = (
    ("open", _("In order")),
    ("held", _("Held")),
    ("paused", _("Held by us")),
    ("suspended", _("Suspended")),
    ("behind", _("Behind the partner")),
    ("frozen", _("Frozen")),
    ("closed", _("Closed")),
)
INBOX_STATES = (
    ("new", _("Waiting to be applied")),
    ("applied", _("Applied")),
    ("rejected", _("Rejected")),
    ("quarantined", _("Quarantined")),
)
OUTCOMES = (("applied", _("Applied")), ("rejected", _("Rejected")), ("quarantined", _("Quarantined")))


def _communication_user(ctx: Context) -> Any:
    return Enterprise.objects.filter(pk=ctx.enterprise_id).values_list("communication_id", flat=True).first()


class Credential(Master):
    """An access credential of ours: opaque token, known only by its SHA-256, bound to the communication user.

    Valid from `valid_from` until before `valid_until`, by the database's clock. `prefix` is the part of the token
    that may be shown again.
    """

    code = f.Code(label=_("Code"), required=False)
    employee = f.Ref(Employee, label=_("Communication user"), null=False, initial=_communication_user)
    valid_from = f.Moment(label=_("Valid from"), null=False, initial=lambda ctx: ctx.now)
    valid_until = f.Moment(label=_("Valid until"), null=False)
    state = f.State(flows.CREDENTIAL)
    prefix = f.Text(label=_("Token begins with"), readonly=True, max_length=20)
    digest = models.BinaryField(max_length=32, editable=False)

    token: str = ""  # the whole token, on the instance that was just made and nowhere else

    class Meta:
        constraints = (
            UniqueConstraint(name="chain_credential_code", fields=["enterprise_id", "code"]),
            UniqueConstraint(name="chain_credential_digest", fields=["enterprise_id", "digest"]),
            CheckConstraint(
                name="chain_credential_validity", condition=Q(valid_from__lt=models.F("valid_until"))
            ),
        )


class Membership(TenantModel):
    """That this enterprise takes part in the chain, until its service ends, under which credential: one row."""

    credential = f.Ref(Credential, null=False)
    joined_at = models.DateTimeField()
    valid_until = models.DateTimeField()
    epoch = models.IntegerField(default=1)

    class Meta:
        constraints = (UniqueConstraint(name="chain_membership_one", fields=["enterprise_id"]),)


class Pass(models.Model):
    """What the installation knows of a member's credential, found by the digest of the token alone.

    Installation table: a request names no enterprise before its token does. Locked FOR SHARE by every accepting
    transaction, so a revoke that returned holds for every later commit. `member_until` is the end of the member's
    service, null until it has joined with this credential.
    """

    digest = models.BinaryField(max_length=32, unique=True)
    enterprise_id = models.BigIntegerField()
    credential_id = models.UUIDField()
    employee_id = models.UUIDField()
    chain_id = models.UUIDField()
    valid_from = models.DateTimeField()
    valid_until = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)
    member_until = models.DateTimeField(null=True)

    class Meta:
        indexes = (Index(fields=["enterprise_id"], name="chain_pass_enterprise"),)


class Link(Master):
    """Collaboration with one other enterprise. `direction` says what we are in it: upstream invites, downstream accepts.

    `handler` owns what arrives while nobody is responsible for the partner.
    """

    code = f.Code(label=_("Code"), required=False)
    name = f.Text(label=_("Name"), required=False)
    partner_name = f.Text(label=_("Enterprise"), readonly=True)
    partner_chain_id = f.Text(label=_("Chain id"), max_length=36, once=True)
    partner = f.Ref(Partner, label=_("Partner"), required=False)
    handler = f.Ref(
        Employee,
        label=_("Default handler"),
        required=False,
        hint=_("Owns what arrives over this link while nobody is responsible for the partner."),
    )
    direction = f.Choice(label=_("Direction"), choices=DIRECTIONS, readonly=True, default="upstream")
    state = f.State(flows.LINK)
    reason = f.Text(label=_("Reason"), max_length=500, readonly=True)
    linked_at = f.Moment(label=_("Linked at"), readonly=True)
    invitation = models.UUIDField(editable=False)
    lane_out = models.UUIDField(editable=False)
    lane_in = models.UUIDField(editable=False)

    class Meta:
        constraints = (
            UniqueConstraint(name="chain_link_code", fields=["enterprise_id", "code"]),
            UniqueConstraint(name="chain_link_invitation", fields=["enterprise_id", "invitation"]),
            UniqueConstraint(
                name="chain_link_alive",
                fields=["enterprise_id", "partner_chain_id", "direction"],
                condition=Q(state__in=["inviting", "linked"]),
            ),
        )


class Key(TenantModel):
    """A signing key: ours (no link, private half wrapped) or one of a partner's, pinned when the link was accepted."""

    key_id = models.CharField(max_length=60)
    link = f.Ref(Link, required=False)
    public = models.BinaryField(max_length=64)
    wrapped = models.BinaryField(max_length=200, null=True)
    made_at = models.DateTimeField()
    retired_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            UniqueConstraint(name="chain_key_pinned", fields=["enterprise_id", "link_id", "key_id"]),
            UniqueConstraint(
                name="chain_key_own", fields=["enterprise_id", "key_id"], condition=Q(link_id=None)
            ),
            CheckConstraint(
                name="chain_key_private",
                condition=Q(link_id=None, wrapped__isnull=False) | Q(link_id__isnull=False, wrapped=None),
            ),
        )


class Lane(TenantModel):
    """One direction of a link, as one side keeps it.

    Out: `last_seq` and `last_hash` end what we numbered, `accepted` is the acknowledged position, `delivered` what the
    receiver stored. In: `accepted` and `last_hash` end what we stored. `epoch` is ours on the lane out, the highest
    seen on the lane in. `key_id` is the key we sign with. A lease keeps a second
    sender away; `next_at` is when to try again.

    While it is behind, nothing is numbered or sent until hands are shaken. Where two branches were seen, `branch_at` is
    the last message both hold; with `is_insisting` an operator chose our branch of a lane out, and the receiver must
    put theirs aside (A11).
    """

    link = f.Ref(Link, null=False)
    is_out = models.BooleanField()
    state = f.Choice(label=_("State"), choices=LANE_STATES, default="open")
    reason = models.CharField(max_length=500, default="")
    key_id = models.CharField(max_length=60, default="")
    epoch = models.IntegerField(default=1)
    last_seq = models.BigIntegerField(default=0)
    last_hash = models.CharField(max_length=64)
    accepted = models.BigIntegerField(default=0)
    delivered = models.BigIntegerField(default=0)
    window = models.IntegerField(default=1000)
    lease_owner = models.UUIDField(null=True)
    lease_until = models.DateTimeField(null=True)
    next_at = models.DateTimeField(null=True)
    failures = models.IntegerField(default=0)
    failing_since = models.DateTimeField(null=True)
    last_error = models.CharField(max_length=500, default="")
    answered_at = models.DateTimeField(null=True)
    clock_offset_s = models.IntegerField(default=0)
    branch_at = models.BigIntegerField(null=True)
    is_insisting = models.BooleanField(default=False)

    class Meta:
        constraints = (
            UniqueConstraint(name="chain_lane_link", fields=["enterprise_id", "link_id", "is_out"]),
            CheckConstraint(
                name="chain_lane_positions", condition=Q(accepted__gte=0, delivered__gte=0, last_seq__gte=0)
            ),
        )


class Thread(TenantModel):
    """The family of one business document on one lane: versions written (lane out) or applied (lane in)."""

    lane = f.Ref(Lane, null=False)
    thread = models.UUIDField()
    version = models.IntegerField(default=0)
    is_stopped = models.BooleanField(default=False)

    class Meta:
        constraints = (
            UniqueConstraint(name="chain_thread_one", fields=["enterprise_id", "lane_id", "thread"]),
        )


class _MessageColumns(TenantModel):
    """What a message is to both sides."""

    lane = f.Ref(Lane, null=False)
    kind = models.CharField(max_length=60)
    subject = models.CharField(max_length=120)
    subject_version = models.IntegerField(default=1)
    thread = models.UUIDField()
    thread_version = models.IntegerField()
    text = models.TextField(null=True)
    digest = models.CharField(max_length=64, default="")
    key_id = models.CharField(max_length=60, default="")
    signature = models.CharField(max_length=200, default="")

    class Meta:
        abstract = True


class Outbox(_MessageColumns):
    """One message of ours. `id` is the message id, random. Unnumbered until the sequencer took it: then `text` is final.

    `sent_at` R0, `delivered_at` R1, `outcome` R2. A voided message keeps its number and says nothing. `recovered_at` is
    when it was fetched back from the partner after a restore: the document it speaks of may be missing here.
    """

    seq = models.BigIntegerField(null=True)
    major = models.SmallIntegerField(default=1)
    correlation = models.UUIDField(null=True)
    causation = models.UUIDField(null=True)
    data = models.JSONField()
    is_void = models.BooleanField(default=False)
    queued_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True)
    delivered_at = models.DateTimeField(null=True)
    outcome = f.Choice(label=_("Outcome"), choices=OUTCOMES, required=False)
    outcome_at = models.DateTimeField(null=True)
    problems = models.JSONField(default=list)
    recovered_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            UniqueConstraint(name="chain_outbox_seq", fields=["enterprise_id", "lane_id", "seq"]),
            UniqueConstraint(
                name="chain_outbox_thread", fields=["enterprise_id", "lane_id", "thread", "thread_version"]
            ),
            CheckConstraint(
                name="chain_outbox_numbered",
                condition=Q(seq=None, text=None) | Q(seq__isnull=False, text__isnull=False),
            ),
        )
        indexes = (
            Index(fields=["enterprise_id", "lane_id"], name="chain_outbox_unnumbered", condition=Q(seq=None)),
            Index(
                fields=["enterprise_id", "lane_id"],
                name="chain_outbox_unanswered",
                condition=Q(outcome__in=["", "quarantined"]) & ~Q(kind="message.receipt"),
            ),
            Index(fields=["enterprise_id", "subject"], name="chain_outbox_subject"),
            Index(fields=["enterprise_id", "thread"], name="chain_outbox_of_thread"),
        )


class Inbox(_MessageColumns):
    """One message accepted on a lane, in the order of its sender."""

    seq = models.BigIntegerField()
    message_id = models.UUIDField()
    state = f.Choice(label=_("State"), choices=INBOX_STATES, default="new")
    tries = models.SmallIntegerField(default=0)
    next_at = models.DateTimeField(null=True)
    problems = models.JSONField(default=list)
    received_at = models.DateTimeField()
    handled_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            UniqueConstraint(name="chain_inbox_seq", fields=["enterprise_id", "lane_id", "seq"]),
            UniqueConstraint(name="chain_inbox_message", fields=["enterprise_id", "lane_id", "message_id"]),
        )
        indexes = (
            Index(
                fields=["enterprise_id", "lane_id", "thread", "seq"],
                name="chain_inbox_open",
                condition=Q(state__in=["new", "quarantined"]),
            ),
            Index(fields=["enterprise_id", "subject"], name="chain_inbox_subject"),
            Index(fields=["enterprise_id", "thread"], name="chain_inbox_of_thread"),
        )


class Stray(_MessageColumns):
    """One message of the branch of a lane that is not, or not yet, ours: kept as evidence, and to choose by.

    `seen` at the partner: on a lane out what they hold in place of ours, on a lane in what was sent in place of what we
    hold. Put `aside` on a lane in: what we held before an operator chose the sender's branch; `state` is how far it
    had come then, and its effect on our documents stays.
    """

    side = f.Choice(label=_("Side"), choices=(("seen", _("The partner's")), ("aside", _("Put aside"))))
    seq = models.BigIntegerField()
    message_id = models.UUIDField()
    state = f.Choice(label=_("State"), choices=INBOX_STATES, default="new")
    problems = models.JSONField(default=list)
    noted_at = models.DateTimeField()

    class Meta:
        constraints = (
            UniqueConstraint(name="chain_stray_once", fields=["enterprise_id", "lane_id", "side", "digest"]),
        )
        indexes = (Index(fields=["enterprise_id", "lane_id", "message_id"], name="chain_stray_message"),)


class Origin(TenantModel):
    """Which of our documents came from a partner's: one for each version of theirs (L1), and what theirs is like now."""

    link = f.Ref(Link, null=False)
    subject = models.CharField(max_length=120)
    subject_version = models.IntegerField(default=1)
    thread = models.UUIDField()
    code = models.CharField(max_length=60)
    doc = models.UUIDField()
    number = models.CharField(max_length=60, default="")

    class Meta:
        constraints = (
            UniqueConstraint(
                name="chain_origin_once",
                fields=["enterprise_id", "link_id", "subject", "subject_version", "thread"],
            ),
        )
        indexes = (
            Index(fields=["enterprise_id", "doc"], name="chain_origin_doc"),
            Index(fields=["enterprise_id", "thread"], name="chain_origin_thread"),
        )


class LinePair(TenantModel):
    """A line of our document that stands for a line of a partner's; `origin` is the message that made it."""

    origin = f.Ref(Origin, null=False, cascade=True)
    theirs = models.UUIDField()
    ours = models.UUIDField()

    class Meta:
        constraints = (
            UniqueConstraint(
                name="chain_linepair_once", fields=["enterprise_id", "origin_id", "theirs", "ours"]
            ),
        )
        indexes = (Index(fields=["enterprise_id", "ours"], name="chain_linepair_ours"),)


class Attempt(AppendOnly):
    """One try to send, or one act of an operator, on a lane; append-only."""

    at = models.DateTimeField()
    lane_id = models.UUIDField()
    act = models.CharField(max_length=20)
    status = models.SmallIntegerField(default=0)
    code = models.CharField(max_length=60, default="")
    first_seq = models.BigIntegerField(null=True)
    count = models.IntegerField(default=0)
    by_name = models.CharField(max_length=200, default="")
    detail = models.CharField(max_length=500, default="")

    class Meta:
        indexes = (Index(fields=["enterprise_id", "lane_id", "-at"], name="chain_attempt_lane"),)


class Handshake(models.Model):
    """A signed letter about a link, between enterprises that have no lane yet: posted in one transaction, read in another.

    Installation table: the writer cannot enter the reader's enterprise. `id` is random.
    """

    id = models.UUIDField(primary_key=True)
    recipient = models.UUIDField()
    text = models.TextField()
    key_id = models.CharField(max_length=60)
    signature = models.CharField(max_length=200)
    posted_at = models.DateTimeField()
    handled_at = models.DateTimeField(null=True)
    tries = models.SmallIntegerField(default=0)
    problem = models.CharField(max_length=500, default="")

    class Meta:
        indexes = (Index(fields=["posted_at"], name="chain_handshake_open", condition=Q(handled_at=None)),)


class Incarnation(models.Model):
    """Which database the chain last worked in: one row. Another one means a restore, a copy, or a standby promoted.

    Installation table. `cluster` is PostgreSQL's system identifier, `timeline` its line of history, `database` its oid.
    """

    id = models.SmallIntegerField(primary_key=True, default=1)
    cluster = models.CharField(max_length=40)
    timeline = models.IntegerField()
    database = models.BigIntegerField()
    since = models.DateTimeField()


class Offer(Master):
    """A product an upstream partner offers, as their catalogue last said; linked to one of ours when we buy it.

    Nobody edits it: it is theirs.

    `price` is theirs per `unit`, tax included, in `currency`.
    """

    link = f.Ref(Link, label=_("Upstream"), null=False, readonly=True)
    upstream_id = f.Text(label=_("Their id"), max_length=36, readonly=True)
    upstream_code = f.Code(label=_("Their code"), readonly=True)
    spec = f.Text(label=_("Specification"), readonly=True)
    unit = f.Text(label=_("Unit"), max_length=60, readonly=True)
    price = f.Price(label=_("Their price"), readonly=True, guard="purchase.price")
    currency = f.Text(label=_("Currency"), max_length=3, readonly=True)
    product = f.Ref(Product, label=_("Our product"), required=False, readonly=True)
    state = f.State(flows.OFFER)

    class Meta:
        constraints = (
            UniqueConstraint(name="chain_offer_code", fields=["enterprise_id", "code"]),
            UniqueConstraint(name="chain_offer_upstream", fields=["enterprise_id", "link_id", "upstream_id"]),
        )
