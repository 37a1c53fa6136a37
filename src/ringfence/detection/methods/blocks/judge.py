"""Is it a block: what it saves against chance, how dense it is, and whether all take part alike."""

import math
from dataclasses import dataclass

import numpy as np
from numba import njit

from ringfence.detection.methods.blocks.graph import CellGraph, Flags, columns_met
from ringfence.detection.methods.blocks.parameters import BlockParameters
from ringfence.market import Floats, Ints, Longs

_FEWEST_ROWS, _FEWEST_COLUMNS = 3, 2


@dataclass(frozen=True, slots=True)
class Judgement:
    """The figures that a block is judged by."""

    gain: float
    """Nats saved by the block over degrees alone, the cost of naming its rows and columns paid."""
    surplus: float
    """Nats saved over degrees that count the block's own edges too, the naming paid: chance gives none."""
    row_dispersion: float
    """Pearson dispersion of members' edges inside, beyond what honest life explains: 1 when all are alike."""
    column_dispersion: float
    """The same of the cells, those of a merchant that follow each other directly being one."""
    density: float
    """Edges inside per row or column."""

    def is_uniform(self, parameters: BlockParameters) -> bool:
        """Say whether the block is dense and all of its members and cells take part about alike."""
        return (
            self.row_dispersion <= parameters.row_dispersion
            and self.column_dispersion <= parameters.column_dispersion
            and self.density >= parameters.density
        )

    def gains_enough(self, graph: CellGraph, parameters: BlockParameters) -> bool:
        """Say whether the block saves enough for the size of its graph, uniform or not."""
        nodes = len(graph.row_start) + len(graph.column_start) - 2
        return self.gain >= parameters.gain_per_log * math.log(nodes)


def judge(graph: CellGraph, rows: Longs, columns: Longs) -> Judgement | None:
    """Judge the live edges between `rows` and `columns` (rising).

    None for fewer than three rows or two columns, or without an edge. The gain is the sum over edges inside
    of ln(1 + rho M_o / ((o_u + 1/2) (o_v + 1/2))), less E, ln C(n, rows) and ln C(m, columns); o are degrees
    outside the block, M_o all edges outside it, rho its density. The surplus is the profile likelihood
    ratio against degrees d alone (Karrer and Newman, Phys. Rev. E 2011), less the same two costs: the sum of
    ln((o_u o_v / M_o + rho) M / (d_u d_v)), plus o ln(o / d) of rows and columns, plus M_o ln(M / M_o).
    """
    if len(rows) < _FEWEST_ROWS or len(columns) < _FEWEST_COLUMNS:
        return None
    of_row, within = counts_inside(graph, rows, columns)
    edges = int(of_row.sum())
    if edges == 0:
        return None
    row_outside = graph.row_degree[rows] - of_row
    column_outside = np.maximum(graph.column_degree[columns] - within, graph.column_background[columns])
    outside = graph.edges - edges + 1.0
    density = edges / (len(rows) * len(columns))
    is_column = np.zeros(len(graph.column_start) - 1, np.bool_)
    is_column[columns] = True
    by_column = np.zeros(len(is_column))
    by_column[columns] = column_outside
    surprise, advantage = _surprise(graph, rows, is_column, row_outside, by_column, density, outside)
    naming = log_choices(len(graph.row_start) - 1, len(rows)) + log_choices(
        len(graph.column_start) - 1, len(columns)
    )
    advantage += _relative_entropy(row_outside, graph.row_degree[rows])
    advantage += _relative_entropy(column_outside, np.maximum(graph.column_degree[columns], column_outside))
    advantage += outside * math.log(max(graph.edges, outside) / outside)
    bursts = _bursts(graph, columns)
    return Judgement(
        gain=surprise - edges - naming,
        surplus=advantage - naming,
        row_dispersion=_dispersion(of_row, row_outside, column_outside.sum() / outside),
        column_dispersion=_dispersion(
            np.add.reduceat(within, bursts),
            np.add.reduceat(column_outside, bursts),
            row_outside.sum() / outside,
        ),
        density=edges / (len(rows) + len(columns)),
    )


def uniformity(graph: CellGraph, members: Longs) -> Judgement | None:
    """Judge `members` on the cells where two of them meet: are they about equally active there?"""
    return judge(graph, members, columns_met(graph, members, 2))


def dominant_merchant(graph: CellGraph, rows: Longs, columns: Longs) -> tuple[int, float]:
    """Find the merchant a block rests on most, and its share of the edges inside: (merchant, 0 to 1)."""
    of_column = counts_inside(graph, rows, columns)[1]
    merchants, place = np.unique(graph.merchant[columns], return_inverse=True)
    edges = np.bincount(place, of_column, minlength=len(merchants))
    if not edges.sum() > 0:
        return -1, 0.0
    most = int(edges.argmax())
    return int(merchants[most]), float(edges[most] / edges.sum())


def counts_inside(graph: CellGraph, rows: Longs, columns: Longs) -> tuple[Floats, Floats]:
    """Count the live edges between `rows` and `columns`: (float64 by row, float64 by column)."""
    is_column = np.zeros(len(graph.column_start) - 1, np.bool_)
    is_column[columns] = True
    of_row, of_column = _counts(graph.row_start, graph.row_column, graph.row_live, rows, is_column)
    return of_row.astype(np.float64), of_column[columns].astype(np.float64)


def log_choices(of: int, chosen: int) -> float:
    """Give ln of the number of ways to choose `chosen` of `of`."""
    return math.lgamma(of + 1.0) - math.lgamma(chosen + 1.0) - math.lgamma(of - chosen + 1.0)


def _dispersion(inside: Floats, outside: Floats, rate: float) -> float:
    """Give the Pearson dispersion of `inside` about what `outside` explains plus one mean for all."""
    honest = outside * rate
    fitted = np.maximum(honest + max(float((inside - honest).mean()), 1e-9), 1e-9)
    return float(((inside - fitted) ** 2 / fitted).mean())


def _bursts(graph: CellGraph, columns: Longs) -> Longs:
    """Give where in `columns` runs of directly following cells of one merchant begin: what one hit leaves."""
    follows = (np.diff(graph.cell[columns]) == 1) & (np.diff(graph.merchant[columns]) == 0)
    return np.flatnonzero(np.concatenate((np.ones(1, np.bool_), ~follows)))


def _relative_entropy(outside: Floats, degree: Floats) -> float:
    """Give the sum of o ln(o / d): what is lost when degrees outside the block replace whole ones."""
    some = outside > 0
    return float((outside[some] * np.log(outside[some] / degree[some])).sum())


@njit(cache=True, nogil=True)
def _counts(
    row_start: Longs, row_column: Ints, row_live: Flags, rows: Longs, is_column: Flags
) -> tuple[Ints, Ints]:
    """Count live edges into the columns marked: (int32 by row of `rows`, int32[m])."""
    of_row = np.zeros(len(rows), np.int32)
    of_column = np.zeros(len(is_column), np.int32)
    for i in range(len(rows)):
        for edge in range(row_start[rows[i]], row_start[rows[i] + 1]):
            column = row_column[edge]
            if row_live[edge] and is_column[column]:
                of_row[i] += 1
                of_column[column] += 1
    return of_row, of_column


@njit(cache=True, nogil=True)
def _surprise(
    graph: CellGraph,
    rows: Longs,
    is_column: Flags,
    row_outside: Floats,
    column_outside: Floats,
    density: float,
    outside: float,
) -> tuple[float, float]:
    """Add up log-likelihood ratios of the edges inside: against degrees outside, and against whole ones."""
    against_outside = against_whole = 0.0
    for i in range(len(rows)):
        for edge in range(graph.row_start[rows[i]], graph.row_start[rows[i] + 1]):
            column = graph.row_column[edge]
            if graph.row_live[edge] and is_column[column]:
                u, v = row_outside[i], column_outside[column]
                whole = graph.row_degree[rows[i]] * max(graph.column_degree[column], v)
                against_outside += math.log1p(density * outside / ((u + 0.5) * (v + 0.5)))
                against_whole += math.log((u * v / outside + density) * max(graph.edges, outside) / whole)
    return against_outside, against_whole
