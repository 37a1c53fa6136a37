"""Rings in SQLite."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

import polars as pl

from ringfence.domain.leases import Lease
from ringfence.domain.pages import Key, Page
from ringfence.domain.progress import Progress
from ringfence.domain.rings import (
    JointClaim,
    LineageEvent,
    LineageStep,
    Link,
    Member,
    Ring,
    RingOrder,
    RingQuery,
    Strength,
)
from ringfence.domain.runs import Run, RunState
from ringfence.market.results import SCHEMAS
from ringfence.store.rings import PastRun
from ringfence.store.sqlite.database import Database
from ringfence.store.sqlite.past_runs import PastRuns
from ringfence.store.sqlite.runs import Runs

_RING = """
    SELECT f.ring_id, f.run, f.network_id, f.score, f.size, f.claims, f.merchants, f.amount,
        f.first_claim_at, f.last_claim_at, f.why,
        coalesce(r.first_run, f.run),
        CASE WHEN r.ring_id IS NOT NULL THEN r.origin_ring_id ELSE (
            SELECT previous_ring_id FROM lineage
            WHERE ring_id = f.ring_id AND run = f.run AND event = 'split'
        ) END,
        f.p_value, f.occasions, f.method
"""
_LIFE = "LEFT JOIN rings AS r ON r.ring_id = f.ring_id"
_ASKED = "FROM json_each(:asked) AS asked CROSS JOIN"
"""What is asked for comes first, so that each is one look into an index."""
_CONDITIONS = {
    "min_score": "f.score >= :min_score",
    "merchant_id": "f.ring_id IN"
    " (SELECT value FROM targets, json_each(ring_ids) WHERE run = :run AND merchant_id = :merchant_id)",
    "buyer_id": "f.ring_id IN (SELECT ring_id FROM members WHERE run = :run AND buyer_id = :buyer_id)",
    "network_id": "f.network_id = :network_id",
    "since": "f.last_claim_at >= :since",
    "born_since": "f.ring_id NOT IN (SELECT b.ring_id FROM rings AS b JOIN runs AS u ON u.run = b.first_run"
    " WHERE u.ended_at < :born_since)",
    "only": "f.ring_id IN (SELECT value FROM json_each(:only))",
    "without": "f.ring_id NOT IN (SELECT value FROM json_each(:without))",
}
_ORDERS = {order: f"f.{order.value}" for order in RingOrder} | {
    RingOrder.PRIORITY: "ring_priority(f.score, f.amount, f.merchants)"
}
_JOINT_CLAIM = tuple(field.name for field in fields(JointClaim))
_LINK = tuple(field.name for field in fields(Link))


class SqliteRings:
    """The port of rings."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._runs = Runs(database)
        self._past = PastRuns(database, self._runs)
        self._columns = self._runs.tables.columns

    def begin_run(self, lease: Lease, market_version: int, now: int) -> int:
        """Begin a run."""
        return self._runs.begin(lease, market_version, now)

    def write_run(
        self,
        run_id: int,
        tables: Mapping[str, pl.DataFrame],
        about: Mapping[str, Any],
        lease: Lease,
        progress: Progress,
    ) -> None:
        """Write what a run found, unseen."""
        self._runs.write(run_id, tables, about, lease, progress)

    def publish(self, run_id: int, lease: Lease, now: int, reasons: Sequence[str] = ()) -> None:
        """Let everybody see a run."""
        self._runs.publish(run_id, lease, now, reasons)

    def withhold(self, run_id: int, lease: Lease, now: int, reasons: Sequence[str]) -> None:
        """Keep a complete run unpublished."""
        self._runs.withhold(run_id, lease, now, reasons)

    def fail(self, run_id: int, lease: Lease, now: int, reason: str) -> None:
        """End a run that came to nothing."""
        self._runs.fail(run_id, lease, now, reason)

    def forget(self, keep: int, lease: Lease, progress: Progress) -> int:
        """Clear away old findings."""
        return self._runs.forget(keep, lease, progress)

    def past_run(self, run_id: int) -> PastRun:
        """Tell all there is of a run."""
        return self._past.tell(run_id)

    def put_run(self, past: PastRun, lease: Lease, progress: Progress, *, is_last: bool = True) -> None:
        """Write a run as another store had it."""
        self._past.put(past, lease, progress)

    def run(self, run_id: int | None = None) -> Run | None:
        """Find a run."""
        return self._runs.find(run_id)

    def runs(self, first: int, after: Key | None = None, state: RunState | None = None) -> Page[Run]:
        """List runs, latest first."""
        return self._runs.page(first, after, state)

    def tables(self, run_id: int | None = None) -> dict[str, pl.DataFrame]:
        """Give all tables of a run as they were written."""
        return self._runs.read(run_id)

    def last_members(self) -> dict[str, dict[str, float]]:
        """Give the members of every ring as last published."""
        rings: dict[str, dict[str, float]] = {}
        for ring_id, buyer_id, score in self._database.all(
            "SELECT m.ring_id, m.buyer_id, m.score FROM rings AS r"
            " JOIN runs AS u ON u.run = r.last_run AND u.is_kept"
            " JOIN members AS m ON m.run = r.last_run AND m.ring_id = r.ring_id"
            " ORDER BY m.ring_id, m.place"
        ):
            rings.setdefault(ring_id, {})[buyer_id] = score
        return rings

    def alive(self) -> frozenset[str]:
        """Give the rings of the published run."""
        with self._database.snapshot():
            run = self._runs.seen(None)
            return frozenset(
                ring_id
                for (ring_id,) in self._database.all("SELECT ring_id FROM findings WHERE run = ?", (run,))
            )

    def strengths(self, run_id: int | None = None) -> dict[str, Strength]:
        """Say of every ring of a run how much there is of it."""
        with self._database.snapshot():
            rows = self._database.all(
                "SELECT ring_id, score, size, claims FROM findings WHERE run = ?", (self._runs.seen(run_id),)
            )
        return {ring_id: Strength(*strength) for ring_id, *strength in rows}

    def names(self) -> frozenset[str]:
        """Give the ids of all rings that were ever published."""
        return frozenset(ring_id for (ring_id,) in self._database.all("SELECT ring_id FROM rings"))

    def origins(self) -> dict[str, str]:
        """Give the ring it was split from, for every ring that was split from another."""
        return dict(
            self._database.all(
                "SELECT ring_id, origin_ring_id FROM rings WHERE origin_ring_id IS NOT NULL ORDER BY ring_id"
            )
        )

    def page(
        self, query: RingQuery, first: int, after: Key | None = None, run_id: int | None = None
    ) -> Page[Ring]:
        """List rings, greatest first."""
        given = {name: getattr(query, name) for name in _CONDITIONS}
        values: dict[str, Any] = {
            name: json.dumps(sorted(value)) if isinstance(value, frozenset) else value
            for name, value in given.items()
            if value is not None and (name != "without" or value)
        }
        conditions = " AND ".join(["f.run = :run", *(_CONDITIONS[name] for name in values)])
        order = _ORDERS[query.order]
        # A buyer is in few rings: these are looked up and sorted, not met on the way through all of a run.
        sorting = order if query.buyer_id is None else f"+{order}"
        onward = ""
        if after is not None:
            values |= {"value": after.value, "id": after.id}
            onward = f"AND {order} <= :value AND ({order} < :value OR f.ring_id > :id)"
        with self._database.snapshot():
            values |= {"run": self._runs.seen(run_id), "rows": first + 1}
            total = self._database.one(f"SELECT count(*) FROM findings AS f WHERE {conditions}", values)
            rows = self._database.all(
                f"{_RING} FROM findings AS f {_LIFE} WHERE {conditions} {onward}"
                f" ORDER BY {sorting} DESC, f.ring_id LIMIT :rows",
                values,
            )
        rings = tuple(Ring(*row) for row in rows[:first])
        keys = tuple(Key(float(getattr(ring, query.order.value)), ring.ring_id) for ring in rings)
        return Page(rings, keys, len(rows) > first, int(total[0]) if total else 0)

    def rings(self, ring_ids: Sequence[str], run_id: int | None = None) -> tuple[Ring, ...]:
        """Find rings by id in a run."""
        rows = self._asked(
            f"{_RING} {_ASKED} findings AS f {_LIFE} WHERE f.run = :run AND f.ring_id = asked.value"
            " ORDER BY asked.key",
            ring_ids,
            run_id,
        )
        return tuple(Ring(*row) for row in rows)

    def rings_of(self, buyer_ids: Sequence[str], run_id: int | None = None) -> dict[str, tuple[str, ...]]:
        """Give the rings of buyers."""
        rows = self._asked(
            f"SELECT m.buyer_id, m.ring_id {_ASKED} members AS m"
            " WHERE m.run = :run AND m.buyer_id = asked.value ORDER BY m.buyer_id, m.ring_id",
            buyer_ids,
            run_id,
        )
        found: dict[str, tuple[str, ...]] = {}
        for buyer_id, ring_id in rows:
            found[buyer_id] = (*found.get(buyer_id, ()), ring_id)
        return found

    def last_known(self, ring_id: str) -> Ring | None:
        """Find a ring as last published."""
        row = self._database.one(
            f"{_RING} FROM rings AS r JOIN runs AS u ON u.run = r.last_run AND u.is_kept"
            " JOIN findings AS f ON f.run = r.last_run AND f.ring_id = r.ring_id WHERE r.ring_id = ?",
            (ring_id,),
        )
        return None if row is None else Ring(*row)

    def members(self, ring_ids: Sequence[str], run_id: int | None = None) -> tuple[Member, ...]:
        """List the members of rings."""
        rows = self._asked(
            f"SELECT m.ring_id, m.buyer_id, m.score, m.why {_ASKED} members AS m"
            " WHERE m.run = :run AND m.ring_id = asked.value ORDER BY asked.key, m.place",
            ring_ids,
            run_id,
        )
        return tuple(Member(*row) for row in rows)

    def joint_claims(self, ring_ids: Sequence[str], run_id: int | None = None) -> tuple[JointClaim, ...]:
        """List the claims that rings rest on."""
        with self._database.snapshot():
            run = self._runs.seen(run_id)
            if run is None or not ring_ids:
                return ()
            found = self._columns.joint_claims(run, list(dict.fromkeys(ring_ids)))
        claims = found.with_columns(pl.col("filed_at").cast(pl.Int64)).select(_JOINT_CLAIM)
        return tuple(JointClaim(*row) for row in claims.iter_rows())

    def links_inside(
        self, ring_ids: Sequence[str], run_id: int | None = None
    ) -> tuple[tuple[str, Link], ...]:
        """List the links between members of one ring."""
        with self._database.snapshot():
            members = [(member.ring_id, member.buyer_id) for member in self.members(ring_ids, run_id)]
            run = self._runs.seen(run_id)
            if run is None or not members:
                return ()
            found = self._columns.links_inside(run, members)
        return tuple((ring_id, Link(*link)) for ring_id, *link in found.select("ring_id", *_LINK).iter_rows())

    def links_of(self, buyer_id: str, first: int, run_id: int | None = None) -> tuple[Link, ...]:
        """List a buyer's links, best first."""
        with self._database.snapshot():
            run = self._runs.seen(run_id)
            if run is None:
                return ()
            found = self._columns.links_of(run, buyer_id)
        return tuple(Link(*row) for row in found.head(first).select(_LINK).iter_rows())

    def links_from(self, buyer_ids: Sequence[str], run_id: int | None = None) -> tuple[Link, ...]:
        """List the links of any of these buyers, best first."""
        with self._database.snapshot():
            run = self._runs.seen(run_id)
            if run is None:
                return ()
            found = self._columns.links_from(run, buyer_ids)
        return tuple(Link(*row) for row in found.select(_LINK).iter_rows())

    def lineage(self, ring_ids: Sequence[str]) -> tuple[LineageStep, ...]:
        """Tell the lives of rings."""
        rows = self._database.all(
            "SELECT l.run, l.ring_id, l.event, l.previous_ring_id, l.common FROM lineage AS l"
            " JOIN runs AS u ON u.run = l.run AND u.state = 'published'"
            " WHERE l.ring_id IN (SELECT value FROM json_each(:asked))"
            " OR l.previous_ring_id IN (SELECT value FROM json_each(:asked))"
            " ORDER BY l.run, l.place",
            {"asked": json.dumps(list(ring_ids))},
        )
        return tuple(
            LineageStep(run, ring_id, LineageEvent(event), *rest) for run, ring_id, event, *rest in rows
        )

    def buyer_score(self, buyer_id: str, run_id: int | None = None) -> float | None:
        """Give a buyer's score."""
        with self._database.snapshot():
            run = self._runs.seen(run_id)
            if run is None:
                return None
            found = self._columns.of_buyers(run, "buyers", (buyer_id,))
        return float(found[0]["score"]) if found else None

    def risks(self, buyer_ids: Sequence[str], run_id: int | None = None) -> tuple[int, list[dict[str, Any]]]:
        """Give what buyers' risks rest on."""
        with self._database.snapshot():
            run = self._runs.seen(run_id)
            if run is None:
                return 0, []
            return run, self._columns.of_buyers(run, "risks", buyer_ids)

    def lead_table(self, table: str, run_id: int | None = None) -> tuple[int, pl.DataFrame]:
        """Give one of the tables of leads."""
        with self._database.snapshot():
            run = self._runs.seen(run_id)
            if run is None:
                return 0, pl.DataFrame(schema=SCHEMAS[table])
            return run, self._runs.tables.read(run, table)

    def _asked(self, statement: str, ids: Sequence[str], run_id: int | None) -> list[tuple[Any, ...]]:
        asked = json.dumps(list(dict.fromkeys(ids)))
        with self._database.snapshot():
            return self._database.all(statement, {"run": self._runs.seen(run_id), "asked": asked})
