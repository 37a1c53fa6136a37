"""Columns as blobs: Arrow files, one a batch and subject, which are read by copying them."""

import io

import polars as pl

from ringfence.store.sqlite.database import Database


def write_columns(database: Database, load: int, subject: str, batch: int, columns: pl.DataFrame) -> None:
    """Keep the columns of one batch."""
    file = io.BytesIO()
    columns.write_ipc(file, compression="lz4")
    database.run(
        "INSERT INTO batches (load, subject, batch, columns) VALUES (?, ?, ?, ?)",
        (load, subject, batch, file.getbuffer()),
    )


def read_columns(database: Database, subject: str, version: int) -> pl.DataFrame | None:
    """Give all columns of a subject up to a load, in the order they were written; None if there are none."""
    found = database.all(
        "SELECT columns FROM batches WHERE subject = ? AND load <= ? ORDER BY load, batch", (subject, version)
    )
    if not found:
        return None
    return pl.concat([frame_of(columns) for (columns,) in found], rechunk=True)


def frame_of(columns: bytes) -> pl.DataFrame:
    """Read the columns of one batch."""
    return pl.read_ipc(columns)
