"""Signals put together: from facts to a probability."""

import math

import numpy as np
import polars as pl

from ringfence.domain.policy import RiskPolicy
from ringfence.domain.risk import RiskBand
from ringfence.market.market import Floats
from ringfence.risk.facts import NUMBERS
from ringfence.risk.signals import NAMES, SIGNALS, Columns, lead, reports

_CAPPED = [NAMES.index(signal.__name__) for signal in (reports, lead)]
"""The signals that never make a risk high, not even together."""
_BELOW = 1e-6
"""How far below HIGH, in decades, these signals alone can bring a buyer."""


def score(facts: pl.DataFrame, policy: RiskPolicy) -> pl.DataFrame:
    """Give the probability of abuse and each signal's weight: buyer_id, probability, then `NAMES`.

    `facts` has the columns of FACTS, a row a buyer.
    """
    columns = {name: facts[name].cast(pl.Float64).to_numpy() for name in NUMBERS}
    probabilities, weights = weigh(columns, policy)
    named = [pl.Series(name, each) for name, each in zip(NAMES, weights, strict=True)]
    return pl.DataFrame([facts["buyer_id"], pl.Series("probability", probabilities), *named])


def weigh(facts: Columns, policy: RiskPolicy) -> tuple[Floats, Floats]:
    """Give n buyers' probabilities of abuse, float64[n], and the signals' weights, float64[signals, n].

    Odds start at the base rate and every signal multiplies them (Good, Weight of Evidence, 1985). Reports
    and leads never make a risk high: where the others do not, it stays below.
    """
    weights = np.array([signal(facts, policy) for signal in SIGNALS])
    odds = decades(policy.base_percent) + weights.sum(axis=0)
    high = decades(policy.high_percent)
    without = odds - weights[_CAPPED].sum(axis=0)
    capped = np.where(without < high, np.minimum(odds, high - _BELOW), odds)
    return 1 / (1 + 10.0**-capped), weights


def band(probability: float, policy: RiskPolicy) -> RiskBand:
    """Give the band of a probability."""
    if probability >= policy.high_percent / 100:
        return RiskBand.HIGH
    return RiskBand.MEDIUM if probability >= policy.medium_percent / 100 else RiskBand.LOW


def decades(percent: float) -> float:
    """Give the odds of a probability in decades; one of 100 % is as good as certain."""
    chance = min(percent / 100, 1 - 1e-9)
    return math.log10(chance / (1 - chance))
