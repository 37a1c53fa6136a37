"""The risk of all buyers at once, as of a run."""

import numpy as np
import polars as pl

from ringfence.domain.durations import MICROSECONDS_A_DAY
from ringfence.domain.policy import Policy
from ringfence.domain.verifications import VerificationOutcome
from ringfence.market import Market
from ringfence.market.results import SCHEMAS
from ringfence.risk.gathering import Findings, gather
from ringfence.risk.scoring import score
from ringfence.risk.sharing import shared_with
from ringfence.services.weigh_reports import decided_verifications
from ringfence.store import Store


def assess_buyers(
    store: Store,
    market: Market,
    version: int,
    findings: Findings,
    reports: pl.DataFrame,
    policy: Policy,
    now: int,
) -> pl.DataFrame:
    """Give the facts about each buyer and the probability they lead to: the table `risks` of a run.

    `market` is what the store holds as of the load `version`, `reports` what `weigh_reports` gives, and `now`
    µs since 1970-01-01 UTC.
    """
    activity = store.market.activity(version)
    # One that heard several merchants has a row for each.
    ended = decided_verifications(store).unique(("buyer_id", "at"))
    confirmed = activity.buyer_ids.is_in(confirmed_buyers(ended, policy, now).implode())
    shared = shared_with(
        market.identifiers, confirmed.to_numpy().astype(np.bool_), policy.risk.shared_holders
    )
    facts = gather(activity, findings, reports, _times_verified(ended), shared, policy.risk)
    scores = score(facts, policy.risk)
    return facts.with_columns(scores["probability"]).select(list(SCHEMAS["risks"]))


def confirmed_buyers(ended: pl.DataFrame, policy: Policy, now: int) -> pl.Series:
    """Give the ids of the buyers whose last verification confirmed abuse, as long as that counts.

    `ended` has the columns DECIDED. Members of a ring that was confirmed are not among them until they are
    verified: that confirms nobody.
    """
    since = now - policy.verification.confirmed_days * MICROSECONDS_A_DAY
    last = ended.sort("at", maintain_order=True).group_by("buyer_id").last()
    is_confirmed = pl.col("outcome") == VerificationOutcome.CONFIRMED.value
    return last.filter(is_confirmed, pl.col("at") >= since)["buyer_id"].sort()


def _times_verified(ended: pl.DataFrame) -> pl.DataFrame:
    """Count each buyer's verifications by how they ended."""
    return ended.group_by("buyer_id").agg(
        (pl.col("outcome") == outcome.value).sum().cast(pl.Int64).alias(outcome.value)
        for outcome in (VerificationOutcome.CONFIRMED, VerificationOutcome.REJECTED)
    )
