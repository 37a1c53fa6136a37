"""Loads into the graph: batch by batch in short transactions, seen when the last one is done."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from ringfence.domain.leases import Lease
from ringfence.domain.loads import Load, LoadSource, refuse_other_pseudonyms
from ringfence.domain.progress import Progress
from ringfence.market.tables import MarketTables
from ringfence.store.columnar.batches import CLEARED, PLAN, Batch, LoadBatches, pseudonyms
from ringfence.store.columnar.sources import json_of, load_of_row
from ringfence.store.neo4j.clearing import clear_load
from ringfence.store.neo4j.columns import write_columns
from ringfence.store.neo4j.database import Database
from ringfence.store.neo4j.numbers import Neo4jNumbering

BATCH_ROWS = 10_000
"""Rows a transaction writes."""
_CREATING = {
    "buyers": "create_buyers",
    "merchants": "create_merchants",
    "identifiers": "create_identifiers",
    "uses": "create_uses",
    "claims": "create_claims",
    "orders": "create_orders",
    "changes": "create_changes",
    "reports": "create_reports",
    "buyer_details": "describe_buyers",
    "merchant_details": "describe_merchants",
    "rates": "create_rates",
}
"""The statement that writes the rows of a subject."""


def begin_load(database: Database, source: LoadSource, lease: Lease, now: int) -> tuple[int, int]:
    """Take up the interrupted load of this source, or begin one; give its number and the batches it has."""
    row = database.one("find_unfinished_load")
    taken_up = None
    if row is not None:
        load, digest, plan, written = row
        if (digest, plan) == (source.digest, PLAN):
            taken_up = int(load), int(written)
        else:
            database.write(partial(database.all, "mark_cleared", load=load, plan=CLEARED), lease)
            clear_load(database, load, lease)

    def begin() -> tuple[int, int]:
        _check_pseudonyms(database, source)
        if taken_up is not None:
            return taken_up
        ((load,),) = database.all(
            "begin_load", digest=source.digest, source=json_of(source), begun_at=now, plan=PLAN
        )
        return int(load), 0

    return database.write(begin, lease)


def write_batches(
    database: Database,
    load: int,
    written: int,
    source: LoadSource,
    tables: MarketTables,
    lease: Lease,
    progress: Progress,
) -> Mapping[str, int]:
    """Write what an interrupted load lacks, each batch in a transaction with the note that it is there.

    Gives the last numbers by subject.
    """
    numbered = LoadBatches(Neo4jNumbering(database), load, tables, BATCH_ROWS)
    batches = list(numbered)
    progress.stage("write", sum(batch.size for batch in batches))
    for number, batch in enumerate(batches):
        if number >= written:
            database.write(partial(_write, database, load, number, batch, source.normaliser), lease)
        progress.advance(batch.size)
    progress.done()
    return numbered.last


def finish_load(database: Database, load: int, last: Mapping[str, int], lease: Lease, now: int) -> Load:
    """Make all of a load seen; `last` are its last numbers by subject."""
    values: dict[str, Any] = {"load": load, "now": now, **last}
    (row,) = database.write(partial(database.all, "finish_load", **values), lease)
    return load_of_row(*row)


def rows_of(batch: Batch, normaliser: int) -> tuple[str, dict[str, Any]] | None:
    """Give the statement that writes a batch's rows, and the rows as columns of cells; None without rows.

    A column without any cells is null, which costs nothing to send or to read.
    """
    rows = batch.rows
    if rows is None:
        return None
    cells: dict[str, Any] = {"rows": len(rows)}
    for name, column in rows.to_dict().items():
        cells[name] = column.to_list() if column.null_count() < len(column) else None
    if batch.subject == "identifiers":
        cells["exact"] = [exact.hex() for exact in pseudonyms(rows["exact"].to_numpy())]
        cells["label"], cells["normaliser"] = cells["kind"][0].capitalize(), normaliser
    return _CREATING[batch.subject], cells


def _check_pseudonyms(database: Database, source: LoadSource) -> None:
    """Refuse another key or other rules than those of the complete loads."""
    for row in database.all("list_loads", version=None)[-1:]:
        known = load_of_row(*row).source
        refuse_other_pseudonyms(known.key_id, known.normaliser, source.key_id, source.normaliser)


def _write(database: Database, load: int, number: int, batch: Batch, normaliser: int) -> None:
    """Write a batch, if it is not there already."""
    if not database.all("note_batch", load=load, number=number):
        return
    if (rows := rows_of(batch, normaliser)) is not None:
        statement, cells = rows
        database.all(statement, load=load, **cells)
    for name, columns in batch.columns().items():
        write_columns(database, load, name, batch.number, columns)
