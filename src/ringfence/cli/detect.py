"""`ringfence detect`: files in, rings out."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from ringfence.cli.context import settings_of
from ringfence.cli.exit_codes import IDLE
from ringfence.cli.printing import print_json, print_lines, print_table, warn
from ringfence.cli.progress import show_progress

_SHOWN = 10
_FILES = "How the files are written"


class DecimalMark(StrEnum):
    """What parts the decimals of an amount."""

    POINT = "."
    COMMA = ","


def detect(
    context: typer.Context,
    inputs: Annotated[
        list[Path],
        typer.Option(
            "--input",
            "-i",
            metavar="PATH",
            help="A folder (claims.csv, orders.csv, …) or a file; may be given again.",
        ),
    ],
    out: Annotated[
        Path, typer.Option("--out", "-o", help="Folder of the run; an earlier run in it is replaced.")
    ],
    previous: Annotated[
        Path | None,
        typer.Option(help="Folder of an earlier run: its rings keep their names; writes lineage.csv."),
    ] = None,
    links: Annotated[
        bool, typer.Option("--links", help="Write links.csv: why each two buyers are linked.")
    ] = False,
    mapping: Annotated[
        Path | None,
        typer.Option(
            "--map",
            rich_help_panel=_FILES,
            help="TOML file that says what your columns and values are called.",
        ),
    ] = None,
    delimiter: Annotated[
        str | None,
        typer.Option(rich_help_panel=_FILES, help="Between the cells of CSV files; a comma if not told."),
    ] = None,
    decimal: Annotated[
        DecimalMark, typer.Option(rich_help_panel=_FILES, help="Decimal mark of amounts.")
    ] = DecimalMark.POINT,
    date_format: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FORMAT",
            rich_help_panel=_FILES,
            help="How times are written, such as %d.%m.%Y; may be given again. ISO 8601 if not told.",
        ),
    ] = None,
    currency: Annotated[
        str | None,
        typer.Option(rich_help_panel=_FILES, help="ISO 4217 code of amounts that come without a currency."),
    ] = None,
    max_rejected: Annotated[
        float,
        typer.Option(
            rich_help_panel=_FILES, help="Share of a file's rows that may be bad; they go to rejected.csv."
        ),
    ] = 0.01,
    key_file: Annotated[
        Path | None, typer.Option(help="Key for pseudonyms (RINGFENCE_KEY_FILE; made on first use).")
    ] = None,
    fail_if_idle: Annotated[
        bool, typer.Option("--fail-if-idle", help="Exit with 3 if no ring is found.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print a summary as JSON.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")] = False,
) -> None:
    """Find the rings in a folder of claims and write them, with reasons, to another folder.

    Example: ringfence detect --input market --out run --links
    """
    from ringfence.domain.currencies import NO_CURRENCY
    from ringfence.intake import IntakeOptions, Mapping, PseudonymKey
    from ringfence.services.detect_rings import DetectionRequest, detect_rings

    settings = settings_of(context)
    options = IntakeOptions(
        mapping=Mapping.load(mapping) if mapping else None,
        delimiter={"\\t": "\t", "tab": "\t"}.get(delimiter, delimiter) if delimiter else None,
        decimal=decimal.value,
        date_formats=tuple(date_format or ()),
        default_currency=currency or NO_CURRENCY,
        max_rejected=max_rejected,
    )
    request = DetectionRequest(inputs, out, options, links=links, previous=previous)
    key = PseudonymKey.load_or_create(key_file or settings.key_file)
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
    else:
        if len(detection.rings):
            print_table(
                f"{len(detection.rings):,} rings with {len(detection.members):,} buyers, strongest first",
                ("ring", "evidence", "buyers", "claims", "merchants", "amount"),
                [
                    (
                        row["ring_id"],
                        f"{row['score']:.1f}",
                        row["size"],
                        row["claims"],
                        row["merchants"],
                        row["amount"].replace(";", "; "),
                    )
                    for row in detection.rings.head(_SHOWN).iter_rows(named=True)
                ],
            )
        else:
            print_lines("No rings: no group of buyers claims together more than chance would have it.")
        if len(detection.rings) > _SHOWN:
            print_lines(f"All of them: ringfence rings list --run {out}")
        rejected = sum(file.rejected for file in outcome.files)
        if outcome.rejected:
            warn([f"{rejected:,} rows were rejected; {outcome.rejected} says where and why"])
        print_lines(*(f"note: {note}" for note in detection.notes))
        print_lines(
            f"{detection.counts['claims']:,} claims of {detection.counts['buyers']:,} buyers; "
            f"{len(detection.rings):,} rings in {out} ({outcome.timings['seconds']:.1f} s)"
        )
    if fail_if_idle and detection.rings.is_empty():
        raise typer.Exit(IDLE)
