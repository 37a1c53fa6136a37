"""The whole method without times: blocks and pair rings in one list, and a rank for every buyer."""

import math
from dataclasses import dataclass

import numpy as np

from ringfence.detection.candidates import Candidate, Proposals, strongest_first
from ringfence.detection.cells import merchants_as_cells
from ringfence.detection.methods.blocks.block import Block
from ringfence.detection.methods.blocks.graph import CellGraph, cell_graph, columns_met
from ringfence.detection.methods.blocks.judge import counts_inside, judge
from ringfence.detection.methods.blocks.potts import communities
from ringfence.detection.methods.blocks.search import find_blocks
from ringfence.detection.methods.structure.pairs import SurprisingPairs, find_surprising_pairs
from ringfence.detection.methods.structure.parameters import StructureParameters
from ringfence.detection.methods.structure.rank import rank_buyers
from ringfence.detection.parameters import Parameters
from ringfence.detection.prepare import Prepared
from ringfence.detection.timeline import Timeline
from ringfence.domain.progress import Progress
from ringfence.domain.rings import DetectionMethod
from ringfence.market import Floats, Longs

_FEWEST_MEMBERS = 3


@dataclass(frozen=True, eq=False)
class StructureCandidate:
    """A group that who and where alone give away."""

    members: Longs
    """int64[g], rising."""
    decades: float
    """Evidence: a block's gain, or the mean surprise of a ring's pairs times its members but one."""
    is_block: bool
    """Whether a dense block says so, or surprising pairs do."""


@dataclass(frozen=True, eq=False)
class Structure:
    """What the method found."""

    candidates: list[StructureCandidate]
    """Strongest first; a buyer is in one at most."""
    rank: Floats
    """float64[n], 0 where nothing is known against a buyer."""


def find_structure(timeline: Timeline, parameters: StructureParameters) -> Structure:
    """Find groups of `timeline` by which buyers claimed against which merchants, whatever the times say.

    Deterministic. Memory is linear in the claims.
    """
    cells = merchants_as_cells(timeline)
    graph = cell_graph(timeline, cells, parameters.blocks, times_tell=False)
    blocks = find_blocks(graph, (), parameters.blocks)
    pairs = find_surprising_pairs(graph, parameters)
    rank = rank_buyers(graph, pairs, parameters)
    rings = pair_rings(pairs, rank, parameters)
    candidates = _one_list(graph, blocks, rings, parameters)
    for block in blocks:
        inside = counts_inside(graph, block.rows, block.columns)[0]
        rank[block.rows] = np.maximum(rank[block.rows], block.membership * np.log1p(inside))
    return Structure(candidates, rank)


def find_candidates(prepared: Prepared, parameters: Parameters, progress: Progress) -> Proposals:
    """Find rings by who claimed against whom, and rank every buyer."""
    progress.stage("structure without times")
    found = find_structure(prepared.timeline, parameters.structure)
    rings = [Candidate(one.members, one.decades, DetectionMethod.STRUCTURE) for one in found.candidates]
    return Proposals(strongest_first(rings), [], found.rank)


def pair_rings(
    pairs: SurprisingPairs, rank: Floats, parameters: StructureParameters
) -> list[StructureCandidate]:
    """Give the communities of three or more by significant pairs among buyers of rank, strongest first."""
    kept = (
        (pairs.decades >= pairs.threshold)
        & (rank[pairs.a] > parameters.least_rank)
        & (rank[pairs.b] > parameters.least_rank)
    )
    a, b, weight = pairs.a[kept], pairs.b[kept], pairs.decades[kept]
    if len(a) == 0:
        return []
    buyers, place = np.unique(np.concatenate((a, b)), return_inverse=True)
    one, other = place[: len(a)], place[len(a) :]
    community = communities(len(buyers), one, other, weight, parameters.resolution * float(np.median(weight)))
    within = community[one] == community[other]
    total = np.bincount(community[one][within], weight[within], minlength=len(buyers))
    count = np.bincount(community[one][within], minlength=len(buyers))
    order = np.argsort(community, kind="stable")
    members = np.split(buyers[order], np.cumsum(np.bincount(community))[:-1])
    rings = [
        StructureCandidate(
            group.astype(np.int64), float(total[i] / count[i]) * (len(group) - 1), is_block=False
        )
        for i, group in enumerate(members)
        if len(group) >= _FEWEST_MEMBERS and count[i] > 0
    ]
    return _strongest_first(rings)


def _one_list(
    graph: CellGraph,
    blocks: list[Block],
    rings: list[StructureCandidate],
    parameters: StructureParameters,
) -> list[StructureCandidate]:
    """Join blocks and pair rings: what explains the same edges better stays, and nobody is in two groups.

    A block stands unless the rings that lie half inside it save more nats together. A ring stands by itself
    if it saves enough nats and its members are about equally active.
    """
    buyers = len(graph.row_start) - 1
    ring_of = np.full(buyers, -1)
    for i, ring in enumerate(rings):
        ring_of[ring.members] = i
    stands = np.ones(len(rings), np.bool_)
    taken = np.zeros(buyers, np.bool_)
    out = []
    for block in blocks:
        in_rings = ring_of[block.rows]
        inside = np.bincount(in_rings[in_rings >= 0], minlength=len(rings))
        within = [i for i in np.flatnonzero(inside) if stands[i] and 2 * inside[i] >= len(rings[i].members)]
        if sum(max(_gain(graph, rings[i].members, parameters), 0.0) for i in within) > block.judgement.gain:
            continue
        stands[within] = False
        members = block.rows[~taken[block.rows]]
        if len(members) >= _FEWEST_MEMBERS:
            out.append(StructureCandidate(members, block.judgement.gain / math.log(10.0), is_block=True))
            taken[members] = True
    least = parameters.gain_per_log * math.log(len(graph.row_start) + len(graph.column_start) - 2)
    for i in np.flatnonzero(stands).tolist():
        members = rings[i].members[~taken[rings[i].members]]
        if len(members) < _FEWEST_MEMBERS:
            continue
        judged = judge(graph, members, columns_met(graph, members, _least_met(members, parameters)))
        if judged is None or judged.gain < least or judged.row_dispersion > parameters.row_dispersion:
            continue
        out.append(StructureCandidate(members, rings[i].decades, is_block=False))
        taken[members] = True
    return _strongest_first(out)


def _gain(graph: CellGraph, members: Longs, parameters: StructureParameters) -> float:
    judged = judge(graph, members, columns_met(graph, members, _least_met(members, parameters)))
    return judged.gain if judged is not None else -math.inf


def _least_met(members: Longs, parameters: StructureParameters) -> float:
    return max(2.0, parameters.cell_share * len(members))


def _strongest_first(candidates: list[StructureCandidate]) -> list[StructureCandidate]:
    return sorted(candidates, key=lambda candidate: (-candidate.decades, candidate.members.tolist()))
