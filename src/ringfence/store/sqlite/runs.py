"""Runs in SQLite: begun, written, published in one step, or come to nothing."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from ringfence.domain.errors import ConflictError, InvalidError, NotFoundError
from ringfence.domain.leases import Lease
from ringfence.domain.pages import Key, Page
from ringfence.domain.progress import Progress
from ringfence.domain.runs import Run, RunState
from ringfence.store.columnar.run_layout import complete
from ringfence.store.sqlite.database import Database
from ringfence.store.sqlite.run_tables import RunTables

_RUN = "SELECT run, state, begun_at, ended_at, market_version, about, reasons FROM runs"


class Runs:
    """What the port of rings says of runs; its docstrings hold here."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.tables = RunTables(database)

    def begin(self, lease: Lease, market_version: int, now: int) -> int:
        """Begin a run after clearing away what others left."""
        with self._database.transaction(lease):
            self._database.run(
                "UPDATE runs SET state = 'failed', ended_at = ?, reasons = ? WHERE state = 'running'",
                (now, json.dumps(["interrupted"])),
            )
        self._clear_leavings(lease)
        with self._database.transaction(lease):
            self._database.run(
                "INSERT INTO runs (state, begun_at, market_version, about, reasons, is_kept, has_rows)"
                " VALUES ('running', ?, ?, '{}', '[]', 0, 1)",
                (now, market_version),
            )
            row = self._database.one("SELECT max(run) FROM runs")
        return int(row[0]) if row else 0

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
        with self._database.transaction(lease):
            self._refuse_unless(run_id, "tables IS NULL")
        self.tables.write(run_id, chosen, lease, progress)
        with self._database.transaction(lease):
            self._refuse_unless(run_id, "tables IS NULL")
            self._database.run(
                "UPDATE runs SET about = ?, tables = ? WHERE run = ?",
                (json.dumps(dict(about), allow_nan=False), json.dumps(list(tables)), run_id),
            )

    def publish(self, run_id: int, lease: Lease, now: int, reasons: Sequence[str]) -> None:
        """Let everybody see a run, and its rings live."""
        with self._database.transaction(lease):
            self._refuse_unless(run_id, "tables IS NOT NULL")
            self._end(run_id, RunState.PUBLISHED, now, reasons)
            self._database.run(
                "INSERT INTO rings (ring_id, first_run, last_run, origin_ring_id)"
                " SELECT f.ring_id, f.run, f.run, l.previous_ring_id"
                " FROM findings AS f LEFT JOIN lineage AS l"
                " ON l.ring_id = f.ring_id AND l.run = f.run AND l.event = 'split'"
                " WHERE f.run = ? ORDER BY f.ring_id"
                " ON CONFLICT (ring_id) DO UPDATE SET last_run = excluded.last_run",
                (run_id,),
            )

    def withhold(self, run_id: int, lease: Lease, now: int, reasons: Sequence[str]) -> None:
        """Keep a complete run unpublished."""
        with self._database.transaction(lease):
            self._refuse_unless(run_id, "tables IS NOT NULL")
            self._end(run_id, RunState.WITHHELD, now, reasons)

    def fail(self, run_id: int, lease: Lease, now: int, reason: str) -> None:
        """End a run that came to nothing."""
        with self._database.transaction(lease):
            self._refuse_unless(run_id, "1")
            self._end(run_id, RunState.FAILED, now, (reason,))
        self._clear_leavings(lease)

    def forget(self, keep: int, lease: Lease, progress: Progress) -> int:
        """Clear away old findings."""
        if keep < 1:
            raise InvalidError(f"{keep} runs cannot be kept: the last one always is, so keep 1 or more.")
        progress.stage("clearing away")
        with self._database.transaction(lease):
            oldest = self._database.one(
                "SELECT run FROM runs WHERE state = 'published' ORDER BY run DESC LIMIT 1 OFFSET ?",
                (keep - 1,),
            )
            forgotten = self._database.run(
                "UPDATE runs SET is_kept = 0 WHERE is_kept = 1 AND run < ?", (oldest[0] if oldest else 0,)
            )
        self._clear_leavings(lease)
        return forgotten

    def find(self, run_id: int | None) -> Run | None:
        """Find a run; the published one for None."""
        if run_id is None:
            row = self._database.one(f"{_RUN} WHERE state = 'published' ORDER BY run DESC LIMIT 1")
        else:
            row = self._database.one(f"{_RUN} WHERE run = ?", (run_id,))
        return None if row is None else _run(row)

    def page(self, first: int, after: Key | None, state: RunState | None) -> Page[Run]:
        """List runs, latest first."""
        values = {"state": state, "after": int(after.value) if after else None, "rows": first + 1}
        chosen = "WHERE (:state IS NULL OR state = :state)"
        with self._database.snapshot():
            total = self._database.one(f"SELECT count(*) FROM runs {chosen}", values)
            rows = self._database.all(
                f"{_RUN} {chosen} AND (:after IS NULL OR run < :after) ORDER BY run DESC LIMIT :rows", values
            )
        items = tuple(map(_run, rows[:first]))
        keys = tuple(Key(float(run.run_id), str(run.run_id)) for run in items)
        return Page(items, keys, len(rows) > first, int(total[0]) if total else 0)

    def seen(self, run_id: int | None) -> int | None:
        """Give the number of the run that is meant, None before the first was published.

        Raises NotFoundError for one whose findings may not be read.
        """
        if run_id is None:
            row = self._database.one("SELECT max(run) FROM runs WHERE state = 'published'")
            return None if row is None or row[0] is None else int(row[0])
        if self._database.one("SELECT 1 FROM runs WHERE run = ? AND is_kept = 1", (run_id,)) is None:
            raise NotFoundError(
                f"There are no findings of a run {run_id}: there was none, it came to nothing, or they were "
                "cleared away; ringfence runs list tells of all runs."
            )
        return run_id

    def read(self, run_id: int | None) -> dict[str, pl.DataFrame]:
        """Give all tables of a run."""
        with self._database.snapshot():
            run = self.seen(run_id)
            if run is None:
                raise NotFoundError("No run was published yet; ringfence detect makes one.")
            row = self._database.one("SELECT tables FROM runs WHERE run = ?", (run,))
            return {table: self.tables.read(run, table) for table in json.loads(row[0] if row else "[]")}

    def _refuse_unless(self, run_id: int, condition: str) -> None:
        if (
            self._database.one(
                f"SELECT 1 FROM runs WHERE run = ? AND state = 'running' AND {condition}", (run_id,)
            )
            is None
        ):
            raise ConflictError(f"Run {run_id} is not under way any more, or not at this point.")

    def _end(self, run_id: int, state: RunState, now: int, reasons: Sequence[str]) -> None:
        self._database.run(
            "UPDATE runs SET state = ?, ended_at = ?, reasons = ?, is_kept = ? WHERE run = ?",
            (state, now, json.dumps(list(reasons)), state is not RunState.FAILED, run_id),
        )

    def _clear_leavings(self, lease: Lease) -> None:
        """Clear away the rows of runs that failed or are forgotten, those that a dead process left too."""
        for run, state in self._database.all(
            "SELECT run, state FROM runs WHERE has_rows AND NOT is_kept AND state <> 'running' ORDER BY run"
        ):
            self.tables.clear(run, lease, but_lives=state == RunState.PUBLISHED)
            with self._database.transaction(lease):
                self._database.run("UPDATE runs SET has_rows = 0 WHERE run = ?", (run,))


def _run(row: tuple[Any, ...]) -> Run:
    run, state, begun_at, ended_at, market_version, about, reasons = row
    return Run(
        run_id=run,
        state=RunState(state),
        begun_at=begun_at,
        ended_at=ended_at,
        market_version=market_version,
        about=json.loads(about),
        reasons=tuple(json.loads(reasons)),
    )
