"""How results look: tables and colour on a terminal, plain lines in a pipe, JSON where asked."""

import json
import sys
from collections.abc import Iterable, Sequence
from typing import Any

import typer


def print_table(title: str, headers: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print a table on a terminal; elsewhere a line of names, then a line a row, cells parted by tabs."""
    cells = [[str(cell) for cell in row] for row in rows]
    if not sys.stdout.isatty():
        for line in (headers, *cells):
            typer.echo("\t".join(cell.replace("\t", " ").replace("\n", " ") for cell in line))
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(title=title or None, title_justify="left", header_style="bold", box=None, pad_edge=False)
    for i, header in enumerate(headers):
        is_number = bool(cells) and all(_looks_numeric(row[i]) for row in cells)
        table.add_column(header, justify="right" if is_number else "left", overflow="fold")
    for row in cells:
        table.add_row(*(Text(cell) for cell in row))
    Console().print(table)


def print_lines(*lines: str) -> None:
    """Print lines of text as they are."""
    for line in lines:
        typer.echo(line)


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
