"""Columns as bytes: Arrow files, which are read by copying them."""

from collections.abc import Iterable
from io import BytesIO
from typing import IO

import polars as pl


def bytes_of(frame: pl.DataFrame) -> bytes:
    """Give a frame as an Arrow file."""
    file = BytesIO()
    frame.write_ipc(file, compression="lz4")
    return file.getvalue()


def frame_of(columns: bytes) -> pl.DataFrame:
    """Read an Arrow file."""
    return pl.read_ipc(columns)


def joined(batches: Iterable[bytes]) -> pl.DataFrame | None:
    """Read Arrow files of one schema, one after another; None if there are none."""
    # All at once: for each that is read by itself, polars would plan a query.
    files: list[IO[bytes]] = [BytesIO(columns) for columns in batches]
    return pl.scan_ipc(files).collect().rechunk() if files else None
