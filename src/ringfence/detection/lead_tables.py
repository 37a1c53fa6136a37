"""Leads as tables: groups that are no rings and why, and buyers who share identifiers with a ring."""

import math
from collections.abc import Sequence

import numpy as np
import polars as pl

from ringfence.detection.findings import Finding, Findings
from ringfence.detection.group_rows import evidence_rows, headline, member_rows
from ringfence.detection.lineage import lead_birth_id
from ringfence.detection.parameters import Parameters
from ringfence.detection.prepare import Prepared
from ringfence.detection.reasons import Reasons
from ringfence.detection.shared_values import Holding, best_by_kind
from ringfence.detection.wording import article, count, listed
from ringfence.domain.chance import chance_text, published_p_value
from ringfence.domain.leads import LeadKind
from ringfence.market import Longs
from ringfence.market.results import SCHEMAS

_NOT_MEMBERS = "Not members of the ring: nothing shows them in step with it."
_WHY_NOT = {
    LeadKind.ONE_OCCASION: "fewer than half of these buyers have joint claims at two merchants on two "
    "separate occasions, so that one lost shipment may explain them.",
    LeadKind.ONE_MERCHANT: "without the merchant or occasion it rests on most, too little evidence is left.",
    LeadKind.SHARED_SHOPPING: "these buyers order together, and beyond that too little evidence is left.",
    LeadKind.WEAK_EVIDENCE: "chance shows as strong a group too often.",
    LeadKind.ASSOCIATES: "these buyers share identifiers, and nothing shows them in step.",
    LeadKind.STRUCTURE: "times say nothing, and who claims where is not enough.",
}


def lead_tables(
    found: Findings, ring_ids: Sequence[str], reasons: Reasons, parameters: Parameters
) -> dict[str, pl.DataFrame]:
    """Give the tables of leads by name, strongest first; `ring_ids` are those of `found.rings`.

    A group without an event that chance does not explain is no lead. A lead that buyers of a ring are in is
    near the ring that most of them are in.
    """
    prepared, ring_of = found.prepared, found.ring_of_buyers()
    leads: list[dict[str, object]] = []
    members: list[tuple[str, str, float, str]] = []
    records = [pl.DataFrame(schema=SCHEMAS["lead_evidence"])]
    for lead in found.leads:
        if lead.refusal is None or not len(lead.telling):
            continue
        names = prepared.market.buyer_ids.gather(lead.members).to_list()
        lead_id = lead_birth_id(lead.refusal.value, names)
        leads.append(
            {
                "lead_id": lead_id,
                "kind": lead.refusal.value,
                "ring_id": _ring_near(ring_of[lead.members], ring_ids),
                "score": lead.score,
                "p_value": published_p_value(lead.p_value),
                "why": reasons.of_group(lead),
                "why_not": _why_not(lead, prepared, parameters),
                **headline(lead, prepared.market),
            }
        )
        members += member_rows(lead_id, lead, names, reasons, "lead")
        records.append(evidence_rows(lead_id, lead, prepared.market, "lead"))
    for ring_id, ring in zip(ring_ids, found.rings, strict=True):
        associates = ring.associates[ring_of[ring.associates] < 0]
        if len(associates):
            lead_row, member_of = _associates(prepared, ring, ring_id, associates)
            leads.append(lead_row)
            members += member_of
    strongest = pl.DataFrame(leads, schema=SCHEMAS["leads"], orient="row").sort(
        ["score", "lead_id"], descending=[True, False]
    )
    return {
        "leads": strongest,
        "lead_members": pl.DataFrame(members, schema=SCHEMAS["lead_members"], orient="row"),
        "lead_evidence": pl.concat(records),
    }


def _why_not(lead: Finding, prepared: Prepared, parameters: Parameters) -> str:
    """Say why a lead is no ring."""
    bar, highest = parameters.ring_score, parameters.calibration.ring_p_value
    if lead.refusal is LeadKind.WEAK_EVIDENCE and lead.score < bar:
        return f"Not a ring: {lead.score:.1f} decades are less than the {bar:.1f} that a ring needs."
    if lead.p_value is not None and lead.p_value > highest:
        return (
            f"Not a ring: a marketplace of this shape without rings shows as strong a group with a chance of "
            f"{chance_text(lead.p_value)}, more than the {highest:g} that a ring may have."
        )
    if lead.refusal is LeadKind.SHARED_SHOPPING and prepared.orders is None:
        return "Not a ring: no orders are known, and buyers who shop together may claim like this."
    return f"Not a ring: {_WHY_NOT[lead.refusal or LeadKind.WEAK_EVIDENCE]}"


def _ring_near(rings: Longs, ring_ids: Sequence[str]) -> str | None:
    """Name the ring that most of a lead's buyers are in; `rings` has a place in `ring_ids` or -1 for each."""
    inside = rings[rings >= 0]
    return ring_ids[int(np.bincount(inside).argmax())] if len(inside) else None


def _associates(
    prepared: Prepared, ring: Finding, ring_id: str, associates: Longs
) -> tuple[dict[str, object], list[tuple[str, str, float, str]]]:
    """Give the lead of a ring's associates, and its members.

    Its evidence is how rare the rarest value is that one of them shares with the ring: the decades by which a
    buyer who claims, drawn at random, fails to hold it.
    """
    names = prepared.market.buyer_ids.gather(associates).to_list()
    lead_id = lead_birth_id(LeadKind.ASSOCIATES.value, names)
    rows = []
    for buyer, name in zip(associates.tolist(), names, strict=True):
        held = best_by_kind(prepared, np.array([buyer]), ring.members, 1)
        shared = listed([_with_members(prepared, holding) for holding in held])
        rows.append((lead_id, name, _rarity(prepared, held), f"Shares {shared} of ring {ring_id}."))
    held = best_by_kind(prepared, associates, ring.members, 1)
    score = _rarity(prepared, held)
    shared = listed([_with_members(prepared, holding) for holding in held])
    verb = "shares" if len(associates) == 1 else "share"
    why = (
        f"{count(len(associates), 'buyer')} {verb} identifiers with ring {ring_id}: {shared}; "
        f"the rarest of these is held by {min(h.holders for h in held)} of "
        f"{prepared.buyers} buyers who claim. Evidence: {score:.1f} decades."
    )
    row: dict[str, object] = {
        "lead_id": lead_id,
        "kind": LeadKind.ASSOCIATES.value,
        "ring_id": ring_id,
        "score": score,
        "size": len(associates),
        "claims": 0,
        "merchants": 0,
        "occasions": 0,
        "amount": "",
        "first_claim_at": None,
        "last_claim_at": None,
        "p_value": None,
        "why": why,
        "why_not": _NOT_MEMBERS,
    }
    return row, sorted(rows, key=lambda each: (-each[2], each[1]))


def _rarity(prepared: Prepared, held: Sequence[Holding]) -> float:
    """Give -log10 of the chance that a buyer who claims holds the rarest of the values."""
    rarest = min((holding.holders for holding in held), default=prepared.buyers)
    return math.log10(prepared.buyers / rarest)


def _with_members(prepared: Prepared, holding: Holding) -> str:
    kind = article(prepared.shared_kinds[holding.kind])
    return f"{kind} with {count(holding.inside, 'member')} (held by {holding.holders} buyers who claim)"
