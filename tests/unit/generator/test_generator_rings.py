from collections import Counter

import numpy as np
import pytest

from ringfence.domain.identifiers import IdentifierKind
from ringfence.generator.addresses import SPELLINGS, render_addresses
from ringfence.generator.belongings import NEVER, Belongings, give_belongings
from ringfence.generator.groups import Deck, Group, Pattern, ring_sizes
from ringfence.generator.merchants import open_merchants
from ringfence.generator.options import stream
from ringfence.generator.population import settle
from ringfence.generator.rings import Ring, plan_ring, share_belongings, strike
from ringfence.generator.seasons import DAY, HOUR

DAYS = 365


def make_ring(pattern: Pattern, size: int = 8, seed: int = 1) -> Ring:
    chance = stream(seed, f"{pattern} {size}")
    group = Group(pattern, 1, Deck(500, chance).deal(size))
    return plan_ring(group, open_merchants(300, chance), DAYS, chance)


def shared(pattern: Pattern, size: int = 8, seed: int = 1) -> tuple[Ring, Belongings]:
    ring, chance = make_ring(pattern, size, seed), stream(seed, "belongings")
    belongings = give_belongings(settle(500, chance), DAYS, chance)
    share_belongings(ring, belongings, chance)
    return ring, belongings


def values_of(ring: Ring, belongings: Belongings, kind: IdentifierKind, day: int = 0) -> list[int]:
    """What each member uses, in the order of the members."""
    members = ring.group.members
    used = belongings.possessions[kind].used(members, np.full(len(members), day * DAY))
    return [int(value) for value in used]


def test_a_sly_member_joins_as_much_more_seldom_as_stealth_says() -> None:
    rings = [make_ring(pattern, 12, seed) for pattern in Pattern for seed in range(12)]
    bold = len(strike(rings, 0.0, stream(1, "hits")).buyer)
    for stealth in (0.3, 0.5, 0.8):
        sly = len(strike(rings, stealth, stream(1, "hits")).buyer)
        # some 10,000 joint claims: three standard deviations are 3 % of the sly ones at worst
        assert sly / bold == pytest.approx(1.0 - stealth, rel=0.05)


def test_a_member_joins_with_three_to_nineteen_twentieths_of_the_hits_when_bold() -> None:
    rings = [make_ring(pattern, 12, seed) for pattern in Pattern for seed in range(12)]
    hits = strike(rings, 0.0, stream(1, "hits"))
    chances = sum(len(ring.merchants) * len(ring.group.members) for ring in rings)
    assert len(hits.buyer) / chances == pytest.approx(np.mean([ring.zeal.mean() for ring in rings]), rel=0.03)
    assert all(0.6 <= ring.zeal.min() <= ring.zeal.max() <= 0.95 for ring in rings)


def test_the_claims_of_a_sly_hit_lie_one_plus_two_stealth_times_as_far_from_its_start() -> None:
    rings = [make_ring(pattern, 12) for pattern in Pattern]
    bold, sly = (strike(rings, stealth, stream(1, "hits")) for stealth in (0.0, 0.5))
    delay = {
        (ring, hit, buyer): filed - rings[ring].starts_at[hit]
        for ring, hit, buyer, filed in zip(bold.ring, bold.hit, bold.buyer, bold.filed_at, strict=True)
    }
    for ring, hit, buyer, filed in zip(sly.ring, sly.hit, sly.buyer, sly.filed_at, strict=True):
        # who joins when sly joins when bold, too
        assert filed - rings[ring].starts_at[hit] == pytest.approx(2.0 * delay[ring, hit, buyer], abs=2)


def test_a_bold_hit_is_over_within_a_day_and_a_half() -> None:
    rings = [make_ring(pattern, 12) for pattern in Pattern]
    hits = strike(rings, 0.0, stream(1, "hits"))
    starts = np.array([rings[ring].starts_at[hit] for ring, hit in zip(hits.ring, hits.hit, strict=True)])
    late = hits.filed_at - starts
    assert late.min() >= 0
    assert late.max() <= 36 * HOUR
    assert np.median(late) < 6 * HOUR


@pytest.mark.parametrize("pattern", list(Pattern))
def test_every_hit_has_a_target_of_its_own_and_lies_inside_the_period(pattern: Pattern) -> None:
    for seed in range(20):
        ring = make_ring(pattern, seed=seed)
        assert len(set(ring.merchants.tolist())) == len(ring.merchants) == len(ring.starts_at) >= 6
        assert (np.diff(ring.starts_at) >= 0).all()
        assert ring.starts_at[0] >= 20 * DAY
        assert ring.starts_at[-1] + 36 * 3 * HOUR < DAYS * DAY


def test_a_slow_ring_burns_for_half_a_year_with_one_target_a_week() -> None:
    starts = make_ring(Pattern.SLOW_BURN).starts_at
    assert 160 * DAY < starts[-1] - starts[0] < 200 * DAY
    assert np.diff(starts).min() >= 4 * DAY
    assert np.diff(starts).max() <= 10 * DAY


def test_accounts_are_hijacked_late_and_used_from_new_devices() -> None:
    ring, belongings = shared(Pattern.HIJACKED)
    assert ring.starts_at[0] > 0.6 * DAYS * DAY
    before, after = (values_of(ring, belongings, IdentifierKind.DEVICE, day) for day in (0, DAYS))
    assert not set(before) & set(after)


@pytest.mark.parametrize("pattern", [Pattern.LOCKSTEP, Pattern.CAMOUFLAGE, Pattern.HIJACKED])
def test_pure_lockstep_shares_nothing(pattern: Pattern) -> None:
    ring, belongings = shared(pattern)
    for kind in IdentifierKind:
        assert len(set(values_of(ring, belongings, kind, DAYS))) == len(ring.group.members)


def test_an_address_ring_has_one_address_or_two() -> None:
    counts = set()
    for seed in range(20):
        ring, belongings = shared(Pattern.ADDRESS, seed=seed)
        counts.add(len(set(values_of(ring, belongings, IdentifierKind.ADDRESS))))
    assert counts == {1, 2}


def test_a_farm_has_addresses_of_its_members_own_and_one_value_behind_them() -> None:
    for seed in range(10):
        ring, belongings = shared(Pattern.FARM, seed=seed)
        distinct = {kind: len(set(values_of(ring, belongings, kind))) for kind in IdentifierKind}
        assert distinct[IdentifierKind.ADDRESS] == len(ring.group.members)
        assert 1 in distinct.values()


def test_a_small_ring_shares_two_kinds_or_more() -> None:
    for seed in range(10):
        ring, belongings = shared(Pattern.SMALL, 3, seed)
        assert sum(len(set(values_of(ring, belongings, kind))) == 1 for kind in IdentifierKind) >= 2


def test_a_chain_links_neighbours_and_no_value_spans_it() -> None:
    ring, belongings = shared(Pattern.CHAIN, 7)
    values = {kind: values_of(ring, belongings, kind, DAYS) for kind in IdentifierKind}
    for place in range(6):
        assert sum(held[place] == held[place + 1] for held in values.values()) == 1
    assert max(max(Counter(held).values()) for held in values.values()) == 2


def test_a_jigged_ring_types_one_door_in_as_many_ways_as_it_has_members() -> None:
    ring, belongings = shared(Pattern.JIGGED, 12)
    members = ring.group.members
    door = belongings.addresses.used(members, np.zeros(len(members), dtype=np.int64))
    assert len(set(door.tolist())) == 1
    assert (belongings.addresses.changed_at[members] == NEVER).all()
    spellings = belongings.spellings[members].ravel()
    assert len(set(spellings.tolist())) == 2 * len(members)
    assert spellings.max() < SPELLINGS
    texts = render_addresses(belongings.doors, np.repeat(door, 2), spellings)
    assert texts.n_unique() >= len(members)


def test_patterns_have_equally_many_rings_of_about_a_hundredth_of_the_buyers() -> None:
    for buyers in (3_000, 20_000, 200_000):
        sizes = ring_sizes(buyers, stream(1, "sizes"))
        assert len(set(Counter(pattern for pattern, _ in sizes).values())) == 1
        assert {pattern for pattern, _ in sizes} == set(Pattern)
        assert 0.0095 <= sum(size for _, size in sizes) / buyers <= 0.0155
        assert all(2 <= size <= 4 for pattern, size in sizes if pattern is Pattern.SMALL)
    assert max(size for _, size in sizes) > 20
