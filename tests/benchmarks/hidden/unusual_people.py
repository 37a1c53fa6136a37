"""Honest buyers who act together in unusual ways: lost bundles and containers, clubs, boxes, posts.

Written apart from the product's generator, with other distributions.
"""

from collections.abc import Callable

import numpy as np

from hidden.addresses import write_building
from hidden.draft import Draft
from hidden.shopping import Deals, Floats, Ints, choose_merchants, unclaimed


def add_unusual_people(rng: np.random.Generator, draft: Draft) -> None:
    """Every kind, one group for each 4,000 buyers and three at least, while enough buyers are free."""
    groups = max(3, draft.world.profile.buyers // 4_000)
    for add, own in zip(KINDS, rng.spawn(len(KINDS)), strict=True):
        for _ in range(groups):
            if len(draft.free) > 0.1 * draft.world.profile.buyers:
                add(own, draft)


def _settle(draft: Draft, buyer: Ints, merchant: Ints, ordered: Floats, filed: Floats) -> None:
    """Keep what lies inside the history; claims after its end are not filed yet."""
    days = draft.world.profile.days
    inside = (ordered >= 0) & (ordered < days)
    filed = np.where(filed < days, filed, np.nan)
    draft.claimed.append(Deals(buyer[inside], merchant[inside], ordered[inside], filed[inside]))


def lose_a_bundle(rng: np.random.Generator, draft: Draft) -> None:
    """A bundle from two to nine merchants in one lost shipment: claimed at once, or over some days."""
    friends = draft.take(2 + int(rng.poisson(2.0)), "lost bundle")
    if rng.random() < 0.4:
        draft.address[friends] = draft.address[friends[0]]
    shops = rng.permutation(draft.world.profile.merchants)[: int(rng.integers(2, 10))]
    buyer, shop = np.repeat(friends, len(shops)), np.tile(shops, len(friends))
    ordered_day = rng.uniform(0.0, max(1.0, draft.world.profile.days - 16.0))
    hours = rng.choice([1.0, 3.0, 60.0, 130.0])
    filed = ordered_day + rng.uniform(6.0, 14.0) + rng.random(len(buyer)) * hours / 24.0
    _settle(draft, buyer, shop, ordered_day + rng.exponential(0.05, len(buyer)), filed)


def lose_a_container(rng: np.random.Generator, draft: Draft) -> None:
    """Thirty to 120 strangers of one region lose a parcel each, from any merchant, on one day."""
    people, profile = draft.world.people, draft.world.profile
    strangers = draft.take(min(int(rng.integers(30, 121)), profile.buyers // 40), "lost container")
    people.region[strangers] = people.region[strangers[0]]
    merchant = choose_merchants(rng, draft.world, strangers)
    lost_on = rng.uniform(8.0, max(9.0, profile.days - 10.0))
    ordered = lost_on - rng.gamma(2.0, 2.0, len(strangers))
    filed = lost_on + 1.0 + rng.lognormal(np.log(4.0), 0.5, len(strangers))
    filed = np.where(rng.random(len(strangers)) < rng.uniform(0.6, 0.95), filed, np.nan)
    _settle(draft, strangers, merchant, ordered, filed)


def follow_deals(rng: np.random.Generator, draft: Draft) -> None:
    """Five to twenty-five people of unequal zeal buy the same deals; 10 to 40 % of them are faulty."""
    profile = draft.world.profile
    club = draft.take(int(rng.integers(5, 26)), "deal club")
    deals = 3 + int(rng.poisson(profile.days / 8.0))
    shops, posted = rng.integers(0, profile.merchants, deals), rng.uniform(0, profile.days, deals)
    is_faulty = rng.random(deals) < rng.uniform(0.1, 0.4)
    deal, who = np.nonzero(rng.random((deals, len(club))) < rng.beta(2.0, 3.0, len(club)))
    ordered = posted[deal] + rng.exponential(0.1, len(deal))
    filed = ordered + rng.lognormal(np.log(6.0), 0.4, len(deal))
    complains = is_faulty[deal] & (rng.random(len(deal)) < 0.85)
    _settle(draft, club[who], shops[deal], ordered, np.where(complains, filed, np.nan))


def lose_joint_parcels(rng: np.random.Generator, draft: Draft) -> None:
    """A household of two to five who order in one basket; up to a quarter of the parcels never come."""
    profile = draft.world.profile
    home = draft.take(int(rng.integers(2, 6)), "joint parcels")
    draft.address[home] = draft.address[home[0]]
    baskets = 1 + int(rng.poisson(profile.days / 20.0))
    shops = choose_merchants(rng, draft.world, np.repeat(home[0], baskets))
    begins = rng.uniform(0, profile.days, baskets)
    is_lost = rng.random(baskets) < rng.uniform(0.05, 0.25)
    missed = begins + 7.0 + rng.exponential(4.0, baskets)
    basket, who = np.nonzero(rng.random((baskets, len(home))) < 0.9)
    filed = missed[basket] + rng.exponential(0.5, len(basket))
    ordered = begins[basket] + rng.random(len(basket)) * 0.014
    _settle(draft, home[who], shops[basket], ordered, np.where(is_lost[basket], filed, np.nan))


def get_boxes(rng: np.random.Generator, draft: Draft) -> None:
    """Subscribers of one to three monthly boxes; one in ten boxes makes many of them claim."""
    profile = draft.world.profile
    fans = draft.take(min(int(rng.integers(15, 90)), profile.buyers // 40), "subscription box")
    for shop in rng.integers(0, profile.merchants, int(rng.integers(1, 4))):
        sent = np.arange(rng.uniform(0.0, 28.0), profile.days, rng.uniform(28.0, 31.0))
        anger = np.where(rng.random(len(sent)) < 0.1, rng.uniform(0.1, 0.6, len(sent)), 0.0)
        box, who = np.nonzero(rng.random((len(sent), len(fans))) < rng.uniform(0.5, 1.0))
        ordered = sent[box] + rng.random(len(box)) * 0.02
        filed = ordered + 2.0 + rng.gamma(2.0, 1.5, len(box))
        complains = rng.random(len(box)) < anger[box]
        buyers, shops = fans[who], np.full(len(box), shop)
        _settle(draft, buyers, shops, ordered, np.where(complains, filed, np.nan))


def read_a_post(rng: np.random.Generator, draft: Draft) -> None:
    """A post says that two to six merchants refund at once: strangers claim for what they bought before."""
    profile = draft.world.profile
    readers = draft.take(min(600, profile.buyers // 70), "viral post")
    targets = rng.permutation(profile.merchants)[: int(rng.integers(2, 7))]
    times = np.minimum(1 + rng.poisson(0.3, len(readers)), 2)
    buyer = np.repeat(readers, times)
    posted = rng.uniform(profile.days * 0.3, max(profile.days * 0.3 + 1.0, profile.days - 8.0))
    ordered = posted - rng.exponential(15.0, len(buyer)) - 1.0
    filed = posted + rng.gamma(2.0, 1.0, len(buyer))
    _settle(draft, buyer, rng.choice(targets, len(buyer)), np.maximum(ordered, 0.0), filed)


def resell(rng: np.random.Generator, draft: Draft) -> None:
    """One buyer who orders twenty to sixty times as much as others, all the time."""
    people = draft.world.people
    buyer = draft.take(1, "reseller")
    people.orders[buyer] = people.orders.mean() * rng.uniform(20.0, 60.0)
    people.propensity[buyer] = 1.0
    people.first[buyer], people.last[buyer] = 0.0, float(draft.world.profile.days)


def share_an_office(rng: np.random.Generator, draft: Draft) -> None:
    """Five to fourteen people at one address with the same few suppliers, who order together each week."""
    profile = draft.world.profile
    staff = draft.take(int(rng.integers(5, 15)), "small office")
    street, town = write_building(rng)
    draft.address[staff] = f"{street}, {town}"
    suppliers = choose_merchants(rng, draft.world, np.repeat(staff[0], int(rng.integers(2, 6))))
    begins = np.arange(rng.uniform(0.0, 7.0), profile.days - 0.5, 7.0)
    week, who = np.nonzero(rng.random((len(begins), len(staff))) < rng.uniform(0.1, 0.4))
    ordered = begins[week] + rng.random(len(week)) * 0.2
    draft.orders.append(unclaimed(staff[who], rng.choice(suppliers, len(begins))[week], ordered))


KINDS: tuple[Callable[[np.random.Generator, Draft], None], ...] = (
    lose_a_bundle,
    lose_a_container,
    follow_deals,
    lose_joint_parcels,
    get_boxes,
    read_a_post,
    resell,
    share_an_office,
)
