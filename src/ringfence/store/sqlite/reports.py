"""Merchants' reports in SQLite."""

from ringfence.domain.buyers import Report
from ringfence.domain.scope import Scope
from ringfence.store.sqlite.database import Database
from ringfence.store.sqlite.scope import SEES_BUYER, scope_values

_OF_BUYER = f"""
    SELECT r.report_id, m.merchant_id, b.buyer_id, r.reported_at, r.claim_id, r.reason, r.evidence_count
    FROM reports AS r JOIN buyers AS b USING (buyer) JOIN merchants AS m USING (merchant)
    WHERE b.buyer_id = :buyer_id AND r.load <= :version
        AND (:merchant_id IS NULL OR m.merchant_id = :merchant_id) AND {SEES_BUYER}
    ORDER BY r.reported_at DESC, r.report_id
"""


class SqliteReports:
    """The port of reports."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def of_buyer(self, buyer_id: str, scope: Scope) -> tuple[Report, ...]:
        """List the reports that accuse a buyer, latest first; a merchant's scope sees its own."""
        with self._database.snapshot():
            values = scope_values(self._database, scope) | {"buyer_id": buyer_id}
            return tuple(Report(*row) for row in self._database.all(_OF_BUYER, values))
