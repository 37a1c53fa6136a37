"""HTML and SVG in which everything that is not markup is escaped, and words for numbers, times and money."""

import re
from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from html import escape

_UNSEEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ufffe\uffff]"
)
_AMOUNT = re.compile(r"([^:;]+):(-?\d+(?:\.\d+)?)")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


class Markup(str):
    """Text that is markup already and stays as it is."""

    __slots__ = ()


def plain(value: object) -> Markup:
    """Any value as text: escaped, with marks for characters that control, hide or turn around the others."""
    return value if isinstance(value, Markup) else Markup(escape(_UNSEEN.sub("\ufffd", str(value))))


def join(parts: Iterable[object], between: str = "") -> Markup:
    """Parts side by side, each escaped unless it is markup."""
    return Markup(between.join(plain(part) for part in parts))


def element(name: str, /, *children: object, **attributes: object) -> Markup:
    """One element with its children.

    Attributes of None are left out, `class_` is `class`, `_` inside is `-`, floats have two decimals.
    """
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{_attribute(value)}"'
        for key, value in attributes.items()
        if value is not None
    )
    if not children and name in ("br", "circle", "line", "meta", "path", "rect"):
        return Markup(f"<{name}{written}/>")
    return Markup(f"<{name}{written}>{join(children)}</{name}>")


def _attribute(value: object) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else plain(value)


def drawing(name: str, title: str, description: str, width: float, height: float, *shapes: object) -> Markup:
    """An inline SVG with a title and a description for those who cannot see it; `name` is its id."""
    return element(
        "svg",
        element("title", title, id=f"{name}-title"),
        element("desc", description, id=f"{name}-desc"),
        *shapes,
        viewBox=f"0 0 {width:g} {height:g}",
        role="img",
        aria_labelledby=f"{name}-title {name}-desc",
    )


def shortened(value: str, longest: int) -> str:
    """The value with its middle left out where it is too long: ids differ at their ends."""
    if len(value) <= longest:
        return value
    tail = (longest - 1) // 2
    return f"{value[: longest - 1 - tail]}\u2026{value[-tail:]}"


def day(at: datetime, with_year: bool = True) -> str:
    """`5 Mar 2024`."""
    return f"{at.day} {_MONTHS[at.month - 1]}" + (f" {at.year}" if with_year else "")


def month(at: datetime) -> str:
    """`Mar 2024`."""
    return f"{_MONTHS[at.month - 1]} {at.year}"


def period(first: datetime, last: datetime) -> str:
    """`5 Mar to 9 Apr 2024`, or one day."""
    if first.date() == last.date():
        return day(first)
    return f"{day(first, first.year != last.year)} to {day(last)}"


def lasting(seconds: float) -> str:
    """`40 min`, `7 h`, `3 days`; rounded, and never less than a minute."""
    if seconds < 90 * 60:
        return f"{max(1, round(seconds / 60))} min"
    if seconds < 48 * 3600:
        return f"{round(seconds / 3600)} h"
    return f"{round(seconds / 86400)} days"


def add_amounts(amounts: Iterable[str]) -> dict[str, Decimal]:
    """Sums by currency of amounts like `EUR:3.00;USD:120.50`, by code; what is no amount does not count."""
    sums: dict[str, Decimal] = {}
    for amount in amounts:
        for currency, value in _AMOUNT.findall(amount or ""):
            sums[currency] = sums.get(currency, Decimal(0)) + Decimal(value)
    return dict(sorted(sums.items()))


def money(amounts: Iterable[str]) -> str:
    """`EUR 3.00 · USD 1,120.50`, or a dash for nothing."""
    return (
        " \u00b7 ".join(f"{currency} {value:,}" for currency, value in add_amounts(amounts).items())
        or "\u2013"
    )
