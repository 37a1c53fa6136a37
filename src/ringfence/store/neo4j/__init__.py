"""The store in a Neo4j server: the only place that knows its driver."""

from ringfence.store.neo4j.address import SCHEMES, Address, address_of
from ringfence.store.neo4j.store import Neo4jStore

__all__ = ["SCHEMES", "Address", "Neo4jStore", "address_of"]
