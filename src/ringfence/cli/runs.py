"""`ringfence runs`: what was detected when, and what came of it."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from ringfence.cli.acting import OPERATOR
from ringfence.cli.context import StoreAddress, open_store
from ringfence.cli.exit_codes import WRONG_USE
from ringfence.cli.moments import as_text
from ringfence.cli.printing import print_json, print_lines, print_table
from ringfence.domain.runs import RunState

if TYPE_CHECKING:
    from ringfence.domain.runs import Run

commands = typer.Typer(help="List and show the runs of a store.")

_Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@commands.callback(invoke_without_command=True)
def _runs(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())
        raise typer.Exit(WRONG_USE)


@commands.command("list", options_metavar="[OPTIONS]")
def list_runs(
    context: typer.Context,
    store: StoreAddress = None,
    state: Annotated[RunState | None, typer.Option(help="Only runs of this state.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many runs.")] = 50,
    as_json: _Json = False,
) -> None:
    """List the runs of a store, latest first.

    Example: ringfence runs list --state withheld
    """
    from ringfence.services import read_runs
    from ringfence.services.ask_for_run import run_request

    with open_store(context, store) as opened:
        page = read_runs.list_runs(opened, OPERATOR, limit, None, state)
        request = run_request(opened, OPERATOR)
    if as_json:
        print_json([_jsonable(run) for run in page.items])
        return
    if request is not None:
        at = as_text(request.asked_at)
        print_lines(f"{request.asked_by} has asked for a run at {at}: {request.reason}")
    if not page.items:
        print_lines("No runs." if state is None else f"No run is {state.value}.")
        return
    print_table(
        f"{len(page.items):,} of {page.total:,} runs, latest first",
        ("run", "state", "rings", "begun at", "ended at", "market", "why"),
        [
            (
                run.run_id,
                run.state.value,
                run.rings,
                as_text(run.begun_at),
                as_text(run.ended_at) or "",
                run.market_version,
                " ".join(run.reasons),
            )
            for run in page.items
        ],
        spare=("market", "ended at"),
    )


@commands.command("show", options_metavar="[OPTIONS]")
def show_run(
    context: typer.Context,
    run_id: Annotated[int, typer.Argument(metavar="RUN", help="The run's number.")],
    store: StoreAddress = None,
    as_json: _Json = False,
) -> None:
    """Show one run: its state and why, what it counted, and under which parameters.

    Example: ringfence runs show 7
    """
    from ringfence.services import read_runs

    with open_store(context, store) as opened:
        run = read_runs.find_run(opened, OPERATOR, run_id)
    if as_json:
        print_json(_jsonable(run))
        return
    ended = f", ended {as_text(run.ended_at)}" if run.ended_at is not None else ""
    print_lines(
        f"Run {run.run_id}: {run.state.value}",
        f"Begun {as_text(run.begun_at)}{ended}; it saw the market up to load {run.market_version}.",
        *run.reasons,
    )
    print_lines(*(f"note: {note}" for note in run.about.get("notes", ())))
    for title in ("counts", "parameters", "versions"):
        figures = [(name, value) for name, value in _flat(run.about.get(title, {}))]
        if figures:
            print_lines("")
            print_table(title.capitalize(), ("name", "value"), figures)


def _flat(values: dict[str, Any], prefix: str = "") -> list[tuple[str, object]]:
    rows: list[tuple[str, object]] = []
    for name, value in values.items():
        rows += _flat(value, f"{prefix}{name}.") if isinstance(value, dict) else [(f"{prefix}{name}", value)]
    return rows


def _jsonable(run: "Run") -> dict[str, object]:
    return {
        "run_id": run.run_id,
        "state": run.state.value,
        "rings": run.rings,
        "begun_at": as_text(run.begun_at),
        "ended_at": as_text(run.ended_at),
        "market_version": run.market_version,
        "reasons": list(run.reasons),
        "about": dict(run.about),
    }
