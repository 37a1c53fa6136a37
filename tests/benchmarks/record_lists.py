"""How long a page of verifications takes, however many there are, and to open those that are due.

    python tests/benchmarks/record_lists.py --records 1000000 --due 10000
    python tests/benchmarks/record_lists.py --records 100000 --store bolt://localhost:7687

The store must be new, or is made in a temporary folder. A record in ten is open, and each hundredth has
an owner; all were opened at ten moments, as runs open them. Goals: a few ms a page at 1,000,000 records,
and 1 ms a verification that is opened in the embedded store.
"""

import argparse
import tempfile
import time
from contextlib import closing
from pathlib import Path

import numpy as np
import polars as pl
from machine import describe_machine
from measuring import print_table

from ringfence.app import StoresByAddress
from ringfence.domain.leases import Holder, LeaseName
from ringfence.domain.loads import FileCount, LoadSource
from ringfence.domain.pages import Key
from ringfence.domain.policy import Policy
from ringfence.domain.progress import Silent
from ringfence.domain.records import Event, RecordKind, RecordRef, Subject, SubjectKind
from ringfence.domain.scope import Principal, Role
from ringfence.domain.verifications import Verification, VerificationFile, VerificationState
from ringfence.market.rows import tables_of_rows
from ringfence.market.tables import SCHEMAS
from ringfence.services.open_verifications import open_due_verifications
from ringfence.services.verify_buyers import list_verifications
from ringfence.store import Append, Store

NOW = 1_790_000_000_000_000
DAY = 86_400_000_000
ANA = Principal("ana", Role.INVESTIGATOR)
MERCHANTS = 500
CLAIMS_A_BUYER, REPORTS_A_BUYER = 4, 2
AT_ONCE = 1_000
PAGE, PAGES = 50, 100


def put_records(store: Store, records: int) -> None:
    """Write verifications of buyers who are in no load."""
    states = (VerificationState.OPEN, *[VerificationState.REJECTED] * 9)
    for first in range(0, records, AT_ONCE):
        appends = []
        for number in range(first, min(first + AT_ONCE, records)):
            file = VerificationFile(
                claims=tuple(f"c{number}-{place}" for place in range(CLAIMS_A_BUYER)),
                reports=tuple(f"r{number}-{place}" for place in range(REPORTS_A_BUYER)),
                merchants=tuple(f"m{(number + place) % MERCHANTS:03}" for place in range(REPORTS_A_BUYER)),
            )
            buyer_id, at = f"past{number}", NOW - (number % 10) * DAY
            state = Verification(
                buyer_id,
                1,
                "2 reports of independent merchants weigh 2.00, and 2 is enough",
                "policy",
                at,
                file,
                state=states[number % len(states)],
                owner="ana" if number % 100 == 0 else None,
                version=1,
            )
            ref = RecordRef(RecordKind.VERIFICATION, state.verification_id)
            data = {"buyer_id": buyer_id, "file": file.to_state()}
            subjects = [Subject(SubjectKind.BUYER, buyer_id)]
            appends.append(Append(ref, [Event("opened", at, "job", data)], 0, state.to_state(), subjects))
        store.records.append_all(appends)


def put_market(store: Store, buyers: int) -> pl.DataFrame:
    """Load buyers whom merchants report; give what these reports weigh."""
    names = [f"b{number:06}" for number in range(buyers)]
    ids = (pl.Series(names), pl.Series([f"m{number:03}" for number in range(MERCHANTS)]))
    frames = {name: pl.DataFrame(schema=SCHEMAS[name]) for name in SCHEMAS if name != "uses"}
    frames["identified"] = pl.DataFrame(schema=SCHEMAS["uses"])
    for table, many, id, at in (
        ("claims", CLAIMS_A_BUYER, "claim_id", "filed_at"),
        ("reports", REPORTS_A_BUYER, "report_id", "reported_at"),
    ):
        buyer = np.repeat(np.arange(buyers), many)
        place = np.tile(np.arange(many), buyers)
        told = pl.DataFrame(
            {
                id: [f"{table}{number}" for number in range(len(buyer))],
                "buyer": buyer,
                "merchant": (buyer * 7 + place * 13) % MERCHANTS,
                at: NOW - (place + 1) * DAY,
                "amount": np.full(len(buyer), 100),
                "currency": ["EUR"] * len(buyer),
            }
        )
        schema = SCHEMAS[table]
        frames[table] = told.select(
            (pl.col(name) if name in told.columns else pl.lit(None)).cast(dtype).alias(name)
            for name, dtype in schema.items()
        )
    tables, _ = tables_of_rows(*ids, (), frames)
    source = LoadSource("digest", "key", 1, (FileCount("claims.csv", "claims", 1, 1, 0, 0, 0),), {})
    lease = store.leases.acquire(LeaseName.LOAD, Holder("here", 1, "once"), 600.0, NOW)
    store.market.write_load(source, tables, lease, NOW, Silent())
    store.leases.release(lease)
    return pl.DataFrame({"buyer_id": names}).with_columns(weight=2.5, fresh_weight=0.0)


def time_pages(store: Store, state: VerificationState | None, owner: str | None) -> list[str]:
    """Read one page after another, and tell the milliseconds."""
    taken: list[float] = []
    after: Key | None = None
    total = 0
    for _ in range(PAGES):
        began = time.perf_counter()
        page = list_verifications(store, ANA, PAGE, after, state=state, owner=owner)
        taken.append((time.perf_counter() - began) * 1_000)
        total, after = page.total, page.keys[-1] if page.has_next else None
    asked = f"state {state or 'any'}, owner {owner or 'any'}"
    return [asked, f"{total:,}", f"{np.percentile(taken, 50):.1f}", f"{np.percentile(taken, 99):.1f}"]


def main() -> None:
    """Fill a store, and print what was measured."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--records", type=int, default=100_000)
    parser.add_argument("--due", type=int, default=10_000)
    parser.add_argument("--store", help="where to make the store; in a temporary folder by default")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        address = arguments.store or str(Path(folder) / "store.sqlite")
        with closing(StoresByAddress().open(address, create=True)) as store:
            weights = put_market(store, arguments.due)
            began = time.perf_counter()
            put_records(store, arguments.records)
            each = (time.perf_counter() - began) / max(arguments.records, 1) * 1_000
            rows = [
                time_pages(store, state, owner)
                for state in (None, VerificationState.OPEN, VerificationState.CONFIRMED)
                for owner in (None, "ana")
            ]
            began = time.perf_counter()
            opened = open_due_verifications(store, Policy(), NOW, weights)
            taken = (time.perf_counter() - began) / max(len(opened), 1) * 1_000
    for name, value in describe_machine(["polars", "neo4j"]).items():
        print(f"{name}: {value}")
    print(f"{arguments.records:,} verifications written, {each:.2f} ms each")
    print_table(f"Pages of {PAGE}", ["asked for", "in the list", "p50 ms", "p99 ms"], rows)
    print(f"\n{len(opened):,} verifications opened, {taken:.2f} ms each")


if __name__ == "__main__":
    main()
