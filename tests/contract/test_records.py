import threading
from collections.abc import Sequence

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ringfence.domain.errors import InvalidError
from ringfence.domain.records import Event, RecordKind, RecordRef, Subject, SubjectKind
from ringfence.domain.scope import PLATFORM
from ringfence.store import Store
from ringfence.store.records import VersionConflictError

RECORD = RecordRef(RecordKind.RING_DECISION, "r1")
RING = Subject(SubjectKind.RING, "r1")
MEMBER = Subject(SubjectKind.BUYER, "b1")


def event(at: int = 1, actor: str = "ana", **data: object) -> Event:
    return Event("noted", at, actor, data)


def test_what_was_appended_is_read_back_as_it_was(store: Store) -> None:
    events = [
        Event("decided", 5, "ana", {"outcome": "dismiss", "until": None, "evidence": 31.25}),
        Event("noted", 5, "Ünal 🦊", {"text": 'a "quote",\nanother line', "pages": [1, 2], "is_seen": True}),
    ]
    assert store.records.append(RECORD, events, 0, {"notes": 1, "by": {"name": "ana"}}) == 2
    assert store.records.stream(RECORD) == tuple(events)
    state = store.records.state(RECORD)
    assert state is not None
    assert (state.record, state.version, state.state) == (RECORD, 2, {"notes": 1, "by": {"name": "ana"}})


def test_an_unknown_record_has_neither_events_nor_a_state(store: Store) -> None:
    assert store.records.stream(RECORD) == ()
    assert store.records.state(RECORD) is None
    assert store.records.current(RecordKind.RING_DECISION) == ()


def test_states_come_in_the_order_they_are_asked_for_without_those_of_another_kind(store: Store) -> None:
    for ring_id in ("r1", "r2", "r3"):
        store.records.append(RecordRef(RecordKind.RING_DECISION, ring_id), [event()], 0, {"of": ring_id})
    store.records.append(RecordRef(RecordKind.KEY, "r4"), [event()], 0, {})
    found = store.records.states(RecordKind.RING_DECISION, ("r3", "r4", "r1", "nobody", "r3"))
    assert [(each.record.id, each.version, each.state["of"]) for each in found] == [
        ("r3", 1, "r3"),
        ("r1", 1, "r1"),
    ]
    assert store.records.states(RecordKind.RING_DECISION, ()) == ()


def test_records_of_several_kinds_are_found_by_whom_they_concern(store: Store) -> None:
    other = Subject(SubjectKind.BUYER, "b2")
    key = RecordRef(RecordKind.KEY, "k1")
    request = RecordRef(RecordKind.RUN_REQUEST, "v1")
    store.records.append(RecordRef(RecordKind.RING_DECISION, "r2"), [event()], 0, {}, [MEMBER, other])
    store.records.append(RECORD, [event()], 0, {}, [RING, MEMBER])
    store.records.append(request, [event()], 0, {"notes": 1}, [other])
    store.records.append(key, [event()], 0, {}, [other])
    store.records.append(request, [event()], 1, {"notes": 2}, [other])
    kinds = (RecordKind.RUN_REQUEST, RecordKind.RING_DECISION)
    found = store.records.concerning(kinds, (other, MEMBER, RING, Subject(SubjectKind.RING, "b1"), other))
    assert {subject: [each.record.id for each in states] for subject, states in found.items()} == {
        other: ["r2", "v1"],
        MEMBER: ["r1", "r2"],
        RING: ["r1"],
    }
    assert (found[other][1].version, found[other][1].state) == (2, {"notes": 2})
    assert store.records.concerning(kinds, ()) == {}


def test_the_state_is_that_of_the_last_append(store: Store) -> None:
    for version in range(5):
        store.records.append(RECORD, [event(version)], version, {"notes": version + 1})
    state = store.records.state(RECORD)
    assert state is not None
    assert (state.version, state.state) == (5, {"notes": 5})
    assert len(store.records.stream(RECORD)) == 5


@pytest.mark.parametrize("seen", [0, 1, 3])
def test_who_saw_another_version_is_told_and_nothing_is_written(store: Store, seen: int) -> None:
    store.records.append(RECORD, [event(), event()], 0, {"notes": 2})
    said = (
        "There is no version 3 of the record of ring r1 yet: it has version 2."
        if seen == 3
        else f"Somebody else changed the record of ring r1 since version {seen}, which you saw: it has "
        "version 2 now."
    )
    with pytest.raises(VersionConflictError, match=f"^{said} Look again, then decide.$") as refusal:
        store.records.append(RECORD, [event(9)], seen, {"notes": 9}, [MEMBER])
    assert (refusal.value.expected, refusal.value.actual) == (seen, 2)
    assert len(store.records.stream(RECORD)) == 2
    state = store.records.state(RECORD)
    assert state is not None
    assert state.state == {"notes": 2}
    assert store.records.current(RecordKind.RING_DECISION, MEMBER) == ()


def test_a_version_of_a_record_that_does_not_exist_is_refused(store: Store) -> None:
    with pytest.raises(
        VersionConflictError, match="no version 2 of the record of ring r1 yet: it has version 0"
    ):
        store.records.append(RECORD, [event()], 2, {})
    assert store.records.state(RECORD) is None


def test_no_events_are_no_change(store: Store) -> None:
    with pytest.raises(InvalidError):
        store.records.append(RECORD, [], 0, {})
    assert store.records.state(RECORD) is None


@given(times=st.lists(st.lists(st.integers(0, 50), min_size=1, max_size=4), min_size=1, max_size=5))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_time_never_goes_back_within_a_record(store: Store, times: list[list[int]]) -> None:
    record = RecordRef(RecordKind.KEY, f"k{len(store.records.current(RecordKind.KEY))}")
    version = 0
    for batch in times:
        version = store.records.append(record, [event(at) for at in batch], version, {})
    told = [at for batch in times for at in batch]
    expected = [max(told[: place + 1]) for place in range(len(told))]
    assert [kept.at for kept in store.records.stream(record)] == expected


def test_records_are_found_by_kind_and_by_whom_they_concern(store: Store) -> None:
    other = RecordRef(RecordKind.RING_DECISION, "r0")
    key = RecordRef(RecordKind.KEY, "r1")
    store.records.append(RECORD, [event()], 0, {"n": 1}, [RING, MEMBER])
    store.records.append(other, [event()], 0, {"n": 2}, [Subject(SubjectKind.RING, "r0"), MEMBER])
    store.records.append(key, [event()], 0, {"n": 3}, [MEMBER])
    records = store.records
    assert [state.record for state in records.current(RecordKind.RING_DECISION)] == [other, RECORD]
    assert [state.record for state in records.current(RecordKind.KEY)] == [key]
    assert [state.record for state in records.current(RecordKind.RING_DECISION, MEMBER)] == [other, RECORD]
    assert [state.record for state in records.current(RecordKind.RING_DECISION, RING)] == [RECORD]
    assert records.current(RecordKind.RING_DECISION, Subject(SubjectKind.MERCHANT, "b1")) == ()
    # One id is one record of each kind.
    assert [state.state for state in records.current(RecordKind.KEY, MEMBER)] == [{"n": 3}]


def test_records_are_found_by_all_whom_they_concern_together(store: Store) -> None:
    other = RecordRef(RecordKind.RING_DECISION, "r0")
    shop = Subject(SubjectKind.MERCHANT, "m1")
    store.records.append(RECORD, [event()], 0, {}, [RING, MEMBER])
    store.records.append(other, [event()], 0, {}, [MEMBER, shop])
    store.records.append(RecordRef(RecordKind.KEY, "r1"), [event()], 0, {}, [RING, MEMBER, shop])
    for subjects, expected in (
        ((MEMBER, RING), [RECORD]),
        ((shop, MEMBER), [other]),
        ((MEMBER, MEMBER), [other, RECORD]),
        ((MEMBER, RING, shop), []),
    ):
        found = store.records.current(RecordKind.RING_DECISION, *subjects)
        assert [state.record for state in found] == expected


def test_a_record_goes_on_concerning_whom_it_once_did(store: Store) -> None:
    joined = Subject(SubjectKind.BUYER, "b2")
    store.records.append(RECORD, [event()], 0, {}, [RING, MEMBER])
    store.records.append(RECORD, [event()], 1, {}, [RING, joined])
    for subject in (RING, MEMBER, joined):
        assert [state.version for state in store.records.current(RECORD.kind, subject)] == [2]


def test_a_transaction_that_fails_leaves_no_event(store: Store) -> None:
    def fail() -> None:
        with store.transaction():
            store.records.append(RECORD, [event()], 0, {})
            store.records.append(RecordRef(RecordKind.KEY, "k"), [event()], 1, {})

    with pytest.raises(VersionConflictError):
        fail()
    assert store.records.state(RECORD) is None
    assert store.records.stream(RECORD) == ()


def test_a_snapshot_sees_no_event_that_came_later(store: Store) -> None:
    store.records.append(RECORD, [event()], 0, {"n": 1})
    with store.snapshot():
        before = store.records.state(RECORD)
        other = threading.Thread(target=store.records.append, args=(RECORD, [event()], 1, {"n": 2}))
        other.start()
        other.join()
        assert store.records.state(RECORD) == before
        assert len(store.records.stream(RECORD)) == 1
    assert len(store.records.stream(RECORD)) == 2


def test_a_snapshot_that_begins_with_who_is_in_sight_sees_nothing_later(store: Store) -> None:
    with store.snapshot():
        assert store.market.sighted(("b1",), PLATFORM) == ()
        other = threading.Thread(target=store.records.append, args=(RECORD, [event()], 0, {}, [MEMBER]))
        other.start()
        other.join()
        assert store.market.sighted(("b1",), PLATFORM) == ()
        assert store.records.state(RECORD) is None
        assert store.records.current(RECORD.kind, MEMBER) == ()
    assert store.records.state(RECORD) is not None


def test_a_snapshot_sees_neither_records_nor_subjects_that_came_later(store: Store) -> None:
    other, joined = RecordRef(RECORD.kind, "r2"), Subject(SubjectKind.BUYER, "b2")
    store.records.append(RECORD, [event()], 0, {"n": 1}, [MEMBER])

    def append() -> None:
        store.records.append(RECORD, [event()], 1, {"n": 2}, [joined])
        store.records.append(other, [event()], 0, {"n": 3}, [MEMBER])

    def look() -> list[object]:
        records = store.records
        listed = [records.current(RECORD.kind, *concerning) for concerning in ((), (MEMBER,), (joined,))]
        listed.append(records.current(RECORD.kind, MEMBER, joined))
        all_of_it = records.concerning((RECORD.kind,), (MEMBER, joined))
        return [listed, all_of_it, records.states(RECORD.kind, ("r2", "r1")), records.concerns(RECORD.kind)]

    with store.snapshot():
        before = look()
        writer = threading.Thread(target=append)
        writer.start()
        writer.join()
        assert look() == before
    assert store.records.concerns(RECORD.kind) == {"r1": (MEMBER, joined), "r2": (MEMBER,)}


def test_of_two_who_saw_the_same_version_one_wins_and_the_other_is_told(store: Store) -> None:
    for version in range(20):
        gate = threading.Barrier(2)
        won: list[str] = []
        told: list[str] = []

        def decide(
            name: str,
            version: int = version,
            gate: threading.Barrier = gate,
            won: list[str] = won,
            told: list[str] = told,
        ) -> None:
            gate.wait()
            try:
                store.records.append(RECORD, [event(version, name)], version, {"by": name})
                won.append(name)
            except VersionConflictError:
                told.append(name)

        _together([threading.Thread(target=decide, args=(name,)) for name in ("ana", "bo")])
        assert (len(won), len(told)) == (1, 1)
        assert store.records.stream(RECORD)[-1].actor == won[0]
        state = store.records.state(RECORD)
        assert state is not None
        assert (state.version, state.state) == (version + 1, {"by": won[0]})


@given(batches=st.lists(st.lists(st.integers(1, 3), max_size=6), min_size=2, max_size=3))
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_appenders_who_look_again_lose_no_event(store: Store, batches: list[list[int]]) -> None:
    record = RecordRef(RecordKind.KEY, f"k{len(store.records.current(RecordKind.KEY))}")
    store.records.append(record, [event(0, "nobody")], 0, {})

    def append(name: str, sizes: list[int]) -> None:
        written = 0
        for size in sizes:
            events = [event(1, name, number=written + place) for place in range(size)]
            _append_at_last(store, record, events)
            written += size

    names = [f"writer {place}" for place in range(len(batches))]
    _together(
        [
            threading.Thread(target=append, args=(name, sizes))
            for name, sizes in zip(names, batches, strict=True)
        ]
    )
    stream = store.records.stream(record)
    state = store.records.state(record)
    assert state is not None
    assert state.version == len(stream) == 1 + sum(map(sum, batches))
    for name, sizes in zip(names, batches, strict=True):
        numbers = [kept.data["number"] for kept in stream if kept.actor == name]
        assert numbers == list(range(sum(sizes)))


def _append_at_last(store: Store, record: RecordRef, events: Sequence[Event]) -> None:
    while True:
        seen = store.records.state(record)
        assert seen is not None
        try:
            store.records.append(record, events, seen.version, {})
            return
        except VersionConflictError:
            continue


def _together(threads: Sequence[threading.Thread]) -> None:
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
