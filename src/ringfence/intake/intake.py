"""Files or frames in, a pseudonymised market out, with an account of every row that is not in it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from ringfence.domain.loads import FileCount
from ringfence.domain.progress import Progress, Silent
from ringfence.intake.account import rejected_rows
from ringfence.intake.batches import batches_of_frame, choose_columns
from ringfence.intake.build import MarketBuilder
from ringfence.intake.inputs import find_inputs
from ringfence.intake.options import IntakeOptions
from ringfence.intake.reading import Reading
from ringfence.intake.tables import CLAIMS, IDENTIFIERS, ORDERS
from ringfence.market import Market
from ringfence.market.pseudonym_key import PseudonymKey


@dataclass(frozen=True, eq=False)
class Intake:
    """A market and the account of how it came about."""

    market: Market
    files: tuple[FileCount, ...]
    """In the order the files were read."""
    warnings: tuple[str, ...]
    """One line each, for people."""
    rejected: pl.DataFrame
    """file, line, column, reason: the rows that are not in the market, never a value."""


def read_market(
    paths: Sequence[Path], options: IntakeOptions, key: PseudonymKey, progress: Progress | None = None
) -> Intake:
    """Read files, and folders of files, into a market.

    Raises UnreadableInputError (nothing can be read) or TooManyRejectedError (more than
    `options.max_rejected` of a file's rows are bad).
    """
    listener = progress if progress is not None else Silent()
    builder = MarketBuilder(key)
    reading = Reading(options, key, builder)
    reading.read_files(find_inputs(paths), listener)
    return _market_of(reading, builder, listener)


def market_from_frames(
    claims: pl.DataFrame,
    orders: pl.DataFrame | None = None,
    identifiers: pl.DataFrame | None = None,
    *,
    key: PseudonymKey,
    options: IntakeOptions | None = None,
) -> Intake:
    """Make a market of frames that hold what the files would, as text or typed; lines count rows from 1.

    Raises what `read_market` raises.
    """
    chosen_options = options if options is not None else IntakeOptions()
    builder = MarketBuilder(key)
    reading = Reading(chosen_options, key, builder)
    for table, frame in ((CLAIMS, claims), (ORDERS, orders), (IDENTIFIERS, identifiers)):
        if frame is not None:
            chosen = choose_columns(table.name, table, frame.columns, chosen_options)
            rows = frame.select(list(chosen.names)).rename(chosen.names)
            reading.read(table.name, table, chosen, batches_of_frame(rows))
    return _market_of(reading, builder, Silent())


def _market_of(reading: Reading, builder: MarketBuilder, progress: Progress) -> Intake:
    """Settle repeated rows, see whether enough rows are good, and make the market."""
    progress.stage("find repeated rows")
    verdicts = reading.settle()
    files = tuple(account.count() for account in reading.accounts)
    rejected = rejected_rows(reading.accounts)
    reading.accounts.clear()
    market = builder.build(verdicts, progress.stage)
    progress.done()
    reading.warn_of_ids(market.buyer_ids, market.merchant_ids, market.claims.claim_id)
    return Intake(market, files, tuple(reading.warnings), rejected)
