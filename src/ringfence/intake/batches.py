"""What a file of any format is read into: batches of rows, and the rows that could not be read."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ringfence.intake.errors import missing_column
from ringfence.intake.options import IntakeOptions
from ringfence.intake.tables import Table

BATCH_ROWS = 131_072
"""Rows of a table that are read at a time."""


@dataclass(frozen=True)
class Bad:
    """Rows that are rejected for one reason."""

    lines: NDArray[np.int64]
    column: str
    """Empty where the row as a whole is bad."""
    reason: str
    is_late: bool = False
    """Whether the rows could be read, and were found bad only beside others."""


@dataclass(frozen=True)
class Batch:
    """Some rows of one file: N rows under our column names, as text or as the file's own types."""

    frame: pl.DataFrame
    lines: NDArray[np.int64]
    """int64[N], the line (of text) or row (of a table, counted from 1) each stands on."""
    bad: tuple[Bad, ...] = ()
    """Rows found unreadable along the way; they are not among the N."""


@dataclass(frozen=True)
class Chosen:
    """Which of a file's columns are read, and under which of our names."""

    names: dict[str, str]
    """The file's name -> ours, in the file's order."""
    unknown: tuple[str, ...]
    """Columns that mean nothing to us."""


def choose_columns(file: str, table: Table, present: list[str], options: IntakeOptions) -> Chosen:
    """Match a file's columns with the table's; raises UnreadableInputError where a required one lacks."""
    renamed = options.mapping.columns.get(table.name, {}) if options.mapping else {}
    theirs = {renamed.get(column.name, column.name): column.name for column in table.columns}
    found = {name: theirs[name] for name in present if name in theirs}
    for column in table.columns:
        if column.is_required and column.name not in found.values():
            wanted = renamed.get(column.name, column.name)
            named = f'{column.name} = "…" under [{table.name}]'
            remedy = f"say with --map which column it is ({named})"
            raise missing_column(file, wanted, present, remedy)
    return Chosen(found, tuple(name for name in present if name not in theirs))


def batches_of_frame(rows: pl.DataFrame) -> Iterator[Batch]:
    """Cut a frame with our column names into batches; lines count its rows from 1."""
    for begin in range(0, len(rows), BATCH_ROWS):
        piece = rows.slice(begin, BATCH_ROWS)
        yield Batch(piece, np.arange(begin + 1, begin + len(piece) + 1, dtype=np.int64))
