"""The files of a run, as others may rely on them."""

import csv
import json
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from processes import Finished, contents, stable

from ringfence.domain.policy import Policy

Command = Callable[..., Finished]
HEADERS = {
    "rings": "ring_id,network_id,score,size,claims,merchants,occasions,amount,first_claim_at,last_claim_at,"
    "p_value,method,why",
    "members": "ring_id,buyer_id,score,why",
    "buyers": "buyer_id,score",
    "links": "buyer_a,buyer_b,score,why",
    "leads": "lead_id,kind,ring_id,score,size,claims,merchants,occasions,amount,first_claim_at,last_claim_at,"
    "p_value,why,why_not",
    "lead_members": "lead_id,buyer_id,score,why",
    "lead_evidence": "lead_id,event,merchant_id,buyer_id,claim_id,filed_at,amount,expected,weak",
    "evidence": "ring_id,event,merchant_id,buyer_id,claim_id,filed_at,amount,expected,weak",
}
IDENTIFIERS = ("address", "device", "payment", "phone", "email")


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def write_rows(path: Path, table: list[dict[str, str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, table[0])
        writer.writeheader()
        writer.writerows(table)


def altered(
    source: Path, target: Path, change: Callable[[list[dict[str, str]]], list[dict[str, str]]]
) -> Path:
    """Copy a marketplace with every table changed."""
    target.mkdir()
    for path in source.glob("*.csv"):
        write_rows(target / path.name, change(rows(path)))
    return target


@pytest.mark.parametrize("table", HEADERS)
def test_a_table_has_the_columns_that_were_promised_in_their_order(found: Path, table: str) -> None:
    content = (found / f"{table}.csv").read_bytes()
    assert content.split(b"\n", 1)[0].decode() == HEADERS[table]
    assert content.endswith(b"\n")
    assert b"\r" not in content


def test_a_run_leaves_its_files_and_nothing_else(found: Path) -> None:
    assert set(contents(found)) == {*(f"{table}.csv" for table in HEADERS), "run.json", "timings.json"}


def test_every_ring_member_and_link_has_a_reason(found: Path) -> None:
    for table in ("rings", "members", "links"):
        reasons = [row["why"] for row in rows(found / f"{table}.csv")]
        assert reasons
        assert all(reasons)


def test_rings_agree_with_their_members_and_their_evidence(found: Path) -> None:
    members, evidence = rows(found / "members.csv"), rows(found / "evidence.csv")
    scores = []
    for ring in rows(found / "rings.csv"):
        own = [row for row in members if row["ring_id"] == ring["ring_id"]]
        claims = [row for row in evidence if row["ring_id"] == ring["ring_id"]]
        assert int(ring["size"]) == len(own) >= 2
        assert int(ring["claims"]) == len(claims)
        assert int(ring["merchants"]) == len({claim["merchant_id"] for claim in claims}) >= 2
        times = [claim["filed_at"] for claim in claims]
        assert (ring["first_claim_at"], ring["last_claim_at"]) == (min(times), max(times))
        assert all(part.partition(":")[2] for part in ring["amount"].split(";"))
        assert 0.0 <= float(ring["p_value"]) <= 0.05
        scores.append(float(ring["score"]))
    assert scores == sorted(scores, reverse=True)
    assert len(members) == len({row["buyer_id"] for row in members})


def test_every_buyer_seen_has_a_score_best_first(found: Path, marketplace: Path) -> None:
    seen = {row["buyer_id"] for table in ("claims", "orders") for row in rows(marketplace / f"{table}.csv")}
    listed = rows(found / "buyers.csv")
    scores = [float(row["score"]) for row in listed]
    assert seen <= {row["buyer_id"] for row in listed}
    assert len(listed) == len({row["buyer_id"] for row in listed})
    assert scores == sorted(scores, reverse=True)
    assert 0.0 <= scores[-1] < scores[0] <= 1.0
    ringed = {row["buyer_id"] for row in rows(found / "members.csv")}
    assert {row["buyer_id"] for row in listed[: len(ringed)]} == ringed


def test_run_json_tells_how_the_run_came_about(found: Path, marketplace: Path) -> None:
    run = json.loads((found / "run.json").read_text(encoding="utf-8"))
    assert set(run) == {
        *("policy", "parameters", "seed", "versions", "counts", "calibration", "notes", "format", "files")
    }
    assert run["policy"] == Policy().name
    assert {"ringfence", "python", "normaliser", "numpy", "polars"} <= set(run["versions"])
    assert run["counts"]["claims"] == len(rows(marketplace / "claims.csv"))
    assert run["counts"]["input_rows"]["claims"]["rejected"] == 0
    assert run["files"] == {table: len(rows(found / f"{table}.csv")) for table in HEADERS}


def test_timings_json_tells_seconds_and_memory_by_stage(found: Path) -> None:
    timings = json.loads((found / "timings.json").read_text(encoding="utf-8"))
    assert set(timings) == {"stages", "seconds", "peak_memory_mb"}
    names = [stage["stage"] for stage in timings["stages"]]
    assert names[0] == "read claims.csv"
    assert names[-1] == "writing"
    assert all(set(stage) == {"stage", "seconds", "peak_memory_mb"} for stage in timings["stages"])
    assert 0 < sum(stage["seconds"] for stage in timings["stages"]) <= timings["seconds"]


def test_neither_row_order_nor_key_changes_a_byte(
    ringfence: Command, found: Path, marketplace: Path, tmp_path: Path
) -> None:
    def shuffle(table: list[dict[str, str]]) -> list[dict[str, str]]:
        return random.Random(5).sample(table, len(table))

    shuffled = altered(marketplace, tmp_path / "shuffled", shuffle)
    again = tmp_path / "run"
    done = ringfence(
        "detect", "-i", shuffled, "-o", again, "--links", "--key-file", tmp_path / "another", "--quiet"
    )
    assert done.code == 0
    assert (tmp_path / "another").is_file()
    assert stable(again) == stable(found)


def test_a_run_over_an_earlier_one_leaves_its_own_files_alone(
    ringfence: Command, found: Path, marketplace: Path, tmp_path: Path
) -> None:
    shutil.copytree(found, tmp_path / "run")
    assert ringfence("detect", "-i", marketplace, "-o", tmp_path / "run").code == 0
    before, after = stable(found), stable(tmp_path / "run")
    assert set(before) - set(after) == {"links.csv"}
    assert [name for name in after if after[name] != before[name]] == ["run.json"]


def test_no_file_of_a_run_holds_an_identifier_in_the_clear(
    ringfence: Command, found: Path, marketplace: Path
) -> None:
    clear = {
        row[kind].lower().encode()
        for row in rows(marketplace / "claims.csv")
        for kind in IDENTIFIERS
        if len(row.get(kind) or "") >= 6
    }
    assert len(clear) > 1_000
    ring_id = rows(found / "rings.csv")[0]["ring_id"]
    shown = ringfence("rings", "show", ring_id, "--run", found)
    written = b"\n".join([*contents(found).values(), shown.out.encode(), shown.err.encode()]).lower()
    assert [value for value in clear if value in written] == []


def test_a_ring_that_changed_keeps_its_name_and_the_lineage_says_so(
    ringfence: Command, found: Path, marketplace: Path, tmp_path: Path
) -> None:
    ring = max(rows(found / "rings.csv"), key=lambda row: int(row["size"]))["ring_id"]
    gone = [row["buyer_id"] for row in rows(found / "members.csv") if row["ring_id"] == ring][-1]
    later = altered(
        marketplace, tmp_path / "later", lambda table: [row for row in table if row.get("buyer_id") != gone]
    )
    out = tmp_path / "run"
    assert ringfence("detect", "-i", later, "-o", out, "--previous", found).code == 0
    assert ring in {row["ring_id"] for row in rows(out / "rings.csv")}
    steps = {row["ring_id"]: row for row in rows(out / "lineage.csv")}
    assert list(steps[ring]) == ["ring_id", "event", "previous_ring_id", "common"]
    assert (steps[ring]["event"], steps[ring]["previous_ring_id"]) == ("shrank", ring)
    assert {row["ring_id"] for row in rows(found / "rings.csv")} <= set(steps)

    assert ringfence("detect", "-i", later, "-o", out).code == 0
    assert ring not in {row["ring_id"] for row in rows(out / "rings.csv")}
    assert not (out / "lineage.csv").exists()


def test_a_cell_that_a_spreadsheet_would_run_is_escaped_and_still_found(
    ringfence: Command, found: Path, marketplace: Path, tmp_path: Path
) -> None:
    plain = rows(found / "members.csv")[0]["buyer_id"]
    risky = '=HYPERLINK("x")'

    def rename(table: list[dict[str, str]]) -> list[dict[str, str]]:
        return [row | {"buyer_id": risky} if row.get("buyer_id") == plain else row for row in table]

    out = tmp_path / "run"
    hostile = altered(marketplace, tmp_path / "hostile", rename)
    assert ringfence("detect", "-i", hostile, "-o", out, "--links").code == 0
    for table, column in (("members", "buyer_id"), ("buyers", "buyer_id"), ("evidence", "buyer_id")):
        cells = [row[column] for row in rows(out / f"{table}.csv")]
        assert f"'{risky}" in cells
        assert risky not in cells
    linked = [row[side] for row in rows(out / "links.csv") for side in ("buyer_a", "buyer_b")]
    assert f"'{risky}" in linked
    listed = ringfence("rings", "list", "--run", out, "--buyer", risky, "--json")
    assert len(json.loads(listed.out)) == 1
