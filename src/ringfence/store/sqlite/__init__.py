"""The embedded store: one SQLite file, no server."""

from ringfence.store.sqlite.backup import restore
from ringfence.store.sqlite.store import SqliteStore

__all__ = ["SqliteStore", "restore"]
