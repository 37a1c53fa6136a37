"""All rings at one glance: their claims over time, their size against their evidence."""

from datetime import datetime, timedelta
from math import log, sqrt

import polars as pl

from ringfence.domain.counted import counted
from ringfence.export.axes import TimeAxis, round_marks
from ringfence.export.markup import Markup, day, drawing, element

_WIDTH, _HEIGHT = 480.0, 226.0
_LEFT, _RIGHT, _TOP, _FLOOR = 44.0, 470.0, 14.0, 200.0
_MOST_BARS = 60
_BAR_DAYS = (1, 2, 7, 14, 28, 91, 365, 3650, 36500)
_MOST_POINTS = 1500


def draw_claims_over_time(name: str, evidence: pl.DataFrame) -> Markup:
    """A figure: joint claims of all rings by day, or by as many days as make at most 60 bars."""
    times = evidence.get_column("filed_at").dt.truncate("1d")
    first: datetime = times.to_list()[times.arg_min() or 0]
    days = (times - first).dt.total_days()
    longest = max(days.to_list())
    width = next(step for step in _BAR_DAYS if longest // step < _MOST_BARS)
    bars = (days // width).alias("bar").value_counts(name="claims").sort("bar").rows()
    step = timedelta(days=width)
    axis = TimeAxis(first, first + step * (bars[-1][0] + 1), _LEFT, _RIGHT)
    marks = round_marks(max(count for _, count in bars), 4)
    drawn = []
    for place, count in bars:
        begin = axis.first + place * step
        left, right = axis.place(begin), axis.place(begin + step)
        height = count / marks[-1] * (_FLOOR - _TOP)
        said = f"{day(begin)}: {counted(count, 'claim')}"
        gap = min(1.5, (right - left) * 0.15)
        drawn.append(
            element(
                "rect",
                element("title", said),
                class_="buyer",
                x=left + gap / 2,
                y=_FLOOR - height,
                width=right - left - gap,
                height=height,
            )
        )
    unit = "day" if width == 1 else "week" if width == 7 else f"{width} days"
    picture = drawing(
        name,
        f"Joint claims of all rings, by {unit}",
        f"{counted(len(times), 'claim')} from {day(first)}; "
        f"{max(count for _, count in bars):,} where the bars are highest.",
        _WIDTH,
        _HEIGHT,
        *_rules(marks),
        *drawn,
        *[element("text", words, x=x, y=_FLOOR + 20, class_="middle soft") for x, words in axis.marks()],
    )
    return _figure("When the rings claimed", picture, f"Joint claims by {unit}, in UTC.")


def draw_size_and_evidence(name: str, rings: pl.DataFrame, linked: int) -> Markup:
    """A figure: a dot a ring, best first, members (log) against evidence; `linked` first lead to cards."""
    shown = rings.head(_MOST_POINTS)
    sizes = [max(size, 1) for size in shown.get_column("size").to_list()]
    low, high = min(sizes, default=1), max(sizes, default=1)
    highest = max(shown.get_column("score").to_list(), default=0.0)
    marks = round_marks(highest, 4)

    def across(size: float) -> float:
        return _LEFT + 16 + (_RIGHT - _LEFT - 32) * (log(size / low) / log(high / low) if high > low else 0.5)

    points = []
    columns = shown.select("ring_id", "size", "score", "claims").rows()
    for place, (ring_id, size, score, claims) in reversed(list(enumerate(columns))):
        said = f"{ring_id}: {counted(size, 'member')}, evidence {score:.1f}, {counted(claims, 'claim')}"
        point = element(
            "circle",
            element("title", said),
            class_="ring" if place < linked else "ring minor",
            cx=across(max(size, 1)),
            cy=_FLOOR - max(score, 0) / marks[-1] * (_FLOOR - _TOP),
            r=min(3.0 + 0.5 * sqrt(claims), 14.0),
        )
        points.append(element("a", point, href=f"#ring-{place + 1}") if place < linked else point)
    ticks = sorted(
        {tick for tick in (2, 3, 5, 10, 20, 50, 100, 200, 500, 1000, 5000) if low <= tick <= high}
        | {int(low)}
    )
    apart = [
        tick for place, tick in enumerate(ticks) if not place or across(tick) - across(ticks[place - 1]) > 24
    ]
    picture = drawing(
        name,
        "Rings by size and evidence",
        f"{counted(len(columns), 'ring')} with {low:g} to {high:g} members; evidence up to "
        f"{highest:.1f} decades. The table of rings holds the same.",
        _WIDTH,
        _HEIGHT,
        *_rules(marks),
        *points,
        *[element("text", tick, x=across(tick), y=_FLOOR + 20, class_="middle soft") for tick in apart],
    )
    note = "Across: members, to a growing scale. Upwards: evidence in decades. A larger dot has more claims."
    if rings.height > shown.height:
        note += f" Drawn: the {shown.height:,} strongest of {rings.height:,}."
    return _figure("How large, how certain", picture, note)


def _figure(heading: str, picture: Markup, note: str) -> Markup:
    return element(
        "figure",
        element("h3", heading),
        picture,
        element("figcaption", note),
        class_="panel",
    )


def _rules(marks: list[float]) -> list[Markup]:
    """Level lines with their numbers."""
    drawn = []
    for mark in marks:
        y = _FLOOR - mark / marks[-1] * (_FLOOR - _TOP)
        drawn += [
            element("line", class_="grid", x1=_LEFT, x2=_RIGHT, y1=y, y2=y),
            element("text", f"{mark:g}", x=_LEFT - 8, y=y + 4, class_="end soft"),
        ]
    return drawn
