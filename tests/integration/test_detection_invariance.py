"""What must not change what is found: the order of rows, names, the key, repeated rows, threads, the date."""

import os
from dataclasses import fields
from datetime import timedelta
from functools import cache

import polars as pl
import pytest
from polars.testing import assert_frame_equal

import ringfence
from ringfence.detection.parameters import Parameters
from ringfence.detection.report import Detection
from ringfence.domain.progress import Silent
from ringfence.generator import GeneratorOptions, Marketplace, generate_marketplace
from ringfence.intake import PseudonymKey, market_from_frames
from ringfence.services.detect_rings import detect_in

SEEDS = [1, 2]
FRAMES = (
    "rings",
    "members",
    "buyers",
    "links",
    "evidence",
    "lineage",
    "leads",
    "lead_members",
    "lead_evidence",
)


@cache
def marketplace(seed: int) -> Marketplace:
    return generate_marketplace(GeneratorOptions(buyers=900, seed=seed))


@cache
def usual(seed: int) -> ringfence.Result:
    made = marketplace(seed)
    result = ringfence.detect(made.claims, made.orders)
    assert len(result.rings) >= 4
    return result


def assert_same(one: ringfence.Result | Detection, other: ringfence.Result | Detection) -> None:
    for name in FRAMES:
        assert_frame_equal(getattr(one, name), getattr(other, name), check_exact=True)
    assert one.notes == other.notes


@pytest.mark.parametrize("seed", SEEDS)
def test_the_order_of_rows_changes_no_byte(seed: int) -> None:
    made = marketplace(seed)
    shuffled = ringfence.detect(
        made.claims.sample(fraction=1.0, shuffle=True, seed=4),
        made.orders.sample(fraction=1.0, shuffle=True, seed=5),
    )
    assert_same(shuffled, usual(seed))
    assert_same(ringfence.detect(made.claims.reverse(), made.orders.reverse()), usual(seed))


@pytest.mark.parametrize("seed", SEEDS)
def test_rows_told_twice_change_nothing(seed: int) -> None:
    made = marketplace(seed)
    again = ringfence.detect(
        pl.concat([made.claims, made.claims.reverse()]), pl.concat([made.orders, made.orders])
    )
    assert again.rejected.is_empty()
    assert_same(again, usual(seed))


@pytest.mark.parametrize("seed", SEEDS)
def test_another_key_changes_nothing(seed: int) -> None:
    made = marketplace(seed)

    def found(secret: bytes) -> Detection:
        intake = market_from_frames(made.claims, made.orders, key=PseudonymKey(secret * 32))
        return detect_in(intake, Parameters(), links=True, previous=None, progress=Silent())

    one = found(b"k")
    for secret in (b"o", b"\x00"):
        assert_same(found(secret), one)
    assert_same(one, usual(seed))
    assert one.counts["rings"] == len(one.rings)


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="processors are counted in another way")
@pytest.mark.parametrize("processors", [1, 3])
def test_the_number_of_threads_changes_nothing(processors: int, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = usual(1)
    asked = []

    def allowed(process: int) -> set[int]:
        asked.append(process)
        return set(range(processors))

    monkeypatch.setattr(os, "sched_getaffinity", allowed)
    made = marketplace(1)
    assert_same(ringfence.detect(made.claims, made.orders), expected)
    assert asked


@pytest.mark.parametrize("seed", SEEDS)
def test_another_year_changes_nothing_but_times(seed: int) -> None:
    made, later = marketplace(seed), timedelta(days=731)

    def shifted(frame: pl.DataFrame) -> pl.DataFrame:
        return frame.with_columns(pl.col(pl.Datetime) + later)

    moved = ringfence.detect(shifted(made.claims), shifted(made.orders))
    for name in FRAMES:
        assert_frame_equal(getattr(moved, name), shifted(getattr(usual(seed), name)), check_exact=True)


@pytest.mark.parametrize("seed", SEEDS)
def test_other_names_give_the_same_rings_under_other_names(seed: int) -> None:
    made = marketplace(seed)
    both = pl.concat([made.claims.select("buyer_id"), made.orders.select("buyer_id")])["buyer_id"]
    shops = pl.concat([made.claims.select("merchant_id"), made.orders.select("merchant_id")])["merchant_id"]
    renamed = {
        column: {name: f"x{len(ids) - i:09d}" for i, name in enumerate(ids)}
        for column, ids in (
            ("buyer_id", both.unique().sort().to_list()),
            ("merchant_id", shops.unique().sort().to_list()),
            ("claim_id", made.claims["claim_id"].sort().to_list()),
        )
    }

    def under_other_names(frame: pl.DataFrame) -> pl.DataFrame:
        here = [column for column in renamed if column in frame.columns]
        return frame.with_columns(pl.col(column).replace_strict(renamed[column]) for column in here)

    result = ringfence.detect(under_other_names(made.claims), under_other_names(made.orders))
    plain = usual(seed)
    assert by_members(result) == pytest.approx(by_members(plain, renamed["buyer_id"]), rel=1e-6)
    expected = under_other_names(plain.evidence)
    for column in ("claim_id", "merchant_id", "buyer_id"):
        assert sorted(result.evidence[column]) == sorted(expected[column])
    scores = under_other_names(plain.buyers).sort("buyer_id")
    assert_frame_equal(result.buyers.sort("buyer_id"), scores, rel_tol=1e-6, abs_tol=1e-9)


def by_members(
    result: ringfence.Result, renamed: dict[str, str] | None = None
) -> dict[tuple[str, ...], float]:
    """Give each ring's score by its members."""
    rings = result.members.group_by("ring_id").agg("buyer_id").join(result.rings, on="ring_id")
    return {
        tuple(sorted(renamed[name] if renamed else name for name in members)): score
        for members, score in rings.select("buyer_id", "score").iter_rows()
    }


def test_every_table_of_a_detection_is_compared() -> None:
    tables = {field.name for field in fields(Detection)} - {"notes", "counts", "calibration"}
    assert tables == set(FRAMES)
