"""How much the reports against a buyer weigh together, by who files them."""

from collections.abc import Collection, Mapping

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ringfence.domain.buyers import ReportRef
from ringfence.domain.durations import MICROSECONDS_A_DAY
from ringfence.domain.policy import ReportPolicy
from ringfence.market.market import Longs
from ringfence.market.reports import ReportColumns
from ringfence.risk.credibility import credibility, merchant_weight
from ringfence.risk.independence import independent_groups

DECIDED = {"buyer_id": pl.String, "merchant_id": pl.String, "outcome": pl.String, "at": pl.Int64}
"""What verifications ended with: one row for each and each merchant whose report it looked at (null if there
was none), with its outcome (confirmed, rejected, inconclusive) and when it was decided, µs since 1970-01-01
UTC. What an appeal or new evidence overturned is left out."""


def weigh_merchants(
    reports: ReportColumns,
    withdrawn: Collection[ReportRef],
    claimed: NDArray[np.bool_],
    owners: Mapping[str, str],
    decided: pl.DataFrame,
    policy: ReportPolicy,
    now: int,
) -> pl.DataFrame:
    """Say of each merchant who reports how far it is believed and with whom it counts as one.

    `claimed` (bool[R]) and `owners` as in `independent_groups`; `decided` has the
    columns DECIDED. Reports and outcomes after `now` (µs since 1970-01-01 UTC) are not known yet; otherwise
    all count here, however old: who once acted together still does.

    Columns: merchant_id, credibility, weight, group (the first merchant id of those that are one).
    """
    known = _known(reports, withdrawn, now)
    ended = pl.DataFrame({"merchant_id": reports.merchant_ids}).join(
        decided.filter(pl.col("at") <= now)
        .group_by("merchant_id")
        .agg(
            confirmed=(pl.col("outcome") == "confirmed").sum(),
            decided=pl.col("outcome").is_in(["confirmed", "rejected"]).sum(),
        ),
        on="merchant_id",
        how="left",
        maintain_order="left",
    )
    confirmed, judged = (
        ended[name].fill_null(0).cast(pl.Int64).to_numpy() for name in ("confirmed", "decided")
    )
    groups = independent_groups(reports.only(known), claimed[known], owners, policy.together)
    return pl.DataFrame(
        {
            "merchant_id": reports.merchant_ids,
            "credibility": credibility(confirmed, judged, policy),
            "weight": merchant_weight(confirmed, judged, policy),
            "group": groups,
        }
    ).with_columns(pl.col("merchant_id").min().over("group").alias("group"))


def weigh_buyers(
    reports: ReportColumns,
    merchants: pl.DataFrame,
    withdrawn: Collection[ReportRef],
    decided: pl.DataFrame,
    policy: ReportPolicy,
    now: int,
    heard_by: Collection[str] = ("rejected",),
) -> pl.DataFrame:
    """Say how much the reports against each buyer weigh at `now` (µs since 1970-01-01 UTC).

    Reports of the last `policy.window_days` count, once a merchant; of merchants who are one, the one that
    weighs most. `merchants` is what `weigh_merchants` gives; one that is missing there weighs 1 for itself.

    Merchants who reported a buyer, even if they withdrew it, before a verification of that buyer ended with
    an outcome in `heard_by` count nothing for that buyer, with new reports neither: it looked at all the
    buyer's claims. A later confirmation lets them count again. To ask for new evidence only, name all
    outcomes.

    Columns, a row for each buyer with reports that count, by buyer_id: buyer_id, reports, merchants,
    independent (groups of merchants), weight.
    """
    standing = pl.DataFrame({"merchant_id": reports.merchant_ids}).join(
        merchants, on="merchant_id", how="left", maintain_order="left"
    )
    weight = standing["weight"].fill_null(1.0).to_numpy()
    named = standing.select(pl.col("group").fill_null(pl.col("merchant_id")).rank("dense"))
    group = named.to_series().cast(pl.Int64).to_numpy()
    count = len(weight)
    pair = reports.buyer.astype(np.int64) * count + reports.merchant
    counts = _known(reports, withdrawn, now) & (
        reports.reported_at >= now - policy.window_days * MICROSECONDS_A_DAY
    )
    counts &= ~np.isin(pair, pair[_heard(reports, decided, heard_by, now)])
    pairs, filed = np.unique(pair[counts], return_counts=True)
    buyer, merchant = np.divmod(pairs, max(count, 1))
    order = np.lexsort((group[merchant], buyer))
    buyer, merchant, filed = buyer[order], merchant[order], filed[order]
    best_at = _starts(buyer, group[merchant])
    at = _starts(buyer)
    best = np.maximum.reduceat(weight[merchant], best_at) if len(at) else weight[:0]
    of_group = np.searchsorted(best_at, at)
    return pl.DataFrame(
        {
            "buyer_id": reports.buyer_ids.gather(buyer[at]),
            "reports": np.add.reduceat(filed, at) if len(at) else filed,
            "merchants": np.diff(at, append=len(buyer)),
            "independent": np.diff(of_group, append=len(best_at)),
            # so that a third and two thirds are one
            "weight": np.round(np.add.reduceat(best, of_group) if len(at) else best, 9),
        }
    )


def _known(reports: ReportColumns, withdrawn: Collection[ReportRef], now: int) -> NDArray[np.bool_]:
    known = reports.reported_at <= now
    if withdrawn:
        named = {"merchant_id": pl.String, "report_id": pl.String}
        gone = pl.DataFrame([(ref.merchant_id, ref.report_id) for ref in withdrawn], named, orient="row")
        places = {"merchant_id": reports.merchant_ids, "merchant": np.arange(len(reports.merchant_ids))}
        told = {"report_id": reports.report_ids, "merchant": reports.merchant.astype(np.int64)}
        found = (
            pl.DataFrame(told)
            .with_row_index("row")
            .join(gone.join(pl.DataFrame(places), on="merchant_id"), on=["report_id", "merchant"], how="semi")
        )
        known[found["row"].to_numpy()] = False
    return known


def _heard(
    reports: ReportColumns, decided: pl.DataFrame, heard_by: Collection[str], now: int
) -> NDArray[np.bool_]:
    """Say of each report whether a verification that counts came after it."""
    last = (
        decided.filter(pl.col("at") <= now, pl.col("outcome").is_in([*heard_by, "confirmed"]))
        .sort("at", maintain_order=True)
        .group_by("buyer_id")
        .last()
        .filter(pl.col("outcome").is_in(list(heard_by)))
    )
    ended = pl.DataFrame({"buyer_id": reports.buyer_ids}).join(
        last, on="buyer_id", how="left", maintain_order="left"
    )
    until = ended["at"].fill_null(np.iinfo(np.int64).min).to_numpy()
    heard: NDArray[np.bool_] = reports.reported_at <= until[reports.buyer]
    return heard


def _starts(*sorted_columns: Longs) -> Longs:
    """Find where a row differs from the one before it."""
    rows = len(sorted_columns[0])
    differs = np.zeros(rows, np.bool_)
    differs[:1] = True
    for column in sorted_columns:
        differs[1:] |= column[1:] != column[:-1]
    return np.flatnonzero(differs)
