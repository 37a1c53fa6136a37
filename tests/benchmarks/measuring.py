"""Seconds and peak memory of a program, shares with their intervals, and the tables they are printed in."""

import json
import math
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from scipy.stats import chi2

LAUNCHER = Path(__file__).with_name("measured_program.py")


class ProgramFailedError(Exception):
    """A measured program ended with an error, or ran out of time."""

    def __init__(self, command: Sequence[str], ending: str, output: str) -> None:
        super().__init__(f"{' '.join(command)} {ending}: {output[-2000:].strip()}")
        self.ending = ending
        """"ended with 1", or "was stopped after 600 s"."""


@dataclass(frozen=True)
class Measured:
    """What one run of a program cost."""

    seconds: float
    """Wall clock from start to exit, the interpreter's start included."""
    cpu_seconds: float
    """Of all cores, with those of the children it waited for."""
    peak_mib: float
    """Largest resident set of the program or a child it waited for."""


def run_measured(command: Sequence[str], log: Path, limit_seconds: float = 0.0) -> Measured:
    """Run `command`, its output to `log`, and measure that process alone.

    A limit of 0 seconds is none. Raises ProgramFailedError with the end of the output.
    """
    report = log.with_name(log.name + ".json")
    launcher = [sys.executable, "-I", "-S", str(LAUNCHER), str(report), str(limit_seconds)]
    with log.open("wb") as output:
        subprocess.run([*launcher, *command], stdout=output, stderr=subprocess.STDOUT, check=True)
    cost = json.loads(report.read_text())
    if cost["is_timed_out"] or cost["code"] != 0:
        ending = (
            f"was stopped after {limit_seconds:g} s" if cost["is_timed_out"] else f"ended with {cost['code']}"
        )
        raise ProgramFailedError(command, ending, log.read_text(errors="replace"))
    return Measured(cost["seconds"], cost["cpu_seconds"], cost["peak_mib"])


@dataclass(frozen=True)
class Share:
    """`hits` out of `total`, with its Wilson 95 % interval."""

    hits: int = 0
    total: int = 0

    def __add__(self, other: "Share") -> "Share":
        return Share(self.hits + other.hits, self.total + other.total)

    @property
    def value(self) -> float | None:
        """The share itself; None where there is nothing to share."""
        return self.hits / self.total if self.total else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """Wilson's score interval at 95 %; None where there is nothing to share."""
        if not self.total:
            return None
        z = 1.959964
        share, n = self.hits / self.total, self.total
        middle = (share + z * z / (2 * n)) / (1 + z * z / n)
        half = z / (1 + z * z / n) * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
        return max(0.0, middle - half), min(1.0, middle + half)

    def to_dict(self) -> dict[str, object]:
        """Counts, share and interval for JSON."""
        return {"hits": self.hits, "total": self.total, "share": self.value, "interval_95": self.interval}

    def __str__(self) -> str:
        if self.interval is None:
            return "-"
        low, high = self.interval
        return f"{self.hits / self.total:.3f} [{low:.3f}, {high:.3f}] of {self.total}"


def rate_bound(events: int, exposure: float) -> float:
    """Largest rate that `events` in `exposure` still allow: the one-sided 95 % bound, exact for Poisson."""
    return float(chi2.ppf(0.95, 2 * events + 2)) / 2 / exposure


def print_table(title: str, header: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print `rows` under `header` with columns as wide as they need."""
    cells = [[str(cell) for cell in row] for row in [header, *rows]]
    widths = [max(len(row[column]) for row in cells) for column in range(len(header))]
    print(f"\n{title}")
    for row in cells:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def write_json(path: Path, document: Mapping[str, object]) -> None:
    """Write the figures for machines beside the table for people."""
    path.write_text(json.dumps(document, indent=2, sort_keys=True) + "\n")
