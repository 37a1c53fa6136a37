import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from small_markets import (
    BUYERS,
    MERCHANTS,
    Held,
    Row,
    goods_of,
    groups,
    holdings,
    joint_runs,
    no_orders,
    order_rows,
    rows,
    sharing_of,
    timeline_of,
    yardstick_of,
    yardsticks,
)

from ringfence.detection.closeness import Yardstick
from ringfence.detection.events import events, strangers_at
from ringfence.detection.exposure import expected_claims, orders_of
from ringfence.detection.methods.coincidence.growth import (
    Growing,
    Scratch,
    candidates,
    grow,
    may_join,
    outsiders_sharing,
    score_outsiders,
    scratch,
)
from ringfence.detection.occasions import tie_events
from ringfence.detection.shopping import joint_orders, whom_beside
from ringfence.detection.tail import evidence, evidence_given_orders
from ringfence.detection.taste import closest_events, surprise_beyond_taste
from ringfence.detection.timeline import Timeline

Group = NDArray[np.int64]


def is_clean(space: Scratch) -> bool:
    return bool((space.stamp == -1).all() and (space.merchant == -1).all())


@given(rows(), yardsticks(), groups(), st.sampled_from([1, 2]))
def test_events_are_a_groups_claims_at_one_merchant_with_no_longer_gap(
    given_rows: list[Row], yardstick: Yardstick, group: Group, members: int
) -> None:
    timeline = timeline_of(given_rows)
    found = events(timeline, yardstick, group, members)
    laid = list(zip(found.merchant.tolist(), found.begin.tolist(), found.end.tolist(), strict=True))
    assert laid == joint_runs(given_rows, yardstick.gap, group, members)
    for merchant, begin, end, rate in zip(*(column.tolist() for column in found), strict=True):
        strangers = sum(
            m == merchant
            and b not in group.tolist()
            and begin - yardstick.reach <= d <= end + yardstick.reach
            for m, d, b in zip(timeline.merchant, timeline.day, timeline.buyer, strict=True)
        )
        assert rate > 0.0
        assert rate * (end - begin + 2.0 * yardstick.reach) >= (strangers - 1) * (1.0 - 1e-9)


@pytest.mark.parametrize("own", [1, 30])
def test_the_rate_around_an_event_leaves_the_groups_own_claims_out(own: int) -> None:
    strangers = [(0, 400 + tick, 2 + tick % 3) for tick in range(20)]
    elsewhere = [(1, tick, 5) for tick in range(30)]
    timeline = timeline_of([*strangers, *elsewhere, *[(0, 410, 0)] * own, (2, 800, 1)])
    found = events(timeline, yardstick_of(reach=14.0), np.array([0, 1]), 1)
    assert found.merchant.tolist() == [0, 2]
    assert found.rate[0] == pytest.approx(len(strangers) / 28.0, rel=0.1)


@given(rows(), yardsticks(), groups(), st.sampled_from([0.0, 1.0]))
def test_outsiders_are_scored_by_their_closest_claim_at_each_merchant(
    given_rows: list[Row], yardstick: Yardstick, group: Group, grain: float
) -> None:
    timeline, space = timeline_of(given_rows, grain), scratch(BUYERS)
    found = score_outsiders(timeline, yardstick, group, space)
    assert is_clean(space)
    expected: dict[int, list[tuple[float, float, int]]] = {}
    for members in (1, 2) if len(group) > 2 else (1,):
        for buyer, offer in offers_by_hand(timeline, yardstick, group, members).items():
            expected.setdefault(buyer, []).append(offer)
    assert sorted(found.buyer.tolist()) == sorted(expected)
    for i, buyer in enumerate(found.buyer.tolist()):
        decades, nats, merchants = max(expected[buyer])
        assert found.decades[i] == pytest.approx(decades, abs=1e-9)
        if len(group) < 3:
            assert found.nats[i] == pytest.approx(nats)
            assert found.merchants[i] == merchants


def offers_by_hand(
    timeline: Timeline, yardstick: Yardstick, group: Group, members: int
) -> dict[int, tuple[float, float, int]]:
    """Give each outsider's (decades, nats, merchants) against the group's events, every claim compared."""
    those = events(timeline, yardstick, group, members)
    best: dict[int, dict[int, float]] = {}
    for merchant, begin, end, rate in zip(*(column.tolist() for column in those), strict=True):
        for claim in range(len(timeline.buyer)):
            day, buyer = float(timeline.day[claim]), int(timeline.buyer[claim])
            if timeline.merchant[claim] != merchant or buyer in group.tolist():
                continue
            strangers = strangers_at(yardstick, timeline.grain, rate, begin, end, day)
            apart = max(0.0, begin - day, day - end)
            if apart <= yardstick.gap and strangers < yardstick.strangers:
                nats = math.log(yardstick.strangers / strangers)
                at = best.setdefault(buyer, {})
                at[merchant] = max(at.get(merchant, 0.0), nats)
    chance = len(those.merchant) * yardstick.strangers / len(timeline.buyer)
    price = math.log10(2.0) if len(group) > 2 else 0.0
    filed = timeline.buyer.tolist()
    return {
        buyer: (
            evidence(filed.count(buyer), chance, sum(at.values())) - price,
            sum(at.values()),
            len(at),
        )
        for buyer, at in best.items()
    }


def sharers_by_hand(held: Held, group: Group, hub: int) -> dict[int, int]:
    """Give by outsider how many outsiders share as rare a value with the group."""
    inside = set(group.tolist())
    rarest: dict[int, int] = {}
    for holders in held.values():
        if holders & inside and 2 <= len(holders) <= hub:
            for buyer in holders - inside:
                rarest[buyer] = min(rarest.get(buyer, hub), len(holders))
    return {b: sum(other <= own for other in rarest.values()) for b, own in rarest.items()}


@given(holdings(), groups(), st.integers(2, BUYERS))
def test_outsiders_are_counted_together_with_all_who_share_as_rare_a_value(
    held: Held, group: Group, hub: int
) -> None:
    space = scratch(BUYERS)
    who, number = outsiders_sharing(sharing_of(held), group, hub, space)
    assert is_clean(space)
    found = dict(zip(who.tolist(), number.tolist(), strict=True))
    assert len(found) == len(who)
    assert found == sharers_by_hand(held, group, hub)


@given(rows(), holdings(), groups())
def test_an_outsider_pays_for_being_one_of_all_or_of_those_who_share(
    given_rows: list[Row], held: Held, group: Group
) -> None:
    timeline, sharing, yardstick, space = (
        timeline_of(given_rows),
        sharing_of(held),
        yardstick_of(),
        scratch(BUYERS),
    )
    plain = score_outsiders(timeline, yardstick, group, space)
    paid, _ = candidates(timeline, sharing, yardstick, group, space)
    assert is_clean(space)
    assert paid.buyer.tolist() == plain.buyer.tolist()
    sharers = sharers_by_hand(held, group, yardstick.hub)
    price = [math.log10(sharers.get(buyer, BUYERS)) for buyer in paid.buyer.tolist()]
    assert (plain.decades - price).tolist() == pytest.approx(paid.decades.tolist())


@given(rows(most=40), holdings(), st.sets(st.integers(2, BUYERS - 1)), st.floats(-3.0, 5.0))
def test_a_group_grows_by_free_buyers_and_its_evidence_by_theirs(
    given_rows: list[Row], held: Held, elsewhere: set[int], seed: float
) -> None:
    taken = np.isin(np.arange(BUYERS), list(elsewhere))
    timeline, space = timeline_of(given_rows), scratch(BUYERS)
    members, total = grow(
        timeline,
        sharing_of(held),
        no_orders(timeline),
        yardstick_of(),
        Growing(0.03, 8, 4),
        taken,
        1,
        0,
        seed,
        space,
    )
    assert is_clean(space)
    assert members.tolist() == sorted(set(members.tolist()))
    assert {0, 1} <= set(members.tolist())
    assert not elsewhere & set(members.tolist())
    least_a_joiner = -math.log10(0.03 * BUYERS)
    assert total >= seed + (len(members) - 2) * least_a_joiner - 1e-9


@given(rows(), order_rows(), holdings(), groups(), yardsticks())
def test_who_shops_with_a_group_is_one_of_those_who_do_so_as_often_and_a_stranger_one_of_all(
    given_rows: list[Row], given_orders: list[Row], held: Held, group: Group, yardstick: Yardstick
) -> None:
    timeline, exposure = goods_of(given_rows, given_orders)
    sharing, space, nobody = sharing_of(held), scratch(BUYERS), np.zeros(BUYERS, np.bool_)
    buyers, decades = may_join(timeline, sharing, exposure, yardstick, nobody, group, 1e9, space)
    offered, sharers = candidates(timeline, sharing, yardstick, group, space)
    companions = joint_orders(exposure, group).companions
    for buyer, score in zip(buyers.tolist(), decades.tolist(), strict=True):
        at = offered.buyer.tolist().index(buyer)
        those = events(timeline, yardstick, group, int(offered.members[at]))
        among = sharers[: offered.sharers[at]]
        near = closest_events(timeline, yardstick, those, buyer)
        ties = tie_events(timeline, group, those)
        nats, occasions = surprise_beyond_taste(timeline, yardstick, those, ties, near, buyer, among)
        filed = int((timeline.buyer == buyer).sum())
        chance = len(those.merchant) * yardstick.strangers / len(timeline.buyer)
        one_of = len(among) or BUYERS
        expected = evidence(filed, chance, nats) - math.log10(one_of)
        trials, rate = expected_claims(exposure, buyer, orders_of(exposure, group), len(among) > 0)
        if trials:
            closer = near.closer
            if among.size:
                closer = max(0.0, closer - math.log(yardstick.habit / yardstick.household))
            given_shopping = evidence_given_orders(filed, chance, nats, occasions, trials, rate, closer)
            whom = whom_beside(companions, len(group), trials)
            expected = min(expected, given_shopping - math.log10(min(one_of, whom)))
        either = math.log10(2.0) if len(group) >= 3 else 0.0
        assert score == pytest.approx(expected - either, abs=1e-9)


def test_three_who_strike_four_merchants_within_a_day_grow_into_one_group() -> None:
    hits = [(merchant, 30 + 120 * merchant + b, b) for merchant in range(MERCHANTS) for b in range(3)]
    noise = [(tick % MERCHANTS, 11 * tick, 3 + tick % 3) for tick in range(45)]
    one = sharing_of({(0, 0): {0, 1, 2}})
    taken = np.zeros(BUYERS, np.bool_)
    timeline = timeline_of(hits + noise)
    exposure = no_orders(timeline)
    members, total = grow(
        timeline,
        one,
        exposure,
        yardstick_of(strangers=4.0),
        Growing(0.03, 8, 4),
        taken,
        0,
        1,
        1.0,
        scratch(BUYERS),
    )
    assert members.tolist() == [0, 1, 2]
    assert total > 1.0
    strict = Growing(1e-30, 8, 4)
    alone, same = grow(timeline, one, exposure, yardstick_of(), strict, taken, 0, 1, 1.0, scratch(BUYERS))
    assert (alone.tolist(), same) == ([0, 1], 1.0)
