"""Small runs to write into a store."""

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from ringfence.domain.leases import Holder, Lease, LeaseName
from ringfence.domain.progress import Silent
from ringfence.market.results import SCHEMAS
from ringfence.store import Store

SECOND = 1_000_000
NOW = 1_760_000_000 * SECOND
HOLDER = Holder("host", 1, "start")

Step = tuple[str, str, str]
"""ring_id, event, previous_ring_id"""


def hold(store: Store) -> Lease:
    """Take the lease of detection."""
    return store.leases.acquire(LeaseName.DETECT, HOLDER, 60.0, NOW)


def tables_of(
    rings: Mapping[str, Sequence[str]], lineage: Sequence[Step] = (), outsiders: Sequence[str] = ()
) -> dict[str, pl.DataFrame]:
    """Make all tables of a run: its rings as given, best first, each with one claim a member at one merchant
    (`m` and the ring's id) and links from its first member to the others."""
    count = len(rings)
    rows: dict[str, list[tuple[Any, ...]]] = {table: [] for table in SCHEMAS}
    for place, (ring_id, members) in enumerate(rings.items()):
        score = 10.0 * (count - place)
        at = NOW + place * SECOND
        rows["rings"].append(
            (
                *(ring_id, "n1", score, len(members), 7 + place, 1, 2 + place, "EUR:3.00", at, at + 9, None),
                *("waves" if place else "coincidence", f"why {ring_id}"),
            )
        )
        for number, buyer in enumerate(members):
            rows["members"].append((ring_id, buyer, score / (1 + number), f"why {buyer}"))
            rows["evidence"].append(
                (
                    *(ring_id, 1, f"m{ring_id}", buyer, f"c-{ring_id}-{buyer}", at + number),
                    *("EUR:1.00", 0.25, False),
                )
            )
            rows["buyers"].append((buyer, 0.9 - place / 100 - number / 10_000))
            if number:
                one, other = sorted((members[0], buyer))
                rows["links"].append((one, other, score - number, "together"))
    rows["buyers"] += [(buyer, 0.0) for buyer in outsiders]
    rows["lineage"] = [(*step, 0.5) for step in lineage]
    return {
        table: pl.DataFrame(found, schema=SCHEMAS[table], orient="row", strict=False)
        for table, found in rows.items()
    }


def write(store: Store, lease: Lease, tables: Mapping[str, pl.DataFrame], now: int = NOW) -> int:
    """Begin a run and write it, unpublished."""
    run = store.rings.begin_run(lease, 3, now)
    store.rings.write_run(run, tables, {"counts": {"rings": len(tables["rings"])}}, lease, Silent())
    return run


def publish(
    store: Store, lease: Lease, rings: Mapping[str, Sequence[str]], lineage: Sequence[Step] = ()
) -> int:
    """Write a run and publish it."""
    run = write(store, lease, tables_of(rings, lineage))
    store.rings.publish(run, lease, NOW + SECOND)
    return run
