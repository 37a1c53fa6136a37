"""Honest groups who order together and share bad goods are no rings; rings that order decoys are."""

import math
from collections.abc import Callable
from functools import cache, partial

import numpy as np
import polars as pl
import pytest
from detection_scenes import (
    CLAIMS,
    MERCHANTS,
    Row,
    background,
    claim,
    everyones_orders,
    names,
    order,
    orders_behind,
    orders_of,
    orders_that_went_well,
    rings_of,
    scene,
    strike,
)

import ringfence
from ringfence.detection.parameters import Parameters
from ringfence.domain.policy import DetectionPolicy
from ringfence.generator import ExtraLookalike, ExtraPattern, GeneratorOptions, generate_marketplace

PARAMETERS = Parameters().without_p_values()
CLUBS = (ExtraLookalike.DEAL_CLUB_40, ExtraLookalike.JOINT_PARCELS)


@cache
def detected(
    seed: int, extra: tuple[str, ...], honest_fault_rate: float
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Give the buyers of the extras, with the ring each is in, and the leads, at twenty orders a claim."""
    options = GeneratorOptions(buyers=1500, seed=seed, stealth=0.4, orders_per_claim=20, extras=extra)
    market = generate_marketplace(options)
    policy = DetectionPolicy(honest_fault_rate=honest_fault_rate)
    parameters = Parameters().with_policy(policy).without_p_values()
    result = ringfence.detect(market.claims, market.orders, parameters=parameters)
    cast = market.truth.filter(pl.col("lookalike").is_in(extra) | pl.col("pattern").is_in(extra))
    members = result.members.select("buyer_id", found_in="ring_id").unique("buyer_id")
    return cast.select("buyer_id").join(members, on="buyer_id", how="left"), result.leads


@pytest.mark.parametrize("seed", [2, 8])
def test_clubs_and_households_with_bad_goods_are_leads_that_say_so(seed: int) -> None:
    cast, leads = detected(seed, CLUBS, 0.5)
    assert cast.height > 15
    assert cast["found_in"].null_count() == cast.height
    assert leads["why_not"].str.contains(r"of what a (club|household) orders together may be bad").any()


@pytest.mark.parametrize("seed", [2, 8])
def test_where_hardly_any_goods_may_be_bad_the_same_clubs_are_rings(seed: int) -> None:
    cast, _ = detected(seed, CLUBS, 0.01)
    assert cast["found_in"].null_count() < cast.height


@pytest.mark.parametrize("extra", [ExtraPattern.DECOY_ORDERS_3, ExtraPattern.DECOY_ORDERS_10])
def test_rings_whose_decoys_make_them_look_like_a_club_are_found_all_the_same(extra: str) -> None:
    cast, _ = detected(3, (extra,), 0.5)
    assert cast.height >= 10
    assert cast["found_in"].null_count() <= 0.2 * cast.height


@pytest.mark.parametrize("seed", [4, 10])
def test_rings_that_claim_for_half_of_what_they_order_in_step_are_found(seed: int) -> None:
    options = GeneratorOptions(buyers=4000, seed=seed, extras=(ExtraPattern.PARTIAL_CLAIMS,))
    market = generate_marketplace(options)
    result = ringfence.detect(market.claims, market.orders, parameters=PARAMETERS)
    cast = market.truth.filter(pl.col("pattern") == ExtraPattern.PARTIAL_CLAIMS)
    found = cast.join(result.members, on="buyer_id", how="semi")
    assert cast.height > 20
    assert found.height >= 0.85 * cast.height


@pytest.mark.parametrize(("size", "hits"), [(6, 5), (8, 5)])
def test_strangers_who_claim_slowly_but_for_all_they_ordered_together_are_a_ring(
    size: int, hits: int
) -> None:
    """Half of all orders are claimed for here, so that claiming for each joint order is not rare alone."""
    members = names("r", size)
    claims = strike(members, range(20, 20 + hits), every=25.0, hours=72.0, seed=3)
    orders = [
        *orders_behind(background(), 12.0),
        *orders_that_went_well(CLAIMS),
        *(
            order(member, 20 + hit, 34.0 + 25.0 * hit + 0.05 * place / size)
            for hit in range(hits)
            for place, member in enumerate(members)
        ),
    ]
    found = rings_of(ringfence.detect(scene(claims), orders_of(orders), parameters=PARAMETERS))
    assert found == [set(members)]


def club(name: str, seed: int, bad: int, drops: int = 20, size: int = 12) -> tuple[list[Row], list[Row]]:
    """Let a club order drops within hours of each other; who got a bad one files on one of four evenings."""
    chance = np.random.default_rng(seed)
    claims, orders = list[Row](), list[Row]()
    days = np.sort(chance.uniform(10.0, 320.0, drops))
    is_bad = chance.permutation(drops) < bad
    for drop, merchant in enumerate(chance.permutation(MERCHANTS)[:drops]):
        news = math.floor(days[drop] + chance.uniform(5.0, 20.0))
        for member in names(name, size):
            if chance.random() < 0.9:
                orders.append(order(member, int(merchant), days[drop] + chance.uniform(0.0, 0.1)))
                evening = news + chance.integers(0, 4) + chance.uniform(18.0, 22.0) / 24.0
                if is_bad[drop]:
                    claims.append(claim(member, int(merchant), evening))
    return claims, orders


def household(name: str, seed: int, lost: int = 10, hours: float = 48.0) -> tuple[list[Row], list[Row]]:
    """Let five people at one door order thirty parcels together; each claims for a part of a lost one."""
    parcels = 30
    chance = np.random.default_rng(seed)
    claims, orders = list[Row](), list[Row]()
    days = np.sort(chance.uniform(10.0, 340.0, parcels))
    is_lost = chance.permutation(parcels) < lost
    for parcel, merchant in enumerate(chance.permutation(MERCHANTS)[:parcels]):
        for member in names(name, 5):
            orders.append(order(member, int(merchant), days[parcel] + chance.uniform(0.0, 0.1)))
            if is_lost[parcel]:
                day = math.floor(days[parcel]) + 10.75 + chance.uniform(0.0, hours / 24.0)
                claims.append(claim(member, int(merchant), day, address=f"home of {name}"))
    return claims, orders


def village(name: str, seed: int, vans: int = 2, size: int = 30) -> tuple[list[Row], list[Row]]:
    """Let neighbours wait for parcels of six shops; when a van is lost each claims within three days."""
    chance = np.random.default_rng(seed)
    claims, orders = list[Row](), list[Row]()
    for van in range(vans):
        day = 60.0 + 120.0 * van
        for neighbour in names(name, size):
            merchant = int(chance.choice(6))
            orders.append(order(neighbour, merchant, day + chance.uniform(0.0, 1.5)))
            claims.append(claim(neighbour, merchant, day + 6.0 + chance.uniform(0.0, 3.0)))
    return claims, orders


@pytest.mark.parametrize(
    "group",
    [
        partial(club, bad=6),
        partial(club, bad=8, size=6),
        household,
        partial(household, lost=8, hours=3.0),
        village,
    ],
)
def test_honest_groups_that_file_on_the_same_evenings_are_hardly_ever_rings(
    group: Callable[[str, int], tuple[list[Row], list[Row]]],
) -> None:
    """One of them on another seed may be: nothing in their data is unlike a ring with decoys then."""
    made = [group(f"h{seed}x", seed) for seed in range(5)]
    claims = [row for rows, _ in made for row in rows]
    orders = [*everyones_orders(), *(row for _, rows in made for row in rows)]
    found = rings_of(ringfence.detect(scene(claims), orders_of(orders), parameters=PARAMETERS))
    assert len(found) <= 1
