"""The benchmark scripts run from the command line on small data, and what they make is what they say."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from neo4j_database import Login

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


def run_script(name: str, *arguments: str | Path, **environment: str) -> str:
    """Run a benchmark as a person would; its standard output."""
    command = [sys.executable, str(BENCHMARKS / name), *(str(part) for part in arguments)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ | environment)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def ask_module(code: str) -> Any:
    """Evaluate `code` among the benchmark modules: it prints JSON."""
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=BENCHMARKS
    )
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout)


@pytest.fixture(scope="module")
def marketplace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    run_script("marketplaces.py", folder, "--claims", "20000", "--csv")
    return folder / "20000"


@pytest.mark.parametrize(
    "script",
    [
        "marketplaces.py",
        "recipe_networkx.py",
        "recipe_fast.py",
        "recipe_neo4j.py",
        "recipe_fraudar.py",
        "ring_benchmark.py",
        "speed.py",
        "real_shopping.py",
        "hidden_markets.py",
        "injected_blocks.py",
        "patterns.py",
        "store_market.py",
        "neo4j_market.py",
        "publication.py",
        "report_weight.py",
        "buyer_risk.py",
        "record_lists.py",
        "p_values.py",
        "risk_calibration.py",
        "api_speed.py",
        "faults.py",
        "odd_input.py",
    ],
)
def test_every_benchmark_explains_itself(script: str) -> None:
    assert f"python tests/benchmarks/{script}" in run_script(script, "--help")


def test_a_marketplace_for_speed_is_the_same_in_both_formats(marketplace: Path) -> None:
    parquet = pl.read_parquet(marketplace / "parquet" / "claims.parquet")
    text = pl.read_csv(marketplace / "csv" / "claims.csv", try_parse_dates=True)
    assert parquet.height == 20_000
    assert parquet["claim_id"].n_unique() == 20_000
    assert text.select(pl.exclude("filed_at")).equals(parquet.select(pl.exclude("filed_at")))
    assert text["filed_at"].cast(pl.Datetime("us")).equals(parquet["filed_at"])
    planted = pl.read_csv(marketplace / "truth.csv")
    assert planted["buyer_id"].is_unique().all()
    assert set(planted["buyer_id"]) <= set(parquet["buyer_id"])


@pytest.mark.parametrize("recipe", ["recipe_networkx.py", "recipe_fast.py", "recipe_neo4j.py"])
def test_a_recipe_puts_people_who_share_an_address_together(recipe: str, tmp_path: Path) -> None:
    data, out = tmp_path / "data", tmp_path / "out"
    data.mkdir()
    claims = pl.DataFrame(
        {
            "buyer_id": ["a", "b", "c", "x", "y", "z", "alone", "w", "v", "u"],
            "merchant_id": [f"m{number}" for number in range(10)],
            "filed_at": ["2025-01-01T00:00:00"] * 10,
            "address": ["one"] * 3 + ["two"] * 3 + ["three", "four", "five", "six"],
        }
    )
    claims.write_csv(data / "claims.csv")
    run_script(recipe, data, out)
    members = pl.read_csv(out / "members.csv").group_by("ring_id").agg("buyer_id")
    assert {frozenset(ring) for ring in members["buyer_id"]} == {frozenset("abc"), frozenset("xyz")}


def test_the_benchmark_of_extras_compares_with_an_earlier_run(tmp_path: Path) -> None:
    asked = ("--seeds", "1", "--buyers", "1000", "--extra", "waves_4", "--extra", "reseller")
    before = tmp_path / "before.json"
    run_script("patterns.py", *asked, "--json", before)
    figures = json.loads(before.read_text())["figures"]
    assert set(figures) == {f"{extra}, 0, {word}" for extra in asked[5::2] for word in ("known", "unknown")}
    assert figures["reseller, 0, known"]["buyers"]["total"] == 1
    assert figures["waves_4, 0, known"]["groups"]["total"] == 1
    share = figures["waves_4, 0, known"]["precision"]["share"]
    shown = run_script("patterns.py", *asked[:6], "--before", before)
    assert f"{share:.3f} → {share:.3f} [" in shown


def test_odd_input_is_measured_beside_the_rings_below_it(tmp_path: Path) -> None:
    written = tmp_path / "figures.json"
    run_script(
        "odd_input.py", "--size", "300", "--buyers", "1000", "--crowd", "one_second", "--json", written
    )
    figures = json.loads(written.read_text())
    row = dict(zip(figures["header"], figures["rows"][0], strict=True))
    assert row["claims"] > 300
    assert row["recall"] > 0.5
    assert row["false rings"] == 0


def test_a_group_is_accused_when_two_of_its_buyers_are_in_one_ring() -> None:
    code = """
import json
import polars as pl
from patterns import count
truth = pl.DataFrame({
    "buyer_id": list("abcdefg"),
    "ring_id": ["r", "r"] + [None] * 5,
    "pattern": ["small", "small"] + [None] * 5,
    "lookalike": [None, None, "club", "club", "club", "club", None],
    "lookalike_group": [None, None, "1", "1", "2", "2", None],
})
members = pl.DataFrame({"ring_id": ["x", "x", "x", "y", "y"], "buyer_id": list("abcde")})
print(json.dumps(count("club", truth, members).to_dict()))
"""
    said = ask_module(code)
    assert (said["buyers"]["hits"], said["buyers"]["total"]) == (3, 4)
    assert (said["groups"]["hits"], said["groups"]["total"]) == (0, 2)
    assert (said["precision"]["hits"], said["precision"]["total"]) == (2, 5)
    assert said["false_rings"] == 1


@pytest.mark.parametrize(
    ("script", "small", "said"),
    [
        ("store_market.py", ("--claims", "20000"), "plain sqlite3"),
        (
            "publication.py",
            ("--rings", "50", "--members", "4", "--buyers", "1000", "--runs", "2"),
            "read, ms: 99 %",
        ),
        ("api_speed.py", ("--rings", "60", "--members", "4", "--seconds", "0.2"), "p99"),
    ],
)
def test_a_benchmark_of_the_store_gives_its_figures(script: str, small: tuple[str, ...], said: str) -> None:
    assert said in run_script(script, *small)


def test_p_values_are_measured_on_clean_and_on_growing_marketplaces(tmp_path: Path) -> None:
    said = run_script(
        "p_values.py",
        *("--markets", "4", "--smallest", "300", "--largest", "600", "--buyers", "500"),
        *("--nights", "2", "--years", "1", "--every", "200", "--json", tmp_path / "figures.json"),
    )
    assert "All 4 clean marketplaces" in said
    assert "false rings: " in said
    assert "clean years: " in said
    figures = json.loads((tmp_path / "figures.json").read_text())
    assert {sample["shape"] for sample in figures["markets"]} == {
        "hidden",
        "households",
        "generated",
        "small",
    }
    assert all(0.0 <= sample["lowest_p"] <= 1.0 for sample in figures["markets"])
    name, nights, published, false = figures["growing"][0]
    assert (name, nights) == ("with rings", 2)
    assert false <= published


def test_the_benchmark_of_a_graph_gives_its_figures(neo4j_address: str, neo4j_server: Login) -> None:
    user, password = (text or "" for text in neo4j_server.credentials)
    said = run_script(
        "neo4j_market.py",
        *("--claims", "3000", "--warm-up", "3000", "--server", neo4j_address),
        RINGFENCE_STORE_USER=user,
        RINGFENCE_STORE_PASSWORD=password,
    )
    assert "read, against columns" in said


def test_nothing_is_lost_when_processes_are_killed_at_random(tmp_path: Path) -> None:
    told = run_script("faults.py", tmp_path / "faults", "--rounds", "1", "--buyers", "500")
    assert "nothing was lost" in told


def test_hidden_markets_are_the_same_for_a_seed_and_hold_rings_only_when_asked() -> None:
    code = """
import json
from hidden.market import market_of_seed
clean, bold, again = (market_of_seed(3, s, 2_000, 4_000) for s in (None, 0.0, 0.0))
print(json.dumps({
    "clean": clean.truth["ring_id"].count(),
    "bold": bold.truth["ring_id"].count(),
    "same": bold.claims.equals(again.claims) and bold.truth.equals(again.truth),
    "lookalikes": sorted(set(clean.truth["lookalike"])),
}))
"""
    said = ask_module(code)
    assert said["clean"] == 0
    assert said["bold"] > 20
    assert said["same"]
    assert {"family", "student housing", "office", "parcel locker", "faulty batch"} <= set(said["lookalikes"])


def test_unusual_people_and_rings_join_a_hidden_market_only_when_asked() -> None:
    code = """
import json
from hidden.market import market_of_seed
from hidden.unusual_rings import TRICKS
plain, bold, again = (market_of_seed(3, 0.0, 8_000, 9_000, unusual=u) for u in (False, True, True))
clean = market_of_seed(3, None, 8_000, 9_000, unusual=True)
print(json.dumps({
    "plain": sorted(set(plain.truth["lookalike"]) | set(plain.truth["pattern"].drop_nulls())),
    "people": sorted(set(bold.truth["lookalike"])),
    "rings": sorted(set(bold.truth["pattern"].drop_nulls())),
    "tricks": list(TRICKS),
    "same": bold.claims.equals(again.claims) and bold.truth.equals(again.truth),
    "clean": clean.truth["ring_id"].count(),
}))
"""
    said = ask_module(code)
    unusual = {"lost bundle", "lost container", "deal club", "joint parcels", "subscription box"}
    unusual |= {"viral post", "reseller", "small office"}
    assert unusual <= set(said["people"])
    assert set(said["tricks"]) <= set(said["rings"])
    assert not (unusual | set(said["tricks"])) & set(said["plain"])
    assert said["same"]
    assert said["clean"] == 0


def test_stealth_thins_the_joint_hits_of_hidden_rings() -> None:
    code = """
import json
from hidden.market import market_of_seed
def claims(stealth):
    market = market_of_seed(3, stealth, 4_000, 6_000)
    return market.claims.height - market_of_seed(3, None, 4_000, 6_000).claims.height
print(json.dumps([claims(0.0), claims(0.5)]))
"""
    bold, shy = ask_module(code)
    assert 0 < shy < 0.75 * bold


def test_a_tally_counts_members_lookalikes_and_false_rings() -> None:
    code = """
import json
import polars as pl
from quality import tally
truth = pl.DataFrame({
    "buyer_id": list("abcdef"),
    "ring_id": ["r", "r", "r", None, None, None],
    "pattern": ["small", "small", "small", None, None, None],
    "lookalike": ["", "", "", "family", "family", ""],
})
found = pl.DataFrame({"ring_id": ["1", "1", "2", "2", "3"], "buyer_id": list("abdef")})
both = tally(truth, found) + tally(truth, None)
print(json.dumps(both.to_dict()))
"""
    said = ask_module(code)
    assert said["precision"]["hits"] == 2
    assert said["precision"]["total"] == 5
    assert (said["recall"]["hits"], said["recall"]["total"]) == (2, 6)
    assert said["accused_by_lookalike"]["family"]["hits"] == 2
    assert said["ring_recall"]["hits"] == 1
    assert (said["false_rings"], said["failures"], said["markets"]) == (2, 1, 2)


def test_a_share_has_wilsons_interval() -> None:
    low, high = ask_module(
        "import json; from measuring import Share; print(json.dumps(Share(8, 10).interval))"
    )
    assert low == pytest.approx(0.4902, abs=1e-3)
    assert high == pytest.approx(0.9433, abs=1e-3)
    bound = ask_module("import json; from measuring import rate_bound; print(json.dumps(rate_bound(0, 1.0)))")
    assert bound == pytest.approx(2.9957, abs=1e-3)
