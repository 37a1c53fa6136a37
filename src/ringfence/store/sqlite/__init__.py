"""The embedded store: one SQLite file, no server."""

from ringfence.store.sqlite.backup import read_backup, restore
from ringfence.store.sqlite.replacing import replaced_store
from ringfence.store.sqlite.store import SqliteStore

__all__ = ["SqliteStore", "read_backup", "replaced_store", "restore"]
