"""Blocks of buyers and cells as candidates; their members are judged when candidates are fused."""

import math

from ringfence.detection.candidates import Candidate
from ringfence.detection.methods.blocks.block import Block
from ringfence.detection.methods.blocks.graph import CellGraph, cell_graph
from ringfence.detection.methods.blocks.parameters import BlockParameters
from ringfence.detection.methods.blocks.search import find_blocks
from ringfence.detection.methods.blocks.starts import starts_of_pairs
from ringfence.detection.parameters import Parameters
from ringfence.detection.prepare import Prepared
from ringfence.domain.progress import Progress
from ringfence.domain.rings import DetectionMethod

_LIFT = 4.0
"""Added to the scores of weak pairs, which may be below 0, to weigh them."""


def lay_out_cells(prepared: Prepared, parameters: BlockParameters) -> CellGraph:
    """Build the graph of buyers and cells that blocks are sought in and rings are held against."""
    return cell_graph(prepared.timeline, prepared.cells, parameters, times_tell=True)


def find_candidates(
    prepared: Prepared, graph: CellGraph, parameters: Parameters, progress: Progress
) -> list[tuple[Candidate, Block]]:
    """Find dense blocks, the largest gain first, from communities of weak pairs and by peeling.

    A candidate's score is the block's gain in decades; its members still include strangers.
    """
    progress.stage("dense blocks")
    pairs = prepared.pairs
    starts = starts_of_pairs(pairs.a, pairs.b, pairs.score + _LIFT, parameters.blocks)
    return [
        (Candidate(block.rows, block.judgement.gain / math.log(10.0), DetectionMethod.BLOCKS), block)
        for block in find_blocks(graph, starts, parameters.blocks)
    ]
