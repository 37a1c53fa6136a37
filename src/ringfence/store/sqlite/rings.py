"""Rings in SQLite."""

from ringfence.store.sqlite.database import Database


class SqliteRings:
    """The port of rings."""

    def __init__(self, database: Database) -> None:
        self._database = database
