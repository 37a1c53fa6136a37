"""Records in SQLite."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from ringfence.domain.errors import InvalidError
from ringfence.domain.listings import Listing, listing_of
from ringfence.domain.pages import Key, Page
from ringfence.domain.records import Event, RecordKind, RecordRef, RecordState, Subject, SubjectKind
from ringfence.store.records import Append, VersionConflictError
from ringfence.store.sqlite.database import Database

_FIRST = -(2**63)
"""Before every place in a list."""


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
        self.append_all((Append(record, events, expected_version, state, concerns),))
        return expected_version + len(events)

    def append_all(self, appends: Sequence[Append]) -> None:
        """Append to many records in one transaction."""
        with self._database.transaction():
            for each in appends:
                self._append(each)

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

    def current(self, kind: RecordKind, *concerning: Subject) -> tuple[RecordState, ...]:
        """Give the current states of the records of a kind, by id, that concern all the subjects."""
        if not concerning:
            rows = self._database.all(
                "SELECT id, version, state FROM records WHERE kind = ? ORDER BY id", (kind,)
            )
        else:
            also = (
                " AND EXISTS (SELECT 1 FROM concerns AS also"
                " WHERE also.subject_kind = ? AND also.subject_id = ? AND also.record = records.record)"
            )
            rows = self._database.all(
                "SELECT id, version, state FROM concerns CROSS JOIN records USING (record)"
                f" WHERE subject_kind = ? AND subject_id = ? AND kind = ?{also * (len(concerning) - 1)}"
                " ORDER BY id",
                [concerning[0].kind, concerning[0].id, kind]
                + [cell for subject in concerning[1:] for cell in (subject.kind, subject.id)],
            )
        return _states(kind, rows)

    def page(
        self, kind: RecordKind, list_name: str, first: int, after: Key | None = None
    ) -> Page[RecordState]:
        """List the current states on a list, greatest first."""
        place = (_FIRST, "") if after is None else (-int(after.value), after.id)
        with self._database.snapshot():
            known = self._database.one(
                "SELECT list, size FROM record_lists WHERE kind = ? AND name = ?", (kind, list_name)
            )
            number, size = known or (None, 0)
            rows = self._database.all(
                "SELECT records.id, version, state, place"
                " FROM listed_records CROSS JOIN records USING (record)"
                " WHERE list = ? AND (place, listed_records.id) > (?, ?)"
                " ORDER BY place, listed_records.id LIMIT ?",
                (number, *place, first + 1),
            )
        shown = rows[:first]
        return Page(
            _states(kind, [row[:3] for row in shown]),
            tuple(Key(-row[3], row[0]) for row in shown),
            len(rows) > first,
            size,
        )

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

    def _append(self, told: Append) -> None:
        if not told.events:
            raise InvalidError("A record changes by events alone; there is none to append.")
        record = told.record
        row = self._database.one(
            "SELECT record, version, state, (SELECT at FROM events"
            " WHERE events.record = records.record AND events.version = records.version)"
            " FROM records WHERE kind = ? AND id = ?",
            (record.kind, record.id),
        )
        number, version, before, last_at = row or (None, 0, None, 0)
        if version != told.expected_version:
            raise VersionConflictError(record, told.expected_version, version)
        new_version, state = version + len(told.events), _json(told.state)
        if number is None:
            number = self._database.insert(
                "INSERT INTO records (kind, id, version, state) VALUES (?, ?, ?, ?)",
                (record.kind, record.id, new_version, state),
            )
        else:
            self._database.run(
                "UPDATE records SET version = ?, state = ? WHERE record = ?", (new_version, state, number)
            )
        rows = []
        for event in told.events:
            last_at = max(event.at, last_at)
            version += 1
            rows.append((number, version, event.type, last_at, event.actor, _json(event.data)))
        self._database.run_many(
            "INSERT INTO events (record, version, type, at, actor, data) VALUES (?, ?, ?, ?, ?, ?)", rows
        )
        self._database.run_many(
            "INSERT OR IGNORE INTO concerns (subject_kind, subject_id, record) VALUES (?, ?, ?)",
            [(subject.kind, subject.id, number) for subject in told.concerns],
        )
        self._list(
            record,
            number,
            listing_of(record.kind, orjson.loads(before) if before is not None else None),
            listing_of(record.kind, told.state),
        )

    def _list(self, record: RecordRef, number: int, before: Listing, now: Listing) -> None:
        """Put a record on the lists where it stands now, and take it off the others."""
        is_moved = before.at != now.at
        left = before.lists if is_moved else before.lists - now.lists
        joined = now.lists if is_moved else now.lists - before.lists
        named = "(SELECT list FROM record_lists WHERE kind = ? AND name = ?)"
        self._database.run_many(
            f"DELETE FROM listed_records WHERE list = {named} AND place = ? AND id = ?",
            [(record.kind, name, -before.at, record.id) for name in left],
        )
        self._database.run_many(
            "INSERT INTO record_lists (kind, name, size) VALUES (?, ?, ?)"
            " ON CONFLICT (kind, name) DO UPDATE SET size = size + excluded.size",
            [(record.kind, name, 1) for name in joined] + [(record.kind, name, -1) for name in left],
        )
        self._database.run_many(
            f"INSERT INTO listed_records (list, place, id, record) VALUES ({named}, ?, ?, ?)",
            [(record.kind, name, -now.at, record.id, number) for name in joined],
        )


def _states(kind: RecordKind, rows: Sequence[tuple[Any, ...]]) -> tuple[RecordState, ...]:
    return tuple(
        RecordState(RecordRef(kind, id), version, orjson.loads(state)) for id, version, state in rows
    )


def _json(value: Mapping[str, Any] | list[Any]) -> str:
    return orjson.dumps(value).decode()
