"""Rings that try something unusual: decoys, patience, moderation, crowds, second accounts, waves.

Written apart from the product's generator, with other distributions.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from hidden.draft import Draft
from hidden.rings import share_doors, share_machine, share_nothing
from hidden.shopping import Bools, Deals, Floats, Ints, join_deals, unclaimed


@dataclass(frozen=True)
class Campaign:
    """The hits of one ring before a trick changes them; H hits, k members."""

    members: Ints
    targets: Ints
    """int64[H], merchants."""
    begins: Floats
    """float64[H], days."""
    spread: float
    """Mean delay of a claim after its hit begins, in days, at this stealth."""
    joins: Bools
    """bool[H, k], who claims in which hit at this stealth."""


def add_unusual_rings(rng: np.random.Generator, draft: Draft, stealth: float) -> None:
    """Plant one ring of each trick for each 10,000 buyers, one at least, after the usual rings."""
    number = int(draft.ring.max()) + 1
    for _ in range(max(1, draft.world.profile.buyers // 10_000)):
        for name, (trick, low, high) in TRICKS.items():
            (own,) = rng.spawn(1)
            most = min(high, max(low, draft.world.profile.buyers // 30))
            members = draft.take(int(own.integers(low, most + 1)))
            if len(members) < low:
                return
            _disguise(own, draft, name, members)
            draft.kept[members] = own.uniform(0.1, 0.7, len(members))
            deals = trick(own, draft, members, stealth)
            draft.claimed.append(deals)
            for member in np.unique(deals.buyer[~np.isnan(deals.filed)]).tolist():
                draft.ring[member], draft.pattern[member] = number, name
            number += 1


def _disguise(rng: np.random.Generator, draft: Draft, name: str, members: Ints) -> None:
    kinds = draft.world.profile.kinds
    disguises = [share_nothing]
    if name not in {"crowd", "waves", "second accounts"}:
        disguises += [share_doors] if "address" in kinds else []
        disguises += [share_machine] if {"device", "payment"} & set(kinds) else []
    disguises[int(rng.integers(len(disguises)))](rng, draft, members)


def _plan(
    rng: np.random.Generator,
    draft: Draft,
    members: Ints,
    stealth: float,
    hits: int,
    *,
    zeal: float | None = None,
    after: float = 0.0,
) -> Campaign:
    """Draw a campaign of `hits` that begins `after` days at the earliest; any stealth, the same draws."""
    profile = draft.world.profile
    hits = min(hits, profile.merchants)
    room = max(1.0, profile.days - 3.0 - after)
    length = min(room, rng.uniform(20.0, 120.0))
    begins = after + rng.uniform(0.0, room - length + 0.01) + np.sort(rng.random(hits)) * length
    share = rng.uniform(0.55, 0.95) if zeal is None else zeal
    joins = rng.random((hits, len(members))) < share * (1.0 - stealth)
    spread = float(rng.lognormal(np.log(4.0), 0.5)) * (1.0 + 2.0 * stealth) / 24.0
    targets = rng.permutation(profile.merchants)[:hits]
    return Campaign(members, targets, np.minimum(begins, profile.days - 1.0), spread, joins)


def _file(
    rng: np.random.Generator, draft: Draft, plan: Campaign, later: Floats | float = 0.0, lag: float = 0.5
) -> Deals:
    """Return the claims of a campaign, `later` days (a number, or float64[H, k]) than the hit, and orders.

    Orders lie `lag` days and a few more before the claims.
    """
    hit, who = np.nonzero(plan.joins)
    wait = rng.exponential(1.0, plan.joins.shape) * plan.spread + later
    filed = plan.begins[hit] + wait[hit, who]
    ordered = np.maximum(filed - lag - rng.gamma(2.0, 2.0, len(hit)), 0.0)
    filed = np.where(filed < draft.world.profile.days, filed, np.nan)
    return Deals(plan.members[who], plan.targets[hit], ordered, filed)


def order_decoys(rng: np.random.Generator, draft: Draft, members: Ints, stealth: float) -> Deals:
    """One to twenty-five joint orders besides, which nobody claims for."""
    hits = _file(rng, draft, _plan(rng, draft, members, stealth, int(rng.integers(7, 16))))
    outings = int(min(rng.geometric(0.12), 25))
    begins = rng.uniform(0.0, draft.world.profile.days - 1.0, outings)
    shops = rng.integers(0, draft.world.profile.merchants, outings)
    outing, who = np.nonzero(rng.random((outings, len(members))) < 0.9)
    at = begins[outing] + np.minimum(rng.exponential(0.2, len(outing)), 0.9)
    return join_deals([hits, unclaimed(members[who], shops[outing], at)])


def claim_late(rng: np.random.Generator, draft: Draft, members: Ints, stealth: float) -> Deals:
    """Three to eleven weeks between order and claim, where the history is long enough."""
    lag = min(rng.uniform(20.0, 80.0), draft.world.profile.days / 3.0)
    plan = _plan(rng, draft, members, stealth, int(rng.integers(7, 16)), after=lag)
    return _file(rng, draft, plan, lag=lag)


def claim_in_part(rng: np.random.Generator, draft: Draft, members: Ints, stealth: float) -> Deals:
    """All that they order is ordered in step; between half and three quarters of it is claimed."""
    plan = _plan(rng, draft, members, stealth, int(rng.integers(12, 26)), after=8.0)
    deals = _file(rng, draft, plan)
    hit, _ = np.nonzero(plan.joins)
    ordered = plan.begins[hit] - rng.uniform(3.0, 7.0, len(plan.begins))[hit] - rng.random(len(hit)) * 0.5
    claims = rng.random(len(hit)) < rng.uniform(0.5, 0.75)
    filed = np.where(claims, deals.filed, np.nan)
    return Deals(deals.buyer, deals.merchant, np.maximum(ordered, 0.0), filed)


def crowd(rng: np.random.Generator, draft: Draft, members: Ints, stealth: float) -> Deals:
    """Many members who each join between 8 and 15 % of thirty to sixty hits."""
    zeal = rng.uniform(0.08, 0.15)
    plan = _plan(rng, draft, members, stealth, int(rng.integers(30, 61)), zeal=zeal)
    return _file(rng, draft, plan)


def use_second_accounts(rng: np.random.Generator, draft: Draft, members: Ints, stealth: float) -> Deals:
    """Each person's second account claims some three days after the first."""
    first, second = np.array_split(members, 2)
    plan = _plan(rng, draft, first, stealth, int(rng.integers(8, 16)))
    early = _file(rng, draft, plan)
    twin = Campaign(second, plan.targets, plan.begins, plan.spread, plan.joins[:, : len(second)])
    wait = rng.lognormal(np.log(3.0), 0.3, twin.joins.shape) * (1.0 + 2.0 * stealth)
    return join_deals([early, _file(rng, draft, twin, wait)])


def come_in_waves(rng: np.random.Generator, draft: Draft, members: Ints, stealth: float) -> Deals:
    """Four to twelve waves on one merchant, a week or more apart where the history is long enough."""
    waves = int(rng.integers(4, 13))
    plan = _plan(rng, draft, members, stealth, waves)
    pace = min(rng.uniform(7.0, 20.0), (draft.world.profile.days - 3.0) / waves)
    room = draft.world.profile.days - 2.0 - pace * waves
    begins = rng.uniform(0.0, max(room, 0.01)) + pace * (np.arange(waves) + rng.random(waves) * 0.3)
    shop = np.full(waves, plan.targets[0])
    return _file(rng, draft, Campaign(members, shop, begins, plan.spread, plan.joins))


def live_far_apart(rng: np.random.Generator, draft: Draft, members: Ints, stealth: float) -> Deals:
    """Half of the members act six to twelve hours after the other half."""
    half = len(members) // 2
    draft.world.people.region[members[:half]] = 0
    draft.world.people.region[members[half:]] = draft.world.profile.regions - 1
    plan = _plan(rng, draft, members, stealth, int(rng.integers(7, 16)))
    later = np.zeros(plan.joins.shape)
    later[:, half:] = rng.uniform(0.25, 0.5)
    return _file(rng, draft, plan, later)


def keep_a_rhythm(rng: np.random.Generator, draft: Draft, members: Ints, stealth: float) -> Deals:
    """A hit every two to four weeks for half of the history, six hits at least."""
    days = draft.world.profile.days
    pace = min(rng.uniform(14.0, 28.0), (days - 4.0) / 7.0)
    hits = int(np.clip(days / 2 / pace, 6, 14))
    plan = _plan(rng, draft, members, stealth, hits)
    begins = rng.uniform(0.0, max(days - 3.0 - pace * hits, 0.01)) + pace * np.arange(hits)
    begins = begins + rng.random(hits)
    return _file(rng, draft, Campaign(members, plan.targets, begins, plan.spread, plan.joins))


def rotate(rng: np.random.Generator, draft: Draft, members: Ints, stealth: float) -> Deals:
    """Each member stays for a run of hits, of five on average, three at least."""
    plan = _plan(rng, draft, members, stealth, 18)
    since = np.sort(rng.integers(0, 15, len(members)))
    until = since + 3 + rng.poisson(2.0, len(members))
    hit = np.arange(len(plan.targets))[:, None]
    joins = plan.joins & (hit >= since) & (hit < until)
    return _file(rng, draft, Campaign(members, plan.targets, plan.begins, plan.spread, joins))


def follow(rng: np.random.Generator, draft: Draft, members: Ints, stealth: float) -> Deals:
    """One claims first; the others two days later on average."""
    plan = _plan(rng, draft, members, stealth, int(rng.integers(7, 16)))
    later = rng.gamma(2.0, 1.0, plan.joins.shape) * (1.0 + 2.0 * stealth)
    later[:, 0] = 0.0
    return _file(rng, draft, plan, later)


Trick = Callable[[np.random.Generator, Draft, Ints, float], Deals]
TRICKS: dict[str, tuple[Trick, int, int]] = {
    "decoy orders": (order_decoys, 3, 12),
    "late claims": (claim_late, 3, 12),
    "partial claims": (claim_in_part, 4, 12),
    "crowd": (crowd, 60, 200),
    "second accounts": (use_second_accounts, 6, 14),
    "waves": (come_in_waves, 8, 20),
    "far apart": (live_far_apart, 4, 14),
    "rhythm": (keep_a_rhythm, 4, 10),
    "rotating": (rotate, 8, 18),
    "followers": (follow, 4, 12),
}
"""By name: what the ring does, and its fewest and most members."""
