"""How results look: tables and colour on a terminal, plain lines in a pipe, JSON where asked."""

import json
import sys
from collections.abc import Iterable, Sequence
from typing import Any

import typer

DECADES = "evidence is in decades: each one is ten times less likely by chance"
"""What evidence is in, said where it is first read."""
_GAP = 2
_LEAST_TEXT = 20
"""What a column of text that can be folded needs, in characters."""


def print_table(
    title: str, headers: Sequence[str], rows: Iterable[Sequence[object]], spare: Sequence[str] = ()
) -> None:
    """Print a table on a terminal; elsewhere a line of names, then a line a row, cells parted by tabs.

    A terminal too narrow for it does without the columns of `spare`, the first of them first.
    """
    cells = [[str(cell) for cell in row] for row in rows]
    if not sys.stdout.isatty():
        for line in (headers, *cells):
            typer.echo("\t".join(" ".join(cell.split()) for cell in line))
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(highlight=False)
    columns = {name: [row[i] for row in cells] for i, name in enumerate(headers)}
    for name in spare:
        if sum(_least_width(*column) + _GAP for column in columns.items()) - _GAP > console.width:
            del columns[name]
    table = Table(header_style="bold", box=None, pad_edge=False, padding=(0, _GAP, 0, 0))
    for name, column in columns.items():
        is_number = bool(column) and all(map(_looks_numeric, column))
        is_foldable = any(" " in cell for cell in column)
        table.add_column(
            name, justify="right" if is_number else "left", no_wrap=not is_foldable, overflow="fold"
        )
    for row in zip(*columns.values(), strict=True):
        table.add_row(*map(Text, row))
    if title:
        console.print(Text(title, style="bold"))
    console.print(table)


def _least_width(header: str, column: Sequence[str]) -> int:
    return max([len(header), *(min(len(cell), _LEAST_TEXT) if " " in cell else len(cell) for cell in column)])


def print_lines(*lines: str) -> None:
    """Print lines of text as they are."""
    for line in lines:
        typer.echo(line)


def jsonable(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row with its times as text, ISO 8601 in UTC."""
    return {
        name: value.strftime("%Y-%m-%dT%H:%M:%SZ") if hasattr(value, "strftime") else value
        for name, value in row.items()
    }


def print_json(value: Any) -> None:
    """Print one JSON document."""
    typer.echo(json.dumps(value, indent=2, ensure_ascii=False, sort_keys=True, default=str))


def warn(lines: Iterable[str]) -> None:
    """Print warnings on standard error, one line each."""
    for line in lines:
        _tell("warning:", typer.colors.YELLOW, line)


def fail(line: str) -> None:
    """Print why a command failed on standard error, in one line."""
    _tell("error:", typer.colors.RED, " ".join(line.splitlines()))


def _tell(label: str, colour: str, line: str) -> None:
    typer.echo(
        f"{typer.style(label, fg=colour)} {line}" if sys.stderr.isatty() else f"{label} {line}", err=True
    )


def _looks_numeric(cell: str) -> bool:
    return (
        cell == ""
        or cell.replace(",", "").replace(".", "").replace("-", "").replace("%", "").strip().isdigit()
    )
