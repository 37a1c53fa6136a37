"""A demonstration replaces an earlier one, but never without a question what people did there."""

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from processes import Finished

from ringfence.app import StoresByAddress
from ringfence.domain.records import Event, RecordKind, RecordRef
from ringfence.services.open_verifications import PLATFORM_NAME
from ringfence.store import Store

Command = Callable[..., Finished]
STATE: dict[str, Any] = {
    "state": "open",
    "status": "disputed",
    "owner": None,
    "merchant_id": "m1",
    "claims": [],
    "moves": [],
    "opened_at": 1,
    "proposed_at": 1,
}
"""What the store lists records of any kind by."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder that looks like an earlier demonstration."""
    (tmp_path / "rings.html").write_text("drawn", encoding="utf-8")
    return tmp_path


@pytest.fixture
def earlier(folder: Path, publish: Callable[..., int]) -> Iterator[Store]:
    """Its store, with a ring and a lead."""
    with closing(StoresByAddress().open(str(folder / "store.sqlite"), create=True)) as store:
        publish(store, {"r1": (31.2, ["b1", "b2"])}, leads={"l1": ["b3"]})
        yield store


def refused(ringfence: Command, folder: Path) -> str:
    """What a demonstration says that does not begin; the folder stays as it was."""
    before = sorted(path.name for path in folder.iterdir())
    told = ringfence("demo", "--out", folder, "--buyers", "600", "--quiet")
    assert (told.code, told.out) == (2, "")
    assert sorted(path.name for path in folder.iterdir()) == before
    assert "--out" in told.err
    assert "--replace" in told.err
    return told.err


def test_decisions_of_people_are_not_replaced_without_a_question(
    ringfence: Command, folder: Path, earlier: Store
) -> None:
    store = ("--store", folder / "store.sqlite", "--as", "ana")
    assert ringfence("leads", "dismiss", "l1", "--reason", "one van", *store).code == 0
    assert ringfence("rings", "decide", "r1", "dismiss", "--reason", "kin", *store).code == 0
    assert ringfence("keys", "create", "--name", "bo", "--role", "operator", *store).code == 0
    said = refused(ringfence, folder)
    assert "1 ring that was decided about, 1 lead that was decided about, 1 key. " in said
    assert ringfence("leads", "list", "--store", folder / "store.sqlite").out.startswith("No open lead")


@pytest.mark.parametrize("kind", list(RecordKind))
def test_every_kind_of_record_of_people_counts(
    ringfence: Command, folder: Path, earlier: Store, kind: RecordKind
) -> None:
    for name in ("one", "two"):
        earlier.records.append(RecordRef(kind, name), [Event("noted", 1, "ana", {})], 0, STATE)
    assert ": 2 " in refused(ringfence, folder)


def test_a_verification_that_opened_by_itself_counts_once_somebody_worked_on_it(
    ringfence: Command, folder: Path, earlier: Store
) -> None:
    for name, *actors in (("v1", PLATFORM_NAME), ("v2", PLATFORM_NAME, "ana")):
        events = [Event("noted", 1, actor, {}) for actor in actors]
        earlier.records.append(RecordRef(RecordKind.VERIFICATION, name), events, 0, STATE)
    assert ": 1 verification." in refused(ringfence, folder)


def test_a_store_that_cannot_be_read_is_replaced_only_where_that_is_said(
    ringfence: Command, folder: Path
) -> None:
    (folder / "store.sqlite").write_bytes(b"damaged" * 1000)
    assert "is damaged" in refused(ringfence, folder)
    told = ringfence("demo", "--out", folder, "--buyers", "600", "--quiet", "--replace")
    assert told.code == 0
    assert ringfence("rings", "list", "--store", folder / "store.sqlite").code == 0
