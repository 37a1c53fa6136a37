"""What buyers' risks rest on, kept with each run, over every store."""

from typing import Any

import polars as pl
import pytest
from run_samples import NOW, hold, tables_of, write

from ringfence.domain.errors import NotFoundError
from ringfence.domain.leases import Lease
from ringfence.market.results import SCHEMAS
from ringfence.store import Store

ONE = {"r1": ["a", "b"]}
MANY = 3_000


def facts(buyer_id: str, probability: float, **told: Any) -> dict[str, Any]:
    return dict.fromkeys(SCHEMAS["risks"]) | {"buyer_id": buyer_id, "probability": probability} | told


def publish(store: Store, lease: Lease, risks: list[dict[str, Any]] | None) -> int:
    tables = tables_of(ONE, [("r1", "born", "")])
    if risks is not None:
        tables["risks"] = pl.DataFrame(risks, schema=SCHEMAS["risks"])
    run = write(store, lease, tables)
    store.rings.publish(run, lease, NOW)
    return run


def test_risks_are_found_by_buyer_among_many(store: Store) -> None:
    lease = hold(store)
    assert store.rings.risks(["a"])[0] == 0
    rows = [facts(f"b{number:05}", number / MANY, claims=number) for number in range(MANY)]
    run = publish(store, lease, rows[::-1])
    found, told = store.rings.risks(["b02999", "b00000", "b01024", "b01024", "a", "z"])
    assert found == run
    assert told == [rows[number] for number in (2999, 0, 1024)]
    assert store.rings.tables()["risks"].rows() == [tuple(row.values()) for row in rows[::-1]]


def test_each_run_keeps_its_own(store: Store) -> None:
    lease = hold(store)
    first = publish(store, lease, [facts("a", 0.25, ring_id="r1", orders=None)])
    second = publish(store, lease, [facts("a", 0.75, ring_id="r1", orders=3)])
    assert store.rings.risks(["a"])[1][0]["probability"] == 0.75
    assert store.rings.risks(["a"], first)[1][0]["probability"] == 0.25
    assert (store.rings.risks(["a"], first)[0], store.rings.risks(["a"])[0]) == (first, second)
    with pytest.raises(NotFoundError):
        store.rings.risks(["a"], second + 1)


def test_a_run_without_risks_tells_none(store: Store) -> None:
    run = publish(store, hold(store), None)
    found, told = store.rings.risks(["a", "b"])
    assert (found, told) == (run, [])
