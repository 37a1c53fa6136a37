from collections import Counter
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from recovery_market import ANA, BO, DAY, JOB, MART, NOW, OPERATOR, POLICY, SHOP, claim, fill

from ringfence.app import StoresByAddress
from ringfence.domain.errors import ConflictError, ForbiddenError, InvalidError, NotFoundError, RingfenceError
from ringfence.domain.policy import Policy, RecoveryPolicy
from ringfence.domain.records import RecordKind
from ringfence.domain.recoveries import Recovery, RecoveryState
from ringfence.domain.scope import Principal, Role
from ringfence.domain.verifications import Verification, VerificationOutcome
from ringfence.services.recover_losses import (
    MerchantUnknownError,
    RecoveryUnknownError,
    approve,
    dispute,
    find_recovery,
    give_back,
    list_recoveries,
    pay,
    recovery_history,
    refuse,
)
from ringfence.services.tell_statements import statement
from ringfence.services.verify_buyers import appeal, decide_verification, open_verification, reopen
from ringfence.store import Store

CONFIRMED, REJECTED = VerificationOutcome.CONFIRMED, VerificationOutcome.REJECTED
Act = Callable[[Store, Principal, str], object]

ACTS: dict[str, Act] = {
    "approve": lambda store, who, id: approve(store, who, id, None, "right", NOW),
    "refuse": lambda store, who, id: refuse(store, who, id, None, "insured", NOW),
    "pay": lambda store, who, id: pay(store, who, id, "c1", "bank 1", NOW),
    "give back": lambda store, who, id: give_back(store, who, id, "c1", "bank 2", NOW),
}


@pytest.fixture
def store(store: Store) -> Store:
    fill(store)
    return store


def confirmed(store: Store, policy: Policy = POLICY, now: int = NOW) -> Verification:
    verification = open_verification(store, ANA, "ann", "hm", policy, now)
    return confirm(store, verification, policy, now)


def confirm(
    store: Store, verification: Verification, policy: Policy = POLICY, now: int = NOW
) -> Verification:
    for who in (ANA, BO):
        id = verification.verification_id
        verification = decide_verification(store, who, id, CONFIRMED, "seen", policy, now)
    return verification


def recovery_of(store: Store, merchant_id: str = "shop") -> Recovery:
    (found,) = list_recoveries(store, OPERATOR, 10, merchant_id=merchant_id).items
    return found


def test_what_is_approved_is_paid_once(store: Store) -> None:
    confirmed(store)
    id = recovery_of(store).recovery_id
    approve(store, ANA, id, ["c1"], "right", NOW)
    with pytest.raises(ConflictError, match=f"Claim c2 of recovery {id} is proposed, not approved"):
        pay(store, ANA, id, "c2", "bank 1", NOW)
    told = pay(store, ANA, id, "c1", "bank 1", NOW + 1)
    assert told.totals() == {"EUR": {RecoveryState.PAID: 1000}, "JPY": {RecoveryState.PROPOSED: 500}}
    with pytest.raises(ConflictError, match="is paid, not approved"):
        pay(store, BO, id, "c1", "bank 2", NOW + 2)
    with pytest.raises(ConflictError, match="is paid, not proposed or approved"):
        refuse(store, BO, id, ["c1"], "no", NOW + 2)
    assert [event.type for event in recovery_history(store, OPERATOR, id)] == ["proposed", "approved", "paid"]
    assert find_recovery(store, OPERATOR, id) == told


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("role", [Role.OPERATOR, Role.JOB, Role.MERCHANT])
def test_only_investigators_decide_about_money(store: Store, act: str, role: Role) -> None:
    confirmed(store)
    before = recovery_of(store)
    with pytest.raises(ForbiddenError, match=f"The role {role} may not"):
        ACTS[act](store, Principal("eve", role, "shop"), before.recovery_id)
    assert recovery_of(store) == before


@pytest.mark.parametrize("act", ACTS)
def test_nothing_is_decided_about_a_recovery_that_is_not_there(store: Store, act: str) -> None:
    with pytest.raises(RecoveryUnknownError, match="There is no recovery c9"):
        ACTS[act](store, ANA, "c9")
    assert store.records.current(RecordKind.RECOVERY) == ()


def test_a_merchant_sees_and_disputes_its_own_alone(store: Store) -> None:
    confirmed(store)
    own, others = recovery_of(store, "shop"), recovery_of(store, "mart")
    assert list_recoveries(store, SHOP, 10).items == (own,)
    assert list_recoveries(store, SHOP, 10).total == 1
    assert list_recoveries(store, SHOP, 10, verification_id=own.verification_id, buyer_id="ann").total == 1
    assert find_recovery(store, SHOP, own.recovery_id) == own
    seen: list[Callable[[str], object]] = [
        lambda id: find_recovery(store, SHOP, id),
        lambda id: dispute(store, SHOP, id, "too little", NOW),
    ]
    for see in seen:
        words = []
        for id in (others.recovery_id, "c9"):
            with pytest.raises(RecoveryUnknownError) as refusal:
                see(id)
            words.append(str(refusal.value).replace(id, "?"))
        assert words[0] == words[1], "somebody else's is as nobody's"
    for merchant_id in ("mart", "nobody"):
        with pytest.raises(MerchantUnknownError, match=f"There is no merchant {merchant_id}"):
            list_recoveries(store, SHOP, 10, merchant_id=merchant_id)
        with pytest.raises(MerchantUnknownError, match=f"There is no merchant {merchant_id}"):
            statement(store, SHOP, merchant_id, "2026-05", NOW)
    assert statement(store, SHOP, "shop", "2026-05", NOW).lines == ()
    with pytest.raises(ForbiddenError):
        recovery_history(store, SHOP, own.recovery_id)
    with pytest.raises(ForbiddenError):
        list_recoveries(store, JOB, 10)


def test_a_dispute_changes_nothing_and_is_said_once_until_something_happens(store: Store) -> None:
    confirmed(store)
    id = recovery_of(store).recovery_id
    for who in (ANA, OPERATOR, JOB):
        with pytest.raises(ForbiddenError):
            dispute(store, who, id, "too little", NOW)
    told = dispute(store, SHOP, id, "too little", NOW)
    assert (told.is_disputed, told.disputes) == (True, 1)
    assert told.ids(RecoveryState.PROPOSED) == ("c1", "c2")
    with pytest.raises(ConflictError, match="is disputed already"):
        dispute(store, SHOP, id, "much too little", NOW)
    assert not approve(store, ANA, id, None, "right", NOW).is_disputed
    assert dispute(store, SHOP, id, "still too little", NOW).disputes == 2


def test_the_share_of_the_policy_is_rounded_down_and_its_payer_told(store: Store) -> None:
    third = Policy(recovery=RecoveryPolicy(payer="buyer", share_percent=33.3, window_days=75))
    confirmed(store, third)
    told = recovery_of(store, "mart")
    assert (told.payer, told.policy) == ("buyer", third.name)
    assert [(each.claim_id, each.lost, each.amount) for each in told.claims] == [("c3", 250, 83)]
    assert list_recoveries(store, OPERATOR, 10, merchant_id="shop").total == 0, "its claims are too old"


def test_where_nothing_is_given_back_nothing_is_proposed(store: Store) -> None:
    confirmed(store, Policy(recovery=RecoveryPolicy(share_percent=0)))
    assert store.records.current(RecordKind.RECOVERY) == ()


def test_an_inconclusive_end_refuses_what_is_not_paid_and_asks_nothing_back(store: Store) -> None:
    verification = confirmed(store)
    id = recovery_of(store).recovery_id
    approve(store, ANA, id, None, "right", NOW)
    pay(store, ANA, id, "c1", "bank 1", NOW)
    reopen(store, ANA, verification.verification_id, "a witness", POLICY, NOW)
    decide_verification(
        store, ANA, verification.verification_id, VerificationOutcome.INCONCLUSIVE, "?", POLICY, NOW
    )
    assert [(each.state, each.is_due_back) for each in recovery_of(store).claims] == [
        (RecoveryState.PAID, False),
        (RecoveryState.REFUSED, False),
    ]
    with pytest.raises(ConflictError, match="nothing is due back"):
        give_back(store, ANA, id, "c1", "bank 2", NOW)


def test_what_was_given_back_may_be_paid_again_once_it_is_confirmed_again(store: Store) -> None:
    verification = confirmed(store)
    id = recovery_of(store).recovery_id
    approve(store, ANA, id, None, "right", NOW)
    pay(store, ANA, id, "c1", "bank 1", NOW)
    appeal(store, JOB, verification.verification_id, "not me", POLICY, NOW)
    decide_verification(store, ANA, verification.verification_id, REJECTED, "kin", POLICY, NOW)
    give_back(store, BO, id, "c1", "bank 2", NOW)
    again = reopen(store, ANA, verification.verification_id, "a witness", POLICY, NOW)
    confirm(store, again)
    assert recovery_of(store).ids(RecoveryState.PROPOSED) == ("c1", "c2")
    approve(store, ANA, id, None, "right", NOW)
    told = pay(store, ANA, id, "c1", "bank 3", NOW)
    assert [(move.kind.value, move.amount) for move in told.moves] == [
        *(("paid", 1000), ("returned", 1000), ("paid", 1000))
    ]


def test_a_statement_has_the_cents_of_its_month_alone(store: Store) -> None:
    confirmed(store)
    id = recovery_of(store).recovery_id
    approve(store, ANA, id, None, "right", NOW)
    pay(store, ANA, id, "c1", "bank 1", NOW + 31 * DAY - 1)
    pay(store, ANA, id, "c2", "bank 2", NOW + 31 * DAY)
    later = NOW + 32 * DAY
    may, june = (statement(store, OPERATOR, "shop", month, later) for month in ("2026-05", "2026-06"))
    assert ([line.move.claim_id for line in may.lines], may.is_complete) == (["c1"], True)
    assert ([line.move.claim_id for line in june.lines], june.is_complete) == (["c2"], False)
    assert {currency: total.net for currency, total in june.totals().items()} == {"JPY": 500}
    assert statement(store, SHOP, "shop", "2026-05", later) == may
    assert statement(store, OPERATOR, "mart", "2026-05", later).lines == ()
    with pytest.raises(InvalidError, match="has not begun"):
        statement(store, SHOP, "shop", "2026-07", later)
    for month in ("", "2026", "2026-00", "2026-13", "26-05", "2026-05-01", "\u0662\u0660\u0662\u0666-05"):
        with pytest.raises(InvalidError, match="is no month"):
            statement(store, SHOP, "shop", month, later)
    with pytest.raises(NotFoundError, match="There is no merchant nobody"):
        statement(store, OPERATOR, "nobody", "2026-05", later)


def test_recoveries_are_listed_page_by_page(store: Store) -> None:
    confirmed(store)
    first = list_recoveries(store, OPERATOR, 1)
    assert (len(first.items), first.has_next, first.total) == (1, True, 2)
    rest = list_recoveries(store, OPERATOR, 1, first.keys[-1])
    assert (rest.has_next, {first.items[0].merchant_id, rest.items[0].merchant_id}) == (
        False,
        {"shop", "mart"},
    )
    assert list_recoveries(store, OPERATOR, 1, rest.keys[-1]).items == ()


_LOST = {
    "a1": ("shop", "EUR", 1_000),
    "a2": ("shop", "JPY", 500),
    "a3": ("mart", "EUR", 333),
    "b1": ("shop", "EUR", 700),
    "b2": ("mart", "KWD", 1_001),
}
_CLAIMS = [
    claim(
        id,
        "ann" if id.startswith("a") else "bob",
        merchant,
        10,
        lost + 5,
        refunded=lost,
        currency=currency,
    )
    for id, (merchant, currency, lost) in _LOST.items()
]
_PEOPLE = st.sampled_from((ANA, BO))
_POLICIES = st.sampled_from((POLICY, Policy("2", recovery=RecoveryPolicy(share_percent=37.5))))


class Recovering(RuleBasedStateMachine):
    """People, jobs and merchants act at random; what they are refused changes nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = TemporaryDirectory()
        self.store = StoresByAddress().open(str(Path(self.folder.name, "store.sqlite")), create=True)
        fill(self.store, _CLAIMS)
        self.now = NOW
        self.bank: dict[str, Counter[str]] = {"paid": Counter(), "returned": Counter()}
        """What a bank that sees the payments alone would count, by currency."""

    def teardown(self) -> None:
        self.store.close()
        self.folder.cleanup()

    def act(self, verb: Callable[..., Any], *arguments: Any, **more: Any) -> Any:
        self.now += DAY // 24
        before = self.versions()
        try:
            return verb(self.store, *arguments, now=self.now, **more)
        except RingfenceError:
            assert self.versions() == before
            return None

    def versions(self) -> dict[tuple[str, str], int]:
        return {
            (state.record.kind, state.record.id): state.version
            for kind in (RecordKind.VERIFICATION, RecordKind.RECOVERY)
            for state in self.store.records.current(kind)
        }

    def chosen(self, kind: RecordKind, data: st.DataObject) -> str:
        """Choose a record."""
        ids = [state.record.id for state in self.store.records.current(kind)]
        return data.draw(st.sampled_from(ids or ["x9"]))

    @initialize(policy=_POLICIES, steps=st.sampled_from((4, 3, 2, 1, 0)))
    def begin(self, policy: Policy, steps: int) -> None:
        """Confirm both buyers, then go so far: pay, reject, give back, confirm again."""
        for buyer in ("ann", "bob"):
            id = self.act(open_verification, ANA, buyer, "hm", policy=policy).verification_id
            self.end(id, CONFIRMED, policy)
            recovery_ids = [each.recovery_id for each in self.recoveries(id)]
            for recovery_id in recovery_ids if steps >= 1 else ():
                self.pay_all(recovery_id)
            if steps >= 2:
                self.end(id, REJECTED, policy)
            for recovery_id in recovery_ids if steps >= 3 else ():
                self.give_all_back(recovery_id)
            if steps >= 4:
                self.end(id, CONFIRMED, policy)

    @rule(who=_PEOPLE, buyer=st.sampled_from(("ann", "bob")), policy=_POLICIES)
    def open(self, who: Principal, buyer: str, policy: Policy) -> None:
        self.act(open_verification, who, buyer, "hm", policy=policy)

    @rule(
        data=st.data(),
        who=_PEOPLE,
        outcome=st.sampled_from([CONFIRMED, *VerificationOutcome]),
        policy=_POLICIES,
    )
    def decide(
        self, data: st.DataObject, who: Principal, outcome: VerificationOutcome, policy: Policy
    ) -> None:
        id = self.chosen(RecordKind.VERIFICATION, data)
        self.act(decide_verification, who, id, outcome, "seen", policy=policy)

    @rule(data=st.data(), outcome=st.sampled_from([*VerificationOutcome]), policy=_POLICIES)
    def open_again_and_agree(self, data: st.DataObject, outcome: VerificationOutcome, policy: Policy) -> None:
        self.end(self.chosen(RecordKind.VERIFICATION, data), outcome, policy)

    @rule(data=st.data(), who=st.sampled_from((ANA, JOB)))
    def appeal(self, data: st.DataObject, who: Principal) -> None:
        self.act(appeal, who, self.chosen(RecordKind.VERIFICATION, data), "not me", policy=POLICY)

    @rule(data=st.data(), who=_PEOPLE)
    def reopen(self, data: st.DataObject, who: Principal) -> None:
        self.act(reopen, who, self.chosen(RecordKind.VERIFICATION, data), "a witness", policy=POLICY)

    @rule(data=st.data(), who=_PEOPLE, some=st.none() | st.lists(st.sampled_from([*_LOST]), max_size=2))
    def approve(self, data: st.DataObject, who: Principal, some: list[str] | None) -> None:
        self.act(approve, who, self.chosen(RecordKind.RECOVERY, data), some, "right")

    @rule(data=st.data(), who=_PEOPLE, some=st.lists(st.sampled_from([*_LOST]), max_size=2))
    def refuse(self, data: st.DataObject, who: Principal, some: list[str]) -> None:
        self.act(refuse, who, self.chosen(RecordKind.RECOVERY, data), some, "insured")

    @rule(data=st.data(), who=st.sampled_from((SHOP, MART)))
    def dispute(self, data: st.DataObject, who: Principal) -> None:
        self.act(dispute, who, self.chosen(RecordKind.RECOVERY, data), "too little")

    @rule(data=st.data(), verb=st.sampled_from((pay, give_back)), id=st.sampled_from([*_LOST]))
    def move(self, data: st.DataObject, verb: Callable[..., Any], id: str) -> None:
        self.moved(verb, self.chosen(RecordKind.RECOVERY, data), id)

    @rule(data=st.data())
    def approve_and_pay_all(self, data: st.DataObject) -> None:
        self.pay_all(self.chosen(RecordKind.RECOVERY, data))

    @rule(data=st.data())
    def have_all_given_back(self, data: st.DataObject) -> None:
        self.give_all_back(self.chosen(RecordKind.RECOVERY, data))

    def recoveries(self, verification_id: str) -> tuple[Recovery, ...]:
        return list_recoveries(self.store, OPERATOR, 100, verification_id=verification_id).items

    def give_all_back(self, recovery_id: str) -> None:
        for id in _LOST:
            self.moved(give_back, recovery_id, id)

    def pay_all(self, recovery_id: str) -> None:
        self.act(approve, ANA, recovery_id, None, "right")
        for id in _LOST:
            self.moved(pay, recovery_id, id)

    def end(self, id: str, outcome: VerificationOutcome, policy: Policy) -> None:
        self.act(reopen, ANA, id, "a witness", policy=policy)
        for who in (ANA, BO):
            self.act(decide_verification, who, id, outcome, "seen", policy=policy)

    def moved(self, verb: Callable[..., Any], recovery_id: str, claim_id: str) -> None:
        told = self.act(verb, ANA, recovery_id, claim_id, f"bank {self.now}")
        if told is not None:
            (amount,) = [each.amount for each in told.claims if each.claim_id == claim_id]
            self.bank["paid" if verb is pay else "returned"][_LOST[claim_id][1]] += amount

    @invariant()
    def no_claim_is_held_twice_or_given_more_than_it_cost(self) -> None:
        held: Counter[str] = Counter()
        balance: Counter[str] = Counter()
        recoveries = self.store.records.current(RecordKind.RECOVERY)
        events = [event for state in recoveries for event in self.store.records.stream(state.record)]
        for event in sorted(events, key=lambda event: event.at):
            sign = {"paid": 1, "returned": -1}.get(event.type, 0)
            if sign:
                balance[event.data["claim_id"]] += sign * event.data["amount"]
                assert 0 <= balance[event.data["claim_id"]] <= _LOST[event.data["claim_id"]][2]
        for state in recoveries:
            recovery = Recovery.from_state(state.state)
            for each in recovery.claims:
                merchant, currency, lost = _LOST[each.claim_id]
                assert (recovery.merchant_id, each.currency, each.lost) == (merchant, currency, lost)
                held[each.claim_id] += each.state.is_held
                if each.state is RecoveryState.PAID:
                    assert balance[each.claim_id] == each.amount
        assert all(count <= 1 for count in held.values())
        for id, amount in balance.items():
            assert amount <= _LOST[id][2]

    @invariant()
    def every_cent_has_an_event_and_stands_in_a_statement(self) -> None:
        told: dict[str, Counter[str]] = {"paid": Counter(), "returned": Counter()}
        for state in self.store.records.current(RecordKind.RECOVERY):
            for event in self.store.records.stream(state.record):
                if event.type in told:
                    told[event.type][event.data["currency"]] += event.data["amount"]
        assert told == self.bank
        written: dict[str, Counter[str]] = {"paid": Counter(), "returned": Counter()}
        months = ("2026-05", "2026-06", "2026-07", "2026-08")
        for merchant in ("shop", "mart"):
            for month in months:
                for line in statement(self.store, OPERATOR, merchant, month, NOW + 120 * DAY).lines:
                    written[line.move.kind.value][line.move.currency] += line.move.amount
        assert written == self.bank


TestRecovering = Recovering.TestCase
TestRecovering.settings = settings(
    max_examples=25, stateful_step_count=30, deadline=None, suppress_health_check=[*HealthCheck]
)
