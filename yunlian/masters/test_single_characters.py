"""Masters that were there before single characters were tokens are found by them too."""

from importlib import import_module
from types import SimpleNamespace

from django.db import connection
from django.utils import timezone

from yunlian.kernel.identity import new_id
from yunlian.kernel.models import Token
from yunlian.kernel.scope import Context, tenant
from yunlian.kernel.search import find_records
from yunlian.kernel.testing import make
from yunlian.org.models import Enterprise

migration = import_module("yunlian.masters.migrations.0004_single_characters")


def test_stored_masters_get_the_tokens_of_their_characters(ctx: Context) -> None:
    Enterprise.objects.create(
        id=ctx.enterprise_id, code="OLD", name="旧", chain_id=new_id(), created_at=timezone.now()
    )
    made = {
        "王": make("masters.partner", ctx, code="K1", name="王一诺", is_customer=True).pk,
        "床": make("masters.product", ctx, code="P1", name="云栖床", specification="大").pk,
        "件": make("masters.unit", ctx, code="PC", name="件").pk,
    }
    whole = set(Token.objects.values_list("code", "record", "token"))
    singles = {row for row in whole if len(row[2]) == 1}
    assert {token for _code, _record, token in singles} >= {"王", "一", "诺", "床", "件"}
    # A single character beside names was no token before, and is not found in them now.
    lost = {row for row in singles if row[2] == "大"}
    for _again in range(2):
        Token.objects.filter(token__regex=r"^.$").delete()
        for _repeated in range(2):
            migration.add(None, SimpleNamespace(connection=connection))
        with tenant(ctx.enterprise_id):
            assert set(Token.objects.values_list("code", "record", "token")) == whole - lost
            assert Token.objects.count() == len(whole - lost), "nothing twice"
    for character, code in (("王", "masters.partner"), ("床", "masters.product"), ("件", "masters.unit")):
        assert find_records(ctx, code, character, 10) == [made[character]]
