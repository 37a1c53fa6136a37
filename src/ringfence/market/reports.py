"""Merchants' reports as columns, for what looks at all of them at once."""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ringfence.market.market import Ints, Longs


@dataclass(frozen=True, eq=False)
class ReportColumns:
    """R reports as parallel columns, in the order (buyer, reported_at, report_id, merchant).

    `(:Merchant)-[:FILED_REPORT]->(:Report)-[:ACCUSES]->(:Buyer)`
    """

    report_ids: pl.Series
    """String[R], of one merchant each once."""
    buyer_ids: pl.Series
    """String, the buyers accused, sorted by bytes, each once."""
    merchant_ids: pl.Series
    """String, the merchants who report, sorted by bytes, each once."""
    buyer: Ints
    """int32[R], positions in `buyer_ids`."""
    merchant: Ints
    """int32[R], positions in `merchant_ids`."""
    reported_at: Longs
    """int64[R], µs since 1970-01-01 UTC."""

    def __len__(self) -> int:
        return len(self.buyer)

    def only(self, kept: NDArray[np.bool_]) -> "ReportColumns":
        """Give those of the reports that are kept (bool[R]); the people stay as they are."""
        return ReportColumns(
            self.report_ids.filter(pl.Series(kept)),
            self.buyer_ids,
            self.merchant_ids,
            self.buyer[kept],
            self.merchant[kept],
            self.reported_at[kept],
        )
