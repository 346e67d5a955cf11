"""Departments, positions, employees and roles as master data, and what follows when they change."""

from yunlian.kernel import events
from yunlian.kernel.document import Document, Section, declare
from yunlian.kernel.text import _

from . import access, departments
from .models import Department, Employee, Position, Role

DEPARTMENT = declare(
    Document(
        code="org.department",
        label=_("Department"),
        header=Department,
        columns="code name parent kind is_active",
        find="code name",
        sort="code",
        facts=departments.read_ancestors,
        check=departments.check,
        form=(Section(_("Department"), "code name parent kind address is_active note"),),
    )
)
POSITION = declare(
    Document(
        code="org.position",
        label=_("Position"),
        header=Position,
        columns="code name is_active",
        find="code name",
        sort="code",
        form=(Section(_("Position"), "code name is_active note"),),
    )
)
EMPLOYEE = declare(
    Document(
        code="org.employee",
        label=_("Employee"),
        header=Employee,
        columns="code name mobile department position job login",
        find="code name mobile",
        sort="code",
        form=(
            Section(
                _("Employee"), "code name mobile department position kind job hired_on login is_active note"
            ),
        ),
        verbs=("view", "edit", "delete", "export", "import", "access"),
    )
)
ROLE = declare(
    Document(
        code="org.role",
        label=_("Role"),
        header=Role,
        columns="code name needs_second_factor is_preset is_active",
        find="code name",
        sort="code",
        form=(Section(_("Role"), "code name needs_second_factor is_active note"),),
        is_sensitive=True,
    )
)

events.on_all("org.employee", "saved", access.follow_employees)
events.on("org.employee", "deleted", access.follow_employee_deleted)
events.on("org.role", "saved", access.follow_role)
events.on("org.role", "deleted", access.follow_role_deleted)
