"""What every command is given: the settings, and the stores by address."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from ringfence.cli.hints import remember
from ringfence.settings import Settings

if TYPE_CHECKING:
    from ringfence.store import Store, Stores

StoreAddress = Annotated[
    str | None,
    typer.Option(
        "--store",
        metavar="ADDRESS",
        callback=remember,
        help="sqlite:///PATH or the path alone, or neo4j://HOST:7687 (RINGFENCE_STORE; a file in your data "
        "folder if not told).",
    ),
]


@dataclass(frozen=True)
class Application:
    """The object of the command line's context."""

    settings: Settings
    stores: "Stores"
    targets: "Stores"
    """Where stores are copied to: servers there may ask for another password."""


def settings_of(context: typer.Context) -> Settings:
    """Give the settings a command runs under."""
    return _application(context).settings


def stores_of(context: typer.Context) -> "Stores":
    """Give the stores by address."""
    return _application(context).stores


def targets_of(context: typer.Context) -> "Stores":
    """Give the stores to copy to, by address."""
    return _application(context).targets


def address_of(context: typer.Context, given: str | None) -> str | None:
    """Give the address that was told by option, or else by the environment."""
    return given if given is not None else settings_of(context).store


@contextmanager
def open_store(context: typer.Context, given: str | None, *, create: bool = False) -> "Iterator[Store]":
    """Open the store a command works on, and close it after."""
    store = stores_of(context).open(address_of(context, given), create=create)
    try:
        yield store
    finally:
        store.close()


def _application(context: typer.Context) -> Application:
    application = context.find_object(Application)
    if application is None:
        raise RuntimeError("the command line was started without its application")
    return application
