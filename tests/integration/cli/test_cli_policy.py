import json
from collections.abc import Callable
from pathlib import Path

import pytest
from processes import Finished, run_process

from ringfence.app import StoresByAddress
from ringfence.cli.main import run
from ringfence.domain.policy import Policy
from ringfence.rules import read_policy
from ringfence.settings import Settings

Command = Callable[..., Finished]


def test_what_is_shown_is_a_file_that_holds_the_same(ringfence: Command, tmp_path: Path) -> None:
    told = ringfence("policy", "show")
    assert (told.code, told.err) == (0, "")
    assert told.out.startswith(f"# The numbers below have the fingerprint {Policy().fingerprint}.\n")
    path = tmp_path / "policy.toml"
    path.write_text(told.out, encoding="utf-8")
    assert read_policy(path) == Policy()
    checked = ringfence("policy", "check", path)
    assert checked.code == 0
    assert checked.out == f"Policy {Policy().name} is valid; it changes 0 of the built-in numbers.\n"


def test_a_file_is_shown_and_checked_with_what_it_changes(ringfence: Command, tmp_path: Path) -> None:
    path = tmp_path / "policy.toml"
    path.write_text('version = "2026-11"\n[reports]\nseveral = 3\n', encoding="utf-8")
    policy = read_policy(path)
    shown = ringfence("policy", "show", "--policy", path)
    assert 'version = "2026-11"' in shown.out
    assert "several = 3.0" in shown.out
    told = json.loads(ringfence("policy", "show", "--policy", path, "--json").out)
    assert told["reports"]["several"] == 3.0
    assert (told["version"], told["fingerprint"]) == ("2026-11", policy.fingerprint)
    assert ringfence("policy", "check", path).out.splitlines() == [
        f"Policy {policy.name} is valid; it changes 1 of the built-in numbers.",
        "reports.several = 3.0 (built-in: 2.0)",
    ]
    checked = json.loads(ringfence("policy", "check", path, "--json").out)
    assert checked["changed"] == {"reports.several": {"default": "2.0", "value": "3.0"}}


def test_a_detection_in_files_says_by_which_policy_it_went(ringfence: Command, tmp_path: Path) -> None:
    path, claims, run_folder = tmp_path / "policy.toml", tmp_path / "claims.csv", tmp_path / "run"
    path.write_text('version = "2026-11"\n[detection]\nleads_per_run = 7\n', encoding="utf-8")
    claims.write_text("claim_id,buyer_id,merchant_id,filed_at,amount\nc1,ann,shop,2024-01-01T10:00,5\n")
    told = ringfence("detect", "-i", claims, "-o", run_folder, "--policy", path, "--no-p-values", "-q")
    assert told.code == 0
    about = json.loads((run_folder / "run.json").read_text(encoding="utf-8"))
    assert about["policy"] == read_policy(path).name
    assert told.out.splitlines()[-1].startswith(f"1 claim of 1 buyer; 0 rings in {run_folder} (")


def test_every_problem_of_a_file_is_told_on_a_line_of_its_own(ringfence: Command, tmp_path: Path) -> None:
    path = tmp_path / "policy.toml"
    path.write_text("reprts = 1\n[cases]\nsecond_person_to_confirm = 1\n", encoding="utf-8")
    told = ringfence("policy", "check", path)
    assert (told.code, told.out) == (2, "")
    lines = told.err.splitlines()
    assert len(lines) == 3
    assert all(line.startswith(f"error: {path}: ") for line in lines)
    shown = ringfence("policy", "show", "--policy", path)
    assert (shown.code, len(shown.err.splitlines())) == (2, 1)


def test_the_environment_names_the_policy_in_force_and_an_option_another(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "policy.toml"
    path.write_text('version = "in force"\n', encoding="utf-8")
    settings = Settings.from_environment({"RINGFENCE_POLICY": str(path)})
    assert run(["policy", "show"], settings, StoresByAddress()) == 0
    assert 'version = "in force"' in capfd.readouterr().out
    other = tmp_path / "other.toml"
    other.write_text('version = "other"\n', encoding="utf-8")
    assert run(["policy", "show", "--policy", str(other)], settings, StoresByAddress()) == 0
    assert 'version = "other"' in capfd.readouterr().out


def test_a_process_refuses_a_file_that_is_not_there(tmp_path: Path) -> None:
    told = run_process("policy", "check", str(tmp_path / "missing.toml"))
    assert (told.code, told.out) == (2, "")
    assert told.err.startswith(f"error: {tmp_path / 'missing.toml'}: it cannot be read (No such file")
    assert len(told.err.splitlines()) == 1
