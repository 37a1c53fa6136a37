"""The nine kinds of ring, planted among a draft's buyers."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from hidden.addresses import write_jigs
from hidden.draft import Draft
from hidden.shopping import Deals, Ints, choose_merchants, claim_days

Disguise = Callable[[np.random.Generator, Draft, Ints], None]


@dataclass(frozen=True)
class Pattern:
    """How one kind of ring looks and strikes."""

    name: str
    disguise: Disguise
    """Gives the members what they share."""
    needs: frozenset[str] = frozenset()
    """Kinds of identifier without which this would be another pattern."""
    size: tuple[int, int] = (4, 15)
    hits: tuple[int, int] = (6, 14)
    ordinary: tuple[float, float] = (0.0, 0.5)
    """Share of a usual buyer's ordinary orders that the members make besides."""
    camouflage: float = 0.0
    """Ordinary claims for each joint one."""
    is_slow: bool = False
    """One target a week for half a year, or as long as the history lasts."""


def share_doors(rng: np.random.Generator, draft: Draft, members: Ints) -> None:
    """One address, or two, for all."""
    doors = draft.address[members[: int(rng.integers(1, 3))]]
    draft.address[members] = doors[rng.integers(0, len(doors), len(members))]


def share_machine(rng: np.random.Generator, draft: Draft, members: Ints) -> None:
    """Separate addresses, one device or card behind them, whichever the files hold."""
    kinds = [kind for kind in ("device", "payment") if kind in draft.world.profile.kinds]
    values = draft.device if rng.choice(kinds) == "device" else draft.payment
    values[members] = values[members[0]]


def share_nothing(rng: np.random.Generator, draft: Draft, members: Ints) -> None:
    """Merchants and hours are all they have in common."""


def share_everything(rng: np.random.Generator, draft: Draft, members: Ints) -> None:
    """Few people who take no care: most of what can be shared is."""
    strong = [kind for kind in draft.world.profile.kinds if rng.random() < 0.7]
    for kind in strong or draft.world.profile.kinds[:1]:
        values = {"address": draft.address, "device": draft.device, "payment": draft.payment}[kind]
        values[members] = values[members[0]]


def share_in_chain(rng: np.random.Generator, draft: Draft, members: Ints) -> None:
    """Each shares something with the next: an address, a device, a card; nothing spans the ring."""
    kinds = draft.world.profile.kinds
    for place in range(len(members) - 1):
        kind = kinds[place % len(kinds)]
        values = {"address": draft.address, "device": draft.device, "payment": draft.payment}[kind]
        values[members[place + 1]] = values[members[place]]


def jig_doors(rng: np.random.Generator, draft: Draft, members: Ints) -> None:
    """One door in as many spellings as members."""
    for member, spelling in zip(members, write_jigs(rng, len(members)), strict=True):
        draft.address[member] = spelling


def keep_history(rng: np.random.Generator, draft: Draft, members: Ints) -> None:
    """Taken over from people who had ordered for as long as the marketplace remembers."""
    people = draft.world.people
    people.first[members], people.last[members] = 0.0, draft.world.profile.days
    people.orders[members] = np.maximum(people.orders[members], people.orders.mean())


PATTERNS = (
    Pattern("shared address", share_doors, frozenset({"address"})),
    Pattern("device or payment farm", share_machine),
    Pattern("lockstep", share_nothing),
    Pattern("camouflaged lockstep", share_nothing, ordinary=(0.8, 1.2), camouflage=1.0),
    Pattern("small", share_everything, size=(2, 4), hits=(7, 14)),
    Pattern("chain", share_in_chain, size=(4, 9)),
    Pattern("jigged addresses", jig_doors, frozenset({"address"}), size=(4, 12)),
    Pattern("hijacked accounts", keep_history, ordinary=(1.0, 1.0)),
    Pattern("slow burn", share_nothing, size=(4, 10), is_slow=True),
)


def patterns_for(kinds: tuple[str, ...]) -> list[Pattern]:
    """The patterns that the known kinds of identifier allow."""
    least = {"device or payment farm": 1, "chain": 2, "small": 1}
    farms = len({"device", "payment"} & set(kinds))
    return [
        pattern
        for pattern in PATTERNS
        if pattern.needs <= set(kinds)
        and (farms if pattern.name == "device or payment farm" else len(kinds)) >= least.get(pattern.name, 0)
    ]


def add_rings(rng: np.random.Generator, draft: Draft, stealth: float) -> None:
    """Plant about 1.2 % of the buyers in rings, five rings at least, of all patterns in turn.

    At stealth S a member joins a joint hit (1 - S) times as often, and a hit spreads over (1 + 2S) times the
    hours; all else is drawn alike for every S.
    """
    patterns = patterns_for(draft.world.profile.kinds)
    turns = rng.permutation(len(patterns))
    rings = max(5, round(draft.world.profile.buyers * 0.012 / 9))
    for ring, own in enumerate(rng.spawn(rings)):
        pattern = patterns[turns[ring % len(patterns)]]
        low, high = pattern.size
        is_big = high == 15 and own.random() < 0.1 and draft.world.profile.buyers >= 5_000
        size = int(own.integers(20, 41) if is_big else own.integers(low, high + 1))
        members = draft.take(size)
        if len(members) < 2:
            return
        pattern.disguise(own, draft, members)
        least, most = pattern.ordinary
        draft.kept[members] = own.uniform(least, most, len(members))
        joint, camouflage = own.spawn(2)
        deals = strike(joint, draft, pattern, members, stealth)
        if pattern.camouflage:
            draft.claimed.append(hide(camouflage, draft, deals, pattern.camouflage))
        draft.claimed.append(deals)
        for member in np.unique(deals.buyer).tolist():
            draft.ring[member], draft.pattern[member] = ring, pattern.name


def strike(rng: np.random.Generator, draft: Draft, pattern: Pattern, members: Ints, stealth: float) -> Deals:
    """The joint hits: different merchants, some members each time, within hours."""
    profile, popularity = draft.world.profile, draft.world.catalogue.popularity
    hits = int(rng.integers(pattern.hits[0], pattern.hits[1] + 1))
    if pattern.is_slow:
        hits = int(np.clip(profile.days // 7 - 1, hits, 26))
    taste = popularity ** rng.uniform(0.0, 1.0)
    targets = rng.choice(profile.merchants, hits, replace=False, p=taste / taste.sum())
    spread = float(rng.lognormal(np.log(5.0), 0.6)) * (1.0 + 2.0 * stealth) / 24.0
    if pattern.is_slow:
        pace = min(7.0, (profile.days - 2) / (hits + 1))
        begins = rng.uniform(0, profile.days - 1 - pace * hits) + pace * (
            np.arange(hits) + rng.random(hits) * 0.5
        )
    else:
        length = min(profile.days - 3.0, float(rng.uniform(14, 90)))
        begins = rng.uniform(0, profile.days - 2 - length) + rng.uniform(0, length, hits)
    joins = rng.random((hits, len(members))) < rng.uniform(0.6, 0.95) * (1.0 - stealth)
    delay = rng.exponential(1.0, joins.shape) * spread
    before = rng.uniform(0.5, 12.0, joins.shape)
    hit, who = np.nonzero(joins)
    filed = np.minimum(begins[hit] + delay[hit, who], profile.days - 0.01)
    return Deals(members[who], targets[hit], np.maximum(filed - before[hit, who], 0.0), filed)


def hide(rng: np.random.Generator, draft: Draft, joint: Deals, times: float) -> Deals:
    """Ordinary claims of the members, `times` as many as the joint ones, alone and after their own taste."""
    profile = draft.world.profile
    buyer = np.repeat(joint.buyer, rng.poisson(times, len(joint)))
    merchant = choose_merchants(rng, draft.world, buyer)
    first, last = np.zeros(len(buyer)), np.full(len(buyer), float(profile.days))
    ordered = draft.world.season.draw(rng, first, last)
    filed = claim_days(rng, profile, ordered)
    return Deals(buyer, merchant, ordered, np.where(filed < profile.days, filed, np.nan))
