"""What buyers did, out of the columns that a store keeps."""

import numpy as np
import polars as pl

from ringfence.market.activity import Activity
from ringfence.store.columnar.arrays import ReadColumns, people_of, places_of

_DETAILS = {"kind": pl.String, "refunded": pl.Int64, "status": pl.String}
_CHANGES = {"claim_id": pl.String, "refunded": pl.Int64, "status": pl.String}
_WITHOUT_COST = ("refused", "withdrawn")


def read_activity(read: ReadColumns) -> Activity:
    """Put it together; claims of loads from before details were kept count as of unknown kind."""
    buyer_ids, position = places_of(people_of(read, "buyers"), None)
    orders, details = read("orders"), read("buyer_details")
    registered = np.full(len(buyer_ids), -1, np.int64)
    if details is not None:
        told = details.drop_nulls()
        registered[position[told["buyer"].to_numpy()]] = told["registered_at"].to_numpy()
    times = pl.Series("registered_at", registered)
    return Activity(
        buyer_ids=buyer_ids,
        claims=_claims(read).with_columns(
            pl.col("buyer").map_batches(lambda numbers: pl.Series(position[numbers.to_numpy()]), pl.Int32)
        ),
        orders=None
        if orders is None
        else np.bincount(position[orders["buyer"].to_numpy()], minlength=len(buyer_ids)),
        registered_at=times.set(times < 0, None),
    )


def _claims(read: ReadColumns) -> pl.DataFrame:
    claims, details = read("claims"), read("claim details")
    if claims is None:
        claims = pl.DataFrame(
            schema={"claim_id": pl.String, "buyer": pl.Int32, "filed_at": pl.Int64, "amount": pl.Int64}
            | {"currency": pl.String}
        )
    if details is None:
        details = pl.DataFrame(schema=_DETAILS)
    before = pl.DataFrame({name: [None] for name in _DETAILS}, _DETAILS).clear(len(claims) - len(details))
    rows = claims.hstack(pl.concat([before, details]))
    changes = read("changes")
    changes = pl.DataFrame(schema=_CHANGES) if changes is None else changes
    last = changes.unique("claim_id", keep="last").with_columns(is_changed=pl.lit(True))
    now = rows.join(last, on="claim_id", how="left", suffix="_now", maintain_order="left")
    refunded, status = (
        pl.when("is_changed").then(f"{name}_now").otherwise(name) for name in ("refunded", "status")
    )
    amount = pl.when(status.is_in(_WITHOUT_COST)).then(0).otherwise("amount")
    return now.select(
        "buyer",
        "filed_at",
        "currency",
        is_refund_only=pl.col("kind").fill_null("refund_only") == "refund_only",
        lost=pl.coalesce(refunded, amount),
    )
