"""Files or frames in, a pseudonymised market out, with an account of every row that is not in it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import polars as pl

from ringfence.domain.currencies import NO_CURRENCY
from ringfence.domain.progress import Progress, Silent
from ringfence.intake.account import (
    FileAccount,
    FileCount,
    check_rejected,
    enter_verdict,
    rejected_rows,
)
from ringfence.intake.batches import Batch, Chosen, batches_of_frame, choose_columns
from ringfence.intake.build import MarketBuilder
from ringfence.intake.cells import parse_cells
from ringfence.intake.errors import UnreadableInputError
from ringfence.intake.inputs import find_inputs, open_input
from ringfence.intake.key import PseudonymKey
from ringfence.intake.options import IntakeOptions
from ringfence.intake.repeats import Verdict
from ringfence.intake.tables import CLAIMS, IDENTIFIERS, ORDERS, Table
from ringfence.market import Market

_SHOWN_COLUMNS = 5
_SHOWN_LETTERS = 40
_PERSONAL_ID = r"^\s*(?:[^@\s]+@[^@\s]+\.[^@\s]+|(?:\+|00)[1-9][\d ()./-]{6,})\s*$"
"""An e-mail address, or a phone number in its international form."""


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
    reading = _Reading(options, key)
    for source in find_inputs(paths):
        name = source.path.name
        chosen, batches = open_input(
            source, options, partial(listener.stage, f"read {name}"), listener.advance
        )
        reading.read(name, source.table, chosen, batches)
        listener.done()
    return reading.finish(listener)


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
    reading = _Reading(chosen_options, key)
    for table, frame in ((CLAIMS, claims), (ORDERS, orders), (IDENTIFIERS, identifiers)):
        if frame is not None:
            chosen = choose_columns(table.name, table, frame.columns, chosen_options)
            rows = frame.select(list(chosen.names)).rename(chosen.names)
            reading.read(table.name, table, chosen, batches_of_frame(rows))
    return reading.finish(Silent())


class _Reading:
    """A reading under way: file after file, then the market."""

    def __init__(self, options: IntakeOptions, key: PseudonymKey) -> None:
        self._options = options
        self._builder = MarketBuilder(key)
        self._accounts: list[FileAccount] = []
        self._warnings: list[str] = []

    def read(self, file: str, table: Table, chosen: Chosen, batches: Iterable[Batch]) -> None:
        """Read all batches of one file."""
        account = FileAccount(file, table.name)
        rounded = 0
        for batch in batches:
            parsed = parse_cells(batch, file, table, self._options)
            account.bad.extend(parsed.bad)
            rounded += parsed.rounded
            if len(parsed.lines):
                account.lines.append(parsed.lines)
                self._builder.add(table, parsed.frame)
        if account.good + account.rejected == 0:
            if table is CLAIMS:
                raise UnreadableInputError(f"{file}: has no rows; it needs at least one claim")
            self._warnings.append(f"{file}: has no rows; read as if it were not there")
        if rounded:
            self._warnings.append(
                f"{file}: {rounded:,} amounts have more decimals than any currency and were rounded"
            )
        self._warn_of_columns(file, table, chosen)
        self._accounts.append(account)

    def finish(self, progress: Progress) -> Intake:
        """Settle repeated rows, see whether enough rows are good, and make the market."""
        progress.stage("find repeated rows")
        verdicts: dict[str, Verdict] = {}
        for name, rows in self._builder.rows.items():
            if rows.ledger is not None and rows.size:
                verdicts[name] = rows.ledger.judge()
                mine = [account for account in self._accounts if account.table == name]
                enter_verdict(mine, verdicts[name], str(rows.table.key))
                rows.ledger = None
        check_rejected(self._accounts, self._options.max_rejected)
        files = tuple(account.count() for account in self._accounts)
        rejected = rejected_rows(self._accounts)
        self._accounts.clear()
        market = self._builder.build(verdicts, progress.stage)
        progress.done()
        for name, ids in (
            ("buyer", market.buyer_ids),
            ("merchant", market.merchant_ids),
            ("claim", market.claims.claim_id),
        ):
            if bool(ids.str.contains(_PERSONAL_ID).any()):
                self._warnings.append(
                    f"some {name} ids look like e-mail addresses or phone numbers; ids are kept as they are, "
                    "so give Ringfence ids of another kind"
                )
        return Intake(market, files, tuple(self._warnings), rejected)

    def _warn_of_columns(self, file: str, table: Table, chosen: Chosen) -> None:
        if chosen.unknown:
            shown = ", ".join(
                name[:_SHOWN_LETTERS] or "(no name)" for name in chosen.unknown[:_SHOWN_COLUMNS]
            )
            more = len(chosen.unknown) - _SHOWN_COLUMNS
            columns = "column" if len(chosen.unknown) == 1 else "columns"
            self._warnings.append(
                f"{file}: unknown {columns} ignored: {shown}" + (f" and {more} more" if more > 0 else "")
            )
        has_amounts = table in (CLAIMS, ORDERS)
        if (
            has_amounts
            and "currency" not in chosen.names.values()
            and self._options.default_currency == NO_CURRENCY
        ):
            self._warnings.append(
                f"{file}: no column currency; amounts count as {NO_CURRENCY} with 2 decimals"
            )
