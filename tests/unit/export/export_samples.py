"""Small runs to export, made by rule."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import polars as pl

from ringfence.export import RunFolder, conform

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
                "amount": f"{'EUR' if place % 2 == 0 else 'USD'}:{cents // 100}.{cents % 100:02d}",
                "first_claim_at": min(hit["filed_at"] for hit in hits),
                "last_claim_at": max(hit["filed_at"] for hit in hits),
                "p_value": None,
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
    return frames | ({"links": pl.DataFrame(links)} if with_links else {})


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
    )
