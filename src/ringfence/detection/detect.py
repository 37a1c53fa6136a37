"""The whole method in its order: prepare, propose, fuse, calibrate, gather."""

from dataclasses import replace

from ringfence.detection.calibrate import calibrate, judge_by_p
from ringfence.detection.candidates import Proposals, apart, strongest_first
from ringfence.detection.findings import Findings, gather
from ringfence.detection.fusion.fuse import fuse
from ringfence.detection.methods.blocks import candidates as blocks
from ringfence.detection.methods.coincidence import rings as coincidence
from ringfence.detection.methods.identifiers import rings as identifiers
from ringfence.detection.methods.structure import candidates as structure
from ringfence.detection.methods.waves import rings as waves
from ringfence.detection.parameters import Parameters
from ringfence.detection.prepare import Prepared, prepare
from ringfence.domain.progress import Progress
from ringfence.domain.rings import DetectionMethod
from ringfence.market import Market


def find_rings(market: Market, parameters: Parameters, progress: Progress) -> Findings:
    """Find the rings of `market`.

    Deterministic for a market whatever the order of its rows, the key, and the number of threads.
    """
    prepared = prepare(market, parameters, progress)
    found = propose(prepared, parameters, progress)
    calibration = calibrate(prepared, found, propose, parameters, progress)
    if calibration is not None:
        found = judge_by_p(prepared, found, calibration, parameters)
    return replace(gather(prepared, found), calibration=calibration)


def propose(prepared: Prepared, parameters: Parameters, progress: Progress) -> Proposals:
    """Ask every method but those switched off, and fuse what they propose into rings and leads."""
    off, nothing = parameters.without, Proposals([], [])
    if not prepared.times.tell_when:
        if DetectionMethod.STRUCTURE in off:
            return nothing
        return structure.find_candidates(prepared, parameters, progress)
    graph = blocks.lay_out_cells(prepared, parameters.blocks)
    grown = groups = wave = nothing
    if DetectionMethod.COINCIDENCE not in off:
        grown = coincidence.find_candidates(prepared, parameters, progress)
    if DetectionMethod.IDENTIFIERS not in off:
        groups = identifiers.find_candidates(prepared, parameters, progress)
    if DetectionMethod.WAVES not in off:
        wave = waves.find_candidates(prepared, parameters, progress)
    found = (
        [] if DetectionMethod.BLOCKS in off else blocks.find_candidates(prepared, graph, parameters, progress)
    )
    least = parameters.fusion.least_score
    strong = [ring for ring in grown.rings if ring.score >= least]
    weak = [ring for ring in grown.rings if ring.score < least]
    fused = fuse(prepared, parameters, graph, Proposals(strong, grown.leads), found, groups, wave, progress)
    return replace(fused, rings=strongest_first([*fused.rings, *apart(weak, fused.rings, prepared.buyers)]))
