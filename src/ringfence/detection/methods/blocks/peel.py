"""Seeds by peeling: take the loosest buyers and cells away until what is left is densest.

After Hooi et al., "FRAUDAR", KDD 2016, in batches and over the core only. Weights are whole numbers, so that
the order of adding never shows in the result.
"""

import numpy as np
from numba import njit

from ringfence.detection.methods.blocks.graph import (
    CellGraph,
    Flags,
    columns_met,
    copied,
    edges_between,
    hide,
)
from ringfence.detection.methods.blocks.parameters import BlockParameters
from ringfence.market import Floats, Longs

_DROP, _COARSE_DROP, _FAR = 0.05, 0.2, 4
"""Share of the nodes that each pass takes away: the second while over _FAR times the largest seed is left."""
_POPULARITY = 5.0
"""Added to the degree of a cell before its root: small cells do not differ much."""
_UNIT = float(1 << 24)
_CELLS, _BUYERS = 2, 3
"""A buyer with fewer cells and a cell with fewer buyers than this belong to no core."""

Seed = tuple[Longs, Longs]
"""Rows and columns, each rising."""


class Peeling:
    """Seeds of one graph, one after the other; what became of one is covered before the next."""

    def __init__(self, graph: CellGraph, parameters: BlockParameters) -> None:
        self._graph = copied(graph)
        self._largest = parameters.largest_seed
        self._weight = _weights(graph.column_degree)

    def seed(self) -> Seed | None:
        """Give the densest stage of at most `largest_seed` rows; None when nothing is left to peel."""
        in_rows, in_columns = _core(self._graph, _CELLS, _BUYERS)
        return _seed(self._graph, in_rows, in_columns, self._weight, self._largest)

    def cover(self, rows: Longs, columns: Longs) -> None:
        """Leave the edges between `rows` and `columns` out of all seeds to come."""
        self._graph = hide(self._graph, rows, columns)


def seed_inside(graph: CellGraph, rows: Longs, columns: Longs, parameters: BlockParameters) -> Seed | None:
    """Peel inside a block that turned out too wide; None if nothing denser lies in it."""
    in_rows, in_columns = np.zeros(_rows(graph), np.bool_), np.zeros(_columns(graph), np.bool_)
    in_rows[rows] = True
    in_columns[columns] = True
    _, met = edges_between(graph, rows, columns)
    weight = _weights(np.bincount(met, minlength=_columns(graph)).astype(np.float64))
    return _seed(graph, in_rows, in_columns, weight, parameters.largest_seed)


def seed_from(graph: CellGraph, members: Longs) -> Seed | None:
    """Give `members` and the columns where two of them meet; None if they never do."""
    columns = columns_met(graph, members, 2)
    return (members, columns) if len(columns) else None


def _rows(graph: CellGraph) -> int:
    return len(graph.row_start) - 1


def _columns(graph: CellGraph) -> int:
    return len(graph.column_start) - 1


def _weights(degree: Floats) -> Longs:
    """Give the weight of an edge by its column: int64[m], low where everybody goes."""
    return np.rint(_UNIT / np.sqrt(degree + _POPULARITY)).astype(np.int64)


def _seed(graph: CellGraph, in_rows: Flags, in_columns: Flags, weight: Longs, largest: int) -> Seed | None:
    rows, columns = _densest(graph, in_rows, in_columns, weight, _DROP, _COARSE_DROP, largest)
    return (rows, columns) if len(rows) and len(columns) else None


@njit(cache=True, nogil=True)
def _core(graph: CellGraph, least_cells: int, least_buyers: int) -> tuple[Flags, Flags]:
    """Find what is left when loose buyers and cells are dropped, again and again: bool[n], bool[m]."""
    rows, columns = len(graph.row_start) - 1, len(graph.column_start) - 1
    row_left, column_left = np.zeros(rows, np.int32), np.zeros(columns, np.int32)
    for row in range(rows):
        for edge in range(graph.row_start[row], graph.row_start[row + 1]):
            if graph.row_live[edge]:
                row_left[row] += 1
                column_left[graph.row_column[edge]] += 1
    in_rows, in_columns = row_left >= least_cells, column_left >= least_buyers
    dropped = np.empty(rows + columns, np.int64)
    waiting = 0
    for row in range(rows):
        if not in_rows[row] and row_left[row] > 0:
            dropped[waiting] = row
            waiting += 1
    for column in range(columns):
        if not in_columns[column] and column_left[column] > 0:
            dropped[waiting] = rows + column
            waiting += 1
    while waiting:
        waiting -= 1
        node = dropped[waiting]
        if node < rows:
            for edge in range(graph.row_start[node], graph.row_start[node + 1]):
                column = graph.row_column[edge]
                if graph.row_live[edge] and in_columns[column]:
                    column_left[column] -= 1
                    if column_left[column] < least_buyers:
                        in_columns[column] = False
                        dropped[waiting] = rows + column
                        waiting += 1
        else:
            node -= rows
            for edge in range(graph.column_start[node], graph.column_start[node + 1]):
                row = graph.column_row[edge]
                if graph.column_live[edge] and in_rows[row]:
                    row_left[row] -= 1
                    if row_left[row] < least_cells:
                        in_rows[row] = False
                        dropped[waiting] = row
                        waiting += 1
    return in_rows, in_columns


@njit(cache=True, nogil=True)
def _densest(
    graph: CellGraph,
    in_rows: Flags,
    in_columns: Flags,
    weight: Longs,
    drop: float,
    coarse_drop: float,
    largest: int,
) -> tuple[Longs, Longs]:
    """Peel the nodes marked and give the rows and columns of the densest stage of at most `largest` rows.

    Density is the weight of the edges left per node left. Clears the marks.
    """
    rows, columns = len(in_rows), len(in_columns)
    degree = np.zeros(rows + columns, np.int64)
    total = 0
    for row in range(rows):
        if in_rows[row]:
            for edge in range(graph.row_start[row], graph.row_start[row + 1]):
                column = graph.row_column[edge]
                if graph.row_live[edge] and in_columns[column]:
                    degree[row] += weight[column]
                    degree[rows + column] += weight[column]
                    total += weight[column]
    left = np.flatnonzero(degree)
    order = np.empty(len(left), np.int64)  # in the order of being dropped, the densest stage last of all
    in_rows[:] = False
    in_columns[:] = False
    rows_left = 0
    for node in left:
        if node < rows:
            in_rows[node] = True
            rows_left += 1
        else:
            in_columns[node - rows] = True
    dropped = best_from = 0
    best = -1.0
    while len(left):
        if rows_left <= largest and total / len(left) > best:
            best, best_from = total / len(left), dropped
        share = coarse_drop if rows_left > _FAR * largest else drop
        last = max(1, int(share * len(left))) - 1
        least = np.partition(degree[left], last)[last]
        kept = 0
        for node in left:
            if degree[node] > least:
                left[kept] = node
                kept += 1
                continue
            order[dropped] = node
            dropped += 1
            if node < rows:
                in_rows[node] = False
                rows_left -= 1
                for edge in range(graph.row_start[node], graph.row_start[node + 1]):
                    column = graph.row_column[edge]
                    if graph.row_live[edge] and in_columns[column]:
                        degree[rows + column] -= weight[column]
                        total -= weight[column]
            else:
                column = node - rows
                in_columns[column] = False
                for edge in range(graph.column_start[column], graph.column_start[column + 1]):
                    row = graph.column_row[edge]
                    if graph.column_live[edge] and in_rows[row]:
                        degree[row] -= weight[column]
                        total -= weight[column]
        left = left[:kept]
    stage = np.sort(order[best_from:])
    split = np.searchsorted(stage, rows)
    return stage[:split], stage[split:] - rows
