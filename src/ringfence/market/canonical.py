"""The one order in which claims, orders, values and uses stand, whatever they were read from."""

from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ringfence.market.market import Claims, Ints, Longs, Orders, Sketches


def named(texts: pl.Series, used: Sequence[Ints]) -> tuple[pl.Series, Ints]:
    """Give the texts in use sorted by bytes, and int32 by position: a text's place among them, -1 if unused.

    `texts` are distinct; `used` are positions among them.
    """
    is_used = np.zeros(len(texts), np.bool_)
    for numbers in used:
        is_used[numbers] = True
    kept = np.flatnonzero(is_used)
    texts = texts.gather(kept)
    order = texts.arg_sort().to_numpy()
    place = np.full(len(is_used), -1, np.int32)
    place[kept[order]] = np.arange(len(order), dtype=np.int32)
    return texts.gather(order).rechunk().alias("id"), place


def claims_in_order(
    claim_id: pl.Series,
    buyer: Ints,
    merchant: Ints,
    filed_at: Longs,
    amount: Longs,
    currency: NDArray[np.int16],
    codes: Sequence[str],
) -> tuple[Claims, tuple[str, ...]]:
    """Put N claims in their order; give them and the currencies in use.

    `currency` is int16[N], positions in `codes`, which are sorted.
    """
    used = np.unique(currency)
    order = canonical_order(merchant, filed_at, buyer)
    order = settle_ties(order, merchant, filed_at, buyer, amount, claim_id)
    claims = Claims(
        claim_id=claim_id.gather(order).rechunk().alias("claim_id"),
        buyer=buyer[order],
        merchant=merchant[order],
        filed_at=filed_at[order],
        amount=amount[order],
        currency=np.searchsorted(used, currency[order]).astype(np.int16),
    )
    return claims, tuple(codes[number] for number in used)


def orders_in_order(buyer: Ints, merchant: Ints, ordered_at: Longs) -> Orders:
    """Put orders in their order."""
    order = canonical_order(merchant, ordered_at, buyer)
    return Orders(buyer=buyer[order], merchant=merchant[order], ordered_at=ordered_at[order])


def shared_sketches(sketches: Sketches) -> Sketches:
    """Leave of S sketches, in any order, those whose block others fall into too, in their order."""
    ranked = np.sort(sketches.block)
    blocks = ranked[1:][ranked[1:] == ranked[:-1]]
    at = np.minimum(np.searchsorted(blocks, sketches.block), max(0, len(blocks) - 1))
    kept = np.flatnonzero(blocks[at] == sketches.block) if len(blocks) else np.empty(0, np.int64)
    kept = kept[np.lexsort((sketches.value[kept], sketches.block[kept]))]
    sizes = sketches.start[kept + 1] - sketches.start[kept]
    start = np.zeros(len(kept) + 1, np.int64)
    np.cumsum(sizes, out=start[1:])
    rows = np.repeat(sketches.start[kept] - start[:-1], sizes) + np.arange(start[-1])
    return Sketches(
        block=sketches.block[kept],
        value=sketches.value[kept],
        variant=sketches.variant[kept],
        start=start,
        bigrams=sketches.bigrams[rows],
    )


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
