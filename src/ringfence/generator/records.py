"""A marketplace written down: ids that say nothing, times, money, and one frame a file."""

from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np
import polars as pl

from ringfence.generator.accusations import REPORT_REASONS, Accusations
from ringfence.generator.activity import NONE, REASONS, Activity, Longs
from ringfence.generator.claims import KINDS, STATUSES, Details
from ringfence.generator.geography import COUNTRIES
from ringfence.generator.groups import Group
from ringfence.generator.merchants import CATEGORIES, Merchants
from ringfence.generator.options import GeneratorOptions
from ringfence.generator.population import Ints, Population
from ringfence.generator.seasons import DAY

_TONES = "Amber,Blue,Bright,Coral,Crimson,Golden,Green,Grand,Ivory,Jade,Little,Lucky,Noble,Nordic,Pearl,Royal"
_THINGS = (
    "Anchor,Bay,Bridge,Crane,Dragon,Field,Forest,Harbour,Lantern,Lotus,Meadow,Moon,Peak,River,Star,Tiger,Wave"
)


def draw_ids(letter: str, count: int, chance: np.random.Generator, first: int = 0) -> pl.Series:
    """Return `count` ids in random order: a letter and a number from `first` up, at least six digits long."""
    digits = max(6, len(str(first + count)))
    return letter + pl.Series(first + chance.permutation(count)).cast(pl.String).str.zfill(digits)


def write_times(seconds: Longs, options: GeneratorOptions) -> pl.Series:
    """Return seconds of the period as Datetime(us, UTC), null where they are NONE."""
    midnight = datetime(options.starts_on.year, options.starts_on.month, options.starts_on.day, tzinfo=UTC)
    micros = pl.Series((seconds + int(midnight.timestamp())) * 1_000_000)
    known = micros.zip_with(pl.Series(seconds != NONE), pl.Series([None], dtype=pl.Int64))
    return known.cast(pl.Datetime("us", "UTC"))


def _money(hundredths: Longs) -> pl.Series:
    return pl.Series(hundredths).cast(pl.Decimal(18, 0)).cast(pl.Decimal(18, 2)) / pl.Series([100]).cast(
        pl.Decimal(18, 2)
    )


def _words(words: Sequence[str], codes: Ints) -> pl.Series:
    """Return each code's word, as an enumeration."""
    return pl.Series([str(word) for word in words], dtype=pl.Enum([str(word) for word in words])).gather(
        codes
    )


def _countries(codes: Ints) -> pl.Series:
    return _words([land.code for land in COUNTRIES], codes)


def _currencies(country: Ints) -> pl.Series:
    codes = sorted({land.currency for land in COUNTRIES})
    return _words(codes, np.array([codes.index(land.currency) for land in COUNTRIES])[country])


def _categories(codes: Ints) -> pl.Series:
    return _words([name for name, *_ in CATEGORIES], codes)


def write_orders(
    activity: Activity,
    paid: Longs,
    order_ids: pl.Series,
    buyer_ids: pl.Series,
    merchant_ids: pl.Series,
    population: Population,
    merchants: Merchants,
    options: GeneratorOptions,
) -> pl.DataFrame:
    """Return the orders file; `paid` is int64, hundredths."""
    country = population.country[activity.buyer]
    return pl.DataFrame(
        {
            "order_id": order_ids,
            "buyer_id": buyer_ids.gather(activity.buyer),
            "merchant_id": merchant_ids.gather(activity.merchant),
            "ordered_at": write_times(activity.ordered_at, options),
            "amount": _money(paid),
            "currency": _currencies(country),
            "category": _categories(merchants.category[activity.merchant]),
            "country": _countries(country),
        }
    )


def write_claims(
    claims: Activity,
    details: Details,
    known: pl.DataFrame,
    claim_ids: pl.Series,
    order_ids: pl.Series,
    buyer_ids: pl.Series,
    merchant_ids: pl.Series,
    population: Population,
    merchants: Merchants,
    options: GeneratorOptions,
) -> pl.DataFrame:
    """Return the claims file; `known` holds the identifiers recorded on each claim, `order_ids` its order."""
    country = population.country[claims.buyer]
    return pl.DataFrame(
        {
            "claim_id": claim_ids,
            "buyer_id": buyer_ids.gather(claims.buyer),
            "merchant_id": merchant_ids.gather(claims.merchant),
            "filed_at": write_times(claims.filed_at, options),
            "amount": _money(details.amount),
            "currency": _currencies(country),
            "kind": _words(KINDS, details.kind),
            "reason": _words(REASONS, claims.reason),
            "order_id": order_ids,
            "category": _categories(merchants.category[claims.merchant]),
            "country": _countries(country),
            **known.to_dict(),
            "paid_at": write_times(claims.ordered_at, options),
            "delivered_at": write_times(claims.delivered_at, options),
            "evidence_count": pl.Series(details.evidence),
            "status": _words(STATUSES, details.status),
        }
    )


def write_reports(
    accusations: Accusations,
    claims: pl.DataFrame,
    options: GeneratorOptions,
    chance: np.random.Generator,
    first: int = 0,
) -> pl.DataFrame:
    """Return the reports file, by time; `claims` is the claims file that the accusations point into.

    Report ids are numbered from `first`.
    """
    about = claims.select("merchant_id", "buyer_id", "claim_id")[accusations.claim]
    return pl.DataFrame(
        {
            "report_id": draw_ids("r", len(accusations.claim), chance, first),
            "merchant_id": about["merchant_id"],
            "buyer_id": about["buyer_id"],
            "reported_at": write_times(accusations.reported_at, options),
            "claim_id": about["claim_id"],
            "reason": _words(REPORT_REASONS, accusations.reason),
        }
    ).sort("reported_at", "report_id")


def write_merchants(
    merchants: Merchants, merchant_ids: pl.Series, options: GeneratorOptions, chance: np.random.Generator
) -> pl.DataFrame:
    """Return the merchants file, by merchant_id."""
    count = len(merchants)
    tones, things = pl.Series(_TONES.split(",")), pl.Series(_THINGS.split(","))
    tone = tones.gather(chance.integers(0, len(tones), count))
    thing = things.gather(chance.integers(0, len(things), count))
    joined = -(chance.gamma(1.5, 500.0, count) * DAY).astype(np.int64) - 2 * DAY
    return pl.DataFrame(
        {
            "merchant_id": merchant_ids,
            "name": tone + " " + thing + " " + _categories(merchants.category).cast(pl.String),
            "country": _countries(merchants.country),
            "level": pl.Series(chance.integers(1, 6, count)),
            "joined_at": write_times(joined, options),
            "fulfilment": _words(("pop", "fully_managed"), (chance.random(count) < 0.25).astype(np.int32)),
        }
    ).sort("merchant_id")


def write_buyers(
    population: Population,
    first_order: Longs,
    buyer_ids: pl.Series,
    options: GeneratorOptions,
    chance: np.random.Generator,
) -> pl.DataFrame:
    """Return the buyers file, by buyer_id; `first_order` is int64[n], seconds."""
    count = len(population)
    joined = (population.active_from * DAY).astype(np.int64)
    older = (chance.gamma(1.2, 600.0, count) * DAY).astype(np.int64)
    registered = np.where(population.active_from > 0, joined, -older - 2)
    registered = np.minimum(registered, first_order - chance.integers(300, DAY, count))
    registered[registered == NONE] -= 1
    return pl.DataFrame(
        {
            "buyer_id": buyer_ids,
            "country": _countries(population.country),
            "registered_at": write_times(registered, options),
        }
    ).sort("buyer_id")


def write_truth(groups: Sequence[Group], buyer_ids: pl.Series) -> pl.DataFrame:
    """Return the truth file, by buyer_id: ring_id and pattern, or lookalike and lookalike_group, or null."""
    columns: dict[str, list[str | None]] = {
        name: [None] * len(buyer_ids) for name in ("ring_id", "pattern", "lookalike", "lookalike_group")
    }
    for group in groups:
        label, kind = ("ring_id", "pattern") if group.is_ring else ("lookalike_group", "lookalike")
        for member in group.members.tolist():
            columns[label][member] = group.label
            columns[kind][member] = str(group.kind)
    schema = dict.fromkeys(columns, pl.String)
    return pl.DataFrame(columns, schema=schema).insert_column(0, buyer_ids.alias("buyer_id")).sort("buyer_id")
