"""Stores, backups and their runs of before there were leads answer as others do, and say what they can."""

import json
import sqlite3
import zipfile
from collections.abc import Callable, Iterator
from contextlib import closing
from io import BytesIO
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from neo4j_database import DATABASE, Login
from ringfence.app import StoresByAddress
from ringfence.domain.leads import LeadQuery
from ringfence.domain.leases import Holder, LeaseName
from ringfence.domain.progress import Silent
from ringfence.domain.rings import RingQuery
from ringfence.domain.scope import PLATFORM
from ringfence.market.results import LEADS, SCHEMAS
from ringfence.store import Store
from ringfence.store.archive import write_archive
from ringfence.store.columnar.columns import joined
from ringfence.store.columnar.run_layout import batch_of
from ringfence.store.history import StoredHistory
from ringfence.store.sqlite.schema import MIGRATIONS

FORMER_STEPS = next(place for place, step in enumerate(MIGRATIONS) if "occasions" in step)
"""Migrations of files that knew no leads yet."""
FORMER_FORMAT, FORMER_SCHEMA = 4, 5
LATER = {"rings": ["occasions", "method"], "evidence": ["weak"], "risks": ["lead_score", "lead_id"]}
Publish = Callable[..., int]


def filled(store: Store, publish: Publish) -> None:
    """Publish a ring with three claims, at one of which chance puts a stranger, and a buyer's risk."""
    publish(store, {"r1": (31.2, ["b1", "b2"])}, leads={"l1": ["b3"]})
    tables = store.rings.tables()
    at = tables["rings"]["first_claim_at"][0]
    claims = [
        ("r1", 1, "m", "b1", f"c{n}", at, "EUR:1.00", near, False) for n, near in enumerate((0.1, 1.0, 2.0))
    ]
    tables["evidence"] = pl.DataFrame(claims, schema=SCHEMAS["evidence"], orient="row")
    risk = dict.fromkeys(SCHEMAS["risks"]) | {"buyer_id": "b1", "probability": 0.5, "lead_score": 3.0}
    tables["risks"] = pl.DataFrame([risk], schema=SCHEMAS["risks"])
    lease = store.leases.acquire(LeaseName.DETECT, Holder("here", 1, "once"), 60.0, 1)
    run = store.rings.begin_run(lease, 0, 1)
    store.rings.write_run(run, tables, {"counts": {"rings": 1}}, lease, Silent())
    store.rings.publish(run, lease, 1)
    store.leases.release(lease)


def former_batch(table: str, columns: bytes) -> bytes:
    rows = joined([columns])
    assert rows is not None
    return batch_of(table, rows.drop(LATER[table], strict=False))


def former_file(path: Path) -> None:
    """Bring a file back to the former version."""
    with closing(sqlite3.connect(path)) as made:
        for name in LATER["rings"]:
            made.execute(f"ALTER TABLE findings DROP COLUMN {name}")
        find = "SELECT rowid, subject, columns FROM run_columns WHERE subject IN ('evidence', 'risks')"
        for row, table, columns in made.execute(find).fetchall():
            former = former_batch(table, columns)
            made.execute("UPDATE run_columns SET columns = ? WHERE rowid = ?", (former, row))
        for table in LEADS:
            made.execute("DELETE FROM run_columns WHERE subject = ?", (table,))
        for run, tables in made.execute("SELECT run, tables FROM runs").fetchall():
            known = [table for table in json.loads(tables) if table not in LEADS]
            made.execute("UPDATE runs SET tables = ? WHERE run = ?", (json.dumps(known), run))
        made.execute(f"PRAGMA user_version = {FORMER_STEPS}")
        made.commit()


def former_graph(login: Login) -> None:
    """Bring a graph back to the former version."""

    def ask(text: str, **values: Any) -> list[Any]:
        return list(driver.execute_query(text, values, database_=DATABASE).records)

    with login.driver() as driver:
        ask("MATCH ()-[f:FOUND_BY]->() REMOVE f.occasions, f.method")
        ask("MATCH (b:RunBatch) WHERE b.table IN $leads DETACH DELETE b", leads=list(LEADS))
        ask("MATCH (u:Run) SET u.tables = [t IN u.tables WHERE NOT t IN $leads]", leads=list(LEADS))
        find = "MATCH (b:RunBatch) WHERE b.table IN $tables RETURN elementId(b), b.table, b.columns"
        for own_id, table, columns in ask(find, tables=list(LATER)):
            former = former_batch(table, columns)
            ask("MATCH (b) WHERE elementId(b) = $id SET b.columns = $columns", id=own_id, columns=former)
        ask("MATCH (s:Store) SET s.schema_version = $old", old=FORMER_SCHEMA)


@pytest.fixture
def former(
    store: Store, store_address: str, publish: Publish, request: pytest.FixtureRequest
) -> Iterator[Store]:
    """A store of the former version, opened by this one."""
    filled(store, publish)
    store.close()
    login: Login | None = None
    if "://" in store_address:
        login = request.getfixturevalue("neo4j_server")
        former_graph(login)
    else:
        former_file(Path(store_address))
    stores = StoresByAddress(*login.credentials) if login is not None else StoresByAddress()
    with closing(stores.open(store_address, create=False)) as opened:
        yield opened


def checked(store: Store) -> None:
    """See that a store says of the former runs what can be said."""
    (ring,) = store.rings.page(RingQuery(), 1).items
    assert (ring.occasions, ring.method, ring.score) == (None, "coincidence", 31.2)
    assert [claim.weak for claim in store.rings.joint_claims(["r1"])] == [False, True, True]
    _, (risk,) = store.rings.risks(["b1"])
    assert (risk["lead_score"], risk["lead_id"], risk["probability"]) == (0.0, None, 0.5)
    tables = store.rings.tables()
    assert not set(tables) & set(LEADS)
    for table, frame in tables.items():
        assert frame.schema == SCHEMAS[table]
    assert tables["evidence"]["weak"].to_list() == [False, True, True]
    assert tables["rings"].select("occasions", "method").rows() == [(None, "coincidence")]
    assert store.leads.page(LeadQuery(), PLATFORM, 9).total == 0
    assert store.leads.last_known("l1", PLATFORM) is None


def test_a_former_store_says_what_can_be_said_of_its_runs(former: Store, publish: Publish) -> None:
    checked(former)
    publish(former, {"r1": (31.2, ["b1"])}, now=5, leads={"l1": ["b3"]})
    assert former.leads.page(LeadQuery(), PLATFORM, 9).total == 1
    assert former.rings.rings(["r1"])[0].occasions == 1


def test_a_former_store_is_copied_and_backed_up(former: Store, tmp_path: Path) -> None:
    write_archive(StoredHistory(former), tmp_path / "all.backup", Silent())
    restored(tmp_path / "all.backup", tmp_path / "new.sqlite")


def test_a_former_backup_is_put_back(publish: Publish, tmp_path: Path) -> None:
    with closing(StoresByAddress().open(str(tmp_path / "store.sqlite"), create=True)) as store:
        filled(store, publish)
        write_archive(StoredHistory(store), tmp_path / "now.backup", Silent())
    with (
        zipfile.ZipFile(tmp_path / "now.backup") as now,
        zipfile.ZipFile(tmp_path / "old.backup", "w") as old,
    ):
        for name in now.namelist():
            content, table = now.read(name), Path(name).stem
            if table in LEADS:
                continue
            if name == "history.json":
                about = json.loads(content) | {"format": FORMER_FORMAT}
                for run in about["runs"]:
                    run["tables"] = [one for one in run["tables"] if one not in LEADS]
                content = json.dumps(about).encode()
            elif name.startswith("runs/") and table in LATER:
                frame = BytesIO()
                pl.read_parquet(BytesIO(content)).drop(LATER[table]).write_parquet(frame)
                content = frame.getvalue()
            old.writestr(name, content)
    restored(tmp_path / "old.backup", tmp_path / "new.sqlite")


def restored(backup: Path, path: Path) -> None:
    """See what a store says that is made of a backup."""
    StoresByAddress().restore(backup, str(path), replace=False)
    with closing(StoresByAddress().open(str(path), create=False)) as store:
        checked(store)
