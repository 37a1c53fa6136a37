"""A reading of files: cells into typed rows, and an account of what became of each."""

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Protocol

import polars as pl

from ringfence.domain.counted import counted
from ringfence.domain.currencies import NO_CURRENCY
from ringfence.domain.progress import Progress
from ringfence.intake.account import FileAccount, check_rejected, enter_verdict
from ringfence.intake.batches import Batch, Chosen
from ringfence.intake.cells import parse_cells
from ringfence.intake.errors import UnreadableInputError
from ringfence.intake.inputs import Input, open_input
from ringfence.intake.options import IntakeOptions
from ringfence.intake.repeats import Ledger, Verdict
from ringfence.intake.tables import CLAIMS, ORDERS, TABLES, Table
from ringfence.market.pseudonym_key import PseudonymKey

_SHOWN_COLUMNS = 5
_SHOWN_LETTERS = 40
_PERSONAL_ID = r"^\s*(?:[^@\s]+@[^@\s]+\.[^@\s]+|(?:\+|00)[1-9][\d ()./-]{6,})\s*$"
"""An e-mail address, or a phone number in its international form."""


class Builder(Protocol):
    """What takes the good rows of a reading."""

    def add(self, table: Table, frame: pl.DataFrame) -> None:
        """Add the good rows of a batch."""


class Reading:
    """A reading under way: file after file, then what became of their rows."""

    def __init__(
        self, options: IntakeOptions, key: PseudonymKey, builder: Builder, *, needs_claims: bool = True
    ) -> None:
        self.accounts: list[FileAccount] = []
        """One a file, in the order they were read."""
        self.warnings: list[str] = []
        self._options = options
        self._builder = builder
        self._needs_claims = needs_claims
        self._row_seed = key.seed("rows")
        self._ledgers: dict[str, Ledger] = {}

    def read_files(self, inputs: Sequence[Input], progress: Progress) -> None:
        """Read all batches of all files."""
        for source in inputs:
            name = source.path.name
            chosen, batches = open_input(
                source, self._options, partial(progress.stage, f"read {name}"), progress.advance
            )
            self.read(name, source.table, chosen, batches)
            progress.done()

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
                if table.key:
                    ledger = self._ledgers.setdefault(table.name, Ledger(table, self._row_seed))
                    ledger.add(parsed.frame)
                self._builder.add(table, parsed.frame)
        if account.good + account.rejected == 0:
            if table is CLAIMS and self._needs_claims:
                raise UnreadableInputError(f"{file}: has no rows; it needs at least one claim")
            self.warnings.append(f"{file}: has no rows; read as if it were not there")
        if rounded:
            self.warnings.append(
                f"{file}: {counted(rounded, 'amount has', 'amounts have')} more decimals than any currency; "
                "rounded"
            )
        self._warn_of_columns(file, table, chosen)
        self.accounts.append(account)

    def settle(self) -> dict[str, Verdict]:
        """Judge repeated rows, by table that was read.

        Raises TooManyRejectedError where too many of a file's rows are bad.
        """
        verdicts: dict[str, Verdict] = {}
        for name in list(self._ledgers):
            verdicts[name] = self._ledgers.pop(name).judge()
            mine = [account for account in self.accounts if account.table == name]
            key = " and ".join(TABLES[name].key)
            enter_verdict(mine, verdicts[name], f"differs from an earlier row of the same {key}")
        check_rejected(self.accounts, self._options.max_rejected)
        return verdicts

    def warn_of_ids(self, buyer_ids: pl.Series, merchant_ids: pl.Series, claim_ids: pl.Series) -> None:
        """Warn of ids that look like personal data."""
        for name, ids in (("buyer", buyer_ids), ("merchant", merchant_ids), ("claim", claim_ids)):
            if bool(ids.str.contains(_PERSONAL_ID).any()):
                self.warnings.append(
                    f"some {name} ids look like e-mail addresses or phone numbers; ids are kept as they are, "
                    "so give Ringfence ids of another kind"
                )

    def _warn_of_columns(self, file: str, table: Table, chosen: Chosen) -> None:
        if chosen.unknown:
            shown = ", ".join(
                name[:_SHOWN_LETTERS] or "(no name)" for name in chosen.unknown[:_SHOWN_COLUMNS]
            )
            more = len(chosen.unknown) - _SHOWN_COLUMNS
            columns = "column" if len(chosen.unknown) == 1 else "columns"
            self.warnings.append(
                f"{file}: unknown {columns} ignored: {shown}" + (f" and {more} more" if more > 0 else "")
            )
        has_amounts = table in (CLAIMS, ORDERS)
        if (
            has_amounts
            and "currency" not in chosen.names.values()
            and self._options.default_currency == NO_CURRENCY
        ):
            self.warnings.append(
                f"{file}: no column currency; amounts count as {NO_CURRENCY} with 2 decimals"
            )
