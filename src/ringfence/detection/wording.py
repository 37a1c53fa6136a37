"""Numbers and nouns in words, so that what a sentence says is true of what is behind it."""

import math
from collections.abc import Sequence
from typing import Literal

Group = Literal["ring", "lead"]
NOUN: dict[Group, str] = {"ring": "member", "lead": "buyer"}
"""What its buyers are called: only a ring has members."""
_HOURS, _MINUTES = 24.0, 1440.0


def duration(days: float) -> str:
    """Write a time to a tenth of a day or an hour, or to the minute: "7.3 days", "4.6 h", "1 day"."""
    if days >= 1.0 and days == round(days):
        return count(round(days), "day")
    if days >= 2.0:
        return f"{days:.1f} days"
    if days * _HOURS >= 1.0:
        return f"{days * _HOURS:.1f} h"
    return f"{max(days * _MINUTES, 1.0):.0f} min"


def duration_at_most(days: float) -> str:
    """Write a time as `duration` does, rounded up: what takes `days` takes no longer than that."""
    if days >= 1.0 and days == round(days):
        return duration(days)
    if days >= 2.0:
        return f"{_up(days, 10):.1f} days"
    if days * _HOURS >= 1.0:
        return f"{_up(days * _HOURS, 10):.1f} h"
    return f"{max(_up(days * _MINUTES, 1), 1.0):.0f} min"


def number(value: float) -> str:
    """Write a number to a tenth from 1 up, below to two digits: "12.3", "0.18", "0.0012"."""
    if value >= 1.0:
        return f"{value:.1f}"
    if value <= 0.0:
        return "0"
    return f"{value:.{1 - math.floor(math.log10(value))}f}"


def below(value: float, bar: float) -> str:
    """Write a number that is less than `bar` to a tenth, or to as many digits as show that it is less."""
    digits = 1
    while float(f"{value:.{digits}f}") >= bar > value:
        digits += 1
    return f"{value:.{digits}f}"


def count(amount: int, noun: str) -> str:
    """Write how many there are: "1 claim", "2 claims"."""
    return f"{amount} {noun}" if amount == 1 else f"{amount} {noun}s"


def article(noun: str) -> str:
    """Put "a" or "an" before a noun."""
    return f"an {noun}" if noun[0] in "aeiou" else f"a {noun}"


def listed(parts: Sequence[str]) -> str:
    """Write a list: "a, b and c"."""
    if len(parts) < 2:
        return "".join(parts)
    return ", ".join(parts[:-1]) + " and " + parts[-1]


def _up(value: float, steps: int) -> float:
    """Round up to a multiple of 1/`steps`; what is above one by rounding of floats alone is not."""
    return math.ceil(value * steps - 1e-6) / steps
