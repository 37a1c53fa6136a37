"""Honest people who look like a ring: what they share, and when they happen to act together."""

from collections.abc import Sequence

import numpy as np

from ringfence.domain.claims import ClaimReason
from ringfence.domain.identifiers import IdentifierKind
from ringfence.generator.activity import REASONS, Activity, Ints, Longs, claimed_orders, plain_orders
from ringfence.generator.belongings import Belongings
from ringfence.generator.groups import Group, Lookalike
from ringfence.generator.merchants import CATEGORIES, Merchants
from ringfence.generator.population import FAVOURITES, LIKED, Population
from ringfence.generator.seasons import DAY, HOUR, Calendar, draw_clock

_FOOD = next(place for place, category in enumerate(CATEGORIES) if category[0] == "food")
_DISAPPOINTED = tuple(
    REASONS.index(reason)
    for reason in (ClaimReason.DAMAGED, ClaimReason.NOT_AS_DESCRIBED, ClaimReason.QUALITY)
)
_NEARBY = 12
"""Shops that neighbours have heard of from each other."""
_BATCH_DAYS = 7.0
"""A faulty batch is claimed within this time."""

LIVE_IN_ONE_COUNTRY = frozenset(
    {
        Lookalike.FAMILY,
        Lookalike.STUDENT_HOUSING,
        Lookalike.OFFICE,
        Lookalike.PARCEL_LOCKER,
        Lookalike.SAME_TASTE,
    }
)
"""Look-alikes whose members are neighbours."""


def share_innocently(group: Group, belongings: Belongings, chance: np.random.Generator) -> None:
    """Write into `belongings` what the members of a look-alike have in common."""
    members, addresses = group.members, belongings.addresses
    match group.kind:
        case Lookalike.FAMILY:
            addresses.share(members)
            for kind, likely in (
                (IdentifierKind.PAYMENT, 0.7),
                (IdentifierKind.DEVICE, 0.3),
                (IdentifierKind.PHONE, 0.15),
            ):
                if chance.random() < likely:
                    belongings.possessions[kind].share(members)
        case Lookalike.STUDENT_HOUSING:
            if chance.random() < 0.5:
                addresses.share(members)
            else:
                _live_in_rooms(members, belongings, chance)
        case Lookalike.OFFICE:
            addresses.share(members)
        case Lookalike.PARCEL_LOCKER:
            addresses.share(members)
            belongings.doors.house_together(addresses.first[members], units=None)
            belongings.spellings[members] = 0
        case Lookalike.FREIGHT_FORWARDER:
            _live_in_rooms(members, belongings, chance)
        case _:
            pass


def _live_in_rooms(members: Ints, belongings: Belongings, chance: np.random.Generator) -> None:
    """One building, a number of their own for everybody."""
    belongings.addresses.keep(members)
    rooms = 1 + chance.permutation(max(1000, 2 * len(members)))[: len(members)]
    belongings.doors.house_together(belongings.addresses.first[members], units=rooms.astype(np.int32))


def share_tastes(
    group: Group, population: Population, merchants: Merchants, chance: np.random.Generator
) -> None:
    """Write into `population` which shops the members of a look-alike all like."""
    members = group.members
    match group.kind:
        case Lookalike.FAMILY:
            population.favourites[members, :2] = population.favourites[members[0], :2]
            population.orders_expected[members] *= 0.6  # the rest they order together
        case Lookalike.STUDENT_HOUSING | Lookalike.OFFICE:
            shops = _known_shops(int(population.country[members[0]]), merchants, chance)
            population.favourites[members, :3] = chance.choice(shops, size=(len(members), 3))
        case Lookalike.SAME_TASTE:
            niche = np.argsort(merchants.popularity, kind="stable")[: len(merchants) // 2]
            population.favourites[members] = chance.choice(niche, size=FAVOURITES, replace=False)
            population.loyalty[members] = 0.75
            mean = float(population.orders_expected.mean())
            population.orders_expected[members] = np.maximum(population.orders_expected[members], mean)
        case _:
            pass


def _known_shops(country: int, merchants: Merchants, chance: np.random.Generator) -> Ints:
    """Draw the shops that neighbours have heard of from each other, mostly popular ones, of any category."""
    shares = np.array([share for _, share, _, _ in CATEGORIES])
    category = chance.choice(len(CATEGORIES), size=_NEARBY, p=shares).astype(np.int32)
    return merchants.draw(category, np.full(_NEARBY, country, dtype=np.int32), chance)


def _shops_of(buyer: Ints, population: Population, merchants: Merchants, chance: np.random.Generator) -> Ints:
    """Draw a shop of a category that each buyer likes."""
    nth = chance.integers(0, LIKED, len(buyer))
    return merchants.draw(population.liked[buyer, nth], population.country[buyer], chance)


def act_together(
    groups: Sequence[Group],
    population: Population,
    merchants: Merchants,
    calendar: Calendar,
    chance: np.random.Generator,
) -> list[Activity]:
    """Return what groups do at the same time: family shopping, office lunches, moving in, faulty batches.

    Some of these orders are claimed by several at once already; of the others any may still be complained of.
    """
    activities = []
    for group in groups:
        members = group.members
        favourites = population.favourites[members[0]]
        match group.kind:
            case Lookalike.FAMILY:
                trips = int(chance.poisson(18.0))
                usual, others = chance.choice(favourites, size=trips), np.full(trips, members[0])
                elsewhere = _shops_of(others, population, merchants, chance)
                shops = np.where(chance.random(trips) < 0.5, usual, elsewhere)
                sour = min(int(chance.poisson(0.25)), 2)
                activities += outings(members, shops, 0.7, 20.0, sour, 0.5, population, calendar, chance)
            case Lookalike.STUDENT_HOUSING:
                known = _known_shops(int(population.country[members[0]]), merchants, chance)
                shops = chance.choice(known, size=int(chance.poisson(20.0)))
                activities += outings(members, shops, 0.06, 96.0, 0, 0.0, population, calendar, chance)
            case Lookalike.OFFICE:
                canteens = merchants.draw(
                    np.full(8, _FOOD, dtype=np.int32), np.full(8, population.country[members[0]]), chance
                )
                shops = chance.choice(canteens, size=int(chance.poisson(45.0)))
                sour = int(chance.random() < 0.3)
                activities += outings(members, shops, 0.15, 3.0, sour, 0.4, population, calendar, chance)
            case _:
                pass
    batches = [group for group in groups if group.kind == Lookalike.FAULTY_BATCH]
    return [*activities, *_batches(batches, population, merchants, calendar, chance)]


def outings(
    members: Ints,
    shops: Ints,
    share: float,
    spread_hours: float,
    sour: int,
    anger: float,
    population: Population,
    calendar: Calendar,
    chance: np.random.Generator,
) -> list[Activity]:
    """Return joint orders, one outing for each of `shops`, of which the first `sour` end in joint claims.

    Each member takes part with chance `share`, orders within `spread_hours` of the others, and claims with
    chance `anger` where the outing goes sour.
    """
    count = len(shops)
    window = np.zeros(count), np.full(count, float(calendar.days))
    head = np.full(count, members[0])
    clock = draw_clock(population.utc_offset(head), population.chronotype[head], chance)
    begins: Longs = calendar.draw_days(*window, chance) * DAY + clock
    outing, member = np.nonzero(chance.random((count, len(members))) < share)
    at = (begins[outing] + chance.random(len(outing)) * spread_hours * HOUR).astype(np.int64) % calendar.end
    buyer, shop = members[member], shops[outing]
    complains = (outing < sour) & (chance.random(len(outing)) < anger)
    filed_at = begins + (chance.gamma(4.0, 2.0, count) * DAY).astype(np.int64) + DAY
    reason = chance.choice(_DISAPPOINTED, size=count).astype(np.int32)
    angry = outing[complains]
    return [
        plain_orders(buyer[~complains], shop[~complains], at[~complains]),
        claimed_orders(
            buyer[complains],
            shop[complains],
            filed_at[angry] + (chance.random(len(angry)) * DAY).astype(np.int64),
            reason[angry],
            chance,
            is_scheme=False,
        ),
    ]


def _batches(
    groups: Sequence[Group],
    population: Population,
    merchants: Merchants,
    calendar: Calendar,
    chance: np.random.Generator,
) -> list[Activity]:
    """Return the claims of strangers whom one shop sold one faulty batch.

    Some shops have a second batch later; some batches were sold by two shops, and a few bought at both.
    """
    activities = []
    shop, start = 0, 0.0
    victims = np.empty(0, dtype=np.int32)
    for group in groups:
        fate = chance.random()
        sold_twice = len(victims) > 0 and fate < 0.2
        if not (len(victims) > 0 and 0.2 <= fate < 0.4):  # else the shop of the batch before has another
            shop = int(chance.choice(len(merchants), p=merchants.popularity))
        if not sold_twice:
            start = chance.uniform(20.0, calendar.days - _BATCH_DAYS - 2.0)
        buyer = group.members
        if sold_twice:
            buyer = np.concatenate([buyer, victims[: max(1, len(victims) // 16)]])
        victims = group.members
        day = np.floor(start + np.minimum(chance.exponential(2.2, len(buyer)), _BATCH_DAYS - 1.0)).astype(
            np.int64
        )
        clock = draw_clock(population.utc_offset(buyer), population.chronotype[buyer], chance)
        reason = chance.choice(_DISAPPOINTED, size=len(buyer)).astype(np.int32)
        sold = np.full(len(buyer), shop, dtype=np.int32)
        activities.append(claimed_orders(buyer, sold, day * DAY + clock, reason, chance, is_scheme=False))
    return activities
