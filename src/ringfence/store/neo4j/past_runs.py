"""Runs that ended, told with all there is of them, and written again as another store had them."""

import json
from collections.abc import Mapping
from functools import partial
from typing import Any

import polars as pl

from ringfence.domain.errors import ConflictError, NotFoundError
from ringfence.domain.leases import Lease
from ringfence.domain.progress import Progress
from ringfence.domain.runs import RunState
from ringfence.market.results import SCHEMAS
from ringfence.store.columnar.run_layout import complete
from ringfence.store.neo4j.database import Database
from ringfence.store.neo4j.runs import Runs
from ringfence.store.rings import PastRun

_BIRTHS_A_TRANSACTION = 5_000


class PastRuns:
    """What the port of rings says of past runs; its docstrings hold here."""

    def __init__(self, database: Database, runs: Runs) -> None:
        self._database, self._runs = database, runs

    def tell(self, run_id: int) -> PastRun:
        """Tell all there is of a run."""
        run = self._runs.find(run_id)
        if run is None or run.state is RunState.RUNNING:
            raise NotFoundError(f"There is no run {run_id} that has ended.")
        born = dict(self._database.all("list_births", run=run_id))
        tables = self._kept(run_id)
        if tables is not None:
            return PastRun(run, True, tables, born)
        left = self._database.all("read_steps", run=run_id) if run.state is RunState.PUBLISHED else []
        steps = pl.DataFrame(left, schema=SCHEMAS["lineage"], orient="row")
        return PastRun(run, False, {"lineage": steps} if left else {}, born)

    def put(self, past: PastRun, lease: Lease, progress: Progress, *, is_last: bool) -> None:
        """Write a run as another store had it."""
        run_id = past.run.run_id
        ended = self._database.one("find_run_not_before", run=run_id)
        if ended is not None:
            raise ConflictError(f"Run {run_id} cannot be put here: the store has run {ended[0]} already.")
        for (left,) in self._database.all("find_runs_under_way"):
            self._drop(left, lease)
        begun = {"now": past.run.begun_at, "version": past.run.market_version}
        self._write("begin_run", lease, run=run_id, **begun)
        if past.is_kept:
            tables = complete(past.tables)
            self._runs.fill(run_id, tables, lease, progress)
        else:
            self._runs.graph.write(run_id, past.tables, {}, lease, progress)
        for piece in _pieces(past.born):
            self._write("put_births", lease, run=run_id, rows=piece)
        self._database.write(partial(self._end, past), lease)
        if is_last:
            self._runs.drawing.update(lease, progress)

    def _kept(self, run_id: int) -> Mapping[str, pl.DataFrame] | None:
        """Give the tables of a run; None if they are not kept, or not any more when they have been read."""
        is_kept, names = self._database.all("find_what_is_kept", run=run_id)[0]
        if not is_kept:
            return None
        tables = {table: self._runs.tables.read(run_id, table) for table in names}
        is_kept, _ = self._database.all("find_what_is_kept", run=run_id)[0]
        return tables if is_kept else None

    def _end(self, past: PastRun) -> None:
        run, database = past.run, self._database
        about = json.dumps(dict(run.about), allow_nan=False)
        database.all("complete_run", about=about, tables=list(past.tables), run=run.run_id)
        database.all(
            "end_run",
            run=run.run_id,
            state=run.state,
            now=run.ended_at,
            reasons=list(run.reasons),
            is_kept=past.is_kept,
        )
        if not past.is_kept:
            database.all("end_clearing", run=run.run_id)
        if run.state is RunState.PUBLISHED:
            database.all("publish_run", run=run.run_id)

    def _drop(self, run_id: int, lease: Lease) -> None:
        """Clear away a run that was interrupted, with its entry."""
        self._runs.tables.clear(run_id, lease)
        self._runs.graph.take_lives_back(run_id, lease)
        self._runs.graph.clear(run_id, lease, but_lives=False)
        self._write("drop_run", lease, run=run_id)

    def _write(self, statement: str, lease: Lease, **values: Any) -> None:
        self._database.write(partial(self._database.all, statement, **values), lease)


def _pieces(born: Mapping[str, str | None]) -> list[list[list[str | None]]]:
    rows: list[list[str | None]] = [[ring_id, origin] for ring_id, origin in born.items()]
    return [rows[at : at + _BIRTHS_A_TRANSACTION] for at in range(0, len(rows), _BIRTHS_A_TRANSACTION)]
