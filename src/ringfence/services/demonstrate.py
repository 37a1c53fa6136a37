"""The whole story in one go: make a marketplace, load it, find its rings, judge and draw them."""

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from ringfence.detection.report import Detection
from ringfence.domain.errors import ConflictError, InvalidError, UnavailableError
from ringfence.domain.leases import LeaseName
from ringfence.domain.progress import Progress
from ringfence.domain.records import RecordKind
from ringfence.domain.scope import Principal, Role
from ringfence.evaluation import Evaluation
from ringfence.export import read_run, write_page
from ringfence.generator import GeneratorOptions, holds_marketplace
from ringfence.intake import PseudonymKey
from ringfence.services.detect_in_store import StoreDetectionRequest, detect_in_store
from ringfence.services.evaluate_run import evaluate_run
from ringfence.services.hold_lease import hold_lease
from ringfence.services.load_market import LoadRequest, load_market
from ringfence.services.make_marketplace import make_marketplace
from ringfence.services.manage_keys import create_key
from ringfence.services.open_verifications import PLATFORM_NAME
from ringfence.store import Store, Stores

_STORE = "store.sqlite"
_PAGE = "rings.html"
_KEY_DAYS = 1
_NAME = "demo"
"""Who makes the key of a demonstration."""
_WHAT = {
    RecordKind.RING_DECISION: ("ring that was decided about", "rings that were decided about"),
    RecordKind.LEAD_DECISION: ("lead that was decided about", "leads that were decided about"),
    RecordKind.REPORT: ("report that was withdrawn or disputed", "reports that were withdrawn or disputed"),
    RecordKind.VERIFICATION: ("verification", "verifications"),
    RecordKind.RECOVERY: ("recovery", "recoveries"),
    RecordKind.KEY: ("key", "keys"),
    RecordKind.RUN_REQUEST: ("request for a run", "requests for a run"),
}
"""What the records of a kind are, one and several."""
_BY_ITSELF = {RecordKind.KEY: _NAME, RecordKind.VERIFICATION: PLATFORM_NAME}
"""Who else than people makes records, by kind."""


@dataclass(frozen=True, eq=False)
class Demonstration:
    """What was made and found, and where it lies."""

    marketplace: Path
    store: Path
    run: Path
    page: Path
    detection: Detection
    evaluation: Evaluation


def demonstrate(
    directory: Path,
    options: GeneratorOptions,
    key: PseudonymKey,
    stores: Stores,
    clock: Callable[[], int],
    progress: Progress,
    *,
    replace: bool = False,
) -> tuple[Demonstration, Store]:
    """Do it all inside `directory`, replacing an earlier demonstration there; give its store, to be closed.

    `clock` gives µs since 1970-01-01 UTC. Raises FolderTakenError where the folder holds somebody else's
    files, ConflictError where it holds somebody else's store, or (without `replace`) one that cannot be read
    or that people worked in since.
    """
    marketplace, run, place = directory / "marketplace", directory / "run", directory / _STORE
    if place.exists():
        if not (directory / _PAGE).exists() and not marketplace.exists():
            raise ConflictError(
                f"{place} is not the store of a demonstration; name another folder with --out."
            )
        if not replace:
            _refuse_work(stores, place)
    make_marketplace(options, marketplace, overwrite=holds_marketplace(marketplace), progress=progress)
    for old in directory.glob(f"{_STORE}*"):
        old.unlink()
    store = stores.open(str(place), create=True)
    try:
        with hold_lease(store, LeaseName.LOAD, clock) as lease:
            load_market(LoadRequest([marketplace], rejected=directory), key, store, lease, clock(), progress)
        request = StoreDetectionRequest(out=run, links=True, publish_anyway="a simulated marketplace")
        detection = detect_in_store(request, store, clock, progress).detection
        progress.stage("evaluating and drawing")
        evaluation = evaluate_run(run, marketplace / "truth.csv")
        page = directory / _PAGE
        write_page(read_run(run), page, evaluation.to_dict(), title="Rings in a simulated marketplace")
        progress.done()
    except BaseException:
        store.close()
        raise
    return Demonstration(marketplace, place, run, page, detection, evaluation), store


def _refuse_work(stores: Stores, place: Path) -> None:
    """Raise ConflictError if people worked in the store of an earlier demonstration."""
    try:
        with closing(stores.open(str(place), create=False)) as store:
            done = list(_work_of_people(store))
    except (InvalidError, UnavailableError) as error:
        raise ConflictError(
            f"It is unknown what the earlier demonstration holds: {error} Name another folder with --out, or "
            "replace it with --replace."
        ) from error
    if done:
        what = ", ".join(done)
        raise ConflictError(
            f"{place} holds work of people, which would be lost: {what}. Name another folder with --out, or "
            "replace it all the same with --replace."
        )


def _work_of_people(store: Store) -> Iterator[str]:
    """Count what people did in the store of a demonstration, in words."""
    for kind, (one, several) in _WHAT.items():
        records = [state.record for state in store.records.current(kind)]
        if kind in _BY_ITSELF:
            name = _BY_ITSELF[kind]
            records = [
                record
                for record in records
                if any(event.actor != name for event in store.records.stream(record))
            ]
        if records:
            yield f"{len(records):,} {one if len(records) == 1 else several}"
    if filed := len(store.reports.filed()):
        yield f"{filed:,} {'report' if filed == 1 else 'reports'} that people filed"
    if (more := len(store.market.loads()) - 1) > 0:
        yield f"{more:,} further {'load' if more == 1 else 'loads'} of files"


def key_for_a_day(store: Store, now: int) -> str:
    """Make a key with which an investigator may ask for a day; give its token."""
    operator = Principal(_NAME, Role.OPERATOR)
    _, token = create_key(store, operator, _NAME, Role.INVESTIGATOR, None, _KEY_DAYS, now)
    return token
