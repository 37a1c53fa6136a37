from datetime import timedelta

import numpy as np
import polars as pl
import pytest
from detection_scenes import (
    BUYERS,
    KINDS,
    Row,
    background,
    claim,
    everyones_orders,
    found_in,
    lives,
    names,
    order,
    orders_behind,
    orders_of,
    rings_of,
    scene,
    strike,
)

import ringfence
from ringfence.detection.detect import find_rings
from ringfence.detection.findings import finding_of
from ringfence.detection.methods.coincidence.growth import scratch
from ringfence.detection.parameters import Parameters
from ringfence.domain.leads import LeadKind
from ringfence.domain.progress import Silent
from ringfence.domain.rings import DetectionMethod
from ringfence.intake import PseudonymKey, market_from_frames

SHOPS = [20, 45, 70, 95, 120, 33]
"""Shops that sell neither most nor least."""
RING = names("r", 6)


def test_a_quiet_marketplace_has_no_rings() -> None:
    result = ringfence.detect(scene([]))
    assert result.rings.is_empty()
    assert result.members.is_empty()
    assert result.evidence.is_empty()
    assert len(result.buyers) == len({row["buyer_id"] for row in background()})
    assert result.buyers["score"].max() < 0.5  # type: ignore[operator]


def test_many_accounts_at_one_address_are_a_ring() -> None:
    assert found_in(strike(RING, SHOPS, shared={"address": "12 Mill Lane, 60311 Frankfurt"})) == [set(RING)]


@pytest.mark.parametrize("kind", ["device", "payment"])
def test_separate_addresses_behind_one_device_or_card_are_a_ring(kind: str) -> None:
    assert found_in(strike(RING, SHOPS, shared={kind: "the same"})) == [set(RING)]


def test_pure_lockstep_is_a_ring_though_nothing_is_shared() -> None:
    assert found_in(strike(RING, SHOPS)) == [set(RING)]


def test_a_pair_that_shares_a_card_is_a_ring_after_a_handful_of_merchants() -> None:
    assert found_in(strike(RING[:2], SHOPS, shared={"payment": "the same"})) == [set(RING[:2])]


def test_a_chain_is_one_ring_though_no_identifier_spans_it() -> None:
    rows = strike(RING, SHOPS)
    for row in rows:
        member = RING.index(row["buyer_id"])
        row[KINDS[(member - 1) % 3]] = f"tie of {member - 1} and {member}"
        row[KINDS[member % 3]] = f"tie of {member} and {member + 1}"
    result = ringfence.detect(scene(rows))
    assert rings_of(result) == [set(RING)]
    assert "2 of them, held by 2 buyers who claim" in result.rings["why"][0]


def test_an_address_written_in_six_ways_is_one_door() -> None:
    spellings = [
        "12 Mill Lane, Apt 4B, 60311",
        "12 mill lane apt 4-b 60311",
        "12 Mill Lane Apt. 4 B, 60311",
        "Mill Lane 12, apartment 4B, 60311",
        "12 MILL LN, apt 4b, 60311",
        "12, Mill Lane; Apt 4B; 60311",
    ]
    rows = strike(RING, SHOPS[:4], hours=20.0)
    for row in rows:
        row["address"] = spellings[RING.index(row["buyer_id"])]
    result = ringfence.detect(scene(rows))
    assert rings_of(result) == [set(RING)]
    assert "they share an address (6 of them, held by 6 buyers who claim)" in result.rings["why"][0]


def test_hijacked_accounts_are_not_hidden_by_their_honest_history() -> None:
    history = lives(RING, 12, seed=8, days=300.0)
    assert found_in([*history, *strike(RING, [*SHOPS, 101, 52], first_day=300.0, every=5.0)]) == [set(RING)]


def test_two_rings_are_told_apart() -> None:
    others = names("s", 4)
    rows = strike(RING, SHOPS, shared={"device": "one"}) + strike(
        others, SHOPS[::-1], 100.5, seed=9, shared={"device": "other"}
    )
    assert sorted(map(sorted, found_in(rows))) == [RING, others]


def test_a_slow_burn_of_one_target_a_fortnight_is_a_ring() -> None:
    shops = [20, 45, 70, 95, 120, 33, 57, 81, 104, 139]
    assert found_in(strike(RING[:4], shops, first_day=20.0, every=15.0, hours=36.0)) == [set(RING[:4])]


def test_a_shared_address_alone_is_no_ring() -> None:
    rows = lives(RING, 5, seed=11)
    for row in rows:
        row["address"] = "1 Student Hall, 60311"
        row["device"] = "the one at the desk"
    assert found_in(rows) == []


def test_coincidence_at_a_single_merchant_is_never_enough() -> None:
    once = strike(RING, [20], hours=1.0, shared={"address": "1 Mill Lane", "device": "one", "payment": "one"})
    often = strike(
        RING,
        [20] * 8,
        every=30.0,
        hours=1.0,
        shared={"address": "1 Mill Lane", "device": "one", "payment": "one"},
    )
    assert found_in(once) == []
    assert found_in(often) == []


def lost_bundle(every: float, seed: int = 7) -> tuple[list[Row], list[Row]]:
    """Let all order from all shops at one sitting, lose it all, and claim shop by shop, `every` days."""
    chance = np.random.default_rng(seed)
    claims, orders = list[Row](), list[Row]()
    for member in RING:
        sitting = 90.0 + chance.uniform(0.0, 0.3)
        orders += [order(member, merchant, sitting + i / 1440.0) for i, merchant in enumerate(SHOPS)]
        claims += [
            claim(member, merchant, 100.0 + every * i + chance.uniform(0.0, 0.8))
            for i, merchant in enumerate(SHOPS)
        ]
    return claims, orders


@pytest.mark.parametrize("are_orders_known", [True, False])
def test_one_bundle_from_several_merchants_lost_at_once_is_no_ring(are_orders_known: bool) -> None:
    claims, orders = lost_bundle(every=0.0)
    known = orders_of([*everyones_orders(), *orders]) if are_orders_known else None
    result = ringfence.detect(scene(claims), known)
    assert result.rings.is_empty()
    assert result.members.is_empty()


def test_a_bundle_claimed_for_on_several_days_is_no_ring_once_its_checkout_is_known() -> None:
    claims, orders = lost_bundle(every=2.0)
    bundle = ringfence.detect(scene(claims), orders_of([*everyones_orders(), *orders]))
    assert bundle.rings.is_empty()
    apart = orders_of([*everyones_orders(), *orders_behind(claims, 10.0)])
    assert rings_of(ringfence.detect(scene(claims), apart)) == [set(RING)]


def test_a_bundle_is_a_lead_that_says_it_rests_on_one_occasion() -> None:
    claims, _ = lost_bundle(every=0.0)
    for row in claims:
        row["address"] = "12 Mill Lane, 60311 Frankfurt"
    intake = market_from_frames(scene(claims), key=PseudonymKey(b"k" * 32))
    found = find_rings(intake.market, Parameters(), Silent())
    assert not found.rings
    names_of = found.prepared.market.buyer_ids
    leads = {frozenset(names_of[lead.members.tolist()]): lead for lead in found.leads}
    assert leads[frozenset(RING)].refusal is LeadKind.ONE_OCCASION
    lead = leads[frozenset(RING)]
    assert finding_of(found.prepared, lead, scratch(found.prepared.buyers)).support.occasions == 1


@pytest.mark.parametrize("decoys", [3, 10])
def test_joint_decoy_orders_do_not_excuse_a_ring(decoys: int) -> None:
    chance = np.random.default_rng(5)
    hits = strike(RING, SHOPS)
    orders = [*everyones_orders(), *orders_behind(hits, 5.0)]
    for _ in range(decoys):
        merchant, day = int(chance.integers(0, 150)), float(chance.uniform(10.0, 330.0))
        orders += [order(member, merchant, day + chance.uniform(0.0, 0.5)) for member in RING]
    assert rings_of(ringfence.detect(scene(hits), orders_of(orders))) == [set(RING)]


def framed(rows: list[Row], victim: str, merchant: int, day: float) -> list[Row]:
    """Let the ring of `rows` file an hour after a claim of `victim`, one member with the victim's address."""
    copied = [claim(member, merchant, day + 1 / 24 + 0.01 * i) for i, member in enumerate(RING)]
    copied[0]["address"] = f"address of {victim}"
    return [*rows, claim(victim, merchant, day), *copied]


def test_nobody_is_named_for_a_claim_that_a_ring_copied_and_an_address_that_it_wrote_down() -> None:
    rows = framed([*strike(RING, SHOPS), *lives(["victim"], 4, 21)], "victim", 61, 200.0)
    assert found_in(rows) == [set(RING)]


def test_nobody_is_named_whose_claims_a_ring_copied_twice() -> None:
    rows = [*strike(RING, SHOPS), *lives(["victim"], 4, 21)]
    rows = framed(framed(rows, "victim", 61, 200.0), "victim", 87, 240.0)
    assert found_in(rows) == [set(RING)]


def test_one_account_that_copies_two_claims_and_an_address_makes_no_ring() -> None:
    rows = lives(["victim", "sock"], 3, 21)
    for merchant, day in ((61, 200.0), (87, 240.0)):
        rows += [claim("victim", merchant, day), claim("sock", merchant, day + 0.1)]
        rows[-1]["address"] = "address of victim"
    assert found_in(rows) == []


def test_accounts_used_at_one_hit_each_do_not_hide_a_ring() -> None:
    hits = strike(RING, SHOPS)
    filed = hits[:: len(RING)]
    once = [
        claim(f"x{hit}{number}", SHOPS[hit], 40.0 + 9.0 * hit + 0.1 + 0.1 * number)
        for hit in range(len(filed))
        for number in range(2)
    ]
    assert any(set(RING) <= ring for ring in found_in([*hits, *once]))


def test_claims_of_one_evening_are_one_occasion_also_where_times_are_whole_days() -> None:
    evening = strike(RING, SHOPS, first_day=40.9, every=0.03, hours=1.0, shared={"address": "1 Mill Lane"})
    claims = scene(evening).with_columns(pl.col("filed_at").dt.truncate("1d"))
    assert claims.filter(pl.col("buyer_id").is_in(RING))["filed_at"].n_unique() == 2
    result = ringfence.detect(claims, parameters=Parameters().without_p_values())
    assert rings_of(result) == []


@pytest.mark.parametrize(
    ("shared", "hours_after", "is_member"),
    [("device", -1.0, True), ("payment", -1.0, True), ("address", 3.0, True), ("address", -1.0, False)],
)
def test_a_member_of_one_occasion_shows_it_by_a_device_or_by_following_the_others(
    shared: str, hours_after: float, is_member: bool
) -> None:
    ring = {shared: "the same"}
    hits = strike(RING, SHOPS, shared=ring)
    filed = [row["filed_at"] for row in hits if row["merchant_id"] == hits[12]["merchant_id"]]
    once = claim("once", SHOPS[2], 0.0, **ring)
    once["filed_at"] = (max(filed) if hours_after > 0 else min(filed)) + timedelta(hours=hours_after)
    expected = {*RING, "once"} if is_member else set(RING)
    assert found_in([*hits, once, *lives(["once"], 2, 22)]) == [expected]


def test_one_cheap_checkout_at_all_targets_does_not_make_one_occasion_of_months() -> None:
    hits = strike(RING, SHOPS, every=35.0)
    cheap = [order(member, merchant, 38.0 + 0.001 * i) for member in RING for i, merchant in enumerate(SHOPS)]
    orders = orders_of([*everyones_orders(), *cheap])
    result = ringfence.detect(scene(hits), orders, parameters=Parameters().without_p_values())
    assert rings_of(result) == [set(RING)]


@pytest.mark.parametrize("days_late", [5.0, 30.0, 70.0])
def test_a_ring_that_claims_late_is_found_though_its_orders_are_known(days_late: float) -> None:
    hits = strike(RING, SHOPS, first_day=90.0)
    orders = orders_of([*everyones_orders(), *orders_behind(hits, days_late)])
    assert rings_of(ringfence.detect(scene(hits), orders)) == [set(RING)]


def test_a_faulty_batch_is_no_ring() -> None:
    chance = np.random.default_rng(2)
    crowd = [f"b{i:04d}" for i in chance.choice(BUYERS, 120, replace=False)]
    batches = [claim(buyer, 20, 100.0 + chance.uniform(0.0, 7.0)) for buyer in crowd]
    batches += [claim(buyer, 45, 160.0 + chance.uniform(0.0, 7.0)) for buyer in crowd[:80]]
    assert found_in(batches) == []


def test_a_sale_peak_is_no_ring() -> None:
    peak = [claim(f"b{i:04d}", s, 330.0 + d) for i, s, d in _peak(1500)]
    assert found_in(peak) == []


def _peak(claims: int) -> list[tuple[int, int, float]]:
    chance = np.random.default_rng(3)
    columns = (
        chance.integers(0, BUYERS, claims),
        chance.zipf(1.6, claims) % 150,
        chance.uniform(0.0, 5.0, claims),
    )
    return list(zip(*(column.tolist() for column in columns), strict=True))


def test_a_parcel_locker_is_no_ring() -> None:
    rows: list[Row] = [dict(row) for row in background()]
    for row in rows:
        if int(row["buyer_id"][1:]) < 300:
            row["address"] = "Parcel Locker 117, 60311 Frankfurt 9"
    result = ringfence.detect(
        pl.DataFrame(scene([])).with_columns(address=pl.Series([r["address"] for r in rows]))
    )
    assert result.rings.is_empty()


def test_a_family_that_shops_together_is_no_ring_once_its_orders_are_known() -> None:
    chance = np.random.default_rng(6)
    family = names("f", 3)
    crowd = [f"b{i:04d}" for i in range(BUYERS)]
    baskets = [(int(chance.integers(0, 150)), float(chance.uniform(0.0, 350.0))) for _ in range(80)]
    orders = [order(m, s, d + chance.uniform(0, 0.2)) for s, d in baskets for m in family]
    orders += [
        order(
            crowd[int(chance.integers(0, BUYERS))], int(chance.integers(0, 150)), chance.uniform(0.0, 360.0)
        )
        for _ in range(16_000)
    ]
    rows = [
        claim(m, s, d + 6.0 + chance.uniform(0.0, 1.0), address="5 Oak Road 7, 60311")
        for s, d in baskets[:4]
        for m in family
    ]
    rows += [{**row, "address": "5 Oak Road 7, 60311"} for row in lives(family, 6, seed=12)]
    blind = ringfence.detect(scene(rows))
    assert rings_of(blind) == [set(family)]
    assert any("No orders are known" in note for note in blind.notes)
    informed = ringfence.detect(scene(rows), orders_of(orders))
    assert informed.rings.is_empty()
    assert not any("No orders" in note for note in informed.notes)


def test_methods_that_are_left_out_find_nothing_and_the_run_says_so() -> None:
    everything = Parameters(without=tuple(DetectionMethod))
    result = ringfence.detect(scene(strike(RING, SHOPS)), parameters=everything)
    assert result.rings.is_empty()
    assert "Left out: coincidence, blocks, identifiers, waves, structure." in result.notes
    for method in DetectionMethod:
        without = ringfence.detect(scene(strike(RING, SHOPS)), parameters=Parameters(without=(method,)))
        assert method.value not in without.rings["method"]
