"""Floods of claims around one small ring: the ring is found, and the flood is nobody's ring."""

from collections.abc import Callable

import numpy as np
import polars as pl
import pytest
from detection_scenes import DAYS, MERCHANTS, names, rings_of, scene, strike

import ringfence
from ringfence.detection.parameters import Parameters

RING = names("r", 6)
SHOPS = [20, 45, 70, 95, 120, 33, 58, 83]
ADDRESS = "12 Mill Lane, 60311 Frankfurt"
MICROSECONDS_A_DAY = 86_400_000_000
PARAMETERS = Parameters().without_p_values()


def flood(
    buyer: pl.Series, merchant: pl.Series, day: np.ndarray[tuple[int], np.dtype[np.float64]]
) -> pl.DataFrame:
    """Give claims of the flood, with the columns of `scene`."""
    at = pl.Series(np.round((day + 19_723.0) * MICROSECONDS_A_DAY).astype(np.int64))
    return pl.DataFrame({"buyer_id": buyer, "merchant_id": merchant, "filed_at": at}).with_columns(
        pl.col("filed_at").cast(pl.Datetime("us")).dt.replace_time_zone("UTC"),
        claim_id=pl.int_range(pl.len()).cast(pl.String) + "f",
        amount=pl.lit("19.99"),
        currency=pl.lit("EUR"),
        address=pl.lit(None, pl.String),
        device=pl.lit(None, pl.String),
        payment=pl.lit(None, pl.String),
    )


def named(prefix: str, numbers: np.ndarray[tuple[int], np.dtype[np.int64]]) -> pl.Series:
    return prefix + pl.Series(numbers).cast(pl.String)


def one_buyer_with_a_million_claims(chance: np.random.Generator) -> pl.DataFrame:
    count = 1_000_000
    shops = named("m", chance.integers(0, 3 * MERCHANTS, count))
    return flood(named("robot", np.zeros(count, np.int64)), shops, chance.uniform(0.0, DAYS, count))


def one_merchant_with_half_of_all_claims(chance: np.random.Generator) -> pl.DataFrame:
    count = 300_000
    shop = np.where(np.arange(count) % 2, 999, chance.integers(0, MERCHANTS, count))
    return flood(
        named("b", chance.integers(0, 60_000, count)), named("m", shop), chance.uniform(0.0, DAYS, count)
    )


def an_address_shared_by_a_hundred_thousand(chance: np.random.Generator) -> pl.DataFrame:
    count = 150_000
    buyers = np.concatenate((np.arange(100_000), chance.integers(0, 100_000, count - 100_000)))
    shops = named("m", chance.integers(0, MERCHANTS, count))
    rows = flood(named("b", buyers), shops, chance.uniform(0.0, DAYS, count))
    return rows.with_columns(address=pl.lit("1 Locker Street, 10115 Berlin"))


def fifty_years(chance: np.random.Generator) -> pl.DataFrame:
    count = 100_000
    shops = named("m", chance.integers(0, MERCHANTS, count))
    days = chance.uniform(-49.0 * 365.0, DAYS, count)
    return flood(named("b", chance.integers(0, 20_000, count)), shops, days)


def a_hundred_thousand_in_an_hour_at_fifty_merchants(chance: np.random.Generator) -> pl.DataFrame:
    count = 200_000
    shops = named("m", chance.integers(0, 50, count))
    days = 300.0 + chance.uniform(0.0, 1.0 / 24.0, count)
    return flood(named("b", np.arange(count) % 100_000), shops, days)


@pytest.mark.parametrize(
    "crowd",
    [
        one_merchant_with_half_of_all_claims,
        an_address_shared_by_a_hundred_thousand,
        fifty_years,
        a_hundred_thousand_in_an_hour_at_fifty_merchants,
    ],
)
def test_a_flood_neither_hides_a_ring_nor_becomes_one(
    crowd: Callable[[np.random.Generator], pl.DataFrame],
) -> None:
    rows = scene(strike(RING, SHOPS, shared={"address": ADDRESS}))
    claims = pl.concat([rows, crowd(np.random.default_rng(5)).select(rows.columns)])
    assert rings_of(ringfence.detect(claims, parameters=PARAMETERS)) == [set(RING)]


def test_a_robot_with_a_million_claims_is_no_ring_and_makes_nobody_one() -> None:
    rows = scene(strike(RING, SHOPS, shared={"address": ADDRESS}))
    robot = one_buyer_with_a_million_claims(np.random.default_rng(5))
    claims = pl.concat([rows, robot.select(rows.columns)])
    assert all(ring == set(RING) for ring in rings_of(ringfence.detect(claims, parameters=PARAMETERS)))


def test_where_all_claims_carry_one_second_only_structure_is_left() -> None:
    rows = scene(strike(RING, SHOPS)).with_columns(filed_at=pl.lit(scene([])["filed_at"][0]))
    result = ringfence.detect(rows, parameters=PARAMETERS)
    assert any("Times say nothing" in note for note in result.notes)
    assert set(result.rings["method"]) <= {"structure"}
