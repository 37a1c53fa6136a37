"""Small runs to export, made by rule."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import polars as pl

from ringfence.export import RunFolder, conform
from ringfence.market.results import LEADS, SCHEMAS

START = datetime(2024, 3, 1, 9, tzinfo=UTC)


def sample_frames(
    sizes: tuple[int, ...] = (5, 3), events: int = 4, prefix: str = "", with_links: bool = True
) -> dict[str, pl.DataFrame]:
    """A run with one ring a size, whose members claim together against `events` merchants each.

    Every third member stays away from every other event; `prefix` begins every buyer, merchant and claim id.
    """
    rings: list[dict[str, Any]] = []
    members: list[dict[str, Any]] = []
    evidence: list[dict[str, Any]] = []
    links: list[dict[str, Any]] = []
    for place, size in enumerate(sizes):
        ring = f"{place + 10:06x}"
        inside = [f"{prefix}B{place}-{member:03d}" for member in range(size)]
        hits: list[dict[str, Any]] = []
        for event in range(events):
            merchant = f"{prefix}M{(place * 3 + event * 7) % 23:02d}"
            at = START + timedelta(days=11 * event + 4 * place, hours=3 * place)
            for member, buyer in enumerate(inside):
                if member % 3 == 2 and event % 2 == 1:
                    continue
                hits.append(
                    {
                        "ring_id": ring,
                        "event": event + 1,
                        "merchant_id": merchant,
                        "buyer_id": buyer,
                        "claim_id": f"{prefix}C{place}-{event}-{member}",
                        "filed_at": at + timedelta(minutes=47 * member),
                        "amount": f"{'EUR' if place % 2 == 0 else 'USD'}:{20 + 3 * event + member}.50",
                        "expected": 0.004 * (event + 1),
                        "weak": False,
                    }
                )
        evidence += hits
        cents = sum(int(hit["amount"][4:].replace(".", "")) for hit in hits)
        rings.append(
            {
                "ring_id": ring,
                "network_id": f"n{place // 2}",
                "score": 14.25 - 3 * place,
                "size": size,
                "claims": len(hits),
                "merchants": len({hit["merchant_id"] for hit in hits}),
                "occasions": events,
                "amount": f"{'EUR' if place % 2 == 0 else 'USD'}:{cents // 100}.{cents % 100:02d}",
                "first_claim_at": min(hit["filed_at"] for hit in hits),
                "last_claim_at": max(hit["filed_at"] for hit in hits),
                "p_value": None,
                "method": "coincidence",
                "why": f"{size} buyers filed against {events} merchants within hours; they share a device.",
            }
        )
        members += [
            {
                "ring_id": ring,
                "buyer_id": buyer,
                "score": 6.5 - member / 4,
                "why": f"joint claims at {events} merchants",
            }
            for member, buyer in enumerate(inside)
        ]
        links += [
            {"buyer_a": one, "buyer_b": other, "score": 3.5, "why": "same device and 4 joint claims"}
            for one, other in pairwise(inside)
        ]
    known = [str(member["buyer_id"]) for member in members]
    everyone = known + [f"{prefix}honest-{number}" for number in range(5)]
    frames = {
        "rings": pl.DataFrame(rings, schema_overrides={"p_value": pl.Float64}),
        "members": pl.DataFrame(members),
        "buyers": pl.DataFrame(
            {"buyer_id": everyone, "score": [0.9 / (n + 1) for n in range(len(everyone))]}
        ),
        "evidence": pl.DataFrame(evidence),
    }
    linked = pl.DataFrame(links) if links else pl.DataFrame(schema=SCHEMAS["links"])
    return frames | lead_frames(prefix) | ({"links": linked} if with_links else {})


def lead_frames(prefix: str = "") -> dict[str, pl.DataFrame]:
    """Two leads: a bundle that was lost once, and a buyer near the first ring."""
    lost = [f"{prefix}L{number}" for number in range(3)]
    shared = {"amount": "EUR:60.00", "first_claim_at": START, "last_claim_at": START, "p_value": None}
    leads = [
        {
            "lead_id": f"{prefix}l1", "kind": "one_occasion", "ring_id": None, "score": 9.5, "size": 3,
            "claims": 6, "merchants": 2, "occasions": 1, **shared,
            "why": f"{prefix}3 buyers filed 6 claims together.",
            "why_not": f"{prefix}All of it may be one shipment that was lost.",
        },
        {
            "lead_id": f"{prefix}l2", "kind": "associates", "ring_id": f"{10:06x}", "score": 4.0, "size": 1,
            "claims": 1, "merchants": 1, "occasions": 1, **shared,
            "why": "1 buyer joined one event of the ring.", "why_not": "One event is too few.",
        },
    ]  # fmt: skip
    members = [
        {"lead_id": f"{prefix}l1", "buyer_id": buyer, "score": 3.0, "why": "6 claims"} for buyer in lost
    ]
    members.append({"lead_id": f"{prefix}l2", "buyer_id": f"{prefix}N0", "score": 4.0, "why": "1 claim"})
    evidence = [
        {
            "lead_id": f"{prefix}l1", "event": 1, "merchant_id": f"{prefix}M{merchant}", "buyer_id": buyer,
            "claim_id": f"{buyer}-{merchant}", "filed_at": START, "amount": "EUR:10.00", "expected": 0.01,
            "weak": False,
        }
        for buyer in lost
        for merchant in range(2)
    ]  # fmt: skip
    rows = {"leads": leads, "lead_members": members, "lead_evidence": evidence}
    return {table: pl.DataFrame(found, schema=SCHEMAS[table]) for table, found in rows.items()}


ABOUT = {
    "seed": 7,
    "version": "0.1.0",
    "parameters": {"window_days": 14},
    "counts": {"claims": 900},
    "notes": [],
}
TIMINGS = {"stages": {"pairs": 0.25}, "peak_mib": 120}


def sample_run(*args: Any, **kwargs: Any) -> RunFolder:
    """The same as a run that was read; for arguments see `sample_frames`."""
    frames = {table: conform(table, frame) for table, frame in sample_frames(*args, **kwargs).items()}
    return RunFolder(
        rings=frames["rings"],
        members=frames["members"],
        buyers=frames["buyers"],
        evidence=frames["evidence"],
        links=frames.get("links"),
        lineage=None,
        run=ABOUT,
        timings=TIMINGS,
        **{table: frames[table] for table in LEADS},
    )
