"""How the extra rings work: a ring of an ordinary kind with one trick, or a plan of its own."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from ringfence.domain.identifiers import IdentifierKind
from ringfence.generator.activity import NONE, NOT_RECEIVED, Activity, Floats, Longs, plain_orders
from ringfence.generator.extras.casting import style_of
from ringfence.generator.extras.names import ExtraPattern
from ringfence.generator.extras.scene import Scene, days_after, draw_shops, lure_of, some_claimed
from ringfence.generator.groups import Group, Pattern
from ringfence.generator.rings import (
    Hits,
    Ring,
    hit_activity,
    live_ordinary_lives,
    plan_ring,
    share_belongings,
    strike,
)
from ringfence.generator.seasons import DAY, HOUR

_SETTLED_SHARE = 0.55
"""Share of what they order in step that members of `partial_claims` claim for."""
_LEAD_DAYS, _TAIL_DAYS = 25.0, 6.0
"""No hit of a plan of its own lies nearer to the ends of the period."""


def _found(scene: Scene, group: Group, style: Pattern, before: float = 0.0, after: float = 0.0) -> Ring:
    """Return a ring of an ordinary kind, its belongings shared and its ordinary lives lived.

    Its season is squeezed so that no hit begins in the first `before` or the last `after` days beyond those
    that every ring keeps free.
    """
    disguised = Group(style, group.number, group.members)
    ring = plan_ring(disguised, scene.merchants, scene.options.days, scene.plans)
    room = scene.options.days - _LEAD_DAYS - _TAIL_DAYS
    since = (ring.starts_at / DAY - _LEAD_DAYS) * (room - before - after) / room
    ring = replace(ring, starts_at=((_LEAD_DAYS + before + since) * DAY).astype(np.int64))
    _settle(scene, ring)
    return ring


def _settle(scene: Scene, ring: Ring) -> None:
    share_belongings(ring, scene.belongings, scene.plans)
    _live(scene, ring)


def _live(scene: Scene, ring: Ring) -> None:
    usual = scene.options.claims_per_buyer * scene.options.orders_per_claim
    live_ordinary_lives(ring, scene.population, scene.options, scene.plans, usual)


def _strike(scene: Scene, ring: Ring) -> Hits:
    return strike([ring], scene.options.stealth, scene.acts)


def _slower(scene: Scene) -> float:
    """Return how many times the hours a hit takes at this stealth."""
    return 1.0 + 2.0 * scene.options.stealth


def order_decoys(scene: Scene, group: Group, *, outings: int) -> list[Activity]:
    """Return the hits of a ring, and `outings` at which all members order within a day and nobody claims."""
    ring = _found(scene, group, style_of(group))
    first, last = max(ring.starts_at[0] - 10 * DAY, 0), ring.starts_at[-1]
    begins = scene.plans.integers(first, last, outings)
    shops = scene.plans.choice(len(scene.merchants), size=outings, p=lure_of(scene.merchants))
    crew = len(group.members)
    at = np.repeat(begins, crew) + scene.plans.integers(0, DAY, outings * crew)
    decoys = plain_orders(np.tile(group.members, outings), np.repeat(shops, crew).astype(np.int32), at)
    return [hit_activity(_strike(scene, ring), scene.details), decoys]


def claim_late(scene: Scene, group: Group, *, days: int) -> list[Activity]:
    """Return hits whose orders lie `days` days before them, and two more at most; parcels took days only."""
    hits = _strike(scene, _found(scene, group, style_of(group), before=float(days)))
    count = len(hits.buyer)
    ordered_at = days_after(hits.filed_at, -days - 2.0 * scene.details.random(count))
    delivered_at = days_after(ordered_at, 0.5 + np.minimum(scene.details.gamma(3.0, 1.3, count), 20.0))
    return [_claimed(hits, ordered_at, delivered_at, np.ones(count, dtype=np.bool_))]


def claim_in_part(scene: Scene, group: Group) -> list[Activity]:
    """Return orders in step, of which each member claims for about 55 %, in step too."""
    ring = _found(scene, group, style_of(group))
    hits = _strike(scene, ring)
    count, spans = len(hits.buyer), ring.span_hours * _slower(scene) / 24.0
    lag = 2.0 + scene.plans.gamma(3.0, 1.3, len(spans)) + spans
    begins = days_after(ring.starts_at, -lag)
    ordered_at = days_after(begins[hits.hit], scene.details.random(count) * spans[hits.hit])
    # the last to order is delivered, too, before the first may claim
    delivered_at = days_after(ordered_at, 0.5 + scene.details.random(count))
    return [_claimed(hits, ordered_at, delivered_at, scene.details.random(count) < _SETTLED_SHARE)]


def _claimed(hits: Hits, ordered_at: Longs, delivered_at: Longs, claims: NDArray[np.bool_]) -> Activity:
    arrived = np.where(hits.reason == NOT_RECEIVED, NONE, delivered_at)
    return some_claimed(
        hits.buyer, hits.merchant, ordered_at, arrived, hits.filed_at, hits.reason, claims, is_scheme=True
    )


def crowd(scene: Scene, group: Group) -> list[Activity]:
    """Return thirty slow hits on popular shops by strangers, each in a tenth of them."""
    hits, merchants = 30, scene.merchants
    room = scene.options.days - _LEAD_DAYS - 20.0  # a hit that takes a week takes longer with stealth
    season = min(240.0, room)
    starts = np.sort(scene.plans.uniform(0.0, season, hits)) + scene.plans.uniform(0.0, room - season)
    ring = _plan(scene, group, _LEAD_DAYS + starts, Pattern.LOCKSTEP)
    _settle(scene, ring)
    shops = scene.plans.choice(len(merchants), size=hits, replace=False, p=merchants.popularity)
    crowded = replace(
        ring,
        merchants=shops.astype(np.int32),
        span_hours=scene.plans.uniform(72.0, 168.0, hits),
        zeal=np.full(len(group.members), 0.1),
    )
    return [hit_activity(_strike(scene, crowded), scene.details)]


def _plan(scene: Scene, group: Group, starts: Floats, style: Pattern) -> Ring:
    """Return a ring that begins its hits on the days `starts` (float64[H]), ascending."""
    hits, members = len(starts), group.members
    plan = plan_ring(Group(style, group.number, members), scene.merchants, scene.options.days, scene.plans)
    shops = scene.plans.choice(len(scene.merchants), size=hits, replace=False, p=lure_of(scene.merchants))
    return replace(
        plan,
        merchants=shops.astype(np.int32),
        starts_at=(starts * DAY).astype(np.int64),
        span_hours=np.clip(scene.plans.lognormal(np.log(6.0), 0.8, hits), 0.5, 36.0),
    )


def two_accounts(scene: Scene, group: Group) -> list[Activity]:
    """Return hits in which one account of each member claims, and the other two to six days later.

    Half of the members use one device for both; nothing else is shared.
    """
    people = len(group.members) // 2
    first, second = group.members[:people], group.members[people : 2 * people]
    ring = _found(scene, Group(group.kind, group.number, first), Pattern.LOCKSTEP, after=20.0)
    twin = replace(ring, group=Group(Pattern.LOCKSTEP, group.number, second))
    _live(scene, twin)
    for place in np.flatnonzero(scene.plans.random(people) < 0.5):
        scene.belongings.possessions[IdentifierKind.DEVICE].share(group.members[[place, people + place]])
    hits = _strike(scene, ring)
    other = second[np.searchsorted(first, hits.buyer)]
    swapped = scene.details.random(len(other)) < 0.5
    wait = scene.details.uniform(2.0, 6.0, len(other)) * _slower(scene)
    early = replace(hits, buyer=np.where(swapped, other, hits.buyer))
    late = replace(hits, buyer=np.where(swapped, hits.buyer, other), filed_at=days_after(hits.filed_at, wait))
    return [hit_activity(early, scene.details), hit_activity(late, scene.details)]


def strike_in_waves(scene: Scene, group: Group, *, waves: int) -> list[Activity]:
    """Return `waves` hits on one merchant, five days apart at least, by members who share nothing."""
    room = scene.options.days - _LEAD_DAYS - _TAIL_DAYS
    gaps = scene.plans.uniform(5.0, min(18.0, room / waves), waves - 1)
    since = scene.plans.uniform(0.0, room - gaps.sum())
    starts = _LEAD_DAYS + since + np.concatenate([[0.0], np.cumsum(gaps)])
    ring = _plan(scene, group, starts, Pattern.LOCKSTEP)
    _settle(scene, ring)
    ring = replace(ring, merchants=np.full(waves, ring.merchants[0]))
    return [hit_activity(_strike(scene, ring), scene.details)]


def live_in_two_countries(scene: Scene, group: Group) -> list[Activity]:
    """Return hits on shops of two countries; each half of the ring acts at the same hour of its own clock."""
    members = group.members
    here, there = scene.population.country[members[[0, -1]]]
    ring = _found(scene, group, (Pattern.LOCKSTEP, Pattern.FARM)[group.number % 2], before=1.0, after=1.0)
    hits = len(ring.merchants)
    shops = np.where(np.arange(hits) % 2 == 0, draw_shops(scene, hits, here), draw_shops(scene, hits, there))
    ring = replace(ring, merchants=shops)
    struck = _strike(scene, ring)
    clocks = scene.population.utc_offset(np.append(struck.buyer, members[0]))
    behind = ((clocks[-1] - clocks[:-1]) * HOUR).astype(np.int64)
    return [hit_activity(replace(struck, filed_at=struck.filed_at + behind), scene.details)]


def strike_for_half_a_year(scene: Scene, group: Group) -> list[Activity]:
    """Return hits at an even pace, one every two or three weeks for half a year."""
    room = scene.options.days - _LEAD_DAYS - _TAIL_DAYS - 4.0
    pace = scene.plans.uniform(14.0, 21.0)
    hits = 1 + int(min(182.0, room) / pace)
    since = scene.plans.uniform(0.0, room - pace * (hits - 1))
    starts = _LEAD_DAYS + since + pace * np.arange(hits) + scene.plans.uniform(0.0, 3.0, hits)
    ring = _plan(scene, group, starts, style_of(group))
    _settle(scene, ring)
    return [hit_activity(_strike(scene, ring), scene.details)]


def rotate_members(scene: Scene, group: Group) -> list[Activity]:
    """Return sixteen hits; each member takes part in six or seven consecutive ones at most."""
    crew, hits, stay = len(group.members), 16, 6.5
    season = scene.plans.uniform(60.0, 150.0)
    first = scene.plans.uniform(_LEAD_DAYS, scene.options.days - season - _TAIL_DAYS)
    ring = _plan(scene, group, np.sort(scene.plans.uniform(first, first + season, hits)), style_of(group))
    _settle(scene, ring)
    # evenly spread, so that somebody always hands over to somebody
    middle = np.linspace(1.0, hits - 2.0, crew) + scene.plans.uniform(-1.0, 1.0, crew)
    in_crew = np.abs(np.arange(hits)[:, None] - middle) <= stay / 2.0
    return [hit_activity(_strike(scene, replace(ring, zeal=ring.zeal * in_crew)), scene.details)]


def follow_a_leader(scene: Scene, group: Group) -> list[Activity]:
    """Return hits that one member opens; each other who joins follows one to five days later."""
    ring = _found(scene, group, style_of(group), after=14.0)
    leader = group.members[0]
    ring = replace(ring, zeal=np.where(group.members == leader, 1.0, ring.zeal))
    hits = _strike(scene, ring)
    wait = scene.details.uniform(1.0, 5.0, len(hits.buyer)) * _slower(scene)
    filed_at = np.where(hits.buyer == leader, ring.starts_at[hits.hit], days_after(hits.filed_at, wait))
    return [hit_activity(replace(hits, filed_at=filed_at), scene.details)]


RING_PLAYS: dict[ExtraPattern, Callable[[Scene, Group], list[Activity]]] = {
    ExtraPattern.DECOY_ORDERS_3: partial(order_decoys, outings=3),
    ExtraPattern.DECOY_ORDERS_10: partial(order_decoys, outings=10),
    ExtraPattern.DECOY_ORDERS_20: partial(order_decoys, outings=20),
    ExtraPattern.LATE_CLAIMS_30: partial(claim_late, days=30),
    ExtraPattern.LATE_CLAIMS_70: partial(claim_late, days=70),
    ExtraPattern.PARTIAL_CLAIMS: claim_in_part,
    ExtraPattern.CROWD: crowd,
    ExtraPattern.TWO_ACCOUNTS: two_accounts,
    ExtraPattern.WAVES_10: partial(strike_in_waves, waves=10),
    ExtraPattern.WAVES_6: partial(strike_in_waves, waves=6),
    ExtraPattern.WAVES_4: partial(strike_in_waves, waves=4),
    ExtraPattern.TWO_COUNTRIES: live_in_two_countries,
    ExtraPattern.HALF_YEAR: strike_for_half_a_year,
    ExtraPattern.ROTATING_MEMBERS: rotate_members,
    ExtraPattern.LEADER_FOLLOWERS: follow_a_leader,
}
"""What the members of one group do together, by extra."""
