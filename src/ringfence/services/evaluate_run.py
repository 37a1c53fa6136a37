"""A run held against labels."""

from pathlib import Path

from ringfence.evaluation import Evaluation, evaluate, read_labels
from ringfence.export import read_run


def evaluate_run(run: Path, labels: Path) -> Evaluation:
    """Measure the run in folder `run` against the file `labels`; raises InvalidError or NotFoundError."""
    found = read_run(run)
    return evaluate(found.buyers, found.members, read_labels(labels))
