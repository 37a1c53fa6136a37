"""A simulated marketplace from its options: files as frames, and the truth about every buyer."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ringfence.domain.progress import Progress, Silent
from ringfence.generator.activity import (
    COMPANY,
    Activity,
    complain,
    join_activities,
    ordinary_orders,
    select,
    within_period,
)
from ringfence.generator.belongings import give_belongings
from ringfence.generator.extras.adding import add_extras
from ringfence.generator.geography import COUNTRIES
from ringfence.generator.groups import Deck, Group, Pattern, lookalike_sizes, ring_sizes
from ringfence.generator.lookalikes import LIVE_IN_ONE_COUNTRY, act_together, share_innocently, share_tastes
from ringfence.generator.merchants import open_merchants
from ringfence.generator.options import GeneratorOptions, stream
from ringfence.generator.population import Ints, make_population, settle
from ringfence.generator.recording import Marketplace, World, record
from ringfence.generator.rings import (
    Ring,
    hit_activity,
    live_ordinary_lives,
    plan_ring,
    share_belongings,
    strike,
)
from ringfence.generator.seasons import open_calendar

_SILENCE = Silent()
_ROOM = 10
"""A group of neighbours is at most this part of the people of its country."""
_INTERNATIONAL_RINGS = 0.3
"""Share of the rings without a common address whose members live wherever they live."""


def generate_marketplace(options: GeneratorOptions, progress: Progress = _SILENCE) -> Marketplace:
    """Return the marketplace of `options`, the same for the same options, and the truth about its rings.

    Without rings everything else is drawn in the same way, look-alikes included.
    """
    progress.stage("people and shops")
    world, rings = _found(options)
    progress.stage("orders and claims")
    activity = _live(world, rings, options)
    progress.stage("records")
    marketplace = record(world, activity, replace(options, extras=()))
    if options.extras:
        progress.stage("extras")
        marketplace = add_extras(marketplace, options.extras)
    progress.done()
    return marketplace


def _found(options: GeneratorOptions) -> tuple[World, list[Ring]]:
    """Found the marketplace: shops, people, who belongs together, and what they share."""
    calendar = open_calendar(options.starts_on, options.days)
    merchants = open_merchants(options.merchant_count, stream(options.seed, "merchants"))
    deck = Deck(options.buyers, stream(options.seed, "deck"))
    sizes = lookalike_sizes(options.buyers, stream(options.seed, "look-alikes"))
    lookalikes = [Group(kind, number, deck.deal(size)) for number, (kind, size) in enumerate(sizes, 1)]
    chance = stream(options.seed, "rings")
    wanted = ring_sizes(options.buyers, chance) if options.rings else []
    groups = [Group(kind, number, deck.deal(size)) for number, (kind, size) in enumerate(wanted, 1)]
    rings = [plan_ring(group, merchants, options.days, chance) for group in groups]

    country = settle(options.buyers, stream(options.seed, "countries"))
    _gather(lookalikes, rings, country, chance)
    per_buyer = options.claims_per_buyer * options.orders_per_claim
    population = make_population(country, merchants, per_buyer, options.days, stream(options.seed, "people"))
    belongings = give_belongings(country, options.days, stream(options.seed, "belongings"))
    honest = stream(options.seed, "neighbours")
    for group in lookalikes:
        share_innocently(group, belongings, honest)
        share_tastes(group, population, merchants, honest)
    for ring in rings:
        share_belongings(ring, belongings, chance)
        live_ordinary_lives(ring, population, options, chance)
    return World(calendar, merchants, population, belongings, [*groups, *lookalikes]), rings


def _gather(
    lookalikes: Sequence[Group], rings: Sequence[Ring], country: Ints, chance: np.random.Generator
) -> None:
    """Let neighbours, and most rings, live in one country; writes into `country` (int32[n])."""
    people = np.bincount(country, minlength=len(COUNTRIES))
    for group in lookalikes:
        if group.kind in LIVE_IN_ONE_COUNTRY:
            homes = country[group.members]
            # one dormitory isn't half of its country's buyers
            roomy = homes[people[homes] >= _ROOM * len(homes)]
            country[group.members] = roomy[0] if len(roomy) else np.argmax(people)
    roaming = {Pattern.FARM, Pattern.LOCKSTEP, Pattern.CAMOUFLAGE, Pattern.HIJACKED}
    for ring in rings:
        if ring.group.kind not in roaming or chance.random() >= _INTERNATIONAL_RINGS:
            country[ring.group.members] = country[ring.group.members[0]]


def _live(world: World, rings: Sequence[Ring], options: GeneratorOptions) -> Activity:
    """Return all orders and claims of the period, by time of order."""
    population, merchants, calendar = world.population, world.merchants, world.calendar
    ordinary = ordinary_orders(population, merchants, calendar, stream(options.seed, "orders"))
    lookalikes = [group for group in world.groups if not group.is_ring]
    together = act_together(lookalikes, population, merchants, calendar, stream(options.seed, "gatherings"))
    rate, chance = 1.0 / options.orders_per_claim, stream(options.seed, "complaints")
    activity = join_activities(
        [
            complain(ordinary, population, merchants, rate, chance),
            complain(join_activities(together), population, merchants, rate * COMPANY, chance),
        ]
    )
    if rings:
        hits = strike(rings, options.stealth, stream(options.seed, "hits"))
        activity = join_activities([activity, hit_activity(hits, stream(options.seed, "ring orders"))])
    activity = within_period(activity, calendar)
    return select(activity, np.argsort(activity.ordered_at, kind="stable"))
