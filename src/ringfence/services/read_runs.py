"""Runs as people and jobs read them."""

from ringfence.domain.errors import NotFoundError
from ringfence.domain.pages import Key, Page
from ringfence.domain.runs import Run, RunState
from ringfence.domain.scope import Principal
from ringfence.services.access import RUN_READERS, require
from ringfence.store import Store

_WHAT = "runs"


def list_runs(
    store: Store, principal: Principal, first: int, after: Key | None, state: RunState | None
) -> Page[Run]:
    """List runs, latest first. Raises ForbiddenError."""
    require(principal, RUN_READERS, _WHAT)
    return store.rings.runs(first, after, state)


def find_run(store: Store, principal: Principal, run_id: int) -> Run:
    """Find a run by its number. Raises ForbiddenError, NotFoundError."""
    require(principal, RUN_READERS, _WHAT)
    run = store.rings.run(run_id)
    if run is None:
        raise NotFoundError(f"There is no run {run_id}; ringfence runs list shows those there are.")
    return run
