"""One ring drawn twice: who claimed against whom, and when."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import polars as pl

from ringfence.domain.counted import counted
from ringfence.export.axes import TimeAxis
from ringfence.export.markup import Markup, drawing, element, period, shortened

WIDTH = 480.0
MOST_ROWS = 16
"""Buyers and merchants drawn of a ring; the tables name more."""

_PITCH = 26.0
_LABEL = 14
_LETTER = 8.6
"""The width to keep for a letter of a label: that of the larger type on a narrow screen."""
_ARC = 42.0
_MOST_LINKS = 24
_DOT = 3.6
_STACK = 10
"""More claims than this in one event are drawn as a bar with their number."""


@dataclass(frozen=True)
class RingRows:
    """The buyers and merchants of a ring that are drawn, from top to bottom, the same in both drawings."""

    buyers: tuple[str, ...]
    merchants: tuple[str, ...]
    all_buyers: int
    all_merchants: int


def choose_rows(evidence: pl.DataFrame, members: Sequence[str]) -> RingRows:
    """The busiest buyers and merchants of a ring: merchants as they were hit, buyers beside theirs."""
    claims = evidence.select("buyer_id", "merchant_id").rows()
    by_buyer, by_merchant = Counter(dict.fromkeys(members, 0)), Counter[str]()
    for buyer, merchant in claims:
        by_buyer[buyer] += 1
        by_merchant[merchant] += 1
    hit_at = {
        merchant: at
        for merchant, at in evidence.group_by("merchant_id").agg(pl.col("filed_at").min()).iter_rows()
    }
    busiest = sorted(by_merchant, key=lambda merchant: (-by_merchant[merchant], hit_at[merchant], merchant))
    merchants = sorted(busiest[:MOST_ROWS], key=lambda merchant: (hit_at[merchant], merchant))
    row = {merchant: place for place, merchant in enumerate(merchants)}
    places = defaultdict(list)
    for buyer, merchant in claims:
        if merchant in row:
            places[buyer].append(row[merchant])

    def beside(buyer: str) -> tuple[float, str]:
        return (sum(places[buyer]) / len(places[buyer]) if places[buyer] else len(merchants), buyer)

    buyers = sorted(sorted(by_buyer, key=lambda buyer: (-by_buyer[buyer], buyer))[:MOST_ROWS], key=beside)
    return RingRows(tuple(buyers), tuple(merchants), len(by_buyer), len(by_merchant))


def draw_ring(name: str, rows: RingRows, evidence: pl.DataFrame, links: pl.DataFrame | None) -> Markup:
    """Buyers to the left, merchants to the right, a line for joint claims, a dashed arc for a link."""
    tallest = max(len(rows.buyers), len(rows.merchants), 1)
    buyer_end = _gutter(rows.buyers)
    buyer_x, merchant_x = buyer_end + _ARC, WIDTH - _gutter(rows.merchants) - 14
    buyer_y = _spread(rows.buyers, tallest)
    merchant_y = _spread(rows.merchants, tallest)
    joint = Counter(
        (buyer, merchant)
        for buyer, merchant in evidence.select("buyer_id", "merchant_id").iter_rows()
        if buyer in buyer_y and merchant in merchant_y
    )
    lines = [
        element(
            "path",
            element("title", f"{buyer} \u2192 {merchant}: {counted(count, 'claim')}"),
            class_="claim",
            d=_curve(buyer_x, buyer_y[buyer], merchant_x, merchant_y[merchant]),
            stroke_width=min(1.2 + 0.7 * (count - 1), 4.0),
        )
        for (buyer, merchant), count in sorted(joint.items())
    ]
    arcs = [
        element(
            "path",
            element("title", f"{one} \u2013 {other}: {why}"),
            class_="link",
            d=_arc(buyer_x, buyer_y[one], buyer_y[other]),
        )
        for one, other, why in _strongest(links, buyer_y)
    ]
    by_buyer = Counter(dict.fromkeys(rows.buyers, 0))
    by_merchant = Counter(dict.fromkeys(rows.merchants, 0))
    for (buyer, merchant), count in joint.items():
        by_buyer[buyer] += count
        by_merchant[merchant] += count
    nodes = [
        element(
            "g",
            element("title", f"{buyer}: {counted(by_buyer[buyer], 'joint claim')}"),
            element("circle", class_="buyer", cx=buyer_x, cy=y, r=_size(by_buyer[buyer])),
            element("text", shortened(buyer, _LABEL), x=buyer_end, y=y + 4, class_="end"),
        )
        for buyer, y in buyer_y.items()
    ]
    for merchant, y in merchant_y.items():
        half = _size(by_merchant[merchant])
        nodes.append(
            element(
                "g",
                element("title", f"{merchant}: {counted(by_merchant[merchant], 'joint claim')}"),
                element(
                    "rect",
                    class_="merchant",
                    x=merchant_x - half,
                    y=y - half,
                    width=2 * half,
                    height=2 * half,
                    rx=1.5,
                ),
                element("text", shortened(merchant, _LABEL), x=merchant_x + 14, y=y + 4),
            )
        )
    return drawing(
        name,
        "Who claimed against whom",
        f"{counted(rows.all_buyers, 'buyer')} and {counted(rows.all_merchants, 'merchant')}; "
        f"{counted(len(lines), 'line')} for joint claims, {counted(len(arcs), 'dashed arc')} for links. "
        "The tables below hold the same.",
        WIDTH,
        _PITCH * tallest + 30,
        element("text", "BUYERS", x=buyer_end, y=12.0, class_="end head"),
        element("text", "MERCHANTS", x=merchant_x + 14, y=12.0, class_="head"),
        *lines,
        *arcs,
        *nodes,
    )


def draw_strip(name: str, rows: RingRows, evidence: pl.DataFrame) -> Markup:
    """A row a merchant as in `draw_ring`, a dot a claim, claims of one time stacked."""
    first, last = _span(evidence)
    left, right = _gutter(rows.merchants) + 12, WIDTH - 12
    axis = TimeAxis(first, last, left + 16, right - 16)
    events: dict[str, dict[int, list[tuple[datetime, str]]]] = {merchant: {} for merchant in rows.merchants}
    columns = evidence.select("filed_at", "buyer_id", "merchant_id", "event")
    for at, buyer, merchant, event in columns.sort(pl.all()).iter_rows():
        if merchant in events:
            events[merchant].setdefault(event, []).append((at, buyer))
    shapes: list[Markup] = []
    top = 22.0
    for merchant, hits in events.items():
        stacks = [_stacks(claims, axis) for claims in hits.values() if len(claims) <= _STACK]
        tallest = max((len(stack) for columns in stacks for stack in columns), default=1)
        height = max(_PITCH, (tallest + 1) * 2 * _DOT)
        floor = top + height - 5
        shapes += [
            element("line", class_="row", x1=left, x2=right, y1=floor, y2=floor),
            element(
                "text",
                element("title", merchant),
                shortened(merchant, _LABEL),
                x=left - 12,
                y=floor - 3,
                class_="end",
            ),
        ]
        for claims in hits.values():
            shapes += _bar(claims, axis, floor) if len(claims) > _STACK else _dots(claims, axis, floor)
        top += height
    grid = [
        Markup(
            element("line", class_="grid", x1=x, x2=x, y1=20.0, y2=top + 2)
            + element("text", words, x=x, y=top + 18, class_="middle soft")
        )
        for x, words in axis.marks(5)
    ]
    return drawing(
        name,
        "When they claimed",
        f"{counted(evidence.height, 'joint claim')} against {counted(rows.all_merchants, 'merchant')}, "
        f"{period(first, last)}. The table of joint claims holds the same.",
        WIDTH,
        top + 26,
        element("text", "MERCHANTS", x=left - 12, y=12.0, class_="end head"),
        element("text", "CLAIMS OVER TIME (UTC)", x=left, y=12.0, class_="head"),
        *grid,
        *shapes,
    )


def _stacks(claims: list[tuple[datetime, str]], axis: TimeAxis) -> list[list[tuple[datetime, str]]]:
    """Claims in order of time, those too near to stand side by side in one stack."""
    stacks: list[list[tuple[datetime, str]]] = []
    for claim in claims:
        if stacks and axis.place(claim[0]) - axis.place(stacks[-1][0][0]) < 2 * _DOT:
            stacks[-1].append(claim)
        else:
            stacks.append([claim])
    return stacks


def _dots(claims: list[tuple[datetime, str]], axis: TimeAxis, floor: float) -> list[Markup]:
    return [
        element(
            "circle",
            element("title", f"{buyer}, {at:%Y-%m-%d %H:%M}"),
            class_="buyer",
            cx=axis.place(stack[0][0]),
            cy=floor - 1 - _DOT - place * 2 * _DOT,
            r=_DOT - 0.4,
        )
        for stack in _stacks(claims, axis)
        for place, (at, buyer) in enumerate(stack)
    ]


def _bar(claims: list[tuple[datetime, str]], axis: TimeAxis, floor: float) -> list[Markup]:
    """An event of many claims, from its first to its last, with their number."""
    first, last = claims[0][0], claims[-1][0]
    width = max(axis.place(last) - axis.place(first), 32.0)
    middle = (axis.place(first) + axis.place(last)) / 2
    said = f"{counted(len(claims), 'claim')}, {first:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M}"
    return [
        element(
            "rect",
            element("title", said),
            class_="buyer",
            x=middle - width / 2,
            y=floor - 19,
            width=width,
            height=17,
            rx=8.5,
        ),
        element("text", f"{len(claims):,}", x=middle, y=floor - 6, class_="middle inside"),
    ]


def _span(evidence: pl.DataFrame) -> tuple[datetime, datetime]:
    times = evidence.get_column("filed_at").to_list()
    return min(times), max(times)


def _spread(names: Sequence[str], rows: int) -> dict[str, float]:
    """Names over the height of so many rows, evenly."""
    gap = _PITCH * rows / max(len(names), 1)
    return {name: 22 + gap * (place + 0.5) for place, name in enumerate(names)}


def _size(claims: int) -> float:
    return min(3.4 + 0.45 * claims, 7.5)


def _gutter(names: Sequence[str]) -> float:
    """The width of the column of labels, and of its heading at least."""
    return max(_LETTER * min(max(map(len, names), default=0), _LABEL) + 8, 92.0)


def _curve(x1: float, y1: float, x2: float, y2: float) -> str:
    middle = (x1 + x2) / 2
    return f"M{x1:.1f} {y1:.1f}C{middle:.1f} {y1:.1f} {middle:.1f} {y2:.1f} {x2:.1f} {y2:.1f}"


def _arc(x: float, y1: float, y2: float) -> str:
    start, out = x - 5, x - min(14 + abs(y2 - y1) * 0.18, _ARC + 2)
    return f"M{start:.1f} {y1:.1f}C{out:.1f} {y1:.1f} {out:.1f} {y2:.1f} {start:.1f} {y2:.1f}"


def _strongest(links: pl.DataFrame | None, drawn: dict[str, float]) -> list[tuple[str, str, str]]:
    if links is None:
        return []
    inside = links.filter(pl.col("buyer_a").is_in(list(drawn)), pl.col("buyer_b").is_in(list(drawn)))
    best = inside.sort(["score", "buyer_a", "buyer_b"], descending=[True, False, False]).head(_MOST_LINKS)
    return [(one, other, why) for one, other, why in best.select("buyer_a", "buyer_b", "why").iter_rows()]
