"""How fast a Neo4j takes a marketplace in and gives its arrays back, against the bare driver.

    python tests/benchmarks/neo4j_market.py --claims 200000

Each side has a server of its own, empty and warmed up. A first load (files -> `load_market`) is held against
the same files again, and the same rows in other files; its writing (`write_load`) against the bare driver,
which creates the same nodes and relationships in one pass by the same statements from parameters that are
ready: no lease, no numbers, no notes, no columns. `read` is held against the same rows one by one, and
against lists of some 20,000 integers a record into numpy; both leave the sketches out, which `read` gives.
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path
from typing import Any

import neo4j
import numpy as np
import polars as pl
from machine import describe_machine
from marketplaces import write_marketplace
from measuring import print_table, write_json

sys.path.insert(0, str(Path(__file__).parents[1]))

from neo4j_database import DATABASE, USER, Emptying, Login
from neo4j_server import Neo4jServer
from ringfence.domain.leases import Holder, LeaseName
from ringfence.domain.progress import Silent
from ringfence.intake import NORMALISER_VERSION, IntakeOptions, PseudonymKey, read_tables
from ringfence.services.load_market import LoadRequest, load_market
from ringfence.settings import Settings
from ringfence.store.columnar.batches import LoadBatches
from ringfence.store.columnar.numbers import NoNumbers
from ringfence.store.neo4j import Neo4jStore, address_of
from ringfence.store.neo4j.loading import BATCH_ROWS, rows_of
from ringfence.store.neo4j.statements import statements

KEY = PseudonymKey(bytes(32))
READS = 3
BUYERS_A_RECORD = 4_000
LEAST_WRITTEN, LEAST_AGAIN, LEAST_BY_ROWS, LEAST_BY_COLUMNS = 0.8, 2.0, 5.0, 0.8
BY_ROWS = (
    "MATCH (b:Buyer) RETURN b.buyer, b.buyer_id",
    "MATCH (m:Merchant) RETURN m.merchant, m.merchant_id",
    "MATCH (b:Buyer)-[:FILED]->(c:Claim)-[:AGAINST]->(m:Merchant) "
    "RETURN c.claim_id, b.buyer, m.merchant, c.filed_at, c.amount, c.currency",
    "MATCH (b:Buyer)-[o:ORDERED]->(m:Merchant) RETURN b.buyer, m.merchant, o.ordered_at",
    "MATCH (i:Identifier) RETURN labels(i), i.value, i.exact",
    "MATCH (b:Buyer)-[:USES]->(i:Identifier) RETURN b.buyer, i.value",
)
OF_BUYERS = "UNWIND range(0, $last, $step) AS low MATCH (b:Buyer) WHERE low < b.buyer <= low + $step"
BY_COLUMNS = (
    f"{OF_BUYERS} MATCH (b)-[:FILED]->(c:Claim)-[:AGAINST]->(m:Merchant) "
    "RETURN low, collect(b.buyer), collect(m.merchant), collect(c.filed_at), collect(c.amount)",
    f"{OF_BUYERS} MATCH (b)-[o:ORDERED]->(m:Merchant) "
    "RETURN low, collect(b.buyer), collect(m.merchant), collect(o.ordered_at)",
    f"{OF_BUYERS} MATCH (b)-[:USES]->(i:Identifier) RETURN low, collect(b.buyer), collect(i.value)",
)


@dataclass(frozen=True)
class Figures:
    """Seconds, but for `rows`."""

    rows: int
    first: float
    again: float
    elsewhere: float
    """The same rows in other files."""
    written: float
    read: float
    by_rows: float
    by_columns: float


class Stopwatch(Silent):
    """Takes the time of the stages of a load."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._stage = ""

    def stage(self, name: str, total: int | None = None) -> None:
        """End one stage and begin another."""
        self.done()
        self._stage, self._begun = name, time.perf_counter()

    def done(self) -> None:
        """End the stage."""
        if self._stage:
            self.seconds[self._stage] = time.perf_counter() - self._begun
        self._stage = ""


def seconds_of(work: Callable[[], object]) -> float:
    """Do it and say how long it took."""
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def load(store: Neo4jStore, inputs: Path, process: int) -> float:
    """Load files under a lease; give the seconds that writing took."""
    watch = Stopwatch()
    lease = store.leases.acquire(LeaseName.LOAD, Holder("here", process, "now"), 3600.0, process * 10**11)
    load_market(LoadRequest([inputs]), KEY, store, lease, 7, watch)
    return watch.seconds.get("write", 0.0)


def ready_rows(inputs: Path) -> list[tuple[str, dict[str, Any]]]:
    """Make the statements and parameters of a first load."""
    tables = read_tables([inputs], IntakeOptions(), KEY).tables
    made = (rows_of(batch, NORMALISER_VERSION) for batch in LoadBatches(NoNumbers(), 1, tables, BATCH_ROWS))
    return [(statements()[rows[0]].text, {"load": 1, **rows[1]}) for rows in made if rows is not None]


def settle_disk() -> None:
    """Wait until all that was written before is on the disk: whoever comes second would wait for it."""
    os.sync()


def write_plainly(driver: neo4j.Driver, inputs: Path) -> float:
    """Create the rows of a load and nothing else; give seconds."""
    ready = ready_rows(inputs)
    settle_disk()
    with driver.session(database=DATABASE) as session:
        begun = time.perf_counter()
        for text, cells in ready:
            session.execute_write(partial(run, text, cells))
        return time.perf_counter() - begun


def run(text: str, cells: dict[str, Any], transaction: neo4j.ManagedTransaction) -> None:
    """Run one statement in a transaction."""
    transaction.run(text, cells).consume()


def read_by_rows(driver: neo4j.Driver) -> None:
    """Fetch the rows that make the arrays, one record each."""
    with driver.session(database=DATABASE) as session:
        for text in BY_ROWS:
            rows = [record.values() for record in session.run(text)]
            del rows


def read_by_columns(driver: neo4j.Driver, buyers: int) -> None:
    """Fetch the integers among them as lists, into numpy."""
    with driver.session(database=DATABASE, fetch_size=4) as session:
        for text in BY_COLUMNS:
            found = session.run(text, last=buyers, step=BUYERS_A_RECORD)
            pieces = [[np.array(cells, np.int64) for cells in record.values()[1:]] for record in found]
            columns = [np.concatenate(column) for column in zip(*pieces, strict=True)]
            del columns


@contextmanager
def empty_server(folder: Path, given: str | None) -> Iterator[Login]:
    """Start a server, or empty the one that was given."""
    if given is None:
        with Neo4jServer(folder, heap="2g", pagecache="1g", java_options=()) as server:
            yield server.login
        return
    settings = Settings.from_environment(os.environ)
    login = Login(given, settings.store_user or USER, settings.store_password)
    yield login
    with login.driver() as driver:
        Emptying(driver).empty()


def opened(login: Login) -> Neo4jStore:
    """Open the store of a server."""
    return Neo4jStore(address_of(login.address, *login.credentials))


def measure_plainly(login: Login, inputs: Path, warm: Path) -> float:
    """Measure the bare writes."""
    opened(login).close()
    with login.driver(notifications_min_severity="OFF") as driver:
        write_plainly(driver, warm)
        Emptying(driver).empty()
        opened(login).close()
        return write_plainly(driver, inputs)


def measure(login: Login, inputs: Path, other: Path, warm: Path) -> Figures:
    """Measure what Ringfence does, and the bare reads beside it."""
    with closing(opened(login)) as store, login.driver(notifications_min_severity="OFF") as driver:
        load(store, warm, 1)
        store.market.read()
        Emptying(driver).empty()
    settle_disk()
    with closing(opened(login)) as store, login.driver(notifications_min_severity="OFF") as driver:
        begun = time.perf_counter()
        written = load(store, inputs, 1)
        first = time.perf_counter() - begun
        rows = count_rows(driver)
        again = seconds_of(lambda: load(store, inputs, 2))
        elsewhere = seconds_of(lambda: load(store, other, 3))
        buyers = len(store.market.read().buyer_ids)
        reads = (
            store.market.read,
            lambda: read_by_rows(driver),
            lambda: read_by_columns(driver, buyers),
        )
        read, by_rows, by_columns = np.mean([[seconds_of(each) for each in reads] for _ in range(READS)], 0)
    return Figures(rows, first, again, elsewhere, written, read, by_rows, by_columns)


def count_rows(driver: neo4j.Driver) -> int:
    """Say how many nodes and relationships there are."""
    records, _, _ = driver.execute_query(
        "MATCH (n) RETURN count(n) + COUNT { ()-[]->() } AS rows", database_=DATABASE
    )
    return int(records[0]["rows"])


def main() -> None:
    """Read the arguments, measure, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--claims", type=int, default=200_000, help="(default 200000)")
    parser.add_argument("--warm-up", type=int, default=20_000, help="claims to warm up by (default 20000)")
    parser.add_argument("--rounds", type=int, default=1, help="measure so often, in turn (default 1)")
    parser.add_argument("--input", type=Path, help="a folder of files instead of a made marketplace")
    parser.add_argument("--server", help="an empty server that runs already (bolt://…)")
    parser.add_argument("--json", type=Path, help="write the figures here too")
    asked = parser.parse_args()
    machine = describe_machine(["ringfence", "polars", "neo4j", "neo4j-rust-ext"])
    print(", ".join(f"{name} {value}" for name, value in machine.items()))
    found: list[Figures] = []
    plain: list[float] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        inputs, warm, other = asked.input or folder / "parquet", folder / "warm" / "parquet", folder / "other"
        if asked.input is None:
            write_marketplace(asked.claims, folder, csv=False, seed=1, zipf=1.0)
        write_marketplace(asked.warm_up, folder / "warm", csv=False, seed=2, zipf=1.0)
        other.mkdir()
        for path in sorted(inputs.glob("*.parquet")):
            pl.read_parquet(path).reverse().write_parquet(other / path.name)
        for number in range(asked.rounds):
            with empty_server(folder / f"plain{number}", asked.server) as login:
                plain.append(measure_plainly(login, inputs, warm))
            with empty_server(folder / f"ours{number}", asked.server) as login:
                found.append(measure(login, inputs, other, warm))
    told = {
        each.name: float(np.mean([getattr(figures, each.name) for figures in found]))
        for each in fields(Figures)
    } | {"plain": float(np.mean(plain))}
    ratios = {
        "write": (told["written"], told["plain"], LEAST_WRITTEN),
        "the same files again": (told["again"], told["first"], LEAST_AGAIN),
        "the same rows in other files": (told["elsewhere"], told["first"], LEAST_AGAIN),
        "read, against rows": (told["read"], told["by_rows"], LEAST_BY_ROWS),
        "read, against columns": (told["read"], told["by_columns"], LEAST_BY_COLUMNS),
    }
    print_table(
        f"{told['rows']:,.0f} nodes and relationships",
        ("what", "seconds", "held against", "ratio", "at least"),
        [
            (what, f"{ours:.2f}", f"{theirs:.2f}", f"{theirs / ours:.2f}", least)
            for what, (ours, theirs, least) in ratios.items()
        ],
    )
    if asked.json:
        write_json(asked.json, {"machine": machine, "figures": told})


if __name__ == "__main__":
    main()
