"""What one extra plays in: its people, the shops they share with everybody, and its streams of chance."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ringfence.generator.activity import NONE, Activity, Floats, Ints, Longs
from ringfence.generator.belongings import Belongings
from ringfence.generator.merchants import CATEGORIES, Merchants
from ringfence.generator.options import GeneratorOptions
from ringfence.generator.population import Population
from ringfence.generator.seasons import DAY, Calendar, draw_clock


@dataclass(frozen=True, eq=False)
class Scene:
    """The people of one extra before they act; plays write how they live into the arrays."""

    options: GeneratorOptions
    calendar: Calendar
    merchants: Merchants
    population: Population
    belongings: Belongings
    plans: np.random.Generator
    """Draws who shares what and when things happen, the same at any stealth."""
    acts: np.random.Generator
    """Draws who joins a hit and how late, the same at any stealth."""
    details: np.random.Generator
    """Draws everything else."""


def lure_of(merchants: Merchants) -> Floats:
    """Return how much each shop attracts joint visits (float64[M], adds up to one)."""
    lure: Floats = np.sqrt(merchants.popularity)
    lure /= lure.sum()
    return lure


def draw_shops(scene: Scene, count: int, country: int) -> Ints:
    """Draw `count` shops of any category, mostly of a country, popular ones more often; some may be alike."""
    shares = np.array([share for _, share, _, _ in CATEGORIES])
    category = scene.plans.choice(len(CATEGORIES), size=count, p=shares).astype(np.int32)
    return scene.merchants.draw(category, np.full(count, country, dtype=np.int32), scene.plans)


def draw_distinct_shops(scene: Scene, count: int, country: int) -> Ints:
    """Draw `count` different shops as draw_shops does, a hundred at most."""
    shops = np.empty(0, dtype=np.int32)
    while len(shops) < count:
        drawn = np.concatenate([shops, draw_shops(scene, count, country)])
        _, first = np.unique(drawn, return_index=True)
        shops = drawn[np.sort(first)]
    return shops[:count]


def clock_of(scene: Scene, buyer: Ints) -> Longs:
    """Draw a time of day for each buyer, in seconds after UTC midnight, by the buyer's own clock."""
    people = scene.population
    return draw_clock(people.utc_offset(buyer), people.chronotype[buyer], scene.plans)


def days_after(moments: Longs, days: Floats) -> Longs:
    """Return the seconds that lie `days` after `moments`."""
    return moments + (days * DAY).astype(np.int64)


def some_claimed(
    buyer: Ints,
    merchant: Ints,
    ordered_at: Longs,
    delivered_at: Longs,
    filed_at: Longs,
    reason: Ints,
    claims: NDArray[np.bool_],
    *,
    is_scheme: bool = False,
) -> Activity:
    """Return orders of which those where `claims` holds end in a claim; the rest is without delivery."""
    return Activity(
        buyer=buyer.astype(np.int32),
        merchant=merchant.astype(np.int32),
        ordered_at=ordered_at,
        delivered_at=np.where(claims, delivered_at, NONE),
        filed_at=np.where(claims, filed_at, NONE),
        reason=np.where(claims, reason, NONE).astype(np.int32),
        is_scheme=claims & is_scheme,
    )
