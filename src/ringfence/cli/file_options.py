"""How the files are written: the options of every command that reads some."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from ringfence.intake import IntakeOptions

FILES = "How the files are written"
"""The panel of these options in `--help`."""


class DecimalMark(StrEnum):
    """What parts the decimals of an amount."""

    POINT = "."
    COMMA = ","


MapOption = Annotated[
    Path | None,
    typer.Option(
        "--map", rich_help_panel=FILES, help="TOML file that says what your columns and values are called."
    ),
]
DelimiterOption = Annotated[
    str | None,
    typer.Option(rich_help_panel=FILES, help="Between the cells of CSV files; a comma if not told."),
]
DecimalOption = Annotated[DecimalMark, typer.Option(rich_help_panel=FILES, help="Decimal mark of amounts.")]
DateFormatOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="FORMAT",
        rich_help_panel=FILES,
        help="How times are written, such as %d.%m.%Y; may be given again. ISO 8601 if not told.",
    ),
]
CurrencyOption = Annotated[
    str | None,
    typer.Option(rich_help_panel=FILES, help="ISO 4217 code of amounts that come without a currency."),
]
MaxRejectedOption = Annotated[
    float,
    typer.Option(
        rich_help_panel=FILES, help="Share of a file's rows that may be bad; they go to rejected.csv."
    ),
]
KeyFileOption = Annotated[
    Path | None, typer.Option(help="Key for pseudonyms (RINGFENCE_KEY_FILE; made on first use).")
]


def intake_options(
    mapping: Path | None,
    delimiter: str | None,
    decimal: DecimalMark,
    date_format: list[str] | None,
    currency: str | None,
    max_rejected: float,
) -> "IntakeOptions":
    """Build what intake is told; raises UnreadableInputError where the options say nothing sensible."""
    from ringfence.domain.currencies import NO_CURRENCY
    from ringfence.intake import IntakeOptions, Mapping

    return IntakeOptions(
        mapping=Mapping.load(mapping) if mapping else None,
        delimiter={"\\t": "\t", "tab": "\t"}.get(delimiter, delimiter) if delimiter else None,
        decimal=decimal.value,
        date_formats=tuple(date_format or ()),
        default_currency=currency or NO_CURRENCY,
        max_rejected=max_rejected,
    )
