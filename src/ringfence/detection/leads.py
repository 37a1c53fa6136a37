"""Leads named so that a dismissal of one lasts."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import polars as pl

from ringfence.detection.lineage import LEAST_WEIGHT, Past, follow, lead_birth_id
from ringfence.detection.report import Detection
from ringfence.domain.leads import LeadKind
from ringfence.market.results import LEADS

_NONE = Past({}, frozenset(), frozenset())


def past_leads(runs: Iterable[tuple[pl.DataFrame, pl.DataFrame]]) -> dict[str, Past]:
    """Give the leads of earlier runs by `_sort`: those of the last run as alive, the others as ended.

    `runs` are the tables `leads` and `lead_members` of runs, latest first; a lead counts as last seen.
    """
    members: dict[str, dict[str, dict[str, float]]] = {}
    alive: dict[str, frozenset[str]] = {}
    seen: set[str] = set()
    for place, (leads, lead_members) in enumerate(runs):
        sorts = {lead_id: _sort(kind) for lead_id, kind in leads.select("lead_id", "kind").iter_rows()}
        for lead_id, weights in _weights(lead_members).items():
            if lead_id in sorts and lead_id not in seen:
                members.setdefault(sorts[lead_id], {})[lead_id] = weights
        seen.update(sorts)
        if place == 0:
            alive = {sort: frozenset(found) for sort, found in members.items()}
    return {
        sort: Past(found, alive.get(sort, frozenset()), frozenset(found)) for sort, found in members.items()
    }


def name_leads(detection: Detection, past: Mapping[str, Past]) -> Detection:
    """Give each lead the id of the earlier lead that it continues, or one by `lead_birth_id`.

    A group stays the same lead whichever rule refuses it: more claims elsewhere may change the rule. `past`
    is what `past_leads` gives. In the leads that were found `lead_id` may be anything that tells them
    apart; ties in strength go by it.
    """
    leads = detection.leads.sort(["score", "lead_id"], descending=[True, False])
    weights = _weights(detection.lead_members)
    names: dict[str, str] = {}
    found: dict[str, list[str]] = {}
    for lead_id, kind in leads.select("lead_id", "kind").iter_rows():
        found.setdefault(_sort(kind), []).append(lead_id)
    for sort, ids in found.items():
        named, _ = follow(
            past.get(sort, _NONE),
            [weights.get(lead_id, {}) for lead_id in ids],
            partial(lead_birth_id, sort),
        )
        names.update(zip(ids, named, strict=True))
    renamed = pl.DataFrame(
        {"lead_id": list(names), "name": list(names.values())},
        schema={"lead_id": pl.String, "name": pl.String},
    )
    tables = {
        "leads": leads,
        "lead_members": detection.lead_members,
        "lead_evidence": detection.lead_evidence,
    }
    renewed: dict[str, Any] = {
        table: tables[table]
        .join(renamed, on="lead_id", maintain_order="left")
        .with_columns(lead_id="name")
        .drop("name")
        for table in LEADS
    }
    return replace(detection, **renewed)


def _sort(kind: str) -> str:
    """Say whether a lead is a group that was refused or the associates of a ring."""
    return kind if kind == LeadKind.ASSOCIATES else "group"


def _weights(lead_members: pl.DataFrame) -> dict[str, dict[str, float]]:
    """Give buyers and what they weigh, by lead."""
    weights: dict[str, dict[str, float]] = {}
    for lead_id, buyer_id, score in lead_members.select("lead_id", "buyer_id", "score").iter_rows():
        weights.setdefault(lead_id, {})[buyer_id] = max(score, LEAST_WEIGHT)
    return weights
