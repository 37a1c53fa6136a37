import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from small_markets import (
    BUYERS,
    MERCHANTS,
    Held,
    Row,
    goods_of,
    groups,
    holdings,
    no_orders,
    order_rows,
    rows,
    sharing_of,
    timeline_of,
    yardstick_of,
    yardsticks,
)

from ringfence.detection.closeness import Yardstick
from ringfence.detection.membership import scores_inside
from ringfence.detection.methods.coincidence.growth import may_join, scratch
from ringfence.detection.shopping import joint_orders, whom_beside

Group = NDArray[np.int64]
NOBODY = np.zeros(BUYERS, np.bool_)


@given(
    rows(),
    st.just([]) | order_rows(),
    st.integers(1, 40).map(lambda ticks: ticks / 4),
    holdings(),
    yardsticks(),
    groups(),
)
def test_a_member_scores_what_growth_would_give_a_buyer_who_joins_the_rest(
    given_rows: list[Row],
    given_orders: list[Row],
    act_days: float,
    held: Held,
    yardstick: Yardstick,
    group: Group,
) -> None:
    timeline, exposure = goods_of(given_rows, given_orders, act_days)
    sharing, space = sharing_of(held), scratch(BUYERS)
    scores = scores_inside(timeline, sharing, exposure, yardstick, group, space)
    assert (space.stamp == -1).all()
    assert len(scores) == len(group)
    for member, score in zip(group.tolist(), scores.tolist(), strict=True):
        rest = group[group != member]
        buyers, decades = may_join(timeline, sharing, exposure, yardstick, NOBODY, rest, 1e9, space)
        growth = dict(zip(buyers.tolist(), decades.tolist(), strict=True)).get(member, -9.0)
        # Growth counts the companions of the rest, this those of the whole group.
        theirs, of_rest = joint_orders(exposure, group).companions, joint_orders(exposure, rest).companions
        doubt = 1e-9 + max(
            abs(math.log10(whom_beside(theirs, len(group), often) / whom_beside(of_rest, len(rest), often)))
            for often in range(1, 2 * MERCHANTS * BUYERS)
            if whom_beside(of_rest, len(rest), often) > 0
        )
        assert max(score, 0.0) >= max(growth, 0.0) - doubt
        if len(rest) < 3:  # Growth looks again only at the kind of event with the better bound, this at both.
            assert max(score, 0.0) <= max(growth, 0.0) + doubt


def test_a_member_who_met_nobody_has_no_evidence_and_those_who_met_have() -> None:
    hits = [(m, 400 + 60 * m + b, b) for m in range(MERCHANTS) for b in range(3)]
    quiet = [(m, 37 * i + m, 5) for m in range(MERCHANTS) for i in range(30)]
    timeline = timeline_of([*hits, *quiet, (0, 3000, 3)])
    scores = scores_inside(
        timeline, sharing_of({}), no_orders(timeline), yardstick_of(), np.arange(4), scratch(BUYERS)
    )
    assert (scores[:3] > 1.0).all()
    assert scores[3] < 0.0
