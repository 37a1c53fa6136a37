"""The whole story in one go: make a marketplace, load it, find its rings, judge and draw them."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ringfence.detection.report import Detection
from ringfence.domain.errors import ConflictError
from ringfence.domain.leases import LeaseName
from ringfence.domain.progress import Progress
from ringfence.domain.scope import Principal, Role
from ringfence.evaluation import Evaluation
from ringfence.export import read_run, write_page
from ringfence.generator import GeneratorOptions
from ringfence.intake import PseudonymKey
from ringfence.services.detect_in_store import StoreDetectionRequest, detect_in_store
from ringfence.services.evaluate_run import evaluate_run
from ringfence.services.hold_lease import hold_lease
from ringfence.services.load_market import LoadRequest, load_market
from ringfence.services.make_marketplace import make_marketplace
from ringfence.services.manage_keys import create_key
from ringfence.store import Store, Stores

_STORE = "store.sqlite"
_PAGE = "rings.html"
_KEY_DAYS = 1


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
) -> tuple[Demonstration, Store]:
    """Do it all inside `directory`, replacing an earlier demonstration there; give its store, to be closed.

    `clock` gives µs since 1970-01-01 UTC. Raises FolderTakenError where the folder holds somebody else's
    files, ConflictError where it holds somebody else's store.
    """
    marketplace, run, place = directory / "marketplace", directory / "run", directory / _STORE
    if place.exists() and not (directory / _PAGE).exists():
        raise ConflictError(f"{place} is not the store of a demonstration; name another folder with --out.")
    make_marketplace(options, marketplace, progress=progress)
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


def key_for_a_day(store: Store, now: int) -> str:
    """Make a key with which an investigator may ask for a day; give its token."""
    operator = Principal("demo", Role.OPERATOR)
    _, token = create_key(store, operator, "demo", Role.INVESTIGATOR, None, _KEY_DAYS, now)
    return token
