"""What is refused, in one line, with the right exit code, and what it leaves behind."""

import csv
import gzip
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from processes import NO_FILE_ABOVE_BYTES, Finished, contents, refusals, run_process, stable

from ringfence.app import StoresByAddress
from ringfence.cli.exit_codes import exit_code
from ringfence.domain.errors import (
    ConflictError,
    ForbiddenError,
    InvalidError,
    NotFoundError,
    RingfenceError,
    UnavailableError,
)
from ringfence.domain.leases import Holder, Lease, LeaseHeldError, LeaseLostError, LeaseName

Command = Callable[..., Finished]
FULL = (sys.executable, "-c", NO_FILE_ABOVE_BYTES)


def lines_of(marketplace: Path) -> list[str]:
    return (marketplace / "claims.csv").read_text(encoding="utf-8").splitlines()


def nothing(market: Path, lines: list[str]) -> None:
    (market / "notes.txt").write_text("none", encoding="utf-8")


def an_empty_file(market: Path, lines: list[str]) -> None:
    (market / "claims.csv").touch()


def a_header_alone(market: Path, lines: list[str]) -> None:
    (market / "claims.csv").write_text(lines[0] + "\n", encoding="utf-8")


def another_delimiter(market: Path, lines: list[str]) -> None:
    (market / "claims.csv").write_text("\n".join(lines).replace(",", ";"), encoding="utf-8")


def a_column_is_missing(market: Path, lines: list[str]) -> None:
    (market / "claims.csv").write_text("\n".join(lines).replace("filed_at", "filed", 1), encoding="utf-8")


def half_of_an_archive(market: Path, lines: list[str]) -> None:
    packed = gzip.compress("\n".join(lines).encode())
    (market / "claims.csv.gz").write_bytes(packed[: len(packed) // 2])


def another_encoding(market: Path, lines: list[str]) -> None:
    (market / "claims.csv").write_bytes("\n".join(lines).encode("utf-16"))


def an_image(market: Path, lines: list[str]) -> None:
    (market / "claims.parquet").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(1000))


INPUTS: dict[Callable[[Path, list[str]], None], str] = {
    nothing: "claims",
    an_empty_file: "claims.csv",
    a_header_alone: "claims.csv",
    another_delimiter: "delimiter",
    a_column_is_missing: "filed_at",
    half_of_an_archive: "claims.csv.gz",
    another_encoding: "claims.csv",
    an_image: "claims.parquet",
}


@pytest.mark.parametrize("spoil", INPUTS, ids=lambda spoil: spoil.__name__)
def test_input_that_cannot_be_read_is_refused_in_one_line_and_leaves_nothing(
    ringfence: Command, marketplace: Path, tmp_path: Path, spoil: Callable[[Path, list[str]], None]
) -> None:
    market = tmp_path / "market"
    market.mkdir()
    spoil(market, lines_of(marketplace))
    told = ringfence("detect", "-i", market, "-o", tmp_path / "run", "--quiet")
    assert told.code == 2
    assert told.out == ""
    (line,) = told.err.splitlines()
    assert refusals(told) == [line]
    assert INPUTS[spoil] in line
    assert not (tmp_path / "run").exists()


def test_a_process_with_bad_input_fails_without_a_traceback(tmp_path: Path) -> None:
    told = run_process("detect", "-i", tmp_path / "missing", "-o", tmp_path / "run")
    assert (told.code, told.out) == (2, "")
    assert told.err == f"error: {tmp_path / 'missing'}: no such file or folder\n"


def test_an_argument_that_is_no_text_fails_without_a_traceback(
    publish: Callable[..., int], tmp_path: Path
) -> None:
    path = tmp_path / "store.sqlite"
    with closing(StoresByAddress().open(str(path), create=True)) as store:
        publish(store, {"r1": (31.2, ["b1", "b2"])})
    told = run_process("rings", "show", "r\udcff", "--store", path)
    assert (told.code, told.out) == (2, "")
    assert told.err == "error: an argument holds bytes that are no text in UTF-8; write it otherwise\n"


@pytest.mark.parametrize(
    ("file", "content", "option", "said"),
    [
        ("map.toml", "[claims", "--map", "TOML"),
        ("map.toml", '[claims]\nclaim_number = "id"', "--map", "claim_number"),
        ("map.toml", None, "--map", "map.toml"),
        ("key", "no key at all\n", "--key-file", "hexadecimal"),
        ("key", "", "--key-file", "hexadecimal"),
    ],
)
def test_a_bad_map_or_key_is_refused_in_one_line(
    ringfence: Command,
    marketplace: Path,
    tmp_path: Path,
    file: str,
    content: str | None,
    option: str,
    said: str,
) -> None:
    given = tmp_path / file
    if content is not None:
        given.write_text(content, encoding="utf-8")
        given.chmod(0o600)
    told = ringfence("detect", "-i", marketplace, "-o", tmp_path / "run", option, given)
    assert told.code == 2
    (line,) = refusals(told)
    assert said in line
    assert str(given) in line
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--delimiter", "ab"), "delimiter"),
        (("--currency", "euro"), "currency"),
        (("--max-rejected", "2"), "between 0 and 1"),
        (("--previous", "missing"), "missing"),
        (("--without", "pairs"), "blocks"),
    ],
)
def test_an_impossible_option_of_detect_is_refused(
    ringfence: Command, marketplace: Path, tmp_path: Path, arguments: tuple[str, ...], said: str
) -> None:
    told = ringfence("detect", "-i", marketplace, "-o", tmp_path / "run", *arguments)
    assert told.code == 2
    (line,) = refusals(told)
    assert said in line


@pytest.mark.parametrize(
    "arguments", [("--buyers", "10"), ("--stealth", "1.5"), ("--days", "1"), ("--seed", "-1")]
)
def test_an_impossible_marketplace_is_refused(
    ringfence: Command, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    told = ringfence("generate", tmp_path / "made", *arguments)
    assert told.code == 2
    (line,) = refusals(told)
    assert arguments[0].removeprefix("--") in line
    assert not (tmp_path / "made").exists()


def test_an_unknown_extra_is_refused_with_the_names_of_the_known_ones(
    ringfence: Command, tmp_path: Path
) -> None:
    told = ringfence("generate", tmp_path / "made", "--with", "juggling")
    assert told.code == 2
    (line,) = refusals(told)
    assert "juggling" in line
    assert "lost_van" in line
    assert not (tmp_path / "made").exists()


def test_what_does_not_exist_is_named(ringfence: Command, found: Path, tmp_path: Path) -> None:
    for arguments, said in (
        (("rings", "list", "--run", tmp_path / "none"), "none"),
        (("rings", "list", "--run", tmp_path), "run.json"),
        (("rings", "show", "r0", "--run", found), "r0"),
        (("rings", "export", "--run", found, "--format", "csv", "--ring", "r0"), "r0"),
        (("evaluate", "--run", found, "--labels", tmp_path / "none.csv"), "none.csv"),
        (("evaluate", "--run", tmp_path / "none", "--labels", found / "members.csv"), "none"),
    ):
        told = ringfence(*arguments)
        assert told.code == 2
        assert told.out == ""
        (line,) = refusals(told)
        assert said in line


def test_a_folder_of_somebody_else_is_left_alone(
    ringfence: Command, marketplace: Path, tmp_path: Path
) -> None:
    (tmp_path / "thesis.txt").write_text("years of work", encoding="utf-8")
    for arguments in (
        ("detect", "-i", marketplace, "-o", tmp_path),
        ("detect", "-i", marketplace, "-o", tmp_path / "thesis.txt"),
        ("generate", tmp_path, "--buyers", "500"),
    ):
        told = ringfence(*arguments)
        assert told.code == 2
        assert len(refusals(told)) == 1
    assert contents(tmp_path) == {"thesis.txt": b"years of work"}


def test_a_marketplace_is_generated_over_another_only_if_asked(ringfence: Command, tmp_path: Path) -> None:
    made = tmp_path / "made"
    assert ringfence("generate", made, "--buyers", "500", "--quiet").code == 0
    before = contents(made)
    told = ringfence("generate", made, "--buyers", "500", "--seed", "2", "--format", "parquet", "--quiet")
    (line,) = refusals(told)
    assert (told.code, contents(made)) == (2, before)
    assert f"{made} holds a marketplace that ringfence generate wrote" in line
    assert "--overwrite" in line
    again = ("--buyers", "500", "--format", "parquet", "--overwrite", "--quiet")
    assert ringfence("generate", made, *again).code == 0
    assert {path.suffix for path in made.iterdir()} == {".parquet", ".json"}


def spoil_amounts(marketplace: Path, target: Path, share: float) -> int:
    """Copy the claims with the amounts of some written as words; give how many."""
    with (marketplace / "claims.csv").open(encoding="utf-8", newline="") as file:
        claims = list(csv.DictReader(file))
    spoilt = int(len(claims) * share)
    for claim in claims[:spoilt]:
        claim["amount"] = "ninety-nine"
    target.mkdir()
    with (target / "claims.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, claims[0])
        writer.writeheader()
        writer.writerows(claims)
    return spoilt


def test_too_many_bad_rows_fail_and_the_former_run_stays(
    ringfence: Command, marketplace: Path, found: Path, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    shutil.copytree(found, out)
    spoilt = spoil_amounts(marketplace, tmp_path / "bad", 0.05)
    told = ringfence("detect", "-i", tmp_path / "bad", "-o", out)
    assert told.code == 1
    (line,) = refusals(told)
    assert "claims.csv" in line
    with (out / "rejected.csv").open(encoding="utf-8", newline="") as file:
        rejected = list(csv.DictReader(file))
    assert [list(row) for row in rejected[:1]] == [["file", "line", "column", "reason"]]
    assert [int(row["line"]) for row in rejected] == list(range(2, spoilt + 2))
    assert "ninety-nine" not in (out / "rejected.csv").read_text(encoding="utf-8") + told.err
    assert {name: content for name, content in contents(out).items() if name != "rejected.csv"} == contents(
        found
    )

    assert ringfence("detect", "-i", marketplace, "-o", out, "--links").code == 0
    assert stable(out) == stable(found)


def test_too_many_bad_rows_leave_their_account_where_no_run_was(
    ringfence: Command, marketplace: Path, tmp_path: Path
) -> None:
    spoil_amounts(marketplace, tmp_path / "bad", 0.05)
    out = tmp_path / "run"
    assert ringfence("detect", "-i", tmp_path / "bad", "-o", out).code == 1
    assert list(contents(out)) == ["rejected.csv"]
    assert ringfence("detect", "-i", tmp_path / "bad", "-o", out, "--max-rejected", "0.06").code == 0
    assert "rejected.csv" in contents(out)
    assert ringfence("detect", "-i", marketplace, "-o", out).code == 0
    assert "rejected.csv" not in contents(out)


def test_a_few_bad_rows_are_told_and_the_rest_is_used(
    ringfence: Command, marketplace: Path, tmp_path: Path
) -> None:
    spoilt = spoil_amounts(marketplace, tmp_path / "bad", 0.005)
    out = tmp_path / "run"
    told = ringfence("detect", "-i", tmp_path / "bad", "-o", out, "--quiet")
    assert told.code == 0
    assert f"warning: {spoilt} rows were rejected; {out / 'rejected.csv'} says where and why" in told.err


def test_columns_that_are_not_known_are_named_in_one_warning(
    ringfence: Command, marketplace: Path, tmp_path: Path
) -> None:
    header, *lines = lines_of(marketplace)
    (tmp_path / "claims.csv").write_text(
        "\n".join([f"{header},mood,weather", *(f"{line},good,fair" for line in lines)]), encoding="utf-8"
    )
    told = ringfence("detect", "-i", tmp_path / "claims.csv", "-o", tmp_path / "run", "--quiet")
    assert told.code == 0
    (warning,) = told.err.splitlines()
    assert warning == "warning: claims.csv: unknown columns ignored: mood, weather"


def test_a_full_disk_fails_in_one_line_and_the_former_run_stays(
    marketplace: Path, found: Path, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    shutil.copytree(found, out)
    told = run_process("20000", "detect", "-i", marketplace, "-o", out, program=FULL)
    assert told.code == 1
    assert len(refusals(told)) == 1
    assert str(out) in refusals(told)[0]
    assert contents(out) == contents(found)


def test_a_full_disk_leaves_no_half_of_a_marketplace(tmp_path: Path) -> None:
    told = run_process("20000", "generate", tmp_path / "made", "--buyers", "500", program=FULL)
    assert told.code == 1
    assert len(refusals(told)) == 1
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_made_fails_in_one_line(
    ringfence: Command, marketplace: Path, found: Path, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    inside = tmp_path / "file" / "run"
    for arguments in (
        ("detect", "-i", marketplace, "-o", inside),
        ("generate", inside, "--buyers", "500"),
        ("rings", "export", "--run", found, "-f", "csv", "-o", inside),
    ):
        told = ringfence(*arguments)
        assert told.code == 1
        (line,) = refusals(told)
        assert "file" in line
        assert "read claims.csv" not in told.err


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """Let nobody write into a folder: for root, who may write anywhere, by mounting it read-only."""
    if os.geteuid() == 0:
        subprocess.run(["mount", "--bind", folder, folder], check=True)
        subprocess.run(["mount", "-o", "remount,bind,ro", folder], check=True)
    else:
        folder.chmod(0o500)
    try:
        yield
    finally:
        if os.geteuid() == 0:
            subprocess.run(["umount", folder], check=True)
        else:
            folder.chmod(0o700)


def test_a_read_only_folder_fails_in_one_line_and_the_former_run_stays(
    ringfence: Command, marketplace: Path, found: Path, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    shutil.copytree(found, out)
    with read_only(out):
        told = ringfence("detect", "-i", marketplace, "-o", out)
    assert told.code == 1
    assert len(refusals(told)) == 1
    assert contents(out) == contents(found)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (UnavailableError("the disk is full"), 1),
        (ForbiddenError("not yours"), 1),
        (NotFoundError("no such ring"), 2),
        (InvalidError("no reason"), 2),
        (ConflictError("changed meanwhile"), 2),
        (LeaseHeldError(Lease(LeaseName.DETECT, 1), Holder("here", 1, "once"), 9.0), 4),
        (LeaseLostError(LeaseName.DETECT), 4),
    ],
)
def test_each_kind_of_refusal_has_its_exit_code(error: RingfenceError, code: int) -> None:
    assert exit_code(error) == code
