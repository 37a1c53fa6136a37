"""Verifications that merchants' reports open by themselves."""

import polars as pl

from ringfence.domain.errors import ConflictError
from ringfence.domain.policy import Policy
from ringfence.domain.scope import Principal, Role
from ringfence.domain.verifications import Verification
from ringfence.risk.credibility import most_weight
from ringfence.services.verify_buyers import open_if_due, unheard_merchants, verified_buyers
from ringfence.services.weigh_reports import weigh_reports
from ringfence.store import Store

PLATFORM_NAME = "ringfence"
"""Who opens what opens by itself."""
_PLATFORM = Principal(PLATFORM_NAME, Role.JOB)


def open_due_verifications(
    store: Store, policy: Policy, now: int, weights: pl.DataFrame | None = None
) -> tuple[Verification, ...]:
    """Open a verification of each buyer whom several independent merchants report.

    One that ended is opened again where so many merchants report whom it did not hear. `now` is µs since
    1970-01-01 UTC; `weights` is what `weigh_reports` gives, which takes seconds where there are millions of
    reports.
    """
    if weights is None:
        weights = weigh_reports(store, store.market.read(), policy.reports, now)
    has_ended = verified_buyers(store)
    opened = []
    for row in weights.filter(pl.col("weight") >= policy.reports.several).iter_rows(named=True):
        buyer_id, fresh = row["buyer_id"], row["fresh_weight"]
        if buyer_id in has_ended and not (has_ended[buyer_id] and fresh >= policy.reports.several):
            continue
        try:
            verification = open_if_due(store, _PLATFORM, buyer_id, row["weight"], fresh, policy, now)
        except ConflictError:
            # Somebody else opened it at once.
            continue
        if verification is not None:
            opened.append(verification)
    return tuple(opened)


def verify_if_due(store: Store, buyer_id: str, policy: Policy, now: int) -> Verification | None:
    """Open a verification of one buyer if that is due, as after a report of them.

    All reports are weighed only where enough merchants whom nobody heard yet report the buyer: that takes
    seconds where there are millions of claims and reports.
    """
    if len(unheard_merchants(store, buyer_id)) * most_weight(policy.reports) < policy.reports.several:
        return None
    weights = weigh_reports(store, store.market.read(), policy.reports, now)
    opened = open_due_verifications(store, policy, now, weights.filter(pl.col("buyer_id") == buyer_id))
    return opened[0] if opened else None
