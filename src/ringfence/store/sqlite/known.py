"""What the embedded store knows of rows by their ids."""

import json
from typing import Any

import polars as pl

from ringfence.domain.identifiers import IdentifierKind
from ringfence.market.tables import SCHEMAS, KnownRows
from ringfence.store.sqlite.database import Database

_ASKED_AT_ONCE = 50_000

CLAIM_NOW = """
    LEFT JOIN claim_changes AS h ON h.claim = c.claim AND h.load = (
        SELECT max(load) FROM claim_changes WHERE claim = c.claim AND load <= :version
    )
"""
"""The last visible word on claim `c`, if there was one since it was filed."""
_CHANGING = ("delivered_at", "refunded", "evidence_count", "status")
_COLUMNS = {
    "c": {
        "buyer_id": "b.buyer_id",
        "merchant_id": "m.merchant_id",
        **{kind.value: f"{kind.value}_.exact" for kind in IdentifierKind},
        **{name: f"iif(h.claim IS NULL, c.{name}, h.{name})" for name in _CHANGING},
    },
    "o": {"buyer_id": "b.buyer_id", "merchant_id": "m.merchant_id", "address": "address_.exact"},
    "r": {"buyer_id": "b.buyer_id", "merchant_id": "m.merchant_id"},
}
_FOUND = {
    "c": """CROSS JOIN claims AS c ON c.claim_id = asked.value ->> 0
        JOIN merchants AS m ON m.merchant = c.merchant""",
    "o": """CROSS JOIN orders AS o ON o.order_id = asked.value ->> 0
        JOIN merchants AS m ON m.merchant = o.merchant""",
    "r": """CROSS JOIN merchants AS m ON m.merchant_id = asked.value ->> 1
        CROSS JOIN reports AS r ON r.report_id = asked.value ->> 0 AND r.merchant = m.merchant""",
}
_VALUES = {
    "claims": " ".join(
        f"LEFT JOIN identifiers AS {kind.value}_ ON {kind.value}_.value = c.{kind.value}"
        for kind in IdentifierKind
    ),
    "orders": "LEFT JOIN identifiers AS address_ ON address_.value = o.address",
    "reports": "",
}


def claim_columns(names: tuple[str, ...]) -> str:
    """Say the columns of claim `c` (of buyer `b`, merchant `m`, changed by `h`) as last changed."""
    return ", ".join(_COLUMNS["c"].get(name, f"c.{name}") for name in names)


def known_rows(
    database: Database, version: int, claim_ids: pl.Series, order_ids: pl.Series, reports: pl.DataFrame
) -> KnownRows:
    """Look up rows as of the load `version`; call it inside a snapshot."""
    return KnownRows(
        claims=_known(database, version, "claims", "c", claim_ids.to_frame()),
        orders=_known(database, version, "orders", "o", order_ids.to_frame()),
        reports=_known(database, version, "reports", "r", reports.select("report_id", "merchant_id")),
    )


def _known(database: Database, version: int, table: str, letter: str, keys: pl.DataFrame) -> pl.DataFrame:
    """Look up rows by what names them: the columns of `keys`, whose rows are distinct."""
    schema = _schema(table)
    columns = ", ".join(_COLUMNS[letter].get(name, f"{letter}.{name}") for name in schema)
    statement = (
        f"SELECT {columns} FROM json_each(:keys) AS asked {_FOUND[letter]}"
        f" JOIN buyers AS b ON b.buyer = {letter}.buyer {_VALUES[table]}"
        f" {CLAIM_NOW if letter == 'c' else ''} WHERE coalesce({letter}.load, 0) <= :version"
    )
    if version == 0 or keys.is_empty():
        return pl.DataFrame(schema=schema)
    keys = keys.sort(keys.columns)  # neighbours in the index are on one page
    pieces = (
        database.all(statement, {"version": version, "keys": json.dumps(piece.rows())})
        for piece in keys.iter_slices(_ASKED_AT_ONCE)
    )
    frames = [_frame(rows, schema) for rows in pieces if rows]
    return pl.concat(frames) if frames else pl.DataFrame(schema=schema)


def _frame(rows: list[tuple[Any, ...]], schema: dict[str, Any]) -> pl.DataFrame:
    columns = zip(*rows, strict=True)
    made = [
        pl.Series(name, column, pl.Int64).cast(pl.Boolean)
        if dtype == pl.Boolean
        else pl.Series(name, column, dtype)
        for (name, dtype), column in zip(schema.items(), columns, strict=True)
    ]
    return pl.DataFrame(made)


def _schema(table: str) -> dict[str, Any]:
    """Give the columns of known rows: people by their ids, values by their pseudonyms."""
    names = {"buyer": ("buyer_id", pl.String), "merchant": ("merchant_id", pl.String)}
    values = {kind.value: (kind.value, pl.Binary) for kind in IdentifierKind}
    return dict((names | values).get(name, (name, dtype)) for name, dtype in SCHEMAS[table].items())
