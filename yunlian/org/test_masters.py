from yunlian.kernel.testing import DocumentSuite


class TestDepartment(DocumentSuite):
    code = "org.department"


class TestEmployee(DocumentSuite):
    code = "org.employee"


class TestPosition(DocumentSuite):
    code = "org.position"


class TestRole(DocumentSuite):
    code = "org.role"
