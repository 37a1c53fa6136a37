"""The rings of a run as a graph for NetworkX."""

from collections.abc import Collection
from dataclasses import replace
from typing import TYPE_CHECKING

import polars as pl

from ringfence.domain.errors import NotFoundError
from ringfence.export.run_folder import RunFolder
from ringfence.market.results import telling

if TYPE_CHECKING:
    import networkx as nx


def select_rings(run: RunFolder, ring_ids: Collection[str] | None) -> RunFolder:
    """The run with these rings alone, and what belongs to them; all rings for None.

    Buyers are the rings' members, links those between two of them. Raises NotFoundError for an unknown ring.
    """
    if ring_ids is None:
        ring_ids = run.rings.get_column("ring_id").to_list()
    unknown = set(ring_ids) - set(run.rings.get_column("ring_id"))
    if unknown:
        raise NotFoundError(
            f"There is no ring {min(unknown)} in this run; ringfence rings list shows those there are."
        )
    wanted = list(ring_ids)
    chosen = pl.col("ring_id").is_in(wanted)
    members = run.members.filter(chosen)
    inside = members.get_column("buyer_id").unique().to_list()
    return replace(
        run,
        rings=run.rings.filter(chosen),
        members=members,
        buyers=run.buyers.filter(pl.col("buyer_id").is_in(inside)),
        evidence=run.evidence.filter(chosen),
        links=None
        if run.links is None
        else run.links.filter(pl.col("buyer_a").is_in(inside), pl.col("buyer_b").is_in(inside)),
    )


def select_leads(run: RunFolder, lead_ids: Collection[str] | None) -> RunFolder:
    """The run with these leads alone, and what belongs to them; all leads for None.

    The rest of the run stays as it is. Raises NotFoundError for an unknown lead.
    """
    if lead_ids is None:
        return run
    unknown = set(lead_ids) - set(run.leads.get_column("lead_id"))
    if unknown:
        raise NotFoundError(
            f"There is no lead {min(unknown)} in this run; ringfence leads list shows those there are."
        )
    chosen = pl.col("lead_id").is_in(list(lead_ids))
    return replace(
        run,
        leads=run.leads.filter(chosen),
        lead_members=run.lead_members.filter(chosen),
        lead_evidence=run.lead_evidence.filter(chosen),
    )


def to_networkx(run: RunFolder, ring_ids: Collection[str] | None = None) -> "nx.Graph":
    """The rings, their members and the merchants they hit; all rings for None.

    Nodes are `ring:ID`, `buyer:ID` and `merchant:ID` (a buyer and a merchant may have one id) with `kind`
    and `label` (the id); rings have the columns of rings.csv, buyers the `score` of buyers.csv. Edges have
    a `kind`:

    - (buyer)-[member_of]-(ring) with `score` and `why`;
    - (buyer)-[claim]-(merchant), the joint claims of one at the other that chance does not explain, with the
      lists `claim_ids`, `filed_at` (ISO 8601), `amounts` and `expected`, in order of time;
    - (buyer)-[linked]-(buyer) with `score` and `why`, where the run has links.

    Raises NotFoundError for an unknown ring.
    """
    part = select_rings(run, ring_ids)
    import networkx as nx  # a third of a second, which a detection need not wait for

    graph = nx.Graph()
    for row in with_iso_times(part.rings).iter_rows(named=True):
        ring_id = row.pop("ring_id")
        known = {name: value for name, value in row.items() if value is not None}
        graph.add_node(f"ring:{ring_id}", kind="ring", label=ring_id, **known)
    for buyer_id, score in part.buyers.select("buyer_id", "score").iter_rows():
        graph.add_node(f"buyer:{buyer_id}", kind="buyer", label=buyer_id, score=score)
    for merchant_id in telling(part.evidence).get_column("merchant_id").unique().sort():
        graph.add_node(f"merchant:{merchant_id}", kind="merchant", label=merchant_id)
    for row in part.members.iter_rows(named=True):
        # A member that buyers.csv lacks is still a buyer.
        graph.add_node(f"buyer:{row['buyer_id']}", kind="buyer", label=row["buyer_id"])
        graph.add_edge(
            f"buyer:{row['buyer_id']}",
            f"ring:{row['ring_id']}",
            kind="member_of",
            score=row["score"],
            why=row["why"],
        )
    for row in joint_claims(part.evidence).iter_rows(named=True):
        buyer, merchant = f"buyer:{row.pop('buyer_id')}", f"merchant:{row.pop('merchant_id')}"
        graph.add_node(buyer, kind="buyer", label=buyer.removeprefix("buyer:"))
        graph.add_edge(buyer, merchant, kind="claim", **row)
    if part.links is not None:
        for one, other, score, why in part.links.select("buyer_a", "buyer_b", "score", "why").iter_rows():
            graph.add_edge(f"buyer:{one}", f"buyer:{other}", kind="linked", score=score, why=why)
    return graph


def joint_claims(evidence: pl.DataFrame) -> pl.DataFrame:
    """Evidence that counts, by buyer and merchant: claim_ids, filed_at, amounts and expected as lists."""
    return (
        with_iso_times(telling(evidence))
        .sort("filed_at", "claim_id")
        .group_by("buyer_id", "merchant_id", maintain_order=True)
        .agg(
            pl.col("claim_id").alias("claim_ids"),
            pl.col("filed_at"),
            pl.col("amount").alias("amounts"),
            pl.col("expected"),
        )
        .sort("buyer_id", "merchant_id")
    )


def with_iso_times(frame: pl.DataFrame) -> pl.DataFrame:
    """The frame with its times as text, ISO 8601 in UTC."""
    return frame.with_columns(pl.selectors.temporal().dt.to_string("%Y-%m-%dT%H:%M:%S%.fZ"))
