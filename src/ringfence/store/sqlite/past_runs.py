"""Runs that ended, told with all there is of them, and written again as another store had them."""

import json

from ringfence.domain.errors import ConflictError, NotFoundError
from ringfence.domain.leases import Lease
from ringfence.domain.progress import Progress
from ringfence.domain.rings import LineageEvent
from ringfence.domain.runs import RunState
from ringfence.store.rings import PastRun
from ringfence.store.sqlite.database import Database
from ringfence.store.sqlite.runs import Runs


class PastRuns:
    """What the port of rings says of past runs; its docstrings hold here."""

    def __init__(self, database: Database, runs: Runs) -> None:
        self._database, self._runs = database, runs

    def tell(self, run_id: int) -> PastRun:
        """Tell all there is of a run."""
        with self._database.snapshot():
            run = self._runs.find(run_id)
            if run is None or run.state is RunState.RUNNING:
                raise NotFoundError(f"There is no run {run_id} that has ended.")
            is_kept = (
                self._database.one("SELECT 1 FROM runs WHERE run = ? AND is_kept", (run_id,)) is not None
            )
            tables = {}
            if is_kept:
                tables = self._runs.read(run_id)
            elif run.state is RunState.PUBLISHED:
                left = self._runs.tables.read(run_id, "lineage")
                left = left.filter(left["event"] != LineageEvent.KEPT.value)
                tables = {} if left.is_empty() else {"lineage": left}
            born = self._database.all(
                "SELECT ring_id, origin_ring_id FROM rings WHERE first_run = ? ORDER BY ring_id", (run_id,)
            )
        return PastRun(run, is_kept, tables, dict(born))

    def put(self, past: PastRun, lease: Lease, progress: Progress) -> None:
        """Write a run as another store had it."""
        run = past.run
        ended = self._database.one(
            "SELECT run FROM runs WHERE run >= ? AND state <> 'running'", (run.run_id,)
        )
        if ended is not None:
            raise ConflictError(f"Run {run.run_id} cannot be put here: the store has run {ended[0]} already.")
        for (left,) in self._database.all("SELECT run FROM runs WHERE state = 'running'"):
            self._runs.tables.clear(left, lease, but_lives=False)
            with self._database.transaction(lease):
                self._database.run("DELETE FROM runs WHERE run = ? AND state = 'running'", (left,))
        with self._database.transaction(lease):
            self._database.run(
                "INSERT INTO runs (run, state, begun_at, market_version, about, reasons, is_kept, has_rows)"
                " VALUES (?, 'running', ?, ?, '{}', '[]', 0, 1)",
                (run.run_id, run.begun_at, run.market_version),
            )
        self._runs.tables.write(run.run_id, past.tables, lease, progress)
        with self._database.transaction(lease):
            self._database.run(
                "UPDATE runs SET state = :state, ended_at = :ended_at, about = :about, reasons = :reasons,"
                " tables = :tables, is_kept = :is_kept, has_rows = :is_kept WHERE run = :run",
                {
                    "run": run.run_id,
                    "state": run.state,
                    "ended_at": run.ended_at,
                    "about": json.dumps(dict(run.about), allow_nan=False),
                    "reasons": json.dumps(list(run.reasons)),
                    "tables": json.dumps(list(past.tables)),
                    "is_kept": past.is_kept,
                },
            )
            self._database.run_many(
                "INSERT INTO rings (ring_id, first_run, last_run, origin_ring_id) VALUES (?, ?, ?, ?)",
                [(ring_id, run.run_id, run.run_id, origin) for ring_id, origin in past.born.items()],
            )
            if run.state is RunState.PUBLISHED:
                self._database.run(
                    "UPDATE rings SET last_run = :run"
                    " WHERE ring_id IN (SELECT ring_id FROM findings WHERE run = :run)",
                    {"run": run.run_id},
                )
