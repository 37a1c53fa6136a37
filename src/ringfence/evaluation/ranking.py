"""How well a score puts the fraud first, whatever its scale."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

DEPTHS = (100, 200, 500, 1000)
"""How deep into the ranking precision is measured."""


@dataclass(frozen=True)
class Ranking:
    """The quality of a ranking of buyers; what is undefined (no fraud, too few buyers) is None."""

    base_rate: float | None
    """The share of fraud among the ranked: what a random order would reach."""
    average_precision: float | None
    """The mean, over the fraud, of the precision down to each; buyers of equal score in random order."""
    roc_auc: float | None
    """The chance that a fraudster outranks an honest buyer, an equal score counting half."""
    precision_at: dict[int, float | None]
    """Depth to the expected precision of so many first buyers; None where fewer are ranked."""

    def to_dict(self) -> dict[str, Any]:
        """Every figure by name, for JSON."""
        return {
            "base_rate": self.base_rate,
            "average_precision": self.average_precision,
            "roc_auc": self.roc_auc,
            "precision_at": {str(depth): value for depth, value in self.precision_at.items()},
        }


def rank_quality(
    scores: NDArray[np.float64], is_fraud: NDArray[np.bool_], depths: Sequence[int] = DEPTHS
) -> Ranking:
    """Measure a ranking by score[N], highest first, against truth[N].

    Ties are no order: every figure is its expectation over all orders of the tied (for average precision:
    McSherry & Najork, ECIR 2008), so shuffling the input changes nothing.
    """
    total, fraud = len(scores), int(is_fraud.sum())
    order = np.argsort(-scores, kind="stable")
    ranked = scores[order]
    starts = np.flatnonzero(np.r_[True, ranked[1:] != ranked[:-1]]) if total else np.zeros(0, np.int64)
    sizes = np.diff(np.r_[starts, total])
    hits = np.add.reduceat(is_fraud[order].astype(np.int64), starts) if total else sizes
    hits_before = np.cumsum(hits) - hits
    return Ranking(
        base_rate=fraud / total if total else None,
        average_precision=_average_precision(starts, sizes, hits, hits_before) if fraud else None,
        roc_auc=_roc_auc(sizes, hits, hits_before) if 0 < fraud < total else None,
        precision_at={
            depth: _precision_at(depth, starts, sizes, hits, hits_before) if depth <= total else None
            for depth in depths
        },
    )


def _average_precision(
    starts: NDArray[np.int64],
    sizes: NDArray[np.int64],
    hits: NDArray[np.int64],
    hits_before: NDArray[np.int64],
) -> float:
    group = np.repeat(np.arange(len(sizes)), sizes)
    place = np.arange(len(group)) - starts[group]
    others = (hits[group] - 1) / np.maximum(sizes[group] - 1, 1)
    expected = hits[group] / sizes[group] * (hits_before[group] + place * others + 1)
    return float((expected / (starts[group] + place + 1)).sum() / hits.sum())


def _roc_auc(sizes: NDArray[np.int64], hits: NDArray[np.int64], hits_before: NDArray[np.int64]) -> float:
    honest = sizes - hits
    won = float((honest * (hits_before + hits / 2)).sum())
    return won / (float(hits.sum()) * float(honest.sum()))


def _precision_at(
    depth: int,
    starts: NDArray[np.int64],
    sizes: NDArray[np.int64],
    hits: NDArray[np.int64],
    hits_before: NDArray[np.int64],
) -> float:
    last = int(np.searchsorted(starts, depth, side="left")) - 1
    inside = depth - int(starts[last])
    return float((hits_before[last] + hits[last] * inside / sizes[last]) / depth)
