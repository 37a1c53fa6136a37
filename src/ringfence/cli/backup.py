"""`ringfence backup` and `ringfence restore`: a copy of the store, and back."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ringfence.cli.acting import ActingAs, acting
from ringfence.cli.audited import audited
from ringfence.cli.context import StoreAddress, address_of, open_store, stores_of
from ringfence.cli.moments import as_text
from ringfence.cli.printing import print_json, print_lines
from ringfence.cli.progress import show_progress
from ringfence.domain.counted import counted
from ringfence.domain.scope import Role

if TYPE_CHECKING:
    from ringfence.services.back_up import Contents
    from ringfence.store import Backup, Restored

_Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
_Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")]


def backup(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="File to write; it must not exist.")],
    store: StoreAddress = None,
    acting_as: ActingAs = None,
    as_json: _Json = False,
    quiet: _Quiet = False,
) -> None:
    """Copy the store into one file while it is in use, and verify the copy.

    The key of the pseudonyms is not in it; keep that elsewhere.

    Example: ringfence backup monday.sqlite
    """
    from ringfence.services.back_up import back_up

    with open_store(context, store) as opened, audited(context, opened, acting(acting_as, Role.OPERATOR)):
        pass
    with show_progress(quiet) as progress:
        made, contents = back_up(stores_of(context), address_of(context, store), file, progress)
    _tell(f"{file} is a verified copy", str(file), made, contents, as_json)


def restore(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The backup.")],
    store: StoreAddress = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Replace the store that is there; it may be in use.")
    ] = False,
    as_json: _Json = False,
    quiet: _Quiet = False,
) -> None:
    """Make the store what a backup holds, whatever kind of store it was made of.

    A store in a file is replaced in one step; one on a server is emptied and written anew.

    Example: ringfence restore monday.sqlite --replace
    """
    from ringfence.services.back_up import restore as put_back

    with show_progress(quiet) as progress:
        made, contents = put_back(
            stores_of(context), file, address_of(context, store), replace=replace, progress=progress
        )
    place = str(made.path or address_of(context, store))
    _tell(f"{place} is what {file} holds", place, made, contents, as_json)


def _tell(what: str, place: str, made: "Backup | Restored", contents: "Contents", as_json: bool) -> None:
    published_at = as_text(made.health.last_published_at)
    if as_json:
        print_json(
            {"path": place, "size_bytes": made.size_bytes, "published_at": published_at} | asdict(contents)
        )
        return
    size = f" ({made.size_bytes / 1e6:,.1f} MB)" if made.size_bytes is not None else ""
    run = (
        f"run {contents.run_id} of {published_at} with {counted(contents.rings, 'ring')}"
        if contents.run_id is not None
        else "no run"
    )
    print_lines(
        f"{what}{size}: loads: {contents.loads:,}, {run}, "
        f"decided rings: {contents.decided_rings:,}, keys: {contents.keys:,}"
    )
