"""The market's arrays out of the columns that a store keeps."""

from collections.abc import Callable

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ringfence.domain.identifiers import IdentifierKind
from ringfence.market import Claims, Identifiers, Ints, Market, Orders, Sketches
from ringfence.market.canonical import (
    claims_in_order,
    distinct_uses,
    named,
    order_of_values,
    orders_in_order,
    shared_sketches,
)

ReadColumns = Callable[[str], pl.DataFrame | None]
"""Gives all columns kept under a name (see `batches`) in the order they were written; None without any."""
_NO_PEOPLE = pl.DataFrame(schema={"number": pl.Int32, "id": pl.String})


def read_arrays(read: ReadColumns) -> Market:
    """Put a market together."""
    claims = read("claims")
    orders = read("orders")
    buyer_ids, buyer = places_of(people_of(read, "buyers"), None)
    traded = [rows["merchant"].to_numpy() for rows in (claims, orders) if rows is not None]
    merchant_ids, merchant = places_of(people_of(read, "merchants"), traded)
    made, currencies = _claims(claims, buyer, merchant)
    return Market(
        buyer_ids=buyer_ids,
        merchant_ids=merchant_ids,
        currencies=currencies,
        claims=made,
        orders=_orders(orders, buyer, merchant) if orders is not None else None,
        identifiers=_identifiers(read, buyer),
    )


def people_of(read: ReadColumns, name: str) -> pl.DataFrame:
    """Give the numbers and ids of buyers or merchants: number, id."""
    people = read(name)
    if people is None:
        return _NO_PEOPLE
    people.columns = _NO_PEOPLE.columns
    return people


def places_of(people: pl.DataFrame, used: list[Ints] | None) -> tuple[pl.Series, Ints]:
    """Give the ids in use (all if `used`, numbers, is None) sorted, and the place of each by its number."""
    numbers = people["number"].to_numpy()
    position = np.full(int(numbers.max(initial=0)) + 1, -1, np.int32)
    position[numbers] = np.arange(len(numbers), dtype=np.int32)
    wanted = [position[numbers]] if used is None else [position[each] for each in used]
    ids, place = named(people["id"], wanted)
    return ids, np.append(place, np.int32(-1))[position]


def _claims(rows: pl.DataFrame | None, buyer: Ints, merchant: Ints) -> tuple[Claims, tuple[str, ...]]:
    if rows is None:
        nobody, nothing = np.empty(0, np.int32), np.empty(0, np.int64)
        none = pl.Series("claim_id", [], pl.String)
        return Claims(none, nobody, nobody, nothing, nothing, np.empty(0, np.int16)), ()
    codes = rows["currency"].unique().sort()
    currency = rows["currency"].replace_strict(codes, range(len(codes)), return_dtype=pl.Int16)
    return claims_in_order(
        rows["claim_id"],
        buyer[rows["buyer"].to_numpy()],
        merchant[rows["merchant"].to_numpy()],
        rows["filed_at"].to_numpy(),
        rows["amount"].to_numpy(),
        currency.to_numpy(),
        codes.to_list(),
    )


def _orders(rows: pl.DataFrame, buyer: Ints, merchant: Ints) -> Orders:
    return orders_in_order(
        buyer[rows["buyer"].to_numpy()],
        merchant[rows["merchant"].to_numpy()],
        rows["ordered_at"].to_numpy(),
    )


def _identifiers(read: ReadColumns, buyer: Ints) -> tuple[Identifiers, ...]:
    uses = read("uses")
    if uses is None:
        return ()
    who, what = buyer[uses["buyer"].to_numpy()], uses["value"].to_numpy()
    found = []
    for kind in IdentifierKind:
        values = read(f"values {kind.value}")
        if values is None:
            continue
        numbers, exact = values["value"].to_numpy(), values["exact"].to_numpy()
        order = order_of_values(np.ascontiguousarray(exact))
        place = np.full(int(max(what.max(), numbers.max())) + 1, -1, np.int32)
        place[numbers[order]] = np.arange(len(order), dtype=np.int32)
        value = place[what]
        is_kind = value >= 0
        buyers, used = distinct_uses(who[is_kind], value[is_kind])
        sketches = _sketches(read, kind, place)
        found.append(Identifiers(kind, buyers, used, exact[order], sketches))
    return tuple(found)


def _sketches(read: ReadColumns, kind: IdentifierKind, place: Ints) -> Sketches | None:
    rows = read(f"sketches {kind.value}")
    if rows is None:
        return None
    bigrams = read(f"bigrams {kind.value}")
    start = np.zeros(len(rows) + 1, np.int64)
    np.cumsum(rows["size"].to_numpy(), out=start[1:])
    pieces: NDArray[np.uint32] = (
        bigrams["bigram"].to_numpy() if bigrams is not None else np.empty(0, np.uint32)
    )
    return shared_sketches(
        Sketches(
            block=rows["block"].to_numpy(),
            value=place[rows["value"].to_numpy()],
            variant=rows["variant"].to_numpy(),
            start=start,
            bigrams=pieces,
        )
    )
