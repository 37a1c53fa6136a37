"""`ringfence detect`: files in, rings out; or a store's market in, a published run out."""

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ringfence.cli.chosen_policy import PolicyOption, chosen_policy
from ringfence.cli.clock import clock
from ringfence.cli.context import StoreAddress, open_store, settings_of
from ringfence.cli.exit_codes import FAILED, IDLE
from ringfence.cli.file_options import (
    CurrencyOption,
    DateFormatOption,
    DecimalMark,
    DecimalOption,
    DelimiterOption,
    KeyFileOption,
    MapOption,
    MaxRejectedOption,
    intake_options,
)
from ringfence.cli.hints import pasteable
from ringfence.cli.printing import DECADES, fail, print_json, print_lines, print_table, warn, warn_of_rejected
from ringfence.cli.progress import show_progress
from ringfence.cli.verifications import tell_opened
from ringfence.domain.chance import chance_text
from ringfence.domain.counted import counted
from ringfence.domain.rings import DetectionMethod
from ringfence.domain.runs import RunState

if TYPE_CHECKING:
    from ringfence.detection.parameters import Parameters
    from ringfence.detection.report import Detection
    from ringfence.domain.policy import Policy
    from ringfence.intake import IntakeOptions
    from ringfence.services.detect_in_store import StoreDetectionRequest

OutOption = Annotated[
    Path | None,
    typer.Option("--out", "-o", help="Folder of the run; an earlier run in it is replaced."),
]
LinksOption = Annotated[
    bool, typer.Option("--links", help="Write links.csv: why each two buyers are linked.")
]
_STORE = "In a store"
KeepRunsOption = Annotated[
    int, typer.Option(min=1, rich_help_panel=_STORE, help="So many published runs keep their findings.")
]
NoPValuesOption = Annotated[
    bool,
    typer.Option(
        "--no-p-values",
        help="Leave out what chance would show: quicker, and no ring is held against it.",
    ),
]
WithoutOption = Annotated[
    list[DetectionMethod] | None,
    typer.Option("--without", help="Leave out a method, to see what it adds; may be given again."),
]
_SHOWN = 10
_FILES = "In files"
_OF_FILES = (
    "previous",
    "mapping",
    "delimiter",
    "decimal",
    "date_format",
    "currency",
    "max_rejected",
    "key_file",
)
_OF_STORES = ("store", "publish_anyway", "keep_runs")


def detect(
    context: typer.Context,
    inputs: Annotated[
        list[Path] | None,
        typer.Option(
            "--input",
            "-i",
            metavar="PATH",
            help="A folder (claims.csv, orders.csv, …) or a file; may be given again. Without it, rings are "
            "found in what is loaded into the store.",
        ),
    ] = None,
    out: OutOption = None,
    links: LinksOption = False,
    no_p_values: NoPValuesOption = False,
    without: WithoutOption = None,
    store: StoreAddress = None,
    publish_anyway: Annotated[
        str | None,
        typer.Option(
            rich_help_panel=_STORE,
            metavar="REASON",
            help="Publish the run although its result is implausible; the reason is kept.",
        ),
    ] = None,
    keep_runs: KeepRunsOption = 30,
    policy: PolicyOption = None,
    previous: Annotated[
        Path | None,
        typer.Option(
            rich_help_panel=_FILES,
            help="Folder of an earlier run: its rings keep their names; writes lineage.csv.",
        ),
    ] = None,
    mapping: MapOption = None,
    delimiter: DelimiterOption = None,
    decimal: DecimalOption = DecimalMark.POINT,
    date_format: DateFormatOption = None,
    currency: CurrencyOption = None,
    max_rejected: MaxRejectedOption = 0.01,
    key_file: KeyFileOption = None,
    fail_if_idle: Annotated[
        bool, typer.Option("--fail-if-idle", help="Exit with 3 if no ring is found.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print a summary as JSON.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")] = False,
) -> None:
    """Find rings, with reasons: in a folder of claims, or in the store.

    What is found in files is written to --out. What is found in the store is
    published there in one step, or withheld (exit code 1) if it is implausible.

    Example: ringfence detect --input market --out run --links
    """
    if not inputs:
        _refuse(context, _OF_FILES, "belongs to --input")
        from ringfence.services.detect_in_store import StoreDetectionRequest

        request = StoreDetectionRequest(
            parameters=chosen_parameters(no_p_values, without),
            out=out,
            links=links,
            publish_anyway=publish_anyway,
            keep_runs=keep_runs,
            policy=chosen_policy(context, policy),
        )
        is_idle = _detect_in_store(context, store, request, as_json, quiet)
    else:
        _refuse(context, _OF_STORES, "has no place beside --input")
        if out is None:
            raise typer.BadParameter("Name the folder of the run.", param_hint="--out")
        options = intake_options(mapping, delimiter, decimal, date_format, currency, max_rejected)
        is_idle = _detect_in_files(
            inputs,
            out,
            options,
            chosen_parameters(no_p_values, without),
            previous,
            chosen_policy(context, policy),
            key_file or settings_of(context).key_file,
            links,
            as_json,
            quiet,
        )
    if fail_if_idle and is_idle:
        raise typer.Exit(IDLE)


def chosen_parameters(no_p_values: bool, without: Sequence[DetectionMethod] | None = None) -> "Parameters":
    """Give the parameters of detection, with or without p-values and some methods."""
    from ringfence.detection.parameters import Parameters

    chosen = Parameters(without=tuple(sorted(set(without or ()))))
    return chosen.without_p_values() if no_p_values else chosen


def _refuse(context: typer.Context, names: Sequence[str], why: str) -> None:
    """Refuse options that were given where they mean nothing."""
    for name in names:
        source = context.get_parameter_source(name)
        if source is not None and source.name == "COMMANDLINE":
            option = next(each for each in context.command.params if each.name == name)
            raise typer.BadParameter(f"This {why}.", param_hint=option.opts[0])


def _detect_in_files(
    inputs: Sequence[Path],
    out: Path,
    options: "IntakeOptions",
    parameters: "Parameters",
    previous: Path | None,
    policy: "Policy",
    key_file: Path | None,
    links: bool,
    as_json: bool,
    quiet: bool,
) -> bool:
    """Detect and print; say whether no ring was found."""
    from ringfence.intake import PseudonymKey
    from ringfence.services.detect_rings import DetectionRequest, detect_rings

    request = DetectionRequest(
        inputs, out, options, parameters, links=links, previous=previous, policy=policy
    )
    key = PseudonymKey.load_or_create(key_file)
    with show_progress(quiet) as progress:
        outcome = detect_rings(request, key, progress)
    detection = outcome.detection
    warn(outcome.warnings)
    if as_json:
        print_json(
            {
                "out": str(out),
                "counts": detection.counts,
                "notes": detection.notes,
                "warnings": outcome.warnings,
                "rejected": str(outcome.rejected) if outcome.rejected else None,
                "seconds": outcome.timings["seconds"],
            }
        )
        return detection.rings.is_empty()
    folder = shlex.quote(str(out))
    _print_rings(detection, f"ringfence rings list --run {folder}")
    print_leads(len(detection.leads), f"ringfence leads list --run {folder}")
    if outcome.rejected:
        warn_of_rejected(sum(file.rejected for file in outcome.files), outcome.rejected)
    _print_end(detection, f"in {out}", outcome.timings)
    return detection.rings.is_empty()


def _detect_in_store(
    context: typer.Context,
    store: str | None,
    request: "StoreDetectionRequest",
    as_json: bool,
    quiet: bool,
) -> bool:
    """Detect and print; say whether no ring was found. Exits with 1 if the run is withheld."""
    from ringfence.services.detect_in_store import detect_in_store

    with open_store(context, store) as opened, show_progress(quiet) as progress:
        outcome = detect_in_store(request, opened, clock, progress)
    run, detection = outcome.run, outcome.detection
    is_withheld = run.state is RunState.WITHHELD
    if as_json:
        print_json(
            {
                "run_id": run.run_id,
                "state": run.state.value,
                "reasons": run.reasons,
                "out": str(request.out) if request.out is not None and not is_withheld else None,
                "counts": detection.counts,
                "notes": detection.notes,
                "seconds": outcome.timings["seconds"],
                "opened": [verification.verification_id for verification in outcome.opened],
            }
        )
    elif not is_withheld:
        _print_rings(detection, pasteable(context, "ringfence rings list"), outcome.down)
        print_leads(len(detection.leads), pasteable(context, "ringfence leads list"))
        tell_opened(context, outcome.opened)
        _print_end(detection, f"published as run {run.run_id}", outcome.timings)
    if is_withheld:
        warn(run.reasons)
        said = (
            f"run {run.run_id} is withheld, and the rings published before it stay; look at it with "
            f"ringfence rings list --run-id {run.run_id}; load what was missing and detect again, or publish "
            "the result as it is with ringfence detect --publish-anyway REASON"
        )
        fail(pasteable(context, said))
        raise typer.Exit(FAILED)
    warn(run.reasons)
    return detection.rings.is_empty()


def _print_rings(detection: "Detection", all_of_them: str, down: frozenset[str] = frozenset()) -> None:
    """Print the strongest rings without those that people took off the list (`down`), and count these."""
    if detection.rings.is_empty():
        print_lines("No ring was found.")
        return
    rings = [row for row in detection.rings.iter_rows(named=True) if row["ring_id"] not in down]
    if rings:
        _print_table(rings)
    if len(rings) > _SHOWN:
        print_lines(f"All of them: {all_of_them}")
    if left_out := len(detection.rings) - len(rings):
        print_lines(
            f"Left out, as dismissed, snoozed or allowed: {counted(left_out, 'ring')}; all of them: "
            f"{all_of_them} --status all"
        )


def _print_table(rings: Sequence[dict[str, Any]]) -> None:
    buyers = sum(row["size"] for row in rings)
    print_table(
        f"{counted(len(rings), 'ring')} with {counted(buyers, 'buyer')}, strongest first ({DECADES})",
        ("ring", "evidence", "p-value", "buyers", "claims", "merchants", "amount"),
        [
            (
                row["ring_id"],
                f"{row['score']:.1f}",
                "" if row["p_value"] is None else chance_text(row["p_value"]),
                row["size"],
                row["claims"],
                row["merchants"],
                row["amount"].replace(";", "; "),
            )
            for row in rings[:_SHOWN]
        ],
    )


def print_leads(count: int, all_of_them: str) -> None:
    """Print how many leads there are, if any, and which command lists all of them."""
    if count == 1:
        print_lines(f"1 lead, a suspicion too weak to be a ring: {all_of_them}")
    elif count:
        print_lines(f"{count:,} leads, suspicions too weak to be rings: {all_of_them}")


def _print_end(detection: "Detection", where: str, timings: dict[str, object]) -> None:
    print_lines(*(f"note: {note}" for note in detection.notes))
    print_lines(
        f"{counted(detection.counts['claims'], 'claim')} of {counted(detection.counts['buyers'], 'buyer')}; "
        f"{counted(len(detection.rings), 'ring')} {where} ({timings['seconds']:.1f} s)"
    )
