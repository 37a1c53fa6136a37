"""Rows of a load as neo4j-admin imports them: nodes with ids of their group, relationships between ids."""

from collections.abc import Iterator
from dataclasses import dataclass

import polars as pl

from ringfence.store.columnar.batches import Batch, pseudonyms

_TYPES: dict[type[pl.DataType], str] = {pl.String: "string", pl.Boolean: "boolean"}
"""Whatever else there is, is an integer."""


@dataclass(frozen=True, eq=False)
class Piece:
    """Some rows of one file."""

    file: str
    """Without its suffix; it has the same columns in all pieces."""
    kind: str
    """nodes or relationships."""
    labels: str
    """Label and label, or the relationship's type."""
    rows: pl.DataFrame
    """Its columns' names are those of the import, such as amount:long."""


def pieces_of(batch: Batch, claims: pl.DataFrame, normaliser: int, size: int) -> Iterator[Piece]:
    """Tell a batch of the first load as nodes and relationships.

    `claims` are all claims by claim_id and number; batches have up to `size` rows.
    """
    if batch.rows is None:
        return
    rows = batch.rows.with_columns(load=pl.lit(1, pl.Int64))
    row = rows.with_row_index("row", offset=batch.number * size)
    match batch.subject:
        case "buyers":
            yield nodes("buyers", "Buyer", rows, "buyer", is_kept=True)
        case "merchants":
            yield nodes("merchants", "Merchant", rows, "merchant", is_kept=True)
        case "identifiers":
            kind = rows["kind"][0]
            exact = pl.Series("exact", [value.hex() for value in pseudonyms(rows["exact"].to_numpy())])
            told = rows.drop("kind").with_columns(exact, normaliser=pl.lit(normaliser, pl.Int64))
            yield nodes(kind, f"Identifier:{kind.capitalize()}", told, "value", is_kept=True)
        case "uses":
            yield _relationships("uses", "USES", rows, "buyer", "value")
        case "claims":
            yield nodes("claims", "Claim", rows.drop("buyer", "merchant", "address"), "claim")
            yield _relationships("filed", "FILED", rows.select("buyer", "claim"), "buyer", "claim")
            yield _relationships("against", "AGAINST", rows.select("claim", "merchant"), "claim", "merchant")
            sent = rows.select("claim", value="address").drop_nulls()
            yield _relationships("shipped_to", "SHIPPED_TO", sent, "claim", "value")
        case "orders":
            yield _relationships("ordered", "ORDERED", rows.drop("order"), "buyer", "merchant")
        case "changes":
            changes = row.rename({"row": "change"}).join(claims, on="claim_id", maintain_order="left")
            yield nodes("changes", "Change", changes.drop("claim", "claim_id"), "change")
            ends = changes.select("claim", "change")
            yield _relationships("changed_by", "CHANGED_BY", ends, "claim", "change")
        case "reports":
            yield nodes("reports", "Report", rows.drop("buyer"), "report")
            filed = rows.select("merchant", "report")
            yield _relationships("filed_report", "FILED_REPORT", filed, "merchant", "report")
            yield _relationships("accuses", "ACCUSES", rows.select("report", "buyer"), "report", "buyer")
            about = rows.select("report", "claim_id").join(claims, on="claim_id").select("report", "claim")
            yield _relationships("about", "ABOUT", about, "report", "claim")
        case "buyer_details" | "merchant_details":
            whom = batch.subject.removesuffix("_details")
            told = row.rename({"row": f"{whom}_description"})
            file = f"{whom}_descriptions"
            yield nodes(file, "Description", told.drop(whom), f"{whom}_description")
            ends = told.select(whom, f"{whom}_description")
            yield _relationships(f"{whom}s_described_by", "DESCRIBED_BY", ends, whom, f"{whom}_description")
        case "rates":
            yield nodes("rates", "Rate", row, "row")


def nodes(file: str, labels: str, rows: pl.DataFrame, id: str, *, is_kept: bool = False) -> Piece:
    """Tell rows as nodes; `id` is the column of their numbers, which is a property too if it `is_kept`."""
    properties = rows if is_kept else rows.drop(id)
    told = rows.select(pl.col(id).alias(f":ID({_group(id, file)})")).hstack(_typed(properties))
    return Piece(file, "nodes", labels, told)


def _relationships(file: str, kind: str, rows: pl.DataFrame, start: str, end: str) -> Piece:
    """Tell rows as relationships between the nodes whose numbers are in two columns."""
    ends = rows.select(
        pl.col(start).alias(f":START_ID({_group(start, file)})"),
        pl.col(end).alias(f":END_ID({_group(end, file)})"),
    )
    return Piece(file, "relationships", kind, ends.hstack(_typed(rows.drop(start, end))))


def _typed(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.rename(
        {name: f"{name}:{_TYPES.get(type(dtype), 'long')}" for name, dtype in rows.schema.items()}
    )


def _group(id: str, file: str) -> str:
    """Name the ids a column is of: those of its own file where it only counts rows."""
    return file if id in ("id", "row", "number") else id
