"""A buyer's risk through the service, over every store."""

from collections.abc import Sequence

import pytest
from gang_market import ABUSERS, DAY, HONEST, NEW, NOW, VICTIMS, claim_again, fill, load

from ringfence.domain.errors import ForbiddenError, InvalidError, NotFoundError
from ringfence.domain.policy import Policy, RiskPolicy, VerificationPolicy
from ringfence.domain.ring_decisions import Outcome
from ringfence.domain.rings import RingQuery
from ringfence.domain.risk import BuyerRisk, Language, RiskBand
from ringfence.domain.scope import Principal, Role
from ringfence.domain.verifications import VerificationOutcome
from ringfence.services.buyer_risk import MOST_BUYERS, buyer_risk, buyers_risk
from ringfence.services.decide_rings import decide
from ringfence.services.detect_in_store import StoreDetectionRequest, detect_in_store
from ringfence.services.read_buyers import BuyerUnknownError
from ringfence.services.report_buyers import file_report
from ringfence.services.verify_buyers import appeal, decide_verification, open_verification
from ringfence.store import Store

ANA = Principal("ana", Role.INVESTIGATOR)
BO = Principal("bo", Role.INVESTIGATOR)
OPERATOR = Principal("op", Role.OPERATOR)
ORDERS = Principal("order system", Role.JOB)
VICTIM = Principal("victim's key", Role.MERCHANT, VICTIMS[0])
POLICY = Policy()
ABUSER = ABUSERS[0]


@pytest.fixture
def market(store: Store) -> Store:
    fill(store)
    detect(store, NOW)
    return store


def detect(store: Store, now: int, policy: Policy = POLICY) -> int:
    request = StoreDetectionRequest(publish_anyway="a small market by hand", policy=policy)
    return detect_in_store(request, store, lambda: now).run.run_id


def risk(store: Store, buyer: str = ABUSER, now: int = NOW + DAY, policy: Policy = POLICY) -> BuyerRisk:
    return buyer_risk(store, ANA, buyer, policy, now)


def signals(told: BuyerRisk) -> dict[str, str]:
    return {reading.signal: reading.reason for reading in told.readings}


def verify(store: Store, outcome: VerificationOutcome, now: int, buyer: str = ABUSER) -> str:
    opened = open_verification(store, ANA, buyer, "seen", POLICY, now)
    for who in (ANA, BO)[: 2 if outcome is VerificationOutcome.CONFIRMED else 1]:
        decide_verification(store, who, opened.verification_id, outcome, "looked at it all", POLICY, now)
    return opened.verification_id


def test_a_member_of_a_ring_is_at_high_risk_and_is_told_why(market: Store) -> None:
    told = risk(market)
    (ring,) = market.rings.page(RingQuery(buyer_id=ABUSER), 1).items
    assert told.band is RiskBand.HIGH
    assert told.probability is not None
    assert told.probability > 0.9
    assert signals(told)["ring"].startswith(f"Member of ring {ring.ring_id}, 4 buyers, ")
    assert told.readings[0].signal == "ring", "the strongest comes first"
    assert all(reading.would_lower for reading in told.readings if (reading.weight or 0) > 0)
    assert (told.run_id, told.as_of, told.policy) == (1, NOW + DAY, POLICY.name)


def test_years_of_honest_orders_lower_the_risk(market: Store) -> None:
    told = risk(market, HONEST)
    assert told.band is RiskBand.LOW
    assert [reading.signal for reading in told.readings if (reading.weight or 0) < 0] == ["honest_history"]
    assert signals(told)["honest_history"] == "Orders: 40; claims for a refund without return: 1."


def test_claims_that_were_refused_or_withdrawn_are_said_to_be_claims_not_refunds(market: Store) -> None:
    unpaid: list[dict[str, object]] = [
        {
            "claim_id": f"c-{status}",
            "buyer": HONEST,
            "merchant": merchant,
            "filed_at": NOW - DAY,
            "amount": 2_000,
            "currency": "EUR",
            "kind": "refund_only",
            "status": status,
        }
        for merchant, status in zip(NEW, ("refused", "withdrawn", "open"), strict=False)
    ]
    load(market, unpaid, [], NOW + DAY)
    detect(market, NOW + DAY)
    told = signals(risk(market, HONEST))
    assert told["honest_history"] == "Orders: 40; claims for a refund without return: 4."
    assert told["refund_only_frequency"] == "Recent claims for a refund without return: 3."


def test_reasons_are_told_in_chinese(market: Store) -> None:
    told = buyer_risk(market, ANA, HONEST, POLICY, NOW + DAY, language=Language.CHINESE)
    assert signals(told)["honest_history"] == "订单 40 笔，申请仅退款 1 次。"


def test_what_a_verification_found_outranks_the_score_for_a_time(market: Store) -> None:
    verification = verify(market, VerificationOutcome.CONFIRMED, NOW + DAY, HONEST)
    told = risk(market, HONEST)
    assert (told.band, told.verification_id) == (RiskBand.CONFIRMED, verification)
    assert told.probability == risk(market, HONEST, NOW).probability
    assert risk(market, HONEST, NOW + 366 * DAY).band is RiskBand.CONFIRMED
    assert risk(market, HONEST, NOW + 366 * DAY + 1).band is RiskBand.LOW
    cleared = verify(market, VerificationOutcome.REJECTED, NOW + DAY)
    told = risk(market)
    assert (told.band, told.verification_id) == (RiskBand.CLEARED, cleared)
    assert risk(market, now=NOW + 181 * DAY).band is RiskBand.CLEARED
    assert risk(market, now=NOW + 181 * DAY + 1).band is RiskBand.HIGH
    soon = Policy(verification=VerificationPolicy(cleared_days=1))
    assert risk(market, now=NOW + 2 * DAY + 1, policy=soon).band is RiskBand.HIGH


def test_an_appeal_brings_the_score_back_until_it_is_decided(market: Store) -> None:
    verification = verify(market, VerificationOutcome.CONFIRMED, NOW + DAY, HONEST)
    appeal(market, ORDERS, verification, "it was not me", POLICY, NOW + 2 * DAY)
    assert risk(market, HONEST, NOW + 2 * DAY).band is RiskBand.LOW
    decide_verification(
        market, BO, verification, VerificationOutcome.REJECTED, "right", POLICY, NOW + 3 * DAY
    )
    assert risk(market, HONEST, NOW + 3 * DAY).band is RiskBand.CLEARED


def test_a_moment_in_the_past_is_answered_with_what_was_known_then(market: Store) -> None:
    verify(market, VerificationOutcome.CONFIRMED, NOW + 2 * DAY)
    later = detect(market, NOW + 4 * DAY)
    now = NOW + 5 * DAY

    def at(moment: int) -> BuyerRisk:
        return buyer_risk(market, ANA, ABUSER, POLICY, now, as_of=moment)

    assert (at(NOW + DAY).band, at(NOW + DAY).run_id) == (RiskBand.HIGH, later - 1)
    assert "verifications" not in signals(at(NOW + 3 * DAY))
    assert (at(NOW + 3 * DAY).band, at(NOW + 3 * DAY).run_id) == (RiskBand.CONFIRMED, later - 1)
    assert (at(NOW + 4 * DAY).band, at(NOW + 4 * DAY).run_id) == (RiskBand.CONFIRMED, later)
    assert "verifications" in signals(at(NOW + 4 * DAY))
    with pytest.raises(NotFoundError, match="No run had been published by then"):
        at(NOW - 1)
    with pytest.raises(InvalidError, match="in the future"):
        at(now + 1)


def test_a_ring_that_people_dismissed_raises_no_risk(market: Store) -> None:
    (ring,) = market.rings.page(RingQuery(buyer_id=ABUSER), 1).items
    decide(market, ANA, ring.ring_id, Outcome.DISMISS, "one class of students", None, NOW + DAY)
    told = risk(market, now=NOW + DAY)
    assert "ring" not in signals(told)
    before = buyer_risk(market, ANA, ABUSER, POLICY, NOW + DAY, as_of=NOW + DAY - 1)
    assert "ring" in signals(before)
    assert told.probability is not None
    assert before.probability is not None
    assert told.probability < before.probability


def test_a_buyer_who_never_claimed_or_came_after_the_run_has_the_base_rate(market: Store) -> None:
    claim_again(market, "newcomer", NEW[:1], NOW + DAY)
    told = risk(market, "newcomer", NOW + 2 * DAY)
    assert (told.band, told.readings) == (RiskBand.LOW, ())
    assert told.probability == pytest.approx(POLICY.risk.base_percent / 100)


def test_before_any_run_there_is_the_base_rate(store: Store) -> None:
    fill(store)
    told = risk(store)
    assert (told.band, told.run_id, told.readings) == (RiskBand.LOW, 0, ())


def test_what_is_told_follows_the_policy_in_force(market: Store) -> None:
    lenient = Policy(risk=RiskPolicy(ring=0.0, ring_per_decade=0.0))
    assert "ring" not in signals(risk(market, policy=lenient))


def told_to(store: Store, principal: Principal, buyers: Sequence[str]) -> dict[str, BuyerRisk]:
    return buyers_risk(store, principal, buyers, POLICY, NOW + DAY)


def test_many_are_told_at_once_and_those_out_of_sight_left_out(market: Store) -> None:
    told = told_to(market, OPERATOR, [*ABUSERS, HONEST, "nobody", HONEST])
    assert set(told) == {*ABUSERS, HONEST}
    assert told[ABUSER] == risk(market)
    assert set(told_to(market, VICTIM, [*ABUSERS, HONEST, "nobody"])) == set(ABUSERS)
    with pytest.raises(InvalidError, match=f"101 buyers are too many at once; ask for up to {MOST_BUYERS}"):
        told_to(market, ANA, [f"b{place}" for place in range(101)])


def test_a_merchant_learns_nothing_of_others(market: Store) -> None:
    told = told_to(market, VICTIM, [ABUSER])[ABUSER]
    assert told.band is RiskBand.HIGH
    assert (told.probability, told.verification_id) == (None, None)
    assert {reading.weight for reading in told.readings} == {None}
    assert all(reading.reason == reading.explanation for reading in told.readings)
    assert [reading.signal for reading in told.readings] == sorted(
        reading.signal for reading in told.readings
    )
    for count, is_told in ((2, False), (3, True)):
        for merchant in VICTIMS[1 : 1 + count]:
            file_report(market, Principal(merchant, Role.MERCHANT, merchant), ABUSER, POLICY, NOW + DAY)
        detect(market, NOW + (1 + count) * DAY)
        readings = told_to(market, VICTIM, [ABUSER])[ABUSER].readings
        assert ("reports" in {reading.signal for reading in readings}) is is_told
    with pytest.raises(BuyerUnknownError, match=f"There is no buyer {HONEST}"):
        buyer_risk(market, VICTIM, HONEST, POLICY, NOW + DAY)
    with pytest.raises(BuyerUnknownError, match=f"There is no buyer {ABUSER}"):
        buyer_risk(market, VICTIM, ABUSER, POLICY, NOW + 200 * DAY)
    with pytest.raises(ForbiddenError):
        buyer_risk(market, Principal("nobody's", Role.MERCHANT), ABUSER, POLICY, NOW)
