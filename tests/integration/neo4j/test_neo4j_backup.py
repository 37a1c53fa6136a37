from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import neo4j
import pytest

from neo4j_database import DATABASE, Login
from ringfence.app import StoresByAddress
from ringfence.domain.errors import ConflictError, InvalidError, NotFoundError, UnavailableError
from ringfence.domain.leases import Holder, LeaseLostError, LeaseName
from ringfence.domain.records import Event, RecordKind, RecordRef
from ringfence.services.back_up import back_up, contents_of, restore
from ringfence.services.copy_store import put_history
from ringfence.store import Store
from ringfence.store.neo4j import address_of, replaced_store

Publish = Callable[..., int]
ONE = RecordRef(RecordKind.RING_DECISION, "r1")


@pytest.fixture
def stores(neo4j_server: Login) -> StoresByAddress:
    return StoresByAddress(*neo4j_server.credentials)


@pytest.fixture
def store(stores: StoresByAddress, neo4j_address: str) -> Iterator[Store]:
    opened = stores.open(neo4j_address, create=True)
    try:
        yield opened
    finally:
        opened.close()


@pytest.fixture
def backup(store: Store, publish: Publish, tmp_path: Path) -> Path:
    """A backup of two runs and a decision, after which there was another run."""
    publish(store, {"r1": (31.2, ["b1", "b2"]), "r2": (20.0, ["b3"])})
    publish(store, {"r1": (33.0, ["b1"]), "r3": (20.0, ["b2"])}, {"r3": "r1"}, now=5)
    store.records.append(ONE, [Event("noted", 1, "ana")], 0, {"standing": []})
    made = store.back_up(tmp_path / "b.backup")
    assert made.health.last_run_id == 2
    publish(store, {"r9": (50.0, ["b9"])}, now=9)
    return made.path


def rings_at(stores: StoresByAddress, address: str) -> frozenset[str]:
    opened = stores.open(address, create=False)
    try:
        assert opened.records.stream(ONE) == (Event("noted", 1, "ana"),)
        assert opened.rings.origins() == {"r3": "r1"}
        return opened.rings.alive()
    finally:
        opened.close()


def test_a_backup_is_one_file_for_its_owner_alone_and_is_never_written_over(
    store: Store, backup: Path
) -> None:
    assert [left.name for left in backup.parent.iterdir()] == ["b.backup"]
    assert backup.stat().st_mode & 0o777 == 0o600
    with pytest.raises(ConflictError, match="exists already"):
        store.back_up(backup)


def test_a_backup_is_put_back_only_if_that_is_said(
    stores: StoresByAddress, store: Store, backup: Path, neo4j_address: str
) -> None:
    with pytest.raises(ConflictError, match="--replace"):
        stores.restore(backup, neo4j_address, replace=False)
    assert store.rings.alive() == {"r9"}
    restored, contents = restore(stores, backup, neo4j_address, replace=True)
    assert (restored.path, restored.size_bytes, restored.health.last_run_id) == (None, None, 2)
    assert (contents.run_id, contents.rings) == (2, 2)
    assert rings_at(stores, neo4j_address) == {"r1", "r3"}
    assert store.rings.alive() == {"r1", "r3"}, "whoever has it open sees it too"


def test_either_kind_of_backup_is_put_into_either_kind_of_store(
    stores: StoresByAddress, store: Store, backup: Path, neo4j_address: str, tmp_path: Path
) -> None:
    file = str(tmp_path / "new" / "store.sqlite")
    stores.restore(backup, file, replace=False)
    assert rings_at(stores, file) == {"r1", "r3"}
    made, contents = back_up(stores, file, tmp_path / "b.sqlite")
    assert made.path.read_bytes().startswith(b"SQLite")
    stores.restore(made.path, neo4j_address, replace=True)
    assert rings_at(stores, neo4j_address) == {"r1", "r3"}
    assert contents_of(store) == contents
    with pytest.raises(ConflictError, match="--replace"):
        stores.restore(backup, file, replace=False)


def test_whoever_held_a_lease_has_lost_it_when_the_store_is_replaced(
    stores: StoresByAddress, store: Store, backup: Path, neo4j_address: str
) -> None:
    lease = store.leases.acquire(LeaseName.LOAD, Holder("elsewhere", 1, "once"), 60.0, 2 * 10**18)
    stores.restore(backup, neo4j_address, replace=True)
    with pytest.raises(LeaseLostError), store.transaction(lease):
        pass


def test_a_damaged_backup_is_refused_and_the_store_stays(
    stores: StoresByAddress, store: Store, backup: Path, neo4j_address: str, tmp_path: Path
) -> None:
    content = bytearray(backup.read_bytes())
    for name, broken in (
        ("cut", content[: len(content) // 2]),
        ("flipped", content[:400] + bytes([content[400] ^ 1]) + content[401:]),
        ("text", b"PK, said the wolf"),
        ("other", b"no backup"),
    ):
        wrong = tmp_path / name
        wrong.write_bytes(broken)
        with pytest.raises(InvalidError, match=name):
            stores.restore(wrong, neo4j_address, replace=True)
    with pytest.raises(NotFoundError, match="no backup"):
        stores.restore(tmp_path / "none", neo4j_address, replace=True)
    assert store.rings.alive() == {"r9"}


def test_a_restore_that_was_interrupted_is_told_and_healed_by_another(
    stores: StoresByAddress,
    store: Store,
    backup: Path,
    neo4j_address: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("ringfence.store.copying._compare", interrupted)
        with pytest.raises(KeyboardInterrupt):
            stores.restore(backup, neo4j_address, replace=True)
    with pytest.raises(UnavailableError, match="ringfence restore again"):
        stores.open(neo4j_address, create=True)
    with pytest.raises(UnavailableError, match="being replaced"):
        store.records.append(ONE, [Event("noted", 9, "bea")], 1, {"standing": []})
    stores.restore(backup, neo4j_address, replace=False)
    assert rings_at(stores, neo4j_address) == {"r1", "r3"}


def test_of_two_restores_at_once_the_last_to_begin_wins_and_the_other_writes_nothing_more(
    stores: StoresByAddress, store: Store, backup: Path, neo4j_address: str, neo4j_server: Login
) -> None:
    server = address_of(neo4j_address, *neo4j_server.credentials)
    late = [Event("noted", 9, "bea")]
    with stores.open_backup(backup) as history, ExitStack() as first:
        overtaken = first.enter_context(replaced_store(server, history, replace=True))
        with replaced_store(server, history, replace=True) as last:
            put_history(history, last, lambda: 10**18)
            with pytest.raises(UnavailableError, match="being replaced"):
                overtaken.records.append(ONE, late, 1, {"standing": []})
        with pytest.raises(UnavailableError, match="being replaced"):
            overtaken.records.append(ONE, late, 1, {"standing": []})
        with pytest.raises(UnavailableError, match="being replaced"):
            first.close()
    assert rings_at(stores, neo4j_address) == {"r1", "r3"}
    assert store.records.append(ONE, late, 1, {"standing": []}) == 2


def interrupted(*_: object) -> None:
    raise KeyboardInterrupt


def test_another_programs_database_is_never_cleared(
    stores: StoresByAddress, store: Store, backup: Path, neo4j_address: str, neo4j_server: Login
) -> None:
    with neo4j_server.driver() as driver:
        driver.execute_query("MATCH (n) DETACH DELETE n", database_=DATABASE)
        driver.execute_query("CREATE (:Person)-[:KNOWS]->(:Person)", database_=DATABASE)
        with pytest.raises(InvalidError, match="not Ringfence's"):
            stores.restore(backup, neo4j_address, replace=True)
        assert count(driver) == 2


def count(driver: neo4j.Driver) -> int:
    records, _, _ = driver.execute_query("MATCH (n) RETURN count(n) AS nodes", database_=DATABASE)
    return int(records[0]["nodes"])
