"""Leads as tables: groups that are no rings and why, and buyers who share identifiers with a ring."""

import math
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np
import polars as pl

from ringfence.detection.candidates import Candidate
from ringfence.detection.findings import Finding, Findings, finding_of
from ringfence.detection.group_rows import evidence_rows, headline, member_rows
from ringfence.detection.lineage import lead_birth_id
from ringfence.detection.methods.coincidence.growth import scratch
from ringfence.detection.parameters import Parameters
from ringfence.detection.prepare import Prepared
from ringfence.detection.reasons import Reasons
from ringfence.detection.shared_values import Holding, best_by_kind
from ringfence.detection.why_not import NOT_MEMBERS, why_not
from ringfence.detection.wording import article, count, listed
from ringfence.domain.chance import published_p_value
from ringfence.domain.leads import LeadKind
from ringfence.market import Longs
from ringfence.market.results import SCHEMAS


class LeadTables(NamedTuple):
    """The leads of a run."""

    found: int
    """How many there were, those that are left out included."""
    tables: dict[str, pl.DataFrame]
    """Those that are published, by table; strongest first."""


class _Rows(NamedTuple):
    lead: dict[str, object]
    buyers: list[tuple[str, str, float, str]]
    evidence: pl.DataFrame


class _Lead(NamedTuple):
    """A lead that is not laid out yet."""

    score: float
    lead_id: str
    lay_out: Callable[[], _Rows | None]
    """Gives its rows; None for a group without an event that chance does not explain, which is no lead."""


def lead_tables(
    found: Findings, ring_ids: Sequence[str], reasons: Reasons, parameters: Parameters, most: int
) -> LeadTables:
    """Lay out the `most` strongest leads, ties by lead id; `ring_ids` are those of `found.rings`.

    No more are laid out, however many there are: what takes time are the rows. A lead that buyers of a ring
    are in is near the ring that most of them are in.
    """
    ring_of = found.ring_of_buyers()
    leads = [
        *_groups(found, ring_of, ring_ids, reasons, parameters),
        *_near_rings(found, ring_of, ring_ids),
    ]
    count_found = len(leads)
    kept: list[_Rows] = []
    for lead in sorted(leads, key=lambda each: (-each.score, each.lead_id)):
        if len(kept) == most:
            break
        rows = lead.lay_out()
        if rows is None:
            count_found -= 1
        else:
            kept.append(rows)
    empty = pl.DataFrame(schema=SCHEMAS["lead_evidence"])
    return LeadTables(
        count_found,
        {
            "leads": pl.DataFrame([rows.lead for rows in kept], schema=SCHEMAS["leads"], orient="row"),
            "lead_members": pl.DataFrame(
                [row for rows in kept for row in rows.buyers], schema=SCHEMAS["lead_members"], orient="row"
            ),
            "lead_evidence": pl.concat([empty, *(rows.evidence for rows in kept)]),
        },
    )


def _groups(
    found: Findings, ring_of: Longs, ring_ids: Sequence[str], reasons: Reasons, parameters: Parameters
) -> Iterator[_Lead]:
    """Give the groups that were refused. What is left of one may have too little evidence to be a lead."""
    prepared, space = found.prepared, scratch(found.prepared.buyers)

    def lay_out(lead: Candidate, kind: LeadKind, lead_id: str, names: Sequence[str]) -> _Rows | None:
        finding = finding_of(prepared, lead, space)
        if not len(finding.telling):
            return None
        figures = headline(finding, prepared.market)
        merchants = len(np.unique(prepared.timeline.merchant[finding.joint.claim[finding.telling]]))
        inside = ring_of[lead.members]
        ring_id = _ring_near(inside, ring_ids)
        said = why_not(lead, merchants, prepared, parameters)
        if ring_id is not None:
            said += _members_of(ring_id, int((inside == ring_ids.index(ring_id)).sum()), len(lead.members))
        row: dict[str, object] = {
            "lead_id": lead_id,
            "kind": kind.value,
            "ring_id": ring_id,
            "score": lead.score,
            "p_value": published_p_value(lead.p_value),
            "why": reasons.of_group(finding, "lead"),
            "why_not": said,
            **figures,
        }
        return _Rows(
            row,
            member_rows(lead_id, finding, names, reasons, "lead"),
            evidence_rows(lead_id, finding, prepared.market, "lead"),
        )

    for lead in found.leads:
        if lead.refusal is not None and lead.score >= parameters.ring_score:
            names = prepared.market.buyer_ids.gather(lead.members).to_list()
            lead_id = lead_birth_id(lead.refusal.value, names)
            yield _Lead(lead.score, lead_id, partial(lay_out, lead, lead.refusal, lead_id, names))


def _ring_near(rings: Longs, ring_ids: Sequence[str]) -> str | None:
    """Name the ring that most of a lead's buyers are in; `rings` has a place in `ring_ids` or -1 for each."""
    inside = rings[rings >= 0]
    return ring_ids[int(np.bincount(inside).argmax())] if len(inside) else None


def _members_of(ring_id: str, inside: int, size: int) -> str:
    """Say how many of a lead's buyers are members of the ring that it is near."""
    are = "is a member" if inside == 1 else "are members"
    return f" {inside} of these {size} buyers {are} of ring {ring_id}."


def _near_rings(found: Findings, ring_of: Longs, ring_ids: Sequence[str]) -> Iterator[_Lead]:
    """Give the associates of each ring.

    Their evidence is how rare the rarest value is that one of them shares with the ring: the decades by which
    a buyer who claims, drawn at random, fails to hold it.
    """
    prepared = found.prepared
    for ring_id, ring in zip(ring_ids, found.rings, strict=True):
        near = ring.associates[ring_of[ring.associates] < 0]
        held = best_by_kind(prepared, near, ring.members, 1)
        if held:
            names = prepared.market.buyer_ids.gather(near).to_list()
            lead_id = lead_birth_id(LeadKind.ASSOCIATES.value, names)
            lay_out = partial(_associates, prepared, ring, ring_id, lead_id, near, names, held)
            yield _Lead(_rarity(prepared, held), lead_id, lay_out)


def _associates(
    prepared: Prepared,
    ring: Finding,
    ring_id: str,
    lead_id: str,
    near: Longs,
    names: Sequence[str],
    held: Sequence[Holding],
) -> _Rows:
    """Lay out the lead of a ring's associates; `held` are the values that they share with it."""
    size, rows = len(ring.members), []
    for buyer, name in zip(near.tolist(), names, strict=True):
        own = best_by_kind(prepared, np.array([buyer]), ring.members, 1)
        shared = listed([_shared(prepared, holding, f"{size} members of ring {ring_id}") for holding in own])
        rows.append((lead_id, name, _rarity(prepared, own), f"Shares {shared}."))
    score = _rarity(prepared, held)
    clauses = [
        _who_share(prepared, holding, near, place == 0)
        + _shared(prepared, holding, f"{size} members of ring {ring_id}" if place == 0 else "members")
        for place, holding in enumerate(held)
    ]
    rarest = min((holding.holders for holding in held), default=prepared.buyers)
    row: dict[str, object] = {
        "lead_id": lead_id,
        "kind": LeadKind.ASSOCIATES.value,
        "ring_id": ring_id,
        "score": score,
        "size": len(near),
        "claims": 0,
        "merchants": 0,
        "occasions": 0,
        "amount": "",
        "first_claim_at": None,
        "last_claim_at": None,
        "p_value": None,
        "why": f"{'; '.join(clauses)}; the rarest of these is held by {rarest} of {prepared.buyers} buyers "
        f"who claim. Evidence: {score:.1f} decades.",
        "why_not": NOT_MEMBERS,
    }
    best_first = sorted(rows, key=lambda each: (-each[2], each[1]))
    return _Rows(row, best_first, pl.DataFrame(schema=SCHEMAS["lead_evidence"]))


def _rarity(prepared: Prepared, held: Sequence[Holding]) -> float:
    """Give -log10 of the chance that a buyer who claims holds the rarest of the values."""
    rarest = min((holding.holders for holding in held), default=prepared.buyers)
    return math.log10(prepared.buyers / rarest)


def _who_share(prepared: Prepared, holding: Holding, near: Longs, is_first: bool) -> str:
    """Say how many of the associates hold a value, as the beginning of a clause."""
    sharing = prepared.sharing
    first, end = int(sharing.holder_start[holding.value]), int(sharing.holder_start[holding.value + 1])
    holders = int(np.isin(near, sharing.holder[first:end]).sum())
    if len(near) == 1:
        who = "1 buyer" if is_first else "the same buyer"
    elif is_first:
        who = count(len(near), "buyer") if holders == len(near) else f"{holders} of {len(near)} buyers"
    else:
        who = f"{holders} of the {len(near)}"
    return f"{who} {'shares' if holders == 1 else 'share'} "


def _shared(prepared: Prepared, holding: Holding, members: str) -> str:
    """Name a value, how many of a ring's members hold it, and how many hold it in all."""
    return (
        f"{article(prepared.shared_kinds[holding.kind])} with {holding.inside} of the {members} "
        f"({holding.holders} buyers who claim hold it in all)"
    )
