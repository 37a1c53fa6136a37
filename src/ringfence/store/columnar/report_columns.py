"""All reports at once, out of the columns that a store keeps."""

from collections.abc import Callable

import polars as pl

from ringfence.market.reports import ReportColumns
from ringfence.store.columnar.arrays import ReadColumns, people_of, places_of

REPORTS = {"report_id": pl.String, "buyer": pl.Int32, "merchant": pl.Int32, "reported_at": pl.Int64}
"""What a store must tell of each report, people by its numbers."""


def read_reports(
    read: ReadColumns, filed: pl.DataFrame, total: int, rows: Callable[[], pl.DataFrame]
) -> ReportColumns:
    """Put reports in their order.

    Those of loads come as the columns kept of them, but for those that were `filed` by call meanwhile, which
    stay as they were filed. Where that does not make `total`, since loads from before kept no columns of
    reports, all are asked for as `rows`. Both have the columns `REPORTS`, in any order.
    """
    kept = read("reports")
    told = (
        filed
        if kept is None
        else pl.concat([kept.join(filed, on=["report_id", "merchant"], how="anti"), filed])
    )
    return _in_order(
        told if len(told) == total else rows(), people_of(read, "buyers"), people_of(read, "merchants")
    )


def _in_order(rows: pl.DataFrame, buyers: pl.DataFrame, merchants: pl.DataFrame) -> ReportColumns:
    accused, reporting = rows["buyer"].to_numpy(), rows["merchant"].to_numpy()
    buyer_ids, buyer = places_of(buyers, [accused])
    merchant_ids, merchant = places_of(merchants, [reporting])
    placed = rows.select(
        "report_id", "reported_at", buyer=pl.Series(buyer[accused]), merchant=pl.Series(merchant[reporting])
    ).sort("buyer", "reported_at", "report_id", "merchant")
    return ReportColumns(
        report_ids=placed["report_id"],
        buyer_ids=buyer_ids,
        merchant_ids=merchant_ids,
        buyer=placed["buyer"].to_numpy(),
        merchant=placed["merchant"].to_numpy(),
        reported_at=placed["reported_at"].to_numpy(),
    )
