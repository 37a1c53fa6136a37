"""Merchants' reports in Neo4j."""

from ringfence.domain.buyers import Report
from ringfence.domain.scope import Scope
from ringfence.store.neo4j.database import Database
from ringfence.store.neo4j.scope import scope_values


class Neo4jReports:
    """The port of reports."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def of_buyer(self, buyer_id: str, scope: Scope) -> tuple[Report, ...]:
        """List the reports that accuse a buyer, latest first; a merchant's scope sees its own."""
        values = scope_values(self._database, scope)
        rows = self._database.all("list_reports", buyer_id=buyer_id, **values)
        return tuple(Report(*row) for row in rows)
