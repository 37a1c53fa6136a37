"""The command line as a whole: its commands, and what an error looks like from outside."""

import os
import sys
from collections.abc import Sequence
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import typer
from typer.core import TyperGroup

from ringfence.cli import (
    audit,
    backup,
    decisions,
    demo,
    detect,
    evaluate,
    generate,
    keys,
    leads,
    load,
    policy,
    recoveries,
    reports,
    rings,
    risk,
    runs,
    schedule,
    serve,
    store,
    verifications,
)
from ringfence.cli.context import Application
from ringfence.cli.exit_codes import FAILED, INTERRUPTED, WRONG_USE, exit_code
from ringfence.cli.hints import pasteable
from ringfence.cli.printing import fail
from ringfence.domain.errors import RingfenceError
from ringfence.settings import Settings

if TYPE_CHECKING:
    from ringfence.store import Stores

_UsageError: Any = typer.BadParameter.mro()[1]
"""What is raised for wrong use; typer names only this subclass of it in public."""


class _Commands(TyperGroup):
    """The commands; whatever ends one early becomes one line on standard error and an exit code.

    This happens here because versions of typer differ in what they make of interrupts and closed pipes.
    """

    def invoke(self, ctx: Any) -> Any:
        """Run a command."""
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()
        except KeyboardInterrupt:
            fail("interrupted; nothing is half-written")
            raise typer.Exit(INTERRUPTED) from None
        except RingfenceError as error:
            fail(pasteable(ctx, str(error)))
            raise typer.Exit(exit_code(error)) from error
        except UnicodeEncodeError as error:
            if not any("\udc80" <= character <= "\udcff" for character in error.object):
                raise
            # Python hands on what is not UTF-8 as such characters, and no store takes them.
            fail("an argument holds bytes that are no text in UTF-8; write it otherwise")
            raise typer.Exit(WRONG_USE) from error
        except BrokenPipeError:
            # Whoever read the output has seen enough; the interpreter must not complain at exit either.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(0) from None
        except OSError as error:
            place = f"{error.filename}: " if error.filename else ""
            fail(f"{place}{error.strerror or error}")
            raise typer.Exit(FAILED) from error
        return result


application = typer.Typer(
    name="ringfence",
    cls=_Commands,
    help="Find groups of buyers who coordinate refunds without return against many merchants.",
    epilog="Start with: ringfence demo",
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
application.command(options_metavar="[OPTIONS]")(demo.demo)
application.command(options_metavar="[OPTIONS]")(generate.generate)
application.command(options_metavar="[OPTIONS]")(load.load)
application.command(options_metavar="[--input PATH --out DIR | --store ADDRESS] [OPTIONS]")(detect.detect)
application.command(options_metavar="[--labels FILE | --decided] [OPTIONS]")(evaluate.evaluate)
application.add_typer(rings.commands, name="rings")
application.add_typer(leads.commands, name="leads")
application.add_typer(runs.commands, name="runs")
application.command(options_metavar="[OPTIONS]")(serve.serve)
application.command(options_metavar="[--cron EXPRESSION | --every INTERVAL] [OPTIONS]")(schedule.schedule)
rings.commands.command(options_metavar="--reason TEXT [OPTIONS]")(decisions.decide)
rings.commands.command(options_metavar="--reason TEXT [OPTIONS]")(decisions.undo)
rings.commands.command(options_metavar="[OPTIONS]")(decisions.note)
rings.commands.command(options_metavar="[--nobody] [OPTIONS]")(decisions.assign)
rings.commands.command(options_metavar="[OPTIONS]")(decisions.history)
application.add_typer(keys.commands, name="keys")
application.add_typer(audit.commands, name="audit")
application.add_typer(reports.commands, name="reports")
application.add_typer(verifications.commands, name="verifications")
application.add_typer(recoveries.commands, name="recoveries")
application.command(options_metavar="[OPTIONS]")(risk.risk)
application.add_typer(policy.commands, name="policy")
application.add_typer(store.commands, name="store")
application.command(options_metavar="[OPTIONS]")(backup.backup)
application.command(options_metavar="[OPTIONS]")(backup.restore)


@application.callback(invoke_without_command=True)
def _ringfence(
    context: typer.Context,
    is_version: bool = typer.Option(False, "--version", help="Show the version and exit."),
) -> None:
    if is_version:
        typer.echo(f"ringfence {version('ringfence')}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())
        raise typer.Exit(WRONG_USE)


def run(
    arguments: Sequence[str], settings: Settings, stores: "Stores", targets: "Stores | None" = None
) -> int:
    """Run one command and give its exit code; `targets` are for stores to copy to, if they differ."""
    command = typer.main.get_command(application)
    try:
        code = command(
            args=list(arguments),
            prog_name="ringfence",
            standalone_mode=False,
            obj=Application(settings, stores, targets or stores),
        )
    except _UsageError as error:
        if error.ctx is not None:
            typer.echo(error.ctx.get_usage(), err=True)
        fail(error.format_message())
        return WRONG_USE
    except typer.Abort:
        return INTERRUPTED
    return code if isinstance(code, int) else 0
