"""Where an embedded store stands."""

from ringfence.store.sqlite.database import Database
from ringfence.store.sqlite.market import SqliteMarket
from ringfence.store.sqlite.rings import SqliteRings
from ringfence.store.store import Health


def health_of(database: Database) -> Health:
    """Say where the store stands; raises UnavailableError if it does not answer."""
    with database.snapshot():
        run = SqliteRings(database).run()
        return Health(
            schema_version=database.version(),
            market_version=SqliteMarket(database).version(),
            last_run_id=run.run_id if run else None,
            last_published_at=run.ended_at if run else None,
        )
