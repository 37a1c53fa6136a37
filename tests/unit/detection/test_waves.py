from collections.abc import Iterable

import numpy as np
import pytest
from group_scenes import SPAN_DAYS, Visit, scene, strangers

from ringfence.detection.candidates import Proposals
from ringfence.detection.methods.waves.calendar import is_subscription, keeps_a_calendar
from ringfence.detection.methods.waves.judge import judge_waves
from ringfence.detection.methods.waves.rings import find_candidates
from ringfence.detection.parameters import Parameters
from ringfence.detection.prepare import Prepared
from ringfence.domain.leads import LeadKind
from ringfence.domain.progress import Silent
from ringfence.domain.rings import DetectionMethod

SHOP = 0
STRANGERS = 400


def found_in(prepared: Prepared) -> Proposals:
    return find_candidates(prepared, Parameters(), Silent())


def random_days(rng: np.random.Generator, count: int) -> list[float]:
    """Draw days at least eight days apart, on no calendar."""
    room = SPAN_DAYS - 20.0 - 8.0 * count
    days = np.sort(rng.uniform(0.0, room, count)) + 8.0 * np.arange(count) + 10.0
    return [float(day) for day in days]


def marketplace(seed: int) -> list[Visit]:
    """Draw strangers' claims: each about 4, at 40 merchants, a hundred claims at the shop among them."""
    everyone = [(b, b % 40, float(b % 360)) for b in range(STRANGERS)]
    return everyone + strangers(seed, range(STRANGERS), 40, 4 * STRANGERS)


def waves(
    rng: np.random.Generator, days: Iterable[float], members: Iterable[int], share: float, spread: float = 1.0
) -> list[Visit]:
    """Let `share` of the members join each wave at the shop."""
    return [
        (b, SHOP, day + rng.uniform(0.0, spread)) for day in days for b in members if rng.random() < share
    ]


def ordered_before(claims: Iterable[Visit]) -> list[Visit]:
    """Order what every claim is about."""
    return [(b, m, day - 5.0) for b, m, day in claims]


def recalled(proposals: Proposals, members: Iterable[int]) -> float:
    own = {b for ring in proposals.rings for b in ring.members.tolist()}
    assert own <= set(members)
    return len(own) / len(set(members))


@pytest.mark.parametrize("seed", range(6))
def test_ten_waves_at_one_merchant_are_a_ring(seed: int) -> None:
    rng = np.random.default_rng(seed)
    members = range(STRANGERS, STRANGERS + 12)
    own = strangers(seed + 100, members, 40, 36)
    claims = marketplace(seed) + own + waves(rng, random_days(rng, 10), members, 0.7)
    proposals = found_in(scene(claims, ordered_before(claims)))
    assert recalled(proposals, members) >= 0.8
    assert [ring.method for ring in proposals.rings] == [DetectionMethod.WAVES]


def test_waves_are_a_lead_where_orders_are_unknown() -> None:
    rng = np.random.default_rng(7)
    members = range(STRANGERS, STRANGERS + 12)
    claims = marketplace(7) + waves(rng, random_days(rng, 10), members, 0.9)
    proposals = found_in(scene(claims))
    assert proposals.rings == []
    assert [lead.refusal for lead in proposals.leads] == [LeadKind.ONE_MERCHANT]
    assert proposals.leads[0].members.tolist() == list(members)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("period", [7.0, 14.0, 30.44])
def test_a_subscription_box_is_no_ring(seed: int, period: float) -> None:
    rng = np.random.default_rng(seed)
    members = range(STRANGERS, STRANGERS + 30)
    deliveries = np.arange(15.0, 350.0, period)
    orders = waves(rng, deliveries, members, 1.0)
    claims = marketplace(seed) + [(b, m, day + 3.0) for b, m, day in orders if rng.random() < 0.35]
    claims += [(b, 1, 100.0) for b in members]
    for known in (ordered_before(claims) + orders, None):
        proposals = found_in(scene(claims, known))
        assert proposals.rings == []


@pytest.mark.parametrize("seed", range(4))
def test_customers_who_claim_after_a_shops_drops_are_no_ring(seed: int) -> None:
    """Everybody comes on the days of a drop, and the faulty part of it comes back in a wave."""
    rng = np.random.default_rng(seed)
    days = random_days(rng, 8)
    orders = waves(rng, days, range(STRANGERS), 0.5)
    claims = marketplace(seed) + [(b, m, day + 3.0) for b, m, day in orders if rng.random() < 0.3]
    proposals = found_in(scene(claims, ordered_before(claims) + orders))
    assert proposals.rings == []


@pytest.mark.parametrize("seed", range(4))
def test_regulars_who_claim_for_what_goes_wrong_are_no_ring(seed: int) -> None:
    rng = np.random.default_rng(seed)
    regulars = range(STRANGERS, STRANGERS + 40)
    orders = [(b, SHOP, day) for b in regulars for day in rng.uniform(0.0, SPAN_DAYS - 5.0, 30)]
    claims = marketplace(seed) + [(b, m, day + 3.0) for b, m, day in orders if rng.random() < 0.3]
    claims += [(b, 1, 100.0) for b in regulars]
    for known in (ordered_before(claims) + orders, None):
        assert found_in(scene(claims, known)).rings == []


@pytest.mark.parametrize("seed", range(4))
def test_regulars_of_a_busy_year_are_no_ring_in_fifty_years(seed: int) -> None:
    rng = np.random.default_rng(seed)
    regulars = range(STRANGERS, STRANGERS + 40)
    begin = 49.0 * SPAN_DAYS
    claims = [(b, SHOP, rng.uniform(0.0, begin)) for b in range(STRANGERS)]
    claims += [(b, m, begin + day) for b, m, day in marketplace(seed)]
    claims += [(b, SHOP, begin + rng.uniform(0.0, SPAN_DAYS)) for b in regulars for _ in range(9)]
    assert found_in(scene(claims, ordered_before(claims))).rings == []


def test_friends_who_order_together_and_claim_for_the_lesser_part_are_a_lead() -> None:
    rng = np.random.default_rng(3)
    friends = range(STRANGERS, STRANGERS + 8)
    orders = waves(rng, random_days(rng, 24), friends, 1.0)
    claims = marketplace(3) + [(b, m, day + 3.0) for i, (b, m, day) in enumerate(orders) if (i // 8) % 2 == 0]
    proposals = found_in(scene(claims, ordered_before(claims[: -len(orders) // 2]) + orders))
    assert proposals.rings == []
    assert {lead.refusal for lead in proposals.leads} <= {LeadKind.SHARED_SHOPPING}


def test_two_waves_are_too_few_whatever_their_size() -> None:
    rng = np.random.default_rng(2)
    members = range(STRANGERS, STRANGERS + 60)
    claims = marketplace(2) + waves(rng, [100.0, 210.0], members, 1.0)
    prepared = scene(claims, ordered_before(claims))
    everyone = np.array(members)
    cells = [(99.0, 102.0), (209.0, 212.0)]
    assert judge_waves(prepared, Parameters(), everyone, SHOP, cells) is None
    assert found_in(prepared).rings == []


def test_waves_closer_than_five_days_count_as_one() -> None:
    rng = np.random.default_rng(2)
    members = np.arange(STRANGERS, STRANGERS + 20)
    days = [100.0, 103.0, 106.5, 230.0]
    claims = marketplace(2) + waves(rng, days, members.tolist(), 1.0, spread=0.5)
    prepared = scene(claims, ordered_before(claims))
    cells = [(day, day + 0.5) for day in days]
    judged = judge_waves(prepared, Parameters(), members, SHOP, cells)
    assert judged is not None  # days 100, 106.5 and 230
    assert judge_waves(prepared, Parameters(), members, SHOP, [*cells[:2], cells[3]]) is None


def test_those_who_join_one_wave_are_no_members() -> None:
    rng = np.random.default_rng(4)
    members, guests = range(STRANGERS, STRANGERS + 12), range(STRANGERS + 12, STRANGERS + 16)
    days = random_days(rng, 8)
    claims = marketplace(4) + waves(rng, days, members, 0.9) + waves(rng, days[:1], guests, 1.0)
    prepared = scene(claims, ordered_before(claims))
    cells = [(day, day + 1.0) for day in days]
    judged = judge_waves(prepared, Parameters(), np.array([*members, *guests]), SHOP, cells)
    assert judged is not None
    assert judged.refusal is None
    assert judged.members.tolist() == list(members)


def test_waves_are_the_same_in_whatever_order_cells_and_buyers_come() -> None:
    rng = np.random.default_rng(5)
    members = range(STRANGERS, STRANGERS + 12)
    days = random_days(rng, 8)
    claims = marketplace(5) + waves(rng, days, members, 0.8)
    cells = [(day, day + 1.0) for day in days]
    number = rng.permutation(STRANGERS + len(members))
    renamed = [(int(number[b]), m, day) for b, m, day in claims]
    results = []
    for given, name in ((claims, np.arange(len(number))), (renamed, number)):
        prepared = scene(given, ordered_before(given))
        judged = judge_waves(prepared, Parameters(), np.sort(name[members]), SHOP, cells[::-1])
        assert judged is not None
        proposed = found_in(prepared).rings
        results.append([judged.score, *(ring.score for ring in proposed)])
        assert set(judged.members.tolist()) == set(name[members].tolist())
    assert results[0] == pytest.approx(results[1])


def test_no_times_no_waves() -> None:
    claims = [(b, b % 3, 0.0) for b in range(30) for _ in range(4)]
    assert found_in(scene(claims)).rings == []


@pytest.mark.parametrize("period", [7.0, 14.0, 28.0, 30.0, 30.44, 31.0])
def test_dates_of_a_calendar_are_known_with_some_missing_and_some_late(period: float) -> None:
    rng = np.random.default_rng(1)
    dates = np.arange(12) * period + 3.3 + rng.uniform(-0.5, 0.5, 12)
    assert keeps_a_calendar(dates[[0, 2, 3, 5, 8, 11]])
    assert not keeps_a_calendar(dates[:3])
    assert not keeps_a_calendar(np.append(dates[:6], dates[:6] + 10.0))


def test_dates_at_random_seldom_keep_a_calendar() -> None:
    rng = np.random.default_rng(1)
    kept = [keeps_a_calendar(np.sort(rng.uniform(0.0, SPAN_DAYS, 8))) for _ in range(400)]
    assert np.mean(kept) < 0.01


def subscribers(days: Iterable[float], elsewhere: list[Visit]) -> Prepared:
    boxes = [
        (b, SHOP, float(day) + 0.1 * (b - STRANGERS)) for day in days for b in range(STRANGERS, STRANGERS + 4)
    ]
    return scene(marketplace(1) + boxes + elsewhere)


def test_a_group_that_met_by_the_calendar_alone_subscribes_to_a_box() -> None:
    group = np.arange(STRANGERS, STRANGERS + 4)
    monthly = [20.0 + 30.44 * i for i in range(9)]
    hits = [(b, m, 37.0 * m + 0.1) for m in range(1, 8) for b in group.tolist()]
    assert is_subscription(subscribers(monthly, []), group)
    assert not is_subscription(subscribers(monthly, hits), group)
    assert not is_subscription(subscribers(random_days(np.random.default_rng(3), 9), []), group)
