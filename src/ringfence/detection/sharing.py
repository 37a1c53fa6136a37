"""Identifiers that buyers share: who holds what, how rare it is, and how many pairs share as rare a value."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from ringfence.detection.timeline import starts
from ringfence.market import Ints, Longs

NOTHING_SHARED = 0
"""The level of a pair that shares no value of at most `hub` holders."""
LEVELS = 64


class Sharing(NamedTuple):
    """V values held by two buyers or more, as two incidence lists that mirror each other."""

    value_start: Longs
    """int64[n + 1], where each buyer's values begin in `value`."""
    value: Ints
    """int32, each buyer's values, rarest first."""
    holder_start: Longs
    """int64[V + 1], where each value's holders begin in `holder`."""
    holder: Ints
    """int32, each value's holders, rising."""
    kind: NDArray[np.int8]
    """int8[V], the kind of each value: a position in the list that `share` was given."""


def share(uses: Sequence[tuple[Ints, Ints]], buyers: int) -> Sharing:
    """Join lists of (buyer, value) uses, one a kind, keeping values with two holders or more.

    Values are renumbered by how many and who holds them, never by their hashes, so that the result is the
    same under any key; two values of one kind with the same holders are alike.
    """
    holder_lists, counts, kinds = [], [], []
    for kind, (buyer, value) in enumerate(uses):
        again = np.bincount(value)[value] >= 2  # most values are used once: nobody shares them
        packed = np.unique(value[again].astype(np.int64) * buyers + buyer[again])
        held, who = packed // buyers, (packed % buyers).astype(np.int32)
        first = (
            np.flatnonzero(np.concatenate((np.ones(1, bool), held[1:] != held[:-1]))) if len(held) else held
        )
        holders = np.diff(np.append(first, len(held)))
        kept = holders >= 2
        holder_lists.append(who[np.repeat(kept, holders)])
        counts.append(holders[kept])
        kinds.append(np.full(int(kept.sum()), kind, np.int8))
    holder = np.concatenate(holder_lists) if holder_lists else np.empty(0, np.int32)
    holders = np.concatenate(counts).astype(np.int64) if counts else np.empty(0, np.int64)
    kind_of = np.concatenate(kinds) if kinds else np.empty(0, np.int8)
    holder_start = np.zeros(len(holders) + 1, np.int64)
    np.cumsum(holders, out=holder_start[1:])
    if len(holders):
        # Order by what the values are held by, so that nothing follows the order of hashes.
        who_holds = fingerprints(holder, holder_start)
        order = np.lexsort((who_holds, holder[holder_start[:-1]], kind_of, holders))
        holder, holder_start = _reorder(holder, holder_start, order)
        holders, kind_of = holders[order], kind_of[order]
    value_of = np.repeat(np.arange(len(holders), dtype=np.int32), holders)
    by_buyer = np.lexsort((value_of, holder))
    return Sharing(
        value_start=starts(holder, buyers),
        value=value_of[by_buyer],
        holder_start=holder_start,
        holder=holder,
        kind=kind_of,
    )


@njit(cache=True, nogil=True)
def fingerprints(items: Ints, start: Longs) -> NDArray[np.uint64]:
    """Give uint64 by list: a hash of the list items[start[i]:start[i+1]] (FNV-1a over whole items)."""
    out = np.empty(len(start) - 1, np.uint64)
    for i in range(len(out)):
        fingerprint = np.uint64(0xCBF29CE484222325)
        for position in range(start[i], start[i + 1]):
            fingerprint = (fingerprint ^ np.uint64(items[position])) * np.uint64(0x100000001B3)
        out[i] = fingerprint
    return out


@njit(cache=True, nogil=True)
def _reorder(items: Ints, start: Longs, order: Longs) -> tuple[Ints, Longs]:
    """Lay the lists items[start[i]:start[i+1]] out anew in `order`."""
    out = np.empty_like(items)
    out_start = np.zeros(len(start), np.int64)
    end = 0
    for place, i in enumerate(order):
        for position in range(start[i], start[i + 1]):
            out[end] = items[position]
            end += 1
        out_start[place + 1] = end
    return out, out_start


@njit(cache=True, nogil=True)
def holders_of(sharing: Sharing, value: int) -> int:
    """Count the holders of a value."""
    return sharing.holder_start[value + 1] - sharing.holder_start[value]


@njit(cache=True, nogil=True)
def rarest_shared(sharing: Sharing, a: int, b: int, hub: int) -> int:
    """Find the rarest value that `a` and `b` share: its number, or -1 if none has at most `hub` holders."""
    for i in range(sharing.value_start[a], sharing.value_start[a + 1]):
        value = sharing.value[i]
        if holders_of(sharing, value) > hub:
            return -1
        for j in range(sharing.value_start[b], sharing.value_start[b + 1]):
            if sharing.value[j] == value:
                return value
    return -1


@njit(cache=True, nogil=True)
def level(holders: int) -> int:
    """Give the stratum of a value: the power of two that `holders` (2 or more) does not exceed."""
    out = 1
    while (1 << out) < holders:
        out += 1
    return out


@njit(cache=True, nogil=True)
def pairs_by_level(sharing: Sharing, hub: int) -> Longs:
    """Count the pairs of buyers by the level of the rarest value they share: int64[LEVELS], no pair stored.

    Each buyer's values are walked rarest first and each partner is stamped once.
    """
    buyers = len(sharing.value_start) - 1
    stamp = np.full(buyers, -1, np.int32)
    counts = np.zeros(LEVELS, np.int64)
    for a in range(buyers):
        for i in range(sharing.value_start[a], sharing.value_start[a + 1]):
            value = sharing.value[i]
            if holders_of(sharing, value) > hub:
                break
            at = level(holders_of(sharing, value))
            for j in range(sharing.holder_start[value], sharing.holder_start[value + 1]):
                b = sharing.holder[j]
                if b > a and stamp[b] != a:
                    stamp[b] = a
                    counts[at] += 1
    return counts


def multiplicities(sharing: Sharing, hub: int) -> NDArray[np.float64]:
    """Give, by level, the pairs among which a pair is singled out: float64[LEVELS].

    Level `NOTHING_SHARED` counts all pairs, any other the pairs that share a value as rare or rarer. An
    identifier narrows where we look; it is no evidence of itself.
    """
    buyers = len(sharing.value_start) - 1
    out = np.maximum(np.cumsum(pairs_by_level(sharing, hub)).astype(float), 1.0)
    out[NOTHING_SHARED] = max(buyers * (buyers - 1) / 2, 1.0)
    return out
