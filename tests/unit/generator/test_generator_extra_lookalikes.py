"""What the honest people of each extra look-alike do, and why it looks like a ring."""

import numpy as np
import pytest

from ringfence.generator import ExtraLookalike, GeneratorOptions
from ringfence.generator.activity import NONE, NOT_RECEIVED, Activity, join_activities, select
from ringfence.generator.extras.adding import PLAYS, live_extra, set_scene
from ringfence.generator.extras.casting import deal_groups
from ringfence.generator.extras.scene import Scene
from ringfence.generator.groups import Group
from ringfence.generator.options import stream
from ringfence.generator.seasons import DAY, HOUR

OPTIONS = GeneratorOptions(buyers=20_000)


def played(extra: ExtraLookalike) -> list[tuple[Scene, Group, Activity]]:
    """What each group of an extra does together, apart from its ordinary life."""
    scene, groups = set_scene(extra, OPTIONS)
    return [(scene, group, join_activities(PLAYS[extra](scene, group))) for group in groups]


def claims_of(activity: Activity) -> Activity:
    return select(activity, activity.filed_at != NONE)


@pytest.mark.parametrize("extra", sorted(set(ExtraLookalike) - {ExtraLookalike.RESELLER}))
def test_honest_claims_are_no_scheme_and_follow_their_delivery(extra: ExtraLookalike) -> None:
    for _, _, activity in played(extra):
        claims = claims_of(activity)
        assert not claims.is_scheme.any()
        assert (claims.ordered_at < claims.filed_at).all()
        arrived = claims.delivered_at != NONE
        assert (claims.ordered_at[arrived] < claims.delivered_at[arrived]).all()
        assert (claims.delivered_at[arrived] < claims.filed_at[arrived]).all()


@pytest.mark.parametrize(
    ("extra", "hours"),
    [(ExtraLookalike.LOST_SHIPMENT, 5), (ExtraLookalike.LOST_SHIPMENT_SCATTERED, 120)],
)
def test_every_claim_of_a_lost_shipment_falls_on_one_evening_or_is_scattered_over_days(
    extra: ExtraLookalike, hours: int
) -> None:
    spreads = []
    for _, group, activity in played(extra):
        claims = claims_of(activity)
        spreads.append(np.ptp(claims.filed_at) / HOUR)
        assert (claims.reason == NOT_RECEIVED).all()
        assert np.ptp(claims.ordered_at) < 4 * HOUR
        assert (claims.filed_at - claims.ordered_at).min() > 8 * DAY
        assert len(set(claims.merchant.tolist())) >= 3
        assert set(claims.buyer.tolist()) == set(group.members.tolist())
    assert max(spreads) <= hours
    if extra is ExtraLookalike.LOST_SHIPMENT_SCATTERED:
        assert min(spreads) > 24


def test_half_of_the_lost_shipments_went_to_one_address() -> None:
    alike = []
    for scene, group, _ in played(ExtraLookalike.LOST_SHIPMENT):
        alike.append(len(set(scene.belongings.addresses.first[group.members].tolist())) == 1)
    assert sum(alike) * 2 == len(alike)


def test_a_lost_van_hits_strangers_of_one_town_and_many_shops_in_one_week() -> None:
    for scene, group, activity in played(ExtraLookalike.LOST_VAN):
        doors = scene.belongings.addresses.first[group.members]
        assert len(set(doors.tolist())) == len(group.members) >= 40
        assert len(set(scene.belongings.doors.place[doors].tolist())) == 1
        assert len(set(scene.population.country[group.members].tolist())) == 1
        assert len(set(activity.merchant.tolist())) > 15
        assert np.bincount(activity.buyer).max() <= 2
        assert np.ptp(activity.ordered_at) <= 5 * DAY
        assert (activity.reason[activity.filed_at != NONE] == NOT_RECEIVED).all()


@pytest.mark.parametrize(
    ("extra", "faulty"), [(ExtraLookalike.DEAL_CLUB_15, 0.15), (ExtraLookalike.DEAL_CLUB_40, 0.4)]
)
def test_a_deal_is_faulty_for_everybody_who_ordered_it_or_for_nobody(
    extra: ExtraLookalike, faulty: float
) -> None:
    shares = []
    for _, _, activity in played(extra):
        deals = np.split(
            np.argsort(activity.ordered_at),
            np.flatnonzero(np.diff(np.sort(activity.ordered_at)) > 6 * HOUR) + 1,
        )
        for deal in deals:
            if len(set(activity.merchant[deal].tolist())) > 1 or len(deal) < 4:
                continue  # two deals at once, or too few to tell
            shares.append((activity.filed_at[deal] != NONE).mean())
            assert np.ptp(activity.ordered_at[deal]) <= 12 * HOUR
    assert all(share == 0.0 or share >= 0.4 for share in shares)
    assert np.mean(np.array(shares) > 0) == pytest.approx(faulty, abs=0.08)


def test_households_lose_whole_joint_parcels_and_all_claim_within_two_days() -> None:
    lost = []
    for scene, group, activity in played(ExtraLookalike.JOINT_PARCELS):
        assert len(set(scene.belongings.addresses.first[group.members].tolist())) == 1
        assert set(activity.reason[activity.filed_at != NONE].tolist()) <= {NOT_RECEIVED}
        for merchant in np.unique(activity.merchant):
            here = np.flatnonzero(activity.merchant == merchant)
            here = here[np.argsort(activity.ordered_at[here])]
            ordered_at = activity.ordered_at[here]
            for parcel in np.split(here, np.flatnonzero(np.diff(ordered_at) > HOUR) + 1):
                filed_at = activity.filed_at[parcel]
                claimed = filed_at[filed_at != NONE]
                lost.append(len(claimed) > 0)
                assert len(claimed) in {0, len(parcel)} or len(claimed) >= 0.5 * len(parcel)
                assert len(claimed) == 0 or np.ptp(claimed) <= 2 * DAY
    assert np.mean(lost) == pytest.approx(0.15, abs=0.04)


def test_subscribers_get_the_same_boxes_every_month_and_most_boxes_are_fine() -> None:
    for _, group, activity in played(ExtraLookalike.SUBSCRIPTION_BOX):
        assert len(set(activity.merchant.tolist())) == 2
        box = activity.merchant[np.argmax(np.bincount(activity.merchant)[activity.merchant])]
        orders = activity.ordered_at[activity.merchant == box]
        months = np.unique(orders // DAY)
        assert 12 <= len(months) <= 13
        assert len(orders) == len(months) * len(group.members)
        assert (activity.filed_at != NONE).mean() < 0.15


def test_a_viral_post_makes_strangers_claim_once_or_twice_against_four_shops_within_days() -> None:
    for scene, group, activity in played(ExtraLookalike.VIRAL_POST):
        assert len(group.members) == 300
        assert len(set(activity.merchant.tolist())) == 4
        assert np.bincount(activity.buyer, minlength=len(scene.population))[group.members].max() == 2
        assert np.ptp(activity.filed_at) <= 9 * DAY
        # they complain of what they had bought anyway
        assert np.ptp(activity.ordered_at) >= 20 * DAY


def test_viral_posts_reach_more_people_in_a_larger_marketplace() -> None:
    sizes = [
        [len(group.members) for group in deal_groups(ExtraLookalike.VIRAL_POST, buyers, stream(1, "groups"))]
        for buyers in (20_000, 200_000)
    ]
    assert sizes == [[300, 300], [3_000, 3_000]]


def test_a_reseller_is_one_buyer_with_hundreds_of_orders_at_many_shops() -> None:
    world, activity = live_extra(ExtraLookalike.RESELLER, OPTIONS)
    for group in world.groups:
        (buyer,) = group.members
        mine = select(activity, activity.buyer == buyer)
        assert len(mine) >= 250
        assert len(set(mine.merchant.tolist())) >= 40
        assert len(claims_of(mine)) > 40


def test_a_small_office_has_one_address_and_a_few_shops() -> None:
    for scene, group, activity in played(ExtraLookalike.SMALL_OFFICE):
        assert 5 <= len(group.members) <= 15
        assert len(set(scene.belongings.addresses.first[group.members].tolist())) == 1
        assert len(set(activity.merchant.tolist())) <= 6
        assert len(claims_of(activity)) < 0.15 * len(activity)
