"""Loads into the embedded store: batch by batch in short transactions, seen when the last one is done."""

import polars as pl

from ringfence.domain.leases import Lease
from ringfence.domain.loads import LoadSource, refuse_other_pseudonyms
from ringfence.domain.progress import Progress
from ringfence.market.tables import SCHEMAS, MarketTables
from ringfence.store.columnar.batches import CLEARED, PLAN, Batch, LoadBatches, pseudonyms
from ringfence.store.columnar.sources import json_of
from ringfence.store.sqlite.clearing import clear_load
from ringfence.store.sqlite.columns import write_columns
from ringfence.store.sqlite.database import Database
from ringfence.store.sqlite.numbers import SqliteNumbering

BATCH_ROWS = 50_000
"""Rows a transaction writes."""


def begin_load(database: Database, source: LoadSource, lease: Lease, now: int) -> tuple[int, int]:
    """Take up the interrupted load of this source, or begin one; give its number and the batches it has."""
    row = database.one("SELECT load, digest, plan, written FROM loads WHERE finished_at IS NULL")
    if row is not None and (row[1] != source.digest or row[2] != PLAN):
        with database.transaction(lease):
            database.run("UPDATE loads SET plan = ?, written = 0 WHERE load = ?", (CLEARED, row[0]))
        clear_load(database, row[0], lease)
    with database.transaction(lease):
        _check_pseudonyms(database, source)
        if row is not None and row[1] == source.digest and row[2] == PLAN:
            return int(row[0]), int(row[3])
        told = (source.digest, json_of(source), now, PLAN)
        if row is not None:
            database.run(
                "UPDATE loads SET digest = ?, source = ?, begun_at = ?, plan = ?, written = 0 WHERE load = ?",
                (*told, row[0]),
            )
            return int(row[0]), 0
        last = database.one("SELECT max(load) FROM loads")
        load = int(last[0] or 0) + 1 if last else 1
        database.run(
            "INSERT INTO loads (digest, source, begun_at, plan, load, written) VALUES (?, ?, ?, ?, ?, 0)",
            (*told, load),
        )
        return load, 0


def write_batches(
    database: Database,
    load: int,
    written: int,
    source: LoadSource,
    tables: MarketTables,
    lease: Lease,
    progress: Progress,
) -> None:
    """Write what an interrupted load lacks, each batch in a transaction with the note that it is there."""
    batches = list(LoadBatches(SqliteNumbering(database), load, tables, BATCH_ROWS))
    write = _Writing(database, load, source.normaliser).write
    progress.stage("write", sum(batch.size for batch in batches))
    for number, batch in enumerate(batches):
        if number >= written:
            with database.transaction(lease):
                write(batch)
                database.run("UPDATE loads SET written = ? WHERE load = ?", (number + 1, load))
        progress.advance(batch.size)
    progress.done()


def _check_pseudonyms(database: Database, source: LoadSource) -> None:
    """Refuse another key or other rules than those of the complete loads; the first load sets them."""
    about = dict(database.all("SELECT name, value FROM about WHERE name IN ('key_id', 'normaliser')"))
    if database.one("SELECT 1 FROM loads WHERE finished_at IS NOT NULL") is not None:
        refuse_other_pseudonyms(about["key_id"], int(about["normaliser"]), source.key_id, source.normaliser)
    for name, value in (("key_id", source.key_id), ("normaliser", str(source.normaliser))):
        database.run("INSERT OR REPLACE INTO about (name, value) VALUES (?, ?)", (name, value))


class _Writing:
    """Writes the batches of one load."""

    def __init__(self, database: Database, load: int, normaliser: int) -> None:
        self._database, self._load, self._normaliser = database, load, normaliser

    def write(self, batch: Batch) -> None:
        """Write the rows of a batch, and its columns."""
        rows = batch.rows
        if batch.subject == "identifiers" and rows is not None:
            exact = pseudonyms(rows["exact"].to_numpy())
            made = rows.with_columns(pl.Series("exact", exact), normaliser=self._normaliser)
            self._insert("identifiers", made)
        elif batch.subject == "changes" and rows is not None:
            self._change(rows)
        elif rows is not None:
            self._insert(batch.subject, rows)
        for name, columns in batch.columns().items():
            write_columns(self._database, self._load, name, batch.number, columns)

    def _insert(self, table: str, rows: pl.DataFrame) -> None:
        """Insert rows that have the table's columns but for the load."""
        names = ", ".join(f'"{name}"' for name in rows.columns)
        marks = ", ".join("?" * len(rows.columns))
        # A report may have been filed by call since the load was held against what is known.
        settled = " ON CONFLICT (report_id, merchant) DO NOTHING" if table == "reports" else ""
        self._database.run_many(
            f"INSERT INTO {table} ({names}, load) VALUES ({marks}, ?){settled}",
            rows.with_columns(pl.lit(self._load)).rows(),
        )

    def _change(self, rows: pl.DataFrame) -> None:
        names = [name for name in SCHEMAS["changes"] if name != "claim_id"]
        marks = ", ".join("?" * len(names))
        self._database.run_many(
            f"INSERT INTO claim_changes (claim, load, {', '.join(names)})"
            f" SELECT claim, ?, {marks} FROM claims WHERE claim_id = ?",
            rows.select(pl.lit(self._load), *names, "claim_id").rows(),
        )
