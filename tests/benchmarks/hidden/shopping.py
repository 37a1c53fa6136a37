"""Honest life: merchants of unequal fame, buyers of unequal zeal, orders and the claims that follow some."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hidden.profile import Profile

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Deals:
    """Orders and their claims as parallel columns; times in days since the start of the history."""

    buyer: Ints
    merchant: Ints
    ordered: Floats
    filed: Floats
    """When it was claimed; NaN where it was not."""

    def __len__(self) -> int:
        return len(self.buyer)


def join_deals(parts: list[Deals]) -> Deals:
    """All rows of `parts`, in their order."""
    return Deals(
        np.concatenate([part.buyer for part in parts]),
        np.concatenate([part.merchant for part in parts]),
        np.concatenate([part.ordered for part in parts]),
        np.concatenate([part.filed for part in parts]),
    )


def unclaimed(buyer: Ints, merchant: Ints, ordered: Floats) -> Deals:
    """Orders of which nothing is claimed yet."""
    return Deals(buyer, merchant, ordered, np.full(len(buyer), np.nan))


@dataclass(frozen=True)
class Catalogue:
    """The merchants: m of them, in categories and regions."""

    popularity: Floats
    """float64[m], shares that sum to 1."""
    defect: Floats
    """float64[m], how much more often than usual its orders end in a claim."""
    category: Ints
    order: Ints
    """int64[m], merchants sorted by shelf (category and region)."""
    edges: Ints
    """int64[shelves + 1], where each shelf begins in `order`."""
    cumulated: Floats
    """float64[m + 1], popularity summed along `order`, from 0 to 1."""
    regions: int

    def draw(self, rng: np.random.Generator, category: Ints, region: Ints) -> Ints:
        """A merchant for each category and region by popularity; -1 means any, and so does an empty shelf."""
        shelf = category * self.regions + region
        low, high = self.cumulated[self.edges[shelf]], self.cumulated[self.edges[shelf + 1]]
        is_any = (category < 0) | (region < 0) | (high <= low)
        low, high = np.where(is_any, 0.0, low), np.where(is_any, 1.0, high)
        at = low + rng.random(len(shelf)) * (high - low)
        found = np.searchsorted(self.cumulated, at, side="right") - 1
        drawn: Ints = self.order[np.clip(found, 0, len(self.order) - 1)]
        return drawn


def make_catalogue(rng: np.random.Generator, profile: Profile) -> Catalogue:
    """Zipf's law with the profile's exponent, and a giant where the profile has one."""
    count = profile.merchants
    weights = rng.permutation((np.arange(count) + rng.uniform(1.0, 8.0)) ** -profile.popularity_exponent)
    weights /= weights.sum()
    weights[0] += profile.giant_share
    popularity = weights / weights.sum()
    category = rng.integers(0, profile.categories, count)
    shelf = category * profile.regions + rng.integers(0, profile.regions, count)
    order = np.argsort(shelf, kind="stable")
    edges = np.searchsorted(shelf[order], np.arange(profile.categories * profile.regions + 1))
    cumulated = np.concatenate([[0.0], np.cumsum(popularity[order])])
    cumulated /= cumulated[-1]
    defect = rng.lognormal(0.0, 0.7, count)
    return Catalogue(popularity, defect, category, order, edges, cumulated, profile.regions)


@dataclass(frozen=True)
class People:
    """The buyers, n of them; the arrays are filled in while the marketplace is drafted."""

    region: Ints
    tastes: Ints
    """int64[n, 2], categories."""
    orders: Floats
    """float64[n], expected orders over the whole history."""
    propensity: Floats
    """float64[n], how much more often than usual its orders end in a claim."""
    first: Floats
    """float64[n], day of the first order at the earliest."""
    last: Floats
    """float64[n], day of the last order at the latest."""


def make_people(rng: np.random.Generator, profile: Profile) -> People:
    """Buyers of gamma-distributed zeal, a third of whom joined late or left early."""
    n, days = profile.buyers, float(profile.days)
    mean = profile.claims_per_buyer * profile.orders_per_claim
    first, last = np.zeros(n), np.full(n, days)
    late, early = rng.random(n) < 0.2, rng.random(n) < 0.15
    first[late] = rng.uniform(0.0, days * 0.7, late.sum())
    last[early] = first[early] + (days - first[early]) * rng.uniform(0.2, 1.0, early.sum())
    return People(
        rng.integers(0, profile.regions, n),
        rng.integers(0, profile.categories, (n, 2)),
        rng.gamma(profile.activity_shape, mean / profile.activity_shape, n),
        rng.gamma(1.2, 1 / 1.2, n),
        first,
        last,
    )


@dataclass(frozen=True)
class Season:
    """When people order: by day of the year and hour of the day."""

    cumulated: Floats
    """float64[days + 1], from 0 to 1."""

    def draw(self, rng: np.random.Generator, first: Floats, last: Floats) -> Floats:
        """A time in days for each row, between `first` and `last`."""
        edges = np.arange(len(self.cumulated), dtype=float)
        low, high = np.interp(first, edges, self.cumulated), np.interp(last, edges, self.cumulated)
        day = np.interp(low + rng.random(len(first)) * (high - low), self.cumulated, edges)
        of_day = np.where(
            rng.random(len(first)) < 0.4,
            rng.normal(0.52, 0.08, len(first)),
            rng.normal(0.84, 0.1, len(first)),
        )
        at: Floats = np.floor(day) + np.mod(of_day, 1.0)
        return at


def make_season(profile: Profile) -> Season:
    """Weekends and peaks as the profile has them."""
    day = np.arange(profile.days)
    weight = np.where(day % 7 >= 5, profile.weekend, 1.0)
    for peak in profile.peaks:
        weight = weight * (
            1.0 + (peak.times - 1.0) * np.exp(-0.5 * ((day - peak.day) / (peak.days / 2)) ** 2)
        )
    cumulated = np.concatenate([[0.0], np.cumsum(weight)])
    return Season(cumulated / cumulated[-1])


@dataclass(frozen=True)
class World:
    """What an order depends on."""

    profile: Profile
    catalogue: Catalogue
    people: People
    season: Season


def choose_merchants(rng: np.random.Generator, world: World, buyer: Ints) -> Ints:
    """A merchant for each row, after the buyer's taste and region."""
    people, profile = world.people, world.profile
    category = people.tastes[buyer, rng.integers(0, 2, len(buyer))]
    category = np.where(rng.random(len(buyer)) < profile.taste, category, -1)
    region = np.where(rng.random(len(buyer)) < profile.locality, people.region[buyer], -1)
    any_category = rng.integers(0, profile.categories, len(buyer))
    category = np.where((category < 0) & (region >= 0), any_category, category)
    return world.catalogue.draw(rng, category, region)


def shop(rng: np.random.Generator, world: World, kept: Floats) -> Deals:
    """Everybody's ordinary orders, unclaimed; `kept` (float64[n]) scales each buyer's number."""
    people, profile = world.people, world.profile
    share_of_time = (people.last - people.first) / profile.days
    buyer = np.repeat(np.arange(profile.buyers), rng.poisson(people.orders * kept * share_of_time))
    merchant = choose_merchants(rng, world, buyer)
    everyone = np.repeat(np.arange(profile.buyers), 3)
    favourites = choose_merchants(rng, world, everyone).reshape(-1, 3)
    is_loyal = rng.random(len(buyer)) < profile.loyalty
    merchant[is_loyal] = favourites[buyer[is_loyal], rng.integers(0, 3, is_loyal.sum())]
    ordered = world.season.draw(rng, people.first[buyer], people.last[buyer])
    return unclaimed(buyer, merchant, ordered)


def claim_days(rng: np.random.Generator, profile: Profile, ordered: Floats) -> Floats:
    """When each order would be claimed, if it is."""
    return ordered + rng.lognormal(np.log(profile.delay_days), 0.7, len(ordered))


def claim_some(rng: np.random.Generator, world: World, deals: Deals) -> Deals:
    """Claim one order in `orders_per_claim`, unequally by buyer and merchant; late ones fall off the end."""
    chance = world.people.propensity[deals.buyer] * world.catalogue.defect[deals.merchant]
    chance *= 1.0 / (world.profile.orders_per_claim * max(float(chance.mean()), 1e-9)) if len(deals) else 1.0
    filed = claim_days(rng, world.profile, deals.ordered)
    is_claimed = (rng.random(len(deals)) < chance.clip(max=0.7)) & (filed < world.profile.days)
    return Deals(deals.buyer, deals.merchant, deals.ordered, np.where(is_claimed, filed, np.nan))
