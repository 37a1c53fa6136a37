"""Signals put together: from facts to a probability."""

import math

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
    weights = [signal(policy).weight.cast(pl.Float64).alias(signal.__name__) for signal in SIGNALS]
    weighed = facts.select("buyer_id", *weights)
    odds = decades(policy.base_percent) + pl.sum_horizontal(NAMES)
    high = decades(policy.high_percent)
    without = odds - pl.col(reports.__name__)
    capped = pl.when(without < high).then(pl.min_horizontal(odds, high - _BELOW)).otherwise(odds)
    return weighed.select("buyer_id", (1 / (1 + 10.0 ** (-capped))).alias("probability"), *NAMES)


def band(probability: float, policy: RiskPolicy) -> RiskBand:
    """Give the band of a probability."""
    if probability >= policy.high_percent / 100:
        return RiskBand.HIGH
    return RiskBand.MEDIUM if probability >= policy.medium_percent / 100 else RiskBand.LOW


def decades(percent: float) -> float:
    """Give the odds of a probability in decades; one of 100 % is as good as certain."""
    chance = min(percent / 100, 1 - 1e-9)
    return math.log10(chance / (1 - chance))
