"""Who of ours is who of theirs."""

from django.db import models
from django.db.models import CheckConstraint, Index, Q, UniqueConstraint

from yunlian.kernel import fields as f
from yunlian.kernel.models import TenantModel
from yunlian.kernel.text import _
from yunlian.org.models import Department, Employee

from .connection import Connection

KINDS = (("person", _("Person")), ("department", _("Department")))


class _Who(TenantModel):
    """A person or a department of ours."""

    kind = f.Choice(label=_("Kind"), choices=KINDS)
    employee = f.Ref(Employee, label=_("Employee"), required=False, cascade=True)
    department = f.Ref(Department, label=_("Department"), required=False, cascade=True)

    class Meta:
        abstract = True


class Match(_Who):
    """That one of ours is one of theirs. Ended ones are kept, so that binding again restores them.

    `told` is what the platform was last told, or last told us: what stands in for fields it does not let us read.
    """

    connection = f.Ref(Connection, null=False, cascade=True)
    theirs = f.Text(label=_("On the platform"), max_length=100)
    union = models.CharField(max_length=100, default="")
    told = models.JSONField(default=dict)
    since = f.Moment(label=_("Since"), readonly=True, null=False)
    ended_at = f.Moment(label=_("Ended"), readonly=True)

    class Meta:
        constraints = (
            UniqueConstraint(
                name="directory_match_theirs",
                fields=["enterprise_id", "connection_id", "kind", "theirs"],
                condition=Q(ended_at=None),
            ),
            UniqueConstraint(
                name="directory_match_employee",
                fields=["enterprise_id", "connection_id", "employee_id"],
                condition=Q(ended_at=None),
            ),
            UniqueConstraint(
                name="directory_match_department",
                fields=["enterprise_id", "connection_id", "department_id"],
                condition=Q(ended_at=None),
            ),
            CheckConstraint(
                name="directory_match_one",
                condition=Q(kind="person", employee_id__isnull=False, department_id=None)
                | Q(kind="department", department_id__isnull=False, employee_id=None),
            ),
        )
        indexes = (
            Index(fields=["enterprise_id", "employee_id"], name="directory_match_of_employee"),
            Index(fields=["enterprise_id", "department_id"], name="directory_match_of_department"),
        )
