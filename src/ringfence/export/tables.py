"""The tables of a run, and how each becomes a CSV that no spreadsheet runs and that reads back the same."""

from pathlib import Path
from typing import IO, Any

import polars as pl

from ringfence.domain.errors import InvalidError
from ringfence.market.results import MAY_BE_NULL, SCHEMAS, brought_forward

_TIME = pl.Datetime("us", "UTC")

_DECIMALS = {"buyers": 9}
"""Decimals of the fractions in a table where not 6: fewer would tie buyers of a large marketplace."""

_KINDS = {_TIME: "time", pl.Boolean(): "true or false"}
"""What a column holds that holds no number, in words."""
_TRUTHS = {"true": True, "false": False}

_ESCAPED = r"^(['=+\-@\t\r\n])"
_UNESCAPED = r"^'"


def conform(table: str, frame: pl.DataFrame) -> pl.DataFrame:
    """The frame with the table's columns, in their order and types.

    Times may come as text in ISO 8601 or without zone, which is UTC; other columns are dropped, null text
    becomes empty, or empty text null in a column where null means something. Raises InvalidError for a
    missing column, a value of another type, NaN or infinity.
    """
    schema = SCHEMAS[table]
    missing = [name for name in schema if name not in frame.columns]
    if missing:
        raise InvalidError(f"The table {table} has no column {missing[0]}.")
    columns = []
    for name, wanted in schema.items():
        try:
            cast = _cast(frame.get_column(name), wanted)
            columns.append(cast.replace("", None) if (table, name) in MAY_BE_NULL else cast)
        except pl.exceptions.PolarsError as error:
            kind = _KINDS.get(wanted, "number")
            raise InvalidError(f"The table {table} has a value in {name} that is no {kind}.") from error
        if wanted == pl.Float64 and not columns[-1].drop_nulls().is_finite().all():
            raise InvalidError(f"The table {table} has a value in {name} that is no finite number.")
    return pl.DataFrame(columns)


def write_table(table: str, frame: pl.DataFrame, target: Path | IO[bytes]) -> None:
    """Write a conforming frame as CSV: UTF-8, LF, fixed decimals, times in ISO 8601 UTC, null as nothing.

    A text cell that begins with one of `= + - @`, tab, CR, LF or an apostrophe gets one apostrophe before
    it, so that a spreadsheet shows it instead of running it; since cells that begin with an apostrophe get
    one too, `read_table` takes away exactly one and nothing is ambiguous.
    """
    decimals = _DECIMALS.get(table, 6)
    plain = [_as_text(name, dtype, decimals) for name, dtype in frame.schema.items()]
    frame.select(plain).write_csv(target, line_terminator="\n", float_precision=decimals)


def read_table(table: str, path: Path) -> pl.DataFrame:
    """Read what `write_table` wrote. Raises InvalidError in one line for a damaged file."""
    try:
        text = pl.read_csv(path, infer_schema=False)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise InvalidError(
            f"{path} cannot be read: {(str(error).splitlines() or ['damaged'])[0]}."
        ) from error
    numbers = {name for name, dtype in SCHEMAS[table].items() if dtype != pl.String}
    cells = text.with_columns(
        pl.col(name).replace("", None) if name in numbers else pl.col(name).str.replace(_UNESCAPED, "")
        for name in text.columns
    )
    return conform(table, brought_forward(table, cells))


def _cast(column: pl.Series, wanted: Any) -> pl.Series:
    if wanted == pl.String:
        return column.cast(pl.String).fill_null("")
    if wanted == pl.Boolean and column.dtype == pl.String:
        return column.replace_strict(_TRUTHS, return_dtype=pl.Boolean)
    if wanted != _TIME:
        return column.cast(wanted)
    if column.dtype == pl.String:
        return column.str.to_datetime(time_unit="us", time_zone="UTC")
    if isinstance(column.dtype, pl.Datetime) and column.dtype.time_zone is not None:
        return column.dt.convert_time_zone("UTC").cast(_TIME)
    return column.cast(pl.Datetime("us")).dt.replace_time_zone("UTC")


def _as_text(name: str, dtype: pl.DataType, decimals: int) -> pl.Expr:
    column = pl.col(name)
    if dtype == pl.String:
        return column.str.replace(_ESCAPED, "'$1")
    if dtype.is_temporal():
        return column.dt.to_string("%Y-%m-%dT%H:%M:%S%.fZ")
    if dtype.is_float():
        rounded = column.round(decimals)
        # A negative zero would print with a sign.
        return pl.when(rounded == 0.0).then(0.0).otherwise(rounded).alias(name)
    return column
