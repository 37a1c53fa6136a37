import polars as pl
import pytest

from ringfence.domain.errors import ConflictError, ForbiddenError, InvalidError
from ringfence.domain.leases import Holder, LeaseName
from ringfence.domain.progress import Silent
from ringfence.domain.records import RecordKind
from ringfence.domain.scope import Principal, Role
from ringfence.market.results import SCHEMAS
from ringfence.services.ask_for_run import ask_for_run, request_to_serve, run_request
from ringfence.store import Store

JOB, OLGA = Principal("nightly", Role.JOB), Principal("olga", Role.OPERATOR)


def begin(store: Store) -> int:
    lease = store.leases.acquire(LeaseName.DETECT, Holder("h", 1, "s"), 60.0, 1)
    run = store.rings.begin_run(lease, 1, 2)
    store.leases.release(lease)
    return run


def withhold(store: Store, run: int) -> None:
    lease = store.leases.acquire(LeaseName.DETECT, Holder("h", 1, "s"), 60.0, 1)
    frames = {name: pl.DataFrame(schema=schema) for name, schema in SCHEMAS.items()}
    store.rings.write_run(run, frames, {"counts": {"rings": 0}}, lease, Silent())
    store.rings.withhold(run, lease, 3, ["odd"])
    store.leases.release(lease)


def fail(store: Store, run: int) -> None:
    lease = store.leases.acquire(LeaseName.DETECT, Holder("h", 1, "s"), 60.0, 1)
    store.rings.fail(run, lease, 3, "the disk was full")
    store.leases.release(lease)


def test_a_run_is_asked_for_once_until_one_that_began_later_is_complete(store: Store) -> None:
    assert run_request(store, OLGA) is None
    under_way = begin(store)
    asked = ask_for_run(store, JOB, " new files ", 5)
    assert (asked.asked_at, asked.asked_by, asked.reason, asked.after_run) == (5, "nightly", "new files", 1)
    assert run_request(store, OLGA) == request_to_serve(store) == asked
    with pytest.raises(ConflictError, match="nightly has asked for a run already"):
        ask_for_run(store, OLGA, "me too", 6)
    withhold(store, under_way)
    assert request_to_serve(store) == asked
    fail(store, begin(store))
    assert request_to_serve(store) == asked
    withhold(store, begin(store))
    assert request_to_serve(store) is None
    again = ask_for_run(store, OLGA, "me too", 1)
    assert (again.after_run, request_to_serve(store)) == (3, again)
    (state,) = store.records.current(RecordKind.RUN_REQUEST)
    assert [event.actor for event in store.records.stream(state.record)] == ["nightly", "olga"]


def test_only_jobs_and_operators_ask_for_runs_and_merchants_see_none(store: Store) -> None:
    for role in (Role.INVESTIGATOR, Role.MERCHANT):
        principal = Principal("x", role, "m" if role is Role.MERCHANT else None)
        with pytest.raises(ForbiddenError, match="job or operator"):
            ask_for_run(store, principal, "now", 1)
    with pytest.raises(ForbiddenError):
        run_request(store, Principal("x", Role.MERCHANT, "m"))
    for reason in ("", "x" * 2_001):
        with pytest.raises(InvalidError, match="The reason"):
            ask_for_run(store, JOB, reason, 1)
    assert store.records.current(RecordKind.RUN_REQUEST) == ()
