"""Runs in Neo4j: begun, written, published in one step, or come to nothing."""

import json
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import polars as pl

from ringfence.domain.errors import ConflictError, InvalidError, NotFoundError
from ringfence.domain.leases import Lease
from ringfence.domain.pages import Key, Page
from ringfence.domain.progress import Progress
from ringfence.domain.runs import Run, RunState
from ringfence.store.columnar.run_layout import complete
from ringfence.store.neo4j.database import Database
from ringfence.store.neo4j.drawing import Drawing
from ringfence.store.neo4j.run_graph import RunGraph
from ringfence.store.neo4j.run_tables import RunTables, lay_out

LONGEST_SNAPSHOT_SECONDS = 600.0
"""How long a snapshot may be read: the findings of a run that was forgotten stay as long."""


class Runs:
    """What the port of rings says of runs; its docstrings hold here.

    A run is published by the number that (:Store) names, and by nothing else: what is stamped with a later
    one is under way, whatever it says of itself.
    """

    def __init__(
        self, database: Database, longest_snapshot_seconds: float = LONGEST_SNAPSHOT_SECONDS
    ) -> None:
        self._database = database
        self._longest_milliseconds = int(longest_snapshot_seconds * 1_000)
        self.tables = RunTables(database)
        self.graph = RunGraph(database)
        self.drawing = Drawing(database, self.tables)

    def begin(self, lease: Lease, market_version: int, now: int) -> int:
        """Begin a run after clearing away what others left."""
        self._write("interrupt_runs", lease, now=now, reasons=["interrupted"])
        self._clear_leavings(lease)

        def begin() -> int:
            run_id = int((self._database.one("find_last_run") or (0,))[0]) + 1
            self._database.all("begin_run", run=run_id, now=now, version=market_version)
            return run_id

        return self._database.write(begin, lease)

    def write(
        self,
        run_id: int,
        tables: Mapping[str, pl.DataFrame],
        about: Mapping[str, Any],
        lease: Lease,
        progress: Progress,
    ) -> None:
        """Write what a run found, unseen."""
        chosen = complete(tables)
        told = json.dumps(dict(about), allow_nan=False)
        self._database.write(lambda: self._refuse_unless(run_id, is_written=False), lease)
        self.fill(run_id, chosen, lease, progress)

        def complete_run() -> None:
            self._refuse_unless(run_id, is_written=False)
            self._database.all("complete_run", run=run_id, about=told, tables=list(tables))

        self._database.write(complete_run, lease)

    def fill(self, run_id: int, tables: Mapping[str, pl.DataFrame], lease: Lease, progress: Progress) -> None:
        """Write complete tables."""
        laid = lay_out(tables)
        progress.stage("storing", sum(frame.height for frame in tables.values()))
        self.tables.write(run_id, tables, laid, lease, progress)
        self.graph.write(run_id, tables, laid, lease, progress)

    def publish(self, run_id: int, lease: Lease, now: int, reasons: Sequence[str]) -> None:
        """Let everybody see a run, and its rings live."""
        self._database.write(lambda: self._refuse_unless(run_id, is_written=True), lease)
        self.graph.begin_lives(run_id, lease)
        # What the run says of itself first, so that it is all there when the store names it.
        self._database.write(lambda: self._end(run_id, RunState.PUBLISHED, now, reasons), lease)
        self._write("publish_run", lease, run=run_id)

    def withhold(self, run_id: int, lease: Lease, now: int, reasons: Sequence[str]) -> None:
        """Keep a complete run unpublished."""

        def withhold() -> None:
            self._refuse_unless(run_id, is_written=True)
            self._end(run_id, RunState.WITHHELD, now, reasons)

        self._database.write(withhold, lease)

    def fail(self, run_id: int, lease: Lease, now: int, reason: str) -> None:
        """End a run that came to nothing."""

        def fail() -> None:
            self._refuse_unless(run_id)
            self._end(run_id, RunState.FAILED, now, (reason,))

        self._database.write(fail, lease)
        self._clear_leavings(lease)

    def forget(self, keep: int, lease: Lease, progress: Progress) -> int:
        """Clear away old findings, and draw the published ones."""
        if keep < 1:
            raise InvalidError(f"{keep} runs cannot be kept: the last one always is, so keep 1 or more.")
        progress.stage("clearing away")
        rows = self._write("forget_runs", lease, keep=keep)
        self._clear_leavings(lease)
        self.drawing.update(lease, progress)
        return int(rows[0][0]) if rows else 0

    def find(self, run_id: int | None) -> Run | None:
        """Find a run; the published one for None."""
        row = self._database.one("find_run", run=run_id, pinned=self._database.pins.run)
        return None if row is None else _run(row)

    def page(self, first: int, after: Key | None, state: RunState | None) -> Page[Run]:
        """List runs, latest first."""
        chosen: dict[str, Any] = {"state": state, "pinned": self._database.pins.run}
        ((total,),) = self._database.all("count_runs", **chosen)
        before = int(after.value) if after else None
        rows = self._database.all("list_runs", after=before, rows=first + 1, **chosen)
        items = tuple(map(_run, rows[:first]))
        keys = tuple(Key(float(run.run_id), str(run.run_id)) for run in items)
        return Page(items, keys, len(rows) > first, total)

    def refuse_hidden(self, run_id: int | None) -> None:
        """Raise NotFoundError for a run that is named though its findings may not be read."""
        if run_id is not None and self._readable(run_id) is None:
            raise NotFoundError(
                f"There are no findings of a run {run_id}: there was none, it came to nothing, or they were "
                "cleared away; ringfence runs list tells of all runs."
            )

    def read(self, run_id: int | None) -> dict[str, pl.DataFrame]:
        """Give all tables of a run."""
        row = self._readable(run_id)
        if row is None:
            self.refuse_hidden(run_id)
            raise NotFoundError("No run was published yet; ringfence detect makes one.")
        run, tables = row
        return {table: self.tables.read(run, table) for table in tables}

    def _readable(self, run_id: int | None) -> tuple[Any, ...] | None:
        return self._database.one("find_readable_run", run=run_id, pinned=self._database.pins.run)

    def _refuse_unless(self, run_id: int, *, is_written: bool | None = None) -> None:
        row = self._database.one("find_run_under_way", run=run_id)
        if row is None or is_written not in (None, row[0]):
            raise ConflictError(f"Run {run_id} is not under way any more, or not at this point.")

    def _end(self, run_id: int, state: RunState, now: int, reasons: Sequence[str]) -> None:
        is_kept = state is not RunState.FAILED
        self._database.all(
            "end_run", run=run_id, state=state, now=now, reasons=list(reasons), is_kept=is_kept
        )

    def _clear_leavings(self, lease: Lease) -> None:
        """Clear away what nobody can ask for any more, what a dead process left too."""
        for run, state in self._database.all("find_leavings", milliseconds=self._longest_milliseconds):
            self.tables.clear(run, lease)
            if state != RunState.PUBLISHED:
                self.graph.take_lives_back(run, lease)
            self.graph.clear(run, lease, but_lives=state == RunState.PUBLISHED)
            self._write("end_clearing", lease, run=run)

    def _write(self, statement: str, lease: Lease, **values: Any) -> list[tuple[Any, ...]]:
        return self._database.write(partial(self._database.all, statement, **values), lease)


def _run(row: tuple[Any, ...]) -> Run:
    run, state, begun_at, ended_at, market_version, about, reasons = row
    is_under_way = state == RunState.RUNNING
    return Run(
        run_id=run,
        state=RunState(state),
        begun_at=begun_at,
        ended_at=None if is_under_way else ended_at,
        market_version=market_version,
        about=json.loads(about),
        reasons=() if is_under_way else tuple(reasons),
    )
