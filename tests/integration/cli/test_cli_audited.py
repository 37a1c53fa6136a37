"""Every command either writes down what it tells of people, or is named here with why it need not."""

import shutil
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
import typer
from processes import Finished, run_process
from recovery_market import ANA, BO, POLICY, fill

from ringfence.app import StoresByAddress
from ringfence.cli.clock import clock
from ringfence.cli.main import application
from ringfence.domain.audit import ANSWERED, AuditEntry
from ringfence.domain.ring_decisions import Outcome
from ringfence.domain.scope import Principal, Role
from ringfence.domain.verifications import VerificationOutcome
from ringfence.intake import PseudonymKey
from ringfence.services import recover_losses
from ringfence.services.audit import verify_audit
from ringfence.services.decide_rings import decide
from ringfence.services.leads import dismiss
from ringfence.services.verify_buyers import decide_verification, open_verification
from ringfence.store import Store

Command = Callable[..., Finished]
MONTH = f"{datetime.now(UTC):%Y-%m}"


@dataclass(frozen=True)
class Case:
    """How a command is given so that it answers, and what the audit has to say of that."""

    arguments: str
    """ANNS and BOBS are verifications, SHOPS and MARTS recoveries, NEW a path where nothing is."""
    role: Role
    about: str
    """Among the subjects."""
    refused: str = ""
    """How it is given so that it is refused, if it ever is."""
    code: str = "NOT_FOUND"
    """Of that refusal."""
    before: tuple[str, ...] = ()
    """What has to happen first."""


OLGA = Principal("olga", Role.OPERATOR)
INVESTIGATOR, OPERATOR, MERCHANT = Role.INVESTIGATOR, Role.OPERATOR, Role.MERCHANT
AUDITED = {
    "risk": Case("ann", OPERATOR, "ann ANNS", "nobody"),
    "rings list": Case("--buyer ann", OPERATOR, "ann r1", "--run-id 9"),
    "rings show": Case("r1", OPERATOR, "r1 ann bob", "r9"),
    "rings export": Case("--format csv --out NEW", OPERATOR, "ann bob r1", "--format csv --ring r9"),
    "rings decide": Case("r1 confirm --reason x", INVESTIGATOR, "r1", "r9 dismiss --reason x"),
    "rings undo": Case("r1 --reason x", INVESTIGATOR, "r1", "r9 --reason x"),
    "rings note": Case("r1 x", INVESTIGATOR, "r1", "r9 x"),
    "rings assign": Case("r1 bo", INVESTIGATOR, "r1", "r9 bo"),
    "rings history": Case("r1", INVESTIGATOR, "r1", "r9"),
    "leads list": Case("--buyer dan", OPERATOR, "dan l1", "--run-id 9"),
    "leads show": Case("l1", OPERATOR, "l1 dan eve", "l9"),
    "leads export": Case("--format csv --out NEW", OPERATOR, "dan l1 l2", "--format csv --lead l9"),
    "leads dismiss": Case("l1 --reason x", INVESTIGATOR, "l1", "l9 --reason x"),
    "leads restore": Case("l2 --reason x", INVESTIGATOR, "l2", "l1 --reason x", "CONFLICT"),
    "reports file": Case(
        "--merchant dot --buyer bob --id rep6", MERCHANT, "bob dot rep6", "--merchant dot --buyer ann"
    ),
    "reports list": Case("--buyer bob", OPERATOR, "bob rep4 rep5"),
    "reports show": Case("rep1 --merchant shop", OPERATOR, "rep1 shop ann", "rep1 --merchant mart"),
    "reports withdraw": Case(
        "rep1 --merchant shop --reason x", MERCHANT, "rep1 shop ann", "rep1 --merchant mart --reason x"
    ),
    "reports dispute": Case(
        "rep4 --merchant shop --reason x",
        MERCHANT,
        "rep4 shop bob",
        "rep1 --merchant shop --reason x",
        "CONFLICT",
    ),
    "verifications list": Case("--buyer ann", OPERATOR, "ann ANNS"),
    "verifications show": Case("ANNS", OPERATOR, "ANNS ann r1 rep1 rep2", "v9"),
    "verifications open": Case("bob --because x", INVESTIGATOR, "bob", "nobody --because x"),
    "verifications assign": Case("BOBS bo", INVESTIGATOR, "BOBS bob", "v9 bo"),
    "verifications note": Case("BOBS x", INVESTIGATOR, "BOBS bob", "v9 x"),
    "verifications decide": Case(
        "BOBS confirmed --reason x",
        INVESTIGATOR,
        "BOBS bob",
        "ANNS rejected --reason x",
        "CONFLICT",
        before=("verifications reopen BOBS --because x",),
    ),
    "verifications appeal": Case("ANNS --reason x", INVESTIGATOR, "ANNS ann", "BOBS --reason x", "CONFLICT"),
    "verifications reopen": Case("BOBS --because x", INVESTIGATOR, "BOBS bob", "v9 --because x"),
    "recoveries list": Case("--merchant mart", OPERATOR, "mart ANNS MARTS ann"),
    "recoveries show": Case("SHOPS", OPERATOR, "SHOPS ANNS ann", "c9"),
    "recoveries approve": Case("SHOPS --claim c2 --reason x", INVESTIGATOR, "SHOPS c2", "c9 --reason x"),
    "recoveries refuse": Case("SHOPS --claim c2 --reason x", INVESTIGATOR, "SHOPS c2", "c9 --reason x"),
    "recoveries pay": Case("SHOPS c1 --reference x", INVESTIGATOR, "SHOPS c1", "c9 c1 --reference x"),
    "recoveries return": Case(
        "MARTS c3 --reference x",
        INVESTIGATOR,
        "MARTS c3 ANNS ann",
        "c9 c1 --reference x",
        before=(
            "verifications appeal ANNS --reason x",
            "verifications decide ANNS rejected --reason x",
        ),
    ),
    "recoveries statement": Case(f"mart {MONTH}", OPERATOR, "mart ANNS MARTS", "mart 2026-13", "INVALID"),
    "backup": Case("NEW", OPERATOR, "", "", ""),
    "store copy": Case("STORE NEW", OPERATOR, ""),
}
NEED_NONE = {
    "demo": "its marketplace is made up",
    "generate": "its marketplace is made up",
    "load": "a job on everything; loads are kept, and whom it has verified stands in the histories",
    "detect": "a job on everything; runs are kept, and whom it has verified stands in the histories",
    "schedule": "a job on everything; runs are kept",
    "evaluate": "it tells figures about all, and names nobody",
    "serve": "what is asked of it is audited by the API",
    "restore": "it tells of nobody, and the audit of what was there goes with it: kept heads show that",
    "runs list": "runs are about nobody",
    "runs show": "runs are about nobody",
    "keys create": "keys are the installation's, and have a history",
    "keys list": "keys are the installation's",
    "keys revoke": "keys are the installation's, and have a history",
    "audit list": "it is the audit",
    "audit heads": "it is the audit",
    "audit verify": "it is the audit",
    "audit erase": "it is the audit; that entries are erased can be seen in it",
    "policy show": "numbers",
    "policy check": "numbers",
}


def commands() -> set[str]:
    found = set()
    for command in application.registered_commands:
        assert command.callback is not None
        found.add(command.name or command.callback.__name__)
    for group in application.registered_groups:
        assert isinstance(group.typer_instance, typer.Typer)
        for command in group.typer_instance.registered_commands:
            assert command.callback is not None
            found.add(f"{group.name} {command.name or command.callback.__name__}")
    return found


def made(store: Store, publish: Callable[..., int]) -> dict[str, str]:
    """Ann was confirmed, and the mart paid for c3; Bob was rejected; their ring r1 waits for a second one."""
    now = clock()
    fill(store, now=now)
    publish(store, {"r1": (31.2, ["ann", "bob"])}, now=now, leads={"l1": ["dan", "eve"], "l2": ["dan"]})
    dismiss(store, ANA, "l2", "x", now)
    names = {}
    confirmed, rejected = VerificationOutcome.CONFIRMED, VerificationOutcome.REJECTED
    for buyer, outcome, people in (("ann", confirmed, (ANA, BO)), ("bob", rejected, (ANA,))):
        opened = open_verification(store, ANA, buyer, "hm", POLICY, clock()).verification_id
        for who in people:
            decide_verification(store, who, opened, outcome, "seen", POLICY, clock())
        names[f"{buyer.upper()}S"] = opened
    for merchant, claim in (("shop", "c1"), ("mart", "c3")):
        (found,) = recover_losses.list_recoveries(store, ANA, 9, merchant_id=merchant).items
        recover_losses.approve(store, ANA, found.recovery_id, [claim], "x", clock())
        if merchant == "mart":
            recover_losses.pay(store, ANA, found.recovery_id, claim, "x", clock())
        names[f"{merchant.upper()}S"] = found.recovery_id
    decide(store, BO, "r1", Outcome.CONFIRM, "seen", None, clock(), None, POLICY)
    return names


@pytest.fixture(scope="module")
def scene(
    publish: Callable[..., int], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, dict[str, str]]:
    """A store's file, made once, and what its names stand for. Nobody may change it."""
    path = tmp_path_factory.mktemp("scene") / "store.sqlite"
    store = StoresByAddress().open(str(path), create=True)
    try:
        return path, made(store, publish)
    finally:
        store.close()


@pytest.fixture
def place(scene: tuple[Path, dict[str, str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where a store is for this test alone."""
    path = tmp_path / "store.sqlite"
    shutil.copy(scene[0], path)
    monkeypatch.setenv("RINGFENCE_STORE", str(path))
    return path


@pytest.fixture
def give(ringfence: Command, scene: tuple[Path, dict[str, str]], place: Path, tmp_path: Path) -> Command:
    """Give a command as Eve, its names put in."""
    names = scene[1] | {"STORE": str(place), "NEW": str(tmp_path / "new")}

    def given(line: str) -> Finished:
        return ringfence(*(names.get(word, word) for word in line.split()), "--as", "eve")

    return given


def entries(path: Path) -> list[AuditEntry]:
    """Read what the audit of a store says, the oldest first."""
    store = StoresByAddress().open(str(path), create=False)
    try:
        found = store.audit.page(99, None).items
    finally:
        store.close()
    return [sealed.entry for sealed in reversed(found) if sealed.entry is not None]


def close_audit(path: Path) -> None:
    """Let nobody write into the audit of a store."""
    connection = sqlite3.connect(path)
    connection.execute("CREATE TRIGGER closed BEFORE INSERT ON audit BEGIN SELECT raise(ABORT, 'no'); END")
    connection.close()


def test_every_command_is_audited_or_need_not_be() -> None:
    assert set(AUDITED).isdisjoint(NEED_NONE)
    assert commands() == {*AUDITED, *NEED_NONE}


@pytest.mark.parametrize("command", AUDITED)
def test_who_did_what_about_whom_is_written_down(
    give: Command, place: Path, scene: tuple[Path, dict[str, str]], command: str
) -> None:
    case = AUDITED[command]
    for line in case.before:
        assert give(line).code == 0
    told = give(f"{command} {case.arguments}")
    assert (told.code, told.err.count("error")) == (0, 0), told.err
    entry = entries(place)[-1]
    assert (entry.actor, entry.role, entry.outcome) == ("eve", case.role, ANSWERED)
    assert entry.operation == entry.purpose == f"ringfence {command}"
    assert (entry.merchant_id in entry.subjects) is (case.role is MERCHANT)
    assert {scene[1].get(word, word) for word in case.about.split()} <= set(entry.subjects)


@pytest.mark.parametrize("command", [command for command, case in AUDITED.items() if case.refused])
def test_what_is_refused_is_written_down_with_its_code(give: Command, place: Path, command: str) -> None:
    case = AUDITED[command]
    told = give(f"{command} {case.refused}")
    assert (told.code, told.out) == (2, "")
    (entry,) = entries(place)
    assert (entry.operation, entry.outcome) == (f"ringfence {command}", case.code)
    assert (entry.actor, entry.role) == ("eve", case.role)


@pytest.mark.parametrize("command", AUDITED)
def test_nothing_is_told_that_cannot_be_written_down(
    give: Command, place: Path, tmp_path: Path, command: str
) -> None:
    case = AUDITED[command]
    for line in case.before:
        assert give(line).code == 0
    close_audit(place)
    for arguments in filter(None, (case.refused, case.arguments)):
        told = give(f"{command} {arguments}")
        assert (told.code, told.out) == (1, "")
        assert told.err.startswith("error: Nothing is told, since it cannot be written into the audit; ")
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    "line", ["runs list", "runs show 1", "keys list", "audit list", "audit heads", "evaluate --decided"]
)
def test_what_is_about_nobody_is_not_written_down(ringfence: Command, place: Path, line: str) -> None:
    assert ringfence(*line.split()).code == 0
    assert entries(place) == []


def test_a_folder_of_a_run_is_read_without_a_store(
    ringfence: Command, found: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RINGFENCE_STORE", str(tmp_path / "none.sqlite"))
    for line in ("rings list", "rings export --format csv"):
        assert ringfence(*line.split(), "--run", found).code == 0


def test_why_somebody_looks_is_told_by_the_environment(
    give: Command, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RINGFENCE_PURPOSE", "case 7")
    assert give("risk ann").code == 0
    assert [entry.purpose for entry in entries(place)] == ["case 7"]
    monkeypatch.setenv("RINGFENCE_PURPOSE", "two\nlines")
    told = give("rings note r1 x")
    assert (told.code, told.out) == (2, "")
    assert "The purpose (RINGFENCE_PURPOSE) holds characters that cannot be shown" in told.err
    assert len(entries(place)) == 1


def test_nothing_is_decided_without_a_key_for_the_audit(
    give: Command, place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setenv("RINGFENCE_KEY_FILE", str(tmp_path))
        told = give("rings note r1 x")
        assert (told.code, told.out) == (2, "")
    assert "note: x" not in give("rings history r1").out


def test_what_is_no_text_is_refused_as_such(ringfence: Command, place: Path) -> None:
    told = ringfence("risk", "\udcff", "--as", "eve")
    assert (told.code, told.out) == (2, "")
    assert "bytes that are no text in UTF-8" in told.err
    assert entries(place) == []


def test_commands_given_at_once_continue_one_chain(place: Path, key_file: Path) -> None:
    with ThreadPoolExecutor(4) as threads:
        told = list(threads.map(lambda _: run_process("reports", "show", "rep1", "--as", "eve"), range(4)))
    assert [(each.code, each.err) for each in told] == [(0, "")] * 4
    store = StoresByAddress().open(str(place), create=False)
    try:
        key = PseudonymKey.load_or_create(key_file).derive("audit")
        verified = verify_audit(store, OLGA, key)
    finally:
        store.close()
    assert (verified.chains, verified.entries, verified.broken) == (1, 4, ())


def test_a_copy_that_was_looked_at_is_copied_on(give: Command, place: Path, tmp_path: Path) -> None:
    assert give("store copy STORE NEW").code == 0
    assert give("risk ann --store NEW").code == give("rings note r1 x").code == 0
    assert give("store copy STORE NEW").code == 0
    assert {entry.operation for entry in entries(tmp_path / "new")} == {
        "ringfence store copy", "ringfence risk", "ringfence rings note"
    }  # fmt: skip
    assert "note: x" in give("rings history r1 --store NEW").out


def test_commands_are_audited_in_every_store(
    ringfence: Command, store: Store, store_address: str, publish: Callable[..., int]
) -> None:
    made(store, publish)
    for line, code in (("risk ann", 0), ("risk nobody", 2), ("rings show r1", 0), ("rings note r1 x", 0)):
        told = ringfence(*line.split(), "--as", "eve", "--store", store_address)
        assert told.code == code
    page = store.audit.page(9, None, actor="eve")
    assert [sealed.entry.outcome for sealed in page.items if sealed.entry] == [
        ANSWERED, ANSWERED, "NOT_FOUND", ANSWERED
    ]  # fmt: skip
    assert [sealed.number for sealed in page.items] == [4, 3, 2, 1]
    assert store.audit.page(9, None, subject="ann").total == 2
    told = ringfence("audit", "list", "--subject", "r1", "--store", store_address)
    assert [line.split("\t")[4] for line in told.out.splitlines()[1:]] == [
        "ringfence rings note", "ringfence rings show"
    ]  # fmt: skip
