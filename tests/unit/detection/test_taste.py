import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_markets import BUYERS, Row, rows, timeline_of, with_acts, yardstick_of, yardsticks

from ringfence.detection.closeness import Yardstick
from ringfence.detection.events import events, strangers_at
from ringfence.detection.occasions import tie_events
from ringfence.detection.taste import closest_events, surprise_beyond_taste
from ringfence.detection.timeline import Timeline

GROUP = np.array([0, 1], np.int64)


def beyond_taste(timeline: Timeline, yardstick: Yardstick, buyer: int, *sharers: int) -> tuple[float, int]:
    those = events(timeline, yardstick, GROUP, 1)
    ties = tie_events(timeline, GROUP, those)
    near = closest_events(timeline, yardstick, those, buyer)
    return surprise_beyond_taste(timeline, yardstick, those, ties, near, buyer, np.array(sharers, np.int64))


@given(rows(), yardsticks(), st.sets(st.integers(2, BUYERS - 1)), st.sampled_from([0.0, 1.0]))
def test_what_sharers_like_is_expected_of_each_of_them(
    given_rows: list[Row], yardstick: Yardstick, sharers: set[int], grain: float
) -> None:
    timeline, buyer = timeline_of(given_rows, grain), 2
    those = events(timeline, yardstick, GROUP, 1)
    filed = list(zip(timeline.merchant.tolist(), timeline.day.tolist(), timeline.buyer.tolist(), strict=True))
    closest: dict[int, float] = {}
    for merchant, begin, end, rate in zip(*(column.tolist() for column in those), strict=True):
        for m, day, b in filed:
            if (m, b) == (merchant, buyer) and max(begin - day, day - end) <= yardstick.gap:
                near = strangers_at(yardstick, grain, rate, begin, end, day)
                closest[m] = min(near, closest.get(m, math.inf))
    others = sharers - {buyer}
    spans = list(zip(those.merchant.tolist(), those.begin.tolist(), those.end.tolist(), strict=True))
    window = yardstick.window
    away = [
        (m, b)
        for m, day, b in filed
        if not any(m == at and begin - window <= day <= end + window for at, begin, end in spans)
    ]
    theirs = sum(b in others for _, _, b in filed)
    surprises = []
    for merchant, near in closest.items():
        expected = theirs * sum(m == merchant for m, _ in away) / len(filed)
        here = sum(m == merchant and b in others for m, b in away)
        lift = max(1.0, (here + 1.0) / (expected + 1.0))
        surprises.append(math.log(yardstick.strangers / (near * lift)))
    nats, merchants = beyond_taste(timeline, yardstick, buyer, *sorted(sharers))
    assert nats == pytest.approx(sum(s for s in surprises if s > 0.0), abs=1e-9)
    assert abs(merchants - sum(s > 1e-9 for s in surprises)) <= sum(abs(s) <= 1e-9 for s in surprises)


def test_neighbours_who_claim_at_the_event_itself_are_no_sign_of_taste() -> None:
    meeting = [(0, 4000, 0), (0, 4001, 1), (0, 4001, 2), (0, 4002, 3), (0, 4003, 4)]
    ordinary = [(1 + i % 3, 300 * i, 5) for i in range(40)]
    timeline = timeline_of([*meeting, *ordinary])
    alone, _ = beyond_taste(timeline, yardstick_of(), 2, 2)
    together, _ = beyond_taste(timeline, yardstick_of(), 2, 2, 3, 4)
    assert together == pytest.approx(alone)


def test_neighbours_who_all_buy_at_one_shop_make_meeting_there_less_of_a_surprise() -> None:
    meeting = [(0, 400, 0), (0, 401, 1), (0, 401, 2)]
    ordinary = [(1 + i % 3, 30 * i, 5) for i in range(40)]
    fans = [(0, 40 * i, 3 + i % 2) for i in range(60)]
    timeline = timeline_of([*meeting, *ordinary, *fans])
    alone, _ = beyond_taste(timeline, yardstick_of(), 2, 2, 5)
    among_fans, _ = beyond_taste(timeline, yardstick_of(), 2, 2, 3, 4)
    assert 0.0 < among_fans < alone - 0.5


def test_what_a_buyer_files_in_one_act_counts_once_and_its_closest_coincidence_counts() -> None:
    ordinary = [(1 + i % 3, 90 * i, 5) for i in range(40)]
    hits = [(0, 400, 0), (0, 402, 1), (1, 380, 0), (1, 401, 1), (0, 402, 2), (1, 404, 2)]
    timeline = timeline_of([*hits, *ordinary])
    apart, merchants = beyond_taste(timeline, yardstick_of(), 2)
    together, occasions = beyond_taste(with_acts(timeline, 1.0), yardstick_of(), 2)
    closest, _ = beyond_taste(timeline_of([*hits[:5], *ordinary]), yardstick_of(), 2)
    assert (merchants, occasions) == (2, 1)
    assert together == pytest.approx(closest, rel=0.05)
    assert together < apart - 0.5


def test_events_that_the_group_attended_on_one_occasion_count_once_though_the_buyer_came_twice() -> None:
    ordinary = [(2 + i % 2, 90 * i, 5) for i in range(40)]
    bundle = [(0, 400, 0), (0, 401, 1), (1, 401, 0), (1, 402, 1)]
    buyer = [(0, 396, 2), (1, 412, 2)]
    timeline = timeline_of([*bundle, *buyer, *ordinary])
    assert beyond_taste(timeline, yardstick_of(), 2)[1] == 2
    assert beyond_taste(with_acts(timeline, 1.0), yardstick_of(), 2)[1] == 1
