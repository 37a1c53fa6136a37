"""How right a set of accusations is, counted so that many marketplaces can be pooled."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
import polars as pl
from measuring import Share, rate_bound

from ringfence.evaluation import rank_quality


@dataclass(frozen=True)
class Tally:
    """Counts of one or more marketplaces; tallies add up."""

    accused: Share = field(default_factory=Share)
    """True members among the accused, buyers without a claim included: member precision."""
    members: Mapping[str, Share] = field(default_factory=dict)
    """Accused among the true members, by the pattern of their ring: member recall."""
    lookalikes: Mapping[str, Share] = field(default_factory=dict)
    """Accused among honest buyers, by what makes them look alike ("" where nothing does)."""
    rings: Share = field(default_factory=Share)
    """True rings that some reported ring matches at Jaccard 0.5 or better."""
    false_rings: int = 0
    """Reported rings of which fewer than half the members belong to a true ring."""
    buyers: int = 0
    markets: int = 0
    failures: int = 0
    """Marketplaces on which the detector ended with an error; it counts as having accused nobody."""
    average_precisions: tuple[float, ...] = ()
    """Of the marketplaces with rings for which the detector ranked the buyers."""

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(
            self.accused + other.accused,
            _add(self.members, other.members),
            _add(self.lookalikes, other.lookalikes),
            self.rings + other.rings,
            self.false_rings + other.false_rings,
            self.buyers + other.buyers,
            self.markets + other.markets,
            self.failures + other.failures,
            self.average_precisions + other.average_precisions,
        )

    @property
    def recall(self) -> Share:
        """Accused among all true members, whatever the pattern."""
        return sum(self.members.values(), Share())

    @property
    def overlap(self) -> Share:
        """Accused members among all who are accused or members: the Jaccard index J of the two sets."""
        hits = self.recall.hits
        return Share(hits, self.accused.total + self.recall.total - hits)

    @property
    def f1(self) -> float | None:
        """Harmonic mean of precision and recall, 2J/(1 + J); None without members."""
        return _f1(self.overlap.value) if self.recall.total else None

    @property
    def f1_interval(self) -> tuple[float, float] | None:
        """The Wilson 95 % interval of J, carried over to F1."""
        bounds = self.overlap.interval if self.recall.total else None
        return None if bounds is None else (_f1(bounds[0]) or 0.0, _f1(bounds[1]) or 0.0)

    @property
    def average_precision(self) -> float | None:
        """Mean over the marketplaces that were ranked; None where none was."""
        return float(np.mean(self.average_precisions)) if self.average_precisions else None

    @property
    def honest(self) -> int:
        """Buyers that belong to no ring."""
        return self.buyers - self.recall.total

    @property
    def false_rings_per_100k(self) -> tuple[float, float] | None:
        """False rings per 100,000 honest buyers and the one-sided 95 % bound; None without any."""
        if not self.honest:
            return None
        return self.false_rings / self.honest * 1e5, rate_bound(self.false_rings, self.honest / 1e5)

    def to_dict(self) -> dict[str, object]:
        """All figures for JSON."""
        return {
            "precision": self.accused.to_dict(),
            "recall": self.recall.to_dict(),
            "recall_by_pattern": {name: share.to_dict() for name, share in sorted(self.members.items())},
            "accused_by_lookalike": {name: x.to_dict() for name, x in sorted(self.lookalikes.items())},
            "f1": self.f1,
            "f1_interval_95": self.f1_interval,
            "average_precision": self.average_precision,
            "ring_recall": self.rings.to_dict(),
            "false_rings": self.false_rings,
            "false_rings_per_100k": self.false_rings_per_100k,
            "buyers": self.buyers,
            "markets": self.markets,
            "failures": self.failures,
        }


def _add(one: Mapping[str, Share], other: Mapping[str, Share]) -> dict[str, Share]:
    return {key: one.get(key, Share()) + other.get(key, Share()) for key in {**one, **other}}


def _f1(overlap: float | None) -> float | None:
    return None if overlap is None else 2 * overlap / (1 + overlap)


def tally(truth: pl.DataFrame, found: pl.DataFrame | None, scores: pl.DataFrame | None = None) -> Tally:
    """Compare reported members, and a ranking where there is one, with the truth.

    `truth`: buyer_id, ring_id and pattern (null where honest), lookalike ("" where nothing), a row a buyer.
    `found`: ring_id, buyer_id; None where the detector failed.
    `scores`: buyer_id, score; buyers that it leaves out rank last.
    """
    failed = found is None
    found = pl.DataFrame(schema={"ring_id": pl.String, "buyer_id": pl.String}) if found is None else found
    found = found.select("buyer_id", reported="ring_id").unique()
    marked = truth.with_columns(
        is_member=pl.col("ring_id").is_not_null(),
        is_accused=pl.col("buyer_id").is_in(found["buyer_id"].unique().implode()),
    )
    members = marked.filter("is_member")
    honest = marked.filter(~pl.col("is_member"))
    joined = found.join(members.select("buyer_id", "ring_id"), on="buyer_id", how="left")
    pure = joined.group_by("reported").agg(pl.col("ring_id").is_not_null().mean())
    return Tally(
        Share(int(members["is_accused"].sum()), found["buyer_id"].n_unique()),
        _shares(members, "pattern"),
        _shares(honest, "lookalike"),
        _matched_rings(joined, members),
        int((pure["ring_id"] < 0.5).sum()),
        truth.height,
        1,
        int(failed),
        () if scores is None else _average_precision(marked, scores),
    )


def _average_precision(marked: pl.DataFrame, scores: pl.DataFrame) -> tuple[float, ...]:
    """One figure, or none where nobody is a member; `marked` holds buyer_id and is_member."""
    best = scores.group_by("buyer_id").agg(pl.col("score").max())
    ranked = marked.join(best, on="buyer_id", how="left").with_columns(pl.col("score").fill_null(-np.inf))
    quality = rank_quality(ranked["score"].to_numpy(), ranked["is_member"].to_numpy())
    return () if quality.average_precision is None else (quality.average_precision,)


def _shares(buyers: pl.DataFrame, by: str) -> dict[str, Share]:
    counted = buyers.group_by(by).agg(pl.col("is_accused").sum(), total=pl.len())
    return {name: Share(int(hits), int(total)) for name, hits, total in counted.iter_rows()}


def _matched_rings(joined: pl.DataFrame, members: pl.DataFrame) -> Share:
    """True rings that are matched at Jaccard 0.5; `joined` holds reported and true ring of each accused."""
    true_size = members.group_by("ring_id").agg(size=pl.len())
    reported_size = joined.group_by("reported").agg(found=pl.len())
    overlap = (
        joined.drop_nulls("ring_id")
        .group_by("reported", "ring_id")
        .agg(both=pl.len())
        .join(true_size, on="ring_id")
        .join(reported_size, on="reported")
        .filter(pl.col("both") * 2 >= pl.col("size") + pl.col("found") - pl.col("both"))
    )
    return Share(overlap["ring_id"].n_unique(), true_size.height)


def setting_name(stealth: float | None) -> str:
    """A setting as the tables call it; None stands for a marketplace without rings."""
    return "clean" if stealth is None else f"stealth {stealth:g}"


def quality_rows(tallies: Iterable[tuple[str, str, Tally]]) -> list[list[object]]:
    """Rows (detector, setting, precision, recall, ring recall, false rings per 100k, failures)."""
    rows: list[list[object]] = []
    for detector, setting, counts in tallies:
        rate = counts.false_rings_per_100k
        false = f"{counts.false_rings} ({rate[0]:.2f}, bound {rate[1]:.2f})" if rate else "-"
        row = [detector, setting, counts.accused, counts.recall, counts.rings, false, counts.failures]
        rows.append(row)
    return rows


QUALITY_HEADER = ("detector", "setting", "precision", "recall", "ring recall", "false rings /100k", "failed")
