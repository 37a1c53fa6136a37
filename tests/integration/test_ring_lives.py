"""Lineage and store together: whatever happens to the members, names and lives stay in order."""

import tempfile
from collections.abc import Sequence
from pathlib import Path

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from ringfence.detection.lineage import Past, follow
from ringfence.domain.leases import Holder, LeaseName
from ringfence.domain.progress import Silent
from ringfence.domain.rings import RingQuery
from ringfence.market.results import SCHEMAS
from ringfence.store.sqlite import SqliteStore

NOW = 1_760_000_000_000_000
FIRST = {"born", "split"}
LAST = {"died", "merged"}

RUN = st.dictionaries(st.sampled_from("abcdefghijkl"), st.integers(0, 3), max_size=12).map(
    lambda homes: [
        members
        for ring in range(4)
        if len(members := {name: 1.0 + ord(name) % 3 for name in sorted(homes) if homes[name] == ring}) > 1
    ]
)


def tables_of(
    ids: list[str], rings: list[dict[str, float]], steps: Sequence[tuple[object, ...]]
) -> dict[str, pl.DataFrame]:
    rows: dict[str, list[tuple[object, ...]]] = {
        "rings": [
            (ring_id, "n", 9.0, len(members), 1, 1, 1, "EUR:1.00", NOW, NOW, None, "coincidence", "why")
            for ring_id, members in zip(ids, rings, strict=True)
        ],
        "members": [
            (ring_id, buyer, score, "why")
            for ring_id, members in zip(ids, rings, strict=True)
            for buyer, score in members.items()
        ],
        "lineage": [*steps],
    }
    return {
        table: pl.DataFrame(rows.get(table, []), schema=schema, orient="row")
        for table, schema in SCHEMAS.items()
    }


@settings(max_examples=40, deadline=None)
@given(
    runs=st.lists(
        st.tuples(RUN, st.sampled_from(["publish", "publish", "publish", "withhold", "fail"])), max_size=9
    ),
    keep=st.integers(1, 4),
)
def test_ids_are_unique_for_ever_and_every_ring_begins_once_and_ends_before_it_returns(
    runs: list[tuple[list[dict[str, float]], str]], keep: int
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        store = SqliteStore(Path(folder) / "store.sqlite")
        try:
            lease = store.leases.acquire(LeaseName.DETECT, Holder("h", 1, "s"), 60.0, NOW)
            told: dict[str, list[str]] = {}
            alive: set[str] = set()
            for rings, end in runs:
                past = Past(store.rings.last_members(), store.rings.alive(), store.rings.names())
                ids, lineage = follow(past, rings)
                steps = [(step.ring_id, step.event, step.previous_ring_id, step.common) for step in lineage]
                run = store.rings.begin_run(lease, 1, NOW)
                store.rings.write_run(run, tables_of(ids, rings, steps), {}, lease, Silent())
                if end == "withhold":
                    store.rings.withhold(run, lease, NOW, ["x"])
                elif end == "fail":
                    store.rings.fail(run, lease, NOW, "x")
                else:
                    store.rings.publish(run, lease, NOW)
                    alive = set(ids)
                    for step in lineage:
                        ended = step.event.value in LAST
                        told.setdefault(step.previous_ring_id if ended else step.ring_id, []).append(
                            step.event.value
                        )
                store.rings.forget(keep, lease, Silent())
                page = store.rings.page(RingQuery(), 100)
                assert {ring.ring_id for ring in page.items} == alive == store.rings.alive()
                assert page.total == len(alive)
            assert store.rings.names() == told.keys()
            for ring_id, events in told.items():
                assert events[0] in FIRST
                assert not FIRST & set(events[1:])
                is_alive = False
                for event in events:
                    assert is_alive == (event not in FIRST | {"returned"}), events
                    is_alive = event not in LAST
                assert is_alive == (ring_id in alive)
                stored = [
                    step.event
                    for step in store.rings.lineage([ring_id])
                    if (step.previous_ring_id if step.event in LAST else step.ring_id) == ring_id
                ]
                kept = [event for event in events if event != "kept"]
                assert [event for event in stored if event != "kept"] == kept
        finally:
            store.close()
