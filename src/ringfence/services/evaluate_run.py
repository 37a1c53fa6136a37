"""A run held against labels."""

from pathlib import Path

from ringfence.evaluation import Evaluation, evaluate, read_labels
from ringfence.export import RunFolder, read_run


def evaluate_run(run: Path, labels: Path) -> Evaluation:
    """Measure the run in folder `run` against the file `labels`; raises InvalidError or NotFoundError."""
    return evaluate_found(read_run(run), labels)


def evaluate_found(found: RunFolder, labels: Path) -> Evaluation:
    """Measure a run that was read, from a folder or a store; raises InvalidError or NotFoundError."""
    return evaluate(found.buyers, found.members, read_labels(labels))
