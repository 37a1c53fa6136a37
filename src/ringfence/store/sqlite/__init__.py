"""The embedded store: one SQLite file, no server."""

from ringfence.store.sqlite.backup import read_backup, refuse_existing, restore
from ringfence.store.sqlite.store import SqliteStore

__all__ = ["SqliteStore", "read_backup", "refuse_existing", "restore"]
