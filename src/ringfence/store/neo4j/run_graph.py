"""The rings of a run in the graph, tied to the buyers and networks they are about.

`(:Buyer)-[:MEMBER_OF]->(:Ring)-[:FOUND_BY]->(:Run)`, `(:Ring)-[:PART_OF]->(:Network)` and
`(:Ring)-[:CAME_FROM]->(:Ring)`, each stamped with its run.
"""

from collections.abc import Iterator, Mapping
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
import polars as pl
from polars import selectors

from ringfence.domain.leases import Lease
from ringfence.domain.progress import Progress
from ringfence.domain.rings import LineageEvent
from ringfence.store.columnar.run_layout import Laid, batches_inside
from ringfence.store.neo4j.database import Database

_ROWS_A_TRANSACTION = 1_000
"""Larger ones are no faster, and readers wait for the server's memory and processors meanwhile."""
_NUMBERS = pl.List(pl.Int64)


class RunGraph:
    """What the graph has of runs, whatever state their run is in.

    `FOUND_BY` is what reads of rings rest on: it holds the members too, so that those are told whose buyers
    no load brought. The other relationships are there for people who look at the graph.
    """

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
        """Write the rings and the lineage of a run from its complete tables."""
        written: list[tuple[str, pl.DataFrame]] = []
        if "rings" in tables:
            written.append(("save_rings", _rings(tables, laid)))
        if "lineage" in tables:
            written.append(("save_lineage", tables["lineage"].with_row_index("place")))
        self._write(run_id, written, lease, progress)

    def begin_lives(self, run_id: int, lease: Lease) -> None:
        """Let the new rings of a run be born in it."""
        self._exhaust("begin_lives", lease, run=run_id)

    def take_lives_back(self, run_id: int, lease: Lease) -> None:
        """Let no ring be born in a run."""
        self._exhaust("take_lives_back", lease, run=run_id)

    def clear(self, run_id: int, lease: Lease, *, but_lives: bool) -> None:
        """Take away what was written of a run; `but_lives` leaves what changed rings' lives."""
        self._exhaust("clear_members", lease, run=run_id)
        self._exhaust("clear_networks", lease, run=run_id)
        self._exhaust("clear_lineage", lease, run=run_id, but_lives=but_lives)
        self._exhaust("clear_findings", lease, run=run_id)

    def _write(
        self, run_id: int, written: list[tuple[str, pl.DataFrame]], lease: Lease, progress: Progress
    ) -> None:
        progress.stage("tying rings", sum(frame.height for _, frame in written))
        for statement, frame in written:
            for piece in pieces(frame):
                save = partial(self._database.all, statement, run=run_id, rows=piece)
                self._database.write(save, lease)
                progress.advance(len(piece))

    def _exhaust(self, statement: str, lease: Lease, **values: Any) -> None:
        """Let a statement change some rows a transaction, until there are none."""
        change = partial(self._database.all, statement, rows=_ROWS_A_TRANSACTION, **values)
        while self._database.write(change, lease)[0][0] == _ROWS_A_TRANSACTION:
            pass


def _rings(tables: Mapping[str, pl.DataFrame], laid: Mapping[str, Laid]) -> pl.DataFrame:
    """Give what `save_rings` asks for, a row a ring: ring_id, place, the table's other columns, the ring it
    was split from, then lists: ids, scores and reasons of members, batches of evidence, batches of links."""
    rings = tables["rings"].with_row_index("place").with_columns(selectors.temporal().cast(pl.Int64))
    members = (
        tables["members"]
        .group_by("ring_id", maintain_order=True)
        .agg("buyer_id", scores="score", reasons="why")
    )
    evidence = laid["evidence"].keys.select(ring_id="key", evidence="batches")
    if "links" in laid:
        links = batches_inside(laid["links"], tables["members"])
    else:
        links = pl.DataFrame(schema={"ring_id": pl.String, "batches": _NUMBERS})
    if "lineage" in tables:
        splits = tables["lineage"].filter(pl.col("event") == LineageEvent.SPLIT.value)
        origins = splits.select("ring_id", origin="previous_ring_id").unique("ring_id", keep="first")
    else:
        origins = pl.DataFrame(schema={"ring_id": pl.String, "origin": pl.String})
    rows = rings.select("ring_id", "place", pl.exclude("ring_id", "place"))
    for lists in (origins, members, evidence, links):
        rows = rows.join(lists, on="ring_id", how="left", maintain_order="left")
    return rows.with_columns(selectors.by_dtype(pl.List).fill_null([]))


def pieces(frame: pl.DataFrame) -> Iterator[list[list[Any]]]:
    """Cut rows, with what the first of their lists holds, into pieces that fit into a transaction."""
    lists = frame.select(selectors.by_dtype(pl.List))
    listed = lists.to_series().list.len().to_numpy() if lists.width else 0
    group = np.cumsum(np.ones(frame.height, np.int64) + listed) // _ROWS_A_TRANSACTION
    begins = [0, *(np.flatnonzero(np.diff(group)) + 1).tolist(), frame.height]
    for begin, end in pairwise(begins):
        if begin < end:
            yield [list(row) for row in frame[begin:end].iter_rows()]
