"""What an interrupted load wrote, cleared away in short transactions."""

from functools import partial
from typing import Any

from ringfence.domain.leases import Lease
from ringfence.store.columnar.columns import frame_of
from ringfence.store.neo4j.database import Database
from ringfence.store.neo4j.numbers import Neo4jNumbering

_ROWS = 5_000
_BATCHES = 8
_BY_LOAD = ("clear_changes", "clear_reports", "clear_descriptions", "clear_rates")
_BY_COLUMNS = {"orders": "buyer", "uses": "buyer", "claims": "claim_id"}
_CLEARING = {"orders": "clear_orders", "uses": "clear_uses", "claims": "clear_claims"}
_BY_NUMBER = {
    "identifiers": "clear_identifiers",
    "merchants": "clear_merchants",
    "buyers": "clear_buyers",
}


def clear_load(database: Database, load: int, lease: Lease) -> None:
    """Clear away all that a load wrote that is the last one and unseen; its node stays.

    Its orders, uses and claims are found by the columns kept of them, which is cheaper than an index that
    every load would have to write; what it was the first to name has higher numbers than any load before.
    """
    for statement in _BY_LOAD:
        _repeat(database, statement, lease, load=load, limit=_ROWS)
    for name in _CLEARING:
        while database.write(partial(_clear_batch, database, load, name), lease):
            pass
    numbering = Neo4jNumbering(database)
    for name, statement in _BY_NUMBER.items():
        _repeat(database, statement, lease, last=numbering.last(name, load), limit=_ROWS)
    _repeat(database, "clear_columns", lease, load=load, limit=_BATCHES)


def _clear_batch(database: Database, load: int, name: str) -> bool:
    """Clear one batch and the rows its columns lead to; tell whether there was one."""
    row = database.one("take_batch", load=load, name=name)
    if row is None:
        return False
    keys = frame_of(row[0])[_BY_COLUMNS[name]].unique().to_list()
    database.all(_CLEARING[name], load=load, keys=keys)
    return True


def _repeat(database: Database, statement: str, lease: Lease, **values: Any) -> None:
    while database.write(partial(database.all, statement, **values), lease) != [(0,)]:
        pass
