"""A dense block, and how one is made from a seed."""

from dataclasses import dataclass

from ringfence.detection.methods.blocks.graph import CellGraph
from ringfence.detection.methods.blocks.judge import Judgement, counts_inside, judge
from ringfence.detection.methods.blocks.membership import Side, find_members
from ringfence.detection.methods.blocks.parameters import BlockParameters
from ringfence.detection.methods.blocks.peel import Seed
from ringfence.market import Floats, Longs

_MEMBER = 0.5
"""Membership above which a node belongs to the block."""

_LEAST_TOGETHER = 2
"""Least number of members in a cell of a block: one alone is no coincidence, though in a rare cell it
would seem one."""


@dataclass(frozen=True, eq=False)
class Block:
    """A dense set of (buyer, cell) edges."""

    rows: Longs
    """int64[g], the buyers, rising."""
    columns: Longs
    """int64[k], the columns of the graph, rising."""
    membership: Floats
    """float64[g], how sure each buyer's membership is, 0 to 1."""
    judgement: Judgement
    """The figures by which it was accepted."""


def block_around(
    graph: CellGraph, space: tuple[Side, Side], seed: Seed, parameters: BlockParameters
) -> Block | None:
    """Give the block that `seed` lies in, judged but accepted or not; None if there is none.

    `space` comes from `sides(graph)` and serves one search after the other.
    """
    found = find_members(*space, graph.edges, *seed, parameters)
    if found is None:
        return None
    inside = found.row_weight > _MEMBER
    rows, columns = found.rows[inside], found.columns[found.column_weight > _MEMBER]
    of_column = counts_inside(graph, rows, columns)[1]
    columns = columns[of_column >= _LEAST_TOGETHER]
    meets = counts_inside(graph, rows, columns)[0] > 0
    rows, membership = rows[meets], found.row_weight[inside][meets]
    judgement = judge(graph, rows, columns)
    return None if judgement is None else Block(rows, columns, membership, judgement)
