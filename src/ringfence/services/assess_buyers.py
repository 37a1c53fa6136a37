"""The risk of all buyers at once, as of a run."""

import numpy as np
import polars as pl

from ringfence.domain.durations import MICROSECONDS_A_DAY
from ringfence.domain.policy import Policy
from ringfence.domain.records import RecordKind
from ringfence.domain.ring_decisions import Outcome, RingRecord
from ringfence.domain.verifications import Verification, VerificationOutcome
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
    confirmed = activity.buyer_ids.is_in(sorted(confirmed_buyers(store, findings.members, policy, now)))
    shared = shared_with(
        market.identifiers, confirmed.to_numpy().astype(np.bool_), policy.risk.shared_holders
    )
    facts = gather(activity, findings, reports, _times_verified(store), shared, policy.risk)
    scores = score(facts, policy.risk)
    return facts.with_columns(scores["probability"]).select(list(SCHEMAS["risks"]))


def _times_verified(store: Store) -> pl.DataFrame:
    """Count each buyer's verifications by how they ended."""
    # One that heard several merchants has a row for each.
    ended = decided_verifications(store).unique(("buyer_id", "at"))
    return ended.group_by("buyer_id").agg(
        (pl.col("outcome") == outcome.value).sum().cast(pl.Int64).alias(outcome.value)
        for outcome in (VerificationOutcome.CONFIRMED, VerificationOutcome.REJECTED)
    )


def confirmed_buyers(store: Store, members: pl.DataFrame, policy: Policy, now: int) -> frozenset[str]:
    """Give the buyers who were confirmed to abuse refunds, by a verification that still counts or in a ring
    (ring_id and buyer_id of `members`)."""
    since = now - policy.verification.confirmed_days * MICROSECONDS_A_DAY
    found = set()
    for state in store.records.current(RecordKind.VERIFICATION):
        verification = Verification.from_state(state.state)
        verdict = verification.verdict
        if verdict is not None and verdict.at >= since and verdict.outcome is VerificationOutcome.CONFIRMED:
            found.add(verification.buyer_id)
    rings = [
        state.record.id
        for state in store.records.current(RecordKind.RING_DECISION)
        if (decision := RingRecord.from_state(state.state).decision) is not None
        and decision.outcome is Outcome.CONFIRM
    ]
    in_rings = members.filter(pl.col("ring_id").is_in(rings))["buyer_id"]
    return frozenset(found) | frozenset(in_rings.to_list())
