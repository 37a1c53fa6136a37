"""What is known of buyers, a row each: what signals look at."""

import polars as pl

from ringfence.market.results import SCHEMAS

FACTS = {name: dtype for name, dtype in SCHEMAS["risks"].items() if name != "probability"}
"""Columns and types.

ring_id, ring_size (members), ring_claims: of the ring the buyer is in, null outside; ring_score: its
evidence in decades, 0 outside and where people decided that it is no ring. link_score, linked_to: the
strongest link, in decades, 0 and null without one. lead_score, lead_id: the strongest lead the buyer is in,
in decades, 0 and null without one; lead_score is 0 for a lead that people dismissed. claims, refund_only
(kind unknown included), recent_refund_only: numbers; orders: their number, null where none are known of
anybody. report_weight, report_merchants: of the merchants who report the buyer and are independent, and how
many; confirmed, rejected: verifications that found abuse, and none. shared_values: values that few hold, a
confirmed abuser among them. account_days: age at the last claim of the marketplace, null if unknown. lost:
share of buyers whose refunds without return cost less, 0 to 1."""
NUMBERS = tuple(name for name, dtype in pl.Schema(FACTS).items() if dtype.is_numeric())
"""The columns that signals look at."""
_MAY_BE_UNKNOWN = ("ring_size", "ring_claims", "orders", "account_days")
NOBODY = {name: 0 if name in NUMBERS and name not in _MAY_BE_UNKNOWN else None for name in FACTS}
"""What is known of a buyer of whom nothing is."""
