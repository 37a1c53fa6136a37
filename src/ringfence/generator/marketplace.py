"""A simulated marketplace from its options: files as frames, and the truth about every buyer."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from ringfence.domain.progress import Progress, Silent
from ringfence.generator.accusations import accuse
from ringfence.generator.activity import (
    NONE,
    Activity,
    complain,
    join_activities,
    ordinary_orders,
    select,
    within_period,
)
from ringfence.generator.belongings import Belongings, give_belongings, render_belongings
from ringfence.generator.claims import detail, price
from ringfence.generator.geography import COUNTRIES
from ringfence.generator.groups import Deck, Group, Pattern, lookalike_sizes, ring_sizes
from ringfence.generator.lookalikes import LIVE_IN_ONE_COUNTRY, act_together, share_innocently, share_tastes
from ringfence.generator.merchants import Merchants, open_merchants
from ringfence.generator.options import GeneratorOptions, stream
from ringfence.generator.population import Ints, Population, make_population, settle
from ringfence.generator.records import (
    draw_ids,
    write_buyers,
    write_claims,
    write_merchants,
    write_orders,
    write_reports,
    write_truth,
)
from ringfence.generator.rings import (
    Ring,
    hit_activity,
    live_ordinary_lives,
    plan_ring,
    share_belongings,
    strike,
)
from ringfence.generator.seasons import Calendar, open_calendar

_SILENCE = Silent()
_COMPANY = 0.2
"""How much less often people complain of what they ordered together: one does for all, or nobody."""
_ROOM = 10
"""A group of neighbours is at most this part of the people of its country."""
_INTERNATIONAL_RINGS = 0.3
"""Share of the rings without a common address whose members live wherever they live."""


@dataclass(frozen=True, eq=False)
class Marketplace:
    """The files of a simulated marketplace as frames with the files' columns; times are Datetime(us, UTC)."""

    options: GeneratorOptions
    claims: pl.DataFrame
    """One row a claim, by filed_at; amounts are Decimal(18, 2)."""
    orders: pl.DataFrame
    """One row an order, by ordered_at; every claim's order is among them."""
    reports: pl.DataFrame
    """One row a merchant's report, by reported_at."""
    merchants: pl.DataFrame
    """One row a merchant, by merchant_id."""
    buyers: pl.DataFrame
    """One row a buyer, by buyer_id."""
    truth: pl.DataFrame
    """One row a buyer, by buyer_id: ring_id and pattern, or lookalike and lookalike_group, or null."""


@dataclass(frozen=True, eq=False)
class _World:
    """Everything that was decided before anyone orders anything."""

    calendar: Calendar
    merchants: Merchants
    population: Population
    belongings: Belongings
    rings: list[Ring]
    lookalikes: list[Group]


def generate_marketplace(options: GeneratorOptions, progress: Progress = _SILENCE) -> Marketplace:
    """Return the marketplace of `options`, the same for the same options, and the truth about its rings.

    Without rings everything else is drawn in the same way, look-alikes included.
    """
    progress.stage("people and shops")
    world = _found(options)
    progress.stage("orders and claims")
    activity = _live(world, options)
    progress.stage("records")
    marketplace = _record(world, activity, options)
    progress.done()
    return marketplace


def _found(options: GeneratorOptions) -> _World:
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
    return _World(calendar, merchants, population, belongings, rings, lookalikes)


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


def _live(world: _World, options: GeneratorOptions) -> Activity:
    """Return all orders and claims of the period, by time of order."""
    population, merchants, calendar = world.population, world.merchants, world.calendar
    ordinary = ordinary_orders(population, merchants, calendar, stream(options.seed, "orders"))
    together = act_together(
        world.lookalikes, population, merchants, calendar, stream(options.seed, "gatherings")
    )
    rate, chance = 1.0 / options.orders_per_claim, stream(options.seed, "complaints")
    activity = join_activities(
        [
            complain(ordinary, population, merchants, rate, chance),
            complain(join_activities(together), population, merchants, rate * _COMPANY, chance),
        ]
    )
    if world.rings:
        hits = strike(world.rings, options.stealth, stream(options.seed, "hits"))
        activity = join_activities([activity, hit_activity(hits, stream(options.seed, "ring orders"))])
    activity = within_period(activity, calendar)
    return select(activity, np.argsort(activity.ordered_at, kind="stable"))


def _record(world: _World, activity: Activity, options: GeneratorOptions) -> Marketplace:
    """Write everything down as a marketplace would: in order of time, under ids that say nothing."""
    population, merchants, end = world.population, world.merchants, world.calendar.end
    chance = stream(options.seed, "ids")
    buyer_ids = draw_ids("b", options.buyers, chance)
    merchant_ids = draw_ids("m", len(merchants), chance)
    order_ids = draw_ids("o", len(activity), chance)
    paid = price(activity, population, merchants, stream(options.seed, "prices"))

    claimed = np.flatnonzero(activity.filed_at != NONE)
    claimed = claimed[np.argsort(activity.filed_at[claimed], kind="stable")]
    claims = select(activity, claimed)
    details = detail(claims, paid[claimed], population, end, stream(options.seed, "details"))
    seen = stream(options.seed, "records")
    known = render_belongings(world.belongings, population.country, claims.buyer, claims.filed_at, seen)
    claim_ids = draw_ids("c", len(claims), chance)
    claim_file = write_claims(
        claims,
        details,
        known,
        claim_ids,
        order_ids.gather(claimed),
        buyer_ids,
        merchant_ids,
        population,
        merchants,
        options,
    )
    groups = [ring.group for ring in world.rings] + world.lookalikes
    labelled = np.zeros(options.buyers, dtype=np.bool_)
    for group in groups:
        labelled[group.members] = True
    tongues = stream(options.seed, "accusations")
    accusations = accuse(claims, labelled, len(world.lookalikes) + 1, world.calendar, tongues)
    first_order = np.full(options.buyers, end, dtype=np.int64)
    np.minimum.at(first_order, activity.buyer, activity.ordered_at)
    return Marketplace(
        options=options,
        claims=claim_file,
        orders=write_orders(
            activity, paid, order_ids, buyer_ids, merchant_ids, population, merchants, options
        ),
        reports=write_reports(accusations, claim_file, options, chance),
        merchants=write_merchants(merchants, merchant_ids, options, chance),
        buyers=write_buyers(population, first_order, buyer_ids, options, chance),
        truth=write_truth(groups + accusations.falsely_accused, buyer_ids),
    )
