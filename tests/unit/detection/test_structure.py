import math
from collections.abc import Callable

import numpy as np
import pytest
from block_graphs import Longs, random_edges
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import poisson
from small_markets import claims_of_rows

from ringfence.detection.methods.blocks.graph import edge_graph
from ringfence.detection.methods.structure import pairs
from ringfence.detection.methods.structure.candidates import Structure, find_structure
from ringfence.detection.methods.structure.pairs import (
    MOST_DECADES,
    find_surprising_pairs,
    poisson_decades,
    significance_threshold,
)
from ringfence.detection.methods.structure.parameters import StructureParameters
from ringfence.detection.ranges import InvalidParameterError
from ringfence.detection.timeline import Timeline, lay_out

PARAMETERS = StructureParameters()


def timeline_of_edges(row: Longs, column: Longs, rows: int, columns: int) -> Timeline:
    """Lay out one claim an edge, all at one moment."""
    claims = claims_of_rows([(int(v), 0, int(u)) for u, v in zip(row, column, strict=True)])
    return lay_out(claims, rows, columns, math.inf)


def market(seed: int, rings: int, *, members: int = 8, hits: int = 25) -> tuple[Timeline, list[set[int]]]:
    """Make honest claims and rings whose members join most of their ring's merchants; times say nothing."""
    rng = np.random.default_rng(seed)
    row, column = random_edges(rng, 1_500, 600, 6_000)
    rows, columns, truth = [row], [column], []
    everyone = rng.permutation(1_500)
    for ring in range(rings):
        who = everyone[ring * members : (ring + 1) * members]
        where = rng.choice(600, hits, replace=False)
        i, j = np.nonzero(rng.random((members, hits)) < 0.8)
        rows.append(who[i])
        columns.append(where[j])
        truth.append(set(who.tolist()))
    edge = np.unique(np.concatenate(rows) * 600 + np.concatenate(columns))
    return timeline_of_edges(edge // 600, edge % 600, 1_500, 600), truth


def accused(found: Structure) -> set[int]:
    return {buyer for candidate in found.candidates for buyer in candidate.members.tolist()}


@given(st.integers(0, 400), st.floats(1e-6, 60.0))
def test_the_tail_is_that_of_a_poisson_variable(count: int, mean: float) -> None:
    expected = min(MOST_DECADES, max(0.0, -float(poisson.logsf(count - 1, mean)) / math.log(10.0)))
    assert poisson_decades(count, mean) == pytest.approx(expected, rel=1e-9, abs=1e-9)


@given(st.integers(0, 2**32 - 1))
def test_surprising_pairs_are_those_that_comparing_everybody_finds(seed: int) -> None:
    rng = np.random.default_rng(seed)
    row, column = random_edges(rng, 30, 200, 120)
    where = rng.choice(200, 12, replace=False)
    who, held = np.nonzero(rng.random((4, 12)) < 0.9)
    graph = edge_graph(np.concatenate((row, who)), np.concatenate((column, where[held])), 30, 200)
    shops = [set(graph.row_column[graph.row_start[u] : graph.row_start[u + 1]].tolist()) for u in range(30)]
    d = graph.column_degree
    rate = (d * (d - 1)).sum() / graph.edges**2
    expected = {}
    for u in range(30):
        for v in range(u + 1, 30):
            shared = len(shops[u] & shops[v])
            decades = -poisson.logsf(shared - 1, len(shops[u]) * len(shops[v]) * rate) / math.log(10)
            if shared >= 2 and decades >= 2.0:
                expected[u, v] = decades
    found = find_surprising_pairs(graph, PARAMETERS)
    assert list(zip(found.a.tolist(), found.b.tolist(), strict=True)) == list(expected)
    assert found.decades == pytest.approx(list(expected.values()), rel=1e-9)


def test_pairs_stay_within_the_memory_allowed_and_the_strongest_remain(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rng = np.random.default_rng(1)
    row = np.repeat(np.arange(600), 12)
    column = np.tile(np.arange(12), 600) + 12 * (row // 6)
    held = rng.random(len(row)) < 0.8
    graph = edge_graph(row[held], column[held], 600, 1_200)
    everything = find_surprising_pairs(graph, PARAMETERS)
    monkeypatch.setattr(pairs, "_ROOM", 500)
    bounded = find_surprising_pairs(graph, StructureParameters(most_pairs_per_edge=1e-9))
    assert len(bounded.a) <= 500 < len(everything.a)
    weakest_kept = bounded.decades.min()
    assert (everything.decades > weakest_kept).sum() <= len(bounded.a)
    strong = everything.decades > np.sort(everything.decades)[-200]
    kept = set(zip(bounded.a.tolist(), bounded.b.tolist(), strict=True))
    assert set(zip(everything.a[strong].tolist(), everything.b[strong].tolist(), strict=True)) <= kept


def test_the_most_crowded_merchants_are_left_out_when_pairs_are_too_many() -> None:
    row = np.concatenate((np.arange(1_000), np.arange(1_000), np.arange(4), np.arange(4), np.arange(4)))
    column = np.concatenate((np.zeros(1_000), np.ones(1_000), np.full(4, 2), np.full(4, 3), np.full(4, 4)))
    graph = edge_graph(row, column.astype(np.int64), 1_000, 5)
    found = find_surprising_pairs(graph, StructureParameters(most_meetings=100))
    assert len(found.a) <= 6
    assert (found.b < 4).all()


def test_the_threshold_is_that_of_benjamini_and_hochberg() -> None:
    p = np.array([1e-6, 1e-5, 0.003, 0.02, 0.5])
    # ranks 1 to 5 of 10 hypotheses at 0.01 allow 0.001, 0.002, 0.003, 0.004, 0.005
    assert significance_threshold(-np.log10(p), 10.0, 0.01) == pytest.approx(-math.log10(0.003))
    assert significance_threshold(-np.log10(p[3:]), 10.0, 0.01) == math.inf
    assert significance_threshold(np.empty(0), 10.0, 0.01) == math.inf


@pytest.mark.parametrize("seed", range(3))
def test_rings_are_found_without_times_and_their_members_rank_first(seed: int) -> None:
    timeline, truth = market(seed, 5)
    found = find_structure(timeline, PARAMETERS)
    members = set.union(*truth)
    assert len(accused(found) & members) >= 0.9 * len(members)
    assert len(accused(found) - members) <= 0.03 * len(members)
    first = np.argsort(-found.rank, kind="stable")[: len(members)]
    assert len(set(first.tolist()) & members) >= 0.95 * len(members)


@pytest.mark.parametrize("seed", range(4))
def test_honest_claims_without_times_give_no_ring(seed: int) -> None:
    timeline, _ = market(seed, 0)
    assert find_structure(timeline, PARAMETERS).candidates == []


def test_nobody_is_in_two_groups_and_the_strongest_comes_first() -> None:
    timeline, _ = market(5, 6)
    found = find_structure(timeline, PARAMETERS).candidates
    assert sum(len(candidate.members) for candidate in found) == len(accused(Structure(found, np.empty(0))))
    decades = [candidate.decades for candidate in found]
    assert decades == sorted(decades, reverse=True)


@pytest.mark.parametrize("claims", [1, 2])
def test_one_claim_or_two_say_nothing(claims: int) -> None:
    timeline = timeline_of_edges(np.arange(claims), np.zeros(claims, np.int64), claims, 1)
    found = find_structure(timeline, PARAMETERS)
    assert found.candidates == []
    assert found.rank.tolist() == [0.0] * claims


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("false_discovery_rate", lambda: StructureParameters(false_discovery_rate=1.0)),
        ("resolution", lambda: StructureParameters(resolution=0.0)),
        ("smoothings", lambda: StructureParameters(smoothings=-1)),
        ("most_meetings", lambda: StructureParameters(most_meetings=0)),
    ],
)
def test_parameters_of_structure_out_of_range_are_refused(
    name: str, make: Callable[[], StructureParameters]
) -> None:
    with pytest.raises(InvalidParameterError, match=name):
        make()
