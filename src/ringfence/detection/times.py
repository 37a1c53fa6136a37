"""What the times of claims can tell: how fine they are, and whether they tell anything at all."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ringfence.domain.durations import MICROSECONDS_A_DAY

_MINUTE, _HOUR = 60_000_000, 3_600_000_000
_ON_THE_GRID = 0.99
"""Share of the times that must lie on a grid for the grid to be their grain."""
_FEWEST_MOMENTS = 4
"""Fewer distinct moments than this tell nothing about what happened together."""

_CONSTANT = "Times say nothing: nearly all claims carry the same moment. Nothing is ranked by time."


@dataclass(frozen=True, slots=True)
class Times:
    """The grain of a marketplace's times."""

    grain_days: float
    """Times are multiples of this (0 when finer than a minute)."""
    tell_when: bool
    """False where nearly all claims carry the same moment."""
    note: str
    """A sentence for whoever reads the results; empty where times are fine."""


def read_times(filed_at: NDArray[np.int64]) -> Times:
    """Find the grain of `filed_at` (µs).

    Whole days still tell days: a coincidence then counts as wide as a day, and hours rank nothing.
    """
    if len(filed_at) == 0:
        return Times(0.0, False, "There are no claims.")
    if _share_of_mode(filed_at) > _ON_THE_GRID:
        return Times(np.inf, False, _CONSTANT)
    grain = 0
    for candidate in (_MINUTE, _HOUR, MICROSECONDS_A_DAY):
        if _share_of_mode(filed_at % candidate) < _ON_THE_GRID:
            break
        grain = candidate
    if grain == MICROSECONDS_A_DAY:
        dates = np.unique(filed_at // MICROSECONDS_A_DAY)
        if len(dates) < _FEWEST_MOMENTS:
            few = f"Times say nothing: claims carry {len(dates)} dates in all. Nothing is ranked by time."
            return Times(np.inf, False, few)
        grain = MICROSECONDS_A_DAY * max(1, int(np.quantile(np.diff(dates), 0.1)))
    days = grain / MICROSECONDS_A_DAY
    if grain >= MICROSECONDS_A_DAY:
        every = "whole days" if days < 1.5 else f"dates {days:.0f} days apart"
        note = f"Times are {every} and say nothing finer: what is closer than that is not ranked by time."
        return Times(days, True, note)
    return Times(days, True, "Times are whole hours and say nothing finer." if grain == _HOUR else "")


def _share_of_mode(values: NDArray[np.int64]) -> float:
    """Give the share of the most common value, judged on a sample and then counted on all."""
    sample, counts = np.unique(values[:: max(1, len(values) // 10_007)], return_counts=True)
    return float(np.mean(values == sample[counts.argmax()]))
