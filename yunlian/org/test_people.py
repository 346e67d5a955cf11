import pytest

from yunlian.kernel.scope import tenant
from yunlian.kernel.testing import NOW

from .context import context_for
from .people import found_enterprise

pytestmark = pytest.mark.django_db


def test_an_enterprise_starts_with_an_administrator():
    founded = found_enterprise("acme", "云上家居", "Boss", "correct horse", now=NOW)
    with tenant(founded.enterprise_id):
        ctx = context_for(founded.enterprise_id, founded.admin_id, NOW)
    assert ctx.grants.verbs == {"*"}
    assert ctx.tree == (founded.department_id,)
