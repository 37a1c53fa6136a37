import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import polars as pl
import pytest

from ringfence.app import StoresByAddress
from ringfence.domain.audit import ANSWERED, AuditEntry
from ringfence.domain.buyers import Report, ReportRef
from ringfence.domain.errors import InvalidError
from ringfence.domain.leases import LeaseName
from ringfence.domain.loads import BROWSING_KEY_ID, BrowsingCopyError
from ringfence.domain.progress import Silent
from ringfence.domain.records import Event, RecordKind, RecordRef, Subject, SubjectKind
from ringfence.domain.ring_decisions import Outcome, RingRecord, fold
from ringfence.domain.scope import PLATFORM, Principal, Role
from ringfence.intake import IntakeOptions
from ringfence.market.pseudonym_key import PseudonymKey
from ringfence.market.results import SCHEMAS
from ringfence.services import decide_rings
from ringfence.services.audit import AuditWriter
from ringfence.services.copy_store import copy_store
from ringfence.services.detect_in_store import PUBLISHED_ANYWAY, StoreDetectionRequest, detect_in_store
from ringfence.services.hold_lease import hold_lease
from ringfence.services.load_market import LoadRequest, load_market
from ringfence.services.manage_keys import create_key
from ringfence.services.without_personal_data import LEFT_OUT
from ringfence.store import Store
from ringfence.store import fingerprints as of
from ringfence.store.copying import CopyDiffersError, NoCopyError
from ringfence.store.history import StoredHistory

STORES = StoresByAddress()
KEY = PseudonymKey(bytes(range(32)))
SECRETS = (
    "Ida",
    "Elm Street 1",
    "Ida Inc",
    "ana@shop",
    "dear diary",
    "kin of mine",
    "she lied to Ida",
    "he lied too",
)
CLAIMS = """claim_id,buyer_id,merchant_id,filed_at,amount,address,phone
c1,b1,m1,2026-01-01,10.00,Elm Street 1 Springfield,+1 415 555 0101
c2,b2,m1,2026-01-02,12.00,Elm Street 1 Springfield,+1 415 555 0102
c3,b3,m2,2026-01-03,13.00,Oak Road 7 Springfield,+1 415 555 0101
"""
REPORTS = "report_id,merchant_id,buyer_id,reported_at,reason\np1,m1,b1,2026-01-05,she lied to Ida\n"
MERCHANTS = "merchant_id,name,owner,country,return_address\nm1,Ida Inc,Ida,DE,Elm Street 1\n"
LATER = (
    "claim_id,buyer_id,merchant_id,filed_at,amount,address\nc4,b1,m2,2026-02-01,9.00,Oak Road 7 Springfield\n"
)
FILES = ({"claims": CLAIMS, "merchants": MERCHANTS, "reports": REPORTS}, {"claims": LATER})


def clock() -> int:
    return 1_800_000_000_000_000


@pytest.fixture
def source(tmp_path: Path, publish: Callable[..., int]) -> Iterator[Store]:
    """A store with two loads of files, a report filed by call, a run, a decision and a key."""
    store = STORES.open(str(tmp_path / "source.sqlite"), create=True)
    try:
        for number, files in enumerate(FILES):
            folder = tmp_path / f"files{number}"
            folder.mkdir()
            for name, text in files.items():
                (folder / f"{name}.csv").write_text(text)
            request = LoadRequest([folder], IntakeOptions(default_currency="EUR"), tmp_path)
            with hold_lease(store, LeaseName.LOAD, clock) as lease:
                load_market(request, KEY, store, lease, clock())
        publish(store, {"r1": (31.2, ["b1", "b2"])})
        store.reports.file(Report("p2", "m2", "b3", 6, "c3", "he lied too", 2), 7)
        decide(store)
        create_key(store, Principal("ops", Role.OPERATOR), "ana@shop", Role.JOB, None, 9, clock())
        asked = AuditEntry("ana@shop", Role.JOB, None, "for Ida", "buyer", ("b1",), 0, (), ANSWERED)
        AuditWriter(store, KEY.derive("audit")).write([(9, asked.to_payload("salt"))])
        yield store
    finally:
        store.close()


def decide(store: Store) -> None:
    decision = {"outcome": "dismiss", "reason": "kin of mine", "until": None, "evidence": 31.2}
    events = [
        Event("decided", 5, "ana@shop", decision | {"run_id": 1, "members": 2, "claims": 3}),
        Event("noted", 6, "Ida", {"text": "dear diary"}),
        Event("assigned", 7, "Ida", {"owner": "ana@shop"}),
    ]
    ref, concerns = RecordRef(RecordKind.RING_DECISION, "r1"), [Subject(SubjectKind.RING, "r1")]
    store.records.append(ref, events, 0, fold(events).to_state(), concerns)


@pytest.fixture
def address(source: Store, tmp_path: Path) -> str:
    """Where `source` is."""
    return str(tmp_path / "source.sqlite")


def copy(address: str, target: str, *, without_personal_data: bool = False) -> None:
    copy_store((STORES, address), (STORES, target), clock, without_personal_data=without_personal_data)


def told(store: Store) -> list[str]:
    """Give the fingerprints of all there is."""
    history = StoredHistory(store)
    return [
        *(of.of_load(load, history.tables_of(load)).sha256 for load in history.loads),
        of.of_reports(history.reports).sha256,
        *(of.of_run(history.past_run(run)).sha256 for run in history.runs),
        *(of.of_record(history.past_record(state)).sha256 for state in history.records),
    ]


@pytest.fixture
def browsing(address: str, tmp_path: Path) -> Iterator[Store]:
    """A copy of `source` for people to browse."""
    target = str(tmp_path / "browsing.sqlite")
    copy(address, target, without_personal_data=True)
    opened = STORES.open(target, create=False)
    try:
        yield opened
    finally:
        opened.close()


def test_a_copy_for_browsing_keeps_whom_people_act_on_and_who_shares_what(
    source: Store, browsing: Store
) -> None:
    for buyer, shared in (("b1", [("address", 2), ("address", 2), ("phone", 2)]), ("b2", [("address", 2)])):
        found = browsing.market.shared_identifiers(buyer, PLATFORM)
        assert sorted((each.kind.value, each.holders) for each in found) == shared
        known = source.market.shared_identifiers(buyer, PLATFORM)
        assert sorted((each.kind.value, each.holders) for each in known) == shared
    assert browsing.market.claims(("c1", "c4"), PLATFORM) == source.market.claims(("c1", "c4"), PLATFORM)
    assert browsing.rings.tables()["members"].equals(source.rings.tables()["members"])
    assert browsing.market.tables_of(1).merchants["country"].to_list() == ["DE"]
    assert browsing.reports.read().report_ids.to_list() == ["p1", "p2"]
    assert (browsing.audit.heads(), len(source.audit.heads())) == ((), 1)
    told = browsing.reports.find([ReportRef("m1", "p1"), ReportRef("m2", "p2")], PLATFORM)
    assert [(each.buyer_id, each.reason) for each in told] == [("b1", LEFT_OUT), ("b3", LEFT_OUT)]


def test_a_copy_for_browsing_holds_no_pseudonym_sketch_key_name_or_word_of_people(
    source: Store, browsing: Store, tmp_path: Path
) -> None:
    known: set[bytes] = set()
    shown: set[bytes] = set()
    for load in (1, 2):
        known |= {bytes(row) for values in source.market.tables_of(load).values for row in values.exact}
        shown |= {bytes(row) for values in browsing.market.tables_of(load).values for row in values.exact}
        assert all(values.sketches is None for values in browsing.market.tables_of(load).values)
    assert len(shown) == len(known) == 4
    assert not shown & known
    assert browsing.records.current(RecordKind.KEY) == ()
    digests = {load.source.digest for load in source.market.loads()}
    content = (tmp_path / "browsing.sqlite").read_bytes()
    original = (tmp_path / "source.sqlite").read_bytes() + (tmp_path / "source.sqlite-wal").read_bytes()
    for secret in (*SECRETS[2:], *digests):
        assert secret.encode() in original
        assert secret.encode() not in content
    for value in known:
        assert value in original
        assert value not in content


def test_people_are_numbered_in_a_copy_for_browsing(browsing: Store) -> None:
    ref = RecordRef(RecordKind.RING_DECISION, "r1")
    first, second, third = browsing.records.stream(ref)
    assert first.actor == third.data["owner"] != second.actor == third.actor
    assert first.actor.startswith("person ")
    assert (first.data["reason"], second.data["text"]) == ("(left out)", "(left out)")
    assert first.data["evidence"] == 31.2
    state = browsing.records.state(ref)
    assert state is not None
    record = RingRecord.from_state(state.state)
    assert (record.notes, record.owner) == (1, first.actor)
    assert browsing.records.concerns(RecordKind.RING_DECISION) == {"r1": (Subject(SubjectKind.RING, "r1"),)}


def test_a_copy_for_browsing_does_not_tell_why_somebody_published_a_run_anyway(
    source: Store, address: str, tmp_path: Path
) -> None:
    with hold_lease(source, LeaseName.DETECT, clock) as lease:
        run = source.rings.begin_run(lease, 2, clock())
        tables = {name: pl.DataFrame(schema=schema) for name, schema in SCHEMAS.items()}
        source.rings.write_run(run, tables, {}, lease, Silent())
        reasons = ["too many rings", f"{PUBLISHED_ANYWAY}: Ida knows them all"]
        source.rings.publish(run, lease, clock(), reasons)
    target = str(tmp_path / "copy.sqlite")
    copy(address, target, without_personal_data=True)
    with closing(STORES.open(target, create=False)) as copied:
        told = copied.rings.run(run)
    assert told is not None
    assert told.reasons == ("too many rings", f"{PUBLISHED_ANYWAY}: {LEFT_OUT}")


def test_a_copy_for_browsing_refuses_loads_detection_and_decisions(browsing: Store, tmp_path: Path) -> None:
    assert {load.source.key_id for load in browsing.market.loads()} == {BROWSING_KEY_ID}
    with (
        hold_lease(browsing, LeaseName.LOAD, clock) as lease,
        pytest.raises(BrowsingCopyError, match="the store it was made of"),
    ):
        load_market(LoadRequest([tmp_path / "files0"]), KEY, browsing, lease, clock())
    with pytest.raises(BrowsingCopyError):
        detect_in_store(StoreDetectionRequest(), browsing, clock)
    ida = Principal("ida", Role.INVESTIGATOR)
    with pytest.raises(BrowsingCopyError):
        decide_rings.decide(browsing, ida, "r1", Outcome.CONFIRM, "Ten claims in a minute.", None, clock())
    assert len(browsing.rings.runs(9).items) == 1


def test_a_copy_for_browsing_can_be_brought_up_to_date(
    source: Store, browsing: Store, address: str, tmp_path: Path, publish: Callable[..., int]
) -> None:
    publish(source, {"r1": (33.0, ["b1", "b3"])}, now=50)
    copy(address, str(tmp_path / "browsing.sqlite"), without_personal_data=True)
    assert browsing.rings.last_members() == source.rings.last_members()
    with pytest.raises(NoCopyError, match="load 1"):
        copy(address, str(tmp_path / "browsing.sqlite"))


def test_a_store_is_not_copied_to_itself_and_an_empty_one_not_for_browsing(
    address: str, tmp_path: Path
) -> None:
    with pytest.raises(InvalidError, match="the store itself"):
        copy(address, address)
    STORES.open(str(tmp_path / "empty.sqlite"), create=True).close()
    with pytest.raises(InvalidError, match="nothing to browse"):
        copy(str(tmp_path / "empty.sqlite"), str(tmp_path / "copy.sqlite"), without_personal_data=True)


@pytest.mark.parametrize(
    ("damage", "piece"),
    [
        ("UPDATE claims SET amount = amount + 1 WHERE claim_id = 'c4'", "load 2"),
        ("UPDATE members SET score = score + 1", "run 1"),
        ("UPDATE records SET state = '{}' WHERE kind = 'ring_decision'", "ring decision r1"),
    ],
)
def test_a_copy_that_is_not_what_was_copied_is_told_piece_by_piece(
    address: str, tmp_path: Path, damage: str, piece: str
) -> None:
    target = tmp_path / "copy.sqlite"
    copy(address, str(target))
    with closing(sqlite3.connect(target)) as connection:
        connection.execute(damage)
        connection.commit()
    with pytest.raises(CopyDiffersError, match=f"The copy of {piece} is not what was copied"):
        copy(address, str(target))


def test_a_copy_shows_the_moment_it_began_though_the_store_goes_on(
    source: Store, address: str, tmp_path: Path, publish: Callable[..., int]
) -> None:
    history = StoredHistory(source)
    before = told(source)
    publish(source, {"r1": (35.0, ["b1"])}, now=60)
    source.reports.file(Report("p3", "m1", "b1", 8, None, None, None), 9)
    source.records.append(
        RecordRef(RecordKind.RING_DECISION, "r1"), [Event("noted", 8, "Ida", {"text": "late"})], 3, {}
    )
    assert [
        *(of.of_load(load, history.tables_of(load)).sha256 for load in history.loads),
        of.of_reports(history.reports).sha256,
        *(of.of_run(history.past_run(run)).sha256 for run in history.runs),
        *(of.of_record(history.past_record(state)).sha256 for state in history.records),
    ] == before


_KILLED = """
import os, signal, sys
from ringfence.app import StoresByAddress
from ringfence.domain.progress import Silent
from ringfence.services.copy_store import copy_store
class Killed(Silent):
    left = int(sys.argv[1])
    def advance(self, steps):
        self.left -= 1
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
stores = StoresByAddress()
copy_store((stores, sys.argv[2]), (stores, sys.argv[3]), lambda: 1_800_000_000_000_000,
    without_personal_data=sys.argv[4] == "browsing", progress=Killed())
"""


@pytest.mark.parametrize("kind", ["whole", "browsing"])
def test_a_copy_that_is_killed_again_and_again_ends_as_if_it_had_not_been(
    address: str, tmp_path: Path, kind: str
) -> None:
    undisturbed, disturbed = str(tmp_path / "undisturbed.sqlite"), str(tmp_path / "disturbed.sqlite")
    killed = 0
    for steps in (1, 5, 9, 9, 5):
        command = [sys.executable, "-c", _KILLED, str(steps), address, disturbed, kind]
        killed += subprocess.run(command, check=False, timeout=60).returncode == -signal.SIGKILL
    assert killed >= 3
    for target in (disturbed, undisturbed):
        copy(address, target, without_personal_data=kind == "browsing")
    opened = [STORES.open(target, create=False) for target in (disturbed, undisturbed)]
    try:
        assert told(opened[0]) == told(opened[1])
        assert pl.Series(told(opened[0])).n_unique() == len(told(opened[0]))
    finally:
        for store in opened:
            store.close()
