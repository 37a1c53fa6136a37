"""Orders and the claims that some of them end in, as columns; and ordinary life, which makes most of them."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

from ringfence.domain.claims import ClaimReason
from ringfence.generator.merchants import CATEGORIES, Merchants
from ringfence.generator.population import FAVOURITES, LIKED, Population
from ringfence.generator.seasons import DAY, Calendar, draw_clock

Ints = NDArray[np.int32]
Longs = NDArray[np.int64]
Floats = NDArray[np.float64]

NONE = -1
"""No such moment: never delivered, never claimed."""
REASONS = tuple(ClaimReason)
NOT_RECEIVED = REASONS.index(ClaimReason.NOT_RECEIVED)
_REASON_SHARES = (0.22, 0.2, 0.1, 0.16, 0.16, 0.1, 0.06)
_FAVOURITE_SHARES = (0.36, 0.22, 0.15, 0.11, 0.09, 0.07)
_LIKED_SHARES = (0.6, 0.28, 0.12)
COMPANY = 0.2
"""How much less often people complain of what they ordered together: one does for all, or nobody."""
_CURIOUS = 0.15
"""Share of orders outside the categories a buyer likes."""


@dataclass(frozen=True, eq=False)
class Activity:
    """Orders as parallel columns, in no particular order; times are seconds since the period began."""

    buyer: Ints
    """int32, positions in the population."""
    merchant: Ints
    """int32, positions in the merchants."""
    ordered_at: Longs
    """int64."""
    delivered_at: Longs
    """int64, NONE if unknown or never."""
    filed_at: Longs
    """int64, NONE if no claim was filed."""
    reason: Ints
    """int32, positions in REASONS, NONE without a claim."""
    is_scheme: NDArray[np.bool_]
    """bool, filed as a ring's joint hit."""

    def __len__(self) -> int:
        return len(self.buyer)


def join_activities(activities: Sequence[Activity]) -> Activity:
    """Return all orders of `activities` (at least one), one after another."""
    return Activity(
        **{
            column.name: np.concatenate([getattr(activity, column.name) for activity in activities])
            for column in fields(Activity)
        }
    )


def plain_orders(buyer: Ints, merchant: Ints, ordered_at: Longs) -> Activity:
    """Return orders that nobody has complained about."""
    nothing = np.full(len(buyer), NONE, dtype=np.int64)
    return Activity(
        buyer=buyer,
        merchant=merchant,
        ordered_at=ordered_at,
        delivered_at=nothing,
        filed_at=nothing,
        reason=nothing.astype(np.int32),
        is_scheme=np.zeros(len(buyer), dtype=np.bool_),
    )


def claimed_orders(
    buyer: Ints,
    merchant: Ints,
    filed_at: Longs,
    reason: Ints,
    chance: np.random.Generator,
    *,
    is_scheme: bool,
) -> Activity:
    """Return orders that end in the given claims, ordered and delivered a few days before them."""
    delivered_at = filed_at - (chance.gamma(1.5, 1.2, len(buyer)) * DAY).astype(np.int64) - 600
    ordered_at = delivered_at - (chance.gamma(3.0, 1.3, len(buyer)) * DAY).astype(np.int64) - DAY // 2
    return Activity(
        buyer=buyer,
        merchant=merchant,
        ordered_at=ordered_at,
        delivered_at=np.where(reason == NOT_RECEIVED, NONE, delivered_at),
        filed_at=filed_at,
        reason=reason,
        is_scheme=np.full(len(buyer), is_scheme),
    )


def select(activity: Activity, rows: NDArray[np.intp] | NDArray[np.bool_]) -> Activity:
    """Return the orders of `activity` at `rows`, positions or a mask."""
    return Activity(**{column.name: getattr(activity, column.name)[rows] for column in fields(Activity)})


def within_period(activity: Activity, calendar: Calendar) -> Activity:
    """Return what happens inside the period; a claim after its end is an order without a claim so far."""
    inside = select(activity, (activity.ordered_at >= 0) & (activity.ordered_at < calendar.end))
    open_yet = inside.filed_at >= calendar.end
    return replace(
        inside,
        filed_at=np.where(open_yet, NONE, inside.filed_at),
        reason=np.where(open_yet, NONE, inside.reason).astype(np.int32),
        is_scheme=inside.is_scheme & ~open_yet,
    )


def ordinary_orders(
    population: Population, merchants: Merchants, calendar: Calendar, chance: np.random.Generator
) -> Activity:
    """Return everybody's own shopping: how often, where, when, each by their own ways."""
    buyer = np.repeat(np.arange(len(population), dtype=np.int32), chance.poisson(population.orders_expected))
    day = calendar.draw_days(population.active_from[buyer], population.active_until[buyer], chance)
    clock = draw_clock(population.utc_offset(buyer), population.chronotype[buyer], chance)
    return plain_orders(
        buyer, _visit(population, merchants, buyer, chance), (day * DAY + clock) % calendar.end
    )


def _visit(population: Population, merchants: Merchants, buyer: Ints, chance: np.random.Generator) -> Ints:
    """Draw the shop of each order: a favourite, else one of a category the buyer likes, else any."""
    count = len(buyer)
    nth = chance.choice(LIKED, size=count, p=np.array(_LIKED_SHARES))
    category = population.liked[buyer, nth]
    curious = chance.random(count) < _CURIOUS
    shares = np.array([share for _, share, _, _ in CATEGORIES])
    category[curious] = chance.choice(len(CATEGORIES), size=int(curious.sum()), p=shares)
    shop = merchants.draw(category, population.country[buyer], chance)
    returns = chance.random(count) < population.loyalty[buyer]
    nth = chance.choice(FAVOURITES, size=int(returns.sum()), p=np.array(_FAVOURITE_SHARES))
    shop[returns] = population.favourites[buyer[returns], nth]
    return shop


def complain(
    orders: Activity, population: Population, merchants: Merchants, rate: float, chance: np.random.Generator
) -> Activity:
    """Return `orders` where about the share `rate` of those without a claim end in one, independently.

    Who complains and about whom varies by buyer and shop; a claim comes some days after the delivery, or
    after waiting for it in vain.
    """
    lean = population.claim_factor[orders.buyer] * merchants.faultiness[orders.merchant]
    lean[orders.filed_at != NONE] = 0.0
    if not lean.any():
        return orders
    claims = rate * np.count_nonzero(lean)
    scale = claims / lean.sum()
    for _ in range(6):  # those who already complain of everything cannot complain more
        scale *= claims / np.minimum(lean * scale, 0.95).sum()
    row = np.flatnonzero(chance.random(len(orders)) < np.minimum(lean * scale, 0.95))
    buyer, merchant, ordered_at = orders.buyer[row], orders.merchant[row], orders.ordered_at[row]
    abroad = population.country[buyer] != merchants.country[merchant]
    travel = chance.gamma(3.0, np.where(abroad, 3.5, 1.2))
    delivered_at = ordered_at + ((0.4 + travel) * DAY).astype(np.int64)
    reason = chance.choice(len(REASONS), size=len(row), p=np.array(_REASON_SHARES))
    lost = reason == NOT_RECEIVED
    patience = np.where(lost, 5.0 + chance.gamma(2.0, 3.0, len(row)), chance.lognormal(0.7, 1.0, len(row)))
    day = (delivered_at + (patience * DAY).astype(np.int64)) // DAY
    clock = draw_clock(population.utc_offset(buyer), population.chronotype[buyer], chance)
    filed_at = np.maximum(day * DAY + clock, delivered_at + 900)
    return Activity(
        buyer=orders.buyer,
        merchant=orders.merchant,
        ordered_at=orders.ordered_at,
        delivered_at=_put(orders.delivered_at, row, np.where(lost, NONE, delivered_at)),
        filed_at=_put(orders.filed_at, row, filed_at),
        reason=_put(orders.reason.astype(np.int64), row, reason).astype(np.int32),
        is_scheme=orders.is_scheme,
    )


def _put(column: Longs, row: NDArray[np.intp], values: Longs) -> Longs:
    changed = column.copy()
    changed[row] = values
    return changed
