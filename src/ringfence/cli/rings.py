"""`ringfence rings`: look at the rings of a run, and hand them to other tools."""

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ringfence.cli.exit_codes import WRONG_USE
from ringfence.cli.printing import print_json, print_lines, print_table
from ringfence.domain.errors import InvalidError

if TYPE_CHECKING:
    from ringfence.export import RunFolder

commands = typer.Typer(help="List, show and export the rings of a run.")

_Run = Annotated[Path, typer.Option("--run", help="Folder of the run.")]
_Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


class ExportFormat(StrEnum):
    """What rings are exported as."""

    CSV = "csv"
    GEXF = "gexf"
    GRAPHML = "graphml"
    JSON = "json"


@commands.callback(invoke_without_command=True)
def _rings(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())
        raise typer.Exit(WRONG_USE)


@commands.command("list", options_metavar="--run DIR [OPTIONS]")
def list_rings(
    run: _Run,
    merchant: Annotated[str | None, typer.Option(help="Only rings that hit this merchant.")] = None,
    buyer: Annotated[str | None, typer.Option(help="Only the ring of this buyer.")] = None,
    network: Annotated[str | None, typer.Option(help="Only rings of this network.")] = None,
    min_score: Annotated[float, typer.Option(help="Only rings of at least this evidence, in decades.")] = 0.0,
    limit: Annotated[int, typer.Option(min=1, help="At most so many rings.")] = 50,
    as_json: _Json = False,
) -> None:
    """List the rings of a run, strongest first.

    Example: ringfence rings list --run run --min-score 10
    """
    import polars as pl

    from ringfence.export import read_run

    folder = read_run(run)
    rings = folder.rings.filter(pl.col("score") >= min_score)
    if merchant is not None:
        hit = folder.evidence.filter(pl.col("merchant_id") == merchant)["ring_id"].unique()
        rings = rings.filter(pl.col("ring_id").is_in(hit.implode()))
    if buyer is not None:
        of_buyer = folder.members.filter(pl.col("buyer_id") == buyer)["ring_id"].unique()
        rings = rings.filter(pl.col("ring_id").is_in(of_buyer.implode()))
    if network is not None:
        rings = rings.filter(pl.col("network_id") == network)
    shown = rings.head(limit)
    if as_json:
        print_json([_jsonable(row) for row in shown.iter_rows(named=True)])
        return
    if rings.is_empty():
        print_lines("No rings." if folder.rings.is_empty() else "No ring fits.")
        return
    print_table(
        f"{len(shown):,} of {len(folder.rings):,} rings, strongest first",
        ("ring", "network", "evidence", "buyers", "claims", "merchants", "amount", "from", "to"),
        [
            (
                row["ring_id"],
                row["network_id"],
                f"{row['score']:.1f}",
                row["size"],
                row["claims"],
                row["merchants"],
                row["amount"].replace(";", "; "),
                f"{row['first_claim_at']:%Y-%m-%d}",
                f"{row['last_claim_at']:%Y-%m-%d}",
            )
            for row in shown.iter_rows(named=True)
        ],
        spare=("network", "from"),
    )


@commands.command("show", options_metavar="--run DIR [OPTIONS]")
def show_ring(
    ring_id: Annotated[str, typer.Argument(help="The ring's id.")],
    run: _Run,
    as_json: _Json = False,
) -> None:
    """Show one ring: why, its members, their links, and the claims behind it.

    Example: ringfence rings show r0123456789ab --run run
    """
    from ringfence.export import Format, read_run, render_rings, select_rings

    folder = select_rings(read_run(run), [ring_id])
    if as_json:
        sys.stdout.buffer.write(render_rings(folder, Format.JSON))
        return
    ring = folder.rings.row(0, named=True)
    print_lines(
        f"{ring['ring_id']} (network {ring['network_id']})",
        ring["why"],
        f"Amount: {ring['amount'].replace(';', '; ')}",
        "",
    )
    print_table(
        "Members",
        ("buyer", "evidence", "why"),
        [
            (row["buyer_id"], f"{row['score']:.1f}", row["why"])
            for row in folder.members.iter_rows(named=True)
        ],
    )
    print_lines("")
    print_table(
        "Joint claims",
        ("event", "merchant", "filed at", "buyer", "claim", "amount", "by chance"),
        [
            (
                row["event"],
                row["merchant_id"],
                f"{row['filed_at']:%Y-%m-%d %H:%M}",
                row["buyer_id"],
                row["claim_id"],
                row["amount"],
                f"{row['expected']:.2g}",
            )
            for row in folder.evidence.iter_rows(named=True)
        ],
        spare=("claim",),
    )
    print_lines("By chance: how many claims of strangers would lie as near.")
    _print_links(folder)


def _print_links(folder: "RunFolder") -> None:
    print_lines("")
    if folder.links is None:
        print_lines("Links were not written; ringfence detect --links writes them.")
        return
    print_table(
        "Links",
        ("buyer", "buyer", "evidence", "why"),
        [
            (row["buyer_a"], row["buyer_b"], f"{row['score']:.1f}", row["why"])
            for row in folder.links.iter_rows(named=True)
        ],
    )


@commands.command("export", options_metavar="--run DIR --format FORMAT [OPTIONS]")
def export(
    run: _Run,
    file_format: Annotated[ExportFormat, typer.Option("--format", "-f", help="What to write.")],
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="File to write; standard output if not told.")
    ] = None,
    ring: Annotated[
        list[str] | None, typer.Option(metavar="RING_ID", help="Only this ring; may be given again.")
    ] = None,
) -> None:
    """Export rings as CSV, GEXF (Gephi), GraphML or JSON.

    Example: ringfence rings export --run run --format gexf --out rings.gexf
    """
    from ringfence.export import Format, export_rings, read_run

    folder = read_run(run)
    if out is None and sys.stdout.isatty() and file_format in (ExportFormat.GEXF, ExportFormat.GRAPHML):
        raise InvalidError("name a file with --out, or send the output into a pipe")
    export_rings(folder, sys.stdout.buffer if out is None else out, Format(file_format.value), ring or None)


def _jsonable(row: dict[str, object]) -> dict[str, object]:
    return {
        name: value.strftime("%Y-%m-%dT%H:%M:%SZ") if hasattr(value, "strftime") else value
        for name, value in row.items()
    }
