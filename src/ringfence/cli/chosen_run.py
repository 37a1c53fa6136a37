"""The options that say which run a command is about: a folder's, or a store's."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ringfence.cli.context import open_store
from ringfence.cli.hints import remember

if TYPE_CHECKING:
    from ringfence.export import RunFolder

RunOption = Annotated[
    Path | None,
    typer.Option(
        "--run", metavar="DIR", callback=remember, help="Folder of a run; without it the store's run."
    ),
]
RunIdOption = Annotated[
    int | None,
    typer.Option("--run-id", min=1, metavar="N", help="Run of the store; without it the published one."),
]


def read_chosen_run(
    context: typer.Context, run: Path | None, store: str | None, run_id: int | None
) -> "RunFolder":
    """Read the whole run that the options name.

    Raises NotFoundError where there is none, InvalidError where its folder is damaged.
    """
    refuse_folder_and_store(run, store, run_id)
    if run is not None:
        from ringfence.export import read_run

        return read_run(run)
    from ringfence.services.stored_runs import read_stored_run

    with open_store(context, store) as opened:
        return read_stored_run(opened, run_id)


def refuse_folder_and_store(run: Path | None, store: str | None, run_id: int | None) -> None:
    """Refuse options that name both."""
    if run is not None and (store is not None or run_id is not None):
        raise typer.BadParameter("names a folder; leave --store and --run-id away.", param_hint="--run")
