"""`ringfence evaluate`: a run held against labels."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ringfence.cli.chosen_run import RunIdOption, RunOption, read_chosen_run
from ringfence.cli.context import StoreAddress
from ringfence.cli.printing import print_json, print_lines, print_table

if TYPE_CHECKING:
    from ringfence.evaluation import Evaluation, Proportion


def evaluate(
    context: typer.Context,
    labels: Annotated[
        Path, typer.Option(help="CSV with buyer_id and label (1/0) or ring_id; pattern, lookalike optional.")
    ],
    run: RunOption = None,
    store: StoreAddress = None,
    run_id: RunIdOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print every figure as JSON.")] = False,
) -> None:
    """Measure a run against the truth: precision, recall, ranking, by pattern and by look-alike.

    Example: ringfence evaluate --labels market/truth.csv --run run
    """
    from ringfence.services.evaluate_run import evaluate_found

    evaluation = evaluate_found(read_chosen_run(context, run, store, run_id), labels)
    if as_json:
        print_json(evaluation.to_dict())
    else:
        print_evaluation(evaluation)


def print_evaluation(evaluation: "Evaluation") -> None:
    """Print all figures for people."""
    ranking = evaluation.ranking
    false_rings = evaluation.false_rings_per_100k
    figures: list[tuple[str, str, str]] = [
        ("members: precision", *_share(evaluation.precision)),
        ("members: recall", *_share(evaluation.recall)),
        ("members: F1", _number(evaluation.f1), _interval(evaluation.f1_interval)),
        ("rings found (Jaccard ≥ 0.5)", *_share(evaluation.ring_recall)),
        (
            "false rings per 100,000 clean buyers",
            "-" if false_rings is None else f"{false_rings[0]:.1f}",
            "" if false_rings is None else f"at most {false_rings[1]:.1f}",
        ),
        ("base rate", _number(ranking.base_rate), ""),
        ("average precision", _number(ranking.average_precision), ""),
        ("ROC AUC", _number(ranking.roc_auc), ""),
        *((f"precision at {k:,}", _number(value), "") for k, value in ranking.precision_at.items()),
    ]
    print_table(
        f"{evaluation.judged:,} buyers judged, {evaluation.fraud:,} of them in rings",
        ("figure", "value", "95 % interval"),
        figures,
    )
    if evaluation.recall_by_pattern:
        print_lines("")
        print_table(
            "Recall by pattern",
            ("pattern", "recall", "95 % interval", "members"),
            [(name, *_share(share), share.total) for name, share in evaluation.recall_by_pattern.items()],
        )
    for what, shares in evaluation.accused_by.items():
        print_lines("")
        print_table(
            f"Honest buyers accused, by {what}",
            (what, "accused", "95 % interval", "buyers"),
            [(name or "none", *_share(share, 5), share.total) for name, share in shares.items()],
        )
    print_lines(*(f"note: {note}" for note in evaluation.notes))


def _share(share: "Proportion", decimals: int = 4) -> tuple[str, str]:
    return _number(share.value, decimals), _interval(share.interval, decimals)


def _number(value: float | None, decimals: int = 4) -> str:
    return "-" if value is None else f"{value:.{decimals}f}"


def _interval(interval: tuple[float, float] | None, decimals: int = 4) -> str:
    return "" if interval is None else f"{interval[0]:.{decimals}f} to {interval[1]:.{decimals}f}"
