"""`ringfence serve`: the API, until it is stopped."""

from typing import TYPE_CHECKING, Annotated

import typer

from ringfence.cli.audit_key import audit_key
from ringfence.cli.chosen_policy import PolicyOption, chosen_policy
from ringfence.cli.clock import clock
from ringfence.cli.context import StoreAddress, open_store
from ringfence.cli.hints import pasteable
from ringfence.cli.printing import print_lines

if TYPE_CHECKING:
    import socket

    from ringfence.domain.policy import Policy
    from ringfence.store import Store

DEFAULT_PORT = 8410
Port = Annotated[int, typer.Option(min=0, max=65_535, help="Where it listens; 0 for any that is free.")]


def serve(
    context: typer.Context,
    store: StoreAddress = None,
    port: Port = DEFAULT_PORT,
    host: Annotated[
        str, typer.Option(help="An address of this machine, itself alone if not told.")
    ] = "127.0.0.1",
    behind_proxy: Annotated[
        bool,
        typer.Option(
            "--behind-proxy",
            help="A proxy with TLS stands before it: any address may be taken, and it answers to any name.",
        ),
    ] = False,
    no_graphiql: Annotated[
        bool, typer.Option("--no-graphiql", help="Without the page for queries; the API alone.")
    ] = False,
    policy: PolicyOption = None,
) -> None:
    """Answer GraphQL queries about a store until stopped; whoever asks needs a key.

    Example: ringfence serve --port 8410
    """
    from ringfence.api.server import listen

    chosen = chosen_policy(context, policy)
    key = audit_key(context)
    with open_store(context, store) as opened, listen(host, port, behind_proxy=behind_proxy) as listener:
        print_lines(*(pasteable(context, line) for line in _words(listener, graphiql=not no_graphiql)))
        answer(opened, listener, chosen, key, graphiql=not no_graphiql, behind_proxy=behind_proxy)


def answer(
    store: "Store",
    listener: "socket.socket",
    policy: "Policy",
    key: bytes,
    *,
    graphiql: bool,
    behind_proxy: bool = False,
) -> None:
    """Answer requests about a store at an address until a signal comes.

    Decisions rest on the policy, and the audit is sealed under the key.
    """
    import sys

    from ringfence.api.application import build_application
    from ringfence.api.server import serve

    sys.stdout.flush()
    application = build_application(
        store, clock, key, graphiql=graphiql, any_host=behind_proxy, policy=policy
    )
    serve(application, listener)


def _words(listener: "socket.socket", *, graphiql: bool) -> tuple[str, ...]:
    from ringfence.api.application import PATH
    from ringfence.api.server import address_of

    page = "; a page for queries in a browser" if graphiql else ""
    return (
        f"serving:      {address_of(listener)}{PATH}  (POST queries with a key{page})",
        f"health:       {address_of(listener)}/readyz",
        "keys:         ringfence keys create --name NAME --role investigator",
        "stop:         Ctrl-C",
    )
