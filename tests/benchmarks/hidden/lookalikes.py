"""Honest buyers that resemble a ring; each function finds its people in the draft and arranges their lives.

A sale peak and a popular merchant are properties of the whole marketplace: see the profile.
"""

import numpy as np

from hidden.addresses import write_building
from hidden.draft import Draft
from hidden.shopping import Bools, Deals, Ints, choose_merchants, join_deals, unclaimed


def add_lookalikes(rng: np.random.Generator, draft: Draft) -> None:
    """Every kind, in numbers that fit the marketplace."""
    for add in (
        add_families,
        add_student_housing,
        add_offices,
        add_parcel_lockers,
        add_freight_forwarder,
        add_same_tastes,
        add_shared_devices,
        add_faulty_batches,
    ):
        add(rng, draft)


def _group_size(rng: np.random.Generator, draft: Draft, low: int, high: int, share: float = 0.03) -> int:
    """A size from `low` to `high`, but never more than `share` of all buyers."""
    most = max(5, int(share * draft.world.profile.buyers))
    return min(int(rng.integers(low, high + 1)), most)


def add_families(rng: np.random.Generator, draft: Draft) -> None:
    """Two to five at one address, often with one card or tablet, who shop together (see companions)."""
    left = draft.world.profile.household_share * draft.world.profile.buyers
    while left > 0:
        family = draft.take(int(rng.integers(2, 6)), "family")
        left -= len(family)
        draft.address[family] = draft.address[family[0]]
        draft.world.people.region[family] = draft.world.people.region[family[0]]
        for values, chance in ((draft.payment, 0.4), (draft.device, 0.25)):
            if rng.random() < chance:
                values[family] = values[family[0]]
        draft.families.append(family)


def add_student_housing(rng: np.random.Generator, draft: Draft) -> None:
    """One or two houses of 60 to 250 with the same tastes; some write their room, some do not."""
    people = draft.world.people
    for _ in range(int(rng.integers(1, 3))):
        students = draft.take(_group_size(rng, draft, 60, 250), "student housing")
        street, town = write_building(rng)
        has_rooms = rng.random() < 0.5
        for student in students:
            room = f" Room {rng.integers(100, 600)}" if has_rooms and rng.random() < 0.8 else ""
            draft.address[student] = f"{street}{room}, {town}"
        tastes = rng.integers(0, draft.world.profile.categories, 2)
        people.tastes[students], people.region[students] = tastes, people.region[students[0]]


def add_offices(rng: np.random.Generator, draft: Draft) -> None:
    """Fifteen to sixty colleagues at one address who order lunch from the same two to four merchants."""
    profile = draft.world.profile
    for _ in range(int(rng.integers(1, 5))):
        colleagues = draft.take(_group_size(rng, draft, 15, 60), "office")
        street, town = write_building(rng)
        draft.address[colleagues] = f"{street}, {town}"
        canteens = choose_merchants(rng, draft.world, np.repeat(colleagues[0], rng.integers(2, 5)))
        lunches = int(rng.integers(3, 4 + profile.days // 15))
        noon = rng.integers(0, profile.days, lunches) + 0.5
        comes = rng.random((lunches, len(colleagues))) < rng.uniform(0.05, 0.25)
        lunch, who = np.nonzero(comes)
        place = rng.choice(canteens, lunches)[lunch]
        draft.orders.append(unclaimed(colleagues[who], place, noon[lunch] + rng.normal(0, 0.02, len(lunch))))


def add_parcel_lockers(rng: np.random.Generator, draft: Draft) -> None:
    """One to three lockers with 80 to 600 users who all write the same line."""
    for _ in range(int(rng.integers(1, 4))):
        users = draft.take(_group_size(rng, draft, 80, 600), "parcel locker")
        street, town = write_building(rng)
        draft.address[users] = f"Parcel Locker {rng.integers(100, 999)}, {street}, {town}"


def add_freight_forwarder(rng: np.random.Generator, draft: Draft) -> None:
    """Up to 800 suites of one warehouse, whose customers like the same exporters."""
    people = draft.world.people
    customers = draft.take(_group_size(rng, draft, 200, 800, 0.05), "freight forwarder")
    street, town = write_building(rng)
    word = ("Suite", "Ste", "Unit", "PMB")[int(rng.integers(4))]
    for number, customer in enumerate(customers):
        draft.address[customer] = f"{street} {word} {100 + number}, {town}"
    people.region[customers] = rng.integers(0, draft.world.profile.regions)


def add_same_tastes(rng: np.random.Generator, draft: Draft) -> None:
    """Groups of two to six strangers with one niche: five to twelve merchants, each in their own time."""
    profile, people = draft.world.profile, draft.world.people
    for _ in range(max(2, profile.buyers // 1_500)):
        fans = draft.take(int(rng.integers(2, 7)), "same taste")
        niche = rng.integers(0, profile.merchants, int(rng.integers(5, 13)))
        count = rng.poisson(max(4.0, 0.7 * float(people.orders[fans].mean())), len(fans))
        buyer = np.repeat(fans, count)
        ordered = draft.world.season.draw(rng, people.first[buyer], people.last[buyer])
        draft.orders.append(unclaimed(buyer, rng.choice(niche, len(buyer)), ordered))


def add_shared_devices(rng: np.random.Generator, draft: Draft) -> None:
    """Five to forty strangers behind one device: a café, a shop's tablet, a second-hand phone."""
    for _ in range(max(1, draft.world.profile.buyers // 5_000)):
        strangers = draft.take(_group_size(rng, draft, 5, 40), "shared device")
        draft.device[strangers] = draft.device[strangers[0]]


def add_faulty_batches(rng: np.random.Generator, draft: Draft) -> None:
    """Forty to 150 strangers claim against one merchant in a week; the brand may fail at another shop too."""
    profile = draft.world.profile
    for _ in range(int(rng.integers(1, 6))):
        strangers = draft.take(_group_size(rng, draft, 40, 150), "faulty batch")
        merchants = rng.integers(0, profile.merchants, int(rng.integers(1, 4)))
        for number, merchant in enumerate(merchants):
            # some of those who bought the first faulty thing bought the second as well
            buyers = strangers[rng.random(len(strangers)) < (1.0, 0.2, 0.1)[number]]
            start = rng.uniform(0, max(1.0, profile.days - 14))
            ordered = start + rng.uniform(0, 5, len(buyers))
            filed = start + 5 + rng.uniform(0, 7, len(buyers))
            filed = np.where(filed < profile.days, filed, np.nan)
            draft.claimed.append(Deals(buyers, np.full(len(buyers), merchant), ordered, filed))


def add_companions(rng: np.random.Generator, draft: Draft, deals: Deals) -> tuple[Deals, Ints]:
    """Add the orders that relatives join; for each row the row it follows, or -1."""
    profile = draft.world.profile
    alone = np.full(len(deals), -1)
    if not draft.families or profile.together == 0:
        return deals, alone
    sizes = np.array([len(family) for family in draft.families])
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    relatives = np.concatenate(draft.families)
    place = np.full(profile.buyers, -1)
    place[relatives] = np.arange(len(relatives))
    family = np.repeat(np.arange(len(sizes)), sizes)
    has_family = place[deals.buyer] >= 0
    followed = np.flatnonzero(has_family & (rng.random(len(deals)) < profile.together / 2))
    own = place[deals.buyer[followed]]
    home = family[own]
    step = 1 + (rng.random(len(followed)) * (sizes[home] - 1)).astype(np.int64)
    other = starts[home] + (own - starts[home] + step) % sizes[home]
    later = deals.ordered[followed] + rng.exponential(0.3, len(followed))
    keeps = (later < profile.days) & (sizes[home] > 1)
    followed, other, later = followed[keeps], other[keeps], later[keeps]
    copies = unclaimed(relatives[other], deals.merchant[followed], later)
    return join_deals([deals, copies]), np.concatenate([alone, followed])


def claim_together(rng: np.random.Generator, draft: Draft, deals: Deals, follows: Ints) -> Deals:
    """Let some relatives claim when the other does: one parcel, one fault."""
    origin_filed = np.where(follows >= 0, deals.filed[follows], np.nan)
    joins: Bools = ~np.isnan(origin_filed) & (rng.random(len(deals)) < draft.world.profile.joint_claims)
    together = origin_filed + rng.exponential(0.4, len(deals))
    joins &= together < draft.world.profile.days
    return Deals(deals.buyer, deals.merchant, deals.ordered, np.where(joins, together, deals.filed))
