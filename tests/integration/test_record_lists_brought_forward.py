"""Stores that were made before records stood on lists answer as others do."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from neo4j_database import DATABASE, Login
from ringfence.app import StoresByAddress
from ringfence.domain.listings import list_name
from ringfence.domain.records import Event, RecordKind, RecordRef, RecordState
from ringfence.store import Append, Store
from ringfence.store.sqlite import SqliteStore, database
from ringfence.store.sqlite.schema import MIGRATIONS

BEFORE_LISTS = 3
"""Migrations of files that had no lists yet."""
CHECKS = {
    f"v{number}": {"state": "open" if number % 3 else "confirmed", "owner": None, "opened_at": number // 2}
    for number in range(7)
}
LISTS = [list_name(), list_name(state="open"), list_name(state="confirmed")]


def check(id: str, version: int = 0, **changes: Any) -> Append:
    record = RecordRef(RecordKind.VERIFICATION, id)
    return Append(record, [Event("opened", 1, "ana")], version, CHECKS[id] | changes)


def pages(store: Store) -> dict[str, tuple[list[RecordState], int]]:
    found = {name: store.records.page(RecordKind.VERIFICATION, name, 100) for name in LISTS}
    return {name: (list(page.items), page.total) for name, page in found.items()}


def changed(store: Store) -> dict[str, tuple[list[RecordState], int]]:
    """Give the pages after something more happened to a record."""
    store.records.append_all([check("v1", 1, state="confirmed")])
    return pages(store)


def test_records_of_an_older_file_come_to_their_lists(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    older, newer = tmp_path / "older.sqlite", tmp_path / "newer.sqlite"
    monkeypatch.setattr(database, "MIGRATIONS", MIGRATIONS[:BEFORE_LISTS])
    SqliteStore(older).close()
    with closing(sqlite3.connect(older)) as made:
        for id, state in CHECKS.items():
            made.execute(
                "INSERT INTO records (kind, id, version, state) VALUES ('verification', ?, 1, ?)",
                (id, json.dumps(state)),
            )
        made.execute("INSERT INTO records (kind, id, version, state) VALUES ('key', 'k1', 1, '{}')")
        made.execute(
            "INSERT INTO events (record, version, type, at, actor, data)"
            " SELECT record, 1, 'opened', 1, 'ana', '{}' FROM records"
        )
        made.commit()
    monkeypatch.setattr(database, "MIGRATIONS", MIGRATIONS)
    with closing(SqliteStore(older)) as brought, closing(SqliteStore(newer)) as made_now:
        made_now.records.append_all([check(id) for id in CHECKS])
        assert pages(brought) == pages(made_now)
        assert pages(brought)[list_name(state="open")][1] == 4
        assert changed(brought) == changed(made_now)


def test_records_of_an_older_graph_come_to_their_lists_though_that_was_interrupted(
    neo4j_address: str, neo4j_server: Login
) -> None:
    def opened() -> Store:
        return StoresByAddress(*neo4j_server.credentials).open(neo4j_address, create=True)

    with closing(opened()) as store:
        store.records.append_all([check(id) for id in CHECKS])
        expected = pages(store)
    for forgotten in (
        "MATCH (n:RecordList) DETACH DELETE n",
        "MATCH (:Record {id: 'v1'})-[l:LISTED_IN]->() DELETE l",
    ):
        with neo4j_server.driver() as driver:
            driver.execute_query(forgotten, database_=DATABASE)
            driver.execute_query("MATCH (s:Store) SET s.schema_version = 3", database_=DATABASE)
        with closing(opened()) as store:
            assert pages(store) == expected
    with closing(opened()) as store:
        after = changed(store)
        assert [after[name][1] for name in LISTS] == [7, 3, 4]
