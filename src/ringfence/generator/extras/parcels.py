"""Honest people whose parcels went astray together: lost shipments, a lost van, households' joint parcels."""

import numpy as np

from ringfence.domain.identifiers import IdentifierKind
from ringfence.generator.activity import NONE, NOT_RECEIVED, Activity, Ints, Longs
from ringfence.generator.extras.scene import (
    Scene,
    clock_of,
    days_after,
    draw_distinct_shops,
    draw_shops,
    some_claimed,
)
from ringfence.generator.groups import Group
from ringfence.generator.population import LIKED
from ringfence.generator.seasons import DAY, HOUR

_EVENING = 18.0
"""Hour at which the people of a lost shipment sit down to claim."""
_CLAIMS_FOR_LOST = 0.95
"""Share of lost orders that somebody claims for."""
_LOST_JOINT_PARCEL = 0.15
"""Share of a household's joint parcels that never come."""


def _lost(buyer: Ints, merchant: Ints, ordered_at: Longs, filed_at: Longs, scene: Scene) -> Activity:
    """Return orders that never came, nearly all of them claimed."""
    count = len(buyer)
    claims = scene.plans.random(count) < _CLAIMS_FOR_LOST
    return some_claimed(
        buyer,
        merchant,
        ordered_at,
        np.full(count, NONE, dtype=np.int64),
        filed_at,
        np.full(count, NOT_RECEIVED, dtype=np.int32),
        claims,
    )


def lose_a_shipment(scene: Scene, group: Group, *, is_scattered: bool) -> list[Activity]:
    """Return a bundle from three to six shops, ordered on one evening, and the claims when it never came.

    They claim on one evening, or scattered over two to five days. Every other group shares an address.
    """
    chance, members = scene.plans, group.members
    if group.number % 2 == 0:
        scene.belongings.addresses.share(members)
    country = int(scene.population.country[members[0]])
    shops = draw_distinct_shops(scene, int(chance.integers(3, 7)), country)
    member, shop = np.nonzero(chance.random((len(members), len(shops))) < 0.85)
    day = int(chance.integers(5, scene.options.days - 35))
    evening = int((_EVENING - scene.population.utc_offset(members[:1])[0]) * HOUR)
    checkout = day * DAY + evening + chance.integers(0, 3 * HOUR, len(members))
    ordered_at = checkout[member] + chance.integers(0, 600, len(member))
    waited = int(chance.integers(9, 21))
    hours = chance.uniform(48.0, 120.0) if is_scattered else 5.0
    filed_at = (day + waited) * DAY + evening + (chance.random(len(member)) * hours * HOUR).astype(np.int64)
    return [_lost(members[member], shops[shop], ordered_at, filed_at, scene)]


def lose_a_van(scene: Scene, group: Group) -> list[Activity]:
    """Return strangers' orders from many shops that one van of one town lost, claimed in the next days."""
    chance, members = scene.plans, group.members
    doors = scene.belongings.addresses.first[members]
    scene.belongings.doors.place[doors] = scene.belongings.doors.place[doors[0]]
    scene.belongings.addresses.keep(members)
    buyer = np.repeat(members, 1 + (chance.random(len(members)) < 0.2))
    count = len(buyer)
    liked = scene.population.liked[buyer, chance.integers(0, LIKED, count)]
    shops = scene.merchants.draw(liked, scene.population.country[buyer], chance)
    day = int(chance.integers(10, scene.options.days - 25))
    ordered_at = days_after(np.full(count, day * DAY), -chance.uniform(1.0, 6.0, count))
    patience = 3 + np.minimum(chance.gamma(2.0, 1.2, count), 14.0).astype(np.int64)
    filed_at = (day + patience) * DAY + clock_of(scene, buyer)
    return [_lost(buyer, shops, ordered_at, filed_at, scene)]


def lose_joint_parcels(scene: Scene, group: Group) -> list[Activity]:
    """Return a household's joint orders of the year, some parcels lost and claimed by all within two days."""
    chance, members = scene.plans, group.members
    scene.belongings.addresses.share(members)
    for kind, likely in ((IdentifierKind.PAYMENT, 0.6), (IdentifierKind.DEVICE, 0.3)):
        if chance.random() < likely:
            scene.belongings.possessions[kind].share(members)
    scene.population.orders_expected[members] *= 0.6  # the rest they order together
    parcels = int(chance.poisson(24.0))
    shops = draw_shops(scene, parcels, int(scene.population.country[members[0]]))
    parcel, member = np.nonzero(chance.random((parcels, len(members))) < 0.8)
    day = chance.integers(0, scene.options.days, parcels)
    begins = day * DAY + clock_of(scene, np.full(parcels, members[0], dtype=np.int32))
    ordered_at = begins[parcel] + chance.integers(0, HOUR, len(parcel))
    is_lost = chance.random(parcels) < _LOST_JOINT_PARCEL
    missed = day + 8 + chance.gamma(2.0, 2.0, parcels).astype(np.int64)
    filed_at = missed[parcel] * DAY + chance.integers(0, 2 * DAY, len(parcel))
    lost, came = is_lost[parcel], ~is_lost[parcel]
    buyer, shop = members[member], shops[parcel]
    return [
        _lost(buyer[lost], shop[lost], ordered_at[lost], filed_at[lost], scene),
        some_claimed(
            buyer[came],
            shop[came],
            ordered_at[came],
            filed_at[came],
            filed_at[came],
            np.full(int(came.sum()), NONE, dtype=np.int32),
            np.zeros(int(came.sum()), dtype=np.bool_),
        ),
    ]
