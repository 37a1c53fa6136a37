import numpy as np
import pytest
from block_graphs import Floats, Longs, random_edges
from hypothesis import given
from hypothesis import strategies as st

from ringfence.detection.fusion.bound import with_sure
from ringfence.detection.methods.blocks import divide
from ringfence.detection.methods.blocks.block import Block
from ringfence.detection.methods.blocks.divide import alike, is_uneven, split
from ringfence.detection.methods.blocks.graph import CellGraph, edge_graph
from ringfence.detection.methods.blocks.judge import judge
from ringfence.detection.methods.blocks.parameters import BlockParameters
from ringfence.detection.methods.blocks.potts import communities, modularity_communities
from ringfence.detection.parameters import Parameters

PARAMETERS = BlockParameters()
DEFAULTS = Parameters()


def cliques(sizes: list[int]) -> tuple[Longs, Longs]:
    """Give the edges of disjoint cliques, each tied to the next by one edge."""
    edges, first = [], 0
    for size in sizes:
        edges += [(i, j) for i in range(first, first + size) for j in range(i + 1, first + size)]
        if first:
            edges.append((first - 1, first))
        first += size
    a, b = np.array(edges).T
    return a, b


def groups(label: Longs) -> set[frozenset[int]]:
    return {frozenset(np.flatnonzero(label == group).tolist()) for group in np.unique(label)}


def quality(label: Longs, a: Longs, b: Longs, weight: Floats, resolution: float) -> float:
    size = np.bincount(label)
    return float(weight[label[a] == label[b]].sum() - resolution * (size * (size - 1) / 2).sum())


def several_groups(rng: np.random.Generator, count: int, size: int = 40) -> tuple[CellGraph, list[Longs]]:
    """Make groups with columns of their own in a random background: the graph, and each group."""
    row, column = random_edges(rng, 2_000, 2_000, 6_000)
    rows, columns = [row], [column]
    for group in range(count):
        i, j = np.nonzero(rng.random((size, 30)) < 0.3)
        rows.append(size * group + i)
        columns.append(30 * group + j)
    members = [np.arange(size * group, size * (group + 1)) for group in range(count)]
    return edge_graph(np.concatenate(rows), np.concatenate(columns), 2_000, 2_000), members


def test_two_cliques_are_two_communities_by_either_measure() -> None:
    a, b = cliques([5, 6])
    expected = {frozenset(range(5)), frozenset(range(5, 11))}
    assert groups(communities(11, a, b, np.ones(len(a)), 0.5)) == expected
    assert groups(modularity_communities(11, a, b, 1.0)) == expected


def test_triangles_are_found_in_a_chain_of_any_length() -> None:
    a, b = cliques([3] * 2_000)
    found = groups(communities(6_000, a, b, np.ones(len(a)), 0.5))
    assert found == {frozenset(range(3 * i, 3 * i + 3)) for i in range(2_000)}


def test_communities_are_numbered_by_their_first_node_and_lone_nodes_stay_alone() -> None:
    a, b = np.array([4, 1]), np.array([5, 2])
    assert communities(6, a, b, np.ones(2), 0.5).tolist() == [0, 1, 1, 2, 3, 3]
    assert communities(3, a[:0], b[:0], np.ones(0), 0.5).tolist() == [0, 1, 2]


@given(st.integers(0, 2**32 - 1), st.floats(0.05, 0.6))
def test_no_single_move_improves_communities(seed: int, resolution: float) -> None:
    rng = np.random.default_rng(seed)
    a, b = rng.integers(0, 12, (2, 30))
    a, b = a[a != b], b[a != b]
    weight = rng.random(len(a))
    label = communities(12, a, b, weight, resolution)
    best = quality(label, a, b, weight, resolution)
    assert best >= quality(np.arange(12), a, b, weight, resolution) - 1e-4


@given(st.integers(0, 2**32 - 1))
def test_no_numbering_of_nodes_and_no_order_of_edges_changes_communities(seed: int) -> None:
    rng = np.random.default_rng(seed)
    a, b = rng.integers(0, 60, (2, 150))
    weight = rng.random(150)
    new, order = rng.permutation(60), rng.permutation(150)
    label = communities(60, a, b, weight, 0.1)
    again = communities(60, new[b[order]], new[a[order]], weight[order], 0.1)
    assert groups(label) == groups(again[new])


@pytest.mark.parametrize("seed", range(3))
def test_a_block_of_several_groups_is_split_and_one_group_is_not(seed: int) -> None:
    graph, members = several_groups(np.random.default_rng(seed), 3)
    for held in (members, members[:1]):
        rows, columns = np.concatenate(held), np.arange(30 * len(held))
        judgement = judge(graph, rows, columns)
        assert judgement is not None
        parts = split(graph, Block(rows, columns, np.ones(len(rows)), judgement))
        assert len(parts) == len(held)
        assert {tuple(part.rows.tolist()) for part in parts} == {tuple(group.tolist()) for group in held}
        assert sum(part.judgement.gain for part in parts) >= judgement.gain


@pytest.mark.parametrize("seed", range(3))
def test_members_of_several_rings_are_cut_into_those_who_met_in_the_same_cells(seed: int) -> None:
    graph, members = several_groups(np.random.default_rng(seed), 4)
    everybody = np.concatenate(members)
    parts = alike(graph, everybody, PARAMETERS)
    assert {tuple(part.tolist()) for part in parts if len(part) >= 10} == {tuple(g.tolist()) for g in members}
    assert not any(is_uneven(graph, part, PARAMETERS) for part in parts)


def test_small_groups_never_count_as_uneven() -> None:
    row = np.concatenate((np.repeat(np.arange(5), 40), np.arange(5, 49)))
    column = np.concatenate((np.tile(np.arange(40), 5), np.arange(44) % 40))
    graph = edge_graph(row, column, 500, 500)
    assert not is_uneven(graph, np.arange(49), PARAMETERS)
    assert is_uneven(graph, np.arange(49), BlockParameters(uniform_from=49))


def test_a_ring_keeps_what_it_had_unless_that_makes_a_large_group_uneven() -> None:
    """Seventy-six meet in half of forty cells each, four busy ones in all of them and in sixty more."""
    rng = np.random.default_rng(3)
    row, column = np.nonzero(rng.random((76, 40)) < 0.5)
    busy = np.arange(76, 80)
    row, column = np.append(row, np.repeat(busy, 100)), np.append(column, np.tile(np.arange(100), 4))
    graph = edge_graph(row, column, 2_000, 2_000)
    settled, alike_ones = np.arange(60), np.arange(60, 76)
    assert with_sure(DEFAULTS, graph, settled, alike_ones).tolist() == list(range(76))
    assert with_sure(DEFAULTS, graph, settled, busy).tolist() == settled.tolist()
    assert with_sure(DEFAULTS, graph, np.append(settled, busy), alike_ones).tolist() == list(range(80))


def test_a_crowded_cell_costs_no_more_pairs_than_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(5)
    graph, members = several_groups(rng, 2)
    row = np.concatenate((np.repeat(np.arange(2_000), np.diff(graph.row_start)), np.arange(2_000)))
    column = np.concatenate((graph.row_column, np.full(2_000, 1_999)))
    crowded = edge_graph(row, column, 2_000, 2_000)
    monkeypatch.setattr(divide, "_MOST_MEETINGS", 20_000)
    parts = alike(crowded, np.concatenate(members), PARAMETERS)
    assert {tuple(part.tolist()) for part in parts if len(part) >= 10} == {tuple(g.tolist()) for g in members}
