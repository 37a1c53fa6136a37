"""Reports in their order, out of a store's rows."""

import numpy as np
import polars as pl

from ringfence.market import Ints
from ringfence.market.canonical import named
from ringfence.market.reports import ReportColumns

REPORTS = {"report_id": pl.String, "buyer": pl.Int32, "merchant": pl.Int32, "reported_at": pl.Int64}
"""What a store must tell of each report, people by its numbers."""


def reports_in_order(
    rows: pl.DataFrame, buyers: pl.DataFrame | None, merchants: pl.DataFrame | None
) -> ReportColumns:
    """Put reports in their order.

    `rows` have the columns `REPORTS`, in any order; `buyers` and `merchants` are what is kept of them as
    columns: number and id.
    """
    buyer_ids, buyer = _places(rows["buyer"], buyers)
    merchant_ids, merchant = _places(rows["merchant"], merchants)
    placed = rows.select("report_id", "reported_at", buyer=pl.Series(buyer), merchant=pl.Series(merchant))
    placed = placed.sort("buyer", "reported_at", "report_id")
    return ReportColumns(
        report_ids=placed["report_id"],
        buyer_ids=buyer_ids,
        merchant_ids=merchant_ids,
        buyer=placed["buyer"].to_numpy(),
        merchant=placed["merchant"].to_numpy(),
        reported_at=placed["reported_at"].to_numpy(),
    )


def _places(numbers: pl.Series, people: pl.DataFrame | None) -> tuple[pl.Series, Ints]:
    """Give the ids of those whose numbers are used, sorted, and the place of each number's."""
    if people is None:
        return pl.Series("id", [], pl.String), np.empty(0, np.int32)
    known = people.to_series(0).to_numpy()
    position = np.full(int(known.max(initial=0)) + 1, -1, np.int32)
    position[known] = np.arange(len(known), dtype=np.int32)
    used = position[numbers.to_numpy()]
    ids, place = named(people.to_series(1), [used])
    return ids, place[used]
