"""The graph store, put together."""

from contextlib import AbstractContextManager
from pathlib import Path

from ringfence.domain.leases import Lease
from ringfence.domain.progress import Progress, Silent
from ringfence.store.archive import write_archive
from ringfence.store.history import StoredHistory
from ringfence.store.leads import Leads
from ringfence.store.neo4j.address import Address
from ringfence.store.neo4j.audit import Neo4jAudit
from ringfence.store.neo4j.database import Database
from ringfence.store.neo4j.leases import Neo4jLeases
from ringfence.store.neo4j.market import Neo4jMarket
from ringfence.store.neo4j.records import Neo4jRecords
from ringfence.store.neo4j.reports import Neo4jReports
from ringfence.store.neo4j.rings import Neo4jRings
from ringfence.store.neo4j.schema import open_schema
from ringfence.store.store import Backup, Health


class Neo4jStore:
    """A store in one database of a Neo4j server."""

    def __init__(self, address: Address, *, create: bool = True, replaces: str | None = None) -> None:
        """Connect, and make an empty database a store if `create`; `replaces` names who replaces a store.

        Raises NotFoundError for an empty database otherwise, InvalidError for a server that is too old or a
        database that is not ours, UnavailableError.
        """
        self._database = Database(address, replaces=replaces)
        try:
            open_schema(self._database, create=create)
        except BaseException:
            self._database.close()
            raise
        self.reads_at_once = False
        self.market = Neo4jMarket(self._database)
        self.reports = Neo4jReports(self._database)
        self.rings = Neo4jRings(self._database)
        self.leads = Leads(self.rings)
        self.records = Neo4jRecords(self._database)
        self.leases = Neo4jLeases(self._database)
        self.audit = Neo4jAudit(self._database)

    def transaction(self, lease: Lease | None = None) -> AbstractContextManager[None]:
        """Write all or nothing; with a lease only while it is held."""
        return self._database.transaction(lease)

    def snapshot(self) -> AbstractContextManager[None]:
        """Read one state of the store."""
        return self._database.snapshot()

    def health(self) -> Health:
        """Say where the store stands; does not wait for a server that does not answer."""
        schema_version, market_version, run, published_at = self._database.all("find_health", patience=0.0)[0]
        return Health(schema_version, market_version, run, published_at)

    def back_up(self, path: Path, progress: Progress | None = None) -> Backup:
        """Copy the store to a new file while it is in use, and verify the copy."""
        return write_archive(StoredHistory(self), path, progress or Silent())

    def close(self) -> None:
        """Let go of everything."""
        self._database.close()
