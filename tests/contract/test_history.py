from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
from run_samples import publish, write
from run_samples import tables_of as run_of
from small_loads import (
    Interrupted,
    PulledPlug,
    claim,
    exact_of,
    lease_of,
    load,
    order,
    report,
    source_of,
    tables_of,
)

from ringfence.app import StoresByAddress
from ringfence.domain.audit import ANSWERED, AuditEntry, SealedEntry, begin_chain, seal
from ringfence.domain.buyers import Report
from ringfence.domain.errors import ConflictError, NotFoundError
from ringfence.domain.leases import Holder, Lease, LeaseLostError, LeaseName
from ringfence.domain.progress import Progress, Silent
from ringfence.domain.records import Event, RecordKind, RecordRef, Subject, SubjectKind
from ringfence.domain.rings import RingQuery
from ringfence.domain.runs import RunState
from ringfence.domain.scope import PLATFORM, Role
from ringfence.market.tables import MarketTables
from ringfence.store import PastRun, Store
from ringfence.store import fingerprints as of
from ringfence.store.copying import Copied, NoCopyError, write_history
from ringfence.store.history import StoredHistory
from ringfence.store.reports import FiledReport


def chain(name: str, *times: int) -> list[SealedEntry]:
    head, made = begin_chain(bytes(32), name), []
    for at in times:
        told = AuditEntry("ana", Role.OPERATOR, None, "é", "buyer", ("ann",), 0, (), ANSWERED)
        made.append(seal(bytes(32), head, at, told.to_payload("salt")))
        head = made[-1].head
    return made


ONE = RecordRef(RecordKind.RING_DECISION, "r1")
KEY = RecordRef(RecordKind.KEY, "k1")
FILED = [
    FiledReport(Report("r2", "shop", "ann", 50, "c1", "again", 3), 61),
    FiledReport(Report("r3", "mart", "eve", 45, None, None, None), 60),
]
CHAIN = chain("one", *range(6, 9))
OTHER_CHAIN = chain("other", 7)
RING, BUYER = Subject(SubjectKind.RING, "r1"), Subject(SubjectKind.BUYER, "ann")
FIRST = {
    "claims": [
        claim("c1", "ann", "shop", 20, address="Elm 1", status="open", kind="refund_only", high_value=True),
        claim("c2", "bob", "shop", 10, address="Elm 1", phone="555", currency="USD", refunded=0),
        claim("c3", "bob", "mart", 30, address="Oak 2", device="d1", high_value=False),
    ],
    "orders": [order("o1", "ann", "shop", 5), order("o2", "cyd", "mart", 6, address="Ash 3")],
    "reports": [report("r1", "mart", "bob", 40, reason="liar", evidence_count=2, claim_id="c3")],
    "buyers": [{"buyer": "ann", "country": "DE", "registered_at": 1}],
    "merchants": [{"merchant": "idle", "name": "Idle", "owner": "Ida"}],
    "identified": [{"kind": "email", "buyer": "dot", "value": "dot@x", "first_at": 1, "last_at": 2}],
    "rates": [{"currency": "USD", "date": 0, "rate": "1.1"}],
}
SECOND = {
    "claims": [claim("c4", "eve", "shop", 15, address="Elm 1", email="eve@x", phone="556")],
    "changes": [{"claim_id": "c1", "status": "refunded", "refunded": 100}],
    "buyers": [{"buyer": "ann", "registered_at": 2}],
    "identified": [{"kind": "payment", "buyer": "ann", "value": "p1"}],
}


@pytest.fixture
def other(tmp_path: Path) -> Iterator[Store]:
    opened = StoresByAddress().open(str(tmp_path / "other.sqlite"), create=True)
    try:
        yield opened
    finally:
        opened.close()


def detecting(store: Store, now: int = 0) -> Lease:
    """Take the lease of detection, whoever has it."""
    return store.leases.acquire(LeaseName.DETECT, Holder("here", 9, "today"), 60.0, now + 2 * 10**18)


def fill(store: Store) -> None:
    """Let a store live through loads, runs of every end, forgetting, and records."""
    loading, lease = lease_of(store), detecting(store)
    load(store, "first", tables_of(**FIRST), loading)
    load(store, "second", tables_of(**SECOND), loading)
    load(store, "third", tables_of(rates=[{"currency": "EUR", "date": 3, "rate": "1"}]), loading)
    publish(store, lease, {"r1": ["ann", "bob"], "gone": ["cyd"]}, [("r1", "born", ""), ("gone", "born", "")])
    publish(store, lease, {"r1": ["ann"], "r2": ["bob"]}, [("r1", "kept", "r1"), ("r2", "split", "r1")])
    store.rings.fail(write(store, lease, run_of({"r9": ["ann"]})), lease, 70, "the disk was full")
    withheld = write(store, lease, run_of({"r8": ["ann", "eve"]}, [("r8", "born", "")]))
    store.rings.withhold(withheld, lease, 80, ["too few rings"])
    publish(store, lease, {"r1": ["ann", "eve"], "r2": ["bob"]}, [("r1", "grew", "r1"), ("r2", "kept", "r2")])
    publish(
        store, lease, {"r2": ["bob", "eve"], "r3": ["ann"]}, [("r2", "changed", "r2"), ("r3", "born", "")]
    )
    store.rings.forget(2, lease, Silent())
    store.rings.begin_run(lease, 3, 90)
    for filed in reversed(FILED):
        store.reports.file(filed.report, filed.filed_at)
    store.records.append(ONE, [Event("noted", 5, "ana", {"text": "hm"})], 0, {"n": 1}, [RING, BUYER])
    store.records.append(ONE, [Event("noted", 3, "bea"), Event("noted", 9, "ana")], 1, {"n": 3}, [RING])
    store.records.append(KEY, [Event("created", 6, "ops", {"name": "x"})], 0, {"name": "x"})
    store.audit.append(CHAIN[:2])
    store.audit.append(CHAIN[2:])
    store.audit.append(OTHER_CHAIN)
    store.audit.erase(7, 1)
    store.leases.release(lease)
    store.leases.release(loading)


def copy(source: Store, target: Store, progress: Progress | None = None) -> Copied:
    """Copy all of a store."""
    loading, lease = lease_of(target, 7), detecting(target)
    try:
        return write_history(StoredHistory(source), target, loading, lease, progress or Silent())
    finally:
        target.leases.release(lease)
        target.leases.release(loading)


def told(store: Store) -> dict[str, object]:
    """Give all a store has, in short."""
    history = StoredHistory(store)
    return {
        "loads": [(load, of.of_load(load, history.tables_of(load))) for load in history.loads],
        "reports": store.reports.filed(),
        "runs": [(run, of.of_run(history.past_run(run))) for run in history.runs],
        "records": [history.past_record(state) for state in history.records],
        "audit": [list(history.entries(head)) for head in history.chains],
    }


def rows(tables: MarketTables, table: str, *columns: str) -> Sequence[tuple[object, ...]]:
    frame: pl.DataFrame = getattr(tables, table)
    return frame.select(columns).rows()


def test_a_load_is_told_with_all_it_brought(store: Store) -> None:
    fill(store)
    tables = store.market.tables_of(1)
    assert tables.buyer_ids.to_list() == ["ann", "bob", "cyd", "dot"]
    assert tables.merchant_ids.to_list() == ["idle", "mart", "shop"]
    assert rows(tables, "claims", "claim_id", "buyer", "merchant", "status", "high_value", "refunded") == [
        ("c2", 1, 2, None, None, 0),
        ("c1", 0, 2, "open", True, None),
        ("c3", 1, 1, None, False, None),
    ]
    assert rows(tables, "orders", "order_id", "buyer", "merchant") == [("o1", 0, 2), ("o2", 2, 1)]
    assert rows(tables, "reports", "report_id", "merchant", "buyer", "claim_id") == [("r1", 1, 1, "c3")]
    assert rows(tables, "buyers", "buyer", "country", "registered_at") == [(0, "DE", 1)]
    assert rows(tables, "merchants", "merchant", "name", "owner") == [(0, "Idle", "Ida")]
    assert rows(tables, "rates", "currency", "date", "rate") == [("USD", 0, "1.1")]
    assert rows(tables, "changes", "claim_id") == []
    kinds = [values.kind.value for values in tables.values]
    assert kinds == ["address", "device", "phone", "email"]
    address = tables.values[0]
    elm = [bytes(row) for row in address.exact].index(exact_of("address", "Elm 1"))
    assert tables.claims["address"].to_list()[:2] == [elm, elm]
    assert [place for place in tables.uses.filter(kind="address", buyer=0)["value"]] == [elm]
    assert address.sketches is not None
    assert len(address.sketches) == 3
    assert rows(tables, "uses", "kind", "buyer", "first_at", "last_at")[-1] == ("email", 3, 1, 2)


def test_a_load_is_told_with_what_it_names_of_others_but_not_with_their_sketches(store: Store) -> None:
    fill(store)
    tables = store.market.tables_of(2)
    assert tables.buyer_ids.to_list() == ["ann", "eve"]
    assert tables.merchant_ids.to_list() == ["shop"]
    assert [bytes(row) for row in tables.values[0].exact] == [exact_of("address", "Elm 1")]
    assert tables.values[0].sketches is None
    assert [values.kind.value for values in tables.values] == ["address", "payment", "phone", "email"]
    phone = tables.values[2].sketches
    assert phone is not None
    assert len(phone) == 1
    assert rows(tables, "changes", "claim_id", "status", "refunded") == [("c1", "refunded", 100)]
    assert rows(tables, "uses", "kind", "buyer", "first_at") == [
        ("address", 1, 15),
        ("payment", 0, None),
        ("phone", 1, 15),
        ("email", 1, 15),
    ]


def test_only_complete_loads_are_told(store: Store) -> None:
    lease = lease_of(store)
    load(store, "first", tables_of(**FIRST), lease)
    with pytest.raises(Interrupted):
        load(store, "second", tables_of(**SECOND), lease, PulledPlug(3))
    for number in (0, 2, 3):
        with pytest.raises(NotFoundError, match=f"no load {number}"):
            store.market.tables_of(number)
    assert store.market.tables_of(1).buyer_ids.to_list() == ["ann", "bob", "cyd", "dot"]


def test_a_load_may_have_begun_before_it_was_written(store: Store) -> None:
    made = store.market.write_load(source_of("a"), tables_of(**FIRST), lease_of(store), 12, Silent(), 5)
    assert (made.begun_at, made.finished_at) == (5, 12)
    assert store.market.loads() == (made,)


def test_a_run_is_told_with_its_tables_while_they_are_kept(store: Store) -> None:
    fill(store)
    last = store.rings.past_run(6)
    assert last.is_kept
    assert last.born == {"r3": None}
    assert set(last.tables) == set(store.rings.tables(6))
    assert all(last.tables[name].equals(frame) for name, frame in store.rings.tables(6).items())
    withheld = store.rings.past_run(4)
    assert (withheld.run.state, withheld.is_kept, withheld.born) == (RunState.WITHHELD, False, {})


def test_of_a_run_that_was_forgotten_the_lives_it_changed_are_told(store: Store) -> None:
    fill(store)
    first, second, failed = (store.rings.past_run(number) for number in (1, 2, 3))
    assert not first.is_kept
    assert first.tables["lineage"]["ring_id"].to_list() == ["r1", "gone"]
    assert first.born == {"gone": None, "r1": None}
    assert second.tables["lineage"]["event"].to_list() == ["split"]
    assert second.born == {"r2": "r1"}
    assert (failed.run.reasons, failed.is_kept, dict(failed.tables)) == (("the disk was full",), False, {})


def test_a_run_that_has_not_ended_is_not_told(store: Store) -> None:
    fill(store)
    for number in (7, 8):
        with pytest.raises(NotFoundError, match=f"no run {number}"):
            store.rings.past_run(number)


def test_whom_records_concern_is_told_by_kind(store: Store) -> None:
    fill(store)
    assert store.records.concerns(RecordKind.RING_DECISION) == {"r1": (BUYER, RING)}
    assert store.records.concerns(RecordKind.KEY) == {}


@pytest.mark.parametrize("is_source", [True, False])
def test_a_store_that_is_told_the_history_of_another_has_the_same(
    store: Store, other: Store, is_source: bool
) -> None:
    source, target = (store, other) if is_source else (other, store)
    fill(source)
    copied = copy(source, target)
    assert told(target) == told(source)
    assert list(copied.loads) == ["load 1", "load 2", "load 3"]
    assert [copied.runs[f"run {number}"].rows > 0 for number in range(1, 7)] == [
        True, True, False, False, True, True,
    ]  # fmt: skip
    assert {name: each.rows for name, each in copied.records.items()} == {"key k1": 1, "ring decision r1": 3}
    assert target.reports.filed() == source.reports.filed() == tuple(FILED)
    assert {name: each.rows for name, each in copied.reports.items()} == {"reports filed by call": 2}
    assert {name: each.rows for name, each in copied.audit.items()} == {
        f"audit {CHAIN[0].chain}": 3, f"audit {OTHER_CHAIN[0].chain}": 1,
    }  # fmt: skip
    assert target.audit.page(9, None, subject="ann") == source.audit.page(9, None, subject="ann")
    kept = target.audit.read(CHAIN[0].chain, 0, 9)
    assert [sealed.payload is None for sealed in kept] == [True, False, False]
    assert target.reports.page(9, None, PLATFORM) == source.reports.page(9, None, PLATFORM)
    assert target.rings.names() == source.rings.names()
    assert target.rings.origins() == source.rings.origins() == {"r2": "r1"}
    assert target.rings.alive() == source.rings.alive() == {"r2", "r3"}
    assert target.rings.last_members() == source.rings.last_members()
    assert target.rings.lineage(["r1", "r2"]) == source.rings.lineage(["r1", "r2"])
    assert target.rings.page(RingQuery(), 9) == source.rings.page(RingQuery(), 9)
    assert target.rings.last_known("r1") == source.rings.last_known("r1")
    assert target.rings.last_known("gone") is source.rings.last_known("gone") is None
    assert target.market.claims(("c1", "c2"), PLATFORM) == source.market.claims(("c1", "c2"), PLATFORM)
    assert target.records.current(RecordKind.RING_DECISION, BUYER) == source.records.current(
        RecordKind.RING_DECISION, BUYER
    )
    assert target.health().last_run_id == source.health().last_run_id == 6


def test_what_is_copied_can_be_gone_on_with(store: Store, other: Store) -> None:
    fill(other)
    copy(other, store)
    loading, lease = lease_of(store, 8), detecting(store, 10**10)
    made = load(store, "fourth", tables_of(claims=[claim("c9", "eve", "new", 50, phone="555")]), loading)
    assert made.load_id == 4
    assert len(store.market.tables_of(4).values[0].exact) == 1
    assert publish(store, lease, {"r2": ["bob"]}, [("r2", "shrank", "r2")]) == 7
    assert [ring.first_run_id for ring in store.rings.rings(["r2"])] == [2]


@pytest.mark.parametrize("steps", [0, 4, 11, 14, 17, 20, 23, 30])
def test_a_copy_that_was_interrupted_is_taken_up(store: Store, other: Store, steps: int) -> None:
    fill(other)
    with pytest.raises(Interrupted):
        copy(other, store, PulledPlug(steps))
    copy(other, store)
    assert told(store) == told(other)
    assert not [run for run in store.rings.runs(99).items if run.state is RunState.RUNNING]


def test_a_copy_brings_over_what_came_since_and_forgets_what_was_forgotten(
    store: Store, other: Store
) -> None:
    fill(other)
    copy(other, store)
    lease = detecting(other, 10**10)
    other.rings.forget(1, lease, Silent())
    publish(other, lease, {"r4": ["ann"]}, [("r4", "born", "")])
    other.records.append(ONE, [Event("noted", 20, "ana")], 3, {"n": 4}, [Subject(SubjectKind.RING, "r2")])
    load(other, "late", tables_of(claims=[claim("c7", "ann", "new", 60)]), lease_of(other, 8))
    other.reports.file(Report("r0", "new", "ann", 70, "c7", None, None), 71)
    copy(other, store)
    assert told(store) == told(other)
    assert len(store.market.loads()) == 4


def test_a_store_with_something_of_its_own_is_refused(store: Store, other: Store) -> None:
    fill(other)
    load(store, "own", tables_of(**FIRST), lease_of(store))
    with pytest.raises(NoCopyError, match="load 1"):
        copy(other, store)
    assert len(store.market.loads()) == 1


def test_a_store_with_a_record_of_its_own_is_refused(store: Store, other: Store) -> None:
    fill(other)
    store.records.append(RecordRef(RecordKind.KEY, "k2"), [Event("created", 1, "ops")], 0, {})
    with pytest.raises(NoCopyError, match="key k2"):
        copy(other, store)
    assert store.market.loads() == ()


def test_a_store_with_a_report_of_its_own_is_refused(store: Store, other: Store) -> None:
    load(other, "first", tables_of(**FIRST), lease_of(other))
    load(store, "first", tables_of(**FIRST), lease_of(store))
    store.reports.file(Report("own", "shop", "ann", 50, None, None, None), 60)
    with pytest.raises(NoCopyError, match="report shop/own"):
        copy(other, store)
    other.reports.file(Report("own", "shop", "ann", 50, None, "otherwise", None), 60)
    with pytest.raises(NoCopyError, match="report shop/own"):
        copy(other, store)


def test_a_run_is_put_after_those_before_it_alone(store: Store) -> None:
    fill(store)
    lease = detecting(store, 10**10)
    with pytest.raises(ConflictError, match="run 6"):
        store.rings.put_run(store.rings.past_run(6), lease, Silent())
    last = store.rings.past_run(6)
    later = PastRun(replace(last.run, run_id=7), last.is_kept, last.tables, {})
    store.rings.put_run(later, lease, Silent())
    assert [run.run_id for run in store.rings.runs(2).items] == [7, 6]
    assert store.rings.alive() == {"r2", "r3"}


def test_a_run_is_put_under_its_lease_alone(store: Store) -> None:
    fill(store)
    last = store.rings.past_run(6)
    lost = detecting(store, 10**10)
    detecting(store, 10**18)
    with pytest.raises(LeaseLostError):
        store.rings.put_run(PastRun(replace(last.run, run_id=8), True, last.tables, {}), lost, Silent())
    assert store.rings.run(8) is None


def test_a_chain_of_the_audit_is_copied_on_and_one_of_its_own_stays(store: Store, other: Store) -> None:
    store.audit.append(CHAIN)
    other.audit.append(CHAIN[:1])
    copy(store, other)
    assert other.audit.heads() == store.audit.heads()
    other.audit.append(OTHER_CHAIN)
    copy(store, other)
    assert {head.chain for head in other.audit.heads()} == {CHAIN[0].chain, OTHER_CHAIN[0].chain}


def test_a_chain_that_only_has_the_name_of_one_is_no_copy(store: Store, other: Store) -> None:
    store.audit.append(CHAIN)
    other.audit.append(chain("one", 999))
    with pytest.raises(NoCopyError, match="audit"):
        copy(store, other)
