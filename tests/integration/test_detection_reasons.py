"""What is said about rings must hold: numbers in sentences, records behind links, names over time."""

import itertools
import re
from functools import cache
from pathlib import Path

import numpy as np
import polars as pl
from detection_scenes import Row, background, lives, names, rings_of, scene, strike

import ringfence
from ringfence.detection.parameters import Parameters

RING, PAIR = names("r", 5), names("p", 2)
SHOPS = [20, 45, 70, 95, 120]
DOOR = {"address": "12 Mill Lane, 60311 Frankfurt"}


def events_of_two_rings() -> list[Row]:
    rows = strike(RING, SHOPS, shared=DOOR)
    rows += strike(PAIR, [*SHOPS, 101], first_day=200.0, seed=9, shared={"payment": "one card"})
    return rows + lives([*RING, *PAIR], 3, seed=10)


@cache
def claims() -> pl.DataFrame:
    return scene(events_of_two_rings())


@cache
def result() -> ringfence.Result:
    return ringfence.detect(claims())


def test_both_rings_are_found_best_first() -> None:
    assert sorted(map(sorted, rings_of(result()))) == [PAIR, RING]
    assert result().rings["score"].is_sorted(descending=True)
    assert (result().rings["score"] >= Parameters().ring_score).all()
    assert (result().rings["p_value"] <= Parameters().calibration.ring_p_value).all()


def test_a_rings_row_sums_up_its_evidence() -> None:
    behind = result().evidence.join(claims(), on="claim_id", how="left", suffix="_filed")
    assert behind["amount_filed"].is_not_null().all()
    assert behind["claim_id"].is_unique().all()
    for column in ("buyer_id", "merchant_id", "filed_at"):
        assert (behind[column] == behind[f"{column}_filed"]).all()
    assert (behind["amount"] == "EUR:19.99").all()
    assert (behind["expected"] > 0.0).all()
    members = set(result().members.select("ring_id", "buyer_id").iter_rows())
    assert set(behind.select("ring_id", "buyer_id").iter_rows()) == members
    for ring in result().rings.iter_rows(named=True):
        own = behind.filter(~pl.col("weak"), pl.col("ring_id") == ring["ring_id"])
        assert ring["size"] == own["buyer_id"].n_unique()
        assert ring["claims"] == len(own)
        assert ring["merchants"] == own["merchant_id"].n_unique()
        assert ring["amount"] == f"EUR:{19.99 * len(own):.2f}"
        assert (ring["first_claim_at"], ring["last_claim_at"]) == (
            own["filed_at"].min(),
            own["filed_at"].max(),
        )
        for _, event in own.group_by("event"):
            assert event["merchant_id"].n_unique() == 1
            assert event["buyer_id"].n_unique() >= 2


def test_why_a_ring_is_one_says_how_many_where_and_how_sure() -> None:
    for ring in result().rings.iter_rows(named=True):
        assert ring["why"].startswith(
            f"{ring['size']} buyers filed {ring['claims']} claims together "
            f"against {ring['merchants']} merchants"
        )
        assert ring["why"].endswith(f"Evidence: {ring['score']:.1f} decades.")
    shared = {ring["size"]: ring["why"] for ring in result().rings.iter_rows(named=True)}
    assert "an address (5 of them, held by 5 buyers who claim)" in shared[5]
    assert "a payment (2 of them, held by 2 buyers who claim)" in shared[2]


def test_why_a_member_belongs_counts_its_own_claims() -> None:
    filed = dict(claims().group_by("buyer_id").len().iter_rows())
    joint = dict(result().evidence.group_by("buyer_id").len().iter_rows())
    for member in result().members.iter_rows(named=True):
        buyer = member["buyer_id"]
        assert member["why"].startswith(f"{joint[buyer]} of this buyer's {filed[buyer]} claims lie in")
        assert "shares a" in member["why"]
        assert member["score"] > 0.0


def test_a_link_names_claims_of_its_two_buyers_at_one_merchant() -> None:
    filed = {row["claim_id"]: row for row in claims().iter_rows(named=True)}
    assert not result().links.is_empty()
    for link in result().links.iter_rows(named=True):
        assert link["buyer_a"] < link["buyer_b"]
        assert link["why"].endswith(f"Evidence: {link['score']:.1f} decades.")
        named = re.findall(r"(c\d+) and (c\d+) at (m\d+)", link["why"])
        assert named
        for one, other, merchant in named:
            assert (filed[one]["buyer_id"], filed[other]["buyer_id"]) == (link["buyer_a"], link["buyer_b"])
            assert filed[one]["merchant_id"] == filed[other]["merchant_id"] == merchant


def test_all_members_of_a_ring_that_strikes_together_are_linked() -> None:
    tied = set(result().links.select("buyer_a", "buyer_b").iter_rows())
    for ring in (RING, PAIR):
        assert set(itertools.combinations(ring, 2)) <= tied
    assert result().links["score"].is_sorted(descending=True)


def test_every_buyer_has_a_finite_score_and_members_come_first() -> None:
    buyers = result().buyers
    everyone = {row["buyer_id"] for row in [*background(), *events_of_two_rings()]}
    assert sorted(buyers["buyer_id"]) == sorted(everyone)
    assert np.isfinite(buyers["score"].to_numpy()).all()
    assert buyers["score"].is_between(0.0, 1.0).all()
    assert buyers["score"].is_sorted(descending=True)
    assert set(buyers["buyer_id"].head(7)) == {*RING, *PAIR}


def test_a_ring_keeps_its_name_when_a_member_joins_and_when_it_is_read_from_a_folder(
    tmp_path: Path,
) -> None:
    before = ringfence.detect(scene(strike(RING[:4], SHOPS, shared=DOOR)))
    (ring_id,) = before.rings["ring_id"]
    after = ringfence.detect(claims(), previous=before)
    assert rings_of(before) == [set(RING[:4])]
    home = dict(after.members.select("buyer_id", "ring_id").iter_rows())
    assert {home[member] for member in RING} == {ring_id}
    steps = {step["ring_id"]: step for step in after.lineage.iter_rows(named=True)}
    assert steps[ring_id]["event"] == "grew"
    assert steps[home[PAIR[0]]]["event"] == "born"
    before.write(tmp_path / "run")
    assert ringfence.detect(claims(), previous=tmp_path / "run").rings.equals(after.rings)


def test_a_ring_that_is_gone_has_died() -> None:
    gone = ringfence.detect(scene([]), previous=result())
    assert gone.rings.is_empty()
    assert sorted(gone.lineage["event"]) == ["died", "died"]
    assert set(gone.lineage["ring_id"]) == set(result().rings["ring_id"])
