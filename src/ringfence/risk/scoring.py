"""Signals put together: from facts to a probability."""

import math
from functools import lru_cache

import numpy as np
import polars as pl

from ringfence.domain.policy import RiskPolicy
from ringfence.domain.risk import RiskBand
from ringfence.risk.signals import NAMES, SIGNALS, reports

_BELOW = 1e-6
"""How far below HIGH, in decades, reports alone can bring a buyer."""


def score(facts: pl.DataFrame, policy: RiskPolicy) -> pl.DataFrame:
    """Give the probability of abuse and each signal's weight: buyer_id, probability, then `NAMES`.

    Odds start at the base rate and every signal multiplies them (Good, Weight of Evidence, 1985). Reports
    alone never make a risk high: where the others do not, it stays below.
    """
    weighed = facts.select(_weighing(policy))
    each = weighed.to_numpy()
    odds = decades(policy.base_percent) + each.sum(axis=1)
    high = decades(policy.high_percent)
    without = odds - each[:, NAMES.index(reports.__name__)]
    capped = np.where(without < high, np.minimum(odds, high - _BELOW), odds)
    columns = [facts["buyer_id"], pl.Series("probability", 1 / (1 + 10.0**-capped)), *weighed]
    return pl.DataFrame(columns)


@lru_cache(maxsize=64)
def _weighing(policy: RiskPolicy) -> tuple[pl.Expr, ...]:
    """Give what makes each signal's weight of the facts."""
    return tuple(signal(policy).weight.cast(pl.Float64).alias(signal.__name__) for signal in SIGNALS)


def band(probability: float, policy: RiskPolicy) -> RiskBand:
    """Give the band of a probability."""
    if probability >= policy.high_percent / 100:
        return RiskBand.HIGH
    return RiskBand.MEDIUM if probability >= policy.medium_percent / 100 else RiskBand.LOW


def decades(percent: float) -> float:
    """Give the odds of a probability in decades; one of 100 % is as good as certain."""
    chance = min(percent / 100, 1 - 1e-9)
    return math.log10(chance / (1 - chance))
