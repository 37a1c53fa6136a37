"""The long tables of a run in SQLite: kept as columns, found by keys that lead to a few batches of rows."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from itertools import islice
from typing import Any

import polars as pl

from ringfence.domain.leases import Lease
from ringfence.domain.progress import Progress
from ringfence.market.results import SCHEMAS
from ringfence.store.sqlite.columns import frame_of
from ringfence.store.sqlite.database import Database

LONG = ("evidence", "links", "buyers")
"""The tables kept in this way: up to millions of rows, of which people ask for those of a few rings."""
_ROWS_A_BATCH = {"evidence": 2_048, "links": 1_024, "buyers": 4_096}
_BATCHES_A_TRANSACTION = 16
_KEYS_A_TRANSACTION = 10_000


@dataclass(frozen=True, eq=False)
class _Laid:
    """A table laid out for keeping."""

    rows: pl.DataFrame
    """`place` and the table's columns; rows that are asked for together stand together."""
    keys: pl.DataFrame
    """key, batch: where the rows of a key are."""


class RunColumns:
    """The batches of runs, whatever state their run is in."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def write(
        self, run_id: int, tables: Mapping[str, pl.DataFrame], lease: Lease, progress: Progress
    ) -> None:
        """Write the long tables among `tables`, some batches a transaction."""
        for table in LONG:
            if table not in tables:
                continue
            laid = _LAY_OUT[table](tables)
            self._write(
                "INSERT INTO run_keys (run, subject, key, batches) VALUES (?, ?, ?, ?)",
                _slices(_key_rows(run_id, table, laid.keys), _KEYS_A_TRANSACTION),
                lease,
            )
            height = _ROWS_A_BATCH[table]
            batches = enumerate(laid.rows.iter_slices(height))
            while group := list(islice(batches, _BATCHES_A_TRANSACTION)):
                rows = [(run_id, table, number, _arrow(batch)) for number, batch in group]
                insert = "INSERT INTO run_columns (run, subject, batch, columns) VALUES (?, ?, ?, ?)"
                self._write(insert, [rows], lease)
                progress.advance(sum(batch.height for _, batch in group))
            if table == "evidence":
                targets = _targets(run_id, tables["evidence"])
                insert = "INSERT INTO targets (run, merchant_id, ring_ids) VALUES (?, ?, ?)"
                self._write(insert, _slices(targets, _KEYS_A_TRANSACTION), lease)

    def read(self, run_id: int, table: str) -> pl.DataFrame:
        """Give a whole table, `place` beside its columns."""
        return _joined(
            table,
            self._database.all(
                "SELECT columns FROM run_columns WHERE run = ? AND subject = ?", (run_id, table)
            ),
        )

    def joint_claims(self, run_id: int, ring_ids: Sequence[str]) -> pl.DataFrame:
        """Give the joint claims of rings, ring by ring as asked for, by event, then time."""
        asked = pl.DataFrame({"ring_id": ring_ids}, schema={"ring_id": pl.String}).with_row_index("asked")
        found = self._find(run_id, "evidence", ring_ids)
        return found.join(asked, on="ring_id").sort("asked", "event", "filed_at", "place")

    def links_inside(self, run_id: int, members: Sequence[tuple[str, str]]) -> pl.DataFrame:
        """Give ring_id and links between members of one ring, best first; `members` are (ring_id, buyer_id),
        rings in the order asked for."""
        homes = pl.DataFrame(members, schema={"ring_id": pl.String, "buyer_id": pl.String}, orient="row")
        asked = homes.select(pl.col("ring_id").unique(maintain_order=True)).with_row_index("asked")
        found = self._find(run_id, "links", homes["buyer_id"].to_list())
        return (
            found.join(homes.join(asked, on="ring_id"), left_on="buyer_a", right_on="buyer_id")
            .join(homes, left_on=["buyer_b", "ring_id"], right_on=["buyer_id", "ring_id"])
            .sort("asked", pl.col("score") * -1, "place")
        )

    def links_of(self, run_id: int, buyer_id: str) -> pl.DataFrame:
        """Give all links of a buyer, best first."""
        is_theirs = (pl.col("buyer_a") == buyer_id) | (pl.col("buyer_b") == buyer_id)
        return self._find(run_id, "links", (buyer_id,)).filter(is_theirs).sort(pl.col("score") * -1, "place")

    def buyer_score(self, run_id: int, buyer_id: str) -> float | None:
        """Find one buyer's score."""
        row = self._database.one(
            "SELECT columns FROM run_columns WHERE run = :run AND subject = 'buyers' AND batch = ("
            " SELECT json_extract(batches, '$[0]') FROM run_keys"
            " WHERE run = :run AND subject = 'buyers' AND key <= :buyer ORDER BY key DESC LIMIT 1)",
            {"run": run_id, "buyer": buyer_id},
        )
        found = frame_of(row[0]).filter(pl.col("buyer_id") == buyer_id) if row is not None else None
        return None if found is None or found.is_empty() else float(found["score"][0])

    def _find(self, run_id: int, table: str, keys: Sequence[str]) -> pl.DataFrame:
        """Give the batches that hold the rows of keys: those rows, and others beside them."""
        return _joined(
            table,
            self._database.all(
                "SELECT columns FROM run_columns WHERE run = :run AND subject = :subject AND batch IN ("
                " SELECT b.value FROM json_each(:keys) AS asked"
                " CROSS JOIN run_keys AS k CROSS JOIN json_each(k.batches) AS b"
                " WHERE k.run = :run AND k.subject = :subject AND k.key = asked.value)",
                {"run": run_id, "subject": table, "keys": json.dumps(list(dict.fromkeys(keys)))},
            ),
        )

    def _write(self, insert: str, pieces: "Iterator[_Rows] | list[_Rows]", lease: Lease) -> None:
        for rows in pieces:
            with self._database.transaction(lease):
                self._database.run_many(insert, rows)


_Rows = list[tuple[Any, ...]]


def _lay_out_evidence(tables: Mapping[str, pl.DataFrame]) -> _Laid:
    places = tables["rings"].select("ring_id").with_row_index("ring")
    rows = (
        tables["evidence"]
        .with_row_index("place")
        .join(places, on="ring_id", how="left", maintain_order="left")
    )
    rows = _in_order(rows, "ring")
    return _Laid(rows, _keys("evidence", rows["ring_id"]))


def _lay_out_links(tables: Mapping[str, pl.DataFrame]) -> _Laid:
    places = tables["rings"].select("ring_id").with_row_index("ring")
    homes = tables["members"].join(places, on="ring_id").group_by("buyer_id").agg(pl.col("ring").min())
    rows = (
        tables["links"]
        .with_row_index("place")
        .join(homes, left_on="buyer_a", right_on="buyer_id", how="left", maintain_order="left")
    )
    rows = _in_order(rows, "ring")
    return _Laid(rows, pl.concat([_keys("links", rows["buyer_a"]), _keys("links", rows["buyer_b"])]))


def _lay_out_buyers(tables: Mapping[str, pl.DataFrame]) -> _Laid:
    """Buyers stand in the order of their ids: a batch is found by the first of them."""
    rows = tables["buyers"].with_row_index("place").sort("buyer_id")
    first = rows.select(pl.col("buyer_id").gather_every(_ROWS_A_BATCH["buyers"]).alias("key"))
    return _Laid(rows, first.with_columns(pl.int_range(pl.len()).alias("batch")))


def _in_order(rows: pl.DataFrame, column: str) -> pl.DataFrame:
    """Sort by a column that is dropped then; what is in order already, as claims are, is not moved."""
    if not rows[column].is_sorted(nulls_last=True):
        rows = rows.sort(column, nulls_last=True, maintain_order=True)
    return rows.drop(column)


def _keys(table: str, key: pl.Series) -> pl.DataFrame:
    """Give key and batch of all rows, each pair once."""
    batch = pl.int_range(pl.len()).floordiv(_ROWS_A_BATCH[table]).alias("batch")
    return key.alias("key").to_frame().with_columns(batch).unique()


_LAY_OUT = {"evidence": _lay_out_evidence, "links": _lay_out_links, "buyers": _lay_out_buyers}


def _key_rows(run_id: int, table: str, keys: pl.DataFrame) -> _Rows:
    return (
        keys.group_by("key")
        .agg(pl.col("batch").unique().sort().cast(pl.String))
        .sort("key")
        .select(
            pl.lit(run_id).alias("run"),
            pl.lit(table).alias("subject"),
            "key",
            pl.format("[{}]", pl.col("batch").list.join(",")),
        )
        .rows()
    )


def _targets(run_id: int, evidence: pl.DataFrame) -> _Rows:
    """Tell which rings have a joint claim against each merchant."""
    pairs = evidence.select("merchant_id", "ring_id").unique()
    hit = pairs.group_by("merchant_id").agg(pl.col("ring_id").sort()).sort("merchant_id")
    return [(run_id, merchant_id, json.dumps(ring_ids)) for merchant_id, ring_ids in hit.iter_rows()]


def _slices(rows: _Rows, length: int) -> Iterator[_Rows]:
    return (rows[first : first + length] for first in range(0, len(rows), length))


def _arrow(frame: pl.DataFrame) -> bytes:
    file = BytesIO()
    frame.write_ipc(file, compression="lz4")
    return file.getvalue()


def _joined(table: str, blobs: Sequence[tuple[bytes]]) -> pl.DataFrame:
    if not blobs:
        return pl.DataFrame(schema={"place": pl.UInt32, **SCHEMAS[table]})
    return pl.concat([frame_of(blob) for (blob,) in blobs])
