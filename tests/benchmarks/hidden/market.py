"""A seed and a stealth in, a whole marketplace with its truth out."""

import numpy as np
import polars as pl
from detectors import Marketplace

from hidden.addresses import write_homes
from hidden.draft import Draft, begin_draft
from hidden.lookalikes import add_companions, add_lookalikes, claim_together
from hidden.profile import Profile, draw_profile
from hidden.rings import add_rings
from hidden.shopping import (
    Bools,
    Deals,
    Ints,
    World,
    claim_some,
    join_deals,
    make_catalogue,
    make_people,
    make_season,
    shop,
)
from hidden.unusual_people import add_unusual_people
from hidden.unusual_rings import add_unusual_rings

DAY = 86_400_000_000
FIRST_DAY = np.datetime64("2023-03-06", "D").astype(np.int64)


def make_market(profile: Profile, stealth: float | None, *, unusual: bool = False) -> Marketplace:
    """The marketplace of `profile`; with None for stealth nobody in it coordinates anything.

    With `unusual` it holds the look-alikes of unusual_people and, unless stealth is None, the rings of
    unusual_rings too.
    """
    rng = np.random.default_rng([profile.seed, 991])
    streams = iter(rng.spawn(10))
    catalogue = make_catalogue(next(streams), profile)
    world = World(profile, catalogue, make_people(next(streams), profile), make_season(profile))
    homes = next(streams)
    draft = begin_draft(homes, world, write_homes(homes, profile.buyers))
    add_lookalikes(next(streams), draft)
    people, plots = rng.spawn(2)
    if unusual:
        add_unusual_people(people, draft)
    planting = next(streams)
    if stealth is not None:
        add_rings(planting, draft, stealth)
    if unusual and stealth is not None:
        add_unusual_rings(plots, draft, stealth)
    living = next(streams)
    ordinary = join_deals([shop(living, world, draft.kept), *draft.orders])
    ordinary, follows = add_companions(next(streams), draft, ordinary)
    claiming = next(streams)
    ordinary = claim_together(claiming, draft, claim_some(claiming, world, ordinary), follows)
    deals = file_in_batches(next(streams), profile, join_deals([ordinary, *draft.claimed]))
    return _write(next(streams), draft, deals)


def file_in_batches(rng: np.random.Generator, profile: Profile, deals: Deals) -> Deals:
    """Let some merchants pass on the claims of each week together, on their own weekday and hour."""
    is_batching: Bools = rng.random(profile.merchants) < profile.batching_share
    slot = rng.uniform(0, 7, profile.merchants)[deals.merchant]
    passed_on = np.ceil((deals.filed - slot) / 7) * 7 + slot + rng.uniform(0, 0.02, len(deals))
    passed_on = np.minimum(passed_on, profile.days - 0.001)
    return Deals(
        deals.buyer,
        deals.merchant,
        deals.ordered,
        np.where(is_batching[deals.merchant], passed_on, deals.filed),
    )


def _moments(profile: Profile, days: "np.ndarray[tuple[int], np.dtype[np.float64]]") -> Ints:
    """Days since the start as µs since 1970, cut to the marketplace's resolution."""
    step = profile.resolution_seconds * 1_000_000
    moments: Ints = (days * DAY).astype(np.int64) // step * step + FIRST_DAY * DAY
    return moments


def _write(rng: np.random.Generator, draft: Draft, deals: Deals) -> Marketplace:
    """Frames under names that tell nothing: ids are scrambled, rows sorted by time."""
    profile = draft.world.profile
    names = pl.Series([f"u{number:06x}" for number in rng.permutation(profile.buyers)])
    shops = pl.Series([f"s{number:05d}" for number in rng.permutation(profile.merchants)])
    by_time = np.argsort(deals.ordered, kind="stable")
    buyer, merchant, filed = deals.buyer[by_time], deals.merchant[by_time], deals.filed[by_time]
    cents = rng.lognormal(7.8, 0.9, len(buyer)).clip(50, 5e6).astype(np.int64)
    sold = pl.DataFrame(
        {
            "buyer": buyer,
            "buyer_id": names.gather(buyer),
            "merchant_id": shops.gather(merchant),
            "ordered_at": _moments(profile, deals.ordered[by_time]),
            "filed_at": _moments(profile, np.nan_to_num(filed)),
            "amount": cents / 100,
            "is_claimed": ~np.isnan(filed),
        }
    ).with_columns(pl.col("ordered_at", "filed_at").cast(pl.Datetime("us")))
    sold = sold.with_row_index("number").with_columns(order_id=pl.format("o{}", "number"))
    claims = sold.filter("is_claimed").sort("filed_at", "number").with_row_index("place")
    claims = claims.with_columns(claim_id=pl.format("c{}", "place"))
    claims = _identify(rng, draft, claims)
    columns = ["claim_id", "buyer_id", "merchant_id", "filed_at", "amount", *profile.kinds]
    seen = np.unique(claims["buyer"].to_numpy())
    truth = pl.DataFrame(
        {
            "buyer_id": names.gather(seen),
            "ring_id": [f"t{draft.ring[one]}" if draft.ring[one] >= 0 else None for one in seen],
            "pattern": [draft.pattern[one] for one in seen],
            "lookalike": [draft.lookalike[one] for one in seen],
        },
        schema_overrides={"ring_id": pl.String, "pattern": pl.String},
    )
    reports, accused = _false_reports(rng, claims, truth)
    truth = truth.with_columns(
        lookalike=pl.when((pl.col("lookalike") == "") & pl.col("buyer_id").is_in(accused.implode()))
        .then(pl.lit("false report"))
        .otherwise("lookalike")
    )
    orders = sold.select("order_id", "buyer_id", "merchant_id", "ordered_at", "amount")
    if profile.has_orders:
        columns.insert(5, "order_id")
    return Marketplace(claims.select(columns), orders if profile.has_orders else None, truth, reports)


def _identify(rng: np.random.Generator, draft: Draft, claims: pl.DataFrame) -> pl.DataFrame:
    """Add the identifiers as they were given with each claim: some left out, some spelled otherwise."""
    profile, buyer = draft.world.profile, claims["buyer"].to_numpy()
    given = {
        "address": pl.Series("address", draft.address[buyer].tolist(), dtype=pl.String),
        "device": pl.select(device=pl.format("d-{}", pl.Series(draft.device[buyer] * 7919 + 13))).to_series(),
        "payment": pl.select(
            payment=pl.format("p-{}", pl.Series(draft.payment[buyer] * 104_729 + 7))
        ).to_series(),
    }
    for kind in profile.kinds:
        text, left_out = pl.col(kind), pl.Series(rng.random(len(buyer)) < profile.missing_share)
        claims = claims.with_columns(given[kind])
        if kind == "address":
            other = pl.Series(rng.random(len(buyer)) < profile.respelled_share)
            shorter = text.str.replace(" Street", " St.").str.replace(" Avenue", " Ave").str.to_lowercase()
            claims = claims.with_columns(pl.when(other).then(shorter).otherwise(text).alias(kind))
        claims = claims.with_columns(pl.when(~left_out).then(text).alias(kind))
    return claims


def _false_reports(
    rng: np.random.Generator, claims: pl.DataFrame, truth: pl.DataFrame
) -> tuple[pl.DataFrame, pl.Series]:
    """One merchant accuses most of those who claimed against it, honest all; the reports and the accused."""
    honest = claims.join(truth.filter(pl.col("ring_id").is_null()), on="buyer_id", how="semi")
    merchants = honest["merchant_id"].value_counts().sort("merchant_id").filter(pl.col("count") <= 60)
    spiteful = merchants.sort("count", "merchant_id", descending=True)["merchant_id"].head(1)
    against = honest.filter(pl.col("merchant_id").is_in(spiteful.implode()))
    against = against.filter(pl.Series(rng.random(against.height) < 0.8))
    reports = against.with_row_index("report").select(
        report_id=pl.format("r{}", "report"),
        merchant_id="merchant_id",
        buyer_id="buyer_id",
        reported_at=pl.col("filed_at") + pl.duration(days=1),
    )
    return reports, against["buyer_id"].unique()


def market_of_seed(
    seed: int, stealth: float | None, smallest: int, largest: int, *, unusual: bool = False
) -> Marketplace:
    """Draw the profile of `seed` and make its marketplace."""
    return make_market(draw_profile(seed, smallest, largest), stealth, unusual=unusual)
