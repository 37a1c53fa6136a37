from itertools import pairwise

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from run_samples import NOW, SECOND, hold, publish, tables_of, write

from ringfence.domain.pages import Key
from ringfence.domain.rings import (
    JointClaim,
    LineageEvent,
    LineageStep,
    Link,
    Member,
    Ring,
    RingOrder,
    RingQuery,
)
from ringfence.store import Store

RINGS = {"r3": ["a", "b", "c"], "r1": ["d", "e"], "r2": ["f", "g", "h", "i"]}


@pytest.fixture
def filled(store: Store) -> Store:
    """A store whose second run has these rings."""
    lease = hold(store)
    publish(
        store,
        lease,
        {"r1": ["d", "e", "a"], "r0": ["x", "y"]},
        [("r1", LineageEvent.BORN, ""), ("r0", LineageEvent.BORN, "")],
    )
    publish(
        store,
        lease,
        RINGS,
        [
            ("r3", LineageEvent.SPLIT, "r1"),
            ("r1", LineageEvent.SHRANK, "r1"),
            ("r2", LineageEvent.BORN, ""),
            ("r0", LineageEvent.DIED, "r0"),
        ],
    )
    return store


def ids(store: Store, query: RingQuery) -> list[str]:
    page = store.rings.page(query, 100)
    assert page.total == len(page.items)
    return [ring.ring_id for ring in page.items]


def test_a_ring_is_told_with_its_run_and_its_life(filled: Store) -> None:
    (ring,) = filled.rings.rings(["r3"])
    assert ring == Ring(
        ring_id="r3",
        run_id=2,
        network_id="n1",
        score=30.0,
        size=3,
        claims=7,
        merchants=1,
        amount="EUR:3.00",
        first_claim_at=NOW,
        last_claim_at=NOW + 9,
        why="why r3",
        first_run_id=2,
        origin_ring_id="r1",
        occasions=2,
        method="coincidence",
    )
    assert [ring.method for ring in filled.rings.rings(["r2"])] == ["waves"]
    assert filled.rings.rings(["r1"])[0].first_run_id == 1
    assert filled.rings.origins() == {"r3": "r1"}


def test_rings_are_found_in_the_order_asked_for_and_strangers_left_out(filled: Store) -> None:
    assert [ring.ring_id for ring in filled.rings.rings(["r2", "nobody", "r3"])] == ["r2", "r3"]
    assert [ring.ring_id for ring in filled.rings.rings(["r0", "r1"], 1)] == ["r0", "r1"]
    assert filled.rings.rings(["r0"]) == filled.rings.rings([]) == ()


def test_a_ring_that_ended_is_known_as_last_published(filled: Store) -> None:
    ended, alive = filled.rings.last_known("r0"), filled.rings.last_known("r1")
    assert ended is not None
    assert alive is not None
    assert (ended.run_id, ended.size, alive.run_id, alive.size) == (1, 2, 2, 2)
    assert filled.rings.last_known("nobody") is None
    assert filled.rings.alive() == {"r1", "r2", "r3"}
    last = filled.rings.last_members()
    assert {ring: sorted(members) for ring, members in last.items()} == {
        "r0": ["x", "y"],
        "r1": ["d", "e"],
        "r2": ["f", "g", "h", "i"],
        "r3": ["a", "b", "c"],
    }
    assert last["r3"] == {"a": 30.0, "b": 15.0, "c": 10.0}


def test_members_come_ring_by_ring_as_asked_for_best_first(filled: Store) -> None:
    members = filled.rings.members(["r1", "r3"])
    assert members[0] == Member("r1", "d", 20.0, "why d")
    assert [member.buyer_id for member in members] == ["d", "e", "a", "b", "c"]


def test_joint_claims_come_by_event_and_time(filled: Store) -> None:
    claims = filled.rings.joint_claims(["r2", "r1"])
    assert claims[0] == JointClaim("r2", 1, "mr2", "f", "c-r2-f", NOW + 2 * SECOND, "EUR:1.00", 0.25)
    assert [claim.buyer_id for claim in claims] == ["f", "g", "h", "i", "d", "e"]


def test_links_are_told_inside_a_ring_and_of_a_buyer(store: Store) -> None:
    lease = hold(store)
    tables = tables_of({"r1": ["d", "e", "f"], "r2": ["g", "h"]})
    across = pl.DataFrame([("e", "g", 99.0, "shared phone")], schema=tables["links"].schema, orient="row")
    tables["links"] = pl.concat([across, tables["links"]])
    store.rings.publish(write(store, lease, tables), lease, NOW)
    inside = store.rings.links_inside(["r2", "r1"])
    assert inside == (
        ("r2", Link("g", "h", 9.0, "together")),
        ("r1", Link("d", "e", 19.0, "together")),
        ("r1", Link("d", "f", 18.0, "together")),
    )
    assert [link.score for link in store.rings.links_of("e", 5)] == [99.0, 19.0]
    assert [link.score for link in store.rings.links_of("e", 1)] == [99.0]
    assert store.rings.links_of("nobody", 5) == ()
    assert store.rings.links_from(["e"]) == store.rings.links_of("e", 5)
    everything = store.rings.links_from(["nobody", "e", *"abcdf"])
    assert [link.score for link in everything] == sorted((link.score for link in everything), reverse=True)
    assert len(set(everything)) == len(everything) > 2
    assert store.rings.links_from([]) == store.rings.links_from(["nobody"]) == ()


def test_lives_are_told_as_oneself_and_as_the_one_before_another(filled: Store) -> None:
    assert filled.rings.lineage(["r1"]) == (
        LineageStep(1, "r1", LineageEvent.BORN, "", 0.5),
        LineageStep(2, "r3", LineageEvent.SPLIT, "r1", 0.5),
        LineageStep(2, "r1", LineageEvent.SHRANK, "r1", 0.5),
    )
    assert [step.event for step in filled.rings.lineage(["r0", "r2"])] == ["born", "born", "died"]


def test_every_condition_of_a_query_holds(filled: Store) -> None:
    assert ids(filled, RingQuery()) == ["r3", "r1", "r2"]
    assert ids(filled, RingQuery(min_score=20.0)) == ["r3", "r1"]
    assert ids(filled, RingQuery(merchant_id="mr2")) == ["r2"]
    assert ids(filled, RingQuery(buyer_id="e")) == ["r1"]
    assert ids(filled, RingQuery(buyer_id="x")) == []
    found = filled.rings.rings_of(["nobody", *"exabcdf", "e"])
    assert found == {
        buyer: tuple(sorted(ids(filled, RingQuery(buyer_id=buyer))))
        for buyer in "exabcdf"
        if ids(filled, RingQuery(buyer_id=buyer))
    }
    assert filled.rings.rings_of([]) == filled.rings.rings_of(["nobody"]) == {}
    assert ids(filled, RingQuery(network_id="n1")) == ["r3", "r1", "r2"]
    assert ids(filled, RingQuery(network_id="n2")) == []
    assert ids(filled, RingQuery(since=NOW + SECOND)) == ["r1", "r2"]
    assert ids(filled, RingQuery(only=frozenset({"r2", "r3", "r0"}))) == ["r3", "r2"]
    assert ids(filled, RingQuery(only=frozenset())) == []
    assert ids(filled, RingQuery(without=frozenset({"r3"}))) == ["r1", "r2"]
    assert ids(filled, RingQuery(min_score=20.0, buyer_id="e", without=frozenset({"r3"}))) == ["r1"]


def test_rings_are_listed_greatest_first_by_what_is_asked(filled: Store) -> None:
    assert ids(filled, RingQuery(order=RingOrder.SIZE)) == ["r2", "r3", "r1"]
    assert ids(filled, RingQuery(order=RingOrder.CLAIMS)) == ["r2", "r1", "r3"]
    assert ids(filled, RingQuery(order=RingOrder.LAST_CLAIM_AT)) == ["r2", "r1", "r3"]


def test_the_most_urgent_ring_has_evidence_and_took_much_from_many(store: Store) -> None:
    lease = hold(store)
    tables = tables_of({"r1": ["a", "b"], "r2": ["d", "e"], "r3": ["f", "g"], "r4": ["h"], "r5": ["i"]})
    tables["rings"] = tables["rings"].with_columns(
        pl.Series("score", [50.0, 12.0, 12.0, 12.0, 12.0]),
        pl.Series("amount", ["EUR:0.00", "EUR:100.00;JPY:90", "USD:100.90", "EUR:100.00", "KWD:50.000"]),
        pl.Series("merchants", [1, 3, 3, 3, 99]),
    )
    store.rings.publish(write(store, lease, tables), lease, NOW)
    assert ids(store, RingQuery(order=RingOrder.PRIORITY)) == ["r5", "r2", "r3", "r4", "r1"]
    page = store.rings.page(RingQuery(order=RingOrder.PRIORITY), 2)
    onward = store.rings.page(RingQuery(order=RingOrder.PRIORITY), 2, page.keys[-1])
    assert [ring.ring_id for ring in onward.items] == ["r3", "r4"]


def test_rings_are_new_since_they_were_first_published(store: Store) -> None:
    lease = hold(store)
    first, second, third = ({"r1": ["a", "b"]}, {"r1": ["a", "b"], "r2": ["c", "d"]}, {"r3": ["e"]})
    store.rings.publish(write(store, lease, tables_of(first)), lease, NOW)
    store.rings.publish(write(store, lease, tables_of(second)), lease, NOW + SECOND)
    assert ids(store, RingQuery(born_since=NOW)) == ["r1", "r2"]
    assert ids(store, RingQuery(born_since=NOW + 1)) == ["r2"]
    assert ids(store, RingQuery(born_since=NOW + SECOND + 1)) == []
    assert ids(store, RingQuery(born_since=NOW + 1, without=frozenset({"r2"}))) == []
    store.rings.publish(write(store, lease, tables_of(first)), lease, NOW + 2 * SECOND)
    assert ids(store, RingQuery(born_since=NOW + 1)) == []
    withheld = write(store, lease, tables_of(third | first))
    store.rings.withhold(withheld, lease, NOW + 3 * SECOND, ["too many rings"])
    page = store.rings.page(RingQuery(born_since=NOW + 9 * SECOND), 9, run_id=withheld)
    assert ([ring.ring_id for ring in page.items], page.total) == (["r3"], 1)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    sizes=st.lists(st.integers(1, 3), max_size=9),
    order=st.sampled_from(list(RingOrder)),
    first=st.integers(1, 4),
    least=st.integers(0, 9),
)
def test_pages_laid_end_to_end_are_the_whole_list_sorted(
    store: Store, sizes: list[int], order: RingOrder, first: int, least: int
) -> None:
    lease = hold(store)
    rings = {f"r{place}": [f"b{place}-{m}" for m in range(size)] for place, size in enumerate(sizes)}
    tables = tables_of(rings)
    # Ties by score too.
    tables["rings"] = tables["rings"].with_columns((pl.col("score") / 20).ceil().alias("score"))
    store.rings.publish(write(store, lease, tables), lease, NOW)
    store.leases.release(lease)
    query = RingQuery(min_score=float(least) / 2, order=order)
    listed: list[Ring] = []
    after: Key | None = None
    for _ in range(len(sizes) + 1):
        page = store.rings.page(query, first, after)
        listed += page.items
        assert page.total == sum(score >= least / 2 for score in tables["rings"]["score"])
        assert len(page.items) <= first
        if not page.has_next:
            break
        assert len(page.items) == first
        after = page.keys[-1]
    assert len(listed) == page.total
    for one, other in pairwise(listed):
        a, b = getattr(one, order.value), getattr(other, order.value)
        assert a > b or (a == b and one.ring_id < other.ring_id)


def test_strengths_are_those_of_the_rings_of_the_run(filled: Store) -> None:
    page = filled.rings.page(RingQuery(), 100)
    assert filled.rings.strengths() == {ring.ring_id: ring.strength for ring in page.items}
    assert {ring_id: each.members for ring_id, each in filled.rings.strengths().items()} == {
        ring_id: len(members) for ring_id, members in RINGS.items()
    }
