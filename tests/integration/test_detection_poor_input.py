"""Little input, odd input, and times that say little: nothing breaks, and nothing is made of nothing."""

from datetime import datetime, timedelta

import numpy as np
import polars as pl
import pytest
from detection_scenes import BEGIN, claim, claims_of, names, orders_of, rings_of, scene, strike
from hypothesis import given, settings
from hypothesis import strategies as st

import ringfence

RING = names("r", 6)
SHOPS = [20, 45, 70, 95, 120, 33]
SHARED = {"address": "1 Mill Lane, 60311", "device": "one", "payment": "one"}


def check(result: ringfence.Result, claims: pl.DataFrame) -> None:
    """Check what holds for every result."""
    assert sorted(result.buyers["buyer_id"]) == sorted(set(claims["buyer_id"]))
    assert result.buyers["score"].is_sorted(descending=True)
    for frame in (result.rings, result.members, result.buyers, result.links):
        assert np.isfinite(frame["score"].to_numpy()).all()
    assert result.buyers["score"].is_between(0.0, 1.0).all()
    assert result.members["buyer_id"].is_unique().all()
    assert (result.rings["size"] >= 2).all()
    assert (result.rings["merchants"] >= 2).all()
    assert result.members["ring_id"].unique().sort().equals(result.rings["ring_id"].sort())
    assert set(result.evidence["claim_id"]) <= set(claims["claim_id"])
    assert np.isfinite(result.evidence["expected"].to_numpy()).all()


def found(claims: pl.DataFrame) -> ringfence.Result:
    result = ringfence.detect(claims)
    check(result, claims)
    return result


@pytest.mark.parametrize(
    "rows",
    [
        pytest.param([claim("a", 1, 3.0)], id="one claim"),
        pytest.param([claim("a", 1, 3.0, **SHARED), claim("b", 1, 3.0, **SHARED)], id="two claims"),
        pytest.param([claim("a", m, float(m)) for m in range(40)], id="one buyer"),
        pytest.param([claim(b, 1, 3.0, **SHARED) for b in names("b", 40)], id="one merchant"),
        pytest.param([claim(b, m, 3.0) for b in names("b", 9) for m in range(9)], id="one moment"),
    ],
)
def test_there_are_no_rings_in_next_to_nothing(rows: list[dict[str, object]]) -> None:
    result = found(claims_of(rows))
    assert result.rings.is_empty()
    assert result.links.is_empty()


@settings(deadline=None, max_examples=40)
@given(
    st.lists(
        st.fixed_dictionaries(
            {
                "buyer_id": st.sampled_from("abcdefg"),
                "merchant_id": st.sampled_from(["m1", "m2", "m3"]),
                "filed_at": st.sampled_from([0, 1, 59, 3600, 86_400, 90_000, 864_000, 8_640_000]).map(
                    lambda seconds: BEGIN + timedelta(seconds=seconds)
                ),
                "amount": st.sampled_from(["0", "1.00", "99999999999.99"]),
                "currency": st.sampled_from(["EUR", "USD"]),
                "address": st.sampled_from([None, "1 a 2", "1 A, 2", "3 b 4"]),
                "device": st.sampled_from([None, "d"]),
            }
        ),
        min_size=1,
        max_size=40,
    )
)
def test_any_handful_of_claims_gives_a_sound_result(rows: list[dict[str, object]]) -> None:
    claims = claims_of(rows)
    result = found(claims)
    assert ringfence.detect(claims.reverse()).rings.equals(result.rings)


def test_a_marketplace_without_identifiers_or_orders_says_so() -> None:
    claims = scene(strike(RING, SHOPS)).drop("address", "device", "payment")
    result = found(claims)
    assert rings_of(result) == [set(RING)]
    assert any("No identifiers are known" in note for note in result.notes)
    assert any("No orders are known" in note for note in result.notes)
    assert "they share no identifier" in result.rings["why"][0]


def test_orders_without_a_row_are_no_orders() -> None:
    claims = scene(strike(RING, SHOPS))
    assert ringfence.detect(claims, orders_of([])).rings.equals(ringfence.detect(claims).rings)


@pytest.mark.parametrize(("unit", "note"), [("1d", "whole days"), ("1h", "whole hours")])
def test_a_ring_is_found_in_whole_days_and_hours_and_a_note_says_what_they_hide(unit: str, note: str) -> None:
    claims = scene(strike(RING, SHOPS, shared=SHARED)).with_columns(pl.col("filed_at").dt.truncate(unit))
    result = found(claims)
    assert rings_of(result) == [set(RING)]
    assert any(note in each for each in result.notes)


def test_whole_days_without_rings_accuse_nobody() -> None:
    assert found(scene([]).with_columns(pl.col("filed_at").dt.truncate("1d"))).rings.is_empty()


@pytest.mark.parametrize("moment", [datetime(2024, 5, 1), datetime(2024, 5, 1, 12, 34, 56)])
def test_constant_times_are_told_of_and_accuse_none_but_the_ring(moment: datetime) -> None:
    claims = scene(strike(RING, SHOPS, shared=SHARED)).with_columns(
        filed_at=pl.lit(moment, pl.Datetime("us", "UTC"))
    )
    result = found(claims)
    assert any("Times say nothing" in note for note in result.notes)
    assert set(result.members["buyer_id"]) <= set(RING)
