"""The long tables of a run laid out for keeping: a few batches of rows lead to what is asked for together."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from ringfence.domain.errors import InvalidError
from ringfence.market.results import LEADS, OPTIONAL, SCHEMAS, brought_forward
from ringfence.store.columnar.columns import bytes_of, joined, stream_of

LONG = ("evidence", "links", "buyers", "risks", *LEADS)
"""The tables kept in this way: up to millions of rows, of which people ask for those of a few rings; and
leads, of which a run has so few that they are read as a whole."""
ROWS_A_BATCH = {"evidence": 2_048, "links": 1_024, "buyers": 4_096, "risks": 128}
ROWS_A_BATCH |= dict.fromkeys(LEADS, 4_096)
_READ_ALONE = ("risks",)
"""Those of which mostly one batch is read."""


@dataclass(frozen=True, eq=False)
class Laid:
    """A table laid out for keeping."""

    rows: pl.DataFrame
    """`place` and the table's columns; rows that are asked for together stand together. Batch n has the rows
    from n * ROWS_A_BATCH on."""
    keys: pl.DataFrame
    """key (a ring of evidence, a buyer of links, the first buyer of a batch of scores or risks), batches
    (List): where the rows of a key are; sorted by key, each once. None for leads."""


def complete(tables: Mapping[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    """Give the tables of a run with the columns and types of `SCHEMAS`; raises InvalidError if one lacks."""
    for table in SCHEMAS:
        if table not in tables and table not in OPTIONAL:
            raise InvalidError(f"The run lacks the table {table}.")
    return {
        table: brought_forward(table, frame).select(list(SCHEMAS[table])).cast(pl.Schema(SCHEMAS[table]))
        for table, frame in tables.items()
    }


def lay_out(table: str, tables: Mapping[str, pl.DataFrame]) -> Laid:
    """Lay out one of the LONG tables of a run."""
    if table == "evidence":
        return _lay_out_evidence(tables)
    if table == "links":
        return _lay_out_links(tables)
    if table in LEADS:
        return Laid(
            tables[table].with_row_index("place"),
            pl.DataFrame(schema={"key": pl.String, "batches": pl.List(pl.Int64)}),
        )
    return _lay_out_buyers(table, tables)


def targets(evidence: pl.DataFrame) -> pl.DataFrame:
    """Tell which rings have a joint claim against each merchant: merchant_id, ring_ids (List), sorted."""
    pairs = evidence.select("merchant_id", "ring_id").unique()
    return pairs.group_by("merchant_id").agg(ring_ids=pl.col("ring_id").sort()).sort("merchant_id")


def batches_inside(links: Laid, members: pl.DataFrame) -> pl.DataFrame:
    """Tell where the links between members of one ring are: ring_id, batches (List)."""
    batch = pl.int_range(pl.len()).floordiv(ROWS_A_BATCH["links"]).alias("batch")
    homes = members.select("ring_id", "buyer_id")
    return (
        links.rows.select("buyer_a", "buyer_b", batch)
        .join(homes, left_on="buyer_a", right_on="buyer_id")
        .join(homes, left_on=["buyer_b", "ring_id"], right_on=["buyer_id", "ring_id"])
        .group_by("ring_id")
        .agg(batches=pl.col("batch").unique().sort())
    )


def batch_of(table: str, rows: pl.DataFrame) -> bytes:
    """Give a batch of rows as it is kept."""
    return stream_of(rows) if table in _READ_ALONE else bytes_of(rows)


def rows_of(table: str, batches: Sequence[bytes]) -> pl.DataFrame:
    """Give the rows of batches, `place` beside the table's columns."""
    rows = joined(batches)
    if rows is None:
        return pl.DataFrame(schema={"place": pl.UInt32, **SCHEMAS[table]})
    return brought_forward(table, rows)


def rows_with(rows: pl.DataFrame, column: str, keys: Iterable[str]) -> list[dict[str, Any]]:
    """Give the rows with these keys by column, as asked for, each once, of rows that each have another."""
    # Polars would take longer to plan a query than this takes for a hundred batches.
    wanted = dict.fromkeys(keys)
    places = {key: place for place, key in enumerate(rows[column].to_list()) if key in wanted}
    found = [rows.row(places[key], named=True) for key in wanted if key in places]
    for row in found:
        del row["place"]
    return found


def as_written(table: str, placed: pl.DataFrame) -> pl.DataFrame:
    """Give a table as it was written, row for row, from its rows and their places."""
    return placed.sort("place").drop("place").cast(pl.Schema(SCHEMAS[table]))


def joint_claims(rows: pl.DataFrame, ring_ids: Sequence[str]) -> pl.DataFrame:
    """Choose the joint claims of rings, ring by ring as asked for (each once), by event, then time."""
    asked = pl.DataFrame({"ring_id": ring_ids}, schema={"ring_id": pl.String}).with_row_index("asked")
    return rows.join(asked, on="ring_id").sort("asked", "event", "filed_at", "place")


def links_inside(rows: pl.DataFrame, members: Sequence[tuple[str, str]]) -> pl.DataFrame:
    """Choose ring_id and links between members of one ring, best first; `members` are (ring_id, buyer_id),
    rings in the order asked for."""
    homes = pl.DataFrame(members, schema={"ring_id": pl.String, "buyer_id": pl.String}, orient="row")
    asked = homes.select(pl.col("ring_id").unique(maintain_order=True)).with_row_index("asked")
    return (
        rows.join(homes.join(asked, on="ring_id"), left_on="buyer_a", right_on="buyer_id")
        .join(homes, left_on=["buyer_b", "ring_id"], right_on=["buyer_id", "ring_id"])
        .sort("asked", pl.col("score") * -1, "place")
    )


def links_of(rows: pl.DataFrame, buyer_id: str) -> pl.DataFrame:
    """Choose all links of a buyer, best first."""
    return links_from(rows, (buyer_id,))


def links_from(rows: pl.DataFrame, buyer_ids: Sequence[str]) -> pl.DataFrame:
    """Choose all links of any of these buyers, best first."""
    asked = pl.Series(list(buyer_ids), dtype=pl.String).implode()
    is_theirs = pl.col("buyer_a").is_in(asked) | pl.col("buyer_b").is_in(asked)
    return rows.filter(is_theirs).sort(pl.col("score") * -1, "place")


def _lay_out_evidence(tables: Mapping[str, pl.DataFrame]) -> Laid:
    places = tables["rings"].select("ring_id").with_row_index("ring")
    rows = (
        tables["evidence"]
        .with_row_index("place")
        .join(places, on="ring_id", how="left", maintain_order="left")
    )
    rows = _in_order(rows, "ring")
    return Laid(rows, _keys("evidence", rows["ring_id"]))


def _lay_out_links(tables: Mapping[str, pl.DataFrame]) -> Laid:
    places = tables["rings"].select("ring_id").with_row_index("ring")
    homes = tables["members"].join(places, on="ring_id").group_by("buyer_id").agg(pl.col("ring").min())
    rows = (
        tables["links"]
        .with_row_index("place")
        .join(homes, left_on="buyer_a", right_on="buyer_id", how="left", maintain_order="left")
    )
    rows = _in_order(rows, "ring")
    return Laid(rows, _keys("links", rows["buyer_a"], rows["buyer_b"]))


def _lay_out_buyers(table: str, tables: Mapping[str, pl.DataFrame]) -> Laid:
    """Buyers stand in the order of their ids: a batch is found by the first of them."""
    rows = tables[table].with_row_index("place").sort("buyer_id")
    first = rows.select(pl.col("buyer_id").gather_every(ROWS_A_BATCH[table]).alias("key"))
    return Laid(rows, first.with_columns(batches=pl.concat_list(pl.int_range(pl.len()))))


def _in_order(rows: pl.DataFrame, column: str) -> pl.DataFrame:
    """Sort by a column that is dropped then; what is in order already, as claims are, is not moved."""
    if not rows[column].is_sorted(nulls_last=True):
        rows = rows.sort(column, nulls_last=True, maintain_order=True)
    return rows.drop(column)


def _keys(table: str, *keys: pl.Series) -> pl.DataFrame:
    """Give the batches of each key, from the keys of all rows."""
    batch = pl.int_range(pl.len()).floordiv(ROWS_A_BATCH[table]).alias("batch")
    pairs = pl.concat([key.alias("key").to_frame().with_columns(batch).unique() for key in keys])
    return pairs.group_by("key").agg(batches=pl.col("batch").unique().sort()).sort("key")
