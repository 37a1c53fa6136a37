"""How much merchants' reports weigh, by all that a store knows of who files them."""

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ringfence.domain.buyers import ReportRef
from ringfence.domain.listings import list_name
from ringfence.domain.policy import ReportPolicy
from ringfence.domain.records import RecordKind
from ringfence.domain.reports import ReportStatus
from ringfence.domain.verifications import Verification, VerificationOutcome
from ringfence.market import Market
from ringfence.market.reports import ReportColumns
from ringfence.risk.independence import NEVER, last_claims
from ringfence.risk.report_weight import DECIDED, weigh_buyers, weigh_merchants
from ringfence.services.paging import ALL
from ringfence.store import Store


def weigh_reports(store: Store, market: Market, policy: ReportPolicy, now: int) -> pl.DataFrame:
    """Say of every buyer with reports that count how much they weigh at `now` (µs since 1970-01-01 UTC).

    Columns: buyer_id, reports, merchants, independent, weight (see `weigh_buyers`), and fresh_weight: of the
    reports that no verification that ended has looked at. After one that found no abuse, a report is new
    evidence only of a claim that is new, too: all others were looked at. `market` is the store's.
    """
    with store.snapshot():
        reports = store.reports.read()
        withdrawn = withdrawn_reports(store)
        decided = decided_verifications(store)
        known = store.market.merchants(reports.merchant_ids.to_list())
    owners = {merchant.merchant_id: merchant.owner for merchant in known if merchant.owner is not None}
    claimed_at = last_claims(reports, market)
    merchants = weigh_merchants(reports, withdrawn, claimed_at > NEVER, owners, decided, policy, now)
    weights = weigh_buyers(reports, merchants, withdrawn, decided, policy, now)
    new = reports.only(_claimed_since_rejected(reports, claimed_at, decided))
    outcomes = ("confirmed", "rejected", "inconclusive")
    fresh = weigh_buyers(new, merchants, withdrawn, decided, policy, now, outcomes)
    return weights.join(
        fresh.select("buyer_id", fresh_weight="weight"), on="buyer_id", how="left", maintain_order="left"
    ).with_columns(pl.col("fresh_weight").fill_null(0.0))


def withdrawn_reports(store: Store) -> frozenset[ReportRef]:
    """Give all reports that count nowhere any more."""
    name = list_name(status=ReportStatus.WITHDRAWN)
    found = store.records.page(RecordKind.REPORT, name, ALL).items
    return frozenset(ReportRef.of_name(state.record.id) for state in found)


def decided_verifications(store: Store) -> pl.DataFrame:
    """Give how verifications ended, as far as that counts, with the columns of `report_weight.DECIDED`."""
    rows: list[tuple[str, str | None, str, int]] = []
    for state in store.records.current(RecordKind.VERIFICATION):
        verification = Verification.from_state(state.state)
        if (verdict := verification.verdict) is not None:
            for merchant in verification.file.merchants or (None,):
                rows.append((verification.buyer_id, merchant, verdict.outcome.value, verdict.at))
    return pl.DataFrame(rows, schema=DECIDED, orient="row")


def _claimed_since_rejected(
    reports: ReportColumns, claimed_at: NDArray[np.int64], decided: pl.DataFrame
) -> NDArray[np.bool_]:
    """Say of each report whether its merchant has a claim from after the buyer was found honest, if so."""
    last = decided.sort("at", maintain_order=True).group_by("buyer_id").last()
    rejected = last.filter(pl.col("outcome") == VerificationOutcome.REJECTED.value)
    found = pl.DataFrame({"buyer_id": reports.buyer_ids}).join(
        rejected, on="buyer_id", how="left", maintain_order="left"
    )
    rejected_at = found["at"].fill_null(NEVER).to_numpy()
    is_rejected = found["at"].is_not_null().to_numpy()
    return ~is_rejected[reports.buyer] | (claimed_at > rejected_at[reports.buyer])
