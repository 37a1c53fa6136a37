"""The columns of loads in the embedded store, as blobs."""

import polars as pl

from ringfence.store.columnar.columns import bytes_of, joined
from ringfence.store.sqlite.database import Database


def write_columns(database: Database, load: int, name: str, batch: int, columns: pl.DataFrame) -> None:
    """Keep the columns of one batch."""
    database.run(
        "INSERT INTO batches (load, subject, batch, columns) VALUES (?, ?, ?, ?)",
        (load, name, batch, bytes_of(columns)),
    )


def read_columns(database: Database, version: int, name: str, since: int = 0) -> pl.DataFrame | None:
    """Give all columns of a name up to a load, in the order they were written; None if there are none.

    With `since` those of earlier loads are left out.
    """
    return joined(
        columns
        for (columns,) in database.all(
            "SELECT columns FROM batches WHERE subject = ? AND load BETWEEN ? AND ? ORDER BY load, batch",
            (name, since, version),
        )
    )
