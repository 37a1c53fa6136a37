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
        "occasions": pl.Int64,
        "amount": pl.String,
        "first_claim_at": _TIME,
        "last_claim_at": _TIME,
        "p_value": pl.Float64,
        "method": pl.String,
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
        "weak": pl.Boolean,
    },
    "leads": {
        "lead_id": pl.String,
        "kind": pl.String,
        "ring_id": pl.String,
        "score": pl.Float64,
        "size": pl.Int64,
        "claims": pl.Int64,
        "merchants": pl.Int64,
        "occasions": pl.Int64,
        "amount": pl.String,
        "first_claim_at": _TIME,
        "last_claim_at": _TIME,
        "p_value": pl.Float64,
        "why": pl.String,
        "why_not": pl.String,
    },
    "lead_members": {"lead_id": pl.String, "buyer_id": pl.String, "score": pl.Float64, "why": pl.String},
    "lead_evidence": {
        "lead_id": pl.String,
        "event": pl.Int64,
        "merchant_id": pl.String,
        "buyer_id": pl.String,
        "claim_id": pl.String,
        "filed_at": _TIME,
        "amount": pl.String,
        "expected": pl.Float64,
        "weak": pl.Boolean,
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
        "lead_score": pl.Float64,
        "lead_id": pl.String,
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

LEADS = ("leads", "lead_members", "lead_evidence")
"""The tables of leads: suspicions too weak to be rings."""
OPTIONAL = (*LEADS, "links", "lineage", "risks")
"""Tables that a run may lack."""
MAY_BE_NULL = frozenset({("leads", "ring_id")})
"""Columns of text, by table, in which null is not the same as empty."""
WEAK_FROM = 1.0
"""An event is weak if chance alone puts this many strangers' claims, or more, as near."""
_LATER: dict[str, dict[str, pl.Expr]] = {
    "rings": {"occasions": pl.lit(None, pl.Int64), "method": pl.lit("coincidence")},
    "evidence": {"weak": (pl.col("expected").cast(pl.Float64, strict=False) >= WEAK_FROM).fill_null(False)},
    "risks": {"lead_score": pl.lit(0.0), "lead_id": pl.lit(None, pl.String)},
}
"""Columns that earlier versions did not write, by table, and what they are for those runs."""


def brought_forward(table: str, frame: pl.DataFrame) -> pl.DataFrame:
    """Add the columns that a run of an earlier version lacks; `frame` may have columns beyond the table's.

    A ring's occasions are unknown then. Numbers may come as text. A frame with all columns is returned as it
    is.
    """
    missing = {name: value for name, value in _LATER.get(table, {}).items() if name not in frame.columns}
    if not missing:
        return frame
    others = [name for name in frame.columns if name not in SCHEMAS[table]]
    known = [name for name in SCHEMAS[table] if name in frame.columns or name in missing]
    return frame.with_columns(**missing).select(*others, *known)


def telling(evidence: pl.DataFrame) -> pl.DataFrame:
    """Leave out the joint claims of weak events: no total counts them."""
    return evidence.filter(~pl.col("weak"))


def no_leads() -> dict[str, pl.DataFrame]:
    """Return the tables of leads without a row, by table."""
    return {table: pl.DataFrame(schema=SCHEMAS[table]) for table in LEADS}
