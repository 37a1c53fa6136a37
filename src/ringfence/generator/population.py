"""The people of a simulated marketplace: where they live, what they like, how much they buy and complain."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ringfence.generator.geography import COUNTRIES
from ringfence.generator.merchants import CATEGORIES, Merchants

Ints = NDArray[np.int32]
Floats = NDArray[np.float64]

FAVOURITES = 6
"""Shops a buyer returns to."""
LIKED = 3
"""Categories a buyer mostly shops in."""


@dataclass(frozen=True, eq=False)
class Population:
    """n buyers as parallel columns; look-alikes and rings write their ways of life into these arrays."""

    country: Ints
    """int32[n], positions in COUNTRIES."""
    liked: Ints
    """int32[n, LIKED], categories, the dearest first."""
    favourites: Ints
    """int32[n, FAVOURITES], shops, the dearest first."""
    loyalty: Floats
    """float64[n], share of the orders that go to favourites."""
    orders_expected: Floats
    """float64[n], mean number of ordinary orders in the whole period."""
    claim_factor: Floats
    """float64[n], how many times the usual share of a buyer's orders end in a claim."""
    active_from: Floats
    """float64[n], days."""
    active_until: Floats
    """float64[n], days."""
    chronotype: Floats
    """float64[n], hours by which a buyer's day is later than most."""

    def __len__(self) -> int:
        return len(self.country)

    def utc_offset(self, buyer: NDArray[np.integer]) -> Floats:
        """Return the hours by which each buyer's clock is ahead of UTC."""
        offsets = np.array([float(land.utc_offset_hours) for land in COUNTRIES])
        ahead: Floats = offsets[self.country[buyer]]
        return ahead


def settle(count: int, chance: np.random.Generator) -> Ints:
    """Draw the country (int32[count]) that each buyer lives in."""
    weights = np.array([land.weight for land in COUNTRIES])
    return chance.choice(len(COUNTRIES), size=count, p=weights).astype(np.int32)


def make_population(
    country: Ints, merchants: Merchants, orders_per_buyer: float, days: int, chance: np.random.Generator
) -> Population:
    """Return buyers who differ in zeal, trust, taste, hours and time of stay, living in `country`."""
    count = len(country)
    shares = np.array([share for _, share, _, _ in CATEGORIES])
    liked = chance.choice(len(CATEGORIES), size=(count, LIKED), p=shares).astype(np.int32)
    chosen = liked[np.arange(count)[:, None], chance.integers(0, LIKED, (count, FAVOURITES))]
    favourites = merchants.draw(chosen.ravel(), np.repeat(country, FAVOURITES), chance).reshape(
        count, FAVOURITES
    )
    active_from, active_until = _stays(count, days, chance)
    zeal = chance.gamma(1.4, 1.0, count) * ((active_until - active_from) / days) ** 0.5
    return Population(
        country=country,
        liked=liked,
        favourites=favourites,
        loyalty=chance.beta(2.0, 3.0, count),
        orders_expected=zeal * (orders_per_buyer / zeal.mean()),
        claim_factor=chance.lognormal(0.0, 0.5, count),
        active_from=active_from,
        active_until=active_until,
        chronotype=chance.normal(0.0, 1.5, count),
    )


def _stays(count: int, days: int, chance: np.random.Generator) -> tuple[Floats, Floats]:
    """Most stay for the whole period, some join or leave in it, some are active for a season only."""
    since, until = np.zeros(count), np.full(count, float(days))
    fate, edge = chance.random(count), chance.random(count) * days
    joins, leaves, season = fate < 0.2, (fate >= 0.2) & (fate < 0.28), (fate >= 0.28) & (fate < 0.36)
    since[joins] = edge[joins] * 0.85
    until[leaves] = days - edge[leaves] * 0.85
    since[season] = edge[season] * 0.75
    until[season] = np.minimum(since[season] + 30.0 + chance.random(int(season.sum())) * 90.0, days)
    return since, until
