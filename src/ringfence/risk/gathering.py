"""Facts gathered for all buyers of a market at once."""

from dataclasses import dataclass, field

import numpy as np
import polars as pl

from ringfence.domain.durations import MICROSECONDS_A_DAY
from ringfence.domain.policy import RiskPolicy
from ringfence.market import Longs
from ringfence.market.activity import Activity
from ringfence.market.results import no_leads
from ringfence.risk.facts import FACTS


@dataclass(frozen=True, eq=False)
class Findings:
    """What a detection found, with the columns of `market.results.SCHEMAS`."""

    rings: pl.DataFrame
    members: pl.DataFrame
    links: pl.DataFrame
    leads: pl.DataFrame = field(default_factory=lambda: no_leads()["leads"])
    lead_members: pl.DataFrame = field(default_factory=lambda: no_leads()["lead_members"])


def gather(
    activity: Activity,
    findings: Findings,
    reports: pl.DataFrame,
    verified: pl.DataFrame,
    shared: Longs,
    policy: RiskPolicy,
) -> pl.DataFrame:
    """Give the facts about every buyer, with the columns of FACTS, in the order of `activity.buyer_ids`.

    `reports` has buyer_id, independent and weight, as `report_weight` gives them; `verified` buyer_id,
    confirmed and rejected: how many verifications ended so; `shared` (int64[n]) is what `shared_with` gives.
    """
    buyers = len(activity.buyer_ids)
    claims = activity.claims.with_columns(pl.col("buyer").cast(pl.Int64))
    last = claims["filed_at"].max()
    assert last is None or isinstance(last, int)
    recent = (last or 0) - policy.recent_days * MICROSECONDS_A_DAY
    counted = claims.group_by("buyer").agg(
        claims=pl.len().cast(pl.Int64),
        refund_only=pl.col("is_refund_only").sum().cast(pl.Int64),
        recent_refund_only=(pl.col("is_refund_only") & (pl.col("filed_at") > recent)).sum().cast(pl.Int64),
    )
    ages = (last or 0) - activity.registered_at
    frame = pl.DataFrame(
        {
            "buyer_id": activity.buyer_ids,
            "buyer": np.arange(buyers, dtype=np.int64),
            "orders": None if activity.orders is None else activity.orders,
            "shared_values": shared,
            "account_days": (ages // MICROSECONDS_A_DAY).clip(lower_bound=0),
            "lost": _rank_of_loss(claims, buyers),
        },
        schema_overrides={"orders": pl.Int64},
    )
    reported = reports.select(
        "buyer_id", report_weight="weight", report_merchants=pl.col("independent").cast(pl.Int64)
    )
    gathered = (
        frame.join(counted, on="buyer", how="left", maintain_order="left")
        .join(_rings_of(findings), on="buyer_id", how="left", maintain_order="left")
        .join(_strongest_links(findings.links), on="buyer_id", how="left", maintain_order="left")
        .join(_strongest_leads(findings), on="buyer_id", how="left", maintain_order="left")
        .join(reported, on="buyer_id", how="left", maintain_order="left")
        .join(verified, on="buyer_id", how="left", maintain_order="left")
    )
    counts = ("claims", "refund_only", "recent_refund_only", "report_merchants", "confirmed", "rejected")
    weights = ("ring_score", "link_score", "lead_score", "report_weight")
    filled = gathered.with_columns(pl.col(counts).fill_null(0), pl.col(weights).fill_null(0.0))
    return filled.select(list(FACTS)).cast(pl.Schema(FACTS))


def _rings_of(findings: Findings) -> pl.DataFrame:
    rings = findings.rings.select("ring_id", ring_score="score", ring_size="size", ring_claims="claims")
    joined = findings.members.select("buyer_id", "ring_id").join(rings, on="ring_id")
    return joined.sort("ring_score", descending=True, maintain_order=True).unique("buyer_id", keep="first")


def _strongest_links(links: pl.DataFrame) -> pl.DataFrame:
    both = pl.concat(
        [
            links.select(buyer_id="buyer_a", linked_to="buyer_b", link_score="score"),
            links.select(buyer_id="buyer_b", linked_to="buyer_a", link_score="score"),
        ]
    )
    strongest = both.sort(["link_score", "linked_to"], descending=[True, False])
    return strongest.unique("buyer_id", keep="first")


def _strongest_leads(findings: Findings) -> pl.DataFrame:
    leads = findings.leads.select("lead_id", lead_score="score")
    joined = findings.lead_members.select("buyer_id", "lead_id").join(leads, on="lead_id")
    strongest = joined.sort(["lead_score", "lead_id"], descending=[True, False])
    return strongest.unique("buyer_id", keep="first")


def _rank_of_loss(claims: pl.DataFrame, buyers: int) -> pl.Series:
    """Give the share of buyers who cost less: float64[n]; amounts are compared within currencies, and of
    several a buyer's greatest share counts."""
    lost = (
        claims.filter("is_refund_only")
        .group_by("buyer", "currency")
        .agg(pl.col("lost").sum())
        .filter(pl.col("lost") > 0)
        .with_columns(below=pl.col("lost").rank("min").over("currency") - 1, of=pl.len().over("currency"))
        .group_by("buyer")
        # Whoever cost nothing cost less, too.
        .agg(rank=((buyers - pl.col("of") + pl.col("below")) / max(buyers, 1)).max())
    )
    rank = np.zeros(buyers)
    rank[lost["buyer"].to_numpy()] = lost["rank"].to_numpy()
    return pl.Series(rank)
