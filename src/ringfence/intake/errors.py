"""What intake refuses: one clear line each, naming file, field and remedy, and never a cell's value."""

import polars as pl

from ringfence.domain.errors import InvalidError


class UnreadableInputError(InvalidError):
    """The input cannot be read; nothing was loaded."""


class TooManyRejectedError(InvalidError):
    """So many rows are bad that the rest cannot be trusted; nothing was loaded."""

    def __init__(self, message: str, rejected: pl.DataFrame) -> None:
        super().__init__(message)
        self.rejected = rejected
        """Columns file, line, column, reason: every rejected row of every file."""


def missing_column(file: str, column: str, present: list[str], remedy: str) -> UnreadableInputError:
    """Say that `file` lacks the required `column`, what it has instead, and what to do."""
    shown = ", ".join(present[:20]) + (f" and {len(present) - 20} more" if len(present) > 20 else "")
    return UnreadableInputError(f"{file}: no column {column} (it has {shown or 'none'}); {remedy}")
