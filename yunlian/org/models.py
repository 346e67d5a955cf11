"""Who there is: enterprises and logins (global identity), departments, positions, employees and roles (tenant)."""

from django.db import models
from django.db.models import CheckConstraint, Index, Q, UniqueConstraint

from yunlian.kernel import fields as f
from yunlian.kernel.models import Master, TenantModel
from yunlian.kernel.text import _


class Enterprise(models.Model):
    """A tenant: keeps its own books. `chain_id` is its identity on the chain, for ever."""

    code = models.CharField(max_length=60, unique=True)
    name = models.CharField(max_length=200)
    chain_id = models.UUIDField(unique=True)
    time_zone = models.CharField(max_length=60, default="Asia/Shanghai")
    currency = models.CharField(max_length=3, default="CNY")
    is_demonstration = models.BooleanField(default=False)
    # The employee as whom the chain and jobs act; a plain column, because global tables point to no tenant table.
    communication_id = models.UUIDField(null=True)
    created_at = models.DateTimeField()


class User(models.Model):
    """A login; may enter several enterprises through an employee in each.

    `password_expires_at` is set while the password is a first one: good for choosing another, and for nothing else.
    """

    login = models.CharField(max_length=100, unique=True)
    name = models.CharField(max_length=200)
    password = models.CharField(max_length=200, default="")
    password_expires_at = models.DateTimeField(null=True)
    is_active = models.BooleanField(default=True)
    locale = models.CharField(max_length=10, default="zh-Hans")
    last_enterprise_id = models.BigIntegerField(null=True)
    created_at = models.DateTimeField()


class Membership(models.Model):
    """That a user may enter an enterprise, as which employee; found before any enterprise is entered."""

    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="memberships")
    enterprise = models.ForeignKey(Enterprise, on_delete=models.PROTECT, related_name="memberships")
    employee_id = models.UUIDField()
    is_active = models.BooleanField(default=True)

    class Meta:
        constraints = (
            UniqueConstraint(name="org_membership_once", fields=["user", "enterprise"]),
            UniqueConstraint(name="org_membership_employee", fields=["enterprise", "employee_id"]),
        )


class Identity(models.Model):
    """That somebody known elsewhere is a user: an account of a WeCom or DingTalk corp, or a verified mobile.

    `corp` is the platform's tenant, empty for a mobile; `subject` the id there, E.164 for a mobile. Two providers with
    the same id are two people (ASVS 6.8.1). `is_own`: bound by the user, not by an administrator or the directory.
    """

    provider = models.CharField(max_length=20)
    corp = models.CharField(max_length=100, default="")
    subject = models.CharField(max_length=200)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="identities")
    name = models.CharField(max_length=200, default="")
    is_own = models.BooleanField(default=False)
    created_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            UniqueConstraint(name="org_identity_once", fields=["provider", "corp", "subject"]),
            UniqueConstraint(name="org_identity_one_each", fields=["user", "provider", "corp"]),
        )


class Session(models.Model):
    """One sign-in of one device. `digest` is the SHA-256 of the token, which only the device has.

    `proven_at` is when its owner last proved who they are; `has_second_factor` that a second factor was part of it.
    """

    digest = models.BinaryField(max_length=32, unique=True)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="sessions")
    enterprise = models.ForeignKey(Enterprise, null=True, on_delete=models.PROTECT)
    created_at = models.DateTimeField()
    used_at = models.DateTimeField()
    address = models.CharField(max_length=60, default="")
    device = models.CharField(max_length=300, default="")
    way = models.CharField(max_length=20, default="password")
    proven_at = models.DateTimeField(null=True)
    has_second_factor = models.BooleanField(default=False)


class HalfSignIn(models.Model):
    """Somebody who proved the first factor and still owes the second; ten minutes, five tries.

    `digest` is the SHA-256 of what the browser keeps meanwhile. It opens nothing.
    """

    digest = models.BinaryField(max_length=32, unique=True)
    user = models.ForeignKey(User, on_delete=models.CASCADE)
    way = models.CharField(max_length=20)
    enterprise = models.ForeignKey(Enterprise, null=True, on_delete=models.CASCADE)
    created_at = models.DateTimeField()
    tries = models.IntegerField(default=0)


class SignInFlow(models.Model):
    """A browser that was sent to a platform and is to come back once, within ten minutes.

    `digest` is the SHA-256 of the state that travels through the platform, `browser` that of the cookie of the browser
    that left. The code that comes back is redeemed with the app of this enterprise's `corp` and no other.
    """

    digest = models.BinaryField(max_length=32, unique=True)
    browser = models.BinaryField(max_length=32)
    way = models.CharField(max_length=20)
    enterprise = models.ForeignKey(Enterprise, on_delete=models.CASCADE)
    corp = models.CharField(max_length=100)
    purpose = models.CharField(max_length=10)
    user = models.ForeignKey(User, null=True, on_delete=models.CASCADE)
    to = models.CharField(max_length=500)
    created_at = models.DateTimeField()

    class Meta:
        constraints = (
            CheckConstraint(
                name="org_signinflow_whose",
                condition=Q(purpose="sign_in", user__isnull=True)
                | Q(purpose__in=["bind", "prove"], user__isnull=False),
            ),
        )


class TextCode(models.Model):
    """The code last sent to a mobile for a purpose, as a keyed digest; five minutes, five tries, once.

    Also kept for a mobile nobody has, so that both cost the same.
    """

    mobile = models.CharField(max_length=20)
    purpose = models.CharField(max_length=10)
    user = models.ForeignKey(User, null=True, on_delete=models.CASCADE)
    digest = models.BinaryField(max_length=32)
    created_at = models.DateTimeField()
    tries = models.IntegerField(default=0)

    class Meta:
        constraints = (UniqueConstraint(name="org_textcode_once", fields=["mobile", "purpose"]),)


class SecondFactor(models.Model):
    """A user's authenticator (RFC 6238): the secret in use, and one that waits to be confirmed; both sealed.

    `last_step` is the latest half minute a code was taken from: none is taken twice.
    """

    user = models.OneToOneField(
        User, primary_key=True, on_delete=models.CASCADE, related_name="second_factor"
    )
    secret = models.BinaryField(max_length=200, null=True)
    pending = models.BinaryField(max_length=200, null=True)
    last_step = models.BigIntegerField(default=0)
    since = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            CheckConstraint(
                name="org_secondfactor_since",
                condition=Q(secret__isnull=True, since__isnull=True)
                | Q(secret__isnull=False, since__isnull=False),
            ),
        )


class RecoveryCode(models.Model):
    """A code for the day the authenticator is lost, as a keyed digest; good once."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="recovery_codes")
    digest = models.BinaryField(max_length=32)
    used_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (UniqueConstraint(name="org_recoverycode_once", fields=["user", "digest"]),)


class AccountEvent(models.Model):
    """What happened to the ways into an account, by whom and from where; kept three years."""

    at = models.DateTimeField()
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="events")
    act = models.CharField(max_length=30)
    detail = models.CharField(max_length=200, default="")
    by_user_id = models.BigIntegerField(null=True)
    address = models.CharField(max_length=60, default="")
    device = models.CharField(max_length=300, default="")

    class Meta:
        indexes = (Index(fields=["user", "-at"], name="org_accountevent_user"),)


class Throttle(models.Model):
    """How often a login or an address has failed lately, and when it may try again; forgotten after a day.

    The row is counted up before the password is looked at, so that many tries at once are slowed like one after another.
    """

    key = models.CharField(max_length=120, unique=True)
    failures = models.IntegerField()
    at = models.DateTimeField()
    next_at = models.DateTimeField()


class Attempt(models.Model):
    """A failed or successful try of any way in, for the record; kept 30 days. `login` is the name that was tried."""

    at = models.DateTimeField()
    login = models.CharField(max_length=100)
    address = models.CharField(max_length=60)
    succeeded = models.BooleanField()
    way = models.CharField(max_length=20, default="password")
    device = models.CharField(max_length=300, default="")
    user_id = models.BigIntegerField(null=True)

    class Meta:
        indexes = (
            Index(fields=["login", "-at"], name="org_attempt_login"),
            Index(fields=["address", "-at"], name="org_attempt_address"),
        )


DEPARTMENT_KINDS = (("office", _("Office")), ("store", _("Store")), ("warehouse", _("Warehouse unit")))


class Department(Master):
    """A part of the enterprise; a tree. Stores are the axis of performance."""

    parent = f.Ref("self", label=_("Belongs to"), required=False)
    kind = f.Choice(label=_("Kind"), choices=DEPARTMENT_KINDS, default="office", initial="office")
    address = f.Text(label=_("Address"), required=False)

    class Meta:
        constraints = (UniqueConstraint(name="org_department_code", fields=["enterprise_id", "code"]),)
        indexes = (Index(fields=["enterprise_id", "parent_id"], name="org_department_parent"),)


class Position(Master):
    """A post people hold in departments."""

    class Meta:
        constraints = (UniqueConstraint(name="org_position_code", fields=["enterprise_id", "code"]),)


EMPLOYEE_KINDS = (("person", _("Person")), ("service", _("Service account")))
JOB_STATES = (("employed", _("Employed")), ("left", _("Left")))


class Employee(Master):
    """Somebody who acts in the enterprise; owns documents. `kind` service: an account no person signs in with."""

    mobile = f.Phone(label=_("Mobile"), required=False)
    department = f.Ref(Department, label=_("Department"), required=False)
    position = f.Ref(Position, label=_("Position"), required=False)
    kind = f.Choice(label=_("Kind"), choices=EMPLOYEE_KINDS, default="person", initial="person")
    job = f.Choice(label=_("Employment"), choices=JOB_STATES, default="employed", initial="employed")
    hired_on = f.Date(label=_("Hired on"), required=False)
    login = f.Text(label=_("Login"), max_length=100, readonly=True)

    class Meta:
        constraints = (UniqueConstraint(name="org_employee_code", fields=["enterprise_id", "code"]),)


class Role(Master):
    """A bundle of verbs, row scopes and field guards; a member's roles are united.

    `offered` is what a preset has given so far: an upgrade adds only what is new, never what somebody took away.
    """

    needs_second_factor = f.Boolean(
        label=_("Second factor required"), hint=_("Whoever holds this role signs in with a code besides.")
    )
    is_preset = f.Boolean(label=_("Preset"), readonly=True)
    offered = models.JSONField(default=list)

    class Meta:
        constraints = (UniqueConstraint(name="org_role_code", fields=["enterprise_id", "code"]),)


class RoleVerb(TenantModel):
    """A role may do `verb` on `code`; `*` on `*` is everything."""

    role = f.Ref(Role, null=False, cascade=True)
    code = models.CharField(max_length=60)
    verb = models.CharField(max_length=40)

    class Meta:
        constraints = (
            UniqueConstraint(name="org_roleverb_once", fields=["enterprise_id", "role_id", "code", "verb"]),
        )


class RoleScope(TenantModel):
    """Whose rows of `code` a role sees; `*` is the default for codes not named."""

    role = f.Ref(Role, null=False, cascade=True)
    code = models.CharField(max_length=60)
    scope = models.CharField(max_length=10)

    class Meta:
        constraints = (
            UniqueConstraint(name="org_rolescope_once", fields=["enterprise_id", "role_id", "code"]),
            CheckConstraint(
                name="org_rolescope_known", condition=Q(scope__in=["own", "department", "tree", "all"])
            ),
        )


class RoleGuard(TenantModel):
    """A role may read, and perhaps write, the fields of a guard."""

    role = f.Ref(Role, null=False, cascade=True)
    guard = models.CharField(max_length=60)
    can_write = models.BooleanField(default=False)

    class Meta:
        constraints = (
            UniqueConstraint(name="org_roleguard_once", fields=["enterprise_id", "role_id", "guard"]),
        )


SMS_PROVIDERS = (("aliyun", _("Aliyun")), ("tencent", _("Tencent Cloud")))


class SmsGateway(TenantModel):
    """An enterprise's own account at an SMS gateway, at most one; `wrapped` is its secret, sealed.

    `variable` names the template's variables in order: the code, and perhaps the minutes it is good for.
    """

    provider = f.Choice(label=_("Gateway"), choices=SMS_PROVIDERS, default="aliyun")
    key = f.Text(label=_("Access key"), max_length=200)
    wrapped = models.BinaryField(max_length=1000, default=b"")
    app_id = f.Text(label=_("SDK app ID"), max_length=200, required=False)
    signature = f.Text(label=_("Signature"), max_length=200)
    template = f.Text(label=_("Template"), max_length=200)
    variable = f.Text(label=_("Variables: code, minutes"), max_length=200, default="code")
    is_active = f.Boolean(label=_("Active"), default=True)

    class Meta:
        constraints = (UniqueConstraint(name="org_smsgateway_one", fields=["enterprise_id"]),)


class EmployeeRole(TenantModel):
    """An employee holds a role."""

    employee = f.Ref(Employee, null=False, cascade=True)
    role = f.Ref(Role, null=False, cascade=True)

    class Meta:
        constraints = (
            UniqueConstraint(
                name="org_employeerole_once", fields=["enterprise_id", "employee_id", "role_id"]
            ),
        )
