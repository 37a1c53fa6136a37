"""Seconds and peak memory of a program, shares with their intervals, and the tables they are printed in."""

import json
import math
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from scipy.stats import chi2


class ProgramFailedError(Exception):
    """A measured program ended with an error."""

    def __init__(self, command: Sequence[str], code: int, output: str) -> None:
        super().__init__(f"{' '.join(command)} ended with {code}: {output[-2000:].strip()}")
        self.code = code


@dataclass(frozen=True)
class Measured:
    """What one run of a program cost."""

    seconds: float
    """Wall clock from start to exit, the interpreter's start included."""
    peak_mib: float
    """Largest resident set of the program or a child it waited for."""


def run_measured(command: Sequence[str], log: Path) -> Measured:
    """Run `command`, its output to `log`, and measure that process alone.

    The kernel counts the caller's resident set into the child's peak, so the caller must stay small.
    Raises ProgramFailedError with the end of the output.
    """
    with log.open("wb") as output:
        started = time.perf_counter()
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise ProgramFailedError(command, process.returncode, log.read_text(errors="replace"))
    unit = 2**20 if sys.platform == "darwin" else 2**10
    return Measured(seconds, usage.ru_maxrss / unit)


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
