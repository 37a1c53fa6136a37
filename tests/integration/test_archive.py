"""The file that any store can be made of again."""

import json
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ringfence.app import StoresByAddress
from ringfence.domain.audit import ANSWERED, AuditEntry
from ringfence.domain.buyers import Report
from ringfence.domain.errors import InvalidError
from ringfence.domain.leases import LeaseName
from ringfence.domain.progress import Silent
from ringfence.domain.scope import PLATFORM, Principal, Role
from ringfence.intake import IntakeOptions, PseudonymKey
from ringfence.services.audit import AuditWriter, verify_audit
from ringfence.services.hold_lease import hold_lease
from ringfence.services.load_market import LoadRequest, load_market
from ringfence.store import Store
from ringfence.store.archive import FORMAT, open_archive, write_archive
from ringfence.store.history import StoredHistory
from ringfence.store.reports import FiledReport

STORES = StoresByAddress()
CLAIMS = (
    "claim_id,buyer_id,merchant_id,filed_at,amount\nc1,b1,m1,2026-01-01,10.00\nc2,b2,m2,2026-01-02,12.00\n"
)
FILED = (
    FiledReport(Report("p1", "m1", "b1", 6, "c1", "line\nbreak\u2028é", 2), 7),
    FiledReport(Report("p2", "m2", "b1", 5, None, None, None), 9),
)


def clock() -> int:
    return 1_800_000_000_000_000


@pytest.fixture
def store(tmp_path: Path, publish: Callable[..., int]) -> Iterator[Store]:
    """A store with a load, a run, and two reports filed by call."""
    opened = STORES.open(str(tmp_path / "store.sqlite"), create=True)
    try:
        (tmp_path / "claims.csv").write_text(CLAIMS)
        request = LoadRequest([tmp_path / "claims.csv"], IntakeOptions(default_currency="EUR"), tmp_path)
        with hold_lease(opened, LeaseName.LOAD, clock) as lease:
            load_market(request, PseudonymKey(bytes(range(32))), opened, lease, clock())
        publish(opened, {"r1": (31.2, ["b1", "b2"])})
        for filed in FILED:
            opened.reports.file(filed.report, filed.filed_at)
        yield opened
    finally:
        opened.close()


@pytest.fixture
def archive(store: Store, tmp_path: Path) -> Path:
    """An archive of `store`."""
    path = tmp_path / "store.backup"
    made = write_archive(StoredHistory(store), path, Silent())
    assert made.health.schema_version == FORMAT
    return path


def rewritten(archive: Path, *, format: int, without: str = "") -> Path:
    """Give the archive as another version of Ringfence would have written it."""
    path = archive.with_name(f"format{format}{without}.backup")
    with zipfile.ZipFile(archive) as source, zipfile.ZipFile(path, "w") as target:
        for name in source.namelist():
            content = source.read(name)
            if name == "history.json":
                content = json.dumps(json.loads(content) | {"format": format}).encode()
            if name != without:
                target.writestr(name, content)
    return path


def test_reports_filed_by_call_are_put_back_with_all_else(
    store: Store, archive: Path, tmp_path: Path
) -> None:
    with open_archive(archive) as history:
        assert history.reports == FILED
    STORES.restore(archive, str(tmp_path / "new.sqlite"), replace=False)
    made = STORES.open(str(tmp_path / "new.sqlite"), create=False)
    try:
        assert made.reports.filed() == FILED
        assert made.reports.of_buyer("b1", PLATFORM) == store.reports.of_buyer("b1", PLATFORM)
        assert made.rings.alive() == {"r1"}
    finally:
        made.close()


def test_an_archive_from_before_reports_were_filed_by_call_is_read(archive: Path, tmp_path: Path) -> None:
    old = rewritten(archive, format=1, without="reports.ndjson")
    STORES.restore(old, str(tmp_path / "new.sqlite"), replace=False)
    made = STORES.open(str(tmp_path / "new.sqlite"), create=False)
    try:
        assert made.reports.filed() == ()
        assert made.market.version() == 1
    finally:
        made.close()


def test_the_audit_is_read_again_as_it_was_sealed(store: Store, archive: Path, tmp_path: Path) -> None:
    writer = AuditWriter(store, bytes(32))
    for subject in ("é\u2028", "b2"):
        told = AuditEntry("ana", Role.OPERATOR, None, "a call", "buyer", (subject,), 0, (), ANSWERED)
        writer.write([(place, told.to_payload("salt")) for place in range(700)])
    store.audit.erase(10, 1)
    path = tmp_path / "audited.backup"
    write_archive(StoredHistory(store), path, Silent())
    STORES.restore(path, str(tmp_path / "new.sqlite"), replace=False)
    made = STORES.open(str(tmp_path / "new.sqlite"), create=False)
    try:
        verified = verify_audit(made, Principal("olga", Role.OPERATOR), bytes(32), store.audit.heads())
        assert (verified.entries, verified.erased, verified.broken) == (1_400, 1, ())
    finally:
        made.close()
    with open_archive(archive) as before:
        assert before.chains == ()


def test_an_archive_that_lacks_its_reports_or_is_of_a_newer_format_is_refused(
    archive: Path, tmp_path: Path
) -> None:
    for path, said in (
        (rewritten(archive, format=FORMAT, without="reports.ndjson"), "is damaged"),
        (rewritten(archive, format=FORMAT + 1), "newer Ringfence"),
    ):
        with pytest.raises(InvalidError, match=said):
            STORES.restore(path, str(tmp_path / "new.sqlite"), replace=False)
        assert not (tmp_path / "new.sqlite").exists()
