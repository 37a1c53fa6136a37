"""`ringfence generate`: a simulated marketplace with the truth beside it."""

from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from ringfence.cli.printing import print_json, print_table
from ringfence.cli.progress import show_progress


class FileFormatChoice(StrEnum):
    """What the files are written as."""

    CSV = "csv"
    PARQUET = "parquet"


class CompressionChoice(StrEnum):
    """How CSV files are compressed."""

    NONE = "none"
    GZ = "gz"
    ZST = "zst"


def generate(
    directory: Annotated[Path, typer.Argument(help="Folder for the files; made if missing.")],
    buyers: Annotated[int, typer.Option(help="Accounts, honest and not.")] = 20_000,
    seed: Annotated[int, typer.Option(help="The same options and seed give the same bytes.")] = 1,
    no_rings: Annotated[
        bool, typer.Option("--no-rings", help="Leave out every ring, keep the look-alikes.")
    ] = False,
    stealth: Annotated[
        float,
        typer.Option(
            help="S, 0 to 1: members join a hit (1-S) times as often, spread over (1+2S) times the hours."
        ),
    ] = 0.0,
    days: Annotated[int, typer.Option(help="Length of the simulated period.")] = 365,
    starts_on: Annotated[
        datetime, typer.Option(formats=["%Y-%m-%d"], help="First day of the period, UTC.")
    ] = datetime(2024, 1, 1),
    claims_per_buyer: Annotated[
        float, typer.Option(help="Mean number of ordinary claims over all buyers.")
    ] = 5.0,
    extras: Annotated[
        list[str] | None,
        typer.Option(
            "--with",
            metavar="<name>",
            help="Add rings or look-alikes that try something new (README), as further accounts; "
            "give it once for each, or `all`.",
        ),
    ] = None,
    file_format: Annotated[
        FileFormatChoice, typer.Option("--format", help="Kind of files.")
    ] = FileFormatChoice.CSV,
    compression: Annotated[CompressionChoice, typer.Option(help="Of CSV files.")] = CompressionChoice.NONE,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace the tables in the folder, in whatever format.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the files and counts as JSON.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")] = False,
) -> None:
    """Make a simulated marketplace: every kind of ring and look-alike, and truth.csv beside the files.

    Example: ringfence generate market --buyers 50000 --stealth 0.3 --with lost_van
    """
    from ringfence.generator import GeneratorOptions
    from ringfence.services.make_marketplace import make_marketplace

    options = GeneratorOptions(
        buyers=buyers,
        seed=seed,
        rings=not no_rings,
        stealth=stealth,
        days=days,
        starts_on=starts_on.date(),
        claims_per_buyer=claims_per_buyer,
        extras=tuple(extras or ()),
    )
    with show_progress(quiet) as progress:
        made = make_marketplace(
            options,
            directory,
            file_format=file_format.value,
            compression=compression.value,
            overwrite=overwrite,
            progress=progress,
        )
    rows = [(path.name, len(getattr(made.marketplace, path.name.partition(".")[0]))) for path in made.files]
    if as_json:
        print_json({"directory": str(directory), "rows": dict(rows)})
    else:
        print_table(
            f"Marketplace in {directory}", ("file", "rows"), [(name, f"{count:,}") for name, count in rows]
        )
