"""Markets of a handful of claims, small enough to work everything out by hand or by brute force."""

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl
from hypothesis import strategies as st
from numpy.typing import NDArray

from ringfence.detection.closeness import Yardstick
from ringfence.detection.exposure import NON_CLAIMANT, Exposure, claimed_orders, expose
from ringfence.detection.occasions import number_occasions
from ringfence.detection.parameters import Parameters
from ringfence.detection.sharing import Sharing, share
from ringfence.detection.timeline import Timeline, lay_out, local_counts
from ringfence.domain.durations import MICROSECONDS_A_DAY
from ringfence.market import Claims, Orders

BUYERS, MERCHANTS = 6, 4
TICK = MICROSECONDS_A_DAY // 4
"""Quarters of a day have exact floating-point numbers, so that both sides compare the same."""

Row = tuple[int, int, int]
"""merchant, tick, buyer."""


def moments(ticks: int) -> st.SearchStrategy[int]:
    """Draw ticks that are often whole days, so that the edges of windows are met, and often close."""
    return st.integers(0, ticks // 4).map(lambda day: 4 * day) | st.integers(0, min(ticks, 24))


def rows(most: int = 40, ticks: int = 160) -> st.SearchStrategy[list[Row]]:
    """Draw one claim or more; most by few buyers at few shops, so that they meet again and again."""
    merchant = st.sampled_from([0, 0, 0, *range(MERCHANTS)])
    buyer = st.sampled_from([0, 1, 2, *range(BUYERS)])
    drawn = st.integers(1, most).flatmap(
        lambda size: st.lists(st.tuples(merchant, moments(ticks), buyer), min_size=size, max_size=size)
    )
    return drawn


def claims_of_rows(given: Sequence[Row]) -> Claims:
    """Put rows into canonical order."""
    ordered = sorted(given)
    columns = np.array(ordered, np.int64).reshape(-1, 3)
    return Claims(
        claim_id=pl.Series([f"c{i}" for i in range(len(ordered))]),
        buyer=columns[:, 2].astype(np.int32),
        merchant=columns[:, 0].astype(np.int32),
        filed_at=columns[:, 1] * TICK,
        amount=np.full(len(ordered), 100, np.int64),
        currency=np.zeros(len(ordered), np.int16),
    )


def timeline_of(given: Sequence[Row], grain: float = 0.0, merchants: int = MERCHANTS) -> Timeline:
    """Lay rows out; every claim is an occasion of its own."""
    return lay_out(claims_of_rows(given), BUYERS, merchants, grain)


def with_acts(timeline: Timeline, act_days: float) -> Timeline:
    """Number the acts of `timeline`."""
    acts = number_occasions(timeline.of_buyer, timeline.buyer_start, timeline.day, act_days)
    return timeline._replace(act=acts)


def orders_of_rows(given: Sequence[Row]) -> Orders:
    """Put rows into canonical order; the buyer may be `NON_CLAIMANT`."""
    columns = np.array(sorted(given), np.int64).reshape(-1, 3)
    return Orders(columns[:, 2].astype(np.int32), columns[:, 0].astype(np.int32), columns[:, 1] * TICK)


def order_rows(most: int = 40) -> st.SearchStrategy[list[Row]]:
    """Draw orders from before the first claim to long after, some by buyers who never claim."""
    buyer = st.sampled_from([0, 1, 2, *range(BUYERS), NON_CLAIMANT])
    merchant = st.sampled_from([0, 0, *range(MERCHANTS)])
    tick = st.integers(-60, 100).map(lambda day: 4 * day) | st.integers(-8, 40)
    return st.lists(st.tuples(merchant, tick, buyer), max_size=most)


TOGETHER_DAYS = 2.0


def goods_of(
    claims: Sequence[Row], given_orders: Sequence[Row], act_days: float = 1.0, checkout_days: float = 1 / 24
) -> tuple[Timeline, Exposure]:
    """Lay out claims and orders, match them and number occasions, as `prepare` does."""
    timeline, orders = timeline_of(claims), orders_of_rows(given_orders)
    first = min(tick for _, tick, _ in claims) * TICK
    claimed, bought = claimed_orders(orders, timeline, first)
    checkout = number_occasions(timeline.of_buyer, timeline.buyer_start, bought, checkout_days)
    timeline = with_acts(timeline, act_days)._replace(checkout=checkout)
    return timeline, expose(orders, claimed, timeline, first, TOGETHER_DAYS)


def yardstick_of(**changes: Any) -> Yardstick:
    """Give the yardstick of the default parameters, with some fields changed."""
    p = Parameters().yardstick
    return Yardstick(
        window=p.window_days,
        reach=p.rate_days,
        closest=p.closest_days,
        strangers=p.strangers,
        gap=p.gap_days,
        neighbours=64,
        hub=p.hub_holders,
        habit=p.habit_days,
        household=Parameters().orders.household_days,
    )._replace(**changes)


def yardsticks() -> st.SearchStrategy[Yardstick]:
    """Draw yardsticks of every temper: at times so strict that few claims pass."""
    quarters = st.integers(1, 12).map(float) | st.integers(1, 60).map(lambda ticks: ticks / 4)
    return st.builds(
        yardstick_of,
        window=quarters,
        reach=st.integers(2, 60).map(lambda ticks: ticks / 4),
        closest=st.sampled_from([0.25, 1.0, 3.0]),
        strangers=st.sampled_from([0.7, 2.0, 5.0, 32.0]),
        gap=quarters,
        hub=st.sampled_from([2, 3, 500]),
    )


def counts_of(timeline: Timeline, reach: float) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Give the local counts of every claim."""
    near, everywhere = np.empty(len(timeline.buyer), np.int32), np.empty(len(timeline.buyer), np.int32)
    local_counts(timeline, 0, len(timeline.merchant_start) - 1, reach, near, everywhere)
    return near, everywhere


Held = Mapping[tuple[int, int], set[int]]
"""(kind, value) -> the buyers who hold it."""


def holdings(kinds: int = 2, values: int = 4) -> st.SearchStrategy[Held]:
    """Draw who holds what."""
    return st.dictionaries(
        st.tuples(st.integers(0, kinds - 1), st.integers(0, values - 1)),
        st.sets(st.integers(0, BUYERS - 1), min_size=1),
    )


def sharing_of(held: Held, buyers: int = BUYERS) -> Sharing:
    """Lay holdings out."""
    uses = []
    for kind in range(1 + max((kind for kind, _ in held), default=0)):
        pairs = [(b, value) for (k, value), holders in held.items() if k == kind for b in holders]
        columns = np.array(pairs, np.int32).reshape(-1, 2)
        uses.append((columns[:, 0], columns[:, 1]))
    return share(uses, buyers)


def rarest_by_hand(held: Held, a: int, b: int, hub: int) -> int:
    """Give the holders of the rarest value that two buyers share, 0 for none."""
    return min((len(h) for h in held.values() if {a, b} <= h and len(h) <= hub), default=0)


def chains(own: Sequence[int], exposure: Exposure) -> list[list[int]]:
    """Split orders (rising positions) where the merchant changes or the gap is longer than together."""
    out: list[list[int]] = []
    for i in own:
        last = out[-1][-1] if out else -1
        if (
            last < 0
            or exposure.merchant[last] != exposure.merchant[i]
            or exposure.day[i] - exposure.day[last] > TOGETHER_DAYS
        ):
            out.append([])
        out[-1].append(i)
    return out


def near(exposure: Exposure, unit: Sequence[int], who: Sequence[int]) -> list[int]:
    """Give the orders of `who` no further from a unit's span than counts as together."""
    return [
        i
        for i in range(len(exposure.buyer))
        if exposure.buyer[i] in who
        and exposure.merchant[i] == exposure.merchant[unit[0]]
        and exposure.day[unit[0]] - TOGETHER_DAYS <= exposure.day[i] <= exposure.day[unit[-1]] + TOGETHER_DAYS
    ]


def no_orders(timeline: Timeline) -> Exposure:
    """Give an exposure that explains nothing."""
    claimed, _ = claimed_orders(None, timeline, 0)
    return expose(None, claimed, timeline, 0, TOGETHER_DAYS)


def groups(least: int = 2) -> st.SearchStrategy[NDArray[np.int64]]:
    """Draw a group of buyers, rising."""
    chosen = st.sets(st.integers(0, BUYERS - 1), min_size=least, max_size=BUYERS - 1)
    return chosen.map(lambda members: np.array(sorted(members), np.int64))


Run = tuple[int, float, float]
"""merchant, first day, last day"""


def joint_runs(given: Sequence[Row], gap: float, group: NDArray[np.int64], members: int) -> list[Run]:
    """Give the runs of a group's claims at one merchant that are split by no gap, by hand."""
    first = min(tick for _, tick, _ in given)
    found = []
    for merchant in range(MERCHANTS):
        here = sorted(((t - first) / 4, b) for m, t, b in given if m == merchant and b in group.tolist())
        cuts = [i for i in range(1, len(here)) if here[i][0] - here[i - 1][0] > gap]
        for begin, end in itertools.pairwise([0, *cuts, len(here)]):
            run = here[begin:end]
            if run and len({b for _, b in run}) >= members:
                found.append((merchant, run[0][0], run[-1][0]))
    return found
