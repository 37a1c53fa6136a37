"""Who acts on the command line: whoever may read the store's file, under a name for the record."""

import getpass
from typing import Annotated

import typer

from ringfence.domain.errors import InvalidError
from ringfence.domain.scope import Principal, Role
from ringfence.domain.texts import LONGEST_NAME, checked_text

ActingAs = Annotated[
    str | None,
    typer.Option("--as", metavar="NAME", help="Who does it, for the record; your login name if not told."),
]

OPERATOR = Principal("command line", Role.OPERATOR)
"""Whoever looks: the operator of this machine."""


def acting(name: str | None, role: Role) -> Principal:
    """Give the principal of this name, or of the login name.

    Raises InvalidError for a bad name, and where the machine knows no login name.
    """
    if name is None:
        try:
            name = getpass.getuser()
        except (KeyError, OSError, ImportError):
            raise InvalidError("This machine does not know your name; say it with --as NAME.") from None
    return Principal(checked_text(name, "The name", LONGEST_NAME), role)
