"""A marketplace written down: its files as frames, and the truth about every buyer."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import polars as pl

from ringfence.generator.accusations import accuse
from ringfence.generator.activity import NONE, Activity, select
from ringfence.generator.belongings import Belongings, render_belongings
from ringfence.generator.claims import detail, price
from ringfence.generator.groups import Group
from ringfence.generator.merchants import Merchants
from ringfence.generator.options import GeneratorOptions, stream
from ringfence.generator.population import Population
from ringfence.generator.records import (
    draw_ids,
    write_buyers,
    write_claims,
    write_merchants,
    write_orders,
    write_reports,
    write_truth,
)
from ringfence.generator.seasons import Calendar


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
class World:
    """Everything that was decided before anyone orders anything."""

    calendar: Calendar
    merchants: Merchants
    population: Population
    belongings: Belongings
    groups: Sequence[Group]
    """Rings first, then look-alikes."""


def name_shops(options: GeneratorOptions) -> pl.Series:
    """Return the ids of the merchants of `options`, in the order in which they were opened."""
    return _name_parties(options, stream(options.seed, "ids"))[1]


def _name_parties(options: GeneratorOptions, chance: np.random.Generator) -> tuple[pl.Series, pl.Series]:
    buyers = draw_ids("b", options.buyers, chance)
    return buyers, draw_ids("m", options.merchant_count, chance)


def record(world: World, activity: Activity, options: GeneratorOptions) -> Marketplace:
    """Write everything down as a marketplace would: in order of time, under ids that say nothing."""
    chance = stream(options.seed, "ids")
    buyers, shops = _name_parties(options, chance)
    return _write(world, activity, options, buyers, shops, partial(stream, options.seed), chance)


def record_newcomers(
    world: World, activity: Activity, known: Marketplace, draw: Callable[[str], np.random.Generator]
) -> Marketplace:
    """Write down the people of `world`, who shop at the merchants of `known`, as that marketplace would.

    Their ids go on where those of `known` end. `draw` returns the stream of chance of each subject.
    """
    chance = draw("ids")
    buyers = draw_ids("b", len(world.population), chance, known.buyers.height)
    return _write(world, activity, known.options, buyers, name_shops(known.options), draw, chance, known)


def _write(
    world: World,
    activity: Activity,
    options: GeneratorOptions,
    buyer_ids: pl.Series,
    merchant_ids: pl.Series,
    draw: Callable[[str], np.random.Generator],
    chance: np.random.Generator,
    known: Marketplace | None = None,
) -> Marketplace:
    """Write down one part of a marketplace; `chance` draws the ids, `known` is the part before it."""
    population, merchants, end = world.population, world.merchants, world.calendar.end
    files = (known.orders, known.claims, known.reports, known.buyers) if known else ()
    orders_known, claims_known, reports_known, buyers_known = [file.height for file in files] or [0] * 4
    order_ids = draw_ids("o", len(activity), chance, orders_known)
    paid = price(activity, population, merchants, draw("prices"))

    claimed = np.flatnonzero(activity.filed_at != NONE)
    claimed = claimed[np.argsort(activity.filed_at[claimed], kind="stable")]
    claims = select(activity, claimed)
    details = detail(claims, paid[claimed], population, end, draw("details"))
    identifiers = render_belongings(
        world.belongings, population.country, claims.buyer, claims.filed_at, draw("records"), buyers_known
    )
    claim_ids = draw_ids("c", len(claims), chance, claims_known)
    claim_file = write_claims(
        claims,
        details,
        identifiers,
        claim_ids,
        order_ids.gather(claimed),
        buyer_ids,
        merchant_ids,
        population,
        merchants,
        options,
    )
    labelled = np.zeros(len(population), dtype=np.bool_)
    for group in world.groups:
        labelled[group.members] = True
    next_number = 1 + sum(not group.is_ring for group in world.groups)
    accusations = accuse(claims, labelled, next_number, world.calendar, draw("accusations"))
    first_order = np.full(len(population), end, dtype=np.int64)
    np.minimum.at(first_order, activity.buyer, activity.ordered_at)
    return Marketplace(
        options=options,
        claims=claim_file,
        orders=write_orders(
            activity, paid, order_ids, buyer_ids, merchant_ids, population, merchants, options
        ),
        reports=write_reports(accusations, claim_file, options, chance, reports_known),
        merchants=known.merchants if known else write_merchants(merchants, merchant_ids, options, chance),
        buyers=write_buyers(population, first_order, buyer_ids, options, chance),
        truth=write_truth([*world.groups, *accusations.falsely_accused], buyer_ids),
    )
