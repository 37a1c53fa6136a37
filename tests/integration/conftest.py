from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime

import polars as pl
import pytest

from ringfence.domain.leases import Holder, LeaseName
from ringfence.domain.progress import Silent
from ringfence.market.results import SCHEMAS
from ringfence.store import Store

Publish = Callable[..., int]
_DAY = datetime(2026, 4, 1, tzinfo=UTC)


@pytest.fixture(scope="session")
def publish() -> Publish:
    """Publish a run of rings that are given as ring id -> (evidence, members)."""
    return _publish


def _publish(
    store: Store,
    rings: Mapping[str, tuple[float, Sequence[str]]],
    splits: Mapping[str, str] | None = None,
    now: int = 1,
    leads: Mapping[str, Sequence[str]] | None = None,
) -> int:
    """Give the run's number; `splits` names, for a ring that was split off, the ring it was split from, and
    `leads` are lead id -> buyers, strongest first."""
    lease = store.leases.acquire(LeaseName.DETECT, Holder("here", 1, "once"), 60.0, now)
    run = store.rings.begin_run(lease, 0, now)
    known = store.rings.names()
    rows: dict[str, list[tuple[object, ...]]] = {
        "rings": [
            (ring_id, "n1", score, len(members), 3, 2, 1, "EUR:30.00", _DAY, _DAY, None, "waves", "together")
            for ring_id, (score, members) in rings.items()
        ],
        "members": [
            (ring_id, member, 1.0, "together")
            for ring_id, (_, members) in rings.items()
            for member in members
        ],
        "lineage": [
            (ring_id, "split", (splits or {})[ring_id], 0.5)
            if ring_id in (splits or {})
            else (ring_id, "kept" if ring_id in known else "born", ring_id if ring_id in known else "", 0.5)
            for ring_id in rings
        ],
    }
    for place, (lead_id, buyers) in enumerate((leads or {}).items()):
        told = (9.5 - place, len(buyers), 2, 1, 1, "EUR:3.00", _DAY, _DAY, None, "together once", "one van")
        rows.setdefault("leads", []).append((lead_id, "one_occasion", None, *told))
        for number, buyer in enumerate(buyers):
            rows.setdefault("lead_members", []).append((lead_id, buyer, 1.0, "together once"))
            claim = ("m1", buyer, f"{lead_id}-{number}", _DAY, "EUR:1.00", 1.5, True)
            rows.setdefault("lead_evidence", []).append((lead_id, 1, *claim))
    tables = {
        name: pl.DataFrame(rows.get(name, []), schema=schema, orient="row")
        for name, schema in SCHEMAS.items()
    }
    store.rings.write_run(run, tables, {"counts": {"rings": len(rings)}}, lease, Silent())
    store.rings.publish(run, lease, now)
    store.leases.release(lease)
    return run
