"""Ways to write one identifier brought to one: what is equal afterwards is the same."""

import numpy as np
import polars as pl
from numba import njit
from numpy.typing import NDArray

from ringfence.domain.identifiers import IdentifierKind
from ringfence.intake.messages import as_bytes

NORMALISER_VERSION = 1
"""Rises whenever a value's normal form changes: pseudonyms of different versions do not compare."""

_PLACEHOLDERS = ("null", "n/a", "na", "n.a.", "nan", "nil", "none", "unknown", "undefined")
_FEWEST_PHONE_DIGITS = 5
_DIGITS = {chr(zero + digit): str(digit) for zero in (0x660, 0x6F0, 0x966) for digit in range(10)}
"""Arabic, Persian and Devanagari digits, which NFKC leaves as they are."""
_FOLDS = {
    "\N{LATIN SMALL LETTER SHARP S}": "ss",
    "\N{GREEK SMALL LETTER FINAL SIGMA}": "\N{GREEK SMALL LETTER SIGMA}",
}


def normalise(kind: IdentifierKind, values: pl.Series) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Give the normal forms of N strings in UTF-8, end to end, and int64[N + 1], where each begins.

    Empty where a value says nothing (such as "n/a" or "0000000000").
    - address: NFKC, case folded, punctuation and spaces collapsed to one space, a number of at most four
      digits joined with a single letter after it ("4 B", "4-b" and "4b" are one);
    - phone: digits alone, without a leading 00;
    - email: case folded, without +tag; for gmail.com (and googlemail.com, which is the same) without dots;
    - device, payment: case folded, trimmed.
    """
    folded = _folded(values)
    is_nothing = folded.is_in(_PLACEHOLDERS) | folded.str.contains(r"^[0\W_]*$")
    data, starts = as_bytes(folded.set(is_nothing, ""))
    if kind in (IdentifierKind.DEVICE, IdentifierKind.PAYMENT):
        return data, starts
    out, ends = np.empty(len(data), np.uint8), np.zeros(len(starts), np.int64)
    if kind == IdentifierKind.ADDRESS:
        written = _addresses(data, starts, out, ends)
    elif kind == IdentifierKind.PHONE:
        written = _phones(data, starts, out, ends)
    else:
        written = _emails(data, starts, out, ends)
    return out[:written], ends


def _folded(values: pl.Series) -> pl.Series:
    """Trim and fold case as far as it changes equality, and leave no punctuation beyond ASCII."""
    folded = values.fill_null("").str.to_lowercase()
    exotic = (folded.str.len_bytes() != folded.str.len_chars()).arg_true()
    if len(exotic):
        plain = (
            values.gather(exotic).str.normalize("NFKC").str.to_lowercase().str.replace_many(_FOLDS | _DIGITS)
        )
        plain = plain.str.replace_all(r"[^\p{L}\p{M}\p{N}\x00-\x7F]+", " ")
        folded = folded.scatter(exotic, plain)
    return folded.str.strip_chars()


@njit(cache=True, nogil=True)
def is_digit(byte: int) -> bool:
    """Tell ASCII digits."""
    return 48 <= byte <= 57


@njit(cache=True, nogil=True)
def _is_word(byte: int) -> bool:
    """Tell letters and digits; beyond ASCII nothing else is left."""
    return 97 <= byte <= 122 or 48 <= byte <= 57 or byte >= 128


@njit(cache=True, nogil=True)
def _addresses(
    data: NDArray[np.uint8], starts: NDArray[np.int64], out: NDArray[np.uint8], ends: NDArray[np.int64]
) -> int:
    written = 0
    for value in range(len(starts) - 1):
        begin = written
        is_short_number = False
        at, end = starts[value], starts[value + 1]
        while at < end:
            if not _is_word(data[at]):
                at += 1
                continue
            word = at
            letters = 0
            is_number = True
            while at < end and _is_word(data[at]):
                letters += (data[at] & 0xC0) != 0x80
                is_number = is_number and is_digit(data[at])
                at += 1
            is_joined = is_short_number and letters == 1 and not is_number
            if written > begin and not is_joined:
                out[written] = 32
                written += 1
            for i in range(at - word):
                out[written + i] = data[word + i]
            written += at - word
            is_short_number = is_number and at - word <= 4
        ends[value + 1] = written
    return written


@njit(cache=True, nogil=True)
def _phones(
    data: NDArray[np.uint8], starts: NDArray[np.int64], out: NDArray[np.uint8], ends: NDArray[np.int64]
) -> int:
    written = 0
    for value in range(len(starts) - 1):
        begin = written
        for at in range(starts[value], starts[value + 1]):
            if is_digit(data[at]):
                out[written] = data[at]
                written += 1
        if written >= begin + 2 and out[begin] == 48 and out[begin + 1] == 48:
            written -= 2
            for at in range(begin, written):
                out[at] = out[at + 2]
        if written - begin < _FEWEST_PHONE_DIGITS:
            written = begin
        ends[value + 1] = written
    return written


@njit(cache=True, nogil=True)
def _ends_with(data: NDArray[np.uint8], begin: int, end: int, tail: bytes) -> bool:
    if end - begin != len(tail):
        return False
    same = 0
    for i in range(len(tail)):
        same += data[begin + i] == tail[i]
    return same == len(tail)


@njit(cache=True, nogil=True)
def _emails(
    data: NDArray[np.uint8], starts: NDArray[np.int64], out: NDArray[np.uint8], ends: NDArray[np.int64]
) -> int:
    written = 0
    for value in range(len(starts) - 1):
        begin, end = starts[value], starts[value + 1]
        sign = end
        for at in range(begin, end):
            if data[at] == 64:
                sign = at
        is_gmail = _ends_with(data, sign + 1, end, b"gmail.com")
        is_google = _ends_with(data, sign + 1, end, b"googlemail.com")
        is_tagged = False
        for at in range(begin, end):
            is_tagged = (is_tagged or (data[at] == 43 and at > begin and sign < end)) and at < sign
            if is_tagged or (at < sign and data[at] == 46 and (is_gmail or is_google)):
                continue
            if is_google and sign + 1 < at <= sign + 6:
                continue
            out[written] = data[at]
            written += 1
        ends[value + 1] = written
    return written
