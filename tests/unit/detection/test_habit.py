import numpy as np
import polars as pl
import pytest
from small_markets import Row, with_acts, yardstick_of

from ringfence.detection.habit import evidence_beyond_habit
from ringfence.detection.timeline import Timeline, lay_out
from ringfence.market import Claims

GROUP = np.arange(8)
DAYS = [30.0 * n for n in range(10)]
HABIT_DAYS = 4.0


def claims_within(days: float, seed: int, share: float = 1.0, grain: float = 0.0) -> Timeline:
    """Lay out ten events of eight buyers, spread evenly over `days`; `share` of them take part in each."""
    chance = np.random.default_rng(seed)
    rows = [
        (merchant, round((day + chance.uniform(0.0, days)) * 86_400_000_000), buyer)
        for merchant, day in enumerate(DAYS)
        for buyer in GROUP.tolist()
        if chance.random() < share
    ]
    return laid_out(rows, len(GROUP), len(DAYS), grain)


def laid_out(rows: list[Row], buyers: int, merchants: int, grain: float = 0.0) -> Timeline:
    """Lay out claims of (merchant, microsecond, buyer)."""
    columns = np.array(sorted(rows), np.int64)
    claims = Claims(
        claim_id=pl.Series([f"c{i}" for i in range(len(rows))]),
        buyer=columns[:, 2].astype(np.int32),
        merchant=columns[:, 0].astype(np.int32),
        filed_at=columns[:, 1],
        amount=np.full(len(rows), 100, np.int64),
        currency=np.zeros(len(rows), np.int16),
    )
    return lay_out(claims, buyers, merchants, grain)


def left_of(timeline: Timeline, group: np.ndarray[tuple[int], np.dtype[np.int64]] = GROUP) -> float:
    return float(evidence_beyond_habit(timeline, yardstick_of(), group))


@pytest.mark.parametrize("share", [0.4, 0.6])
def test_a_club_that_files_within_some_days_shows_little_beyond_its_habit(share: float) -> None:
    shown = [left_of(claims_within(HABIT_DAYS, seed, share)) for seed in range(40)]
    assert np.mean(np.array(shown) >= 1.0) <= 0.25
    assert max(shown) < 3.0


@pytest.mark.parametrize("seed", range(5))
def test_a_ring_that_files_within_hours_does(seed: int) -> None:
    assert left_of(claims_within(0.2, seed)) > 20.0
    assert left_of(claims_within(0.4, seed, 0.6)) > 2.5


def test_two_who_file_together_show_little_however_close() -> None:
    assert left_of(claims_within(0.01, 1), GROUP[:2]) < left_of(claims_within(0.01, 1)) / 10


def test_closer_claims_show_more_and_coarse_times_less() -> None:
    close, apart = left_of(claims_within(0.5, 3)), left_of(claims_within(2.0, 3))
    assert close > apart
    assert left_of(claims_within(0.5, 3, grain=1.0)) < close


def test_chance_meetings_of_a_block_do_not_drown_what_it_did_together() -> None:
    """Four hundred buyers meet by chance 3,000 times; twelve strike ten merchants, each on one evening."""
    chance = np.random.default_rng(2)
    block, meetings, strikes, day = np.arange(400), 3000, 10, 86_400_000_000
    rows = list[Row]()
    for merchant in range(meetings):
        begin = chance.uniform(0.0, 3000.0)
        for buyer in chance.choice(block, 2, replace=False).tolist():
            rows.append((merchant, round((begin + chance.uniform(0.0, HABIT_DAYS)) * day), buyer))
    by_chance = left_of(laid_out(rows, len(block), meetings), block)
    for merchant in range(meetings, meetings + strikes):
        begin = chance.uniform(0.0, 3000.0)
        for buyer in block[:12].tolist():
            rows.append((merchant, round((begin + chance.uniform(0.0, 0.2)) * day), buyer))
    assert by_chance < 1.0
    assert left_of(laid_out(rows, len(block), meetings + strikes), block) > 30.0


def test_of_what_was_filed_at_one_sitting_the_closest_counts() -> None:
    """Eight file at one merchant within an hour, and at another, of a lower number, within the same day."""
    chance = np.random.default_rng(5)
    close, wide = list[Row](), list[Row]()
    for hit, day in enumerate(DAYS):
        for buyer in GROUP.tolist():
            first = day + chance.uniform(0.0, 0.04)
            close.append((2 * hit + 1, round(first * 86_400_000_000), buyer))
            wide.append((2 * hit, round((first + chance.uniform(0.0, 0.9)) * 86_400_000_000), buyer))
    both = with_acts(laid_out(close + wide, len(GROUP), 2 * len(DAYS)), 1.0)
    alone = with_acts(laid_out(close, len(GROUP), 2 * len(DAYS)), 1.0)
    assert left_of(both) == pytest.approx(left_of(alone))


def test_a_group_that_never_met_shows_nothing() -> None:
    assert left_of(claims_within(0.2, 1), GROUP[:1]) == 0.0
