"""Extras join a marketplace as further accounts and leave everybody else's rows alone."""

import json
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from ringfence.generator import (
    ExtraLookalike,
    ExtraPattern,
    GeneratorOptions,
    Marketplace,
    add_extras,
    generate_marketplace,
    write_marketplace,
)
from ringfence.generator.extras.names import ALL
from ringfence.intake import IntakeOptions, PseudonymKey, read_market

TABLES = ("claims", "orders", "reports", "merchants", "buyers", "truth")
EVERY = (*ExtraPattern, *ExtraLookalike)


@pytest.fixture(scope="module")
def plain() -> Marketplace:
    return generate_marketplace(GeneratorOptions(buyers=3_000, seed=5))


@pytest.fixture(scope="module")
def everything() -> Marketplace:
    return generate_marketplace(GeneratorOptions(buyers=3_000, seed=5, extras=(ALL,)))


def newcomers(marketplace: Marketplace, plain: Marketplace) -> pl.DataFrame:
    """The truth about the accounts that `plain` does not have."""
    return marketplace.truth.join(plain.truth, on="buyer_id", how="anti")


def test_every_extra_is_there_and_labelled(everything: Marketplace, plain: Marketplace) -> None:
    truth = newcomers(everything, plain)
    assert set(truth["pattern"].drop_nulls()) == set(ExtraPattern)
    assert set(truth["lookalike"].drop_nulls()) == set(ExtraLookalike)
    assert (truth["ring_id"].is_null() != truth["lookalike_group"].is_null()).all()
    assert everything.truth["buyer_id"].n_unique() == everything.truth.height == everything.buyers.height


def test_nobody_elses_rows_change(everything: Marketplace, plain: Marketplace) -> None:
    added = newcomers(everything, plain)
    for table in TABLES:
        before, after = getattr(plain, table), getattr(everything, table)
        if table != "merchants":
            after = after.join(added, on="buyer_id", how="anti", maintain_order="left")
        assert after.equals(before), table


@pytest.mark.parametrize("extra", EVERY)
def test_an_extra_lives_the_same_life_whatever_others_are_added(
    extra: str, everything: Marketplace, plain: Marketplace
) -> None:
    def life(marketplace: Marketplace) -> pl.DataFrame:
        mine = marketplace.truth.filter((pl.col("pattern") == extra) | (pl.col("lookalike") == extra))
        claims = marketplace.claims.join(mine, on="buyer_id", how="semi", maintain_order="left")
        return claims.select("merchant_id", "filed_at", "amount", "reason", "address", "device", "payment")

    alone = life(add_extras(plain, (extra,)))
    assert alone.height > 0
    assert alone.equals(life(everything))


def test_the_same_options_give_the_same_bytes(tmp_path: Path) -> None:
    options = GeneratorOptions(buyers=600, seed=3, claims_per_buyer=2.0, extras=("crowd", "lost_van"))
    for name in ("one", "two"):
        write_marketplace(generate_marketplace(options), tmp_path / name)
    for path in (tmp_path / "one").iterdir():
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes()
    made = json.loads((tmp_path / "one" / "marketplace.json").read_text())
    assert made["extras"] == ["crowd", "lost_van"]


def test_a_marketplace_without_extras_says_nothing_of_them(plain: Marketplace, tmp_path: Path) -> None:
    write_marketplace(plain, tmp_path)
    assert "extras" not in json.loads((tmp_path / "marketplace.json").read_text())


def test_an_extra_given_twice_is_added_once(plain: Marketplace) -> None:
    once = add_extras(plain, ("crowd",))
    assert once.options.extras == ("crowd",)
    for twice in (add_extras(plain, ("crowd", "crowd")), add_extras(once, ("crowd",))):
        assert twice.claims.equals(once.claims)
        assert twice.options == once.options


def test_extras_may_join_one_after_another(plain: Marketplace) -> None:
    both = add_extras(plain, ("crowd", "lost_van"))
    later = add_extras(add_extras(plain, ("crowd",)), ("lost_van",))
    assert later.claims.equals(both.claims)
    assert later.truth.equals(both.truth)
    assert later.options == both.options


def test_the_fewest_orders_there_may_be_are_enough_for_every_extra() -> None:
    options = GeneratorOptions(
        buyers=500, claims_per_buyer=0.5, orders_per_claim=2.0, days=240, extras=(ALL,)
    )
    for seed in range(4):
        truth = generate_marketplace(replace(options, seed=seed)).truth
        assert set(truth["pattern"].drop_nulls()) >= set(ExtraPattern)


def test_without_rings_only_lookalikes_are_added() -> None:
    options = GeneratorOptions(buyers=500, rings=False, claims_per_buyer=1.0, extras=(ALL,))
    truth = generate_marketplace(options).truth
    assert truth["ring_id"].null_count() == truth.height
    assert set(ExtraLookalike) <= set(truth["lookalike"].drop_nulls())


def test_stealth_leaves_the_honest_alone() -> None:
    sly = generate_marketplace(GeneratorOptions(buyers=500, stealth=0.6, extras=("deal_club_40",)))
    bold = generate_marketplace(GeneratorOptions(buyers=500, extras=("deal_club_40",)))

    def club(marketplace: Marketplace) -> list[object]:
        mine = marketplace.truth.filter(pl.col("lookalike") == "deal_club_40")
        return marketplace.claims.join(mine, on="buyer_id", how="semi")["filed_at"].sort().to_list()

    assert club(sly) == club(bold)


def test_every_row_of_every_extra_is_read_without_a_warning(everything: Marketplace, tmp_path: Path) -> None:
    write_marketplace(everything, tmp_path, file_format="parquet")
    intake = read_market([tmp_path], IntakeOptions(), PseudonymKey(bytes(32)))
    assert intake.rejected.is_empty()
    assert intake.warnings == ()
    assert len(intake.market.claims) == everything.claims.height


def test_claims_of_extras_come_from_delivered_orders(everything: Marketplace, plain: Marketplace) -> None:
    added = newcomers(everything, plain)
    claims = everything.claims.join(added, on="buyer_id", how="semi")
    both = claims.join(everything.orders, on="order_id", how="left", suffix="_ordered")
    assert both["ordered_at"].null_count() == 0
    for column in ("buyer_id", "merchant_id", "currency", "country"):
        assert (both[column] == both[f"{column}_ordered"]).all()
    assert (both["filed_at"] > both["ordered_at"]).all()
    astray = both.filter(~pl.col("delivered_at").is_between(pl.col("ordered_at"), pl.col("filed_at")))
    assert astray.is_empty()
    first = everything.orders.group_by("buyer_id").agg(pl.col("ordered_at").min())
    joined = everything.buyers.join(first, on="buyer_id")
    assert (joined["registered_at"] < joined["ordered_at"]).all()


def test_ids_and_mailboxes_of_extras_are_nobody_elses(everything: Marketplace, plain: Marketplace) -> None:
    for table, column in (("claims", "claim_id"), ("orders", "order_id"), ("reports", "report_id")):
        frame = getattr(everything, table)
        assert frame[column].n_unique() == frame.height
    added = newcomers(everything, plain)
    claims = everything.claims.drop_nulls("email")
    mine = claims.join(added, on="buyer_id", how="semi")["email"].unique()
    theirs = claims.join(added, on="buyer_id", how="anti")["email"].unique()
    assert not set(mine) & set(theirs)
