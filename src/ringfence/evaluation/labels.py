"""The truth about buyers, as people write it down."""

from pathlib import Path

import polars as pl

from ringfence.domain.errors import InvalidError, NotFoundError

FRAUD_WORDS = (
    "1",
    "1.0",
    "true",
    "t",
    "yes",
    "y",
    "fraud",
    "fraudulent",
    "fraudster",
    "ring",
    "abuse",
    "bad",
)
HONEST_WORDS = (
    "0",
    "0.0",
    "false",
    "f",
    "no",
    "n",
    "honest",
    "clean",
    "good",
    "legit",
    "legitimate",
    "normal",
)
GROUPINGS = ("pattern", "lookalike", "country", "account_age")
"""Optional columns of free words by which figures are broken down."""

_UNKNOWN = ("", "unknown", "?", "null", "none", "na", "n/a")


def read_labels(path: Path | str) -> pl.DataFrame:
    """Read labels from CSV (UTF-8, header; gzip or zstandard too) or Parquet; see `parse_labels` for columns.

    A cell that a spreadsheet-safe CSV escaped with an apostrophe (`'=x`) is read without it. Raises
    NotFoundError or InvalidError in one line.
    """
    source = Path(path)
    if not source.is_file():
        raise NotFoundError(f"There is no labels file {source}.")
    try:
        if source.suffix == ".parquet":
            return parse_labels(pl.read_parquet(source))
        frame = pl.read_csv(source, infer_schema=False)
    except (pl.exceptions.PolarsError, OSError) as error:
        reason = (str(error).splitlines() or ["damaged"])[0]
        raise InvalidError(f"The labels file {source} cannot be read: {reason}.") from error
    return parse_labels(frame.with_columns(pl.all().str.replace(r"^'([=+\-@\t\r\n'])", "$1")))


def parse_labels(frame: pl.DataFrame) -> pl.DataFrame:
    """Labels as evaluation wants them, one row a buyer, sorted; parsing them again changes nothing.

    In: `buyer_id` with `label` (1/0, true/false, yes/no, fraud/honest …; empty is unknown and left out), or
    with `ring_id` alone (empty is honest); `pattern`, `lookalike`, `country` and `account_age` may follow.
    Out: buyer_id, label (Boolean), ring_id (null unless fraud in a named ring), and the four, null where
    not told. Raises InvalidError for a missing column, a word that is no label, a buyer labelled twice and
    differently, or no label at all.
    """
    text = frame.rename({name: name.strip().lower() for name in frame.columns}).select(
        pl.col("*").cast(pl.String)
    )
    if "buyer_id" not in text.columns:
        raise InvalidError("The labels have no column buyer_id.")
    if "label" not in text.columns and "ring_id" not in text.columns:
        raise InvalidError("The labels need a column label or ring_id beside buyer_id.")
    text = text.filter(pl.any_horizontal(pl.all().is_not_null()))
    if text.get_column("buyer_id").fill_null("").eq("").any():
        raise InvalidError("The labels have a row without buyer_id.")
    named = text.with_columns(
        _words(text, name).alias(name) for name in ("ring_id", *GROUPINGS)
    ).with_columns(_is_fraud(text).alias("label"))
    known = (
        named.filter(pl.col("label").is_not_null())
        .with_columns(pl.when("label").then("ring_id").alias("ring_id"))
        .select("buyer_id", "label", "ring_id", *GROUPINGS)
        .unique()
        .sort("buyer_id")
    )
    if known.is_empty():
        raise InvalidError("The labels name no buyer.")
    twice = known.filter(pl.col("buyer_id").is_duplicated())
    if not twice.is_empty():
        raise InvalidError(f"Buyer {twice.item(0, 'buyer_id')!r} is labelled twice, differently.")
    return known


def _words(text: pl.DataFrame, name: str) -> pl.Series:
    """The column with empty cells as null; all null where there is no such column."""
    if name not in text.columns:
        return pl.Series([None] * text.height, dtype=pl.String)
    column = text.get_column(name)
    return column.set(column.str.strip_chars() == "", None)


def _is_fraud(text: pl.DataFrame) -> pl.Series:
    if "label" not in text.columns:
        return _words(text, "ring_id").is_not_null()
    word = text.get_column("label").fill_null("").str.strip_chars().str.to_lowercase()
    strange = word.filter(~word.is_in([*FRAUD_WORDS, *HONEST_WORDS, *_UNKNOWN]))
    if len(strange):
        raise InvalidError(f"{strange[0]!r} is no label: say 1 or 0, yes or no, fraud or honest.")
    return word.is_in(FRAUD_WORDS).set(word.is_in(_UNKNOWN), None)
