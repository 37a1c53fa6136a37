"""How to read the files: what their columns are called, how they are written, how much is too much."""

import tomllib
from collections.abc import Mapping as AnyMapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from ringfence.domain.currencies import EXPONENTS, NO_CURRENCY
from ringfence.intake.errors import UnreadableInputError
from ringfence.intake.tables import TABLES, Content


@dataclass(frozen=True)
class Mapping:
    """What columns and values are called in the files at hand.

    As TOML: `[claims]` with lines such as `claim_id = "ClaimNo"`, and `[claims.values.kind]` with lines
    such as `"Refund w/o return" = "refund_only"`.
    """

    columns: AnyMapping[str, AnyMapping[str, str]] = field(default_factory=dict)
    """Table -> our column -> the file's column."""
    values: AnyMapping[str, AnyMapping[str, AnyMapping[str, str]]] = field(default_factory=dict)
    """Table -> our column -> the file's value -> ours."""

    @staticmethod
    def load(path: Path) -> "Mapping":
        """Read a mapping from a TOML file; raises UnreadableInputError naming what is wrong with it."""
        try:
            document = tomllib.loads(path.read_text("utf-8"))
        except OSError as error:
            raise UnreadableInputError(f"{path}: {error.strerror or 'cannot be read'}") from None
        except UnicodeDecodeError:
            raise UnreadableInputError(f"{path}: not UTF-8; save it as UTF-8") from None
        except tomllib.TOMLDecodeError as error:
            raise UnreadableInputError(f"{path}: not TOML: {error}") from None
        columns: dict[str, dict[str, str]] = {}
        values: dict[str, dict[str, dict[str, str]]] = {}
        for name, section in document.items():
            if name not in TABLES or not isinstance(section, dict):
                raise UnreadableInputError(f"{path}: [{name}] is none of {', '.join(TABLES)}")
            renamed = {key: value for key, value in section.items() if key != "values"}
            columns[name] = _renamed(renamed, f"{path}: [{name}]", name)
            values[name] = _reworded(section.get("values", {}), f"{path}: [{name}.values]", name)
        return Mapping(columns, values)


def _renamed(section: dict[str, object], where: str, table: str) -> dict[str, str]:
    known = [column.name for column in TABLES[table].columns]
    names: dict[str, str] = {}
    for ours, theirs in section.items():
        if ours not in known:
            raise UnreadableInputError(f"{where} {ours}: no column of ours; it is one of {', '.join(known)}")
        if not isinstance(theirs, str) or not theirs:
            raise UnreadableInputError(f'{where} {ours}: write the file\'s column in quotes: {ours} = "…"')
        if theirs in names.values():
            raise UnreadableInputError(f"{where} {ours}: two columns cannot be read from one")
        names[ours] = theirs
    return names


def _reworded(section: object, where: str, table: str) -> dict[str, dict[str, str]]:
    """Check `[table.values.column]` sections: only columns of words (and currencies, flags) have some."""
    chosen = (Content.WORD, Content.CURRENCY, Content.FLAG)
    worded = {column.name: column for column in TABLES[table].columns if column.content in chosen}
    if not isinstance(section, dict):
        raise UnreadableInputError(f"{where}: write one section a column: [{table}.values.kind]")
    for name, words in section.items():
        if name not in worded:
            others = ", ".join(worded) or "no column"
            raise UnreadableInputError(f"{where} {name}: its values cannot be renamed; those of {others} can")
        if not isinstance(words, dict) or not all(isinstance(word, str) for word in words.values()):
            raise UnreadableInputError(f'{where} {name}: write lines such as "their word" = "our word"')
        allowed = worded[name].words
        for word in words.values():
            if allowed and word not in allowed:
                raise UnreadableInputError(f"{where} {name}: {word!r} is none of {', '.join(allowed)}")
    return {str(name): dict(words) for name, words in section.items()}


@dataclass(frozen=True)
class IntakeOptions:
    """How files are read; the defaults fit files that follow the documentation."""

    mapping: Mapping | None = None
    """Names of columns and values, where they are not ours."""
    delimiter: str | None = None
    """What stands between the cells of a CSV file; None is a comma."""
    decimal: Literal[".", ","] = "."
    """The decimal mark of amounts in text."""
    date_formats: tuple[str, ...] = ()
    """strftime formats of times in text, tried in this order; none means ISO 8601."""
    default_currency: str = NO_CURRENCY
    """The currency of amounts that come without one (XXX: not told)."""
    max_rejected: float = 0.01
    """The share of a file's rows that may be bad, 0 to 1."""
    max_decompressed_bytes: int = 64 * 2**30
    """How far one compressed file may unfold."""
    max_compression_ratio: float = 1000.0
    """How many bytes a compressed byte may become, once 16 MiB have been unfolded."""

    def __post_init__(self) -> None:
        if self.delimiter is not None and (
            len(self.delimiter) != 1 or not self.delimiter.isascii() or self.delimiter in '"\r\n\0'
        ):
            raise UnreadableInputError("the delimiter is one ASCII character, and no quote or line end")
        if self.decimal not in (".", ","):
            raise UnreadableInputError("the decimal mark is a point or a comma")
        if self.default_currency not in EXPONENTS:
            raise UnreadableInputError("the default currency is no ISO 4217 code in capitals, such as EUR")
        if not 0 <= self.max_rejected <= 1:
            raise UnreadableInputError("the share of rows that may be rejected lies between 0 and 1")
        if self.max_decompressed_bytes < 1 or self.max_compression_ratio < 1:
            raise UnreadableInputError("the limits of decompression are at least 1")
