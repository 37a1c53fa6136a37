"""Blocks propose, coincidence disposes: who of a block belongs together by what joins a ring."""

import numpy as np
from numpy.typing import NDArray

from ringfence.detection.membership import scores_inside
from ringfence.detection.methods.coincidence.growth import Scratch, joining_bar, may_join, with_buyers
from ringfence.detection.parameters import Parameters
from ringfence.detection.prepare import Prepared
from ringfence.market import Floats, Longs

FEWEST = 3
"""Members that a settled group needs."""


def settle(
    prepared: Prepared,
    parameters: Parameters,
    block: Longs,
    sure: Longs,
    taken: NDArray[np.bool_],
    space: Scratch,
) -> tuple[Longs, Floats]:
    """Give the members that `block` (int64 rising) settles on, and the decades of each against the others.

    Each is judged once against the whole rest of the block, never against what is left after others went,
    which spirals. Those who would join stay, `sure` ones (members of rings inside the block) are added,
    outsiders join, and those who have lost their support leave. Buyers marked in `taken` belong elsewhere.
    """
    group = block
    if len(group) <= parameters.fusion.largest:
        scores = members_scores(prepared, group, space)
        group = group[scores >= joining_bar(len(group) - 1, parameters.coincidence.joining_rate)]
    group = np.union1d(group, sure).astype(np.int64)
    group = group[~taken[group]]
    if len(group) < FEWEST:
        return group[:0], np.empty(0)
    group = widen(prepared, parameters, group, taken, space)
    return supported(prepared, parameters, group, space)


def widen(
    prepared: Prepared, parameters: Parameters, group: Longs, taken: NDArray[np.bool_], space: Scratch
) -> Longs:
    """Add outsiders who may join, all at once, round by round."""
    for _ in range(parameters.fusion.rounds):
        if len(group) > parameters.fusion.largest:
            break
        more, _ = may_join(
            prepared.timeline,
            prepared.sharing,
            prepared.exposure,
            prepared.yardstick,
            taken,
            group,
            parameters.coincidence.joining_rate,
            space,
        )
        if len(more) == 0:
            break
        group = with_buyers(group, more)
    return group


def supported(
    prepared: Prepared, parameters: Parameters, group: Longs, space: Scratch
) -> tuple[Longs, Floats]:
    """Give the members whose decades are not far below the bar, and those decades."""
    scores = members_scores(prepared, group, space)
    kept = (
        scores >= joining_bar(len(group) - 1, parameters.coincidence.joining_rate) - parameters.fusion.slack
    )
    return group[kept], scores[kept]


def members_scores(prepared: Prepared, group: Longs, space: Scratch) -> Floats:
    """Give float64[g], the decades of each member against the rest."""
    return scores_inside(
        prepared.timeline, prepared.sharing, prepared.exposure, prepared.yardstick, group, space
    )


def group_decades(scores: Floats) -> float:
    """Add up members' decades; every coincidence is seen from both sides, so half counts."""
    return 0.5 * float(np.maximum(scores, 0.0).sum())
