"""Runs that people and jobs ask for: the request is kept, and a schedule serves it."""

from ringfence.domain.run_requests import RUN_REQUESTS, RunAlreadyAskedForError, RunRequest, asked
from ringfence.domain.scope import Principal, Role
from ringfence.services.access import RUN_READERS, require
from ringfence.services.deciding import deciding, require_role
from ringfence.services.detect_in_store import last_complete_run
from ringfence.store import Store


def ask_for_run(store: Store, principal: Principal, reason: str, now: int) -> RunRequest:
    """Ask for a run as soon as a schedule looks at the store.

    `now` is µs since 1970-01-01 UTC. Raises ForbiddenError unless a job or an operator asks,
    RunAlreadyAskedForError, BrowsingCopyError, InvalidError for a reason that is empty or too long.
    """
    require_role(principal, (Role.JOB, Role.OPERATOR), "ask for a run")
    with deciding(store):
        open_request = request_to_serve(store)
        if open_request is not None:
            raise RunAlreadyAskedForError(open_request)
        latest = store.rings.runs(1).items
        request = asked(reason, principal.name, now, latest[0].run_id if latest else 0)
        state = store.records.state(RUN_REQUESTS)
        version = 0 if state is None else state.version
        store.records.append(RUN_REQUESTS, [request.event], version, request.to_state())
        return request


def run_request(store: Store, principal: Principal) -> RunRequest | None:
    """Give the request that no run has served yet. Raises ForbiddenError for merchants."""
    require(principal, RUN_READERS, "runs")
    return request_to_serve(store)


def request_to_serve(store: Store) -> RunRequest | None:
    """Give the request that no run has served yet."""
    state = store.records.state(RUN_REQUESTS)
    if state is None:
        return None
    request, last = RunRequest.from_state(state), last_complete_run(store)
    return None if request.is_served_by(0 if last is None else last.run_id) else request
