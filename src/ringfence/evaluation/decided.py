"""What was found, held against what people decided about it."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from ringfence.domain.counted import counted
from ringfence.evaluation.calibration import Calibration, calibration
from ringfence.evaluation.proportions import Proportion

DECIDED_RINGS: dict[str, pl.DataType | type[pl.DataType]] = {
    "ring_id": pl.String,
    "is_confirmed": pl.Boolean,
    "evidence": pl.Float64,
    "members": pl.Int64,
    "shared": pl.List(pl.String),
}
"""Rings that were confirmed or dismissed: evidence (decades) and members as of the decision, and the kinds of
identifiers that members share (null where they are not known any more)."""
DECIDED_BUYERS: dict[str, pl.DataType | type[pl.DataType]] = {
    "buyer_id": pl.String,
    "is_confirmed": pl.Boolean,
    "probability": pl.Float64,
    "band": pl.String,
    "signals": pl.List(pl.String),
}
"""Buyers whose last verification ended as confirmed or rejected: what was said of them before (probability,
band and the signals that spoke against them; null where that is not kept any more)."""
NOTHING_SHARED = "nothing"
_SIZES = ((4, "2 to 3"), (10, "4 to 9"), (np.inf, "10 and more"))
_EVIDENCE = ((10.0, "below 10"), (30.0, "10 to 30"), (np.inf, "30 and more"))


@dataclass(frozen=True)
class Undecided:
    """What nobody decided, or not for good, by number."""

    rings: int
    """Of the published run, open or set aside for a time."""
    verifications: int
    """Under way."""
    inconclusive: int
    """Buyers whose last verification was."""


@dataclass(frozen=True)
class DecidedEvaluation:
    """How what was found did with those who decided about it."""

    rings: Proportion
    """Of the rings confirmed or dismissed, the confirmed."""
    rings_by: dict[str, dict[str, Proportion]]
    """The same by pattern: `members`, `evidence` (decades), and `shared` kinds of identifiers."""
    buyers: Proportion
    """Of the buyers verified as confirmed or rejected, the confirmed."""
    buyers_by: dict[str, dict[str, Proportion]]
    """The same by `signal` that spoke against them, and by `band`, both as of before."""
    calibration: Calibration
    """Of the probabilities told before."""
    undecided: Undecided
    forgotten: int
    """Verified buyers of whom it is not known any more what was said before."""

    @property
    def notes(self) -> tuple[str, ...]:
        """What these figures cannot see, one sentence each."""
        undecided = self.undecided
        said = (
            (
                True,
                "What was never found was never decided: recall, and what is missed, cannot be seen here.",
            ),
            (
                True,
                "People look first at what looks worst: these are no random cases, and precision flatters.",
            ),
            (
                undecided.rings,
                f"Left out, as not decided: {counted(undecided.rings, 'ring')} of the published run.",
            ),
            (
                undecided.verifications,
                f"Left out, as under way: {counted(undecided.verifications, 'verification')}.",
            ),
            (
                undecided.inconclusive,
                f"Left out, as inconclusive: verifications of {counted(undecided.inconclusive, 'buyer')}.",
            ),
            (
                self.forgotten,
                f"What was said before of {counted(self.forgotten, 'buyer')} is not kept any more, and is in "
                "no signal.",
            ),
            (not self.rings.total, "No ring was confirmed or dismissed yet."),
            (not self.buyers.total, "No verification ended as confirmed or rejected yet."),
        )
        return tuple(sentence for applies, sentence in said if applies)

    def to_dict(self) -> dict[str, Any]:
        """Every figure by name, for JSON."""
        return {
            "rings": self.rings.to_dict(),
            "rings_by": _as_dicts(self.rings_by),
            "buyers": self.buyers.to_dict(),
            "buyers_by": _as_dicts(self.buyers_by),
            "calibration": self.calibration.to_dict(),
            "undecided": {
                "rings": self.undecided.rings,
                "verifications": self.undecided.verifications,
                "inconclusive": self.undecided.inconclusive,
            },
            "forgotten": self.forgotten,
            "notes": list(self.notes),
        }


def evaluate_decided(rings: pl.DataFrame, buyers: pl.DataFrame, undecided: Undecided) -> DecidedEvaluation:
    """Hold decided `rings` (DECIDED_RINGS) and `buyers` (DECIDED_BUYERS) against what was said before."""
    told = buyers.filter(pl.col("probability").is_not_null())
    shared = pl.col("shared")
    named = rings.with_columns(
        pl.when(shared.list.len() == 0).then(pl.lit([NOTHING_SHARED])).otherwise(shared).alias("shared")
    )
    return DecidedEvaluation(
        rings=_share(rings["is_confirmed"]),
        rings_by={
            "members": _by_class(rings, "members", _SIZES),
            "evidence": _by_class(rings, "evidence", _EVIDENCE),
            "shared": _by_word(named.explode("shared"), "shared"),
        },
        buyers=_share(buyers["is_confirmed"]),
        buyers_by={
            "signal": _by_word(told.explode("signals"), "signals"),
            "band": _by_word(told, "band"),
        },
        calibration=calibration(told["probability"].to_numpy(), told["is_confirmed"].to_numpy()),
        undecided=undecided,
        forgotten=len(buyers) - len(told),
    )


def _share(confirmed: pl.Series) -> Proportion:
    return Proportion(int(confirmed.sum()), len(confirmed))


def _by_class(
    cases: pl.DataFrame, column: str, classes: Iterable[tuple[float, str]]
) -> dict[str, Proportion]:
    """For each class of a number, up to which it goes, how many were confirmed."""
    found: dict[str, Proportion] = {}
    least = -np.inf
    for end, name in classes:
        inside = cases.filter((pl.col(column) >= least) & (pl.col(column) < end))
        if len(inside):
            found[name] = _share(inside["is_confirmed"])
        least = end
    return found


def _by_word(cases: pl.DataFrame, column: str) -> dict[str, Proportion]:
    tallied = (
        cases.filter(pl.col(column).is_not_null())
        .group_by(column)
        .agg(hits=pl.col("is_confirmed").sum(), total=pl.len())
        .sort(column)
    )
    return {word: Proportion(int(hits), int(total)) for word, hits, total in tallied.iter_rows()}


def _as_dicts(groups: dict[str, dict[str, Proportion]]) -> dict[str, Any]:
    return {
        name: {word: share.to_dict() for word, share in shares.items()} for name, shares in groups.items()
    }
