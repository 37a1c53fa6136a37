import numpy as np
import pytest
from block_graphs import Floats, Longs, adjacency, planted, small_graphs
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit

from ringfence.detection.methods.blocks.graph import CellGraph, hide
from ringfence.detection.methods.blocks.membership import find_members, sides
from ringfence.detection.methods.blocks.parameters import BlockParameters

PARAMETERS = BlockParameters()


def members_by_matrices(graph: CellGraph, rows: Longs, columns: Longs) -> tuple[Floats, Floats] | None:
    """Search memberships with whole matrices, both sides by one rule: (float64[n], float64[m]), or None."""
    edge = adjacency(graph)
    degree = (graph.row_degree, graph.column_degree)
    background = (graph.row_background, graph.column_background)
    weight = [np.zeros(len(side)) for side in degree]
    weight[0][rows], weight[1][columns] = 0.7, 0.7
    block = edge * np.outer(weight[0], weight[1])
    for _ in range(PARAMETERS.rounds):
        before = weight[0]
        if block.sum() < 1:
            return None
        for give, take in ((0, 1), (1, 0)):
            if block.sum() < 1:
                return None
            left = graph.edges - block.sum()
            density = block.sum() / (weight[0].sum() * weight[1].sum())
            outside = [np.maximum(degree[side] - block.sum(1 - side), background[side]) for side in (0, 1)]
            mean = (outside[give] @ weight[give]) / weight[give].sum()
            by_chance = np.outer((outside[give] + mean + 0.02) / 2, outside[take] + 0.5) / left
            heard = (edge if give == 0 else edge.T) * (weight[give] > 1e-2)[:, None]
            ratio = heard * np.log1p(weight[give][:, None] * density / by_chance)
            others = max(len(degree[take]) - weight[take].sum(), 1) / max(weight[take].sum(), 1)
            logit = ratio.sum(0) - density * weight[give].sum() - np.log(others)
            new = expit(np.clip(logit, -40, 40)) * (heard.sum(0) > 0)
            new[new < 1e-6] = 0
            weight[take] = new
            if new.sum() < (1 if take == 1 else 3):
                return None
            joint = density * np.outer(weight[give], new)
            share = heard * joint / (by_chance + joint)
            block = share if give == 0 else share.T
        if np.abs(weight[0] - before).sum() < 0.002 * weight[0].sum():
            break
    return weight[0], weight[1]


@settings(max_examples=200)
@given(small_graphs(), st.integers(0, 2**32 - 1))
def test_memberships_are_those_that_whole_matrices_give(graph: CellGraph, seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows = np.sort(rng.choice(7, int(rng.integers(3, 8)), replace=False))
    columns = np.arange(int(rng.integers(1, min(6, len(graph.column_degree)) + 1)))
    expected = members_by_matrices(graph, rows, columns)
    by_row, by_column = sides(graph)
    found = find_members(by_row, by_column, graph.edges, rows, columns, PARAMETERS)
    if expected is None or found is None:
        assert (expected is None) == (found is None)
        return
    assert found.rows.tolist() == np.flatnonzero(expected[0]).tolist()
    assert found.columns.tolist() == np.flatnonzero(expected[1]).tolist()
    assert found.row_weight == pytest.approx(expected[0][found.rows], rel=1e-6, abs=1e-9)
    assert found.column_weight == pytest.approx(expected[1][found.columns], rel=1e-6, abs=1e-9)


@given(small_graphs())
def test_a_search_leaves_its_working_space_clean(graph: CellGraph) -> None:
    by_row, by_column = sides(graph)
    columns = np.arange(len(graph.column_degree))
    find_members(by_row, by_column, graph.edges, np.arange(7), columns, PARAMETERS)
    for side in (by_row, by_column):
        assert not side.weight.any()
        assert not side.inside.any()
        assert not side.score.any()


def test_hidden_edges_have_no_say() -> None:
    case = planted(1)
    graph = case.graph._replace(
        row_live=case.graph.row_live.copy(),
        column_live=case.graph.column_live.copy(),
        row_degree=case.graph.row_degree.copy(),
        column_degree=case.graph.column_degree.copy(),
    )
    everything = np.arange(len(graph.column_degree))
    graph = hide(graph, case.members, everything)
    assert find_members(*sides(graph), graph.edges, case.members, everything, PARAMETERS) is None


def test_half_of_the_members_lead_to_all_of_them_and_to_hardly_a_stranger() -> None:
    case = planted(2)
    seed = case.members[::2]
    columns = np.flatnonzero(adjacency(case.graph)[seed].sum(0) >= 2)
    found = find_members(*sides(case.graph), case.graph.edges, seed, columns, PARAMETERS)
    assert found is not None
    inside = set(found.rows[found.row_weight > 0.5].tolist())
    assert len(inside & set(case.members.tolist())) >= 38
    assert len(inside - set(case.members.tolist())) <= 1


def test_a_block_that_outgrows_the_bound_is_given_up() -> None:
    case = planted(3)
    seed = case.members[::2]
    columns = np.flatnonzero(adjacency(case.graph)[seed].sum(0) >= 2)
    bounded = BlockParameters(largest_block=25)
    assert find_members(*sides(case.graph), case.graph.edges, seed, columns, bounded) is None
