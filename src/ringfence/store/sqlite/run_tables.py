"""The tables of a run in SQLite: written and cleared away in short transactions, given back as written."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO

import polars as pl

from ringfence.domain.leases import Lease
from ringfence.domain.progress import Progress
from ringfence.market.results import SCHEMAS
from ringfence.store.sqlite.database import Database

_ROWS_A_TRANSACTION = 10_000
_BUYERS_A_BLOB = 4_096
_BLOBS_A_TRANSACTION = 32


@dataclass(frozen=True, slots=True)
class _Kept:
    """Where a table of a run is kept, and what tells its rows apart inside the run."""

    name: str
    key: tuple[str, ...]


_KEPT = {
    "rings": _Kept("findings", ("ring_id",)),
    "members": _Kept("members", ("ring_id", "place")),
    "evidence": _Kept("joint_claims", ("ring_id", "place")),
    "links": _Kept("links", ("place",)),
    "lineage": _Kept("lineage", ("place",)),
    "buyers": _Kept("buyer_scores", ("first_buyer_id",)),
}


class RunTables:
    """The rows of runs, whatever state their run is in."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def write(
        self, run_id: int, tables: Mapping[str, pl.DataFrame], lease: Lease, progress: Progress
    ) -> None:
        """Write all tables, some rows a transaction."""
        progress.stage("storing", sum(frame.height for frame in tables.values()))
        for table, frame in tables.items():
            chosen = frame.select(list(SCHEMAS[table])).cast(pl.Schema(SCHEMAS[table]))
            insert, batches = (
                _buyer_batches(run_id, chosen) if table == "buyers" else _row_batches(run_id, table, chosen)
            )
            for written, rows in batches:
                with self._database.transaction(lease):
                    self._database.run_many(insert, rows)
                progress.advance(written)

    def read(self, run_id: int, table: str) -> pl.DataFrame:
        """Give a table as it was written, row for row."""
        if table == "buyers":
            blobs = self._database.all("SELECT columns FROM buyer_scores WHERE run = ?", (run_id,))
            frames = [pl.read_ipc(BytesIO(blob)) for (blob,) in blobs]
            placed = (
                pl.concat(frames) if frames else pl.DataFrame(schema={"place": pl.Int64, **SCHEMAS[table]})
            )
        else:
            columns = SCHEMAS[table]
            rows = self._database.all(
                f"SELECT place, {', '.join(columns)} FROM {_KEPT[table].name} WHERE run = ?", (run_id,)
            )
            stored = {name: pl.Int64 if dtype.is_temporal() else dtype for name, dtype in columns.items()}
            placed = pl.DataFrame(rows, schema={"place": pl.Int64, **stored}, orient="row")
        return placed.sort("place").drop("place").cast(pl.Schema(SCHEMAS[table]))

    def buyer_score(self, run_id: int, buyer_id: str) -> float | None:
        """Find one buyer's score."""
        row = self._database.one(
            "SELECT columns FROM buyer_scores WHERE run = ? AND first_buyer_id <= ?"
            " ORDER BY first_buyer_id DESC LIMIT 1",
            (run_id, buyer_id),
        )
        if row is None:
            return None
        found = pl.read_ipc(BytesIO(row[0])).filter(pl.col("buyer_id") == buyer_id)
        return None if found.is_empty() else float(found["score"][0])

    def clear(self, run_id: int, lease: Lease, *, but_lives: bool) -> None:
        """Take the rows of a run away, some a transaction; `but_lives` leaves what changed rings' lives."""
        for table, kept in _KEPT.items():
            condition = "run = :run"
            if table == "lineage" and but_lives:
                condition += " AND event = 'kept'"
            key = ", ".join(kept.key)
            delete = (
                f"DELETE FROM {kept.name} WHERE run = :run AND ({key}) IN"
                f" (SELECT {key} FROM {kept.name} WHERE {condition} LIMIT :rows)"
            )
            cleared = _ROWS_A_TRANSACTION
            while cleared == _ROWS_A_TRANSACTION:
                with self._database.transaction(lease):
                    cleared = self._database.run(delete, {"run": run_id, "rows": _ROWS_A_TRANSACTION})


_Batches = Iterator[tuple[int, Sequence[Sequence[object]]]]


def _row_batches(run_id: int, table: str, frame: pl.DataFrame) -> tuple[str, _Batches]:
    """Give the statement, and how many rows with what they are, batch by batch."""
    kept = _KEPT[table]
    # Rows come in the order of their key, so that each lands beside the one before.
    ordered = (
        frame.with_columns(pl.selectors.temporal().cast(pl.Int64))
        .with_row_index("place")
        .sort(kept.key)
        .select(pl.lit(run_id).alias("run"), pl.all())
    )
    columns = ordered.columns
    insert = f"INSERT INTO {kept.name} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})"
    pieces = (piece.rows() for piece in ordered.iter_slices(_ROWS_A_TRANSACTION))
    return insert, ((len(rows), rows) for rows in pieces)


def _buyer_batches(run_id: int, frame: pl.DataFrame) -> tuple[str, _Batches]:
    ordered = frame.with_row_index("place").sort("buyer_id")
    insert = "INSERT INTO buyer_scores (run, first_buyer_id, columns) VALUES (?, ?, ?)"
    pieces = ordered.iter_slices(_BUYERS_A_BLOB * _BLOBS_A_TRANSACTION)
    return insert, (
        (
            piece.height,
            [(run_id, part["buyer_id"][0], _arrow(part)) for part in piece.iter_slices(_BUYERS_A_BLOB)],
        )
        for piece in pieces
        if piece.height
    )


def _arrow(frame: pl.DataFrame) -> bytes:
    file = BytesIO()
    frame.write_ipc(file, compression="zstd")
    return file.getvalue()
