"""What a load brought, put together again from a store's rows and columns."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ringfence.domain.identifiers import IdentifierKind
from ringfence.market import Ints, Sketches
from ringfence.market.canonical import named, order_of_values
from ringfence.market.rows import nullable
from ringfence.market.tables import SCHEMAS, IdentifierValues, MarketTables
from ringfence.store.columnar.arrays import ReadColumns

ROWS: Mapping[str, dict[str, Any]] = {
    table: {name: dtype for name, dtype in schema.items() if (table, name) != ("uses", "kind")}
    for table, schema in SCHEMAS.items()
}
"""What a store must tell of each table: its columns, people and values by the store's numbers."""
_ORDER = {
    "claims": ("filed_at", "claim_id"),
    "changes": ("claim_id",),
    "orders": ("ordered_at", "order_id"),
    "reports": ("reported_at", "report_id", "merchant"),
    "merchants": ("merchant",),
    "buyers": ("buyer",),
    "rates": ("currency", "date"),
}


def put_together(
    known: ReadColumns, brought: ReadColumns, rows: Callable[[str], pl.DataFrame]
) -> MarketTables:
    """Put tables together.

    `known` reads the columns kept of all loads up to this one, `brought` those of this one alone, `rows` the
    load's own rows, by table, with the columns `ROWS`, in any order.
    """
    frames = {table: rows(table) for table in ROWS}
    people = {}
    for subject, column in (("buyers", "buyer"), ("merchants", "merchant")):
        tables = [table for table, schema in ROWS.items() if column in schema]
        ids, place = _people(subject, known, brought, [frames[table][column] for table in tables])
        people[column] = ids
        for table in tables:
            numbers = frames[table][column].to_numpy()
            frames[table] = frames[table].with_columns(pl.Series(column, place[numbers]))
    uses, values = frames["uses"], []
    kind_of = np.full(_size([uses["value"]]), -1, np.int8)
    moved = np.full(len(uses), -1, np.int32)
    for number, kind in enumerate(IdentifierKind):
        told = known(f"values {kind.value}")
        if told is None:
            continue
        numbers = told["value"].to_numpy()
        kind_of[numbers[numbers < len(kind_of)]] = number
        is_kind = kind_of[uses["value"].to_numpy()] == number
        holding = [table for table in ("claims", "orders") if kind.value in ROWS[table]]
        used = [uses["value"].filter(pl.Series(is_kind)), *(frames[table][kind.value] for table in holding)]
        made, place = _values(kind, told, brought, used)
        if made is not None:
            values.append(made)
        moved[is_kind] = place[uses["value"].to_numpy()[is_kind]]
        for table in holding:
            numbers = frames[table][kind.value].fill_null(-1).to_numpy()
            frames[table] = frames[table].with_columns(nullable(kind.value, place[numbers]))
    names = pl.Series([kind.value for kind in IdentifierKind])
    frames["uses"] = uses.with_columns(
        names.gather(kind_of[uses["value"].to_numpy()]).alias("kind"), pl.Series("value", moved)
    )
    ordered = {
        table: frame.select(list(SCHEMAS[table])).sort(_ORDER[table])
        for table, frame in frames.items()
        if table != "uses"
    }
    kinds = {kind.value: place for place, kind in enumerate(IdentifierKind)}
    ordered["uses"] = (
        frames["uses"]
        .select(list(SCHEMAS["uses"]))
        .sort(pl.col("kind").replace_strict(kinds, return_dtype=pl.Int8), "buyer", "value")
    )
    return MarketTables(people["buyer"], people["merchant"], tuple(values), **ordered)


def _people(
    subject: str, known: ReadColumns, brought: ReadColumns, used: list[pl.Series]
) -> tuple[pl.Series, Ints]:
    """Give the ids of those `used` (numbers) or new, and the place of each by its number."""
    told = known(subject)
    if told is None:
        return pl.Series([], dtype=pl.String), np.zeros(1, np.int32)
    numbers = told.to_series(0).to_numpy()
    position = np.full(int(numbers.max(initial=0)) + 1, -1, np.int32)
    position[numbers] = np.arange(len(numbers), dtype=np.int32)
    first = brought(subject)
    asked = [*used, *([first.to_series(0)] if first is not None else [])]
    ids, place = named(told.to_series(1), [position[each.to_numpy()] for each in asked])
    return ids, place[position]


def _values(
    kind: IdentifierKind, told: pl.DataFrame, brought: ReadColumns, used: list[pl.Series]
) -> tuple[IdentifierValues | None, Ints]:
    """Give the values of a kind that are `used` (numbers) or new, and places by number, -1 at the end."""
    first = brought(f"values {kind.value}")
    numbers = told["value"].to_numpy()
    is_used = np.zeros(_size([told["value"], *used]), np.bool_)
    for each in [*used, *([first["value"]] if first is not None else [])]:
        is_used[each.drop_nulls().to_numpy()] = True
    kept = told.filter(pl.Series(is_used[numbers]))
    place = np.full(len(is_used) + 1, -1, np.int32)
    if kept.is_empty():
        return None, place
    exact = np.ascontiguousarray(kept["exact"].to_numpy())
    order = order_of_values(exact)
    place[kept["value"].to_numpy()[order]] = np.arange(len(order), dtype=np.int32)
    return IdentifierValues(kind, exact[order], _sketches(kind, brought, place)), place


def _sketches(kind: IdentifierKind, brought: ReadColumns, place: Ints) -> Sketches | None:
    """Give the sketches of a load's new values, by block and value."""
    rows, told = brought(f"sketches {kind.value}"), brought(f"bigrams {kind.value}")
    if rows is None:
        return None
    bigrams: NDArray[np.uint32] = told["bigram"].to_numpy() if told is not None else np.empty(0, np.uint32)
    block, value = rows["block"].to_numpy(), place[rows["value"].to_numpy()]
    order = np.lexsort((value, block))
    sizes = rows["size"].to_numpy().astype(np.int64)
    begin = np.cumsum(sizes) - sizes
    start = np.zeros(len(order) + 1, np.int64)
    np.cumsum(sizes[order], out=start[1:])
    at = np.repeat(begin[order] - start[:-1], sizes[order]) + np.arange(start[-1])
    return Sketches(block[order], value[order], rows["variant"].to_numpy()[order], start, bigrams[at])


def _size(numbers: list[pl.Series]) -> int:
    """Give one more than the largest of numbers."""
    largest = [each.max() for each in numbers]
    return 1 + max((int(each) for each in largest if isinstance(each, int)), default=0)
