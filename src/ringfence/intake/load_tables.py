"""Files in, tables out: what a load brings into a store."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from ringfence.domain.loads import FileCount
from ringfence.domain.progress import Progress, Silent
from ringfence.intake.account import FileAccount, rejected_rows
from ringfence.intake.build_tables import TablesBuilder
from ringfence.intake.inputs import find_inputs
from ringfence.intake.options import IntakeOptions
from ringfence.intake.reading import Reading
from ringfence.intake.repeats import Verdict
from ringfence.market.pseudonym_key import PseudonymKey
from ringfence.market.tables import MarketTables

_TOLD_AS = {"buyer": "buyer_id", "merchant": "merchant_id", "first_at": "first_seen", "last_at": "last_seen"}
"""What the files call columns of ours."""


@dataclass(frozen=True, eq=False)
class IntakeTables:
    """Tables and the account of how they came about."""

    tables: MarketTables
    """Rows of a table stand in the order they were read."""
    files: tuple[FileCount, ...]
    """In the order the files were read."""
    warnings: tuple[str, ...]
    """One line each, for people."""
    rejected: pl.DataFrame
    """file, line, column, reason: the rows that are not in the tables, never a value."""
    identified: pl.DataFrame
    """The rows of identifiers files, as `uses`, but in the order they were read; `value` is null where it
    says nothing."""
    accounts: tuple[FileAccount, ...]
    """One a file, in the order they were read."""
    verdicts: Mapping[str, Verdict]
    """By table with a key: what became of each good row, in the order they were read."""

    def filled(self) -> dict[str, dict[str, int]]:
        """Count the cells that are not empty, by table that was read and column."""
        frames = {"identifiers": self.identified} | {
            name: getattr(self.tables, name)
            for name in ("claims", "orders", "reports", "merchants", "buyers", "rates")
        }
        read = {account.table for account in self.accounts}
        return {
            name: {
                _TOLD_AS.get(column.name, column.name): len(column) - column.null_count() for column in frame
            }
            for name, frame in frames.items()
            if name in read
        }


def read_tables(
    paths: Sequence[Path], options: IntakeOptions, key: PseudonymKey, progress: Progress | None = None
) -> IntakeTables:
    """Read files, and folders of files, of any kind, into tables with all their columns.

    Raises UnreadableInputError (nothing can be read) or TooManyRejectedError (more than
    `options.max_rejected` of a file's rows are bad).
    """
    listener = progress if progress is not None else Silent()
    builder = TablesBuilder(key)
    reading = Reading(options, key, builder, needs_claims=False)
    reading.read_files(find_inputs(paths, needs_claims=False), listener)
    listener.stage("find repeated rows")
    verdicts = reading.settle()
    tables, identified = builder.build(verdicts, listener.stage)
    listener.done()
    reading.warn_of_ids(tables.buyer_ids, tables.merchant_ids, tables.claims["claim_id"])
    accounts = tuple(reading.accounts)
    return IntakeTables(
        tables=tables,
        files=tuple(account.count() for account in accounts),
        warnings=tuple(reading.warnings),
        rejected=rejected_rows(list(accounts)),
        identified=identified,
        accounts=accounts,
        verdicts=verdicts,
    )
