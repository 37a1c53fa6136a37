"""What the graph holds of runs: asked of the server itself, beside the store."""

from collections.abc import Iterator
from contextlib import closing, suppress
from typing import Any

import neo4j
import polars as pl
import pytest

from neo4j_database import DATABASE, Login
from ringfence.domain.errors import NotFoundError
from ringfence.domain.leases import Holder, Lease, LeaseName
from ringfence.domain.progress import Silent
from ringfence.domain.rings import RingQuery
from ringfence.domain.runs import RunState
from ringfence.market.results import SCHEMAS
from ringfence.store.neo4j import Neo4jStore, address_of
from ringfence.store.neo4j.database import Database
from ringfence.store.neo4j.run_tables import RunTables
from ringfence.store.neo4j.runs import Runs

NOW = 1_760_000_000_000_000
MEMBERS = {"r1": ("a", "b", "c"), "r2": ("c", "d")}
Tables = dict[str, pl.DataFrame]


def tables_of(members: dict[str, tuple[str, ...]], event: str = "born") -> Tables:
    """Make a run: each ring hits its own merchant, and all its members are linked to the first."""
    rows: dict[str, list[tuple[object, ...]]] = {table: [] for table in SCHEMAS}
    for ring_id, buyers in members.items():
        network = f"n{ring_id}"
        rows["rings"].append(
            (
                *(ring_id, network, 5.0, len(buyers), 4, 1, 1, "EUR:3.00", NOW, NOW, None),
                *("blocks", f"why {ring_id}"),
            )
        )
        rows["lineage"].append((ring_id, event, "" if event == "born" else ring_id, 1.0))
        for buyer in buyers:
            rows["members"].append((ring_id, buyer, 2.0, f"why {buyer}"))
            rows["buyers"].append((buyer, 0.5))
            rows["evidence"].append(
                (ring_id, 1, f"m{ring_id}", buyer, f"c{buyer}", NOW, "EUR:1.00", 0.1, False)
            )
        rows["links"] += [(buyers[0], buyer, 3.0, "together") for buyer in buyers[1:]]
    return {
        table: pl.DataFrame(found, schema=SCHEMAS[table], orient="row", strict=False)
        for table, found in rows.items()
    }


class Dying(Silent):
    """Interrupts the work, as a signal would, at a step of a stage."""

    def __init__(self, stage: str, after: int) -> None:
        self._dies_in, self._left, self._stage = stage, after, ""

    def stage(self, name: str, total: int | None = None) -> None:
        self._stage = name

    def advance(self, steps: int) -> None:
        if self._stage == self._dies_in:
            self._left -= 1
            if not self._left:
                raise KeyboardInterrupt


@pytest.fixture
def store(neo4j_address: str, neo4j_server: Login) -> Iterator[Neo4jStore]:
    with closing(Neo4jStore(address_of(neo4j_address, *neo4j_server.credentials))) as store:
        yield store


@pytest.fixture
def driver(store: Neo4jStore, neo4j_server: Login) -> Iterator[neo4j.Driver]:
    """The server of `store`, which knows two buyers and a merchant."""
    with neo4j_server.driver() as driver:
        driver.execute_query(
            "CREATE (:Buyer {buyer_id: 'a'}), (:Buyer {buyer_id: 'b'}), (:Merchant {merchant_id: 'mr1'})",
            database_=DATABASE,
        )
        yield driver


@pytest.fixture
def lease(store: Neo4jStore) -> Lease:
    return store.leases.acquire(LeaseName.DETECT, Holder("host", 1, "start"), 60.0, NOW)


def publish(store: Neo4jStore, lease: Lease, tables: Tables) -> int:
    run = store.rings.begin_run(lease, 1, NOW)
    store.rings.write_run(run, tables, {}, lease, Silent())
    store.rings.publish(run, lease, NOW)
    return run


def stamped(driver: neo4j.Driver, run: int) -> dict[str, int]:
    """Count all that bears the stamp of a run, by type or label."""
    rows, _, _ = driver.execute_query(
        "MATCH ()-[r]->() WHERE r.run = $run RETURN type(r) AS kind, count(*) AS number UNION ALL "
        "MATCH (n:RunBatch) WHERE n.run = $run RETURN 'RunBatch' AS kind, count(*) AS number",
        run=run,
        database_=DATABASE,
    )
    return {row["kind"]: row["number"] for row in rows if row["number"]}


def ids(driver: neo4j.Driver, label: str) -> list[tuple[str, int | None]]:
    rows, _, _ = driver.execute_query(
        f"MATCH (n:{label}) RETURN coalesce(n.ring_id, n.network_id) AS id, n.first_run AS first ORDER BY id",
        database_=DATABASE,
    )
    return [(row["id"], row["first"]) for row in rows]


def test_rings_are_tied_to_what_was_loaded_and_tell_all_their_members(
    store: Neo4jStore, driver: neo4j.Driver, lease: Lease
) -> None:
    run = publish(store, lease, tables_of(MEMBERS))
    store.rings.forget(5, lease, Silent())
    drawn = stamped(driver, run)
    batches = drawn.pop("RunBatch")
    assert batches
    assert drawn == {"FOUND_BY": 2, "PART_OF": 2, "CAME_FROM": 2, "MEMBER_OF": 2}
    told = [(member.ring_id, member.buyer_id) for member in store.rings.members(["r1", "r2"])]
    assert told == [(ring_id, buyer) for ring_id, buyers in MEMBERS.items() for buyer in buyers]
    rows, _, _ = driver.execute_query(
        "MATCH (b:Buyer)-[m:MEMBER_OF]->(r:Ring)-[h:HIT]->(t:Merchant) "
        "RETURN b.buyer_id, m.why, r.ring_id, h.claims, t.merchant_id ORDER BY b.buyer_id",
        database_=DATABASE,
    )
    assert [tuple(row.values()) for row in rows] == [
        ("a", "why a", "r1", 3, "mr1"),
        ("b", "why b", "r1", 3, "mr1"),
    ]


def drawn_by_now(driver: neo4j.Driver) -> dict[tuple[str, str], tuple[float, str]]:
    """Give what is drawn: from whom to whom, the weight, and what the server knows the relationship by."""
    rows, _, _ = driver.execute_query(
        "MATCH (x)-[d:HIT|LINKED]->(y) RETURN coalesce(x.ring_id, x.buyer_id) AS origin, "
        "coalesce(y.merchant_id, y.buyer_id) AS target, coalesce(d.claims, d.score) AS weight, "
        "elementId(d) AS element",
        database_=DATABASE,
    )
    found = {(row["origin"], row["target"]): (row["weight"], row["element"]) for row in rows}
    assert len(found) == len(rows)
    return found


def test_what_the_published_run_says_is_drawn_and_only_what_changed_is_touched(
    store: Neo4jStore, driver: neo4j.Driver, lease: Lease
) -> None:
    driver.execute_query("UNWIND ['c', 'd'] AS id CREATE (:Buyer {buyer_id: id})", database_=DATABASE)
    publish(store, lease, tables_of(MEMBERS))
    store.rings.forget(5, lease, Silent())
    first = drawn_by_now(driver)
    assert {pair: weight for pair, (weight, _) in first.items()} == {
        ("r1", "mr1"): 3,
        ("a", "b"): 3.0,
        ("a", "c"): 3.0,
        ("c", "d"): 3.0,
    }
    changed = tables_of({"r1": ("a", "b", "d"), "r2": ("c", "d")}, "kept")
    stronger = pl.when(buyer_b="d", buyer_a="c").then(4.0).otherwise("score").alias("score")
    changed["links"] = changed["links"].with_columns(stronger)
    publish(store, lease, changed)
    store.rings.forget(5, lease, Silent())
    second = drawn_by_now(driver)
    assert {pair: weight for pair, (weight, _) in second.items()} == {
        ("r1", "mr1"): 3,
        ("a", "b"): 3.0,
        ("a", "d"): 3.0,
        ("c", "d"): 4.0,
    }
    kept = {("r1", "mr1"), ("a", "b")}
    assert {pair: second[pair] for pair in kept} == {pair: first[pair] for pair in kept}


def test_nothing_is_drawn_of_a_run_that_is_withheld(
    store: Neo4jStore, driver: neo4j.Driver, lease: Lease
) -> None:
    publish(store, lease, tables_of(MEMBERS))
    store.rings.forget(5, lease, Silent())
    before = drawn_by_now(driver)
    withheld = store.rings.begin_run(lease, 1, NOW)
    store.rings.write_run(withheld, tables_of({"r1": ("b", "a")}, "kept"), {}, lease, Silent())
    store.rings.withhold(withheld, lease, NOW, ["too many"])
    store.rings.forget(5, lease, Silent())
    assert drawn_by_now(driver) == before


@pytest.mark.parametrize("after", [1, 2, 3])
def test_a_drawing_that_was_interrupted_is_finished_by_the_next(
    store: Neo4jStore, driver: neo4j.Driver, lease: Lease, after: int
) -> None:
    publish(store, lease, tables_of(MEMBERS))
    store.rings.forget(5, lease, Silent())
    publish(store, lease, tables_of({"r2": ("b", "a"), "r1": ("c", "a")}, "kept"))
    with suppress(KeyboardInterrupt):
        store.rings.forget(5, lease, Dying("drawing", after))
        pytest.fail("it was not interrupted")
    store.rings.forget(5, lease, Silent())
    assert {pair: weight for pair, (weight, _) in drawn_by_now(driver).items()} == {
        ("r1", "mr1"): 2,
        ("b", "a"): 3.0,
    }


@pytest.mark.parametrize(("stage", "after"), [("storing", 1), ("tying rings", 1), ("tying rings", 2)])
def test_nothing_is_left_of_a_run_whose_writer_died(
    store: Neo4jStore, driver: neo4j.Driver, lease: Lease, stage: str, after: int
) -> None:
    first = publish(store, lease, tables_of(MEMBERS))
    before = stamped(driver, first)
    dead = store.rings.begin_run(lease, 1, NOW)
    tables = tables_of({**MEMBERS, "r3": ("a", "b")})
    unknown = pl.DataFrame([("r9", "died", "r9", 1.0)], schema=SCHEMAS["lineage"], orient="row")
    tables["lineage"] = pl.concat([tables["lineage"], unknown])
    with suppress(KeyboardInterrupt):
        store.rings.write_run(dead, tables, {}, lease, Dying(stage, after))
        pytest.fail("it was not interrupted")
    assert stamped(driver, dead)
    store.rings.begin_run(lease, 1, NOW)
    assert stamped(driver, dead) == {}
    assert stamped(driver, first) == before
    assert ids(driver, "Ring") == [("r1", first), ("r2", first)]
    assert ids(driver, "Network") == [("nr1", None), ("nr2", None)]


def test_a_run_whose_writer_died_before_the_store_named_it_was_never_published(
    store: Neo4jStore, driver: neo4j.Driver, lease: Lease
) -> None:
    first = publish(store, lease, tables_of(MEMBERS))
    dead = store.rings.begin_run(lease, 1, NOW)
    store.rings.write_run(dead, tables_of({"r3": ("a", "b")}), {}, lease, Silent())
    driver.execute_query(
        "MATCH (r:Ring {ring_id: 'r3'})-[:FOUND_BY]->(u:Run {run: $run}) "
        "SET r.first_run = $run, u.state = 'published', u.ended_at = 1, u.is_kept = true",
        run=dead,
        database_=DATABASE,
    )
    rings = store.rings
    with pytest.raises(NotFoundError):
        rings.members(["r3"], dead)
    assert [(run.run_id, run.state) for run in rings.runs(5).items] == [
        (dead, RunState.RUNNING),
        (first, RunState.PUBLISHED),
    ]
    assert rings.page(RingQuery(), 5).total == 2
    assert rings.names() == {"r1", "r2"}
    store.rings.begin_run(lease, 1, NOW)
    ended = rings.run(dead)
    assert ended is not None
    assert ended.state is RunState.FAILED
    assert stamped(driver, dead) == {}
    assert ids(driver, "Ring") == [("r1", first), ("r2", first)]


def test_a_publication_that_dies_between_two_transactions_took_place_or_never_did(
    store: Neo4jStore, lease: Lease, monkeypatch: pytest.MonkeyPatch
) -> None:
    last, write, survived = publish(store, lease, tables_of(MEMBERS)), Database.write, []
    for transactions in range(6):
        run = store.rings.begin_run(lease, 1, NOW)
        store.rings.write_run(run, tables_of({f"n{run}": ("a", "b")}), {}, lease, Silent())
        left = transactions

        def die(*arguments: Any) -> Any:
            nonlocal left
            left -= 1
            if left < 0:
                raise KeyboardInterrupt
            return write(*arguments)

        with monkeypatch.context() as patch, suppress(KeyboardInterrupt):
            patch.setattr(Database, "write", die)
            store.rings.publish(run, lease, NOW)
        published = store.rings.run()
        assert published is not None
        assert published.run_id in (last, run)
        assert published.state is RunState.PUBLISHED
        survived.append(published.run_id == run)
        store.rings.begin_run(lease, 1, NOW)
        assert store.rings.run() == published, "the next run lets it be"
        assert (f"n{run}" in store.rings.names()) == survived[-1]
        last = published.run_id
    assert survived == [False, False, False, False, True, True]


def test_a_run_that_is_forgotten_while_it_is_told_is_told_without_its_findings(
    store: Neo4jStore, lease: Lease, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = publish(store, lease, tables_of(MEMBERS))
    publish(store, lease, tables_of(MEMBERS, "kept"))
    assert store.rings.past_run(first).is_kept
    read = RunTables.read

    def read_late(*arguments: Any) -> pl.DataFrame:
        monkeypatch.setattr(RunTables, "read", read)
        store.rings.forget(1, lease, Silent())
        return read(*arguments)

    monkeypatch.setattr(RunTables, "read", read_late)
    told = store.rings.past_run(first)
    assert not told.is_kept
    assert list(told.tables) == ["lineage"]


def test_forgotten_findings_leave_the_graph_and_the_lives_of_rings_stay(
    store: Neo4jStore, driver: neo4j.Driver, lease: Lease, neo4j_server: Login
) -> None:
    first = publish(store, lease, tables_of(MEMBERS))
    second = publish(store, lease, tables_of(MEMBERS, "kept"))
    publish(store, lease, tables_of({"r1": ("a", "b")}, "shrank"))
    assert store.rings.forget(1, lease, Silent()) == 2
    assert "FOUND_BY" in stamped(driver, second)
    with closing(Database(address_of(neo4j_server.address, *neo4j_server.credentials))) as database:
        assert Runs(database, longest_snapshot_seconds=0.0).forget(1, lease, Silent()) == 0
    assert stamped(driver, first) == {"CAME_FROM": 2}
    assert stamped(driver, second) == {}
    assert ids(driver, "Ring") == [("r1", first), ("r2", first)]
    assert ids(driver, "Network") == [("nr1", None)]
