"""Cells: each merchant's claims cut into the stretches of time that stand out most."""

import math
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from ringfence.detection.methods.blocks.parameters import BlockParameters
from ringfence.detection.timeline import Timeline, rank
from ringfence.market import Floats, Ints, Longs

Flags = NDArray[np.bool_]

_SHORTEST_WIDTH = 0.5
"""Days that a cell is wide at least when strangers are expected in it."""
_SLACK = 0.25
"""Days added before and after a cell when all claims of its time are counted."""


class Cells(NamedTuple):
    """Cells in the timeline's order: each is a run of consecutive claims of one merchant."""

    cell: Ints
    """int32[N], the cell of each claim, not falling."""
    start: Longs
    """int64[C + 1], where each cell's claims begin on the timeline."""


def cut_cells(timeline: Timeline, parameters: BlockParameters) -> Cells:
    """Cut each merchant's claims into cells of at most `cell_days`, the most striking stretch first.

    The stretch of `cell_days`, or of a half, a quarter or an eighth of them, that maximises k ln(k/mu) - (k -
    mu) becomes a cell (k claims in it, mu expected from the merchant's total and the span), and so on to
    its left and right. Claims of one moment are never parted.
    """
    lengths = np.array([parameters.cell_days / 2.0**halved for halved in range(parameters.scales)])
    return _cells_beginning(_begins(timeline.merchant_start, timeline.day, lengths, timeline.span))


def merchants_as_cells(timeline: Timeline) -> Cells:
    """Make each merchant one cell, for data whose times say nothing; merchants without claims get none."""
    begins = np.zeros(len(timeline.merchant), np.bool_)
    first = timeline.merchant_start[:-1]
    begins[first[np.diff(timeline.merchant_start) > 0]] = True
    return _cells_beginning(begins)


def _cells_beginning(begins: Flags) -> Cells:
    cell = np.cumsum(begins, dtype=np.int32) - np.int32(1)
    return Cells(cell, np.append(np.flatnonzero(begins), len(begins)).astype(np.int64))


@njit(cache=True, nogil=True)
def _begins(merchant_start: Longs, day: Floats, lengths: Floats, span: float) -> Flags:
    """Mark the first claim of each cell: bool[N].

    How many claims follow within each length is counted once a merchant; a tree over these counts then finds
    the fullest stretch of what is left, so that the work hardly depends on the number of cells.
    """
    begins = np.zeros(len(day), np.bool_)
    largest = 0
    for merchant in range(len(merchant_start) - 1):
        largest = max(largest, merchant_start[merchant + 1] - merchant_start[merchant])
    follow = np.empty((len(lengths), largest), np.int32)
    tree = np.empty((len(lengths), 2 * largest), np.int32)
    stack = np.empty((largest + 1, 2), np.int32)
    for merchant in range(len(merchant_start) - 1):
        first = merchant_start[merchant]
        claims = merchant_start[merchant + 1] - first
        if claims == 0:
            continue
        for scale in range(len(lengths)):
            _count_following(day[first : first + claims], lengths[scale], follow[scale])
            _plant(follow[scale], claims, tree[scale])
        stack[0, 0], stack[0, 1] = 0, claims
        waiting = 1
        while waiting:
            waiting -= 1
            low, high = stack[waiting, 0], stack[waiting, 1]
            begin, end = _most_striking(follow, tree, claims, low, high, lengths, span)
            begins[first + begin] = True
            if begin > low:
                stack[waiting, 0], stack[waiting, 1] = low, begin
                waiting += 1
            if end < high:
                begins[first + end] = True
                stack[waiting, 0], stack[waiting, 1] = end, high
                waiting += 1
    return begins


@njit(cache=True, nogil=True)
def _count_following(day: Floats, length: float, follow: Ints) -> None:
    """Count the claims from each one on to `length` days later, itself included."""
    end = 0
    for i in range(len(day)):
        while end < len(day) and day[end] - day[i] <= length:
            end += 1
        follow[i] = end - i


@njit(cache=True, nogil=True)
def _plant(follow: Ints, claims: int, tree: Ints) -> None:
    """Fill a tree whose nodes name the first fullest of the claims below them."""
    for i in range(claims):
        tree[claims + i] = i
    for node in range(claims - 1, 0, -1):
        left, right = tree[2 * node], tree[2 * node + 1]
        tree[node] = right if follow[right] > follow[left] else left


@njit(cache=True, nogil=True)
def _fullest(follow: Ints, tree: Ints, claims: int, low: int, high: int) -> tuple[int, int]:
    """Find the first stretch in [low, high) that holds most claims: (where it begins, its claims)."""
    cut, far = low, high
    while cut < far:  # stretches from `cut` on would reach beyond `high`
        middle = (cut + far) >> 1
        if middle + follow[middle] <= high:
            cut = middle + 1
        else:
            far = middle
    best, most = low, 0
    left, right = low + claims, cut + claims
    while left < right:
        if left & 1:
            i = tree[left]
            if follow[i] > most or (follow[i] == most and i < best):
                best, most = i, follow[i]
            left += 1
        if right & 1:
            right -= 1
            i = tree[right]
            if follow[i] > most or (follow[i] == most and i < best):
                best, most = i, follow[i]
        left >>= 1
        right >>= 1
    if high - cut > most:
        return cut, high - cut
    return best, most


@njit(cache=True, nogil=True)
def _most_striking(
    follow: NDArray[np.int32],
    tree: NDArray[np.int32],
    claims: int,
    low: int,
    high: int,
    lengths: Floats,
    span: float,
) -> tuple[int, int]:
    """Find the stretch of [low, high) that stands out most, or the fullest longest one: (begin, end)."""
    begin, size = _fullest(follow[0], tree[0], claims, low, high)
    end = begin + size
    most = 0.0
    for scale in range(len(lengths)):
        first, k = _fullest(follow[scale], tree[scale], claims, low, high)
        mu = claims * lengths[scale] / max(span, lengths[scale])
        if k > mu:
            surprise = k * math.log(k / mu) - (k - mu)
            if surprise > most + 1e-9:  # of equals the longer, then the earlier
                most, begin, end = surprise, first, first + k
    return begin, end


@njit(cache=True, nogil=True)
def strangers_in(timeline: Timeline, cell_start: Longs, cells: Longs, reach: float) -> Floats:
    """Give the claims of strangers to expect in each of `cells`: float64[len(cells)].

    Either the merchant's own claims within `reach` days outside the cell, or its share of everyone's claims
    in the cell's time, whichever is more.
    """
    out = np.empty(len(cells))
    day = timeline.day
    claims = len(day)
    for i in range(len(cells)):
        first, last = cell_start[cells[i]], cell_start[cells[i] + 1] - 1
        merchant = timeline.merchant[first]
        low, high = timeline.merchant_start[merchant], timeline.merchant_start[merchant + 1]
        begin, end = day[first], day[last]
        held = last + 1 - first
        around = (
            np.searchsorted(day[low:high], end + reach, side="right")
            - np.searchsorted(day[low:high], begin - reach)
            - held
        )
        observed = max(min(end + reach, timeline.span) - max(begin - reach, 0.0) - (end - begin), 1.0)
        width = end - begin + max(timeline.grain, _SHORTEST_WIDTH)
        everyone = rank(timeline.clock, timeline.clock_index, end + _SLACK, True) - rank(
            timeline.clock, timeline.clock_index, begin - _SLACK, False
        )
        share = max(high - low - held, 0.5) * everyone / claims
        out[i] = max(around / observed * width, share)
    return out
