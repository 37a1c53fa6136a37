"""What the members of each extra ring do together."""

from collections import defaultdict

import numpy as np
import pytest

from ringfence.domain.identifiers import IdentifierKind
from ringfence.generator import ExtraPattern, GeneratorOptions
from ringfence.generator.activity import NONE, NOT_RECEIVED, Activity, join_activities, select
from ringfence.generator.extras.adding import PLAYS, set_scene
from ringfence.generator.extras.scene import Scene
from ringfence.generator.groups import Group
from ringfence.generator.seasons import DAY, HOUR

DECOYS = {
    ExtraPattern.DECOY_ORDERS_3: 3,
    ExtraPattern.DECOY_ORDERS_10: 10,
    ExtraPattern.DECOY_ORDERS_20: 20,
}
WAVES = {ExtraPattern.WAVES_10: 10, ExtraPattern.WAVES_6: 6, ExtraPattern.WAVES_4: 4}


def played(extra: ExtraPattern, stealth: float = 0.0, days: int = 365) -> list[tuple[Scene, Group, Activity]]:
    """What each group of an extra does together, apart from its ordinary life."""
    scene, groups = set_scene(extra, GeneratorOptions(buyers=20_000, stealth=stealth, days=days))
    return [(scene, group, join_activities(PLAYS[extra](scene, group))) for group in groups]


def claims_of(activity: Activity) -> Activity:
    return select(activity, activity.filed_at != NONE)


def hits_of(activity: Activity) -> dict[int, list[tuple[int, int]]]:
    """The claims (buyer, filed_at) at each merchant."""
    hits: dict[int, list[tuple[int, int]]] = defaultdict(list)
    claims = claims_of(activity)
    for merchant, buyer, at in zip(claims.merchant, claims.buyer, claims.filed_at, strict=True):
        hits[int(merchant)].append((int(buyer), int(at)))
    return hits


@pytest.mark.parametrize("extra", list(ExtraPattern))
@pytest.mark.parametrize("days", [240, 365])
def test_nearly_every_joint_claim_lies_inside_the_period_after_its_order(
    extra: ExtraPattern, days: int
) -> None:
    for _, _, activity in played(extra, stealth=0.7, days=days):
        claims = claims_of(activity)
        assert claims.is_scheme.all()
        assert (claims.ordered_at < claims.filed_at).all()
        arrived = claims.delivered_at != NONE
        assert (arrived == (claims.reason != NOT_RECEIVED)).all()
        assert (claims.ordered_at[arrived] < claims.delivered_at[arrived]).all()
        assert (claims.delivered_at[arrived] < claims.filed_at[arrived]).all()
        assert (activity.ordered_at >= 0).mean() > 0.97
        assert (claims.filed_at < days * DAY).all()


@pytest.mark.parametrize("extra", list(ExtraPattern))
def test_a_sly_ring_claims_less_often(extra: ExtraPattern) -> None:
    bold, sly = (
        sum(len(claims_of(activity)) for *_, activity in played(extra, stealth)) for stealth in (0.0, 0.5)
    )
    assert 0.4 * bold < sly < 0.6 * bold


@pytest.mark.parametrize("extra", list(DECOYS))
def test_decoy_orders_are_placed_by_all_within_a_day_and_never_claimed_for(extra: ExtraPattern) -> None:
    for _, group, activity in played(extra):
        decoys = select(activity, activity.filed_at == NONE)
        assert len(decoys) == DECOYS[extra] * len(group.members)
        for member in group.members:
            assert (decoys.buyer == member).sum() == DECOYS[extra]
        outings = decoys.ordered_at.reshape(DECOYS[extra], -1)
        assert (np.ptp(outings, axis=1) < DAY).all()
        assert len(claims_of(activity)) > 0


@pytest.mark.parametrize(
    ("extra", "days"), [(ExtraPattern.LATE_CLAIMS_30, 30), (ExtraPattern.LATE_CLAIMS_70, 70)]
)
def test_late_claims_come_that_many_days_after_their_orders(extra: ExtraPattern, days: int) -> None:
    for _, _, activity in played(extra):
        late = (activity.filed_at - activity.ordered_at) / DAY
        assert late.min() >= days - 0.01
        assert late.max() <= days + 2.01


def test_partial_claims_are_about_half_of_what_was_ordered_in_step() -> None:
    claimed, ordered = 0, 0
    for _, _, activity in played(ExtraPattern.PARTIAL_CLAIMS):
        claimed += len(claims_of(activity))
        ordered += len(activity)
        for merchant in np.unique(activity.merchant):
            assert np.ptp(activity.ordered_at[activity.merchant == merchant]) <= 36 * HOUR
    assert claimed / ordered == pytest.approx(0.55, abs=0.06)


def test_a_crowd_is_two_hundred_people_each_in_a_tenth_of_thirty_hits_that_take_days() -> None:
    for scene, group, activity in played(ExtraPattern.CROWD):
        assert len(group.members) == 200
        hits = hits_of(activity)
        assert len(hits) == 30
        spans = [np.ptp([at for _, at in claims]) / DAY for claims in hits.values()]
        assert 1.5 < np.median(spans) < 7.0
        assert max(spans) <= 7.0
        assert len(activity) / (30 * 200) == pytest.approx(0.1, abs=0.012)
        for kind in IdentifierKind:
            used = scene.belongings.possessions[kind].used(group.members, np.zeros(200, dtype=np.int64))
            assert len(set(used.tolist())) == 200


def test_the_two_accounts_of_a_member_claim_two_to_six_days_apart() -> None:
    shared = 0
    rings = played(ExtraPattern.TWO_ACCOUNTS)
    for scene, group, activity in rings:
        people = len(group.members) // 2
        for claims in hits_of(activity).values():
            at = dict(claims)
            for first, second in zip(group.members[:people], group.members[people:], strict=True):
                assert (first in at) == (second in at)
                if first in at:
                    assert 2 * DAY - 1 <= abs(at[first] - at[second]) <= 6 * DAY
        devices = scene.belongings.possessions[IdentifierKind.DEVICE].first[group.members]
        shared += int((devices[:people] == devices[people:]).sum())
    assert shared / sum(len(group.members) // 2 for _, group, _ in rings) == pytest.approx(0.5, abs=0.25)


@pytest.mark.parametrize("extra", list(WAVES))
def test_waves_strike_one_merchant_at_least_five_days_apart(extra: ExtraPattern) -> None:
    for _, group, activity in played(extra):
        assert len(set(activity.merchant.tolist())) == 1
        at = np.sort(activity.filed_at)
        waves = np.split(at, np.flatnonzero(np.diff(at) > 3 * DAY) + 1)
        assert len(waves) == WAVES[extra]
        assert all(np.ptp(wave) <= 36 * HOUR for wave in waves)
        assert len(activity) > 0.5 * WAVES[extra] * len(group.members)


def test_a_ring_of_two_countries_has_half_its_members_and_shops_in_each() -> None:
    for scene, group, activity in played(ExtraPattern.TWO_COUNTRIES):
        country = scene.population.country[group.members]
        half = len(group.members) // 2
        assert len(set(country[:half].tolist())) == len(set(country[half:].tolist())) == 1
        assert country[0] != country[-1]
        doors = scene.belongings.addresses.first[group.members]
        assert (scene.belongings.doors.country[doors] == country).all()
        assert len(set(scene.merchants.country[activity.merchant].tolist())) >= 2


def test_half_a_year_holds_a_hit_every_two_or_three_weeks() -> None:
    for _, _, activity in played(ExtraPattern.HALF_YEAR):
        starts = np.sort([min(at for _, at in claims) for claims in hits_of(activity).values()]) / DAY
        assert 8 <= len(starts) <= 14
        assert 110 <= np.ptp(starts) <= 190
        assert np.diff(starts).min() > 9


def test_members_rotate_so_that_nobody_is_in_half_of_the_hits() -> None:
    for _, group, activity in played(ExtraPattern.ROTATING_MEMBERS):
        starts = {merchant: min(at for _, at in claims) for merchant, claims in hits_of(activity).items()}
        order = sorted(starts, key=lambda merchant: starts[merchant])
        for member in group.members:
            joined = [order.index(merchant) for merchant in activity.merchant[activity.buyer == member]]
            assert len(joined) <= 7
            assert max(joined, default=0) - min(joined, default=0) <= 7


def test_followers_claim_one_to_five_days_after_their_leader() -> None:
    for _, group, activity in played(ExtraPattern.LEADER_FOLLOWERS):
        leader = int(group.members[0])
        for claims in hits_of(activity).values():
            at = dict(claims)
            followers = [when for buyer, when in claims if buyer != leader]
            assert all(DAY <= when - at[leader] <= 5 * DAY + 36 * HOUR for when in followers)
