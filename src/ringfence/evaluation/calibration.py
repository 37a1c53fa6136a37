"""Probabilities held against what turned out: how far they can be taken at their word."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ringfence.evaluation.proportions import Proportion

EDGES = (0.0, 0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 1.0)
"""Where the classes of probability meet."""


@dataclass(frozen=True)
class ReliabilityRow:
    """The cases whose probability lies in one class."""

    low: float
    high: float
    said: float
    """The mean probability."""
    found: Proportion
    """How many of them turned out so."""


@dataclass(frozen=True)
class Calibration:
    """How probabilities did against what turned out."""

    rows: tuple[ReliabilityRow, ...]
    """The reliability table, classes without cases left out (Murphy & Winkler, 1977)."""
    brier: float | None
    """Mean squared error of the probabilities (Brier, 1950); None without cases."""
    brier_of_base_rate: float | None
    """The same, had everybody been told the share that turned out so: what knowing nothing costs."""

    @property
    def skill(self) -> float | None:
        """By what part the error is less than that of the base rate; None where that has none."""
        if self.brier is None or not self.brier_of_base_rate:
            return None
        return 1 - self.brier / self.brier_of_base_rate

    def to_dict(self) -> dict[str, Any]:
        """Every figure by name, for JSON."""
        return {
            "brier": self.brier,
            "brier_of_base_rate": self.brier_of_base_rate,
            "skill": self.skill,
            "reliability": [
                {"low": row.low, "high": row.high, "said": row.said, "found": row.found.to_dict()}
                for row in self.rows
            ],
        }


def calibration(
    probabilities: NDArray[np.float64], came_true: NDArray[np.bool_], edges: Sequence[float] = EDGES
) -> Calibration:
    """Hold probabilities (float64[n], 0 to 1) against what turned out (bool[n])."""
    if not len(probabilities):
        return Calibration((), None, None)
    places = np.clip(np.searchsorted(edges, probabilities, side="right") - 1, 0, len(edges) - 2)
    rows = [
        ReliabilityRow(
            edges[place],
            edges[place + 1],
            float(probabilities[places == place].mean()),
            Proportion(int(came_true[places == place].sum()), int((places == place).sum())),
        )
        for place in np.unique(places).tolist()
    ]
    base = float(came_true.mean())
    return Calibration(tuple(rows), float(np.mean((probabilities - came_true) ** 2)), base * (1 - base))
