import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from small_markets import Row, groups, rows, timeline_of, yardstick_of, yardsticks

from ringfence.detection.closeness import Yardstick, as_near
from ringfence.detection.events import events
from ringfence.detection.joint import coincidences, joint_claims, weak_events
from ringfence.detection.timeline import Timeline

Group = NDArray[np.int64]
GRAINS = st.sampled_from([0.0, 1.0])


def joint_by_hand(
    timeline: Timeline, yardstick: Yardstick, group: Group
) -> list[tuple[int, int, float, float, float]]:
    """Give (claim, event, days to the nearest claim of another member, strangers as near, expected)."""
    those = events(timeline, yardstick, group, 2)
    found = []
    for claim in range(len(timeline.buyer)):
        for x in range(len(those.merchant)):
            inside = [
                i
                for i in range(len(timeline.buyer))
                if timeline.buyer[i] in group
                and timeline.merchant[i] == those.merchant[x]
                and those.begin[x] <= timeline.day[i] <= those.end[x]
            ]
            if claim in inside:
                apart: dict[int, float] = {}
                for i in inside:
                    buyer = int(timeline.buyer[i])
                    if buyer != timeline.buyer[claim]:
                        gap = float(abs(timeline.day[i] - timeline.day[claim]))
                        apart[buyer] = min(gap, apart.get(buyer, gap))
                near = [
                    float(as_near(those.rate[x], gap, timeline.grain, yardstick.closest))
                    for gap in sorted(apart.values())
                ]
                expected = min(strangers / j for j, strangers in enumerate(near, start=1))
                found.append((claim, x, min(apart.values()), near[0], expected))
    return found


@given(rows(), yardsticks(), groups(), GRAINS)
def test_joint_claims_are_those_in_events_of_two_members(
    given_rows: list[Row], yardstick: Yardstick, group: Group, grain: float
) -> None:
    timeline = timeline_of(given_rows, grain)
    found = joint_claims(timeline, yardstick, group)
    *columns, rate = (column.tolist() for column in found)
    assert list(zip(*columns, strict=True)) == joint_by_hand(timeline, yardstick, group)
    assert rate == events(timeline, yardstick, group, 2).rate[found.event].tolist()


@given(rows(), yardsticks(), groups(), GRAINS)
def test_coincidences_are_the_closest_claims_of_two_members_at_each_merchant(
    given_rows: list[Row], yardstick: Yardstick, group: Group, grain: float
) -> None:
    timeline = timeline_of(given_rows, grain)
    rates = events(timeline, yardstick, group, 2).rate
    expected: dict[tuple[int, int, int], float] = {}
    for (i, x, *_), (j, y, *_) in itertools.combinations(joint_by_hand(timeline, yardstick, group), 2):
        a, b = sorted((int(timeline.buyer[i]), int(timeline.buyer[j])))
        apart = abs(timeline.day[i] - timeline.day[j])
        strangers = float(as_near(rates[x], apart, grain, yardstick.closest))
        if x == y and a != b and strangers < yardstick.strangers:
            key = (a, b, int(timeline.merchant[i]))
            expected[key] = min(strangers, expected.get(key, np.inf))
    found = coincidences(timeline, yardstick, group)
    keys = list(
        zip(
            timeline.buyer[found.a].tolist(),
            timeline.buyer[found.b].tolist(),
            timeline.merchant[found.a].tolist(),
            strict=True,
        )
    )
    assert keys == sorted(expected)
    assert timeline.merchant[found.b].tolist() == [merchant for _, _, merchant in keys]
    assert found.strangers.tolist() == [expected[key] for key in keys]
    for i, (_, _, merchant) in enumerate(keys):
        apart = abs(timeline.day[found.a[i]] - timeline.day[found.b[i]])
        near = [
            as_near(rate, apart, grain, yardstick.closest)
            for rate, at in zip(rates, events(timeline, yardstick, group, 2).merchant, strict=True)
            if at == merchant
        ]
        assert any(found.strangers[i] == pytest.approx(strangers) for strangers in near)


def test_buyers_who_never_meet_have_no_joint_claims() -> None:
    timeline = timeline_of([(b, 100 * b, b) for b in range(4)])
    group = np.arange(4)
    assert len(joint_claims(timeline, yardstick_of(), group).claim) == 0
    assert len(coincidences(timeline, yardstick_of(), group).a) == 0


def test_a_crowd_of_members_is_told_from_chance_where_each_two_of_them_are_not() -> None:
    crowd = [(0, 400 + i, i) for i in range(5)]
    strangers = [(0, 396 + 3 * i, 5) for i in range(5)]
    joint = joint_claims(
        timeline_of([*crowd, *strangers, (1, 0, 5), (1, 800, 5)]), yardstick_of(), np.arange(5)
    )
    alone = joint_claims(
        timeline_of([*crowd[:2], *strangers, (1, 0, 5), (1, 800, 5)]), yardstick_of(), np.arange(5)
    )
    assert len(joint.claim) == 5
    assert len(alone.claim) == 2
    assert joint.expected.max() < alone.expected.min()
    assert (joint.expected < joint.strangers).any()
    assert alone.expected.tolist() == alone.strangers.tolist()


@given(rows(), yardsticks(), groups())
def test_an_event_is_weak_where_chance_explains_the_company_of_all_its_claims(
    given_rows: list[Row], yardstick: Yardstick, group: Group
) -> None:
    timeline = timeline_of(given_rows)
    by_hand: dict[int, float] = {}
    for _, event, _, _, expected in joint_by_hand(timeline, yardstick, group):
        by_hand[event] = min(expected, by_hand.get(event, np.inf))
    found = weak_events(joint_claims(timeline, yardstick, group))
    assert found.tolist() == [by_hand[event] >= 1.0 for event in range(len(by_hand))]
