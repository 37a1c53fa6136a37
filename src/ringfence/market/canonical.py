"""The one order in which claims, orders, values and uses stand, whatever they were read from."""

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ringfence.market.market import Ints, Longs


def canonical_order(merchant: Ints, moment: Longs, buyer: Ints) -> Longs:
    """Sort N rows by (merchant, moment, buyer); give int64[N].

    The three are packed into one int64 where they fit (times that are whole seconds usually do), which
    sorts several times faster.
    """
    if len(moment) == 0:
        return np.empty(0, np.int64)
    earliest, latest = int(moment.min()), int(moment.max())
    unit = next(
        unit
        for unit in (60_000_000, 1_000_000, 1_000, 1)
        if unit == 1 or not ((moment - earliest) % unit).any()
    )
    time_bits = ((latest - earliest) // unit).bit_length()
    buyer_bits = int(buyer.max()).bit_length()
    if int(merchant.max()).bit_length() + time_bits + buyer_bits > 63:
        return np.lexsort((buyer, moment, merchant))
    packed = merchant.astype(np.int64) << time_bits
    packed |= (moment - earliest) // unit
    packed <<= buyer_bits
    packed |= buyer
    return np.argsort(packed)


def settle_ties(
    order: Longs, merchant: Ints, moment: Longs, buyer: Ints, amount: Longs, claim_id: pl.Series
) -> Longs:
    """Settle rows that `canonical_order` left equal by amount and claim_id; give int64[N]."""
    left, right = order[:-1], order[1:]
    ties = (
        (merchant[left] == merchant[right]) & (moment[left] == moment[right]) & (buyer[left] == buyer[right])
    )
    if not ties.any():
        return order
    places = np.flatnonzero(np.concatenate((ties, [False])) | np.concatenate(([False], ties)))
    run = np.cumsum(np.concatenate(([True], ~ties)))[places]
    rows = order[places]
    tied = pl.DataFrame(
        {"run": run, "amount": amount[rows], "claim_id": claim_id.gather(rows), "row": rows}
    ).sort("run", "amount", "claim_id")
    settled = order.copy()
    settled[places] = tied["row"].to_numpy()
    return settled


def order_of_values(exact: NDArray[np.uint8]) -> Longs:
    """Sort V pseudonyms, distinct rows of uint8[V, 32], by their bytes; give int64[V]."""
    words = exact.view(">u8").astype(np.uint64)
    order = np.argsort(words[:, 0])
    ranked = words[order, 0]
    if (ranked[1:] == ranked[:-1]).any():
        order = np.lexsort(words.T[::-1])
    return order


def distinct_uses(buyer: Ints, value: Ints) -> tuple[Ints, Ints]:
    """Sort pairs by (buyer, value) and leave out repetitions; give two int32 arrays."""
    uses = (buyer.astype(np.int64) << 32) | value
    uses.sort()
    uses = uses[np.concatenate((np.ones(min(1, len(uses)), np.bool_), uses[1:] != uses[:-1]))]
    return (uses >> 32).astype(np.int32), (uses & 0xFFFFFFFF).astype(np.int32)
