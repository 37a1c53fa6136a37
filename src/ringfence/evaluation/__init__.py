"""Rings and labels in, figures of merit out."""

from ringfence.evaluation.evaluation import Evaluation, Pool, evaluate, pool
from ringfence.evaluation.labels import parse_labels, read_labels
from ringfence.evaluation.proportions import Proportion, poisson_upper_bound
from ringfence.evaluation.ranking import Ranking, rank_quality

__all__ = [
    "Evaluation",
    "Pool",
    "Proportion",
    "Ranking",
    "evaluate",
    "parse_labels",
    "poisson_upper_bound",
    "pool",
    "rank_quality",
    "read_labels",
]
