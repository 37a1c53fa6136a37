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
}
"""Columns and types by table."""

OPTIONAL = ("links", "lineage")
"""Tables that a run may lack."""
