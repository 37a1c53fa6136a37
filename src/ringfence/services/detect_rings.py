"""Files in, rings out: the main job."""

import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

import polars as pl

from ringfence.detection.detect import find_rings
from ringfence.detection.invariants import require_sound
from ringfence.detection.leads import name_leads, past_leads
from ringfence.detection.lineage import Past
from ringfence.detection.networks import SEED
from ringfence.detection.parameters import Parameters
from ringfence.detection.report import Detection, report
from ringfence.domain.errors import UnavailableError
from ringfence.domain.loads import FileCount
from ringfence.domain.policy import DetectionPolicy, Policy
from ringfence.domain.progress import Progress, Silent
from ringfence.export import RunFolder, read_run, refuse_strangers, write_run
from ringfence.intake import (
    NORMALISER_VERSION,
    Intake,
    IntakeOptions,
    PseudonymKey,
    TooManyRejectedError,
    read_market,
    write_rejected,
)
from ringfence.market.results import LEADS
from ringfence.services.stopwatch import Stopwatch

REJECTED = "rejected.csv"
_LIBRARIES = ("networkit", "numba", "numpy", "polars")


@dataclass(frozen=True)
class DetectionRequest:
    """What to detect rings in, and where to write them."""

    inputs: Sequence[Path]
    """Files, or folders of files."""
    out: Path
    """The run's folder; a former run in it is replaced."""
    intake: IntakeOptions = field(default_factory=IntakeOptions)
    parameters: Parameters = field(default_factory=Parameters)
    links: bool = False
    """Whether to write links.csv."""
    previous: Path | None = None
    """The folder of an earlier run whose rings keep their names."""
    policy: Policy = field(default_factory=Policy)
    """Its numbers of detection say what is published."""


@dataclass(frozen=True, eq=False)
class DetectionOutcome:
    """What came of it."""

    detection: Detection
    files: tuple[FileCount, ...]
    warnings: tuple[str, ...]
    rejected: Path | None
    """Where the rejected rows are told, if there are any."""
    timings: dict[str, object]


def detect_rings(
    request: DetectionRequest, key: PseudonymKey, progress: Progress | None = None
) -> DetectionOutcome:
    """Read the input, find its rings and write the run's folder, whole or not at all.

    Raises UnreadableInputError, TooManyRejectedError (rejected.csv is written all the same), InvalidError or
    NotFoundError for the folders, UnsoundFindingsError if what was found contradicts itself, UnavailableError
    where the disk refuses.
    """
    watch = Stopwatch(progress if progress is not None else Silent())
    refuse_strangers(request.out)
    refuse_unwritable(request.out)
    previous = read_run(request.previous) if request.previous is not None else None
    try:
        intake = read_market(request.inputs, request.intake, key, watch)
    except TooManyRejectedError as error:
        told = _tell_rejected(error.rejected, request.out)
        raise TooManyRejectedError(f"{error}; {told} names them all", error.rejected) from None
    parameters = request.parameters.with_policy(request.policy.detection)
    detection = detect_in(
        intake,
        parameters,
        links=request.links,
        previous=previous,
        most_leads=request.policy.detection.leads_per_run,
        progress=watch,
    )
    watch.stage("writing")
    frames = tables(detection, links=request.links, lineage=previous is not None)
    timings = watch.timings()
    content = about(parameters, detection, intake.files, request.policy.name)
    write_run(request.out, frames, content, timings)
    rejected = _tell_rejected(intake.rejected, request.out)
    watch.done()
    return DetectionOutcome(detection, intake.files, intake.warnings, rejected, timings)


def detect_in(
    intake: Intake,
    parameters: Parameters,
    *,
    links: bool,
    previous: RunFolder | None,
    progress: Progress,
    most_leads: int = DetectionPolicy().leads_per_run,
) -> Detection:
    """Find the rings of a market that was read; rings and leads that an earlier run had keep their names.

    Raises UnsoundFindingsError if what was found contradicts itself.
    """
    found = find_rings(intake.market, parameters, progress)
    past = Past.of_run(memberships(previous)) if previous is not None else None
    detection = report(
        intake.market, found, parameters, links=links, past=past, progress=progress, most_leads=most_leads
    )
    before = [(previous.leads, previous.lead_members)] if previous is not None else []
    named = name_leads(detection, past_leads(before))
    progress.stage("checking what was found")
    require_sound(tables(named, links=True, lineage=True), intake.market, parameters)
    return named


def memberships(run: RunFolder) -> dict[str, dict[str, float]]:
    """Give a run's rings as member -> evidence, by ring id."""
    rings: dict[str, dict[str, float]] = {}
    for ring_id, buyer_id, score in run.members.select("ring_id", "buyer_id", "score").iter_rows():
        rings.setdefault(ring_id, {})[buyer_id] = score
    return rings


def refuse_unwritable(out: Path) -> None:
    """Say before hours of work, not after, that nothing can be written."""
    place = next(path for path in (out, *out.absolute().parents) if path.exists())
    if not place.is_dir() or not os.access(place, os.W_OK | os.X_OK):
        raise UnavailableError(f"Nothing can be written to {place}.")


def tables(detection: Detection, *, links: bool, lineage: bool) -> dict[str, pl.DataFrame]:
    """Give the tables of a run's files by name."""
    optional = [*["links"] * links, *["lineage"] * lineage]
    names = ["rings", "members", "buyers", "evidence", *LEADS, *optional]
    return {name: getattr(detection, name) for name in names}


def about(
    parameters: Parameters,
    detection: Detection,
    files: Sequence[FileCount],
    policy: str | None,
    normaliser: int = NORMALISER_VERSION,
) -> dict[str, object]:
    """Give what run.json says: policy, parameters, versions, seed, counts and notes.

    `files` tell what became of the rows that were read; `policy` is the name of the policy (version and
    fingerprint), None where parameters came from elsewhere; `normaliser` is the version of the rules by which
    identifiers were normalised.
    """
    return {
        "policy": policy,
        "parameters": parameters.to_dict(),
        "seed": SEED,
        "versions": {
            "ringfence": version("ringfence"),
            "normaliser": normaliser,
            "python": platform.python_version(),
            **{name: version(name) for name in _LIBRARIES},
        },
        "counts": {
            **detection.counts,
            "input_rows": {
                table: {
                    what: sum(getattr(file, what) for file in files if file.table == table)
                    for what in ("read", "kept", "repeated", "updated", "rejected")
                }
                for table in sorted({file.table for file in files})
            },
        },
        "calibration": detection.calibration,
        "notes": [*detection.notes],
    }


def _tell_rejected(rejected: pl.DataFrame, out: Path) -> Path | None:
    """Write rejected.csv where rows were rejected, and clear away an earlier one where none were."""
    if rejected.is_empty():
        (out / REJECTED).unlink(missing_ok=True)
        return None
    return write_rejected(rejected, out)
