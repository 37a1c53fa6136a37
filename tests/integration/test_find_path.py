import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import polars as pl
import pytest

from ringfence.app import StoresByAddress
from ringfence.domain.errors import ForbiddenError, InvalidError, NotFoundError
from ringfence.domain.identifiers import IdentifierKind
from ringfence.domain.leases import Holder, LeaseName
from ringfence.domain.loads import LoadSource
from ringfence.domain.paths import MOST_CLAIMANTS, MOST_USERS, PathStep, TieKind
from ringfence.domain.progress import Silent
from ringfence.domain.scope import Principal, Role
from ringfence.market.canonical import order_of_values
from ringfence.market.results import SCHEMAS as RESULTS
from ringfence.market.tables import SCHEMAS, IdentifierValues, MarketTables
from ringfence.services.find_path import find_path
from ringfence.store import Store

ANA = Principal("ana", Role.INVESTIGATOR)
Uses = list[tuple[int, int]]
"""(buyer, value)"""


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = StoresByAddress().open(str(tmp_path / "store.sqlite"), create=True)
    yield opened
    opened.close()


def load(store: Store, buyers: int, uses: Uses, claims: Uses) -> None:
    """Load buyers b0, b1, …, who use values and claimed at merchants m0, m1, …, both by number."""
    values = max((value for _, value in uses), default=-1) + 1
    exact = np.array([[place // 256, place % 256, *[0] * 30] for place in range(values)], np.uint8)
    assert list(order_of_values(exact.reshape(-1, 32))) == list(range(values))
    phones = IdentifierValues(IdentifierKind.PHONE, exact.reshape(-1, 32))
    merchants = max((merchant for _, merchant in claims), default=-1) + 1
    given: dict[str, dict[str, list[Any]]] = {
        "claims": {
            "claim_id": [f"c{place}" for place in range(len(claims))],
            "buyer": [buyer for buyer, _ in claims],
            "merchant": [merchant for _, merchant in claims],
            "filed_at": list(range(len(claims))),
            "amount": [1] * len(claims),
            "currency": ["EUR"] * len(claims),
        },
        "uses": {
            "kind": ["phone"] * len(uses),
            "buyer": [buyer for buyer, _ in uses],
            "value": [value for _, value in uses],
        },
        "buyers": {"buyer": list(range(buyers)), "country": ["DE"] * buyers},
    }
    frames = {}
    for name, schema in SCHEMAS.items():
        cells = given.get(name, {})
        height = len(next(iter(cells.values()), []))
        frames[name] = pl.DataFrame(
            {
                column: pl.Series(cells.get(column, [None] * height), strict=False).cast(kind)
                for column, kind in schema.items()
            }
        )
    ids = [pl.Series([f"{letter}{n}" for n in range(count)], dtype=pl.String) for letter, count in
           (("b", buyers), ("m", merchants))]  # fmt: skip
    lease = store.leases.acquire(LeaseName.LOAD, Holder("h", 1, "s"), 60.0, 1)
    market = MarketTables(ids[0], ids[1], (phones,) if values else (), **frames)
    store.market.write_load(LoadSource("digest", "key", 1, (), {}), market, lease, 1, Silent())
    store.leases.release(lease)


def publish_links(store: Store, *links: tuple[str, str, float]) -> None:
    lease = store.leases.acquire(LeaseName.DETECT, Holder("h", 1, "s"), 60.0, 1)
    frames = {name: pl.DataFrame(schema=schema) for name, schema in RESULTS.items()}
    rows = [(one, other, score, "together") for one, other, score in links]
    frames["links"] = pl.DataFrame(rows, schema=RESULTS["links"], orient="row")
    run = store.rings.begin_run(lease, 1, 2)
    store.rings.write_run(run, frames, {"counts": {"rings": 0}}, lease, Silent())
    store.rings.publish(run, lease, 3)


def people(steps: tuple[PathStep, ...]) -> list[str]:
    return [step.from_buyer_id for step in steps] + [steps[-1].to_buyer_id]


def test_a_path_goes_over_values_merchants_and_links_and_says_why(store: Store) -> None:
    load(store, 5, uses=[(0, 0), (1, 0)], claims=[(1, 0), (2, 0)])
    publish_links(store, ("b2", "b3", 7.0))
    told = find_path(store, ANA, "b3", "b0")
    assert people(told.steps) == ["b3", "b2", "b1", "b0"]
    assert [(step.kind, step.via, step.score) for step in told.steps] == [
        (TieKind.LINK, None, 7.0),
        (TieKind.MERCHANT, "m0", None),
        (TieKind.PHONE, "000000000000", None),
    ]
    assert [step.reason for step in told.steps] == [
        "together",
        "both claimed at m0, where 2 buyers claimed",
        "both use phone 000000000000, which 2 buyers use",
    ]
    assert (told.looked_at, told.is_cut_off) == (4, False)
    there = find_path(store, ANA, "b0", "b3")
    assert people(there.steps) == people(told.steps)[::-1]
    nothing = find_path(store, ANA, "b0", "b4")
    assert (nothing.steps, nothing.is_cut_off) == ((), False)


def test_a_link_goes_before_a_value_and_a_value_before_a_merchant(store: Store) -> None:
    load(store, 3, uses=[(0, 0), (1, 0)], claims=[(0, 0), (1, 0), (2, 0)])
    assert [step.kind for step in find_path(store, ANA, "b0", "b1").steps] == [TieKind.PHONE]
    publish_links(store, ("b0", "b1", 3.0))
    assert [step.kind for step in find_path(store, ANA, "b0", "b1").steps] == [TieKind.LINK]


def test_what_many_share_connects_nobody(store: Store) -> None:
    many, few = MOST_USERS + 1, MOST_CLAIMANTS
    claims = [(buyer, 0) for buyer in range(few + 1)] + [(buyer, 1) for buyer in range(few)]
    uses = [(buyer, 0) for buyer in range(many)] + [(buyer, 1) for buyer in range(1, many)]
    load(store, many, uses, claims)
    assert [step.via for step in find_path(store, ANA, "b0", "b1").steps] == ["m1"]
    assert [step.via for step in find_path(store, ANA, "b1", f"b{few}").steps] == ["000100000000"]
    assert len(find_path(store, ANA, "b0", f"b{few}").steps) == 2


@pytest.mark.parametrize("seed", range(12))
def test_paths_are_as_short_as_an_oracle_finds_them(store: Store, seed: int) -> None:
    chance = random.Random(seed)
    buyers = 60
    uses = sorted({(chance.randrange(buyers), chance.randrange(40)) for _ in range(70)})
    claims = sorted({(chance.randrange(buyers), chance.randrange(30)) for _ in range(40)})
    load(store, buyers, uses, claims)
    graph: nx.Graph[str] = nx.Graph()
    graph.add_nodes_from(f"b{number}" for number in range(buyers))
    for kind, pairs in (("v", uses), ("m", claims)):
        graph.add_edges_from((f"b{buyer}", f"{kind}{thing}") for buyer, thing in pairs)
    for _ in range(25):
        one, other = (f"b{number}" for number in chance.sample(range(buyers), 2))
        told = find_path(store, ANA, one, other)
        assert not told.is_cut_off
        try:
            hops = nx.shortest_path_length(graph, one, other) // 2
        except nx.NetworkXNoPath:
            hops = 99
        if hops > 6:
            assert told.steps == ()
            continue
        assert len(told.steps) == hops
        assert (people(told.steps)[0], people(told.steps)[-1]) == (one, other)
        for step, then in zip(told.steps, told.steps[1:], strict=False):
            assert step.to_buyer_id == then.from_buyer_id
        assert find_path(store, ANA, one, other, hops).steps == told.steps
        if hops > 1:
            assert find_path(store, ANA, one, other, hops - 1).steps == ()


def test_a_search_that_comes_by_too_many_or_takes_too_long_says_so(store: Store) -> None:
    load(store, 8, uses=[(place + step, place) for place in range(7) for step in (0, 1)], claims=[])
    assert len(find_path(store, ANA, "b0", "b6").steps) == 6
    assert find_path(store, ANA, "b0", "b7").steps == ()
    for told in (
        find_path(store, ANA, "b0", "b6", most_buyers=4),
        find_path(store, ANA, "b0", "b6", seconds=0.0),
    ):
        assert (told.steps, told.is_cut_off) == ((), True)


def test_a_path_that_cannot_be_asked_for_is_refused(store: Store) -> None:
    load(store, 2, uses=[], claims=[])
    with pytest.raises(InvalidError, match="name two buyers"):
        find_path(store, ANA, "b0", "b0")
    for hops in (0, 7, -1):
        with pytest.raises(InvalidError, match="ask for 1 to 6"):
            find_path(store, ANA, "b0", "b1", hops)
    for one, other in (("b0", "nobody"), ("nobody", "b0")):
        with pytest.raises(NotFoundError, match="no buyer nobody"):
            find_path(store, ANA, one, other)
    for role in (Role.MERCHANT, Role.JOB):
        with pytest.raises(ForbiddenError):
            find_path(store, Principal("x", role, "m0" if role is Role.MERCHANT else None), "b0", "b1")
