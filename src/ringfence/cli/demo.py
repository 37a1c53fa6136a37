"""`ringfence demo`: what Ringfence does, in one line and two minutes."""

from pathlib import Path
from typing import Annotated

import typer

from ringfence.cli.context import settings_of
from ringfence.cli.evaluate import print_evaluation
from ringfence.cli.printing import print_json, print_lines, print_table
from ringfence.cli.progress import show_progress


def demo(
    context: typer.Context,
    out: Annotated[
        Path, typer.Option("--out", "-o", help="Folder for the marketplace, the run and the page.")
    ] = Path("ringfence-demo"),
    buyers: Annotated[int, typer.Option(help="Accounts of the simulated marketplace.")] = 20_000,
    seed: Annotated[int, typer.Option(help="Another seed, another marketplace.")] = 1,
    stealth: Annotated[float, typer.Option(help="How sly the rings are, 0 to 1.")] = 0.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")] = False,
) -> None:
    """Make a marketplace, find its rings, hold them against the truth, draw them, and exit.

    Example: ringfence demo --stealth 0.3
    """
    from ringfence.generator import GeneratorOptions
    from ringfence.intake import PseudonymKey
    from ringfence.services.demonstrate import demonstrate

    settings = settings_of(context)
    options = GeneratorOptions(buyers=buyers, seed=seed, stealth=stealth)
    key = PseudonymKey.load_or_create(settings.key_file)
    with show_progress(quiet) as progress:
        shown = demonstrate(out, options, key, progress)
    detection = shown.outcome.detection
    if as_json:
        print_json(
            {
                "counts": detection.counts,
                "evaluation": shown.evaluation.to_dict(),
                "marketplace": str(shown.marketplace),
                "run": str(shown.run),
                "page": str(shown.page),
            }
        )
        return
    print_table(
        f"{len(detection.rings):,} rings found; the strongest five",
        ("ring", "evidence", "why"),
        [
            (row["ring_id"], f"{row['score']:.1f}", row["why"])
            for row in detection.rings.head(5).iter_rows(named=True)
        ],
    )
    print_lines("")
    print_evaluation(shown.evaluation)
    print_lines(
        "",
        f"pictures:     {shown.page}",
        f"files in:     {shown.marketplace}",
        f"files out:    {shown.run}",
        f"next:         ringfence rings list --run {shown.run}",
        f"              ringfence rings show {detection.rings['ring_id'][0]} --run {shown.run}"
        if len(detection.rings)
        else "",
        "your files:   ringfence detect --input FOLDER --out RUN",
    )
