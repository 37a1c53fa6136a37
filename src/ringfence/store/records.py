"""The port of records: append-only events with optimistic concurrency."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from ringfence.domain.errors import ConflictError
from ringfence.domain.pages import Key, Page
from ringfence.domain.records import Event, RecordKind, RecordRef, RecordState, Subject


class VersionConflictError(ConflictError):
    """The record has another version than the one that was seen."""

    def __init__(self, record: RecordRef, expected: int, actual: int) -> None:
        name = f"the record of {record.kind.value.removesuffix('_decision').replace('_', ' ')} {record.id}"
        if expected > actual:
            said = f"There is no version {expected} of {name} yet: it has version {actual}."
        else:
            said = (
                f"Somebody else changed {name} since version {expected}, which you saw: it has version "
                f"{actual} now."
            )
        super().__init__(f"{said} Look again, then decide.")
        self.record, self.expected, self.actual = record, expected, actual


@dataclass(frozen=True, slots=True)
class Append:
    """What happens to a record: what `Records.append` takes."""

    record: RecordRef
    events: Sequence[Event]
    expected_version: int
    state: Mapping[str, Any]
    concerns: Sequence[Subject] = ()


class Records(Protocol):
    """The store keeps events and the state that domain code folded them into, and the lists a record stands
    on by that state (`domain.listings`); it knows nothing's meaning."""

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

    def append_all(self, appends: Sequence[Append]) -> None:
        """Append to many records, each at most once, in one transaction. Raises as `append`."""

    def stream(self, record: RecordRef) -> tuple[Event, ...]:
        """Give all events of a record, oldest first; none for an unknown record."""

    def state(self, record: RecordRef) -> RecordState | None:
        """Give the current state of one record."""

    def states(self, kind: RecordKind, ids: Sequence[str]) -> tuple[RecordState, ...]:
        """Give the current states of records of a kind by id, as asked for; unknown ones are left out."""

    def current(self, kind: RecordKind, *concerning: Subject) -> tuple[RecordState, ...]:
        """Give the current states of all records of a kind, by id, or of those that concern all the subjects.

        They are looked for among those that concern the first one: name the subject first that few do.
        """

    def page(
        self, kind: RecordKind, list_name: str, first: int, after: Key | None = None
    ) -> Page[RecordState]:
        """List the current states on a list of `domain.listings`, greatest first (Key: at, id).

        A page costs what is on it, however long the list is. A list of which nothing is known is empty.
        """

    def concerning(
        self, kinds: Sequence[RecordKind], subjects: Sequence[Subject]
    ) -> dict[Subject, tuple[RecordState, ...]]:
        """Give the current states of the records of some kinds that concern each of the subjects, by kind and
        id; subjects that none concerns are left out."""

    def concerns(self, kind: RecordKind) -> dict[str, tuple[Subject, ...]]:
        """Give whom and what each record of a kind concerns, by the record's id; subjects by kind and id.

        Records that concern nothing are left out.
        """
