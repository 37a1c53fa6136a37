"""What a rule that refused a group leaves is what the rule itself found."""

import re
import secrets
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from ringfence.detection.candidates import Candidate
from ringfence.detection.detect import propose
from ringfence.detection.parameters import Parameters
from ringfence.detection.prepare import Prepared, prepare
from ringfence.detection.soundness import refusal
from ringfence.detection.why_not import why_not
from ringfence.detection.wording import below, duration, duration_at_most
from ringfence.domain.leads import LeadKind
from ringfence.domain.progress import Silent
from ringfence.domain.rings import DetectionMethod
from ringfence.generator import GeneratorOptions, generate_marketplace
from ringfence.intake import IntakeOptions, PseudonymKey, market_from_frames

PARAMETERS = Parameters()
LEFT = re.compile(
    r"Not a ring: ([^0-9]+|up to .+ may be bad, and given that), "
    r"(?:(\d+\.\d+) decades are left|nothing is left of the evidence);"
)
EXTRAS = ("deal_club_40", "lost_shipment", "joint_parcels", "subscription_box")


def leads_of(seed: int, *, with_orders: bool) -> tuple[Prepared, Sequence[Candidate]]:
    options = GeneratorOptions(buyers=1500, seed=seed, stealth=0.4, extras=EXTRAS)
    market = generate_marketplace(options)
    orders = market.orders if with_orders else None
    key = PseudonymKey(secrets.token_bytes(32))
    read = market_from_frames(market.claims, orders, None, key=key, options=IntakeOptions()).market
    prepared = prepare(read, PARAMETERS, Silent())
    return prepared, propose(prepared, PARAMETERS, Silent()).leads


@pytest.mark.parametrize(("seed", "with_orders"), [(6, True), (7, True), (6, False)])
def test_at_a_bar_of_what_is_said_to_be_left_the_rule_would_have_passed(seed: int, with_orders: bool) -> None:
    prepared, leads = leads_of(seed, with_orders=with_orders)
    told = 0
    for lead in leads:
        said = LEFT.match(why_not(lead, 2, prepared, PARAMETERS))
        if said is None or lead.method not in (DetectionMethod.COINCIDENCE, DetectionMethod.BLOCKS):
            continue
        told += 1
        clause, left = said.group(1), float(said.group(2) or 0.0)
        step = 10.0 ** -len((said.group(2) or "0.0").partition(".")[2])
        assert left < PARAMETERS.ring_score
        above = replace(PARAMETERS, ring_score=left + step)
        assert refusal(lead, prepared, above) is lead.refusal
        assert clause in why_not(lead, 2, prepared, above)
        if left > step:
            below_it = replace(PARAMETERS, ring_score=left - step)
            other = LEFT.match(why_not(lead, 2, prepared, below_it))
            assert other is None or other.group(1) != clause
            if lead.refusal is LeadKind.ONE_MERCHANT:
                assert refusal(lead, prepared, below_it) is not LeadKind.ONE_MERCHANT
    assert told


def test_where_no_orders_are_known_a_lead_says_how_much_closer_its_claims_had_to_lie() -> None:
    prepared, leads = leads_of(8, with_orders=False)
    found = [lead for lead in leads if lead.refusal is LeadKind.SHARED_SHOPPING]
    said = [why_not(lead, 2, prepared, PARAMETERS) for lead in found]
    closer = [
        match for each in said if (match := re.search(r"by only ([\d.]+) decades; .* ([\d.]+)\.$", each))
    ]
    assert closer
    assert all(float(match[1]) < float(match[2]) for match in closer)
    assert {match[2] for match in closer} <= {"1", "2.5"}


def a_lead(refused: LeadKind, method: DetectionMethod, score: float = 9.0) -> Candidate:
    return Candidate(np.arange(3), score, method, refusal=refused)


@pytest.mark.parametrize(
    ("lead", "merchants", "said"),
    [
        pytest.param(
            replace(a_lead(LeadKind.WEAK_EVIDENCE, DetectionMethod.BLOCKS), p_value=0.2),
            2,
            "a marketplace of this shape without rings shows as strong a group with a chance of 0.2000, more "
            "than the 0.05 that a ring may have.",
            id="p-value",
        ),
        pytest.param(
            a_lead(LeadKind.ONE_MERCHANT, DetectionMethod.COINCIDENCE),
            1,
            "what chance does not explain is all at one merchant; a ring needs two.",
            id="one merchant",
        ),
        pytest.param(
            a_lead(LeadKind.ONE_OCCASION, DetectionMethod.COINCIDENCE),
            1,
            "what chance does not explain is all at one merchant; a ring needs two.",
            id="one merchant and one occasion",
        ),
        pytest.param(
            a_lead(LeadKind.ONE_OCCASION, DetectionMethod.COINCIDENCE),
            2,
            "none of these 3 buyers has joint claims at two merchants on two separate occasions; "
            "a ring needs 2 who do.",
            id="one occasion",
        ),
        pytest.param(
            a_lead(LeadKind.ONE_MERCHANT, DetectionMethod.WAVES),
            1,
            "all of it is at one merchant, and the orders behind these claims are not known.",
            id="waves",
        ),
        pytest.param(
            a_lead(LeadKind.ONE_MERCHANT, DetectionMethod.IDENTIFIERS),
            2,
            "without the merchant it rests on most, nothing is left of the evidence.",
            id="identifiers",
        ),
    ],
)
def test_what_no_rule_leaves_is_said_in_words(lead: Candidate, merchants: int, said: str) -> None:
    prepared, _ = leads_of(9, with_orders=False)
    assert why_not(lead, merchants, prepared, PARAMETERS) == f"Not a ring: {said}"


@pytest.mark.parametrize(
    ("value", "bar", "text"),
    [(0.7, 2.0, "0.7"), (1.94, 2.0, "1.9"), (1.96, 2.0, "1.96"), (1.9999, 2.0, "1.9999")],
)
def test_a_number_below_a_bar_is_written_so_that_it_is(value: float, bar: float, text: str) -> None:
    assert below(value, bar) == text


def test_times_of_whole_days_are_said_in_days() -> None:
    assert [duration(days) for days in (1.0, 1.05, 2.0, 7.0, 7.3)] == [
        "1 day",
        "25.2 h",
        "2 days",
        "7 days",
        "7.3 days",
    ]
    assert duration_at_most(1.0) == "1 day"
