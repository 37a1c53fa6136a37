"""Detection on a store: the market it holds in, a run that everybody sees at once out."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from ringfence.detection.detect import find_rings
from ringfence.detection.leads import name_leads, past_leads
from ringfence.detection.lineage import Past
from ringfence.detection.parameters import Parameters
from ringfence.detection.report import Detection, report
from ringfence.domain.errors import ConflictError, InvalidError, RingfenceError, UnavailableError
from ringfence.domain.leases import Lease, LeaseName
from ringfence.domain.loads import Load, refuse_browsing_copy
from ringfence.domain.policy import Policy
from ringfence.domain.progress import Progress, Silent
from ringfence.domain.runs import Run, RunState
from ringfence.domain.verifications import Verification
from ringfence.export import refuse_strangers, write_run
from ringfence.market import Market
from ringfence.risk.gathering import Findings
from ringfence.services.assess_buyers import assess_buyers
from ringfence.services.decide_rings import rings_down
from ringfence.services.detect_rings import about, refuse_unwritable, tables
from ringfence.services.hold_lease import hold_lease
from ringfence.services.open_verifications import open_due_verifications
from ringfence.services.publication_guard import (
    LAST_RUNS,
    object_to_contradictions,
    object_to_empty_columns,
    object_to_number,
    object_to_sharing,
)
from ringfence.services.stopwatch import Stopwatch
from ringfence.services.weigh_reports import weigh_reports
from ringfence.store import Store

KEPT_RUNS = 30
PUBLISHED_ANYWAY = "Published anyway"
"""What somebody who overrode the guard wrote stands behind it among the run's reasons."""


class NothingLoadedError(InvalidError):
    """No claims are loaded yet: ringfence load PATH brings a claims file into the store."""


class OvertakenError(ConflictError):
    """Another run was complete before this one could begin."""

    def __init__(self, run_id: int) -> None:
        super().__init__(f"Run {run_id} was complete before this one could begin.")
        self.run_id = run_id


@dataclass(frozen=True)
class StoreDetectionRequest:
    """How to detect rings in a store."""

    parameters: Parameters = field(default_factory=Parameters)
    out: Path | None = None
    """Folder to write the run to once it is published; a former run in it is replaced."""
    links: bool = False
    """Whether to write links.csv there; the store has them always."""
    publish_anyway: str | None = None
    """Why the run is to be published whatever the guard says; not if what was found contradicts itself."""
    keep_runs: int = KEPT_RUNS
    """How many published runs keep their findings."""
    after_run: int | None = None
    """Detect only if this is still the last complete run (0: there is none yet)."""
    policy: Policy = field(default_factory=Policy)
    """What buyers' risks are worked out by."""


@dataclass(frozen=True, eq=False)
class StoreDetection:
    """What came of it."""

    run: Run
    """Published, or withheld and why."""
    detection: Detection
    timings: dict[str, object]
    down: frozenset[str]
    """The rings that people dismissed, snoozed or allowed, by id: lists leave them out."""
    opened: tuple[Verification, ...] = ()
    """The verifications that were due by merchants' reports."""


def detect_in_store(
    request: StoreDetectionRequest, store: Store, clock: Callable[[], int], progress: Progress | None = None
) -> StoreDetection:
    """Find the rings of what is loaded and publish them in one step, or withhold what is implausible.

    `clock` gives µs since 1970-01-01 UTC. Raises NothingLoadedError, InvalidError where the request or its
    folder will not do, LeaseHeldError while another detection is under way, OvertakenError, LeaseLostError if
    another took its place, UnavailableError where store or disk refuse; the run then counts as failed.
    """
    _refuse(request)
    watch = Stopwatch(progress if progress is not None else Silent())
    with hold_lease(store, LeaseName.DETECT, clock) as lease:
        loads = loads_with_claims(store)
        version = loads[-1].load_id
        if request.after_run is not None:
            last = last_complete_run(store)
            if last is not None and last.run_id != request.after_run:
                raise OvertakenError(last.run_id)
        is_first = store.rings.run() is None
        run_id = store.rings.begin_run(lease, version, clock())
        try:
            watch.stage("read the market")
            market = store.market.read(version)
            past = _past(store)
            parameters = request.parameters.with_policy(request.policy.detection)
            found = find_rings(market, parameters, watch)
            detection = report(
                market,
                found,
                parameters,
                links=True,
                past=past,
                progress=watch,
                most_leads=request.policy.detection.leads_per_run,
            )
            detection = name_leads(detection, past_leads(store.leads.past()))
            files = [file for load in loads for file in load.source.files]
            normaliser = loads[-1].source.normaliser
            watch.stage("buyers' risks")
            findings = Findings(
                detection.rings,
                detection.members,
                detection.links,
                detection.leads,
                detection.lead_members,
            )
            reports = weigh_reports(store, market, request.policy.reports, clock())
            risks = assess_buyers(store, market, version, findings, reports, request.policy, clock())
            frames = tables(detection, links=True, lineage=True) | {"risks": risks}
            content = about(parameters, detection, files, request.policy.name, normaliser)
            store.rings.write_run(run_id, frames, content, lease, watch)
            unsound = object_to_contradictions(frames, market, parameters)
            objections = (*unsound, *_objections(store, market, loads, len(detection.rings)))
            anyway = request.publish_anyway if not unsound else None
            run = _end(store, run_id, objections, anyway, lease, clock())
        except BaseException as error:
            # Without the lease nothing can be written: the next run marks this one as interrupted.
            with suppress(ConflictError, UnavailableError):
                store.rings.fail(run_id, lease, clock(), _reason(error))
            raise
        timings = watch.timings()
        if request.out is not None and run.state is RunState.PUBLISHED:
            watch.stage("writing")
            shown = detection if request.links else detection.without_links()
            frames = tables(shown, links=request.links, lineage=not is_first)
            content = about(parameters, shown, files, request.policy.name, normaliser)
            write_run(request.out, frames, content, timings)
        opened = open_due_verifications(store, request.policy, clock(), reports, watch)
        store.rings.forget(request.keep_runs, lease, watch)
        watch.done()
        down = rings_down(store, clock(), run_id)
    return StoreDetection(run, detection, timings, down, opened)


def loads_with_claims(store: Store) -> list[Load]:
    """List the complete loads, oldest first.

    Raises NothingLoadedError unless one of them brought claims, BrowsingCopyError where values were left out.
    """
    loads = list(store.market.loads())
    for load in loads[-1:]:
        refuse_browsing_copy(load.source.key_id)
    if not any(file.table == "claims" and file.kept for load in loads for file in load.source.files):
        raise NothingLoadedError
    return loads


def last_complete_run(store: Store) -> Run | None:
    """Find the last run that came to an end of its own: published or withheld."""
    pages = [store.rings.runs(1, state=state) for state in (RunState.PUBLISHED, RunState.WITHHELD)]
    return max((run for page in pages for run in page.items), key=lambda run: run.run_id, default=None)


def _refuse(request: StoreDetectionRequest) -> None:
    """Say before hours of work what cannot be done."""
    if request.publish_anyway is not None and not request.publish_anyway.strip():
        raise InvalidError("Say why the run is to be published anyway.")
    if request.keep_runs < 1:
        raise InvalidError("Keep 1 run or more: the published one is always kept.")
    if request.out is not None:
        refuse_strangers(request.out)
        refuse_unwritable(request.out)


def _past(store: Store) -> Past:
    """Know the rings of all runs before."""
    with store.snapshot():
        return Past(store.rings.last_members(), store.rings.alive(), store.rings.names())


def _objections(store: Store, market: Market, loads: Sequence[Load], rings: int) -> tuple[str, ...]:
    """Ask the guard."""
    former = store.rings.runs(LAST_RUNS, state=RunState.PUBLISHED).items
    seen = former[0].market_version if former else 0
    return (
        *object_to_number(rings, [run.rings for run in former]),
        *object_to_sharing(market),
        *object_to_empty_columns(
            [load.source for load in loads if load.load_id <= seen],
            [load.source for load in loads if load.load_id > seen],
        ),
    )


def _end(
    store: Store,
    run_id: int,
    objections: tuple[str, ...],
    publish_anyway: str | None,
    lease: Lease,
    now: int,
) -> Run:
    """Publish the run, or withhold it."""
    if objections and publish_anyway is None:
        store.rings.withhold(run_id, lease, now, objections)
    else:
        reasons = (*objections, f"{PUBLISHED_ANYWAY}: {publish_anyway}") if objections else ()
        store.rings.publish(run_id, lease, now, reasons)
    run = store.rings.run(run_id)
    if run is None:
        raise ConflictError(f"Run {run_id} has gone.")
    return run


def _reason(error: BaseException) -> str:
    """Say in one line why a run failed."""
    if isinstance(error, KeyboardInterrupt):
        return str(error) or "interrupted"
    said = " ".join(str(error).split())
    return said if isinstance(error, RingfenceError) else f"{type(error).__name__}: {said}"
