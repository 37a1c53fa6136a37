"""The signals of a buyer's risk: each a function that says what it weighs, and on what that rests.

A signal's docstring is the explanation that investigators and merchants read; `texts` has it in the other
languages, and the reasons. Weights are decades: `1.0` makes the odds of abuse ten times as large.
"""

from collections.abc import Callable
from dataclasses import dataclass

import polars as pl

from ringfence.domain.policy import RiskPolicy


@dataclass(frozen=True)
class Weighed:
    """What a signal makes of the facts."""

    weight: pl.Expr
    """Decades by buyer, never null; 0 where the signal says nothing."""
    shown: tuple[str, ...]
    """The facts that the reason names."""


Signal = Callable[[RiskPolicy], Weighed]


def ring(policy: RiskPolicy) -> Weighed:
    """The buyer is in a group whose claims coincide far more often than chance allows."""
    score = pl.col("ring_score")
    grown = policy.ring + (policy.ring_per_decade * score).clip(upper_bound=1.0)
    return Weighed(pl.when(score > 0).then(grown).otherwise(0.0), ("ring_id", "ring_size", "ring_score"))


def links(policy: RiskPolicy) -> Weighed:
    """The buyer's claims coincide with another buyer's, too seldom for a ring."""
    score = pl.when(pl.col("ring_id").is_null()).then("link_score").otherwise(0.0)
    return Weighed((policy.link_per_decade * score).clip(0.0, 1.0), ("linked_to", "link_score"))


def refund_only_frequency(policy: RiskPolicy) -> Weighed:
    """The buyer asked for many refunds without return within a short time."""
    part = (pl.col("recent_refund_only") - 1) / (policy.frequent_claims - 1)
    return Weighed(policy.frequency * part.clip(0.0, 1.0), ("recent_refund_only",))


def refund_only_share(policy: RiskPolicy) -> Weighed:
    """The buyer asked for refunds without return for a large part of all orders."""
    orders = pl.col("orders")
    high = policy.share_percent / 100
    part = (pl.col("refund_only") / orders - high / 4) / (high * 3 / 4)
    is_told = orders >= policy.share_orders
    weight = pl.when(is_told).then(policy.share * part.clip(0.0, 1.0)).otherwise(0.0)
    return Weighed(weight, ("refund_only", "orders"))


def reports(policy: RiskPolicy) -> Weighed:
    """Independent merchants reported the buyer; by itself this never makes a risk high."""
    return Weighed(policy.reports * pl.col("report_weight").clip(0.0, 3.0), ("report_merchants",))


def verifications(policy: RiskPolicy) -> Weighed:
    """People verified the buyer before; what they found counts on after the time for which it is decisive."""
    found, none = pl.col("confirmed").clip(0, 1), pl.col("rejected").clip(0, 2)
    return Weighed(policy.confirmed * found - policy.rejected * none, ("confirmed", "rejected"))


def shared_with_confirmed(policy: RiskPolicy) -> Weighed:
    """The buyer shares an address, device, payment, phone or e-mail with a confirmed abuser and few more."""
    return Weighed(policy.shared * pl.col("shared_values").clip(0, 2), ("shared_values",))


def new_account(policy: RiskPolicy) -> Weighed:
    """The buyer's account is new."""
    is_new = pl.col("account_days").fill_null(policy.new_account_days) < policy.new_account_days
    return Weighed(pl.when(is_new).then(policy.new_account).otherwise(0.0), ("account_days",))


def loss(policy: RiskPolicy) -> Weighed:
    """The buyer's refunds without return cost more than almost anybody's."""
    return Weighed(pl.when(pl.col("lost") >= 0.99).then(policy.loss).otherwise(0.0), ("lost",))


def honest_history(policy: RiskPolicy) -> Weighed:
    """The buyer ordered often without asking for a refund without return."""
    kept = (pl.col("orders").fill_null(0) - pl.col("refund_only")).clip(lower_bound=0)
    return Weighed(
        -policy.honest_history * ((1 + kept).log10() / 2).clip(0.0, 1.0), ("orders", "refund_only")
    )


SIGNALS: tuple[Signal, ...] = (
    ring,
    links,
    refund_only_frequency,
    refund_only_share,
    reports,
    verifications,
    shared_with_confirmed,
    new_account,
    loss,
    honest_history,
)
"""All of them, in the order in which they are stored."""
NAMES: tuple[str, ...] = tuple(signal.__name__ for signal in SIGNALS)
