from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from ringfence.domain.claims import ClaimKind, ClaimReason, ClaimStatus, Fulfilment
from ringfence.generator import GeneratorOptions, Lookalike, Marketplace, Pattern, generate_marketplace

BUYERS = 6_000
IDENTIFIERS = ("address", "device", "payment", "phone", "email")


@pytest.fixture(scope="module")
def marketplace() -> Marketplace:
    return generate_marketplace(GeneratorOptions(buyers=BUYERS))


@pytest.fixture(scope="module")
def honest() -> Marketplace:
    return generate_marketplace(GeneratorOptions(buyers=BUYERS, rings=False))


def members(marketplace: Marketplace, kind: str) -> pl.DataFrame:
    """The truth about the look-alikes of a kind."""
    return marketplace.truth.filter(pl.col("lookalike") == kind)


def claims_of(marketplace: Marketplace, kind: str) -> pl.DataFrame:
    """The claims of the look-alikes of a kind, with their group."""
    return marketplace.claims.join(members(marketplace, kind), on="buyer_id")


def test_every_pattern_and_lookalike_is_there_and_labelled(marketplace: Marketplace) -> None:
    truth = marketplace.truth
    assert truth["buyer_id"].n_unique() == truth.height == BUYERS
    assert set(truth["pattern"].drop_nulls()) == set(Pattern)
    assert set(truth["lookalike"].drop_nulls()) == set(Lookalike)
    assert truth.filter(pl.col("ring_id").is_null() != pl.col("pattern").is_null()).is_empty()
    assert truth.filter(pl.col("lookalike").is_null() != pl.col("lookalike_group").is_null()).is_empty()
    assert truth.filter(pl.col("ring_id").is_not_null() & pl.col("lookalike").is_not_null()).is_empty()


def test_one_buyer_in_a_hundred_is_in_a_ring_and_a_few_look_like_it(marketplace: Marketplace) -> None:
    assert 0.0095 <= marketplace.truth["ring_id"].is_not_null().mean() <= 0.0155  # type: ignore[operator]
    assert 0.05 <= marketplace.truth["lookalike"].is_not_null().mean() <= 0.08  # type: ignore[operator]


def test_a_small_marketplace_has_every_pattern_and_lookalike_too() -> None:
    truth = generate_marketplace(GeneratorOptions(buyers=3_000, claims_per_buyer=2.0)).truth
    assert set(truth["pattern"].drop_nulls()) == set(Pattern)
    assert set(truth["lookalike"].drop_nulls()) == set(Lookalike)
    assert truth["ring_id"].is_not_null().mean() <= 0.0155  # type: ignore[operator]


def test_without_rings_there_is_none_and_the_lookalikes_stay(
    marketplace: Marketplace, honest: Marketplace
) -> None:
    assert honest.truth["ring_id"].null_count() == BUYERS
    assert honest.truth["pattern"].null_count() == BUYERS
    for kind in set(Lookalike) - {Lookalike.FALSE_REPORTS}:
        assert members(honest, kind).height == members(marketplace, kind).height
    assert abs(honest.claims.height / marketplace.claims.height - 1.0) < 0.1


def test_every_claim_is_about_an_order_of_its_buyer_at_its_merchant(marketplace: Marketplace) -> None:
    claims, orders = marketplace.claims, marketplace.orders
    assert claims["claim_id"].n_unique() == claims.height
    assert claims["order_id"].n_unique() == claims.height
    assert orders["order_id"].n_unique() == orders.height
    both = claims.join(orders, on="order_id", how="left", suffix="_ordered")
    assert both["ordered_at"].null_count() == 0
    for column in ("buyer_id", "merchant_id", "currency", "category", "country"):
        assert (both[column] == both[f"{column}_ordered"]).all()
    assert (both["amount"] <= both["amount_ordered"]).all()
    assert (both["filed_at"] > both["ordered_at"]).all()
    astray = both.filter(~pl.col("delivered_at").is_between(pl.col("ordered_at"), pl.col("filed_at")))
    assert astray.is_empty()


def test_buyers_and_merchants_of_claims_and_orders_are_known(marketplace: Marketplace) -> None:
    for frame in (marketplace.claims, marketplace.orders, marketplace.reports):
        assert frame["buyer_id"].is_in(marketplace.buyers["buyer_id"].implode()).all()
        assert frame["merchant_id"].is_in(marketplace.merchants["merchant_id"].implode()).all()
    first = marketplace.orders.group_by("buyer_id").agg(pl.col("ordered_at").min())
    joined = marketplace.buyers.join(first, on="buyer_id")
    assert (joined["registered_at"] < joined["ordered_at"]).all()


def test_files_keep_to_the_columns_and_words_of_the_contract(marketplace: Marketplace) -> None:
    claims = marketplace.claims
    assert claims.columns[:5] == ["claim_id", "buyer_id", "merchant_id", "filed_at", "amount"]
    assert set(IDENTIFIERS) <= set(claims.columns)
    assert set(claims["kind"].cast(pl.String)) <= set(ClaimKind)
    assert set(claims["reason"].cast(pl.String)) == set(ClaimReason)
    assert set(claims["status"].cast(pl.String)) <= set(ClaimStatus)
    assert set(marketplace.merchants["fulfilment"].cast(pl.String)) == set(Fulfilment)
    assert marketplace.orders.columns[:5] == ["order_id", "buyer_id", "merchant_id", "ordered_at", "amount"]
    assert marketplace.reports.columns[:4] == ["report_id", "merchant_id", "buyer_id", "reported_at"]
    assert marketplace.truth.columns == ["buyer_id", "ring_id", "pattern", "lookalike", "lookalike_group"]
    for frame, required in ((claims, 5), (marketplace.orders, 5), (marketplace.reports, 4)):
        assert sum(frame[column].null_count() for column in frame.columns[:required]) == 0
    assert (claims["amount"] > 0).all()


def test_everything_happens_inside_the_period(marketplace: Marketplace) -> None:
    start = datetime(2024, 1, 1, tzinfo=UTC)
    for moments in (
        marketplace.claims["filed_at"],
        marketplace.orders["ordered_at"],
        marketplace.reports["reported_at"],
    ):
        assert moments.is_sorted()
        assert moments.is_between(start, start + timedelta(days=365), closed="left").all()


def test_there_are_about_five_claims_a_buyer_and_four_orders_a_claim(marketplace: Marketplace) -> None:
    claims = marketplace.claims
    assert claims.height / claims["buyer_id"].n_unique() == pytest.approx(5.5, abs=0.7)
    assert claims.height / BUYERS == pytest.approx(5.0, abs=0.5)
    assert 3.0 <= marketplace.orders.height / claims.height <= 5.0


def test_the_popularity_of_shops_has_a_heavy_tail(honest: Marketplace) -> None:
    sizes = np.sort(honest.orders.group_by("merchant_id").len()["len"].to_numpy())[::-1]
    assert sizes[0] > 8 * np.median(sizes)
    assert 0.3 <= sizes[: len(sizes) // 10].sum() / sizes.sum() <= 0.8


def test_orders_surge_during_a_sale(honest: Marketplace) -> None:
    day = honest.orders["ordered_at"].dt.date()
    daily = day.value_counts().rename({"ordered_at": "day"})
    november = pl.col("day").is_between(datetime(2024, 11, 9).date(), datetime(2024, 11, 17).date())
    usual = daily.filter(pl.col("day").dt.month() == 10)["count"].mean()
    assert 2.5 * usual < daily.filter(november)["count"].mean() < 4.5 * usual  # type: ignore[operator]


def test_people_shop_in_the_evening_of_their_own_country(honest: Marketplace) -> None:
    for country, offset in (("US", -6), ("DE", 1), ("JP", 9)):
        hours = honest.orders.filter(pl.col("country") == country)["ordered_at"].dt.offset_by(f"{offset}h")
        busiest = hours.dt.hour().value_counts(sort=True)[hours.name][0]
        assert 18 <= busiest <= 22


def test_honest_buyers_rarely_share_anything(honest: Marketplace) -> None:
    strangers = honest.claims.join(
        honest.truth.filter(pl.col("lookalike").is_null()), on="buyer_id", how="semi"
    )
    for kind in IDENTIFIERS:
        holders = strangers.drop_nulls(kind).group_by(kind).agg(pl.col("buyer_id").n_unique())
        assert (holders["buyer_id"] > 1).mean() < 0.005  # type: ignore[operator]


def test_ids_say_nothing_about_rings(marketplace: Marketplace) -> None:
    ring = marketplace.truth.filter(pl.col("ring_id").is_not_null())
    claims = marketplace.claims.join(ring, on="buyer_id", how="semi")
    numbers = ring["buyer_id"].str.slice(1).cast(pl.Int64).to_numpy()
    # the mean of some 75 uniform draws has a standard deviation of .033
    assert abs(numbers.mean() / BUYERS - 0.5) < 0.13
    numbers = claims["claim_id"].str.slice(1).cast(pl.Int64).to_numpy()
    assert abs(numbers.mean() / marketplace.claims.height - 0.5) < 0.06


def test_families_live_together_and_shop_together_but_hardly_ever_claim_together(
    honest: Marketplace,
) -> None:
    claims = claims_of(honest, Lookalike.FAMILY)
    doors = claims.drop_nulls("payment").group_by("lookalike_group").agg(pl.col("payment").n_unique())
    assert (doors["payment"] <= 2).mean() > 0.4  # type: ignore[operator]

    def shared_days(frame: pl.DataFrame, moment: str) -> float:
        family = frame.join(members(honest, Lookalike.FAMILY), on="buyer_id")
        together = family.group_by("lookalike_group", "merchant_id", pl.col(moment).dt.date()).agg(
            pl.col("buyer_id").n_unique()
        )
        groups = family["lookalike_group"].n_unique()
        return together.filter(pl.col("buyer_id") > 1).height / groups

    assert shared_days(honest.orders, "ordered_at") > 3.0
    assert shared_days(honest.claims, "filed_at") < 0.7


def test_a_locker_is_one_address_and_a_forwarder_a_house_of_many(honest: Marketplace) -> None:
    locker = claims_of(honest, Lookalike.PARCEL_LOCKER).drop_nulls("address")
    assert locker["address"].n_unique() == 1
    assert locker["buyer_id"].n_unique() > 40
    forwarder = claims_of(honest, Lookalike.FREIGHT_FORWARDER).drop_nulls("address")
    assert forwarder["address"].n_unique() >= forwarder["buyer_id"].n_unique() > 40
    assert forwarder["country"].n_unique() > 3


def test_a_faulty_batch_makes_strangers_claim_against_one_shop_within_a_week(honest: Marketplace) -> None:
    for (_,), claims in claims_of(honest, Lookalike.FAULTY_BATCH).group_by("lookalike_group"):
        accused = claims["merchant_id"].value_counts(sort=True)["merchant_id"][0]
        faults = ["damaged", "not_as_described", "quality"]
        batch = claims.filter((pl.col("merchant_id") == accused) & pl.col("reason").is_in(faults))
        median = batch["filed_at"].median()
        near = batch.filter((pl.col("filed_at") - median).abs() < timedelta(days=7))
        assert near["buyer_id"].n_unique() >= 0.9 * claims["buyer_id"].n_unique()


def test_people_of_one_taste_visit_the_same_rare_shops(honest: Marketplace) -> None:
    friends = honest.orders.join(members(honest, Lookalike.SAME_TASTE), on="buyer_id")
    shared = friends.group_by("lookalike_group", "merchant_id").agg(pl.col("buyer_id").n_unique())
    common = shared.filter(pl.col("buyer_id") > 1).group_by("lookalike_group").len()
    assert common["len"].median() >= 5  # type: ignore[operator]


def test_false_reports_come_from_few_shops_and_hit_honest_buyers(honest: Marketplace) -> None:
    reports = honest.reports.join(members(honest, Lookalike.FALSE_REPORTS), on="buyer_id")
    blamed = reports.group_by("lookalike_group").agg(pl.col("merchant_id").value_counts(sort=True).first())
    assert blamed["merchant_id"].struct.field("merchant_id").n_unique() == blamed.height >= 3
    assert reports["buyer_id"].n_unique() == members(honest, Lookalike.FALSE_REPORTS).height


def test_reports_are_about_claims_of_the_accused(marketplace: Marketplace) -> None:
    about = marketplace.reports.join(marketplace.claims, on="claim_id", how="left", suffix="_claimed")
    assert (about["buyer_id"] == about["buyer_id_claimed"]).all()
    assert (about["merchant_id"] == about["merchant_id_claimed"]).all()
    assert (about["reported_at"] > about["filed_at"]).all()


def test_hijacked_accounts_claimed_honestly_before_they_were_taken(marketplace: Marketplace) -> None:
    taken = marketplace.orders.join(
        marketplace.truth.filter(pl.col("pattern") == Pattern.HIJACKED), on="buyer_id"
    )
    early = taken.filter(pl.col("ordered_at") < datetime(2024, 7, 1, tzinfo=UTC))
    assert early["buyer_id"].n_unique() >= 0.8 * taken["buyer_id"].n_unique()


def test_a_ring_strikes_together_at_many_shops(marketplace: Marketplace) -> None:
    rings = marketplace.claims.join(marketplace.truth, on="buyer_id").drop_nulls("ring_id")
    for (_,), claims in rings.group_by("ring_id"):
        spread = pl.col("filed_at").max() - pl.col("filed_at").min()
        struck = claims.group_by("merchant_id").agg(pl.col("buyer_id").n_unique(), spread=spread)
        joint = struck.filter((pl.col("buyer_id") > 1) & (pl.col("spread") <= timedelta(days=2)))
        assert joint.height >= 3
