"""What a detection found, as tables: columns and types, the same in files, stores and notebooks."""

from typing import Any

import polars as pl

_TIME = pl.Datetime("us", "UTC")

SCHEMAS: dict[str, dict[str, Any]] = {
    "rings": {
        "ring_id": pl.String,
        "network_id": pl.String,
        "score": pl.Float64,
        "size": pl.Int64,
        "claims": pl.Int64,
        "merchants": pl.Int64,
        "amount": pl.String,
        "first_claim_at": _TIME,
        "last_claim_at": _TIME,
        "p_value": pl.Float64,
        "why": pl.String,
    },
    "members": {"ring_id": pl.String, "buyer_id": pl.String, "score": pl.Float64, "why": pl.String},
    "buyers": {"buyer_id": pl.String, "score": pl.Float64},
    "evidence": {
        "ring_id": pl.String,
        "event": pl.Int64,
        "merchant_id": pl.String,
        "buyer_id": pl.String,
        "claim_id": pl.String,
        "filed_at": _TIME,
        "amount": pl.String,
        "expected": pl.Float64,
    },
    "links": {"buyer_a": pl.String, "buyer_b": pl.String, "score": pl.Float64, "why": pl.String},
    "lineage": {
        "ring_id": pl.String,
        "event": pl.String,
        "previous_ring_id": pl.String,
        "common": pl.Float64,
    },
    "risks": {
        "buyer_id": pl.String,
        "probability": pl.Float64,
        "ring_id": pl.String,
        "ring_score": pl.Float64,
        "ring_size": pl.Int64,
        "ring_claims": pl.Int64,
        "link_score": pl.Float64,
        "linked_to": pl.String,
        "claims": pl.Int64,
        "refund_only": pl.Int64,
        "recent_refund_only": pl.Int64,
        "orders": pl.Int64,
        "report_weight": pl.Float64,
        "report_merchants": pl.Int64,
        "confirmed": pl.Int64,
        "rejected": pl.Int64,
        "shared_values": pl.Int64,
        "account_days": pl.Int64,
        "lost": pl.Float64,
    },
}
"""Columns and types by table."""

OPTIONAL = ("links", "lineage", "risks")
"""Tables that a run may lack."""
