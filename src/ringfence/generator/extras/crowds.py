"""Honest people who follow the same offers, boxes, posts or customs; and one who buys for many."""

import numpy as np

from ringfence.domain.claims import ClaimReason
from ringfence.domain.identifiers import IdentifierKind
from ringfence.generator.activity import NONE, NOT_RECEIVED, REASONS, Activity
from ringfence.generator.extras.scene import (
    Scene,
    clock_of,
    days_after,
    draw_distinct_shops,
    draw_shops,
    some_claimed,
)
from ringfence.generator.groups import Group
from ringfence.generator.lookalikes import outings
from ringfence.generator.population import FAVOURITES
from ringfence.generator.seasons import DAY, HOUR

_DAMAGED = REASONS.index(ClaimReason.DAMAGED)
_DESCRIBED = REASONS.index(ClaimReason.NOT_AS_DESCRIBED)
_QUALITY = REASONS.index(ClaimReason.QUALITY)


def buy_deals(scene: Scene, group: Group, *, faulty: float) -> list[Activity]:
    """Return the deals of a year: each member takes half of them, within six hours, and a share is `faulty`.

    Nearly all who bought a faulty deal claim, each some days after the own parcel came.
    """
    chance, members = scene.plans, group.members
    deals = int(chance.poisson(36.0))
    shops = draw_shops(scene, deals, int(scene.population.country[members[0]]))
    posted = chance.integers(0, scene.options.days, deals) * DAY + clock_of(
        scene, np.full(deals, members[0], dtype=np.int32)
    )
    reason = chance.choice([_DAMAGED, _DESCRIBED, _QUALITY], size=deals)
    is_faulty = chance.random(deals) < faulty
    deal, member = np.nonzero(chance.random((deals, len(members))) < 0.5)
    count = len(deal)
    ordered_at = posted[deal] + chance.integers(0, 6 * HOUR, count)
    delivered_at = days_after(ordered_at, 0.5 + chance.gamma(6.0, 0.6, count))
    filed_at = days_after(delivered_at, 0.05 + chance.gamma(1.5, 1.0, count))
    claims = is_faulty[deal] & (chance.random(count) < 0.9)
    buyer, shop = members[member], shops[deal]
    return [some_claimed(buyer, shop, ordered_at, delivered_at, filed_at, reason[deal], claims)]


def open_boxes(scene: Scene, group: Group) -> list[Activity]:
    """Return monthly boxes: one that all members get, one that a third gets too; one in eight is bad.

    A third of those who got a bad box complain within the week.
    """
    chance, members = scene.plans, group.members
    shops = draw_distinct_shops(scene, 2, int(scene.population.country[members[0]]))
    parts = []
    for shop, share in zip(shops, (1.0, 0.35), strict=True):
        subscribers = members[chance.random(len(members)) < share]
        begins = np.arange(int(chance.integers(0, 28)), scene.options.days, 30) * DAY
        is_bad = chance.random(len(begins)) < 0.125
        box = np.repeat(np.arange(len(begins)), len(subscribers))
        count = len(box)
        # renewals run at night, parcels come by one carrier
        ordered_at = begins[box] + chance.integers(0, 2 * HOUR, count)
        delivered_at = days_after(ordered_at, 2.0 + chance.gamma(4.0, 0.3, count))
        filed_at = days_after(delivered_at, 0.02 + np.minimum(chance.exponential(1.5, count), 7.0))
        reason = chance.choice([_DAMAGED, _DESCRIBED, _QUALITY], size=len(begins))
        claims = is_bad[box] & (chance.random(count) < 0.33)
        parts.append(
            some_claimed(
                np.tile(subscribers, len(begins)),
                np.full(count, shop),
                ordered_at,
                delivered_at,
                filed_at,
                reason[box],
                claims,
            )
        )
    return parts


def believe_a_post(scene: Scene, group: Group) -> list[Activity]:
    """Return claims of strangers who read that a few shops refund without asking.

    Each claims for an order made weeks before, within six days of the post, some against two of the shops.
    """
    chance, members = scene.plans, group.members
    shops = chance.choice(len(scene.merchants), size=4, replace=False, p=scene.merchants.popularity)
    first = chance.integers(0, len(shops), len(members))
    second = (first + chance.integers(1, len(shops), len(members))) % len(shops)
    twice = chance.random(len(members)) < 0.3
    buyer = np.concatenate([members, members[twice]])
    shop = shops[np.concatenate([first, second[twice]])]
    count = len(buyer)
    posted = int(chance.integers(60, scene.options.days - 12))
    filed_at = (posted + np.minimum(chance.exponential(1.5, count), 6.0).astype(np.int64)) * DAY
    filed_at = filed_at + DAY + clock_of(scene, buyer)
    ordered_at = days_after(np.full(count, posted * DAY), -chance.uniform(10.0, 45.0, count))
    delivered_at = days_after(ordered_at, 1.0 + np.minimum(chance.gamma(3.0, 1.2, count), 8.0))
    reason = np.where(chance.random(count) < 0.5, NOT_RECEIVED, _QUALITY)
    arrived = np.where(reason == NOT_RECEIVED, NONE, delivered_at)
    return [some_claimed(buyer, shop, ordered_at, arrived, filed_at, reason, np.ones(count, dtype=np.bool_))]


def resell(scene: Scene, group: Group) -> list[Activity]:
    """Write a reseller's life: hundreds of ordinary orders at any shop, all year, and claims to match."""
    members, people = group.members, scene.population
    people.orders_expected[members] = scene.plans.uniform(300.0, 700.0, len(members))
    people.loyalty[members] = 0.2
    people.claim_factor[members] = 1.0
    people.active_from[members], people.active_until[members] = 0.0, float(scene.options.days)
    return []


def work_together(scene: Scene, group: Group) -> list[Activity]:
    """Return a small office's joint lunches and supplies at six shops, a few of which go sour."""
    chance, members, people = scene.plans, group.members, scene.population
    scene.belongings.addresses.share(members)
    if chance.random() < 0.3:
        scene.belongings.possessions[IdentifierKind.PAYMENT].share(members)
    shops = draw_shops(scene, FAVOURITES, int(people.country[members[0]]))
    people.favourites[members, :3] = chance.choice(shops, size=(len(members), 3))
    trips = chance.choice(shops, size=int(chance.poisson(30.0)))
    sour = min(int(chance.poisson(0.6)), 2, len(trips))
    return outings(members, trips, 0.35, 3.0, sour, 0.4, people, scene.calendar, chance)
