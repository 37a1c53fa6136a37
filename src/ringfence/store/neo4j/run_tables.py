"""The tables of a run in Neo4j: `(:RunBatch {run, table, number, first, columns})`, given back as written."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import polars as pl

from ringfence.domain.leases import Lease
from ringfence.domain.progress import Progress
from ringfence.market.results import SCHEMAS, brought_forward
from ringfence.store.columnar import run_layout
from ringfence.store.columnar.columns import joined
from ringfence.store.columnar.run_layout import (
    LONG,
    ROWS_A_BATCH,
    Laid,
    as_written,
    batch_of,
    rows_of,
)
from ringfence.store.neo4j.database import Database

_ROWS_A_BATCH = {
    **ROWS_A_BATCH,
    "rings": 20_000,
    "why": 4_096,
    "members": 4_096,
    "lineage": 20_000,
    "homes": 4_096,
    "targets": 1_024,
}
"""By what is kept: the tables of a run, why its rings are rings (apart, since lists of rings do without), the
rings and the batches of links of each buyer, the rings that hit each merchant."""
_FOUND_BY_FIRST = {
    "buyers": "buyer_id",
    "risks": "buyer_id",
    "homes": "buyer_id",
    "targets": "merchant_id",
}
"""What is in the order of its keys, so that a key leads to one batch."""
_BATCHES_A_TRANSACTION = 16
_BATCHES_CLEARED_AT_ONCE = 64


@dataclass(frozen=True, eq=False)
class RunRows:
    """Rows of the run that is meant."""

    run_id: int
    published: int
    """The run that was published then."""
    rows: pl.DataFrame


class RunTables:
    """The batches of runs, whatever state their run is in."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def write(
        self,
        run_id: int,
        tables: Mapping[str, pl.DataFrame],
        laid: Mapping[str, Laid],
        lease: Lease,
        progress: Progress,
    ) -> None:
        """Write complete tables, some batches a transaction; `laid` are the LONG ones among them."""
        batches: list[list[Any]] = []
        height = 0
        for name, number, piece in _batches(tables, laid):
            batches.append([name, number, _first(name, piece), batch_of(name, piece)])
            height += piece.height if name in tables else 0
            if len(batches) == _BATCHES_A_TRANSACTION:
                self._save(run_id, batches, lease)
                progress.advance(height)
                batches, height = [], 0
        self._save(run_id, batches, lease)
        progress.advance(height)

    def read(self, run_id: int, table: str) -> pl.DataFrame:
        """Give a table as it was written, row for row."""
        if table in LONG:
            return as_written(table, rows_of(table, self._all(run_id, table)))
        found = joined(self._all(run_id, table))
        if table == "rings" and found is not None:
            why = joined(self._all(run_id, "why"))
            found = found if why is None else found.hstack(why)
        if found is None:
            return pl.DataFrame(schema=SCHEMAS[table])
        return brought_forward(table, found).select(list(SCHEMAS[table]))

    def rows_in(self, run_id: int, table: str, numbers: Iterable[int]) -> pl.DataFrame:
        """Give the rows of some batches of one of the LONG tables."""
        asked = sorted(set(numbers))
        found = self._database.all("read_run_batches", run=run_id, table=table, numbers=asked, bulk=True)
        return rows_of(table, [columns for (columns,) in found])

    def all_of(self, table: str, run_id: int | None) -> RunRows | None:
        """Give all rows of a table that is kept as it was written; None where the run may not be read."""
        return self._meant("find_run_table", table, run_id)

    def find(self, table: str, key: str, run_id: int | None, published: int | None = None) -> RunRows | None:
        """Give the rows of a key in a table kept in the order of its keys; None where there can be none.

        `published` is the run that was published when the one that is meant was looked up.
        """
        return self.find_all(table, (key,), run_id, published)

    def find_all(
        self, table: str, keys: Sequence[str], run_id: int | None, published: int | None = None
    ) -> RunRows | None:
        """Give the rows of all these keys, as `find` does."""
        asked = list(dict.fromkeys(keys))
        found = self.batches_of(table, asked, run_id, published)
        if found is None:
            return None
        return replace(found, rows=found.rows.filter(pl.col(_FOUND_BY_FIRST[table]).is_in(asked)))

    def batches_of(
        self, table: str, keys: Sequence[str], run_id: int | None, published: int | None = None
    ) -> RunRows | None:
        """Give the batches that these keys are in, if they are there: their rows, and others beside them."""
        return self._meant("find_run_batches", table, run_id, published, keys=keys)

    def clear(self, run_id: int, lease: Lease) -> None:
        """Take the batches of a run away, some a transaction."""
        clear = partial(self._database.all, "clear_run_batches", run=run_id, rows=_BATCHES_CLEARED_AT_ONCE)
        while self._database.write(clear, lease)[0][0]:
            pass

    def _save(self, run_id: int, batches: list[list[Any]], lease: Lease) -> None:
        self._database.write(partial(self._database.all, "save_run_batches", run=run_id, rows=batches), lease)

    def _all(self, run_id: int, table: str) -> list[bytes]:
        found = self._database.all("read_run_table", run=run_id, table=table, bulk=True)
        return [columns for (columns,) in found]

    def _meant(
        self, statement: str, table: str, run_id: int | None, published: int | None = None, **values: Any
    ) -> RunRows | None:
        pinned = self._database.pins.run if published is None else published
        found = self._database.all(statement, run=run_id, pinned=pinned, table=table, bulk=True, **values)
        rows = joined(columns for *_, columns in found)
        return None if rows is None else RunRows(found[0][1], found[0][0], brought_forward(table, rows))


def lay_out(tables: Mapping[str, pl.DataFrame]) -> dict[str, Laid]:
    """Lay out those of the LONG tables that there are."""
    return {table: run_layout.lay_out(table, tables) for table in LONG if table in tables}


def _batches(
    tables: Mapping[str, pl.DataFrame], laid: Mapping[str, Laid]
) -> Iterator[tuple[str, int, pl.DataFrame]]:
    """Cut what is kept into batches: name, number, rows."""
    for name, rows in _kept(tables, laid):
        size = _ROWS_A_BATCH[name]
        # One batch of an empty table too: that it was written is to be seen from it.
        for number, begin in enumerate(range(0, max(1, rows.height), size)):
            yield name, number, rows[begin : begin + size]


def _kept(tables: Mapping[str, pl.DataFrame], laid: Mapping[str, Laid]) -> Iterator[tuple[str, pl.DataFrame]]:
    """Give what is kept, by name."""
    for table, frame in tables.items():
        if table in laid:
            yield table, laid[table].rows
        elif table == "rings":
            yield "rings", frame.drop("why")
            yield "why", frame.select("why")
        else:
            yield table, frame
    if "members" in tables:
        yield "homes", _homes(tables["members"], laid.get("links"))
    if "evidence" in tables:
        yield "targets", run_layout.targets(tables["evidence"])


def _homes(members: pl.DataFrame, links: Laid | None) -> pl.DataFrame:
    """Tell of each buyer the rings and where their links are: buyer_id, ring_ids, batches, by buyer_id."""
    homes = members.group_by("buyer_id").agg(ring_ids=pl.col("ring_id"))
    if links is None:
        return homes.with_columns(batches=pl.lit([], pl.List(pl.Int64))).sort("buyer_id")
    keys = links.keys.select(buyer_id="key", batches=pl.col("batches").cast(pl.List(pl.Int64)))
    return homes.join(keys, on="buyer_id", how="full", coalesce=True).sort("buyer_id")


def _first(name: str, batch: pl.DataFrame) -> str | None:
    if name not in _FOUND_BY_FIRST or batch.is_empty():
        return None
    return str(batch[_FOUND_BY_FIRST[name]][0])
