"""The rows a load brought, out of the graph."""

from collections.abc import Iterator
from functools import partial

import polars as pl

from ringfence.market.tables import MarketTables
from ringfence.store.columnar.load_tables import ROWS, put_together
from ringfence.store.neo4j.columns import read_columns
from ringfence.store.neo4j.database import Database

_AT_ONCE = 10_000
_BY_COLUMNS = {
    "claims": ("read_load_claims", "claim_id"),
    "orders": ("read_load_orders", "buyer"),
    "uses": ("read_load_uses", "buyer"),
}
"""The statement, and the column kept of the load whose cells lead to its rows."""
_BY_LOAD = {
    "changes": "read_load_changes",
    "reports": "read_load_reports",
    "merchants": "read_load_merchants",
    "buyers": "read_load_buyers",
    "rates": "read_load_rates",
}


def tables_of_load(database: Database, load: int) -> MarketTables:
    """Give what a complete load brought."""
    return put_together(
        partial(read_columns, database, load),
        partial(read_columns, database, load, since=load),
        partial(_rows, database, load),
    )


def _rows(database: Database, load: int, table: str) -> pl.DataFrame:
    schema = ROWS[table]
    if table in _BY_LOAD:
        return pl.DataFrame(database.all(_BY_LOAD[table], load=load), schema=schema, orient="row")
    return pl.concat([pl.DataFrame(schema=schema), *_pieces(database, load, table)])


def _pieces(database: Database, load: int, table: str) -> Iterator[pl.DataFrame]:
    statement, column = _BY_COLUMNS[table]
    kept = read_columns(database, load, table, since=load)
    keys = kept[column].unique().sort() if kept is not None else pl.Series([], dtype=pl.Int32)
    for at in range(0, len(keys), _AT_ONCE):
        asked = keys[at : at + _AT_ONCE].to_list()
        for columns in database.all(statement, load=load, keys=asked, bulk=True):
            named = zip(ROWS[table].items(), columns, strict=True)
            yield pl.DataFrame([pl.Series(name, cells, dtype) for (name, dtype), cells in named])
