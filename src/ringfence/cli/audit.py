"""`ringfence audit`: who asked what about whom, and whether it is as it was written."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ringfence.cli.acting import OPERATOR, ActingAs, acting
from ringfence.cli.audit_key import audit_key, audit_key_in
from ringfence.cli.clock import clock
from ringfence.cli.context import StoreAddress, open_store
from ringfence.cli.exit_codes import FAILED, WRONG_USE
from ringfence.cli.moments import as_text
from ringfence.cli.printing import fail, print_json, print_lines, print_table
from ringfence.domain.counted import counted
from ringfence.domain.errors import InvalidError
from ringfence.domain.scope import Role

if TYPE_CHECKING:
    from ringfence.domain.audit import SealedEntry

commands = typer.Typer(help="List the audit, verify it, and erase what is old.")

_Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@commands.callback(invoke_without_command=True)
def _audit(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())
        raise typer.Exit(WRONG_USE)


@commands.command("list", options_metavar="[OPTIONS]")
def list_entries(
    context: typer.Context,
    actor: Annotated[
        str | None, typer.Option(metavar="NAME", help="Only what this key or person asked.")
    ] = None,
    subject: Annotated[
        str | None, typer.Option(metavar="ID", help="Only about this buyer, ring, verification or the like.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many entries.")] = 50,
    store: StoreAddress = None,
    as_json: _Json = False,
) -> None:
    """List what was asked about people, the latest first.

    Example: ringfence audit list --subject b000042
    """
    from ringfence.services.audit import list_audit

    with open_store(context, store) as opened:
        page = list_audit(opened, OPERATOR, limit, None, actor, subject)
    shown = [_shown(sealed) for sealed in page.items]
    if as_json:
        print_json(shown)
        return
    if not shown:
        print_lines("Nothing was asked.")
        return
    headers = ("at", "actor", "role", "purpose", "operation", "subjects", "outcome")
    print_table(
        f"{len(shown):,} of {page.total:,} entries, the latest first",
        headers,
        [[_cell(told.get(header, "(erased)")) for header in headers] for told in shown],
        spare=("role", "purpose"),
    )


@commands.command("heads", options_metavar="[OPTIONS]")
def heads(context: typer.Context, store: StoreAddress = None, as_json: _Json = False) -> None:
    """Print the end of each chain, to be kept where nobody who can write to the store can.

    Example: ringfence audit heads > heads.txt
    """
    from ringfence.services.audit import audit_heads

    with open_store(context, store) as opened:
        found = audit_heads(opened, OPERATOR)
    if as_json:
        print_json([str(head) for head in found])
        return
    print_lines(*map(str, found))


@commands.command("verify", options_metavar="[OPTIONS]")
def verify(
    context: typer.Context,
    head: Annotated[
        list[str] | None, typer.Option(metavar="HEAD", help="A head that was kept; may be given often.")
    ] = None,
    heads: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A file of heads that were kept, one a line.")
    ] = None,
    key_file: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", help="Another key that others sealed theirs under; may be given often."),
    ] = None,
    store: StoreAddress = None,
    as_json: _Json = False,
) -> None:
    """Look whether the audit is as it was sealed; exit with 1 and name what is not.

    Whether the end of a chain was cut off shows by heads that were kept.

    Example: ringfence audit verify --heads heads.txt
    """
    from dataclasses import asdict

    from ringfence.domain.audit import Head
    from ringfence.services.audit import verify_audit

    written = [*(head or ()), *_lines(heads)]
    kept = [Head.read(text) for text in written]
    key, others = audit_key(context), [audit_key_in(path) for path in key_file or ()]
    with open_store(context, store) as opened:
        found = verify_audit(opened, OPERATOR, key, kept, others)
    if as_json:
        broken = [asdict(one) | {"at": as_text(one.at)} for one in found.broken]
        print_json(asdict(found) | {"broken": broken})
    else:
        print_lines(
            f"As sealed: {counted(found.entries, 'entry', 'entries')} in {counted(found.chains, 'chain')}; "
            f"erased of them: {found.erased:,}."
        )
    for one in found.broken:
        at = f", {as_text(one.at)}" if one.at is not None else ""
        fail(f"chain {one.chain}, entry {one.number:,}{at}: {one.why}")
    if found.broken:
        raise typer.Exit(FAILED)


@commands.command("erase", options_metavar="--days DAYS [OPTIONS]")
def erase(
    context: typer.Context,
    days: Annotated[int, typer.Option(help="How many days of the audit are kept.")],
    store: StoreAddress = None,
    acting_as: ActingAs = None,
    as_json: _Json = False,
) -> None:
    """Erase what older entries say; that there were some stays, and can be verified.

    Example: ringfence audit erase --days 400
    """
    from ringfence.services.audit import erase_audit

    with open_store(context, store) as opened:
        erased = erase_audit(opened, acting(acting_as, Role.OPERATOR), days, clock())
    if as_json:
        print_json({"erased": erased})
        return
    print_lines(f"{counted(erased, 'entry is', 'entries are')} erased.")


def _lines(path: Path | None) -> list[str]:
    if path is None:
        return []
    try:
        return [line for line in path.read_text("utf-8").splitlines() if line.strip()]
    except UnicodeDecodeError as error:
        raise InvalidError(f"{path} is no file of heads; write one by ringfence audit heads.") from error


def _shown(sealed: "SealedEntry") -> dict[str, object]:
    entry = sealed.entry
    place = {"at": as_text(sealed.at), "chain": sealed.chain, "number": sealed.number}
    return place | ({} if entry is None else {name: getattr(entry, name) for name in entry.__slots__})


def _cell(value: object) -> str:
    return ", ".join(value) if isinstance(value, tuple) else str(value)
