"""Counts as proportions and rates, each with how far it can be trusted."""

from collections.abc import Iterable
from dataclasses import dataclass
from math import sqrt
from typing import Any

from scipy.special import gammaincinv

_Z = 1.959963984540054
"""The two-sided 95 % point of the normal distribution."""


@dataclass(frozen=True)
class Proportion:
    """`hits` out of `total`, undefined (None, never NaN) where the total is nought."""

    hits: int
    total: int

    @property
    def value(self) -> float | None:
        """The share, 0 to 1."""
        return self.hits / self.total if self.total else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """The Wilson 95 % interval (Wilson, JASA 1927), which takes the cases as independent.

        Members of one ring are found together or not at all, so over few rings it is too narrow.
        """
        if not self.total:
            return None
        share, weight = self.hits / self.total, _Z * _Z / self.total
        centre = (share + weight / 2) / (1 + weight)
        half = _Z * sqrt(share * (1 - share) / self.total + weight / (4 * self.total)) / (1 + weight)
        low = 0.0 if self.hits == 0 else max(0.0, centre - half)
        high = 1.0 if self.hits == self.total else min(1.0, centre + half)
        return low, high

    def to_dict(self) -> dict[str, Any]:
        """The share, its interval and its counts, for JSON."""
        low, high = self.interval or (None, None)
        return {"value": self.value, "low": low, "high": high, "hits": self.hits, "total": self.total}


def add_proportions(parts: Iterable[Proportion]) -> Proportion:
    """The proportion of all parts taken together."""
    listed = list(parts)
    return Proportion(sum(part.hits for part in listed), sum(part.total for part in listed))


def poisson_upper_bound(events: int, confidence: float = 0.95) -> float:
    """The largest mean that still shows at most `events` events with chance `1 - confidence`, exactly.

    One-sided (Garwood, Biometrika 1936): no event at all gives 3.0 at 95 %.
    """
    return float(gammaincinv(events + 1, confidence))
