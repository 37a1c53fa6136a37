"""Adding extras to a marketplace that stands: more people at the same shops, nobody else's rows changed."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np
import polars as pl

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
from ringfence.generator.extras.casting import deal_groups, gather
from ringfence.generator.extras.crowds import believe_a_post, buy_deals, open_boxes, resell, work_together
from ringfence.generator.extras.names import Extra, ExtraLookalike, ExtraPattern, chosen_extras
from ringfence.generator.extras.parcels import lose_a_shipment, lose_a_van, lose_joint_parcels
from ringfence.generator.extras.rings import RING_PLAYS
from ringfence.generator.extras.scene import Scene
from ringfence.generator.groups import Group
from ringfence.generator.merchants import open_merchants
from ringfence.generator.options import GeneratorOptions, stream
from ringfence.generator.population import make_population, settle
from ringfence.generator.recording import Marketplace, World, record_newcomers
from ringfence.generator.seasons import open_calendar

_LOOKALIKE_PLAYS: dict[ExtraLookalike, Callable[[Scene, Group], list[Activity]]] = {
    ExtraLookalike.LOST_SHIPMENT: partial(lose_a_shipment, is_scattered=False),
    ExtraLookalike.LOST_SHIPMENT_SCATTERED: partial(lose_a_shipment, is_scattered=True),
    ExtraLookalike.LOST_VAN: lose_a_van,
    ExtraLookalike.DEAL_CLUB_15: partial(buy_deals, faulty=0.15),
    ExtraLookalike.DEAL_CLUB_40: partial(buy_deals, faulty=0.4),
    ExtraLookalike.JOINT_PARCELS: lose_joint_parcels,
    ExtraLookalike.SUBSCRIPTION_BOX: open_boxes,
    ExtraLookalike.VIRAL_POST: believe_a_post,
    ExtraLookalike.RESELLER: resell,
    ExtraLookalike.SMALL_OFFICE: work_together,
}
PLAYS: dict[Extra, Callable[[Scene, Group], list[Activity]]] = dict(
    (*RING_PLAYS.items(), *_LOOKALIKE_PLAYS.items())
)
"""What the people of one group do together, by extra: orders with their claims."""


def add_extras(marketplace: Marketplace, names: tuple[str, ...]) -> Marketplace:
    """Return `marketplace` with the extras of `names` added, "all" for each, unless it holds them.

    Their people are new accounts who live ordinary lives besides; every row of `marketplace` stays as it is.
    The same seed gives an extra the same lives whatever others are added; only its ids differ.
    Raises InvalidError for an unknown name.
    """
    before = marketplace.options
    options = replace(before, extras=tuple(dict.fromkeys((*before.extras, *names))))
    whole = replace(marketplace, options=options)
    held = chosen_extras(before.extras, rings=before.rings)
    for extra in chosen_extras(options.extras, rings=options.rings):
        if extra in held:
            continue
        draw = partial(_draw, options.seed, extra)
        world, activity = live_extra(extra, options)
        whole = _join(whole, record_newcomers(world, activity, whole, draw))
    return whole


def _draw(seed: int, extra: Extra, subject: str) -> np.random.Generator:
    return stream(seed, f"{extra}: {subject}")


def set_scene(extra: Extra, options: GeneratorOptions) -> tuple[Scene, list[Group]]:
    """Return the people of one extra, numbered from 0, before they act, and the groups they form."""
    draw = partial(_draw, options.seed, extra)
    calendar = open_calendar(options.starts_on, options.days)
    merchants = open_merchants(options.merchant_count, stream(options.seed, "merchants"))
    groups = deal_groups(extra, options.buyers, draw("groups"))
    country = settle(sum(len(group.members) for group in groups), draw("countries"))
    for group in groups:
        gather(group, country)
    per_buyer = options.claims_per_buyer * options.orders_per_claim
    scene = Scene(
        options=options,
        calendar=calendar,
        merchants=merchants,
        population=make_population(country, merchants, per_buyer, options.days, draw("people")),
        belongings=give_belongings(country, options.days, draw("belongings")),
        plans=draw("plans"),
        acts=draw("acts"),
        details=draw("details of acts"),
    )
    return scene, groups


def live_extra(extra: Extra, options: GeneratorOptions) -> tuple[World, Activity]:
    """Return the people of one extra and all their orders and claims by time of order."""
    draw = partial(_draw, options.seed, extra)
    scene, groups = set_scene(extra, options)
    merchants, calendar = scene.merchants, scene.calendar
    joint = [activity for group in groups for activity in PLAYS[extra](scene, group)]
    rate, chance = 1.0 / options.orders_per_claim, draw("complaints")
    ordinary = ordinary_orders(scene.population, merchants, calendar, draw("orders"))
    parts = [complain(ordinary, scene.population, merchants, rate, chance)]
    if isinstance(extra, ExtraPattern):
        parts += joint  # a ring has its reasons not to claim
    else:
        parts += [complain(part, scene.population, merchants, rate * COMPANY, chance) for part in joint]
    whole = within_period(join_activities(parts), calendar)
    world = World(calendar, merchants, scene.population, scene.belongings, groups)
    return world, select(whole, np.argsort(whole.ordered_at, kind="stable"))


def _join(known: Marketplace, newcomers: Marketplace) -> Marketplace:
    """Return both parts as one marketplace, each file in its order."""

    def joined(stem: str, *order: str) -> pl.DataFrame:
        both: list[pl.DataFrame] = [getattr(known, stem), getattr(newcomers, stem)]
        return pl.concat(both).sort(*order, maintain_order=True)

    return replace(
        known,
        claims=joined("claims", "filed_at"),
        orders=joined("orders", "ordered_at"),
        reports=joined("reports", "reported_at", "report_id"),
        buyers=joined("buyers", "buyer_id"),
        truth=joined("truth", "buyer_id"),
    )
