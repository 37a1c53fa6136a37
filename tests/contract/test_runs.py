import threading
from dataclasses import replace

import pytest
from run_samples import HOLDER, NOW, SECOND, hold, publish, tables_of, write

from ringfence.domain.errors import ConflictError, InvalidError, NotFoundError
from ringfence.domain.leases import LeaseLostError
from ringfence.domain.pages import Key
from ringfence.domain.progress import Silent
from ringfence.domain.rings import RingQuery
from ringfence.domain.runs import RunState
from ringfence.market.results import SCHEMAS
from ringfence.store import Store

ONE = {"r1": ["a", "b"], "r2": ["c", "d", "e"]}
OTHER = {"r1": ["a", "b", "x"], "r3": ["p", "q"]}


def seen(store: Store) -> set[str]:
    return {ring.ring_id for ring in store.rings.page(RingQuery(), 100).items}


def test_before_the_first_run_there_is_nothing(store: Store) -> None:
    rings = store.rings
    assert rings.run() is None
    assert rings.run(1) is None
    assert rings.runs(10).items == ()
    assert rings.page(RingQuery(), 10).total == 0
    assert not rings.rings(["r1"])
    assert not rings.members(["r1"])
    assert not rings.joint_claims(["r1"])
    assert not rings.links_inside(["r1"])
    assert not rings.links_of("a", 5)
    assert not rings.lineage(["r1"])
    assert rings.last_known("r1") is None
    assert rings.buyer_score("a") is None
    assert rings.alive() == rings.names() == frozenset()
    assert not rings.last_members()
    assert not rings.origins()
    with pytest.raises(NotFoundError, match="No run"):
        rings.tables()


def test_nothing_of_a_run_is_seen_before_it_is_published(store: Store) -> None:
    lease = hold(store)
    publish(store, lease, ONE)
    before = (seen(store), store.rings.last_members(), store.rings.names(), store.rings.lineage(["r3"]))
    run = write(store, lease, tables_of(OTHER, [("r3", "born", "")]))
    assert (
        seen(store),
        store.rings.last_members(),
        store.rings.names(),
        store.rings.lineage(["r3"]),
    ) == before
    for read in (
        lambda: store.rings.page(RingQuery(), 10, run_id=run),
        lambda: store.rings.members(["r3"], run),
        lambda: store.rings.buyer_score("p", run),
        lambda: store.rings.tables(run),
    ):
        with pytest.raises(NotFoundError, match=f"run {run}"):
            read()
    store.rings.publish(run, lease, NOW)
    assert seen(store) == {"r1", "r3"}


def test_a_published_run_tells_when_on_what_and_what_it_says_of_itself(store: Store) -> None:
    lease = hold(store)
    run = store.rings.begin_run(lease, 5, NOW)
    begun = store.rings.run(run)
    assert begun is not None
    assert (begun.state, begun.begun_at, begun.ended_at, begun.market_version) == (
        RunState.RUNNING,
        NOW,
        None,
        5,
    )
    about = {"counts": {"rings": 2}, "notes": ["day precision"], "seed": 7, "parameters": {"gap": 0.1}}
    store.rings.write_run(run, tables_of(ONE), about, lease, Silent())
    store.rings.publish(run, lease, NOW + SECOND, ["looked into"])
    published = store.rings.run()
    assert published == replace(
        begun, state=RunState.PUBLISHED, ended_at=NOW + SECOND, about=about, reasons=("looked into",)
    )
    assert published is not None
    assert published.rings == 2


def test_tables_come_back_as_they_were_written(store: Store) -> None:
    lease = hold(store)
    many = {f"r{i:04d}": [f"b{i}-{j}" for j in range(3)] for i in range(1_500, 0, -1)}
    outsiders = [f"z{i:05d}" for i in range(9_000, 0, -1)]
    tables = tables_of(many, [(ring, "born", "") for ring in many], outsiders)
    assert tables["members"]["ring_id"].is_sorted(descending=True)
    run = write(store, lease, tables)
    store.rings.publish(run, lease, NOW)
    for read in (store.rings.tables(), store.rings.tables(run)):
        assert read.keys() == tables.keys()
        for table, frame in tables.items():
            assert read[table].schema == SCHEMAS[table]
            assert read[table].equals(frame), table
    assert store.rings.buyer_score("z00001") == 0.0
    assert store.rings.buyer_score("b1500-1") == pytest.approx(0.8999)
    assert store.rings.buyer_score("b1500-10") is None
    assert store.rings.buyer_score("") is None
    for ring_ids in (["r0001", "r1500"], list(many)):
        claims = store.rings.joint_claims(ring_ids)
        assert [claim.claim_id for claim in claims] == [f"c-{r}-{b}" for r in ring_ids for b in many[r]]
        inside = store.rings.links_inside(ring_ids)
        assert [(r, link.buyer_b) for r, link in inside] == [(r, b) for r in ring_ids for b in many[r][1:]]
    assert [link.buyer_b for link in store.rings.links_of("b77-0", 9)] == ["b77-1", "b77-2"]


def test_tables_that_a_run_lacks_are_not_made_up(store: Store) -> None:
    lease = hold(store)
    tables = tables_of(ONE)
    del tables["links"], tables["lineage"]
    run = write(store, lease, tables)
    store.rings.publish(run, lease, NOW)
    assert store.rings.tables().keys() == tables.keys()
    empty = tables_of({})
    run = write(store, lease, empty)
    store.rings.publish(run, lease, NOW)
    assert all(frame.equals(empty[table]) for table, frame in store.rings.tables().items())
    del tables["members"]
    with pytest.raises(InvalidError, match="members"):
        write(store, lease, tables)


def test_a_withheld_run_can_be_looked_at_but_is_nobodys_answer(store: Store) -> None:
    lease = hold(store)
    publish(store, lease, ONE)
    run = write(store, lease, tables_of(OTHER, [("r1", "grew", "r1"), ("r3", "split", "r2")]))
    store.rings.withhold(run, lease, NOW, ["too many rings"])
    assert seen(store) == {"r1", "r2"}
    withheld = store.rings.run(run)
    assert withheld is not None
    assert (withheld.state, withheld.reasons) == (RunState.WITHHELD, ("too many rings",))
    assert {ring.ring_id for ring in store.rings.page(RingQuery(), 10, run_id=run).items} == {"r1", "r3"}
    new, old = store.rings.rings(["r3", "r1"], run)
    assert (new.first_run_id, new.origin_ring_id) == (run, "r2")
    assert old.first_run_id == 1
    assert store.rings.lineage(["r3"]) == ()
    assert store.rings.names() == {"r1", "r2"}
    assert store.rings.last_known("r3") is None
    with pytest.raises(ConflictError):
        store.rings.publish(run, lease, NOW)


def test_a_failed_run_leaves_its_entry_and_nothing_else(store: Store) -> None:
    lease = hold(store)
    publish(store, lease, ONE)
    run = write(store, lease, tables_of(OTHER))
    store.rings.fail(run, lease, NOW + 5, "the disk is full")
    failed = store.rings.run(run)
    assert failed is not None
    assert (failed.state, failed.ended_at, failed.reasons) == (
        RunState.FAILED,
        NOW + 5,
        ("the disk is full",),
    )
    with pytest.raises(NotFoundError):
        store.rings.tables(run)
    with pytest.raises(ConflictError):
        store.rings.fail(run, lease, NOW, "again")
    assert seen(store) == {"r1", "r2"}


def test_a_run_of_a_dead_process_is_marked_as_interrupted_by_the_next(store: Store) -> None:
    lease = hold(store)
    dead = write(store, lease, tables_of(ONE))
    run = publish(store, lease, OTHER)
    assert run > dead
    failed = store.rings.run(dead)
    assert failed is not None
    assert (failed.state, failed.reasons) == (RunState.FAILED, ("interrupted",))
    with pytest.raises(ConflictError):
        store.rings.publish(dead, lease, NOW)
    with pytest.raises(ConflictError):
        store.rings.withhold(dead, lease, NOW, ["x"])
    with pytest.raises(ConflictError):
        store.rings.write_run(dead, tables_of(ONE), {}, lease, Silent())
    assert seen(store) == {"r1", "r3"}


def test_only_a_run_that_was_written_is_published_or_withheld_and_written_once(store: Store) -> None:
    lease = hold(store)
    run = store.rings.begin_run(lease, 1, NOW)
    with pytest.raises(ConflictError):
        store.rings.publish(run, lease, NOW)
    with pytest.raises(ConflictError):
        store.rings.withhold(run, lease, NOW, ["x"])
    store.rings.write_run(run, tables_of(ONE), {}, lease, Silent())
    with pytest.raises(ConflictError):
        store.rings.write_run(run, tables_of(ONE), {}, lease, Silent())
    store.rings.publish(run, lease, NOW)
    with pytest.raises(ConflictError):
        store.rings.publish(99, lease, NOW)


def test_a_stalled_holder_changes_nothing_once_another_took_over(store: Store) -> None:
    stalled = hold(store)
    publish(store, stalled, ONE)
    run = write(store, stalled, tables_of(OTHER))
    current = store.leases.take_over(stalled, replace(HOLDER, process=2), 60.0, NOW)
    for act in (
        lambda: store.rings.begin_run(stalled, 1, NOW),
        lambda: store.rings.publish(run, stalled, NOW),
        lambda: store.rings.withhold(run, stalled, NOW, ["x"]),
        lambda: store.rings.fail(run, stalled, NOW, "x"),
        lambda: store.rings.forget(1, stalled, Silent()),
    ):
        with pytest.raises(LeaseLostError):
            act()
    new = store.rings.begin_run(current, 1, NOW)
    for begun in (run, new):
        with pytest.raises(LeaseLostError):
            store.rings.write_run(begun, tables_of(OTHER), {}, stalled, Silent())
    store.rings.write_run(new, tables_of(OTHER), {}, current, Silent())
    store.rings.publish(new, current, NOW)
    assert all(frame.equals(tables_of(OTHER)[table]) for table, frame in store.rings.tables().items())


def test_later_runs_have_larger_numbers_though_the_clock_was_set_back(store: Store) -> None:
    lease = hold(store)
    first = write(store, lease, tables_of(ONE), now=NOW)
    store.rings.publish(first, lease, NOW)
    second = write(store, lease, tables_of(OTHER), now=NOW - 3600 * SECOND)
    store.rings.publish(second, lease, NOW - 3600 * SECOND)
    assert second > first
    assert seen(store) == {"r1", "r3"}
    latest = store.rings.run()
    assert latest is not None
    assert latest.run_id == second
    assert [run.run_id for run in store.rings.runs(10).items] == [second, first]


def test_runs_are_listed_latest_first_page_by_page_and_by_state(store: Store) -> None:
    lease = hold(store)
    for number in range(5):
        run = write(store, lease, tables_of(ONE))
        if number % 2:
            store.rings.withhold(run, lease, NOW, ["x"])
        else:
            store.rings.publish(run, lease, NOW)
    first = store.rings.runs(2)
    assert ([run.run_id for run in first.items], first.has_next, first.total) == ([5, 4], True, 5)
    assert first.keys[-1] == Key(4.0, "4")
    rest = store.rings.runs(3, first.keys[-1])
    assert ([run.run_id for run in rest.items], rest.has_next, rest.total) == ([3, 2, 1], False, 5)
    withheld = store.rings.runs(10, state=RunState.WITHHELD)
    assert ([run.run_id for run in withheld.items], withheld.total) == ([4, 2], 2)


def test_old_findings_are_forgotten_and_the_lives_of_their_rings_are_not(store: Store) -> None:
    lease = hold(store)
    old = publish(store, lease, ONE, [("r1", "born", ""), ("r2", "born", "")])
    doubtful = write(store, lease, tables_of(OTHER))
    store.rings.withhold(doubtful, lease, NOW, ["x"])
    middle = publish(store, lease, {"r1": ["a", "b"]}, [("r1", "kept", "r1"), ("r2", "died", "r2")])
    late = write(store, lease, tables_of(OTHER))
    store.rings.withhold(late, lease, NOW, ["x"])
    last = publish(store, lease, OTHER, [("r1", "grew", "r1"), ("r3", "born", "")])
    assert store.rings.forget(3, lease, Silent()) == 0
    assert store.rings.forget(2, lease, Silent()) == 2
    assert store.rings.forget(2, lease, Silent()) == 0
    for gone in (old, doubtful):
        with pytest.raises(NotFoundError, match=f"run {gone}"):
            store.rings.tables(gone)
        assert store.rings.run(gone) is not None
    for kept in (middle, late, last):
        assert store.rings.tables(kept)["rings"].height
    assert store.rings.last_known("r2") is None
    assert store.rings.names() == {"r1", "r2", "r3"}
    assert store.rings.last_members().keys() == {"r1", "r3"}
    assert [(step.run_id, step.event) for step in store.rings.lineage(["r1"])] == [
        (old, "born"),
        (middle, "kept"),
        (last, "grew"),
    ]
    assert store.rings.forget(1, lease, Silent()) == 2
    assert [(step.run_id, step.event) for step in store.rings.lineage(["r1", "r2"])] == [
        (old, "born"),
        (old, "born"),
        (middle, "died"),
        (last, "grew"),
    ]
    assert seen(store) == {"r1", "r3"}


def test_the_published_run_is_never_forgotten(store: Store) -> None:
    lease = hold(store)
    publish(store, lease, ONE)
    with pytest.raises(InvalidError, match="keep 1"):
        store.rings.forget(0, lease, Silent())
    assert seen(store) == {"r1", "r2"}


def test_readers_see_the_run_before_or_the_new_one_whole(store: Store) -> None:
    """Runs n of the writer have n rings of n members each, so that any mixture shows."""
    lease = hold(store)
    runs = 12

    def run_of(size: int) -> dict[str, list[str]]:
        return {f"r{size}-{ring}": [f"b{size}-{ring}-{m}" for m in range(size)] for ring in range(size)}

    publish(store, lease, run_of(2))
    torn: list[object] = []
    sizes: list[list[int]] = [[], []]
    is_over = threading.Event()

    def read(number: int) -> None:
        while not is_over.is_set():
            with store.snapshot():
                page = store.rings.page(RingQuery(), 100)
                ids = [ring.ring_id for ring in page.items]
                size = page.items[0].size
                members = store.rings.members(ids)
                found = (
                    page.total,
                    len(ids),
                    {ring.size for ring in page.items},
                    len(members) / size,
                    len(store.rings.joint_claims(ids)) / size,
                    len(store.rings.links_inside(ids)) / (size - 1),
                    store.rings.alive() == set(ids),
                    set(store.rings.names()) >= set(ids),
                )
            sizes[number].append(size)
            if found != (size, size, {size}, size, size, size, True, True):
                torn.append(found)

    readers = [threading.Thread(target=read, args=(number,)) for number in range(2)]
    for reader in readers:
        reader.start()
    for size in range(3, runs):
        publish(store, lease, run_of(size))
        store.rings.forget(1, lease, Silent())
    is_over.set()
    for reader in readers:
        reader.join()
    assert torn == []
    assert all(seen == sorted(seen) for seen in sizes)
    assert max(len(set(seen)) for seen in sizes) > 1


def test_a_snapshot_goes_on_showing_a_run_that_is_forgotten_meanwhile(store: Store) -> None:
    lease = hold(store)
    publish(store, lease, ONE, [("r1", "born", ""), ("r2", "kept", "r2")])

    def look() -> list[object]:
        rings = store.rings
        ids = ["r1", "r2", "r3"]
        return [
            rings.run(),
            rings.page(RingQuery(buyer_id="c"), 9),
            rings.page(RingQuery(merchant_id="mr1"), 9),
            rings.rings(ids),
            rings.members(ids),
            rings.joint_claims(ids),
            rings.links_inside(ids),
            rings.links_of("d", 9),
            rings.lineage(ids),
            rings.last_known("r2"),
            rings.last_members(),
            rings.names(),
            rings.alive(),
            rings.buyer_score("e"),
            {table: frame.rows() for table, frame in rings.tables().items()},
        ]

    def move_on() -> None:
        for _ in range(3):
            publish(store, lease, OTHER, [("r3", "born", ""), ("r2", "died", "r2")])
            store.rings.forget(1, lease, Silent())

    with store.snapshot():
        before = look()
        writer = threading.Thread(target=move_on)
        writer.start()
        writer.join()
        assert look() == before
    assert seen(store) == {"r1", "r3"}
    assert store.rings.last_known("r2") is None


def test_buyers_are_found_whatever_their_ids_are_made_of(store: Store) -> None:
    """Neither code units of UTF-16 nor letters of an alphabet tell the order of ids."""
    lease = hold(store)
    kinds = ["Z", "a", "~", "\u00e9", "\uffee", "\U0001f600"]
    ids = [f"{kind}{number}" for number in range(1_500) for kind in kinds]
    run = write(store, lease, tables_of(ONE, outsiders=ids))
    store.rings.publish(run, lease, NOW)
    assert {store.rings.buyer_score(buyer) for buyer in ids[::97]} == {0.0}
    assert {store.rings.buyer_score(f"{kind}none") for kind in kinds} == {None}
