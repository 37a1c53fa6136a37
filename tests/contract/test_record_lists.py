import threading
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ringfence.domain.listings import list_name
from ringfence.domain.pages import Key
from ringfence.domain.records import Event, RecordKind, RecordRef
from ringfence.store import Append, Store
from ringfence.store.records import VersionConflictError

CHECK = RecordKind.VERIFICATION
STATES, OWNERS = ("open", "rejected"), (None, "ana", 'b"o')
States = dict[str, dict[str, Any]]
"""What was last said of each record, by id."""


def told(state: str = "open", owner: str | None = None, at: int = 1) -> dict[str, Any]:
    return {"state": state, "owner": owner, "opened_at": at}


def recovery(merchant_id: str, states: tuple[str, ...], moved_at: tuple[int, ...] = ()) -> dict[str, Any]:
    claims = [{"state": state} for state in states]
    moves = [{"at": at} for at in moved_at]
    return {"merchant_id": merchant_id, "proposed_at": 1, "claims": claims, "moves": moves}


def put(store: Store, id: str, state: Mapping[str, Any], kind: RecordKind = CHECK) -> None:
    known = store.records.state(RecordRef(kind, id))
    store.records.append(
        RecordRef(kind, id), [Event("noted", 1, "ana")], known.version if known else 0, state
    )


def ids(store: Store, kind: RecordKind = CHECK, /, **marks: str | None) -> list[str]:
    page = store.records.page(kind, list_name(**marks), 100)
    found = [state.record.id for state in page.items]
    assert (page.total, page.has_next) == (len(found), False)
    return found


def expected(states: States, state: str | None, owner: str | None) -> list[str]:
    found = [
        (-kept["opened_at"], id)
        for id, kept in states.items()
        if state in (None, kept["state"]) and owner in (None, kept["owner"])
    ]
    return [id for _, id in sorted(found)]


def test_a_list_that_nothing_stands_on_is_empty(store: Store) -> None:
    put(store, "r1", {"of": "r1"}, RecordKind.RING_DECISION)
    page = store.records.page(CHECK, list_name(state="open"), 10)
    assert (page.items, page.keys, page.has_next, page.total) == ((), (), False, 0)


def test_a_record_stands_where_its_last_state_puts_it(store: Store) -> None:
    put(store, "v1", told("open", "ana"))
    put(store, "v2", told("open"))
    assert (ids(store), ids(store, state="open"), ids(store, owner="ana")) == (["v1", "v2"],) * 2 + (["v1"],)
    put(store, "v1", told("confirmed", "bo"))
    assert (ids(store), ids(store, state="open"), ids(store, owner="ana")) == (["v1", "v2"], ["v2"], [])
    assert ids(store, state="confirmed", owner="bo") == ["v1"]
    (found,) = store.records.page(CHECK, list_name(owner="bo"), 1).items
    assert (found.version, found.state) == (2, told("confirmed", "bo"))


def test_a_record_may_come_to_another_place_in_its_lists(store: Store) -> None:
    for id, at in (("v1", 1), ("v2", 2), ("v3", 3)):
        put(store, id, told(at=at))
    put(store, "v1", told(at=4))
    assert ids(store, state="open") == ids(store) == ["v1", "v3", "v2"]


def test_lists_are_of_one_kind(store: Store) -> None:
    put(store, "v1", told())
    put(store, "c1", recovery("m1", ("proposed",)), RecordKind.RECOVERY)
    assert (ids(store), ids(store, RecordKind.RECOVERY)) == (["v1"], ["c1"])


def test_a_recovery_is_listed_once_by_merchant_and_by_each_state_and_month(store: Store) -> None:
    january, february = 1_800_000_000_000_000, 1_802_000_000_000_000
    put(store, "c1", recovery("m1", ("paid", "paid", "refused"), (january, january)), RecordKind.RECOVERY)
    put(store, "c2", recovery("m1", ("paid",), (january, february)), RecordKind.RECOVERY)
    put(store, "c3", recovery("m2", ("proposed",)), RecordKind.RECOVERY)

    def listed(**marks: str) -> list[str]:
        return ids(store, RecordKind.RECOVERY, **marks)

    assert listed() == ["c1", "c2", "c3"]
    assert (listed(merchant="m1"), listed(merchant="m2")) == (["c1", "c2"], ["c3"])
    assert (listed(state="paid"), listed(state="refused", merchant="m1")) == (["c1", "c2"], ["c1"])
    assert listed(state="paid", merchant="m2") == []
    assert (listed(merchant="m1", month="2027-01"), listed(merchant="m1", month="2027-02")) == (
        ["c1", "c2"],
        ["c2"],
    )


def test_reports_are_listed_once_they_are_withdrawn(store: Store) -> None:
    put(store, "r1", {"status": "disputed", "at": 1}, RecordKind.REPORT)
    put(store, "r2", {"status": "withdrawn", "at": 1}, RecordKind.REPORT)
    assert ids(store, RecordKind.REPORT, status="withdrawn") == ["r2"]


def test_what_is_refused_leaves_the_lists_as_they_were(store: Store) -> None:
    put(store, "v1", told())
    appends = [
        Append(RecordRef(CHECK, "v2"), [Event("noted", 1, "ana")], 0, told()),
        Append(RecordRef(CHECK, "v1"), [Event("noted", 1, "ana")], 0, told("confirmed")),
    ]
    with pytest.raises(VersionConflictError):
        store.records.append_all(appends)
    assert ids(store) == ids(store, state="open") == ["v1"]
    assert ids(store, state="confirmed") == []


def test_many_records_are_appended_to_at_once(store: Store) -> None:
    put(store, "v1", told())
    store.records.append_all(
        [
            Append(RecordRef(CHECK, id), [Event("noted", at, "ana", {"n": at})], version, told(at=at))
            for at, (id, version) in enumerate((("v1", 1), ("v2", 0), ("v3", 0)), start=2)
        ]
    )
    assert ids(store, state="open") == ["v3", "v2", "v1"]
    assert [event.at for event in store.records.stream(RecordRef(CHECK, "v1"))] == [1, 2]
    assert store.records.stream(RecordRef(CHECK, "v2")) == (Event("noted", 3, "ana", {"n": 3}),)
    store.records.append_all(())
    assert len(store.records.current(CHECK)) == 3


def test_pages_follow_each_other_though_all_began_at_one_moment(store: Store) -> None:
    names = [f"v{number}" for number in range(9)]
    for id in names:
        put(store, id, told(at=10 if id < "v5" else 3))
    after: Key | None = None
    found: list[str] = []
    while True:
        page = store.records.page(CHECK, list_name(state="open"), 2, after)
        found += [state.record.id for state in page.items]
        assert page.total == len(names)
        assert page.keys == tuple(Key(state.state["opened_at"], state.record.id) for state in page.items)
        if not page.has_next:
            break
        after = page.keys[-1]
    assert found == names


def test_a_page_follows_a_key_that_is_in_the_list_no_more(store: Store) -> None:
    for id, at in (("v1", 3), ("v2", 2), ("v3", 1)):
        put(store, id, told(at=at))
    put(store, "v2", told("confirmed", at=2))
    page = store.records.page(CHECK, list_name(state="open"), 5, Key(2, "v2"))
    assert ([state.record.id for state in page.items], page.total) == (["v3"], 2)


def test_a_snapshot_lists_what_stood_there_when_it_began(store: Store) -> None:
    for id, at in (("v1", 3), ("v2", 2), ("v3", 1)):
        put(store, id, told(at=at))
    lists = [list_name(state=state, owner=owner) for state in (None, *STATES) for owner in (None, "ana")]

    def look() -> list[object]:
        return [
            store.records.page(CHECK, name, first, after)
            for name in lists
            for first in (1, 2, 9)
            for after in (None, Key(3, "v1"), Key(2, "v2"))
        ]

    def change() -> None:
        put(store, "v1", told("rejected", at=3))
        put(store, "v4", told(at=9))
        put(store, "v2", told("open", "ana", at=2))
        put(store, "v2", told("open", at=2))
        put(store, "v3", told("open", at=5))

    with store.snapshot():
        before = look()
        writer = threading.Thread(target=change)
        writer.start()
        writer.join()
        assert look() == before
    assert ids(store, state="open") == ["v4", "v3", "v2"]


@given(
    steps=st.lists(
        st.tuples(st.integers(0, 5), st.sampled_from(STATES), st.sampled_from(OWNERS), st.integers(0, 3)),
        min_size=1,
        max_size=12,
    ),
    first=st.integers(1, 4),
)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_list_is_what_reading_all_records_would_give(
    store: Store, steps: list[tuple[int, str, str | None, int]], first: int
) -> None:
    for number, state, owner, at in steps:
        put(store, f"v{number}", told(state, owner, at))
    states: States = {kept.record.id: dict(kept.state) for kept in store.records.current(CHECK)}
    for asked in (None, *STATES):
        for owner in OWNERS:
            everything = expected(states, asked, owner)
            found: list[str] = []
            after: Key | None = None
            while True:
                page = store.records.page(CHECK, list_name(state=asked, owner=owner), first, after)
                found += [kept.record.id for kept in page.items]
                assert page.total == len(everything)
                if not page.has_next:
                    break
                after = page.keys[-1]
            assert found == everything
