"""Honest groups who order together and share bad goods are no rings; rings that order decoys are."""

from functools import cache

import polars as pl
import pytest

import ringfence
from ringfence.detection.parameters import Parameters
from ringfence.domain.policy import DetectionPolicy
from ringfence.generator import ExtraLookalike, ExtraPattern, GeneratorOptions, generate_marketplace

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
