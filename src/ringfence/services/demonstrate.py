"""The whole story in one go: make a marketplace, find its rings, hold them against the truth, draw them."""

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
from ringfence.intake import IntakeOptions, PseudonymKey
from ringfence.services.detect_in_store import StoreDetectionRequest, detect_in_store
from ringfence.services.detect_rings import DetectionRequest, detect_rings
from ringfence.services.evaluate_run import evaluate_run
from ringfence.services.hold_lease import hold_lease
from ringfence.services.load_market import LoadRequest, load_market
from ringfence.services.make_marketplace import make_marketplace
from ringfence.services.manage_keys import create_key
from ringfence.store import Store

_STORE = "store.sqlite"
_PAGE = "rings.html"
_KEY_DAYS = 1


@dataclass(frozen=True, eq=False)
class Demonstration:
    """What was made and found, and where it lies."""

    marketplace: Path
    run: Path
    page: Path
    detection: Detection
    evaluation: Evaluation


def demonstrate(
    directory: Path, options: GeneratorOptions, key: PseudonymKey, progress: Progress
) -> Demonstration:
    """Do it all inside `directory`, replacing an earlier demonstration there.

    Raises FolderTakenError where the folder holds somebody else's files.
    """
    marketplace, run = directory / "marketplace", directory / "run"
    make_marketplace(options, marketplace, progress=progress)
    request = DetectionRequest([marketplace], run, IntakeOptions(), links=True)
    return _shown(directory, detect_rings(request, key, progress).detection, progress)


def demonstrate_in_store(
    directory: Path,
    options: GeneratorOptions,
    key: PseudonymKey,
    store: Store,
    clock: Callable[[], int],
    progress: Progress,
) -> tuple[Demonstration, str]:
    """Do it all through an empty store, and give a key for one day, with which an investigator may ask it.

    `clock` gives µs since 1970-01-01 UTC. Raises FolderTakenError for a folder with somebody else's files.
    """
    marketplace, run = directory / "marketplace", directory / "run"
    make_marketplace(options, marketplace, progress=progress)
    with hold_lease(store, LeaseName.LOAD, clock) as lease:
        load_market(LoadRequest([marketplace], rejected=directory), key, store, lease, clock(), progress)
    request = StoreDetectionRequest(out=run, links=True, publish_anyway="a simulated marketplace")
    shown = _shown(directory, detect_in_store(request, store, clock, progress).detection, progress)
    operator = Principal("demo", Role.OPERATOR)
    _, token = create_key(store, operator, "demo", Role.INVESTIGATOR, None, _KEY_DAYS, clock())
    return shown, token


def clear_store(directory: Path) -> Path:
    """Say where a demonstration keeps its store, and clear an earlier one away.

    Raises ConflictError for a store in a folder that holds no demonstration.
    """
    place = directory / _STORE
    if place.exists() and not (directory / _PAGE).exists():
        raise ConflictError(f"{place} is not the store of a demonstration; name another folder with --out.")
    for old in directory.glob(f"{_STORE}*"):
        old.unlink()
    return place


def _shown(directory: Path, detection: Detection, progress: Progress) -> Demonstration:
    marketplace, run, page = directory / "marketplace", directory / "run", directory / _PAGE
    progress.stage("evaluating and drawing")
    evaluation = evaluate_run(run, marketplace / "truth.csv")
    write_page(read_run(run), page, evaluation.to_dict(), title="Rings in a simulated marketplace")
    progress.done()
    return Demonstration(marketplace, run, page, detection, evaluation)
