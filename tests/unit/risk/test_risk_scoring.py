"""Facts in, probabilities and reasons out."""

import math
from dataclasses import replace
from string import Formatter
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.domain.policy import RiskPolicy
from ringfence.domain.risk import Language, RiskBand
from ringfence.risk.facts import FACTS
from ringfence.risk.scoring import band, decades, score
from ringfence.risk.signals import NAMES, SIGNALS
from ringfence.risk.texts import TEXTS, reason

POLICY = RiskPolicy()
NOBODY: dict[str, Any] = {
    "buyer_id": "b",
    "ring_id": None,
    "ring_score": 0.0,
    "ring_size": None,
    "ring_claims": None,
    "link_score": 0.0,
    "linked_to": None,
    "lead_score": 0.0,
    "lead_id": None,
    "claims": 0,
    "refund_only": 0,
    "recent_refund_only": 0,
    "orders": 0,
    "report_weight": 0.0,
    "report_merchants": 0,
    "confirmed": 0,
    "rejected": 0,
    "shared_values": 0,
    "account_days": 400,
    "lost": 0.0,
}
IN_RING = {"ring_id": "r1", "ring_score": 8.0, "ring_size": 6}


def scored(**facts: Any) -> dict[str, float]:
    row: dict[str, float] = score(pl.DataFrame([NOBODY | facts], schema=FACTS), POLICY).row(0, named=True)
    return row


def test_without_any_fact_the_risk_is_the_base_rate() -> None:
    told = scored()
    assert told["probability"] == pytest.approx(POLICY.base_percent / 100)
    assert {told[name] for name in NAMES} == {0.0}


@pytest.mark.parametrize(
    ("facts", "signal", "weight"),
    [
        (IN_RING, "ring", 3.8),
        (IN_RING | {"ring_score": 50.0}, "ring", 4.0),
        ({"ring_id": "r1", "ring_score": 0.0, "ring_size": 6}, "ring", 0.0),
        ({"link_score": 3.0, "linked_to": "c"}, "links", 0.6),
        ({"lead_score": 0.5, "lead_id": "l1"}, "lead", 0.7),
        ({"lead_score": 90.0, "lead_id": "l1"}, "lead", 0.7),
        ({"lead_score": 0.0, "lead_id": "l1"}, "lead", 0.0),
        (IN_RING | {"lead_score": 9.0, "lead_id": "l1"}, "lead", 0.0),
        ({"link_score": 30.0, "linked_to": "c"}, "links", 1.0),
        (IN_RING | {"link_score": 30.0, "linked_to": "c"}, "links", 0.0),
        ({"recent_refund_only": 1}, "refund_only_frequency", 0.0),
        ({"recent_refund_only": 3}, "refund_only_frequency", 0.5),
        ({"recent_refund_only": 9}, "refund_only_frequency", 1.0),
        ({"orders": 10, "refund_only": 4}, "refund_only_share", 0.7),
        ({"orders": 10, "refund_only": 1}, "refund_only_share", 0.0),
        ({"orders": 5, "refund_only": 5}, "refund_only_share", 0.0),
        ({"orders": None, "refund_only": 5}, "refund_only_share", 0.0),
        ({"report_weight": 2.0}, "reports", 1.0),
        ({"report_weight": 20.0}, "reports", 1.5),
        ({"confirmed": 3}, "verifications", 1.5),
        ({"rejected": 1}, "verifications", -0.5),
        ({"confirmed": 1, "rejected": 9}, "verifications", 0.5),
        ({"shared_values": 1}, "shared_with_confirmed", 1.0),
        ({"shared_values": 7}, "shared_with_confirmed", 2.0),
        ({"account_days": 29}, "new_account", 0.3),
        ({"account_days": None}, "new_account", 0.0),
        ({"lost": 0.99}, "loss", 0.3),
        ({"orders": 99}, "honest_history", -1.0),
        ({"orders": 9_999}, "honest_history", -1.0),
        ({"orders": 19, "refund_only": 10}, "honest_history", -0.5),
    ],
)
def test_a_signal_weighs_what_the_policy_says(facts: dict[str, Any], signal: str, weight: float) -> None:
    assert scored(**facts)[signal] == pytest.approx(weight)


def test_weights_add_up_to_the_odds() -> None:
    told = scored(**IN_RING, recent_refund_only=3, orders=99)
    expected = decades(POLICY.base_percent) + 3.8 + 0.5 - 1.0
    assert math.log10(told["probability"] / (1 - told["probability"])) == pytest.approx(expected)


@given(
    weight=st.floats(0, 1e6),
    others=st.fixed_dictionaries(
        {
            "recent_refund_only": st.integers(0, 9),
            "account_days": st.integers(0, 60),
            "link_score": st.floats(0, 9),
            "lost": st.floats(0, 1),
            "orders": st.integers(0, 500),
        }
    ),
)
def test_reports_alone_never_make_a_risk_high(weight: float, others: dict[str, Any]) -> None:
    without = band(scored(**others)["probability"], POLICY)
    reported = band(scored(**others, report_weight=weight)["probability"], POLICY)
    assert reported is not RiskBand.HIGH or without is RiskBand.HIGH


@given(
    weight=st.floats(0, 100),
    reports=st.floats(0, 3),
    others=st.fixed_dictionaries(
        {
            "recent_refund_only": st.integers(0, 9),
            "link_score": st.floats(0, 9),
            "confirmed": st.integers(0, 1),
        }
    ),
)
def test_a_lead_never_makes_a_risk_high_not_even_with_reports(
    weight: float, reports: float, others: dict[str, Any]
) -> None:
    policy = replace(POLICY, lead=weight)
    table = pl.DataFrame(
        [NOBODY | others | {"report_weight": reports, "lead_score": score} for score in (0.0, 40.0)],
        schema=FACTS,
    )
    without, with_lead = (band(chance, policy) for chance in score(table, policy)["probability"])
    assert with_lead is not RiskBand.HIGH or without is RiskBand.HIGH


def test_a_lead_by_itself_leaves_a_risk_low_and_lifts_others_to_medium() -> None:
    in_lead = {"lead_score": 12.0, "lead_id": "l1"}
    assert band(scored(**in_lead)["probability"], POLICY) is RiskBand.LOW
    assert band(scored(link_score=5.0, linked_to="c")["probability"], POLICY) is RiskBand.LOW
    lifted = scored(**in_lead, link_score=5.0, linked_to="c")
    assert band(lifted["probability"], POLICY) is RiskBand.MEDIUM


def test_reports_raise_a_risk_to_medium() -> None:
    assert band(scored()["probability"], POLICY) is RiskBand.LOW
    assert band(scored(report_weight=3.0)["probability"], POLICY) is RiskBand.MEDIUM


def test_a_member_of_a_ring_is_at_high_risk() -> None:
    assert band(scored(**IN_RING)["probability"], POLICY) is RiskBand.HIGH


@pytest.mark.parametrize("language", list(Language))
def test_every_signal_is_explained_in_every_language_by_facts(language: Language) -> None:
    assert set(TEXTS[language]) == set(NAMES)
    for signal in SIGNALS:
        text = TEXTS[language][signal.__name__]
        named = {name for _, name, _, _ in Formatter().parse(text.reason) if name}
        assert named
        assert named <= set(FACTS)
        assert text.explanation.strip()
        lowers = scored(orders=99)[signal.__name__] < 0
        assert (text.would_lower is None) == lowers


def test_texts_of_two_languages_differ() -> None:
    for name in NAMES:
        assert TEXTS[Language.ENGLISH][name].explanation != TEXTS[Language.CHINESE][name].explanation


def test_a_reason_names_what_it_rests_on() -> None:
    told = reason("ring", NOBODY | IN_RING, Language.ENGLISH)
    assert told == "Member of ring r1, 6 buyers, 8.0 decades of evidence."
    assert reason("new_account", NOBODY | {"account_days": None}, Language.ENGLISH) == (
        "Age of the account in days: unknown."
    )
    assert "r1" in reason("ring", NOBODY | IN_RING, Language.CHINESE)
