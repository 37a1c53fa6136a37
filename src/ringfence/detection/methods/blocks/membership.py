"""Who belongs to a block: soft memberships by expectation and maximisation, near the block only."""

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numba import njit

from ringfence.detection.methods.blocks.graph import CellGraph, Flags
from ringfence.detection.methods.blocks.parameters import BlockParameters
from ringfence.market import Floats, Ints, Longs

_FIRST_WEIGHT = 0.7
"""Membership of everything in a seed."""
_ACTIVE = 1e-2
"""A node of less membership has no say in the memberships of others."""
_NOTHING = 1e-6
"""A smaller membership is none."""
_HALF_EDGE = 0.5
"""Added to the degree outside the block of the one who is judged."""
_HARDLY_ANY = 0.02
"""Added to the degree outside the block of those who judge."""
_SETTLED = 0.002
"""The search ends when memberships change by less than this share of their sum."""
_LEAST_ROWS, _LEAST_COLUMNS = 3.0, 1.0
_STEEPEST = 40.0


class Side(NamedTuple):
    """Buyers or cells of a graph, and working space for one search, which every function leaves clean (0)."""

    start: Longs
    neighbour: Ints
    live: Flags
    degree: Floats
    background: Floats
    weight: Floats
    """Memberships, 0 to 1."""
    inside: Floats
    """Expected number of each node's edges that the block made."""
    score: Floats
    """Log-likelihood ratios, then the sums for `inside`."""
    reached: Ints
    """Nodes with a score, in the order in which they were reached."""


@dataclass(frozen=True, eq=False)
class Membership:
    """What the search found: nodes with a membership above nothing, rising."""

    rows: Longs
    row_weight: Floats
    """float64 by row, 0 to 1."""
    columns: Longs
    column_weight: Floats


def sides(graph: CellGraph) -> tuple[Side, Side]:
    """Give the rows and columns of `graph`, with working space; the edges' marks are shared with it."""
    rows, columns = len(graph.row_start) - 1, len(graph.column_start) - 1
    return (
        Side(
            graph.row_start,
            graph.row_column,
            graph.row_live,
            graph.row_degree,
            graph.row_background,
            np.zeros(rows),
            np.zeros(rows),
            np.zeros(rows),
            np.empty(rows, np.int32),
        ),
        Side(
            graph.column_start,
            graph.column_row,
            graph.column_live,
            graph.column_degree,
            graph.column_background,
            np.zeros(columns),
            np.zeros(columns),
            np.zeros(columns),
            np.empty(columns, np.int32),
        ),
    )


def find_members(
    by_row: Side, by_column: Side, edges: float, rows: Longs, columns: Longs, parameters: BlockParameters
) -> Membership | None:
    """Find who belongs to the block around the seed `rows` x `columns`; None if it dissolves or grows wild.

    A node x belongs by the logit L = sum over its edges of ln(1 + q_y rho / lambda_xy) - rho sum(q) - ln((N -
    N_in) / N_in). Here rho is the block's density and lambda what degrees outside the block explain, so that
    honest history and camouflage never dilute it.
    """
    found = _fit(by_row, by_column, edges, rows, columns, parameters.rounds, float(parameters.largest_block))
    if not found[0]:
        return None
    by_number = np.argsort(found[1]), np.argsort(found[3])
    return Membership(
        found[1][by_number[0]].astype(np.int64),
        found[2][by_number[0]],
        found[3][by_number[1]].astype(np.int64),
        found[4][by_number[1]],
    )


@njit(cache=True, nogil=True)
def _fit(
    by_row: Side, by_column: Side, edges: float, rows: Longs, columns: Longs, rounds: int, largest: float
) -> tuple[bool, Ints, Floats, Ints, Floats]:
    """Search from a seed: (whether it held, rows, their weights, columns, their weights)."""
    in_rows, in_columns = rows.astype(np.int32), columns.astype(np.int32)
    sum_rows, sum_columns = _FIRST_WEIGHT * len(rows), _FIRST_WEIGHT * len(columns)
    inside = _begin(by_row, by_column, in_rows, in_columns)
    holds = False
    for _ in range(rounds):
        if inside < 1.0:
            break
        in_columns, total, inside, _ = _step(
            by_row, by_column, in_rows, in_columns, sum_rows, sum_columns, inside, edges
        )
        sum_columns = total
        if total < _LEAST_COLUMNS or inside < 1.0:
            break
        in_rows, total, inside, change = _step(
            by_column, by_row, in_columns, in_rows, sum_columns, sum_rows, inside, edges
        )
        sum_rows = total
        if total < _LEAST_ROWS or total > largest:
            break
        if change < _SETTLED * total:
            holds = True
            break
    else:
        holds = True
    row_weight, column_weight = by_row.weight[in_rows], by_column.weight[in_columns]
    for row in in_rows:
        by_row.weight[row] = by_row.inside[row] = 0.0
    for column in in_columns:
        by_column.weight[column] = by_column.inside[column] = 0.0
    return holds, in_rows, row_weight, in_columns, column_weight


@njit(cache=True, nogil=True)
def _begin(by_row: Side, by_column: Side, rows: Ints, columns: Ints) -> float:
    """Give all of a seed the first weight, and its edges to the block: the number of edges inside."""
    for row in rows:
        by_row.weight[row] = _FIRST_WEIGHT
    for column in columns:
        by_column.weight[column] = _FIRST_WEIGHT
    edge_weight = _FIRST_WEIGHT * _FIRST_WEIGHT
    inside = 0.0
    for row in rows:
        for edge in range(by_row.start[row], by_row.start[row + 1]):
            column = by_row.neighbour[edge]
            if by_row.live[edge] and by_column.weight[column] > 0.0:
                by_row.inside[row] += edge_weight
                by_column.inside[column] += edge_weight
                inside += edge_weight
    return inside


@njit(cache=True, nogil=True)
def _outside(side: Side, node: int) -> float:
    """Give the edges of a node that the block does not explain, no fewer than its strangers."""
    return max(side.degree[node] - side.inside[node], side.background[node])


@njit(cache=True, nogil=True)
def _step(
    giver: Side,
    taker: Side,
    givers: Ints,
    takers: Ints,
    given: float,
    taken: float,
    inside: float,
    edges: float,
) -> tuple[Ints, float, float, float]:
    """Judge one side by the memberships of the other.

    `givers` and `takers` are the nodes with weights, `given` and `taken` their sums, `inside` the edges that
    the block made. Returns the takers from now on, the sum of their weights, the new `inside`, and by how
    much weights changed.
    """
    outside = edges - inside
    density = inside / (given * taken)
    mean = 0.0
    for y in givers:
        mean += _outside(giver, y) * giver.weight[y]
    mean /= given
    count = _score(giver, taker, givers, density, outside, mean)

    shift = density * given + math.log(max(len(taker.weight) - taken, 1.0) / max(taken, 1.0))
    change = 0.0
    for x in takers:
        if taker.score[x] == 0.0:
            change += taker.weight[x]
            taker.weight[x] = 0.0
    total = 0.0
    left = 0
    for i in range(count):
        x = taker.reached[i]
        logit = min(_STEEPEST, max(-_STEEPEST, taker.score[x] - shift))
        weight = 1.0 / (1.0 + math.exp(-logit))
        if weight < _NOTHING:
            weight = 0.0
        change += abs(weight - taker.weight[x])
        taker.weight[x] = weight
        taker.score[x] = 0.0
        if weight > 0.0:
            taker.reached[left] = x
            left += 1
            total += weight

    inside = _explain(giver, taker, givers, density, outside, mean)
    for x in takers:
        taker.inside[x] = 0.0
    stay = taker.reached[:left].copy()
    for x in stay:
        taker.inside[x] = taker.score[x]
        taker.score[x] = 0.0
    return stay, total, inside, change


@njit(cache=True, nogil=True)
def _score(giver: Side, taker: Side, givers: Ints, density: float, outside: float, mean: float) -> int:
    """Add up each taker's log-likelihood ratio over its edges; the takers reached are listed and counted."""
    count = 0
    for y in givers:
        if giver.weight[y] <= _ACTIVE:
            continue
        shrunk = (_outside(giver, y) + mean + _HARDLY_ANY) / 2.0
        strength = giver.weight[y] * density * outside / shrunk
        for edge in range(giver.start[y], giver.start[y + 1]):
            if giver.live[edge]:
                x = giver.neighbour[edge]
                if taker.score[x] == 0.0:
                    taker.reached[count] = x
                    count += 1
                taker.score[x] += math.log1p(strength / (_outside(taker, x) + _HALF_EDGE))
    return count


@njit(cache=True, nogil=True)
def _explain(giver: Side, taker: Side, givers: Ints, density: float, outside: float, mean: float) -> float:
    """Share each edge between the block and honest life; gives the block's edges.

    Writes the givers' sums into their `inside`, the takers' into their `score`.
    """
    inside = 0.0
    for y in givers:
        if giver.weight[y] <= _ACTIVE:
            giver.inside[y] = 0.0
            continue
        shrunk = (_outside(giver, y) + mean + _HARDLY_ANY) / 2.0
        own = 0.0
        for edge in range(giver.start[y], giver.start[y + 1]):
            x = giver.neighbour[edge]
            if giver.live[edge] and taker.weight[x] > 0.0:
                block = giver.weight[y] * taker.weight[x] * density
                share = block / ((_outside(taker, x) + _HALF_EDGE) * shrunk / outside + block)
                own += share
                taker.score[x] += share
        giver.inside[y] = own
        inside += own
    return inside
