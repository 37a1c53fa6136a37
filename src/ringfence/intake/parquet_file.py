"""Parquet in, batches of rows with the file's own types out."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl

from ringfence.intake.batches import BATCH_ROWS, Batch, Chosen, choose_columns
from ringfence.intake.errors import UnreadableInputError
from ringfence.intake.options import IntakeOptions
from ringfence.intake.tables import Table


def read_parquet(path: Path, table: Table, options: IntakeOptions) -> tuple[Chosen, Iterator[Batch], int]:
    """Read the schema of a Parquet file; give the columns found, the batches to come, and the rows there are.

    Raises UnreadableInputError for a file that is damaged or not Parquet, or lacks a required column.
    """
    try:
        schema = pl.read_parquet_schema(path)
        rows = int(pl.scan_parquet(path).select(pl.len()).collect().item())
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError):
        raise _damaged(path) from None
    chosen = choose_columns(path.name, table, list(schema), options)
    return chosen, _batches(path, chosen, rows), rows


def _damaged(path: Path) -> UnreadableInputError:
    return UnreadableInputError(f"{path.name}: damaged or not Parquet; write or copy it again")


def _batches(path: Path, chosen: Chosen, rows: int) -> Iterator[Batch]:
    for begin in range(0, rows, BATCH_ROWS):
        try:
            frame = pl.scan_parquet(path).select(list(chosen.names)).slice(begin, BATCH_ROWS).collect()
        except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError):
            raise _damaged(path) from None
        yield Batch(frame.rename(chosen.names), np.arange(begin + 1, begin + len(frame) + 1, dtype=np.int64))
