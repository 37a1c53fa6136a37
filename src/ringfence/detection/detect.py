"""The whole method in its order: prepare, propose, fuse, gather."""

from ringfence.detection.findings import Findings, gather
from ringfence.detection.methods.coincidence.rings import find_candidates
from ringfence.detection.parameters import Parameters
from ringfence.detection.prepare import prepare
from ringfence.domain.progress import Progress
from ringfence.market import Market


def find_rings(market: Market, parameters: Parameters, progress: Progress) -> Findings:
    """Find the rings of `market`.

    Deterministic for a market whatever the order of its rows, the key, and the number of threads.
    """
    prepared = prepare(market, parameters, progress)
    found = find_candidates(prepared, parameters, progress)
    return gather(prepared, found.rings, found.leads)
