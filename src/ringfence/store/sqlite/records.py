"""Records in SQLite."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from ringfence.domain.errors import InvalidError
from ringfence.domain.records import Event, RecordKind, RecordRef, RecordState, Subject, SubjectKind
from ringfence.store.records import VersionConflictError
from ringfence.store.sqlite.database import Database


class SqliteRecords:
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
        with self._database.transaction():
            number, version, last_at = self._last(record)
            if version != expected_version:
                raise VersionConflictError(record, expected_version, version)
            new_version = version + len(events)
            if number is None:
                number = self._begin(record)
            rows = []
            for event in events:
                last_at = max(event.at, last_at)
                version += 1
                rows.append((number, version, event.type, last_at, event.actor, _json(event.data)))
            self._database.run_many(
                "INSERT INTO events (record, version, type, at, actor, data) VALUES (?, ?, ?, ?, ?, ?)", rows
            )
            self._database.run(
                "UPDATE records SET version = ?, state = ? WHERE record = ?",
                (new_version, _json(state), number),
            )
            self._database.run_many(
                "INSERT OR IGNORE INTO concerns (subject_kind, subject_id, record) VALUES (?, ?, ?)",
                [(subject.kind, subject.id, number) for subject in concerns],
            )
            return new_version

    def stream(self, record: RecordRef) -> tuple[Event, ...]:
        """Give all events of a record, oldest first."""
        rows = self._database.all(
            "SELECT type, at, actor, data FROM events"
            " WHERE record = (SELECT record FROM records WHERE kind = ? AND id = ?) ORDER BY version",
            (record.kind, record.id),
        )
        return tuple(Event(type, at, actor, orjson.loads(data)) for type, at, actor, data in rows)

    def state(self, record: RecordRef) -> RecordState | None:
        """Give the current state of one record."""
        row = self._database.one(
            "SELECT version, state FROM records WHERE kind = ? AND id = ?", (record.kind, record.id)
        )
        return RecordState(record, row[0], orjson.loads(row[1])) if row else None

    def states(self, kind: RecordKind, ids: Sequence[str]) -> tuple[RecordState, ...]:
        """Give the current states of records of a kind by id."""
        rows = self._database.all(
            "SELECT r.id, r.version, r.state FROM json_each(:ids) AS asked"
            " CROSS JOIN records AS r ON r.kind = :kind AND r.id = asked.value ORDER BY asked.key",
            {"kind": kind, "ids": _json(list(dict.fromkeys(ids)))},
        )
        return _states(kind, rows)

    def current(self, kind: RecordKind, concerning: Subject | None = None) -> tuple[RecordState, ...]:
        """Give the current states of all records of a kind, by id, or of those that concern a subject."""
        if concerning is None:
            rows = self._database.all(
                "SELECT id, version, state FROM records WHERE kind = ? ORDER BY id", (kind,)
            )
        else:
            rows = self._database.all(
                "SELECT id, version, state FROM concerns JOIN records USING (record)"
                " WHERE subject_kind = ? AND subject_id = ? AND kind = ? ORDER BY id",
                (concerning.kind, concerning.id, kind),
            )
        return _states(kind, rows)

    def concerning(
        self, kinds: Sequence[RecordKind], subjects: Sequence[Subject]
    ) -> dict[Subject, tuple[RecordState, ...]]:
        """Give the current states of the records of some kinds that concern each of the subjects."""
        rows = self._database.all(
            "SELECT subject_kind, subject_id, kind, records.id, version, state"
            " FROM json_each(:subjects) AS asked"
            " CROSS JOIN concerns ON subject_kind = asked.value ->> 0 AND subject_id = asked.value ->> 1"
            " CROSS JOIN records USING (record)"
            " WHERE kind IN (SELECT value FROM json_each(:kinds)) ORDER BY asked.key, kind, records.id",
            {
                "subjects": _json([[subject.kind, subject.id] for subject in dict.fromkeys(subjects)]),
                "kinds": _json(list(kinds)),
            },
        )
        found: dict[Subject, tuple[RecordState, ...]] = {}
        for subject_kind, subject_id, kind, id, version, state in rows:
            subject = Subject(SubjectKind(subject_kind), subject_id)
            known = RecordState(RecordRef(RecordKind(kind), id), version, orjson.loads(state))
            found[subject] = (*found.get(subject, ()), known)
        return found

    def concerns(self, kind: RecordKind) -> dict[str, tuple[Subject, ...]]:
        """Give whom and what each record of a kind concerns."""
        found: dict[str, tuple[Subject, ...]] = {}
        for id, subject_kind, subject_id in self._database.all(
            "SELECT id, subject_kind, subject_id FROM concerns JOIN records USING (record) WHERE kind = ?"
            " ORDER BY id, subject_kind, subject_id",
            (kind,),
        ):
            found[id] = (*found.get(id, ()), Subject(SubjectKind(subject_kind), subject_id))
        return found

    def _last(self, record: RecordRef) -> tuple[int | None, int, int]:
        """Give a record's number, version, and the time of its last event."""
        row = self._database.one(
            "SELECT record, version, (SELECT at FROM events"
            " WHERE events.record = records.record AND events.version = records.version)"
            " FROM records WHERE kind = ? AND id = ?",
            (record.kind, record.id),
        )
        return row if row else (None, 0, 0)

    def _begin(self, record: RecordRef) -> int:
        self._database.run(
            "INSERT INTO records (kind, id, version, state) VALUES (?, ?, 0, '{}')", (record.kind, record.id)
        )
        row = self._database.one("SELECT last_insert_rowid()")
        assert row is not None
        return int(row[0])


def _states(kind: RecordKind, rows: Sequence[tuple[Any, ...]]) -> tuple[RecordState, ...]:
    return tuple(
        RecordState(RecordRef(kind, id), version, orjson.loads(state)) for id, version, state in rows
    )


def _json(value: Mapping[str, Any] | list[Any]) -> str:
    return orjson.dumps(value).decode()
