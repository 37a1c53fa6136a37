"""What a store found, held against what people decided, over every store."""

import pytest
from gang_market import ABUSERS, DAY, HONEST, NOW, fill

from ringfence.domain.errors import ForbiddenError
from ringfence.domain.policy import CasePolicy, Policy, VerificationPolicy
from ringfence.domain.ring_decisions import Outcome
from ringfence.domain.rings import RingQuery
from ringfence.domain.scope import Principal, Role
from ringfence.domain.verifications import VerificationOutcome, VerificationState
from ringfence.evaluation import Proportion
from ringfence.services.decide_rings import decide
from ringfence.services.detect_in_store import StoreDetectionRequest, detect_in_store
from ringfence.services.evaluate_decisions import evaluate_decisions
from ringfence.services.verify_buyers import decide_verification, list_verifications, open_verification
from ringfence.store import Store

ANA = Principal("ana", Role.INVESTIGATOR)
ALONE = Policy(
    cases=CasePolicy(second_person_to_confirm=False),
    verification=VerificationPolicy(second_person_outcomes=()),
)


def test_decisions_become_labels_of_what_was_said_before(store: Store) -> None:
    fill(store)
    request = StoreDetectionRequest(publish_anyway="a small market by hand")
    detect_in_store(request, store, lambda: NOW)
    assert evaluate_decisions(store, ANA, ALONE).rings == Proportion(0, 0)
    (ring,) = store.rings.page(RingQuery(buyer_id=ABUSERS[0]), 1).items
    decide(store, ANA, ring.ring_id, Outcome.CONFIRM, "one crew", None, NOW + DAY, policy=ALONE)
    outcomes = dict(
        zip(ABUSERS, [VerificationOutcome.CONFIRMED] * 3 + [VerificationOutcome.INCONCLUSIVE], strict=True)
    )
    opened = {each.buyer_id: each for each in list_verifications(store, ANA, 10).items}
    assert opened.keys() == outcomes.keys(), "confirming a ring verifies its members and confirms nobody"
    assert {each.state for each in opened.values()} == {VerificationState.OPEN}
    opened[HONEST] = open_verification(store, ANA, HONEST, "a hunch", ALONE, NOW + DAY)
    outcomes[HONEST] = VerificationOutcome.REJECTED
    for buyer, outcome in outcomes.items():
        decide_verification(store, ANA, opened[buyer].verification_id, outcome, "seen", ALONE, NOW + DAY)
    open_verification(store, ANA, "shopper001", "a hunch", ALONE, NOW + DAY)
    # What the next run learns from the decisions is in nothing that was said before.
    before = evaluate_decisions(store, ANA, ALONE)
    detect_in_store(request, store, lambda: NOW + 2 * DAY)
    told = evaluate_decisions(store, ANA, ALONE)
    assert told.to_dict() == before.to_dict()
    assert (told.rings, told.buyers) == (Proportion(1, 1), Proportion(3, 4))
    assert told.rings_by["shared"] == {"nothing": Proportion(1, 1)}
    assert told.buyers_by["band"] == {"high": Proportion(3, 3), "low": Proportion(0, 1)}
    assert told.buyers_by["signal"]["ring"] == Proportion(3, 3)
    assert (told.undecided.verifications, told.undecided.inconclusive) == (1, 1)
    assert told.calibration.brier is not None
    assert told.calibration.brier < 0.05
    with pytest.raises(ForbiddenError):
        evaluate_decisions(store, Principal("shop", Role.MERCHANT, "old00"), ALONE)
