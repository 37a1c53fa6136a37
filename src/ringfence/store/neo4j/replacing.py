"""A store replaced by a history, in short transactions; whoever opens it meanwhile is told."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from uuid import uuid4

from ringfence.domain.leases import LeaseName
from ringfence.store.copying import NoCopyError, refuse_others
from ringfence.store.history import History
from ringfence.store.neo4j.address import Address
from ringfence.store.neo4j.database import Database
from ringfence.store.neo4j.store import Neo4jStore
from ringfence.store.new_file import StoreExistsError

_ROWS_A_STATEMENT = 500_000


@contextmanager
def replaced_store(address: Address, history: History, *, replace: bool) -> Iterator[Neo4jStore]:
    """Give a store to write a history to, in the place of what is there if `replace`.

    If the block ends early the store says so until the same history, or another, was written to it whole. Of
    several who replace it at once the last to begin does so, and the others cannot write any more.
    Raises StoreExistsError, InvalidError for a database that is not ours, UnavailableError.
    """
    by = uuid4().hex
    with Database(address, replaces=by) as database:
        store = Neo4jStore(address, create=True, replaces=by)
        try:
            _, is_in_use, replacing = database.all("identify_store")[0]
            if is_in_use and replacing is None and not replace:
                raise StoreExistsError(str(address))
            if replacing == "writing" and _is_begun(history, store):
                _begin(database, "go_on_replacing", by)
            else:
                _clear(database, by)
            yield store
            database.write(partial(database.all, "end_replacing"))
        finally:
            store.close()


def _is_begun(history: History, store: Neo4jStore) -> bool:
    """Whether all there is, is the beginning of a history."""
    try:
        refuse_others(history, store)
    except NoCopyError:
        return False
    return True


def _begin(database: Database, statement: str, by: str) -> None:
    database.write_alone(statement, by=by, leases=[*LeaseName])


def _clear(database: Database, by: str) -> None:
    _begin(database, "begin_replacing", by)
    for statement in ("clear_all_relationships", "clear_all_nodes"):
        while database.write_alone(statement, by=by, rows=_ROWS_A_STATEMENT)[0][0]:
            pass
    database.write(partial(database.all, "begin_rewriting"))
