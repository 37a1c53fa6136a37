"""Verifications that merchants' reports open by themselves."""

import polars as pl

from ringfence.domain.policy import Policy
from ringfence.domain.progress import Progress, Silent
from ringfence.domain.scope import Principal, Role
from ringfence.domain.verifications import Verification
from ringfence.risk.credibility import most_weight
from ringfence.services.verify_buyers import Reported, open_if_due, perhaps_due, unheard_merchants
from ringfence.services.weigh_reports import weigh_reports
from ringfence.store import Store

PLATFORM_NAME = "ringfence"
"""Who opens what opens by itself."""
_PLATFORM = Principal(PLATFORM_NAME, Role.JOB)
_AT_ONCE = 100
"""Others who write wait for so many: a tenth of a second, or a second where the store is on a server."""


def open_due_verifications(
    store: Store,
    policy: Policy,
    now: int,
    weights: pl.DataFrame | None = None,
    progress: Progress | None = None,
) -> tuple[Verification, ...]:
    """Open a verification of each buyer whom several independent merchants report, some a transaction.

    One that ended is opened again where so many merchants report whom it did not hear. `now` is µs since
    1970-01-01 UTC; `weights` is what `weigh_reports` gives, which takes seconds where there are millions of
    reports. Interrupted, the next call opens the others.
    """
    if weights is None:
        weights = weigh_reports(store, store.market.read(), policy.reports, now)
    enough = weights.filter(pl.col("weight") >= policy.reports.several)
    reported = [Reported(*row) for row in enough.select("buyer_id", "weight", "fresh_weight").iter_rows()]
    listener = progress if progress is not None else Silent()
    if reported:
        listener.stage("verifications", len(reported))
    opened: list[Verification] = []
    for first in range(0, len(reported), _AT_ONCE):
        some = reported[first : first + _AT_ONCE]
        # Most were verified after an earlier run: nobody waits for these.
        if due := perhaps_due(store, some, policy):
            opened += open_if_due(store, _PLATFORM, due, policy, now)
        listener.advance(len(some))
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
