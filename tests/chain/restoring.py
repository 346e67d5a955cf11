"""Bring one enterprise back from a backup, in a real database: every row it has, in every table, as it was."""

from psycopg import Connection, sql


class Backup:
    """The rows of one enterprise at one moment, as a dump would hold them."""

    def __init__(self, admin: Connection, enterprise_id: int) -> None:
        """Take it over a superuser's connection, which is closed with it."""
        self.enterprise_id, self._admin = enterprise_id, admin
        self._kept = {table: self._read(table) for table in self._tables()}

    def _tables(self) -> list[str]:
        rows = self._admin.execute(
            "SELECT t.relname FROM pg_attribute a JOIN pg_class t ON t.oid = a.attrelid "
            "WHERE a.attname = 'enterprise_id' AND NOT a.attisdropped AND t.relkind = 'r' "
            "AND t.relnamespace = 'public'::regnamespace AND t.relrowsecurity ORDER BY 1"
        )
        return [row[0] for row in rows]

    def _columns(self, table: str) -> sql.Composable:
        rows = self._admin.execute(
            "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped "
            "AND attgenerated = '' ORDER BY attnum",
            [table],
        )
        return sql.SQL(", ").join(sql.Identifier(row[0]) for row in rows)

    def _read(self, table: str) -> bytes:
        query = sql.SQL("COPY (SELECT {} FROM {} WHERE enterprise_id = {}) TO STDOUT").format(
            self._columns(table), sql.Identifier(table), sql.Literal(self.enterprise_id)
        )
        with self._admin.cursor().copy(query) as copy:
            return b"".join(bytes(part) for part in copy)

    def bring_back(self) -> None:
        """Put every row back as it was; what was written since is gone."""
        with self._admin.transaction():
            self._admin.execute("SET LOCAL session_replication_role = replica")
            for table, rows in self._kept.items():
                self._admin.execute(
                    sql.SQL("DELETE FROM {} WHERE enterprise_id = {}").format(
                        sql.Identifier(table), sql.Literal(self.enterprise_id)
                    )
                )
                self._write(table, rows)

    def _write(self, table: str, rows: bytes) -> None:
        query = sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(table), self._columns(table))
        with self._admin.cursor().copy(query) as copy:
            copy.write(rows)

    def close(self) -> None:
        self._admin.close()
