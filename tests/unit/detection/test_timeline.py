import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_markets import MERCHANTS, Row, counts_of, rows, timeline_of, yardstick_of

from ringfence.detection.closeness import as_near, pair_rate
from ringfence.detection.timeline import Timeline, exposure_days, rank, starts


def watched(day: float, reach: float, span: float) -> float:
    """Measure what of day ± reach lies in the observed days, one day at least."""
    inside = min(day + reach, span) - max(day - reach, 0.0)
    return max(inside, min(1.0, 2.0 * reach))


def rate_by_hand(timeline: Timeline, reach: float, i: int, j: int) -> float:
    days = timeline.day.tolist()
    merchants = timeline.merchant.tolist()

    def near(k: int) -> int:
        return sum(
            m == merchants[k] and abs(d - days[k]) <= reach for m, d in zip(merchants, days, strict=True)
        )

    def everywhere(k: int) -> int:
        return sum(abs(d - days[k]) <= reach for d in days)

    here = merchants.count(merchants[i])
    share = (here - 1.5) * max(everywhere(i), everywhere(j)) / len(days)
    seen = min(watched(days[i], reach, timeline.span), watched(days[j], reach, timeline.span))
    return float(max(max(near(i), near(j)) - 2.0, share) / seen)


@given(rows())
def test_a_timeline_lists_each_buyers_and_each_merchants_claims(given_rows: list[Row]) -> None:
    timeline = timeline_of(given_rows)
    laid = list(zip(timeline.merchant.tolist(), timeline.day.tolist(), timeline.buyer.tolist(), strict=True))
    first = min(tick for _, tick, _ in given_rows)
    assert laid == sorted((m, (tick - first) / 4, b) for m, tick, b in given_rows)
    for buyer in range(len(timeline.buyer_start) - 1):
        own = timeline.of_buyer[timeline.buyer_start[buyer] : timeline.buyer_start[buyer + 1]]
        assert own.tolist() == [i for i, b in enumerate(timeline.buyer.tolist()) if b == buyer]
    for merchant in range(MERCHANTS):
        here = range(timeline.merchant_start[merchant], timeline.merchant_start[merchant + 1])
        assert list(here) == [i for i, m in enumerate(timeline.merchant.tolist()) if m == merchant]
    assert timeline.span == max(timeline.day)


@given(rows(most=60, ticks=4000), st.integers(-8, 4008), st.booleans())
def test_a_rank_on_the_clock_is_a_count(given_rows: list[Row], tick: int, right: bool) -> None:
    timeline = timeline_of(given_rows)
    day = tick / 4
    expected = sum(d < day or (right and d == day) for d in timeline.clock.tolist())
    assert rank(timeline.clock, timeline.clock_index, day, right) == expected


@given(st.lists(st.floats(0.0, 1e4), min_size=1, max_size=80), st.floats(-10.0, 1.1e4), st.booleans())
def test_a_rank_is_a_count_for_times_as_fine_as_floats(days: list[float], day: float, right: bool) -> None:
    given_rows = [(0, 0, 0)]
    clock = np.sort(np.array(days) - min(days))
    steps = max(1, len(clock) // 8)
    marks = np.arange(steps + 3) * ((clock[-1] + 1e-9) / steps)
    timeline = timeline_of(given_rows)._replace(
        clock=clock, clock_index=np.searchsorted(clock, marks).astype(np.int32)
    )
    expected = int(np.searchsorted(clock, day, side="right" if right else "left"))
    assert rank(timeline.clock, timeline.clock_index, day, right) == expected


@given(rows(), st.integers(0, 80).map(lambda ticks: ticks / 4))
def test_local_counts_are_the_claims_within_reach(given_rows: list[Row], reach: float) -> None:
    timeline = timeline_of(given_rows)
    near, everywhere = counts_of(timeline, reach)
    claims = list(zip(timeline.merchant.tolist(), timeline.day.tolist(), strict=True))
    assert near.tolist() == [sum(m == n and abs(d - e) <= reach for n, e in claims) for m, d in claims]
    assert everywhere.tolist() == [sum(abs(d - e) <= reach for _, e in claims) for _, d in claims]


@given(rows(), st.integers(1, 80).map(lambda ticks: ticks / 4))
def test_the_rate_around_a_pair_leaves_the_pair_out(given_rows: list[Row], reach: float) -> None:
    timeline = timeline_of(given_rows)
    yardstick = yardstick_of(reach=reach)
    near, everywhere = counts_of(timeline, reach)
    for merchant in range(MERCHANTS):
        here = range(timeline.merchant_start[merchant], timeline.merchant_start[merchant + 1])
        for i in here:
            for j in here:
                if i < j:
                    found = pair_rate(timeline, yardstick, near, everywhere, i, j)
                    assert found == pytest.approx(rate_by_hand(timeline, reach, i, j), rel=1e-12)
                    assert found > 0.0


@given(st.floats(0.0, 30.0), st.floats(0.001, 30.0), st.floats(0.0, 60.0))
def test_observed_days_are_what_was_asked_for_less_what_nobody_observed(
    begin: float, length: float, span: float
) -> None:
    begin = min(begin, span)
    least = pytest.approx(min(1.0, length))
    found = exposure_days(begin, begin + length, span)
    assert found == least or min(1.0, length) <= found <= length * (1.0 + 1e-9)
    assert found == least or found == pytest.approx(min(begin + length, span) - begin)


@given(st.floats(0.01, 9.0), st.floats(0.0, 14.0), st.floats(0.0, 14.0), st.floats(0.0, 3.0))
def test_strangers_as_near_rise_with_the_gap_and_never_fall_below_the_closest(
    rate: float, apart: float, further: float, grain: float
) -> None:
    closest = 0.25
    near = as_near(rate, apart, grain, closest)
    assert near >= rate * 2.0 * closest
    assert as_near(rate, apart + further, grain, closest) >= near
    assert as_near(2.0 * rate, apart, grain, closest) == pytest.approx(2.0 * near)
    assert near == pytest.approx(rate * max(2.0 * apart + grain, 2.0 * closest))


@given(st.lists(st.integers(0, 5)), st.integers(6, 9))
def test_starts_cumulate_the_sizes_of_groups(codes: list[int], groups: int) -> None:
    found = starts(np.array(codes, np.int32), groups)
    assert np.diff(found).tolist() == [codes.count(group) for group in range(groups)]
    assert found[0] == 0
