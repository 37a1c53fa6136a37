"""Merchants who accuse together: a gang against an honest buyer, and true victims of one ring."""

from collections.abc import Sequence

import pytest
from gang_market import ABUSERS, DAY, ESTABLISHED, HONEST, NEW, NOW, VICTIMS, claim_again, fill

from ringfence.domain.policy import Policy, VerificationPolicy
from ringfence.domain.records import RecordKind, Subject, SubjectKind
from ringfence.domain.risk import RiskBand
from ringfence.domain.scope import Principal, Role
from ringfence.domain.verifications import Verification, VerificationOutcome, VerificationState
from ringfence.services.buyer_risk import buyer_risk
from ringfence.services.detect_in_store import StoreDetectionRequest, detect_in_store
from ringfence.services.report_buyers import file_report
from ringfence.services.verify_buyers import decide_verification
from ringfence.services.weigh_reports import weigh_reports
from ringfence.store import Store

ANA = Principal("ana", Role.INVESTIGATOR)
BO = Principal("bo", Role.INVESTIGATOR)
POLICY = Policy()
GANGS = {
    "two new": NEW[:2],
    "two established": ESTABLISHED[:2],
    "seven of both": (*NEW[:4], *ESTABLISHED[:3]),
    "twenty new": NEW,
    "twenty established": ESTABLISHED,
}


def detect(store: Store, now: int) -> None:
    request = StoreDetectionRequest(publish_anyway="a small market by hand", policy=POLICY)
    detect_in_store(request, store, lambda: now)


def accuse(store: Store, merchants: Sequence[str], buyer: str, now: int, reason: str = "liar") -> None:
    for place, merchant in enumerate(merchants):
        principal = Principal(merchant, Role.MERCHANT, merchant)
        file_report(store, principal, buyer, POLICY, now + place, reason=reason)


def verifications(store: Store, buyer: str = HONEST) -> list[Verification]:
    found = store.records.current(RecordKind.VERIFICATION, Subject(SubjectKind.BUYER, buyer))
    return [Verification.from_state(each.state) for each in found]


def reject(store: Store, verification: Verification, now: int) -> None:
    outcome = VerificationOutcome.REJECTED
    decide_verification(store, ANA, verification.verification_id, outcome, "all in order", POLICY, now)


def band(store: Store, now: int, buyer: str = HONEST, policy: Policy = POLICY) -> RiskBand:
    return buyer_risk(store, ANA, buyer, policy, now).band


@pytest.mark.parametrize("gang", GANGS.values(), ids=GANGS)
def test_a_gang_opens_one_verification_at_most_and_none_after_it(store: Store, gang: Sequence[str]) -> None:
    fill(store)
    accuse(store, gang[: max(2, len(gang) // 2)], HONEST, NOW)
    detect(store, NOW + DAY)
    assert band(store, NOW + DAY) in (RiskBand.LOW, RiskBand.MEDIUM)
    (opened,) = verifications(store)
    assert opened.state is VerificationState.OPEN
    reject(store, opened, NOW + 2 * DAY)
    assert band(store, NOW + 2 * DAY) is RiskBand.CLEARED
    # Those who were heard report again, and the rest of the gang for the first time.
    accuse(store, gang, HONEST, NOW + 3 * DAY, "still a liar")
    detect(store, NOW + 4 * DAY)
    (told,) = verifications(store)
    assert told.state is VerificationState.REJECTED
    # Even the score that comes to light again when the clearance ends is not high.
    ended = Policy(verification=VerificationPolicy(cleared_days=1))
    assert band(store, NOW + 4 * DAY, policy=ended) in (RiskBand.LOW, RiskBand.MEDIUM)


def test_after_no_abuse_was_found_new_claims_are_what_counts_again(store: Store) -> None:
    fill(store)
    accuse(store, NEW[:2], HONEST, NOW)
    (opened,) = verifications(store)
    reject(store, opened, NOW + DAY)
    claim_again(store, HONEST, NEW[1:4], NOW + 5 * DAY)
    accuse(store, NEW[1:3], HONEST, NOW + 6 * DAY, "again")
    (told,) = verifications(store)
    assert told.state is VerificationState.REJECTED, "one of the two was heard"
    accuse(store, NEW[3:4], HONEST, NOW + 7 * DAY, "again")
    (told,) = verifications(store)
    assert (told.state, told.number) == (VerificationState.OPEN, 1)


def test_true_victims_of_one_ring_count_each_for_itself(store: Store) -> None:
    fill(store)
    for place, abuser in enumerate(ABUSERS):
        accuse(store, VICTIMS, abuser, NOW + place * DAY)
    weights = weigh_reports(store, store.market.read(), POLICY.reports, NOW + 5 * DAY)
    rows = weights.select("buyer_id", "merchants", "independent", "weight").rows()
    assert rows == [(abuser, 20, 20, 20.0) for abuser in ABUSERS]
    assert [len(verifications(store, abuser)) for abuser in ABUSERS] == [1, 1, 1, 1]
    detect(store, NOW + 5 * DAY)
    assert [band(store, NOW + 5 * DAY, abuser) for abuser in ABUSERS] == [RiskBand.HIGH] * 4
    assert band(store, NOW + 5 * DAY) is RiskBand.LOW
