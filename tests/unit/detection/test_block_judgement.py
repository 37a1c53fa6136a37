import math
from itertools import product

import numpy as np
import pytest
from block_graphs import Longs, adjacency, small_graphs
from hypothesis import given
from hypothesis import strategies as st

from ringfence.detection.methods.blocks.graph import CellGraph, columns_met, edge_graph, edges_between
from ringfence.detection.methods.blocks.judge import (
    Judgement,
    dominant_merchant,
    judge,
    uniformity,
)


def judged_by_hand(graph: CellGraph, rows: list[int], columns: list[int]) -> Judgement | None:
    """Judge a block edge by edge."""
    edge = adjacency(graph)
    inside = [(u, v) for u, v in product(rows, columns) if edge[u, v]]
    if len(rows) < 3 or len(columns) < 2 or not inside:
        return None
    of_row = {u: sum(1 for x, _ in inside if x == u) for u in rows}
    of_column = {v: sum(1 for _, x in inside if x == v) for v in columns}
    row_outside = {u: float(graph.row_degree[u]) - of_row[u] for u in rows}
    column_outside = {
        v: max(float(graph.column_degree[v]) - of_column[v], float(graph.column_background[v]))
        for v in columns
    }
    outside = graph.edges - len(inside) + 1
    density = len(inside) / (len(rows) * len(columns))
    gain = (
        -len(inside)
        - math.log(math.comb(len(edge), len(rows)))
        - math.log(math.comb(edge.shape[1], len(columns)))
    )
    for u, v in inside:
        gain += math.log(1 + density * outside / ((row_outside[u] + 0.5) * (column_outside[v] + 0.5)))

    row_degree = {u: float(graph.row_degree[u]) for u in rows}
    column_degree = {v: max(float(graph.column_degree[v]), column_outside[v]) for v in columns}
    surplus = -math.log(math.comb(len(edge), len(rows))) - math.log(math.comb(edge.shape[1], len(columns)))
    everything = max(graph.edges, outside)
    surplus += outside * math.log(everything / outside)
    for outer, whole in ((row_outside, row_degree), (column_outside, column_degree)):
        surplus += sum(o * math.log(o / whole[x]) for x, o in outer.items() if o > 0)
    for u, v in inside:
        rate = row_outside[u] * column_outside[v] / outside + density
        surplus += math.log(rate * everything / (row_degree[u] * column_degree[v]))

    def dispersion(held: list[int], outside_of: list[float], others: float) -> float:
        honest = [o * others / outside for o in outside_of]
        mean = max(sum(k - e for k, e in zip(held, honest, strict=True)) / len(held), 1e-9)
        fitted = [max(e + mean, 1e-9) for e in honest]
        return sum((k - f) ** 2 / f for k, f in zip(held, fitted, strict=True)) / len(held)

    return Judgement(
        gain,
        surplus,
        dispersion(list(of_row.values()), list(row_outside.values()), sum(column_outside.values())),
        dispersion(list(of_column.values()), list(column_outside.values()), sum(row_outside.values())),
        len(inside) / (len(rows) + len(columns)),
    )


@st.composite
def blocks(draw: st.DrawFn) -> tuple[CellGraph, Longs, Longs]:
    """Draw a graph and any rows and columns of it."""
    graph = draw(small_graphs())
    n, m = len(graph.row_degree), len(graph.column_degree)
    rows = draw(st.sets(st.integers(0, n - 1), min_size=1))
    columns = draw(st.sets(st.integers(0, m - 1), min_size=1))
    return graph, np.array(sorted(rows)), np.array(sorted(columns))


@given(blocks())
def test_a_block_is_judged_as_counting_edge_by_edge_does(block: tuple[CellGraph, Longs, Longs]) -> None:
    found, expected = judge(*block), judged_by_hand(block[0], block[1].tolist(), block[2].tolist())
    if expected is None or found is None:
        assert found is expected
        return
    assert found.gain == pytest.approx(expected.gain, rel=1e-9, abs=1e-9)
    assert found.surplus == pytest.approx(expected.surplus, rel=1e-9, abs=1e-9)
    assert found.row_dispersion == pytest.approx(expected.row_dispersion, rel=1e-9, abs=1e-9)
    assert found.column_dispersion == pytest.approx(expected.column_dispersion, rel=1e-9, abs=1e-9)
    assert found.density == pytest.approx(expected.density)


@given(blocks())
def test_edges_between_and_columns_met_agree_with_the_matrix(block: tuple[CellGraph, Longs, Longs]) -> None:
    graph, rows, columns = block
    edge = adjacency(graph)
    found = set(zip(*(ends.tolist() for ends in edges_between(graph, rows, columns)), strict=True))
    assert found == {(u, v) for u in rows.tolist() for v in columns.tolist() if edge[u, v]}
    assert columns_met(graph, rows, 2).tolist() == np.flatnonzero(edge[rows].sum(0) >= 2).tolist()


def test_a_block_rests_most_on_the_merchant_with_most_of_its_edges() -> None:
    met = [(u, v) for u in range(4) for v in range(6)] + [(4, 0), (4, 1)]
    row, column = np.array(met).T
    graph = edge_graph(row, column, 40, 30)._replace(merchant=np.array([7, 7, 1, 2, 3, 4], np.int32))
    merchant, share = dominant_merchant(graph, np.arange(5), np.arange(6))
    assert merchant == 7
    assert share == pytest.approx(10 / 26)


def test_members_who_all_take_part_are_uniform_and_a_core_with_followers_is_not() -> None:
    rng = np.random.default_rng(4)
    alike = np.nonzero(rng.random((60, 40)) < 0.3)
    uneven = np.nonzero(rng.random((60, 40)) < np.where(np.arange(60) < 12, 0.9, 0.05)[:, None])
    for (row, column), is_uniform in ((alike, True), (uneven, False)):
        judged = uniformity(edge_graph(row, column, 2_000, 2_000), np.arange(60))
        assert judged is not None
        assert (judged.row_dispersion < 1.5) == is_uniform
        assert (judged.row_dispersion > 2.5) != is_uniform


def test_cells_of_one_hit_that_the_cut_has_parted_count_as_one_when_cells_are_compared() -> None:
    rng = np.random.default_rng(5)
    row, hit = np.nonzero(rng.random((60, 20)) < 0.3)
    parted = 2 * hit + (rng.random(len(hit)) < 0.1)
    graph = edge_graph(row, parted, 2_000, 2_000)
    columns = np.arange(len(graph.cell))
    strangers = judge(graph, np.arange(60), columns)
    merged = judge(graph._replace(merchant=(graph.cell // 2).astype(np.int32)), np.arange(60), columns)
    assert strangers is not None
    assert merged is not None
    assert strangers.column_dispersion > 2.5
    assert merged.column_dispersion < 1.5
    assert merged.gain == strangers.gain
