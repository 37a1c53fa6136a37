"""What a scope means in SQL: it stands in the WHERE of every statement that a merchant can reach."""

from typing import Any

from ringfence.domain.scope import Scope
from ringfence.store.sqlite.database import Database

VERSION = "coalesce((SELECT load FROM loads WHERE finished_at IS NOT NULL ORDER BY load DESC LIMIT 1), 0)"
"""The last complete load: rows of a later one are not seen."""
SEES_BUYER = """
    b.load <= :version AND (
        :merchant_id IS NULL
        OR EXISTS (SELECT 1 FROM claims AS s
            WHERE s.buyer = b.buyer AND s.merchant = :merchant AND s.filed_at >= :since
                AND s.load <= :version)
        OR EXISTS (SELECT 1 FROM orders AS s
            WHERE s.buyer = b.buyer AND s.merchant = :merchant AND s.ordered_at >= :since
                AND s.load <= :version)
    )
"""
"""Buyer `b` exists for whoever asks; `:merchant` is null for a merchant nobody knows, and equals nothing."""


def scope_values(database: Database, scope: Scope) -> dict[str, Any]:
    """Give the parameters of a scope; call it in the snapshot of the statement."""
    version = database.one(f"SELECT {VERSION}")
    merchant = scope.merchant_id and database.one(
        "SELECT merchant FROM merchants WHERE merchant_id = ?", (scope.merchant_id,)
    )
    return {
        "version": version[0] if version else 0,
        "merchant_id": scope.merchant_id,
        "merchant": merchant[0] if merchant else None,
        "since": scope.since,
    }
