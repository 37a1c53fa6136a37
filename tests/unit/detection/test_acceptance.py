import itertools
import math
from collections.abc import Iterable

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from small_markets import (
    BUYERS,
    MERCHANTS,
    Row,
    goods_of,
    groups,
    order_rows,
    rows,
    timeline_of,
    with_acts,
    yardstick_of,
    yardsticks,
)

from ringfence.detection.acceptance import count_occasions, covers_two_occasions, pieces, strongest_share
from ringfence.detection.closeness import Yardstick
from ringfence.detection.events import events
from ringfence.detection.joint import joint_claims
from ringfence.detection.occasions import are_tied, same_occasion, tie_events
from ringfence.detection.timeline import Timeline

Group = NDArray[np.int64]
WIDTHS = st.integers(1, 40).map(lambda ticks: ticks / 4)


def connected_by_hand(timeline: Timeline, yardstick: Yardstick, group: Group) -> list[list[int]]:
    """Give the components of the graph of members whose telling claims lie in one event."""
    joint = joint_claims(timeline, yardstick, group)
    graph: nx.Graph[int] = nx.Graph()
    for event in set(joint.event.tolist()):
        telling = joint.claim[(joint.event == event) & (joint.expected < 1.0)]
        members = sorted(set(timeline.buyer[telling].tolist()))
        graph.add_nodes_from(members)
        graph.add_edges_from(itertools.pairwise(members))
    return sorted((sorted(part) for part in nx.connected_components(graph)), key=lambda p: (-len(p), p[0]))


@given(rows(), yardsticks(), groups())
def test_pieces_are_what_telling_events_connect_and_hold_nobody_without_one(
    given_rows: list[Row], yardstick: Yardstick, group: Group
) -> None:
    timeline = timeline_of(given_rows)
    found = [part.tolist() for part in pieces(timeline, yardstick, group)]
    assert found == connected_by_hand(timeline, yardstick, group)
    inside = list(itertools.chain.from_iterable(found))
    assert len(inside) == len(set(inside))
    assert set(inside) <= set(group.tolist())


def test_two_that_met_apart_from_two_others_are_pieces_and_one_who_met_nobody_is_in_none() -> None:
    hits = [(0, 400, 0), (0, 401, 1), (1, 800, 2), (1, 801, 3), (2, 1200, 4)]
    quiet = [(3, 60 * i, 5) for i in range(30)]
    found = pieces(timeline_of([*hits, *quiet]), yardstick_of(), np.arange(5))
    assert [part.tolist() for part in found] == [[0, 1], [2, 3]]


def test_an_event_that_chance_explains_connects_nobody() -> None:
    burst = [(0, 400 + i // 4, 2 + i % 4) for i in range(160)]
    timeline = timeline_of([*burst, (0, 410, 0), (0, 412, 1), (1, 0, 0), (1, 900, 1)])
    assert len(joint_claims(timeline, yardstick_of(), np.array([0, 1])).claim) == 2
    assert pieces(timeline, yardstick_of(), np.array([0, 1])) == []


def joint_claims_by_member(
    timeline: Timeline, yardstick: Yardstick, group: Group
) -> dict[int, list[tuple[int, int]]]:
    """Give (claim, event) of each member's claims in events that chance does not explain."""
    joint = joint_claims(timeline, yardstick, group)
    telling = set(joint.event[joint.expected < 1.0].tolist())
    out: dict[int, list[tuple[int, int]]] = {}
    for claim, event in zip(joint.claim.tolist(), joint.event.tolist(), strict=True):
        if event not in telling:
            continue
        out.setdefault(int(timeline.buyer[claim]), []).append((claim, event))
    return out


@given(rows(), order_rows(), WIDTHS, WIDTHS, yardsticks(), groups())
def test_half_the_members_must_have_met_at_two_merchants_on_two_occasions(
    given_rows: list[Row],
    given_orders: list[Row],
    act_days: float,
    checkout_days: float,
    yardstick: Yardstick,
    group: Group,
) -> None:
    timeline, _ = goods_of(given_rows, given_orders, act_days, checkout_days)
    ties = tie_events(timeline, group, events(timeline, yardstick, group, 2))
    qualified = 0
    for own in joint_claims_by_member(timeline, yardstick, group).values():
        qualified += any(
            timeline.merchant[i] != timeline.merchant[j]
            and not same_occasion(timeline, i, j)
            and not are_tied(ties, x, y)
            for (i, x), (j, y) in itertools.combinations(own, 2)
        )
    expected = qualified >= max(2, len(group) / 2)
    assert covers_two_occasions(timeline, yardstick, group) == expected


@given(rows(), yardsticks(), groups())
def test_where_every_claim_is_an_occasion_of_its_own_two_merchants_are_two_occasions(
    given_rows: list[Row], yardstick: Yardstick, group: Group
) -> None:
    timeline = timeline_of(given_rows)
    met = [
        {int(timeline.merchant[claim]) for claim, _ in own}
        for own in joint_claims_by_member(timeline, yardstick, group).values()
    ]
    expected = sum(len(merchants) > 1 for merchants in met) >= max(2, len(group) / 2)
    assert covers_two_occasions(timeline, yardstick, group) == expected


def test_meetings_that_chance_explains_are_no_occasions() -> None:
    burst = [(m, 400 + 80 * m + i // 4, 2 + i % 4) for m in (0, 1) for i in range(160)]
    timeline = timeline_of([*burst, *hits([(0, 410), (1, 490)], 2), (2, 0, 0), (3, 1200, 1)])
    assert len(joint_claims(timeline, yardstick_of(), np.array([0, 1])).claim) == 4
    assert not covers_two_occasions(timeline, yardstick_of(), np.array([0, 1]))


def hits(places: Iterable[tuple[int, int]], members: int) -> list[Row]:
    """Let members 0, 1, … claim at (merchant, tick)."""
    return [(merchant, tick + b, b) for merchant, tick in places for b in range(members)]


@pytest.mark.parametrize(
    ("places", "is_covered"),
    [
        ([(0, 400), (1, 400), (2, 400), (3, 400)], False),
        ([(0, 400), (1, 440)], True),
        ([(0, 400), (0, 480)], False),
        ([(0, 400), (1, 400), (0, 480)], True),
    ],
    ids=["one act at four merchants", "two acts at two", "two acts at one", "a bundle and one act more"],
)
def test_one_occasion_or_one_merchant_is_never_two_occasions(
    places: list[tuple[int, int]], is_covered: bool
) -> None:
    timeline = with_acts(timeline_of([*hits(places, 3), (3, 0, 5)]), 1.0)
    assert covers_two_occasions(timeline, yardstick_of(), np.arange(3)) == is_covered


def test_goods_of_one_checkout_claimed_for_on_four_days_are_one_occasion() -> None:
    claims = [*hits([(m, 400 + 12 * m) for m in range(MERCHANTS)], 3), (3, 0, 5)]
    apart = [(m, 300 + 12 * m, b) for m in range(MERCHANTS) for b in range(3)]
    bundle = [(m, 300, b) for m in range(MERCHANTS) for b in range(3)]
    for orders, is_covered, occasions in (([], True, 4), (apart, True, 4), (bundle, False, 1)):
        timeline, _ = goods_of(claims, orders)
        assert covers_two_occasions(timeline, yardstick_of(), np.arange(3)) == is_covered
        assert count_occasions(timeline, yardstick_of(), np.arange(3)) == occasions


@given(rows(), order_rows(), WIDTHS, WIDTHS, yardsticks(), groups())
def test_occasions_are_events_of_which_no_two_are_tied(
    given_rows: list[Row],
    given_orders: list[Row],
    act_days: float,
    checkout_days: float,
    yardstick: Yardstick,
    group: Group,
) -> None:
    timeline, _ = goods_of(given_rows, given_orders, act_days, checkout_days)
    those = events(timeline, yardstick, group, 2)
    ties = tie_events(timeline, group, those)
    chosen: list[int] = []
    for x in range(ties.events):
        if not any(are_tied(ties, x, y) for y in chosen):
            chosen.append(x)
    assert count_occasions(timeline, yardstick, group) == len(chosen)
    assert count_occasions(timeline_of(given_rows), yardstick, group) == ties.events


@given(rows(), order_rows(), WIDTHS, WIDTHS, yardsticks(), groups())
def test_the_strongest_merchant_is_measured_by_its_members_closest_claims_one_event_an_occasion(
    given_rows: list[Row],
    given_orders: list[Row],
    act_days: float,
    checkout_days: float,
    yardstick: Yardstick,
    group: Group,
) -> None:
    timeline, _ = goods_of(given_rows, given_orders, act_days, checkout_days)
    joint = joint_claims(timeline, yardstick, group)
    those = events(timeline, yardstick, group, 2)
    best: dict[tuple[int, int], float] = {}
    for claim, event, strangers in zip(
        joint.claim.tolist(), joint.event.tolist(), joint.strangers.tolist(), strict=True
    ):
        key = event, int(timeline.buyer[claim])
        best[key] = max(best.get(key, 0.0), math.log(yardstick.strangers / strangers))
    weight = np.zeros(len(those.merchant))
    for (event, _), nats in best.items():
        weight[event] += nats
    ties = tie_events(timeline, group, those)
    by_merchant: dict[int, float] = {}
    chosen: list[int] = []
    for x in sorted(range(len(weight)), key=lambda x: -weight[x]):
        if not any(are_tied(ties, x, y) for y in chosen):
            chosen.append(x)
            merchant = int(those.merchant[x])
            by_merchant[merchant] = by_merchant.get(merchant, 0.0) + weight[x]
    total = sum(by_merchant.values())
    expected = max(by_merchant.values()) / total if total > 0.0 else 1.0
    assert strongest_share(timeline, yardstick, group) == pytest.approx(expected)


def test_a_bundle_carries_all_of_the_evidence_and_four_acts_a_quarter_each() -> None:
    quiet = [(m, 40 * i + m, BUYERS - 1) for m in range(MERCHANTS) for i in range(30)]
    bundle = with_acts(timeline_of([*hits([(m, 2000) for m in range(MERCHANTS)], 3), *quiet]), 1.0)
    acts = with_acts(timeline_of([*hits([(m, 400 + 400 * m) for m in range(MERCHANTS)], 3), *quiet]), 1.0)
    assert strongest_share(bundle, yardstick_of(), np.arange(3)) == 1.0
    assert strongest_share(acts, yardstick_of(), np.arange(3)) == pytest.approx(0.25, abs=0.05)
