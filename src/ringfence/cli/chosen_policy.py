"""The option that says which policy holds: a file's, else the one in force, else the built-in one."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ringfence.cli.context import settings_of

if TYPE_CHECKING:
    from ringfence.domain.policy import Policy

PolicyOption = Annotated[
    Path | None,
    typer.Option(
        "--policy",
        metavar="FILE",
        help="The policy's file (RINGFENCE_POLICY; the built-in policy if not told).",
    ),
]


def chosen_policy(context: typer.Context, given: Path | None) -> "Policy":
    """Read the policy a command works by. Raises PolicyFileError with all that is wrong with its file."""
    from ringfence.rules import read_policy

    return read_policy(given if given is not None else settings_of(context).policy)
