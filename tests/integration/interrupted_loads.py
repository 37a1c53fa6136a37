"""Loads that are interrupted or killed: what is loaded, and how it comes to its end."""

import subprocess
import sys
from pathlib import Path

import polars as pl

from ringfence.domain.progress import Silent
from ringfence.generator import GeneratorOptions
from ringfence.intake import PseudonymKey
from ringfence.services.make_marketplace import make_marketplace

KEY = PseudonymKey(b"k" * 32)
BATCH_ROWS = 300
"""So few that there are several batches of everything."""
_KILLED = """
import os, signal, sys
from importlib import import_module
from pathlib import Path
from ringfence.app import StoresByAddress
from ringfence.domain.leases import Holder, LeaseName
from ringfence.intake import PseudonymKey
from ringfence.services.load_market import LoadRequest, load_market
kind, rows, left, address, files = sys.argv[1:]
loading = import_module(f"ringfence.store.{kind}.loading")
loading.BATCH_ROWS = int(rows)
left, write = int(left), loading.write_columns
def kill(*arguments):
    global left
    write(*arguments)
    left -= 1
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
loading.write_columns = kill
store = StoresByAddress().open(address, create=False)
lease = store.leases.acquire(LeaseName.LOAD, Holder("there", 1, "now"), 60.0, 10**9)
load_market(LoadRequest([Path(files)]), PseudonymKey(b"k" * 32), store, lease, 7)
"""


class Interrupted(Exception):
    """Somebody pulled the plug."""


class PulledPlug(Silent):
    """Pulls the plug after so many batches."""

    def __init__(self, batches: int) -> None:
        self._left = batches
        self._is_writing = False

    def stage(self, name: str, total: int | None = None) -> None:
        """Wait for the writing to begin."""
        self._is_writing = name == "write"

    def advance(self, steps: int) -> None:
        """Count down."""
        self._left -= self._is_writing
        if self._left < 0:
            raise Interrupted


def two_loads(folder: Path) -> list[Path]:
    """Make two folders of files: the second knows some of the first one's claims otherwise."""
    options = GeneratorOptions(buyers=500, seed=5, claims_per_buyer=2, orders_per_claim=2)
    make_marketplace(options, folder / "all")
    parts = [folder / "first", folder / "second"]
    for number, part in enumerate(parts):
        part.mkdir()
        for path in (folder / "all").glob("*.csv"):
            rows = pl.read_csv(path, infer_schema=False)
            kept = rows.gather_every(2, number)
            if number == 1 and path.stem == "claims":
                changed = rows.gather_every(2).head(50).with_columns(status=pl.lit("withdrawn"))
                kept = pl.concat([kept, changed])
            kept.write_csv(part / path.name)
    return parts


def killed_load(kind: str, address: str, files: Path, left: int) -> "subprocess.CompletedProcess[str]":
    """Load in a process that kills itself in the middle of its `left`-th transaction that keeps columns."""
    return subprocess.run(
        [sys.executable, "-c", _KILLED, kind, str(BATCH_ROWS), str(left), address, str(files)],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
