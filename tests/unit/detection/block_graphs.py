"""Graphs of buyers and cells for tests of dense blocks: random ones, and ones with a block planted."""

from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from ringfence.detection.methods.blocks.graph import CellGraph, edge_graph

Floats = NDArray[np.float64]
Longs = NDArray[np.int64]
ROWS, COLUMNS = 14, 11


@dataclass(frozen=True)
class Planted:
    """A graph and the rows of the block in it."""

    graph: CellGraph
    members: Longs


def small_graphs() -> st.SearchStrategy[CellGraph]:
    """Draw graphs of a few rows and columns, some of them with a dense corner."""

    def build(seed: int, density: float, corner: float, strangers: float) -> CellGraph:
        rng = np.random.default_rng(seed)
        adjacent = rng.random((ROWS, COLUMNS)) < density
        adjacent[:7, :6] |= rng.random((7, 6)) < corner
        adjacent[0, 0] = True
        row, column = np.nonzero(adjacent)
        graph = edge_graph(row, column, ROWS, COLUMNS)
        background = strangers * rng.random(len(graph.column_degree))
        return graph._replace(column_background=background)

    return st.builds(
        build,
        st.integers(0, 2**32 - 1),
        st.floats(0.05, 0.4),
        st.floats(0.0, 1.0),
        st.sampled_from([0.0, 0.5, 2.0]),
    )


def adjacency(graph: CellGraph) -> Floats:
    """Give the live edges as a matrix, float64[n, m]."""
    out = np.zeros((len(graph.row_start) - 1, len(graph.column_start) - 1))
    for row in range(len(out)):
        for edge in range(graph.row_start[row], graph.row_start[row + 1]):
            out[row, graph.row_column[edge]] = graph.row_live[edge]
    return out


def random_edges(rng: np.random.Generator, rows: int, columns: int, edges: int) -> tuple[Longs, Longs]:
    """Draw edges between rows and columns of unequal degree."""
    zeal, fame = np.arange(5.0, rows + 5) ** -0.5, np.arange(5.0, columns + 5) ** -0.7
    return (
        rng.choice(rows, edges, p=zeal / zeal.sum()),
        rng.permutation(columns)[rng.choice(columns, edges, p=fame / fame.sum())],
    )


def planted(
    seed: int, *, members: int = 40, held: int = 40, density: float = 0.25, rows: int = 1_500
) -> Planted:
    """Plant a block of random members and columns in a random background of as many columns as rows."""
    rng = np.random.default_rng(seed)
    row, column = random_edges(rng, rows, rows, 3 * rows)
    who, where = rng.choice(rows, members, replace=False), rng.choice(rows, held, replace=False)
    i, j = np.nonzero(rng.random((members, held)) < density)
    edges = np.concatenate((row, who[i])), np.concatenate((column, where[j]))
    return Planted(edge_graph(*edges, rows, rows), np.sort(who))
