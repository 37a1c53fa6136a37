"""Ways to write one identifier brought to one: what is equal afterwards is the same address, phone or e-mail."""

import polars as pl

from ringfence.domain.identifiers import IdentifierKind

NORMALISER_VERSION = 1
"""Rises whenever a value's normal form changes: pseudonyms of different versions do not compare."""

_PLACEHOLDERS = ("", "null", "n/a", "na", "n a", "nan", "nil", "none", "unknown", "undefined", "-", "--", "?")
_FEWEST_PHONE_DIGITS = 5
_DIGITS = {chr(zero + digit): str(digit) for zero in (0x660, 0x6F0, 0x966) for digit in range(10)}
"""Arabic, Persian and Devanagari digits, which NFKC leaves as they are."""


def normalise(kind: IdentifierKind, values: pl.Series) -> pl.Series:
    """Give the normal form of N strings of one kind; null where a value says nothing (such as "n/a").

    - address: NFKC, case folded, punctuation and spaces collapsed to one space, a number of at most four
      digits joined with a single letter after it ("4 B", "4-b" and "4b" are one);
    - phone: digits alone, without a leading 00;
    - email: case folded, without +tag; for gmail.com (and googlemail.com, which is the same) without dots;
    - device, payment: case folded, trimmed.
    """
    folded = _folded(pl.col("value"))
    match kind:
        case IdentifierKind.ADDRESS:
            normal = _address(folded)
        case IdentifierKind.PHONE:
            normal = _phone(folded)
        case IdentifierKind.EMAIL:
            normal = _email(folded)
        case _:
            normal = folded
    is_nothing = folded.is_in(_PLACEHOLDERS) | normal.is_in(_PLACEHOLDERS) | folded.str.contains(r"^[0\W_]*$")
    chosen = pl.when(~is_nothing).then(normal).alias("value")
    return pl.DataFrame({"value": values}, schema={"value": pl.String}).select(chosen)["value"]


def _folded(value: pl.Expr) -> pl.Expr:
    """Fold case as far as it changes equality: lower case, sharp s and final sigma."""
    lower = value.str.normalize("NFKC").str.to_lowercase()
    return lower.str.replace_many({"ß": "ss", "ς": "σ", **_DIGITS}).str.strip_chars()


def _address(folded: pl.Expr) -> pl.Expr:
    words = folded.str.replace_all(r"[^\p{L}\p{M}\p{N}]+", " ").str.strip_chars()
    return words.str.replace_all(r"\b(\d{1,4}) (\p{L})\b", "$1$2")


def _phone(folded: pl.Expr) -> pl.Expr:
    digits = folded.str.replace_all(r"[^0-9]+", "").str.strip_prefix("00")
    return pl.when(digits.str.len_bytes() >= _FEWEST_PHONE_DIGITS).then(digits).otherwise(pl.lit(""))


def _email(folded: pl.Expr) -> pl.Expr:
    local = folded.str.extract(r"^(.*?)(?:\+[^@]*)?@[^@]*$", 1)
    domain = folded.str.extract(r"@([^@]*)$", 1).str.replace(r"^googlemail\.com$", "gmail.com")
    plain = pl.when(domain == "gmail.com").then(local.str.replace_all(".", "", literal=True)).otherwise(local)
    return pl.coalesce(pl.concat_str(plain, pl.lit("@"), domain), folded)
