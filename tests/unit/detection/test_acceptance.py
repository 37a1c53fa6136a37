import math

import numpy as np
import pytest
from hypothesis import given
from numpy.typing import NDArray
from small_markets import Row, groups, joint_runs, rows, timeline_of, yardsticks

from ringfence.detection.acceptance import covers_two_merchants, strongest_merchant_share
from ringfence.detection.closeness import Yardstick
from ringfence.detection.records import joint_claims


@given(rows(), yardsticks(), groups())
def test_a_ring_needs_two_merchants_and_half_its_members_to_have_met_at_two(
    given_rows: list[Row], yardstick: Yardstick, group: NDArray[np.int64]
) -> None:
    joint = joint_runs(given_rows, yardstick.gap, group, 2)
    first = min(tick for _, tick, _ in given_rows)
    met: dict[int, set[int]] = {}
    for m, tick, b in given_rows:
        if b in group.tolist() and any(
            m == merchant and begin <= (tick - first) / 4 <= end for merchant, begin, end in joint
        ):
            met.setdefault(b, set()).add(m)
    expected = len({merchant for merchant, _, _ in joint}) > 1 and (
        sum(len(merchants) > 1 for merchants in met.values()) >= max(2, len(group) / 2)
    )
    assert covers_two_merchants(timeline_of(given_rows), yardstick, group) == expected


@given(rows(), yardsticks(), groups())
def test_the_strongest_merchant_is_measured_by_its_members_closest_claims(
    given_rows: list[Row], yardstick: Yardstick, group: NDArray[np.int64]
) -> None:
    timeline = timeline_of(given_rows)
    joint = joint_claims(timeline, yardstick, group)
    best: dict[int, dict[int, float]] = {}
    for claim, strangers in zip(joint.claim.tolist(), joint.strangers.tolist(), strict=True):
        nats = max(0.0, math.log(yardstick.strangers / strangers))
        at, member = best.setdefault(int(timeline.merchant[claim]), {}), int(timeline.buyer[claim])
        at[member] = max(at.get(member, 0.0), nats)
    by_merchant = [sum(at.values()) for at in best.values()]
    expected = max(by_merchant) / sum(by_merchant) if sum(by_merchant) > 0.0 else 1.0
    assert strongest_merchant_share(timeline, yardstick, group) == pytest.approx(expected)
