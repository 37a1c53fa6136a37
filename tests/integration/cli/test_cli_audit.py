import json
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from processes import Finished

from ringfence.app import StoresByAddress
from ringfence.domain.audit import ANSWERED, AuditEntry
from ringfence.domain.scope import Role
from ringfence.intake import PseudonymKey
from ringfence.services.audit import AuditWriter
from ringfence.store import Store

Command = Callable[..., Finished]
DAY = 86_400_000_000


@pytest.fixture
def audit(ringfence: Command, store_address: str, tmp_path: Path) -> Command:
    """Run `ringfence audit` on a store."""

    def command(*arguments: str) -> Finished:
        return ringfence("audit", *arguments, "--store", store_address)

    return command


@pytest.fixture
def key(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> bytes:
    place = tmp_path / "key"
    monkeypatch.setenv("RINGFENCE_KEY_FILE", str(place))
    return PseudonymKey.load_or_create(place).derive("audit")


def entry(actor: str, *subjects: str) -> bytes:
    told = AuditEntry(actor, Role.OPERATOR, None, "a call", "buyer", subjects, 0, ("Buyer.orders",), ANSWERED)
    return told.to_payload("salt")


def write(store: Store, key: bytes, days_ago: tuple[int, ...] = (9, 2, 0)) -> None:
    now = time.time_ns() // 1000
    entries = [(now - days * DAY, entry("ana" if days else "bo", "b1", f"r{days}")) for days in days_ago]
    AuditWriter(store, key).write(entries)


def test_the_audit_is_listed_by_subject_and_actor(audit: Command, store: Store, key: bytes) -> None:
    assert audit("list").out == "Nothing was asked.\n"
    write(store, key)
    lines = audit("list").out.splitlines()
    assert [line.split("\t")[1:] for line in lines[1:]] == [
        [name, "operator", "a call", "buyer", f"b1, r{days}", "ANSWERED"]
        for name, days in (("bo", 0), ("ana", 2), ("ana", 9))
    ]
    told = json.loads(audit("list", "--actor", "ana", "--subject", "b1", "--limit", "1", "--json").out)
    assert [(one["actor"], one["number"], one["subjects"]) for one in told] == [("ana", 2, ["b1", "r2"])]


def test_what_was_kept_elsewhere_shows_that_the_end_was_cut_off(
    audit: Command, store: Store, key: bytes, tmp_path: Path
) -> None:
    write(store, key)
    heads = audit("heads").out
    assert json.loads(audit("heads", "--json").out) == heads.splitlines()
    kept = tmp_path / "heads.txt"
    kept.write_text(heads)
    told = audit("verify", "--heads", str(kept))
    assert (told.code, told.out) == (
        0, "As sealed: 3 entries in 1 chain; erased of them: 0.\n"
    )  # fmt: skip
    chain, number, mac = heads.strip().split(":")
    longer = audit("verify", "--head", f"{chain}:{int(number) + 1}:{mac}")
    assert (longer.code, longer.err) == (
        1, f"error: chain {chain}, entry 4: the chain ends before entry 4, whose head was kept\n"
    )  # fmt: skip
    other = audit("verify", "--head", f"{chain}:{number}:{'00' * 32}", "--json")
    assert json.loads(other.out)["broken"][0]["why"] == "it is not the one whose head was kept"
    gone = audit("verify", "--head", f"gone:1:{'00' * 32}")
    assert "chain gone, entry 1: the chain ends before entry 1" in gone.err


def test_what_is_erased_can_still_be_verified(audit: Command, store: Store, key: bytes) -> None:
    write(store, key)
    assert audit("erase", "--days", "5").out == "1 entry is erased.\n"
    assert json.loads(audit("erase", "--days", "5", "--json").out) == {"erased": 0}
    assert audit("list").out.splitlines()[-1].endswith("\t(erased)")
    assert audit("verify").out.endswith("erased of them: 1.\n")


@pytest.mark.parametrize("days", ["0", "-3"])
def test_the_last_day_is_never_erased(audit: Command, store: Store, days: str) -> None:
    told = audit("erase", "--days", days)
    assert (told.code, "say --days 1 or more" in told.err) == (2, True)


def test_another_key_verifies_nothing(
    audit: Command, store: Store, key: bytes, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    write(store, key)
    monkeypatch.setenv("RINGFENCE_KEY_FILE", str(tmp_path / "other"))
    told = audit("verify")
    assert (told.code, "it was sealed under another key" in told.err) == (1, True)
    told = audit("verify", "--key-file", str(tmp_path / "key"))
    assert (told.code, told.out[:31]) == (0, "As sealed: 3 entries in 1 chain")
    told = audit("verify", "--key-file", str(tmp_path / "none"))
    assert (told.code, told.out, (tmp_path / "none").exists()) == (2, "", False)


def test_what_several_sealed_under_keys_of_their_own_is_verified_with_all_of_them(
    audit: Command, store: Store, key: bytes, tmp_path: Path
) -> None:
    write(store, key)
    others = PseudonymKey.load_or_create(tmp_path / "other").derive("audit")
    write(store, others)
    assert audit("verify").code == 1
    told = audit("verify", "--key-file", str(tmp_path / "other"))
    assert (told.code, told.err) == (0, "")
    assert told.out.startswith("As sealed: 6 entries in 2 chains")


@pytest.mark.parametrize("text", ["nonsense", "a:b:c"])
def test_what_is_no_head_is_refused(audit: Command, store: Store, key: bytes, text: str) -> None:
    told = audit("verify", "--head", text)
    assert told.code == 2
    assert "as ringfence audit heads" in told.err
    assert "has printed it" in told.err


def test_a_file_that_holds_no_text_is_refused(
    audit: Command, store: Store, key: bytes, tmp_path: Path
) -> None:
    kept = tmp_path / "heads.txt"
    kept.write_bytes(b"\xff\xfe")
    assert "is no file of heads" in audit("verify", "--heads", str(kept)).err


def test_the_first_entry_that_was_tampered_with_is_named(
    ringfence: Command, key: bytes, tmp_path: Path
) -> None:
    path = tmp_path / "tampered.sqlite"
    store = StoresByAddress().open(str(path), create=True)
    write(store, key)
    (head,) = store.audit.heads()
    store.close()
    connection = sqlite3.connect(path)
    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        connection.execute("UPDATE audit SET at = 1 WHERE number = 2")
    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        connection.execute("UPDATE audit SET payload = x'00' WHERE number = 2")
    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        connection.execute("DELETE FROM audit")
    connection.execute("DROP TRIGGER audit_is_never_deleted")
    connection.execute("DELETE FROM audit WHERE number = 2")
    connection.commit()
    connection.close()
    told = ringfence("audit", "verify", "--store", str(path))
    assert told.code == 1
    assert f"chain {head.chain}, entry 3, " in told.err
    assert "entry 2 is missing before it" in told.err
