"""The whole method in its order: a market in, rings out."""

import itertools
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from ringfence.detection.closeness import Yardstick
from ringfence.detection.doors import doors
from ringfence.detection.exposure import Exposure, expose
from ringfence.detection.growth import Growing
from ringfence.detection.pairs import Pairs, find_pairs
from ringfence.detection.parameters import Parameters
from ringfence.detection.rings import GrownRing, discount_shopping_together, grow_rings, rank_buyers
from ringfence.detection.sharing import Sharing, multiplicities, share
from ringfence.detection.timeline import Timeline, lay_out, local_counts
from ringfence.detection.times import Times, read_times
from ringfence.domain.identifiers import IdentifierKind
from ringfence.domain.progress import Progress
from ringfence.market import Floats, Ints, Market, of_claimants


@dataclass(frozen=True, eq=False)
class Found:
    """What detection found in a market, and what it was found from."""

    market: Market
    """The part that claims; every number of a buyer below is a position in its `buyer_ids`."""
    rings: list[GrownRing]
    """Best first."""
    seeds: Pairs
    buyer_scores: Floats
    """float64[n], 0 to 1."""
    timeline: Timeline
    sharing: Sharing
    shared_kinds: tuple[str, ...]
    """What each `Sharing.kind` is called."""
    multiplicity: Floats
    """float64 by level, see `sharing.multiplicities`."""
    exposure: Exposure
    yardstick: Yardstick
    times: Times


def find_rings(market: Market, parameters: Parameters, progress: Progress) -> Found:
    """Find the rings of `market` by growing them from weak pairs.

    Deterministic for a market whatever the order of its rows, the key, and the number of threads.
    """
    market = of_claimants(market)
    buyers, merchants = len(market.buyer_ids), len(market.merchant_ids)
    times = read_times(market.claims.filed_at)
    yardstick = _yardstick(parameters, times)

    progress.stage("doors and shared identifiers")
    uses, kinds = shared_uses(market)
    sharing = share(uses, buyers)
    multiplicity = multiplicities(sharing, parameters.hub_holders)

    progress.stage("local rates")
    timeline = lay_out(market.claims, buyers, merchants, times.grain_days)
    with ThreadPoolExecutor(threads()) as pool:
        near, everywhere = _local_counts(timeline, parameters.rate_days, pool)
        progress.stage("weak pairs")
        pairs = find_pairs(
            timeline, sharing, multiplicity, yardstick, near, everywhere, parameters.seed_score, pool
        )
        del near, everywhere
        progress.stage("orders as exposure")
        exposure = expose(
            market.orders,
            timeline,
            int(market.claims.filed_at.min()),
            parameters.exposure_days,
            parameters.exposure_smoothing,
        )
        seeds = discount_shopping_together(pairs, timeline, exposure, yardstick, parameters.seed_score, pool)

    progress.stage("growing rings", len(seeds))
    growing = Growing(parameters.joining_rate, parameters.growth_rounds, parameters.single_joins_below)
    rings = grow_rings(
        seeds, timeline, sharing, exposure, yardstick, growing, parameters.ring_score, progress
    )
    scores = rank_buyers(seeds, rings, timeline, sharing, yardstick)
    return Found(
        market, rings, seeds, scores, timeline, sharing, kinds, multiplicity, exposure, yardstick, times
    )


def threads() -> int:
    """Give how many threads to use: the processors this process may run on, four at most."""
    available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(4, available)


def shared_uses(market: Market) -> tuple[list[tuple[Ints, Ints]], tuple[str, ...]]:
    """List (buyer, value) uses kind by kind, addresses as doors, and what to call each kind."""
    uses: list[tuple[Ints, Ints]] = []
    names: list[str] = []
    for identifiers in market.identifiers:
        value = identifiers.value
        if identifiers.kind is IdentifierKind.ADDRESS:
            value = doors(identifiers)[value]
        uses.append((identifiers.buyer, value))
        names.append(identifiers.kind.value)
    return uses, tuple(names)


def _yardstick(parameters: Parameters, times: Times) -> Yardstick:
    neighbours = parameters.neighbours
    if times.grain_days >= 1.0:
        # Claims of one day are in no order, so all that chance allows must be compared.
        neighbours = max(neighbours, int(parameters.strangers) + 2)
    return Yardstick(
        window=parameters.window_days,
        reach=parameters.rate_days,
        closest=parameters.closest_days,
        strangers=parameters.strangers,
        gap=parameters.gap_days,
        neighbours=neighbours,
        hub=parameters.hub_holders,
    )


def _local_counts(timeline: Timeline, reach: float, pool: ThreadPoolExecutor) -> tuple[Ints, Ints]:
    claims = len(timeline.buyer)
    near, everywhere = np.empty(claims, np.int32), np.empty(claims, np.int32)
    cuts = np.searchsorted(timeline.merchant_start, np.linspace(0, claims, 33))
    tasks = [
        pool.submit(local_counts, timeline, first, end, reach, near, everywhere)
        for first, end in itertools.pairwise(cuts)
    ]
    for task in tasks:
        task.result()
    return near, everywhere
