"""Pace is not worth writing ahead: a crash that forgets it costs a tenth of a limit."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("directory", "0001_initial")]
    operations = [
        migrations.RunSQL(
            "ALTER TABLE directory_pacerow SET UNLOGGED", "ALTER TABLE directory_pacerow SET LOGGED"
        )
    ]
