"""The graph that blocks are sought in: which buyer has a claim in which cell."""

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from ringfence.detection.cells import Cells, strangers_in
from ringfence.detection.methods.blocks.parameters import BlockParameters
from ringfence.detection.timeline import Timeline
from ringfence.market import Floats, Ints, Longs

Flags = NDArray[np.bool_]

_LOOKS = 8
"""Steps around an edge that decide its place when a graph is rewired."""


class CellGraph(NamedTuple):
    """E distinct edges between n buyers (rows) and the m cells (columns) that enough buyers share."""

    row_start: Longs
    """int64[n + 1], where each row's edges begin in `row_column`."""
    row_column: Ints
    """int32[E], the columns of each row, rising."""
    row_live: Flags
    """bool[E] in the order of `row_column`: edges that no block has explained yet."""
    column_start: Longs
    """int64[m + 1], where each column's edges begin in `column_row`."""
    column_row: Ints
    """int32[E], the rows of each column, rising."""
    column_live: Flags
    """bool[E] in the order of `column_row`: the same edges as in `row_live`."""
    row_degree: Floats
    """float64[n], each buyer's cells, those that too few buyers share included, hidden edges left out."""
    column_degree: Floats
    """float64[m], each cell's buyers, hidden edges left out."""
    row_background: Floats
    """float64[n], zeros: the mirror of `column_background`."""
    column_background: Floats
    """float64[m], strangers expected in each cell."""
    edges: float
    """Distinct edges of all cells, those that too few buyers share included, hidden ones left out."""
    cell: Longs
    """int64[m], which cell each column is."""
    merchant: Ints
    """int32[m], the merchant of each column."""


def cell_graph(
    timeline: Timeline, cells: Cells, parameters: BlockParameters, *, times_tell: bool
) -> CellGraph:
    """Build the graph of `timeline` and `cells`; all edges are live.

    Linear in the claims. Without times no strangers are expected beyond the degrees.
    """
    count = len(cells.start) - 1
    row_start, row_cell, degree = _distinct(timeline.of_buyer, timeline.buyer_start, cells.cell, count)
    kept = np.flatnonzero(degree >= parameters.least_in_cell)
    reach = parameters.reach_days
    background = strangers_in(timeline, cells.start, kept, reach) if times_tell else np.zeros(len(kept))
    return _of_kept(
        row_start, row_cell, degree, kept, background, timeline.merchant[cells.start[kept]].astype(np.int32)
    )


def edge_graph(
    row: NDArray[np.integer],
    column: NDArray[np.integer],
    rows: int,
    columns: int,
    least_in_cell: int = 1,
) -> CellGraph:
    """Build a graph from parallel lists of edges, in any order; repeats count once, columns are merchants."""
    edge = np.unique(row.astype(np.int64) * columns + column)
    row_start = np.zeros(rows + 1, np.int64)
    np.cumsum(np.bincount(edge // columns, minlength=rows), out=row_start[1:])
    cell = (edge % columns).astype(np.int32)
    degree = np.bincount(cell, minlength=columns).astype(np.int32)
    kept = np.flatnonzero(degree >= least_in_cell)
    return _of_kept(row_start, cell, degree, kept, np.zeros(len(kept)), kept.astype(np.int32))


def _of_kept(
    row_start: Longs, row_cell: Ints, degree: Ints, kept: Longs, background: Floats, merchant: Ints
) -> CellGraph:
    rows = len(row_start) - 1
    column = np.full(len(degree), -1, np.int32)
    column[kept] = np.arange(len(kept), dtype=np.int32)
    kept_start, row_column = _keep(row_start, row_cell, column)
    column_start = np.zeros(len(kept) + 1, np.int64)
    np.cumsum(degree[kept], out=column_start[1:])
    return CellGraph(
        row_start=kept_start,
        row_column=row_column,
        row_live=np.ones(len(row_column), np.bool_),
        column_start=column_start,
        column_row=_transpose(kept_start, row_column, column_start),
        column_live=np.ones(len(row_column), np.bool_),
        row_degree=np.diff(row_start).astype(np.float64),
        column_degree=degree[kept].astype(np.float64),
        row_background=np.zeros(rows),
        column_background=background,
        edges=float(len(row_cell)),
        cell=kept,
        merchant=merchant,
    )


@njit(cache=True, nogil=True)
def _distinct(of_buyer: Ints, buyer_start: Longs, cell: Ints, cells: int) -> tuple[Longs, Ints, Ints]:
    """List each buyer's distinct cells: (int64[n + 1] starts, int32 cells, int32[cells] buyers in each).

    A buyer's claims stand in the timeline's order, where cells do not fall.
    """
    start = np.zeros(len(buyer_start), np.int64)
    found = np.empty(len(of_buyer), np.int32)
    degree = np.zeros(cells, np.int32)
    k = 0
    for buyer in range(len(buyer_start) - 1):
        before = -1
        for i in range(buyer_start[buyer], buyer_start[buyer + 1]):
            here = cell[of_buyer[i]]
            if here != before:
                found[k] = here
                degree[here] += 1
                k += 1
                before = here
        start[buyer + 1] = k
    return start, found[:k].copy(), degree


@njit(cache=True, nogil=True)
def _keep(row_start: Longs, row_cell: Ints, column: Ints) -> tuple[Longs, Ints]:
    """Renumber the edges by `column`, leaving out those to cells numbered -1."""
    start = np.zeros(len(row_start), np.int64)
    kept = np.empty(len(row_cell), np.int32)
    k = 0
    for row in range(len(row_start) - 1):
        for i in range(row_start[row], row_start[row + 1]):
            if column[row_cell[i]] >= 0:
                kept[k] = column[row_cell[i]]
                k += 1
        start[row + 1] = k
    return start, kept[:k].copy()


@njit(cache=True, nogil=True)
def _transpose(row_start: Longs, row_column: Ints, column_start: Longs) -> Ints:
    """List the rows of each column, rising: int32[E]."""
    place = column_start[:-1].copy()
    out = np.empty(len(row_column), np.int32)
    for row in range(len(row_start) - 1):
        for i in range(row_start[row], row_start[row + 1]):
            out[place[row_column[i]]] = row
            place[row_column[i]] += 1
    return out


def copied(graph: CellGraph) -> CellGraph:
    """Give the same graph with marks and degrees of its own, so that edges can be hidden in it."""
    return graph._replace(
        row_live=graph.row_live.copy(),
        column_live=graph.column_live.copy(),
        row_degree=graph.row_degree.copy(),
        column_degree=graph.column_degree.copy(),
    )


def rewired(graph: CellGraph, seed: int) -> CellGraph:
    """Give a graph in which each live edge leads to a column drawn from all of them: degrees stay, blocks go.

    An edge that would lie where another lies is not live, which few are in a sparse graph. The draw follows
    from the shape of the graph, not from how buyers and cells are numbered.
    """
    row = np.repeat(np.arange(len(graph.row_start) - 1, dtype=np.int32), np.diff(graph.row_start))
    column = graph.row_column.copy()
    drawn = np.flatnonzero(graph.row_live)
    drawn = drawn[np.argsort(_edge_looks(row[drawn], column[drawn], graph), kind="stable")]
    column[drawn] = np.random.default_rng(seed).permutation(column[drawn])
    order = np.lexsort((~graph.row_live, column, row))
    row, column, row_live = row[order], column[order], graph.row_live[order].copy()
    row_live[1:] &= (row[1:] != row[:-1]) | (column[1:] != column[:-1])
    by_column = np.lexsort((row, column))
    column_start = np.zeros_like(graph.column_start)
    np.cumsum(np.bincount(column, minlength=len(graph.column_degree)), out=column_start[1:])
    return copied(graph)._replace(
        row_column=column,
        row_live=row_live,
        column_start=column_start,
        column_row=row[by_column],
        column_live=row_live[by_column],
    )


def _edge_looks(row: Ints, column: Ints, graph: CellGraph) -> NDArray[np.uint64]:
    """Hash what each edge sees a few steps around it (Weisfeiler and Leman): uint64 by edge."""
    of_row = np.zeros(len(graph.row_start) - 1, np.uint64)
    of_column = np.ones(len(graph.column_start) - 1, np.uint64)
    for _ in range(_LOOKS):
        around_row, around_column = np.zeros_like(of_row), np.zeros_like(of_column)
        np.add.at(around_row, row, of_column[column])
        np.add.at(around_column, column, of_row[row])
        of_row, of_column = _scattered(of_row + around_row), _scattered(of_column + around_column)
    return _scattered(of_row[row] + _scattered(of_column[column]))


def _scattered(number: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Scatter 64-bit numbers (the finaliser of SplitMix64)."""
    number = number + np.uint64(0x9E3779B97F4A7C15)
    number = (number ^ (number >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    number = (number ^ (number >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return number ^ (number >> np.uint64(31))


def hide(graph: CellGraph, rows: Longs, columns: Longs) -> CellGraph:
    """Take the edges between `rows` and `columns` out, degrees and total included, in place; gives the graph.

    What a block explains is no part of the honest life that others are compared with.
    """
    return _mark(graph, rows, columns, live=False)


def show(graph: CellGraph, rows: Longs, columns: Longs) -> CellGraph:
    """Bring the edges between `rows` and `columns` back, in place; gives the graph."""
    return _mark(graph, rows, columns, live=True)


def _mark(graph: CellGraph, rows: Longs, columns: Longs, *, live: bool) -> CellGraph:
    is_row = np.zeros(len(graph.row_start) - 1, np.bool_)
    is_column = np.zeros(len(graph.column_start) - 1, np.bool_)
    is_row[rows] = True
    is_column[columns] = True
    changed = _mark_edges(
        graph.row_start, graph.row_column, graph.row_live, graph.row_degree, rows, is_column, live
    )
    _mark_edges(
        graph.column_start, graph.column_row, graph.column_live, graph.column_degree, columns, is_row, live
    )
    return graph._replace(edges=graph.edges + changed)


@njit(cache=True, nogil=True)
def _mark_edges(
    start: Longs, neighbour: Ints, is_live: Flags, degree: Floats, nodes: Longs, marked: Flags, live: bool
) -> int:
    """Mark the edges from `nodes` to those marked; gives by how many edges there are more (or fewer)."""
    step = 1 if live else -1
    changed = 0
    for node in nodes:
        for edge in range(start[node], start[node + 1]):
            if marked[neighbour[edge]] and is_live[edge] != live:
                is_live[edge] = live
                degree[node] += step
                changed += step
    return changed


def edges_between(graph: CellGraph, rows: Longs, columns: Longs) -> tuple[Ints, Ints]:
    """List the live edges between `rows` and `columns`: (int32 rows, int32 columns), row by row."""
    is_column = np.zeros(len(graph.column_start) - 1, np.bool_)
    is_column[columns] = True
    return _edges_between(graph.row_start, graph.row_column, graph.row_live, rows, is_column)


@njit(cache=True, nogil=True)
def _edges_between(
    row_start: Longs, row_column: Ints, row_live: Flags, rows: Longs, is_column: Flags
) -> tuple[Ints, Ints]:
    room = 0
    for row in rows:
        room += row_start[row + 1] - row_start[row]
    of_row, of_column = np.empty(room, np.int32), np.empty(room, np.int32)
    k = 0
    for row in rows:
        for edge in range(row_start[row], row_start[row + 1]):
            if row_live[edge] and is_column[row_column[edge]]:
                of_row[k], of_column[k] = row, row_column[edge]
                k += 1
    return of_row[:k].copy(), of_column[:k].copy()


def columns_met(graph: CellGraph, rows: Longs, least: float) -> Longs:
    """Find the columns that at least `least` of `rows` have live edges to: int64, rising."""
    met = _meetings(graph.row_start, graph.row_column, graph.row_live, rows, len(graph.column_start) - 1)
    return np.flatnonzero(met >= max(least, 1))


@njit(cache=True, nogil=True)
def _meetings(row_start: Longs, row_column: Ints, row_live: Flags, rows: Longs, columns: int) -> Ints:
    met = np.zeros(columns, np.int32)
    for row in rows:
        for edge in range(row_start[row], row_start[row + 1]):
            if row_live[edge]:
                met[row_column[edge]] += 1
    return met
