"""What the graph knows of rows by their ids."""

from typing import Any

import polars as pl

from ringfence.domain.identifiers import IdentifierKind
from ringfence.market.tables import SCHEMAS, KnownRows
from ringfence.store.neo4j.database import Database

_ASKED_AT_ONCE = 10_000
_VALUE = {kind.value: pl.Int64 for kind in IdentifierKind}
_PSEUDONYMS = pl.DataFrame(schema={"number": pl.Int64, "exact": pl.String})
_PERSON = {"buyer": "buyer_id", "merchant": "merchant_id"}


def known_rows(
    database: Database, version: int, claim_ids: pl.Series, order_ids: pl.Series, reports: pl.DataFrame
) -> KnownRows:
    """Look up rows as of the load `version`."""
    return KnownRows(
        claims=_known(database, version, "claims", "find_known_claims", claim_ids.to_frame()),
        orders=_known(database, version, "orders", "find_known_orders", order_ids.to_frame()),
        reports=_known(
            database, version, "reports", "find_known_reports", reports.select("report_id", "merchant_id")
        ),
    )


def _known(database: Database, version: int, table: str, statement: str, keys: pl.DataFrame) -> pl.DataFrame:
    """Look up rows by what names them: the columns of `keys`, whose rows are distinct."""
    schema = _schema(table)
    frames = [pl.DataFrame(schema=schema)]
    keys = keys.sort(keys.columns)  # neighbours in the index are on one page
    for piece in keys.iter_slices(_ASKED_AT_ONCE) if version else ():
        asked = [list(key) for key in piece.rows()]
        for columns in database.all(statement, keys=asked, version=version, bulk=True):
            named = zip(schema.items(), columns, strict=True)
            frames.append(pl.DataFrame([pl.Series(name, cells, dtype) for (name, dtype), cells in named]))
    return _with_pseudonyms(database, pl.concat(frames))


def _schema(table: str) -> dict[str, Any]:
    """Give the columns of known rows as the statements give them: people by their ids, values by numbers."""
    named = {_PERSON.get(name, name): dtype for name, dtype in SCHEMAS[table].items()}
    return {
        name: pl.String if name in _PERSON.values() else _VALUE.get(name, dtype)
        for name, dtype in named.items()
    }


def _with_pseudonyms(database: Database, rows: pl.DataFrame) -> pl.DataFrame:
    """Put what stands for values in the place of their numbers."""
    kinds = [kind.value for kind in IdentifierKind if kind.value in rows.columns]
    numbers = pl.concat([pl.Series("number", [], pl.Int64), *(rows[kind].alias("number") for kind in kinds)])
    asked = numbers.drop_nulls().unique().sort()
    found = [_PSEUDONYMS]
    for at in range(0, len(asked), _ASKED_AT_ONCE):
        piece = asked[at : at + _ASKED_AT_ONCE].to_list()
        for columns in database.all("find_pseudonyms", numbers=piece, bulk=True):
            named = zip(_PSEUDONYMS.columns, columns, strict=True)
            found.append(pl.DataFrame(dict(named), _PSEUDONYMS.schema))
    known = pl.concat(found).with_columns(pl.col("exact").str.decode("hex"))
    return rows.with_columns(
        pl.col(kind).replace_strict(known["number"], known["exact"], default=None, return_dtype=pl.Binary)
        for kind in kinds
    )
