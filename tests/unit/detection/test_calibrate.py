"""p-values: tails of what chance shows, and what they say of rings."""

import math
from dataclasses import replace

import numpy as np
import pytest
from group_scenes import Visit, scene, strangers
from hypothesis import given
from hypothesis import strategies as st

from ringfence.detection.calibrate import Calibration, Tail, calibrate, fit_tail, judge_by_p
from ringfence.detection.candidates import Proposals
from ringfence.detection.detect import propose
from ringfence.detection.parameters import CalibrationParameters, Parameters
from ringfence.detection.prepare import Prepared
from ringfence.detection.ranges import InvalidParameterError
from ringfence.detection.soundness import strength
from ringfence.domain.leads import LeadKind
from ringfence.domain.progress import Silent

DEFAULTS = Parameters()
FLOOR = DEFAULTS.calibration.floor
STRENGTHS = st.lists(st.floats(-5.0, 30.0), max_size=60)


ORDERS = [(0, 0, -5.0)]
"""Orders are known; where none are, fewer candidates of chance pass the rules."""


def crowd(seed: int, buyers: int = 150) -> list[Visit]:
    """Strangers, each of whom claims at least once."""
    first = [(buyer, buyer % 12, 2.0 * buyer) for buyer in range(buyers)]
    return [*strangers(seed, range(buyers), 12, 4 * buyers), *first]


def ringed(joins: float) -> Prepared:
    """Five who hit ten merchants within hours, each of them a share `joins` of the times, among strangers."""
    rng = np.random.default_rng(8)
    hits = [
        (member, 20 + hit, 15.0 + 30.0 * hit + float(rng.uniform(0.0, 0.4)))
        for hit in range(10)
        for member in range(150, 155)
        if hit < 2 or rng.random() < joins
    ]
    noise = strangers(3, range(155), 12, 200)
    passers_by = [(int(rng.integers(150)), 20 + i % 10, float(rng.uniform(0, 365))) for i in range(300)]
    return scene([*crowd(3), *noise, *passers_by, *hits])


@given(STRENGTHS, st.floats(-5.0, 40.0), st.floats(0.01, 5.0))
def test_stronger_candidates_are_rarer(seen: list[float], decades: float, more: float) -> None:
    tail = fit_tail(seen, 6, FLOOR, 20)
    assert tail.expected(decades + more) <= tail.expected(decades)
    assert 0.0 <= Calibration(0, {"a": tail}).p_value(decades) <= 1.0


def test_nothing_below_the_start_of_the_tail_is_evidence() -> None:
    tail = fit_tail([], 6, FLOOR, 20)
    assert tail.expected(FLOOR - 0.1) == math.inf
    assert Calibration(0, {"a": tail}).p_value(FLOOR - 0.1) == 1.0


def test_a_tail_is_made_of_the_strongest_candidates() -> None:
    tail = fit_tail([1.0, 5.0, 3.0, 2.0, 4.0, -9.0], 6, FLOOR, 2)
    assert tail == Tail(runs=6, start=3.0, count=2, excess=3.0)


def test_more_marketplaces_without_a_candidate_make_a_ring_less_likely_by_chance() -> None:
    few, many = (fit_tail([], runs, FLOOR, 20).expected(2.0) for runs in (2, 20))
    assert many == pytest.approx(few / 10)


@pytest.mark.parametrize("slope", [0.3, 0.5, 0.9])
def test_a_fitted_tail_is_near_the_truth_and_not_below_it(slope: float) -> None:
    rng = np.random.default_rng(1)
    drawn = [fit_tail(FLOOR + rng.exponential(slope, 40), 4, FLOOR, 100).expected(0.5) for _ in range(200)]
    truth = 10.0 * math.exp(-3.0 / slope)
    assert truth < float(np.mean(drawn)) < max(8.0 * truth, truth + 0.01)


def test_candidates_of_all_kinds_add_up() -> None:
    tail = fit_tail([0.0, 1.0], 6, FLOOR, 20)
    both = Calibration(0, {"a": tail, "b": tail})
    assert both.expected(2.0) == pytest.approx(2 * tail.expected(2.0))
    assert both.p_value(2.0) == pytest.approx(1 - math.exp(-2 * tail.expected(2.0)))


def test_a_ring_stands_out_from_its_null_and_a_bolder_one_more_so() -> None:
    found = []
    for joins in (0.6, 1.0):
        market = ringed(joins)
        proposals = propose(market, DEFAULTS, Silent())
        calibration = calibrate(market, proposals, propose, DEFAULTS, Silent())
        assert calibration is not None
        found.append(judge_by_p(market, proposals, calibration, DEFAULTS).rings[0].p_value)
    shy, bold = found
    assert shy is not None
    assert bold is not None
    assert bold < shy < 0.05
    assert bold < 0.001


def test_what_chance_shows_too_often_is_a_lead() -> None:
    market = ringed(1.0)
    proposals = propose(market, DEFAULTS, Silent())
    calibration = calibrate(market, proposals, propose, DEFAULTS, Silent())
    assert calibration is not None
    strict = replace(DEFAULTS, calibration=replace(DEFAULTS.calibration, ring_p_value=1e-300))
    judged = judge_by_p(market, proposals, calibration, strict)
    assert judged.rings == []
    weak = [lead for lead in judged.leads if lead.refusal is LeadKind.WEAK_EVIDENCE]
    assert [lead.members.tolist() for lead in weak] == [ring.members.tolist() for ring in proposals.rings]
    assert all(lead.p_value is not None for lead in weak)


def test_p_values_can_be_left_out() -> None:
    market, asked = ringed(1.0), DEFAULTS.without_p_values()
    assert calibrate(market, propose(market, asked, Silent()), propose, asked, Silent()) is None


def test_a_marketplace_of_rings_alone_has_nothing_to_compare_with() -> None:
    market = ringed(1.0)
    found = propose(market, DEFAULTS, Silent())
    everybody = replace(found.rings[0], members=np.arange(market.buyers))
    assert calibrate(market, Proposals([everybody], []), propose, DEFAULTS, Silent()) is None


def test_null_marketplaces_are_searched_until_chance_has_shown_enough() -> None:
    market = scene(crowd(1), ORDERS)
    found = propose(market, DEFAULTS, Silent())
    for enough, at_most in ((1, 3), (10**9, 5)):
        rules = replace(DEFAULTS, calibration=CalibrationParameters(null_runs=5, enough=enough))
        calibration = calibrate(market, found, propose, rules, Silent())
        assert calibration is not None
        assert max(tail.runs for tail in calibration.tails.values()) == at_most


def test_p_values_of_chance_are_spread_over_zero_to_one() -> None:
    lowered = replace(DEFAULTS, ring_score=FLOOR)
    lowest = []
    for seed in range(24):
        first = [(buyer, buyer % 60, 1.2 * buyer) for buyer in range(300)]
        market = scene([*strangers(100 + seed, range(300), 60, 1_500), *first], ORDERS)
        found = propose(market, DEFAULTS, Silent())
        calibration = calibrate(market, found, propose, DEFAULTS, Silent())
        assert calibration is not None
        candidates = propose(market, lowered, Silent()).rings
        p_values = [calibration.p_value(strength(one, market, DEFAULTS)) for one in candidates]
        lowest.append(min(p_values, default=1.0))
    often, half, tenth, hundredth = (sum(p <= x for p in lowest) for x in (0.9, 0.5, 0.1, 0.01))
    assert often >= 12  # of 24; each of the others is exceeded once in a thousand
    assert half <= 19
    assert tenth <= 8
    assert hundredth <= 2


@pytest.mark.parametrize(
    "wrong", [{"null_runs": -1}, {"enough": 0}, {"ring_p_value": 0.0}, {"block_days": 0}]
)
def test_calibration_parameters_out_of_range_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(InvalidParameterError):
        CalibrationParameters(**wrong)  # type: ignore[arg-type]
