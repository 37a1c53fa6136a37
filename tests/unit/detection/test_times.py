import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.detection.times import read_times
from ringfence.domain.currencies import EXPONENTS, amount_text
from ringfence.domain.durations import MICROSECONDS_A_DAY
from ringfence.market import Longs

HOUR = MICROSECONDS_A_DAY // 24


@pytest.fixture
def moments() -> Longs:
    return np.sort(np.random.default_rng(1).integers(0, 365 * MICROSECONDS_A_DAY, 2000))


@pytest.mark.parametrize(("unit", "grain"), [(1, 0.0), (1_000_000, 0.0), (HOUR, 1 / 24), (24 * HOUR, 1.0)])
def test_the_grain_is_the_unit_times_are_rounded_to(moments: Longs, unit: int, grain: float) -> None:
    times = read_times(moments // unit * unit)
    assert times.grain_days == pytest.approx(grain)
    assert times.tell_when
    assert bool(times.note) == (grain > 0.0)
    assert ("whole days" in times.note) == (grain == 1.0)


def test_constant_times_tell_nothing_and_a_note_says_so() -> None:
    for filed_at in (np.zeros(500, np.int64), np.r_[np.zeros(999, np.int64), 5 * HOUR]):
        times = read_times(filed_at)
        assert not times.tell_when
        assert times.grain_days == np.inf
        assert "say nothing" in times.note


@pytest.mark.parametrize("days", [7, 30])
def test_dates_days_apart_tell_no_more_than_their_steps(days: int) -> None:
    times = read_times(np.arange(3000) % 50 * days * MICROSECONDS_A_DAY)
    assert times.grain_days == days
    assert f"{days} days apart" in times.note


def test_a_few_dates_tell_nothing_about_what_happened_together() -> None:
    assert not read_times(np.arange(300) % 3 * MICROSECONDS_A_DAY).tell_when
    assert read_times(np.arange(300) % 30 * MICROSECONDS_A_DAY).tell_when


def test_no_claims_tell_nothing() -> None:
    assert not read_times(np.empty(0, np.int64)).tell_when


@given(st.integers(-(10**12), 10**12), st.sampled_from(sorted(EXPONENTS)))
def test_an_amount_is_written_with_its_currencys_decimals(minor: int, currency: str) -> None:
    code, _, number = amount_text(minor, currency).partition(":")
    assert code == currency
    assert round(float(number) * 10 ** EXPONENTS[currency]) == minor
    assert len(number.partition(".")[2]) == EXPONENTS[currency]


def test_amounts_read_as_people_write_them() -> None:
    assert amount_text(300, "EUR") == "EUR:3.00"
    assert amount_text(-5, "EUR") == "EUR:-0.05"
    assert amount_text(1200, "JPY") == "JPY:1200"
    assert amount_text(1, "BHD") == "BHD:0.001"
