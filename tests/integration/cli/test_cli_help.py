import sys
from collections.abc import Callable

import pytest
import typer
from processes import Finished, run_process

from ringfence.cli.main import application


def commands_of(application: typer.Typer) -> set[str]:
    """Name the commands that stand in no group."""
    return {
        str(command.name or command.callback.__name__)
        for command in application.registered_commands
        if command.callback is not None
    }


GROUPS = {
    str(group.name): commands_of(group.typer_instance)
    for group in application.registered_groups
    if group.typer_instance is not None
}
COMMANDS = sorted(commands_of(application)) + [
    f"{group} {name}" for group in GROUPS for name in sorted(GROUPS[group])
]
Command = Callable[..., Finished]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself_with_an_example(ringfence: Command, command: str) -> None:
    told = ringfence(*command.split(), "--help")
    assert told.code == 0
    assert f"Example: ringfence {command}" in told.out
    assert max(map(len, told.out.splitlines())) <= 80


@pytest.mark.parametrize("group", ["", *GROUPS])
def test_a_group_alone_tells_its_commands_and_fails(ringfence: Command, group: str) -> None:
    told = ringfence(*group.split())
    assert told.code == 2
    inside = GROUPS[group] if group else {command.split()[0] for command in COMMANDS}
    assert inside <= set(told.out.split())


def test_the_help_names_every_command(ringfence: Command) -> None:
    told = ringfence("--help")
    assert told.code == 0
    assert {command.split()[0] for command in COMMANDS} <= set(told.out.split())


def test_a_process_tells_its_version_without_loading_what_detection_needs() -> None:
    program = (
        "import sys; from ringfence.app import StoresByAddress; from ringfence.cli.main import run; "
        "from ringfence.settings import Settings; code = run(['--version'], Settings(), StoresByAddress()); "
        "sys.exit(code or ('numba' in sys.modules or 'polars' in sys.modules))"
    )
    told = run_process(program=(sys.executable, "-c", program))
    assert told.out.startswith("ringfence ")
    assert (told.code, told.err) == (0, "")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("detct",), "detct"),
        (("detect", "--input", "x"), "--out"),
        (("detect", "--inptu", "x"), "--inptu"),
        (("detect", "--input", "x", "--out", "y", "--decimal", ";"), "--decimal"),
        (("generate",), "directory"),
        (("generate", "x", "--buyers", "many"), "--buyers"),
        (("generate", "x", "--starts-on", "soon"), "--starts-on"),
        (("rings", "lst"), "lst"),
        (("rings", "list", "--run", "x", "--store", "y"), "--store"),
        (("rings", "list", "--run", "x", "--run-id", "1"), "--run-id"),
        (("rings", "list", "--run", "x", "--new-since", "2026-11-01"), "--new-since"),
        (("rings", "list", "--new-since", "soon"), "--new-since"),
        (("rings", "list", "--order", "name"), "--order"),
        (("leads", "list", "--run", "x", "--dismissed"), "--dismissed"),
        (("leads", "list", "--kind", "vague"), "--kind"),
        (("leads", "list", "--run", "x", "--store", "y"), "--store"),
        (("leads", "export", "--run", "x", "--format", "gexf"), "--format"),
        (("leads", "dismiss", "l1"), "--reason"),
        (("evaluate", "--labels", "x", "--run", "y", "--store", "z"), "--store"),
        (("detect", "--input", "x", "--out", "y", "--store", "z"), "--store"),
        (("detect", "--input", "x", "--out", "y", "--publish-anyway", "z"), "--publish-anyway"),
        (("detect", "--store", "x", "--previous", "y"), "--previous"),
        (("detect", "--store", "x", "--currency", "EUR"), "--currency"),
        (("detect", "--store", "x", "--keep-runs", "0"), "--keep-runs"),
        (("runs", "list", "--state", "lost"), "--state"),
        (("runs", "show"), "run"),
        (("rings", "show", "--run", "x"), "ring_id"),
        (("rings", "export", "--run", "x", "--format", "png"), "--format"),
    ],
)
def test_wrong_use_shows_the_usage_and_what_is_wrong(
    ringfence: Command, arguments: tuple[str, ...], said: str
) -> None:
    told = ringfence(*arguments)
    assert told.code == 2
    assert told.out == ""
    usage, error = told.err.splitlines()
    assert usage.startswith("Usage: ringfence")
    assert error.startswith("error: ")
    assert said.lower() in error.lower()


def test_wrong_use_of_a_process_fails_without_a_traceback() -> None:
    told = run_process("nonsense")
    assert told.code == 2
    assert told.err.splitlines() == [
        "Usage: ringfence [OPTIONS] COMMAND [ARGS]...",
        "error: No such command 'nonsense'.",
    ]
