"""What buyers did, beyond what detection looks at: refunds without return, what they cost, accounts' ages."""

from dataclasses import dataclass

import polars as pl

from ringfence.market.market import Longs


@dataclass(frozen=True, eq=False)
class Activity:
    """The claims, orders and accounts of the n buyers of a market."""

    buyer_ids: pl.Series
    """String[n], as `Market.buyer_ids`."""
    claims: pl.DataFrame
    """A row a claim: buyer (Int32, position in `buyer_ids`), filed_at (Int64, µs since 1970-01-01 UTC),
    currency, is_refund_only (Boolean; true where nobody told the kind), lost (Int64, minor units: what was
    refunded, else the amount unless the claim was refused or withdrawn)."""
    orders: Longs | None
    """int64[n], the number of orders; None where no orders are known of anybody."""
    registered_at: pl.Series
    """Int64[n], µs since 1970-01-01 UTC; null where nobody told."""
