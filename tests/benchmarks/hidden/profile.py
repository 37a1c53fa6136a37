"""What kind of marketplace a seed stands for: no two alike, and some of them awkward."""

from dataclasses import dataclass

import numpy as np

KINDS = ("address", "device", "payment")


@dataclass(frozen=True)
class Peak:
    """A sale or a season of gifts."""

    day: float
    days: float
    times: float
    """How many times the ordinary sales."""


@dataclass(frozen=True)
class Profile:
    """The properties of one marketplace."""

    seed: int
    buyers: int
    merchants: int
    days: int
    """Length of the history, a month to three years."""
    claims_per_buyer: float
    orders_per_claim: float
    activity_shape: float
    """Shape of the gamma distribution of buyers' orders; small is unequal."""
    popularity_exponent: float
    giant_share: float
    """Share of all orders that one merchant has on top of its rank; often 0."""
    categories: int
    regions: int
    taste: float
    """Share of orders within the buyer's own two categories."""
    locality: float
    """Share of orders with merchants of the buyer's region."""
    loyalty: float
    """Share of orders at the buyer's three favourite merchants."""
    peaks: tuple[Peak, ...]
    weekend: float
    """Sales of a weekend day over those of a working day."""
    delay_days: float
    """Median from order to claim."""
    resolution_seconds: int
    """Times are cut to whole multiples: 1, 60 or 3600."""
    has_orders: bool
    kinds: tuple[str, ...]
    """Kinds of identifier that the files hold."""
    missing_share: float
    """Share of claims on which an identifier was left out."""
    respelled_share: float
    """Share of claims on which the own address is written another way."""
    household_share: float
    together: float
    """Share of a relative's orders that another of the household joins."""
    joint_claims: float
    """Chance that a relative claims with the other for an order made together."""
    batching_share: float
    """Share of merchants that file the claims of a week together."""


def draw_profile(seed: int, smallest: int, largest: int) -> Profile:
    """Draw a marketplace of `smallest` to `largest` buyers from `seed`; equal arguments, equal profiles."""
    rng = np.random.default_rng([seed, 4242])
    buyers = round(float(np.exp(rng.uniform(np.log(smallest), np.log(largest)))))
    days = int(rng.choice([31, 60, 120, 180, 365, 365, 730, 1095]))
    # a month has no room for eight claims of every buyer
    claims_per_buyer = float(np.exp(rng.uniform(np.log(0.5), np.log(min(8.0, 1.0 + days / 45)))))
    merchants = int(max(150, buyers * claims_per_buyer / np.exp(rng.uniform(np.log(20), np.log(300)))))
    has_orders = bool(rng.random() < 0.7)
    kinds = [
        KINDS,
        KINDS,
        KINDS,
        ("address",),
        ("address", "payment"),
        ("device", "payment"),
        ("device",),
        (),
    ]
    return Profile(
        seed=seed,
        buyers=buyers,
        merchants=merchants,
        days=days,
        claims_per_buyer=claims_per_buyer,
        orders_per_claim=float(rng.uniform(3.0, 6.0)),
        activity_shape=float(rng.uniform(0.4, 2.5)),
        popularity_exponent=float(rng.uniform(0.5, 1.2)),
        giant_share=float(rng.uniform(0.04, 0.15)) if rng.random() < 0.4 else 0.0,
        categories=int(rng.integers(4, 25)),
        regions=int(rng.integers(1, 9)),
        taste=float(rng.uniform(0.2, 0.8)),
        locality=float(rng.uniform(0.3, 0.9)),
        loyalty=float(rng.uniform(0.0, 0.4)),
        peaks=_draw_peaks(rng, days),
        weekend=float(rng.uniform(0.5, 1.8)),
        delay_days=float(rng.uniform(3.0, 15.0)),
        resolution_seconds=int(rng.choice([1, 1, 60, 3600])),
        has_orders=has_orders,
        kinds=kinds[int(rng.integers(len(kinds)))],
        missing_share=float(rng.uniform(0.0, 0.3)) if rng.random() < 0.5 else 0.0,
        respelled_share=float(rng.uniform(0.0, 0.2)),
        household_share=float(rng.uniform(0.03, 0.2)),
        # without orders nobody could know that a household shops together, so there it seldom does
        together=float(rng.uniform(0.1, 0.5) if has_orders else rng.uniform(0.0, 0.15)),
        joint_claims=float(rng.uniform(0.02, 0.2) if has_orders else rng.uniform(0.0, 0.05)),
        batching_share=float(rng.uniform(0.02, 0.1)) if rng.random() < 0.4 else 0.0,
    )


def _draw_peaks(rng: np.random.Generator, days: int) -> tuple[Peak, ...]:
    count = int(rng.integers(0, 2 + days // 200))
    return tuple(
        Peak(float(rng.uniform(0, days)), float(rng.uniform(2, 25)), float(rng.uniform(1.5, 6)))
        for _ in range(count)
    )
