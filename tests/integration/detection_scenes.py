"""A quiet marketplace, and what may happen in it: rings and innocent look-alikes, claim by claim."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from types import MappingProxyType
from typing import Any

import numpy as np
import polars as pl

import ringfence
from ringfence.detection.parameters import Parameters

BEGIN = datetime(2024, 1, 1, tzinfo=UTC)
DAYS, BUYERS, MERCHANTS, CLAIMS = 365, 1200, 150, 4000
KINDS = ("address", "device", "payment")
SCHEMA: dict[str, Any] = {
    "claim_id": pl.String,
    "buyer_id": pl.String,
    "merchant_id": pl.String,
    "filed_at": pl.Datetime("us", "UTC"),
    "amount": pl.String,
    "currency": pl.String,
    **dict.fromkeys(KINDS, pl.String),
}
ORDERS: dict[str, Any] = {
    "order_id": pl.String,
    "buyer_id": pl.String,
    "merchant_id": pl.String,
    "ordered_at": pl.Datetime("us", "UTC"),
    "amount": pl.String,
}
Row = dict[str, Any]
NOTHING: Mapping[str, str] = MappingProxyType({})


def claim(buyer: str, merchant: int, day: float, **identifiers: str) -> Row:
    """Let `buyer` claim at shop `merchant` on `day`; what is not told is the buyer's own."""
    at = BEGIN + timedelta(seconds=round(day * 86_400))
    own = {kind: f"{kind} of {buyer}" for kind in KINDS}
    return {
        "buyer_id": buyer,
        "merchant_id": shop(merchant),
        "filed_at": at,
        "amount": "19.99",
        "currency": "EUR",
        **own,
        **identifiers,
    }


def order(buyer: str, merchant: int, day: float) -> Row:
    """Let `buyer` order at shop `merchant` on `day`."""
    at = BEGIN + timedelta(seconds=round(day * 86_400))
    return {"buyer_id": buyer, "merchant_id": shop(merchant), "ordered_at": at, "amount": "19.99"}


def shop(number: int) -> str:
    """Name a shop."""
    return f"m{number:03d}"


def names(prefix: str, count: int) -> list[str]:
    """Name `count` buyers."""
    return [f"{prefix}{i:02d}" for i in range(count)]


def lives(buyers: Sequence[str], claims_each: int, seed: int, days: float = DAYS) -> list[Row]:
    """Let each buyer file ordinary claims, at shops of very different popularity, all over the period."""
    chance = np.random.default_rng(seed)
    popularity = 1.0 / (np.arange(MERCHANTS) + 15.0)
    number = len(buyers) * claims_each
    shops = chance.choice(MERCHANTS, number, p=popularity / popularity.sum())
    moments = chance.uniform(0.0, days, number)
    return [
        claim(buyers[i % len(buyers)], int(merchant), float(day))
        for i, (merchant, day) in enumerate(zip(shops, moments, strict=True))
    ]


def strike(
    members: Sequence[str],
    shops: Sequence[int],
    first_day: float = 40.0,
    every: float = 9.0,
    hours: float = 10.0,
    seed: int = 7,
    shared: Mapping[str, str] = NOTHING,
) -> list[Row]:
    """Let all members claim at one shop after another, each time within `hours` and with what is `shared`."""
    chance = np.random.default_rng(seed)
    return [
        claim(member, merchant, first_day + every * hit + chance.uniform(0.0, hours / 24.0), **shared)
        for hit, merchant in enumerate(shops)
        for member in members
    ]


def orders_behind(rows: Iterable[Row], days_before: float, seed: int = 13) -> list[Row]:
    """Let every claim of `rows` be about an order placed about `days_before` earlier."""
    chance = np.random.default_rng(seed)
    return [
        {
            "buyer_id": row["buyer_id"],
            "merchant_id": row["merchant_id"],
            "ordered_at": row["filed_at"] - timedelta(days=days_before + chance.uniform(0.0, 0.5)),
            "amount": "19.99",
        }
        for row in rows
    ]


@cache
def everyones_orders() -> tuple[Row, ...]:
    """Give the orders behind all claims of the background, and nine times as many that went well."""
    return (*orders_behind(background(), 12.0), *orders_that_went_well(9 * CLAIMS))


def orders_that_went_well(count: int) -> list[Row]:
    """Let buyers of the background order at any shop on any day."""
    chance = np.random.default_rng(6)
    return [
        order(f"b{int(buyer):04d}", int(merchant), float(day))
        for buyer, merchant, day in zip(
            chance.integers(0, BUYERS, count),
            chance.integers(0, MERCHANTS, count),
            chance.uniform(-20.0, DAYS, count),
            strict=True,
        )
    ]


@cache
def background() -> tuple[Row, ...]:
    """Give the claims of buyers who have nothing to do with one another."""
    chance = np.random.default_rng(5)
    rows = lives([f"b{i:04d}" for i in range(BUYERS)], 1, 3)
    rows += lives([f"b{i:04d}" for i in chance.integers(0, BUYERS, CLAIMS - BUYERS)], 1, 4)
    return tuple(rows)


def claims_of(rows: Iterable[Row]) -> pl.DataFrame:
    """Number the claims."""
    numbered = [{"claim_id": f"c{i:05d}", **row} for i, row in enumerate(rows)]
    return pl.DataFrame(numbered, schema=SCHEMA)


def orders_of(rows: Iterable[Row]) -> pl.DataFrame:
    """Number the orders."""
    return pl.DataFrame([{"order_id": f"o{i:06d}", **row} for i, row in enumerate(rows)], schema=ORDERS)


def scene(rows: Iterable[Row]) -> pl.DataFrame:
    """Let `rows` happen in the quiet marketplace."""
    return claims_of([*background(), *rows])


def rings_of(result: ringfence.Result) -> list[set[str]]:
    """Give the members of each ring, best ring first."""
    rings: dict[str, set[str]] = {ring_id: set() for ring_id in result.rings["ring_id"]}
    for ring_id, buyer in result.members.select("ring_id", "buyer_id").iter_rows():
        rings[ring_id].add(buyer)
    return list(rings.values())


def found_in(rows: Iterable[Row]) -> list[set[str]]:
    """Detect in the scene of `rows`, all orders known, and give the members of each ring."""
    rows = list(rows)
    orders = orders_of([*everyones_orders(), *orders_behind(rows, 3.0)])
    return rings_of(ringfence.detect(scene(rows), orders, parameters=Parameters().without_p_values()))
