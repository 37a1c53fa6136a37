"""detect, rings, evaluate and runs on a store."""

import json
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from processes import Finished, refusals, stable

from ringfence.app import StoresByAddress
from ringfence.cli.main import run
from ringfence.domain.leases import Holder, LeaseName
from ringfence.settings import Settings

Command = Callable[..., Finished]


@pytest.fixture(scope="module")
def detected(
    marketplace: Path, key_file: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Path]:
    """A store that the marketplace was loaded into and detected in, and the run's folder."""
    folder = tmp_path_factory.mktemp("detected")
    store, out = folder / "store.sqlite", folder / "run"
    for arguments in (
        ["load", str(marketplace), "--store", str(store), "--quiet"],
        ["detect", "--store", str(store), "--out", str(out), "--links", "--quiet"],
    ):
        assert run(arguments, Settings(key_file=key_file), StoresByAddress()) == 0
    return store, out


def test_load_and_detect_on_a_store_write_what_detect_on_the_files_writes(
    detected: tuple[Path, Path], found: Path
) -> None:
    assert stable(detected[1]) == stable(found)


def test_detect_tells_what_it_published(ringfence: Command, marketplace: Path, tmp_path: Path) -> None:
    store = tmp_path / "store.sqlite"
    ringfence("load", marketplace, "--store", store, "--quiet")
    told = ringfence("detect", "--store", store, "--quiet")
    assert told.code == 0
    assert "published as run 1" in told.out.splitlines()[-1]
    answered = json.loads(ringfence("detect", "--store", f"sqlite:///{store}", "--quiet", "--json").out)
    assert (answered["run_id"], answered["state"], answered["reasons"]) == (2, "published", [])
    assert answered["counts"]["rings"] > 3
    assert answered["counts"]["links"] > 0


def test_detect_leaves_rings_that_were_dismissed_out_of_its_list_and_counts_them(
    ringfence: Command, marketplace: Path, tmp_path: Path
) -> None:
    store = tmp_path / "store.sqlite"
    ringfence("load", marketplace, "--store", store, "--quiet")
    first = ringfence("detect", "--store", store, "--no-p-values", "--quiet").out
    assert "Left out" not in first
    strongest = first.splitlines()[1].split("\t")[0]
    ringfence("rings", "decide", strongest, "dismiss", "--reason", "one family", "--store", store)
    told = ringfence("detect", "--store", store, "--no-p-values", "--quiet").out
    listed = json.loads(ringfence("rings", "list", "--store", store, "--json").out)
    assert strongest not in told
    lines = [line.split("\t") for line in told.splitlines()]
    assert [line[0] for line in lines[1:] if len(line) > 1] == [ring["ring_id"] for ring in listed[:10]]
    assert "Left out, as dismissed, snoozed or allowed: 1 ring; all of them: " in told
    assert f"ringfence rings list --store {store} --status all" in told


def test_rings_of_a_store_are_listed_as_those_of_a_folder(
    ringfence: Command, detected: tuple[Path, Path]
) -> None:
    store, folder = detected
    best = json.loads(ringfence("rings", "list", "--run", folder, "--json").out)[0]
    for options in (
        (),
        ("--limit", "2"),
        ("--min-score", "40"),
        ("--network", best["network_id"]),
        ("--buyer", "nobody"),
        ("--merchant", "m000001"),
    ):
        listed = json.loads(ringfence("rings", "list", "--store", store, "--json", *options).out)
        known = json.loads(ringfence("rings", "list", "--run", folder, "--json", *options).out)
        assert [ring["ring_id"] for ring in listed] == [ring["ring_id"] for ring in known]
    one = json.loads(ringfence("rings", "list", "--store", store, "--json", "--limit", "1").out)[0]
    assert best.keys() <= one.keys()
    assert {name: one[name] for name in best if name != "score"} == {
        name: value for name, value in best.items() if name != "score"
    }


def test_a_ring_of_a_store_is_shown_with_its_life(ringfence: Command, detected: tuple[Path, Path]) -> None:
    store, folder = detected
    ring_id = json.loads(ringfence("rings", "list", "--run", folder, "--json").out)[0]["ring_id"]
    shown = json.loads(ringfence("rings", "show", ring_id, "--store", store, "--json").out)["rings"][0]
    known = json.loads(ringfence("rings", "show", ring_id, "--run", folder, "--json").out)["rings"][0]
    assert known.keys() <= shown.keys()
    for part in ("members", "evidence", "links"):
        assert len(shown[part]) == len(known[part]) > 0
        assert [row.get("why") for row in shown[part]] == [row.get("why") for row in known[part]]
    assert (shown["first_run_id"], shown["is_alive"]) == (1, True)
    assert [step["event"] for step in shown["lineage"]] == ["born"]
    told = ringfence("rings", "show", ring_id, "--store", store).out
    assert "Found first in run 1" in told
    assert f"1\tborn\t{ring_id}" in told
    for command in (("rings", "show", "nobody"), ("rings", "show", ring_id, "--run-id", "7")):
        refused = ringfence(*command, "--store", store)
        assert refused.code == 2
        assert len(refusals(refused)) == 1


def test_a_store_is_exported_and_evaluated_as_its_folder_is(
    ringfence: Command, detected: tuple[Path, Path], marketplace: Path
) -> None:
    store, folder = detected
    exported = ("rings", "export", "--format", "csv")
    assert ringfence(*exported, "--store", store).out == ringfence(*exported, "--run", folder).out
    evaluated = ("evaluate", "--labels", marketplace / "truth.csv", "--json")
    one = json.loads(ringfence(*evaluated, "--store", store, "--run-id", "1").out)
    other = json.loads(ringfence(*evaluated, "--run", folder).out)
    assert one["precision"] == other["precision"]
    assert one["recall"] == other["recall"]


def test_the_store_of_the_environment_is_used_where_none_is_named(
    detected: tuple[Path, Path], key_file: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    settings = Settings(key_file=key_file, store=str(detected[0]))
    assert run(["rings", "list", "--limit", "1"], settings, StoresByAddress()) == 0
    assert len(capfd.readouterr().out.splitlines()) == 2


def test_runs_are_listed_and_shown_with_why(ringfence: Command, marketplace: Path, tmp_path: Path) -> None:
    store = tmp_path / "store.sqlite"
    ringfence("load", marketplace, "--store", store, "--quiet")
    assert ringfence("runs", "list", "--store", store).out == "No runs.\n"
    assert "ringfence detect" in ringfence("rings", "list", "--store", store).out
    assert ringfence("rings", "list", "--store", store, "--json").out == "[]\n"
    ringfence("detect", "--store", store, "--quiet")
    # As if far fewer rings had been usual.
    with sqlite3.connect(store) as database:
        database.execute('UPDATE runs SET about = \'{"counts": {"rings": 1}}\'')
    database.close()
    withheld = ringfence("detect", "--store", store, "--out", tmp_path / "run", "--quiet")
    assert (withheld.code, withheld.out) == (1, "")
    assert "more than 3 times the usual number" in withheld.err
    (line,) = refusals(withheld)
    assert "run 2 is withheld" in line
    assert "--publish-anyway" in line
    assert not (tmp_path / "run").exists()
    listed = json.loads(ringfence("runs", "list", "--store", store, "--json").out)
    assert [(run["run_id"], run["state"]) for run in listed] == [(2, "withheld"), (1, "published")]
    assert ringfence("runs", "list", "--store", store, "--state", "failed").out == "No run is failed.\n"
    lines = ringfence("runs", "list", "--store", store).out.splitlines()
    assert lines[1].startswith("2\twithheld")
    shown = ringfence("runs", "show", "2", "--store", store).out
    assert shown.startswith("Run 2: withheld\n")
    assert "more than 3 times" in shown
    listed = ringfence("rings", "list", "--store", store, "--run-id", "2").out.splitlines()
    assert len(listed) > 4
    ring = listed[1].split("\t")[0]
    shown = ringfence("rings", "show", ring, "--store", store, "--run-id", "2").out
    assert "shown as of run 2, which is withheld." in shown
    published = ringfence("detect", "--store", store, "--publish-anyway", "a raid", "--quiet")
    assert published.code == 0
    assert "Published anyway: a raid" in ringfence("runs", "show", "3", "--store", store).out
    assert ringfence("runs", "show", "9", "--store", store).code == 2


def test_a_second_detection_exits_with_4_and_says_whose_the_first_is(
    ringfence: Command, detected: tuple[Path, Path]
) -> None:
    store = StoresByAddress().open(str(detected[0]), create=False)
    try:
        far_future = 4_000_000_000_000_000
        elsewhere = Holder("elsewhere", os.getpid(), "once")
        lease = store.leases.acquire(LeaseName.DETECT, elsewhere, 1e9, far_future)
        told = ringfence("detect", "--store", detected[0], "--quiet")
        store.leases.release(lease)
    finally:
        store.close()
    assert told.code == 4
    (line,) = refusals(told)
    assert "elsewhere" in line


def test_where_nothing_is_loaded_the_remedy_is_told(ringfence: Command, tmp_path: Path) -> None:
    told = ringfence("detect", "--store", tmp_path / "none.sqlite", "--quiet")
    assert told.code == 2
    assert "ringfence load" in refusals(told)[0]
    empty = tmp_path / "empty.sqlite"
    StoresByAddress().open(str(empty), create=True).close()
    told = ringfence("detect", "--store", empty, "--quiet")
    assert told.code == 2
    assert f"ringfence load --store {empty} PATH" in refusals(told)[0]


def test_identifiers_alone_are_loaded_but_there_is_nothing_to_detect_in(
    ringfence: Command, tmp_path: Path
) -> None:
    store, file = tmp_path / "store.sqlite", tmp_path / "identifiers.csv"
    file.write_text("buyer_id,kind,value\nann,phone,+44 5419 691563\n")
    assert ringfence("load", file, "--store", store).code == 0
    told = ringfence("detect", "--store", store, "--quiet")
    assert told.code == 2
    assert "No claims are loaded yet" in refusals(told)[0]
    assert ringfence("runs", "list", "--store", store).out == "No runs.\n"
