import networkit
import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from small_markets import Held, sharing_of

from ringfence.detection.networks import communities, find_networks
from ringfence.detection.pairs import Pairs
from ringfence.detection.sharing import multiplicities

HUB = 500
RINGS = [range(3), range(3, 6), range(6, 9)]
BUYERS = 400


def found_in(graph: "nx.Graph[int]") -> list[int]:
    edges = np.array(list(graph.edges), np.int32).reshape(-1, 2)
    weight = np.array([graph.edges[a, b].get("weight", 1.0) for a, b in graph.edges], float)
    return list(map(int, communities(len(graph), edges[:, 0], edges[:, 1], weight)))


def modularity(graph: "nx.Graph[int]", membership: list[int]) -> float:
    parts: dict[int, set[int]] = {}
    for node, part in enumerate(membership):
        parts.setdefault(part, set()).add(node)
    return float(nx.community.modularity(graph, list(parts.values())))


def louvain(graph: "nx.Graph[int]") -> float:
    return float(nx.community.modularity(graph, nx.community.louvain_communities(graph, seed=1)))


def weighted(graph: "nx.Graph[int]", seed: int) -> "nx.Graph[int]":
    chance = np.random.default_rng(seed)
    for a, b in sorted(graph.edges):
        graph.edges[a, b]["weight"] = float(chance.uniform(0.5, 5.0))
    return graph


@pytest.mark.parametrize("seed", range(4))
def test_communities_are_as_modular_as_louvain_finds_them(seed: int) -> None:
    for graph in (
        nx.planted_partition_graph(6, 12, 0.6, 0.03, seed=seed),
        weighted(nx.gnm_random_graph(60, 150, seed=seed), seed),
        weighted(nx.random_partition_graph([5, 9, 20, 30], 0.5, 0.02, seed=seed), seed),
        nx.barabasi_albert_graph(80, 2, seed=seed),
    ):
        membership = found_in(graph)
        assert modularity(graph, membership) >= louvain(graph) - 0.03
        assert membership == found_in(graph)


def test_planted_groups_are_found_exactly() -> None:
    graph = nx.planted_partition_graph(8, 10, 0.9, 0.01, seed=3)
    assert found_in(graph) == [node // 10 for node in range(80)]


@given(st.integers(1, 20), st.sets(st.tuples(st.integers(0, 19), st.integers(0, 19))))
def test_communities_never_join_what_nothing_connects(nodes: int, edges: set[tuple[int, int]]) -> None:
    graph = nx.empty_graph(nodes)
    graph.add_edges_from((a, b) for a, b in edges if a < b < nodes)
    membership = found_in(graph)
    component = {node: i for i, part in enumerate(nx.connected_components(graph)) for node in part}
    for part in set(membership):
        assert len({component[node] for node in range(nodes) if membership[node] == part}) == 1
    assert list(dict.fromkeys(membership)) == list(range(len(set(membership))))


def test_a_graph_without_edges_is_as_many_communities_as_nodes() -> None:
    assert found_in(nx.empty_graph(4)) == [0, 1, 2, 3]


def test_the_number_of_threads_is_left_as_it_was() -> None:
    before = networkit.getMaxNumberOfThreads()
    found_in(nx.path_graph(4))
    assert networkit.getMaxNumberOfThreads() == before


def networks_of(held: Held, pairs: list[tuple[int, int, float]], hub: int = HUB) -> NDArray[np.int64]:
    ring_of = np.full(BUYERS, -1, np.int64)
    for i, ring in enumerate(RINGS):
        ring_of[list(ring)] = i
    sharing = sharing_of(held, BUYERS)
    a, b = (np.array([pair[side] for pair in pairs], np.int32) for side in (0, 1))
    score = np.array([decades for _, _, decades in pairs], float)
    seeds = Pairs(a, b, score, np.ones(len(pairs)), np.full(len(pairs), 2, np.int32), np.zeros(len(pairs)))
    sizes = np.array([len(ring) for ring in RINGS])
    return find_networks(sizes, ring_of, seeds, sharing, multiplicities(sharing, hub), hub)


def test_rings_that_nothing_ties_are_networks_of_their_own() -> None:
    assert networks_of({}, []).tolist() == [0, 1, 2]


def test_rings_that_share_a_rare_value_are_one_network() -> None:
    assert networks_of({(0, 0): {0, 8}}, []).tolist() == [0, 1, 0]
    assert networks_of({(0, 0): {0, 8, 300}}, []).tolist() == [0, 1, 0]


def test_what_rings_share_with_half_the_marketplace_is_no_tie() -> None:
    everywhere = {(0, 0): set(range(BUYERS // 2))}
    assert networks_of(everywhere, []).tolist() == [0, 1, 2]
    assert networks_of({(0, 0): {0, 8, 20}}, [], hub=2).tolist() == [0, 1, 2]


def test_a_strong_pair_across_two_rings_ties_them_and_a_weak_one_does_not() -> None:
    assert networks_of({}, [(2, 4, 9.0)]).tolist() == [0, 0, 1]
    of_nine_pairs, of_three_ties = np.log10(9.0), np.log10(3.0)
    assert networks_of({}, [(2, 4, of_nine_pairs + 0.9 * of_three_ties)]).tolist() == [0, 1, 2]
    assert networks_of({}, [(2, 4, of_nine_pairs + 1.1 * of_three_ties)]).tolist() == [0, 0, 1]


def test_pairs_inside_a_ring_or_with_a_bystander_tie_no_rings() -> None:
    assert networks_of({}, [(0, 1, 30.0), (0, 300, 30.0), (4, 300, 30.0)]).tolist() == [0, 1, 2]


def test_a_single_ring_is_a_network() -> None:
    nobody = np.empty(0, np.int32)
    none = Pairs(nobody, nobody, np.empty(0), np.empty(0), nobody, np.empty(0))
    sharing = sharing_of({}, 3)
    one = find_networks(np.array([3]), np.zeros(3, np.int64), none, sharing, multiplicities(sharing, 9), 9)
    assert one.tolist() == [0]
