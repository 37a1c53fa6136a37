"""Claims laid out for detection: by merchant and time, by buyer, and on one clock for all."""

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from ringfence.domain.durations import MICROSECONDS_A_DAY
from ringfence.market import Claims, Floats, Ints, Longs


class Timeline(NamedTuple):
    """N claims of n buyers at m merchants, in (merchant, time, buyer) order; times in days from the first."""

    buyer: Ints
    """int32[N]"""
    merchant: Ints
    """int32[N], not falling."""
    day: Floats
    """float64[N], rising inside a merchant."""
    merchant_start: Longs
    """int64[m + 1], where each merchant's claims begin."""
    of_buyer: Ints
    """int32[N], positions of claims sorted by (buyer, position)."""
    buyer_start: Longs
    """int64[n + 1], where each buyer's claims begin in `of_buyer`."""
    clock: Floats
    """float64[N], all claims' days, sorted."""
    clock_index: Ints
    """int32, the rank in `clock` at regular steps, so that a rank costs one look and a short search."""
    grain: float
    """Days by which times are rounded: two equal times may lie this far apart."""
    span: float
    """Days from the first claim to the last."""
    act: Ints
    """int32[N], a number that claims of one buyer share when they were filed in one act."""
    checkout: Ints
    """int32[N], a number that claims of one buyer share when their goods were bought in one checkout."""


def lay_out(claims: Claims, buyers: int, merchants: int, grain_days: float) -> Timeline:
    """Build the timeline of `claims` (canonical order) with one argsort by buyer and one sort of times.

    Each claim is an occasion of its own until occasions are numbered.
    """
    first = int(claims.filed_at.min())
    day = (claims.filed_at - first) / MICROSECONDS_A_DAY
    clock = np.sort(day)
    steps = max(1, len(day) // 8)
    marks = np.arange(steps + 3) * ((clock[-1] + 1e-9) / steps)
    return Timeline(
        buyer=claims.buyer,
        merchant=claims.merchant,
        day=day,
        merchant_start=starts(claims.merchant, merchants),
        of_buyer=np.argsort(claims.buyer, kind="stable").astype(np.int32),
        buyer_start=starts(claims.buyer, buyers),
        clock=clock,
        clock_index=np.searchsorted(clock, marks).astype(np.int32),
        grain=grain_days,
        span=float(clock[-1]),
        act=np.arange(len(day), dtype=np.int32),
        checkout=np.arange(len(day), dtype=np.int32),
    )


def starts(codes: NDArray[np.int32], groups: int) -> Longs:
    """Give int64[groups + 1]: where each group would begin if `codes` were sorted."""
    out = np.zeros(groups + 1, np.int64)
    np.cumsum(np.bincount(codes, minlength=groups), out=out[1:])
    return out


@njit(cache=True, nogil=True)
def rank(clock: Floats, clock_index: Ints, day: float, right: bool) -> int:
    """Count the claims on `clock` before `day`, those at `day` included if `right`."""
    if day < clock[0]:
        return 0
    if day > clock[-1]:
        return len(clock)
    step = int(day * ((len(clock_index) - 3) / (clock[-1] + 1e-9)))
    low = clock_index[max(step - 1, 0)]
    high = clock_index[min(step + 2, len(clock_index) - 1)]
    while low < high:
        middle = (low + high) >> 1
        if clock[middle] < day or (right and clock[middle] == day):
            low = middle + 1
        else:
            high = middle
    return low


@njit(cache=True, nogil=True)
def exposure_days(begin: float, end: float, span: float) -> float:
    """Give how much of [begin, end] lies inside the days that were observed, one day at least."""
    return max(min(end, span) - max(begin, 0.0), min(1.0, max(end - begin, 1e-9)))


@njit(cache=True, nogil=True)
def local_counts(
    timeline: Timeline, first_merchant: int, end_merchant: int, reach: float, near: Ints, everywhere: Ints
) -> None:
    """Count, for each claim of some merchants, the claims within ± `reach` days: here, and everywhere.

    Writes int32 counts into `near` and `everywhere` (length N), which is how threads share the work.
    """
    day = timeline.day
    for merchant in range(first_merchant, end_merchant):
        begin, end = timeline.merchant_start[merchant], timeline.merchant_start[merchant + 1]
        low = high = begin
        for i in range(begin, end):
            while day[low] < day[i] - reach:
                low += 1
            while high < end and day[high] <= day[i] + reach:
                high += 1
            near[i] = high - low
            everywhere[i] = rank(timeline.clock, timeline.clock_index, day[i] + reach, True) - rank(
                timeline.clock, timeline.clock_index, day[i] - reach, False
            )
