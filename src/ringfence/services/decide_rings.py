"""Decisions about rings: who may take them, what they rest on, and where rings stand by them."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace

from ringfence.domain.errors import ForbiddenError, NotFoundError
from ringfence.domain.policy import CasePolicy, Policy
from ringfence.domain.records import Event, RecordKind, RecordRef, RecordState, Subject, SubjectKind
from ringfence.domain.ring_decisions import (
    Outcome,
    RingRecord,
    RingStanding,
    RingStatus,
    assigned,
    decided,
    decided_by_policy,
    fold,
    noted,
    ring_standing,
    status_by,
    undone,
)
from ringfence.domain.rings import Ring, RingQuery
from ringfence.domain.scope import Principal, Role
from ringfence.services.deciding import deciding
from ringfence.services.verify_buyers import verify_members
from ringfence.store import Store
from ringfence.store.records import VersionConflictError

ALONE = Policy(cases=CasePolicy(second_person_to_confirm=False))
"""Every investigator may decide alone."""


class RingUnknownError(NotFoundError):
    """There is no such ring."""

    def __init__(self, ring_id: str, run_id: int | None = None) -> None:
        if run_id is None:
            said = (
                f"There is no ring {ring_id}, or its findings were cleared away long after it ended; "
                "ringfence rings list shows those there are."
            )
        else:
            said = (
                f"There is no ring {ring_id} in run {run_id}; ringfence rings list --run-id {run_id} shows "
                "those there are."
            )
        super().__init__(said)
        self.ring_id, self.run_id = ring_id, run_id


def decide(
    store: Store,
    principal: Principal,
    ring_id: str,
    outcome: Outcome,
    reason: str,
    until: int | None,
    now: int,
    expected_version: int | None = None,
    policy: Policy = ALONE,
) -> RingStanding:
    """Decide about a ring as it was last seen, or propose it where the policy wants a second person, and say
    where it stands now. A ring that is confirmed confirms nobody: each member is verified.

    `until` and `now` are µs since 1970-01-01 UTC. `expected_version` is that of the standing the investigator
    saw; without it, what others decided meanwhile is overridden. Raises ForbiddenError, RingUnknownError,
    InvalidError, ConflictError for who confirms again what they proposed, or VersionConflictError; nothing is
    written then.
    """

    def event(ring: Ring, record: RingRecord) -> Event:
        decision = decided(ring, outcome, reason, until, principal.name, now)
        return decided_by_policy(record, decision, policy.cases)

    def verify(event: Event, members: Sequence[str]) -> None:
        if event.type == "decided" and outcome is Outcome.CONFIRM:
            because = f"Ring {ring_id} was confirmed by {principal.name}."
            verify_members(store, principal, members, because, policy, now)

    return _change(store, principal, ring_id, event, now, expected_version, verify)


def undo(
    store: Store,
    principal: Principal,
    ring_id: str,
    reason: str,
    now: int,
    expected_version: int | None = None,
) -> RingStanding:
    """Take back what is proposed, else the decision that counts; the one before it counts again.

    Raises ConflictError where there is neither, and what `decide` raises.
    """

    def event(_: Ring, record: RingRecord) -> Event:
        return undone(record, reason, principal.name, now)

    return _change(store, principal, ring_id, event, now, expected_version)


def note(
    store: Store,
    principal: Principal,
    ring_id: str,
    text: str,
    now: int,
    expected_version: int | None = None,
) -> RingStanding:
    """Write a note about a ring. Raises what `decide` raises."""

    def event(_: Ring, __: RingRecord) -> Event:
        return noted(text, principal.name, now)

    return _change(store, principal, ring_id, event, now, expected_version)


def assign(
    store: Store,
    principal: Principal,
    ring_id: str,
    owner: str | None,
    now: int,
    expected_version: int | None = None,
) -> RingStanding:
    """Give a ring to somebody, or (None) back to whoever decided. Raises what `decide` raises."""

    def event(_: Ring, __: RingRecord) -> Event:
        return assigned(owner, principal.name, now)

    return _change(store, principal, ring_id, event, now, expected_version)


def history(store: Store, principal: Principal, ring_id: str) -> tuple[Event, ...]:
    """List all that was decided, taken back, noted and assigned about a ring, oldest first.

    Raises ForbiddenError for merchants and jobs, RingUnknownError.
    """
    if principal.role not in (Role.INVESTIGATOR, Role.OPERATOR):
        raise ForbiddenError("Only investigators and operators see what was decided about rings.")
    with store.snapshot():
        events = store.records.stream(_ref(ring_id))
        if not events and store.rings.last_known(ring_id) is None:
            raise RingUnknownError(ring_id)
        return events


def statuses(store: Store, rings: Iterable[Ring], now: int) -> dict[str, RingStanding]:
    """Say where rings stand at `now` (µs since 1970-01-01 UTC), by ring id."""
    asked = tuple(rings)
    with store.snapshot():
        origins = store.rings.origins() if any(ring.origin_ring_id for ring in asked) else {}
        concerned = {origin for ring in asked for origin in _descent(ring.ring_id, origins)}
        found = store.records.states(RecordKind.RING_DECISION, sorted(concerned))
    records = {state.record.id: state for state in found}
    return {ring.ring_id: _standing(ring, origins, records, now) for ring in asked}


def hidden(store: Store, now: int, run_id: int | None = None) -> dict[RingStatus, frozenset[str]]:
    """Give the ids of a run's rings (None: the published one) that are not open, by status.

    A ring in none of them is open. `now` is µs since 1970-01-01 UTC. Raises NotFoundError for a run whose
    findings are not kept.
    """
    with store.snapshot():
        decided = {
            state.record.id: state
            for state in store.records.current(RecordKind.RING_DECISION)
            if _is_decided(state)
        }
        if not decided:
            return {}
        origins = store.rings.origins()
        sources = {
            ring_id: source
            for ring_id in origins.keys() - decided.keys()
            if (source := _decided_origin(ring_id, origins, decided))
        } | decided
        strengths = store.rings.strengths(run_id)
    found: dict[RingStatus, set[str]] = {}
    for ring_id in sources.keys() & strengths.keys():
        decision = sources[ring_id].state["standing"][-1]
        status = status_by(decision, strengths[ring_id], now, is_inherited=ring_id not in decided)
        if status is not RingStatus.OPEN:
            found.setdefault(status, set()).add(ring_id)
    return {status: frozenset(ring_ids) for status, ring_ids in found.items()}


def rings_down(store: Store, now: int, run_id: int | None = None) -> frozenset[str]:
    """Give the ids of a run's rings that lists leave out unless asked for them. Raises what `hidden` does."""
    found = hidden(store, now, run_id)
    return frozenset[str]().union(*(ids for status, ids in found.items() if status.is_down))


def narrowed(
    query: RingQuery, statuses: Collection[RingStatus], found: Mapping[RingStatus, frozenset[str]]
) -> RingQuery:
    """Ask for rings of these statuses only, where `found` are those that `hidden` gave."""
    others = frozenset[str]().union(*(ids for status, ids in found.items() if status not in statuses))
    if RingStatus.OPEN in statuses:
        return replace(query, without=query.without | others)
    asked = frozenset[str]().union(*(ids for status, ids in found.items() if status in statuses))
    return replace(query, only=asked if query.only is None else asked & query.only)


def _change(
    store: Store,
    principal: Principal,
    ring_id: str,
    event_of: Callable[[Ring, RingRecord], Event],
    now: int,
    expected_version: int | None,
    follow: Callable[[Event, Sequence[str]], None] | None = None,
) -> RingStanding:
    """Append what happens to a ring's record, in one transaction with what it rests on and what follows."""
    if principal.role is not Role.INVESTIGATOR:
        raise ForbiddenError("Only investigators decide about rings; ask one, or use an investigator's key.")
    with deciding(store):
        ring = store.rings.last_known(ring_id)
        if ring is None:
            raise RingUnknownError(ring_id)
        record, version = _read(store.records.state(_ref(ring_id)))
        if expected_version is not None and expected_version != version:
            raise VersionConflictError(_ref(ring_id), expected_version, version)
        event = event_of(ring, record)
        members = store.rings.members((ring_id,), ring.run_id)
        store.records.append(
            _ref(ring_id),
            [event],
            version,
            fold([event], record).to_state(),
            [
                Subject(SubjectKind.RING, ring_id),
                *(Subject(SubjectKind.BUYER, member.buyer_id) for member in members),
            ],
        )
        if follow is not None:
            follow(event, [member.buyer_id for member in members])
        return statuses(store, (ring,), now)[ring_id]


def _standing(
    ring: Ring, origins: Mapping[str, str], records: Mapping[str, RecordState], now: int
) -> RingStanding:
    record, version = _read(records.get(ring.ring_id))
    origin = None if record.decision else _decided_origin(ring.ring_id, origins, records)
    inherited = (origin.record.id, RingRecord.from_state(origin.state)) if origin else None
    return ring_standing(record, ring.strength, now, version=version, origin=inherited)


def _decided_origin(
    ring_id: str, origins: Mapping[str, str], records: Mapping[str, RecordState]
) -> RecordState | None:
    """Find the nearest ring a ring descends from about which something is decided."""
    decided = (records[origin] for origin in _descent(ring_id, origins)[1:] if origin in records)
    return next(filter(_is_decided, decided), None)


def _descent(ring_id: str, origins: Mapping[str, str]) -> list[str]:
    """List a ring, the ring it was split from, and so on."""
    line = [ring_id]
    while (origin := origins.get(line[-1])) and origin not in line:
        line.append(origin)
    return line


def _is_decided(state: RecordState) -> bool:
    return bool(state.state["standing"])


def _read(state: RecordState | None) -> tuple[RingRecord, int]:
    return (RingRecord.from_state(state.state), state.version) if state else (RingRecord(), 0)


def _ref(ring_id: str) -> RecordRef:
    return RecordRef(RecordKind.RING_DECISION, ring_id)
