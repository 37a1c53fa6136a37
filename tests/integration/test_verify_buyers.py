import threading
from collections.abc import Callable
from typing import Any

import polars as pl
import pytest
from recovery_market import ANA, BO, DAY, JOB, NOW, OPERATOR, POLICY, SHOP, fill

from ringfence.domain.buyers import Report
from ringfence.domain.errors import ConflictError, ForbiddenError, InvalidError, NotFoundError
from ringfence.domain.policy import Policy, VerificationPolicy
from ringfence.domain.progress import Silent
from ringfence.domain.records import RecordKind, Subject, SubjectKind
from ringfence.domain.recoveries import RecoveryState
from ringfence.domain.scope import PLATFORM, Principal, Role
from ringfence.domain.verifications import Verification, VerificationOutcome, VerificationState
from ringfence.services import open_verifications
from ringfence.services.open_verifications import open_due_verifications
from ringfence.services.read_buyers import BuyerUnknownError
from ringfence.services.recover_losses import approve, list_recoveries, pay
from ringfence.services.report_buyers import withdraw_report
from ringfence.services.verification_records import VerificationUnknownError
from ringfence.services.verify_buyers import (
    Reported,
    appeal,
    assign,
    decide_verification,
    find_verification,
    list_verifications,
    note,
    open_if_due,
    open_verification,
    reopen,
    verification_history,
)
from ringfence.store import Store
from ringfence.store.records import VersionConflictError

CONFIRMED = VerificationOutcome.CONFIRMED
REJECTED = VerificationOutcome.REJECTED
INCONCLUSIVE = VerificationOutcome.INCONCLUSIVE
Act = Callable[[Store, Principal, str], object]

ACTS: dict[str, Act] = {
    "decide": lambda store, who, id: decide_verification(store, who, id, REJECTED, "no", POLICY, NOW),
    "appeal": lambda store, who, id: appeal(store, who, id, "it was not me", POLICY, NOW),
    "reopen": lambda store, who, id: reopen(store, who, id, "a new witness", POLICY, NOW),
    "note": lambda store, who, id: note(store, who, id, "they called", NOW),
    "assign": lambda store, who, id: assign(store, who, id, "bo", NOW),
}
REFUSED_TO = {
    "appeal": [Role.OPERATOR, Role.MERCHANT],
    **{name: [Role.OPERATOR, Role.MERCHANT, Role.JOB] for name in ACTS if name != "appeal"},
}


@pytest.fixture
def store(store: Store) -> Store:
    fill(store)
    return store


def due(
    store: Store, buyer_id: str, weight: float, fresh_weight: float, now: int = NOW
) -> Verification | None:
    """Open a verification of a buyer if reports of this weight are enough."""
    opened = open_if_due(store, JOB, [Reported(buyer_id, weight, fresh_weight)], POLICY, now)
    return opened[0] if opened else None


def opened(store: Store, buyer_id: str = "ann", now: int = NOW) -> Verification:
    return open_verification(store, ANA, buyer_id, "many complaints", POLICY, now)


def ended(store: Store, outcome: VerificationOutcome, buyer_id: str = "ann", now: int = NOW) -> Verification:
    verification = opened(store, buyer_id, now)
    return decided(store, verification, outcome, now)


def decided(
    store: Store, verification: Verification, outcome: VerificationOutcome, now: int = NOW
) -> Verification:
    for who in (ANA, BO) if outcome is CONFIRMED else (ANA,):
        verification = decide_verification(
            store, who, verification.verification_id, outcome, "seen", POLICY, now
        )
    return verification


def states(store: Store, buyer_id: str = "ann") -> dict[str, RecoveryState]:
    page = list_recoveries(store, OPERATOR, 100, buyer_id=buyer_id)
    return {claim.claim_id: claim.state for recovery in page.items for claim in recovery.claims}


def test_a_verification_begins_with_its_file(store: Store, publish: Callable[..., int]) -> None:
    run = publish(store, {"r1": (31.2, ["ann", "bob"])})
    withdraw_report(store, Principal("cup", Role.MERCHANT, "cup"), "rep3", "a mistake", NOW)
    told = opened(store)
    assert (told.state, told.number, told.because) == (VerificationState.OPEN, 1, "many complaints")
    assert told.policy == POLICY.name
    assert told.file.claims == ("c5", "c4", "c3", "c2", "c1"), "c0 was filed before the policy's window"
    assert (told.file.reports, told.file.merchants) == (("mart/rep2", "shop/rep1"), ("mart", "shop"))
    assert (told.file.ring_id, told.file.run_id, told.file.market_version) == ("r1", run, 1)
    assert find_verification(store, OPERATOR, told.verification_id) == told
    for kind, id in (("buyer", "ann"), ("claim", "c3"), ("merchant", "mart")):
        (found,) = store.records.current(RecordKind.VERIFICATION, Subject(SubjectKind(kind), id))
        assert found.record.id == told.verification_id


@pytest.mark.parametrize("act", ACTS)
def test_only_whose_task_it_is_act(store: Store, act: str) -> None:
    verification = ended(store, CONFIRMED)
    for role in REFUSED_TO[act]:
        with pytest.raises(ForbiddenError, match=f"The role {role} may not"):
            ACTS[act](store, Principal("eve", role, "shop"), verification.verification_id)
    assert find_verification(store, ANA, verification.verification_id) == verification


@pytest.mark.parametrize("act", ACTS)
def test_nothing_happens_in_a_verification_that_is_not_there(store: Store, act: str) -> None:
    with pytest.raises(VerificationUnknownError, match="There is no verification v9"):
        ACTS[act](store, ANA, "v9")
    assert store.records.current(RecordKind.VERIFICATION) == ()


def test_merchants_and_jobs_read_no_verifications(store: Store) -> None:
    verification = opened(store)
    for who in (SHOP, JOB):
        with pytest.raises(ForbiddenError):
            find_verification(store, who, verification.verification_id)
        with pytest.raises(ForbiddenError):
            verification_history(store, who, verification.verification_id)
        with pytest.raises(ForbiddenError):
            list_verifications(store, who, 10)


def test_only_investigators_and_jobs_open_and_only_for_buyers_there_are(store: Store) -> None:
    for who in (SHOP, OPERATOR):
        with pytest.raises(ForbiddenError):
            open_verification(store, who, "ann", "hm", POLICY, NOW)
        with pytest.raises(ForbiddenError):
            open_if_due(store, who, [Reported("ann", 9.0, 9.0)], POLICY, NOW)
    with pytest.raises(BuyerUnknownError, match="There is no buyer nobody"):
        open_verification(store, ANA, "nobody", "hm", POLICY, NOW)
    assert due(store, "nobody", 9.0, 9.0) is None
    with pytest.raises(InvalidError, match="The reason is empty"):
        open_verification(store, ANA, "ann", " ", POLICY, NOW)
    assert store.records.current(RecordKind.VERIFICATION) == ()


def test_a_buyer_has_one_verification_at_a_time(store: Store) -> None:
    first = opened(store)
    with pytest.raises(ConflictError, match=f"Verification {first.verification_id} of buyer ann is open"):
        opened(store)
    decided(store, first, CONFIRMED)
    second = opened(store, now=NOW + DAY)
    assert (second.number, second.verification_id != first.verification_id) == (2, True)
    for act in (appeal, reopen):
        with pytest.raises(ConflictError, match=f"Verification {second.verification_id} of buyer ann"):
            act(store, ANA, first.verification_id, "hm", POLICY, NOW + DAY)
    decided(store, second, INCONCLUSIVE, NOW + DAY)
    again = appeal(store, ANA, first.verification_id, "hm", POLICY, NOW + DAY)
    with pytest.raises(ConflictError, match=f"Verification {again.verification_id} of buyer ann"):
        reopen(store, ANA, second.verification_id, "hm", POLICY, NOW + DAY)


def test_of_two_who_open_at_once_one_does(store: Store) -> None:
    gate = threading.Barrier(2)
    told: list[object] = []

    def act(who: Principal) -> None:
        gate.wait()
        try:
            told.append(open_verification(store, who, "ann", "hm", POLICY, NOW))
        except ConflictError as refusal:
            told.append(refusal)

    threads = [threading.Thread(target=act, args=(who,)) for who in (ANA, BO)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(type(each).__name__ for each in told)[-1] == "Verification"
    assert len([each for each in told if isinstance(each, ConflictError)]) == 1
    assert list_verifications(store, OPERATOR, 10).total == 1


def test_to_confirm_takes_two_people(store: Store) -> None:
    id = opened(store).verification_id
    waiting = decide_verification(store, ANA, id, CONFIRMED, "the same photo", POLICY, NOW)
    assert waiting.state is VerificationState.PROPOSED
    assert waiting.verdict is None
    assert states(store) == {}
    with pytest.raises(ConflictError, match="waits for somebody other than ana"):
        decide_verification(store, ANA, id, CONFIRMED, "yes", POLICY, NOW)
    done = decide_verification(store, BO, id, CONFIRMED, "I agree", POLICY, NOW + 1)
    assert done.verdict is not None
    assert (done.verdict.by, done.verdict.proposed_by) == ("bo", "ana")
    assert (done.verdict.reason, done.verdict.proposed_reason) == ("I agree", "the same photo")
    assert done.verdict.policy == POLICY.name
    assert [event.type for event in verification_history(store, OPERATOR, id)] == [
        *("opened", "proposed", "decided")
    ]
    with pytest.raises(ConflictError, match="was confirmed on 2026-05-01 by ana and bo"):
        decide_verification(store, ANA, id, REJECTED, "no", POLICY, NOW)


def test_a_second_person_may_say_otherwise_and_the_first_may_think_again(store: Store) -> None:
    strict = Policy(verification=VerificationPolicy(second_person_outcomes=("confirmed", "inconclusive")))
    id = opened(store).verification_id
    decide_verification(store, ANA, id, CONFIRMED, "yes", strict, NOW)
    other = decide_verification(store, BO, id, INCONCLUSIVE, "who knows", strict, NOW)
    assert other.proposal is not None
    assert (other.proposal.outcome, other.proposal.by) == (INCONCLUSIVE, "bo")
    back = decide_verification(store, BO, id, CONFIRMED, "yes after all", strict, NOW)
    assert back.state is VerificationState.PROPOSED
    alone = decide_verification(store, ANA, id, REJECTED, "no", strict, NOW)
    assert alone.state is VerificationState.REJECTED
    assert alone.verdict is not None
    assert alone.verdict.proposed_by is None


def test_an_appeal_opens_it_again_once_and_in_time(store: Store) -> None:
    id = ended(store, CONFIRMED).verification_id
    days = POLICY.verification.appeal_days
    with pytest.raises(ConflictError, match="appeals ended on 2026-07-30"):
        appeal(store, JOB, id, "not me", POLICY, NOW + days * DAY + 1)
    told = appeal(store, JOB, id, "not me", POLICY, NOW + days * DAY)
    assert (told.state, told.because, told.is_appealed) == (VerificationState.OPEN, "appeal: not me", True)
    assert (len(told.verdicts), told.verdict) == (1, None)
    assert verification_history(store, ANA, id)[-1].data["on_behalf"] == "ann"
    with pytest.raises(ConflictError, match="is open; an appeal is against one that is confirmed"):
        appeal(store, ANA, id, "not me", POLICY, NOW)
    assert not decided(store, told, REJECTED).is_appealed
    with pytest.raises(ConflictError, match="is rejected; an appeal"):
        appeal(store, ANA, id, "not me", POLICY, NOW)


def test_what_is_reopened_has_its_file_of_then(store: Store) -> None:
    verification = ended(store, INCONCLUSIVE)
    withdraw_report(store, Principal("cup", Role.MERCHANT, "cup"), "rep3", "a mistake", NOW)
    told = reopen(store, ANA, verification.verification_id, "a new witness", POLICY, NOW)
    assert (verification.file.merchants, told.file.merchants) == (("cup", "mart", "shop"), ("mart", "shop"))
    assert verification_history(store, ANA, told.verification_id)[0].data["file"]["merchants"] == [
        *("cup", "mart", "shop")
    ]
    with pytest.raises(ConflictError, match="is open already"):
        reopen(store, ANA, verification.verification_id, "another", POLICY, NOW)


def test_several_merchants_open_one_and_after_its_end_only_others_do(store: Store) -> None:
    assert due(store, "bob", 1.99, 1.99) is None
    told = due(store, "bob", 2.0, 0.0)
    assert told is not None
    assert told.because == "2 reports of independent merchants weigh 2.00, and 2 is enough"
    assert told.file.weight == 2.0
    assert due(store, "bob", 3.0, 3.0) is None, "it is open"
    decided(store, told, INCONCLUSIVE)
    assert due(store, "bob", 9.0, 9.0) is None, "all were heard"
    for place, merchant in enumerate(("shop", "cup", "dot")):
        store.reports.file(Report(f"new{place}", merchant, "bob", NOW + DAY, None, None, None), NOW + DAY)
    later = NOW + 2 * DAY
    assert due(store, "bob", 9.0, 1.99, later) is None
    again = due(store, "bob", 9.0, 2.0, later)
    assert again is not None
    assert (again.state, again.number) == (VerificationState.OPEN, 1)
    assert again.because.startswith("2 reports of independent merchants"), "the shop was heard"
    assert again.file.merchants == ("cup", "dot", "mart", "shop")
    decided(store, again, INCONCLUSIVE, later)
    assert due(store, "bob", 9.0, 9.0, later) is None


def test_after_no_abuse_was_found_merchants_without_a_new_claim_open_nothing(store: Store) -> None:
    told = due(store, "bob", 2.0, 0.0, NOW - 35 * DAY)
    assert told is not None
    decided(store, told, REJECTED, NOW - 35 * DAY)
    for place, merchant in enumerate(("cup", "dot")):
        store.reports.file(Report(f"new{place}", merchant, "bob", NOW, None, None, None), NOW)
    assert due(store, "bob", 4.0, 2.0) is None


def weights_of(**weights: float) -> pl.DataFrame:
    rows = [(buyer_id, weight, 0.0) for buyer_id, weight in weights.items()]
    return pl.DataFrame(rows, schema=["buyer_id", "weight", "fresh_weight"], orient="row")


def test_buyers_who_are_due_are_verified_together_as_each_alone_would_be(store: Store) -> None:
    asked = [Reported("nobody", 9.0, 9.0), Reported("bob", 2.5, 0.0), Reported("ann", 2.0, 0.0)]
    told = open_if_due(store, JOB, asked, POLICY, NOW)
    assert [(each.buyer_id, each.file.weight) for each in told] == [("bob", 2.5), ("ann", 2.0)]
    assert [find_verification(store, ANA, each.verification_id) for each in told] == list(told)
    for each in told:
        reports = {report.ref.name for report in store.reports.of_buyer(each.buyer_id, PLATFORM)}
        claims = {claim.claim_id for claim in store.market.claims_of(each.buyer_id, PLATFORM, 99).items}
        assert set(each.file.reports) == reports
        assert set(each.file.claims) <= claims


class Killed(Silent):
    """Ends the work after so many steps."""

    def __init__(self, after: int) -> None:
        self.left, self.stages = after, list[tuple[str, int | None]]()

    def stage(self, name: str, total: int | None = None) -> None:
        self.stages.append((name, total))

    def advance(self, steps: int) -> None:
        self.left -= steps
        if not self.left:
            raise KeyboardInterrupt


def test_who_is_due_and_was_not_reached_before_an_interruption_is_verified_by_the_next_run(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(open_verifications, "_AT_ONCE", 1)
    weights, killed = weights_of(bob=2.5, ann=2.0, idle=1.9), Killed(1)
    with pytest.raises(KeyboardInterrupt):
        open_due_verifications(store, POLICY, NOW, weights, killed)
    assert killed.stages == [("verifications", 2)]
    assert [each.buyer_id for each in list_verifications(store, ANA, 9).items] == ["bob"]
    (rest,) = open_due_verifications(store, POLICY, NOW, weights)
    assert rest.buyer_id == "ann"
    assert open_due_verifications(store, POLICY, NOW, weights) == ()


def test_to_confirm_proposes_what_each_merchant_lost(store: Store) -> None:
    verification = ended(store, CONFIRMED)
    page = list_recoveries(store, OPERATOR, 10, verification_id=verification.verification_id)
    assert {
        (recovery.merchant_id, claim.claim_id, claim.currency, claim.lost, claim.amount)
        for recovery in page.items
        for claim in recovery.claims
    } == {
        ("shop", "c1", "EUR", 1000, 1000),
        ("shop", "c2", "JPY", 500, 500),
        ("mart", "c3", "EUR", 250, 250),
    }
    assert {recovery.payer for recovery in page.items} == {"platform"}
    (found,) = store.records.current(RecordKind.RECOVERY, Subject(SubjectKind.CLAIM, "c3"))
    assert found.record.id in {recovery.recovery_id for recovery in page.items}


def test_to_reject_after_an_appeal_refuses_what_is_not_paid_and_asks_back_what_is(store: Store) -> None:
    verification = ended(store, CONFIRMED)
    (shop,) = list_recoveries(store, OPERATOR, 10, merchant_id="shop").items
    approve(store, ANA, shop.recovery_id, None, "right", NOW)
    pay(store, ANA, shop.recovery_id, "c1", "bank 1", NOW)
    appeal(store, ANA, verification.verification_id, "not me", POLICY, NOW)
    with pytest.raises(ConflictError, match="is open, not confirmed, so nothing of recovery"):
        pay(store, ANA, shop.recovery_id, "c2", "bank 2", NOW)
    decide_verification(store, BO, verification.verification_id, REJECTED, "not them", POLICY, NOW)
    assert states(store) == {
        "c1": RecoveryState.PAID,
        "c2": RecoveryState.REFUSED,
        "c3": RecoveryState.REFUSED,
    }
    due = [
        claim.claim_id
        for recovery in list_recoveries(store, OPERATOR, 10).items
        for claim in recovery.claims
        if claim.is_due_back
    ]
    assert due == ["c1"]
    reopen(store, ANA, verification.verification_id, "a witness", POLICY, NOW)
    decided(store, find_verification(store, ANA, verification.verification_id), CONFIRMED)
    assert states(store) == {
        "c1": RecoveryState.PAID,
        "c2": RecoveryState.PROPOSED,
        "c3": RecoveryState.PROPOSED,
    }
    assert not any(
        claim.is_due_back
        for recovery in list_recoveries(store, OPERATOR, 10).items
        for claim in recovery.claims
    )


def test_a_decision_and_what_follows_from_it_are_one(store: Store) -> None:
    verification = opened(store)
    decide_verification(store, ANA, verification.verification_id, CONFIRMED, "seen", POLICY, NOW)

    def confirm_and_fail() -> None:
        with store.transaction():
            decide_verification(store, BO, verification.verification_id, CONFIRMED, "seen", POLICY, NOW)
            assert len(store.records.current(RecordKind.RECOVERY)) == 2
            raise RuntimeError("pulled the plug")

    with pytest.raises(RuntimeError, match="pulled the plug"):
        confirm_and_fail()
    assert find_verification(store, ANA, verification.verification_id).state is VerificationState.PROPOSED
    assert store.records.current(RecordKind.RECOVERY) == ()


def test_a_second_verification_proposes_nothing_that_the_first_one_holds(store: Store) -> None:
    ended(store, CONFIRMED)
    ended(store, CONFIRMED, now=NOW + DAY)
    assert len(store.records.current(RecordKind.RECOVERY)) == 2


@pytest.mark.parametrize(
    ("act", "said"),
    [
        (lambda s, v: decide_verification(s, ANA, v, REJECTED, " ", POLICY, NOW), "The reason is empty"),
        (lambda s, v: decide_verification(s, ANA, v, REJECTED, "x" * 2001, POLICY, NOW), "2,001 characters"),
        (lambda s, v: note(s, ANA, v, "", NOW), "The note is empty"),
        (lambda s, v: note(s, ANA, v, "x" * 10_001, NOW), "10,001 characters"),
        (lambda s, v: assign(s, ANA, v, "x" * 201, NOW), "201 characters"),
        (lambda s, v: appeal(s, ANA, v, "not me", POLICY, NOW), "is open; an appeal"),
        (
            lambda s, v: note(s, ANA, v, "hm", NOW, expected_version=7),
            "There is no version 7 of the record of verification",
        ),
    ],
)
def test_what_is_refused_writes_nothing(store: Store, act: Callable[[Store, str], Any], said: str) -> None:
    verification = opened(store)
    with pytest.raises((InvalidError, ConflictError, VersionConflictError), match=said):
        act(store, verification.verification_id)
    assert len(verification_history(store, ANA, verification.verification_id)) == 1


def test_verifications_are_listed_newest_first_by_state_owner_and_buyer(store: Store) -> None:
    first = ended(store, REJECTED)
    second = opened(store, now=NOW + DAY)
    third = opened(store, "bob", NOW + 2 * DAY)
    assign(store, ANA, second.verification_id, "bo", NOW + DAY)
    note(store, ANA, second.verification_id, "hm", NOW + DAY)

    def ids(**asked: Any) -> list[str]:
        return [each.verification_id for each in list_verifications(store, OPERATOR, 10, **asked).items]

    assert ids() == [third.verification_id, second.verification_id, first.verification_id]
    assert ids(state=VerificationState.OPEN) == [third.verification_id, second.verification_id]
    assert ids(owner="bo") == [second.verification_id]
    assert ids(buyer_id="ann", state=VerificationState.REJECTED) == [first.verification_id]
    page = list_verifications(store, OPERATOR, 2)
    assert (page.has_next, page.total) == (True, 3)
    rest = list_verifications(store, OPERATOR, 2, page.keys[-1])
    assert ([each.verification_id for each in rest.items], rest.has_next) == ([first.verification_id], False)
    with pytest.raises(NotFoundError):
        find_verification(store, ANA, "v9")
