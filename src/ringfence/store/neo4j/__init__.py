"""The store in a Neo4j server: the only place that knows its driver."""

from ringfence.store.neo4j.address import Address, address_of
from ringfence.store.neo4j.offline import Neo4jFiles
from ringfence.store.neo4j.replacing import replaced_store
from ringfence.store.neo4j.store import Neo4jStore

__all__ = ["Address", "Neo4jFiles", "Neo4jStore", "address_of", "replaced_store"]
