"""A market made ready for every method: claims, identifiers, orders and weak pairs, laid out once."""

import itertools
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np

from ringfence.detection.cells import Cells, cut_cells
from ringfence.detection.closeness import Yardstick
from ringfence.detection.doors import doors
from ringfence.detection.exposure import NON_CLAIMANT, Exposure, claimed_orders, expose
from ringfence.detection.occasions import divide_occasions, number_occasions
from ringfence.detection.pair_evidence import score_pairs
from ringfence.detection.pairs import Pairs, find_pairs
from ringfence.detection.parameters import OccasionParameters, Parameters
from ringfence.detection.sharing import Sharing, multiplicities, share
from ringfence.detection.shopping import household_loss_rate
from ringfence.detection.timeline import Timeline, lay_out, local_counts
from ringfence.detection.times import Times, read_times
from ringfence.domain.identifiers import IdentifierKind
from ringfence.domain.progress import Progress
from ringfence.market import Floats, Ints, Market, Orders, of_claimants


@dataclass(frozen=True, eq=False)
class Prepared:
    """What the methods work on; every number of a buyer is a position in `market.buyer_ids`."""

    market: Market
    """The part that claims."""
    orders: Orders | None
    """Everyone's orders; buyers who never claimed are `NON_CLAIMANT`."""
    timeline: Timeline
    cells: Cells
    """Of each merchant; they rest on times alone, not on who claims."""
    near: Ints
    """int32[N], see `timeline.local_counts`."""
    everywhere: Ints
    """int32[N]"""
    sharing: Sharing
    shared_kinds: tuple[str, ...]
    """What each `Sharing.kind` is called."""
    multiplicity: Floats
    """float64 by level, see `sharing.multiplicities`."""
    exposure: Exposure
    household_loss_rate: float
    """How often what households order together is claimed for by two of them."""
    yardstick: Yardstick
    times: Times
    pairs: Pairs
    """Weak pairs: seeds of rings, and ties between rings."""

    @property
    def buyers(self) -> int:
        """How many buyers claimed."""
        return len(self.timeline.buyer_start) - 1


def prepare(market: Market, parameters: Parameters, progress: Progress) -> Prepared:
    """Lay out `market` and find its weak pairs.

    Deterministic for a market whatever the order of its rows, the key, and the number of threads.
    """
    orders = _orders_of_everyone(market)
    market = of_claimants(market)
    buyers, merchants = len(market.buyer_ids), len(market.merchant_ids)
    times = read_times(market.claims.filed_at)
    yardstick = _yardstick(parameters, times)

    progress.stage("doors and shared identifiers")
    uses, kinds = shared_uses(market)
    sharing = share(uses, buyers)
    multiplicity = multiplicities(sharing, yardstick.hub)

    progress.stage("local rates")
    timeline = lay_out(market.claims, buyers, merchants, times.grain_days)
    near, everywhere = count_nearby(timeline, yardstick.reach)
    progress.stage("orders as exposure")
    timeline, exposure = with_orders(timeline, orders, int(market.claims.filed_at.min()), parameters)
    progress.stage("weak pairs")
    pairs = weak_pairs(timeline, sharing, multiplicity, exposure, yardstick, near, everywhere, parameters)
    return Prepared(
        market=market,
        orders=orders,
        timeline=timeline,
        cells=cut_cells(timeline, parameters.blocks),
        near=near,
        everywhere=everywhere,
        sharing=sharing,
        shared_kinds=kinds,
        multiplicity=multiplicity,
        exposure=exposure,
        household_loss_rate=float(household_loss_rate(exposure, sharing)),
        yardstick=yardstick,
        times=times,
        pairs=pairs,
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


def _orders_of_everyone(market: Market) -> Orders | None:
    """Number the orders' buyers as `of_claimants` does, those who never claimed as `NON_CLAIMANT`."""
    if market.orders is None:
        return None
    claims_at_all = np.zeros(len(market.buyer_ids), np.bool_)
    claims_at_all[market.claims.buyer] = True
    number = np.where(claims_at_all, np.cumsum(claims_at_all) - 1, NON_CLAIMANT).astype(np.int32)
    return replace(market.orders, buyer=number[market.orders.buyer])


def with_orders(
    timeline: Timeline, orders: Orders | None, first_moment: int, parameters: Parameters
) -> tuple[Timeline, Exposure]:
    """Match claims to orders and number everyone's occasions; day 0 is `first_moment` (µs)."""
    claimed, bought = claimed_orders(orders, timeline, first_moment)
    timeline = with_occasions(timeline, bought if orders is not None else None, parameters.occasions)
    return timeline, expose(orders, claimed, timeline, first_moment, parameters.orders.together_days)


def with_occasions(timeline: Timeline, bought: Floats | None, parameters: OccasionParameters) -> Timeline:
    """Number the acts and checkouts of every buyer.

    `bought` is float64[N], the day each claim's order was placed; None where no orders are known.
    """
    of_buyer, buyer_start = timeline.of_buyer, timeline.buyer_start
    # Times rounded to whole days put claims of one evening a day apart.
    act_days = parameters.act_days + timeline.grain
    timeline = timeline._replace(act=number_occasions(of_buyer, buyer_start, timeline.day, act_days))
    if bought is None:
        return timeline
    checkout = number_occasions(of_buyer, buyer_start, bought, parameters.checkout_days)
    return timeline._replace(
        checkout=divide_occasions(
            of_buyer, buyer_start, checkout, timeline.day, parameters.checkout_claims_days
        )
    )


def weak_pairs(
    timeline: Timeline,
    sharing: Sharing,
    multiplicity: Floats,
    exposure: Exposure,
    yardstick: Yardstick,
    near: Ints,
    everywhere: Ints,
    parameters: Parameters,
) -> Pairs:
    """Find and score the pairs that may start a ring; the arguments are fields of `Prepared`."""
    least = parameters.coincidence.seed_score
    with ThreadPoolExecutor(threads()) as pool:
        pairs = find_pairs(timeline, sharing, multiplicity, yardstick, near, everywhere, least, pool)
        return score_pairs(pairs, timeline, exposure, yardstick, near, everywhere, least, pool)


def _yardstick(parameters: Parameters, times: Times) -> Yardstick:
    rules = parameters.yardstick
    neighbours = rules.neighbours
    if times.grain_days >= 1.0:
        # Claims of one day are in no order, so all that chance allows must be compared.
        neighbours = max(neighbours, int(rules.strangers) + 2)
    return Yardstick(
        window=rules.window_days,
        reach=rules.rate_days,
        closest=rules.closest_days,
        strangers=rules.strangers,
        gap=rules.gap_days,
        neighbours=neighbours,
        hub=rules.hub_holders,
        habit=rules.habit_days,
        household=min(rules.habit_days, parameters.orders.household_days),
    )


def count_nearby(timeline: Timeline, reach: float) -> tuple[Ints, Ints]:
    """Count the claims within ± `reach` days of each one, at its merchant and everywhere: int32[N] each."""
    claims = len(timeline.buyer)
    near, everywhere = np.empty(claims, np.int32), np.empty(claims, np.int32)
    cuts = np.searchsorted(timeline.merchant_start, np.linspace(0, claims, 33))
    with ThreadPoolExecutor(threads()) as pool:
        tasks = [
            pool.submit(local_counts, timeline, first, end, reach, near, everywhere)
            for first, end in itertools.pairwise(cuts)
        ]
        for task in tasks:
            task.result()
    return near, everywhere
