"""How right a set of accusations is, counted so that many marketplaces can be pooled."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import polars as pl
from measuring import Share, rate_bound


@dataclass(frozen=True)
class Tally:
    """Counts of one or more marketplaces; tallies add up."""

    accused: Share = field(default_factory=Share)
    """True members among the accused: member precision."""
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
        )

    @property
    def recall(self) -> Share:
        """Accused among all true members, whatever the pattern."""
        return sum(self.members.values(), Share())

    @property
    def false_rings_per_100k(self) -> tuple[float, float] | None:
        """False rings per 100,000 buyers and the one-sided 95 % bound; None without buyers."""
        if not self.buyers:
            return None
        return self.false_rings / self.buyers * 1e5, rate_bound(self.false_rings, self.buyers / 1e5)

    def to_dict(self) -> dict[str, object]:
        """All figures for JSON."""
        return {
            "precision": self.accused.to_dict(),
            "recall": self.recall.to_dict(),
            "recall_by_pattern": {name: share.to_dict() for name, share in sorted(self.members.items())},
            "accused_by_lookalike": {name: x.to_dict() for name, x in sorted(self.lookalikes.items())},
            "ring_recall": self.rings.to_dict(),
            "false_rings": self.false_rings,
            "false_rings_per_100k": self.false_rings_per_100k,
            "buyers": self.buyers,
            "markets": self.markets,
            "failures": self.failures,
        }


def _add(one: Mapping[str, Share], other: Mapping[str, Share]) -> dict[str, Share]:
    return {key: one.get(key, Share()) + other.get(key, Share()) for key in {**one, **other}}


def tally(truth: pl.DataFrame, found: pl.DataFrame | None) -> Tally:
    """Compare reported members with the truth.

    `truth`: buyer_id, ring_id and pattern (null where honest), lookalike ("" where nothing), a row a buyer.
    `found`: ring_id, buyer_id; None where the detector failed.
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
    accused = marked.filter("is_accused")
    joined = found.join(members.select("buyer_id", "ring_id"), on="buyer_id", how="left")
    pure = joined.group_by("reported").agg(pl.col("ring_id").is_not_null().mean())
    return Tally(
        Share(int(accused["is_member"].sum()), accused.height),
        _shares(members, "pattern"),
        _shares(honest, "lookalike"),
        _matched_rings(joined, members),
        int((pure["ring_id"] < 0.5).sum()),
        truth.height,
        1,
        int(failed),
    )


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
