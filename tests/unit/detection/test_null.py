"""Null marketplaces keep what is no coincidence, and lose every coincidence."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
from group_scenes import Visit, scene, strangers
from hypothesis import given, settings
from hypothesis import strategies as st

from ringfence.detection.candidates import Candidate
from ringfence.detection.detect import propose
from ringfence.detection.null import shuffled, without
from ringfence.detection.parameters import Parameters
from ringfence.detection.prepare import Prepared
from ringfence.domain.identifiers import IdentifierKind
from ringfence.domain.progress import Silent

DEFAULTS = Parameters()
BUYERS, MERCHANTS = 8, 5
RING = range(300, 306)


def everyone(visits: list[Visit], buyers: int) -> list[Visit]:
    """Let every buyer claim once, at a merchant of their own, so that all are claimants."""
    return [*visits, *((buyer, MERCHANTS + buyer, 100.3 + 9.1 * buyer) for buyer in range(buyers))]


def visits(most: int = 60, moments: int = 80) -> st.SearchStrategy[list[Visit]]:
    visit = st.tuples(
        st.integers(0, BUYERS - 1),
        st.integers(0, MERCHANTS - 1),
        st.integers(0, moments).map(lambda d: d / 2),
    )
    return st.lists(visit, max_size=most).map(lambda drawn: everyone(drawn, BUYERS))


def counted(*columns: np.ndarray[tuple[int], np.dtype[np.int32]]) -> Counter[tuple[int, ...]]:
    return Counter(zip(*(column.tolist() for column in columns), strict=True))


def planted() -> Prepared:
    """A ring of six that hits eight merchants within hours, among strangers."""
    rng = np.random.default_rng(5)
    hits = [
        (member, 10 + hit, 20.0 + 30.0 * hit + float(rng.uniform(0.0, 0.3)))
        for hit in range(8)
        for member in RING
    ]
    ordinary = strangers(4, range(300), 60, 1_500)
    first = [(buyer, buyer % 60, float(buyer)) for buyer in range(300)]
    return scene([*ordinary, *first, *hits])


def holds_ring(candidate: Candidate) -> bool:
    return sum(member in RING for member in candidate.members.tolist()) >= 2


@settings(max_examples=40)
@given(visits(), st.integers(0, 2**32))
def test_a_merchants_weeks_and_a_buyers_total_stay_exact(claims: list[Visit], seed: int) -> None:
    before = scene(claims)
    rng = np.random.default_rng(seed)
    after = shuffled(before, rng, DEFAULTS)
    days = DEFAULTS.calibration.block_days
    phase = np.random.default_rng(seed).uniform(0.0, days)
    block = ((before.timeline.day + phase) // days).astype(np.int32)
    assert np.array_equal(after.timeline.merchant, before.timeline.merchant)
    assert np.array_equal(after.timeline.day, before.timeline.day)
    merchant = before.timeline.merchant
    assert counted(merchant, block, after.timeline.buyer) == counted(merchant, block, before.timeline.buyer)
    assert np.array_equal(after.timeline.buyer_start, before.timeline.buyer_start)


@settings(max_examples=40)
@given(visits(), st.booleans(), st.integers(0, 2**32))
def test_a_null_marketplace_is_laid_out_like_any_other(
    claims: list[Visit], has_times: bool, seed: int
) -> None:
    before = scene(claims if has_times else [(buyer, merchant, 1.0) for buyer, merchant, _ in claims])
    assert before.times.tell_when or not has_times
    timeline = shuffled(before, np.random.default_rng(seed), DEFAULTS).timeline
    order = np.lexsort((timeline.buyer, timeline.day, timeline.merchant))
    keys = np.stack((timeline.merchant, timeline.day, timeline.buyer))
    assert np.array_equal(keys, keys[:, order])
    assert np.array_equal(timeline.of_buyer, np.argsort(timeline.buyer, kind="stable"))
    for buyer in range(BUYERS):
        own = timeline.of_buyer[timeline.buyer_start[buyer] : timeline.buyer_start[buyer + 1]]
        assert (timeline.buyer[own] == buyer).all()


@settings(max_examples=40)
@given(visits(), st.integers(0, 2**32))
def test_without_times_the_numbers_of_claims_and_of_merchants_stay_exact(
    claims: list[Visit], seed: int
) -> None:
    before = scene([(buyer, merchant, 1.0) for buyer, merchant, _ in claims])
    after = shuffled(before, np.random.default_rng(seed), DEFAULTS)
    old, new = before.timeline, after.timeline
    assert counted(new.merchant) == counted(old.merchant)
    assert counted(new.buyer) == counted(old.buyer)
    old_edges, new_edges = counted(old.buyer, old.merchant), counted(new.buyer, new.merchant)
    for side in (0, 1):
        assert Counter((edge[side], n) for edge, n in new_edges.items()) == Counter(
            (edge[side], n) for edge, n in old_edges.items()
        )


def test_without_times_buyers_trade_most_of_their_merchants() -> None:
    claims = strangers(3, range(200), 80, 2_000)
    before = scene([*((b, m, 1.0) for b, m, _ in claims), *((b, b % 80, 1.0) for b in range(200))])
    after = shuffled(before, np.random.default_rng(1), DEFAULTS)
    old = set(counted(before.timeline.buyer, before.timeline.merchant))
    new = set(counted(after.timeline.buyer, after.timeline.merchant))
    assert len(old & new) < 0.3 * len(old)


def test_a_planted_ring_vanishes_in_its_null() -> None:
    market = planted()
    found = [ring for ring in propose(market, DEFAULTS, Silent()).rings if holds_ring(ring)]
    assert found
    assert found[0].score > 20.0
    rest = without(market, np.array(RING), DEFAULTS)
    for seed in range(5):
        null = shuffled(rest, np.random.default_rng(seed), DEFAULTS)
        assert propose(null, DEFAULTS, Silent()).rings == []


def test_only_the_claims_of_the_buyers_given_are_left_out() -> None:
    market = planted()
    rest = without(market, np.array(RING), DEFAULTS)
    gone = np.isin(market.timeline.buyer, np.array(RING))
    assert rest.market.claims.claim_id.to_list() == market.market.claims.claim_id.filter(~gone).to_list()
    assert np.array_equal(rest.timeline.buyer, market.timeline.buyer[~gone])
    assert rest.buyers == market.buyers
    assert rest.sharing is market.sharing


def test_identifiers_and_orders_stay_with_the_buyer_and_only_own_claims_take_orders() -> None:
    claims = [*strangers(2, range(60), 6, 500), *((buyer, 0, 50.0) for buyer in range(60))]
    orders = [(buyer, merchant, day - 3.0) for buyer, merchant, day in claims]
    uses: dict[IdentifierKind, Sequence[tuple[int, int]]] = {
        IdentifierKind.DEVICE: [(buyer, buyer // 3) for buyer in range(60)]
    }
    before = scene(claims, orders, uses)
    after = shuffled(before, np.random.default_rng(9), DEFAULTS)
    assert after.sharing is before.sharing
    assert np.array_equal(after.exposure.buyer, before.exposure.buyer)
    assert before.exposure.claimed.mean() > 0.9
    assert after.exposure.claimed.mean() < before.exposure.claimed.mean()
    filed = counted(after.timeline.buyer, after.timeline.merchant)
    taken = after.exposure.claimed
    for edge, number in counted(after.exposure.buyer[taken], after.exposure.merchant[taken]).items():
        assert number <= filed[edge]


def test_a_seed_gives_one_null_marketplace_and_another_seed_another() -> None:
    market = planted()
    one, same, other = (
        shuffled(market, np.random.default_rng(seed), DEFAULTS).timeline.buyer for seed in (1, 1, 2)
    )
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)
