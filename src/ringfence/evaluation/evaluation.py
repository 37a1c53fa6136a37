"""A run held against the truth."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
import polars as pl

from ringfence.domain.counted import counted
from ringfence.domain.errors import InvalidError
from ringfence.evaluation.labels import parse_labels
from ringfence.evaluation.proportions import Proportion, add_proportions, poisson_upper_bound
from ringfence.evaluation.ranking import Ranking, rank_quality

JACCARD = 0.5
"""How much of a true ring and a reported one must be common, of all in either, to call it found."""


@dataclass(frozen=True)
class Evaluation:
    """How a run did. Figures are over the judged: buyers that are both in the run and in the labels."""

    judged: int
    """Buyers in both."""
    fraud: int
    """The fraud among them."""
    unlabelled: int
    """Buyers of the run without a label, left out."""
    absent: int
    """Labelled buyers that the run has never seen, left out."""
    absent_fraud: int
    """The fraud among those."""
    ranking: Ranking
    precision: Proportion
    """Of the reported members, the fraud."""
    recall: Proportion
    """Of the fraud, the reported members."""
    ring_recall: Proportion
    """Of the true rings (two judged members or more), those found; over nothing where labels name none."""
    recall_by_pattern: dict[str, Proportion]
    """Of the fraud of each pattern, the reported members."""
    accused_by: dict[str, dict[str, Proportion]]
    """For `lookalike`, `country`, `account_age`, where labels tell it: of the honest of each, the accused."""
    rings: int
    """Reported rings with a judged member."""
    unjudged_rings: int
    """Reported rings without one, left out."""
    false_rings: int
    """Rings with less than half fraud among their judged members."""
    fraudless_rings: int
    """The rings among those with no fraud at all."""

    @property
    def honest(self) -> int:
        """The honest among the judged."""
        return self.judged - self.fraud

    @property
    def overlap(self) -> Proportion:
        """The reported fraud, of all reported or fraud: the Jaccard index J, from which F1 follows."""
        return Proportion(self.recall.hits, self.precision.total + self.recall.total - self.recall.hits)

    @property
    def f1(self) -> float | None:
        """The harmonic mean of precision and recall, 2J/(1 + J); None without fraud."""
        return _f1(self.overlap.value) if self.fraud else None

    @property
    def f1_interval(self) -> tuple[float, float] | None:
        """The Wilson 95 % interval of J, carried over to F1."""
        bounds = self.overlap.interval if self.fraud else None
        return None if bounds is None else (_f1(bounds[0]) or 0.0, _f1(bounds[1]) or 0.0)

    @property
    def false_rings_per_100k(self) -> tuple[float, float] | None:
        """False rings per 100,000 honest buyers, and the exact one-sided 95 % upper bound."""
        if not self.honest:
            return None
        scale = 100_000 / self.honest
        return self.false_rings * scale, poisson_upper_bound(self.false_rings) * scale

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader must know before the figures, one sentence each."""
        said = (
            (self.unlabelled, f"Left out: {counted(self.unlabelled, 'buyer')} of the run without a label."),
            (
                self.absent,
                f"Not in the run: {counted(self.absent, 'labelled buyer')} ({self.absent_fraud:,} fraud).",
            ),
            (
                self.unjudged_rings,
                f"Left out: {counted(self.unjudged_rings, 'ring')} without a labelled member.",
            ),
            (not self.judged, "No labelled buyer is in the run: check that the ids are of one kind."),
            (not self.fraud, "The labels name no fraud among the run's buyers: recall is undefined."),
        )
        return tuple(sentence for applies, sentence in said if applies)

    def to_dict(self) -> dict[str, Any]:
        """Every figure by name, for JSON; what is undefined is None."""
        f1_low, f1_high = self.f1_interval or (None, None)
        rate, upper = self.false_rings_per_100k or (None, None)
        return {
            "buyers": {
                "judged": self.judged,
                "fraud": self.fraud,
                "unlabelled": self.unlabelled,
                "absent": self.absent,
                "absent_fraud": self.absent_fraud,
            },
            **self.ranking.to_dict(),
            "precision": self.precision.to_dict(),
            "recall": self.recall.to_dict(),
            "f1": {"value": self.f1, "low": f1_low, "high": f1_high},
            "ring_recall": self.ring_recall.to_dict(),
            "recall_by_pattern": _as_dicts(self.recall_by_pattern),
            "accused_by": {name: _as_dicts(shares) for name, shares in self.accused_by.items()},
            "rings": {
                "judged": self.rings,
                "unjudged": self.unjudged_rings,
                "false": self.false_rings,
                "fraudless": self.fraudless_rings,
                "false_per_100k_honest": rate,
                "false_per_100k_honest_upper": upper,
            },
            "notes": list(self.notes),
        }


@dataclass(frozen=True)
class Pool:
    """Several evaluations taken together."""

    runs: int
    evaluation: Evaluation
    """Counts are sums, so that their intervals are over all runs; figures of ranking are means over runs."""
    worst: Ranking
    """The lowest of each figure of ranking in any run."""

    def to_dict(self) -> dict[str, Any]:
        """The pooled figures under the names of a single evaluation, with `runs` and `worst`."""
        return {**self.evaluation.to_dict(), "runs": self.runs, "worst": self.worst.to_dict()}


def evaluate(buyers: pl.DataFrame, members: pl.DataFrame, labels: pl.DataFrame) -> Evaluation:
    """Hold a run's `buyers` (buyer_id, score) and `members` (ring_id, buyer_id) against `labels`.

    `labels` are as `parse_labels` takes them. A buyer is reported where any ring has them as a member.
    Raises InvalidError for labels that cannot be read or buyers listed twice.
    """
    truth = parse_labels(labels)
    if buyers.get_column("buyer_id").is_duplicated().any():
        raise InvalidError("The run lists a buyer twice.")
    judged = (
        buyers.select("buyer_id", pl.col("score").cast(pl.Float64))
        .join(truth, on="buyer_id", how="inner")
        .with_columns(reported=pl.col("buyer_id").is_in(members.get_column("buyer_id").unique().implode()))
        .sort("buyer_id")
    )
    absent = truth.join(buyers, on="buyer_id", how="anti")
    fraud = judged.filter("label")
    found = int(fraud.get_column("reported").sum())
    reported_rings = (
        members.select("ring_id", "buyer_id")
        .unique()
        .join(judged, on="buyer_id", how="inner", suffix="_true")
    )
    shares_of_fraud = reported_rings.group_by("ring_id").agg(pl.col("label").mean()).get_column("label")
    return Evaluation(
        judged=judged.height,
        fraud=fraud.height,
        unlabelled=buyers.height - judged.height,
        absent=absent.height,
        absent_fraud=int(absent.get_column("label").sum()),
        ranking=rank_quality(
            judged.get_column("score").to_numpy().astype(np.float64),
            judged.get_column("label").to_numpy().astype(np.bool_),
        ),
        precision=Proportion(found, int(judged.get_column("reported").sum())),
        recall=Proportion(found, fraud.height),
        ring_recall=_ring_recall(fraud, reported_rings),
        recall_by_pattern=_reported_by("pattern", fraud),
        accused_by={
            name: shares
            for name in ("lookalike", "country", "account_age")
            if (shares := _reported_by(name, judged.filter(~pl.col("label"))))
        },
        rings=len(shares_of_fraud),
        unjudged_rings=members.get_column("ring_id").n_unique() - len(shares_of_fraud),
        false_rings=int((shares_of_fraud < 0.5).sum()),
        fraudless_rings=int((shares_of_fraud == 0).sum()),
    )


def pool(evaluations: Sequence[Evaluation]) -> Pool:
    """Take runs on different marketplaces or seeds together; raises InvalidError where there is none."""
    if not evaluations:
        raise InvalidError("There is no evaluation to pool.")

    def total(name: str) -> int:
        return sum(getattr(one, name) for one in evaluations)

    groupings = sorted(set(chain.from_iterable(one.accused_by for one in evaluations)))
    return Pool(
        runs=len(evaluations),
        evaluation=Evaluation(
            judged=total("judged"),
            fraud=total("fraud"),
            unlabelled=total("unlabelled"),
            absent=total("absent"),
            absent_fraud=total("absent_fraud"),
            ranking=_combine([one.ranking for one in evaluations], _mean),
            precision=add_proportions(one.precision for one in evaluations),
            recall=add_proportions(one.recall for one in evaluations),
            ring_recall=add_proportions(one.ring_recall for one in evaluations),
            recall_by_pattern=_add_by_key(one.recall_by_pattern for one in evaluations),
            accused_by={
                name: _add_by_key(one.accused_by.get(name, {}) for one in evaluations) for name in groupings
            },
            rings=total("rings"),
            unjudged_rings=total("unjudged_rings"),
            false_rings=total("false_rings"),
            fraudless_rings=total("fraudless_rings"),
        ),
        worst=_combine([one.ranking for one in evaluations], min),
    )


def _f1(overlap: float | None) -> float | None:
    return None if overlap is None else 2 * overlap / (1 + overlap)


def _as_dicts(shares: dict[str, Proportion]) -> dict[str, Any]:
    return {name: share.to_dict() for name, share in shares.items()}


def _reported_by(column: str, buyers: pl.DataFrame) -> dict[str, Proportion]:
    """For each word of a column, how many of its buyers are reported."""
    tallied = (
        buyers.filter(pl.col(column).is_not_null())
        .group_by(column)
        .agg(pl.col("reported").sum().alias("hits"), pl.len().alias("total"))
        .sort(column)
    )
    return {word: Proportion(int(hits), int(total)) for word, hits, total in tallied.iter_rows()}


def _ring_recall(fraud: pl.DataFrame, reported_rings: pl.DataFrame) -> Proportion:
    """How many true rings have a reported ring close enough, among judged buyers."""
    true_sizes = (
        fraud.filter(pl.col("ring_id").is_not_null())
        .group_by("ring_id")
        .agg(pl.len().alias("true_size"))
        .filter(pl.col("true_size") >= 2)
        .rename({"ring_id": "ring_id_true"})
    )
    overlaps = (
        reported_rings.with_columns(pl.len().over("ring_id").alias("reported_size"))
        .group_by("ring_id_true", "ring_id")
        .agg(pl.len().alias("common"), pl.col("reported_size").first())
        .join(true_sizes, on="ring_id_true")
    )
    union = pl.col("true_size") + pl.col("reported_size") - pl.col("common")
    found = overlaps.filter(pl.col("common") >= JACCARD * union)
    return Proportion(found.get_column("ring_id_true").n_unique(), true_sizes.height)


def _add_by_key(parts: Iterable[dict[str, Proportion]]) -> dict[str, Proportion]:
    listed = list(parts)
    return {
        key: add_proportions(part[key] for part in listed if key in part)
        for key in sorted(set(chain.from_iterable(listed)))
    }


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)


def _combine(rankings: Sequence[Ranking], how: Callable[[list[float]], float]) -> Ranking:
    """One ranking's figures from many; runs for which a figure is undefined do not count in it."""

    def one(values: Iterable[float | None]) -> float | None:
        defined = [value for value in values if value is not None]
        return how(defined) if defined else None

    depths = sorted(set(chain.from_iterable(ranking.precision_at for ranking in rankings)))
    return Ranking(
        base_rate=one(ranking.base_rate for ranking in rankings),
        average_precision=one(ranking.average_precision for ranking in rankings),
        roc_auc=one(ranking.roc_auc for ranking in rankings),
        precision_at={
            depth: one(ranking.precision_at.get(depth) for ranking in rankings) for depth in depths
        },
    )
