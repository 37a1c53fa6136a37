"""Leads named so that a dismissal of one lasts."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import polars as pl

from ringfence.detection.lineage import LEAST_WEIGHT, Past, follow, lead_birth_id
from ringfence.detection.report import Detection
from ringfence.market.results import LEADS

_NONE = Past({}, frozenset(), frozenset())


def past_leads(runs: Iterable[tuple[pl.DataFrame, pl.DataFrame]]) -> dict[str, Past]:
    """Give the leads of earlier runs by kind: those of the last run as alive, the others as ended.

    `runs` are the tables `leads` and `lead_members` of runs, latest first; a lead counts as last seen.
    """
    members: dict[str, dict[str, dict[str, float]]] = {}
    alive: dict[str, frozenset[str]] = {}
    seen: set[str] = set()
    for place, (leads, lead_members) in enumerate(runs):
        kinds = dict(leads.select("lead_id", "kind").iter_rows())
        for lead_id, weights in _weights(lead_members).items():
            if lead_id in kinds and lead_id not in seen:
                members.setdefault(kinds[lead_id], {})[lead_id] = weights
        seen.update(kinds)
        if place == 0:
            alive = {kind: frozenset(found) for kind, found in members.items()}
    return {
        kind: Past(found, alive.get(kind, frozenset()), frozenset(found)) for kind, found in members.items()
    }


def name_leads(detection: Detection, past: Mapping[str, Past]) -> Detection:
    """Give each lead the id of the earlier lead of its kind that it continues, or one by `lead_birth_id`.

    `past` is what `past_leads` gives. In the leads that were found `lead_id` may be anything that tells them
    apart; ties in strength go by it.
    """
    leads = detection.leads.sort(["score", "lead_id"], descending=[True, False])
    weights = _weights(detection.lead_members)
    names: dict[str, str] = {}
    for (kind,), own in leads.group_by("kind", maintain_order=True):
        ids = own["lead_id"].to_list()
        named, _ = follow(
            past.get(str(kind), _NONE),
            [weights.get(lead_id, {}) for lead_id in ids],
            partial(lead_birth_id, str(kind)),
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


def _weights(lead_members: pl.DataFrame) -> dict[str, dict[str, float]]:
    """Give buyers and what they weigh, by lead."""
    weights: dict[str, dict[str, float]] = {}
    for lead_id, buyer_id, score in lead_members.select("lead_id", "buyer_id", "score").iter_rows():
        weights.setdefault(lead_id, {})[buyer_id] = max(score, LEAST_WEIGHT)
    return weights
