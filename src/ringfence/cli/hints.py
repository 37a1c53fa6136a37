"""Commands that messages name, completed so that they work where they are pasted."""

import re
import shlex
from typing import Any

import typer

_COMMAND = re.compile(r"\bringfence((?: [a-z-]+)+)")
_KEPT = "ringfence.given."
"""Begins the names under which a context keeps what was given by option."""
_COMPLETED_BY = ("store", "run")
"""Options that say what a command is about, by the names of their parameters."""


def remember(context: typer.Context, parameter: typer.CallbackParam, value: Any) -> Any:
    """Keep the value of an option for hints: the callback of the options that hints need."""
    if value is not None:
        context.meta[f"{_KEPT}{parameter.name}"] = str(value)
    return value


def pasteable(context: typer.Context, text: str) -> str:
    """Complete each command of ours in `text` by the --store or --run that this command was given.

    The environment is left out: where the hint is pasted it is the same.
    """
    given = {name: context.meta.get(f"{_KEPT}{name}") for name in _COMPLETED_BY}

    def completed(found: re.Match[str]) -> str:
        words = found.group(1).split()
        command, depth = context.find_root().command, 0
        while depth < len(words) and words[depth] in (inside := getattr(command, "commands", {})):
            command, depth = inside[words[depth]], depth + 1
        takes = {option for parameter in command.params for option in parameter.opts}
        options = [
            part
            for name, value in given.items()
            if value is not None and f"--{name}" in takes
            for part in (f"--{name}", shlex.quote(value))
        ]
        return " ".join(["ringfence", *words[:depth], *options, *words[depth:]])

    return _COMMAND.sub(completed, text)
