"""How far a merchant's reports are believed: by what verifications made of its earlier ones."""

import numpy as np
from numpy.typing import NDArray

from ringfence.domain.policy import ReportPolicy
from ringfence.market.market import Floats


def credibility(confirmed: NDArray[np.int64], decided: NDArray[np.int64], policy: ReportPolicy) -> Floats:
    """Give the share of each merchant's reports that is expected to be confirmed, 0 to 1: float64[M].

    `confirmed` of the `decided` reports (int64[M] each) were; those that ended inconclusive are not decided.
    It is the mean of the Beta posterior, so few decisions move it little (Gelman et al., Bayesian Data
    Analysis, 3rd edition, section 2.4).
    """
    return (policy.prior_confirmed + confirmed) / (policy.prior_confirmed + policy.prior_rejected + decided)


def merchant_weight(confirmed: NDArray[np.int64], decided: NDArray[np.int64], policy: ReportPolicy) -> Floats:
    """Give how much each merchant weighs: its credibility over that of one of whom nothing was decided.

    float64[M]; so the latter weighs 1, and nobody more than 1 over the prior's mean: 1.25 if four of five
    reports are expected to be confirmed.
    """
    nothing = np.zeros(1, np.int64)
    return credibility(confirmed, decided, policy) / credibility(nothing, nothing, policy)


def most_weight(policy: ReportPolicy) -> float:
    """Give what no merchant weighs more than."""
    return (policy.prior_confirmed + policy.prior_rejected) / policy.prior_confirmed
