"""Tables every document shares, and the bases of masters, headers, lines, ledger entries and balances."""

from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import models
from django.db.models import CheckConstraint, CompositePrimaryKey, Index, Q, UniqueConstraint
from typing_extensions import override

from . import fields as f
from .constraints import CompositeForeignKey
from .scope import enterprise_id
from .text import _


class TenantManager(models.Manager[Any]):
    """Sees the rows of the active enterprise only; raises NoTenant when none is active."""

    @override
    def get_queryset(self) -> models.QuerySet[Any]:
        return super().get_queryset().filter(enterprise_id=enterprise_id())

    @override
    def create(self, **values: Any) -> Any:
        return super().create(enterprise_id=enterprise_id(), **values)


class TenantModel(models.Model):
    """A row of one enterprise. Key: (enterprise_id, id), both made by us (S1)."""

    pk = CompositePrimaryKey("enterprise_id", "id")
    enterprise_id = f.TenantColumn()
    id = f.Identifier()

    objects = TenantManager()

    if TYPE_CHECKING:
        # Ref adds a column `<name>_id`, which mypy cannot see.
        def __getattr__(self, name: str) -> Any: ...

    class Meta:
        abstract = True


class AppendOnly(TenantModel):
    """A row that is written once and never changed (S11)."""

    enterprise_id = f.TenantColumn(append_only=True)

    class Meta:
        abstract = True


class Doc(AppendOnly):
    """The identity of one document; holds nothing that changes, so links and ledgers have a real key."""

    code = models.CharField(max_length=60)


class _DocId(f.Identifier):
    """A header's id is its identity row's id."""

    @override
    def contribute_to_class(self, cls: type[models.Model], name: str, private_only: bool = False) -> None:
        super().contribute_to_class(cls, name, private_only=private_only)
        key = f.constraint_name(cls, "doc", "fk")
        f.constrain(cls, CompositeForeignKey(name=key, column="id", to_table="kernel_doc"))


class _NumberColumn(f.Code):
    """A document's number: unique in the enterprise, absent exactly while it is a draft (N2, N3)."""

    def __init__(self, **options: Any) -> None:
        options |= {"default": None, "null": True, "readonly": True, "label": _("Number")}
        super().__init__(**options)

    @override
    def contribute_to_class(self, cls: type[models.Model], name: str, private_only: bool = False) -> None:
        super().contribute_to_class(cls, name, private_only=private_only)
        f.constrain(
            cls, UniqueConstraint(name=f.constraint_name(cls, "number"), fields=["enterprise_id", "number"])
        )
        f.constrain(
            cls,
            CheckConstraint(
                name=f.constraint_name(cls, "numbered"),
                condition=Q(state="draft", number__isnull=True)
                | (~Q(state="draft") & Q(number__isnull=False)),
            ),
        )


class _CloseColumn(f.Choice):
    """Whether nothing more can be made from a document. That something can is not worth a word in a list."""

    def __init__(self, **options: Any) -> None:
        options |= {"choices": CLOSE, "default": "open", "readonly": True, "label": _("Close")}
        super().__init__(**options)

    @override
    def meta(self) -> dict[str, Any]:
        shown = super().meta()["choices"]
        return {
            "choices": [
                each | ({"plain": True} if each["value"] == "open" else {"tone": "quiet"}) for each in shown
            ]
        }


class _DateColumn(f.Date):
    """The business date; with it every document is listed, newest first."""

    @override
    def contribute_to_class(
        self, cls: type[models.Model], name: str, private_only: bool = False, **kwargs: Any
    ) -> None:
        super().contribute_to_class(cls, name, private_only=private_only, **kwargs)
        if not cls._meta.abstract:
            f.index_of(cls, "enterprise_id", "-date", "-id")


# The lifecycle of flows.md F0; `Flow` in document.py says how one leads to another.
STATES = (
    ("draft", _("Draft")),
    ("created", _("Created")),
    ("submitted", _("Submitted")),
    ("rereview", _("Re-review")),
    ("approved", _("Approved")),
    ("voided", _("Voided")),
)


class _StateColumn(f.Choice):
    """How far the paper got; moved by steps only. What still waits for somebody is counted over its own small index."""

    kind = "state"

    def __init__(self, **options: Any) -> None:
        options |= {"choices": STATES, "label": _("State"), "readonly": True, "default": "draft"}
        super().__init__(**options)

    @override
    def contribute_to_class(self, cls: type[models.Model], name: str, private_only: bool = False) -> None:
        super().contribute_to_class(cls, name, private_only=private_only)
        if not cls._meta.abstract:
            f.index_of(cls, "enterprise_id", name, only=~Q(state__in=["approved", "voided"]))


CLOSE = (("open", _("Not closed")), ("auto", _("Closed by itself")), ("manual", _("Closed by hand")))


class Record(TenantModel):
    """What a header and a master share: version, who and when, custom values."""

    version = models.IntegerField(default=1)
    created_at = f.Moment(label=_("Created at"), readonly=True, null=False)
    created_by = models.UUIDField(editable=False)
    updated_at = f.Moment(label=_("Changed at"), readonly=True, null=False)
    updated_by = models.UUIDField(editable=False)
    ext = models.JSONField(default=dict)

    class Meta:
        abstract = True


class Header(Record):
    """One business document. `state` moves by steps; `turn` counts its postings and takings back."""

    id = _DocId()
    number = _NumberColumn()
    state = _StateColumn()
    close = _CloseColumn()
    date = _DateColumn(label=_("Date"), initial=lambda ctx: ctx.today, null=False)
    owner = f.Ref(
        settings.MEMBER_MODEL, label=_("Owner"), initial=lambda ctx: ctx.member_id, null=False, is_named=True
    )
    department = f.Ref(
        settings.DEPARTMENT_MODEL,
        label=_("Department"),
        required=False,
        initial=lambda ctx: ctx.department_id,
    )
    note = f.Text(label=_("Note"), max_length=500, required=False)
    turn = models.SmallIntegerField(default=0)

    class Meta:
        abstract = True


class Master(Record):
    """One row of master data: found by code, name and the initials of its pinyin.

    `beside` names the field that tells rows of one name apart; it stands beside the name wherever one is chosen.
    """

    beside = ""

    code = f.Code(label=_("Code"))
    name = f.Text(label=_("Name"))
    initials = f.Text(label=_("Pinyin initials"), readonly=True, max_length=100)
    is_active = f.Boolean(label=_("Active"), default=True, initial=True)
    note = f.Text(label=_("Note"), max_length=500, required=False)

    class Meta:
        abstract = True

    @override
    def __str__(self) -> str:
        return f"{self.code} {self.name}"


class Line(TenantModel):
    """One row of a document. `no` is its 1-based position; `is_closed` ends it before it is executed."""

    no = models.SmallIntegerField()
    is_closed = f.Boolean(label=_("Closed"), readonly=True)
    ext = models.JSONField(default=dict)

    class Meta:
        abstract = True


class LinkRow(TenantModel):
    """A target line takes a quantity of a source line (flows.md F1), in the unit of the source's field.

    For links between headers (a payment of an order) both lines are the documents' own ids. A quantity of 0 is left where
    closing by hand gave everything back: it still says what the line was made from, for who reopens it. The links of a
    draft count nowhere yet.
    """

    source_doc = f.Ref(Doc, null=False)
    target_doc = f.Ref(Doc, null=False)
    source_code = models.CharField(max_length=60)
    target_code = models.CharField(max_length=60)
    source_line = models.UUIDField()
    target_line = models.UUIDField()
    counter = models.CharField(max_length=40)
    qty = models.DecimalField(max_digits=18, decimal_places=6)

    class Meta:
        constraints = (
            UniqueConstraint(
                name="kernel_linkrow_once",
                fields=["enterprise_id", "target_line", "source_line", "counter"],
                deferrable=models.Deferrable.IMMEDIATE,
            ),
            CheckConstraint(name="kernel_linkrow_qty", condition=Q(qty__gte=0)),
        )
        indexes = (
            Index(fields=["enterprise_id", "source_doc_id"], name="kernel_linkrow_source"),
            Index(fields=["enterprise_id", "target_doc_id"], name="kernel_linkrow_target"),
        )


class Counter(TenantModel):
    """The last number given in a series and period; the row is locked last (N1)."""

    series = models.CharField(max_length=60)
    period = models.CharField(max_length=10)
    n = models.BigIntegerField()

    class Meta:
        constraints = (
            UniqueConstraint(name="kernel_counter_series", fields=["enterprise_id", "series", "period"]),
        )


class Audit(AppendOnly):
    """Who did what to which record, with old and new values; append-only."""

    at = models.DateTimeField()
    code = models.CharField(max_length=60)
    record = models.UUIDField()
    version = models.IntegerField()
    act = models.CharField(max_length=40)
    by = models.UUIDField()
    by_name = models.CharField(max_length=200)
    changes = models.JSONField(default=list)
    note = models.CharField(max_length=500, default="")

    class Meta:
        indexes = (Index(fields=["enterprise_id", "record", "-version"], name="kernel_audit_record"),)


class Outbox(TenantModel):
    """A thin event, written with the act and delivered after it: code, record, version, event."""

    at = models.DateTimeField()
    code = models.CharField(max_length=60)
    record = models.UUIDField()
    version = models.IntegerField()
    event = models.CharField(max_length=40)
    delivered_at = models.DateTimeField(null=True)

    class Meta:
        indexes = (
            Index(fields=["enterprise_id", "id"], name="kernel_outbox_open", condition=Q(delivered_at=None)),
        )


class Answer(TenantModel):
    """The first answer to an Idempotency-Key of one member, kept 30 days; `sight` is what the member might see then."""

    actor = models.UUIDField()
    key = models.CharField(max_length=100)
    fingerprint = models.BinaryField(max_length=32)
    status = models.SmallIntegerField(null=True)
    body = models.BinaryField(null=True)
    sight = models.BinaryField(max_length=32, null=True)
    at = models.DateTimeField()

    class Meta:
        constraints = (UniqueConstraint(name="kernel_answer_key", fields=["enterprise_id", "actor", "key"]),)


class Token(TenantModel):
    """A piece of text by which a master row is found: matched by equality, then checked on the row."""

    token = models.CharField(max_length=20)
    code = models.CharField(max_length=60)
    record = models.UUIDField()

    class Meta:
        indexes = (
            Index(fields=["enterprise_id", "code", "token", "record"], name="kernel_token_find"),
            Index(fields=["enterprise_id", "record"], name="kernel_token_record"),
        )


class Preference(TenantModel):
    """What one member arranged for themselves: columns, widths, filters, panels."""

    member = models.UUIDField()
    key = models.CharField(max_length=100)
    value = models.JSONField()

    class Meta:
        constraints = (
            UniqueConstraint(name="kernel_preference_key", fields=["enterprise_id", "member", "key"]),
        )


class Job(TenantModel):
    """Long work of one member: its progress survives a reload, its result is kept 7 days.

    `member` and `user_id` say as whom it runs, `locale` in which language it reports. `done` of `total` are units of its
    kind (rows). `content` is what was handed in; an export's, once it is done, the workbook it made.
    """

    kind = models.CharField(max_length=40)
    subject = models.CharField(max_length=60, default="")
    state = f.Choice(
        label=_("State"),
        choices=[
            ("queued", _("Waiting")),
            ("running", _("Running")),
            ("done", _("Done")),
            ("failed", _("Failed")),
            ("cancelled", _("Cancelled")),
        ],
        default="queued",
    )
    member = models.UUIDField()
    user_id = models.BigIntegerField(null=True)
    locale = models.CharField(max_length=10, default="")
    done = models.IntegerField(default=0)
    total = models.IntegerField(null=True)
    content = models.BinaryField(null=True)
    result = models.JSONField(null=True)
    error = models.CharField(max_length=500, default="")
    created_at = models.DateTimeField()
    beat_at = models.DateTimeField(null=True)
    attempts = models.SmallIntegerField(default=0)

    class Meta:
        indexes = (Index(fields=["enterprise_id", "member", "-id"], name="kernel_job_mine"),)


class Task(models.Model):
    """That a job waits or runs, and who runs it until when; gone when it has ended.

    Installation table: workers look for work over all enterprises before they enter one. It holds no data of the
    enterprise. `id` is the job's.
    """

    id = models.UUIDField(primary_key=True)
    enterprise_id = models.BigIntegerField()
    holder = models.UUIDField(null=True)
    until = models.DateTimeField(null=True)
    attempts = models.SmallIntegerField(default=0)
    is_cancelled = models.BooleanField(default=False)

    class Meta:
        indexes = (Index(fields=["enterprise_id", "id"], name="kernel_task_turn"),)


class Due(models.Model):
    """That somebody waits for an event in an enterprise's outbox: written with the event, gone once the relay sets out.

    Installation table: the relay asks it over all enterprises, and enters only those named.
    """

    enterprise_id = models.BigIntegerField()


class Lease(models.Model):
    """Which process does a chore of the installation, such as relaying events, until when. Installation table."""

    name = models.CharField(max_length=40, primary_key=True)
    holder = models.UUIDField()
    until = models.DateTimeField()


class _Turn(models.SmallIntegerField[int, int]):
    """How often the document was approved and taken back when the entry was made; keys K3 and M5."""

    @override
    def contribute_to_class(self, cls: type[models.Model], name: str, private_only: bool = False) -> None:
        super().contribute_to_class(cls, name, private_only=private_only)
        once = ["enterprise_id", "doc_id", "line_no", "leg", "turn"]
        f.constrain(cls, UniqueConstraint(name=f.constraint_name(cls, "once"), fields=once))
        f.constrain(
            cls,
            UniqueConstraint(
                name=f.constraint_name(cls, "reversed_once"),
                fields=["enterprise_id", "reverses"],
                condition=Q(reverses__isnull=False),
            ),
        )

    @override
    def deconstruct(self) -> Any:
        name, _path, args, kwargs = super().deconstruct()
        return name, "django.db.models.SmallIntegerField", args, kwargs

    @override
    def clone(self) -> Any:
        return f.plain_clone(self)


class Entry(AppendOnly):
    """One posting of a document line to a ledger. Subclasses add keys (Ref) and measures (numbers).

    `leg` tells apart several entries of one line; `turn` grows with each posting and each taking back, so that a line can
    never be posted twice (K3) nor an entry be taken back twice (M5).
    """

    doc = f.Ref(Doc, null=False, label=_("Document"))
    line_no = models.SmallIntegerField(default=0)
    leg = models.SmallIntegerField(default=0)
    turn = _Turn(default=0)
    date = f.Date(label=_("Date"), null=False)
    at = f.Moment(label=_("Posted at"), null=False, readonly=True)
    reverses = models.UUIDField(null=True)

    class Meta:
        abstract = True


class Balance(TenantModel):
    """The fold of a ledger's entries by its key; changed only together with them (K4)."""

    class Meta:
        abstract = True
