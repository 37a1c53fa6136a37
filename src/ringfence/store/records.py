"""The port of records: append-only events with optimistic concurrency."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from ringfence.domain.errors import ConflictError
from ringfence.domain.records import Event, RecordKind, RecordRef, RecordState, Subject


class VersionConflictError(ConflictError):
    """Somebody else changed the record meanwhile."""

    def __init__(self, record: RecordRef, expected: int, actual: int) -> None:
        super().__init__(
            f"Somebody else changed {record.kind.value.replace('_', ' ')} {record.id} meanwhile: it has "
            f"{actual} events now, not {expected}. Look again, then decide."
        )
        self.record, self.expected, self.actual = record, expected, actual


class Records(Protocol):
    """The store keeps events and the state that domain code folded them into; it knows neither's meaning."""

    def append(
        self,
        record: RecordRef,
        events: Sequence[Event],
        expected_version: int,
        state: Mapping[str, Any],
        concerns: Sequence[Subject] = (),
    ) -> int:
        """Append events, keep the state they lead to, and give the new version.

        `expected_version` is the one the caller saw; 0 for a new record. An event that claims to be earlier
        than the one before it is kept as of that one's time. The subjects in `concerns` join those the record
        concerns already. Raises VersionConflictError if there is another version by now, InvalidError without
        events; nothing is written then.
        """

    def stream(self, record: RecordRef) -> tuple[Event, ...]:
        """Give all events of a record, oldest first; none for an unknown record."""

    def state(self, record: RecordRef) -> RecordState | None:
        """Give the current state of one record."""

    def states(self, kind: RecordKind, ids: Sequence[str]) -> tuple[RecordState, ...]:
        """Give the current states of records of a kind by id, as asked for; unknown ones are left out."""

    def current(self, kind: RecordKind, concerning: Subject | None = None) -> tuple[RecordState, ...]:
        """Give the current states of all records of a kind, by id, or of those that concern a subject."""

    def concerning(
        self, kinds: Sequence[RecordKind], subjects: Sequence[Subject]
    ) -> dict[Subject, tuple[RecordState, ...]]:
        """Give the current states of the records of some kinds that concern each of the subjects, by kind and
        id; subjects that none concerns are left out."""

    def concerns(self, kind: RecordKind) -> dict[str, tuple[Subject, ...]]:
        """Give whom and what each record of a kind concerns, by the record's id; subjects by kind and id.

        Records that concern nothing are left out.
        """
