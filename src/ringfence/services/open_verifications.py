"""Verifications that merchants' reports open by themselves."""

import polars as pl

from ringfence.domain.errors import ConflictError
from ringfence.domain.policy import Policy
from ringfence.domain.scope import PLATFORM, Principal
from ringfence.domain.verifications import Verification
from ringfence.services.verify_buyers import merchants_on_file, open_if_due
from ringfence.services.weigh_reports import weigh_reports, withdrawn_reports
from ringfence.store import Store


def open_due_verifications(
    store: Store, principal: Principal, policy: Policy, now: int, buyer_id: str | None = None
) -> tuple[Verification, ...]:
    """Open a verification of each buyer (or of one alone) whom several independent merchants report.

    One that ended is opened again where so many merchants report whom it did not hear. `now` is µs since
    1970-01-01 UTC. All reports are weighed, which takes seconds where there are millions. Raises
    ForbiddenError for all but investigators and jobs.
    """
    weights = weigh_reports(store, store.market.read(), policy.reports, now)
    if buyer_id is not None:
        weights = weights.filter(pl.col("buyer_id") == buyer_id)
    due = weights.filter(pl.col("weight") >= policy.reports.several)
    withdrawn, heard = withdrawn_reports(store), merchants_on_file(store)
    opened = []
    for row in due.iter_rows(named=True):
        buyer = row["buyer_id"]
        reports = [
            report.report_id
            for report in store.reports.of_buyer(buyer, PLATFORM)
            if report.report_id not in withdrawn and report.merchant_id not in heard.get(buyer, ())
        ]
        weight = row["fresh_weight"] if buyer in heard else row["weight"]
        try:
            verification = open_if_due(store, principal, buyer, weight, reports, policy, now)
        except ConflictError:
            # Somebody else opened it at once.
            continue
        if verification is not None:
            opened.append(verification)
    return tuple(opened)
