"""Each Chinese character of a master is a token of its own, so that a surname finds: those stored already get theirs.

Made from the tokens that are there, which hold every character of every text of two or more, and from names of a single
one. One transaction for each enterprise; run again after a break it goes on where it stopped, and adds nothing twice.
"""

from typing import Any

from django.db import migrations, transaction
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

# 〇, and the ideographs: `kernel.phonetic` as it was when this was written.
CHINESE = "(ascii(c) = 12295 OR ascii(c) BETWEEN 13312 AND 40959 OR ascii(c) BETWEEN 131072 AND 205743)"
ADD = """
INSERT INTO kernel_token (enterprise_id, id, code, record, token)
SELECT %(enterprise)s, gen_random_uuid(), x.code, x.record, x.c FROM ({found}) x
WHERE NOT EXISTS (SELECT FROM kernel_token k WHERE k.enterprise_id = %(enterprise)s
    AND k.code = x.code AND k.token = x.c AND k.record = x.record)
"""
FROM_TOKENS = f"""
SELECT DISTINCT k.code, k.record, c FROM kernel_token k, regexp_split_to_table(k.token, '') c
WHERE k.enterprise_id = %(enterprise)s AND {CHINESE}
"""
FROM_NAMES = f"""
SELECT (SELECT k.code FROM kernel_token k JOIN "{{table}}" o ON o.enterprise_id = k.enterprise_id AND o.id = k.record
    WHERE k.enterprise_id = %(enterprise)s LIMIT 1) AS code, t.id AS record, t.name AS c
FROM "{{table}}" t, LATERAL (SELECT t.name AS c) n
WHERE t.enterprise_id = %(enterprise)s AND char_length(t.name) = 1 AND {CHINESE}
"""
MASTERS = """
SELECT table_name FROM information_schema.columns
WHERE table_schema = current_schema() AND column_name = 'initials' ORDER BY 1
"""


def add(_apps: Any, editor: BaseDatabaseSchemaEditor) -> None:
    """Add the tokens that are missing."""
    with editor.connection.cursor() as cursor:
        cursor.execute("SELECT id FROM org_enterprise ORDER BY id")
        enterprises = [row[0] for row in cursor.fetchall()]
        cursor.execute(MASTERS)
        tables = [row[0] for row in cursor.fetchall()]
    for enterprise in enterprises:
        with transaction.atomic(editor.connection.alias), editor.connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL app.enterprise_id = '{int(enterprise)}'")
            cursor.execute("SET LOCAL statement_timeout = 0")
            cursor.execute(ADD.format(found=FROM_TOKENS), {"enterprise": enterprise})
            for table in tables:
                named = ADD.format(found=FROM_NAMES.format(table=table)) + " AND x.code IS NOT NULL"
                cursor.execute(named, {"enterprise": enterprise})


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("masters", "0003_responsible"), ("kernel", "0002_due"), ("org", "0002_ways_in")]
    operations = [migrations.RunPython(add, migrations.RunPython.noop)]
