import threading
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ringfence.app import StoresByAddress
from ringfence.domain.errors import ConflictError, ForbiddenError, InvalidError
from ringfence.domain.policy import CasePolicy, Policy
from ringfence.domain.records import RecordKind, Subject, SubjectKind
from ringfence.domain.ring_decisions import Outcome, RingStatus
from ringfence.domain.rings import RingQuery
from ringfence.domain.scope import Principal, Role
from ringfence.services.decide_rings import (
    RingUnknownError,
    assign,
    decide,
    hidden,
    history,
    narrowed,
    note,
    statuses,
    undo,
)
from ringfence.store import Store
from ringfence.store.records import VersionConflictError

ANA = Principal("ana", Role.INVESTIGATOR)
BO = Principal("bo", Role.INVESTIGATOR)
DAY = 86_400_000_000
NOW = 1_777_593_600_000_000
"""2026-05-01"""
Publish = Callable[..., int]
Act = Callable[[Store, Principal, str], object]

ACTS: dict[str, Act] = {
    "decide": lambda store, who, ring: decide(store, who, ring, Outcome.DISMISS, "kin", None, NOW),
    "undo": lambda store, who, ring: undo(store, who, ring, "oops", NOW),
    "note": lambda store, who, ring: note(store, who, ring, "they share a roof", NOW),
    "assign": lambda store, who, ring: assign(store, who, ring, "bo", NOW),
}


def status(store: Store, ring_id: str, now: int = NOW) -> tuple[RingStatus, str | None]:
    (ring,) = store.rings.rings((ring_id,))
    told = statuses(store, [ring], now)[ring_id]
    return told.status, told.returned_because


def test_a_decision_is_kept_with_what_it_rests_on(store: Store, publish: Publish) -> None:
    run = publish(store, {"r1": (31.2, ["b1", "b2"]), "r2": (9.0, ["b3"])})
    told = decide(store, ANA, "r1", Outcome.ALLOW, " one family ", NOW + DAY, NOW)
    assert (told.status, told.owner, told.version) == (RingStatus.ALLOWED, "ana", 1)
    (event,) = history(store, BO, "r1")
    assert (event.type, event.at, event.actor) == ("decided", NOW, "ana")
    assert event.data == {
        "outcome": "allow",
        "reason": "one family",
        "until": NOW + DAY,
        "evidence": 31.2,
        "run_id": run,
        "members": 2,
        "claims": 3,
    }
    for kind, id in ((SubjectKind.RING, "r1"), (SubjectKind.BUYER, "b1"), (SubjectKind.BUYER, "b2")):
        (found,) = store.records.current(RecordKind.RING_DECISION, Subject(kind, id))
        assert found.record.id == "r1"
    assert store.records.current(RecordKind.RING_DECISION, Subject(SubjectKind.BUYER, "b3")) == ()


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("role", [role for role in Role if role is not Role.INVESTIGATOR])
def test_only_investigators_decide(store: Store, publish: Publish, act: str, role: Role) -> None:
    publish(store, {"r1": (31.2, ["b1"])})
    decide(store, ANA, "r1", Outcome.CONFIRM, "seen", None, NOW)
    with pytest.raises(ForbiddenError, match="Only investigators"):
        ACTS[act](store, Principal("eve", role), "r1")
    assert len(history(store, ANA, "r1")) == 1


@pytest.mark.parametrize("act", ACTS)
def test_nothing_is_decided_about_a_ring_that_is_not_there(store: Store, publish: Publish, act: str) -> None:
    with pytest.raises(RingUnknownError, match="There is no ring r9"):
        ACTS[act](store, ANA, "r9")
    publish(store, {"r1": (31.2, ["b1"])})
    with pytest.raises(RingUnknownError, match="There is no ring r9"):
        ACTS[act](store, ANA, "r9")
    with pytest.raises(RingUnknownError):
        history(store, ANA, "r9")
    assert store.records.current(RecordKind.RING_DECISION) == ()


def test_a_decision_that_is_refused_leaves_nothing(store: Store, publish: Publish) -> None:
    publish(store, {"r1": (31.2, ["b1"])})
    with pytest.raises(InvalidError):
        decide(store, ANA, "r1", Outcome.SNOOZE, "later", None, NOW)
    with pytest.raises(ConflictError):
        undo(store, ANA, "r1", "oops", NOW)
    assert history(store, ANA, "r1") == ()
    assert store.records.current(RecordKind.RING_DECISION) == ()


@pytest.mark.parametrize("role", [Role.MERCHANT, Role.JOB])
def test_merchants_and_jobs_see_no_decisions(store: Store, publish: Publish, role: Role) -> None:
    publish(store, {"r1": (31.2, ["b1"])})
    with pytest.raises(ForbiddenError):
        history(store, Principal("shop", role, "m1"), "r1")
    assert history(store, Principal("op", Role.OPERATOR), "r1") == ()


def test_of_two_who_saw_the_same_one_wins_and_the_other_is_told(store: Store, publish: Publish) -> None:
    publish(store, {"r1": (31.2, ["b1"])})
    note(store, ANA, "r1", "look at this", NOW)
    gate = threading.Barrier(2)
    told: dict[str, object] = {}

    def act(who: Principal, outcome: Outcome) -> None:
        gate.wait()
        try:
            told[who.name] = decide(store, who, "r1", outcome, "seen", None, NOW, expected_version=1)
        except VersionConflictError as refusal:
            told[who.name] = refusal

    threads = [
        threading.Thread(target=act, args=given) for given in ((ANA, Outcome.CONFIRM), (BO, Outcome.DISMISS))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (refused,) = [who for who, what in told.items() if isinstance(what, VersionConflictError)]
    assert str(told[refused]).startswith("Somebody else changed the record of ring r1 since version")
    assert [event.actor for event in history(store, ANA, "r1")][1:] == [{"ana": "bo", "bo": "ana"}[refused]]


def test_a_ring_is_confirmed_by_a_second_person_where_the_policy_says_so(
    store: Store, publish: Publish
) -> None:
    two = Policy(cases=CasePolicy(second_person_to_confirm=True))
    publish(store, {"r1": (31.2, ["b1"])})
    proposed = decide(store, ANA, "r1", Outcome.CONFIRM, "one crew", None, NOW, policy=two)
    assert (proposed.status, proposed.version) == (RingStatus.OPEN, 1)
    assert proposed.proposed is not None
    assert proposed.proposed.by == "ana"
    assert hidden(store, NOW) == {}
    with pytest.raises(ConflictError, match="it waits for another investigator"):
        decide(store, ANA, "r1", Outcome.CONFIRM, "I am sure", None, NOW, policy=two)
    told = decide(store, BO, "r1", Outcome.CONFIRM, "so I see", None, NOW + DAY, policy=two)
    assert (told.status, told.version, told.proposed) == (RingStatus.CONFIRMED, 2, None)
    assert [(event.type, event.actor) for event in history(store, ANA, "r1")] == [
        ("proposed", "ana"),
        ("decided", "bo"),
    ]


def test_undo_brings_back_what_was_decided_before(store: Store, publish: Publish) -> None:
    publish(store, {"r1": (31.2, ["b1"])})
    decide(store, ANA, "r1", Outcome.DISMISS, "kin", None, NOW)
    decide(store, BO, "r1", Outcome.CONFIRM, "no kin", None, NOW)
    assert undo(store, ANA, "r1", "kin after all", NOW).status is RingStatus.DISMISSED
    assert undo(store, ANA, "r1", "not sure", NOW).status is RingStatus.OPEN
    assert [event.type for event in history(store, ANA, "r1")] == ["decided", "decided", "undone", "undone"]


def test_a_dismissed_ring_stays_down_until_its_evidence_grows(store: Store, publish: Publish) -> None:
    publish(store, {"r1": (31.2, ["b1"]), "r2": (40.0, ["b2"])})
    decide(store, ANA, "r1", Outcome.DISMISS, "one family", None, NOW)
    for score in (31.2, 12.0, 32.1):
        publish(store, {"r1": (score, ["b1"]), "r2": (90.0, ["b2"])}, now=NOW)
        assert status(store, "r1") == (RingStatus.DISMISSED, None)
        assert hidden(store, NOW) == {RingStatus.DISMISSED: {"r1"}}
    publish(store, {"r1": (44.0, ["b1", "b3"]), "r2": (90.0, ["b2"])}, now=NOW)
    assert hidden(store, NOW) == {}
    assert status(store, "r1") == (
        RingStatus.OPEN,
        "dismissed on 2026-05-01 by ana with 31.2 decades of evidence (reason: one family); it has 44.0 now, "
        "2 buyers and 3 joint claims where 1 and 3 were seen",
    )
    # Dismissed again with what it has now, it goes down again.
    decide(store, ANA, "r1", Outcome.DISMISS, "two families", None, NOW)
    assert hidden(store, NOW) == {RingStatus.DISMISSED: {"r1"}}


def test_a_part_of_a_dismissed_ring_stays_down_too(store: Store, publish: Publish) -> None:
    publish(store, {"r1": (31.2, ["b1", "b2", "b3"])})
    decide(store, ANA, "r1", Outcome.DISMISS, "one family", None, NOW)
    publish(store, {"r1": (20.0, ["b1", "b2"]), "r2": (10.0, ["b3"])}, {"r2": "r1"})
    publish(
        store, {"r2": (10.0, ["b3"]), "r3": (9.0, ["b4"]), "r4": (50.0, ["b5"])}, {"r3": "r2", "r4": "r2"}
    )
    assert hidden(store, NOW) == {RingStatus.DISMISSED: {"r2", "r3"}}
    assert status(store, "r3") == (RingStatus.DISMISSED, None)
    state, because = status(store, "r4")
    assert state is RingStatus.OPEN
    assert (because or "").startswith("split from r1, which was dismissed on 2026-05-01 by ana")
    with pytest.raises(ConflictError, match="undone where it was decided"):
        undo(store, ANA, "r3", "oops", NOW)
    # What is decided about a part goes before what was decided about the whole, for its own parts as well.
    decide(store, BO, "r2", Outcome.CONFIRM, "these are not", None, NOW)
    assert hidden(store, NOW) == {RingStatus.CONFIRMED: {"r2", "r3"}}
    undo(store, BO, "r2", "they are", NOW)
    assert hidden(store, NOW) == {RingStatus.DISMISSED: {"r2", "r3"}}
    assert status(store, "r3") == (RingStatus.DISMISSED, None)


def test_an_undo_at_the_origin_opens_its_parts(store: Store, publish: Publish) -> None:
    publish(store, {"r1": (31.2, ["b1", "b2"])})
    decide(store, ANA, "r1", Outcome.ALLOW, "one family", NOW + DAY, NOW)
    publish(store, {"r2": (10.0, ["b2"])}, {"r2": "r1"})
    assert hidden(store, NOW) == {RingStatus.ALLOWED: {"r2"}}
    assert hidden(store, NOW + DAY) == {}
    undo(store, ANA, "r1", "oops", NOW)
    assert hidden(store, NOW) == {}


def test_a_ring_that_ended_can_still_be_decided_about_and_is_in_no_list(
    store: Store, publish: Publish
) -> None:
    publish(store, {"r1": (31.2, ["b1"])})
    publish(store, {"r2": (31.2, ["b2"])})
    assert decide(store, ANA, "r1", Outcome.DISMISS, "kin", None, NOW).status is RingStatus.DISMISSED
    assert hidden(store, NOW) == {}


def test_lists_can_leave_out_what_is_down(store: Store, publish: Publish) -> None:
    publish(store, {f"r{place}": (float(place), [f"b{place}"]) for place in range(1, 7)})
    for ring_id, outcome in zip(("r1", "r2", "r3", "r4"), Outcome, strict=True):
        until = NOW + DAY if outcome in (Outcome.SNOOZE, Outcome.ALLOW) else None
        decide(store, ANA, ring_id, outcome, "because", until, NOW)
    found = hidden(store, NOW)
    assert found == {
        RingStatus.CONFIRMED: {"r1"},
        RingStatus.DISMISSED: {"r2"},
        RingStatus.SNOOZED: {"r3"},
        RingStatus.ALLOWED: {"r4"},
    }
    down = frozenset().union(*(ids for status, ids in found.items() if status.is_down))
    page = store.rings.page(RingQuery(without=down), first=10)
    assert [ring.ring_id for ring in page.items] == ["r6", "r5", "r1"]


_RINGS = [f"r{place}" for place in range(6)]


@given(
    scores=st.lists(st.floats(0, 50), min_size=6, max_size=6),
    grown=st.lists(st.floats(-3, 3), min_size=6, max_size=6),
    origins=st.dictionaries(st.sampled_from(_RINGS[3:]), st.sampled_from(_RINGS)),
    decisions=st.lists(
        st.tuples(st.sampled_from(_RINGS[:5]), st.sampled_from([*Outcome, None]), st.integers(1, 4)),
        max_size=8,
    ),
    days=st.integers(0, 5),
)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_hidden_is_what_does_not_stand_open(
    publish: Publish,
    scores: list[float],
    grown: list[float],
    origins: dict[str, str],
    decisions: list[tuple[str, Outcome | None, int]],
    days: int,
) -> None:
    with TemporaryDirectory() as folder:
        store = StoresByAddress().open(str(Path(folder, "store.sqlite")), create=True)
        try:
            publish(store, {ring: (scores[place], [ring]) for place, ring in enumerate(_RINGS[:3])})
            splits = {ring: origin for ring, origin in origins.items() if ring != origin}
            rings = {ring: (scores[place], [ring]) for place, ring in enumerate(_RINGS)}
            publish(store, rings, splits)
            for ring, outcome, end in decisions:
                if outcome is None:
                    note(store, ANA, ring, "hm", NOW)
                else:
                    until = None if outcome is Outcome.CONFIRM else NOW + end * DAY
                    decide(store, ANA, ring, outcome, "because", until, NOW)
            later = NOW + days * DAY
            publish(store, {ring: (scores[p] + grown[p], [ring]) for p, ring in enumerate(_RINGS[1:], 1)})
            told = statuses(store, store.rings.rings(_RINGS), later)
            assert told.keys() == set(_RINGS[1:])
            found = hidden(store, later)
            for ring, standing in told.items():
                assert [status for status, ids in found.items() if ring in ids] == (
                    [] if standing.status is RingStatus.OPEN else [standing.status]
                )
            assert frozenset().union(*found.values()) <= told.keys()
        finally:
            store.close()


def test_a_query_for_some_rings_is_narrowed_to_those_of_the_statuses_asked_for() -> None:
    found = {RingStatus.DISMISSED: frozenset({"r1", "r2"}), RingStatus.SNOOZED: frozenset({"r3"})}
    some = RingQuery(only=frozenset({"r2", "r3", "r4"}))
    assert narrowed(some, {RingStatus.DISMISSED}, found).only == frozenset({"r2"})
    assert narrowed(RingQuery(), {RingStatus.DISMISSED}, found).only == frozenset({"r1", "r2"})
    asked = narrowed(some, {RingStatus.OPEN, RingStatus.DISMISSED}, found)
    assert (asked.only, asked.without) == (some.only, frozenset({"r3"}))
