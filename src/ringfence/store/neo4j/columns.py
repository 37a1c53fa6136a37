"""The columns of loads in the graph: `(:Batch {load, name, number, columns})`."""

import polars as pl

from ringfence.store.columnar.columns import bytes_of, joined
from ringfence.store.neo4j.database import Database


def write_columns(database: Database, load: int, name: str, number: int, columns: pl.DataFrame) -> None:
    """Keep the columns of one batch."""
    database.all("keep_columns", load=load, name=name, number=number, columns=bytes_of(columns))


def read_columns(database: Database, version: int, name: str, since: int = 1) -> pl.DataFrame | None:
    """Give all columns of a name up to a load, in the order they were written; None if there are none.

    With `since` those of earlier loads are left out.
    """
    return joined(
        columns
        for (columns,) in database.all("read_columns", since=since, version=version, name=name, bulk=True)
    )
