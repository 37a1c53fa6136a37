"""How long a detection takes on a Neo4j, against the same on the embedded store.

    python tests/benchmarks/detect_in_store.py --claims 1000000

The same marketplace is loaded into a store of each kind. Then detection runs on both in turn, in one
process: export of the arrays, detection, publication. The first rounds warm everything up and do not count,
a server in Java needs some; nothing changes between the others. At the end what is drawn in the graph of
targets and links is erased, for the case that all of it has to be drawn.
"""

import argparse
import sys
import tempfile
import time
from contextlib import ExitStack, closing
from pathlib import Path
from statistics import median

from machine import describe_machine
from marketplaces import write_marketplace
from measuring import print_table, write_json

sys.path.insert(0, str(Path(__file__).parents[1]))

from neo4j_database import DATABASE
from neo4j_server import Neo4jServer
from ringfence.app import StoresByAddress
from ringfence.domain.leases import Holder, LeaseName
from ringfence.domain.progress import Silent
from ringfence.intake import PseudonymKey
from ringfence.services.detect_in_store import StoreDetectionRequest, detect_in_store
from ringfence.services.load_market import LoadRequest, load_market
from ringfence.store import Store

KEY = PseudonymKey(bytes(32))
MOST = 1.5
HOLDER = Holder("here", 1, "now")


def now() -> int:
    """Give µs since 1970-01-01 UTC."""
    return time.time_ns() // 1_000


def load(store: Store, inputs: Path) -> float:
    """Load files into an empty store; give seconds."""
    lease = store.leases.acquire(LeaseName.LOAD, HOLDER, 3_600.0, now())
    begun = time.perf_counter()
    load_market(LoadRequest([inputs]), KEY, store, lease, now(), Silent())
    seconds = time.perf_counter() - begun
    store.leases.release(lease)
    return seconds


def detect(store: Store) -> tuple[float, float, int]:
    """Detect; give seconds in all, seconds of the export alone, and the number of rings."""
    begun = time.perf_counter()
    store.market.read()
    export = time.perf_counter() - begun
    begun = time.perf_counter()
    outcome = detect_in_store(StoreDetectionRequest(publish_anyway="a benchmark"), store, now)
    return time.perf_counter() - begun, export, outcome.run.rings


def erase_drawing(server: Neo4jServer) -> None:
    """Take away what is drawn for people who look at the graph."""
    with server.login.driver() as driver:
        for statement in ("MATCH ()-[d:HIT|LINKED]->() DELETE d", "MATCH (s:Store) SET s.drawn_run = 0"):
            driver.execute_query(statement, database_=DATABASE)


def main() -> None:
    """Read the arguments, measure, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--claims", type=int, default=1_000_000, help="(default 1000000)")
    parser.add_argument("--rounds", type=int, default=5, help="(default 5)")
    parser.add_argument("--warm-up", type=int, default=4, help="rounds before them (default 4)")
    parser.add_argument("--input", type=Path, help="a folder of files instead of a made marketplace")
    parser.add_argument("--json", type=Path, help="write the figures here too")
    asked = parser.parse_args()
    machine = describe_machine(["ringfence", "neo4j", "neo4j-rust-ext", "polars", "numpy"])
    print(", ".join(f"{name} {value}" for name, value in machine.items()))
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        inputs = asked.input
        if inputs is None:
            write_marketplace(asked.claims, folder, csv=False, seed=1, zipf=1.0)
            inputs = folder / "parquet"
        server = Neo4jServer(folder / "server", heap="2g", pagecache="1g", java_options=())
        stack.enter_context(server)
        stores = {
            name: stack.enter_context(closing(StoresByAddress().open(address, create=True)))
            for name, address in (("sqlite", str(folder / "store.sqlite")), ("neo4j", server.address))
        }
        loaded = {name: load(store, inputs) for name, store in stores.items()}
        rounds: dict[str, list[tuple[float, float, int]]] = {name: [] for name in stores}
        for _ in range(asked.warm_up + asked.rounds):
            for name, store in stores.items():
                rounds[name].append(detect(store))
        erase_drawing(server)
        drawn_anew, *_ = detect(stores["neo4j"])
    seconds = {name: median(each[0] for each in taken[asked.warm_up :]) for name, taken in rounds.items()}
    exports = {name: median(each[1] for each in taken[asked.warm_up :]) for name, taken in rounds.items()}
    ratio = seconds["neo4j"] / seconds["sqlite"]
    print_table(
        f"export, detection, publication: Neo4j takes {ratio:.2f} times as long (at most {MOST})",
        ("store", "seconds", "of which export", "rings", "load, seconds"),
        [
            (name, f"{seconds[name]:.2f}", f"{exports[name]:.2f}", rounds[name][-1][2], f"{loaded[name]:.0f}")
            for name in stores
        ],
    )
    print(f"with all targets and links drawn anew: {drawn_anew:.2f} s")
    if asked.json:
        figures = {
            "drawn_anew_seconds": drawn_anew,
            "seconds": seconds,
            "export_seconds": exports,
            "ratio": ratio,
            "load_seconds": loaded,
        }
        write_json(asked.json, {"machine": machine, "figures": figures})


if __name__ == "__main__":
    main()
