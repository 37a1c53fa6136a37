"""How fast the embedded store takes a marketplace in and gives its arrays back, against plain sqlite3.

    python tests/benchmarks/store_market.py --claims 1000000

All in this process, one after another: tables in memory -> `write_load`, against one `executemany` of the
very same rows into the same tables and indexes, with the same pragmas and as many rows a transaction; and
`read`, against a `fetchall` of the same columns. Sketches are in what is written and read, but not in what
they are held against.
"""

import argparse
import resource
import sqlite3
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from machine import describe_machine
from marketplaces import write_marketplace
from measuring import print_table, write_json

from ringfence.domain.leases import Holder, LeaseName
from ringfence.domain.loads import LoadSource
from ringfence.domain.progress import Silent
from ringfence.intake import NORMALISER_VERSION, IntakeOptions, PseudonymKey, read_tables
from ringfence.store.sqlite import SqliteStore
from ringfence.store.sqlite.loading import BATCH_ROWS

TABLES = (
    "loads",
    "buyers",
    "merchants",
    "identifiers",
    "uses",
    "claims",
    "claim_changes",
    "orders",
    "reports",
    "buyer_details",
    "merchant_details",
    "rates",
)
READ = (
    "SELECT buyer, buyer_id FROM buyers",
    "SELECT merchant, merchant_id FROM merchants",
    "SELECT claim_id, buyer, merchant, filed_at, amount, currency FROM claims",
    "SELECT buyer, merchant, ordered_at FROM orders",
    "SELECT kind, value, exact FROM identifiers",
    "SELECT buyer, value FROM uses",
)
READS = 3
LEAST_WRITTEN, LEAST_READ = 0.5, 2.0


@dataclass
class Clock:
    """Adds up the seconds of what is measured."""

    seconds: float = 0.0

    def __enter__(self) -> "Clock":
        self._begun = time.perf_counter()
        return self

    def __exit__(self, *_: object) -> None:
        self.seconds += time.perf_counter() - self._begun


def peak_mib() -> float:
    """Largest resident set of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)


def connect(path: Path) -> sqlite3.Connection:
    """Open a store as the store itself does."""
    connection = sqlite3.connect(path, isolation_level=None)
    for pragma in ("foreign_keys = ON", "cache_size = -65536", "temp_store = MEMORY", "synchronous = FULL"):
        connection.execute(f"PRAGMA {pragma}")
    return connection


def pieces(connection: sqlite3.Connection, table: str) -> Iterator[list[tuple[Any, ...]]]:
    """Give the rows of a table, as many at a time as a transaction of the store writes."""
    cursor = connection.execute(f"SELECT * FROM {table}")
    while rows := cursor.fetchmany(BATCH_ROWS):
        yield rows


def write_plainly(written: Path, path: Path) -> tuple[float, int]:
    """Write the rows of one store into another, and nothing else; give seconds and rows."""
    SqliteStore(path).close()
    clock, count = Clock(), 0
    with closing(connect(written)) as source, closing(connect(path)) as target:
        for table in TABLES:
            for rows in pieces(source, table):
                marks = ", ".join("?" * len(rows[0]))
                with clock:
                    target.execute("BEGIN IMMEDIATE")
                    target.executemany(f"INSERT INTO {table} VALUES ({marks})", rows)
                    target.execute("COMMIT")
                count += len(rows)
    return clock.seconds, count


def read_plainly(path: Path) -> float:
    """Fetch the columns that make the arrays; give seconds."""
    clock = Clock()
    with closing(connect(path)) as connection:
        for statement in READ:
            with clock:
                rows = connection.execute(statement).fetchall()
            del rows
    return clock.seconds


def main() -> None:
    """Read the arguments, measure, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--claims", type=int, default=1_000_000, help="(default 1000000)")
    parser.add_argument("--rounds", type=int, default=1, help="write so often (default 1)")
    parser.add_argument("--input", type=Path, help="a folder of files instead of a made marketplace")
    parser.add_argument("--json", type=Path, help="write the figures here too")
    asked = parser.parse_args()
    machine = describe_machine(["ringfence", "polars", "numpy"])
    print(", ".join(f"{name} {value}" for name, value in machine.items()))
    key = PseudonymKey(bytes(32))
    written, plain, read, fetched = Clock(), 0.0, Clock(), 0.0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        inputs = asked.input
        if inputs is None:
            write_marketplace(asked.claims, folder, csv=False, seed=1, zipf=1.0)
            inputs = folder / "parquet"
        taken = read_tables([inputs], IntakeOptions(), key)
        before_mib = peak_mib()
        for number in range(asked.rounds):
            path = folder / f"store{number}.sqlite"
            with closing(SqliteStore(path)) as store:
                lease = store.leases.acquire(LeaseName.LOAD, Holder("here", 1, "now"), 3600.0, 0)
                source = LoadSource("digest", key.key_id, NORMALISER_VERSION, taken.files, taken.filled())
                with written:
                    store.market.write_load(source, taken.tables, lease, 0, Silent())
                written_mib = peak_mib()
                for _ in range(READS):
                    with read:
                        market = store.market.read()
                    read_mib = peak_mib()
                    fetched += read_plainly(path)
            seconds, rows = write_plainly(path, folder / f"plain{number}.sqlite")
            plain += seconds
        with closing(connect(path)) as connection:
            (columns,) = connection.execute("SELECT sum(length(columns)) FROM batches").fetchone()
        size = path.stat().st_size
    figures = {
        "claims": len(market.claims),
        "rows": rows,
        "write_seconds": written.seconds / asked.rounds,
        "plain_write_seconds": plain / asked.rounds,
        "write_ratio": plain / written.seconds,
        "read_seconds": read.seconds / asked.rounds / READS,
        "plain_read_seconds": fetched / asked.rounds / READS,
        "read_ratio": fetched / read.seconds,
        "peak_mib": {"tables": before_mib, "written": written_mib, "read": read_mib},
        "file_mib": size / 2**20,
        "columns_mib": columns / 2**20,
    }
    print_table(
        f"{figures['claims']:,} claims, {rows:,} rows",
        ("stage", "seconds", "plain sqlite3", "ratio", "at least", "peak MiB"),
        [
            (
                "write",
                f"{written.seconds / asked.rounds:.2f}",
                f"{plain / asked.rounds:.2f}",
                f"{plain / written.seconds:.2f}",
                LEAST_WRITTEN,
                f"{written_mib:.0f} ({before_mib:.0f} before)",
            ),
            (
                "read",
                f"{read.seconds / asked.rounds / READS:.2f}",
                f"{fetched / asked.rounds / READS:.2f}",
                f"{fetched / read.seconds:.2f}",
                LEAST_READ,
                f"{read_mib:.0f}",
            ),
        ],
    )
    print(f"file {size / 2**20:.0f} MiB, of which columns {columns / 2**20:.0f} MiB")
    if asked.json:
        write_json(asked.json, {"machine": machine, "figures": figures})


if __name__ == "__main__":
    main()
