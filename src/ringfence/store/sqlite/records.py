"""Records in SQLite."""

from ringfence.store.sqlite.database import Database


class SqliteRecords:
    """The port of records."""

    def __init__(self, database: Database) -> None:
        self._database = database
