"""`ringfence leads`: suspicions too weak to be rings, and what people decide about them."""

import json
import sys
from collections.abc import Callable
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
from ringfence.cli.moments import as_text
from ringfence.cli.printing import DECADES, jsonable, print_json, print_lines, print_table
from ringfence.cli.rings import print_joint_claims, print_members
from ringfence.domain.chance import chance_sentence
from ringfence.domain.leads import LeadKind, LeadQuery
from ringfence.domain.scope import Role

if TYPE_CHECKING:
    from ringfence.domain.lead_decisions import LeadStanding
    from ringfence.services.stored_runs import ListedLeads

commands = typer.Typer(help="List, show, dismiss and export leads: suspicions too weak to be rings.")

_Lead = Annotated[str, typer.Argument(metavar="LEAD", help="The lead's id.")]
_Reason = Annotated[str, typer.Option(help="Why, for the next reader.")]
_Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
_Seen = Annotated[
    int | None,
    typer.Option(
        "--seen",
        metavar="VERSION",
        min=0,
        help="The version you saw (leads list --json has it): fail if others changed the record since.",
    ),
]


class LeadFormat(StrEnum):
    """What leads are exported as."""

    CSV = "csv"
    JSON = "json"


@commands.callback(invoke_without_command=True)
def _leads(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())
        raise typer.Exit(WRONG_USE)


@commands.command("list", options_metavar="[--run DIR | --store ADDRESS] [OPTIONS]")
def list_leads(
    context: typer.Context,
    run: RunOption = None,
    store: StoreAddress = None,
    run_id: RunIdOption = None,
    kind: Annotated[LeadKind | None, typer.Option(help="Only leads of this kind.")] = None,
    buyer: Annotated[str | None, typer.Option(help="Only leads with this buyer.")] = None,
    ring: Annotated[str | None, typer.Option(help="Only leads near this ring.")] = None,
    dismissed: Annotated[
        bool, typer.Option("--dismissed", help="Also leads of a store that were dismissed.")
    ] = False,
    limit: Annotated[int, typer.Option(min=1, help="Maximum number of leads.")] = 50,
    acting_as: ActingAs = None,
    as_json: _Json = False,
) -> None:
    """List the leads of a run, strongest first: worth a look, and no accusation.

    Example: ringfence leads list --kind one_occasion
    """
    from ringfence.services.stored_runs import list_folder_leads, list_stored_leads

    refuse_folder_and_store(run, store, run_id)
    query = LeadQuery(kind=kind, buyer_id=buyer, ring_id=ring)
    if run is not None:
        if dismissed:
            raise typer.BadParameter("needs a store; a folder holds no decisions.", param_hint="--dismissed")
        found = list_folder_leads(run, query, limit)
    else:
        principal = acting(acting_as, Role.OPERATOR)
        with (
            open_store(context, store) as opened,
            audited(context, opened, principal, buyer, ring) as subjects,
        ):
            found = list_stored_leads(opened, principal, query, limit, run_id, with_dismissed=dismissed)
            subjects.update(found.shown["lead_id"])
    standings = found.standings or {}
    if as_json:
        print_json(
            [
                jsonable(row) | (standings[row["lead_id"]].in_short() if standings else {})
                for row in found.shown.iter_rows(named=True)
            ]
        )
        return
    if found.shown.is_empty():
        print_lines(pasteable(context, _nothing(found, is_in_store=run is None)))
        return
    print_table(
        f"{len(found.shown):,} of {found.total:,} leads, strongest first ({DECADES})",
        (
            *(
                "lead",
                "kind",
                "near ring",
                "evidence",
                "buyers",
                "claims",
                "merchants",
                "occasions",
                "amount",
            ),
            *["status", "because"] * bool(standings),
        ),
        [
            (
                row["lead_id"],
                row["kind"],
                row["ring_id"] or "",
                f"{row['score']:.1f}",
                row["size"],
                row["claims"],
                row["merchants"],
                "" if row["occasions"] is None else row["occasions"],
                row["amount"].replace(";", "; "),
                *(_stands(standings[row["lead_id"]]) if standings else ()),
            )
            for row in found.shown.iter_rows(named=True)
        ],
        spare=("near ring", "occasions", "merchants", "claims"),
        elsewhere=("because",),
    )
    if sys.stdout.isatty():
        back = [(lead_id, standing) for lead_id, standing in standings.items() if standing.is_back]
        print_lines(*(f"{lead_id} is open again: {standing.because}." for lead_id, standing in back))


def _stands(standing: "LeadStanding") -> tuple[str, str]:
    return "open again" if standing.is_back else standing.status.value, standing.because or ""


def _nothing(found: "ListedLeads", *, is_in_store: bool) -> str:
    """Say why nothing is listed, and what to do next."""
    if is_in_store and found.run_id is None:
        return "No run was published yet; ringfence detect makes one."
    if not found.of_run:
        return (
            "No leads: no group came near being a ring without being one; ringfence rings list shows the "
            "rings."
        )
    if found.dismissed == 1:
        return "No open lead fits, but 1 that was dismissed does; --dismissed lists it, too."
    if found.dismissed:
        return (
            f"No open lead fits, but {found.dismissed:,} that were dismissed do; --dismissed lists them, too."
        )
    return "No lead fits; ringfence leads list shows those that the run has."


@commands.command("show", options_metavar="[--run DIR | --store ADDRESS] [OPTIONS]")
def show_lead(
    context: typer.Context,
    lead_id: _Lead,
    run: RunOption = None,
    store: StoreAddress = None,
    run_id: RunIdOption = None,
    acting_as: ActingAs = None,
    as_json: _Json = False,
) -> None:
    """Show one lead: why, why it is not a ring, its buyers, and the claims behind it.

    Example: ringfence leads show l0123456789ab --run run
    """
    from ringfence.export import Format, read_run, render_leads, select_leads
    from ringfence.services.stored_runs import read_stored_lead

    refuse_folder_and_store(run, store, run_id)
    stored = None
    if run is not None:
        folder = select_leads(read_run(run), [lead_id])
    else:
        principal = acting(acting_as, Role.OPERATOR)
        with open_store(context, store) as opened, audited(context, opened, principal, lead_id) as subjects:
            stored = read_stored_lead(opened, principal, lead_id, run_id)
            subjects.update(stored.part.lead_members["buyer_id"])
        folder = stored.part
    if as_json:
        document = json.loads(render_leads(folder, Format.JSON))
        if stored is not None:
            document["leads"][0] |= {"run_id": stored.lead.run_id} | stored.standing.in_short()
        print_json(document)
        return
    lead = folder.leads.row(0, named=True)
    near = f", near ring {lead['ring_id']}" if lead["ring_id"] else ""
    print_lines(
        f"{lead['lead_id']} ({lead['kind'].replace('_', ' ')}{near})",
        f"{lead['why']} ({DECADES})",
        lead["why_not"],
        *([f"Amount: {lead['amount'].replace(';', '; ')}"] if lead["amount"] else []),
        *([chance_sentence(lead["p_value"])] if lead["p_value"] is not None else []),
        "",
    )
    print_members("Buyers", folder.lead_members)
    print_lines("")
    print_joint_claims(folder.lead_evidence)
    if stored is not None:
        print_lines(
            "",
            f"Shown as of run {stored.lead.run_id}.",
            f"Decided: {stored.standing.because or 'nothing'} (version {stored.standing.version})",
            *(
                f"{as_text(event.at)} {event.type} by {event.actor}: {event.data['reason']}"
                for event in stored.history
            ),
        )


@commands.command("dismiss", options_metavar="--reason TEXT [OPTIONS]")
def dismiss(
    context: typer.Context,
    lead: _Lead,
    reason: _Reason,
    store: StoreAddress = None,
    acting_as: ActingAs = None,
    seen: _Seen = None,
    as_json: _Json = False,
) -> None:
    """Dismiss a lead: lists leave it out in all runs to come, unless it grows.

    Example: ringfence leads dismiss l0123456789ab --reason "one lost van"
    """
    from ringfence.services import leads

    _decide(context, leads.dismiss, lead, reason, store, acting_as, seen, as_json)


@commands.command("restore", options_metavar="--reason TEXT [OPTIONS]")
def restore(
    context: typer.Context,
    lead: _Lead,
    reason: _Reason,
    store: StoreAddress = None,
    acting_as: ActingAs = None,
    seen: _Seen = None,
    as_json: _Json = False,
) -> None:
    """Take the dismissal of a lead back.

    Example: ringfence leads restore l0123456789ab --reason "it was no van"
    """
    from ringfence.services import leads

    _decide(context, leads.restore, lead, reason, store, acting_as, seen, as_json)


@commands.command("export", options_metavar="--format FORMAT [OPTIONS]")
def export(
    context: typer.Context,
    file_format: Annotated[LeadFormat, typer.Option("--format", "-f", help="What to write.")],
    run: RunOption = None,
    store: StoreAddress = None,
    run_id: RunIdOption = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="File to write; default: standard output.")
    ] = None,
    lead: Annotated[
        list[str] | None, typer.Option(metavar="LEAD_ID", help="Only this lead; may be given again.")
    ] = None,
    acting_as: ActingAs = None,
) -> None:
    """Export leads as CSV or JSON, dismissed ones included: those of a store with where they stand, and why.

    Example: ringfence leads export --run run --format csv --out leads.csv
    """
    from ringfence.export import Format, export_leads, read_run, select_leads
    from ringfence.services.stored_runs import read_stored_leads

    refuse_folder_and_store(run, store, run_id)
    standings = None
    if run is not None:
        folder = select_leads(read_run(run), lead or None)
    else:
        principal, asked = acting(acting_as, Role.OPERATOR), lead or ()
        with open_store(context, store) as opened, audited(context, opened, principal, *asked) as subjects:
            found = read_stored_leads(opened, principal, lead or None, run_id)
            folder, standings = found.part, found.standings
            subjects.update(folder.leads["lead_id"], folder.lead_members["buyer_id"])
    target = sys.stdout.buffer if out is None else out
    export_leads(folder, target, Format(file_format.value), standings=standings)


def _decide(
    context: typer.Context,
    change: "Callable[..., LeadStanding]",
    lead: str,
    reason: str,
    store: str | None,
    acting_as: str | None,
    seen: int | None,
    as_json: bool,
) -> None:
    principal = acting(acting_as, Role.INVESTIGATOR)
    with open_store(context, store) as opened, audited(context, opened, principal, lead):
        standing = change(opened, principal, lead, reason, clock(), seen)
    if as_json:
        print_json({"lead_id": lead} | standing.in_short())
        return
    print_lines(f"{lead}: {standing.because} (version {standing.version})")
