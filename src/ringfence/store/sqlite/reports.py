"""Reports in SQLite."""

from ringfence.store.sqlite.database import Database


class SqliteReports:
    """The port of reports."""

    def __init__(self, database: Database) -> None:
        self._database = database
