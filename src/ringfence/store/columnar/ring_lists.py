"""Lists of the rings of a run, made from its table of rings."""

from collections.abc import Collection

import polars as pl
from polars import selectors

from ringfence.domain.pages import Key
from ringfence.domain.rings import RingOrder, RingQuery, priority


def list_rings(rings: pl.DataFrame, query: RingQuery, among: Collection[str] | None) -> pl.DataFrame:
    """Choose the rings a query asks for, of those `among` if given (who has the member, the target), and give
    ring_id and what they are listed by (`value`), greatest first, ties by ring id."""
    conditions = []
    if query.min_score is not None:
        conditions.append(pl.col("score") >= query.min_score)
    if query.network_id is not None:
        conditions.append(pl.col("network_id") == query.network_id)
    if query.since is not None:
        conditions.append(pl.col("last_claim_at") >= query.since)
    for wanted in (query.only, among):
        if wanted is not None:
            conditions.append(_is_one_of(wanted))
    if query.without:
        conditions.append(~_is_one_of(query.without))
    chosen = rings.with_columns(selectors.temporal().cast(pl.Int64))
    for condition in conditions:
        chosen = chosen.filter(condition)
    return chosen.select("ring_id", value=_value(chosen, query.order)).sort(
        "value", "ring_id", descending=[True, False]
    )


def cut_after(listed: pl.DataFrame, after: Key | None) -> pl.DataFrame:
    """Leave out what stands before a key, and its own ring."""
    if after is None:
        return listed
    is_tied = (pl.col("value") == after.value) & (pl.col("ring_id") > after.id)
    return listed.filter((pl.col("value") < after.value) | is_tied)


def _value(rings: pl.DataFrame, order: RingOrder) -> pl.Series:
    if order is not RingOrder.PRIORITY:
        return rings[order.value].cast(pl.Float64)
    told = rings.select("score", "amount", "merchants").iter_rows()
    return pl.Series([priority(*ring) for ring in told], dtype=pl.Float64)


def _is_one_of(ring_ids: Collection[str]) -> pl.Expr:
    return pl.col("ring_id").is_in(pl.Series(list(ring_ids), dtype=pl.String).implode())
