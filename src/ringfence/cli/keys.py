"""`ringfence keys`: who may ask over the network."""

from typing import TYPE_CHECKING, Annotated

import typer

from ringfence.cli.acting import ActingAs, acting
from ringfence.cli.clock import clock
from ringfence.cli.context import StoreAddress, open_store
from ringfence.cli.exit_codes import WRONG_USE
from ringfence.cli.hints import pasteable
from ringfence.cli.moments import as_text
from ringfence.cli.printing import print_json, print_lines, print_table
from ringfence.domain.counted import counted
from ringfence.domain.scope import Role

if TYPE_CHECKING:
    from ringfence.domain.api_keys import ApiKey

commands = typer.Typer(help="Make, list and revoke the keys of the API.")

_Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@commands.callback(invoke_without_command=True)
def _keys(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())
        raise typer.Exit(WRONG_USE)


@commands.command("create", options_metavar="--name NAME --role ROLE [OPTIONS]")
def create(
    context: typer.Context,
    name: Annotated[str, typer.Option(metavar="NAME", help="Stands beside whatever is done with the key.")],
    role: Annotated[Role, typer.Option(metavar="ROLE", help="investigator, operator, job or merchant.")],
    merchant: Annotated[
        str | None, typer.Option(metavar="MERCHANT_ID", help="Whose part a merchant's key may see.")
    ] = None,
    days: Annotated[int, typer.Option(help="How long the key is valid.")] = 90,
    store: StoreAddress = None,
    acting_as: ActingAs = None,
    as_json: _Json = False,
) -> None:
    """Make a key and print its token, once: only a digest of it is kept.

    Example: ringfence keys create --name ana --role investigator --days 30
    """
    from ringfence.services.manage_keys import create_key

    principal = acting(acting_as, Role.OPERATOR)
    with open_store(context, store) as opened:
        key, token = create_key(opened, principal, name, role, merchant, days, clock())
    if as_json:
        print_json(_shown(key) | {"token": token})
        return
    print_lines(
        token,
        f"This token opens the API to {key.name} ({key.role}) until {as_text(key.expires_at)}.",
        "It is not shown again: keep it where secrets are kept.",
    )


@commands.command("list", options_metavar="[OPTIONS]")
def list_all(
    context: typer.Context,
    store: StoreAddress = None,
    acting_as: ActingAs = None,
    as_json: _Json = False,
) -> None:
    """List all keys, the latest first, without their secrets.

    Example: ringfence keys list
    """
    from ringfence.services.manage_keys import list_keys

    with open_store(context, store) as opened:
        keys = list_keys(opened, acting(acting_as, Role.OPERATOR))
    if as_json:
        print_json([_shown(key) for key in keys])
        return
    if not keys:
        print_lines(pasteable(context, "No keys; ringfence keys create makes one."))
        return
    headers = ("id", "name", "role", "merchant_id", "status", "created_at", "expires_at", "revoked_at")
    print_table(
        f"{counted(len(keys), 'key')}, the latest first",
        [header.removesuffix("_id").replace("_at", "") for header in headers],
        [[shown[header] or "" for header in headers] for shown in map(_shown, keys)],
        spare=("created", "merchant"),
    )


@commands.command("revoke", options_metavar="--reason TEXT [OPTIONS]")
def revoke(
    context: typer.Context,
    key_id: Annotated[str, typer.Argument(metavar="ID", help="The key's id, the part before the dot.")],
    reason: Annotated[str, typer.Option(help="Why; whoever looks later reads it.")],
    store: StoreAddress = None,
    acting_as: ActingAs = None,
    as_json: _Json = False,
) -> None:
    """End a key at once.

    Example: ringfence keys revoke k0123456789ab --reason "ana left"
    """
    from ringfence.services.manage_keys import revoke_key

    with open_store(context, store) as opened:
        key = revoke_key(opened, acting(acting_as, Role.OPERATOR), key_id, reason, clock())
    if as_json:
        print_json(_shown(key))
        return
    print_lines(f"{key.id} ({key.name}) is revoked.")


def _shown(key: "ApiKey") -> dict[str, str | None]:
    return {
        "id": key.id,
        "name": key.name,
        "role": key.role.value,
        "merchant_id": key.merchant_id,
        "status": key.status(clock()).value,
        "created_at": as_text(key.created_at),
        "expires_at": as_text(key.expires_at),
        "revoked_at": as_text(key.revoked_at),
    }
