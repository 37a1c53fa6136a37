"""The history of a store: all it was told, piece by piece, so that another store can be told the same."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from ringfence.domain.audit import Head, SealedEntry
from ringfence.domain.loads import Load
from ringfence.domain.pages import Key
from ringfence.domain.records import Event, RecordKind, RecordState, Subject
from ringfence.domain.runs import Run, RunState
from ringfence.market.tables import MarketTables
from ringfence.store.reports import FiledReport
from ringfence.store.rings import PastRun
from ringfence.store.store import Store

_RUNS_AT_ONCE = 500
_ENTRIES_AT_ONCE = 1_000


@dataclass(frozen=True, slots=True)
class PastRecord:
    """A record with all that happened to it."""

    current: RecordState
    events: tuple[Event, ...]
    """Oldest first, as many as `current.version` says."""
    concerns: tuple[Subject, ...]
    """By kind and id."""


class History(Protocol):
    """What there was at one moment; leases are no part of it.

    The lists are of that moment, and the pieces they name never change later, but that the findings of a run
    may be cleared away.
    """

    @property
    def loads(self) -> tuple[Load, ...]:
        """The complete loads, oldest first."""

    @property
    def reports(self) -> tuple[FiledReport, ...]:
        """The reports that were filed by call, by report_id, then by merchant_id."""

    @property
    def runs(self) -> tuple[Run, ...]:
        """The runs that ended, oldest first."""

    @property
    def records(self) -> tuple[RecordState, ...]:
        """All records, by kind and id."""

    @property
    def chains(self) -> tuple[Head, ...]:
        """The ends of the audit's chains, by name."""

    def entries(self, head: Head, after: int = 0) -> Iterator[tuple[SealedEntry, ...]]:
        """Give the entries of a chain from the one after the entry `after` up to its end, some at a time."""

    def tables_of(self, load: Load) -> MarketTables:
        """Give what one of the loads brought, as MarketPort.tables_of."""

    def past_run(self, run: Run) -> PastRun:
        """Tell all there is of one of the runs, as Rings.past_run."""

    def past_record(self, state: RecordState) -> PastRecord:
        """Tell all there is of one of the records."""


class StoredHistory:
    """The history of a store, as of the moment this is made; the store may be in use."""

    def __init__(self, store: Store) -> None:
        self._store = store
        with store.snapshot():
            self.loads = store.market.loads()
            self.reports = store.reports.filed()
            self.runs = tuple(run for run in reversed(_runs(store)) if run.state is not RunState.RUNNING)
            self.records = tuple(state for kind in RecordKind for state in store.records.current(kind))
            self._concerns = {kind: store.records.concerns(kind) for kind in RecordKind}
            self.chains = store.audit.heads()

    def entries(self, head: Head, after: int = 0) -> Iterator[tuple[SealedEntry, ...]]:
        """Give the entries of a chain."""
        while after < head.number:
            found = self._store.audit.read(head.chain, after, min(_ENTRIES_AT_ONCE, head.number - after))
            yield found
            after = found[-1].number if found else head.number

    def tables_of(self, load: Load) -> MarketTables:
        """Give what one of the loads brought."""
        return self._store.market.tables_of(load.load_id)

    def past_run(self, run: Run) -> PastRun:
        """Tell all there is of one of the runs."""
        return self._store.rings.past_run(run.run_id)

    def past_record(self, state: RecordState) -> PastRecord:
        """Tell all there is of one of the records."""
        events = self._store.records.stream(state.record)[: state.version]
        concerns = self._concerns[state.record.kind].get(state.record.id, ())
        return PastRecord(state, events, concerns)


def _runs(store: Store) -> list[Run]:
    """List all runs, latest first."""
    found: list[Run] = []
    after: Key | None = None
    while True:
        page = store.rings.runs(_RUNS_AT_ONCE, after)
        found += page.items
        if not page.has_next:
            return found
        after = page.keys[-1]
