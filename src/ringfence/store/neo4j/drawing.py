"""Targets and links in the graph, for people who look at it: `(:Ring)-[:HIT {claims}]->(:Merchant)` and
`(:Buyer)-[:LINKED {score, why}]->(:Buyer)`."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import polars as pl

from ringfence.domain.leases import Lease
from ringfence.domain.progress import Progress
from ringfence.store.neo4j.database import Database
from ringfence.store.neo4j.run_graph import pieces
from ringfence.store.neo4j.run_tables import RunTables


@dataclass(frozen=True)
class _Drawn:
    """One kind of relationship: the statements that list, erase and draw it, and what they tell of each: from
    whom, to whom, and more."""

    list: str
    erase: str
    draw: str
    columns: Mapping[str, type[pl.DataType]]


_TARGETS = _Drawn(
    "list_drawn_targets",
    "erase_targets",
    "draw_targets",
    {"ring_id": pl.String, "merchant_id": pl.String, "claims": pl.Int64},
)
_LINKS = _Drawn(
    "list_drawn_links",
    "erase_links",
    "draw_links",
    {"buyer_a": pl.String, "buyer_b": pl.String, "score": pl.Float64, "why": pl.String},
)


class Drawing:
    """What is drawn of the published run.

    Nothing that Ringfence tells rests on it, so it follows publication, and only what changed is touched:
    from one run to the next that is little. Whoever is interrupted leaves it between two runs; as the store
    does not name the run as drawn then, the next run goes on from what there is.
    """

    def __init__(self, database: Database, tables: RunTables) -> None:
        self._database, self._tables = database, tables

    def update(self, lease: Lease, progress: Progress) -> None:
        """Draw what the published run says, and erase what it does not, of buyers and merchants that were
        loaded."""
        ((drawn, published),) = self._database.all("find_drawing")
        if drawn == published:
            return
        claims = self._tables.read(published, "evidence").group_by("ring_id", "merchant_id")
        targets = claims.agg(claims=pl.len().cast(pl.Int64))
        links = self._tables.read(published, "links")
        changes = [*self._changes(_TARGETS, targets), *self._changes(_LINKS, links)]
        progress.stage("drawing", sum(frame.height for _, frame in changes))
        for statement, frame in changes:
            for piece in pieces(frame):
                self._database.write(partial(self._database.all, statement, rows=piece), lease)
                progress.advance(len(piece))
        self._database.write(partial(self._database.all, "end_drawing", run=published), lease)

    def _changes(self, kind: _Drawn, wanted: pl.DataFrame) -> list[tuple[str, pl.DataFrame]]:
        """Give what is to be erased and what is to be drawn, by statement."""
        columns = list(kind.columns)
        ends = columns[:2]
        lists = {name: pl.List(cells) for name, cells in kind.columns.items()}
        there = pl.DataFrame(self._database.all(kind.list, bulk=True), lists, orient="row").explode(columns)
        erased = there.join(wanted, on=columns, how="anti").select(ends).sort(ends)
        drawn = wanted.join(there, on=columns, how="anti").select(columns).sort(ends)
        return [(kind.erase, erased), (kind.draw, drawn.group_by(columns[0], maintain_order=True).all())]
