"""The open benchmark runs any program on marketplaces in files, and its figures are those of its answers."""

import json
import math
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import polars as pl
import pytest

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
PAGE = Path(__file__).parents[2] / "docs" / "benchmark.md"
CLAIMS = "claim_id,buyer_id,merchant_id,filed_at,amount,address\n"


def benchmark(*arguments: str | Path) -> "subprocess.CompletedProcess[str]":
    """Run the benchmark as a person would."""
    command = [sys.executable, str(BENCHMARKS / "ring_benchmark.py"), *(str(part) for part in arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def figures(folder: Path, tmp_path: Path, *commands: str) -> dict[str, Any]:
    """Run `commands` alone on the marketplaces in `folder`: the figures by tool."""
    report = tmp_path / "figures.json"
    given = [part for command in commands for part in ("--command", command)]
    ended = benchmark("--data", folder, "--without-built-in", *given, "--json", report)
    assert ended.returncode == 0, ended.stderr
    return {row["tool"]: row for row in json.loads(report.read_text())["figures"]}


def ask_module(code: str) -> Any:
    """Evaluate `code` among the benchmark modules: it prints JSON."""
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=BENCHMARKS
    )
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout)


@pytest.fixture
def six_buyers(tmp_path: Path) -> Path:
    """Someone else's marketplace: a ring of three and three honest buyers, without about.json."""
    place = tmp_path / "markets" / "mine"
    (place / "input").mkdir(parents=True)
    rows = [
        f"c{number},{buyer},m1,2025-01-0{number + 1}T00:00:00,5," for number, buyer in enumerate("abcdef")
    ]
    (place / "input" / "claims.csv").write_text(CLAIMS + "\n".join(rows) + "\n")
    truth = "buyer_id,ring_id\na,t1\nb,t1\nc,t1\nd,\ne,\nf,\n"
    (place / "truth.csv").write_text(truth)
    return tmp_path / "markets"


def answer(tmp_path: Path, members: str, ranking: str | None = None) -> str:
    """A command that gives a prepared answer for the marketplace `mine`."""
    place = tmp_path / "answers" / "mine"
    place.mkdir(parents=True)
    (place / "members.csv").write_text("ring_id,buyer_id\n" + members)
    if ranking is not None:
        (place / "buyers.csv").write_text("buyer_id,score\n" + ranking)
    return f"prepared=cp -r {tmp_path}/answers/{{case}}/. {{out}}"


def test_figures_are_those_of_the_answer(six_buyers: Path, tmp_path: Path) -> None:
    ranking = "a,9\nd,8\nb,7\nc,1\n"
    command = answer(tmp_path, "1,a\n1,b\n2,d\n2,e\n2,never seen\n", ranking)
    said = figures(six_buyers, tmp_path, command)["prepared"]
    assert (said["precision"]["hits"], said["precision"]["total"]) == (2, 5)
    assert (said["recall"]["hits"], said["recall"]["total"]) == (2, 3)
    assert said["f1"] == pytest.approx(2 * 2 / (5 + 3))
    low, high = said["f1_interval_95"]
    assert low < said["f1"] < high
    assert (said["ring_recall"]["hits"], said["ring_recall"]["total"]) == (1, 1)
    assert said["false_rings"] == 1
    assert said["false_rings_per_100k"][0] == pytest.approx(1e5 / 3)
    assert said["average_precision"] == pytest.approx((1 + 2 / 3 + 3 / 4) / 3)
    assert said["failures"] == 0
    assert said["seconds"] > 0


def test_a_tool_that_ranks_nobody_has_no_average_precision(six_buyers: Path, tmp_path: Path) -> None:
    said = figures(six_buyers, tmp_path, answer(tmp_path, "1,a\n1,b\n1,c\n"))["prepared"]
    assert said["average_precision"] is None
    assert said["f1"] == 1.0


def test_the_tool_in_the_documentation_runs_as_it_says(six_buyers: Path, tmp_path: Path) -> None:
    example = re.search(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert example is not None
    (tmp_path / "mine.py").write_text(example[1])
    claims = six_buyers / "mine" / "input" / "claims.csv"
    rows = claims.read_text().splitlines()
    claims.write_text("\n".join([rows[0], *(row + "one street" for row in rows[1:5]), *rows[5:]]) + "\n")
    command = f"mine={sys.executable} {tmp_path}/mine.py {{input}} {{out}}"
    said = figures(six_buyers, tmp_path, command)["mine"]
    assert (said["precision"]["hits"], said["precision"]["total"]) == (3, 4)


def test_a_tool_that_fails_is_counted_and_the_others_go_on(six_buyers: Path, tmp_path: Path) -> None:
    failing = (
        "exits with 1=false {input} {out}",
        "writes nothing=true {input} {out}",
        "does not exist=no-such-program {input} {out}",
        "writes nonsense=sh -c 'echo nothing useful > {out}/members.csv' {input}",
    )
    said = figures(six_buyers, tmp_path, *failing, answer(tmp_path, "1,a\n1,b\n1,c\n"))
    assert said.pop("prepared")["failures"] == 0
    assert {name: row["failures"] for name, row in said.items()} == dict.fromkeys(
        (command.partition("=")[0] for command in failing), 1
    )
    assert all(row["recall"]["hits"] == 0 for row in said.values())


def test_a_tool_that_hangs_is_stopped_with_its_children(six_buyers: Path, tmp_path: Path) -> None:
    ended = benchmark(
        *("--data", six_buyers, "--without-built-in", "--limit-seconds", "0.5"),
        *("--command", "hanging=sh -c 'sleep 600; echo {input} {out}'"),
    )
    assert ended.returncode == 0
    assert "was stopped after 0.5 s" in ended.stderr
    assert "1 of 1" in ended.stdout


def test_a_command_that_names_no_folders_is_refused(six_buyers: Path) -> None:
    ended = benchmark("--data", six_buyers, "--command", "mine=./mine.sh")
    assert ended.returncode == 1
    assert "{input}" in ended.stderr


def test_a_tool_sees_claims_and_orders_but_never_the_truth(six_buyers: Path, tmp_path: Path) -> None:
    listing = tmp_path / "seen"
    spying = f"spying=sh -c 'ls {{input}} > {listing}; echo ring_id,buyer_id > {{out}}/members.csv'"
    assert figures(six_buyers, tmp_path, spying)["spying"]["failures"] == 0
    assert listing.read_text().split() == ["claims.csv"]


def test_every_kind_of_marketplace_is_written_with_its_truth(tmp_path: Path) -> None:
    folder = tmp_path / "markets"
    small = ("--buyers", "2000", "--seeds", "1", "--stealth", "0")
    kinds = [part for kind in ("generated", "hidden", "shopping", "blocks") for part in ("--market", kind)]
    ended = benchmark("--write", folder, *small, *kinds)
    assert ended.returncode == 0, ended.stderr
    places = [Path(line) for line in ended.stdout.splitlines()]
    assert len(places) == 3 * 2 + 8
    for place in places:
        claims = pl.read_csv(place / "input" / "claims.csv", infer_schema=False)
        truth = pl.read_csv(place / "truth.csv", infer_schema=False)
        about = json.loads((place / "about.json").read_text())
        assert {"claim_id", "buyer_id", "merchant_id", "filed_at", "amount"} <= set(claims.columns)
        assert truth.columns == ["buyer_id", "ring_id", "pattern", "lookalike"]
        assert truth["buyer_id"].is_unique().all()
        assert set(claims["buyer_id"]) <= set(truth["buyer_id"])
        assert about["claims"] == claims.height
        assert about["members"] == truth["ring_id"].count()
        assert (about["members"] == 0) == (about["setting"] == "clean")


def test_the_peeling_is_the_densest_stage_of_a_greedy_removal() -> None:
    code = """
import json
import numpy as np
from recipe_fraudar import peel
differences = []
for seed in range(20):
    rng = np.random.default_rng(seed)
    cells = np.unique(rng.integers(0, 12 * 9, 45))
    row, column = cells // 9, cells % 9
    weight = 1 / np.log(np.bincount(column, minlength=9) + 5.0)
    nodes = {("r", int(x)) for x in row} | {("c", int(x)) for x in column}
    best = 0.0
    while nodes:
        inside = [(int(r), int(c)) for r, c in zip(row, column) if ("r", r) in nodes and ("c", c) in nodes]
        best = max(best, sum(weight[c] for _, c in inside) / len(nodes))
        loss = {node: 0.0 for node in nodes}
        for r, c in inside:
            loss["r", r] += weight[c]
            loss["c", c] += weight[c]
        nodes.remove(min(nodes, key=lambda node: (round(loss[node], 9), node[0] == "c", node[1])))
    found = peel(row, column, 12, 9)
    kept = found.row[row] & found.column[column]
    own = weight[column[kept]].sum() / (found.row.sum() + found.column.sum())
    differences += [abs(own - found.density), best - found.density]
print(json.dumps(differences))
"""
    differences = ask_module(code)
    assert all(math.isclose(one, 0.0, abs_tol=1e-9) for one in differences)


def test_the_peeling_finds_a_dense_block_and_then_the_next(tmp_path: Path) -> None:
    data, out = tmp_path / "data", tmp_path / "out"
    data.mkdir()
    pairs = [(f"x{buyer}", f"s{shop}") for buyer in range(10) for shop in range(10)]
    pairs += [(f"y{buyer}", f"t{shop}") for buyer in range(6) for shop in range(6)]
    pairs += [(f"z{number}", f"u{number % 7}") for number in range(40)]
    pl.DataFrame(pairs, schema=["buyer_id", "merchant_id"], orient="row").write_csv(data / "claims.csv")
    command = [sys.executable, str(BENCHMARKS / "recipe_fraudar.py"), str(data), str(out), "--blocks", "2"]
    subprocess.run(command, check=True)
    members = pl.read_csv(out / "members.csv").group_by("ring_id").agg("buyer_id")
    found = {frozenset(ring) for ring in members["buyer_id"]}
    assert found == {frozenset(f"x{n}" for n in range(10)), frozenset(f"y{n}" for n in range(6))}
    ranked = pl.read_csv(out / "buyers.csv")
    assert set(ranked["buyer_id"].head(10)) == {f"x{n}" for n in range(10)}
    assert ranked.height == 56


def test_shared_identifiers_rank_the_most_alike_first(tmp_path: Path) -> None:
    data, out = tmp_path / "data", tmp_path / "out"
    data.mkdir()
    rows = [("a", "one", "d1"), ("b", "one", "d1"), ("c", "one", "d2"), ("alone", "two", "d3")]
    claims = pl.DataFrame(rows, schema=["buyer_id", "address", "device"], orient="row")
    claims.write_csv(data / "claims.csv")
    subprocess.run([sys.executable, str(BENCHMARKS / "recipe_neo4j.py"), str(data), str(out)], check=True)
    scores = dict(pl.read_csv(out / "buyers.csv").iter_rows())
    assert scores == pytest.approx({"a": 1 + 1 / 3, "b": 1 + 1 / 3, "c": 2 / 3, "alone": 0.0})


def test_memory_of_the_caller_is_not_counted_as_the_programs() -> None:
    code = """
import json, sys, tempfile
from pathlib import Path
from measuring import run_measured
ballast = bytearray(400 * 2**20)
ballast[::4096] = b"x" * len(ballast[::4096])
with tempfile.TemporaryDirectory() as folder:
    print(json.dumps(run_measured([sys.executable, "-S", "-c", "pass"], Path(folder, "log")).peak_mib))
"""
    assert 1 < ask_module(code) < 200
