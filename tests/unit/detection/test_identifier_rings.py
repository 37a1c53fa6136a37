from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from group_scenes import Use, Visit, scene, strangers

from ringfence.detection.candidates import Candidate, Proposals
from ringfence.detection.methods.identifiers.associates import associates
from ringfence.detection.methods.identifiers.parameters import IdentifierParameters
from ringfence.detection.methods.identifiers.rings import find_candidates
from ringfence.detection.parameters import Parameters
from ringfence.detection.prepare import Prepared
from ringfence.domain.identifiers import IdentifierKind
from ringfence.domain.leads import LeadKind
from ringfence.domain.progress import Silent
from ringfence.domain.rings import DetectionMethod

STRANGERS, MERCHANTS = 600, 60
GROUP = range(STRANGERS, STRANGERS + 6)
MEETINGS = [(0, 1), (2, 3), (4, 5), (1, 2), (3, 4), (0, 5), (1, 4), (2, 5)]
"""Who of the group meets, a pair at each merchant: no pair meets twice."""


def found_in(prepared: Prepared, parameters: Parameters | None = None) -> Proposals:
    return find_candidates(prepared, parameters or Parameters(), Silent())


def marketplace(seed: int) -> list[Visit]:
    everyone = [(b, b % MERCHANTS, float(b % 360)) for b in range(STRANGERS)]
    return everyone + strangers(seed, range(STRANGERS), MERCHANTS, 3 * STRANGERS)


def homes(*groups: Sequence[int]) -> dict[IdentifierKind, Sequence[Use]]:
    """Let each group share an address, among a hundred families of two."""
    shared = [(b, b // 2) for b in range(200)]
    return {IdentifierKind.ADDRESS: shared + [(b, 1000 + i) for i, group in enumerate(groups) for b in group]}


def single_meetings(apart: float = 0.2) -> list[Visit]:
    """Let each pair of `MEETINGS` claim at a merchant of its own, thirty days after the one before."""
    return [
        (GROUP[member], merchant, 30.0 * merchant + 20.0 + apart * side)
        for merchant, pair in enumerate(MEETINGS)
        for side, member in enumerate(pair)
    ]


def ordered_before(claims: Sequence[Visit]) -> list[Visit]:
    return [(b, m, day - 5.0) for b, m, day in claims]


def test_those_who_share_a_home_and_met_once_each_are_a_ring() -> None:
    claims = marketplace(1) + single_meetings()
    found = found_in(scene(claims, ordered_before(claims), homes(GROUP)))
    assert [ring.members.tolist() for ring in found.rings] == [list(GROUP)]
    ring = found.rings[0]
    assert ring.method is DetectionMethod.IDENTIFIERS
    assert ring.shares
    assert ring.among is not None
    assert ring.score >= 2.0


def test_the_same_meetings_of_people_who_share_nothing_are_none() -> None:
    claims = marketplace(1) + single_meetings()
    found = found_in(scene(claims, None, homes()))
    assert found.rings == []
    assert found.leads == []


def test_of_those_who_share_a_home_only_those_who_met_are_members() -> None:
    others = range(GROUP.stop, GROUP.stop + 10)
    claims = marketplace(1) + single_meetings() + [(b, 50, 10.0 + 30.0 * i) for i, b in enumerate(others)]
    found = found_in(scene(claims, ordered_before(claims), homes([*GROUP, *others])))
    assert [ring.members.tolist() for ring in found.rings] == [list(GROUP)]


def test_a_chain_of_different_identifiers_is_judged_as_one_group() -> None:
    claims = marketplace(1) + single_meetings()
    uses = homes(GROUP[:2], GROUP[2:4], GROUP[4:6])
    uses[IdentifierKind.DEVICE] = [(GROUP[1], 0), (GROUP[2], 0), (GROUP[3], 1), (GROUP[4], 1)]
    found = found_in(scene(claims, ordered_before(claims), uses))
    assert [ring.members.tolist() for ring in found.rings] == [list(GROUP)]


def test_one_lost_bundle_is_one_occasion_however_many_merchants() -> None:
    evening = [(b, merchant, 100.0 + 0.02 * (b - STRANGERS)) for merchant in range(8) for b in GROUP]
    claims = marketplace(1) + evening
    found = found_in(scene(claims, None, homes(GROUP)))
    assert found.rings == []
    assert [lead.refusal for lead in found.leads] == [LeadKind.ONE_OCCASION]


def test_goods_of_one_checkout_are_one_occasion_whenever_they_are_claimed_for() -> None:
    scattered = [(b, m, 100.0 + 1.5 * m + 0.02 * (b - STRANGERS)) for m in range(8) for b in GROUP]
    base = marketplace(1)
    bought = [(b, m, 95.0 + 0.001 * m) for b, m, _ in scattered]
    found = found_in(scene(base + scattered, ordered_before(base) + bought, homes(GROUP)))
    assert found.rings == []
    assert found.leads


def test_meetings_at_one_merchant_are_a_lead() -> None:
    claims = marketplace(1) + [(b, 7, 100.0 + 0.1 * i) for i, b in enumerate(GROUP)]
    found = found_in(scene(claims, ordered_before(claims), homes(GROUP)))
    assert found.rings == []
    assert [lead.refusal for lead in found.leads] == [LeadKind.ONE_MERCHANT]


@pytest.mark.parametrize("seed", range(5))
def test_families_who_lose_joint_parcels_are_no_ring_where_orders_are_known(seed: int) -> None:
    """They order together all year, and of one parcel in five everybody claims for the part of theirs."""
    rng = np.random.default_rng(seed)
    base = marketplace(seed)
    families = [range(STRANGERS + 3 * i, STRANGERS + 3 * i + 3) for i in range(20)]
    bought: list[Visit] = []
    lost: list[Visit] = []
    for family in families:
        for day in rng.uniform(10.0, 340.0, 25):
            shop = int(rng.integers(MERCHANTS))
            parcel = [(b, shop, day + rng.uniform(0.0, 0.3)) for b in family]
            bought += parcel
            if rng.random() < 0.2:
                lost += [(b, shop, day + 6.0 + rng.uniform(0.0, 1.0)) for b, _, _ in parcel]
    everyone = [(b, 5, 350.0) for family in families for b in family]
    found = found_in(
        scene(base + everyone + lost, ordered_before(base + everyone) + bought, homes(*families))
    )
    assert found.rings == []


def test_the_bar_is_higher_where_no_orders_are_known() -> None:
    claims = marketplace(1) + single_meetings()
    strict = replace(Parameters(), identifiers=IdentifierParameters(without_orders=300.0))
    without = found_in(scene(claims, None, homes(GROUP)), strict)
    assert without.rings == []
    assert [lead.refusal for lead in without.leads] == [LeadKind.SHARED_SHOPPING]
    assert len(found_in(scene(claims, ordered_before(claims), homes(GROUP)), strict).rings) == 1


def test_groups_are_the_same_under_any_names() -> None:
    claims = marketplace(2) + single_meetings()
    uses = homes(GROUP, range(100, 104))
    uses[IdentifierKind.DEVICE] = [(b, b // 5) for b in range(300, 400)]
    rng = np.random.default_rng(3)
    buyer, merchant = rng.permutation(STRANGERS + 6).tolist(), rng.permutation(MERCHANTS).tolist()
    value = rng.permutation(2000).tolist()
    first = found_in(scene(claims, ordered_before(claims), uses))
    renamed = [(buyer[b], merchant[m], day) for b, m, day in claims]
    renamed_uses: dict[IdentifierKind, Sequence[Use]] = {
        kind: [(buyer[b], value[v]) for b, v in held] for kind, held in uses.items()
    }
    other = found_in(scene(renamed, ordered_before(renamed), renamed_uses))
    for mine, theirs in ((first.rings, other.rings), (first.leads, other.leads)):
        assert [ring.score for ring in mine] == pytest.approx([ring.score for ring in theirs])
        assert [sorted(buyer[b] for b in ring.members) for ring in mine] == [
            ring.members.tolist() for ring in theirs
        ]
    assert len(first.rings) == 1


def test_a_buyer_of_very_many_claims_is_left_out_of_groups() -> None:
    claims = marketplace(1) + single_meetings()
    busy = GROUP.stop
    claims += [(busy, i % MERCHANTS, 365.0 * i / 3000) for i in range(3000)]
    found = found_in(scene(claims, ordered_before(claims), homes([*GROUP, busy])))
    assert [ring.members.tolist() for ring in found.rings] == [list(GROUP)]


def test_groups_say_nothing_where_times_do_not() -> None:
    claims = [(b, m, 0.0) for b in range(8) for m in range(6)]
    uses = {IdentifierKind.DEVICE: [(b, 0) for b in range(8)]}
    found = found_in(scene(claims, None, uses))
    assert (found.rings, found.leads) == ([], [])


def rings_of(*groups: Sequence[int]) -> list[Candidate]:
    return [
        Candidate(np.array(sorted(group), np.int64), 5.0, DetectionMethod.COINCIDENCE) for group in groups
    ]


def associates_by_hand(
    held: dict[int, set[int]], rings: Sequence[Candidate], rules: IdentifierParameters
) -> list[list[int]]:
    members = [set(ring.members.tolist()) for ring in rings]
    anyone = set().union(*members)
    found: list[set[int]] = [set() for _ in rings]
    for who in held.values():
        if rules.associate_holders <= len(who) <= rules.most_holders:
            inside = [len(who & own) for own in members]
            bringing = [i for i, k in enumerate(inside) if k >= rules.associate_members and 2 * k >= len(who)]
            if bringing:
                found[bringing[0]] |= who - anyone
    for i in range(1, len(found)):
        found[i] -= set().union(*found[:i])
    return [sorted(some) for some in found]


@pytest.mark.parametrize("seed", range(25))
def test_associates_share_a_value_with_most_of_a_ring(seed: int) -> None:
    rng = np.random.default_rng(seed)
    held = {v: set(rng.choice(24, int(rng.integers(2, 10)), replace=False).tolist()) for v in range(12)}
    numbers = rng.permutation(24).tolist()
    rings = rings_of(numbers[:7], numbers[7:13])
    rules = IdentifierParameters(most_holders=8)
    prepared = scene(
        [(b, b % 3, float(3 * b)) for b in range(24)],
        None,
        {IdentifierKind.PHONE: [(b, v) for v, who in held.items() for b in who]},
    )
    assert [x.tolist() for x in associates(prepared, rings, rules)] == associates_by_hand(held, rings, rules)


def test_without_rings_there_are_no_associates() -> None:
    prepared = scene(
        [(b, 0, float(b)) for b in range(9)], None, {IdentifierKind.PHONE: [(b, 0) for b in range(9)]}
    )
    assert associates(prepared, [], IdentifierParameters()) == []
    assert [x.tolist() for x in associates(prepared, rings_of(range(4)), IdentifierParameters())] == [[]]
    assert [x.tolist() for x in associates(prepared, rings_of(range(5)), IdentifierParameters())] == [
        [5, 6, 7, 8]
    ]
