"""The rows a load brought, out of the embedded store."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import polars as pl

from ringfence.market.tables import MarketTables
from ringfence.store.columnar.load_tables import ROWS, put_together
from ringfence.store.sqlite.columns import read_columns
from ringfence.store.sqlite.database import Database
from ringfence.store.sqlite.numbers import SqliteNumbering

_AT_ONCE = 50_000
_NUMBERED = {"claims": "claim", "orders": '"order"', "reports": "report"}
_OTHERS = {
    "changes": "claim_changes JOIN (SELECT claim, claim_id FROM claims) USING (claim)",
    "merchants": "merchant_details",
    "buyers": "buyer_details",
    "rates": "rates",
}


def tables_of_load(database: Database, load: int) -> MarketTables:
    """Give what a load brought; call it inside a snapshot."""
    return put_together(
        partial(read_columns, database, load),
        partial(read_columns, database, load, since=load),
        partial(_rows, database, load),
    )


def _rows(database: Database, load: int, table: str) -> pl.DataFrame:
    schema = ROWS[table]
    # SQLite knows no booleans.
    stored = {name: pl.Int64 if dtype == pl.Boolean else dtype for name, dtype in schema.items()}
    frames = [
        pl.DataFrame(rows, schema=stored, orient="row") for rows in _pieces(database, load, table) if rows
    ]
    return pl.concat(frames or [pl.DataFrame(schema=stored)]).cast(pl.Schema(schema))


def _pieces(database: Database, load: int, table: str) -> Iterator[list[tuple[Any, ...]]]:
    columns = ", ".join(f'"{name}"' for name in ROWS[table])
    if table in _OTHERS:
        yield database.all(f"SELECT {columns} FROM {_OTHERS[table]} WHERE load = ?", (load,))
    elif table == "uses":
        after = (0, 0)
        while rows := database.all(
            f"SELECT {columns} FROM uses WHERE (buyer, value) > (?, ?) AND load = ?"
            " ORDER BY buyer, value LIMIT ?",
            (*after, load, _AT_ONCE),
        ):
            yield rows
            after = rows[-1][:2]
    else:
        numbering, number = SqliteNumbering(database), _NUMBERED[table]
        end = numbering.last(table, load + 1)
        for begin in range(numbering.last(table, load), end, _AT_ONCE):
            yield database.all(
                f"SELECT {columns} FROM {table} WHERE {number} > ? AND {number} <= ?",
                (begin, min(begin + _AT_ONCE, end)),
            )
