"""Records in Neo4j: `(:Record)-[:HAS]->(:Event)`, `(:Record)-[:CONCERNS]->(:Subject)`, and the lists they
stand on: `(:Record)-[:LISTED_IN {list, place}]->(:RecordList)`."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from ringfence.domain.errors import InvalidError
from ringfence.domain.listings import listing_of
from ringfence.domain.pages import Key, Page
from ringfence.domain.records import Event, RecordKind, RecordRef, RecordState, Subject, SubjectKind
from ringfence.store.neo4j.database import Database
from ringfence.store.records import Append, VersionConflictError

_AT_ONCE = 1_000
_MOST = 2**63 - 1


class Neo4jRecords:
    """The port of records."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def append(
        self,
        record: RecordRef,
        events: Sequence[Event],
        expected_version: int,
        state: Mapping[str, Any],
        concerns: Sequence[Subject] = (),
    ) -> int:
        """Append events, keep the state they lead to, and give the new version."""
        self.append_all((Append(record, events, expected_version, state, concerns),))
        return expected_version + len(events)

    def append_all(self, appends: Sequence[Append]) -> None:
        """Append to many records in one transaction."""
        if not all(each.events for each in appends):
            raise InvalidError("A record changes by events alone; there is none to append.")
        if appends:
            self._database.write(lambda: self._append(appends))

    def stream(self, record: RecordRef) -> tuple[Event, ...]:
        """Give all events of a record, oldest first."""
        rows = self._database.all(
            "read_stream", kind=record.kind, id=record.id, write=self._database.pins.write
        )
        return tuple(Event(type, at, actor, orjson.loads(data)) for type, at, actor, data in rows)

    def state(self, record: RecordRef) -> RecordState | None:
        """Give the current state of one record."""
        found = self.states(record.kind, (record.id,))
        return found[0] if found else None

    def states(self, kind: RecordKind, ids: Sequence[str]) -> tuple[RecordState, ...]:
        """Give the current states of records of a kind by id."""
        asked = list(dict.fromkeys(ids))
        return self._states(kind, "find_states", ids=asked)

    def current(self, kind: RecordKind, *concerning: Subject) -> tuple[RecordState, ...]:
        """Give the current states of the records of a kind, by id, that concern all the subjects."""
        if not concerning:
            return self._states(kind, "list_states")
        subject, *others = ([each.kind, each.id] for each in concerning)
        return self._states(kind, "list_states_concerning", subject=subject, others=others)

    def page(
        self, kind: RecordKind, list_name: str, first: int, after: Key | None = None
    ) -> Page[RecordState]:
        """List the current states on a list, greatest first."""
        place = "" if after is None else _place(int(after.value), after.id)
        write, list = self._database.pins.write, _list(kind, list_name)
        (row,) = self._database.all("list_listed", list=list, place=place, first=first + 1, write=write)
        total, counted, found, writes = row
        if write is not None and writes > write:
            changed = self._database.all("list_changed", kind=kind, write=write)
            then, more = _listed_then(kind, list_name, changed, write, counted)
            # What changed between the two statements is among both.
            pages = {each[1]: each for each in found} | {each[1]: each for each in then if each[0] > place}
            found, total = sorted(pages.values())[: first + 1], total + more
        shown = found[:first]
        states = tuple(
            RecordState(RecordRef(kind, id), version, orjson.loads(state)) for _, id, version, state in shown
        )
        keys = tuple(Key(_at(place), id) for place, id, _, _ in shown)
        return Page(states, keys, len(found) > first, total)

    def concerning(
        self, kinds: Sequence[RecordKind], subjects: Sequence[Subject]
    ) -> dict[Subject, tuple[RecordState, ...]]:
        """Give the current states of the records of some kinds that concern each of the subjects."""
        asked = [[subject.kind, subject.id] for subject in dict.fromkeys(subjects)]
        write = self._database.pins.write
        rows = self._database.all(
            "list_states_concerning_all", kinds=list(kinds), subjects=asked, write=write
        )
        found: dict[Subject, tuple[RecordState, ...]] = {}
        for place, kind, id, version, state in rows:
            subject = Subject(SubjectKind(asked[place][0]), asked[place][1])
            known = RecordState(RecordRef(RecordKind(kind), id), version, orjson.loads(state))
            found[subject] = (*found.get(subject, ()), known)
        return found

    def concerns(self, kind: RecordKind) -> dict[str, tuple[Subject, ...]]:
        """Give whom and what each record of a kind concerns."""
        found: dict[str, tuple[Subject, ...]] = {}
        rows = self._database.all("list_concerns", kind=kind, write=self._database.pins.write)
        for id, subject_kind, subject_id in rows:
            found[id] = (*found.get(id, ()), Subject(SubjectKind(subject_kind), subject_id))
        return found

    def _append(self, appends: Sequence[Append]) -> None:
        asked = [[each.record.kind, each.record.id] for each in appends]
        known = {place: row for place, *row in self._database.all("find_records", records=asked)}
        rows: list[list[Any]] = []
        left: list[list[Any]] = []
        joined: list[list[Any]] = []
        for place, each in enumerate(appends):
            version, last_at, before = known.get(place, (0, 0, None))
            if version != each.expected_version:
                raise VersionConflictError(each.record, each.expected_version, version)
            led_to = _json(each.state)
            events: list[list[Any]] = []
            for event in each.events:
                last_at = max(event.at, last_at)
                version += 1
                events.append([version, event.type, last_at, event.actor, _json(event.data), None])
            events[-1][-1] = led_to
            rows.append([*asked[place], version, led_to, events])
            was = _places(each.record, orjson.loads(before) if before is not None else None)
            now = _places(each.record, each.state)
            left += [[*asked[place], list] for list, _ in was - now]
            joined += [[*asked[place], list, at] for list, at in now - was]
        concerns = [
            [*asked[place], subject.kind, subject.id]
            for place, each in enumerate(appends)
            for subject in each.concerns
        ]
        write = self._database.write_number
        self._database.all("append_events", appends=rows, write=write)
        if concerns:
            self._database.all("add_concerns", concerns=concerns, write=write)
        if left:
            self._database.all("leave_lists", left=left, write=write)
        if joined:
            self._database.all("join_lists", joined=joined, write=write)

    def _states(self, kind: RecordKind, statement: str, **values: Any) -> tuple[RecordState, ...]:
        rows = self._database.all(statement, kind=kind, write=self._database.pins.write, **values)
        return tuple(
            RecordState(RecordRef(kind, id), version, orjson.loads(state)) for id, version, state in rows
        )


def list_all_records(database: Database) -> None:
    """Put the records of a store that has no lists on theirs; it bears being interrupted, and done twice."""
    for kind in RecordKind:
        after = ""
        while rows := database.all("list_states_after", kind=kind, after=after, first=_AT_ONCE):
            told = [
                [id, version, [list(place) for place in _places(RecordRef(kind, id), orjson.loads(state))]]
                for id, version, state in rows
            ]
            ((written,),) = database.write_alone("list_records", kind=kind, records=told)
            if written == len(rows):
                after = rows[-1][0]
    database.write_alone("count_lists")


def _listed_then(
    kind: RecordKind, name: str, rows: Sequence[tuple[Any, ...]], write: int, counted: int
) -> tuple[list[list[Any]], int]:
    """Give what of changed records stood on a list as of a write, and how many more that is than when the
    list was counted."""
    then: dict[str, list[Any]] = {}
    when_counted: set[str] = set()
    for id, written, version, state in rows:
        listing = listing_of(kind, orjson.loads(state))
        is_listed = name in listing.lists
        if written <= write:
            then.pop(id, None)
            if is_listed:
                then[id] = [_place(listing.at, id), id, version, state]
        if written <= max(counted, write):
            when_counted.discard(id)
            if is_listed:
                when_counted.add(id)
    return list(then.values()), len(then) - len(when_counted)


def _places(record: RecordRef, state: Mapping[str, Any] | None) -> set[tuple[str, str]]:
    """Give the lists a record stands on with this state, and its place there."""
    listing = listing_of(record.kind, state)
    return {(_list(record.kind, name), _place(listing.at, record.id)) for name in listing.lists}


def _list(kind: RecordKind, name: str) -> str:
    return f"{kind} {name}"


def _place(at: int, id: str) -> str:
    """Write a place so that the greatest time comes first, then the first id."""
    return f"{_MOST - at:019d}{id}"


def _at(place: str) -> int:
    return _MOST - int(place[:19])


def _json(value: Mapping[str, Any]) -> str:
    return orjson.dumps(value).decode()
