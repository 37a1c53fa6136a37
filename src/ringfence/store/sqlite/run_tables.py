"""The tables of a run in SQLite: written and cleared away in short transactions, given back as written."""

from collections.abc import Mapping

import polars as pl

from ringfence.domain.leases import Lease
from ringfence.domain.progress import Progress
from ringfence.market.results import SCHEMAS
from ringfence.store.columnar.run_layout import LONG, as_written
from ringfence.store.sqlite.database import Database
from ringfence.store.sqlite.run_columns import RunColumns

_ROWS_A_TRANSACTION = 10_000
_BLOBS_A_TRANSACTION = 64
_KEPT = {
    "rings": ("findings", ("ring_id",)),
    "members": ("members", ("ring_id", "place")),
    "lineage": ("lineage", ("place",)),
}
"""Where the short tables are kept as rows, and what tells their rows apart inside the run."""
_CLEARED = {
    **dict(_KEPT.values()),
    "targets": ("merchant_id",),
    "run_keys": ("subject", "key"),
    "run_columns": ("subject", "batch"),
}


class RunTables:
    """The rows of runs, whatever state their run is in."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.columns = RunColumns(database)

    def write(
        self, run_id: int, tables: Mapping[str, pl.DataFrame], lease: Lease, progress: Progress
    ) -> None:
        """Write all tables, complete as they are, some rows a transaction."""
        progress.stage("storing", sum(frame.height for frame in tables.values()))
        for table in _KEPT:
            if table in tables:
                self._write_rows(run_id, table, tables[table], lease, progress)
        self.columns.write(run_id, tables, lease, progress)

    def read(self, run_id: int, table: str) -> pl.DataFrame:
        """Give a table as it was written, row for row."""
        columns = SCHEMAS[table]
        if table in LONG:
            placed = self.columns.read(run_id, table)
        else:
            rows = self._database.all(
                f"SELECT place, {', '.join(columns)} FROM {_KEPT[table][0]} WHERE run = ?", (run_id,)
            )
            stored = {name: pl.Int64 if dtype.is_temporal() else dtype for name, dtype in columns.items()}
            placed = pl.DataFrame(rows, schema={"place": pl.Int64, **stored}, orient="row")
        return as_written(table, placed)

    def clear(self, run_id: int, lease: Lease, *, but_lives: bool) -> None:
        """Take the rows of a run away, some a transaction; `but_lives` leaves what changed rings' lives."""
        for table, names in _CLEARED.items():
            condition = "run = :run"
            if table == "lineage" and but_lives:
                condition += " AND event = 'kept'"
            key = ", ".join(names)
            delete = (
                f"DELETE FROM {table} WHERE run = :run AND ({key}) IN"
                f" (SELECT {key} FROM {table} WHERE {condition} LIMIT :rows)"
            )
            most = _BLOBS_A_TRANSACTION if table == "run_columns" else _ROWS_A_TRANSACTION
            cleared = most
            while cleared == most:
                with self._database.transaction(lease):
                    cleared = self._database.run(delete, {"run": run_id, "rows": most})

    def _write_rows(
        self, run_id: int, table: str, frame: pl.DataFrame, lease: Lease, progress: Progress
    ) -> None:
        name, key = _KEPT[table]
        # Rows come in the order of their key, so that each lands beside the one before.
        ordered = (
            frame.with_columns(pl.selectors.temporal().cast(pl.Int64))
            .with_row_index("place")
            .sort(key)
            .select(pl.lit(run_id).alias("run"), pl.all())
        )
        columns = ordered.columns
        insert = f"INSERT INTO {name} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})"
        for piece in ordered.iter_slices(_ROWS_A_TRANSACTION):
            with self._database.transaction(lease):
                self._database.run_many(insert, piece.rows())
            progress.advance(piece.height)
