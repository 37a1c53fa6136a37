"""`ringfence schedule`: detection on a store, again and again, until it is stopped."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ringfence.cli.chosen_policy import PolicyOption, chosen_policy
from ringfence.cli.clock import clock
from ringfence.cli.context import StoreAddress, open_store
from ringfence.cli.detect import KeepRunsOption, LinksOption, NoPValuesOption, OutOption, chosen_parameters
from ringfence.cli.exit_codes import FAILED
from ringfence.cli.hints import pasteable
from ringfence.cli.moments import as_text
from ringfence.cli.printing import print_lines

if TYPE_CHECKING:
    from ringfence.jobs.due import Schedule
    from ringfence.jobs.events import Event


def schedule(
    context: typer.Context,
    cron: Annotated[
        str | None,
        typer.Option(
            metavar="EXPRESSION", help="Minute, hour, day of month, month and day of week, as in a crontab."
        ),
    ] = None,
    every: Annotated[
        str | None,
        typer.Option(metavar="INTERVAL", help="90s, 15m, 6h or 1d, counted from where the last run began."),
    ] = None,
    timezone: Annotated[str, typer.Option(help="Whose clocks --cron means, such as Europe/Berlin.")] = "UTC",
    store: StoreAddress = None,
    out: OutOption = None,
    links: LinksOption = False,
    no_p_values: NoPValuesOption = False,
    keep_runs: KeepRunsOption = 30,
    policy: PolicyOption = None,
    once_now: Annotated[bool, typer.Option("--once-now", help="Begin with a run at once.")] = False,
    grace: Annotated[
        float, typer.Option(min=0, help="Seconds a run may take to end when the process is told to stop.")
    ] = 300.0,
    health_file: Annotated[
        Path | None, typer.Option(help="Keep a small file there that tells how it is, for --check.")
    ] = None,
    check: Annotated[
        Path | None,
        typer.Option(
            metavar="HEALTH_FILE",
            help="Start nothing: exit with 0 if the schedule that keeps this file lives and its last try did "
            "not fail, else with 1.",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Write the log as lines of JSON.")] = False,
) -> None:
    """Detect in a store at the times of a cron expression, or at an interval.

    A run is due when such a time has passed since the last run that was
    published or withheld began, whoever began it: so what was missed while no
    schedule ran, was interrupted or failed is caught up at the start, by one run.
    While it goes on, a run that failed is tried again at the next such time. In a
    store without a run, --cron counts from the first load, and --every begins at
    once; if nothing is loaded yet, it waits.

    Any number of schedules may share a store: one detects, the others skip. A
    time that the clocks leap over is due when they have leapt, one that they show
    twice the first time. What happens is logged on standard error, a line each,
    and ringfence runs list tells of every run.

    SIGTERM and Ctrl-C stop it as soon as the run under way has ended; after
    --grace, or at the second one, that run is stopped too, marked as failed (exit
    code 1), and caught up at the next start.

    Example: ringfence schedule --cron "15 2 * * *" --timezone Europe/Berlin
    """
    if check is not None:
        _check(check)
        return
    plan = _read(context, cron, every, timezone)
    from contextlib import ExitStack

    from ringfence.jobs.health_file import HealthFile
    from ringfence.jobs.schedule_detection import ScheduledDetection
    from ringfence.jobs.stopping import Stopping
    from ringfence.services.detect_in_store import StoreDetectionRequest

    stopping = Stopping(grace)
    detection = ScheduledDetection(
        plan,
        StoreDetectionRequest(
            parameters=chosen_parameters(no_p_values),
            out=out,
            links=links,
            keep_runs=keep_runs,
            policy=chosen_policy(context, policy),
        ),
        lambda: open_store(context, store),
        clock,
        stopping,
        at_once=once_now,
    )
    health = HealthFile(health_file) if health_file is not None else None

    def tell(event: "Event") -> None:
        line = _json(event) if as_json else pasteable(context, _line(event))
        print(line, file=sys.stderr, flush=True)
        if health is not None:
            health.write(event)

    with ExitStack() as stack:
        stack.enter_context(stopping.listening())
        if health is not None:
            stack.enter_context(health.touching())
        is_graceful = detection.keep(tell)
    if not is_graceful:
        raise typer.Exit(FAILED)


def _read(context: typer.Context, cron: str | None, every: str | None, timezone: str) -> "Schedule":
    """Read the one of the two that was told."""
    from ringfence.jobs.cron import Cron
    from ringfence.jobs.due import Every

    if (cron is None) == (every is None):
        raise typer.BadParameter("Tell either when, or how often.", param_hint="--cron or --every")
    if cron is not None:
        return Cron.read(cron, timezone)
    source = context.get_parameter_source("timezone")
    if source is not None and source.name == "COMMANDLINE":
        raise typer.BadParameter("This belongs to --cron.", param_hint="--timezone")
    return Every.read(every or "")


def _check(path: Path) -> None:
    from ringfence.jobs.health_file import check_health

    print_lines(_line(check_health(path, clock())))


def _line(event: "Event") -> str:
    times = f" ({event.failures} in a row)" if event.failures else ""
    due = f"; next due {as_text(event.next_due)}" if event.next_due is not None else ""
    return f"{as_text(event.at)} {event.outcome}{times}: {event.says.rstrip('.')}{due}"


def _json(event: "Event") -> str:
    return json.dumps(
        {
            "at": as_text(event.at),
            "outcome": event.outcome,
            "says": event.says,
            "run_id": event.run_id,
            "failures": event.failures,
            "next_due": as_text(event.next_due),
        },
        ensure_ascii=False,
    )
