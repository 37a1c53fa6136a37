"""The signals of a buyer's risk: each a function that says what it weighs, and on what that rests.

A signal's docstring is the explanation that investigators and merchants read; `texts` has it in the other
languages, and the reasons. Weights are decades: `1.0` makes the odds of abuse ten times as large.
"""

from collections.abc import Mapping
from typing import Protocol

import numpy as np

from ringfence.domain.policy import RiskPolicy
from ringfence.market.market import Floats

Columns = Mapping[str, Floats]
"""The numbers among the facts by name, float64[n] each: NaN where something is not known."""


class Signal(Protocol):
    """Gives decades by buyer, float64[n], never NaN; 0 where the signal says nothing."""

    __name__: str

    def __call__(self, facts: Columns, policy: RiskPolicy) -> Floats:
        """Weigh the facts about n buyers."""


def ring(facts: Columns, policy: RiskPolicy) -> Floats:
    """The buyer is in a group whose claims coincide far more often than chance allows."""
    score = facts["ring_score"]
    return np.where(score > 0, policy.ring + np.minimum(policy.ring_per_decade * score, 1.0), 0.0)


def links(facts: Columns, policy: RiskPolicy) -> Floats:
    """The buyer's claims coincide with another buyer's, too seldom for a ring."""
    weight = _part(policy.link_per_decade * facts["link_score"])
    return np.where(np.isnan(facts["ring_size"]), weight, 0.0)


def lead(facts: Columns, policy: RiskPolicy) -> Floats:
    """The buyer is in a lead, a suspicion too weak to be a ring; it never makes a risk high."""
    is_in_one = np.isnan(facts["ring_size"]) & (facts["lead_score"] > 0)
    return np.where(is_in_one, policy.lead, 0.0)


def refund_only_frequency(facts: Columns, policy: RiskPolicy) -> Floats:
    """The buyer asked for many refunds without return within a short time."""
    return policy.frequency * _part((facts["recent_refund_only"] - 1) / (policy.frequent_claims - 1))


def refund_only_share(facts: Columns, policy: RiskPolicy) -> Floats:
    """The buyer asked for refunds without return for a large part of all orders."""
    is_told = facts["orders"] >= policy.share_orders
    high = policy.share_percent / 100
    share = facts["refund_only"] / np.where(is_told, facts["orders"], 1.0)
    return np.where(is_told, policy.share * _part((share - high / 4) / (high * 3 / 4)), 0.0)


def reports(facts: Columns, policy: RiskPolicy) -> Floats:
    """Independent merchants reported the buyer; by itself this never makes a risk high."""
    return policy.reports * np.minimum(facts["report_weight"], 3.0)


def verifications(facts: Columns, policy: RiskPolicy) -> Floats:
    """People verified the buyer before; what they found counts on after the time for which it is decisive."""
    found, none = np.minimum(facts["confirmed"], 1.0), np.minimum(facts["rejected"], 2.0)
    return policy.confirmed * found - policy.rejected * none


def shared_with_confirmed(facts: Columns, policy: RiskPolicy) -> Floats:
    """The buyer shares an address, device, payment, phone or e-mail with a confirmed abuser and few more."""
    return policy.shared * np.minimum(facts["shared_values"], 2.0)


def new_account(facts: Columns, policy: RiskPolicy) -> Floats:
    """The buyer's account is new."""
    return np.where(facts["account_days"] < policy.new_account_days, policy.new_account, 0.0)


def loss(facts: Columns, policy: RiskPolicy) -> Floats:
    """The buyer's refunds without return cost more than almost anybody's."""
    return np.where(facts["lost"] >= 0.99, policy.loss, 0.0)


def honest_history(facts: Columns, policy: RiskPolicy) -> Floats:
    """The buyer ordered often without asking for a refund without return."""
    kept = np.fmax(facts["orders"] - facts["refund_only"], 0.0)
    weight: Floats = -policy.honest_history * np.minimum(np.log10(1 + kept) / 2, 1.0)
    return weight


SIGNALS: tuple[Signal, ...] = (
    ring,
    links,
    lead,
    refund_only_frequency,
    refund_only_share,
    reports,
    verifications,
    shared_with_confirmed,
    new_account,
    loss,
    honest_history,
)
"""All of them, in the order in which they are told where they weigh the same."""
NAMES: tuple[str, ...] = tuple(signal.__name__ for signal in SIGNALS)


def _part(share: Floats) -> Floats:
    """Keep a share between none and all of it."""
    return np.minimum(np.maximum(share, 0.0), 1.0)
