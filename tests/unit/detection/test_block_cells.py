import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from small_markets import MERCHANTS, Row, rows, timeline_of

from ringfence.detection.cells import cut_cells, merchants_as_cells, strangers_in
from ringfence.detection.methods.blocks.parameters import BlockParameters
from ringfence.detection.timeline import Timeline

PARAMETERS = BlockParameters()


def cells_by_hand(timeline: Timeline, lengths: list[float]) -> set[tuple[int, int]]:
    """Cut each merchant's claims by trying every window: the positions [begin, end) of each cell."""
    cells: set[tuple[int, int]] = set()
    for merchant in range(len(timeline.merchant_start) - 1):
        first, last = int(timeline.merchant_start[merchant]), int(timeline.merchant_start[merchant + 1])
        waiting = [(first, last)]
        while waiting:
            low, high = waiting.pop()
            if low == high:
                continue
            best, found = (
                0.0,
                max(windows(timeline, low, high, lengths[0]), key=lambda w: (w[1] - w[0], -w[0])),
            )
            for length in lengths:
                mu = (last - first) * length / max(timeline.span, length)
                for begin, end in windows(timeline, low, high, length):
                    k = end - begin
                    surprise = k * math.log(k / mu) - (k - mu) if k > mu else 0.0
                    if surprise > best + 1e-9:
                        best, found = surprise, (begin, end)
            cells.add(found)
            waiting += [(low, found[0]), (found[1], high)]
    return cells


def windows(timeline: Timeline, low: int, high: int, length: float) -> list[tuple[int, int]]:
    """List, for each claim of [low, high), the claims from it to `length` days later."""
    day = timeline.day
    return [(i, i + sum(1 for j in range(i, high) if day[j] - day[i] <= length)) for i in range(low, high)]


@given(rows())
def test_every_claim_is_in_one_cell_of_its_merchant_and_no_longer_than_allowed(given_rows: list[Row]) -> None:
    timeline = timeline_of(given_rows)
    cells = cut_cells(timeline, PARAMETERS)
    assert cells.start[0] == 0
    assert cells.start[-1] == len(timeline.buyer)
    for cell, (begin, end) in enumerate(zip(cells.start[:-1], cells.start[1:], strict=True)):
        assert end > begin
        assert set(cells.cell[begin:end].tolist()) == {cell}
        assert len(set(timeline.merchant[begin:end].tolist())) == 1
        assert timeline.day[end - 1] - timeline.day[begin] <= PARAMETERS.cell_days


@given(rows(), st.integers(1, 4))
def test_cells_are_those_that_trying_every_window_gives(given_rows: list[Row], scales: int) -> None:
    timeline = timeline_of(given_rows)
    cells = cut_cells(timeline, BlockParameters(scales=scales))
    found = set(zip(cells.start[:-1].tolist(), cells.start[1:].tolist(), strict=True))
    assert found == cells_by_hand(timeline, [7.0 / 2**scale for scale in range(scales)])


@given(rows())
def test_claims_of_one_moment_at_one_merchant_are_never_parted(given_rows: list[Row]) -> None:
    timeline = timeline_of(given_rows)
    cell = cut_cells(timeline, PARAMETERS).cell
    same = (np.diff(timeline.merchant) == 0) & (np.diff(timeline.day) == 0)
    assert (np.diff(cell)[same] == 0).all()


@given(rows())
def test_without_times_each_merchant_with_claims_is_one_cell(given_rows: list[Row]) -> None:
    timeline = timeline_of(given_rows)
    cells = merchants_as_cells(timeline)
    assert len(cells.start) - 1 == len(set(timeline.merchant.tolist()))
    assert (timeline.merchant[cells.start[:-1]][cells.cell] == timeline.merchant).all()


@given(rows())
def test_strangers_are_expected_from_the_merchant_nearby_or_from_everybody_whichever_is_more(
    given_rows: list[Row],
) -> None:
    timeline = timeline_of(given_rows)
    cells = cut_cells(timeline, PARAMETERS)
    found = strangers_in(timeline, cells.start, np.arange(len(cells.start) - 1), 28.0)
    for cell, expected in enumerate(found.tolist()):
        first, last = int(cells.start[cell]), int(cells.start[cell + 1]) - 1
        begin, end, held = timeline.day[first], timeline.day[last], last + 1 - first
        own = timeline.day[timeline.merchant == timeline.merchant[first]]
        near = int(((own >= begin - 28.0) & (own <= end + 28.0)).sum()) - held
        observed = max(min(end + 28.0, timeline.span) - max(begin - 28.0, 0.0) - (end - begin), 1.0)
        then = int(((timeline.day >= begin - 0.25) & (timeline.day <= end + 0.25)).sum())
        local = near / observed * (end - begin + 0.5)
        share = max(len(own) - held, 0.5) * then / len(timeline.day)
        assert math.isclose(expected, max(local, share), rel_tol=1e-9)


def test_a_burst_is_a_cell_of_its_own_amid_steady_claims() -> None:
    steady = [(0, 4 * day, day % 3) for day in range(0, 200, 5)]
    burst = [(0, 4 * 102 + i, 3 + i) for i in range(3)]
    timeline = timeline_of([*steady, *burst])
    cells = cut_cells(timeline, PARAMETERS)
    of_burst = cells.cell[timeline.buyer >= 3]
    assert len(set(of_burst.tolist())) == 1
    assert (cells.cell == of_burst[0]).sum() == 3


def test_merchants_without_claims_have_no_cell() -> None:
    timeline = timeline_of([(MERCHANTS - 1, 0, 0)])
    assert len(cut_cells(timeline, PARAMETERS).start) == 2
    assert len(merchants_as_cells(timeline).start) == 2
