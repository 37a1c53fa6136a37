"""What an interrupted load wrote, cleared away in short transactions."""

import polars as pl

from ringfence.domain.leases import Lease
from ringfence.store.columnar.columns import frame_of
from ringfence.store.sqlite.database import Database
from ringfence.store.sqlite.numbers import SqliteNumbering

_ROWS = 50_000
_BLOBS = 8
_BY_LOAD = (
    "DELETE FROM claim_changes WHERE (claim, load) IN"
    " (SELECT claim, load FROM claim_changes WHERE load = ? LIMIT ?)",
    "DELETE FROM buyer_details WHERE (buyer, load) IN"
    " (SELECT buyer, load FROM buyer_details WHERE load = ? LIMIT ?)",
    "DELETE FROM merchant_details WHERE (merchant, load) IN"
    " (SELECT merchant, load FROM merchant_details WHERE load = ? LIMIT ?)",
    "DELETE FROM rates WHERE (currency, date, load) IN"
    " (SELECT currency, date, load FROM rates WHERE load = ? LIMIT ?)",
)
_BY_NUMBER = {
    "reports": "DELETE FROM reports WHERE report IN (SELECT report FROM reports WHERE report > ? LIMIT ?)",
    "orders": 'DELETE FROM orders WHERE "order" IN (SELECT "order" FROM orders WHERE "order" > ? LIMIT ?)',
    "claims": "DELETE FROM claims WHERE claim IN (SELECT claim FROM claims WHERE claim > ? LIMIT ?)",
    "identifiers": "DELETE FROM identifiers WHERE value IN"
    " (SELECT value FROM identifiers WHERE value > ? LIMIT ?)",
    "merchants": "DELETE FROM merchants WHERE merchant IN"
    " (SELECT merchant FROM merchants WHERE merchant > ? LIMIT ?)",
    "buyers": "DELETE FROM buyers WHERE buyer IN (SELECT buyer FROM buyers WHERE buyer > ? LIMIT ?)",
}


def clear_load(database: Database, load: int, lease: Lease) -> None:
    """Clear away all rows of a load that is the last one and unseen; the entry itself stays.

    Numbers only grow, so that its numbered rows are those after the last of the loads before; its uses are
    found by the columns kept of them, since nothing else leads from a load to them.
    """
    for statement in _BY_LOAD:
        _repeat(database, statement, load, lease)
    for number, columns in database.all(
        "SELECT batch, columns FROM batches WHERE load = ? AND subject = 'uses'", (load,)
    ):
        uses = frame_of(columns).select("buyer", "value", pl.lit(load)).rows()
        with database.transaction(lease):
            database.run_many("DELETE FROM uses WHERE buyer = ? AND value = ? AND load = ?", uses)
            database.run(
                "DELETE FROM batches WHERE load = ? AND subject = 'uses' AND batch = ?", (load, number)
            )
    numbering = SqliteNumbering(database)
    for table, statement in _BY_NUMBER.items():
        _repeat(database, statement, numbering.last(table, load), lease)
    while True:
        with database.transaction(lease):
            cleared = database.run(
                "DELETE FROM batches WHERE (load, subject, batch) IN"
                " (SELECT load, subject, batch FROM batches WHERE load = ? LIMIT ?)",
                (load, _BLOBS),
            )
        if not cleared:
            return


def _repeat(database: Database, statement: str, value: int, lease: Lease) -> None:
    while True:
        with database.transaction(lease):
            cleared = database.run(statement, (value, _ROWS))
        if not cleared:
            return
