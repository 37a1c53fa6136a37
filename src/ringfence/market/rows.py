"""Rows of a marketplace put together: whom and what they name numbered, and who used what."""

from collections.abc import Mapping

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ringfence.domain.identifiers import IdentifierKind
from ringfence.market.canonical import named
from ringfence.market.market import Ints, Sketches
from ringfence.market.tables import SCHEMAS, IdentifierValues, MarketTables

_NAMES_BUYERS = ("claims", "orders", "identified", "reports", "buyers")
_NAMES_MERCHANTS = ("claims", "orders", "reports", "merchants")


def tables_of_rows(
    buyer_ids: pl.Series,
    merchant_ids: pl.Series,
    values: tuple[IdentifierValues, ...],
    rows: Mapping[str, pl.DataFrame],
) -> tuple[MarketTables, pl.DataFrame]:
    """Make tables of rows, leaving out whom and what no row names; give them and the renumbered `identified`.

    `buyer_ids` and `merchant_ids` are distinct, in any order; `rows` are the frames of `MarketTables` but for
    `uses`, which are made here, and `identified`: uses as told by themselves, `value` null where it says
    nothing. Rows keep their order.
    """
    frames = dict(rows)
    for column, names in (("buyer", _NAMES_BUYERS), ("merchant", _NAMES_MERCHANTS)):
        texts = buyer_ids if column == "buyer" else merchant_ids
        texts, place = named(texts, [frames[name][column].to_numpy() for name in names])
        for name in names:
            frames[name] = frames[name].with_columns(
                pl.Series(column, place[frames[name][column].to_numpy()])
            )
        if column == "buyer":
            buyer_ids = texts
        else:
            merchant_ids = texts
    uses = uses_of(frames["claims"], frames["orders"], frames["identified"])
    kept: list[IdentifierValues] = []
    for each in values:
        kind = each.kind.value
        used = np.zeros(len(each.exact), np.bool_)
        used[uses.filter(pl.col("kind") == kind)["value"].to_numpy()] = True
        if used.all():
            kept.append(each)
            continue
        place = _places(used)
        if used.any():
            sketches = each.sketches
            if sketches is not None:
                sketches = _sketches_of(sketches, used, place)
            kept.append(IdentifierValues(each.kind, each.exact[used], sketches))
        for name, column in (("claims", kind), ("orders", kind), ("identified", "value")):
            if column in frames[name].columns:
                is_kind = pl.col("kind") == kind if name == "identified" else pl.lit(value=True)
                moved = renumbered(frames[name][column], place)
                frames[name] = frames[name].with_columns(
                    pl.when(is_kind).then(moved).otherwise(pl.col(column)).alias(column)
                )
        moved = renumbered(uses["value"], place)
        uses = uses.with_columns(
            pl.when(pl.col("kind") == kind).then(moved).otherwise(pl.col("value")).alias("value")
        )
    identified = frames.pop("identified")
    return MarketTables(buyer_ids, merchant_ids, tuple(kept), uses=uses, **frames), identified


def uses_of(claims: pl.DataFrame, orders: pl.DataFrame, identified: pl.DataFrame) -> pl.DataFrame:
    """Give who used which value and when it was first and last seen, by kind, buyer and value."""
    found = []
    for kind in IdentifierKind:
        said = [_uses_in(claims, kind, "filed_at"), _uses_in(orders, kind, "ordered_at")]
        told = identified.filter(pl.col("kind") == kind.value).drop("kind").drop_nulls("value")
        pairs = pl.concat([*(each for each in said if each is not None), told])
        if len(pairs):
            found.append(
                pairs.group_by("buyer", "value")
                .agg(pl.col("first_at").min(), pl.col("last_at").max())
                .sort("buyer", "value")
                .insert_column(0, pl.lit(kind.value).alias("kind"))
            )
    return pl.concat(found) if found else pl.DataFrame(schema=SCHEMAS["uses"])


def renumbered(column: pl.Series, place: Ints) -> pl.Series:
    """Replace positions by `place` of them; null where they are null or go nowhere (-1), and beyond it."""
    numbers = column.fill_null(-1).to_numpy()
    moved = np.full(len(numbers), -1, np.int32)
    is_known = (numbers >= 0) & (numbers < len(place))
    moved[is_known] = place[numbers[is_known]]
    return nullable(column.name, moved)


def nullable(name: str, numbers: Ints) -> pl.Series:
    """Give int32 numbers as a column that is null where they are -1."""
    column = pl.Series(name, numbers)
    return column.set(column < 0, None) if (numbers < 0).any() else column


def _uses_in(rows: pl.DataFrame, kind: IdentifierKind, at: str) -> pl.DataFrame | None:
    if kind.value not in rows.columns:
        return None
    return (
        rows.select("buyer", kind.value, at)
        .drop_nulls(kind.value)
        .select("buyer", pl.col(kind.value).alias("value"), first_at=at, last_at=at)
    )


def _places(is_used: NDArray[np.bool_]) -> Ints:
    return np.where(is_used, np.cumsum(is_used) - 1, -1).astype(np.int32)


def _sketches_of(sketches: Sketches, is_used: NDArray[np.bool_], place: Ints) -> Sketches:
    """Keep the sketches of some values, renumbered."""
    is_kept = is_used[sketches.value]
    sizes = np.diff(sketches.start)
    start = np.zeros(int(is_kept.sum()) + 1, np.int64)
    np.cumsum(sizes[is_kept], out=start[1:])
    return Sketches(
        block=sketches.block[is_kept],
        value=place[sketches.value[is_kept]],
        variant=sketches.variant[is_kept],
        start=start,
        bigrams=sketches.bigrams[np.repeat(is_kept, sizes)],
    )
