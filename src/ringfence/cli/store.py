"""`ringfence store`: a store as a whole."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated

import typer

from ringfence.cli.acting import ActingAs, acting
from ringfence.cli.audited import audited
from ringfence.cli.clock import clock
from ringfence.cli.context import open_store, stores_of, targets_of
from ringfence.cli.exit_codes import WRONG_USE
from ringfence.cli.printing import print_json, print_table
from ringfence.cli.progress import show_progress
from ringfence.domain.scope import Role

if TYPE_CHECKING:
    from ringfence.store.fingerprints import Fingerprint

commands = typer.Typer(help="Copy a store into another.")


@commands.callback(invoke_without_command=True)
def _store(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())
        raise typer.Exit(WRONG_USE)


@commands.command("copy", options_metavar="[OPTIONS]")
def copy(
    context: typer.Context,
    source: Annotated[str, typer.Argument(metavar="FROM", help="Address of a store; it may be in use.")],
    target: Annotated[str, typer.Argument(metavar="TO", help="Address of an empty store, or of this copy.")],
    without_personal_data: Annotated[
        bool,
        typer.Option(
            "--without-personal-data",
            help="Leave out API keys, pseudonyms of identifiers, merchants' names, and people's names and "
            "words: for a copy to browse.",
        ),
    ] = False,
    acting_as: ActingAs = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print a summary as JSON.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")] = False,
) -> None:
    """Copy a store into another of any kind, and compare both.

    An interrupted copy goes on where it stopped if the same command is given again; later, it brings over
    what is new.

    Example: ringfence store copy store.sqlite neo4j://127.0.0.1:7687
    """
    from ringfence.services.copy_store import copy_store
    from ringfence.store.fingerprints import of_all

    with open_store(context, source) as opened, audited(context, opened, acting(acting_as, Role.OPERATOR)):
        pass
    with show_progress(quiet) as progress:
        copied = copy_store(
            (stores_of(context), source),
            (targets_of(context), target),
            clock,
            without_personal_data=without_personal_data,
            progress=progress,
        )
    pieces: dict[str, Mapping[str, Fingerprint]] = {
        "loads": copied.loads,
        "reports": copied.reports,
        "runs": copied.runs,
        "records": copied.records,
        "audit": copied.audit,
    }
    if as_json:
        print_json(
            {"from": source, "to": target, "without_personal_data": without_personal_data}
            | {kind: {name: _shown(each) for name, each in found.items()} for kind, found in pieces.items()}
        )
        return
    print_table(
        f"{target} is a verified copy",
        ("what", "pieces", "rows", "sha256"),
        [
            (kind, f"{len(found):,}", f"{whole.rows:,}", whole.sha256[:16])
            for kind, found in pieces.items()
            for whole in (of_all(found),)
        ],
    )


def _shown(fingerprint: "Fingerprint") -> dict[str, int | str]:
    return {"rows": fingerprint.rows, "sha256": fingerprint.sha256}
