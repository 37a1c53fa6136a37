"""A small market by hand: what buyers claimed, what that cost two merchants, and who reported them."""

from collections.abc import Sequence
from typing import Any

import polars as pl

from ringfence.domain.leases import Holder, LeaseName
from ringfence.domain.loads import FileCount, LoadSource
from ringfence.domain.policy import Policy
from ringfence.domain.progress import Silent
from ringfence.domain.scope import Principal, Role
from ringfence.market.rows import tables_of_rows
from ringfence.market.tables import SCHEMAS
from ringfence.store import Store

DAY = 86_400_000_000
NOW = 1_777_593_600_000_000
"""2026-05-01"""
POLICY = Policy()
ANA = Principal("ana", Role.INVESTIGATOR)
BO = Principal("bo", Role.INVESTIGATOR)
JOB = Principal("order system", Role.JOB)
OPERATOR = Principal("op", Role.OPERATOR)
SHOP = Principal("shop's key", Role.MERCHANT, "shop")
MART = Principal("mart's key", Role.MERCHANT, "mart")
BUYERS = ("ann", "bob")
MERCHANTS = ("cup", "dot", "mart", "shop")


def fill(store: Store, claims: Sequence[dict[str, Any]] | None = None, now: int = NOW) -> None:
    """Load the market as of `now`: Ann cost the shop c1 and c2, the mart c3; Bob cost both one claim.

    Of Ann's, c0 is too old to count, c4 was refused, and for c5 she was to send the goods back.
    """
    rows = claims if claims is not None else _CLAIMS
    reports = [("rep1", "shop", "ann", 3), ("rep2", "mart", "ann", 2), ("rep3", "cup", "ann", 1)]
    reports += [("rep4", "shop", "bob", 3), ("rep5", "mart", "bob", 2)]
    frames = {
        "claims": [
            _row("claims", each["buyer"], each["merchant"], each | {"filed_at": now - each["days"] * DAY})
            for each in rows
        ],
        "orders": [
            _row(
                "orders",
                "bob",
                merchant,
                {"order_id": f"o-{merchant}", "ordered_at": now - DAY, "amount": 100, "currency": "EUR"},
            )
            for merchant in MERCHANTS
        ],
        "reports": [
            _row("reports", buyer, merchant, {"report_id": id, "reported_at": now - days * DAY})
            for id, merchant, buyer, days in reports
        ],
    }
    names = ("claims", "orders", "reports", "buyers", "merchants", "changes", "rates")
    tables = {name: pl.DataFrame(frames.get(name, []), schema=SCHEMAS[name]) for name in names}
    tables["identified"] = pl.DataFrame(schema=SCHEMAS["uses"])
    buyers, merchants = (pl.Series(ids, dtype=pl.String) for ids in (BUYERS, MERCHANTS))
    made, _ = tables_of_rows(buyers, merchants, (), tables)
    source = LoadSource("digest", "key", 1, (FileCount("claims.csv", "claims", 1, 1, 0, 0, 0),), {})
    lease = store.leases.acquire(LeaseName.LOAD, Holder("here", 1, "once"), 60.0, 1)
    store.market.write_load(source, made, lease, 1, Silent())
    store.leases.release(lease)


def claim(claim_id: str, buyer: str, merchant: str, days: int, amount: int, **more: Any) -> dict[str, Any]:
    """Write a claim that was filed so many days before the market is filled."""
    told = {"claim_id": claim_id, "buyer": buyer, "merchant": merchant, "days": days}
    return told | {"amount": amount, "currency": "EUR", "kind": "refund_only"} | more


_CLAIMS = [
    claim("c0", "ann", "shop", 181, 9_000, refunded=9_000),
    claim("c1", "ann", "shop", 90, 1_200, refunded=1_000),
    claim("c2", "ann", "shop", 80, 500, currency="JPY"),
    claim("c3", "ann", "mart", 70, 900, refunded=250, status="partly_refunded"),
    claim("c4", "ann", "mart", 60, 900, status="refused"),
    claim("c5", "ann", "cup", 50, 900, kind="return_refund"),
    claim("b1", "bob", "shop", 40, 700, status="refunded"),
    claim("b2", "bob", "mart", 30, 333, refunded=333),
]


def _row(table: str, buyer: str, merchant: str, cells: dict[str, Any]) -> dict[str, Any]:
    place = {"buyer": BUYERS.index(buyer), "merchant": MERCHANTS.index(merchant)}
    return {name: (cells | place).get(name) for name in SCHEMAS[table]}
