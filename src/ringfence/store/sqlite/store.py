"""The embedded store, put together."""

from contextlib import AbstractContextManager
from pathlib import Path

from ringfence.domain.leases import Lease
from ringfence.domain.progress import Progress
from ringfence.store.leads import Leads
from ringfence.store.sqlite.audit import SqliteAudit
from ringfence.store.sqlite.backup import back_up, refuse_folder
from ringfence.store.sqlite.database import Database
from ringfence.store.sqlite.health import health_of
from ringfence.store.sqlite.leases import SqliteLeases
from ringfence.store.sqlite.market import SqliteMarket
from ringfence.store.sqlite.records import SqliteRecords
from ringfence.store.sqlite.reports import SqliteReports
from ringfence.store.sqlite.rings import SqliteRings
from ringfence.store.store import Backup, Health


class SqliteStore:
    """A store in one file, with its write-ahead log beside it."""

    def __init__(self, path: Path, *, create: bool = True) -> None:
        """Open the file at `path`, making it if `create`.

        Raises NotFoundError where there is none, InvalidError for a folder, a file of another kind or of a
        newer version, UnavailableError where it is damaged or out of reach.
        """
        refuse_folder(path)
        self._database = Database(path, create=create)
        self.reads_at_once = True
        self.market = SqliteMarket(self._database)
        self.rings = SqliteRings(self._database)
        self.leads = Leads(self.rings)
        self.reports = SqliteReports(self._database)
        self.records = SqliteRecords(self._database)
        self.leases = SqliteLeases(self._database)
        self.audit = SqliteAudit(self._database)

    def transaction(self, lease: Lease | None = None) -> AbstractContextManager[None]:
        """Write all or nothing; with a lease only while it is held."""
        return self._database.transaction(lease)

    def snapshot(self) -> AbstractContextManager[None]:
        """Read one state of the store."""
        return self._database.snapshot()

    def health(self) -> Health:
        """Say where the store stands."""
        return health_of(self._database)

    def back_up(self, path: Path, progress: Progress | None = None) -> Backup:
        """Copy the store to a new file while it is in use, and verify the copy."""
        return back_up(self._database, path)

    def close(self) -> None:
        """Let go of everything."""
        self._database.close()
