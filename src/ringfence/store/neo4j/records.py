"""Records in Neo4j: `(:Record)-[:HAS]->(:Event)`, `(:Record)-[:CONCERNS]->(:Subject)`."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from ringfence.domain.errors import InvalidError
from ringfence.domain.records import Event, RecordKind, RecordRef, RecordState, Subject, SubjectKind
from ringfence.store.neo4j.database import Database
from ringfence.store.records import VersionConflictError


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
        if not events:
            raise InvalidError("A record changes by events alone; there is none to append.")
        return self._database.write(lambda: self._append(record, events, expected_version, state, concerns))

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

    def current(self, kind: RecordKind, concerning: Subject | None = None) -> tuple[RecordState, ...]:
        """Give the current states of all records of a kind, by id, or of those that concern a subject."""
        if concerning is None:
            return self._states(kind, "list_states")
        return self._states(
            kind, "list_states_concerning", subject_kind=concerning.kind, subject_id=concerning.id
        )

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

    def _append(
        self,
        record: RecordRef,
        events: Sequence[Event],
        expected_version: int,
        state: Mapping[str, Any],
        concerns: Sequence[Subject],
    ) -> int:
        named: dict[str, Any] = {"kind": record.kind, "id": record.id}
        version, last_at = map(int, self._database.one("find_record", **named) or (0, 0))
        if version != expected_version:
            raise VersionConflictError(record, expected_version, version)
        led_to = _json(state)
        rows: list[list[Any]] = []
        for event in events:
            last_at = max(event.at, last_at)
            version += 1
            rows.append([version, event.type, last_at, event.actor, _json(event.data), None])
        rows[-1][-1] = led_to
        named["write"] = self._database.write_number
        self._database.all("append_events", **named, version=version, state=led_to, events=rows)
        if concerns:
            subjects = [[subject.kind, subject.id] for subject in concerns]
            self._database.all("add_concerns", **named, subjects=subjects)
        return version

    def _states(self, kind: RecordKind, statement: str, **values: Any) -> tuple[RecordState, ...]:
        rows = self._database.all(statement, kind=kind, write=self._database.pins.write, **values)
        return tuple(
            RecordState(RecordRef(kind, id), version, orjson.loads(state)) for id, version, state in rows
        )


def _json(value: Mapping[str, Any]) -> str:
    return orjson.dumps(value).decode()
