from collections.abc import Callable

import numpy as np
import pytest
from block_graphs import Longs, planted, random_edges
from hypothesis import given
from hypothesis import strategies as st
from small_markets import Row, claims_of_rows, rows, timeline_of

from ringfence.detection.cells import cut_cells
from ringfence.detection.methods.blocks.block import Block
from ringfence.detection.methods.blocks.graph import CellGraph, cell_graph, copied, edge_graph, hide, show
from ringfence.detection.methods.blocks.parameters import WITHOUT_TIMES, BlockParameters
from ringfence.detection.methods.blocks.peel import Peeling
from ringfence.detection.methods.blocks.search import find_blocks
from ringfence.detection.methods.blocks.starts import starts_of_pairs
from ringfence.detection.ranges import InvalidParameterError
from ringfence.detection.timeline import lay_out

PARAMETERS = BlockParameters()


def members(blocks: list[Block]) -> set[int]:
    return {buyer for block in blocks for buyer in block.rows.tolist()}


def edges_of(graph: CellGraph) -> tuple[Longs, Longs]:
    row = np.repeat(np.arange(len(graph.row_degree)), np.diff(graph.row_start))
    return row, graph.row_column.astype(np.int64)


def is_same(one: CellGraph, other: CellGraph) -> bool:
    """Say whether two graphs have the same edges, marks and degrees."""
    return one.edges == other.edges and all(
        np.array_equal(getattr(one, name), getattr(other, name))
        for name in CellGraph._fields
        if name != "edges"
    )


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("parameters", [PARAMETERS, WITHOUT_TIMES])
def test_a_planted_block_is_found_and_strangers_are_left_out(seed: int, parameters: BlockParameters) -> None:
    case = planted(seed)
    found = members(find_blocks(case.graph, (), parameters))
    truth = set(case.members.tolist())
    assert len(found & truth) >= 0.95 * len(truth)
    assert len(found - truth) <= 1


def test_a_start_of_a_few_members_finds_a_block_that_peeling_is_not_asked_for() -> None:
    case = planted(6)
    without_peeling = BlockParameters(peels=0)
    assert find_blocks(case.graph, (), without_peeling) == []
    found = members(find_blocks(case.graph, [case.members[:8]], without_peeling))
    assert len(found & set(case.members.tolist())) >= 38


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("parameters", [PARAMETERS, WITHOUT_TIMES])
def test_a_random_background_holds_no_block(seed: int, parameters: BlockParameters) -> None:
    rng = np.random.default_rng(seed)
    graph = edge_graph(*random_edges(rng, 2_000, 800, 8_000), 2_000, 800, parameters.least_in_cell)
    starts = [np.sort(rng.choice(2_000, 6, replace=False)) for _ in range(20)]
    assert find_blocks(graph, starts, parameters) == []


def test_two_blocks_are_two_and_the_larger_gain_comes_first() -> None:
    one, other = planted(7), planted(8, members=25, held=25, density=0.4)
    (row, column), (more_row, more_column) = edges_of(one.graph), edges_of(other.graph)
    both = edge_graph(np.concatenate((row, more_row)), np.concatenate((column, more_column)), 1_500, 1_500)
    found = find_blocks(both, (), PARAMETERS)
    assert len(found) == 2
    assert found[0].judgement.gain > found[1].judgement.gain
    for block, truth in zip(found, (one, other), strict=True):
        assert len(np.intersect1d(block.rows, truth.members)) >= 0.9 * len(truth.members)


def test_camouflage_and_honest_history_do_not_hide_a_block() -> None:
    case = planted(9)
    rng = np.random.default_rng(9)
    row, column = edges_of(case.graph)
    hidden = np.repeat(case.members, 10)
    graph = edge_graph(
        np.concatenate((row, hidden)),
        np.concatenate((column, rng.integers(0, 1_500, len(hidden)))),
        1_500,
        1_500,
    )
    found = members(find_blocks(graph, (), PARAMETERS))
    assert len(found & set(case.members.tolist())) >= 36
    assert len(found - set(case.members.tolist())) <= 2


@given(st.integers(0, 2**32 - 1))
def test_the_numbering_of_buyers_and_cells_does_not_matter(seed: int) -> None:
    rng = np.random.default_rng(seed)
    case = planted(seed % 7, rows=400, members=30, held=30)
    row, column = edges_of(case.graph)
    new_row, new_column = rng.permutation(400), rng.permutation(400)
    shuffled = rng.permutation(len(row))
    graph = edge_graph(new_row[row][shuffled], new_column[column][shuffled], 400, 400)
    found = find_blocks(edge_graph(row, column, 400, 400), (), PARAMETERS)
    again = find_blocks(graph, (), PARAMETERS)
    assert [np.sort(new_row[block.rows]).tolist() for block in found] == [
        block.rows.tolist() for block in again
    ]
    assert [b.judgement.gain for b in again] == pytest.approx([b.judgement.gain for b in found], rel=1e-9)


def test_a_search_leaves_the_graph_as_it_was() -> None:
    graph = planted(10).graph
    before = copied(graph)
    find_blocks(graph, (), PARAMETERS)
    assert is_same(before, graph)


def test_hidden_edges_leave_degrees_and_totals_and_come_back() -> None:
    graph = copied(planted(11).graph)
    before = copied(graph)
    some, others = np.arange(0, 1_500, 3), np.arange(0, len(graph.column_degree), 2)
    hidden = hide(graph, some, others)
    assert hidden.edges == hidden.row_live.sum() == hidden.column_live.sum() < before.edges
    assert hidden.row_degree.sum() == hidden.column_degree.sum() == hidden.edges
    shown = show(hidden, some, others)
    assert is_same(before, shown)


@pytest.mark.parametrize("seed", range(3))
def test_a_ring_whose_members_each_join_a_tenth_of_its_hits_is_found_by_the_week(seed: int) -> None:
    rng = np.random.default_rng(seed)
    buyers, merchants, hits = 6_000, 300, 40
    who, where = rng.choice(buyers, 150, replace=False), rng.choice(merchants, hits, replace=False)
    member, hit = np.nonzero(rng.random((150, hits)) < 0.1)
    buyer = np.concatenate((rng.integers(0, buyers, 24_000), who[member]))
    merchant = np.concatenate((rng.integers(0, merchants, 24_000), where[hit]))
    days = np.concatenate(
        (rng.uniform(0, 365, 24_000), rng.uniform(0, 350, hits)[hit] + rng.exponential(0.5, len(hit)))
    )
    claims = claims_of_rows(
        list(zip(merchant.tolist(), (4 * days).astype(int).tolist(), buyer.tolist(), strict=True))
    )
    timeline = lay_out(claims, buyers, merchants, 0.0)
    graph = cell_graph(timeline, cut_cells(timeline, PARAMETERS), PARAMETERS, times_tell=True)
    found = members(find_blocks(graph, (), PARAMETERS))
    assert len(found & set(who.tolist())) >= 0.85 * len(who)
    assert len(found - set(who.tolist())) <= 3


@given(rows())
def test_the_graph_of_cells_holds_each_buyer_and_cell_once(given_rows: list[Row]) -> None:
    timeline = timeline_of(given_rows)
    cells = cut_cells(timeline, PARAMETERS)
    graph = cell_graph(timeline, cells, PARAMETERS, times_tell=True)
    pairs = set(zip(timeline.buyer.tolist(), cells.cell.tolist(), strict=True))
    crowded = {
        c for c in cells.cell.tolist() if sum(1 for _, x in pairs if x == c) >= PARAMETERS.least_in_cell
    }
    row, column = edges_of(graph)
    found = list(zip(row.tolist(), graph.cell[column].tolist(), strict=True))
    assert sorted(found) == sorted((u, c) for u, c in pairs if c in crowded)
    assert graph.edges == len(pairs)
    assert graph.row_degree.tolist() == [
        sum(1 for u, _ in pairs if u == x) for x in range(len(graph.row_degree))
    ]
    assert (timeline.merchant[cells.start[graph.cell]] == graph.merchant).all()


def test_a_seed_never_holds_more_buyers_than_allowed_and_covered_edges_seed_nothing() -> None:
    case = planted(12)
    peeling = Peeling(case.graph, BlockParameters(largest_seed=20))
    seed = peeling.seed()
    assert seed is not None
    assert len(seed[0]) <= 20
    peeling.cover(np.arange(1_500), np.arange(len(case.graph.column_degree)))
    assert peeling.seed() is None


def test_communities_of_weak_pairs_start_the_search_heaviest_first() -> None:
    light = [(0, 1), (1, 2), (0, 2)]
    heavy = [(i, j) for i in range(10, 15) for j in range(i + 1, 15)]
    pair = [(20, 21)]
    a, b = np.array(light + heavy + pair).T
    starts = starts_of_pairs(a, b, np.full(len(a), 2.0), PARAMETERS)
    assert [start.tolist() for start in starts] == [[10, 11, 12, 13, 14], [0, 1, 2]]
    assert starts_of_pairs(a[:0], b[:0], np.empty(0), PARAMETERS) == []


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("cell_days", lambda: BlockParameters(cell_days=0.0)),
        ("density", lambda: BlockParameters(density=-1.0)),
        ("uneven", lambda: BlockParameters(uneven=0.0)),
        ("scales", lambda: BlockParameters(scales=0)),
        ("largest_seed", lambda: BlockParameters(largest_seed=0)),
        ("peels", lambda: BlockParameters(peels=-1)),
    ],
)
def test_parameters_out_of_range_are_refused(name: str, make: Callable[[], BlockParameters]) -> None:
    with pytest.raises(InvalidParameterError, match=name):
        make()


def test_an_empty_graph_holds_no_block() -> None:
    graph = edge_graph(np.empty(0, np.int64), np.empty(0, np.int64), 1, 1)
    assert find_blocks(graph, [np.array([0])], WITHOUT_TIMES) == []
