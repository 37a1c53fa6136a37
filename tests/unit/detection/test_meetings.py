import itertools
import math
from typing import Any

import numpy as np
import pytest
import scipy.stats
from group_scenes import scene, strangers
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from small_markets import BUYERS, MERCHANTS, Row, groups, rows, timeline_of, yardstick_of

from ringfence.detection.closeness import Yardstick
from ringfence.detection.methods.identifiers.chance import meeting_evidence, meeting_evidence_given_orders
from ringfence.detection.methods.identifiers.meetings import (
    Meetings,
    find_meetings,
    meetings_by_orders,
    most_evidence,
    untied_meetings,
)
from ringfence.detection.occasions import number_occasions
from ringfence.detection.tail import MOST_DECADES
from ringfence.detection.timeline import Timeline

Group = NDArray[np.int64]
MEANS = st.floats(1e-6, 50.0)
SURPRISES = st.floats(1e-3, 120.0)


def by_sums(expected: float, surprise: float) -> float:
    """Sum Poisson weights times Gamma tails."""
    k = np.arange(1, 600)
    log_p = scipy.stats.poisson.logpmf(k, expected) + scipy.stats.gamma.logsf(surprise, k)
    return float(-scipy.special.logsumexp(log_p) / math.log(10.0))


@given(MEANS, SURPRISES)
def test_the_evidence_of_meetings_is_the_exact_sum(expected: float, surprise: float) -> None:
    assert meeting_evidence(expected, surprise) == pytest.approx(
        by_sums(expected, surprise), rel=1e-8, abs=1e-8
    )


@given(st.floats(1e-6, 1e4), st.floats(0.0, 3000.0), st.floats(0.0, 500.0), st.floats(0.0, 100.0))
def test_evidence_rises_with_surprise_and_falls_with_what_chance_makes(
    expected: float, surprise: float, more_surprise: float, more_expected: float
) -> None:
    found = meeting_evidence(expected, surprise)
    assert 0.0 <= found <= MOST_DECADES
    assert meeting_evidence(expected, surprise + more_surprise) >= found - 1e-7
    assert meeting_evidence(expected + more_expected, surprise) <= found + 1e-7


@given(MEANS, SURPRISES, st.integers(1, 12), st.floats(1e-3, 8.0))
def test_orders_explain_as_many_meetings_as_they_are_expected_to(
    expected: float, surprise: float, meetings: int, by_orders: float
) -> None:
    h = np.arange(200)
    left = [
        meeting_evidence(expected, surprise * (1.0 - x / meetings)) if x < meetings else 0.0
        for x in h.tolist()
    ]
    p = float((scipy.stats.poisson.pmf(h, by_orders) * 10.0 ** -np.array(left)).sum())
    found = meeting_evidence_given_orders(expected, surprise, meetings, by_orders)
    assert found == pytest.approx(max(0.0, -math.log10(p)), rel=1e-8, abs=1e-8)
    assert found <= meeting_evidence(expected, surprise) + 1e-9


def test_without_joint_orders_nothing_is_explained() -> None:
    assert meeting_evidence_given_orders(0.1, 20.0, 3, 0.0) == meeting_evidence(0.1, 20.0)


def yardsticks() -> st.SearchStrategy[Yardstick]:
    quarters = st.integers(1, 60).map(lambda ticks: ticks / 4)
    return st.builds(
        yardstick_of,
        window=quarters,
        reach=quarters,
        closest=st.sampled_from([0.25, 1.0]),
        strangers=st.sampled_from([0.7, 5.0, 32.0]),
    )


def with_acts(timeline: Timeline) -> Timeline:
    acts = number_occasions(timeline.of_buyer, timeline.buyer_start, timeline.day, 1.0)
    return timeline._replace(act=acts)


def meetings_by_hand(timeline: Timeline, yardstick: Yardstick, group: Group) -> list[tuple[int, int, float]]:
    """Work every meeting out from the definition: (claim, next claim, nats)."""
    members, claims = set(group.tolist()), range(len(timeline.buyer))
    buyer, merchant, day = timeline.buyer.tolist(), timeline.merchant.tolist(), timeline.day.tolist()
    own = [i for i in claims if buyer[i] in members]
    found = []
    for shop in range(MERCHANTS):
        here = [i for i in own if merchant[i] == shop]
        everyone = [i for i in claims if merchant[i] == shop]
        first = [
            i
            for i in here
            if not any(buyer[j] == buyer[i] and j < i and timeline.act[j] == timeline.act[i] for j in here)
        ]
        loose = []
        for one, other in itertools.pairwise(first):
            apart = day[other] - day[one]
            begin, end = day[one] - yardstick.reach, day[other] + yardstick.reach
            if buyer[one] == buyer[other] or apart > yardstick.window:
                continue
            near = sum(begin <= day[i] <= end for i in everyone if i not in here)
            around = sum(begin <= day[i] <= end for i in claims)
            share = max(0.5, len(everyone) - len(here) - 0.5) * around / len(day)
            observed = max(min(end, timeline.span) - max(begin, 0.0), min(1.0, max(end - begin, 1e-9)))
            expected = max(near, share) / observed * max(2.0 * apart, 2.0 * yardstick.closest)
            if expected < yardstick.strangers:
                loose.append((one, other, expected))
        met = {i for one, other, _ in loose for i in (one, other)}
        usual = len(own) * len(everyone) / len(day)
        taste = max(1.0, (len([i for i in first if i not in met]) + 1.0) / (usual + 1.0))
        found += [
            (one, other, math.log(yardstick.strangers / (expected * taste)))
            for one, other, expected in loose
            if expected * taste < yardstick.strangers
        ]
    return found


@given(rows(), yardsticks(), groups())
def test_meetings_are_consecutive_claims_closer_than_strangers(
    given_rows: list[Row], yardstick: Yardstick, group: Group
) -> None:
    timeline = with_acts(timeline_of(given_rows))
    met = find_meetings(timeline, yardstick, group)
    expected = meetings_by_hand(timeline, yardstick, group)
    assert list(zip(met.one.tolist(), met.other.tolist(), strict=True)) == [(a, b) for a, b, _ in expected]
    assert met.nats == pytest.approx(np.array([nats for _, _, nats in expected]))
    counts = [int((timeline.buyer == b).sum()) for b in group.tolist()]
    pairs = sum(a * b for i, a in enumerate(counts) for b in counts[:i])
    assert met.expected == pytest.approx(pairs * yardstick.strangers / len(timeline.buyer))


@given(rows(), yardsticks(), st.lists(groups(), min_size=1, max_size=4))
def test_the_bound_counts_every_meeting(
    given_rows: list[Row], yardstick: Yardstick, those: list[Group]
) -> None:
    timeline = with_acts(timeline_of(given_rows))
    start = np.cumsum([0, *map(len, those)]).astype(np.int64)
    member = np.concatenate(those).astype(np.int32)
    most = most_evidence(timeline, yardstick, start, member, np.full(len(those), 1.5))
    for group, bound in zip(those, most.tolist(), strict=True):
        met = find_meetings(timeline, yardstick, group)
        assert bound == pytest.approx(meeting_evidence(met.expected, met.nats.sum()) - 1.5)
        kept = met.take(untied_meetings(timeline, met))
        assert meeting_evidence(kept.expected, kept.nats.sum()) - 1.5 <= bound + 1e-9


@given(rows(), yardsticks(), groups())
def test_of_meetings_that_share_an_act_only_those_of_one_merchant_count(
    given_rows: list[Row], yardstick: Yardstick, group: Group
) -> None:
    timeline = with_acts(timeline_of(given_rows))
    met = find_meetings(timeline, yardstick, group)
    kept = untied_meetings(timeline, met)

    def are_tied(x: int, y: int) -> bool:
        sides = [(int(met.one[z]), int(met.other[z])) for z in (x, y)]
        return timeline.merchant[sides[0][0]] != timeline.merchant[sides[1][0]] and any(
            timeline.act[a] == timeline.act[b] for a in sides[0] for b in sides[1]
        )

    assert kept.tolist() == sorted(set(kept.tolist()))
    chosen = set(kept.tolist())
    assert not any(are_tied(x, y) for x in chosen for y in chosen)
    for x in set(range(len(met.nats))) - chosen:
        assert any(are_tied(x, y) and met.nats[y] >= met.nats[x] for y in chosen)


def meetings_of(claims: list[tuple[int, int, float]], group: list[int]) -> tuple[Any, Meetings]:
    prepared = scene(claims)
    return prepared, find_meetings(prepared.timeline, prepared.yardstick, np.array(group, np.int64))


def test_a_merchant_where_the_neighbours_always_claim_counts_for_less() -> None:
    base = [(b, b % 20, float(b)) for b in range(300)] + strangers(1, range(300), 20, 900)
    met_once = [(300, 3, 100.0), (301, 3, 100.2), (302, 5, 20.0)]
    regular = [(302, 3, 10.0 + 30.0 * i) for i in (0, 1, 2, 4, 5, 6, 7, 8)]
    _, plain = meetings_of(base + met_once, [300, 301, 302])
    _, tasteful = meetings_of(base + met_once + regular, [300, 301, 302])
    assert len(plain.nats) == len(tasteful.nats) == 1
    assert tasteful.nats[0] < plain.nats[0] - 1.0


def test_the_groups_own_claims_do_not_make_its_merchants_busy() -> None:
    base = [(b, b % 20, float(b)) for b in range(300)] + strangers(1, range(300), 20, 900)
    own = [(300 + i, 3, 100.0 + i * 0.5) for i in range(12)]
    _, few = meetings_of(base + own[:2] + [(b, 7, 200.0) for b in range(302, 312)], [*range(300, 312)])
    _, many = meetings_of(base + own, [*range(300, 312)])
    assert len(many.nats) == 11
    assert many.nats.min() > few.nats.max() - 1.0


def test_only_households_that_leave_joint_orders_unclaimed_explain_meetings() -> None:
    claims = [(b, b % 20, float(b)) for b in range(300)] + strangers(1, range(300), 20, 900)
    claims += [(b, m, 40.0 * m + 5.0) for m in (1, 2) for b in (300, 301)]
    bought = [(b, m, day - 3.0) for b, m, day in claims]
    joint = [(b, m, 40.0 * m + 1.0) for m in range(3, 9) for b in (300, 301)]
    pair = np.array([300, 301], np.int64)
    assert meetings_by_orders(scene(claims, bought).exposure, pair) == 0.0
    assert meetings_by_orders(scene(claims, bought + joint).exposure, pair) > 0.5
    assert meetings_by_orders(scene(claims).exposure, pair) == 0.0


def test_no_buyers_have_no_meetings() -> None:
    timeline = timeline_of([(0, 0, b) for b in range(BUYERS)])
    scene_yardstick = yardstick_of()
    assert len(find_meetings(timeline, scene_yardstick, np.empty(0, np.int64)).nats) == 0
