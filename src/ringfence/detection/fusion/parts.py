"""One ring or several under one roof: a block cut along the rings inside it."""

from collections.abc import Sequence

import numpy as np

from ringfence.detection.methods.blocks.block import Block
from ringfence.detection.methods.blocks.graph import CellGraph, edges_between
from ringfence.detection.methods.blocks.judge import counts_inside, judge
from ringfence.market import Longs

_FEWEST = 2
_PART_OF_CELL = 0.1
"""A cell belongs to a part if this share of its members, two at least, have claims there."""


def cut_along(graph: CellGraph, block: Block, rings: Sequence[Longs], free: Longs) -> list[Longs]:
    """Cut the `free` members of a block along `rings` (members of each), if the parts save more nats.

    Everyone else goes to the ring with which most of their cells are shared; gives [free] if the whole block
    saves more.
    """
    row, column = edges_between(graph, block.rows, block.columns)
    row_at, column_at = np.searchsorted(block.rows, row), np.searchsorted(block.columns, column)
    score = np.zeros((len(rings), len(block.rows)))
    for k, members in enumerate(rings):
        own = np.isin(row, members)
        weight = np.bincount(column_at[own], minlength=len(block.columns)) / len(members)
        score[k] = np.bincount(row_at, weight[column_at], minlength=len(block.rows))
    nearest = score.argmax(axis=0)
    for k, members in enumerate(rings):
        nearest[np.isin(block.rows, members)] = k
    parts: list[Longs] = []
    gain = 0.0
    for k in range(len(rings)):
        rows = block.rows[(nearest == k) & (score[k] > 0.0)]
        of_column = counts_inside(graph, rows, block.columns)[1]
        judgement = judge(graph, rows, block.columns[of_column >= max(2.0, _PART_OF_CELL * len(rows))])
        gain += max(judgement.gain, 0.0) if judgement is not None else 0.0
        parts.append(np.intersect1d(rows, free))
    if gain <= block.judgement.gain:
        return [free]
    return [part for part in parts if len(part) >= _FEWEST]
