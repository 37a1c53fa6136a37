"""Amounts and times out of text, exactly or not at all."""

import numpy as np
import polars as pl
from numba import njit
from numpy.typing import NDArray

from ringfence.intake.messages import as_bytes

Bytes = NDArray[np.uint8]
Longs = NDArray[np.int64]

LARGEST_AMOUNT = 10**15
"""Minor units."""
EARLIEST = 0
"""1970-01-01 in µs since then."""
LATEST = 4_133_980_800_000_000
"""2101-01-01 in µs since 1970; the first moment that is too late."""

MOST_PLACES = 4
"""No currency has more; an amount with more decimals was computed, and is rounded to the minor unit."""

NOT_PLAIN, NEGATIVE, TOO_MANY_DIGITS, TOO_LARGE, NOT_A_TIME, NO_SUCH_TIME, OUT_OF_TIME = range(1, 8)
ROUNDED = 8
"""No reason to reject: the amount was computed and is rounded, half up."""
REASONS = {
    NOT_PLAIN: "not a plain decimal number",
    NEGATIVE: "negative",
    TOO_MANY_DIGITS: "more decimal digits than the currency has",
    TOO_LARGE: "too large",
    NOT_A_TIME: "not an ISO 8601 date or time; say its format with --date-format",
    NO_SUCH_TIME: "no such date or time",
    OUT_OF_TIME: "not between the years 1970 and 2100",
}


def parse_amounts(text: pl.Series, exponents: NDArray[np.int8], decimal: str) -> tuple[Longs, Bytes]:
    """Read N decimals as minor units; give int64[N] and uint8[N]: 0, ROUNDED or why not (as in REASONS)."""
    data, starts = as_bytes(text)
    value, reason = np.zeros(len(text), np.int64), np.zeros(len(text), np.uint8)
    _parse_amounts(data, starts, exponents, ord(decimal), value, reason)
    return value, reason


def parse_iso_times(text: pl.Series) -> tuple[Longs, Bytes]:
    """Read N ISO 8601 dates or times, UTC if no zone; give int64[N] µs and uint8[N], 0 or why not."""
    data, starts = as_bytes(text)
    value, reason = np.zeros(len(text), np.int64), np.zeros(len(text), np.uint8)
    _parse_times(data, starts, value, reason)
    return value, reason


@njit(cache=True, nogil=True)
def _trim(data: NDArray[np.uint8], begin: int, end: int) -> tuple[int, int]:
    while begin < end and (data[begin] == 32 or data[begin] == 9 or data[begin] == 13 or data[begin] == 10):
        begin += 1
    while begin < end and (
        data[end - 1] == 32 or data[end - 1] == 9 or data[end - 1] == 13 or data[end - 1] == 10
    ):
        end -= 1
    return begin, end


@njit(cache=True, nogil=True)
def _parse_amounts(
    data: NDArray[np.uint8],
    starts: NDArray[np.int64],
    exponents: NDArray[np.int8],
    mark: int,
    value: NDArray[np.int64],
    reason: NDArray[np.uint8],
) -> None:
    for row in range(len(value)):
        at, end = _trim(data, starts[row], starts[row + 1])
        if at == end:
            continue
        is_negative = data[at] == 45
        if is_negative:
            at += 1
        minor = digits = places = next_digit = 0
        is_after_mark = is_wrong = is_large = has_more = False
        for place in range(at, end):
            byte = data[place]
            if byte == mark and not is_after_mark and digits > 0:
                is_after_mark = True
            elif 48 <= byte <= 57:
                digits += 1
                places += is_after_mark
                if places > exponents[row]:
                    has_more = has_more or byte != 48  # a zero says nothing, as in JPY 500.00
                    if places == exponents[row] + 1:
                        next_digit = byte - 48
                elif minor <= LARGEST_AMOUNT:
                    minor = minor * 10 + (byte - 48)
            else:
                is_wrong = True
                break
        if is_wrong or digits == 0 or (is_after_mark and places == 0):
            reason[row] = NOT_PLAIN
        elif is_negative:
            reason[row] = NEGATIVE
        elif places <= MOST_PLACES and (has_more or (places == 3 and places > exponents[row])):
            # Three places too many may be thousands: 1.000 is one to some and a thousand to others.
            reason[row] = TOO_MANY_DIGITS
        else:
            for _ in range(exponents[row] - places):
                if minor <= LARGEST_AMOUNT:
                    minor *= 10
            if has_more:
                reason[row] = ROUNDED
                minor += next_digit >= 5
            is_large = minor > LARGEST_AMOUNT
            if is_large:
                reason[row] = TOO_LARGE
            else:
                value[row] = minor


@njit(cache=True, nogil=True)
def _number(data: NDArray[np.uint8], at: int, end: int, digits: int) -> int:
    """Read exactly so many digits; -1 if they are not there."""
    if at + digits > end:
        return -1
    number = 0
    for place in range(at, at + digits):
        if not 48 <= data[place] <= 57:
            return -1
        number = number * 10 + data[place] - 48
    return number


@njit(cache=True, nogil=True)
def _days(year: int, month: int, day: int) -> int:
    """Count the days from 1970-01-01 to a date of the Gregorian calendar."""
    year -= month <= 2
    era = year // 400
    of_era = year - era * 400
    of_year = (153 * (month + (-3 if month > 2 else 9)) + 2) // 5 + day - 1
    return era * 146097 + of_era * 365 + of_era // 4 - of_era // 100 + of_year - 719468


@njit(cache=True, nogil=True)
def _month_length(year: int, month: int) -> int:
    if month == 2:
        return 29 if year % 4 == 0 and (year % 100 != 0 or year % 400 == 0) else 28
    return 30 if month in (4, 6, 9, 11) else 31


@njit(cache=True, nogil=True)
def _zone(data: NDArray[np.uint8], at: int, end: int) -> int:
    """Read Z, ±hh, ±hhmm or ±hh:mm up to the end; minutes east of UTC, or 10,000 if it is none of these."""
    if at == end or (end - at == 1 and (data[at] == 90 or data[at] == 122)):
        return 0
    if data[at] != 43 and data[at] != 45:
        return 10_000
    sign = 1 if data[at] == 43 else -1
    hours = _number(data, at + 1, end, 2)
    minutes = 0
    at += 3
    if at < end:
        at += data[at] == 58
        minutes = _number(data, at, end, 2)
        at += 2
    if hours < 0 or minutes < 0 or at != end:
        return 10_000
    if hours > 23 or minutes > 59:
        return 20_000
    return sign * (60 * hours + minutes)


@njit(cache=True, nogil=True)
def _parse_times(
    data: NDArray[np.uint8], starts: NDArray[np.int64], value: NDArray[np.int64], reason: NDArray[np.uint8]
) -> None:
    for row in range(len(value)):
        at, end = _trim(data, starts[row], starts[row + 1])
        if at == end:
            continue
        reason[row] = NOT_A_TIME
        year, month, day = (
            _number(data, at, end, 4),
            _number(data, at + 5, end, 2),
            _number(data, at + 8, end, 2),
        )
        if year < 0 or month < 0 or day < 0 or data[at + 4] != 45 or data[at + 7] != 45:
            continue
        at += 10
        hour = minute = second = micro = zone = 0
        if at < end:
            if data[at] != 84 and data[at] != 32 and data[at] != 116:
                continue
            hour, minute = _number(data, at + 1, end, 2), _number(data, at + 4, end, 2)
            if hour < 0 or minute < 0 or data[at + 3] != 58:
                continue
            at += 6
            if at < end and data[at] == 58:
                second = _number(data, at + 1, end, 2)
                if second < 0:
                    continue
                at += 3
                if at < end and (data[at] == 46 or data[at] == 44):
                    at += 1
                    digits = 0
                    while at < end and 48 <= data[at] <= 57:
                        if digits < 6:
                            micro = micro * 10 + data[at] - 48
                        digits += 1
                        at += 1
                    if digits == 0 or digits > 9:
                        continue
                    for _ in range(6 - digits):
                        micro *= 10
            if at < end and data[at] == 32 and at + 1 < end:
                at += 1
            zone = _zone(data, at, end)
            if zone == 10_000:
                continue
        is_date = 1 <= month <= 12 and day >= 1 and day <= _month_length(year, month)
        if not is_date or hour > 23 or minute > 59 or second > 59 or zone == 20_000:
            reason[row] = NO_SUCH_TIME
            continue
        minutes = (_days(year, month, day) * 24 + hour) * 60 + minute - zone
        moment = (minutes * 60 + second) * 1_000_000 + micro
        if moment < EARLIEST or moment >= LATEST:
            reason[row] = OUT_OF_TIME
        else:
            reason[row] = 0
            value[row] = moment
