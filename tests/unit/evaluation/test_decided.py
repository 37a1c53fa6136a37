import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.evaluation import Proportion
from ringfence.evaluation.calibration import EDGES, calibration
from ringfence.evaluation.decided import (
    DECIDED_BUYERS,
    DECIDED_RINGS,
    DecidedEvaluation,
    Undecided,
    evaluate_decided,
)

Rows = Sequence[tuple[Any, ...]]
NONE = Undecided(0, 0, 0)
RINGS = [
    ("r1", True, 31.0, 12, ["address", "device"]),
    ("r2", True, 9.9, 3, []),
    ("r3", False, 10.0, 4, ["address"]),
    ("r4", False, 30.0, 2, None),
]
BUYERS = [
    ("a", True, 0.9, "high", ["ring", "loss"]),
    ("b", True, 0.6, "high", ["ring"]),
    ("c", False, 0.6, "high", ["ring"]),
    ("d", False, 0.2, "medium", ["reports"]),
    ("e", True, None, None, None),
]


def decided(rings: Rows = (), buyers: Rows = (), undecided: Undecided = NONE) -> DecidedEvaluation:
    return evaluate_decided(
        pl.DataFrame(rings, schema=DECIDED_RINGS, orient="row"),
        pl.DataFrame(buyers, schema=DECIDED_BUYERS, orient="row"),
        undecided,
    )


def counts(groups: dict[str, dict[str, Proportion]]) -> dict[str, dict[str, tuple[int, int]]]:
    return {
        name: {word: (share.hits, share.total) for word, share in shares.items()}
        for name, shares in groups.items()
    }


def test_confirmed_rings_are_counted_by_pattern() -> None:
    told = decided(RINGS)
    assert (told.rings.hits, told.rings.total) == (2, 4)
    assert counts(told.rings_by) == {
        "members": {"2 to 3": (1, 2), "4 to 9": (0, 1), "10 and more": (1, 1)},
        "evidence": {"below 10": (1, 1), "10 to 30": (0, 1), "30 and more": (1, 2)},
        "shared": {"address": (1, 2), "device": (1, 1), "nothing": (1, 1)},
    }


def test_confirmed_buyers_are_counted_by_what_was_said_before() -> None:
    told = decided(buyers=BUYERS)
    assert (told.buyers.hits, told.buyers.total, told.forgotten) == (3, 5, 1)
    assert counts(told.buyers_by) == {
        "signal": {"loss": (1, 1), "reports": (0, 1), "ring": (2, 3)},
        "band": {"high": (2, 3), "medium": (0, 1)},
    }
    assert told.calibration.brier == pytest.approx((0.01 + 0.16 + 0.36 + 0.04) / 4)
    assert "What was said before of 1 buyer is not kept any more, and is in no signal." in told.notes


def test_what_cannot_be_seen_is_said() -> None:
    told = decided(undecided=Undecided(3, 2, 1))
    assert [note[:36] for note in told.notes] == [
        "What was never found was never decid",
        "People look first at what looks wors",
        "Left out, as not decided: 3 rings of",
        "Left out, as under way: 2 verificati",
        "Left out, as inconclusive: verificat",
        "No ring was confirmed or dismissed y",
        "No verification ended as confirmed o",
    ]
    assert told.calibration.to_dict()["brier"] is None
    assert json.loads(json.dumps(told.to_dict()))["rings"]["value"] is None


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=60))
def test_the_reliability_table_holds_every_case_once_where_it_belongs(
    cases: list[tuple[float, bool]],
) -> None:
    chances = np.array([chance for chance, _ in cases])
    came_true = np.array([came for _, came in cases])
    told = calibration(chances, came_true)
    assert sum(row.found.total for row in told.rows) == len(cases)
    assert sum(row.found.hits for row in told.rows) == came_true.sum()
    for row in told.rows:
        assert row.low in EDGES
        assert row.low <= row.said <= row.high
    assert told.brier == pytest.approx(sum((chance - came) ** 2 for chance, came in cases) / len(cases))


def test_who_says_the_base_rate_has_no_skill_and_who_knows_all_has_the_whole() -> None:
    came_true = np.array([True, False, False, False])
    assert calibration(np.full(4, 0.25), came_true).skill == pytest.approx(0.0)
    assert calibration(came_true.astype(float), came_true).skill == pytest.approx(1.0)
    assert calibration(np.ones(2), np.ones(2, np.bool_)).skill is None
