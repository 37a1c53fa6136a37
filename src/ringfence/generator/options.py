"""What a simulated marketplace should be like, and the streams of chance it is drawn from."""

import math
from dataclasses import dataclass
from datetime import date

import numpy as np

from ringfence.domain.errors import InvalidError
from ringfence.generator.extras.names import ALL, ExtraLookalike, ExtraPattern

SMALLEST = 500
"""Fewer buyers than this cannot hold every pattern and look-alike."""
SHORTEST = 240
"""Fewer days than this leave no room for half a year of slow burn with its orders before and claims after."""


def refuse(field: str, value: object, remedy: str) -> InvalidError:
    """Return the one error that names the option, what was given and what to give instead."""
    return InvalidError(f"{field} is {value}: {remedy}")


@dataclass(frozen=True)
class GeneratorOptions:
    """How large, how long and how sly a simulated marketplace is; raises InvalidError for the impossible."""

    buyers: int = 20_000
    """Accounts, honest and not; below 3,000 the rings are more than 1.5 % of them."""
    seed: int = 1
    """The same options and seed give the same bytes."""
    rings: bool = True
    """False leaves out every ring and keeps the look-alikes."""
    stealth: float = 0.0
    """S: members join a joint hit (1 - S) times as often, and it spreads over (1 + 2S) times the hours."""
    days: int = 365
    """Length of the simulated period."""
    starts_on: date = date(2024, 1, 1)
    """First day of the period, UTC."""
    claims_per_buyer: float = 5.0
    """Mean number of ordinary claims over all buyers."""
    orders_per_claim: float = 4.0
    """Mean number of orders for each claim."""
    merchants: int | None = None
    """Shops; None means a fortieth of the buyers, at least 200."""
    extras: tuple[str, ...] = ()
    """Names of ExtraPattern and ExtraLookalike, or "all": accounts added to the buyers, nobody else's rows
    change."""

    def __post_init__(self) -> None:
        if self.buyers < SMALLEST:
            raise refuse(
                "buyers",
                self.buyers,
                f"give at least {SMALLEST}, enough for every kind of ring and look-alike",
            )
        if self.seed < 0:
            raise refuse("seed", self.seed, "give a whole number from 0 up")
        if not 0.0 <= self.stealth < 1.0:
            raise refuse("stealth", self.stealth, "give a number from 0 (bold) up to, not including, 1")
        if self.days < SHORTEST:
            raise refuse(
                "days", self.days, f"give at least {SHORTEST}, since a slow ring burns for half a year"
            )
        if self.starts_on.year < 1971 or self.starts_on.year > 2200:
            raise refuse("starts_on", self.starts_on, "give a day from 1971 to 2200")
        if not (math.isfinite(self.claims_per_buyer) and 0.5 <= self.claims_per_buyer <= 100.0):
            raise refuse("claims_per_buyer", self.claims_per_buyer, "give a number from 0.5 to 100")
        if not (math.isfinite(self.orders_per_claim) and 2.0 <= self.orders_per_claim <= 100.0):
            raise refuse("orders_per_claim", self.orders_per_claim, "give a number from 2 to 100")
        known = {*ExtraPattern, *ExtraLookalike, ALL}
        for name in self.extras:
            if name not in known:
                raise refuse("extras", name, f"give {ALL} or any of {', '.join(sorted(known - {ALL}))}")
        if self.merchants is not None and self.merchants < 100:
            raise refuse(
                "merchants", self.merchants, "give at least 100, or leave it out for a fortieth of the buyers"
            )

    @property
    def merchant_count(self) -> int:
        """Return the number of shops."""
        return max(200, self.buyers // 40) if self.merchants is None else self.merchants


def stream(seed: int, subject: str) -> np.random.Generator:
    """Return the stream of chance of one subject.

    Every subject has its own, so that leaving rings out or making them slier changes nothing else.
    """
    return np.random.default_rng([seed, *subject.encode()])
