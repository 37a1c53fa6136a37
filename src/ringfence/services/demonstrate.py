"""The whole story in one go: make a marketplace, find its rings, hold them against the truth, draw them."""

from dataclasses import dataclass
from pathlib import Path

from ringfence.domain.progress import Progress
from ringfence.evaluation import Evaluation
from ringfence.export import read_run, write_page
from ringfence.generator import GeneratorOptions
from ringfence.intake import IntakeOptions, PseudonymKey
from ringfence.services.detect_rings import DetectionOutcome, DetectionRequest, detect_rings
from ringfence.services.evaluate_run import evaluate_run
from ringfence.services.make_marketplace import make_marketplace


@dataclass(frozen=True, eq=False)
class Demonstration:
    """What was made and found, and where it lies."""

    marketplace: Path
    run: Path
    page: Path
    outcome: DetectionOutcome
    evaluation: Evaluation


def demonstrate(
    directory: Path, options: GeneratorOptions, key: PseudonymKey, progress: Progress
) -> Demonstration:
    """Do it all inside `directory`, replacing an earlier demonstration there.

    Raises FolderTakenError where the folder holds somebody else's files.
    """
    marketplace, run, page = directory / "marketplace", directory / "run", directory / "rings.html"
    make_marketplace(options, marketplace, progress=progress)
    request = DetectionRequest([marketplace], run, IntakeOptions(), links=True)
    outcome = detect_rings(request, key, progress)
    progress.stage("evaluating and drawing")
    evaluation = evaluate_run(run, marketplace / "truth.csv")
    write_page(read_run(run), page, evaluation.to_dict(), title="Rings in a simulated marketplace")
    progress.done()
    return Demonstration(marketplace, run, page, outcome, evaluation)
