"""`ringfence rings`: look at the rings of a run, and hand them to other tools."""

import json
import sys
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ringfence.cli.acting import ActingAs, acting
from ringfence.cli.audited import audited
from ringfence.cli.chosen_run import RunIdOption, RunOption, refuse_folder_and_store
from ringfence.cli.clock import clock
from ringfence.cli.context import StoreAddress, open_store
from ringfence.cli.exit_codes import WRONG_USE
from ringfence.cli.hints import pasteable
from ringfence.cli.moments import as_moment, read_moment
from ringfence.cli.printing import DECADES, jsonable, print_json, print_lines, print_table
from ringfence.domain.chance import chance_sentence, chance_text
from ringfence.domain.errors import InvalidError
from ringfence.domain.ring_decisions import RingStatus
from ringfence.domain.rings import RingOrder, RingQuery
from ringfence.domain.scope import Role

if TYPE_CHECKING:
    import polars as pl

    from ringfence.export import RunFolder
    from ringfence.services.stored_runs import StoredRing

commands = typer.Typer(help="List, show and export the rings of a run.")

_Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


class ExportFormat(StrEnum):
    """What rings are exported as."""

    CSV = "csv"
    GEXF = "gexf"
    GRAPHML = "graphml"
    JSON = "json"


class ListedStatus(StrEnum):
    """Which rings of a store are listed."""

    OPEN = "open"
    CONFIRMED = "confirmed"
    DISMISSED = "dismissed"
    SNOOZED = "snoozed"
    ALLOWED = "allowed"
    ALL = "all"


class ListedBy(StrEnum):
    """What rings are listed by."""

    SCORE = "score"
    PRIORITY = "priority"
    SIZE = "size"
    CLAIMS = "claims"
    LAST_CLAIM_AT = "last-claim-at"


_FIRST = {
    ListedBy.SCORE: "strongest",
    ListedBy.PRIORITY: "most urgent",
    ListedBy.SIZE: "largest",
    ListedBy.CLAIMS: "most claims",
    ListedBy.LAST_CLAIM_AT: "latest",
}


@commands.callback(invoke_without_command=True)
def _rings(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())
        raise typer.Exit(WRONG_USE)


@commands.command("list", options_metavar="[--run DIR | --store ADDRESS] [OPTIONS]")
def list_rings(
    context: typer.Context,
    run: RunOption = None,
    store: StoreAddress = None,
    run_id: RunIdOption = None,
    merchant: Annotated[str | None, typer.Option(help="Only rings that hit this merchant.")] = None,
    buyer: Annotated[str | None, typer.Option(help="Only the ring of this buyer.")] = None,
    network: Annotated[str | None, typer.Option(help="Only rings of this network.")] = None,
    min_score: Annotated[float, typer.Option(help="Only rings of at least this evidence, in decades.")] = 0.0,
    status: Annotated[
        list[ListedStatus] | None,
        typer.Option(
            metavar="STATUS",
            help="Only rings of a store that are open, confirmed, dismissed, snoozed or allowed, or all; may "
            "be given again. Open and confirmed if not told.",
        ),
    ] = None,
    new_since: Annotated[
        datetime | None,
        typer.Option(
            parser=read_moment,
            metavar="DATE",
            help="Only rings of a store that were first published then or later, UTC if no zone is given.",
        ),
    ] = None,
    order: Annotated[
        ListedBy,
        typer.Option(help="What comes first; priority is evidence times money times merchants hit."),
    ] = ListedBy.SCORE,
    limit: Annotated[int, typer.Option(min=1, help="At most so many rings.")] = 50,
    acting_as: ActingAs = None,
    as_json: _Json = False,
) -> None:
    """List the rings of a run, strongest first; those of a store that are down only if asked for.

    Example: ringfence rings list --order priority --new-since 2026-11-01
    """
    from ringfence.services.stored_runs import list_folder_rings, list_stored_rings

    refuse_folder_and_store(run, store, run_id)
    query = RingQuery(
        min_score=min_score,
        merchant_id=merchant,
        buyer_id=buyer,
        network_id=network,
        born_since=as_moment(new_since),
        order=RingOrder(order.replace("-", "_")),
    )
    if run is not None:
        if new_since:
            raise typer.BadParameter(
                "needs a store; a folder does not tell when rings came.", param_hint="--new-since"
            )
        if status:
            raise typer.BadParameter("needs a store; a folder holds no decisions.", param_hint="--status")
        found = list_folder_rings(run, query, limit)
    else:
        principal, asked = acting(acting_as, Role.OPERATOR), (merchant, buyer, network)
        with open_store(context, store) as opened, audited(context, opened, principal, *asked) as subjects:
            found = list_stored_rings(opened, principal, query, _statuses(status), limit, clock(), run_id)
            subjects.update(found.shown["ring_id"])
    standings = found.standings or {}
    if as_json:
        print_json(
            [
                jsonable(row) | (standings[row["ring_id"]].in_short() if row["ring_id"] in standings else {})
                for row in found.shown.iter_rows(named=True)
            ]
        )
        return
    if found.shown.is_empty():
        if run is None and found.run_id is None:
            print_lines(pasteable(context, "No run was published yet; ringfence detect makes one."))
            return
        if found.total == 0:
            print_lines(pasteable(context, "No rings; ringfence leads list shows weaker suspicions."))
            return
        hint = "; --status all lists those that are down, too." if run is None and not status else "."
        print_lines(f"No ring fits{hint}")
        return
    print_table(
        f"{len(found.shown):,} of {found.total:,} rings, {_FIRST[order]} first ({DECADES})",
        (
            *(
                "ring",
                "network",
                "evidence",
                "p-value",
                "buyers",
                "claims",
                "merchants",
                "amount",
                "from",
                "to",
            ),
            *["status"] * bool(standings),
        ),
        [
            (
                row["ring_id"],
                row["network_id"],
                f"{row['score']:.1f}",
                "" if row["p_value"] is None else chance_text(row["p_value"]),
                row["size"],
                row["claims"],
                row["merchants"],
                row["amount"].replace(";", "; "),
                f"{row['first_claim_at']:%Y-%m-%d}",
                f"{row['last_claim_at']:%Y-%m-%d}",
                *([standings[row["ring_id"]].status.value] if standings else []),
            )
            for row in found.shown.iter_rows(named=True)
        ],
        spare=("network", "from", "p-value", "to", "merchants"),
    )


@commands.command("show", options_metavar="[--run DIR | --store ADDRESS] [OPTIONS]")
def show_ring(
    context: typer.Context,
    ring_id: Annotated[str, typer.Argument(help="The ring's id.")],
    run: RunOption = None,
    store: StoreAddress = None,
    run_id: RunIdOption = None,
    acting_as: ActingAs = None,
    as_json: _Json = False,
) -> None:
    """Show one ring: why, its members, their links, and the claims behind it.

    Example: ringfence rings show r0123456789ab --run run
    """
    from ringfence.export import Format, read_run, render_rings, select_rings
    from ringfence.services.stored_runs import read_stored_ring

    refuse_folder_and_store(run, store, run_id)
    stored = None
    if run is not None:
        folder = select_rings(read_run(run), [ring_id])
    else:
        principal = acting(acting_as, Role.OPERATOR)
        with open_store(context, store) as opened, audited(context, opened, principal, ring_id) as subjects:
            stored = read_stored_ring(opened, principal, ring_id, clock(), run_id)
            subjects.update(stored.part.members["buyer_id"])
        folder = stored.part
    if as_json:
        document = json.loads(render_rings(folder, Format.JSON))
        if stored is not None:
            document["rings"][0] |= stored.life()
        print_json(document)
        return
    ring = folder.rings.row(0, named=True)
    print_lines(
        f"{ring['ring_id']} (network {ring['network_id']})",
        f"{ring['why']} ({DECADES})",
        f"Amount: {ring['amount'].replace(';', '; ')}",
        *([chance_sentence(ring["p_value"])] if ring["p_value"] is not None else []),
        "",
    )
    print_members("Members", folder.members)
    print_lines("")
    print_joint_claims(folder.evidence)
    _print_links(folder)
    if stored is not None:
        _print_life(stored)


def print_members(title: str, members: "pl.DataFrame") -> None:
    """Print the buyers of a ring or a lead."""
    print_table(
        title,
        ("buyer", "evidence", "why"),
        [(row["buyer_id"], f"{row['score']:.1f}", row["why"]) for row in members.iter_rows(named=True)],
    )


def print_joint_claims(evidence: "pl.DataFrame") -> None:
    """Print the claims that a ring or a lead rests on."""
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
                f"{row['expected']:.2g}{' (weak)' if row['weak'] else ''}",
            )
            for row in evidence.iter_rows(named=True)
        ],
        spare=("claim",),
    )
    print_lines(
        "By chance: how many claims of strangers would lie as near as the nearest other buyer's. Weak: "
        "chance would bring as many strangers as near, however many of these buyers are counted."
    )


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


def _print_life(stored: "StoredRing") -> None:
    ring = stored.ring
    origin = f", split from {ring.origin_ring_id}" if ring.origin_ring_id else ""
    if stored.is_withheld:
        since = ", which is withheld"
    else:
        since = "" if stored.is_alive else ", since when it has ended"
    print_lines(
        "",
        f"Found first in run {ring.first_run_id}{origin}; shown as of run {ring.run_id}{since}.",
        f"Decided: {stored.standing.because or 'nothing'}",
        f"Owner: {stored.standing.owner or 'nobody'}; notes: {stored.standing.notes}",
    )
    print_table(
        "Life",
        ("run", "event", "ring", "before", "in common"),
        [
            (step.run_id, step.event, step.ring_id, step.previous_ring_id, f"{step.common:.2f}")
            for step in stored.lineage
        ],
    )


@commands.command("export", options_metavar="--format FORMAT [OPTIONS]")
def export(
    context: typer.Context,
    file_format: Annotated[ExportFormat, typer.Option("--format", "-f", help="What to write.")],
    run: RunOption = None,
    store: StoreAddress = None,
    run_id: RunIdOption = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="File to write; standard output if not told.")
    ] = None,
    ring: Annotated[
        list[str] | None, typer.Option(metavar="RING_ID", help="Only this ring; may be given again.")
    ] = None,
    acting_as: ActingAs = None,
) -> None:
    """Export rings as CSV, GEXF (Gephi), GraphML or JSON.

    Example: ringfence rings export --run run --format gexf --out rings.gexf
    """
    from ringfence.export import Format, export_rings, read_run, select_rings
    from ringfence.services.stored_runs import read_stored_run

    refuse_folder_and_store(run, store, run_id)
    if out is None and sys.stdout.isatty() and file_format in (ExportFormat.GEXF, ExportFormat.GRAPHML):
        raise InvalidError("name a file with --out, or send the output into a pipe")
    if run is not None:
        folder = select_rings(read_run(run), ring or None)
    else:
        principal, asked = acting(acting_as, Role.OPERATOR), ring or ()
        with open_store(context, store) as opened, audited(context, opened, principal, *asked) as subjects:
            folder = select_rings(read_stored_run(opened, run_id), ring or None)
            subjects.update(folder.rings["ring_id"], folder.members["buyer_id"])
    export_rings(folder, sys.stdout.buffer if out is None else out, Format(file_format.value))


def _statuses(asked: list[ListedStatus] | None) -> frozenset[RingStatus]:
    if not asked:
        return frozenset(status for status in RingStatus if not status.is_down)
    if ListedStatus.ALL in asked:
        return frozenset(RingStatus)
    return frozenset(RingStatus(status.value) for status in asked)
