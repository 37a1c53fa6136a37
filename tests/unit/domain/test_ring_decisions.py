import json
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.domain.errors import ConflictError, InvalidError
from ringfence.domain.policy import CasePolicy
from ringfence.domain.records import Event
from ringfence.domain.ring_decisions import (
    Outcome,
    RingRecord,
    RingStanding,
    RingStatus,
    assigned,
    decided,
    decided_by_policy,
    fold,
    noted,
    ring_standing,
    undone,
)
from ringfence.domain.rings import Ring, Strength

DAY = 86_400_000_000


def at(day: str) -> int:
    return int(datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp()) * 1_000_000


MAY = at("2026-05-01")
JUNE = at("2026-06-01")
GROWN = "5 buyers and 12 joint claims where 4 and 9 were seen"


def ring(score: float = 31.2) -> Ring:
    return Ring("r1", 7, "n1", score, 4, 9, 3, "EUR:10.00", 0, 0, "why", 1, None)


def after(
    outcome: Outcome, until: int | None = None, score: float = 31.2, reason: str = "one family"
) -> RingRecord:
    return fold([decided(ring(score), outcome, reason, until, "ana", MAY)])


def strength(score: float, members: int = 5, claims: int = 12) -> Strength:
    return Strength(score, members, claims)


def standing(record: RingRecord, score: float = 31.2, now: int = MAY + DAY) -> RingStanding:
    return ring_standing(record, strength(score), now)


@pytest.mark.parametrize(("members", "claims"), [(4, 9), (3, 8)])
def test_evidence_that_drifts_without_new_members_or_claims_brings_no_ring_back(
    members: int, claims: int
) -> None:
    for outcome, until in ((Outcome.DISMISS, None), (Outcome.ALLOW, JUNE)):
        told = ring_standing(after(outcome, until), strength(44.0, members, claims), MAY + DAY)
        assert told.status.is_down


@pytest.mark.parametrize(("members", "claims"), [(5, 9), (4, 10)])
def test_a_ring_that_grew_comes_back_with_a_decade_more_and_not_before(members: int, claims: int) -> None:
    record = after(Outcome.DISMISS)
    assert ring_standing(record, strength(32.19, members, claims), MAY + DAY).status.is_down
    assert ring_standing(record, strength(32.2, members, claims), MAY + DAY).status is RingStatus.OPEN


def test_a_ring_nobody_decided_about_is_open() -> None:
    told = standing(RingRecord())
    assert (told.status, told.because, told.owner, told.version) == (RingStatus.OPEN, None, None, 0)


@pytest.mark.parametrize(
    ("outcome", "until", "status"),
    [
        (Outcome.CONFIRM, None, RingStatus.CONFIRMED),
        (Outcome.DISMISS, None, RingStatus.DISMISSED),
        (Outcome.DISMISS, JUNE, RingStatus.DISMISSED),
        (Outcome.SNOOZE, JUNE, RingStatus.SNOOZED),
        (Outcome.ALLOW, JUNE, RingStatus.ALLOWED),
    ],
)
def test_a_decision_says_where_a_ring_stands_and_why(
    outcome: Outcome, until: int | None, status: RingStatus
) -> None:
    told = standing(after(outcome, until))
    assert (told.status, told.owner, told.returned_because) == (status, "ana", None)
    end = " until 2026-06-01" if until else ""
    assert told.because == (
        f"{status} on 2026-05-01{end} by ana with 31.2 decades of evidence (reason: one family)"
    )
    assert status.is_down is (outcome is not Outcome.CONFIRM)


def test_a_dismissed_ring_stays_down_until_its_evidence_grows() -> None:
    record = after(Outcome.DISMISS)
    for score in (0.0, 31.2, 32.19):
        assert standing(record, score).status is RingStatus.DISMISSED
    for score in (32.2, 44.0):
        assert standing(record, score).status is RingStatus.OPEN
    assert standing(record, 44.0).returned_because == (
        "dismissed on 2026-05-01 by ana with 31.2 decades of evidence (reason: one family); it has 44.0 now, "
        "5 buyers and 12 joint claims where 4 and 9 were seen"
    )


def test_an_allowed_ring_stays_down_until_its_evidence_grows_or_its_time_is_over() -> None:
    record = after(Outcome.ALLOW, JUNE)
    assert standing(record, 32.19, JUNE - 1).status is RingStatus.ALLOWED
    grown, over = standing(record, 32.2), standing(record, now=JUNE)
    assert grown.status is over.status is RingStatus.OPEN
    assert (grown.returned_because or "").endswith(f"; it has 32.2 now, {GROWN}")
    assert over.returned_because == (
        "allowed on 2026-05-01 until 2026-06-01 by ana with 31.2 decades of evidence (reason: one family); "
        "that time is over"
    )


def test_a_snoozed_ring_sleeps_until_its_day_whatever_its_evidence() -> None:
    record = after(Outcome.SNOOZE, JUNE)
    assert standing(record, 500.0, JUNE - 1).status is RingStatus.SNOOZED
    assert standing(record, 0.0, JUNE).status is RingStatus.OPEN


def test_a_confirmed_ring_stays_confirmed_whatever_its_evidence() -> None:
    assert standing(after(Outcome.CONFIRM), 500.0, JUNE).status is RingStatus.CONFIRMED


@pytest.mark.parametrize("outcome", [Outcome.SNOOZE, Outcome.ALLOW])
def test_what_hides_a_ring_from_others_needs_an_end(outcome: Outcome) -> None:
    with pytest.raises(InvalidError, match="say until when"):
        after(outcome)


def test_what_is_confirmed_needs_no_end() -> None:
    with pytest.raises(InvalidError, match="leave the end date out"):
        after(Outcome.CONFIRM, JUNE)


def test_a_decision_may_end_on_the_last_day_there_is() -> None:
    assert standing(after(Outcome.ALLOW, at("9999-12-31"))).status is RingStatus.ALLOWED


@pytest.mark.parametrize("until", [0, MAY - 1, MAY, at("9999-12-31") + 1, 2**62])
@pytest.mark.parametrize("outcome", [Outcome.DISMISS, Outcome.SNOOZE, Outcome.ALLOW])
def test_a_decision_ends_in_the_future(outcome: Outcome, until: int) -> None:
    with pytest.raises(InvalidError, match="in the future"):
        after(outcome, until)


@pytest.mark.parametrize("reason", ["", " \n\t ", "x" * 2_001, "be\x1b[31mware", "half \ud800", "nul\x00"])
def test_a_reason_is_there_and_can_be_read(reason: str) -> None:
    with pytest.raises(InvalidError, match="The reason"):
        after(Outcome.DISMISS, reason=reason)
    with pytest.raises(InvalidError, match="The reason"):
        undone(after(Outcome.DISMISS), reason, "bo", JUNE)


@pytest.mark.parametrize("text", ["", " ", "x" * 10_001])
def test_a_note_says_something_and_ends(text: str) -> None:
    with pytest.raises(InvalidError, match="The note"):
        noted(text, "ana", MAY)


def test_the_longest_reason_and_note_are_kept_whole() -> None:
    reason, note = "x" * 2_000, "ü\n" * 4_999 + "ü"
    assert after(Outcome.DISMISS, reason=f" {reason}\r\n").standing[0].reason == reason
    assert noted(note, "ana", MAY).data["text"] == note


@pytest.mark.parametrize("owner", ["", "  ", "x" * 201])
def test_an_owner_has_a_name(owner: str) -> None:
    with pytest.raises(InvalidError, match="The owner's name"):
        assigned(owner, "ana", MAY)


def test_an_undo_without_a_decision_is_refused() -> None:
    twice = fold([undone(after(Outcome.DISMISS), "oops", "bo", JUNE)], after(Outcome.DISMISS))
    with pytest.raises(ConflictError, match="Nothing is decided"):
        undone(RingRecord(), "oops", "bo", JUNE)
    with pytest.raises(ConflictError, match="Nothing is decided"):
        undone(twice, "oops", "bo", JUNE)


def test_a_ring_that_is_given_to_somebody_is_theirs_until_it_is_given_back() -> None:
    record = fold([assigned("bo", "ana", MAY)], after(Outcome.SNOOZE, JUNE))
    assert standing(record).owner == "bo"
    assert standing(fold([assigned(None, "ana", MAY)], record)).owner == "ana"


def test_a_ring_that_was_split_off_inherits_the_decision_until_its_own_evidence_exceeds_it() -> None:
    origin = ("r0", after(Outcome.DISMISS))
    told = ring_standing(RingRecord(), strength(20.0), JUNE, origin=origin)
    assert (told.status, told.owner, told.inherited_from) == (RingStatus.DISMISSED, "ana", "r0")
    assert (told.because or "").startswith("split from r0, which was dismissed on 2026-05-01 by ana")
    back = ring_standing(RingRecord(), strength(40.0), JUNE, origin=origin)
    assert back.status is RingStatus.OPEN
    assert (back.returned_because or "").endswith(f"; it has 40.0 now, {GROWN}")


@pytest.mark.parametrize("outcome", list(Outcome))
def test_what_is_inherited_never_covers_more_evidence_than_was_seen(outcome: Outcome) -> None:
    until = JUNE if outcome in (Outcome.SNOOZE, Outcome.ALLOW) else None
    origin = ("r0", after(outcome, until))
    assert ring_standing(RingRecord(), strength(32.19), JUNE - 1, origin=origin).status is not RingStatus.OPEN
    assert ring_standing(RingRecord(), strength(32.2), JUNE - 1, origin=origin).status is RingStatus.OPEN


def test_a_decision_of_its_own_goes_before_one_that_is_inherited() -> None:
    told = ring_standing(after(Outcome.CONFIRM), strength(20.0), JUNE, origin=("r0", after(Outcome.DISMISS)))
    assert (told.status, told.inherited_from) == (RingStatus.CONFIRMED, None)


def test_an_owner_of_its_own_goes_before_one_that_is_inherited() -> None:
    own = fold([assigned("cy", "ana", MAY)])
    told = ring_standing(own, strength(20.0), JUNE, origin=("r0", after(Outcome.DISMISS)))
    assert (told.status, told.owner) == (RingStatus.DISMISSED, "cy")


TWO, ONE = CasePolicy(second_person_to_confirm=True), CasePolicy(second_person_to_confirm=False)


def confirmed(record: RingRecord, by: str, policy: CasePolicy = TWO, now: int = MAY) -> RingRecord:
    event = decided_by_policy(record, decided(ring(), Outcome.CONFIRM, "one crew", None, by, now), policy)
    return fold([event], record)


def test_a_confirmation_waits_for_a_second_person_where_the_policy_says_so() -> None:
    proposed = confirmed(RingRecord(), "ana")
    told = standing(proposed)
    assert (told.status, told.decision, told.owner) == (RingStatus.OPEN, None, None)
    assert told.because == (
        "confirm proposed on 2026-05-01 by ana with 31.2 decades of evidence (reason: one crew); "
        "it waits for another investigator"
    )
    assert told.in_short()["proposed_by"] == "ana"
    with pytest.raises(ConflictError, match="You proposed to confirm this ring on 2026-05-01; it waits for"):
        confirmed(proposed, "ana", now=JUNE)
    both = standing(confirmed(proposed, "bo", now=JUNE), now=JUNE)
    assert (both.status, both.owner, both.proposed) == (RingStatus.CONFIRMED, "bo", None)


def test_one_person_confirms_where_the_policy_says_so() -> None:
    assert standing(confirmed(RingRecord(), "ana", ONE)).status is RingStatus.CONFIRMED
    proposed = confirmed(RingRecord(), "ana")
    assert standing(confirmed(proposed, "ana", ONE)).status is RingStatus.CONFIRMED


@pytest.mark.parametrize("outcome", [Outcome.DISMISS, Outcome.SNOOZE, Outcome.ALLOW])
def test_any_other_decision_takes_the_place_of_what_is_proposed(outcome: Outcome) -> None:
    proposed = confirmed(RingRecord(), "ana")
    until = None if outcome is Outcome.DISMISS else JUNE
    other = decided_by_policy(proposed, decided(ring(), outcome, "kin", until, "ana", MAY), TWO)
    record = fold([other], proposed)
    assert (record.decision is not None, record.proposed) == (True, None)


def test_an_undo_takes_back_what_is_proposed_before_what_was_decided() -> None:
    proposed = confirmed(after(Outcome.DISMISS), "bo")
    assert standing(proposed).status is RingStatus.DISMISSED
    back = fold([undone(proposed, "oops", "bo", MAY)], proposed)
    assert (back.proposed, back.standing) == (None, after(Outcome.DISMISS).standing)
    assert confirmed(fold([undone(proposed, "no", "bo", MAY)], proposed), "bo").proposed is not None


def test_a_proposal_outlasts_notes_and_owners() -> None:
    proposed = confirmed(RingRecord(), "ana")
    record = fold([noted("seen", "ana", MAY), assigned("cy", "ana", MAY)], proposed)
    assert standing(confirmed(record, "bo")).status is RingStatus.CONFIRMED


def test_records_kept_before_decisions_were_proposed_are_read() -> None:
    state = after(Outcome.DISMISS).to_state()
    del state["proposed"]
    assert RingRecord.from_state(state) == after(Outcome.DISMISS)


def test_an_unknown_event_is_not_passed_over() -> None:
    with pytest.raises(ValueError, match="'burned'"):
        fold([Event("burned", MAY, "ana", {})])


_NAMES = st.sampled_from(["ana", "bo", "cy"])
_STEPS = st.lists(
    st.tuples(
        st.sampled_from([*Outcome, "confirm by two", "undo", "undo", "note", "assign"]),
        _NAMES,
        st.integers(-3, 3),
        st.one_of(st.none(), _NAMES),
        st.floats(0, 300),
    ),
    max_size=30,
)


@given(steps=_STEPS, parts=st.integers(1, 4))
def test_any_sequence_of_events_leads_where_reading_them_backwards_says(
    steps: Sequence[tuple[Outcome | str, str, int, str | None, float]], parts: int
) -> None:
    events: list[Event] = []
    record, now = RingRecord(), MAY
    for what, by, days, owner, score in steps:
        now += days * DAY
        stands = _decisions_that_stand(events)
        proposal = _proposal(events)
        if what == "undo" and not stands and proposal is None:
            with pytest.raises(ConflictError):
                undone(record, "oops", by, now)
            continue
        if what == "confirm by two":
            wanted = decided(ring(score), Outcome.CONFIRM, "because", None, by, now)
            if proposal is not None and proposal.actor == by:
                with pytest.raises(ConflictError):
                    decided_by_policy(record, wanted, TWO)
                continue
            event = decided_by_policy(record, wanted, TWO)
            assert event.type == ("proposed" if proposal is None else "decided")
        elif isinstance(what, Outcome):
            until = now + DAY if what in (Outcome.SNOOZE, Outcome.ALLOW) else None
            event = decided(ring(score), what, "because", until, by, now)
        elif what == "undo":
            event = undone(record, "oops", by, now)
        elif what == "note":
            event = noted("seen", by, now)
        else:
            event = assigned(owner, by, now)
        events.append(event)
        record = fold([event], record)

    stands = _decisions_that_stand(events)
    assert [(found.outcome, found.by, found.evidence, found.until) for found in record.standing] == [
        (event.data["outcome"], event.actor, event.data["evidence"], event.data["until"]) for event in stands
    ]
    waiting = _proposal(events)
    assert (record.proposed and record.proposed.by) == (waiting and waiting.actor)
    given_to = [event.data["owner"] for event in events if event.type == "assigned"]
    owner = given_to[-1] if given_to else None
    assert record.owner == (owner or (stands[-1].actor if stands else None))
    assert record.notes == sum(event.type == "noted" for event in events)
    assert record.last_at == max([event.at for event in events], default=0)
    # However the events are cut, and through whatever is kept in between, they lead to the same.
    assert fold(events) == record
    kept = RingRecord()
    size = -(-len(events) // parts)
    for part in range(parts):
        state = fold(events[part * size : (part + 1) * size], kept).to_state()
        kept = RingRecord.from_state(json.loads(json.dumps(state)))
    assert kept == record


def _decisions_that_stand(events: Sequence[Event]) -> list[Event]:
    """Read the events from the last to the first: an undo takes the nearest decision or proposal before it
    that counts; a proposal before a decision does not."""
    taken, is_replaced, stands = 0, False, []
    for event in reversed(events):
        if event.type == "undone":
            taken, is_replaced = taken + 1, False
        elif event.type == "proposed" and taken and not is_replaced:
            taken -= 1
        elif event.type == "decided":
            is_replaced = True
            if taken:
                taken -= 1
            else:
                stands.append(event)
    return stands[::-1]


def _proposal(events: Sequence[Event]) -> Event | None:
    """Give what is proposed and neither taken back nor replaced."""
    acts = [event for event in events if event.type in ("proposed", "decided", "undone")]
    return acts[-1] if acts and acts[-1].type == "proposed" else None
