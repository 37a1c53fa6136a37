"""Rings: who they are, what they share, and the joint hits that give them away."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields

import numpy as np

from ringfence.domain.claims import ClaimReason
from ringfence.domain.identifiers import IdentifierKind
from ringfence.generator.activity import REASONS, Activity, Floats, Ints, Longs, claimed_orders
from ringfence.generator.addresses import SPELLINGS
from ringfence.generator.belongings import Belongings
from ringfence.generator.groups import Group, Pattern
from ringfence.generator.merchants import Merchants
from ringfence.generator.options import GeneratorOptions
from ringfence.generator.population import Population
from ringfence.generator.seasons import DAY, HOUR

_EXCUSES = tuple(
    REASONS.index(reason)
    for reason in (
        ClaimReason.NOT_RECEIVED,
        ClaimReason.DAMAGED,
        ClaimReason.WRONG_ITEM,
        ClaimReason.NOT_AS_DESCRIBED,
        ClaimReason.QUALITY,
    )
)
_LEAD_DAYS = 25.0
"""No hit comes earlier than this, so that its orders lie inside the period."""
_TAIL_DAYS = 6.0
"""No hit comes later than this before the end, so that it lies inside the period even if drawn out."""


@dataclass(frozen=True, eq=False)
class Ring:
    """A group and its plan: H joint hits by k members."""

    group: Group
    merchants: Ints
    """int32[H], the target of each hit, all different but where a ring has one target alone."""
    starts_at: Longs
    """int64[H], seconds, ascending."""
    span_hours: Floats
    """float64[H], over how many hours a hit spreads at stealth 0."""
    zeal: Floats
    """float64[k] or float64[H, k], the chance that a member joins a hit at stealth 0."""
    excuses: Ints
    """int32[2], the reasons the ring gives."""


@dataclass(frozen=True, eq=False)
class Hits:
    """Joint claims of all rings, as parallel columns."""

    ring: Ints
    """int32, positions in the sequence of rings."""
    hit: Ints
    """int32, which hit of that ring."""
    buyer: Ints
    """int32, positions in the population."""
    merchant: Ints
    """int32."""
    filed_at: Longs
    """int64, seconds."""
    reason: Ints
    """int32, positions in REASONS."""


def plan_ring(group: Group, merchants: Merchants, days: int, chance: np.random.Generator) -> Ring:
    """Return the plan of one ring of a marketplace that is open for `days` days."""
    hit_days = _hit_days(group.kind, days, chance)
    lure = np.sqrt(merchants.popularity)
    hits = len(hit_days)
    return Ring(
        group=group,
        merchants=chance.choice(len(merchants), size=hits, replace=False, p=lure / lure.sum()).astype(
            np.int32
        ),
        starts_at=(hit_days * DAY).astype(np.int64),
        span_hours=np.clip(chance.lognormal(np.log(6.0), 0.8, hits), 0.5, 36.0),
        zeal=chance.uniform(0.6, 0.95, len(group.members)),
        excuses=chance.choice(_EXCUSES, size=2, replace=False).astype(np.int32),
    )


def _hit_days(kind: str, days: int, chance: np.random.Generator) -> Floats:
    """Return when each hit begins, in days, ascending: weekly for a slow burn, else within a season."""
    last = days - _TAIL_DAYS
    if kind == Pattern.SLOW_BURN:
        weeks = int(chance.integers(24, 28))
        first = chance.uniform(_LEAD_DAYS, last - 7.0 * weeks)
        return first + 7.0 * np.arange(weeks) + chance.uniform(0.0, 3.0, weeks)
    season = chance.uniform(25.0, 60.0) if kind == Pattern.HIJACKED else chance.uniform(40.0, 150.0)
    # a taken account has years behind it, so the season comes late
    first = (
        last - season * chance.uniform(1.0, 1.5)
        if kind == Pattern.HIJACKED
        else chance.uniform(_LEAD_DAYS, last - season)
    )
    hits = int(chance.integers(6, 15 if kind == Pattern.SMALL else 21))
    return np.sort(chance.uniform(first, first + season, hits))


def strike(rings: Sequence[Ring], stealth: float, chance: np.random.Generator) -> Hits:
    """Return the joint claims of all rings, one at least.

    At stealth S a member joins a hit (1 - S) times as often, and a hit spreads over (1 + 2S) times the hours.
    The draws are the same whatever S: who joins at a higher stealth also joins at a lower one.
    """
    parts: list[Hits] = []
    for number, ring in enumerate(rings):
        members, shape = ring.group.members, (len(ring.merchants), len(ring.group.members))
        joins = chance.random(shape) < ring.zeal * (1.0 - stealth)
        hours = chance.random(shape) * ring.span_hours[:, None] * (1.0 + 2.0 * stealth)
        reason = ring.excuses[(chance.random(shape) < 0.3).astype(np.int64)]
        hit, member = np.nonzero(joins)
        filed_at = ring.starts_at[hit] + (hours[hit, member] * HOUR).astype(np.int64)
        parts.append(
            Hits(
                ring=np.full(len(hit), number, dtype=np.int32),
                hit=hit.astype(np.int32),
                buyer=members[member],
                merchant=ring.merchants[hit],
                filed_at=filed_at,
                reason=reason[hit, member],
            )
        )
    return Hits(
        **{
            column.name: np.concatenate([getattr(part, column.name) for part in parts])
            for column in fields(Hits)
        }
    )


def hit_activity(hits: Hits, chance: np.random.Generator) -> Activity:
    """Return the orders behind the joint claims."""
    return claimed_orders(hits.buyer, hits.merchant, hits.filed_at, hits.reason, chance, is_scheme=True)


def live_ordinary_lives(
    ring: Ring,
    population: Population,
    options: GeneratorOptions,
    chance: np.random.Generator,
    usual_orders: float | None = None,
) -> None:
    """Write into `population` how much the members of a ring shop and claim besides their hits.

    Camouflage is as many ordinary claims as joint ones, or as many ordinary orders. `usual_orders` is what
    a buyer orders in the period, None for the mean of `population`.
    """
    kind, members = ring.group.kind, ring.group.members
    mean = float(population.orders_expected.mean()) if usual_orders is None else usual_orders
    if kind == Pattern.HIJACKED:
        population.active_from[members], population.active_until[members] = 0.0, options.days
        population.orders_expected[members] = np.maximum(population.orders_expected[members], mean)
        return
    if chance.random() < 0.5:  # accounts made for the purpose
        opened = ring.starts_at[0] / DAY - chance.uniform(1.0, 60.0, len(members))
        population.active_from[members], population.active_until[members] = (
            np.maximum(opened, 0.0),
            options.days,
        )
    if kind != Pattern.CAMOUFLAGE:
        population.orders_expected[members] *= 0.4
        return
    joint = float(len(ring.merchants) * ring.zeal.mean())
    if chance.random() < 0.5:
        population.claim_factor[members] = 1.0
        population.orders_expected[members] = joint * options.orders_per_claim
    else:
        population.orders_expected[members] = np.maximum(joint, population.orders_expected[members] * 0.4)


def _share_addresses(members: Ints, belongings: Belongings, chance: np.random.Generator) -> None:
    """One address, or two where there are members enough."""
    halves = np.array_split(members, 2) if len(members) >= 6 and chance.random() < 0.4 else [members]
    for half in halves:
        belongings.addresses.share(half)


def _share_a_farm(members: Ints, belongings: Belongings, chance: np.random.Generator) -> None:
    """One device, card or phone behind addresses of their own; two where there are many."""
    kinds = (IdentifierKind.DEVICE, IdentifierKind.PAYMENT, IdentifierKind.PHONE)
    kind = kinds[chance.choice(3, p=(0.4, 0.4, 0.2))]
    for part in np.array_split(members, 2) if len(members) >= 20 else [members]:
        belongings.possessions[kind].share(part)


def _share_nothing(members: Ints, belongings: Belongings, chance: np.random.Generator) -> None:
    """Nothing in common: only merchants and hours tell."""


def _share_much(members: Ints, belongings: Belongings, chance: np.random.Generator) -> None:
    """An address and a card, or a device and a card, or all three."""
    belongings.possessions[IdentifierKind.PAYMENT].share(members)
    drawn = chance.random()
    if drawn < 0.7:
        belongings.addresses.share(members)
    if drawn > 0.4:
        belongings.possessions[IdentifierKind.DEVICE].share(members)


def _share_in_a_chain(members: Ints, belongings: Belongings, chance: np.random.Generator) -> None:
    """Each shares one thing with the next, another with the one before."""
    kinds = (IdentifierKind.ADDRESS, IdentifierKind.DEVICE, IdentifierKind.PAYMENT)
    for place in range(len(members) - 1):
        belongings.possessions[kinds[place % 3]].share(members[place : place + 2])


def _share_a_jigged_door(members: Ints, belongings: Belongings, chance: np.random.Generator) -> None:
    """One flat, and no two members who type it alike."""
    belongings.addresses.share(members)
    door = belongings.addresses.first[members[0]]
    belongings.doors.unit[door] = chance.integers(1, 60)
    belongings.doors.letter[door] = chance.integers(1, 9)
    ways = chance.permutation(SPELLINGS)[: 2 * len(members)]
    belongings.spellings[members] = ways.reshape(-1, 2)
    belongings.wavering[members] = 0.4


_SHARING: dict[str, Callable[[Ints, Belongings, np.random.Generator], None]] = {
    Pattern.ADDRESS: _share_addresses,
    Pattern.FARM: _share_a_farm,
    Pattern.LOCKSTEP: _share_nothing,
    Pattern.CAMOUFLAGE: _share_nothing,
    Pattern.SMALL: _share_much,
    Pattern.CHAIN: _share_in_a_chain,
    Pattern.JIGGED: _share_a_jigged_door,
    Pattern.HIJACKED: _share_nothing,
}


def share_belongings(ring: Ring, belongings: Belongings, chance: np.random.Generator) -> None:
    """Write into `belongings` what the members of a ring have in common."""
    members = ring.group.members
    if ring.group.kind == Pattern.SLOW_BURN:
        (_share_nothing, _share_addresses, _share_a_farm)[chance.integers(3)](members, belongings, chance)
    else:
        _SHARING[ring.group.kind](members, belongings, chance)
    if ring.group.kind == Pattern.HIJACKED:
        # whoever took the accounts works from devices the owners never had
        belongings.possessions[IdentifierKind.DEVICE].replace(members, int(ring.starts_at[0]))
