"""What a scope means in a statement: it stands in the WHERE of each that a merchant can reach."""

from typing import Any

from ringfence.domain.scope import Scope
from ringfence.store.neo4j.database import Database


def scope_values(database: Database, scope: Scope) -> dict[str, Any]:
    """Give the parameters of a scope, and the version that a snapshot shows."""
    return {"version": database.pins.version, "merchant_id": scope.merchant_id, "since": scope.since}
