"""How results look: tables and colour on a terminal, plain lines in a pipe, JSON where asked."""

import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import typer

from ringfence.domain.counted import counted

DECADES = "evidence is in decades: each one is ten times less likely by chance"
"""What evidence is in, said where it is first read."""
_GAP = 2
_LEAST_TEXT = 20
"""What a column of text that can be folded needs, in characters."""


def print_table(
    title: str,
    headers: Sequence[str],
    rows: Iterable[Sequence[object]],
    spare: Sequence[str] = (),
    elsewhere: Sequence[str] = (),
) -> None:
    """Print a table on a terminal; elsewhere a line of names, then a line a row, cells parted by tabs.

    A terminal too narrow for it does without the columns of `spare`, the first of them first. If that is not
    enough, all columns are folded but the first, which names the row: nothing is cut off. Columns of
    `elsewhere` are left out on terminals.
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
    columns = [
        _Column(name, [row[i] for row in cells]) for i, name in enumerate(headers) if name not in elsewhere
    ]
    for name in spare:
        if not _fits(columns, console.width):
            columns = [column for column in columns if column.name != name]
    is_cramped = not _fits(columns, console.width)
    table = Table(header_style="bold", box=None, pad_edge=False, padding=(0, _GAP, 0, 0))
    for column in columns:
        is_number = bool(column.cells) and all(map(_looks_numeric, column.cells))
        names_rows = column is columns[0] and 2 * column.least_width <= console.width
        table.add_column(
            column.name,
            justify="right" if is_number else "left",
            no_wrap=not column.has_text and not (is_cramped and not names_rows),
            overflow="fold",
        )
    for row in zip(*(column.cells for column in columns), strict=True):
        table.add_row(*map(Text, row))
    if title:
        console.print(Text(title, style="bold"))
    console.print(table)


class _Column(NamedTuple):
    name: str
    cells: Sequence[str]

    @property
    def has_text(self) -> bool:
        """Whether a cell has several words, between which it can be folded."""
        return any(" " in cell for cell in self.cells)

    @property
    def least_width(self) -> int:
        """What it needs unless words are broken, in characters."""
        needed = (min(len(cell), _LEAST_TEXT) if " " in cell else len(cell) for cell in self.cells)
        return max([len(self.name), *needed])


def _fits(columns: Sequence[_Column], width: int) -> bool:
    return sum(column.least_width + _GAP for column in columns) - _GAP <= width


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


def warn_of_rejected(rows: int, where: Path) -> None:
    """Warn that rows were rejected, and say which file names them."""
    warn([f"{counted(rows, 'row was', 'rows were')} rejected; {where} says where and why"])


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
