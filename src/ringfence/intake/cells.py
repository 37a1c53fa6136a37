"""Cells into typed columns: each is read faithfully or its row is rejected with a reason, never guessed."""

from collections.abc import Mapping as AnyMapping
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ringfence.domain.currencies import EXPONENTS
from ringfence.intake import amounts_and_times as text
from ringfence.intake.batches import Bad, Batch
from ringfence.intake.csv_scan import CELL_LIMIT
from ringfence.intake.errors import UnreadableInputError
from ringfence.intake.options import IntakeOptions
from ringfence.intake.tables import Column, Content, Table

ID_LIMIT = 200
"""Bytes an id may have."""
_LARGEST_COUNT = 10**9 - 1
_FLAGS = {"true": "true", "false": "false", "1": "true", "0": "false", "yes": "true", "no": "false"}
_LARGEST_WHOLE_FLOAT = 2.0**53


@dataclass(frozen=True)
class Parsed:
    """The good rows of a batch, N of them, one type a content.

    ID, TEXT, WORD, FLAG, CURRENCY: String; TIME, AMOUNT: Int64 (µs, minor units); COUNT: Int64; null where a
    cell is empty.
    """

    frame: pl.DataFrame
    lines: NDArray[np.int64]
    bad: tuple[Bad, ...]
    rounded: int
    """Amounts that had more decimals than any currency and were rounded to the minor unit."""


class _Rows:
    """The rows of a batch and why some of them are bad; the first reason counts."""

    def __init__(self, size: int) -> None:
        self.is_good = np.ones(size, np.bool_)
        self.found: list[tuple[NDArray[np.int64], str, str]] = []
        self.rounded = 0

    def reject(self, is_bad: NDArray[np.bool_] | pl.Series, column: str, reason: str) -> None:
        """Reject the rows where `is_bad` (null is no)."""
        if isinstance(is_bad, pl.Series):
            is_bad = is_bad.fill_null(value=False).to_numpy()
        if is_bad.any():
            rows = np.flatnonzero(is_bad & self.is_good)
            self.is_good[rows] = False
            self.found.append((rows, column, reason))


def parse_cells(batch: Batch, file: str, table: Table, options: IntakeOptions) -> Parsed:
    """Read the cells of `batch` as what `table` says they are; bad rows are left out and told.

    Raises UnreadableInputError where a typed column of a file cannot hold such cells at all.
    """
    rows = _Rows(len(batch.frame))
    columns: dict[str, pl.Series] = {}
    present = [column for column in table.columns if column.name in batch.frame.columns]
    for column in sorted(present, key=lambda column: column.content != Content.CURRENCY):
        cells = _plain(batch.frame[column.name], file, column)
        if cells.dtype == pl.String:
            cells = _without_blanks(cells)
            long = ID_LIMIT if column.content == Content.ID else CELL_LIMIT
            reason = (
                f"an id of more than {ID_LIMIT} bytes" if long == ID_LIMIT else "a cell of more than 64 KiB"
            )
            rows.reject(cells.str.len_bytes() > long, column.name, reason)
        if column.is_required:
            rows.reject(cells.is_null(), column.name, "empty")
        words = options.mapping.values.get(table.name, {}).get(column.name, {}) if options.mapping else {}
        columns[column.name] = _parse(cells, column, words, columns.get("currency"), rows, options)
    frame = pl.DataFrame([columns[column.name] for column in present])
    if any(column.name == "currency" for column in table.columns):
        filled = pl.col("currency") if "currency" in columns else pl.lit(None, pl.String)
        frame = frame.with_columns(filled.fill_null(options.default_currency).alias("currency"))
    bad = tuple(Bad(batch.lines[found], column, reason) for found, column, reason in rows.found if len(found))
    if bad:
        good, bad_rows = pl.Series(rows.is_good), (*batch.bad, *bad)
        return Parsed(frame.filter(good), batch.lines[rows.is_good], bad_rows, rows.rounded)
    return Parsed(frame, batch.lines, batch.bad, rows.rounded)


def _parse(
    cells: pl.Series,
    column: Column,
    words: AnyMapping[str, str],
    currency: pl.Series | None,
    rows: _Rows,
    options: IntakeOptions,
) -> pl.Series:
    match column.content:
        case Content.TIME:
            return _times(cells, column.name, rows, options)
        case Content.AMOUNT:
            return _amounts(cells, column.name, currency, rows, options)
        case Content.WORD | Content.CURRENCY | Content.FLAG:
            return _words(cells, column, words, rows)
        case Content.WORDS:
            pattern = rf"^\W*(?:(?:{'|'.join(column.words)})(?:\W+|$))*$"
            rows.reject(~cells.str.contains(pattern), column.name, "none of " + ", ".join(column.words))
            return cells
        case Content.COUNT:
            return _counts(cells, column.name, rows)
        case Content.RATE:
            return _rates(cells, column.name, rows, options)
        case _:
            return cells


def _plain(cells: pl.Series, file: str, column: Column) -> pl.Series:
    """Bring a column of any type to text, or to the few types that are read as they are."""
    kind = cells.dtype
    readable = {
        Content.TIME: kind == pl.Date or isinstance(kind, pl.Datetime),
        Content.AMOUNT: kind.is_numeric(),
        Content.COUNT: kind.is_integer() or kind.is_float(),
        Content.RATE: kind.is_numeric(),
    }
    if kind == pl.String or readable.get(column.content, False):
        return cells
    if isinstance(kind, pl.Categorical | pl.Enum) or kind == pl.Null:
        return cells.cast(pl.String)
    if column.content in (Content.ID, Content.TEXT, Content.FLAG):
        if kind.is_integer():
            return cells.cast(pl.String)
        if kind.is_float() and ((cells % 1 == 0) & (cells.abs() <= _LARGEST_WHOLE_FLOAT)).all():
            return cells.cast(pl.Int64).cast(pl.String)
        if kind.is_decimal() and (cells % 1 == 0).all():
            return cells.cast(pl.Int128).cast(pl.String)
    if column.content == Content.FLAG and kind == pl.Boolean:
        return cells.cast(pl.String)
    if column.content == Content.WORDS and isinstance(kind, pl.List) and kind.inner in (pl.String, pl.Null):
        return cells.cast(pl.List(pl.String)).list.join(";")
    if kind == pl.Binary:
        try:
            return cells.cast(pl.String)
        except pl.exceptions.PolarsError:
            raise UnreadableInputError(
                f"{file}: column {column.name} is not UTF-8; write it as text"
            ) from None
    raise UnreadableInputError(
        f"{file}: column {column.name} has the type {kind}, which cannot be read faithfully; write it as text"
    )


def _without_blanks(cells: pl.Series) -> pl.Series:
    """Make cells of nothing but spaces null."""
    blank = cells.str.strip_chars() == ""
    return cells.set(blank, None) if blank.any() else cells


def _times(cells: pl.Series, name: str, rows: _Rows, options: IntakeOptions) -> pl.Series:
    """Read times as µs since 1970 UTC."""
    if cells.dtype != pl.String:
        moments = cells.cast(pl.Datetime("us")) if cells.dtype == pl.Date else cells.dt.cast_time_unit("us")
        micros = moments.dt.epoch("us")
        rows.reject((micros < text.EARLIEST) | (micros >= text.LATEST), name, text.REASONS[text.OUT_OF_TIME])
        return micros
    if options.date_formats:
        found = pl.Series(cells.name, [None], pl.Int64).new_from_index(0, len(cells))
        stripped = cells.str.strip_chars()
        for shape in options.date_formats:
            found = found.zip_with(found.is_not_null(), _told_times(stripped, shape))
        rows.reject(cells.is_not_null() & found.is_null(), name, "not a time in the format that was told")
        rows.reject((found < text.EARLIEST) | (found >= text.LATEST), name, text.REASONS[text.OUT_OF_TIME])
        return found
    value, reason = text.parse_iso_times(cells)
    _reject_codes(reason, name, rows)
    return _nullable(cells, value)


def _told_times(cells: pl.Series, shape: str) -> pl.Series:
    """Read what has exactly this strftime format; null where a cell has not."""
    try:
        if "%z" in shape:
            return cells.str.to_datetime(shape, strict=False, time_zone="UTC", time_unit="us").dt.epoch("us")
        if any(part in shape for part in ("%H", "%I", "%T", "%R", "%X", "%c", "%s", "%r")):
            return cells.str.to_datetime(shape, strict=False, time_unit="us").dt.epoch("us")
        return cells.str.to_date(shape, strict=False).cast(pl.Datetime("us")).dt.epoch("us")
    except pl.exceptions.PolarsError:
        raise UnreadableInputError(f"the date format {shape!r} is not a strftime format") from None


def _amounts(
    cells: pl.Series, name: str, currency: pl.Series | None, rows: _Rows, options: IntakeOptions
) -> pl.Series:
    """Read amounts as minor units of each row's currency."""
    default = EXPONENTS[options.default_currency]
    exponents = np.full(len(cells), default, np.int8)
    if currency is not None:
        exponents = currency.replace_strict(EXPONENTS, default=default, return_dtype=pl.Int8).to_numpy()
    if cells.dtype.is_decimal():
        trimmed = cells.cast(pl.String).str.replace(r"(\.\d*?)0+$", "$1").str.strip_suffix(".")
        value, reason = text.parse_amounts(trimmed, exponents, ".")
    elif cells.dtype != pl.String:
        value, reason = _numbers(cells, exponents)
    else:
        value, reason = text.parse_amounts(cells, exponents, options.decimal)
    is_rounded = reason == text.ROUNDED
    rows.rounded += int(is_rounded.sum())
    _reject_codes(np.where(is_rounded, 0, reason).astype(np.uint8), name, rows)
    return _nullable(cells, value)


def _numbers(cells: pl.Series, exponents: NDArray[np.int8]) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
    """Read binary numbers as minor units, rounded where they are no such decimal.

    What arithmetic leaves, a few units in the last place, does not count as rounded.
    """
    last_place = 2.0**-23 if cells.dtype == pl.Float32 else 2.0**-52
    whole = cells.cast(pl.Float64).fill_null(0.0).to_numpy()
    scale = np.power(10.0, exponents)
    reason = np.zeros(len(whole), np.uint8)
    is_sound = np.isfinite(whole)
    with np.errstate(invalid="ignore", over="ignore"):
        minor = np.rint(whole * scale)
        missed_by = np.abs(whole * scale - minor)
        reason[missed_by > 64 * last_place * np.maximum(np.abs(minor), 1.0)] = text.ROUNDED
        reason[minor > text.LARGEST_AMOUNT] = text.TOO_LARGE
        reason[whole < 0] = text.NEGATIVE
    reason[~is_sound] = text.NOT_PLAIN
    return np.where((reason == 0) | (reason == text.ROUNDED), minor, 0).astype(np.int64), reason


def _words(cells: pl.Series, column: Column, words: AnyMapping[str, str], rows: _Rows) -> pl.Series:
    """Read words of a closed list, after renaming them as the mapping says."""
    plain = cells.str.strip_chars()
    if column.content == Content.CURRENCY:
        allowed, reason = list(EXPONENTS), "no ISO 4217 currency"
        plain = plain.replace(dict(words)).str.to_uppercase()
    elif column.content == Content.FLAG:
        allowed, reason = ["true", "false"], "neither true nor false"
        plain = plain.replace(dict(words)).str.to_lowercase().replace(_FLAGS)
    else:
        allowed, reason = list(column.words), "none of " + ", ".join(column.words)
        plain = plain.replace(dict(words))
    rows.reject(~plain.is_in(allowed), column.name, reason)
    return plain


def _counts(cells: pl.Series, name: str, rows: _Rows) -> pl.Series:
    if cells.dtype == pl.String:
        is_count = cells.str.strip_chars().str.contains(r"^\d{1,9}$")
        number = cells.str.strip_chars().cast(pl.Int64, strict=False)
    else:
        is_count = (cells >= 0) & (cells <= _LARGEST_COUNT) & (cells % 1 == 0)
        number = cells.cast(pl.Int64, strict=False)
    rows.reject(~is_count, name, "not a whole number from 0 to a thousand million")
    return number


def _rates(cells: pl.Series, name: str, rows: _Rows, options: IntakeOptions) -> pl.Series:
    if cells.dtype == pl.String:
        cells = cells.str.strip_chars().str.replace(options.decimal, ".", literal=True)
    rate = cells.cast(pl.Float64, strict=False).fill_null(float("nan"))
    rows.reject(~(rate.is_finite() & (rate > 0)), name, "not a positive number")
    return rate


def _reject_codes(reason: NDArray[np.uint8], name: str, rows: _Rows) -> None:
    if reason.any():
        for code in np.unique(reason[reason > 0]):
            rows.reject(reason == code, name, text.REASONS[int(code)])


def _nullable(cells: pl.Series, value: NDArray[np.int64]) -> pl.Series:
    """Give `value` as a column that is null where `cells` is."""
    column = pl.Series(cells.name, value)
    return column.set(cells.is_null(), None) if cells.null_count() else column
