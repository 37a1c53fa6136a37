"""What was found, as tables: the columns of a run's files, and of the answer a notebook gets."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl

from ringfence.detection.findings import Findings
from ringfence.detection.group_rows import evidence_rows, headline, member_rows
from ringfence.detection.lead_tables import lead_tables
from ringfence.detection.lineage import LEAST_WEIGHT, Lineage, Past, birth_id, follow, network_id
from ringfence.detection.links import Link, links_inside, links_outside
from ringfence.detection.networks import find_networks
from ringfence.detection.parameters import Parameters
from ringfence.detection.reasons import Reasons
from ringfence.domain.chance import published_p_value
from ringfence.domain.policy import DetectionPolicy
from ringfence.domain.progress import Progress
from ringfence.market import Floats, Market
from ringfence.market.results import SCHEMAS


@dataclass(frozen=True, eq=False)
class Detection:
    """One detection: rings and their members, every buyer's score, links, and the claims behind them."""

    rings: pl.DataFrame
    """ring_id, network_id, score (decades), size, claims, merchants, occasions, amount
    (`EUR:3.00;USD:120.50`), first_claim_at, last_claim_at (UTC), p_value (null until it is calibrated),
    method, why; best first. Claims, merchants, occasions, amount and times are those of the joint events
    that chance does not explain."""
    members: pl.DataFrame
    """ring_id, buyer_id, score (decades), why; rings best first, members best first."""
    buyers: pl.DataFrame
    """buyer_id, score (0 to 1); every buyer seen, best first."""
    links: pl.DataFrame
    """buyer_a, buyer_b, score (decades), why; best first. Empty unless links were asked for."""
    evidence: pl.DataFrame
    """ring_id, event, merchant_id, buyer_id, claim_id, filed_at, amount (`EUR:3.00`), expected, weak: the
    joint claims each ring rests on, how many strangers' claims chance would put as near, and whether chance
    alone explains the event."""
    lineage: pl.DataFrame
    """ring_id, event, previous_ring_id, common (0 to 1); empty without a previous run."""
    leads: pl.DataFrame
    """lead_id, kind, ring_id (null unless it is near a ring), score (decades), size, claims, merchants,
    occasions, amount, first_claim_at, last_claim_at, p_value, why, why_not; best first."""
    lead_members: pl.DataFrame
    """lead_id, buyer_id, score (decades), why."""
    lead_evidence: pl.DataFrame
    """As `evidence`, with lead_id in place of ring_id."""
    notes: tuple[str, ...]
    """What a reader must know about this result."""
    counts: dict[str, int]
    calibration: dict[str, Any] | None
    """What p-values were worked out from, see `calibrate.Calibration`; None where they were left out."""

    def without_links(self) -> "Detection":
        """Give what would have been reported had links not been asked for."""
        return replace(self, links=self.links.clear(), counts={**self.counts, "links": 0})


def report(
    market: Market,
    found: Findings,
    parameters: Parameters,
    *,
    links: bool,
    past: Past | None,
    progress: Progress,
    most_leads: int = DetectionPolicy().leads_per_run,
) -> Detection:
    """Put what was `found` in `market`, as a whole, into tables with ids and reasons.

    `past` are the rings there were before, with their evidence for weights, or None where none are known. Of
    the leads the `most_leads` strongest are laid out.
    """
    progress.stage("reasons and records", len(found.rings))
    prepared = found.prepared
    reasons = Reasons(prepared, market.claims.claim_id, market.merchant_ids)
    own = [ring.support.member_scores for ring in found.rings]
    names = [prepared.market.buyer_ids.gather(ring.members).to_list() for ring in found.rings]
    ids, lineage = _name_rings(names, own, past)
    networks = _name_networks(found, ids)

    rings, members, records = [], [], []
    for i, ring in enumerate(found.rings):
        progress.advance(1)
        rings.append(
            {
                "ring_id": ids[i],
                "network_id": networks[i],
                "score": ring.score,
                "p_value": published_p_value(ring.p_value),
                "method": ring.method.value,
                "why": reasons.of_group(ring, "ring"),
                **headline(ring, prepared.market),
            }
        )
        members += member_rows(ids[i], ring, names[i], reasons, "ring")
        records.append(evidence_rows(ids[i], ring, prepared.market, "ring"))
    progress.stage("links")
    tied = _links(found, parameters) if links else []
    progress.stage("leads")
    leads = lead_tables(found, ids, reasons, parameters, most_leads)
    return Detection(
        rings=pl.DataFrame(rings, schema=SCHEMAS["rings"], orient="row"),
        members=pl.DataFrame(members, schema=SCHEMAS["members"], orient="row"),
        buyers=_buyers(market, found),
        links=_link_rows(tied, prepared.market, reasons),
        evidence=pl.concat(records) if records else pl.DataFrame(schema=SCHEMAS["evidence"]),
        lineage=pl.DataFrame(
            [(step.ring_id, step.event.value, step.previous_ring_id, step.common) for step in lineage],
            schema=SCHEMAS["lineage"],
            orient="row",
        ),
        **leads.tables,
        notes=(*_notes(market, found, parameters), *_left_out(leads.found, most_leads)),
        counts={
            "buyers": len(market.buyer_ids),
            "merchants": len(market.merchant_ids),
            "claims": len(market.claims),
            "orders": len(market.orders) if market.orders is not None else 0,
            "shared_values": len(prepared.sharing.kind),
            "seeds": len(prepared.pairs),
            "rings": len(found.rings),
            "members": len(members),
            "links": len(tied),
            "leads": leads.tables["leads"].height,
        },
        calibration=found.calibration.to_dict() if found.calibration is not None else None,
    )


def _name_rings(
    names: Sequence[Sequence[str]],
    scores: Sequence[Floats],
    past: Past | None,
) -> tuple[list[str], list[Lineage]]:
    if past is None:
        return [birth_id(members) for members in names], []
    weights = [
        {name: max(float(score), LEAST_WEIGHT) for name, score in zip(members, own, strict=True)}
        for members, own in zip(names, scores, strict=True)
    ]
    floored = {
        ring: {name: max(w, LEAST_WEIGHT) for name, w in members.items()}
        for ring, members in past.members.items()
    }
    return follow(replace(past, members=floored), weights)


def _name_networks(found: Findings, ids: Sequence[str]) -> list[str]:
    sizes = np.array([len(ring.members) for ring in found.rings], np.int64)
    network = find_networks(
        sizes,
        found.ring_of_buyers(),
        found.prepared.pairs,
        found.prepared.sharing,
        found.prepared.multiplicity,
        found.prepared.yardstick.hub,
    )
    together: dict[int, list[str]] = {}
    for ring_id, number in zip(ids, network.tolist(), strict=True):
        together.setdefault(number, []).append(ring_id)
    named = {number: network_id(rings) for number, rings in together.items()}
    return [named[number] for number in network.tolist()]


def _buyers(market: Market, found: Findings) -> pl.DataFrame:
    """List every buyer seen, best first; whoever never claimed scores 0."""
    scores = np.zeros(len(market.buyer_ids))
    scores[market.buyer_ids.search_sorted(found.prepared.market.buyer_ids).to_numpy()] = found.buyer_scores
    order = np.argsort(-scores, kind="stable")
    return pl.DataFrame({"buyer_id": market.buyer_ids.gather(order), "score": scores[order]})


def _links(found: Findings, parameters: Parameters) -> list[Link]:
    tied = links_outside(found, parameters.ring_score)
    for ring in found.rings:
        tied += links_inside(found, ring, parameters.coincidence.seed_score)
    return sorted(tied, key=lambda link: (-link.score, link.a, link.b))


def _link_rows(links: Sequence[Link], market: Market, reasons: Reasons) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "buyer_a": market.buyer_ids.gather([link.a for link in links]),
            "buyer_b": market.buyer_ids.gather([link.b for link in links]),
            "score": [link.score for link in links],
            "why": [reasons.of_link(link) for link in links],
        },
        schema=SCHEMAS["links"],
    )


def _left_out(leads: int, most: int) -> tuple[str, ...]:
    """Say that there were more leads than are kept."""
    if leads <= most:
        return ()
    return (
        f"{leads:,} leads were found; the strongest {most:,} are kept (detection.leads_per_run in the "
        "policy).",
    )


def _notes(market: Market, found: Findings, parameters: Parameters) -> tuple[str, ...]:
    notes = [found.prepared.times.note] if found.prepared.times.note else []
    if market.orders is None:
        notes.append(
            "No orders are known: buyers who shop together may claim like rings, so the bar is higher, above "
            "all for buyers who share an identifier, and what does not reach it is a lead."
        )
    if not market.identifiers:
        by = "merchants and times" if found.prepared.times.tell_when else "merchants"
        notes.append(f"No identifiers are known: rings are found by {by} alone.")
    if parameters.without:
        notes.append(f"Left out: {', '.join(method.value for method in parameters.without)}.")
    if parameters.calibration.null_runs == 0:
        notes.append("p-values were left out: no ring was held against what chance shows.")
    elif found.calibration is None:
        notes.append(
            "There are no p-values: all claims are of buyers in rings or strong leads, so that no ordinary "
            "marketplace is left to compare with."
        )
    elif not found.prepared.times.tell_when and (found.rings or found.leads):
        notes.append("p-values take no account of tastes where times say nothing: they may be too low.")
    return tuple(notes)
