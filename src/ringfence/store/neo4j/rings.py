"""Rings in Neo4j."""

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
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
    RingQuery,
    Strength,
)
from ringfence.domain.runs import Run, RunState
from ringfence.market.results import SCHEMAS
from ringfence.store.columnar import run_layout
from ringfence.store.columnar.ring_lists import cut_after, list_rings
from ringfence.store.neo4j.database import Database
from ringfence.store.neo4j.past_runs import PastRuns
from ringfence.store.neo4j.runs import Runs
from ringfence.store.rings import PastRun

_JOINT_CLAIM = tuple(field.name for field in fields(JointClaim))
_LINK = tuple(field.name for field in fields(Link))


class Neo4jRings:
    """The port of rings."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._runs = Runs(database)
        self._tables = self._runs.tables
        self._past = PastRuns(database, self._runs)

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
        """Clear away old findings, now or with a later run: those that a snapshot may show wait.

        Targets and links are drawn then as the published run has them.
        """
        return self._runs.forget(keep, lease, progress)

    def past_run(self, run_id: int) -> PastRun:
        """Tell all there is of a run."""
        return self._past.tell(run_id)

    def put_run(self, past: PastRun, lease: Lease, progress: Progress, *, is_last: bool = True) -> None:
        """Write a run as another store had it; its targets and links are drawn if it `is_last`."""
        self._past.put(past, lease, progress, is_last=is_last)

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
        rows = self._lives("list_last_members")
        return {ring_id: dict(zip(buyers, scores, strict=True)) for ring_id, buyers, scores in rows}

    def alive(self) -> frozenset[str]:
        """Give the rings of the published run."""
        return frozenset(self.strengths())

    def strengths(self, run_id: int | None = None) -> dict[str, Strength]:
        """Say of every ring of a run how much there is of it."""
        found = self._tables.all_of("rings", run_id)
        if found is None:
            self._runs.refuse_hidden(run_id)
            return {}
        rows = found.rows.select("ring_id", "score", "size", "claims").iter_rows()
        return {ring_id: Strength(*strength) for ring_id, *strength in rows}

    def names(self) -> frozenset[str]:
        """Give the ids of all rings that were ever published."""
        return frozenset(ring_id for (ring_id,) in self._lives("list_names"))

    def origins(self) -> dict[str, str]:
        """Give the ring it was split from, for every ring that was split from another."""
        return dict(self._lives("list_origins"))

    def page(
        self, query: RingQuery, first: int, after: Key | None = None, run_id: int | None = None
    ) -> Page[Ring]:
        """List rings, greatest first."""
        found = self._tables.all_of("rings", run_id)
        if found is None:
            self._runs.refuse_hidden(run_id)
            return Page((), (), False, 0)
        among: set[str] | None = None
        for table, key in (("targets", query.merchant_id), ("homes", query.buyer_id)):
            if key is not None:
                theirs = self._tables.find(table, key, found.run_id, found.published)
                rings = set(theirs.rows["ring_ids"].explode().drop_nulls()) if theirs is not None else set()
                among = rings if among is None else among & rings
        if query.born_since is not None:
            older = self._lives("list_born_before", moment=query.born_since)
            query = replace(query, without=query.without.union(ring_id for (ring_id,) in older))
        listed = list_rings(found.rows, query, among)
        onward = cut_after(listed, after)
        shown = onward.head(first)
        keys = tuple(Key(value, ring_id) for ring_id, value in shown.iter_rows())
        ids = [key.id for key in keys]
        rows = self._database.all("find_rings", ring_ids=ids, run=found.run_id, pinned=found.published)
        if len(rows) < len(ids):
            # The run was forgotten since its rings were listed.
            self._runs.refuse_hidden(found.run_id)
        return Page(tuple(Ring(*row) for row in rows), keys, len(onward) > first, len(listed))

    def rings(self, ring_ids: Sequence[str], run_id: int | None = None) -> tuple[Ring, ...]:
        """Find rings by id in a run."""
        return tuple(Ring(*row) for row in self._of_rings("find_rings", ring_ids, run_id))

    def rings_of(self, buyer_ids: Sequence[str], run_id: int | None = None) -> dict[str, tuple[str, ...]]:
        """Give the rings of buyers."""
        found = self._tables.find_all("homes", buyer_ids, run_id)
        if found is None or found.rows.is_empty():
            self._runs.refuse_hidden(run_id)
            return {}
        homes = found.rows.select("buyer_id", "ring_ids").iter_rows()
        return {buyer_id: tuple(sorted(ring_ids)) for buyer_id, ring_ids in homes if ring_ids}

    def last_known(self, ring_id: str) -> Ring | None:
        """Find a ring as last published."""
        rows = self._lives("find_last_known_ring", ring_id=ring_id)
        return Ring(*rows[0]) if rows else None

    def members(self, ring_ids: Sequence[str], run_id: int | None = None) -> tuple[Member, ...]:
        """List the members of rings."""
        return tuple(
            Member(ring_id, *member)
            for ring_id, *members in self._of_rings("find_members", ring_ids, run_id)
            for member in zip(*members, strict=True)
        )

    def joint_claims(self, ring_ids: Sequence[str], run_id: int | None = None) -> tuple[JointClaim, ...]:
        """List the claims that rings rest on."""
        found = self._of_rings("find_ring_batches", ring_ids, run_id)
        if not found:
            return ()
        batches = [number for _, _, _, evidence, _ in found for number in evidence]
        rows = self._tables.rows_in(found[0][0], "evidence", batches)
        claims = run_layout.joint_claims(rows, list(dict.fromkeys(ring_ids)))
        told = claims.with_columns(pl.col("filed_at").cast(pl.Int64)).select(_JOINT_CLAIM)
        return tuple(JointClaim(*row) for row in told.iter_rows())

    def links_inside(
        self, ring_ids: Sequence[str], run_id: int | None = None
    ) -> tuple[tuple[str, Link], ...]:
        """List the links between members of one ring."""
        found = self._of_rings("find_ring_batches", ring_ids, run_id)
        if not found:
            return ()
        members = [(ring_id, buyer_id) for _, ring_id, buyer_ids, _, _ in found for buyer_id in buyer_ids]
        batches = [number for *_, links in found for number in links]
        rows = self._tables.rows_in(found[0][0], "links", batches)
        links = run_layout.links_inside(rows, members).select("ring_id", *_LINK)
        return tuple((ring_id, Link(*link)) for ring_id, *link in links.iter_rows())

    def links_of(self, buyer_id: str, first: int, run_id: int | None = None) -> tuple[Link, ...]:
        """List a buyer's links, best first."""
        found = self._tables.find("homes", buyer_id, run_id)
        if found is None or found.rows.is_empty():
            self._runs.refuse_hidden(run_id)
            return ()
        batches = found.rows["batches"].explode().drop_nulls()
        links = run_layout.links_of(self._tables.rows_in(found.run_id, "links", batches), buyer_id)
        return tuple(Link(*row) for row in links.head(first).select(_LINK).iter_rows())

    def links_from(self, buyer_ids: Sequence[str], run_id: int | None = None) -> tuple[Link, ...]:
        """List the links of any of these buyers, best first."""
        found = self._tables.find_all("homes", buyer_ids, run_id)
        if found is None or found.rows.is_empty():
            self._runs.refuse_hidden(run_id)
            return ()
        batches = found.rows["batches"].explode().drop_nulls()
        links = run_layout.links_from(self._tables.rows_in(found.run_id, "links", batches), buyer_ids)
        return tuple(Link(*row) for row in links.select(_LINK).iter_rows())

    def lineage(self, ring_ids: Sequence[str]) -> tuple[LineageStep, ...]:
        """Tell the lives of rings."""
        rows = self._lives("list_lineage", ring_ids=list(dict.fromkeys(ring_ids)))
        return tuple(
            LineageStep(run, ring_id, LineageEvent(event), *rest) for run, ring_id, event, *rest in rows
        )

    def buyer_score(self, buyer_id: str, run_id: int | None = None) -> float | None:
        """Give a buyer's score."""
        found = self._tables.find("buyers", buyer_id, run_id)
        if found is None or found.rows.is_empty():
            self._runs.refuse_hidden(run_id)
            return None
        return float(found.rows["score"][0])

    def risks(self, buyer_ids: Sequence[str], run_id: int | None = None) -> tuple[int, list[dict[str, Any]]]:
        """Give what buyers' risks rest on."""
        found = self._tables.batches_of("risks", list(dict.fromkeys(buyer_ids)), run_id)
        if found is None:
            self._runs.refuse_hidden(run_id)
            run = self._runs.find(run_id)
            return 0 if run is None else run.run_id, []
        return found.run_id, run_layout.rows_with(found.rows, "buyer_id", buyer_ids)

    def lead_table(self, table: str, run_id: int | None = None) -> tuple[int, pl.DataFrame]:
        """Give one of the tables of leads."""
        found = self._tables.all_of(table, run_id)
        if found is not None:
            return found.run_id, run_layout.as_written(table, found.rows)
        self._runs.refuse_hidden(run_id)
        run = self._runs.find(run_id)
        return 0 if run is None else run.run_id, pl.DataFrame(schema=SCHEMAS[table])

    def _of_rings(self, statement: str, ring_ids: Sequence[str], run_id: int | None) -> list[tuple[Any, ...]]:
        """Ask for rings of the run that is meant, each once."""
        asked = list(dict.fromkeys(ring_ids))
        rows = self._database.all(statement, ring_ids=asked, run=run_id, pinned=self._database.pins.run)
        if not rows:
            self._runs.refuse_hidden(run_id)
        return rows

    def _lives(self, statement: str, **values: Any) -> list[tuple[Any, ...]]:
        """Ask about rings in all runs that were published."""
        return self._database.all(statement, pinned=self._database.pins.run, **values)
