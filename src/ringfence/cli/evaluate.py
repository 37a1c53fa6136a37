"""`ringfence evaluate`: what was found held against labels, or against what people decided."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ringfence.cli.acting import OPERATOR
from ringfence.cli.chosen_policy import PolicyOption, chosen_policy
from ringfence.cli.chosen_run import RunIdOption, RunOption, read_chosen_run
from ringfence.cli.context import StoreAddress, open_store
from ringfence.cli.printing import print_json, print_lines, print_table
from ringfence.domain.counted import counted
from ringfence.domain.policy import Policy

if TYPE_CHECKING:
    from ringfence.evaluation import Evaluation, Proportion
    from ringfence.evaluation.decided import DecidedEvaluation


def evaluate(
    context: typer.Context,
    labels: Annotated[
        Path | None,
        typer.Option(help="CSV with buyer_id and label (1/0) or ring_id; pattern, lookalike optional."),
    ] = None,
    decided: Annotated[
        bool,
        typer.Option("--decided", help="Measure the store by what people decided, instead of labels."),
    ] = False,
    run: RunOption = None,
    store: StoreAddress = None,
    run_id: RunIdOption = None,
    policy: PolicyOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print every figure as JSON.")] = False,
) -> None:
    """Measure a run against the truth: precision, recall, ranking, by pattern and by look-alike.

    With --decided, measure what a store holds against the decisions about rings and the verifications of
    buyers: precision by pattern and signal, how far probabilities can be trusted, and what cannot be seen.

    Example: ringfence evaluate --labels market/truth.csv --run run
    """
    if decided:
        if labels is not None or run is not None or run_id is not None:
            raise typer.BadParameter(
                "measures a whole store; leave --labels, --run and --run-id away.", param_hint="--decided"
            )
        _evaluate_decided(context, store, chosen_policy(context, policy), as_json)
        return
    if policy is not None:
        raise typer.BadParameter("belongs to --decided.", param_hint="--policy")
    if labels is None:
        raise typer.BadParameter("name a file of labels, or say --decided.", param_hint="--labels")
    from ringfence.services.evaluate_run import evaluate_found

    evaluation = evaluate_found(read_chosen_run(context, run, store, run_id), labels)
    if as_json:
        print_json(evaluation.to_dict())
    else:
        print_evaluation(evaluation)


def _evaluate_decided(context: typer.Context, store: str | None, policy: Policy, as_json: bool) -> None:
    from ringfence.services.evaluate_decisions import evaluate_decisions

    with open_store(context, store) as opened:
        evaluation = evaluate_decisions(opened, OPERATOR, policy)
    if as_json:
        print_json(evaluation.to_dict())
    else:
        print_decided(evaluation)


def print_decided(evaluation: "DecidedEvaluation") -> None:
    """Print all figures about decisions for people."""
    told = evaluation.calibration
    print_table(
        f"Decided: {counted(evaluation.rings.total, 'ring')} and {counted(evaluation.buyers.total, 'buyer')}",
        ("figure", "value", "95 % interval"),
        [
            ("rings: confirmed, of confirmed or dismissed", *_share(evaluation.rings)),
            ("buyers: confirmed, of confirmed or rejected", *_share(evaluation.buyers)),
            ("Brier score of probabilities", _number(told.brier), ""),
            ("Brier score of the base rate", _number(told.brier_of_base_rate), ""),
        ],
    )
    groups = (("Rings", evaluation.rings_by), ("Buyers", evaluation.buyers_by))
    for whose, name, shares in ((who, name, by[name]) for who, by in groups for name in by):
        if shares:
            print_lines("")
            print_table(
                f"{whose} confirmed, by {name}",
                (name, "confirmed", "95 % interval", "decided"),
                [(word, *_share(share), share.total) for word, share in shares.items()],
            )
    if told.rows:
        print_lines("")
        print_table(
            "Buyers confirmed, by the probability told before",
            ("probability", "mean", "confirmed", "95 % interval", "decided"),
            [
                (f"{row.low:g} to {row.high:g}", _number(row.said), *_share(row.found), row.found.total)
                for row in told.rows
            ],
        )
    print_lines(*(f"note: {note}" for note in evaluation.notes))


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
        f"{counted(evaluation.judged, 'buyer')} judged, {evaluation.fraud:,} of them in rings",
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
