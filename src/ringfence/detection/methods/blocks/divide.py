"""Cutting what is not one group: a block of several groups, a group whose members take part unequally."""

import numpy as np
from numba import njit

from ringfence.detection.methods.blocks.block import Block
from ringfence.detection.methods.blocks.graph import CellGraph, Flags, columns_met, edges_between
from ringfence.detection.methods.blocks.judge import judge, uniformity
from ringfence.detection.methods.blocks.parameters import BlockParameters
from ringfence.detection.methods.blocks.potts import communities, modularity_communities
from ringfence.market import Floats, Ints, Longs

_RESOLUTIONS = (0.25, 0.5, 1.0)
"""Of the communities that a block may be split by."""
_DEEPEST_SPLIT = 6
_FEWEST_MEMBERS, _FEWEST_COLUMNS = 3, 2
_FINER, _FINEST = 1.5, 0.8
"""Each cut of an uneven group is this much finer than the one before, up to a cosine of `_FINEST`."""
_MOST_MEETINGS = 2_000_000
"""Most pairs of members, counted cell by cell, that a group is cut by: crowded cells are left out first."""
_LEAST_TELLING = 0.1
"""A cell's weight in the cosine, ln(buyers / its buyers), is at least this."""


def split(graph: CellGraph, block: Block) -> list[Block]:
    """Cut `block` into communities of its own edges where these save more nats than the whole; then again."""
    return _split(graph, block, _DEEPEST_SPLIT)


def _split(graph: CellGraph, block: Block, deepest: int) -> list[Block]:
    best, most = [block], block.judgement.gain
    if deepest > 0:
        of_row, of_column = edges_between(graph, block.rows, block.columns)
        rows, a = np.unique(of_row, return_inverse=True)
        columns, b = np.unique(of_column, return_inverse=True)
        for resolution in _RESOLUTIONS:
            community = modularity_communities(len(rows) + len(columns), a, b + len(rows), resolution)
            parts = _parts(graph, block, rows, columns, community)
            gain = sum(part.judgement.gain for part in parts)
            if len(parts) > 1 and gain > most:
                best, most = parts, gain
    if len(best) == 1:
        return best
    return [inner for part in best for inner in _split(graph, part, deepest - 1)]


def _parts(graph: CellGraph, block: Block, rows: Ints, columns: Ints, community: Longs) -> list[Block]:
    """Give the communities that are worth something as blocks; `community` counts rows, then columns."""
    parts = []
    for members, held in zip(
        _groups(rows, community[: len(rows)], int(community.max()) + 1),
        _groups(columns, community[len(rows) :], int(community.max()) + 1),
        strict=True,
    ):
        if len(members) < _FEWEST_MEMBERS or len(held) < _FEWEST_COLUMNS:
            continue
        judgement = judge(graph, members, held)
        if judgement is not None and judgement.gain > 0:
            sure = block.membership[np.searchsorted(block.rows, members)]
            parts.append(Block(members, held, sure, judgement))
    return parts


def _groups(items: Ints, group: Longs, groups: int) -> list[Longs]:
    """Give the items of each group, rising: a list of `groups` int64 arrays."""
    order = np.argsort(group, kind="stable")
    ends = np.cumsum(np.bincount(group, minlength=groups))
    return np.split(items[order].astype(np.int64), ends[:-1])


def alike(graph: CellGraph, members: Longs, parameters: BlockParameters) -> list[Longs]:
    """Cut `members` by which cells they met in until each part is uniform: int64 arrays of three or more.

    Constant Potts communities of the cosine between members' cells, finer and finer. Parts below
    `uniform_from` count as uniform; one that stays uneven at the finest cut is given as it is.
    """
    return _alike(graph, members, parameters, parameters.community_resolution)


def _alike(graph: CellGraph, members: Longs, parameters: BlockParameters, resolution: float) -> list[Longs]:
    if len(members) < _FEWEST_MEMBERS:
        return []
    a, b, cosine = _cosines(graph, members)
    community = communities(len(members), a, b, cosine, resolution)
    out: list[Longs] = []
    for part in _groups(members.astype(np.int32), community, int(community.max()) + 1):
        if len(part) < _FEWEST_MEMBERS:
            continue
        if resolution < _FINEST and is_uneven(graph, part, parameters):
            out += _alike(graph, part, parameters, min(_FINEST, resolution * _FINER))
        else:
            out.append(part)
    return out


def is_uneven(graph: CellGraph, members: Longs, parameters: BlockParameters) -> bool:
    """Say whether a group is large and its members take part too unequally to be one ring."""
    if len(members) < parameters.uniform_from:
        return False
    judgement = uniformity(graph, members)
    return judgement is not None and judgement.row_dispersion > parameters.uneven


def _cosines(graph: CellGraph, members: Longs) -> tuple[Ints, Ints, Floats]:
    """Give pairs of positions in `members` that share a cell, and the cosine of their cells: a < b, parallel.

    Cells count by ln(buyers / buyers in the cell). At most `_MOST_MEETINGS` pairs by cell are looked at.
    """
    met = columns_met(graph, members, 2)
    of_row, of_column = edges_between(graph, members, met)
    row = np.searchsorted(members, of_row).astype(np.int32)
    column = np.searchsorted(met, of_column)
    weight = np.maximum(np.log((len(graph.row_start) - 1) / graph.column_degree[met]), _LEAST_TELLING)
    length = np.sqrt(np.bincount(row, weight[column], minlength=len(members)))
    order = np.argsort(column, kind="stable")
    row, column = row[order], column[order]
    held = np.bincount(column, minlength=len(met))
    by_size = np.argsort(held, kind="stable")
    pairs = np.cumsum(held[by_size] * (held[by_size] - 1) // 2)
    fitting = int(np.searchsorted(pairs, _MOST_MEETINGS, side="right"))
    if fitting < len(met):  # of equally crowded cells all are used or none, so that no numbering shows
        fitting = int(np.searchsorted(held[by_size], held[by_size[fitting]]))
    used = np.zeros(len(met), np.bool_)
    used[by_size[:fitting]] = True
    start = np.zeros(len(met) + 1, np.int64)
    np.cumsum(held, out=start[1:])
    room = int(pairs[fitting - 1]) if fitting else 0
    by_row = np.argsort(row, kind="stable")
    row_start = np.zeros(len(members) + 1, np.int64)
    np.cumsum(np.bincount(row, minlength=len(members)), out=row_start[1:])
    a, b, product = _products(start, row, row_start, column[by_row], weight, used, room)
    return a, b, product / (length[a] * length[b])


@njit(cache=True, nogil=True)
def _products(
    start: Longs,
    of_column: Ints,
    row_start: Longs,
    of_row: Longs,
    weight: Floats,
    used: Flags,
    room: int,
) -> tuple[Ints, Ints, Floats]:
    """Add up the weights of the columns that each pair of rows shares: (a, b, sums), a < b."""
    a, b, total = np.empty(room, np.int32), np.empty(room, np.int32), np.empty(room)
    rows = len(row_start) - 1
    shared = np.zeros(rows)
    seen = np.empty(rows, np.int32)
    k = 0
    for row in range(rows):
        count = 0
        for i in range(row_start[row], row_start[row + 1]):
            column = of_row[i]
            if not used[column]:
                continue
            for j in range(start[column], start[column + 1]):
                other = of_column[j]
                if other > row:
                    if shared[other] == 0.0:
                        seen[count] = other
                        count += 1
                    shared[other] += weight[column]
        for i in range(count):
            a[k], b[k], total[k] = row, seen[i], shared[seen[i]]
            shared[seen[i]] = 0.0
            k += 1
    return a[:k].copy(), b[:k].copy(), total[:k].copy()
