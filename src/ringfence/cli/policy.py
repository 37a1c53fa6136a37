"""`ringfence policy`: the numbers of the rules."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from ringfence.cli.chosen_policy import PolicyOption, chosen_policy
from ringfence.cli.exit_codes import WRONG_USE
from ringfence.cli.printing import fail, print_json, print_lines

commands = typer.Typer(help="Show the numbers of the rules, and check a file of them.")

_Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@commands.callback(invoke_without_command=True)
def _policy(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())
        raise typer.Exit(WRONG_USE)


@commands.command("show", options_metavar="[OPTIONS]")
def show(context: typer.Context, policy: PolicyOption = None, as_json: _Json = False) -> None:
    """Print the policy in force: each number, and what it means.

    What is printed is a policy file itself: change it, give it a version of
    its own, and name it with RINGFENCE_POLICY.

    Example: ringfence policy show > policy.toml
    """
    from ringfence.rules import policy_as_text

    chosen = chosen_policy(context, policy)
    if as_json:
        print_json(asdict(chosen) | {"fingerprint": chosen.fingerprint})
        return
    print_lines(f"# The numbers below have the fingerprint {chosen.fingerprint}.", "")
    print_lines(policy_as_text(chosen).removesuffix("\n"))


@commands.command("check", options_metavar="[OPTIONS]")
def check(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The policy's file.")],
    as_json: _Json = False,
) -> None:
    """Check a policy file, and tell what it changes, or all that is wrong with it.

    Example: ringfence policy check policy.toml
    """
    from ringfence.rules import PolicyFileError, differences, read_policy

    try:
        policy = read_policy(file)
    except PolicyFileError as error:
        for problem in error.problems:
            fail(f"{file}: {problem}")
        raise typer.Exit(WRONG_USE) from error
    changed = differences(policy)
    if as_json:
        print_json(
            {
                "version": policy.version,
                "fingerprint": policy.fingerprint,
                "changed": {
                    key: {"default": default, "value": value} for key, (default, value) in changed.items()
                },
            }
        )
        return
    print_lines(
        f"Policy {policy.name} is valid; it changes {len(changed)} of the built-in numbers.",
        *(f"{key} = {value} (built-in: {default})" for key, (default, value) in changed.items()),
    )
