"""A history written into a store: what is there already is left out, and all of it is compared at the end."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import zip_longest

from ringfence.domain.audit import Head
from ringfence.domain.errors import ConflictError, UnavailableError
from ringfence.domain.leases import Lease
from ringfence.domain.loads import Load
from ringfence.domain.progress import Progress
from ringfence.domain.records import RecordRef
from ringfence.domain.runs import Run, RunState
from ringfence.market.tables import MarketTables
from ringfence.store import fingerprints
from ringfence.store.fingerprints import Fingerprint, of_chain
from ringfence.store.history import History, StoredHistory
from ringfence.store.rings import PastRun
from ringfence.store.store import Store

_REPORTS = "reports filed by call"


class NoCopyError(ConflictError):
    """The store holds what the history does not."""

    def __init__(self, what: str) -> None:
        super().__init__(
            f"The store to write to is neither empty nor a copy that was begun before: it has {what} of its "
            "own. Name an empty one."
        )
        self.what = what


class CopyDiffersError(UnavailableError):
    """What was read back is not what was written."""

    def __init__(self, piece: str) -> None:
        super().__init__(f"The copy of {piece} is not what was copied; copy again into an empty store.")
        self.piece = piece


@dataclass(frozen=True, slots=True)
class Copied:
    """What a copy holds, piece by piece; the same was read from both sides."""

    loads: Mapping[str, Fingerprint]
    """By name, such as `load 3`."""
    reports: Mapping[str, Fingerprint]
    """Those filed by call, all as one piece; empty if there are none."""
    runs: Mapping[str, Fingerprint]
    records: Mapping[str, Fingerprint]
    audit: Mapping[str, Fingerprint]


def refuse_others(history: History, store: Store) -> None:
    """Raise NoCopyError unless all a store holds is the beginning of a history, but who asked about it."""
    kept = StoredHistory(store)
    for load, told in zip_longest(kept.loads, history.loads[: len(kept.loads)]):
        if load != told:
            raise NoCopyError(_load(load))
    told_of = {filed.report.ref: filed for filed in history.reports}
    for filed in kept.reports:
        if told_of.get(filed.report.ref) != filed:
            raise NoCopyError(f"report {filed.report.ref.name}")
    for run, past in zip_longest(kept.runs, history.runs[: len(kept.runs)]):
        if run != past:
            raise NoCopyError(_run(run))
    chains = {head.chain: head for head in history.chains}
    for head in kept.chains:
        # What was asked about the copy itself stands in chains of its own.
        if head.chain in chains and not _begins(history, chains[head.chain], head):
            raise NoCopyError(_chain(head))
    versions = {state.record: state.version for state in history.records}
    for state in kept.records:
        if state.version > versions.get(state.record, 0):
            raise NoCopyError(_record(state.record))


def write_history(
    history: History, store: Store, loading: Lease, detecting: Lease, progress: Progress
) -> Copied:
    """Write what a store lacks of a history, then read both again and compare them.

    The store is empty, or an earlier call was interrupted: a piece it had begun is taken up or cleared away.
    `loading` and `detecting` are its leases. Raises NoCopyError, CopyDiffersError, LeaseLostError,
    UnavailableError.
    """
    refuse_others(history, store)
    kept = StoredHistory(store)
    told = _Told(history)
    for load in history.loads[len(kept.loads) :]:
        progress.stage(f"read {_load(load)}")
        tables = told.tables_of(load)
        at = load.begun_at if load.finished_at is None else load.finished_at
        made = store.market.write_load(load.source, tables, loading, at, progress, load.begun_at)
        if made != load:
            raise NoCopyError(_load(made))
    progress.stage("reports", len(history.reports))
    filed_before = set(kept.reports)
    for filed in history.reports:
        if filed not in filed_before:
            store.reports.file(filed.report, filed.filed_at)
        progress.advance(1)
    published = max((run.run_id for run in history.runs if run.state is RunState.PUBLISHED), default=0)
    for run in history.runs[len(kept.runs) :]:
        progress.stage(f"read {_run(run)}")
        is_last = run.run_id >= published
        store.rings.put_run(told.past_run(run), detecting, progress, is_last=is_last)
    progress.stage("records", len(history.records))
    versions = {state.record: state.version for state in kept.records}
    for state in history.records:
        version = versions.get(state.record, 0)
        if version < state.version:
            past = history.past_record(state)
            store.records.append(state.record, past.events[version:], version, state.state, past.concerns)
        progress.advance(1)
    progress.stage("audit", sum(head.number for head in history.chains))
    ends = {head.chain: head.number for head in kept.chains}
    for head in history.chains:
        for part in history.entries(head, ends.get(head.chain, 0)):
            store.audit.append(part)
            progress.advance(len(part))
    if kept_runs := told.runs()[1]:
        # Since an interrupted copy was begun, the findings of some runs may have been cleared away.
        store.rings.forget(kept_runs, detecting, progress)
    pieces = (history.loads, history.runs, history.records, history.chains)
    progress.stage("compare", sum(map(len, pieces)) + bool(history.reports))
    copied = _compare(told, store, progress)
    progress.done()
    return copied


class _Told:
    """What a history told, and the fingerprints of it, so that nothing large is asked for twice."""

    def __init__(self, history: History) -> None:
        self.history = history
        self._loads: dict[int, Fingerprint] = {}
        self._runs: dict[int, tuple[Fingerprint, bool]] = {}

    def tables_of(self, load: Load) -> MarketTables:
        tables = self.history.tables_of(load)
        self._loads[load.load_id] = fingerprints.of_load(load, tables)
        return tables

    def past_run(self, run: Run) -> PastRun:
        past = self.history.past_run(run)
        self._runs[run.run_id] = fingerprints.of_run(past), past.is_kept
        return past

    def load(self, load: Load) -> Fingerprint:
        if load.load_id not in self._loads:
            self.tables_of(load)
        return self._loads[load.load_id]

    def runs(self) -> tuple[dict[int, Fingerprint], int]:
        """Give the runs by number, and how many that were published are kept.

        The oldest are forgotten first: what was told before a later one was forgotten is asked for again.
        """
        published = [run for run in self.history.runs if run.state is RunState.PUBLISHED]
        kept = 0
        for run in reversed(self.history.runs):
            is_over = kept < sum(later.run_id > run.run_id for later in published)
            if run.run_id not in self._runs or (is_over and self._runs[run.run_id][1]):
                self.past_run(run)
            kept += run.state is RunState.PUBLISHED and self._runs[run.run_id][1]
        return {number: fingerprint for number, (fingerprint, _) in self._runs.items()}, kept


def _compare(told: _Told, store: Store, progress: Progress) -> Copied:
    history = told.history
    runs, _ = told.runs()
    kept = StoredHistory(store)
    found: list[dict[str, Fingerprint]] = [{}, {}, {}, {}, {}]

    def compare(place: int, name: str, expected: Fingerprint, read: Fingerprint) -> None:
        if expected != read:
            raise CopyDiffersError(name)
        found[place][name] = read
        progress.advance(1)

    for load in history.loads:
        compare(0, _load(load), told.load(load), fingerprints.of_load(load, kept.tables_of(load)))
    if history.reports or kept.reports:
        compare(1, _REPORTS, fingerprints.of_reports(history.reports), fingerprints.of_reports(kept.reports))
    for run in history.runs:
        compare(2, _run(run), runs[run.run_id], fingerprints.of_run(kept.past_run(run)))
    states = {state.record: state for state in kept.records}
    for state in history.records:
        expected = fingerprints.of_record(history.past_record(state))
        read = fingerprints.of_record(kept.past_record(states[state.record]))
        compare(3, _record(state.record), expected, read)
    for head in history.chains:
        compare(4, _chain(head), of_chain(history.entries(head)), of_chain(kept.entries(head)))
    return Copied(*found)


def _begins(history: History, told: Head, kept: Head) -> bool:
    """Whether what is kept of a chain is its beginning: then the same MAC stands at the same place."""
    if kept.number > told.number:
        return False
    return next(history.entries(told, kept.number - 1))[0].head == kept


def _load(load: Load) -> str:
    return f"load {load.load_id}"


def _chain(head: Head) -> str:
    return f"audit {head.chain}"


def _run(run: Run) -> str:
    return f"run {run.run_id}"


def _record(record: RecordRef) -> str:
    return f"{record.kind.value.replace('_', ' ')} {record.id}"
