"""The command line as a whole: its commands, and what an error looks like from outside."""

import os
import sys
from collections.abc import Sequence
from importlib.metadata import version

import click
import typer

from ringfence.cli import demo, detect, evaluate, generate, rings
from ringfence.cli.exit_codes import INTERRUPTED, exit_code
from ringfence.domain.errors import RingfenceError
from ringfence.settings import Settings

application = typer.Typer(
    name="ringfence",
    help="Find groups of buyers who coordinate refunds without return against many merchants.",
    epilog="Start with: ringfence demo",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
application.command(no_args_is_help=False)(demo.demo)
application.command()(generate.generate)
application.command()(detect.detect)
application.command()(evaluate.evaluate)
application.add_typer(rings.commands, name="rings")


@application.callback(invoke_without_command=True)
def _ringfence(
    is_version: bool = typer.Option(False, "--version", help="Show the version and exit.", is_eager=True),
) -> None:
    if is_version:
        typer.echo(f"ringfence {version('ringfence')}")
        raise typer.Exit


def run(arguments: Sequence[str], settings: Settings) -> int:
    """Run one command and give its exit code; every refusal is one line on standard error."""
    try:
        result = typer.main.get_command(application)(
            args=list(arguments), prog_name="ringfence", standalone_mode=False, obj=settings
        )
    except (click.Abort, KeyboardInterrupt):
        print("interrupted; nothing is half-written", file=sys.stderr)
        return INTERRUPTED
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except RingfenceError as error:
        print(f"error: {error}", file=sys.stderr)
        return exit_code(error)
    except BrokenPipeError:
        # Whoever read the output has seen enough; the interpreter must not complain at exit either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return result if isinstance(result, int) else 0
