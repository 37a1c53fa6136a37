"""Market in SQLite."""

from ringfence.store.sqlite.database import Database


class SqliteMarket:
    """The port of market."""

    def __init__(self, database: Database) -> None:
        self._database = database
