"""Detection on a store: what is published, what is withheld, and what is left when it goes wrong."""

import csv
import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from ringfence.detection.parameters import Parameters
from ringfence.domain.errors import InvalidError, NotFoundError
from ringfence.domain.leases import LeaseHeldError, LeaseLostError, LeaseName
from ringfence.domain.policy import DetectionPolicy, Policy
from ringfence.domain.progress import Silent
from ringfence.domain.rings import RingQuery
from ringfence.domain.runs import RunState
from ringfence.domain.scope import Principal, Role
from ringfence.export import conform, read_run, write_run
from ringfence.generator import GeneratorOptions
from ringfence.intake import PseudonymKey
from ringfence.services.detect_in_store import StoreDetectionRequest, detect_in_store
from ringfence.services.detect_rings import DetectionRequest, detect_rings
from ringfence.services.hold_lease import this_process
from ringfence.services.load_market import LoadRequest, load_market
from ringfence.services.make_marketplace import make_marketplace
from ringfence.services.stored_runs import read_stored_ring, read_stored_run
from ringfence.store import Store

KEY = PseudonymKey(bytes(range(32)))
NOW = 1_760_000_000_000_000


def clock() -> int:
    return NOW


@pytest.fixture(scope="module")
def marketplace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("marketplace") / "files"
    make_marketplace(GeneratorOptions(buyers=1000), folder, progress=Silent())
    return folder


def load(store: Store, *paths: Path) -> None:
    lease = store.leases.acquire(LeaseName.LOAD, this_process(), 60.0, NOW)
    load_market(LoadRequest(list(paths)), KEY, store, lease, NOW)
    store.leases.release(lease)


def detect(store: Store, request: StoreDetectionRequest | None = None) -> RunState:
    return detect_in_store(request or StoreDetectionRequest(), store, clock).run.state


def files_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name != "timings.json"}


def write_claims(path: Path, first: int, phone: Callable[[int], str] | None) -> Path:
    """Write claims of 40 honest buyers, the first of them numbered so, with phones or without the column."""
    chance = random.Random(first)
    with path.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["claim_id", "buyer_id", "merchant_id", "filed_at", "amount", *["phone"] * bool(phone)])
        for buyer in range(first, first + 40):
            for number in range(2):
                at = (
                    f"2026-0{chance.randint(1, 9)}-{chance.randint(1, 28):02d}T{chance.randint(0, 23):02d}:00"
                )
                merchant, amount = f"m{chance.randint(1, 30)}", chance.randint(3, 90)
                row = [f"c{buyer}-{number}", f"b{buyer}", merchant, at, amount]
                rows.writerow([*row, *([phone(buyer)] if phone else [])])
    return path


@pytest.mark.parametrize("links", [False, True])
def test_a_store_gives_byte_for_byte_what_its_files_give(
    store: Store, marketplace: Path, tmp_path: Path, links: bool
) -> None:
    detect_rings(DetectionRequest([marketplace], tmp_path / "files", links=links), KEY)
    load(store, marketplace)
    assert detect(store, StoreDetectionRequest(out=tmp_path / "stored", links=links)) is RunState.PUBLISHED
    assert files_of(tmp_path / "stored") == files_of(tmp_path / "files")
    assert len(read_run(tmp_path / "stored").rings) > 3


def test_the_policy_says_how_high_a_rings_p_value_may_be(store: Store, marketplace: Path) -> None:
    load(store, marketplace)
    policy = Policy(detection=DetectionPolicy(ring_p_value=0.001))
    outcome = detect_in_store(StoreDetectionRequest(policy=policy), store, clock)
    assert (outcome.detection.rings["p_value"] <= 0.001).all()
    assert outcome.run.about["parameters"]["calibration"]["ring_p_value"] == 0.001
    assert outcome.run.about["calibration"]["tails"]["pairs"]["runs"] > 0


def test_p_values_can_be_left_out_of_a_run_and_it_says_so(store: Store, marketplace: Path) -> None:
    load(store, marketplace)
    request = StoreDetectionRequest(parameters=Parameters().without_p_values())
    outcome = detect_in_store(request, store, clock)
    assert outcome.detection.rings["p_value"].is_null().all()
    assert outcome.run.about["calibration"] is None
    assert any("p-values were left out" in note for note in outcome.run.about["notes"])
    assert read_stored_run(store).rings["p_value"].is_null().all()


def test_a_run_that_is_read_back_is_the_run_that_was_written(
    store: Store, marketplace: Path, tmp_path: Path
) -> None:
    load(store, marketplace)
    outcome = detect_in_store(StoreDetectionRequest(), store, clock)
    kept = read_stored_run(store)
    frames = dict(store.rings.tables())
    risks = frames.pop("risks")
    assert set(risks["buyer_id"]) == set(outcome.detection.buyers["buyer_id"])
    assert risks["probability"].is_between(0, 1).all()
    for table, frame in frames.items():
        assert frame.equals(conform(table, getattr(outcome.detection, table))), table
    write_run(tmp_path / "one", frames, kept.run, {})
    write_run(
        tmp_path / "other", {name: getattr(outcome.detection, name) for name in frames}, outcome.run.about, {}
    )
    assert files_of(tmp_path / "one") == files_of(tmp_path / "other")
    best = kept.rings["ring_id"][0]
    ring = read_stored_ring(store, Principal("ana", Role.OPERATOR), best, NOW)
    assert ring.part.evidence.equals(kept.evidence.filter(kept.evidence["ring_id"] == best))
    assert ring.part.members.equals(kept.members.filter(kept.members["ring_id"] == best))
    assert [step.event for step in ring.lineage] == ["born"]
    assert ring.is_alive


def test_rings_keep_their_names_from_run_to_run_and_their_lives_are_told(
    store: Store, marketplace: Path, tmp_path: Path
) -> None:
    load(store, marketplace)
    detect(store)
    born = store.rings.alive()
    assert detect(store, StoreDetectionRequest(out=tmp_path / "run")) is RunState.PUBLISHED
    assert store.rings.alive() == born
    lineage = read_run(tmp_path / "run").lineage
    assert lineage is not None
    assert set(lineage["event"]) == {"kept"}
    assert {step.event for step in store.rings.lineage(sorted(born))} == {"born", "kept"}


def test_only_the_last_runs_keep_their_findings(store: Store, tmp_path: Path) -> None:
    load(store, write_claims(tmp_path / "claims.csv", 0, None))
    for _ in range(4):
        detect(store, StoreDetectionRequest(keep_runs=2))
    kept = [run.run_id for run in store.rings.runs(10).items if is_kept(store, run.run_id)]
    assert kept == [4, 3]


def is_kept(store: Store, run_id: int) -> bool:
    try:
        return bool(store.rings.tables(run_id))
    except NotFoundError:
        return False


def test_nothing_is_detected_where_nothing_is_loaded(store: Store) -> None:
    with pytest.raises(InvalidError, match="ringfence load"):
        detect(store)
    assert store.rings.runs(10).items == ()
    with pytest.raises(InvalidError, match="why"):
        detect(store, StoreDetectionRequest(publish_anyway=" "))
    with pytest.raises(InvalidError, match="1 run or more"):
        detect(store, StoreDetectionRequest(keep_runs=0))


def test_a_folder_that_holds_something_else_is_refused_before_anything_is_detected(
    store: Store, tmp_path: Path
) -> None:
    load(store, write_claims(tmp_path / "claims.csv", 0, None))
    with pytest.raises(InvalidError, match="holds no run"):
        detect(store, StoreDetectionRequest(out=tmp_path))
    assert store.rings.runs(10).items == ()


def test_a_result_that_broken_input_would_explain_is_withheld_until_somebody_says_why_not(
    store: Store, tmp_path: Path
) -> None:
    load(store, write_claims(tmp_path / "claims-1.csv", 0, lambda buyer: f"+4420{buyer:07d}"))
    assert detect(store) is RunState.PUBLISHED
    load(store, write_claims(tmp_path / "claims-2.csv", 100, lambda buyer: "+442000000000"))
    request = StoreDetectionRequest(out=tmp_path / "run")
    withheld = detect_in_store(request, store, clock).run
    assert withheld.state is RunState.WITHHELD
    assert withheld.reasons == ("One phone is used by 40 of 80 buyers (50.0 %), more than 5 %.",)
    assert not (tmp_path / "run").exists()
    published = store.rings.run()
    assert published is not None
    assert published.run_id == 1
    anyway = detect_in_store(replace(request, publish_anyway="one call centre"), store, clock).run
    assert anyway.state is RunState.PUBLISHED
    assert anyway.reasons == (*withheld.reasons, "Published anyway: one call centre")
    assert (tmp_path / "run" / "run.json").is_file()


def test_a_column_that_is_suddenly_empty_withholds_the_run(store: Store, tmp_path: Path) -> None:
    load(store, write_claims(tmp_path / "claims-1.csv", 0, lambda buyer: f"+4420{buyer:07d}"))
    assert detect(store) is RunState.PUBLISHED
    load(store, write_claims(tmp_path / "claims-2.csv", 100, None))
    withheld = detect_in_store(StoreDetectionRequest(), store, clock).run
    assert withheld.state is RunState.WITHHELD
    (reason,) = withheld.reasons
    assert reason.startswith("The column phone of claims was filled in 100 %")
    # Published once, the gap is what is usual.
    detect(store, StoreDetectionRequest(publish_anyway="the shop asks for no phones now"))
    assert detect(store) is RunState.PUBLISHED


class Disturbed(Silent):
    """Progress that something happens at."""

    def __init__(self, stage: str, act: Callable[[], None]) -> None:
        self._stage, self._act = stage, act

    def stage(self, name: str, total: int | None = None) -> None:
        if name == self._stage:
            self._act()


def raising(error: BaseException) -> Callable[[], None]:
    def act() -> None:
        raise error

    return act


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (InvalidError("no\nsuch thing"), "no such thing"),
        (KeyboardInterrupt(), "interrupted"),
        (ZeroDivisionError("by zero"), "ZeroDivisionError: by zero"),
    ],
)
@pytest.mark.parametrize("stage", ["growing rings", "storing"])
def test_a_run_that_goes_wrong_is_marked_as_failed_and_lets_go_of_the_lease(
    store: Store, tmp_path: Path, stage: str, error: BaseException, reason: str
) -> None:
    load(store, write_claims(tmp_path / "claims.csv", 0, None))
    detect(store)
    with pytest.raises(type(error)):
        detect_in_store(StoreDetectionRequest(), store, clock, Disturbed(stage, raising(error)))
    failed = store.rings.run(2)
    assert failed is not None
    assert (failed.state, failed.reasons) == (RunState.FAILED, (reason,))
    assert store.rings.page(RingQuery(), 1).total == 0
    assert detect(store) is RunState.PUBLISHED


def test_of_two_detections_one_holds_the_lease(store: Store, tmp_path: Path) -> None:
    load(store, write_claims(tmp_path / "claims.csv", 0, None))

    def start_another() -> None:
        with pytest.raises(LeaseHeldError):
            detect(store)

    detect_in_store(StoreDetectionRequest(), store, clock, Disturbed("storing", start_another))
    assert [run.state for run in store.rings.runs(10).items] == [RunState.PUBLISHED]


def test_a_detection_that_lost_its_lease_publishes_nothing_and_the_next_one_clears_up(
    store: Store, tmp_path: Path
) -> None:
    load(store, write_claims(tmp_path / "claims.csv", 0, None))

    def take_over() -> None:
        with pytest.raises(LeaseHeldError) as held:
            detect(store)
        store.leases.release(store.leases.take_over(held.value.lease, this_process(), 60.0, NOW))

    with pytest.raises(LeaseLostError):
        detect_in_store(StoreDetectionRequest(), store, clock, Disturbed("storing", take_over))
    assert store.rings.run() is None
    assert detect(store) is RunState.PUBLISHED
    assert [(run.state, run.reasons) for run in store.rings.runs(10).items] == [
        (RunState.PUBLISHED, ()),
        (RunState.FAILED, ("interrupted",)),
    ]
