"""Stores and backups from when a report was known by its id alone: what was kept then is found by both."""

import json
import sqlite3
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from neo4j_database import DATABASE, Login
from ringfence.app import StoresByAddress
from ringfence.domain.buyers import Report, ReportRef
from ringfence.domain.leases import LeaseName
from ringfence.domain.listings import list_name
from ringfence.domain.policy import Policy
from ringfence.domain.progress import Silent
from ringfence.domain.records import RecordKind
from ringfence.domain.reports import ReportStatus
from ringfence.domain.scope import PLATFORM, Principal, Role
from ringfence.intake import IntakeOptions, PseudonymKey
from ringfence.services.hold_lease import hold_lease
from ringfence.services.load_market import LoadRequest, load_market
from ringfence.services.report_buyers import file_report, withdraw_report
from ringfence.services.weigh_reports import withdrawn_reports
from ringfence.store import Store
from ringfence.store.archive import write_archive
from ringfence.store.history import StoredHistory
from ringfence.store.sqlite.database import APPLICATION_ID
from ringfence.store.sqlite.schema import MIGRATIONS

NOW = 1_777_636_800_000_000
"""2026-05-01 12:00"""
ODD = "m/2%"
"""A merchant whose id must be written otherwise in a name."""
OLD_ID = "m1/p1"
"""The id of a report by which another one is named now."""
WITHDRAWN = (("m1", "p1"), (ODD, "p2"), ("m3", OLD_ID), ("m1", "p3"))
CLAIMS = "claim_id,buyer_id,merchant_id,filed_at,amount\n" + "".join(
    f"c{place},b1,{merchant},2026-04-20,10.00\n" for place, merchant in enumerate(("m1", ODD, "m3"))
)
REPORTS = "report_id,merchant_id,buyer_id,reported_at\n" + "".join(
    f"{id},{merchant},b1,2026-04-2{place}\n"
    for place, (id, merchant) in enumerate([("p1", "m1"), ("p2", ODD), (OLD_ID, "m3"), ("p4", "m3")])
)
FORMER_STEPS = next(place for place, step in enumerate(MIGRATIONS) if "merchants_reports" in step)
"""How many steps a file had taken then."""
FORMER_FORMAT, FORMER_SCHEMA = 3, 4
TEARING_DOWN = (
    "DROP CONSTRAINT report_of_merchant",
    "CREATE CONSTRAINT report_id FOR (r:Report) REQUIRE r.report_id IS UNIQUE",
    "MATCH (r:Report) REMOVE r.merchant",
    "MATCH (r:Record) WHERE r.kind = 'report' SET r.id = '\\n' + r.id",
    "MATCH (:Record {kind: 'report'})-[l:LISTED_IN]->() SET l.place = left(l.place, 19) + 'of old'",
)


def filled(store: Store, folder: Path) -> None:
    """Let three merchants report b1, by file and by call, a verification begin, and some withdraw."""
    (folder / "claims.csv").write_text(CLAIMS)
    (folder / "reports.csv").write_text(REPORTS)
    paths = [folder / "claims.csv", folder / "reports.csv"]
    with hold_lease(store, LeaseName.LOAD, lambda: NOW) as lease:
        request = LoadRequest(paths, IntakeOptions(default_currency="EUR"), folder)
        load_market(request, PseudonymKey(bytes(range(32))), store, lease, NOW)
    job = Principal("order system", Role.JOB)
    file_report(store, job, "b1", Policy(), NOW, merchant_id="m1", report_id="p3", opens=False)
    file_report(store, job, "b1", Policy(), NOW, merchant_id=ODD, report_id="p5", opens=False)
    for merchant, report_id in WITHDRAWN:
        withdraw_report(store, Principal(merchant, Role.MERCHANT, merchant), report_id, "mistaken", NOW)


def told(store: Store) -> dict[str, Any]:
    """Tell all that hangs on which report is which."""
    return {
        "reports": store.reports.page(50, None, PLATFORM),
        "filed": store.reports.filed(),
        "read": store.reports.read().report_ids.to_list(),
        "records": [state for kind in RecordKind for state in store.records.current(kind)],
        "withdrawn": withdrawn_reports(store),
        "listed": store.records.page(RecordKind.REPORT, list_name(status=ReportStatus.WITHDRAWN), 50),
    }


def bare(names: list[str]) -> list[str]:
    """Give ids as reports were known by."""
    return [ReportRef.of_name(name).report_id for name in names]


def former_state(state: Mapping[str, Any]) -> dict[str, Any]:
    return {**state, "file": {**state["file"], "reports": bare(state["file"]["reports"])}}


def former_file(path: Path) -> Path:
    """Give a file of the former version that holds the same."""
    old = path.with_name("former.sqlite")
    with closing(sqlite3.connect(old)) as made:
        made.create_function("record_listing", 2, lambda kind, state: "[]")
        for step in MIGRATIONS[:FORMER_STEPS]:
            made.executescript(step)
        made.execute(f"PRAGMA user_version = {FORMER_STEPS}")
        made.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        made.execute("ATTACH ? AS now", (str(path),))
        for (table,) in made.execute("SELECT name FROM main.sqlite_schema WHERE type = 'table'").fetchall():
            if not table.startswith("sqlite_"):
                columns = ", ".join(f'"{row[1]}"' for row in made.execute(f"PRAGMA main.table_info({table})"))
                made.execute(f"INSERT INTO main.{table} ({columns}) SELECT {columns} FROM now.{table}")
        rows = made.execute("SELECT record, kind, id, state FROM main.records").fetchall()
        for record, kind, id, state in rows:
            if kind == RecordKind.REPORT:
                made.execute(
                    "UPDATE main.records SET id = char(10) || ? WHERE record = ?", (*bare([id]), record)
                )
            elif kind == RecordKind.VERIFICATION:
                former = json.dumps(former_state(json.loads(state)))
                made.execute("UPDATE main.records SET state = ? WHERE record = ?", (former, record))
        made.execute("UPDATE main.records SET id = ltrim(id, char(10)) WHERE kind = 'report'")
        made.execute(
            "UPDATE main.listed_records AS listed SET id ="
            " (SELECT id FROM main.records WHERE records.record = listed.record)"
        )
        made.commit()
    return old


def former_graph(login: Login) -> None:
    """Bring a graph back to the former version."""
    with login.driver() as driver:
        for statement in TEARING_DOWN:
            driver.execute_query(statement, database_=DATABASE)
        find = "MATCH (r:Record) RETURN r.kind AS kind, r.id AS id, r.state AS state"
        for row in driver.execute_query(find, database_=DATABASE).records:
            state = row["state"]
            if row["kind"] == RecordKind.VERIFICATION:
                state = json.dumps(former_state(json.loads(state)))
            id = bare([row["id"].strip()])[0] if row["kind"] == RecordKind.REPORT else row["id"]
            driver.execute_query(
                "MATCH (r:Record {kind: $kind, id: $old})-[:HAS]->(e:Event {version: r.version})"
                " SET r.id = $id, r.state = $state, e.state = $state",
                {"kind": row["kind"], "old": row["id"], "id": id, "state": state},
                database_=DATABASE,
            )
        driver.execute_query(
            "MATCH (s:Store) SET s.schema_version = $old", {"old": FORMER_SCHEMA}, database_=DATABASE
        )


def former_archive(archive: Path) -> Path:
    """Give a backup as the former version would have written it."""
    old = archive.with_name("former.backup")
    with zipfile.ZipFile(archive) as source, zipfile.ZipFile(old, "w") as target:
        for name in source.namelist():
            content = source.read(name)
            if name == "history.json":
                content = json.dumps(json.loads(content) | {"format": FORMER_FORMAT}).encode()
            if name == "records.ndjson":
                content = b"".join(former_line(json.loads(line)) for line in content.splitlines())
            target.writestr(name, content)
    return old


def former_line(past: dict[str, Any]) -> bytes:
    record = past["current"]["record"]
    if record["kind"] == RecordKind.REPORT:
        (record["id"],) = bare([record["id"]])
    elif record["kind"] == RecordKind.VERIFICATION:
        past["current"]["state"] = former_state(past["current"]["state"])
    return json.dumps(past).encode() + b"\n"


@pytest.fixture
def kept(store: Store, tmp_path: Path) -> dict[str, Any]:
    """What `store` tells, which has reports of each kind."""
    filled(store, tmp_path)
    return told(store)


@pytest.fixture
def reopened(
    store: Store, store_address: str, request: pytest.FixtureRequest
) -> Iterator[Callable[[], Store]]:
    """Let `store` be of the former version, and open it again."""
    opened: list[Store] = []

    def reopen() -> Store:
        store.close()
        if "://" in store_address:
            login: Login = request.getfixturevalue("neo4j_server")
            former_graph(login)
            opened.append(StoresByAddress(*login.credentials).open(store_address, create=False))
        else:
            opened.append(StoresByAddress().open(str(former_file(Path(store_address))), create=False))
        return opened[-1]

    yield reopen
    for each in opened:
        each.close()


def test_a_former_store_finds_each_report_and_what_became_of_it(
    kept: dict[str, Any], reopened: Callable[[], Store]
) -> None:
    (verification,) = (each for each in kept["records"] if each.record.kind is RecordKind.VERIFICATION)
    assert set(verification.state["file"]["reports"]) == {"m1/p1", "m%2F2%25/p2", "m3/m1/p1", "m3/p4"}
    assert kept["withdrawn"] == {ReportRef(*each) for each in WITHDRAWN}
    store = reopened()
    assert told(store) == kept
    for number, (merchant, report_id) in enumerate(((ODD, "p1"), ("m1", "p2"), ("m3", "p3")), 1):
        report = Report(report_id, merchant, "b1", NOW, None, None, None)
        assert [store.reports.file(report, NOW) for _ in range(2)] == [True, False]
        assert len(store.reports.merchants_of(report_id)) == 2
        assert len(store.reports.read()) == len(kept["read"]) + number
    assert withdrawn_reports(store) == kept["withdrawn"]


def test_a_former_graph_that_was_brought_forward_in_part_is_taken_up(
    neo4j_address: str, neo4j_server: Login, tmp_path: Path
) -> None:
    stores = StoresByAddress(*neo4j_server.credentials)
    with closing(stores.open(neo4j_address, create=True)) as store:
        filled(store, tmp_path)
        before = told(store)
    former_graph(neo4j_server)
    half = "MATCH (m)-[:FILED_REPORT]->(r) WITH m, r LIMIT 3 SET r.merchant = m.merchant"
    unlisted = "MATCH (n:RecordList) DETACH DELETE n"
    named = "MATCH (s:Store) SET s.schema_version = 3, s.are_reports_named = true"
    for done in (("DROP CONSTRAINT report_id", half), (unlisted, named), ()):
        with neo4j_server.driver() as driver:
            for statement in done:
                driver.execute_query(statement, database_=DATABASE)
        with closing(stores.open(neo4j_address, create=False)) as store:
            assert told(store) == before


def test_a_former_backup_is_put_back_with_each_report_and_what_became_of_it(tmp_path: Path) -> None:
    stores = StoresByAddress()
    with closing(stores.open(str(tmp_path / "store.sqlite"), create=True)) as store:
        filled(store, tmp_path)
        write_archive(StoredHistory(store), tmp_path / "store.backup", Silent())
        before = told(store)
    stores.restore(former_archive(tmp_path / "store.backup"), str(tmp_path / "new.sqlite"), replace=False)
    with closing(stores.open(str(tmp_path / "new.sqlite"), create=False)) as store:
        assert told(store) == before
