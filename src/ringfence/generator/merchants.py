"""The shops of a simulated marketplace: what they sell, where, and how popular they are."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ringfence.generator.geography import COUNTRIES

Ints = NDArray[np.int32]
Floats = NDArray[np.float64]

CATEGORIES = (
    ("fashion", 0.20, 38.0, 0.7),
    ("electronics", 0.13, 120.0, 1.0),
    ("home", 0.12, 55.0, 0.9),
    ("beauty", 0.10, 25.0, 0.6),
    ("food", 0.10, 22.0, 0.5),
    ("toys", 0.08, 28.0, 0.7),
    ("sports", 0.08, 48.0, 0.8),
    ("books", 0.06, 17.0, 0.5),
    ("garden", 0.05, 42.0, 0.8),
    ("pets", 0.04, 24.0, 0.6),
    ("jewellery", 0.02, 85.0, 1.0),
    ("crafts", 0.02, 19.0, 0.6),
)
"""(name, share of the shops, median price in euros, sigma of its logarithm)."""
ABROAD = 0.2
"""Share of orders that look at the shops of every country."""


@dataclass(frozen=True, eq=False)
class Merchants:
    """M shops, sorted by (category, country) so that those a buyer chooses among lie side by side."""

    category: Ints
    """int32[M], positions in CATEGORIES."""
    country: Ints
    """int32[M], positions in COUNTRIES."""
    popularity: Floats
    """float64[M], adds up to one; heavy-tailed."""
    faultiness: Floats
    """float64[M], how many times the usual share of a shop's orders end in a claim."""
    cumulative: Floats
    """float64[M + 1], sums of popularity."""
    domestic_bounds: Ints
    """int32[categories * countries + 1], where each (category, country) begins."""

    def __len__(self) -> int:
        return len(self.category)

    def draw(self, category: Ints, country: Ints, chance: np.random.Generator) -> Ints:
        """Draw a shop (int32) of each category, mostly of the country, popular shops more often."""
        group = category.astype(np.int64) * len(COUNTRIES) + country
        low, high = self.domestic_bounds[group], self.domestic_bounds[group + 1]
        wide = (chance.random(len(group)) < ABROAD) | (low == high)
        first = category[wide].astype(np.int64) * len(COUNTRIES)
        low[wide], high[wide] = self.domestic_bounds[first], self.domestic_bounds[first + len(COUNTRIES)]
        start = self.cumulative[low]
        point = start + (self.cumulative[high] - start) * chance.random(len(group))
        # rounding may put a point on the upper edge, which belongs to the next group
        found = np.searchsorted(self.cumulative, point, side="right") - 1
        shop: Ints = np.clip(found, low, high - 1).astype(np.int32)
        return shop


def open_merchants(count: int, chance: np.random.Generator) -> Merchants:
    """Return `count` shops whose popularity falls with their rank almost as Zipf has it."""
    shares = np.array([share for _, share, _, _ in CATEGORIES])
    category = chance.choice(len(CATEGORIES), size=count, p=shares)
    category[: len(CATEGORIES)] = np.arange(len(CATEGORIES))  # no category without a shop
    country = chance.choice(len(COUNTRIES), size=count, p=np.array([land.weight for land in COUNTRIES]))
    rank = chance.permutation(count)
    popularity = (rank + 3.0) ** -0.9 * chance.lognormal(0.0, 0.4, count)
    order = np.lexsort((country, category))
    category, country, popularity = category[order], country[order], popularity[order] / popularity.sum()
    group = category * len(COUNTRIES) + country
    return Merchants(
        category=category.astype(np.int32),
        country=country.astype(np.int32),
        popularity=popularity,
        faultiness=chance.lognormal(-0.08, 0.4, count),
        cumulative=np.concatenate([[0.0], np.cumsum(popularity)]),
        domestic_bounds=np.searchsorted(group, np.arange(len(CATEGORIES) * len(COUNTRIES) + 1)).astype(
            np.int32
        ),
    )
