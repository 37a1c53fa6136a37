"""A marketplace as rows: what a load brings into a store, pseudonymised and checked."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ringfence.domain.identifiers import IdentifierKind
from ringfence.market.market import Sketches

_VALUES: dict[str, Any] = {kind.value: pl.Int32 for kind in IdentifierKind}

SCHEMAS: dict[str, dict[str, Any]] = {
    "claims": {
        "claim_id": pl.String,
        "buyer": pl.Int32,
        "merchant": pl.Int32,
        "filed_at": pl.Int64,
        "amount": pl.Int64,
        "currency": pl.String,
        "kind": pl.String,
        "reason": pl.String,
        "order_id": pl.String,
        "category": pl.String,
        "country": pl.String,
        **_VALUES,
        "paid_at": pl.Int64,
        "evidence_kinds": pl.String,
        "high_value": pl.Boolean,
        "delivered_at": pl.Int64,
        "refunded": pl.Int64,
        "evidence_count": pl.Int64,
        "status": pl.String,
    },
    "changes": {
        "claim_id": pl.String,
        "delivered_at": pl.Int64,
        "refunded": pl.Int64,
        "evidence_count": pl.Int64,
        "status": pl.String,
    },
    "orders": {
        "order_id": pl.String,
        "buyer": pl.Int32,
        "merchant": pl.Int32,
        "ordered_at": pl.Int64,
        "amount": pl.Int64,
        "currency": pl.String,
        "category": pl.String,
        "country": pl.String,
        "address": pl.Int32,
        "delivered_at": pl.Int64,
    },
    "uses": {
        "kind": pl.String,
        "buyer": pl.Int32,
        "value": pl.Int32,
        "first_at": pl.Int64,
        "last_at": pl.Int64,
    },
    "reports": {
        "report_id": pl.String,
        "merchant": pl.Int32,
        "buyer": pl.Int32,
        "reported_at": pl.Int64,
        "claim_id": pl.String,
        "reason": pl.String,
        "evidence_count": pl.Int64,
    },
    "merchants": {
        "merchant": pl.Int32,
        "name": pl.String,
        "country": pl.String,
        "level": pl.String,
        "joined_at": pl.Int64,
        "owner": pl.String,
        "fulfilment": pl.String,
        "return_address": pl.String,
    },
    "buyers": {"buyer": pl.Int32, "country": pl.String, "registered_at": pl.Int64},
    "rates": {"currency": pl.String, "date": pl.Int64, "rate": pl.String},
}
"""Columns and types by table. Times are µs since 1970-01-01 UTC, amounts minor units of their currency."""


@dataclass(frozen=True, eq=False)
class IdentifierValues:
    """The values of one kind: V of them, pseudonymised."""

    kind: IdentifierKind
    exact: NDArray[np.uint8]
    """uint8[V, 32], HMAC-SHA256 of each normalised value, rows sorted and distinct."""
    sketches: Sketches | None = None
    """For kinds that are matched approximately: every block of every value, also those of one value only."""


@dataclass(frozen=True, eq=False)
class MarketTables:
    """What a load brings. Rows of a table are distinct by its id (uses by kind, buyer and value)."""

    buyer_ids: pl.Series
    """String, every buyer seen, sorted by bytes, each once; `buyer` columns are positions here."""
    merchant_ids: pl.Series
    """String, every merchant in any table, sorted by bytes, each once; `merchant` columns point here."""
    values: tuple[IdentifierValues, ...]
    """At most one entry a kind; columns `address` … `email`, and `value` by `kind`, point into `exact`."""
    claims: pl.DataFrame
    changes: pl.DataFrame
    """Later words on known claims: what holds from this load on, one row a claim."""
    orders: pl.DataFrame
    uses: pl.DataFrame
    """first_at and last_at: when it was first and last seen, in identifiers, claims (filed) and orders."""
    reports: pl.DataFrame
    merchants: pl.DataFrame
    buyers: pl.DataFrame
    rates: pl.DataFrame


@dataclass(frozen=True, eq=False)
class KnownRows:
    """What the store knows of the ids that were asked for, as of the last complete load."""

    claims: pl.DataFrame
    """As `SCHEMAS["claims"]`, but buyer_id and merchant_id as text, identifiers as Binary (the 32
    bytes of `exact`), and what may change as last changed."""
    orders: pl.DataFrame
    """In the same manner."""
    reports: pl.DataFrame
    """In the same manner."""
