"""Runs."""

import strawberry

from ringfence.api.cursors import read_cursor
from ringfence.api.global_ids import global_id
from ringfence.api.loaders import Asking
from ringfence.api.types.connections import Connection, connection
from ringfence.api.types.node import Node
from ringfence.api.types.scalars import Json, Time
from ringfence.domain import runs
from ringfence.domain.runs import RunState
from ringfence.services import read_runs


@strawberry.type
class Run(Node):
    """One detection, from its beginning to its publication: (:Ring)-[:FOUND_BY]->(:Run)."""

    run_id: int = strawberry.field(
        description="1, 2, …: later runs have larger numbers, whatever the clock says."
    )
    state: RunState = strawberry.field(description="Where it stands.")
    begun_at: Time = strawberry.field(description="When it began.")
    ended_at: Time | None = strawberry.field(
        description="When it was published, withheld or failed; null while it is under way."
    )
    market_version: int = strawberry.field(description="Number of the last load whose rows it saw.")
    rings: int = strawberry.field(description="How many rings it found; 0 before they are known.")
    reasons: list[str] = strawberry.field(
        description="Why it was withheld or failed, or why it was published in spite of objections."
    )
    notes: list[str] = strawberry.field(description="What a reader must know about its findings.")
    about: Json = strawberry.field(
        description="Parameters, versions, seed and counts of the run, as run.json has them."
    )

    @classmethod
    def of(cls, run: runs.Run) -> "Run":
        """Answer a run."""
        return cls(
            id=strawberry.ID(global_id("Run", str(run.run_id))),
            run_id=run.run_id,
            state=run.state,
            begun_at=Time(run.begun_at),
            ended_at=None if run.ended_at is None else Time(run.ended_at),
            market_version=run.market_version,
            rings=run.rings,
            reasons=list(run.reasons),
            notes=[str(note) for note in run.about.get("notes", ())],
            about=Json(dict(run.about)),
        )


def runs_page(asking: Asking, first: int, after: str | None, state: RunState | None) -> Connection[Run]:
    """Answer a page of runs, latest first."""
    cursor = read_cursor("runs", after)
    page = read_runs.list_runs(asking.store, asking.principal, first, cursor.key if cursor else None, state)
    return connection("runs", page, [Run.of(run) for run in page.items], has_previous=cursor is not None)
