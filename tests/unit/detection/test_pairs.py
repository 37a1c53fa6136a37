import itertools
import math
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_markets import (
    BUYERS,
    Held,
    Row,
    counts_of,
    holdings,
    rarest_by_hand,
    rows,
    sharing_of,
    timeline_of,
    yardstick_of,
    yardsticks,
)

from ringfence.detection.closeness import Yardstick, as_near, pair_rate
from ringfence.detection.pairs import Pairs, find_pairs
from ringfence.detection.sharing import multiplicities
from ringfence.detection.tail import evidence

EVERYTHING = -1e9
"""A bar that no pair fails."""


def pairs_of(given_rows: list[Row], held: Held, yardstick: Yardstick, grain: float, bar: float) -> Pairs:
    timeline = timeline_of(given_rows, grain)
    sharing = sharing_of(held)
    near, everywhere = counts_of(timeline, yardstick.reach)
    with ThreadPoolExecutor(2) as pool:
        return find_pairs(
            timeline,
            sharing,
            multiplicities(sharing, yardstick.hub),
            yardstick,
            near,
            everywhere,
            bar,
            pool,
        )


def pairs_by_hand(
    given_rows: list[Row], held: Held, yardstick: Yardstick, grain: float
) -> dict[tuple[int, int], tuple[float, float, int]]:
    """Give (score, nats, merchants) of every pair by comparing every claim with every other."""
    timeline = timeline_of(given_rows, grain)
    near, everywhere = counts_of(timeline, yardstick.reach)
    best: dict[tuple[int, int], dict[int, float]] = {}
    for i, j in itertools.combinations(range(len(timeline.buyer)), 2):
        apart = abs(timeline.day[i] - timeline.day[j])
        a, b = sorted((int(timeline.buyer[i]), int(timeline.buyer[j])))
        if a == b or timeline.merchant[i] != timeline.merchant[j] or apart > yardstick.window:
            continue
        rate = pair_rate(timeline, yardstick, near, everywhere, i, j)
        strangers = as_near(rate, apart, grain, yardstick.closest)
        if strangers < yardstick.strangers:
            nats = math.log(yardstick.strangers / strangers)
            merchant = int(timeline.merchant[i])
            at = best.setdefault((a, b), {})
            at[merchant] = max(at.get(merchant, 0.0), nats)
    rarest = {(a, b): rarest_by_hand(held, a, b, yardstick.hub) for a in range(BUYERS) for b in range(BUYERS)}
    everyone = list(itertools.combinations(range(BUYERS), 2))
    filed = timeline.buyer.tolist()
    out = {}
    for pair, at in best.items():
        if len(at) < 2 and rarest[pair] == 0:
            continue
        stratum = (rarest[pair] - 1).bit_length() if rarest[pair] else 0
        among = [p for p in everyone if stratum == 0 or (0 < rarest[p] <= 2**stratum)]
        fewer, more = sorted(filed.count(buyer) for buyer in pair)
        nats = sum(at.values())
        decades = evidence(fewer, more * yardstick.strangers / len(filed), nats)
        out[pair] = (decades - math.log10(len(among)), nats, len(at))
    return out


@given(rows(), holdings(), yardsticks(), st.sampled_from([0.0, 0.25, 1.0]))
def test_pairs_are_those_that_comparing_everything_finds(
    given_rows: list[Row], held: Held, yardstick: Yardstick, grain: float
) -> None:
    found = pairs_of(given_rows, held, yardstick, grain, EVERYTHING)
    expected = pairs_by_hand(given_rows, held, yardstick, grain)
    assert set(zip(found.a.tolist(), found.b.tolist(), strict=True)) == set(expected)
    for i in range(len(found)):
        score, nats, merchants = expected[int(found.a[i]), int(found.b[i])]
        assert found.occasions[i] == merchants
        assert found.surprise[i] == pytest.approx(nats, abs=1e-4)
        assert found.score[i] == pytest.approx(score, abs=1e-3)


@given(rows(), holdings(), st.floats(-2.0, 4.0))
def test_pairs_below_the_bar_are_left_out_and_the_rest_stand_best_first(
    given_rows: list[Row], held: Held, bar: float
) -> None:
    everything = pairs_of(given_rows, held, yardstick_of(), 0.0, EVERYTHING)
    found = pairs_of(given_rows, held, yardstick_of(), 0.0, bar)
    kept = everything.take(np.flatnonzero(everything.score >= bar))
    assert found.score.tolist() == kept.score.tolist()
    assert (found.a.tolist(), found.b.tolist()) == (kept.a.tolist(), kept.b.tolist())
    ranks = list(zip((-found.score).tolist(), found.a.tolist(), found.b.tolist(), strict=True))
    assert ranks == sorted(ranks)
    assert (found.a < found.b).all()


def test_coincidence_at_one_merchant_is_a_pair_only_for_buyers_who_share_something() -> None:
    lonely = [(0, 0, 0), (0, 1, 1), (1, 90, 2), (2, 150, 3)]
    assert len(pairs_of(lonely, {}, yardstick_of(), 0.0, EVERYTHING)) == 0
    sharing = pairs_of(lonely, {(0, 0): {0, 1}}, yardstick_of(), 0.0, EVERYTHING)
    assert (sharing.a.tolist(), sharing.b.tolist()) == ([0], [1])


def test_a_claim_is_compared_with_no_more_neighbours_than_asked_for() -> None:
    crowd = [(merchant, tick, tick) for merchant in (0, 1) for tick in range(BUYERS)]
    found = pairs_of(crowd, {}, yardstick_of(neighbours=1), 0.0, EVERYTHING)
    assert set(zip(found.a.tolist(), found.b.tolist(), strict=True)) == {
        (b, b + 1) for b in range(BUYERS - 1)
    }


@pytest.mark.parametrize(("burst", "pairs"), [(6, 15), (7, 0)])
def test_a_burst_too_dense_for_any_coincidence_gives_no_pairs(burst: int, pairs: int) -> None:
    # Around each claim lie burst - 2 others in five days: 2 (burst - 2) / 5 strangers within a day.
    yardstick = yardstick_of(strangers=2.0, closest=1.0, reach=2.5)
    dense = [(merchant, 400 + i // 4, i % BUYERS) for merchant in (0, 1) for i in range(burst)]
    quiet = [(2, 40 * i, 0) for i in range(30)]
    assert len(pairs_of(dense + quiet, {}, yardstick, 0.0, EVERYTHING)) == pairs


def test_of_several_coincidences_at_one_merchant_the_closest_counts() -> None:
    loose = [(merchant, 0, 0) for merchant in (0, 1)] + [(merchant, 20, 1) for merchant in (0, 1)]
    loose += [(2, 40 * i, 2) for i in range(30)]
    close = [*loose, (0, 600, 0), (0, 601, 1)]
    far = [*loose, (0, 600, 0), (0, 640, 1)]
    near_pair, far_pair = (pairs_of(claims, {}, yardstick_of(), 0.0, EVERYTHING) for claims in (close, far))
    assert near_pair.occasions.tolist() == far_pair.occasions.tolist() == [2]
    assert near_pair.surprise[0] > far_pair.surprise[0] + 1.0
