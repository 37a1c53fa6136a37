"""What became of every row that was read: the counts by file, and the rows that were rejected."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ringfence.domain.counted import counted
from ringfence.domain.loads import FileCount
from ringfence.intake.batches import Bad
from ringfence.intake.errors import TooManyRejectedError, UnreadableInputError
from ringfence.intake.repeats import Verdict

_SCHEMA = {"file": pl.String, "line": pl.Int64, "column": pl.String, "reason": pl.String}
_RISKY = r"^[=+\-@\t\r]"


@dataclass
class FileAccount:
    """The account of one file while it is read."""

    file: str
    table: str
    lines: list[NDArray[np.int64]] = field(default_factory=list)
    """The lines of the good rows, batch by batch."""
    bad: list[Bad] = field(default_factory=list)
    repeated: int = 0
    updated: int = 0

    @property
    def good(self) -> int:
        """Rows that could be read, repeated ones included."""
        return sum(len(lines) for lines in self.lines)

    @property
    def rejected(self) -> int:
        """Rows that are left out."""
        return sum(len(bad.lines) for bad in self.bad)

    def count(self) -> FileCount:
        """Sum up."""
        conflicts = sum(len(bad.lines) for bad in self.bad if bad.is_late)
        read = self.good + self.rejected - conflicts
        kept = read - self.rejected - self.repeated - self.updated
        return FileCount(self.file, self.table, read, kept, self.repeated, self.updated, self.rejected)


def enter_verdict(accounts: list[FileAccount], verdict: Verdict, reason: str) -> None:
    """Tell each file what the verdict says of its rows, which came in the order of `accounts`.

    `reason` is why a row that conflicts is rejected.
    """
    begin = 0
    for account in accounts:
        rows = slice(begin, begin + account.good)
        account.repeated = int(verdict.is_repeated[rows].sum())
        account.updated = int(verdict.is_updated[rows].sum())
        if verdict.is_conflicting[rows].any():
            lines = np.concatenate(account.lines)
            for column, conflicting in verdict.conflicts:
                here = conflicting[(conflicting >= rows.start) & (conflicting < rows.stop)] - begin
                if len(here):
                    account.bad.append(Bad(lines[here], column, reason, is_late=True))
        begin = rows.stop


def rejected_rows(accounts: list[FileAccount]) -> pl.DataFrame:
    """Give file, line, column, reason of every rejected row, by file as read and line."""
    pieces = [
        pl.DataFrame({"line": bad.lines}).select(
            pl.lit(account.file).alias("file"),
            "line",
            pl.lit(bad.column).alias("column"),
            pl.lit(bad.reason).alias("reason"),
            pl.lit(number).alias("order"),
        )
        for number, account in enumerate(accounts)
        for bad in account.bad
        if len(bad.lines)
    ]
    if not pieces:
        return pl.DataFrame(schema=_SCHEMA)
    return pl.concat(pieces).sort("order", "line", "column").drop("order")


def check_rejected(accounts: list[FileAccount], max_rejected: float) -> None:
    """Raise TooManyRejectedError if more than the share `max_rejected` of a file's rows are bad, or all of a
    file of claims."""
    for account in accounts:
        count = account.count()
        is_none_left = account.table == "claims" and 0 < count.read == count.rejected
        # a division, since it alone gives the very number that 29 % of 100 rows is written as
        if is_none_left or (count.read and count.rejected / count.read > max_rejected):
            rejected = rejected_rows(accounts)
            first = rejected.filter(pl.col("file") == account.file).row(0, named=True)
            where = f"line {first['line']}" + (f", {first['column']}" if first["column"] else "")
            are_bad = f"{counted(count.read, 'row')} {'is' if count.rejected == 1 else 'are'} bad"
            too_many = f"more than {100 * max_rejected:g} %"
            share, remedy = (
                ("no good row is left", "correct them")
                if is_none_left
                else (too_many, "correct them or raise --max-rejected")
            )
            raise TooManyRejectedError(
                f"{account.file}: {count.rejected:,} of {are_bad}, {share} "
                f"(first: {where}: {first['reason']}); {remedy}",
                rejected,
            )


def write_rejected(rejected: pl.DataFrame, folder: Path) -> Path:
    """Write `rejected` to rejected.csv in `folder` and give its path.

    Cells that a spreadsheet would run are escaped. Raises UnreadableInputError if it cannot be written.
    """
    path = folder / "rejected.csv"
    text = pl.col("file", "column", "reason")
    escaped = pl.when(text.str.contains(_RISKY)).then(pl.lit("'") + text).otherwise(text).name.keep()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        rejected.with_columns(escaped).write_csv(path)
    except OSError as error:
        raise UnreadableInputError(f"{path}: {error.strerror or 'cannot be written'}") from None
    return path
