"""What shopping together explains: families that lose parcels, and rings that would look like them."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from small_markets import (
    TOGETHER_DAYS,
    Held,
    Row,
    chains,
    claims_of_rows,
    goods_of,
    groups,
    holdings,
    near,
    no_orders,
    order_rows,
    orders_of_rows,
    rows,
    sharing_of,
    timeline_of,
    yardstick_of,
    yardsticks,
)

from ringfence.detection.acceptance import count_occasions
from ringfence.detection.closeness import Yardstick
from ringfence.detection.events import events
from ringfence.detection.exposure import NON_CLAIMANT, Exposure, claimed_orders, expose
from ringfence.detection.habit import evidence_beyond_habit
from ringfence.detection.shopping import (
    JointOrders,
    evidence_beyond_bad_goods,
    evidence_beyond_one_cause,
    evidence_beyond_shopping,
    household_loss_rate,
    joint_orders,
    whom_beside,
)
from ringfence.detection.tail import MOST_DECADES
from ringfence.detection.timeline import Timeline, lay_out

Group = NDArray[np.int64]


def joint_orders_by_hand(exposure: Exposure, group: Group) -> JointOrders:
    """Go through the units one by one, and through all orders for each."""
    members = group.tolist()
    own = np.flatnonzero(np.isin(exposure.buyer, group)).tolist()
    everybody = sorted(set(exposure.buyer.tolist()))
    outsiders = [b for b in everybody if b not in members]
    claimed_units, spared_units, elsewhere = list[int](), list[int](), list[int]()
    orders = claimed = 0
    rates: dict[int, list[float]] = {member: [] for member in members}
    met = dict.fromkeys(outsiders, 0)
    for unit in chains(own, exposure):
        ordered = {int(exposure.buyer[i]) for i in unit}
        claimants = {int(exposure.buyer[i]) for i in unit if exposure.claimed[i]}
        if len(claimants) < 2:
            elsewhere += unit
        if len(ordered) < 2:
            continue
        (claimed_units if len(claimants) > 1 else spared_units).append(len(ordered))
        orders += len(unit)
        claimed += int(exposure.claimed[unit].sum())
        others = near(exposure, unit, outsiders)
        lost = int(exposure.claimed[others].sum())
        rate = (lost + 2.0 * exposure.rate) / (len(others) + 2.0)
        for member in ordered:
            if claimants - {member}:
                rates[member].append(rate)
        for outsider in {int(exposure.buyer[i]) for i in others} - {NON_CLAIMANT}:
            met[outsider] += 1
    chance = sum(
        1.0 - math.exp(-(len(near(exposure, [i], everybody)) - 1) * len(elsewhere) / len(exposure.buyer))
        for i in elsewhere
    )
    usual, like_them = 1.0, float(len(spared_units))
    if claimed_units:
        usual = float(np.mean(claimed_units)) - 1.0
        like_them = min(like_them, sum(size - 1 for size in spared_units) / usual)
    spared = max(0.0, like_them - chance / 2.0 / usual)
    return JointOrders(
        len(claimed_units),
        spared,
        orders,
        claimed,
        np.array([len(rates[member]) for member in members]),
        np.array([float(np.mean(rates[member])) if rates[member] else 0.0 for member in members]),
        np.array(sorted(units for units in met.values() if units > 1), np.int64),
    )


def likely_claimed() -> st.SearchStrategy[tuple[list[Row], list[Row]]]:
    """Draw claims and orders, some of which are soon claimed for."""
    shopped = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 30), st.booleans()), max_size=8)

    def build(
        claims: list[Row], orders: list[Row], together: list[tuple[int, int, bool]]
    ) -> tuple[list[Row], list[Row]]:
        baskets = [(m, 12 * t + b, b) for m, t, _ in together for b in range(3)]
        lost = [(m, 12 * t + b + 6, b) for m, t, is_lost in together if is_lost for b in range(3)]
        return [*claims, *lost], [*orders, *baskets]

    return st.builds(build, rows(most=15), order_rows(most=30), shopped)


@given(likely_claimed(), groups())
def test_joint_orders_are_units_of_two_members_claimed_for_by_two_or_spared(
    drawn: tuple[list[Row], list[Row]], group: Group
) -> None:
    _, exposure = goods_of(*drawn)
    found, expected = joint_orders(exposure, group), joint_orders_by_hand(exposure, group)
    assert found.claimed_units == expected.claimed_units
    assert found.spared_units == pytest.approx(expected.spared_units, abs=1e-9)
    assert (found.orders, found.claimed) == (expected.orders, expected.claimed)
    assert found.trials.tolist() == expected.trials.tolist()
    assert found.rate.tolist() == pytest.approx(expected.rate.tolist())
    assert found.companions.tolist() == expected.companions.tolist()


def test_a_buyer_is_one_of_the_group_and_of_those_who_order_with_it_half_as_often() -> None:
    companions = np.array([2, 2, 3, 5, 9], np.int64)
    assert [whom_beside(companions, 4, trials) for trials in (0, 3, 4, 5, 6, 10, 20)] == [9, 9, 9, 7, 7, 6, 4]


def left_by_hand(
    timeline: Timeline,
    exposure: Exposure,
    yardstick: Yardstick,
    group: Group,
    score: float,
    is_household: bool,
    among: float,
    rate: float,
) -> float:
    together = joint_orders_by_hand(exposure, group)
    found = len(events(timeline, yardstick, group, 2).merchant)
    tied = found - count_occasions(timeline, yardstick, group)
    if not found or not together.claimed_units:
        return score
    spared = round(together.spared_units)
    if spared == 0 if is_household else tied < found / 2:
        return score
    claimed = max(1, together.claimed_units - tied)
    units = claimed + spared if is_household else claimed
    chance = sum(
        math.comb(units, h) * rate**h * (1.0 - rate) ** (units - h) for h in range(claimed, units + 1)
    )
    share = min(1.0, together.claimed_units / found)
    worth = max(0.0, -math.log10(chance) - among)
    return score * (1.0 - share) + min(score * share, worth)


@given(
    likely_claimed(),
    groups(),
    st.floats(0.0, 30.0),
    st.booleans(),
    st.floats(0.0, 4.0),
    st.sampled_from([0.05, 0.1, 0.5, 0.9]),
)
def test_joint_orders_lost_to_all_are_worth_no_more_than_the_chance_of_losing_so_many(
    drawn: tuple[list[Row], list[Row]],
    group: Group,
    score: float,
    is_household: bool,
    among: float,
    rate: float,
) -> None:
    timeline, exposure = goods_of(*drawn)
    rest = (timeline, exposure, yardstick_of(), group, score, is_household, among, rate)
    left = evidence_beyond_one_cause(*rest)
    assert left == pytest.approx(left_by_hand(*rest), abs=1e-6)
    assert 0.0 <= left <= score + 1e-9


@given(likely_claimed(), holdings(), groups(), yardsticks())
def test_where_nobody_orders_together_shopping_takes_nothing_away(
    drawn: tuple[list[Row], list[Row]], held: Held, group: Group, yardstick: Yardstick
) -> None:
    timeline, exposure = goods_of(*drawn)
    left = evidence_beyond_shopping(timeline, sharing_of(held), exposure, yardstick, group)
    assert 0.0 <= left <= MOST_DECADES
    if joint_orders_by_hand(exposure, group).trials.sum() == 0:
        assert left == MOST_DECADES


@given(likely_claimed(), groups(), yardsticks(), st.floats(0.05, 1.0))
def test_a_club_is_believed_so_many_bad_orders_and_claims_spread_over_days(
    drawn: tuple[list[Row], list[Row]], group: Group, yardstick: Yardstick, rate: float
) -> None:
    timeline, exposure = goods_of(*drawn)
    club = evidence_beyond_bad_goods(timeline, exposure, yardstick, group, rate)
    together = joint_orders_by_hand(exposure, group)
    found = len(events(timeline, yardstick, group, 2).merchant)
    tied = found - count_occasions(timeline, yardstick, group)
    apart, last = 0, -math.inf
    for day in sorted(events(timeline, yardstick, group, 2).begin.tolist()):
        if day - last >= yardstick.habit:
            apart, last = apart + 1, day
    claimed = min(together.claimed_units, max(1, min(together.claimed_units - tied, apart)))
    units = claimed + round(together.spared_units)
    chance = sum(
        math.comb(units, h) * rate**h * (1.0 - rate) ** (units - h) for h in range(claimed, units + 1)
    )
    assert club.spared == round(together.spared_units)
    assert club.too_many == pytest.approx(max(0.0, -math.log10(chance)), abs=1e-6)
    assert club.too_close == pytest.approx(evidence_beyond_habit(timeline, yardstick, group))


def test_without_orders_shopping_explains_nothing() -> None:
    timeline = timeline_of([(m, 400 + 60 * m + b, b) for m in range(4) for b in range(3)])
    group, exposure = np.arange(3), no_orders(timeline)
    assert joint_orders(exposure, group).orders == 0
    left = evidence_beyond_shopping(timeline, sharing_of({}), exposure, yardstick_of(), group)
    assert left == MOST_DECADES
    assert evidence_beyond_one_cause(timeline, exposure, yardstick_of(), group, 7.5, True, 1.0, 0.1) == 7.5


CROWD, SHOPS = 200, 12
GROUP = np.arange(4)
ONE_HOME: Held = {(0, 0): set(GROUP.tolist())}
BASKETS = [(n * 5 % SHOPS, 40 + 100 * n) for n in range(14)]
"""(merchant, tick)"""


def in_a_crowd(claims: list[Row], given_orders: list[Row]) -> tuple[Timeline, Exposure]:
    """Lay out what a group does among a crowd who claim for a tenth of their orders."""
    chance = np.random.default_rng(4)
    crowd = [
        (int(m), int(t), int(b))
        for m, t, b in zip(
            chance.integers(0, SHOPS, 3000),
            chance.integers(0, 1500, 3000),
            chance.integers(len(GROUP), CROWD, 3000),
            strict=True,
        )
    ]
    lost = [(m, t + int(chance.integers(8, 60)), b) for m, t, b in crowd[::10]]
    everything = claims_of_rows([*claims, *lost])
    timeline = lay_out(everything, CROWD, SHOPS, 0.0)
    orders = orders_of_rows([*given_orders, *crowd])
    first = int(everything.filed_at.min())
    claimed, _ = claimed_orders(orders, timeline, first)
    return timeline, expose(orders, claimed, timeline, first, TOGETHER_DAYS)


def shared(baskets: list[tuple[int, int]], later: int) -> list[Row]:
    return [(merchant, tick + later + b % 2, b) for merchant, tick in baskets for b in GROUP.tolist()]


def left_of(claims: list[Row], orders: list[Row], score: float, is_household: bool) -> tuple[float, float]:
    """Give what is left beyond one cause, and beyond shopping, of a group that was given `score`."""
    timeline, exposure = in_a_crowd(claims, orders)
    sharing = sharing_of(ONE_HOME if is_household else {}, CROWD)
    among = math.log10(2.0 if is_household else CROWD)
    return (
        evidence_beyond_one_cause(
            timeline, exposure, yardstick_of(), GROUP, score, is_household, among, exposure.rate
        ),
        evidence_beyond_shopping(timeline, sharing, exposure, yardstick_of(), GROUP),
    )


@pytest.mark.parametrize("lost", [2, 3, 4])
def test_a_family_that_loses_whole_parcels_loses_its_evidence(lost: int) -> None:
    one_cause, _ = left_of(shared(BASKETS[:lost], 24), shared(BASKETS, 0), 20.0, True)
    assert one_cause < 2.0


@pytest.mark.parametrize("decoys", [0, 3, 6])
@pytest.mark.parametrize("is_household", [True, False])
def test_a_ring_with_decoys_keeps_enough_evidence(decoys: int, is_household: bool) -> None:
    one_cause, shopping = left_of(
        shared(BASKETS[:8], 24), shared(BASKETS[: 8 + decoys], 0), 20.0, is_household
    )
    assert one_cause > 3.5
    assert shopping > 10.0


def test_orders_at_shops_where_everybody_orders_every_day_do_not_excuse_a_ring() -> None:
    hits = [(n % SHOPS, 100 + 100 * n) for n in range(6)]
    daily = [(m, 8 * t + b, b) for m, _ in hits for t in range(180) for b in GROUP.tolist()]
    claims = [(m, t + 3 * b, b) for m, t in hits for b in GROUP.tolist()]
    throng = [(m, t + b % 8, b) for m, t, b in daily for b in range(len(GROUP), CROWD, 4)]
    _, shopping = left_of(claims, [*daily, *throng], 20.0, False)
    assert shopping > 5.0


@pytest.mark.parametrize("decoys", [0, 1, 6, 30])
def test_decoys_of_strangers_cost_them_nothing(decoys: int) -> None:
    baskets = [(n * 5 % SHOPS, 40 + 35 * n) for n in range(8 + decoys)]
    left, _ = left_of(shared(baskets[:8], 24), shared(baskets, 0), 20.0, False)
    assert left == 20.0


def test_joint_losses_of_households_are_as_frequent_as_the_holders_of_rare_values_show() -> None:
    baskets = [(n % SHOPS, 60 * n) for n in range(20)]
    families = {(0, home): {4 + 2 * home, 5 + 2 * home} for home in range(30)}
    orders = [(m, t + home, b) for m, t in baskets for (_, home), both in families.items() for b in both]
    lost = [
        (m, t + home + 20, b) for m, t in baskets[:2] for (_, home), both in families.items() for b in both
    ]
    _, exposure = in_a_crowd(lost, orders)
    rate = household_loss_rate(exposure, sharing_of(families, CROWD))
    assert rate == pytest.approx(0.1, abs=0.03)
    assert rate <= exposure.rate
    assert household_loss_rate(exposure, sharing_of({}, CROWD)) == exposure.rate


def test_a_club_whose_goods_were_bad_for_everyone_loses_its_evidence() -> None:
    bought = [(m, t + b % 3, b) for m, t in BASKETS[:6] for b in range(20, 50)]
    bad_for_all = [(m, t + 24, b) for m, t, b in bought if b % 4]
    club, goods = shared(BASKETS[:6], 24), shared(BASKETS[:6], 0)
    _, ring = left_of([*club], [*goods, *bought], 20.0, False)
    _, honest = left_of([*club, *bad_for_all], [*goods, *bought], 20.0, False)
    assert honest < 2.0 < 10.0 < ring


def test_where_every_known_order_was_claimed_for_a_bundle_is_worth_nothing_and_four_acts_are() -> None:
    for apart, left in ((0, 0.0), (100, 9.0)):
        orders = [(m, apart * m, b) for m in range(4) for b in range(3)]
        timeline, exposure = goods_of([(m, t + 20 + b % 2, b) for m, t, b in orders], orders)
        assert exposure.rate == 1.0
        rest = (timeline, exposure, yardstick_of(), np.arange(3), 9.0, False, 1.0, exposure.rate)
        assert evidence_beyond_one_cause(*rest) == left


def left_of_a_club(claimed: int, days: float) -> tuple[float, float]:
    """Give the decades (too many, too close) of strangers who claim for `claimed` orders over `days`."""
    chance = np.random.default_rng(7)
    late = [
        (merchant, tick + 24 + int(chance.uniform(0.0, 4 * days)), b)
        for merchant, tick in BASKETS[:claimed]
        for b in GROUP.tolist()
    ]
    timeline, exposure = in_a_crowd(late, shared(BASKETS, 0))
    club = evidence_beyond_bad_goods(timeline, exposure, yardstick_of(), GROUP, 0.5)
    assert club.spared >= 2 - (claimed > 12)
    return club.too_many, club.too_close


@pytest.mark.parametrize("claimed", [3, 6, 8])
def test_a_club_that_shares_bad_goods_now_and_then_keeps_no_evidence(claimed: int) -> None:
    assert sum(left_of_a_club(claimed, 4.0)) < 2.0


def test_who_claims_at_once_or_for_nearly_all_is_no_club() -> None:
    too_many, too_close = left_of_a_club(8, 0.0)
    assert too_many < 1.0
    assert too_close > 2.0
    too_many, too_close = left_of_a_club(13, 4.0)
    assert too_many > 2.0
    assert too_close < 1.0
