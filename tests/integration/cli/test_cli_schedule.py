"""Schedules as processes: side by side, killed, told to stop; and what else may start detections."""

import configparser
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from itertools import pairwise
from pathlib import Path

import pytest
import yaml
from processes import MODULE, Finished, refusals, run_process

from ringfence.app import StoresByAddress
from ringfence.cli.clock import clock
from ringfence.domain.runs import Run, RunState
from ringfence.domain.scope import Principal, Role
from ringfence.services.ask_for_run import ask_for_run
from ringfence.services.detect_in_store import StoreDetectionRequest, detect_in_store

Command = Callable[..., Finished]
README = (Path(__file__).parents[3] / "README.md").read_text(encoding="utf-8")
ENOUGH_SECONDS = 120
DAY = 86_400_000_000


@pytest.fixture(scope="module")
def loaded(marketplace: Path, key_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with the marketplace and a run that was published yesterday. Nobody may change it."""
    path = tmp_path_factory.mktemp("loaded") / "shop.sqlite"
    assert run_process("load", marketplace, "--store", path, "--quiet").code == 0
    with closing(StoresByAddress().open(str(path), create=False)) as store:
        detect_in_store(StoreDetectionRequest(), store, lambda: clock() - DAY)
    return path


@pytest.fixture
def store(loaded: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(loaded, tmp_path / "shop.sqlite"))


@contextmanager
def scheduling(store: Path, *arguments: str | Path) -> Iterator[subprocess.Popen[str]]:
    """Run a schedule, whose log goes to a file beside the store, and end it in any case."""
    with open(log_of(store), "a", encoding="utf-8") as log:
        process = subprocess.Popen(
            [*MODULE, "schedule", "--store", str(store), "--json", *map(str, arguments)],
            stderr=log,
            text=True,
        )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def log_of(store: Path) -> Path:
    return store.with_suffix(".log")


def events(store: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in log_of(store).read_text(encoding="utf-8").splitlines()]


def outcomes(store: Path) -> list[object]:
    return [event["outcome"] for event in events(store)]


def runs(path: Path) -> list[Run]:
    """Give all runs, oldest first."""
    with closing(StoresByAddress().open(str(path), create=False)) as store:
        return list(reversed(store.rings.runs(1000).items))


def wait_until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + ENOUGH_SECONDS
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def wait_until_running(path: Path) -> None:
    with closing(StoresByAddress().open(str(path), create=False)) as store:
        wait_until(lambda: store.rings.runs(1).items[0].state is RunState.RUNNING)


def stop(process: subprocess.Popen[str]) -> int:
    process.send_signal(signal.SIGTERM)
    return process.wait(ENOUGH_SECONDS)


def test_of_two_schedules_on_one_store_one_detects_at_a_time_and_every_time_is_served_once(
    store: Path,
) -> None:
    with scheduling(store, "--every", "1s") as one, scheduling(store, "--every", "1s") as other:
        wait_until(lambda: len(runs(store)) > 6)
        assert [stop(one), stop(other)] == [0, 0]
    found = runs(store)
    assert {run.state for run in found} == {RunState.PUBLISHED}
    for before, after in pairwise(found[1:]):
        assert before.ended_at is not None
        assert before.ended_at <= after.begun_at
        assert after.begun_at - before.begun_at >= 1_000_000
    told = [event["run_id"] for event in events(store) if event["outcome"] == "published"]
    assert sorted(told, key=str) == sorted((run.run_id for run in found[1:]), key=str)
    assert "skipped" in outcomes(store)


def test_what_was_missed_and_then_killed_midway_is_caught_up_by_the_next_process_once(store: Path) -> None:
    schedule = ("--cron", "0 */12 * * *")
    with scheduling(store, *schedule) as process:
        wait_until_running(store)
        process.send_signal(signal.SIGKILL)
        process.wait(ENOUGH_SECONDS)
    assert runs(store)[-1].state is RunState.RUNNING
    with scheduling(store, *schedule) as process:
        wait_until(lambda: "published" in outcomes(store))
        time.sleep(1.5)
        assert stop(process) == 0
    assert outcomes(store) == ["started", "started", "published", "ended"]
    found = runs(store)
    assert [run.state for run in found] == [RunState.PUBLISHED, RunState.FAILED, RunState.PUBLISHED]
    assert found[1].reasons == ("interrupted",)
    with scheduling(store, *schedule) as process:
        wait_until(lambda: outcomes(store)[-1] == "ready")
        begun = time.monotonic()
        assert stop(process) == 0
        assert time.monotonic() - begun < 5


def test_a_run_under_way_is_finished_before_the_process_ends(store: Path) -> None:
    with scheduling(store, "--every", "6h") as process:
        wait_until_running(store)
        assert stop(process) == 0
    assert outcomes(store) == ["started", "published", "ended"]
    assert runs(store)[-1].state is RunState.PUBLISHED


@pytest.mark.parametrize(
    ("grace", "numbers"), [("300", (signal.SIGTERM, signal.SIGINT)), ("0", (signal.SIGTERM,))]
)
def test_a_run_that_is_given_no_more_time_is_marked_as_failed_and_lets_go_of_the_store(
    ringfence: Command, store: Path, grace: str, numbers: tuple[signal.Signals, ...]
) -> None:
    with scheduling(store, "--every", "6h", "--grace", grace) as process:
        wait_until_running(store)
        for number in numbers:
            process.send_signal(number)
            time.sleep(0.02)
        assert process.wait(ENOUGH_SECONDS) == 1
    assert outcomes(store) == ["started", "stopped"]
    last = runs(store)[-1]
    assert (last.state, last.reasons) == (RunState.FAILED, ("stopped",))
    assert ringfence("detect", "--store", store, "--quiet").code == 0


def test_a_health_file_is_kept_while_it_lives(ringfence: Command, store: Path, tmp_path: Path) -> None:
    health = tmp_path / "health.json"
    with scheduling(store, "--every", "6h", "--health-file", health) as process:
        wait_until(lambda: log_of(store).exists() and "published" in outcomes(store))
        wait_until(lambda: "published" in health.read_text())
        told = ringfence("schedule", "--check", health)
        assert told.code == 0
        assert re.fullmatch(r"\S+Z published: run 2: .* rings in .* s; next due \S+Z\n", told.out)
        written = health.stat().st_mtime
        wait_until(lambda: health.stat().st_mtime > written)
        process.send_signal(signal.SIGSTOP)
        os.utime(health, (written - 300, written - 300))
        told = ringfence("schedule", "--check", health)
        assert (told.code, len(refusals(told))) == (1, 1)
        process.send_signal(signal.SIGCONT)
        assert stop(process) == 0
    assert ringfence("schedule", "--check", health).code == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "--cron or --every"),
        (("--cron", "* * * * *", "--every", "1h"), "--cron or --every"),
        (("--every", "soon"), "15m, 6h"),
        (("--cron", "15 2 * *"), "'15 2 * * *'"),
        (("--cron", "15 2 * * *", "--timezone", "Mars"), "Europe/Berlin"),
        (("--every", "1h", "--timezone", "UTC"), "belongs to --cron"),
        (("--every", "1h", "--publish-anyway", "x"), "--publish-anyway"),
        (("--every", "1h", "--keep-runs", "0"), "--keep-runs"),
        (("--every", "1h", "--store", "mysql://x"), "mysql://x is no store"),
    ],
)
def test_what_can_never_be_kept_is_refused_at_once(
    ringfence: Command, arguments: tuple[str, ...], said: str
) -> None:
    told = ringfence("schedule", *arguments)
    assert told.code == 2
    assert said in refusals(told)[0]


def examples(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.+?)```", README, re.DOTALL)


def accepts(ringfence: Command, command: list[str]) -> bool:
    """Say whether the command line knows every option of an example."""
    assert Path(command[0]).name == "ringfence"
    return ringfence(*command[1:], "--help").code == 0 and ringfence(*command[1:], "--no-such").code == 2


def test_the_example_for_cron_is_a_crontab_that_calls_a_command_there_is(ringfence: Command) -> None:
    setting, line = examples("crontab")[0].splitlines()
    assert setting.startswith("RINGFENCE_STORE=/")
    *fields, command = line.split(maxsplit=5)
    assert " ".join(fields) == "15 2 * * *"
    words = shlex.split(command.partition(">")[0])
    assert Path(words[0]).is_absolute()
    assert accepts(ringfence, words)
    assert "%" not in line


def test_the_example_for_systemd_is_two_units_that_systemd_takes(ringfence: Command, tmp_path: Path) -> None:
    service, timer = (read_unit(text) for text in examples("systemd"))
    command = shlex.split(service["Service"]["ExecStart"])
    assert accepts(ringfence, command)
    assert service["Service"]["Type"] == "oneshot"
    assert service["Service"]["SuccessExitStatus"] == "4"
    assert timer["Timer"]["Persistent"] == "true"
    assert timer["Timer"]["OnCalendar"].startswith("*-*-* 02:15:00 ")
    checker = shutil.which("systemd-analyze")
    if checker is not None:
        for kind, text in zip(("service", "timer"), examples("systemd"), strict=True):
            # The program is not where the example has it.
            (tmp_path / f"ringfence-detect.{kind}").write_text(text.replace(command[0], sys.executable))
        told = subprocess.run(
            [checker, "verify", *sorted(tmp_path.glob("ringfence-detect.*"))], capture_output=True, text=True
        )
        assert (told.returncode, "ringfence" in told.stderr) == (0, False), told.stderr


def read_unit(text: str) -> configparser.ConfigParser:
    unit = configparser.ConfigParser(interpolation=None)
    unit.optionxform = str  # type: ignore[assignment, method-assign]
    unit.read_string(text)
    return unit


def test_the_example_for_kubernetes_is_a_job_that_never_overlaps_itself(ringfence: Command) -> None:
    job = yaml.safe_load(examples("yaml")[0])
    assert (job["apiVersion"], job["kind"]) == ("batch/v1", "CronJob")
    spec = job["spec"]
    assert spec["concurrencyPolicy"] == "Forbid"
    assert spec["startingDeadlineSeconds"] > 100  # a smaller one misses what comes while nothing looks
    template = spec["jobTemplate"]["spec"]
    assert template["backoffLimit"] == 3
    assert template["podFailurePolicy"]["rules"][0]["onExitCodes"]["values"] == [1, 2]
    pod = template["template"]["spec"]
    assert pod["restartPolicy"] == "Never"
    (container,) = pod["containers"]
    assert accepts(ringfence, container["command"])
    for variable in container["env"]:
        assert f"| {variable['name']} |" in README


def test_what_the_examples_tell_of_exit_codes_is_so(ringfence: Command, store: Path, tmp_path: Path) -> None:
    empty = tmp_path / "empty.sqlite"
    StoresByAddress().open(str(empty), create=True).close()
    assert ringfence("detect", "--quiet", "--store", empty).code == 2
    with scheduling(store, "--every", "6h") as process:
        wait_until_running(store)
        process.send_signal(signal.SIGSTOP)
        assert ringfence("detect", "--quiet", "--store", store).code == 4
        process.send_signal(signal.SIGCONT)
        assert stop(process) == 0
    assert ringfence("detect", "--quiet", "--store", store).code == 0


def test_a_schedule_begins_a_run_that_was_asked_for_within_seconds(store: Path, ringfence: Command) -> None:
    before = len(runs(store))
    with scheduling(store, "--every", "366d"):
        wait_until(lambda: "ready" in outcomes(store))
        with closing(StoresByAddress().open(str(store), create=False)) as opened:
            ask_for_run(opened, Principal("nightly", Role.JOB), "new files", clock())
        told = ringfence("runs", "list", "--store", store).out
        assert told.startswith("nightly has asked for a run at 20")
        wait_until(lambda: "published" in outcomes(store))
    assert [run.state for run in runs(store)[before:]] == [RunState.PUBLISHED]
    assert "asked for" not in ringfence("runs", "list", "--store", store).out
