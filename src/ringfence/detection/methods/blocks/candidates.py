"""Blocks of buyers and cells as candidates; their members are judged when candidates are fused."""

import math

import numpy as np

from ringfence.detection.candidates import Candidate
from ringfence.detection.methods.blocks.block import Block
from ringfence.detection.methods.blocks.cells import cut_cells
from ringfence.detection.methods.blocks.graph import CellGraph, cell_graph
from ringfence.detection.methods.blocks.parameters import BlockParameters
from ringfence.detection.methods.blocks.potts import communities
from ringfence.detection.methods.blocks.search import find_blocks
from ringfence.detection.pairs import Pairs
from ringfence.detection.parameters import Parameters
from ringfence.detection.prepare import Prepared
from ringfence.domain.progress import Progress
from ringfence.domain.rings import DetectionMethod
from ringfence.market import Longs

_LIFT = 4.0
"""Added to the scores of weak pairs, which may be below 0, to weigh them."""
_FEWEST = 3
"""Members that a community needs to start a search."""


def lay_out_cells(prepared: Prepared, parameters: BlockParameters) -> CellGraph:
    """Build the graph of buyers and cells that blocks are sought in and rings are held against."""
    return cell_graph(
        prepared.timeline, cut_cells(prepared.timeline, parameters), parameters, times_tell=True
    )


def find_candidates(
    prepared: Prepared, graph: CellGraph, parameters: Parameters, progress: Progress
) -> list[tuple[Candidate, Block]]:
    """Find dense blocks, the largest gain first, from communities of weak pairs and by peeling.

    A candidate's score is the block's gain in decades; its members still include strangers.
    """
    progress.stage("dense blocks")
    starts = _communities_of_pairs(prepared.pairs, prepared.buyers, parameters.blocks.community_resolution)
    return [
        (Candidate(block.rows, block.judgement.gain / math.log(10.0), DetectionMethod.BLOCKS), block)
        for block in find_blocks(graph, starts, parameters.blocks)
    ]


def _communities_of_pairs(pairs: Pairs, buyers: int, resolution: float) -> list[Longs]:
    """Give the communities of weak pairs with three members or more, the heaviest first."""
    if len(pairs) == 0:
        return []
    involved, ends = np.unique(np.concatenate((pairs.a, pairs.b)), return_inverse=True)
    a, b = ends[: len(pairs)], ends[len(pairs) :]
    weight = pairs.score + _LIFT
    community = communities(len(involved), a, b, weight, resolution)
    inside = community[a] == community[b]
    count = int(community.max()) + 1
    # Thousandths are exact in any order.
    heavy = np.bincount(community[a[inside]], np.rint(weight[inside] * 1000.0), minlength=count)
    parts = np.split(
        involved[np.argsort(community, kind="stable")].astype(np.int64),
        np.cumsum(np.bincount(community, minlength=count))[:-1],
    )
    large = [i for i in range(count) if len(parts[i]) >= _FEWEST]
    return [parts[i] for i in sorted(large, key=lambda i: (-heavy[i], parts[i].tolist()))]
